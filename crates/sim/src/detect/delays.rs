//! How long a frame is under way: named distributions, from a quiet rack to a path whose mean
//! says nothing about its tail.

use std::f64::consts::TAU;
use std::time::Duration;

use crate::draw::Draw;

/// A distribution of one-way delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delays {
    /// Always 0.5 ms: a rack. What the detector does here is its own doing.
    Constant,
    /// Exponential, mean 100 ms: queues that are never empty.
    Exponential,
    /// Log-normal, median 50 ms, sigma 1.5 (p99 1.6 s, p99.9 5.2 s): a bad long-distance path.
    LogNormal,
    /// Pareto, shape 1.5, from 20 ms (p99 0.4 s, p99.9 2 s, p99.99 9 s), at most
    /// [`LONGEST`]. Its variance has no bound, so no window of samples knows its tail.
    Pareto,
    /// A rack whose links each stand still for 1 to 5 s, once a minute on average: garbage
    /// collection, a congested switch.
    Bursts,
    /// The same for 5 to 25 s, every ten minutes: machines that are moved, paths that are
    /// computed anew.
    Stalls,
}

/// Nothing is under way for longer: by then a connection is given up and made anew.
pub const LONGEST: Duration = Duration::from_mins(1);

/// A link that stands still now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standstills {
    /// The mean time between two of them (exponential).
    pub every: Duration,
    /// The shortest.
    pub least: Duration,
    /// The longest; all lengths between are equally likely.
    pub most: Duration,
}

impl Delays {
    /// All of them, the mildest first.
    pub const ALL: [Self; 6] = [
        Self::Constant,
        Self::Exponential,
        Self::LogNormal,
        Self::Pareto,
        Self::Bursts,
        Self::Stalls,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Exponential => "exponential",
            Self::LogNormal => "log-normal",
            Self::Pareto => "pareto",
            Self::Bursts => "bursts",
            Self::Stalls => "stalls",
        }
    }

    /// The distribution of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|delays| delays.name() == name)
    }

    /// One delay.
    pub fn draw(self, draw: &mut Draw) -> Duration {
        let seconds = match self {
            Self::Constant | Self::Bursts | Self::Stalls => 0.0005,
            Self::Exponential => -0.1 * draw.fraction().ln(),
            Self::LogNormal => 0.05 * (1.5 * standard_normal(draw)).exp(),
            Self::Pareto => 0.02 * draw.fraction().powf(-1.0 / 1.5),
        };
        Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()))
    }

    /// When its links stand still, if they do.
    pub const fn standstills(self) -> Option<Standstills> {
        match self {
            Self::Bursts => Some(Standstills {
                every: Duration::from_mins(1),
                least: Duration::from_secs(1),
                most: Duration::from_secs(5),
            }),
            Self::Stalls => Some(Standstills {
                every: Duration::from_mins(10),
                least: Duration::from_secs(5),
                most: Duration::from_secs(25),
            }),
            Self::Constant | Self::Exponential | Self::LogNormal | Self::Pareto => None,
        }
    }
}

/// Box and Muller's method.
fn standard_normal(draw: &mut Draw) -> f64 {
    let radius = (-2.0 * draw.fraction().ln()).sqrt();
    radius * (TAU * draw.fraction()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The delay that this share of 200,000 does not exceed, in milliseconds.
    fn quantiles(delays: Delays, shares: [f64; 3]) -> [f64; 3] {
        let mut draw = Draw::of_seed(1);
        let mut drawn: Vec<Duration> = (0..200_000).map(|_| delays.draw(&mut draw)).collect();
        drawn.sort_unstable();
        shares.map(|share| drawn[(drawn.len() as f64 * share) as usize].as_secs_f64() * 1000.0)
    }

    #[test]
    fn quantiles_are_those_that_the_text_names() {
        for (delays, shares, expected) in [
            (Delays::Constant, [0.0, 0.5, 0.9999], [0.5, 0.5, 0.5]),
            (Delays::Exponential, [0.5, 0.9, 0.99], [69.3, 230.3, 460.5]),
            (Delays::LogNormal, [0.5, 0.99, 0.999], [50.0, 1640.0, 5150.0]),
            (Delays::Pareto, [0.5, 0.99, 0.999], [31.7, 431.0, 2000.0]),
        ] {
            let found = quantiles(delays, shares);
            for (found, expected) in found.into_iter().zip(expected) {
                let near = (found / expected - 1.0).abs() < 0.15;
                assert!(near, "{}: {found} for {expected}", delays.name());
            }
        }
    }

    #[test]
    fn every_name_names_its_distribution() {
        for delays in Delays::ALL {
            assert_eq!(Delays::named(delays.name()), Some(delays));
        }
        assert_eq!(Delays::named("normal"), None);
    }
}
