//! A tokens-per-minute limit, learned from what the server says about it and from nothing else.
//!
//! It is pure. Until the server has named its limit it never holds anything back.

use std::time::Duration;

use crate::time::Instant;

/// A server's limit where it does not say how soon it refills: so many seconds, a minute.
const PERIOD_S: f64 = 60.0;

/// What a server says about its limit on tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenHint {
    /// Tokens per minute.
    pub limit: u64,
    /// Tokens left at the moment of the answer.
    pub remaining: u64,
    /// How long until all of them are back, if it said so.
    pub reset: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    limit: f64,
    /// Tokens per second that come back.
    rate: f64,
    left: f64,
    at: Instant,
}

/// Our copy of the server's account.
#[derive(Debug, Clone, Default)]
pub struct TokenBudget(Option<Known>);

impl TokenBudget {
    /// Takes over what the server said. Its figure does not know of requests still on their way, so
    /// ours stays where it is the lower one.
    pub fn learn(&mut self, now: Instant, hint: TokenHint) {
        if hint.limit == 0 {
            return;
        }
        self.refill(now);
        let limit = hint.limit as f64;
        let remaining = (hint.remaining as f64).min(limit);
        let rate = match hint.reset {
            Some(reset) if reset > Duration::ZERO && remaining < limit => {
                (limit - remaining) / reset.as_secs_f64()
            }
            _ => limit / PERIOD_S,
        };
        let left = self.0.map_or(remaining, |known| known.left.min(remaining));
        self.0 = Some(Known {
            limit,
            rate,
            left,
            at: now,
        });
    }

    /// From when on a request of so many tokens may be sent; `None` means now. One that is larger
    /// than the whole limit waits for a full account, not for ever.
    pub fn next(&mut self, now: Instant, tokens: u64) -> Option<Instant> {
        self.refill(now);
        let known = self.0?;
        let missing = (tokens as f64).min(known.limit) - known.left;
        // A wait is rounded to microseconds; this forgives what the rounding lost.
        (missing > 1e-3).then(|| {
            now + Duration::from_secs_f64((missing / known.rate).min(PERIOD_S))
                + Duration::from_micros(1)
        })
    }

    /// A request of so many tokens goes out. Answers how many were set aside for it: no more than the
    /// whole limit, and none as long as there is no account to take them from.
    #[must_use]
    pub fn spend(&mut self, tokens: u64) -> u64 {
        let Some(known) = &mut self.0 else { return 0 };
        let tokens = tokens.min(known.limit as u64);
        known.left -= tokens as f64;
        tokens
    }

    /// The request needed `used` of the `reserved` tokens. Where none were set aside, the server's
    /// own figure counts it already. One of which nobody knows what it used is not settled: what we
    /// took for it comes back as the server's own does, with time.
    pub fn settle(&mut self, reserved: u64, used: u64) {
        if let Some(known) = &mut self.0
            && reserved > 0
        {
            known.left = (known.left + reserved as f64 - used as f64).min(known.limit);
        }
    }

