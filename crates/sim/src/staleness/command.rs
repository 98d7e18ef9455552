//! `stator-sim staleness`: what it is asked, and what it prints.

use clap::Args;
use stator_core::staleness::Setting;

use super::path::Path;
use super::study::{Row, Study};

/// The settings of the study; the defaults are those of the documentation.
#[derive(Args, Clone, Debug)]
pub struct Staleness {
    /// How many nodes; three of them keep everything.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(3..=100))]
    nodes: u16,
    /// Writes, each with its read, for each setting and each time after it.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    writes: u32,
    /// Distributions of delays; all of them if absent.
    #[arg(long, value_delimiter = ',', value_enum)]
    path: Vec<Path>,
    /// Everything is drawn from it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// One line of JSON per row.
    #[arg(long)]
    json: bool,
}

impl Staleness {
    /// Measures, prints a line for each setting and time, and returns whether all agree.
    pub fn run(&self, print: impl Fn(&str)) -> bool {
        let paths = if self.path.is_empty() { Path::ALL.to_vec() } else { self.path.clone() };
        let mut settings = Setting::common(3);
        settings.extend(Setting::new(3, 1, 1, Some(0)));
        if !self.json {
            print(&format!(
                "{:<12} {:>2} {:>2} {:>2} {:>3} {:>9} {:>8} {:>10} {:>10}",
                "delays", "n", "r", "w", "dw", "after ms", "reads", "observed", "estimated"
            ));
        }
        let mut all_agree = true;
        for path in paths {
            let study = Study {
                seed: self.seed,
                nodes: usize::from(self.nodes),
                path,
                settings: settings.clone(),
                writes: self.writes,
            };
            for row in study.run() {
                all_agree &= row.agrees();
                print(&if self.json { json(&row) } else { text(&row) });
            }
        }
        all_agree
    }
}

fn text(row: &Row) -> String {
    let setting = row.setting;
    format!(
        "{:<12} {:>2} {:>2} {:>2} {:>3} {:>9} {:>8} {:>8.2} % {:>8.2} %{}",
        row.path.name(),
        setting.n(),
        setting.r(),
        setting.w(),
        setting.dw(),
        row.after.as_millis(),
        row.reads,
        row.observed() * 100.0,
        row.estimated * 100.0,
        if row.agrees() { "" } else { "  they differ" }
    )
}

fn json(row: &Row) -> String {
    let setting = row.setting;
    serde_json::json!({
        "delays": row.path.name(), "n": setting.n(), "r": setting.r(), "w": setting.w(),
        "dw": setting.dw(), "after_ms": row.after.as_millis() as u64, "reads": row.reads,
        "observed": row.observed(), "estimated": row.estimated, "agrees": row.agrees(),
    })
    .to_string()
}
