//! What each node of the preference list has of an object, side by side.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use maud::{Markup, html};
use stator_client::{EntryDocument, ReplicaDocument, StateDocument, VersionDocument};
use stator_core::membership::admin::{ClusterStatus, MemberStatus};
use stator_core::object::ObjectKey;

use super::super::super::front::Front;
use super::super::super::problem::{Problem, kind};
use super::super::{show, survey};
use crate::locate::{Located, Place};

/// Of a value beside others at most so many bytes are shown.
const PREVIEW: usize = 160;
/// Of a version vector at most so many entries.
const ENTRIES: usize = 12;

/// A node of the list, and what it has.
struct Side<'a> {
    place: &'a Place,
    role: String,
    said: Result<ReplicaDocument, String>,
}

pub(super) async fn by_side(front: &Front, key: &ObjectKey) -> Result<Markup, Problem> {
    let Some(located) = Located::of(&front.backend.view(), key) else {
        let detail = "this node knows no ring yet: look at the page of a member";
        return Err(Problem::new(kind::NOT_MEMBER, detail));
    };
    let cluster = survey::cluster(front).await?;
    let roles = (1..).map(|number| format!("replica {number}"));
    let primaries = located.primaries.iter().zip(roles);
    let fallbacks = (1..).map(|number| format!("fallback {number}"));
    let all = primaries.chain(located.fallbacks.iter().zip(fallbacks));
    let asked = all.map(async |(place, role)| {
        let said = match cluster.members.iter().find(|m| m.id.to_string() == place.id) {
            Some(member) => survey::replica(front, member, key).await,
            None => Err("it is not known".to_owned()),
        };
        Side { place, role, said }
    });
    let sides = join_all(asked).await;
    let names = States::of(&sides);
    let replicas = located.primaries.len();
    Ok(html! {
        p {
            "MD5 " code class="token" { (located.token) } ", "
            a href={ "/console?partition=" (located.partition.get()) } { "partition " (located.partition.get()) }
            " of ring " (located.ring.0) ". " (verdict(&sides[..replicas]))
        }
        div class="sides" { @for side in &sides { (card(&cluster, side, &names)) } }
    })
}

/// Letters for the different states that there are, in the order in which they are met.
struct States(Vec<String>);

impl States {
    fn of(sides: &[Side<'_>]) -> Self {
        let mut seen = Vec::new();
        for side in sides {
            let Ok(said) = &side.said else { continue };
            let held = said.hints.iter().map(|hint| &hint.state);
            for state in said.state.iter().chain(held) {
                if !seen.contains(&state.digest) {
                    seen.push(state.digest.clone());
                }
            }
        }
        Self(seen)
    }

    fn letter(&self, state: &StateDocument) -> char {
        let place = self.0.iter().position(|digest| *digest == state.digest).unwrap_or(0);
        char::from_u32('A' as u32 + place.min(25) as u32).unwrap_or('?')
    }
}

/// Whether those replicas that could be asked have the same.
fn verdict(sides: &[Side<'_>]) -> Markup {
    let known: Vec<_> = sides.iter().filter_map(|side| side.said.as_ref().ok()).collect();
    let digest = |said: &ReplicaDocument| said.state.as_ref().map(|state| state.digest.clone());
    let same = known.windows(2).all(|pair| digest(pair[0]) == digest(pair[1]));
    let nothing = known.iter().all(|said| said.state.is_none());
    let all = known.len() == sides.len();
    html! {
        @if known.is_empty() { span class="badge down" { "no replica could be asked" } }
        @else if !same { span class="badge down" { "replicas differ" } }
        @else if nothing { span class="badge" { "no replica has it" } }
        @else if all { span class="badge up" { "all replicas agree" } }
        @else { span class="badge joining" { (known.len()) " of " (sides.len()) " asked, and they agree" } }
    }
}

fn card(cluster: &ClusterStatus, side: &Side<'_>, names: &States) -> Markup {
    let place = side.place;
    let member = cluster.members.iter().find(|member| member.id.to_string() == place.id);
    let colour = member.map(|member: &MemberStatus| show::colour(&cluster.members, member.id));
    html! {
        section class="card" {
            h3 {
                span class={ "swatch " (colour.unwrap_or_default()) } {} (place.name) " "
                span class="quiet" { (side.role) } " "
                (show::badge(place.state))
            }
            @match &side.said {
                Err(why) => p class="bad" { "not asked: " (why) },
                Ok(said) => {
                    @if let Some(why) = &said.unreadable { p class="bad" { "can’t be read: " (why) } }
                    @match &said.state {
                        Some(state) => (told(state, names)),
                        None if said.unreadable.is_none() => p class="quiet" { "has never seen it" },
                        None => {},
                    }
                    @if said.is_replica && !said.counts {
                        p class="bad" { "does not count in reads until it is refilled" }
                    }
                    @for hint in &said.hints {
                        h4 { "keeps a hint for " (hint.owner) }
                        (told(&hint.state, names))
                    }
                },
            }
        }
    }
}

fn told(state: &StateDocument, names: &States) -> Markup {
    let shown = state.siblings.len() as u64;
    html! {
        p {
            span class={ "state s" (names.letter(state)) } { "state " (names.letter(state)) } " "
            code title="digest" { (show::short(&state.digest)) } " "
            span class="quiet" { (show::bytes(state.bytes)) @if state.conflicts == "lww" { ", last write wins" } }
        }
        @if state.siblings_count == 0 { p class="quiet" { "no version is left" } }
        @else if state.siblings_count > 1 { p class="warn" { (state.siblings_count) " siblings" } }
        @for version in &state.siblings { (one_version(version)) }
        @if shown < state.siblings_count { p class="quiet" { "… and " (state.siblings_count - shown) " more" } }
        p class="vector" {
            span class="quiet" { "has seen " }
            @for entry in state.vector.iter().take(ENTRIES) { (dot(entry)) " " }
            @if state.vector.len() > ENTRIES { "… " (state.vector.len() - ENTRIES) " more" }
        }
    }
}

fn one_version(version: &VersionDocument) -> Markup {
    let bytes = version.value.as_deref().and_then(|text| STANDARD.decode(text).ok());
    let bytes = bytes.unwrap_or_default();
    html! {
        div class="version" {
            @if version.deleted { p class="quiet" { "tombstone" } }
            @else { (show::value(&bytes[..bytes.len().min(PREVIEW)], version.bytes as usize)) }
            p class="quiet" {
                (dot(&version.dot)) " " time { (version.written_at.get(..19).unwrap_or_default().replace('T', " ")) }
                @if let Some(expiry) = &version.expires_at { ", expires " (expiry.get(..19).unwrap_or_default().replace('T', " ")) }
            }
        }
    }
}

fn dot(entry: &EntryDocument) -> Markup {
    html! { code class="dot" title=(entry.actor) { (entry.actor.get(..4).unwrap_or_default()) ":" (entry.counter) } }
}
