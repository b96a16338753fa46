//! Intervals that hold the true value with a given confidence, each by the method that fits:
//! order statistics for quantiles, Student's t for means, Wilson for shares, batch means for
//! rates. Where there is too little data they say how much it takes.

use crate::sample::check_sorted;
use crate::special::{binomial_quantile, normal_quantile, student_quantile};
use crate::summary::Moments;
use core::ops::RangeInclusive;
use thiserror::Error;

/// Into how many stretches of equal length a window is divided to see how its rate varies.
pub const BATCHES: usize = 8;

/// Probabilities this close count as equal: where a tail is met exactly, rounding must not cost
/// a rank.
const TIE: f64 = 1e-12;

/// How often an interval is to hold the true value, both sides counted; strictly between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence(f64);

impl Confidence {
    /// 90 %.
    pub const P90: Self = Self(0.90);
    /// 95 %, the usual one.
    pub const P95: Self = Self(0.95);
    /// 99 %.
    pub const P99: Self = Self(0.99);

    /// `None` unless strictly between 0 and 1, by at least 10⁻⁹.
    ///
    /// ```
    /// use kneepoint_stats::Confidence;
    ///
    /// assert_eq!(Confidence::new(0.95), Some(Confidence::P95));
    /// assert_eq!(Confidence::new(95.0), None);
    /// ```
    pub fn new(share: f64) -> Option<Self> {
        (1e-9..=1.0 - 1e-9).contains(&share).then_some(Self(share))
    }

    /// As a share of 1.
    pub const fn share(self) -> f64 {
        self.0
    }

    /// The probability left out on each side.
    pub(crate) fn tail(self) -> f64 {
        // Rounded to 15 digits: (1 − 0.95) / 2 in floating point is 0.025000000000000022, and
        // ranks that just reach a tail of 0.025 must count.
        libm::rint((1.0 - self.0) * 0.5e15) / 1e15
    }

    /// How many standard errors of a normal variable the interval reaches to each side.
    pub(crate) fn z(self) -> f64 {
        normal_quantile(1.0 - self.tail()).expect("a confidence lies inside 0–1")
    }

    fn t(self, freedom: f64) -> f64 {
        student_quantile(1.0 - self.tail(), freedom).expect("a confidence lies inside 0–1")
    }
}

/// From `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies inside.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A value with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value itself.
    pub value: f64,
    /// Its standard error, in the same unit.
    pub standard_error: f64,
    /// The interval around it.
    pub interval: Interval,
}

impl Estimate {
    /// The standard error as a share of the value, as the ladder takes it; `None` for a value
    /// that is not positive.
    pub fn relative_error(&self) -> Option<f64> {
        (self.value > 0.0).then(|| self.standard_error / self.value)
    }
}

/// Why there is no interval.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum NoInterval {
    /// There is too little data for the confidence that was asked for.
    #[error("needs {needs}, has {has}")]
    TooFew {
        /// How many samples it takes.
        needs: u64,
        /// How many there are.
        has: u64,
    },
    /// The smallest and the largest quantile, and what is outside 0–1, have no interval.
    #[error("a quantile must lie strictly between 0 and 1 to have an interval, and {q} does not")]
    Quantile {
        /// The one that was asked for.
        q: f64,
    },
    /// A sample is NaN or infinite, or samples that must be sorted are not.
    #[error("the samples are not finite numbers, or not in order")]
    Samples,
    /// The window of a rate has no length.
    #[error("the window has no length")]
    Window,
}

/// How many samples the interval of a quantile takes: 72 for p95, 368 for p99 and 3688 for p99.9
/// at 95 %. `None` unless 0 < `q` < 1.
///
/// ```
/// use kneepoint_stats::{Confidence, quantile_needs};
///
/// let needs = [0.5, 0.95, 0.99, 0.999].map(|q| quantile_needs(q, Confidence::P95));
/// assert_eq!(needs, [Some(6), Some(72), Some(368), Some(3688)]);
/// ```
pub fn quantile_needs(q: f64, confidence: Confidence) -> Option<u64> {
    if !(q > 0.0 && q < 1.0) {
        return None;
    }
    // All n samples lie on the same side of the quantile with probability qⁿ or (1 − q)ⁿ: the
    // larger must not exceed a tail.
    let side = if q < 0.5 {
        libm::log1p(-q)
    } else {
        libm::log(q)
    };
    Some((libm::log(confidence.tail()) / side - TIE).ceil().max(1.0) as u64)
}

