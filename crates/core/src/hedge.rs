//! Whether a slow attempt gets a rival. Pure, off by default.
//!
//! A second attempt is worth its price only where few requests are slow and the server has room.
//! So: only before the first byte, only past the p95 of first bytes, at most one request in
//! twenty, and paid from the retry budget for good.

use std::time::Duration;

use crate::pulse::Pulse;

/// Fewer first bytes than this say nothing about a p95.
const SAMPLES_MIN: usize = 20;

/// One hedge for this many requests at most.
const REQUESTS_PER_HEDGE: u64 = 20;

/// Counts requests and hedges of one key.
#[derive(Debug, Clone, Default)]
pub struct Hedger {
    requests: u64,
    hedges: u64,
}

impl Hedger {
    /// A request is about to be sent. Answers after how long a rival may follow, if at all.
    pub fn delay(&mut self, first_byte: &Pulse) -> Option<Duration> {
        self.requests += 1;
        if first_byte.len() < SAMPLES_MIN {
            return None;
        }
        first_byte.percentile(95)
    }

    /// Takes one of the allowed hedges, if one is left.
    #[must_use]
    pub fn take(&mut self) -> bool {
        let allowed = (self.hedges + 1) * REQUESTS_PER_HEDGE <= self.requests;
        self.hedges += u64::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(samples: u64) -> Pulse {
        let mut pulse = Pulse::default();
        (1..=samples).for_each(|ms| pulse.note(Duration::from_millis(ms)));
        pulse
    }

    #[test]
    fn a_rival_waits_for_the_p95_and_for_enough_evidence() {
        let mut hedger = Hedger::default();
        assert_eq!(hedger.delay(&pulse(19)), None);
        assert_eq!(hedger.delay(&pulse(100)), Some(Duration::from_millis(95)));
    }

    #[test]
    fn at_most_one_request_in_twenty_is_hedged() {
        let mut hedger = Hedger::default();
        let known = pulse(100);
        let rivals = (0..1000)
            .filter(|_| hedger.delay(&known).is_some() && hedger.take())
            .count();
        assert_eq!(rivals, 50);
    }
}
