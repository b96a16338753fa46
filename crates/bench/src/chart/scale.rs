//! From values to places: linear, logarithmic, and the tail's own axis, with ticks people can read.
//!
//! A place is always finite and within the axis, whatever the value.

use crate::number;

/// How an axis divides its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long; ticks at powers of two.
    Doublings,
    /// Equal ratios are equally long; ticks at 1, 2, 5, 10, …
    Decades,
    /// Values are 1/(1−q): each further nine of a percentile is equally long.
    Tail,
}

/// What an axis covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Domain {
    kind: Kind,
    low: f64,
    high: f64,
}

/// A value worth a label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// The largest value that an axis shows, so that sums and products of two stay finite.
const MOST: f64 = 1e300;

/// The smallest value of a logarithmic axis.
const LEAST: f64 = 1e-300;

impl Domain {
    /// From `low` to `high`. What is not finite, negative or empty is mended, not refused.
    pub(super) fn new(kind: Kind, low: f64, high: f64) -> Self {
        let least = if kind == Kind::Linear { 0.0 } else { LEAST };
        let tame = |value: f64| {
            if value.is_nan() {
                least
            } else {
                value.clamp(least, MOST)
            }
        };
        let (low, high) = (tame(low), tame(high));
        // An axis without a length gets one.
        let high = if high > low {
            high
        } else if kind == Kind::Linear {
            low + low.max(1.0)
        } else {
            low * 2.0
        };
        Self { kind, low, high }
    }

