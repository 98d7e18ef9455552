//! Answers from before and after a round of collection (rule 13; `docs/decisions/0005-collection-rounds-are-lines-in-time.md`).
//!
//! What was read before a round may hold what the round has pruned from what was read after it, and
//! the two merged would bring it back into the answer.

use super::Get;
use crate::collection::Round;

impl Get {
    /// The latest round at which something was heard, if anything that was read before it is not
    /// what was read at it. None if all was asked for at that round: then who answers from before it
    /// does not know that wish, and is taken as it is.
    pub(super) fn crossed_round(&self) -> Option<Round> {
        let latest = self.replies.heard().map(|(_, round, _)| round).max()?;
        if latest <= self.at_least {
            return None;
        }
        let is_known_at_latest = |digest| {
            let mut at_latest = self.replies.heard().filter(|(_, round, _)| *round == latest);
            at_latest.any(|(_, _, heard)| heard.digest() == Some(digest))
        };
        let earlier = self.replies.heard().filter(|(_, round, _)| *round < latest);
        let mut seen = earlier.filter_map(|(_, _, heard)| heard.digest());
        seen.any(|digest| !is_known_at_latest(digest)).then_some(latest)
    }
}
