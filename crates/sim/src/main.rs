//! `stator-sim`: runs simulated clusters, one seed or many, and tells what must not be.

use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stator_core::membership::MembershipConfig;
use stator_core::token::PartitionCount;
use stator_sim::balance::command::Balance;
use stator_sim::detect::delays::Delays;
use stator_sim::detect::links::Order;
use stator_sim::detect::study::{Row, Study};
use stator_sim::explore::findings::Exploration;
use stator_sim::explore::scenario::Scope as SmallWorlds;
use stator_sim::explore::search;
use stator_sim::planning::{self, Planned};
use stator_sim::report::{Report, Totals};
use stator_sim::scale::command::Scale;
use stator_sim::seeds::range as seeds;
use stator_sim::staleness::command::Staleness;
use stator_sim::story::tell;
use stator_sim::sweep::Sweep;
use stator_sim::tracer::Keep;
use stator_sim::world::{Life, Scope, run};

/// Whole clusters in a box: the production core under virtual time, with seeded faults.
#[derive(Parser)]
#[command(name = "stator-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One seed.
    Run {
        /// The seed that everything is drawn from.
        #[arg(long)]
        seed: u64,
        #[command(flatten)]
        common: Common,
        /// Prints every event.
        #[arg(long)]
        trace: bool,
    },
    /// Many seeds, on all cores; exit status 1 on a violation.
    Sweep {
        /// The seeds, as A..B; B is excluded.
        #[arg(long, value_parser = seeds)]
        seeds: Range<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// Every interleaving of small worlds; exit status 1 on a violation.
    Explore(Explore),
    /// How soon dead peers are noticed and how often live ones are taken for dead, for delays with
    /// heavy tails; exit status 1 if one was never noticed.
    Detect(Detect),
    /// How evenly three ways to place replicas spread the load, for how much every node must know
    /// (the paper's figure 8).
    Balance(Balance),
    /// How long it takes to plan a large ring, and how many replicas each change moves.
    Plan(Plan),
    /// What grows with the number of nodes: what they say to each other, and what they can serve.
    Scale(Scale),
    /// How stale reads are, beside how stale the nodes say that they are; exit status 1 if the two
    /// differ by more than chance and a fifth.
    Staleness(Staleness),
}

#[derive(Args)]
struct Plan {
    /// How many nodes.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=1000))]
    nodes: u16,
    /// In how many zones.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    zones: u16,
    /// How many partitions; a power of two.
    #[arg(long, default_value_t = 4096)]
    partitions: u32,
}

#[derive(Args)]
struct Detect {
    /// How many nodes.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..))]
    nodes: u16,
    /// For how many simulated minutes false alarms are counted, for each seed and setting.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// The seeds, as A..B; B is excluded.
    #[arg(long, value_parser = seeds, default_value = "0..10")]
    seeds: Range<u64>,
    /// How many nodes die, and how many links are cut one way, for each seed and setting.
    #[arg(long, default_value_t = 10)]
    deaths: u32,
    /// Thresholds of phi.
    #[arg(long, value_delimiter = ',', default_values_t = [4.0, MembershipConfig::PHI_THRESHOLD, 12.0])]
    phi: Vec<f64>,
    /// Distributions of delays; all of them if absent.
    #[arg(long, value_delimiter = ',', value_parser = delays)]
    delays: Vec<Delays>,
    /// How many of a hundred frames are lost.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 10],
          value_parser = clap::value_parser!(u32).range(..=100))]
    lost: Vec<u32>,
    /// Frames overtake each other, as datagrams do and frames of one connection do not.
    #[arg(long)]
    overtaking: bool,
    /// One line of JSON per setting.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Explore {
    /// How large the worlds are.
    #[arg(long, value_enum, default_value_t = Size::Small)]
    scope: Size,
    /// Stop after so many states of all worlds together; each gets its share, and what one leaves
    /// goes to the next.
    #[arg(long)]
    max_states: Option<u64>,
    /// One line of JSON per world, sums last.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    /// Two writes, with one crash or one lost message.
    Small,
    /// Three puts and a delete, with a crash and a lost message together.
    Wide,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lives {
    /// All faults every few seconds, clients of every habit: finds what is wrong.
    Swarm,
    /// Carts at one call a second, and the failures of machines and networks: shows how available
    /// the cluster is. A month is `--seeds 0..30 --minutes 1440 --nodes 5`.
    Service,
    /// Two nodes lose what they have at once, which is more than can be survived: nobody may be told
    /// that there is nothing.
    TwoLosses,
    /// As swarm, without damaged objects, and operators who change the ring all the while
    Elastic,
}

impl From<Lives> for Life {
    fn from(life: Lives) -> Self {
        match life {
            Lives::Swarm => Self::Swarm,
            Lives::Service => Self::Service,
            Lives::TwoLosses => Self::TwoLosses,
            Lives::Elastic => Self::Elastic,
        }
    }
}

#[derive(Args)]
struct Common {
    /// For how many simulated minutes clients call and faults strike.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// How many nodes; drawn from the seed if absent.
    #[arg(long)]
    nodes: Option<usize>,
    /// What happens to them.
    #[arg(long, value_enum, default_value_t = Lives::Swarm)]
    life: Lives,
    /// One line of JSON per run, totals last.
    #[arg(long)]
    json: bool,
}

fn delays(name: &str) -> Result<Delays, String> {
    let names = Delays::ALL.map(Delays::name).join(", ");
    Delays::named(name).ok_or_else(|| format!("{name:?} is none of {names}"))
}

