//! A series that grew too long to keep: counted in ticks, with its extremes known exactly.

use crate::bins::{self, Bin, Scale};
use crate::histogram::{Histogram, HistogramError};
use crate::quantile::Rule;
use crate::summary::{Summary, with_median};

/// The first number of ticks that a histogram cannot hold, 2⁶³.
const TICKS_END: f64 = 9_223_372_036_854_775_808.0;

/// Values, not negative, counted in ticks.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    tick: f64,
    histogram: Histogram,
    min: f64,
    max: f64,
}

impl Counted {
    /// Counts samples that are few enough to be kept, and for each of which there is room.
    pub(crate) fn of(samples: &[f64], tick: f64) -> Self {
        let mut counted = Self {
            tick,
            histogram: Histogram::new(),
            min: f64::INFINITY,
            max: 0.0,
        };
        for &sample in samples {
            counted
                .record(sample)
                .expect("so few samples, each with room, can be counted");
        }
        counted
    }

    /// Whether a value, not negative, can be counted in such ticks.
    pub(crate) fn has_room(value: f64, tick: f64) -> bool {
        libm::round(value / tick) < TICKS_END
    }

    /// Adds a value for which there is room.
    pub(crate) fn record(&mut self, value: f64) -> Result<(), HistogramError> {
        self.histogram
            .record(libm::round(value / self.tick) as u64)?;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        Ok(())
    }

    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        self.histogram.merge(&other.histogram)?;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        Ok(())
    }

    pub(crate) fn into_histogram(self) -> Histogram {
        self.histogram
    }

    pub(crate) const fn len(&self) -> u64 {
        self.histogram.len()
    }

    /// The `q`-quantile by nearest rank.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        self.histogram.quantile(q).map(|ticks| self.units(ticks))
    }

    /// The value with a rank, counted from 1.
    pub(crate) fn at_rank(&self, rank: u64) -> Option<f64> {
        self.histogram.at_rank(rank).map(|ticks| self.units(ticks))
    }

    pub(crate) fn summary(&self, quantiles: &[f64]) -> Option<Summary> {
        let answers: Option<Vec<f64>> = with_median(quantiles)
            .into_iter()
            .map(|q| self.quantile(q))
            .collect();
        let answers = answers?;
        Some(Summary {
            n: self.histogram.len(),
            min: self.min,
            max: self.max,
            mean: (self.histogram.mean()? * self.tick).clamp(self.min, self.max),
            sd: self.histogram.sd().map(|sd| sd * self.tick),
            median: answers[0],
            quantiles: answers[1..].to_vec(),
            rule: Rule::Nearest,
        })
    }

    pub(crate) fn bins(&self, scale: Scale, bins: usize) -> Vec<Bin> {
        let buckets = self.histogram.buckets();
        let middles: Vec<(f64, u64)> = buckets
            .map(|bucket| (self.units(bucket.middle()), bucket.count))
            .collect();
        bins::fill(middles.iter().copied(), scale, bins)
    }

    /// Ticks in the unit of the values, within the extremes.
    fn units(&self, ticks: u64) -> f64 {
        (ticks as f64 * self.tick).clamp(self.min, self.max)
    }
}
