//! A listing of one partition: R replicas are asked for a page, and the pages are merged.
//!
//! A page ends at the horizon that all of its replicas have reached, so that no key is passed over
//! which only one of them has.

use std::collections::BTreeMap;

use crate::effect::Timer;
use crate::identity::NodeId;
use crate::message::ShardMessage;
use crate::request::{ListEntry, ListOrder, ListPage, ListPosition, RequestError};
use crate::ring::Ring;
use crate::store::ReadStore;

use super::peers::Lot;
use super::readers::Readers;
use super::tally::{Needs, Role, Tally, Verdict};
use super::{Frame, Turn};

/// A listing that is under way.
#[derive(Clone, Debug)]
pub struct List {
    frame: Frame,
    order: ListOrder,
    tally: Tally,
    pages: Vec<ListPage>,
    spare: Vec<NodeId>,
}

/// How a step of a listing went.
#[derive(Debug)]
pub enum ListProgress {
    /// It waits for answers.
    Waiting,
    /// It has ended.
    Finished(Result<ListPage, RequestError>),
}

impl List {
    /// Asks the first R replicas.
    pub fn start<S: ReadStore>(
        frame: Frame,
        order: ListOrder,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Result<(Self, ListProgress), RequestError> {
        let properties = turn.view.bucket(&order.bucket);
        let reads = turn.view.placement(ring, order.partition, None).reads;
        let primaries = reads.primaries(order.partition, properties.fixed.n);
        let quorum = properties.read_quorum(primaries.len() as u8, &order.quorum)?;
        let needs = Needs::from(quorum);
        let by_turns = (primaries, Lot::from(order.partition));
        let Readers { first, spare } = Readers::choose(by_turns, &[], needs, turn)?;
        let mut list = Self { frame, order, tally: Tally::new(needs), pages: Vec::new(), spare };
        for node in first {
            list.ask(node, ring, turn);
        }
        turn.set_timer(frame.deadline.at(), Timer::Deadline(frame.id));
        let progress = list.settle(ring, turn);
        Ok((list, progress))
    }

    fn ask<S: ReadStore>(&mut self, node: NodeId, ring: &Ring, turn: &mut Turn<'_, S>) {
        self.tally.ask(node, Role::Primary);
        if node != turn.view.me {
            let (request, order) = (self.frame.id, self.order.clone());
            turn.send(node, ShardMessage::List { request, ring: ring.version, order });
            return;
        }
        if !turn.standing.counts(self.order.partition) {
            return self.tally.failed(node);
        }
        match turn.replica.list(ring.partitions, &self.order, turn.store) {
            Ok(page) => self.take(node, page),
            Err(_) => self.tally.failed(node),
        }
    }

    fn take(&mut self, from: NodeId, page: ListPage) {
        if self.tally.awaits(from) {
            self.tally.received(from);
            self.pages.push(page);
        }
    }

    /// A replica has answered; none if it can't tell.
    pub fn on_listed<S: ReadStore>(
        &mut self,
        from: NodeId,
        page: Option<ListPage>,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> ListProgress {
        match page {
            Some(page) => self.take(from, page),
            None => self.tally.failed(from),
        }
        self.settle(ring, turn)
    }

    /// A replica can't be reached.
    pub fn on_unreachable<S: ReadStore>(
        &mut self,
        peer: NodeId,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> ListProgress {
        self.tally.failed(peer);
        self.settle(ring, turn)
    }

    /// The deadline has passed.
    pub fn on_deadline(&self) -> ListProgress {
        ListProgress::Finished(Err(self.shortfall()))
    }

    fn settle<S: ReadStore>(&mut self, ring: &Ring, turn: &mut Turn<'_, S>) -> ListProgress {
        loop {
            match self.tally.verdict() {
                Verdict::Enough => {
                    let pages = std::mem::take(&mut self.pages);
                    return ListProgress::Finished(Ok(merge_pages(pages, self.order.limit)));
                }
                Verdict::Waiting => return ListProgress::Waiting,
                Verdict::Impossible if self.spare.is_empty() => {
                    return ListProgress::Finished(Err(self.shortfall()));
                }
                Verdict::Impossible => {
                    let next = self.spare.remove(0);
                    self.ask(next, ring, turn);
                }
            }
        }
    }

    fn shortfall(&self) -> RequestError {
        RequestError::ReadTimeout {
            needed: self.tally.needs().total,
            answered: self.pages.len() as u8,
        }
    }
}

/// The union of pages that begin at one position, up to where all of them have got.
fn merge_pages(pages: Vec<ListPage>, limit: u32) -> ListPage {
    let horizon: Option<ListPosition> = pages.iter().filter_map(|page| page.next.clone()).min();
    let mut entries: BTreeMap<ListPosition, ListEntry> = BTreeMap::new();
    for entry in pages.into_iter().flat_map(|page| page.entries) {
        if horizon.as_ref().is_some_and(|horizon| entry.position > *horizon) {
            continue;
        }
        match entries.get_mut(&entry.position) {
            None => {
                entries.insert(entry.position.clone(), entry);
            }
            Some(known) => {
                known.outline = std::mem::take(&mut known.outline).merge(entry.outline);
            }
        }
    }
    let mut entries: Vec<ListEntry> = entries.into_values().collect();
    let mut next = horizon;
    let limit = (limit as usize).max(1);
    if entries.len() > limit {
        entries.truncate(limit);
        next = entries.last().map(|entry| entry.position.clone());
    }
    ListPage { entries, next }
}

#[cfg(test)]
mod tests;
