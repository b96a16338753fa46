//! Two systems measured in alternation (A B B A …), compared pair by pair. Pairs share what
//! drifts with time, which comparing all of A with all of B would take for a difference.

use crate::interval::{Confidence, Interval, mean_interval};
use crate::special::binomial_cdf;
use thiserror::Error;

/// How many pairs it takes to compare at all.
pub const PAIRS_MIN: usize = 5;

/// How many pairs [`hodges_lehmann`] takes at most: it looks at every two of them.
pub const PAIRS_MAX: usize = 1000;

/// Up to so many pairs the distribution of the signed ranks is computed exactly.
const EXACT_PAIRS_MAX: usize = 100;

/// Why there is no comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CompareError {
    /// The two sides have different numbers of measurements.
    #[error("{a} measurements of one side cannot be paired with {b} of the other")]
    Unpaired {
        /// Measurements of the first side.
        a: usize,
        /// Measurements of the second.
        b: usize,
    },
    /// There are too few pairs for the confidence that was asked for.
    #[error("needs {needs} pairs, has {has}")]
    TooFew {
        /// How many pairs it takes.
        needs: usize,
        /// How many there are.
        has: usize,
    },
    /// There are more than [`PAIRS_MAX`] pairs.
    #[error("takes at most {most} pairs, has {has}", most = PAIRS_MAX)]
    TooMany {
        /// How many pairs there are.
        has: usize,
    },
    /// A measurement is NaN or infinite, or not positive where a ratio is to be formed.
    #[error("pair {index} is not made of usable numbers")]
    Value {
        /// Which pair, counted from 0.
        index: usize,
    },
}

/// How many times as large the second side is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The geometric mean of b/a.
    pub ratio: f64,
    /// Its t interval, computed on the logarithms. If 1 lies outside, the sides differ.
    pub interval: Interval,
}

/// Compares by the logarithm of b/a in each pair: positive measurements, such as throughputs or
/// latencies, whose noise grows with their size.
///
/// ```
/// use kneepoint_stats::{Confidence, log_ratio};
///
/// let before = [100.0, 104.0, 98.0, 101.0, 99.0];
/// let after = before.map(|x| x * 1.1);
/// let found = log_ratio(&before, &after, Confidence::P95)?;
/// assert!((found.ratio - 1.1).abs() < 1e-12);
/// assert!(!found.interval.contains(1.0));
/// # Ok::<(), kneepoint_stats::CompareError>(())
/// ```
pub fn log_ratio(a: &[f64], b: &[f64], confidence: Confidence) -> Result<Ratio, CompareError> {
    let logs = pairs(a, b, |a, b| {
        let usable = a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite();
        usable.then(|| libm::log(b) - libm::log(a))
    })?;
    let too_few = CompareError::TooFew {
        needs: PAIRS_MIN,
        has: logs.len(),
    };
    let mean = mean_interval(&logs, confidence).map_err(|_| too_few)?;
    let interval = Interval {
        low: libm::exp(mean.interval.low),
        high: libm::exp(mean.interval.high),
    };
    Ok(Ratio {
        ratio: libm::exp(mean.value),
        interval,
    })
}

/// Which side was the larger one, pair by pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignTest {
    /// Pairs in which the first side was larger.
    pub a_larger: u64,
    /// Pairs in which the second was.
    pub b_larger: u64,
    /// Pairs without a difference, which do not count.
    pub ties: u64,
    /// How likely so one-sided an outcome is, or a more one-sided one, if there is no
    /// difference (exact, two-sided).
    pub p: f64,
}

/// Counts in how many pairs each side was larger. It assumes nothing of the measurements, and
/// needs six pairs that all agree to reach p < 0.05.
///
/// ```
/// use kneepoint_stats::sign_test;
///
/// let test = sign_test(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2.0, 3.0, 4.0, 5.0, 6.0, 7.0])?;
/// assert_eq!((test.a_larger, test.b_larger), (0, 6));
/// assert!((test.p - 2.0 / 64.0).abs() < 1e-14);
/// # Ok::<(), kneepoint_stats::CompareError>(())
/// ```
pub fn sign_test(a: &[f64], b: &[f64]) -> Result<SignTest, CompareError> {
    let differences = pairs(a, b, difference)?;
    let count = |wanted: fn(f64) -> bool| differences.iter().filter(|&&d| wanted(d)).count() as u64;
    let (a_larger, b_larger) = (count(|d| d < 0.0), count(|d| d > 0.0));
    let ties = differences.len() as u64 - a_larger - b_larger;
    let one_side = binomial_cdf(a_larger.min(b_larger), a_larger + b_larger, 0.5).unwrap_or(1.0);
    Ok(SignTest {
        a_larger,
        b_larger,
        ties,
        p: (2.0 * one_side).min(1.0),
    })
}

