//! The failure detector, measured: how soon a dead peer is noticed, and how often a live one is
//! taken for dead, when delays have heavy tails.
//!
//! The paper, 4.8.3: failure is a local notion that drives routing alone (rule 18), so a false
//! alarm costs hints and detours, never data, and a late one costs waiting in vain. How often and
//! how long is measured by the words of Chen, Toueg and Aguilera, "On the Quality of Service of
//! Failure Detectors" (2002): *detection time*, from a crash to the suspicion that lasts;
//! *mistake rate*, false alarms per hour in which one node watches one live peer (a peer-hour);
//! *mistake duration*.
//!
//! What runs is production's membership machine ([`stator_core::membership::Membership`]), whole:
//! heartbeats, echoes, phi of both directions, gossip. What is simulated is the network
//! ([`links`]) with delays of a named distribution ([`delays`]). The rule kept: silence is all
//! that the machines have to go by. In production a broken connection, or a request that waits
//! in vain, makes a peer doubted at once; here the machine has vanished without a word, nobody
//! calls, and nobody is told that a connection broke. That is the worst case.
//!
//! | module | holds |
//! | --- | --- |
//! | [`delays`] | the distributions |
//! | [`links`] | the network: loss, order, cuts |
//! | [`cluster`] | the machines under virtual time |
//! | [`verdicts`] | who holds whom to be down, and since when |
//! | [`run`] | one seed: a quiet time, deaths, one-way cuts |
//! | [`figures`] | what was measured, and its percentiles |
//! | [`study`] | all thresholds, distributions and rates of loss, over many seeds |

pub mod cluster;
pub mod delays;
pub mod figures;
pub mod links;
pub mod run;
pub mod study;
pub mod verdicts;

#[cfg(test)]
mod tests;
