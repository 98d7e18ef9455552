//! `stator bench`: a closed loop over HTTP, and what the servers' processors had to do for it.
//!
//! Each connection owns its share of the keys and sends back the context of its last put of a
//! key, so that the measured puts replace values and do not pile up siblings.

mod connection;
mod cpu;
mod load;
mod tally;
mod worker;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::cli::BenchArgs;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

pub(crate) use load::{LoadPlan, measure};
pub(crate) use tally::Tally;

/// Measures, and prints what was measured.
pub(crate) async fn run(args: BenchArgs) -> Ended {
    let json = args.json;
    let pids = args.pid.clone();
    let plan = LoadPlan {
        endpoints: args.endpoint,
        conns: args.conns,
        value_size: args.value_size,
        keys: args.keys,
        mix: args.mix,
        bucket: args.bucket,
        warm_up: args.warm_up,
        duration: args.duration,
    };
    let measured = measure(plan, &pids).await?;
    let tally = &measured.tally;
    if tally.operations() == 0 {
        let kinds: Vec<&str> = tally.errors.keys().map(String::as_str).collect();
        return Err(Failure::new(format!("no operation succeeded: {}", kinds.join(", ")))
            .try_next("see whether the cluster is up with `stator cluster status`"));
    }
    let seconds = measured.elapsed.as_secs_f64();
    if json {
        output::json(&document(tally, seconds, measured.cpu_per_operation()))?;
    } else {
        print(tally, seconds, measured.cpu_per_operation())?;
    }
    Ok(Exit::Done)
}

fn document(tally: &Tally, seconds: f64, cpu: Option<f64>) -> Value {
    json!({
        "seconds": seconds,
        "operations": tally.operations(),
        "operations_per_second": tally.operations() as f64 / seconds,
        "put": latencies(&tally.puts),
        "get": latencies(&tally.gets),
        "errors": tally.errors,
        "server_cpu_us_per_operation": cpu,
    })
}

/// A histogram's figures, in microseconds.
pub(crate) fn latencies(histogram: &Histogram<u64>) -> Value {
    json!({
        "operations": histogram.len(),
        "p50_us": histogram.value_at_quantile(0.5),
        "p90_us": histogram.value_at_quantile(0.9),
        "p99_us": histogram.value_at_quantile(0.99),
        "p999_us": histogram.value_at_quantile(0.999),
        "max_us": histogram.max(),
    })
}

fn print(tally: &Tally, seconds: f64, cpu: Option<f64>) -> Result<(), Failure> {
    let mut table =
        output::table(["", "operations", "per second", "p50", "p90", "p99", "p99.9", "max"]);
    for (name, histogram) in [("put", &tally.puts), ("get", &tally.gets)] {
        if histogram.is_empty() {
            continue;
        }
        let at = |quantile| time(histogram.value_at_quantile(quantile));
        let rate = format!("{:.0}", histogram.len() as f64 / seconds);
        let count = histogram.len().to_string();
        let max = time(histogram.max());
        table.add_row([name.to_owned(), count, rate, at(0.5), at(0.9), at(0.99), at(0.999), max]);
    }
    output::print_table(&table)?;
    if let Some(cpu) = cpu {
        output::line(&format!("server CPU: {cpu:.1} µs per operation, over all processes named"))?;
    }
    for (kind, count) in &tally.errors {
        output::line(&format!("errors: {count} × {kind}"))?;
    }
    Ok(())
}

/// Microseconds for people.
pub(crate) fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}
