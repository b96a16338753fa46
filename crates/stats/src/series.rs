//! Measurements of one kind: exact while they are few, a histogram once they are many, so that
//! memory has a bound and nobody has to choose beforehand.

use crate::bins::{self, Bin, Scale};
use crate::counted::Counted;
use crate::histogram::{Histogram, HistogramError};
use crate::interval::{Confidence, Interval, NoInterval, quantile_ranks};
use crate::quantile::{Rule, nearest_rank};
use crate::sample::{RecordError, SampleError};
use crate::select::Selected;
use crate::summary::{Summary, check_quantiles, select_quantiles};
use thiserror::Error;

/// Why two series were not merged.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum MergeError {
    /// They count in different ticks.
    #[error("one series counts in ticks of {ours}, the other of {theirs}")]
    Tick {
        /// The tick of the series that was to grow.
        ours: f64,
        /// The tick of the other.
        theirs: f64,
    },
    /// Together they hold more than can be counted.
    #[error(transparent)]
    Count(#[from] HistogramError),
}

/// A quantile, and how it was come by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// The value; +∞ if it is a failure's.
    pub value: f64,
    /// The rule that answered: the one asked for while samples are exact, `nearest` beyond.
    pub rule: Rule,
    /// Whether the samples were exact. If not, the value lies above the true one by at most
    /// [`Histogram::RELATIVE_ERROR`], give or take half a tick.
    pub exact: bool,
}

/// Measurements that are finite and not negative, in a unit of the caller's choice.
///
/// Whether a series is exact depends on how many values it holds and on nothing else, so merging
/// gives the same series in whatever order and grouping it is done.
///
/// ```
/// use kneepoint_stats::{Rule, Series};
///
/// let mut latencies_ms = Series::new();
/// for i in 1..=100 {
///     latencies_ms.record(f64::from(i))?;
/// }
/// let p95 = latencies_ms.quantile(0.95, Rule::Inclusive).expect("there are samples");
/// assert_eq!((p95.value, p95.rule, p95.exact), (95.05, Rule::Inclusive, true));
///
/// // Ten requests failed as well. Counted as endless they can only make things worse.
/// let p95 = latencies_ms.quantile_with_failures(0.95, 10).expect("there are samples");
/// assert_eq!(p95.value, f64::INFINITY);
/// # Ok::<(), kneepoint_stats::RecordError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Series {
    tick: f64,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    /// At most [`Series::EXACT_MAX`].
    Exact(Vec<f64>),
    /// More than that.
    Counted(Counted),
}

impl Default for Series {
    fn default() -> Self {
        Self::new()
    }
}

impl Series {
    /// How many samples are kept exactly (512 KiB of them).
    pub const EXACT_MAX: usize = 65_536;

    /// The finest step that is told apart beyond [`EXACT_MAX`](Self::EXACT_MAX), unless told
    /// otherwise: a microsecond where values are milliseconds.
    pub const TICK: f64 = 0.001;

    /// An empty series with ticks of [`Series::TICK`].
    pub const fn new() -> Self {
        Self {
            tick: Self::TICK,
            kept: Kept::Exact(Vec::new()),
        }
    }

    /// An empty series with another tick: the step that is still told apart once there are too
    /// many samples to keep. `None` unless it is finite and positive.
    pub fn with_tick(tick: f64) -> Option<Self> {
        (tick.is_finite() && tick > 0.0).then_some(Self {
            tick,
            kept: Kept::Exact(Vec::new()),
        })
    }

    /// The tick.
    pub const fn tick(&self) -> f64 {
        self.tick
    }

    /// Adds a value.
    pub fn record(&mut self, value: f64) -> Result<(), RecordError> {
        if value.is_nan() {
            return Err(RecordError::NotANumber);
        }
        if value < 0.0 {
            return Err(RecordError::Negative);
        }
        if !Counted::has_room(value, self.tick) {
            return Err(RecordError::TooLarge);
        }
        match &mut self.kept {
            Kept::Exact(samples) if samples.len() < Self::EXACT_MAX => samples.push(value),
            Kept::Counted(counted) => counted.record(value)?,
            Kept::Exact(_) => {
                let mut counted = self.to_counted();
                counted.record(value)?;
                self.kept = Kept::Counted(counted);
            }
        }
        Ok(())
    }

