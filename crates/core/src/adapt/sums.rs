//! What the answers at one load say together: seconds per unit of output, and how sure that is.
//!
//! Sums alone are kept, so that a rung takes the same memory however long it lasts.

use crate::time::Instant;

/// A figure this exact (relative standard error) needs no more answers.
const EXACT: f64 = 0.05;

/// From so many answers on, a rung's figure serves where none more exact is to be had.
const SAMPLES_STALE: f64 = 192.0;

/// One answer, as the ladder sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) sent: Instant,
    /// The mean number in flight while it was made.
    pub(super) load: f64,
    /// Units of output (tokens), or 1 where the server does not say.
    pub(super) units: f64,
    pub(super) seconds: f64,
}

/// The sums over the answers at one load.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) count: f64,
    load: f64,
    units: f64,
    seconds: f64,
    units_squared: f64,
    seconds_squared: f64,
    product: f64,
}

impl Sums {
    pub(super) fn add(&mut self, answer: &Answer) {
        self.count += 1.0;
        self.load += answer.load;
        self.units += answer.units;
        self.seconds += answer.seconds;
        self.units_squared += answer.units * answer.units;
        self.seconds_squared += answer.seconds * answer.seconds;
        self.product += answer.units * answer.seconds;
    }

    /// Halves the weight of all that was seen, once it is more than a decision needs.
    pub(super) fn fade(&mut self) {
        let sums = [
            &mut self.count,
            &mut self.load,
            &mut self.units,
            &mut self.seconds,
            &mut self.units_squared,
            &mut self.seconds_squared,
            &mut self.product,
        ];
        for sum in sums {
            *sum *= 0.5;
        }
    }

    pub(super) fn seconds_per_unit(&self) -> f64 {
        self.seconds / self.units
    }

    pub(super) fn mean_seconds(&self) -> f64 {
        self.seconds / self.count
    }

    pub(super) fn mean_load(&self) -> f64 {
        self.load / self.count
    }

    /// The relative variance of seconds per unit, as that of a ratio of means.
    pub(super) fn variance(&self) -> f64 {
        let ratio = self.seconds_per_unit();
        let residual =
            self.seconds_squared - 2.0 * ratio * self.product + ratio * ratio * self.units_squared;
        let mean = self.mean_seconds();
        (residual.max(0.0) / self.count) / (mean * mean) / self.count
    }

    /// Whether the figure may be used without waiting for more.
    pub(super) fn is_exact(&self) -> bool {
        self.variance().sqrt() < EXACT || self.count >= SAMPLES_STALE
    }
}