/// The ranks (from 1) among `n` sorted samples that enclose the `q`-quantile of what they are
/// drawn from, each side missing it with at most half of the probability left. No distribution
/// is assumed: how many of n samples fall below the quantile is binomial.
///
/// ```
/// use kneepoint_stats::{Confidence, quantile_ranks};
///
/// assert_eq!(quantile_ranks(1000, 0.95, Confidence::P95), Ok((936, 964)));
/// ```
pub fn quantile_ranks(n: u64, q: f64, confidence: Confidence) -> Result<(u64, u64), NoInterval> {
    let needs = quantile_needs(q, confidence).ok_or(NoInterval::Quantile { q })?;
    if n < needs {
        return Err(NoInterval::TooFew { needs, has: n });
    }
    let probability = 1.0 - confidence.tail() - TIE;
    let most_below =
        |q: f64| binomial_quantile(probability, n, q).ok_or(NoInterval::Quantile { q });
    // The lower rank is the upper one seen from the other end.
    let (low, high) = (n - most_below(1.0 - q)?, most_below(q)? + 1);
    Ok((low.max(1), high.min(n)))
}

/// The interval of a quantile of sorted samples; the lower end is a sample, the upper end too.
///
/// ```
/// use kneepoint_stats::{Confidence, NoInterval, quantile_interval};
///
/// let sorted: Vec<f64> = (1..=120).map(f64::from).collect();
/// let p95 = quantile_interval(&sorted, 0.95, Confidence::P95).expect("72 are enough");
/// assert_eq!((p95.low, p95.high), (109.0, 119.0));
/// let p99 = quantile_interval(&sorted, 0.99, Confidence::P95).unwrap_err();
/// assert_eq!(p99.to_string(), "needs 368, has 120");
/// ```
pub fn quantile_interval(
    sorted: &[f64],
    q: f64,
    confidence: Confidence,
) -> Result<Interval, NoInterval> {
    check_sorted(sorted).map_err(|_| NoInterval::Samples)?;
    let (low, high) = quantile_ranks(sorted.len() as u64, q, confidence)?;
    Ok(Interval {
        low: sorted[low as usize - 1],
        high: sorted[high as usize - 1],
    })
}

/// The mean of samples with the t interval around it; takes at least two.
///
/// ```
/// use kneepoint_stats::{Confidence, mean_interval};
///
/// let mean = mean_interval(&[4.0, 5.0, 6.0], Confidence::P95).expect("three samples");
/// assert_eq!(mean.value, 5.0);
/// assert!((mean.interval.high - 7.484_137_712).abs() < 1e-9);
/// ```
pub fn mean_interval(samples: &[f64], confidence: Confidence) -> Result<Estimate, NoInterval> {
    let too_few = NoInterval::TooFew {
        needs: 2,
        has: samples.len() as u64,
    };
    if samples.len() < 2 {
        return Err(too_few);
    }
    let moments = Moments::of(samples)
        .map_err(|_| NoInterval::Samples)?
        .ok_or(too_few)?;
    let sd = moments.sd.ok_or(NoInterval::Samples)?;
    let n = samples.len() as f64;
    let standard_error = sd / n.sqrt();
    let reach = confidence.t(n - 1.0) * standard_error;
    let interval = Interval {
        low: moments.mean - reach,
        high: moments.mean + reach,
    };
    Ok(Estimate {
        value: moments.mean,
        standard_error,
        interval,
    })
}

/// Wilson's interval for a share, given how many of `n` hit. Sound for few and for none, unlike
/// the textbook's. `None` for `n` = 0 or more hits than that.
///
/// ```
/// use kneepoint_stats::{Confidence, wilson};
///
/// let none_of_ten = wilson(0, 10, Confidence::P95).expect("ten requests");
/// assert_eq!(none_of_ten.low, 0.0);
/// assert!((none_of_ten.high - 0.277_532_799_9).abs() < 1e-9);
/// ```
pub fn wilson(hits: u64, n: u64, confidence: Confidence) -> Option<Interval> {
    if n == 0 || hits > n {
        return None;
    }
    let (total, share) = (n as f64, hits as f64 / n as f64);
    let z = confidence.z();
    let pull = z * z / total;
    let centre = share + pull / 2.0;
    let reach = z * (share * (1.0 - share) / total + pull / total / 4.0).sqrt();
    let low = if hits == 0 {
        0.0
    } else {
        (centre - reach) / (1.0 + pull)
    };
    let high = if hits == n {
        1.0
    } else {
        (centre + reach) / (1.0 + pull)
    };
    Some(Interval {
        low: low.clamp(0.0, share),
        high: high.clamp(share, 1.0),
    })
}

