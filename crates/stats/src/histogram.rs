//! Counters in HDR's log-linear layout: 3 significant digits, from 0 to 2⁶³ − 1, growing as
//! needed to at most 432 KiB. Merging adds counters, so it is exact, associative and free of order.

use crate::bins::{self, Bin, Scale};
use crate::quantile::nearest_rank;
use thiserror::Error;

/// log₂ of the counters per doubling of the value.
const HALF_BITS: u32 = 10;
/// Counters per doubling of the value.
const HALF: usize = 1 << HALF_BITS;
/// What the wire format can hold: its numbers are signed.
const LARGEST: u64 = i64::MAX as u64;
/// The counters that values up to [`LARGEST`] need.
const COUNTERS_MAX: usize = 54 * HALF;

/// Why something was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HistogramError {
    /// The value is 2⁶³ or more.
    #[error("{value} is too large for the histogram")]
    ValueTooLarge {
        /// The value that was to be recorded.
        value: u64,
    },
    /// There would be 2⁶³ or more values in total.
    #[error("the histogram cannot count that many values")]
    CountTooLarge,
}

/// Neighbouring values that share a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest value in it.
    pub low: u64,
    /// The largest value in it.
    pub high: u64,
    /// How many were recorded.
    pub count: u64,
}

impl Bucket {
    /// The value that stands for all of them in means, as HDR chooses it.
    pub fn middle(&self) -> u64 {
        self.low + (self.high - self.low).div_ceil(2)
    }
}

/// A histogram of whole numbers (ticks of whatever unit the caller chose).
///
/// ```
/// use kneepoint_stats::Histogram;
///
/// let mut monday = Histogram::new();
/// monday.record_many(1_000, 99)?;
/// let mut tuesday = Histogram::new();
/// tuesday.record(1_000_000)?;
///
/// monday.merge(&tuesday)?;
/// assert_eq!((monday.len(), monday.max()), (100, Some(1_000_000)));
/// assert_eq!(monday.quantile(0.99), Some(1_000));
/// assert_eq!(monday.mean(), Some(10_990.0));
/// # Ok::<(), kneepoint_stats::HistogramError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// How far a quantile may lie above the recorded value it stands for, relative to it: a
    /// counter is at most 1/1024 of its values wide (0.098 %). Values below 2048 have a counter
    /// each.
    pub const RELATIVE_ERROR: f64 = 1.0 / 1024.0;

    /// An empty histogram. Takes memory with the first value.
    pub const fn new() -> Self {
        Self {
            counts: Vec::new(),
            total: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
        }
    }

    /// Counts a value.
    pub fn record(&mut self, value: u64) -> Result<(), HistogramError> {
        self.record_many(value, 1)
    }

    /// Counts a value `count` times; if it cannot, the histogram is as before.
    pub fn record_many(&mut self, value: u64, count: u64) -> Result<(), HistogramError> {
        if value > LARGEST {
            return Err(HistogramError::ValueTooLarge { value });
        }
        let total = self.total_with(count)?;
        if count == 0 {
            return Ok(());
        }
        let index = index_of(value);
        self.grow(index + 1);
        self.counts[index] += count;
        self.total = total;
        self.sum += u128::from(value) * u128::from(count);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        Ok(())
    }

    /// Adds what another histogram counted; if it cannot, this one is as before.
    pub fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        self.total = self.total_with(other.total)?;
        self.grow(other.counts.len());
        for (ours, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *ours += theirs;
        }
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        Ok(())
    }

    /// How many values were recorded.
    pub const fn len(&self) -> u64 {
        self.total
    }

    /// Whether none was.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The smallest value, exactly.
    pub fn min(&self) -> Option<u64> {
        (self.total > 0).then_some(self.min)
    }

    /// The largest value, exactly.
    pub fn max(&self) -> Option<u64> {
        (self.total > 0).then_some(self.max)
    }

    /// The mean, exactly (a decoded histogram knows only the counters, so there within
    /// [`RELATIVE_ERROR`](Self::RELATIVE_ERROR)).
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum as f64 / self.total as f64)
    }

    /// The standard deviation (divided by n − 1), from the middles of the counters: off by at most
    /// half of [`RELATIVE_ERROR`](Self::RELATIVE_ERROR) of the largest value. `None` for fewer than two values.
    pub fn sd(&self) -> Option<f64> {
        let mean = self.mean().filter(|_| self.total > 1)?;
        let squares: f64 = self
            .buckets()
            .map(|bucket| {
                let distance = bucket.middle().clamp(self.min, self.max) as f64 - mean;
                bucket.count as f64 * distance * distance
            })
            .sum();
        Some((squares / (self.total as f64 - 1.0)).sqrt())
    }

    /// The `q`-quantile by nearest rank: never below the recorded value, and above it by at most
    /// [`RELATIVE_ERROR`](Self::RELATIVE_ERROR). `None` when empty or for a `q` outside 0–1.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let is_defined = !self.is_empty() && (0.0..=1.0).contains(&q);
        if is_defined {
            self.at_rank(nearest_rank(self.total, q))
        } else {
            None
        }
    }

    /// The value with a rank (from 1) in ascending order, with the error of
    /// [`quantile`](Self::quantile).
    ///
    /// ```
    /// let mut histogram = kneepoint_stats::Histogram::new();
    /// histogram.record(10)?;
    /// histogram.record(20)?;
    /// assert_eq!(histogram.at_rank(2), Some(20));
    /// assert_eq!(histogram.at_rank(3), None);
    /// # Ok::<(), kneepoint_stats::HistogramError>(())
    /// ```
    pub fn at_rank(&self, rank: u64) -> Option<u64> {
        if rank == 0 || rank > self.total {
            return None;
        }
        let mut seen = 0;
        let bucket = self.buckets().find(|bucket| {
            seen += bucket.count;
            seen >= rank
        })?;
        Some(bucket.high.clamp(self.min, self.max))
    }

    /// The counters that are not 0, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        self.counts
            .iter()
            .enumerate()
            .filter(|&(_, &count)| count > 0)
            .map(|(index, &count)| Bucket {
                low: lowest(index),
                high: lowest(index + 1) - 1,
                count,
            })
    }

    /// The values in at most `bins` ranges for a plot, in ticks. See [`Series::bins`](crate::Series::bins).
    pub fn bins(&self, scale: Scale, bins: usize) -> Vec<Bin> {
        let buckets = self.buckets();
        let middles: Vec<(f64, u64)> = buckets
            .map(|bucket| (bucket.middle() as f64, bucket.count))
            .collect();
        bins::fill(middles.iter().copied(), scale, bins)
    }

    /// All counters up to the last that is not 0, for the wire format.
    pub(crate) fn counts(&self) -> &[u64] {
        let used = if self.is_empty() {
            0
        } else {
            index_of(self.max) + 1
        };
        &self.counts[..used]
    }

    /// The largest value for which there is room without growing, and the number of doublings
    /// that its counters cover: what HDR notes about a histogram that resizes itself.
    pub(crate) fn room(&self) -> (u64, usize) {
        let counters = self.counts.len().max(2 * HALF);
        (lowest(counters) - 1, counters / HALF - 1)
    }

    fn total_with(&self, more: u64) -> Result<u64, HistogramError> {
        let total = self
            .total
            .checked_add(more)
            .filter(|&total| total <= LARGEST);
        total.ok_or(HistogramError::CountTooLarge)
    }

    /// Makes room for at least so many counters, by whole doublings.
    fn grow(&mut self, counters: usize) {
        let counters = counters.next_multiple_of(HALF).max(2 * HALF);
        if counters > self.counts.len() {
            self.counts.resize(counters, 0);
        }
    }
}

