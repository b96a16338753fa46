//! A rate over a window and its interval by batch means: the window is cut into stretches of equal
//! length, and how much fell into each tells the error.

use kneepoint_stats::{BATCHES, rate_interval};

use crate::report::{CONFIDENCE, Estimate};

/// What fell into each stretch of a window. Times are in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Batches {
    from: u64,
    until: u64,
    amounts: [f64; BATCHES],
}

impl Batches {
    /// Nothing fell into the window yet.
    pub(crate) const fn new((from, until): (u64, u64)) -> Self {
        Self {
            from,
            until,
            amounts: [0.0; BATCHES],
        }
    }

    /// Adds what came evenly from `start` to `end`; only what lies in the window counts.
    pub(crate) fn spread(&mut self, start: u64, end: u64, amount: f64) {
        let length = self.until.saturating_sub(self.from) as f64 / BATCHES as f64;
        for (index, batch) in self.amounts.iter_mut().enumerate() {
            let low = self.from as f64 + index as f64 * length;
            *batch += amount * within(start, end, (low, low + length));
        }
    }

    /// All that fell into the window.
    pub(crate) fn total(&self) -> f64 {
        self.amounts.iter().sum()
    }

    /// The rate of `total` per second, with the interval that the batches give it. One of fewer answers
    /// than batches would be narrow for no reason: each answer fills several of them alike.
    pub(crate) fn estimate(&self, total: f64, answers: u64) -> Estimate {
        let (start, end) = (self.from as f64 / 1e6, self.until as f64 / 1e6);
        let seconds = end - start;
        if seconds <= 0.0 {
            return Estimate::default();
        }
        let middle = |index: usize| start + (index as f64 + 0.5) * seconds / BATCHES as f64;
        let amounts = self.amounts.iter().enumerate();
        let events: Vec<_> = amounts.map(|(index, &x)| (middle(index), x)).collect();
        let interval = (answers >= BATCHES as u64)
            .then(|| rate_interval(&events, start..=end, CONFIDENCE).ok())
            .flatten();
        Estimate {
            value: total / seconds,
            low: interval.map(|found| found.interval.low.max(0.0)),
            high: interval.map(|found| found.interval.high),
        }
    }
}

/// How much of what comes evenly from `start` to `end` lies in a stretch of time.
pub(crate) fn within(start: u64, end: u64, (low, high): (f64, f64)) -> f64 {
    let (start, end) = (start as f64, end.max(start + 1) as f64);
    (end.min(high) - start.max(low)).max(0.0) / (end - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_evenly_has_no_error_and_what_comes_at_once_has_much() {
        let window = (1_000_000, 9_000_000);
        let mut even = Batches::new(window);
        even.spread(0, 10_000_000, 100.0);
        let rate = even.estimate(even.total(), 100);
        assert!((rate.value - 10.0).abs() < 1e-9);
        assert!((rate.high.unwrap() - rate.low.unwrap()).abs() < 1e-9);
        let mut burst = Batches::new(window);
        burst.spread(999_999, 1_000_000, 5.0); // just before the window
        burst.spread(8_999_999, 9_000_000, 80.0); // its very end
        let rate = burst.estimate(burst.total(), 80);
        assert_eq!((rate.value, rate.low), (10.0, Some(0.0)));
    }

    #[test]
    fn a_few_answers_that_fill_a_window_say_nothing_of_the_error() {
        let mut few = Batches::new((0, 8_000_000));
        few.spread(0, 8_000_000, 7.0);
        let rate = few.estimate(7.0, 7);
        assert_eq!((rate.value, rate.low, rate.high), (0.875, None, None));
        assert!(few.estimate(8.0, 8).low.is_some());
    }

    #[test]
    fn a_window_without_a_length_has_no_rate() {
        assert_eq!(Batches::new((5, 5)).estimate(3.0, 3), Estimate::default());
    }
}
