//! Quantiles of sorted samples under a named rule. Never answers NaN, whatever it is given;
//! never sorts and never copies.

use core::fmt;
use core::str::FromStr;
use thiserror::Error;

/// How a quantile that falls between two samples is answered.
///
/// The name is stored with every result, since figures under different rules cannot be compared.
/// On 10, 20, 30, 40, 50:
///
/// | rule | p50 | p90 | p95 | p99 |
/// | --- | --- | --- | --- | --- |
/// | `exclusive` | 30 | 54 | 57 | 59.4 |
/// | `inclusive` | 30 | 46 | 48 | 49.6 |
/// | `nearest` | 30 | 50 | 50 | 50 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rule {
    /// What Python's `statistics.quantiles` does by default (R's type 6). It takes the samples
    /// for a part of something larger and so extrapolates beyond the smallest and the largest.
    Exclusive,
    /// What numpy does by default (R's type 7): linear between samples, never outside them.
    #[default]
    Inclusive,
    /// What HDR histograms do: the smallest sample that at least the share `q` does not exceed.
    /// Always one of the samples, hence the rule to use where some of them are +∞.
    Nearest,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 3] = [Self::Exclusive, Self::Inclusive, Self::Nearest];

    /// The stable name under which results are stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Inclusive => "inclusive",
            Self::Nearest => "nearest",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that belongs to no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("unknown quantile rule: expected exclusive, inclusive or nearest")]
pub struct UnknownRule;

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        Self::ALL
            .into_iter()
            .find(|rule| rule.name() == name)
            .ok_or(UnknownRule)
    }
}

/// The `q`-quantile of samples in ascending order, 0 ≤ `q` ≤ 1.
///
/// `None` without samples, for a `q` outside 0–1, and where the samples it had to read are NaN or
/// out of order (it reads two at most: [`check_sorted`](crate::check_sorted) looks at all).
/// A single sample is every quantile of itself.
///
/// Infinite samples never lead to NaN: strictly between a number and +∞ lies +∞, and the
/// exclusive rule does not extrapolate over an infinite gap.
///
/// ```
/// use kneepoint_stats::{Rule, quantile};
///
/// let sorted = [10.0, 20.0, 30.0, 40.0, 50.0];
/// assert_eq!(quantile(&sorted, 0.9, Rule::Exclusive), Some(54.0));
/// assert_eq!(quantile(&sorted, 0.9, Rule::Inclusive), Some(46.0));
/// assert_eq!(quantile(&sorted, 0.9, Rule::Nearest), Some(50.0));
/// assert_eq!(quantile(&[], 0.5, Rule::Inclusive), None);
/// assert_eq!(quantile(&[7.0], 0.99, Rule::Exclusive), Some(7.0));
/// ```
pub fn quantile(sorted: &[f64], q: f64, rule: Rule) -> Option<f64> {
    let place = Place::find(sorted.len(), q, rule)?;
    let (low, high) = (sorted[place.low], sorted[place.high]);
    (low <= high).then(|| place.value(low, high))
}

/// Where a quantile lies: `weight` of the way from the sample with index `low` to that with
/// index `high`, which are the same or neighbours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) low: usize,
    pub(crate) high: usize,
    weight: f64,
}

impl Place {
    /// `None` for no samples or a quantile outside 0–1.
    pub(crate) fn find(n: usize, q: f64, rule: Rule) -> Option<Self> {
        if n == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        if n == 1 || rule == Rule::Nearest {
            let index = nearest_rank(n as u64, q) as usize - 1;
            return Some(Self {
                low: index,
                high: index,
                weight: 0.0,
            });
        }
        // The position counted from 0; the last gap also serves what lies beyond it.
        let position = match rule {
            Rule::Exclusive => q * (n as f64 + 1.0) - 1.0,
            _ => q * (n as f64 - 1.0),
        };
        let low = (position.max(0.0) as usize).min(n - 2);
        Some(Self {
            low,
            high: low + 1,
            weight: position - low as f64,
        })
    }

