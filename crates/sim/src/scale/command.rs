//! `stator-sim scale`: what it is asked, and what it prints.

use std::time::Duration;

use clap::Args;
use stator_core::token::PartitionCount;

use super::capacity::{self, Costs};
use super::gossip;

/// The settings of both studies; the defaults are those of the documentation.
#[derive(Args, Clone, Debug)]
pub struct Scale {
    /// Sizes of clusters whose gossip is counted.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 30, 100, 300, 1000],
          value_parser = clap::value_parser!(u16).range(2..=5000))]
    gossip_nodes: Vec<u16>,
    /// For how many simulated seconds.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Of larger clusters so many nodes run whole; the others give back what they are told.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    machines: u16,
    /// Sizes of clusters whose load is computed.
    #[arg(long, value_delimiter = ',', default_values_t = [3, 10, 30, 100],
          value_parser = clap::value_parser!(u16).range(1..=200))]
    load_nodes: Vec<u16>,
    /// How many partitions; a power of two.
    #[arg(long, default_value = "1024", value_parser = crate::balance::command::partitions)]
    partitions: PartitionCount,
    /// How many keys there are.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    keys: u32,
    /// Skew: exponents of Zipf's law; 0 is none.
    #[arg(long, value_delimiter = ',', default_values_t = [0.0, 0.7, 0.99])]
    zipf: Vec<f64>,
    /// How many of a hundred requests are puts.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(..=100))]
    puts: u8,
    /// Cores of each node.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    cores: u8,
    /// What it costs to take a request from a client and coordinate it, in microseconds.
    #[arg(long, default_value_t = 18.0)]
    coordinate_us: f64,
    /// What it costs to pass a put on to a primary.
    #[arg(long, default_value_t = 14.0)]
    pass_on_us: f64,
    /// What it costs to write a state as a replica.
    #[arg(long, default_value_t = 17.0)]
    write_us: f64,
    /// What it costs to read an object as a replica.
    #[arg(long, default_value_t = 10.0)]
    read_us: f64,
    /// Everything is drawn from it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// One line of JSON per row.
    #[arg(long)]
    json: bool,
}

impl Scale {
    /// Measures, and prints a line for each size as soon as it is there.
    pub fn run(&self, print: impl Fn(&str)) {
        self.capacities(&print);
        self.gossip(&print);
    }

    fn capacities(&self, print: &impl Fn(&str)) {
        if !self.json {
            print(
                "Load: the most over the mean, by node; and what the busiest node lets all serve.",
            );
            print(&capacity::Row::head());
        }
        let costs = Costs {
            coordinate: self.coordinate_us,
            pass_on: self.pass_on_us,
            write: self.write_us,
            read: self.read_us,
        };
        for exponent in &self.zipf {
            for nodes in &self.load_nodes {
                let scope = capacity::Scope {
                    seed: self.seed,
                    nodes: usize::from(*nodes),
                    partitions: self.partitions,
                    keys: self.keys as usize,
                    exponent: *exponent,
                    puts: f64::from(self.puts) / 100.0,
                    cores: f64::from(self.cores),
                    costs,
                };
                let row = scope.compute();
                print(&if self.json { row.json().to_string() } else { row.text() });
            }
        }
    }

    fn gossip(&self, print: &impl Fn(&str)) {
        if !self.json {
            print("Gossip: what a node sends while nothing happens.");
            print(&gossip::Row::head());
        }
        for nodes in &self.gossip_nodes {
            let scope = gossip::Scope {
                seed: self.seed,
                nodes: usize::from(*nodes),
                machines: usize::from(self.machines),
                partitions: self.partitions,
                time: Duration::from_secs(self.seconds),
            };
            let row = scope.measure();
            print(&if self.json { row.json().to_string() } else { row.text() });
        }
    }
}
