//! The language of the scripts: one command a line, `#` for prose, `>` for what came of it.
//!
//! ```text
//! nodes 3 [replicas 1]           three members, of which the first (three) are the primaries of everything
//! put n1 carts/a apple [ctx=X] [w=2 ...] [strict] [as Y]    a client's put through n1; its context is kept as Y
//! get n1 carts/a [r=2 ...] [as X]                  and of a get as X
//! delete n1 carts/a [ctx=X]
//! list n1 carts                  the keys of a bucket's first partition that has any
//! deliver [n1>n2]                all messages on their way (or of one link), and what they cause
//! drop n1>n2                     loses the messages on that link
//! repeat n1>n2                   delivers them and keeps them: duplicates
//! sync [n1]                      batches reach the disk (of one node, or of all)
//! down n1 / up n1                its connections break / are made again
//! restart n1                     kill -9: what was not synced is lost, actor ids are fresh
//! started n1                     its background work begins
//! lose n1                        kill -9, and its store is gone; background work begins
//! ring n3 n1 n2 n4               n3 alone learns of the next ring, in which these are the primaries
//! round n1 7                     it is told that a round of collection has begun
//! disk n1 reserve                only the reserve of its disk is left; `enough`: there is room again
//! hints 1                        nodes started from now on hold no more hints than this
//! wait 50                        milliseconds pass; timers come due
//! ```

use super::rig::Rig;

/// Runs a script and writes it down again with what happened now.
pub(super) fn run(script: &str) -> String {
    let mut rig = Rig::default();
    let mut told = String::new();
    for line in script.lines().filter(|line| !line.starts_with('>')) {
        told.push_str(line);
        told.push('\n');
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        rig.command(&words);
        for event in rig.take_trace() {
            told.push_str("> ");
            told.push_str(&event);
            told.push('\n');
        }
    }
    told
}
