//! Measurements of a cluster that goes on while it loses nodes, stores and bytes, on real processes
//! of the `stator` binary on loopback. `docs/measurements.md` says what each measures.
//!
//! ```text
//! cargo bench --bench always_on -- SCENARIO [--seconds N] [--json] ...
//! ```
//!
//! What a scenario must show is judged as well: the exit status is 1 if it does not hold.

mod client_driven;
mod damaged;
mod doors;
mod elastic;
mod filling;
mod fleet;
mod listing;
mod load;
mod lost_store;
mod million_keys;
mod options;
mod primaries_dead;
#[path = "../../tests/stator/harness/process.rs"]
mod process;
mod replace;
mod report;
mod staleness;
mod tally;
mod two_of_five;
mod values;
mod weighing;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tokio::runtime::Runtime;

use options::{Options, Scenario};
use report::Report;

/// Why a measurement could not be made.
type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let options = Options::parse();
    let Some(scenario) = options.scenario else {
        // Whoever runs all benches, or builds and runs all targets as tests, did not mean these.
        eprintln!("{}", Options::command().render_long_help());
        return ExitCode::SUCCESS;
    };
    let runtime = Runtime::new().expect("threads");
    let mut report = Report::new(scenario.name());
    // Nodes end with the thread that has started them, so that it must be this one.
    let run = runtime.block_on(async {
        match scenario {
            Scenario::TwoOfFive => two_of_five::run(&options, &mut report).await,
            Scenario::PrimariesDead => primaries_dead::run(&options, &mut report).await,
            Scenario::LostStore => lost_store::run(&options, &mut report).await,
            Scenario::MillionKeys => million_keys::run(&options, &mut report).await,
            Scenario::Listing => listing::run(&options, &mut report).await,
            Scenario::Damaged => damaged::run(&options, &mut report).await,
            Scenario::Elastic => elastic::run(&options, &mut report).await,
            Scenario::Replace => replace::run(&options, &mut report).await,
            Scenario::ClientDriven => client_driven::run(&options, &mut report).await,
            Scenario::Staleness => staleness::run(&options, &mut report).await,
        }
    });
    if let Err(failed) = run {
        report.must(false, &format!("the measurement was made to its end: {failed}"));
    }
    report.print(options.json);
    if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
