//! The retry budget: what keeps retries from feeding an overload.
//!
//! A bucket that retries draw from and successes fill. Brief trouble is paid from it unnoticed;
//! an outage empties it, and from then on errors surface at once instead of multiplying the load.
//!
//! A server that starts anew loses all that is in flight in one moment. So the bucket grows with the
//! places under the limit, as successes fill it, until it pays for one retry of each.

/// What the bucket holds at the start.
///
/// With [`COST_TRANSIENT`] it pays for 35 retries: enough for any blip, and trouble that *n* calls
/// meet from the start costs at most `1 + 35 / n` attempts each.
pub const CAPACITY: u32 = 500;

/// A retry after a failure that says that the server is in trouble.
pub const COST_TRANSIENT: u32 = 14;

/// A retry after a refusal without a hint: cheap for the server, but not free. It *is* free behind
/// an adaptive limit, see [`Budget::behind_adaptive_limit`].
pub const COST_THROTTLE: u32 = 5;

/// What a call that succeeds at once puts back.
const FIRST_TRY_REFUND: u32 = 1;

/// A bucket of retry credit, one for each limiter key.
///
/// ```
/// use kneepoint_core::budget::{Budget, CAPACITY, COST_TRANSIENT};
///
/// let mut budget = Budget::default();
/// assert!(budget.spend(COST_TRANSIENT));
/// assert_eq!(budget.left(), CAPACITY - COST_TRANSIENT);
/// budget.succeeded(COST_TRANSIENT, 1); // the retry helped: its cost comes back
/// assert_eq!(budget.left(), CAPACITY);
/// ```
#[derive(Debug, Clone)]
pub struct Budget {
    left: u32,
    /// What it holds at the start, and can always hold.
    capacity: u32,
    grows: bool,
    refusals_are_free: bool,
}

impl Default for Budget {
    /// A bucket that holds [`CAPACITY`], and grows with the places under the limit.
    fn default() -> Self {
        Self {
            grows: true,
            ..Self::new(CAPACITY)
        }
    }
}

impl Budget {
    /// A full bucket that stays as large as it is. With a capacity of 0 nothing is ever retried but
    /// what costs nothing.
    pub const fn new(capacity: u32) -> Self {
        Self {
            left: capacity,
            capacity,
            grows: false,
            refusals_are_free: false,
        }
    }

    /// The same, but retries after refusals, or towards a server that is down, do not draw from it. An
    /// adaptive limit then holds back all calls together, so nothing multiplies; and a start that
    /// overshoots may be refused hundreds of times at once, of which no call is to be lost.
    #[must_use]
    pub const fn behind_adaptive_limit(self) -> Self {
        Self {
            refusals_are_free: true,
            ..self
        }
    }

    /// Whether refusals cost nothing.
    pub const fn refusals_are_free(&self) -> bool {
        self.refusals_are_free
    }

    /// What is left.
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// Takes `cost`, or nothing and answers `false` where it does not suffice.
    #[must_use]
    pub fn spend(&mut self, cost: u32) -> bool {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// A call succeeded; `spent` is what its retries had cost, `places` how many calls the limit
    /// lets be in flight at once.
    pub fn succeeded(&mut self, spent: u32, places: u32) {
        let refund = if spent == 0 { FIRST_TRY_REFUND } else { spent };
        let one_retry_each = if self.grows {
            places.saturating_mul(COST_TRANSIENT)
        } else {
            0
        };
        let most = self.capacity.max(one_retry_each);
        self.left = self.left.saturating_add(refund).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_paid_for_35_times() {
        let mut budget = Budget::default();
        let paid = (0..1000).filter(|_| budget.spend(COST_TRANSIENT)).count();
        assert_eq!(paid, 35);
        assert_eq!(budget.left(), 500 - 35 * 14);
    }

    #[test]
    fn what_cannot_be_paid_takes_nothing() {
        let mut budget = Budget::new(10);
        assert!(!budget.spend(14));
        assert_eq!(budget.left(), 10);
    }

    #[test]
    fn an_obeyed_hint_is_free_even_when_empty() {
        assert!(Budget::new(0).spend(0));
    }

    #[test]
    fn successes_fill_it_to_the_brim_and_no_further() {
        let mut budget = Budget::default();
        assert!(budget.spend(2 * COST_THROTTLE));
        budget.succeeded(0, 1);
        assert_eq!(budget.left(), 491);
        budget.succeeded(COST_THROTTLE, 1);
        assert_eq!(budget.left(), 496);
        budget.succeeded(COST_TRANSIENT, 1);
        assert_eq!(budget.left(), 500);
    }

    #[test]
    fn successes_earn_one_retry_for_each_place() {
        #[rustfmt::skip]
        let cases = [
            // bucket, places, what it holds after 5000 calls
            (Budget::default(),                           1,        500),
            (Budget::default(),                          35,        500),
            (Budget::default(),                         256,       3584),
            (Budget::default().behind_adaptive_limit(), 256,       3584),
            (Budget::default(),                    u32::MAX, 500 + 5000), // no overflow
            (Budget::new(100),                          256,        100), // what the caller named
        ];
        for (mut budget, places, expected) in cases {
            for _ in 0..5000 {
                budget.succeeded(0, places);
            }
            assert_eq!(budget.left(), expected, "{places} places");
        }
        let mut shrunk = Budget::default();
        for _ in 0..5000 {
            shrunk.succeeded(0, 256);
        }
        shrunk.succeeded(0, 20);
        assert_eq!(
            shrunk.left(),
            500,
            "no more than the places of the moment need"
        );
    }
}