/// The rate of events over a window, per unit of its time, by batch means: the window is cut
/// into [`BATCHES`] stretches, and how their rates differ tells the error. Requests of one run
/// depend on each other, so treating them as independent would promise too much.
///
/// An event is (when, how much): `(t_end, 1.0)` for requests, `(t_end, tokens)` for tokens. Those
/// outside the window do not count; one at its very end does.
///
/// ```
/// use kneepoint_stats::{Confidence, rate_interval};
///
/// let ends_s: Vec<(f64, f64)> = (1..=80).map(|i| (f64::from(i) / 10.0, 1.0)).collect();
/// let rate = rate_interval(&ends_s, 0.0..=8.0, Confidence::P95).expect("the window has a length");
/// assert_eq!(rate.value, 10.0);
/// assert!(rate.interval.contains(10.0));
/// ```
pub fn rate_interval(
    events: &[(f64, f64)],
    window: RangeInclusive<f64>,
    confidence: Confidence,
) -> Result<Estimate, NoInterval> {
    let (start, length) = (*window.start(), window.end() - window.start());
    if !(length > 0.0 && length.is_finite()) {
        return Err(NoInterval::Window);
    }
    let mut amounts = [0.0; BATCHES];
    for &(at, amount) in events {
        if !at.is_finite() || !amount.is_finite() {
            return Err(NoInterval::Samples);
        }
        if window.contains(&at) {
            let batch = ((at - start) / length * BATCHES as f64) as usize;
            amounts[batch.min(BATCHES - 1)] += amount;
        }
    }
    mean_interval(
        &amounts.map(|amount| amount * BATCHES as f64 / length),
        confidence,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_and_ranks_agree_on_what_is_enough() {
        for q in [0.01, 0.3, 0.5, 0.95, 0.99, 0.999] {
            for confidence in [0.5, 0.9, 0.9375, 0.95, 0.99].map(|c| Confidence::new(c).unwrap()) {
                let needs = quantile_needs(q, confidence).unwrap();
                let (low, high) = quantile_ranks(needs, q, confidence).unwrap();
                assert!(1 <= low && low <= high && high <= needs);
                let too_few = NoInterval::TooFew {
                    needs,
                    has: needs - 1,
                };
                assert_eq!(quantile_ranks(needs - 1, q, confidence), Err(too_few));
            }
        }
    }

    #[test]
    fn questions_without_an_answer_are_told_apart() {
        for q in [0.0, 1.0, -1.0, 2.0] {
            let refused = NoInterval::Quantile { q };
            assert_eq!(quantile_ranks(100, q, Confidence::P95), Err(refused));
        }
        let p90 = Confidence::P90;
        assert_eq!(
            quantile_interval(&[2.0, 1.0], 0.5, p90),
            Err(NoInterval::Samples)
        );
        assert_eq!(
            mean_interval(&[1.0], p90),
            Err(NoInterval::TooFew { needs: 2, has: 1 })
        );
        assert_eq!(
            mean_interval(&[1.0, f64::NAN], p90),
            Err(NoInterval::Samples)
        );
        assert_eq!(
            mean_interval(&[1.0, f64::INFINITY], p90),
            Err(NoInterval::Samples)
        );
        for window in [1.0..=1.0, 2.0..=1.0, f64::NAN..=1.0, 0.0..=f64::INFINITY] {
            assert_eq!(rate_interval(&[], window, p90), Err(NoInterval::Window));
        }
        assert_eq!(
            rate_interval(&[(f64::NAN, 1.0)], 0.0..=1.0, p90),
            Err(NoInterval::Samples)
        );
        assert_eq!((wilson(0, 0, p90), wilson(2, 1, p90)), (None, None));
        for share in [0.0, 1e-10, 1.0, f64::NAN] {
            assert_eq!(Confidence::new(share), None);
        }
        assert_eq!(Confidence::P99.share(), 0.99);
    }

    #[test]
    fn a_huge_series_still_has_ranks() {
        let (low, high) = quantile_ranks(1 << 50, 0.99, Confidence::P95).unwrap();
        let middle = 0.99 * (1_u64 << 50) as f64;
        assert!((low as f64) < middle && middle < high as f64);
    }

    #[test]
    fn a_rate_counts_what_is_in_the_window() {
        let events = [(-1.0, 5.0), (0.0, 2.0), (8.0, 2.0), (8.5, 9.0)];
        let rate = rate_interval(&events, 0.0..=8.0, Confidence::P95).unwrap();
        assert_eq!(rate.value, 0.5);
        assert!((rate.relative_error().unwrap() - rate.standard_error * 2.0).abs() < 1e-15);
        let idle = rate_interval(&[], 0.0..=8.0, Confidence::P95).unwrap();
        assert_eq!(
            (idle.value, idle.standard_error, idle.relative_error()),
            (0.0, 0.0, None)
        );
    }
}