/// By how much the second side is larger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The Hodges–Lehmann estimate of b − a: the median of the means of all two differences. A
    /// wild pair hardly moves it.
    pub shift: f64,
    /// Its interval, from the distribution of Wilcoxon's signed ranks. If 0 lies outside, the
    /// sides differ.
    pub interval: Interval,
}

/// Compares by the difference b − a in each pair, robustly. Takes 6 pairs for 95 %, and at most
/// [`PAIRS_MAX`].
///
/// ```
/// use kneepoint_stats::{Confidence, hodges_lehmann};
///
/// let a = [10.0, 11.0, 12.0, 13.0, 14.0, 15.0];
/// let b = [12.0, 13.5, 14.0, 15.5, 16.0, 99.0];
/// let found = hodges_lehmann(&a, &b, Confidence::P95)?;
/// assert_eq!(found.shift, 2.25);
/// assert_eq!((found.interval.low, found.interval.high), (2.0, 84.0));
/// # Ok::<(), kneepoint_stats::CompareError>(())
/// ```
pub fn hodges_lehmann(a: &[f64], b: &[f64], confidence: Confidence) -> Result<Shift, CompareError> {
    if a.len() > PAIRS_MAX {
        return Err(CompareError::TooMany { has: a.len() });
    }
    let differences = pairs(a, b, difference)?;
    let n = differences.len();
    let outside = signed_ranks_outside(n, confidence);
    if outside == 0 {
        return Err(CompareError::TooFew {
            needs: shift_needs(confidence),
            has: n,
        });
    }
    let mut means: Vec<f64> = differences
        .iter()
        .enumerate()
        .flat_map(|(i, first)| {
            differences[i..]
                .iter()
                .map(move |second| first / 2.0 + second / 2.0)
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let (lower, upper) = (means[(means.len() - 1) / 2], means[means.len() / 2]);
    let interval = Interval {
        low: means[outside - 1],
        high: means[means.len() - outside],
    };
    Ok(Shift {
        shift: lower / 2.0 + upper / 2.0,
        interval,
    })
}

/// Forms a figure from each pair, having made sure that there are enough.
fn pairs(
    a: &[f64],
    b: &[f64],
    figure: impl Fn(f64, f64) -> Option<f64>,
) -> Result<Vec<f64>, CompareError> {
    if a.len() != b.len() {
        return Err(CompareError::Unpaired {
            a: a.len(),
            b: b.len(),
        });
    }
    if a.len() < PAIRS_MIN {
        return Err(CompareError::TooFew {
            needs: PAIRS_MIN,
            has: a.len(),
        });
    }
    let figures = a.iter().zip(b).enumerate();
    figures
        .map(|(index, (&a, &b))| figure(a, b).ok_or(CompareError::Value { index }))
        .collect()
}

fn difference(a: f64, b: f64) -> Option<f64> {
    Some(b - a).filter(|d| d.is_finite())
}

/// How many pairs it takes before even the most one-sided outcome is rarer than a tail.
fn shift_needs(confidence: Confidence) -> usize {
    (-libm::log2(confidence.tail()))
        .ceil()
        .max(PAIRS_MIN as f64) as usize
}

/// The largest k such that a sum of signed ranks of `n` pairs is below k with at most the
/// probability of a tail, if there is no difference.
fn signed_ranks_outside(n: usize, confidence: Confidence) -> usize {
    if n > EXACT_PAIRS_MAX {
        let n = n as f64;
        let (mean, variance) = (n * (n + 1.0) / 4.0, n * (n + 1.0) * (2.0 * n + 1.0) / 24.0);
        return (mean - confidence.z() * variance.sqrt()).floor().max(1.0) as usize;
    }
    // Each rank is in the sum or not, with even odds: add one rank after the other.
    let mut probability = vec![0.0; n * (n + 1) / 2 + 1];
    probability[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..=rank * (rank + 1) / 2).rev() {
            let with = if sum >= rank {
                probability[sum - rank]
            } else {
                0.0
            };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    let mut below = 0.0;
    let fits = |p: &&f64| {
        below += **p;
        below <= confidence.tail() * (1.0 + 1e-12)
    };
    probability.iter().take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const P95: Confidence = Confidence::P95;

    #[test]
    fn pairs_are_checked_before_they_are_compared() {
        let five = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(
            sign_test(&five, &five[1..]),
            Err(CompareError::Unpaired { a: 5, b: 4 })
        );
        let few = CompareError::TooFew { needs: 5, has: 4 };
        assert_eq!(log_ratio(&five[1..], &five[1..], P95), Err(few));
        assert_eq!(few.to_string(), "needs 5 pairs, has 4");
        let zero = [1.0, 2.0, 0.0, 4.0, 5.0];
        assert_eq!(
            log_ratio(&five, &zero, P95),
            Err(CompareError::Value { index: 2 })
        );
        let endless = [1.0, 2.0, 3.0, f64::INFINITY, 5.0];
        assert_eq!(
            sign_test(&five, &endless),
            Err(CompareError::Value { index: 3 })
        );
        assert_eq!(
            hodges_lehmann(&five, &five, P95),
            Err(CompareError::TooFew { needs: 6, has: 5 })
        );
        let many = vec![1.0; PAIRS_MAX + 1];
        let too_many = CompareError::TooMany { has: 1001 };
        assert_eq!(hodges_lehmann(&many, &many, P95), Err(too_many));
        assert_eq!(too_many.to_string(), "takes at most 1000 pairs, has 1001");
    }

    #[test]
    fn ties_say_nothing() {
        let same = sign_test(&[1.0; 6], &[1.0; 6]).unwrap();
        assert_eq!(
            same,
            SignTest {
                a_larger: 0,
                b_larger: 0,
                ties: 6,
                p: 1.0
            }
        );
        let one = sign_test(&[1.0, 1.0, 1.0, 1.0, 3.0], &[1.0, 1.0, 1.0, 2.0, 1.0]).unwrap();
        assert_eq!(
            (one.a_larger, one.b_larger, one.ties, one.p),
            (1, 1, 3, 1.0)
        );
    }

    #[test]
    fn the_normal_limit_of_the_signed_ranks_joins_the_exact_one() {
        let exact = signed_ranks_outside(EXACT_PAIRS_MAX, P95);
        let next = signed_ranks_outside(EXACT_PAIRS_MAX + 1, P95);
        // One more pair brings a hundred more means, of which 39 lie outside on each side.
        assert!((exact + 30..exact + 50).contains(&next), "{exact} {next}");
        let a: Vec<f64> = (0..1000).map(|i| f64::from(i * 37 % 101)).collect();
        let b: Vec<f64> = a
            .iter()
            .enumerate()
            .map(|(i, x)| x + 3.0 + (i % 7) as f64)
            .collect();
        let found = hodges_lehmann(&a, &b, P95).unwrap();
        assert!(found.interval.contains(found.shift) && found.interval.contains(6.0));
    }

    #[test]
    fn swapping_the_sides_mirrors_the_answer() {
        let (a, b) = (
            [1.0, 4.0, 2.5, 7.0, 3.0, 8.0, 1.5],
            [2.0, 4.5, 2.0, 9.0, 4.0, 8.5, 3.0],
        );
        let (there, back) = (
            hodges_lehmann(&a, &b, P95).unwrap(),
            hodges_lehmann(&b, &a, P95).unwrap(),
        );
        assert_eq!(
            (there.shift, there.interval.low),
            (-back.shift, -back.interval.high)
        );
        let (there, back) = (
            log_ratio(&a, &b, P95).unwrap(),
            log_ratio(&b, &a, P95).unwrap(),
        );
        assert!((there.ratio * back.ratio - 1.0).abs() < 1e-14);
        assert!((there.interval.low * back.interval.high - 1.0).abs() < 1e-14);
    }
}
