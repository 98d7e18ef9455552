//! How long a frame is under way. Every frame for itself: the model knows no more than that.

use std::f64::consts::TAU;
use std::time::Duration;

use clap::ValueEnum;

use crate::draw::Draw;

/// A distribution of one-way delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Path {
    /// Exponential, mean 5 ms: queues that are never empty.
    Exponential,
    /// Log-normal, median 3 ms, sigma 1 (p99 31 ms): a busy network.
    LogNormal,
    /// Pareto, shape 1.5, from 1 ms (p99 22 ms, p99.9 100 ms): of no finite variance.
    Pareto,
}

/// Nothing is under way for longer.
const LONGEST: Duration = Duration::from_secs(5);

impl Path {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Exponential, Self::LogNormal, Self::Pareto];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::LogNormal => "log-normal",
            Self::Pareto => "pareto",
        }
    }

    /// One delay.
    pub fn draw(self, draw: &mut Draw) -> Duration {
        let seconds = match self {
            Self::Exponential => -0.005 * draw.fraction().ln(),
            Self::LogNormal => {
                let radius = (-2.0 * draw.fraction().ln()).sqrt();
                0.003 * (radius * (TAU * draw.fraction()).cos()).exp()
            }
            Self::Pareto => 0.001 * draw.fraction().powf(-1.0 / 1.5),
        };
        Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()))
    }
}
