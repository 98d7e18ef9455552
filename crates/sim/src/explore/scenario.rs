//! The small worlds that are explored: who calls what, and what may go wrong.

use stator_core::quorum::{Level, QuorumMode, QuorumOptions};

/// How large the worlds are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Two writes, with one crash or one lost message.
    Small,
    /// Three puts and a delete, with a crash and a lost message together.
    Wide,
}

impl Scope {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Wide => "wide",
        }
    }

    /// Its worlds.
    pub fn scenarios(self) -> Vec<Scenario> {
        match self {
            Self::Small => small(),
            Self::Wide => wide(),
        }
    }
}

/// What a client does next; nodes by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reads through this node.
    Get(usize),
    /// Stores a value through this node, knowing of nothing.
    PutBlindly(usize),
    /// Stores a value through this node with the context of its last get or put that succeeded.
    PutOver(usize),
    /// Deletes, through this node, whatever that reads.
    Delete(usize),
}

/// How often something may go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Nodes that crash.
    pub crashes: u8,
    /// Frames that are lost.
    pub losses: u8,
    /// Timers that fire although something else could still happen.
    pub early_timers: u8,
}

/// How the disks keep their word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disks {
    /// A sync has ended when everything committed before it is durable.
    #[default]
    Honest,
    /// They say so as soon as they begin: outside of every limit that Stator is made for. The
    /// checkers must find it.
    SayTooEarly,
}

/// One small world: three nodes, one key.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The scripts of its clients. A client's calls follow one another; those of different clients
    /// are concurrent.
    pub scripts: Vec<Vec<Step>>,
    /// What every call asks for.
    pub quorum: QuorumOptions,
    /// What may go wrong.
    pub budget: Budget,
    /// How the disks keep their word.
    pub disks: Disks,
}

const CRASH: Budget = Budget { crashes: 1, losses: 0, early_timers: 0 };
const LOSS: Budget = Budget { crashes: 0, losses: 1, early_timers: 0 };

/// Strict quorums, so that each read is held to what it must see: `r` + `dw` > 3.
fn strict(r: u8, w: u8) -> QuorumOptions {
    QuorumOptions {
        r: Some(Level::Count(r)),
        w: Some(Level::Count(w)),
        mode: Some(QuorumMode::Strict),
        ..QuorumOptions::default()
    }
}

fn small() -> Vec<Scenario> {
    use Step::{Get, PutBlindly, PutOver};
    let scripts = [
        ("two blind puts at two nodes", vec![vec![PutBlindly(0)], vec![PutBlindly(1)]]),
        ("two blind puts at one node", vec![vec![PutBlindly(0)], vec![PutBlindly(0)]]),
        ("a blind put, then another at the same node", vec![vec![PutBlindly(0), PutBlindly(0)]]),
        ("a put over a put, elsewhere", vec![vec![PutBlindly(0), PutOver(1)]]),
        (
            "a blind put beside a get and a put over it, elsewhere",
            vec![vec![PutBlindly(0)], vec![Get(1), PutOver(1)]],
        ),
    ];
    let mut scenarios = Vec::new();
    for (name, scripts) in scripts {
        for (fault, budget) in [("one crash", CRASH), ("one lost message", LOSS)] {
            scenarios.push(Scenario {
                name: format!("{name}; {fault}"),
                scripts: scripts.clone(),
                quorum: strict(2, 2),
                budget,
                disks: Disks::Honest,
            });
        }
    }
    scenarios
}

fn wide() -> Vec<Scenario> {
    use Step::{Delete, Get, PutBlindly, PutOver};
    let both = Budget { crashes: 1, losses: 1, early_timers: 0 };
    let doubt = Budget { early_timers: 1, ..both };
    let early = QuorumOptions { dw: Some(Level::One), ..strict(2, 2) };
    let rows = [
        (
            "three puts at three nodes and a delete",
            vec![vec![PutBlindly(0), PutOver(1)], vec![PutBlindly(2), Delete(0)]],
            (strict(2, 2), both),
        ),
        (
            "a put, a read and a put over it, beside a put and a delete, in doubt",
            vec![vec![PutBlindly(0), Get(1), PutOver(0)], vec![PutBlindly(1), Delete(2)]],
            (strict(2, 2), doubt),
        ),
        (
            "puts and a delete one after another, w=3",
            vec![vec![PutBlindly(0), PutOver(1), Delete(2), PutBlindly(0)]],
            (strict(1, 3), doubt),
        ),
        (
            "puts and a delete one after another, dw=1",
            vec![vec![PutBlindly(0), PutBlindly(1), Delete(0), PutOver(2)]],
            (early, both),
        ),
    ];
    let scenario = |(name, scripts, (quorum, budget)): (&str, _, _)| Scenario {
        name: format!("{name}; a crash and a lost message"),
        scripts,
        quorum,
        budget,
        disks: Disks::Honest,
    };
    rows.into_iter().map(scenario).collect()
}
