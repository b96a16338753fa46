//! What a simulated endpoint admits: rate limits and slots with a queue, as pure state machines.
//!
//! Time comes in as an argument and decisions go out; nothing here waits.

use std::collections::VecDeque;
use std::time::Duration;

use super::spec::{Rate, Spec};

const MINUTE: Duration = Duration::from_mins(1);

/// One limit and what is left of it.
#[derive(Debug, Clone)]
pub(crate) struct RateLimit {
    rate: Rate,
    /// Bucket: what it holds. Window: what is left of this minute.
    level: f64,
    /// Bucket: when `level` was right. Window: when this minute began.
    since: Option<Duration>,
}

impl RateLimit {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            level: capacity(rate),
            since: None,
        }
    }

    /// Brings `level` up to `now`.
    fn refresh(&mut self, now: Duration) {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_sub(since);
        match self.rate {
            Rate::Bucket { per_s, burst } => {
                self.level = (self.level + passed.as_secs_f64() * per_s).min(burst);
                self.since = Some(now);
            }
            Rate::Minute { limit } if passed >= MINUTE => {
                self.level = limit;
                let minutes = (passed.as_secs() / 60).try_into().unwrap_or(u32::MAX);
                self.since = Some(since + MINUTE * minutes);
            }
            Rate::Minute { .. } => {}
        }
    }

    /// How long until `amount` fits; zero when it does now.
    fn wait(&mut self, now: Duration, amount: f64) -> Duration {
        self.refresh(now);
        // What is larger than the whole limit must be let through some time: at a full one.
        let missing = amount.min(capacity(self.rate)) - self.level;
        // The tolerance is a billionth of the limit: refilling by floats may fall short of 1.0.
        if missing <= capacity(self.rate) * 1e-9 {
            return Duration::ZERO;
        }
        match self.rate {
            Rate::Bucket { per_s, .. } => Duration::from_secs_f64((missing / per_s).min(1e9)),
            Rate::Minute { .. } => (self.since.unwrap_or(now) + MINUTE).saturating_sub(now),
        }
    }

    fn take(&mut self, amount: f64) {
        self.level -= amount;
    }

    /// Limit, what remains, and how long until nothing is missing: the three rate-limit headers.
    pub(crate) fn view(&mut self, now: Duration) -> RateView {
        self.refresh(now);
        let reset = match self.rate {
            Rate::Bucket { per_s, burst } => {
                Duration::from_secs_f64(((burst - self.level) / per_s).clamp(0.0, 1e9))
            }
            Rate::Minute { .. } => (self.since.unwrap_or(now) + MINUTE).saturating_sub(now),
        };
        RateView {
            limit: capacity(self.rate) as u64,
            remaining: self.level.max(0.0) as u64,
            reset,
        }
    }
}

fn capacity(rate: Rate) -> f64 {
    match rate {
        Rate::Bucket { burst, .. } => burst,
        Rate::Minute { limit } => limit,
    }
}

/// A limit as its headers show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateView {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset: Duration,
}

/// Which limit refused a request, and when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) cause: Cause,
    /// None: the limit does not know.
    pub(crate) wait: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Requests,
    Tokens,
    Capacity,
}

/// All rate limits of one endpoint. A request passes all of them or is charged to none.
#[derive(Debug, Clone)]
pub(crate) struct RateLimits {
    limits: Vec<(Cause, RateLimit)>,
}

impl RateLimits {
    pub(crate) fn new(spec: &Spec) -> Self {
        let keys = [
            (Cause::Requests, spec.rps),
            (Cause::Requests, spec.rpm),
            (Cause::Tokens, spec.tpm),
        ];
        let limits = keys
            .into_iter()
            .filter_map(|(cause, rate)| Some((cause, RateLimit::new(rate?))));
        Self {
            limits: limits.collect(),
        }
    }

    /// Admits a request of so many tokens, or says which limit it waits for longest.
    pub(crate) fn admit(&mut self, now: Duration, tokens: u32) -> Result<(), Refusal> {
        let amount = |cause| {
            if cause == Cause::Tokens {
                f64::from(tokens)
            } else {
                1.0
            }
        };
        let longest = self
            .limits
            .iter_mut()
            .map(|(cause, limit)| (*cause, limit.wait(now, amount(*cause))))
            .max_by_key(|(_, wait)| *wait);
        match longest {
            Some((cause, wait)) if wait > Duration::ZERO => Err(Refusal {
                cause,
                wait: Some(wait),
            }),
            _ => {
                for (cause, limit) in &mut self.limits {
                    limit.take(amount(*cause));
                }
                Ok(())
            }
        }
    }

    /// The headers' view of the limit on requests and of that on tokens.
    pub(crate) fn view(&mut self, now: Duration) -> (Option<RateView>, Option<RateView>) {
        let mut of = |wanted| {
            let found = self
                .limits
                .iter_mut()
                .rev()
                .find(|(cause, _)| *cause == wanted);
            found.map(|(_, limit)| limit.view(now))
        };
        (of(Cause::Requests), of(Cause::Tokens))
    }
}

/// Requests served at once, and a first-come queue of bounded length in front of them.
#[derive(Debug)]
pub(crate) struct Slots {
    busy_max: usize,
    waiting_max: usize,
    busy: usize,
    waiting: VecDeque<u64>,
    tickets: u64,
}

/// What became of a request that asked for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Served,
    /// Wait until `leave` hands a slot to this ticket.
    Waiting(u64),
    Full,
}

impl Slots {
    pub(crate) fn new(slots: usize, queue: usize) -> Self {
        Self {
            busy_max: slots,
            waiting_max: queue,
            busy: 0,
            waiting: VecDeque::new(),
            tickets: 0,
        }
    }

