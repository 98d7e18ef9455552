//! Where two trees differ, and what to do about it: pure comparisons, from the root downwards.

use std::collections::BTreeMap;

use crate::merkle::{BranchSet, FAN_OUT, LeafIndex, Tree, TreeSum};
use crate::message::LeafItem;
use crate::token::Token;

/// The branches whose sums differ; none if the peer did not send one sum for each.
pub(super) fn differing_branches(ours: &Tree, theirs: &[TreeSum]) -> Option<BranchSet> {
    if theirs.len() != FAN_OUT {
        return None;
    }
    let mut differing = BranchSet::default();
    for (branch, ours) in ours.branches().iter().enumerate() {
        if *ours != theirs[branch] {
            differing.insert(branch);
        }
    }
    Some(differing)
}

/// The leaves of these branches whose sums differ; none if the peer did not send one sum for each.
pub(super) fn differing_leaves(
    ours: &Tree,
    branches: BranchSet,
    theirs: &[TreeSum],
) -> Option<Vec<LeafIndex>> {
    if theirs.len() != branches.iter().count() * FAN_OUT {
        return None;
    }
    let leaves = branches.iter().flat_map(|branch| branch * FAN_OUT..(branch + 1) * FAN_OUT);
    let leaves = leaves.filter_map(|leaf| LeafIndex::new(leaf as u16));
    Some(
        leaves
            .zip(theirs)
            .filter(|(leaf, theirs)| ours.leaf(*leaf) != **theirs)
            .map(|(leaf, _)| leaf)
            .collect(),
    )
}

/// The objects of one token that are to be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pull {
    /// Their sum at the peer.
    pub(super) theirs: u64,
    /// Whether this node has anything of that token.
    pub(super) is_here: bool,
}

/// What differs in some leaves.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    /// Tokens whose objects the peer has otherwise than this node, or alone.
    pub(super) pull: BTreeMap<Token, Pull>,
    /// Tokens whose objects the peer has not.
    pub(super) push: Vec<Token>,
}

impl Differences {
    /// What has to be pushed so that the peer has all that is here, and nothing else.
    pub(super) fn one_way(mut self) -> Self {
        let both = self.pull.iter().filter(|(_, pull)| pull.is_here).map(|(token, _)| *token);
        self.push.extend(both);
        Self { pull: BTreeMap::new(), push: self.push }
    }
}

/// Compares what is in the same leaves on both sides.
pub(super) fn differences(ours: &[LeafItem], theirs: &[LeafItem]) -> Differences {
    let ours: BTreeMap<Token, u64> = ours.iter().map(|item| (item.token, item.sum)).collect();
    let theirs: BTreeMap<Token, u64> = theirs.iter().map(|item| (item.token, item.sum)).collect();
    let push = ours.keys().copied().filter(|token| !theirs.contains_key(token)).collect();
    let differ = theirs.into_iter().filter(|(token, sum)| ours.get(token) != Some(sum));
    let pull = differ.map(|(token, theirs)| {
        let is_here = ours.contains_key(&token);
        (token, Pull { theirs, is_here })
    });
    Differences { pull: pull.collect(), push }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(token: u128, sum: u64) -> LeafItem {
        LeafItem { token: Token::new(token), sum }
    }

    fn leaf(index: u16) -> LeafIndex {
        LeafIndex::new(index).expect("a leaf")
    }

    #[test]
    fn what_only_one_side_has_goes_one_way_and_what_differs_is_fetched_first() {
        let found = differences(
            &[item(1, 1), item(2, 2), item(3, 3)],
            &[item(2, 2), item(3, 33), item(4, 4)],
        );
        let otherwise = Pull { theirs: 33, is_here: true };
        let alone = Pull { theirs: 4, is_here: false };
        let pull = BTreeMap::from([(Token::new(3), otherwise), (Token::new(4), alone)]);
        assert_eq!(found.pull, pull);
        assert_eq!(found.push, [Token::new(1)]);
    }

    #[test]
    fn a_changed_leaf_is_found_through_its_branch() {
        let (mut ours, theirs) = (Tree::empty(), Tree::empty());
        ours.replace(leaf(70), TreeSum::default(), TreeSum::from_bits(7));
        let branches = differing_branches(&ours, &theirs.branches()).expect("one for each");
        assert_eq!(branches.iter().collect::<Vec<_>>(), [1]);
        let leaves = differing_leaves(&ours, branches, &theirs.leaves_of(1));
        assert_eq!(leaves, Some(vec![leaf(70)]));
    }

    #[test]
    fn answers_of_the_wrong_length_are_refused() {
        let ours = Tree::empty();
        assert_eq!(differing_branches(&ours, &[TreeSum::default(); 63]), None);
        assert_eq!(differing_leaves(&ours, BranchSet(0b11), &[TreeSum::default(); 64]), None);
    }
}
