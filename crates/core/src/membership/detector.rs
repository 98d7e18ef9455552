//! Phi accrual failure detection, for each peer and for each direction.
//!
//! The paper, 4.8.3: a purely local notion of failure, which drives routing and never ownership
//! (rule 18). Suspicion is a number that grows with silence (Hayashibara et al., "The φ Accrual
//! Failure Detector", 2004): phi = -log10 of the probability that a living peer is silent for so
//! long.
//!
//! What is done otherwise than in that text, and why:
//! - Intervals are taken as exponential, not normal (as Cassandra does): phi = silence / mean ·
//!   log10 e. Delays between machines have heavy tails, of which a normal model raises false
//!   alarms. The price is a slow alarm (about 18 intervals at phi 8). It is small here, since a
//!   request that waits in vain, or a connection that breaks, counts at once
//!   ([`Detector::suspect`]).
//! - Only heartbeats are samples. Other messages come in bursts and would teach the model that
//!   milliseconds of silence are suspicious; they only end the silence.
//! - There is a detector for "it hears me" as well, fed by the echo in the peer's heartbeats, so
//!   that a path that is broken one way is noticed at both of its ends.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Instant;
use crate::view::Suspicion;

/// How many intervals are remembered.
const WINDOW: usize = 100;
/// An interval counts for at most so many expected ones: one long outage must not make the
/// detector sleepy for the next hundred heartbeats.
const LONGEST_SAMPLE: u32 = 5;

/// The silence of one direction.
#[derive(Clone, Debug)]
struct Silence {
    /// How long an interval should be. The estimate never falls below it, so that a burst of
    /// delayed heartbeats makes nobody nervous.
    expected: Duration,
    samples: VecDeque<Duration>,
    sum: Duration,
    last_beat: Option<Instant>,
    last_sign: Instant,
}

impl Silence {
    fn new(expected: Duration, now: Instant) -> Self {
        let samples = VecDeque::with_capacity(WINDOW);
        Self { expected, samples, sum: Duration::ZERO, last_beat: None, last_sign: now }
    }

    fn beat(&mut self, now: Instant) {
        if let Some(last) = self.last_beat {
            self.remember(now.since(last).min(self.expected * LONGEST_SAMPLE));
        }
        self.last_beat = Some(now);
        self.sign(now);
    }

    fn remember(&mut self, sample: Duration) {
        if self.samples.len() == WINDOW
            && let Some(oldest) = self.samples.pop_front()
        {
            self.sum -= oldest;
        }
        self.samples.push_back(sample);
        self.sum += sample;
    }

    fn sign(&mut self, now: Instant) {
        self.last_sign = self.last_sign.max(now);
    }

    /// After a break of which the cause is known, the time until the next beat says nothing.
    fn restart(&mut self, now: Instant) {
        self.last_beat = None;
        self.sign(now);
    }

    /// So much of the silence was this node's own.
    fn forgive(&mut self, now: Instant, pause: Duration) {
        self.last_beat = None;
        self.last_sign = self.last_sign.after(pause).min(now);
    }

    /// Beats come every so often from now on. Samples of shorter intervals do no harm: the estimate
    /// never falls below what is expected.
    const fn expect_every(&mut self, interval: Duration) {
        self.expected = interval;
    }

    /// The mean interval. One assumed interval of twice the expected length stands for what is not
    /// known yet and fades as samples come in.
    fn mean(&self) -> Duration {
        let count = u32::try_from(self.samples.len()).expect("the window is bounded") + 1;
        ((self.sum + self.expected * 2) / count).max(self.expected)
    }

    fn phi(&self, now: Instant) -> f64 {
        let silence = now.since(self.last_sign).as_secs_f64();
        silence / self.mean().as_secs_f64() * std::f64::consts::LOG10_E
    }
}

/// What one node makes of one peer.
#[derive(Clone, Debug)]
pub struct Detector {
    /// How long it was not heard.
    heard: Silence,
    /// How long it gave no proof of hearing this node.
    hears: Silence,
    /// The peer's last sequence, to be echoed to it.
    sequence: u64,
    /// The last of this node's sequences that it has echoed.
    echo: u64,
    /// Suspected for a reason of its own, until it echoes this sequence or a later one.
    suspected_until_echo: Option<u64>,
    last_heard: Option<Instant>,
}

impl Detector {
    /// A peer that is to be heard from now on, every `interval`.
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self {
            heard: Silence::new(interval, now),
            hears: Silence::new(interval, now),
            sequence: 0,
            echo: 0,
            suspected_until_echo: None,
            last_heard: None,
        }
    }

    /// The peer sends a heartbeat every `interval` from now on.
    pub const fn expect_every(&mut self, interval: Duration) {
        self.heard.expect_every(interval);
        self.hears.expect_every(interval);
    }

    /// The peer's heartbeat. One that was overtaken by a later one only proves that it lives.
    pub fn heartbeat(&mut self, now: Instant, sequence: u64, echo: u64) {
        self.message(now);
        if sequence > self.sequence {
            self.sequence = sequence;
            self.heard.beat(now);
        }
        if echo > self.echo {
            self.echo = echo;
            self.hears.beat(now);
        }
        if self.suspected_until_echo.is_some_and(|wanted| self.echo >= wanted) {
            self.suspected_until_echo = None;
        }
    }

    /// Any other message of the peer.
    pub fn message(&mut self, now: Instant) {
        self.heard.sign(now);
        self.last_heard = Some(now);
    }

    /// A handshake with the peer has ended well: both directions work.
    pub fn handshake(&mut self, now: Instant) {
        self.heard.restart(now);
        self.hears.restart(now);
        self.last_heard = Some(now);
        self.suspected_until_echo = None;
    }

    /// Somebody waited for the peer in vain, or its connection broke. It counts at once, and until
    /// the peer has echoed `next_sequence`, the next heartbeat that it will be sent: a message
    /// from it alone would not prove that requests reach it.
    pub fn suspect(&mut self, next_sequence: u64) {
        self.suspected_until_echo.get_or_insert(next_sequence);
    }

    /// This node itself was paused: so much of the silence was its own. The rest was not: a peer
    /// that was held to be down before is so still, and one that has died is noticed also by a
    /// node that is paused again and again.
    pub fn forgive(&mut self, now: Instant, pause: Duration) {
        self.heard.forgive(now, pause);
        self.hears.forgive(now, pause);
    }

    /// Suspicion, the worse of both directions; grows without bound with silence.
    pub fn phi(&self, now: Instant) -> f64 {
        self.heard.phi(now).max(self.hears.phi(now))
    }

    /// What is to be thought of the peer; none if it is trusted.
    pub fn suspicion(&self, now: Instant, threshold: f64) -> Option<Suspicion> {
        if self.phi(now) > threshold {
            return Some(Suspicion::Down);
        }
        self.suspected_until_echo.map(|_| Suspicion::Doubted)
    }

    /// Whether it is suspected for a reason other than its silence.
    pub const fn is_doubted(&self) -> bool {
        self.suspected_until_echo.is_some()
    }

    /// The peer's last sequence: what this node's heartbeats echo.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was last heard; none if it never was.
    pub const fn last_heard(&self) -> Option<Instant> {
        self.last_heard
    }
}

#[cfg(test)]
mod tests;
