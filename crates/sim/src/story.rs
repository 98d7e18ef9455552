//! The story of a violation: the same run once more (a seed tells everything), keeping what
//! concerns the key.

use crate::checkers::Violation;
use crate::tracer::Keep;
use crate::world::{Scope, run};

/// The most lines that a story has.
const MOST_LINES: usize = 160;

/// Tells a violation: the checker's sentence, the seed, and the trace of the key concerned, without
/// its middle if it is long.
pub fn tell(scope: Scope, violation: &Violation) -> String {
    let again = format!(
        "stator-sim run --seed {} --minutes {}{}",
        scope.seed,
        scope.minutes,
        scope.nodes.map(|nodes| format!(" --nodes {nodes}")).unwrap_or_default()
    );
    let head = format!("VIOLATION {violation}\n  seed {}: {again}\n", scope.seed);
    let Some(key) = violation.key else { return head };
    let aftermath = run(Scope { keep: Keep::Key(key), ..scope });
    let named = names_in(&violation.sentence);
    let lines = around(&aftermath.trace, &named);
    let lines: Vec<String> = lines.iter().map(|line| format!("  {line:.220}\n")).collect();
    head + &lines.concat()
}

/// The writes that a sentence names.
fn names_in(sentence: &str) -> Vec<String> {
    let words = sentence.split(|c: char| !(c == '#' || c.is_ascii_digit()));
    words.filter(|word| word.len() > 1 && word.starts_with('#')).map(str::to_owned).collect()
}

/// The lines from the first that names one of the writes, cut to what can be read.
fn around<'a>(trace: &'a [String], names: &[String]) -> Vec<&'a str> {
    let names_one = |line: &String| {
        let mut words = line.split(|c: char| !(c == '#' || c.is_ascii_digit()));
        words.any(|word| names.iter().any(|name| name == word))
    };
    let first = trace.iter().position(names_one).unwrap_or(0).saturating_sub(10);
    let lines: Vec<&str> = trace[first..].iter().map(String::as_str).collect();
    if lines.len() <= MOST_LINES {
        return lines;
    }
    let half = MOST_LINES / 2;
    let mut cut = lines[..half].to_vec();
    cut.push("              … (the rest with `run --trace`) …");
    cut.extend(&lines[lines.len() - half..]);
    cut
}
