//! When requests are sent: a list of times, drawn one by one from a seed.

use std::time::Duration;

use kneepoint_core::platform::sim::Random;

use super::Load;

/// When the next request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As soon as a slot is free.
    WhenFree,
    /// So long after the start.
    At(Duration),
}

/// The times of a load, without an end.
///
/// ```
/// use kneepoint_bench::plan::{Arrivals, Load, Start};
/// use std::time::Duration;
///
/// let mut constant = Arrivals::new(&Load::Constant { rate: 4.0 }, 1);
/// assert_eq!(constant.next(), Some(Start::At(Duration::ZERO)));
/// assert_eq!(constant.next(), Some(Start::At(Duration::from_millis(250))));
/// ```
#[derive(Debug, Clone)]
pub struct Arrivals {
    load: Load,
    random: Random,
    sent: u64,
    at_s: f64,
}

/// What the seed of the times is mixed with, so that prompts drawn from the same seed are
/// independent of them.
const SALT: u64 = 0xA221_7A15;

impl Arrivals {
    /// The times of `load`, drawn from `seed`.
    pub fn new(load: &Load, seed: u64) -> Self {
        Self {
            load: load.clone(),
            random: Random::new(seed ^ SALT),
            sent: 0,
            at_s: 0.0,
        }
    }

    /// A gap with a mean of 1, exponentially distributed.
    fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.random.unit())
    }

    /// A gap with a mean of 1, gamma distributed (Marsaglia and Tsang's method).
    fn gamma(&mut self, shape: f64) -> f64 {
        // Below 1 a variable of shape + 1 is drawn and brought down by a power of an even one.
        let boost = if shape < 1.0 {
            libm::pow(1.0 - self.random.unit(), 1.0 / shape)
        } else {
            1.0
        };
        let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.random.normal();
            let v = libm::pow(1.0 + c * normal, 3.0);
            let unit = 1.0 - self.random.unit();
            if v > 0.0 && libm::log(unit) < 0.5 * normal * normal + d - d * v + d * libm::log(v) {
                return boost * d * v / shape;
            }
        }
    }
}

/// When the `number`-th request (from 0) of a ramp is due: the inverse of the area under the rate.
fn on_ramp(number: f64, from: f64, to: f64, over_s: f64) -> f64 {
    let on_slope = f64::midpoint(from, to) * over_s;
    if number >= on_slope {
        return over_s + (number - on_slope) / to;
    }
    let slope = (to - from) / over_s;
    // The root in the form that does not cancel where the slope is small.
    2.0 * number
        / (from + (from * from + 2.0 * slope * number).max(0.0).sqrt()).max(f64::MIN_POSITIVE)
}

impl Iterator for Arrivals {
    type Item = Start;

    fn next(&mut self) -> Option<Start> {
        let number = self.sent as f64;
        self.sent += 1;
        let gap = match self.load {
            Load::Closed { .. } | Load::Ladder(_) => return Some(Start::WhenFree),
            Load::Constant { rate } => {
                self.at_s = number / rate;
                0.0
            }
            Load::Ramp { from, to, over_ms } => {
                self.at_s = on_ramp(number, from, to, over_ms as f64 / 1000.0);
                0.0
            }
            Load::Poisson { rate } => self.exponential() / rate,
            Load::Gamma { rate, burstiness } => self.gamma(burstiness) / rate,
        };
        self.at_s += gap;
        // Beyond what a duration holds, never.
        Some(Start::At(
            Duration::try_from_secs_f64(self.at_s).unwrap_or(Duration::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(load: &Load, count: usize) -> Vec<f64> {
        let at = |start| match start {
            Start::At(at) => at.as_secs_f64(),
            Start::WhenFree => panic!("{load:?} has times"),
        };
        Arrivals::new(load, 7).take(count).map(at).collect()
    }

    /// Mean and squared coefficient of variation of the gaps.
    fn gaps(load: &Load) -> (f64, f64) {
        let times = times(load, 40_000);
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance =
            gaps.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / gaps.len() as f64;
        (mean, variance / (mean * mean))
    }

    #[test]
    fn random_gaps_have_the_mean_and_the_spread_of_their_kind() {
        #[rustfmt::skip]
        let cases = [
            // load,                                          mean, variation: 1/shape
            (Load::Poisson { rate: 50.0 },                    0.02, 1.0),
            (Load::Gamma { rate: 50.0, burstiness: 1.0 },     0.02, 1.0),
            (Load::Gamma { rate: 50.0, burstiness: 0.25 },    0.02, 4.0),
            (Load::Gamma { rate: 50.0, burstiness: 8.0 },     0.02, 0.125),
        ];
        for (load, mean, variation) in cases {
            let found = gaps(&load);
            assert!((found.0 / mean - 1.0).abs() < 0.05, "{load:?}: {found:?}");
            assert!(
                (found.1 / variation - 1.0).abs() < 0.1,
                "{load:?}: {found:?}"
            );
        }
    }

    #[test]
    fn a_ramp_sends_as_many_as_the_area_under_its_rate() {
        let ramp = Load::Ramp {
            from: 0.0,
            to: 10.0,
            over_ms: 10_000,
        };
        let times = times(&ramp, 101);
        assert_eq!(times[0], 0.0);
        assert!((times[50] - 10.0).abs() < 1e-9, "50 under the slope");
        assert!((times[60] - 11.0).abs() < 1e-9, "then ten a second");
        let falling = Load::Ramp {
            from: 10.0,
            to: 1.0,
            over_ms: 2_000,
        };
        let times = self::times(&falling, 20);
        assert!(times.windows(2).all(|pair| pair[1] > pair[0]), "{times:?}");
        let level = Load::Ramp {
            from: 4.0,
            to: 4.0,
            over_ms: 1_000,
        };
        assert_eq!(self::times(&level, 3), [0.0, 0.25, 0.5]);
    }

    #[test]
    fn the_same_seed_gives_the_same_times() {
        let load = Load::Gamma {
            rate: 3.0,
            burstiness: 0.5,
        };
        let one: Vec<_> = Arrivals::new(&load, 1).take(50).collect();
        assert_eq!(one, Arrivals::new(&load, 1).take(50).collect::<Vec<_>>());
        assert_ne!(one, Arrivals::new(&load, 2).take(50).collect::<Vec<_>>());
    }
}