fn main() -> ExitCode {
    // One clock, read here: what a sweep took. No world sees it.
    let started = std::time::Instant::now();
    let (totals, json) = match Cli::parse().command {
        Command::Run { seed, common, trace } => (run_one(seed, &common, trace), common.json),
        Command::Sweep { seeds, common } => (run_many(seeds, &common), common.json),
        Command::Explore(asked) => return explore(&asked),
        Command::Detect(asked) => return detect(asked),
        Command::Balance(asked) => return ended(asked.run(print)),
        Command::Plan(asked) => return time_plans(&asked),
        Command::Scale(asked) => {
            asked.run(print);
            return ExitCode::SUCCESS;
        }
        Command::Staleness(asked) => {
            return if asked.run(print) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    let took = started.elapsed().max(Duration::from_micros(1));
    let last = if json { totals.json(took).to_string() } else { totals.text(took) };
    print(&last);
    if totals.is_failure() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn explore(asked: &Explore) -> ExitCode {
    let scope = match asked.scope {
        Size::Small => SmallWorlds::Small,
        Size::Wide => SmallWorlds::Wide,
    };
    let started = std::time::Instant::now();
    let mut sums = Exploration::new(scope);
    let scenarios = scope.scenarios();
    for (place, scenario) in scenarios.iter().enumerate() {
        let began = std::time::Instant::now();
        let left = (scenarios.len() - place) as u64;
        let most = asked.max_states.map(|most| most.saturating_sub(sums.states()) / left);
        let findings = search::explore(scenario, most.unwrap_or(u64::MAX));
        sums.add(&findings);
        let took = began.elapsed();
        print(&if asked.json { findings.json(took).to_string() } else { findings.text(took) });
        if let Some(found) = &findings.counterexample {
            // Nothing can be done about a standard error that is closed.
            let _ = write!(std::io::stderr(), "{}", found.text(&findings.scenario));
        }
    }
    let took = started.elapsed();
    print(&if asked.json { sums.json(took).to_string() } else { sums.text(took) });
    if sums.is_failure() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn detect(asked: Detect) -> ExitCode {
    let all = asked.delays.is_empty().then(|| Delays::ALL.to_vec());
    let study = Study {
        seeds: asked.seeds,
        nodes: usize::from(asked.nodes),
        quiet: Duration::from_mins(asked.minutes),
        deaths: asked.deaths,
        thresholds: asked.phi,
        delays: all.unwrap_or(asked.delays),
        lost_percents: asked.lost,
        order: if asked.overtaking { Order::Overtaking } else { Order::Kept },
    };
    if !asked.json {
        print(&Row::head());
    }
    let never =
        study.run(|row| print(&if asked.json { row.json().to_string() } else { row.text() }));
    if never > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What a command that writes files ends with.
fn ended(result: std::io::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr(), "the file can't be written: {error}");
    ExitCode::FAILURE
}

fn time_plans(asked: &Plan) -> ExitCode {
    let partitions = match PartitionCount::new(asked.partitions) {
        Ok(partitions) => partitions,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            return ExitCode::FAILURE;
        }
    };
    print(&format!("{:<31} {:>9} {:>7} {:>13}", "", "ms", "moves", "off by weight"));
    let scope = planning::Scope { nodes: asked.nodes, zones: asked.zones, partitions };
    scope.run(|step| {
        let began = std::time::Instant::now();
        let plan = step.plan();
        let took = began.elapsed().as_secs_f64() * 1000.0;
        let Planned { plan, off_weight } = Planned::of(plan);
        print(&format!("{:<31} {took:>9.1} {:>7} {off_weight:>13.2}", step.name, plan.moves.len()));
        plan
    });
    ExitCode::SUCCESS
}

fn run_one(seed: u64, common: &Common, trace: bool) -> Totals {
    let keep = if trace { Keep::All } else { Keep::Hash };
    let scope = Scope {
        seed,
        minutes: common.minutes,
        nodes: common.nodes,
        pace: None,
        life: common.life.into(),
        keep,
    };
    let mut aftermath = run(scope);
    for line in std::mem::take(&mut aftermath.trace) {
        print(&line);
    }
    let report = Report::of(seed, &aftermath);
    let mut totals = Totals::of(scope.life);
    totals.add(&report);
    show(&report, scope, common.json);
    totals
}

fn run_many(seeds: Range<u64>, common: &Common) -> Totals {
    let sweep =
        Sweep { seeds, minutes: common.minutes, nodes: common.nodes, life: common.life.into() };
    sweep.run(|report| show(report, sweep.scope(report.seed), common.json))
}

/// Prints a run's report; the story of its first violation goes to standard error.
fn show(report: &Report, scope: Scope, json: bool) {
    print(&if json { report.json().to_string() } else { report.text() });
    if let Some(first) = report.violations.first() {
        let story = tell(Scope { keep: Keep::Hash, ..scope }, first);
        let rest = report.violations.iter().skip(1).take(10);
        let others: Vec<String> = rest.map(|other| format!("also {other}\n")).collect();
        // Nothing can be done about a standard error that is closed.
        let _ = write!(std::io::stderr(), "{story}{}", others.concat());
    }
}

/// Prints a line; a reader that has gone away ends the program quietly.
fn print(text: &str) {
    if writeln!(std::io::stdout(), "{}", text.trim_end()).is_err() {
        std::process::exit(1);
    }
}
