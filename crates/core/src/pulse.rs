//! How fast a server answers of late: the last few hundred durations, and their percentiles.
//!
//! A client's own running figures. Reports take theirs from the records, with the statistics that
//! belong to them.

use std::collections::BinaryHeap;
use std::time::Duration;

/// Durations kept: enough for a steady p95, and sorted in microseconds when asked.
const KEPT: usize = 256;

/// The most recent durations.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    micros: Vec<u64>,
    next: usize,
}

impl Pulse {
    /// Notes a duration, in place of the oldest one when full.
    pub fn note(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if self.micros.len() < KEPT {
            self.micros.push(micros);
        } else {
            self.micros[self.next] = micros;
            self.next = (self.next + 1) % KEPT;
        }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.micros.len()
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.micros.is_empty()
    }

    /// The duration that `percent` in a hundred do not exceed (nearest rank).
    pub fn percentile(&self, percent: u32) -> Option<Duration> {
        let rank = (self.micros.len() * percent as usize).div_ceil(100).max(1);
        let mut longest_first = BinaryHeap::from(self.micros.clone());
        for _ in rank..self.micros.len() {
            longest_first.pop();
        }
        longest_first.pop().map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_durations_that_were_seen() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.percentile(95), None);
        (1..=100).for_each(|ms| pulse.note(Duration::from_millis(ms)));
        #[rustfmt::skip]
        let cases = [(0, 1), (1, 1), (50, 50), (95, 95), (99, 99), (100, 100)];
        for (percent, ms) in cases {
            assert_eq!(
                pulse.percentile(percent),
                Some(Duration::from_millis(ms)),
                "p{percent}"
            );
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let mut pulse = Pulse::default();
        (0..KEPT).for_each(|_| pulse.note(Duration::from_secs(9)));
        (0..KEPT).for_each(|_| pulse.note(Duration::from_secs(1)));
        assert_eq!(pulse.len(), KEPT);
        assert_eq!(pulse.percentile(100), Some(Duration::from_secs(1)));
    }
}