    /// From 0 to a little above the largest of `values`.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>) -> Self {
        let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        Self::new(Kind::Linear, 0.0, most.min(MOST) * 1.08)
    }

    /// Whether a value lies on it.
    pub(super) fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Whether it is logarithmic.
    pub(super) fn is_log(self) -> bool {
        matches!(self.kind, Kind::Doublings | Kind::Decades)
    }

    /// Where a value lies, from 0 to 1.
    pub(super) fn share(self, value: f64) -> f64 {
        let value = if value.is_nan() {
            self.low
        } else {
            value.clamp(self.low, self.high)
        };
        let share = if self.kind == Kind::Linear {
            (value - self.low) / (self.high - self.low)
        } else {
            libm::log(value / self.low) / libm::log(self.high / self.low)
        };
        if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// At most `most` ticks, ascending; at least one.
    pub(super) fn ticks(self, most: usize) -> Vec<Tick> {
        let most = most.max(1);
        match self.kind {
            Kind::Linear => self.steps(most),
            Kind::Tail => self.nines(most),
            Kind::Doublings => self.powers(2.0, &[1.0], most),
            Kind::Decades => {
                let fine = self.powers(10.0, &[1.0, 2.0, 5.0], usize::MAX);
                if (2..=most).contains(&fine.len()) {
                    fine
                } else {
                    self.powers(10.0, &[1.0], most)
                }
            }
        }
    }

    /// Multiples of 1, 2 or 5 times a power of ten.
    fn steps(self, most: usize) -> Vec<Tick> {
        let span = self.high - self.low;
        let rough = span / most as f64;
        let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
        let fits = |step: &f64| libm::floor(span / step) < most as f64;
        let found = [1.0, 2.0, 5.0, 10.0, 20.0].map(|factor| factor * power);
        let step = found.into_iter().find(fits).unwrap_or(span);
        let first = libm::ceil(self.low / step * (1.0 - 1e-9));
        let values = (0..most).map(|index| (first + index as f64) * step);
        let inside = values.filter(|value| *value <= self.high * (1.0 + 1e-9));
        inside
            .map(|value| Tick {
                value,
                label: number::tick(value, step),
            })
            .collect()
    }

    /// `factors` times powers of `base`, thinned evenly; where fewer than two lie inside, steps.
    fn powers(self, base: f64, factors: &[f64], most: usize) -> Vec<Tick> {
        let exponent = |value: f64| libm::log(value) / libm::log(base);
        let first = libm::floor(exponent(self.low) + 1e-9);
        let last = libm::floor(exponent(self.high) + 1e-9);
        let count = (last - first).clamp(0.0, 4000.0) as usize + 1;
        let powers = (0..count).map(|index| libm::pow(base, first + index as f64));
        let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
        let inside =
            |value: &f64| (self.low * (1.0 - 1e-9)..=self.high * (1.0 + 1e-9)).contains(value);
        let values: Vec<f64> = all.filter(inside).collect();
        if values.len() < 2 {
            return self.steps(most.min(6));
        }
        let every = values.len().div_ceil(most);
        values
            .into_iter()
            .step_by(every)
            .map(|value| Tick {
                value,
                label: number::tick(value, value),
            })
            .collect()
    }

    /// The percentiles that people know by name, as many as have room.
    fn nines(self, most: usize) -> Vec<Tick> {
        const FINE: [(f64, &str); 10] = [
            (1.0, "p0"),
            (2.0, "p50"),
            (4.0, "p75"),
            (10.0, "p90"),
            (20.0, "p95"),
            (100.0, "p99"),
            (1e3, "p99.9"),
            (1e4, "p99.99"),
            (1e5, "p99.999"),
            (1e6, "p99.9999"),
        ];
        let inside: Vec<_> = FINE
            .iter()
            .filter(|(value, _)| (self.low..=self.high * (1.0 + 1e-9)).contains(value))
            .collect();
        let mut kept = inside;
        // What can be missed goes first.
        for minor in [&["p75", "p95"][..], &["p0"]] {
            if kept.len() > most {
                kept.retain(|(_, label)| !minor.contains(label));
            }
        }
        if kept.len() > most {
            let every = kept.len().div_ceil(most);
            kept = kept.into_iter().step_by(every).collect();
        }
        kept.into_iter()
            .map(|&(value, label)| Tick {
                value,
                label: label.to_owned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(kind: Kind, low: f64, high: f64, most: usize) -> String {
        let ticks = Domain::new(kind, low, high).ticks(most);
        let labels: Vec<_> = ticks.into_iter().map(|tick| tick.label).collect();
        labels.join(" ")
    }

    #[test]
    fn ticks_are_round_and_no_more_than_have_room() {
        #[rustfmt::skip]
        let cases = [
            // kind,          low,  high,   most, ticks
            (Kind::Linear,    0.0,  1330.0, 8,  "0 200 400 600 800 1,000 1,200"),
            (Kind::Linear,    0.0,  1330.0, 4,  "0 500 1,000"),
            (Kind::Linear,    0.0,  1.0,    6,  "0 0.2 0.4 0.6 0.8 1"),
            (Kind::Linear,    0.0,  0.0,    3,  "0 0.5 1"),              // made one long
            (Kind::Linear,    20.0, 30.0,   4,  "20 25 30"),
            (Kind::Doublings, 1.0,  64.0,   9,  "1 2 4 8 16 32 64"),
            (Kind::Doublings, 1.0,  64.0,   4,  "1 4 16 64"),
            (Kind::Doublings, 20.0, 30.0,   4,  "20 25 30"),             // no two powers inside
            (Kind::Decades,   10.0, 1000.0, 9,  "10 20 50 100 200 500 1,000"),
            (Kind::Decades,   10.0, 1000.0, 5,  "10 100 1,000"),
            (Kind::Tail,      1.0,  1000.0, 9,  "p0 p50 p75 p90 p95 p99 p99.9"),
            (Kind::Tail,      1.0,  1000.0, 6,  "p0 p50 p90 p99 p99.9"),
            (Kind::Tail,      1.0,  1000.0, 4,  "p50 p90 p99 p99.9"),
            (Kind::Tail,      1.0,  1000.0, 2,  "p50 p99"),
        ];
        for (kind, low, high, most, expected) in cases {
            assert_eq!(
                labels(kind, low, high, most),
                expected,
                "{kind:?} {low} {high} {most}"
            );
        }
    }

    #[test]
    fn places_are_where_the_axis_says() {
        let at = |kind, low, high, value| Domain::new(kind, low, high).share(value);
        assert_eq!(at(Kind::Linear, 0.0, 10.0, 2.5), 0.25);
        assert!((at(Kind::Doublings, 1.0, 16.0, 4.0) - 0.5).abs() < 1e-12);
        assert!((at(Kind::Tail, 1.0, 100.0, 10.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn no_value_leaves_the_axis() {
        let odd = [
            0.0,
            -1.0,
            1.0,
            1e308,
            f64::MIN_POSITIVE,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        for kind in [Kind::Linear, Kind::Doublings, Kind::Decades, Kind::Tail] {
            for low in odd {
                for high in odd {
                    let domain = Domain::new(kind, low, high);
                    for value in odd {
                        assert!(
                            (0.0..=1.0).contains(&domain.share(value)),
                            "{domain:?} {value}"
                        );
                    }
                    for most in [1, 2, 7] {
                        let ticks = domain.ticks(most);
                        assert!(ticks.len() <= most.max(1), "{domain:?} {ticks:?}");
                        assert!(ticks.iter().all(|tick| tick.value.is_finite()), "{ticks:?}");
                    }
                }
            }
        }
    }
}
