//! Everything one usually wants to know of one sample, in two passes and one partial selection.
//! Never sorts all of it.

use crate::quantile::{Place, Rule};
use crate::sample::{self, SampleError};
use crate::select::Selected;

/// What a sample looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// How many samples.
    pub n: u64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The arithmetic mean; +∞ if a sample is.
    pub mean: f64,
    /// The standard deviation of the sample (divided by n − 1). `None` for a single sample, and
    /// where a sample is +∞.
    pub sd: Option<f64>,
    /// The 0.5-quantile under `rule`.
    pub median: f64,
    /// The quantiles that were asked for, in the order in which they were.
    pub quantiles: Vec<f64>,
    /// The rule that the median and the quantiles were computed with.
    pub rule: Rule,
}

impl Summary {
    /// Summarises samples in any order. `None` if there are none.
    ///
    /// +∞ is allowed among the samples and stands for something that never finished; use
    /// [`Rule::Nearest`] then.
    ///
    /// ```
    /// use kneepoint_stats::{Rule, SampleError, Summary};
    ///
    /// let summary = Summary::of(&[3.0, 1.0, 2.0], &[0.0, 0.9], Rule::Inclusive)?;
    /// let summary = summary.expect("three samples");
    /// assert_eq!((summary.n, summary.mean, summary.sd), (3, 2.0, Some(1.0)));
    /// assert_eq!(summary.quantiles, [1.0, 2.8]);
    ///
    /// assert_eq!(Summary::of(&[], &[0.9], Rule::Inclusive), Ok(None));
    /// let refused = Summary::of(&[1.0, f64::NAN], &[], Rule::Inclusive);
    /// assert_eq!(refused, Err(SampleError::NotANumber { index: 1 }));
    /// # Ok::<(), SampleError>(())
    /// ```
    pub fn of(samples: &[f64], quantiles: &[f64], rule: Rule) -> Result<Option<Self>, SampleError> {
        check_quantiles(quantiles)?;
        let Some(moments) = Moments::of(samples)? else {
            return Ok(None);
        };
        let answers = select_quantiles(samples, &with_median(quantiles), rule);
        Ok(Some(Self {
            n: samples.len() as u64,
            min: moments.min,
            max: moments.max,
            mean: moments.mean,
            sd: moments.sd,
            median: answers[0],
            quantiles: answers[1..].to_vec(),
            rule,
        }))
    }
}

/// The quantiles asked for with the median in front, so that one selection answers both.
pub(crate) fn with_median(quantiles: &[f64]) -> Vec<f64> {
    let mut all = Vec::with_capacity(quantiles.len() + 1);
    all.push(0.5);
    all.extend_from_slice(quantiles);
    all
}

pub(crate) fn check_quantiles(quantiles: &[f64]) -> Result<(), SampleError> {
    match quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
        Some(&q) => Err(SampleError::Quantile { q }),
        None => Ok(()),
    }
}

/// Quantiles of samples in any order. Leaves out what is outside 0–1; without samples, everything.
pub(crate) fn select_quantiles(samples: &[f64], quantiles: &[f64], rule: Rule) -> Vec<f64> {
    let places: Vec<Place> = quantiles
        .iter()
        .filter_map(|&q| Place::find(samples.len(), q, rule))
        .collect();
    let ranks = places.iter().flat_map(|place| [place.low, place.high]);
    let selected = Selected::find(samples, ranks);
    places
        .iter()
        .map(|place| place.value(selected.at(place.low), selected.at(place.high)))
        .collect()
}

/// The part of a summary that needs no order.
pub(crate) struct Moments {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
    pub(crate) sd: Option<f64>,
}

impl Moments {
    pub(crate) fn of(samples: &[f64]) -> Result<Option<Self>, SampleError> {
        let Some(&first) = samples.first() else {
            return Ok(None);
        };
        let (min, max) = extremes(samples, first)?;
        if max == f64::INFINITY {
            return Ok(Some(Self {
                min,
                max,
                mean: max,
                sd: None,
            }));
        }
        let n = samples.len() as f64;
        // Scaled by a power of two, which is exact, no sum or square can overflow or vanish.
        let scale = scale_down(min.abs().max(max.abs()));
        let rough = sum(samples, |x| x * scale) / n;
        // The second pass measures from close by: nothing cancels, however far from 0 the
        // samples lie, and what the first sum lost by rounding comes back.
        let correction = sum(samples, |x| x * scale - rough) / n;
        let squares = sum(samples, |x| {
            let distance = x * scale - rough;
            distance * distance
        });
        let mean = ((rough + correction) / scale).clamp(min, max);
        let sd = (samples.len() > 1).then(|| {
            let variance = (squares - n * correction * correction).max(0.0) / (n - 1.0);
            variance.sqrt() / scale
        });
        Ok(Some(Self { min, max, mean, sd }))
    }
}