    fn refill(&mut self, now: Instant) {
        if let Some(known) = &mut self.0 {
            let back = (now - known.at).as_secs_f64() * known.rate;
            known.left = (known.left + back).min(known.limit);
            known.at = known.at.max(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn hint(limit: u64, remaining: u64, reset: u64) -> TokenHint {
        TokenHint {
            limit,
            remaining,
            reset: Some(Duration::from_secs(reset)),
        }
    }

    #[test]
    fn holds_nothing_back_before_the_server_names_a_limit() {
        let mut budget = TokenBudget::default();
        let _ = budget.spend(1_000_000);
        assert_eq!(budget.next(at(0), 1_000_000), None);
    }

    #[test]
    fn waits_until_enough_has_come_back() {
        let mut budget = TokenBudget::default();
        budget.learn(at(0), hint(6000, 1000, 50)); // 100 per second
        assert_eq!(budget.next(at(0), 1000), None);
        let _ = budget.spend(1000);
        let wait = budget.next(at(0), 500).unwrap() - at(0);
        assert_eq!(wait.as_millis(), 5000);
        assert_eq!(budget.next(at(6), 500), None);
    }

    #[test]
    fn what_was_reserved_and_not_used_comes_back_at_once() {
        let mut budget = TokenBudget::default();
        budget.learn(at(0), hint(6000, 500, 55));
        let _ = budget.spend(500);
        budget.settle(500, 100);
        assert_eq!(budget.next(at(0), 400), None);
        assert!(budget.next(at(0), 401).is_some());
    }

    #[test]
    fn the_lower_one_of_the_servers_figure_and_ours_counts() {
        let mut budget = TokenBudget::default();
        budget.learn(at(0), hint(6000, 1000, 50));
        let _ = budget.spend(800);
        budget.learn(at(0), hint(6000, 1000, 50));
        assert_eq!(budget.next(at(0), 200), None);
        assert!(budget.next(at(0), 201).is_some());
        // Others send with the same key, too.
        budget.learn(at(0), hint(6000, 100, 50));
        assert_eq!(budget.next(at(0), 100), None);
        assert!(budget.next(at(0), 101).is_some());
    }

    #[test]
    fn an_account_holds_no_more_than_its_limit_however_long_nothing_is_sent() {
        let mut budget = TokenBudget::default();
        budget.learn(at(0), hint(600, 600, 0));
        assert_eq!(budget.next(at(100), 600), None);
        let _ = budget.spend(600);
        assert!(budget.next(at(100), 1).is_some());
    }

    #[test]
    fn what_comes_back_with_time_is_counted_once() {
        let mut budget = TokenBudget::default();
        budget.learn(at(0), hint(600, 0, 60));
        for _ in 0..3 {
            assert_eq!(budget.next(at(10), 100), None);
            assert!(budget.next(at(10), 101).is_some());
        }
        // By then the server has counted the same.
        budget.learn(at(30), hint(600, 300, 30));
        assert_eq!(budget.next(at(30), 300), None);
    }

    #[test]
    fn a_request_larger_than_the_limit_waits_for_a_full_account() {
        let mut budget = TokenBudget::default();
        budget.learn(at(0), hint(600, 0, 60));
        assert!(budget.next(at(0), 5000).is_some());
        assert_eq!(budget.next(at(61), 5000), None);
    }

    #[test]
    fn a_request_without_a_bound_worth_the_name_holds_the_others_back_no_longer_than_a_full_account()
     {
        let mut budget = TokenBudget::default();
        budget.learn(at(0), hint(600, 600, 0));
        // Nobody knows what became of it, so that it is not settled.
        let _ = budget.spend(u64::MAX);
        assert!(budget.next(at(59), 600).is_some());
        assert_eq!(budget.next(at(61), 600), None);
    }

    #[test]
    fn tokens_come_back_as_fast_as_the_server_says_or_else_within_a_minute() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        #[rustfmt::skip]
        let cases = [
            // limit, remaining, reset, ms until 500 more than what remains are there
            (6000, 1000, seconds(10), 1000),  // 5000 in ten seconds
            (6000, 1000, None,        5000),  // 100 a second
            (6000, 1000, seconds(0),  5000),  // "at once" says nothing about a rate
            (6000, 5500, seconds(50), 50_000),
            (6000, 6000, seconds(50), 5000),  // nothing is missing, so nothing is said either
        ];
        for (limit, remaining, reset, millis) in cases {
            let mut budget = TokenBudget::default();
            budget.learn(
                at(0),
                TokenHint {
                    limit,
                    remaining,
                    reset,
                },
            );
            let _ = budget.spend(remaining);
            let wait = budget.next(at(0), 500).unwrap() - at(0);
            assert_eq!(wait.as_millis(), millis, "{limit} {remaining} {reset:?}");
        }
    }

    #[test]
    fn where_nothing_was_set_aside_nothing_is_settled() {
        let mut budget = TokenBudget::default();
        budget.learn(at(0), hint(6000, 500, 55));
        budget.settle(0, 400);
        assert_eq!(budget.next(at(0), 500), None);
    }
}