    /// The value at this place, given the two samples, `low` ≤ `high`.
    pub(crate) fn value(self, low: f64, high: f64) -> f64 {
        if low >= high {
            return low;
        }
        let (weight, gap) = (self.weight, high - low);
        if gap.is_finite() {
            let value = low + gap * weight;
            // Rounding must not carry an interpolated value past its neighbours: quantiles
            // would no longer grow with q.
            let inside = (0.0..=1.0).contains(&weight);
            if inside {
                value.clamp(low, high)
            } else {
                value
            }
        } else if weight <= 0.0 {
            low
        } else if weight >= 1.0 || high == f64::INFINITY {
            high
        } else {
            // Either two numbers further apart than a number can be, or `low` is −∞.
            low * (1.0 - weight) + high * weight
        }
    }
}

/// The rank (from 1) of the `q`-quantile among `n` > 0 values: the least with at least the share
/// `q` at or below it.
pub(crate) fn nearest_rank(n: u64, q: f64) -> u64 {
    let target = q * n as f64;
    // 0.07 · 100 is 7.000000000000001 in floating point; rank 7 is meant.
    let nearby = libm::rint(target);
    let close = (target - nearby).abs() <= nearby * (2.0 * f64::EPSILON);
    let rank = if close { nearby } else { target.ceil() };
    (rank as u64).clamp(1, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_holds() {
        let sorted = [10.0, 20.0, 30.0, 40.0, 50.0];
        #[rustfmt::skip]
        let cases = [
            (Rule::Exclusive, [30.0, 54.0, 57.0, 59.4]),
            (Rule::Inclusive, [30.0, 46.0, 48.0, 49.6]),
            (Rule::Nearest,   [30.0, 50.0, 50.0, 50.0]),
        ];
        for (rule, expected) in cases {
            for (q, expected) in [0.5, 0.9, 0.95, 0.99].into_iter().zip(expected) {
                let found = quantile(&sorted, q, rule).unwrap();
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{rule} {q}: {found}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn infinities_lead_to_infinities_and_never_to_nan() {
        const INF: f64 = f64::INFINITY;
        #[rustfmt::skip]
        let cases: [(&[f64], f64, Rule, f64); 11] = [
            (&[1.0, INF],       0.5,  Rule::Nearest,   1.0),
            (&[1.0, INF],       0.51, Rule::Nearest,   INF),
            (&[1.0, INF],       0.0,  Rule::Inclusive, 1.0), // exactly on the sample
            (&[1.0, INF],       0.1,  Rule::Inclusive, INF),
            (&[1.0, INF],       1.0,  Rule::Inclusive, INF),
            (&[1.0, INF],       0.0,  Rule::Exclusive, 1.0), // no extrapolating over the gap
            (&[1.0, INF],       1.0,  Rule::Exclusive, INF),
            (&[INF, INF],       0.5,  Rule::Exclusive, INF),
            (&[-INF, 1.0],      0.5,  Rule::Inclusive, -INF),
            (&[-INF, INF],      0.5,  Rule::Inclusive, INF),
            (&[f64::MIN, f64::MAX], 0.5, Rule::Inclusive, 0.0), // the gap overflows
        ];
        for (sorted, q, rule, expected) in cases {
            assert_eq!(
                quantile(sorted, q, rule),
                Some(expected),
                "{sorted:?} {q} {rule}"
            );
        }
    }

    #[test]
    fn what_is_not_a_question_has_no_answer() {
        for rule in Rule::ALL {
            assert_eq!(quantile(&[], 0.5, rule), None);
            for q in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
                assert_eq!(quantile(&[1.0, 2.0], q, rule), None, "{q}");
            }
            assert_eq!(quantile(&[f64::NAN, f64::NAN], 0.5, rule), None);
        }
        assert_eq!(quantile(&[2.0, 1.0], 0.5, Rule::Inclusive), None);
    }

    #[test]
    fn ranks_are_not_shifted_by_rounding() {
        assert_ne!(0.07 * 100.0, 7.0);
        #[rustfmt::skip]
        let cases = [(100, 0.07, 7), (100, 0.071, 8), (20, 0.95, 19), (1, 0.0, 1), (10, 1.0, 10), (1000, 0.999, 999)];
        for (n, q, rank) in cases {
            assert_eq!(nearest_rank(n, q), rank, "{n} {q}");
        }
    }

    #[test]
    fn names_are_stable() {
        for rule in Rule::ALL {
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        assert_eq!(format!("{:>10}", Rule::Nearest), "   nearest");
        assert_eq!("Inclusive".parse::<Rule>(), Err(UnknownRule));
    }
}