/// The value that stands for those of a counter, `None` past the end of the layout.
pub(crate) fn representative(index: usize) -> Option<u64> {
    let bucket = |index| Bucket {
        low: lowest(index),
        high: lowest(index + 1) - 1,
        count: 0,
    };
    (index < COUNTERS_MAX).then(|| bucket(index).middle())
}

/// Which counter a value belongs to. Values below 2048 have their own; beyond, the leading 11
/// bits choose.
fn index_of(value: u64) -> usize {
    let doublings = (u64::BITS - HALF_BITS - 1).saturating_sub(value.leading_zeros());
    doublings as usize * HALF + (value >> doublings) as usize
}

/// The smallest value that a counter counts.
fn lowest(index: usize) -> u64 {
    if index < 2 * HALF {
        return index as u64;
    }
    let doublings = index / HALF - 1;
    ((index % HALF + HALF) as u64) << doublings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_cover_all_values_without_gap_or_overlap() {
        for index in 0..COUNTERS_MAX {
            let (low, high) = (lowest(index), lowest(index + 1) - 1);
            assert_eq!((index_of(low), index_of(high)), (index, index));
            assert!((high - low) as f64 <= low as f64 * Histogram::RELATIVE_ERROR);
        }
        assert_eq!(lowest(COUNTERS_MAX) - 1, LARGEST);
        assert_eq!(representative(COUNTERS_MAX), None);
        assert_eq!(representative(2048), Some(2049));
    }

    #[test]
    fn an_empty_histogram_answers_nothing() {
        let empty = Histogram::default();
        assert_eq!(empty, Histogram::new());
        assert!(empty.is_empty() && empty.counts().is_empty());
        assert_eq!(
            (empty.min(), empty.max(), empty.mean(), empty.sd()),
            (None, None, None, None)
        );
        assert_eq!(
            (empty.quantile(0.5), empty.at_rank(0), empty.at_rank(1)),
            (None, None, None)
        );
    }

    #[test]
    fn quantiles_stay_between_the_smallest_and_the_largest() {
        let mut histogram = Histogram::new();
        for value in [1_000_003, 1_000_001] {
            histogram.record(value).unwrap();
        }
        assert_eq!(
            (histogram.quantile(0.0), histogram.quantile(1.0)),
            (Some(1_000_003), Some(1_000_003))
        );
        assert_eq!(
            (histogram.quantile(1.1), histogram.quantile(f64::NAN)),
            (None, None)
        );
        assert_eq!(
            (histogram.min(), histogram.mean()),
            (Some(1_000_001), Some(1_000_002.0))
        );
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut histogram = Histogram::new();
        histogram.record_many(LARGEST, LARGEST - 1).unwrap();
        histogram.record_many(3, 0).unwrap();
        let before = histogram.clone();
        let too_large = HistogramError::ValueTooLarge { value: LARGEST + 1 };
        assert_eq!(histogram.record(LARGEST + 1), Err(too_large));
        assert_eq!(
            histogram.record_many(1, 2),
            Err(HistogramError::CountTooLarge)
        );
        assert_eq!(histogram.merge(&before), Err(HistogramError::CountTooLarge));
        assert_eq!(histogram, before);
        assert_eq!(histogram.quantile(0.5), Some(LARGEST));
    }
}