    /// Adds everything that another series holds; if it cannot, this one is as before.
    ///
    /// ```
    /// use kneepoint_stats::{Rule, Series};
    ///
    /// let (mut one, mut other) = (Series::new(), Series::new());
    /// one.record(1.0)?;
    /// other.record(3.0)?;
    /// one.merge(&other).expect("they count in the same ticks");
    /// assert_eq!(one.quantile(0.5, Rule::Inclusive).map(|median| median.value), Some(2.0));
    /// # Ok::<(), kneepoint_stats::RecordError>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if self.tick.to_bits() != other.tick.to_bits() {
            return Err(MergeError::Tick {
                ours: self.tick,
                theirs: other.tick,
            });
        }
        if let (Kept::Exact(ours), Kept::Exact(theirs)) = (&mut self.kept, &other.kept)
            && ours.len() + theirs.len() <= Self::EXACT_MAX
        {
            ours.extend_from_slice(theirs);
            return Ok(());
        }
        let mut counted = self.to_counted();
        counted.merge(&other.to_counted())?;
        self.kept = Kept::Counted(counted);
        Ok(())
    }

    /// How many values were recorded.
    pub fn len(&self) -> u64 {
        match &self.kept {
            Kept::Exact(samples) => samples.len() as u64,
            Kept::Counted(counted) => counted.len(),
        }
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples in the order in which they came, while they are kept exactly.
    pub fn samples(&self) -> Option<&[f64]> {
        match &self.kept {
            Kept::Exact(samples) => Some(samples),
            Kept::Counted(_) => None,
        }
    }

    /// The `q`-quantile. `None` when empty or for a `q` outside 0–1.
    pub fn quantile(&self, q: f64, rule: Rule) -> Option<Quantile> {
        match &self.kept {
            Kept::Exact(samples) => {
                let value = *select_quantiles(samples, &[q], rule).first()?;
                Some(Quantile {
                    value,
                    rule,
                    exact: true,
                })
            }
            Kept::Counted(counted) => {
                let value = counted.quantile(q)?;
                Some(Quantile {
                    value,
                    rule: Rule::Nearest,
                    exact: false,
                })
            }
        }
    }

    /// The `q`-quantile by nearest rank as if there were `failures` more values of +∞. It is
    /// never below that without failures.
    pub fn quantile_with_failures(&self, q: f64, failures: u64) -> Option<Quantile> {
        let total = self.len().saturating_add(failures);
        if total == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = nearest_rank(total, q);
        let value = self.at_ranks(rank, rank).map_or(f64::INFINITY, |at| at.low);
        Some(Quantile {
            value,
            rule: Rule::Nearest,
            exact: self.samples().is_some(),
        })
    }

    /// An interval that holds the `q`-quantile of what the values are drawn from. Once samples are
    /// counted, its ends share the error of a [`Quantile`].
    ///
    /// ```
    /// use kneepoint_stats::{Confidence, NoInterval, Series};
    ///
    /// let mut latencies_ms = Series::new();
    /// for i in 0..120 {
    ///     latencies_ms.record(f64::from(i))?;
    /// }
    /// let p95 = latencies_ms.interval(0.95, Confidence::P95).expect("72 are enough");
    /// assert_eq!((p95.low, p95.high), (108.0, 118.0));
    /// let p99 = latencies_ms.interval(0.99, Confidence::P95);
    /// assert_eq!(p99, Err(NoInterval::TooFew { needs: 368, has: 120 }));
    /// # Ok::<(), kneepoint_stats::RecordError>(())
    /// ```
    pub fn interval(&self, q: f64, confidence: Confidence) -> Result<Interval, NoInterval> {
        let (low, high) = quantile_ranks(self.len(), q, confidence)?;
        self.at_ranks(low, high).ok_or(NoInterval::Samples)
    }

    /// Everything one usually wants to know, with these quantiles; `rule` holds while samples are
    /// exact, and the summary says which one did. `None` when empty.
    pub fn summary(&self, quantiles: &[f64], rule: Rule) -> Result<Option<Summary>, SampleError> {
        check_quantiles(quantiles)?;
        match &self.kept {
            Kept::Exact(samples) => Summary::of(samples, quantiles, rule),
            Kept::Counted(counted) => Ok(counted.summary(quantiles)),
        }
    }

    /// Bars for a plot, at most `bins` of them, from the smallest value to the largest.
    ///
    /// ```
    /// use kneepoint_stats::{Scale, Series};
    ///
    /// let mut series = Series::new();
    /// for value in [1.0, 2.0, 3.0, 9.0] {
    ///     series.record(value)?;
    /// }
    /// let counts: Vec<u64> = series.bins(Scale::Linear, 2).iter().map(|bin| bin.count).collect();
    /// assert_eq!(counts, [3, 1]);
    /// # Ok::<(), kneepoint_stats::RecordError>(())
    /// ```
    pub fn bins(&self, scale: Scale, bins: usize) -> Vec<Bin> {
        match &self.kept {
            Kept::Exact(samples) => {
                bins::fill(samples.iter().map(|&value| (value, 1)), scale, bins)
            }
            Kept::Counted(counted) => counted.bins(scale, bins),
        }
    }

    /// The values as a histogram of ticks, for files that others read and merge.
    pub fn to_histogram(&self) -> Histogram {
        self.to_counted().into_histogram()
    }

    fn to_counted(&self) -> Counted {
        match &self.kept {
            Kept::Exact(samples) => Counted::of(samples, self.tick),
            Kept::Counted(counted) => counted.clone(),
        }
    }

    /// The values with two ranks, counted from 1. `None` beyond the number of values.
    fn at_ranks(&self, low: u64, high: u64) -> Option<Interval> {
        if low == 0 || low > high || high > self.len() {
            return None;
        }
        match &self.kept {
            Kept::Exact(samples) => {
                let indices = [low, high].map(|rank| rank as usize - 1);
                let selected = Selected::find(samples, indices);
                let [low, high] = indices.map(|index| selected.at(index));
                Some(Interval { low, high })
            }
            Kept::Counted(counted) => Some(Interval {
                low: counted.at_rank(low)?,
                high: counted.at_rank(high)?,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::new();
        values
            .into_iter()
            .for_each(|value| series.record(value).unwrap());
        series
    }

    fn many(count: u32) -> Series {
        series((0..count).map(|i| f64::from(i * 7919 % 100_003) * 0.01))
    }

    #[test]
    fn one_value_too_many_turns_samples_into_counters() {
        let mut series = many(Series::EXACT_MAX as u32);
        assert_eq!(series.samples().map(<[f64]>::len), Some(Series::EXACT_MAX));
        let exact = series.quantile(0.99, Rule::Nearest).unwrap();
        series.record(0.5).unwrap();
        assert!(series.samples().is_none());
        assert_eq!(series.len(), Series::EXACT_MAX as u64 + 1);
        let counted = series.quantile(0.99, Rule::Exclusive).unwrap();
        assert_eq!((counted.rule, counted.exact), (Rule::Nearest, false));
        assert!((counted.value / exact.value - 1.0).abs() < Histogram::RELATIVE_ERROR);
    }

    #[test]
    fn a_counted_summary_is_close_to_the_exact_one() {
        let values: Vec<f64> = (0..100_000_u32)
            .map(|i| 5.0 + f64::from(i * 7919 % 100_003) * 0.01)
            .collect();
        let exact = Summary::of(&values, &[0.01, 0.99], Rule::Nearest)
            .unwrap()
            .unwrap();
        let series = series(values);
        let counted = series
            .summary(&[0.01, 0.99], Rule::Inclusive)
            .unwrap()
            .unwrap();
        assert_eq!(
            (counted.n, counted.min, counted.max),
            (exact.n, exact.min, exact.max)
        );
        assert_eq!(counted.rule, Rule::Nearest);
        assert!((counted.mean / exact.mean - 1.0).abs() < 1e-6);
        assert!((counted.sd.unwrap() / exact.sd.unwrap() - 1.0).abs() < 1e-3);
        for (counted, exact) in counted.quantiles.iter().zip(&exact.quantiles) {
            assert!((counted / exact - 1.0).abs() < Histogram::RELATIVE_ERROR);
        }
        let interval = series.interval(0.99, Confidence::P95).unwrap();
        assert!(interval.low <= counted.quantiles[1] && counted.quantiles[1] <= interval.high);
    }

    #[test]
    fn grouping_does_not_matter_to_a_merge() {
        let (a, b, c) = (many(40_000), many(30_000), series([1e6, 0.0]));
        let mut left = a.clone();
        left.merge(&b).unwrap();
        left.merge(&c).unwrap();
        let mut right = c.clone();
        right.merge(&b).unwrap();
        right.merge(&a).unwrap();
        assert_eq!(left.to_histogram(), right.to_histogram());
        let whole = left.summary(&[], Rule::Nearest).unwrap().unwrap();
        assert_eq!((whole.min, whole.max), (0.0, 1e6));
        left.merge(&Series::new()).unwrap();
        assert_eq!(left.len(), 70_002);
        let mut empty = Series::default();
        empty.merge(&left).unwrap();
        assert_eq!(empty.to_histogram(), left.to_histogram());
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let mut series = Series::with_tick(0.5).unwrap();
        assert_eq!(series.tick(), 0.5);
        #[rustfmt::skip]
        let cases = [
            (f64::NAN, RecordError::NotANumber),
            (-1e-9, RecordError::Negative),
            (f64::INFINITY, RecordError::TooLarge),
            (4.7e18, RecordError::TooLarge), // below 2⁶³, but in halves
        ];
        for (value, error) in cases {
            assert_eq!(series.record(value), Err(error));
        }
        assert!(series.is_empty() && series.quantile(0.5, Rule::Nearest).is_none());
        assert_eq!(series.summary(&[0.5], Rule::Nearest), Ok(None));
        assert_eq!(
            series.summary(&[2.0], Rule::Nearest),
            Err(SampleError::Quantile { q: 2.0 })
        );
        for tick in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Series::with_tick(tick).is_none());
        }
        let other = MergeError::Tick {
            ours: 0.5,
            theirs: Series::TICK,
        };
        assert_eq!(series.merge(&Series::new()), Err(other));
        assert_eq!(
            other.to_string(),
            "one series counts in ticks of 0.5, the other of 0.001"
        );
    }

    #[test]
    fn failures_only_ever_raise_a_quantile() {
        let small = series([1.0, 2.0, 3.0]);
        let at = |q, failures| small.quantile_with_failures(q, failures).unwrap().value;
        assert_eq!((at(0.5, 0), at(0.5, 1), at(0.5, 3)), (2.0, 2.0, 3.0));
        assert_eq!((at(0.5, 4), at(0.0, u64::MAX)), (f64::INFINITY, 1.0));
        let large = many(70_000);
        let at = |failures| large.quantile_with_failures(0.5, failures).unwrap().value;
        assert!(at(1000) > at(0));
        assert!(small.quantile_with_failures(1.5, 0).is_none());
        assert!(Series::new().quantile_with_failures(0.5, 0).is_none());
        assert_eq!(
            Series::new().quantile_with_failures(0.5, 1).unwrap().value,
            f64::INFINITY
        );
    }

    #[test]
    fn bars_count_every_value_exact_or_not() {
        for count in [1_000, 70_000] {
            for scale in [Scale::Linear, Scale::Log] {
                let series = many(count);
                let bars = series.bins(scale, 40);
                assert_eq!(
                    bars.iter().map(|bar| bar.count).sum::<u64>(),
                    u64::from(count)
                );
                assert_eq!(bars.len(), 40);
            }
        }
    }
}
