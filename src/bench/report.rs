//! What was measured, as JSON and as tables for people.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::bench::load::Measured;
use crate::bench::servers::Used;
use crate::failure::Failure;
use crate::output;

/// The document that `--json` prints.
pub(super) fn document(measured: &Measured, plan: Value, slot_seconds: f64) -> Value {
    let tally = &measured.tally;
    let seconds = measured.elapsed.as_secs_f64();
    let operations = tally.operations();
    let mut document = json!({
        "load": plan,
        "seconds": seconds,
        "operations": operations,
        "operations_per_second": operations as f64 / seconds,
        "errors": tally.errors,
        "server_cpu_us_per_operation":
            measured.cpu_per_operation(),
        "servers": servers(&measured.used, operations),
        "over_time": over_time(measured, slot_seconds),
    });
    for (name, histogram) in tally.parts() {
        document[name] = latencies(histogram);
    }
    document
}

/// A histogram's figures, in microseconds.
pub(crate) fn latencies(histogram: &Histogram<u64>) -> Value {
    json!({
        "operations": histogram.len(),
        "mean_us": histogram.mean(),
        "p50_us": histogram.value_at_quantile(0.5),
        "p90_us": histogram.value_at_quantile(0.9),
        "p99_us": histogram.value_at_quantile(0.99),
        "p999_us": histogram.value_at_quantile(0.999),
        "p9999_us": histogram.value_at_quantile(0.9999),
        "max_us": histogram.max(),
    })
}

fn servers(used: &Used, operations: u64) -> Value {
    let mut document = Map::new();
    if let Some(used) = &used.processes {
        let figures = [
            ("cpu_us_per_operation", per(used.cpu_micros(), operations)),
            ("user_us_per_operation", per(used.user_micros, operations)),
            ("system_us_per_operation", per(used.system_micros, operations)),
            ("context_switches_per_operation", per(used.context_switches, operations)),
        ];
        document.extend(figures.map(|(name, figure)| (name.to_owned(), json!(figure))));
        let disk = used.disk.as_ref();
        let written = disk.map(|disk| per(disk.written, operations));
        let read = disk.map(|disk| per(disk.read, operations));
        document.insert("written_bytes_per_operation".to_owned(), json!(written));
        document.insert("read_bytes_per_operation".to_owned(), json!(read));
        document.insert("resident_bytes_before".to_owned(), json!(used.resident_before));
        document.insert("resident_bytes_after".to_owned(), json!(used.resident_after));
    }
    if let Some(syncs) = used.syncs {
        document.insert("syncs_per_operation".to_owned(), json!(per(syncs, operations)));
    }
    Value::Object(document)
}

fn over_time(measured: &Measured, slot_seconds: f64) -> Vec<Value> {
    let point = |(number, slot): (usize, &crate::bench::tally::Slot)| {
        json!({
            "from_seconds": number as f64 * slot_seconds,
            "operations": slot.latencies.len(),
            "errors": slot.errors,
            "p50_us": slot.latencies.value_at_quantile(0.5),
            "p99_us": slot.latencies.value_at_quantile(0.99),
            "max_us": slot.latencies.max(),
        })
    };
    measured.tally.slots.iter().enumerate().map(point).collect()
}

/// Prints it for people.
pub(super) fn print(measured: &Measured) -> Result<(), Failure> {
    let tally = &measured.tally;
    let seconds = measured.elapsed.as_secs_f64();
    let mut table = output::table([
        "",
        "operations",
        "per second",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "p99.99",
        "max",
    ]);
    for (name, histogram) in tally.parts() {
        if histogram.is_empty() {
            continue;
        }
        let at = |quantile| time(histogram.value_at_quantile(quantile));
        table.add_row([
            name.to_owned(),
            histogram.len().to_string(),
            format!("{:.0}", histogram.len() as f64 / seconds),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(0.9999),
            time(histogram.max()),
        ]);
    }
    output::print_table(&table)?;
    for line in servers_told(&measured.used, tally.operations()) {
        output::line(&line)?;
    }
    for (kind, count) in &tally.errors {
        output::line(&format!("errors: {count} × {kind}"))?;
    }
    Ok(())
}

fn servers_told(used: &Used, operations: u64) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(used) = &used.processes {
        lines.push(format!(
            "server CPU: {:.1} µs per operation over all processes named ({:.1} user, {:.1} system)",
            per(used.cpu_micros(), operations),
            per(used.user_micros, operations),
            per(used.system_micros, operations),
        ));
        let switches = per(used.context_switches, operations);
        lines.push(format!("context switches: {switches:.2} per operation"));
        if let Some(disk) = &used.disk {
            let (written, read) = (per(disk.written, operations), per(disk.read, operations));
            lines.push(format!("disk: {written:.0} B written, {read:.0} B read per operation"));
        }
        lines.push(format!(
            "server memory: {} before, {} after",
            output::size(used.resident_before),
            output::size(used.resident_after)
        ));
    }
    if let Some(syncs) = used.syncs {
        lines.push(format!(
            "syncs: {:.3} per operation, over all endpoints named",
            per(syncs, operations)
        ));
    }
    lines
}

fn per(amount: u64, operations: u64) -> f64 {
    amount as f64 / operations.max(1) as f64
}

/// Microseconds for people.
pub(crate) fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}
