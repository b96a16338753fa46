//! Slots or rate? The evidence is one sentence: a number of slots is a fixed number.
//!
//! If the next refusal does not come at the same number in flight as the last one, twice in a row,
//! the limit is a rate. If three refusals in a row come at exactly the same number, it is slots.

use std::time::Duration;

/// Below this many in flight "the same number" carries no information.
const FEWEST: f64 = 4.0;

/// Refusals count as being at the same number from four per cent below the record …
const SAME_LOW: f64 = 0.96;

/// … to fifteen above: one cubic step, while the jitter of round trips stays mostly under four.
const SAME_HIGH: f64 = 1.15;

/// Under a rate, numbers agree within two per cent about one time in three by chance.
const SAME_PACED: f64 = 0.02;

/// Votes needed to believe in a rate.
const VOTES_FOR_RATE: u32 = 2;

/// Votes needed to believe in slots again. Three: by chance they come up one time in thirty.
const VOTES_FOR_SLOTS: u32 = 3;

/// The share by which the record forgets when refusals come lower.
const FORGETTING: f64 = 0.1;

/// Within five per cent of the last number, a refusal confirms it.
const CONFIRMING: f64 = 0.05;

/// From this hint on a refusal is about time (a window, a quota), not about how many are in flight.
pub(super) const LONG_HINT: Duration = Duration::from_secs(4);

/// What the refusals so far say.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// About the largest number in flight at which the server refuses.
    record: f64,
    last: f64,
    votes: u32,
    confirmed: u32,
}

impl Evidence {
    /// Hears a refusal at `in_flight`. True where the present belief (`paced` or not) must change.
    pub(super) fn hear(&mut self, in_flight: u32, paced: bool, abstain: bool) -> bool {
        let seen = f64::from(in_flight);
        let same = self.is_same(seen, paced);
        let near = (seen - self.last).abs() <= (CONFIRMING * seen).max(1.0);
        self.confirmed = if near { self.confirmed + 1 } else { 0 };
        self.last = seen;
        self.record = seen.max(self.record - FORGETTING * (self.record - seen));
        if abstain {
            return false;
        }
        self.votes = if same == paced { self.votes + 1 } else { 0 };
        let flips = self.votes
            >= if paced {
                VOTES_FOR_SLOTS
            } else {
                VOTES_FOR_RATE
            };
        if flips {
            self.votes = 0;
        }
        flips
    }

    fn is_same(&self, seen: f64, paced: bool) -> bool {
        if seen < FEWEST {
            false
        } else if paced {
            (seen - self.last).abs() <= (SAME_PACED * seen).max(0.5)
        } else {
            self.record == 0.0 || (SAME_LOW * self.record..=SAME_HIGH * self.record).contains(&seen)
        }
    }

    /// An older attempt shows that the server refuses at a lower number already.
    pub(super) fn correct(&mut self, in_flight: u32) {
        let seen = f64::from(in_flight);
        self.record = self.record.min(seen);
        self.last = self.last.min(seen);
    }

    /// A trial above the number was refused. At which number is no evidence: a trial sends more where
    /// answers come fast.
    pub(super) fn confirm(&mut self) {
        self.confirmed += 1;
    }

    /// Forgets the votes, as after a belief that changed for another reason.
    pub(super) fn clear_votes(&mut self) {
        self.votes = 0;
    }

    pub(super) fn record(&self) -> f64 {
        self.record
    }

    /// Whether two refusals in a row confirmed the number: then there is nothing to try.
    pub(super) fn is_firm(&self) -> bool {
        self.confirmed >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(paced: bool, refusals: &[u32]) -> Vec<bool> {
        let mut evidence = Evidence::default();
        refusals
            .iter()
            .map(|&at| evidence.hear(at, paced, false))
            .collect()
    }

    #[test]
    fn the_same_number_again_is_slots() {
        assert_eq!(verdicts(false, &[65, 65, 66, 64, 65]), [false; 5]);
    }

    #[test]
    fn two_other_numbers_in_a_row_are_a_rate() {
        assert_eq!(verdicts(false, &[65, 40, 30]), [false, false, true]);
        assert_eq!(
            verdicts(false, &[65, 40, 62, 40]),
            [false, false, false, false]
        );
    }

    #[test]
    fn three_equal_numbers_while_pacing_are_slots() {
        assert_eq!(
            verdicts(true, &[50, 50, 50, 50]),
            [false, false, false, true]
        );
        assert_eq!(verdicts(true, &[50, 50, 40, 50]), [false; 4]);
    }

    #[test]
    fn fewer_than_four_in_flight_never_vote_for_slots() {
        assert_eq!(verdicts(true, &[3; 12]), [false; 12]);
    }
}
