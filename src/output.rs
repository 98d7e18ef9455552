//! What is printed for people: tables, sizes, percentages; and what scripts get: JSON.

use std::io::{self, ErrorKind, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::failure::Failure;

/// A table without lines, headed by these words.
pub(crate) fn table<const COLUMNS: usize>(head: [&str; COLUMNS]) -> Table {
    table_of(head)
}

/// The same, with a number of columns that depends on what is told.
pub(crate) fn table_of(head: impl IntoIterator<Item = impl AsRef<str>>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.into_iter().map(|word| word.as_ref().to_uppercase()));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Prints a table on stdout, without blanks at the ends of lines.
pub(crate) fn print_table(table: &Table) -> Result<(), Failure> {
    line(&table.trim_fmt())
}

/// Prints a line on stdout. (`println!` panics when the reader has gone, as `head` does.)
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes on stdout as they are.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Prints a document, or an item, as one line of JSON.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(document)
        .map_err(|error| Failure::new(format!("the answer is no JSON: {error}")))?;
    line(&text)
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::reader_gone()),
        Err(error) => Err(Failure::new(format!("stdout can't be written: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Whether stderr is looked at by a person, who is shown progress there.
pub(crate) fn shows_progress() -> bool {
    io::stderr().is_terminal()
}

/// A fraction as percent, with one digit behind the point.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.1} %", fraction * 100.0)
}

/// A number of bytes for people, in powers of 1024.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