    pub(crate) fn enter(&mut self) -> Entry {
        if self.busy < self.busy_max {
            self.busy += 1;
            Entry::Served
        } else if self.waiting.len() < self.waiting_max {
            self.tickets += 1;
            self.waiting.push_back(self.tickets);
            Entry::Waiting(self.tickets)
        } else {
            Entry::Full
        }
    }

    /// Gives a slot back. The ticket returned, if any, holds it from now on.
    pub(crate) fn leave(&mut self) -> Option<u64> {
        let next = self.waiting.pop_front();
        if next.is_none() {
            self.busy -= 1;
        }
        next
    }

    /// Takes a ticket out of the queue; false if it has been handed a slot already.
    pub(crate) fn give_up(&mut self, ticket: u64) -> bool {
        // Tickets are handed out in order, so the queue is sorted.
        match self.waiting.binary_search(&ticket) {
            Ok(index) => self.waiting.remove(index).is_some(),
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn limits(text: &str) -> RateLimits {
        RateLimits::new(&super::super::grammar::parse(text).expect("spec"))
    }

    /// Asks every millisecond of a virtual minute, far above the limit; returns how many passed.
    fn admitted_in_a_minute(limits: &mut RateLimits, tokens: u32) -> u32 {
        (0..60_000)
            .map(|t| u32::from(limits.admit(ms(t), tokens).is_ok()))
            .sum()
    }

    #[test]
    fn token_buckets_admit_their_rate_within_one_percent_over_a_minute() {
        for (spec, expected) in [("rps=50", 3000.0), ("rps=5", 300.0), ("rps=333", 19_980.0)] {
            let admitted = f64::from(admitted_in_a_minute(&mut limits(spec), 1));
            assert!(
                (admitted / expected - 1.0).abs() <= 0.01,
                "{spec}: {admitted}"
            );
        }
    }

    #[test]
    fn a_window_admits_exactly_its_limit_and_starts_anew_each_minute() {
        let mut limits = limits("rpm=600");
        assert_eq!(admitted_in_a_minute(&mut limits, 1), 600);
        let refusal = limits.admit(ms(59_500), 1).expect_err("used up");
        assert_eq!(
            refusal,
            Refusal {
                cause: Cause::Requests,
                wait: Some(ms(500))
            }
        );
        assert!(limits.admit(ms(60_000), 1).is_ok());
        assert!(limits.admit(ms(200_000), 1).is_ok());
        assert_eq!(limits.view(ms(200_000)).0.expect("limit").reset, ms(40_000));
    }

    #[test]
    fn a_refused_request_told_to_wait_is_admitted_after_that_time_and_not_before() {
        let mut limits = limits("rps=10:1");
        assert!(limits.admit(ms(0), 1).is_ok());
        let wait = limits
            .admit(ms(1), 1)
            .expect_err("empty")
            .wait
            .expect("known");
        assert!(
            limits
                .admit(
                    (ms(1) + wait)
                        .checked_sub(Duration::from_micros(100))
                        .unwrap(),
                    1
                )
                .is_err()
        );
        assert!(limits.admit(ms(1) + wait, 1).is_ok());
    }

    #[test]
    fn a_refusal_charges_no_other_limit() {
        let mut limits = limits("rpm=10,tpm=100");
        assert!(limits.admit(ms(0), 90).is_ok());
        for _ in 0..5 {
            assert_eq!(
                limits.admit(ms(1), 50).expect_err("tokens").cause,
                Cause::Tokens
            );
        }
        assert_eq!(limits.view(ms(1)).0.expect("requests").remaining, 9);
    }

    #[test]
    fn a_request_above_the_whole_token_limit_passes_a_full_one_and_leaves_a_debt() {
        let mut limits = limits("tpm=60:60");
        assert!(limits.admit(ms(0), 120).is_ok());
        let wait = limits
            .admit(ms(0), 1)
            .expect_err("in debt")
            .wait
            .expect("known");
        assert_eq!(wait.as_secs(), 61);
    }

    #[test]
    fn slots_are_never_exceeded_and_handed_over_in_order() {
        use Entry::{Full, Served, Waiting};
        let mut slots = Slots::new(2, 2);
        let entries: Vec<Entry> = (0..5).map(|_| slots.enter()).collect();
        assert_eq!(entries, [Served, Served, Waiting(1), Waiting(2), Full]);
        assert_eq!(slots.leave(), Some(1));
        assert!(!slots.give_up(1), "already served");
        assert!(slots.give_up(2));
        assert_eq!((slots.leave(), slots.leave(), slots.busy), (None, None, 0));
    }

    proptest::proptest! {
        #[test]
        fn no_order_of_events_serves_more_than_the_slots(
            slots in 1_usize..5, queue in 0_usize..5, events in proptest::collection::vec(0_u8..3, 0..200),
        ) {
            let mut machine = Slots::new(slots, queue);
            let (mut served, mut waiting) = (0_usize, Vec::new());
            for event in events {
                match event {
                    0 => match machine.enter() {
                        Entry::Served => served += 1,
                        Entry::Waiting(ticket) => waiting.push(ticket),
                        Entry::Full => proptest::prop_assert!(served == slots && waiting.len() == queue),
                    },
                    1 if served > 0 => match machine.leave() {
                        Some(ticket) => waiting.retain(|other| *other != ticket),
                        None => served -= 1,
                    },
                    2 if !waiting.is_empty() => {
                        proptest::prop_assert!(machine.give_up(waiting.remove(0)));
                    }
                    _ => {}
                }
                proptest::prop_assert!(served <= slots && waiting.len() <= queue);
                proptest::prop_assert_eq!(machine.busy, served);
            }
        }
    }
}
