//! `stator-sim balance`: what it is asked, and what it prints.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use stator_core::token::PartitionCount;

use super::plot;
use super::strategy::Size;
use super::study::{Point, Study};
use crate::seeds::range;

/// The settings of a study; the defaults are those of the figure in the documentation.
#[derive(Args, Clone, Debug)]
pub struct Balance {
    /// S: how many nodes.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=200))]
    nodes: u16,
    /// N: how many of them hold each key.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    replicas: u8,
    /// How many keys there are.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    keys: u32,
    /// Skew: exponents of Zipf's law; 0 is none.
    #[arg(long, value_delimiter = ',', default_values_t = [0.0, 0.7, 0.99])]
    zipf: Vec<f64>,
    /// T: tokens per node of strategies 1 and 2.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
          value_parser = clap::value_parser!(u16).range(1..=512))]
    tokens: Vec<u16>,
    /// Q: partitions of strategy 3.
    #[arg(long, value_delimiter = ',', default_values = ["32", "64", "128", "256", "512", "1024", "2048", "4096"],
          value_parser = partitions)]
    partitions: Vec<PartitionCount>,
    /// The seeds, as A..B; B is excluded.
    #[arg(long, value_parser = range, default_value = "0..10")]
    seeds: Range<u64>,
    /// Also writes the figure there.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One line of JSON per point.
    #[arg(long)]
    json: bool,
}

/// The number of partitions that this text names.
pub(crate) fn partitions(text: &str) -> Result<PartitionCount, String> {
    let count = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    PartitionCount::new(count).map_err(|error| error.to_string())
}

impl Balance {
    /// Measures, and prints a line for each point. An error is that of writing the figure.
    pub fn run(&self, print: impl Fn(&str)) -> io::Result<()> {
        let study = Study {
            seeds: self.seeds.clone(),
            size: Size { nodes: self.nodes.into(), replicas: self.replicas },
            keys: self.keys as usize,
            exponents: self.zipf.clone(),
            tokens: self.tokens.iter().map(|tokens| usize::from(*tokens)).collect(),
            partitions: self.partitions.clone(),
        };
        let points = study.run();
        if !self.json {
            print(&Point::head());
        }
        for point in &points {
            print(&if self.json { point.json().to_string() } else { point.text() });
        }
        self.svg.as_ref().map_or(Ok(()), |file| fs::write(file, plot::svg(&study, &points)))
    }
}
