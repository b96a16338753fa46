//! The concurrency beyond which the server refuses: suspected where it did, then verified.

use super::{Finding, Observation, Options, rules};

/// A limit under suspicion.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    /// How many the server took on at once. That is their rate times their latency, counted in place of
    /// multiplied: of a client that stood still neither is right by itself.
    estimate: f64,
    /// The lowest concurrency at which it refused.
    refused: u32,
    /// The highest below it at which it did not, before the verification.
    accepted: u32,
    verified: Option<u32>,
    tries: u32,
}

impl Limit {
    /// The server refused on this rung, and not yet with `accepted` slots.
    pub(super) fn suspected(seen: &Observation, accepted: u32) -> Self {
        Self {
            estimate: seen.taken_on,
            refused: seen.concurrency,
            accepted,
            verified: None,
            tries: 0,
        }
    }

    /// The concurrency to verify next, unless that is done.
    pub(super) fn to_verify(&self, options: &Options) -> Option<u32> {
        let over = self.verified.is_some() || self.tries >= options.verify_max;
        // Below one slot there is nothing to try.
        (!over && self.refused > 1).then(|| self.candidate(options.verify_share))
    }

    fn candidate(&self, share: f64) -> u32 {
        let candidate = (self.estimate * share).floor() as u32;
        candidate.clamp(1, self.refused.saturating_sub(1).max(1))
    }

    pub(super) fn verified(&mut self, seen: &Observation, options: &Options) {
        self.tries += 1;
        if rules::rate_limited(seen, options).is_none() {
            self.verified = Some(seen.concurrency);
            return;
        }
        self.estimate = seen.taken_on;
        self.refused = self.refused.min(seen.concurrency);
        self.accepted = self.accepted.min(self.refused.saturating_sub(1));
    }

    /// The limit as far as it is known; 0 where one at a time is refused already.
    pub(super) fn value(&self) -> u32 {
        match self.verified {
            Some(verified) => verified,
            None if self.refused <= 1 => 0,
            None => self.candidate(1.0),
        }
    }

    pub(super) fn finding(&self) -> Finding {
        let value = self.value();
        // What it took on while it refused the rest is the most that it takes on.
        let most = (self.estimate.ceil() as u32).min(self.refused.saturating_sub(1));
        let high = most.max(value);
        let (refused, estimate) = (self.refused, self.estimate);
        let (low, reason) = match self.verified {
            Some(verified) => (
                verified,
                format!("verified at {verified}; at {refused} the server refused"),
            ),
            None if value == 0 => (
                0,
                format!("at {refused} the server refused already, and took on {estimate:.1}"),
            ),
            None => (
                self.accepted.min(value),
                format!("not verified: at {refused} the server refused, and took on {estimate:.1}"),
            ),
        };
        Finding {
            value,
            low,
            high,
            reason,
        }
    }
}
