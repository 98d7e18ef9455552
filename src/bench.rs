//! `stator bench`: loads, what they took, and what the servers' processors, disks and memory had to do
//! for them.
//!
//! ```text
//! plan     what was asked for, checked
//! load     fill, warm up, measure           client   a thread with its connections
//! pace     when requests are due            worker   one connection's loop
//! keys     which, and how popular           ledger   contexts of what was put
//! door     HTTP, RESP, native               servers  /proc, and the nodes' metrics
//! tally    latencies, in all and over time  report, plot
//! ```
//!
//! The rule: the client must not become what is measured. Each thread has its connections, its
//! choices and its histograms for itself; nothing is allocated for a latency.

mod asked;
mod client;
mod clock;
mod door;
mod keys;
mod ledger;
mod load;
mod pace;
mod plan;
mod plot;
mod report;
mod servers;
mod tally;
mod worker;

use std::path::Path;

use crate::bench::load::Measured;
use crate::cli::BenchArgs;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

pub(crate) use load::measure;
pub(crate) use plan::{Doors, LoadPlan};
pub(crate) use report::{latencies, time};
pub(crate) use servers::Servers;

/// Measures, and prints what was measured.
pub(crate) async fn run(args: BenchArgs) -> Ended {
    let (plan, servers) = asked::plan(&args)?;
    let told = asked::document(&args, &plan);
    if let Some(path) = &args.plot {
        // Before the load rather than after it.
        write_figure(path, "")?;
    }
    let measured = measure(plan, &servers).await?;
    if measured.tally.operations() == 0 {
        return Err(nothing_succeeded(&measured.tally));
    }
    if let Some(path) = &args.plot {
        draw(path, &args, &measured)?;
    }
    if args.json {
        output::json(&report::document(&measured, told, args.slot.as_secs_f64()))?;
    } else {
        report::print(&measured)?;
    }
    Ok(Exit::Done)
}

fn draw(path: &Path, args: &BenchArgs, measured: &Measured) -> Result<(), Failure> {
    let figure = plot::Figure {
        title: &asked::title(args),
        tally: &measured.tally,
        slot_seconds: args.slot.as_secs_f64(),
        seconds: measured.elapsed.as_secs_f64(),
    };
    write_figure(path, &plot::svg(&figure))
}

fn write_figure(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        Failure::new(format!("the figure {} can't be written: {error}", path.display()))
            .try_next("name a file in a folder that is there with --plot")
    })
}

fn nothing_succeeded(tally: &tally::Tally) -> Failure {
    let mut kinds: Vec<&str> = tally.errors.keys().map(AsRef::as_ref).collect();
    if kinds.is_empty() {
        kinds.push("nothing was answered in the time that is measured");
    }
    Failure::new(format!("no operation succeeded: {}", kinds.join(", ")))
        .try_next("see whether the servers are up with `stator cluster status` or `redis-cli ping`")
}