/// Smallest and largest, having made sure that every sample is a number above −∞.
fn extremes(samples: &[f64], first: f64) -> Result<(f64, f64), SampleError> {
    let (mut min, mut max, mut all_numbers) = (first, first, true);
    for &x in samples {
        min = if x < min { x } else { min };
        max = if x > max { x } else { max };
        all_numbers &= !x.is_nan();
    }
    if !all_numbers || min == f64::NEG_INFINITY {
        sample::check(samples)?;
    }
    Ok((min, max))
}

/// A power of two that brings numbers up to `largest` to about 1.
fn scale_down(largest: f64) -> f64 {
    let (_, exponent) = libm::frexp(largest);
    libm::ldexp(1.0, -exponent.clamp(-1000, 1000))
}

/// Sums in blocks and lanes: the lanes let the processor add several at once, the blocks keep
/// the rounding error from growing with the number of samples.
fn sum(samples: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    const LANES: usize = 8;
    const BLOCK: usize = 1024;
    let mut total = 0.0;
    for block in samples.chunks(BLOCK) {
        let (groups, rest) = block.as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for group in groups {
            for (lane, &x) in lanes.iter_mut().zip(group) {
                *lane += term(x);
            }
        }
        let rest: f64 = rest.iter().map(|&x| term(x)).sum();
        total += lanes.iter().sum::<f64>() + rest;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(samples: &[f64]) -> Summary {
        Summary::of(samples, &[], Rule::Inclusive).unwrap().unwrap()
    }

    #[test]
    fn a_far_offset_does_not_cancel_the_deviation() {
        let samples: Vec<f64> = (0..10_000).map(|i| 1e9 + f64::from(i % 5)).collect();
        let summary = summary(&samples);
        assert_eq!(summary.mean, 1e9 + 2.0);
        let exact = (2.0_f64 * 10_000.0 / 9_999.0).sqrt();
        assert!((summary.sd.unwrap() / exact - 1.0).abs() < 1e-13);
    }

    #[test]
    fn a_deviation_of_the_last_bit_is_still_measured() {
        // Two neighbouring floats, in turn: any rounding of the mean is as large as what is
        // to be measured.
        let (low, high) = (1e9 / 3.0, f64::next_up(1e9 / 3.0));
        let samples: Vec<f64> = (0..999_999)
            .map(|i| if i % 3 == 0 { high } else { low })
            .collect();
        let exact = (high - low) * (2.0_f64 / 9.0 * 999_999.0 / 999_998.0).sqrt();
        assert!((summary(&samples).sd.unwrap() / exact - 1.0).abs() < 1e-12);
    }

    #[test]
    fn huge_and_tiny_samples_neither_overflow_nor_vanish() {
        for size in [f64::MAX, 1e-200, 5e-324, 1e-310] {
            let summary = summary(&[size, size, size]);
            assert_eq!((summary.mean, summary.sd), (size, Some(0.0)), "{size}");
        }
        let sd = summary(&[1e-200, 3e-200]).sd.unwrap();
        assert!((sd / (2e-200 / 2.0_f64.sqrt()) - 1.0).abs() < 1e-14);
        assert_eq!(summary(&[f64::MAX, f64::MIN]).mean, 0.0);
        assert_eq!(summary(&[0.0, 0.0]).sd, Some(0.0));
    }

    #[test]
    fn one_sample_has_no_deviation_and_failures_make_it_infinite() {
        let one = summary(&[4.0]);
        assert_eq!(
            (one.min, one.max, one.mean, one.median, one.sd),
            (4.0, 4.0, 4.0, 4.0, None)
        );
        let failed = summary(&[1.0, f64::INFINITY, 2.0]);
        assert_eq!((failed.min, failed.median, failed.sd), (1.0, 2.0, None));
        assert_eq!((failed.max, failed.mean), (f64::INFINITY, f64::INFINITY));
    }

    #[test]
    fn bad_input_is_named() {
        let of = |samples: &[f64], q: f64| Summary::of(samples, &[q], Rule::Nearest).unwrap_err();
        assert_eq!(of(&[1.0], 1.5), SampleError::Quantile { q: 1.5 });
        assert_eq!(
            of(&[f64::NAN, 1.0], 0.5),
            SampleError::NotANumber { index: 0 }
        );
        let lowest = of(&[1.0, f64::NEG_INFINITY], 0.5);
        assert_eq!(lowest, SampleError::NegativeInfinity { index: 1 });
        assert_eq!(lowest.to_string(), "sample 1 is minus infinity");
    }
}
