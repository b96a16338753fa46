//! Whether, and when, a failed attempt is repeated. Pure: a table of classes and one decision.
//!
//! The caller sleeps; nothing here does. A retry is paid for (see [`crate::budget`]), unless the
//! server itself named the time, or nothing had reached it, or an adaptive limit holds all calls back
//! because it refused or is down.

mod class;

use std::time::Duration;

use crate::budget::{Budget, COST_THROTTLE, COST_TRANSIENT};
pub use crate::presence::Health;
pub(crate) use class::is_refusal;
pub use class::{Class, classify};

/// No pause without a hint is longer: twenty seconds on, the trouble is someone's to look at.
const BACKOFF_MAX: Duration = Duration::from_secs(20);

/// The first pause after trouble is drawn from 0 to this, then from twice as much.
const BACKOFF_TRANSIENT: Duration = Duration::from_millis(500);

/// The same after a refusal. It is short, because the limit, which sees all calls, already says
/// when the next one may go; this only keeps those that were refused together apart.
const BACKOFF_THROTTLE: Duration = Duration::from_millis(250);

/// Who was not there is asked again at least this often: it costs nothing, and calls go on soon after
/// its return.
const BACKOFF_UNSENT_MAX: Duration = Duration::from_secs(2);

/// A server that was heard less than this ago is expected back: most that start anew need no longer.
/// Of one that is away for longer callers learn soon, so that they can go elsewhere.
const RETURN_MAX: Duration = Duration::from_secs(10);

/// Retries in that time where the caller names no number. Others may still be heard, on connections
/// that were there before: then time alone is no bound.
const RETRIES_RETURN: u32 = 10;

/// So many failures of others, with no success since, are no chance.
const FAILURES_OF_OTHERS: u32 = 2;

/// Servers that say "0 s" mean "soon", not "at once and all together".
const HINT_MIN: Duration = Duration::from_millis(50);

/// Calls that wait for the same hint are spread over a tenth of it, and no more than this.
pub(crate) const HINT_SPREAD_MAX: Duration = Duration::from_secs(1);

/// Retries after trouble where the caller names no number.
const RETRIES_TROUBLE: u32 = 2;

/// Retries after refusals where the caller names no number. A refusal costs the server nothing and
/// is rarely the call's own fault, so patience is cheap; the deadline bounds it as well.
const RETRIES_REFUSED: u32 = 10;

/// Retries where nobody knows what became of an attempt, whatever number the caller names: each may
/// be billed once more.
const RETRIES_UNCLEAR: u32 = 1;

/// What each call may do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Retries of one call, whatever for. Default: `None`, which means 2 after trouble, 10 after
    /// refusals and where others fail too, 1 where nobody knows what became of an attempt, and up to ten
    /// seconds of them where a server that answered a moment ago takes no connection.
    pub retries_max: Option<u32>,
    /// The longest wait that a server may ask for; beyond it the call fails at once. Default: 60 s.
    pub wait_max: Duration,
    /// Never repeat what the server may have carried out already. Default: `false`.
    pub at_most_once: bool,
    /// The most that the retry budget which all calls of a key share holds. Default: `None`, which
    /// means [`crate::budget::CAPACITY`], and as successes earn it, one retry for each place under
    /// the limit.
    pub budget: Option<u32>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries_max: None,
            wait_max: Duration::from_secs(60),
            at_most_once: false,
            budget: None,
        }
    }
}

/// What a call has tried so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    refused: u32,
    trouble: u32,
    unsent: u32,
    unknown: u32,
    dubious: u32,
    spent: u32,
}

impl Tries {
    /// What its retries have cost; given back to the budget when the call succeeds.
    pub const fn spent(&self) -> u32 {
        self.spent
    }

    /// All its retries.
    const fn all(&self) -> u32 {
        self.refused + self.trouble + self.unsent + self.unknown + self.dubious
    }
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The class does not allow one, or all allowed ones are used up.
    Final,
    /// The wait that is due, at the server's word or ours, is longer than the caller or the deadline
    /// allows.
    WaitTooLong,
    /// The shared retry budget is empty.
    BudgetExhausted,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Wait this long, then queue again.
    RetryAfter(Duration),
    /// Give the failure to the caller.
    Stop(Stop),
}

/// What is known when an attempt has failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// What the failure says.
    pub class: Class,
    /// How long the server asked to wait.
    pub hint: Option<Duration>,
    /// What is left until the call's deadline.
    pub remaining: Option<Duration>,
    /// How long ago the server was last heard, be it by another call.
    pub heard: Option<Duration>,
    /// What the failures of all calls say of the server.
    pub health: Health,
    /// Whether all are refused, and this call has waited long enough for that to end.
    pub in_vain: bool,
    /// A draw from 0 to 1.
    pub unit: f64,
}

/// Decides on a failure.
pub fn decide(
    policy: &RetryPolicy,
    moment: Moment,
    tries: &mut Tries,
    budget: &mut Budget,
) -> Decision {
    let Moment {
        class,
        hint,
        remaining,
        heard,
        health,
        in_vain,
        unit,
    } = moment;
    if policy.at_most_once && !class.is_safe_to_repeat() {
        return Decision::Stop(Stop::Final);
    }
    let is_down = health == Health::Down;
    let is_held_back = class.is_refusal() || is_down;
    if is_held_back && in_vain {
        return Decision::Stop(Stop::Final);
    }
    let all = tries.all();
    let named = |otherwise| policy.retries_max.unwrap_or(otherwise);
    let (used, allowed) = match class {
        Class::Throttle | Class::Overload => (&mut tries.refused, named(RETRIES_REFUSED)),
        Class::Transient if is_down => (&mut tries.refused, named(RETRIES_REFUSED)),
        Class::Transient if others_fail(health, all) => {
            (&mut tries.trouble, named(RETRIES_REFUSED))
        }
        Class::Transient => (&mut tries.trouble, named(RETRIES_TROUBLE)),
        Class::Unsent if heard.is_some_and(|ago| ago < RETURN_MAX) => {
            (&mut tries.unsent, named(RETRIES_RETURN))
        }
        Class::Unsent => (&mut tries.unsent, named(RETRIES_TROUBLE)),
        Class::UnknownOutcome => (&mut tries.unknown, RETRIES_UNCLEAR),
        Class::Dubious => (&mut tries.dubious, RETRIES_UNCLEAR),
        Class::Fatal => return Decision::Stop(Stop::Final),
    };
    if *used >= allowed || policy.retries_max.is_some_and(|most| all >= most) {
        return Decision::Stop(Stop::Final);
    }
    if hint.is_some_and(|wait| wait > policy.wait_max) {
        return Decision::Stop(Stop::WaitTooLong);
    }
    let delay = hint.map_or_else(|| pause(class, *used, unit), |wait| obey(wait, unit));
    if remaining.is_some_and(|left| delay >= left) {
        return Decision::Stop(Stop::WaitTooLong);
    }
    let cost = match (hint, class) {
        // What never reached the server is no load, and a network that is away for a moment, or a gateway that
        // starts anew, fails all calls at once.
        (Some(_), _) | (None, Class::Unsent) => 0,
        _ if is_held_back && budget.refusals_are_free() => 0,
        (None, Class::Throttle) => COST_THROTTLE,
        (None, _) => COST_TRANSIENT,
    };
    if !budget.spend(cost) {
        return Decision::Stop(Stop::BudgetExhausted);
    }
    *used += 1;
    tries.spent += cost;
    Decision::RetryAfter(delay)
}

/// Whether others fail too, and nobody succeeds: then this call, which was retried so often, is hardly
/// to blame.
const fn others_fail(health: Health, retries: u32) -> bool {
    match health {
        Health::Unknown => false,
        Health::Failing(failures) => failures > retries + FAILURES_OF_OTHERS,
        Health::Down => true,
    }
}

/// A random share of an exponentially growing pause: herds spread, and grow thinner.
fn pause(class: Class, used: u32, unit: f64) -> Duration {
    let (first, longest, share) = match class {
        Class::Throttle | Class::Overload => (BACKOFF_THROTTLE, BACKOFF_MAX, unit),
        // Who was not there a moment ago is hardly there at once.
        Class::Unsent => (
            BACKOFF_TRANSIENT,
            BACKOFF_UNSENT_MAX,
            f64::midpoint(unit, 1.0),
        ),
        _ => (BACKOFF_TRANSIENT, BACKOFF_MAX, unit),
    };
    first
        .saturating_mul(1 << used.min(16))
        .min(longest)
        .mul_f64(share)
}

/// Never before the server's own time, and not all in the same moment.
fn obey(hint: Duration, unit: f64) -> Duration {
    let hint = hint.max(HINT_MIN);
    hint + (hint / 10).min(HINT_SPREAD_MAX).mul_f64(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A failure of this class, at a server that was never heard, with all the time that there is.
    const fn failed(class: Class) -> Moment {
        Moment {
            class,
            hint: None,
            remaining: None,
            heard: None,
            health: Health::Unknown,
            in_vain: false,
            unit: 0.5,
        }
    }

    fn policy(retries_max: Option<u32>) -> RetryPolicy {
        RetryPolicy {
            retries_max,
            ..RetryPolicy::default()
        }
    }

    /// How often a failure of this class is retried with nothing in the way.
    fn retries(policy: &RetryPolicy, class: Class) -> u32 {
        let (mut tries, mut budget) = (Tries::default(), Budget::default());
        let attempts =
            std::iter::repeat_with(|| decide(policy, failed(class), &mut tries, &mut budget));
        let retried = attempts.take_while(|one| matches!(one, Decision::RetryAfter(_)));
        retried.take(100).count() as u32
    }

    #[test]
    fn each_class_has_its_number_of_retries() {
        use Class::{Dubious, Fatal, Overload, Throttle, Transient, UnknownOutcome, Unsent};
        #[rustfmt::skip]
        let cases = [
            // class, by default, with 0, with 5, with 5 at most once
            (Throttle,       10, 0, 5, 5),
            (Overload,       10, 0, 5, 5),
            (Transient,       2, 0, 5, 0),
            (Unsent,          2, 0, 5, 5),
            (UnknownOutcome,  1, 0, 1, 0),
            (Dubious,         1, 0, 1, 0),
            (Fatal,           0, 0, 0, 0),
        ];
        for (class, by_default, none, five, once) in cases {
            assert_eq!(retries(&policy(None), class), by_default, "{class:?}");
            assert_eq!(retries(&policy(Some(0)), class), none, "{class:?}");
            assert_eq!(retries(&policy(Some(5)), class), five, "{class:?}");
            let once_only = RetryPolicy {
                at_most_once: true,
                ..policy(Some(5))
            };
            assert_eq!(retries(&once_only, class), once, "{class:?}, at most once");
        }
    }

    #[test]
    fn a_server_that_was_heard_a_moment_ago_is_expected_back() {
        #[rustfmt::skip]
        let cases = [
            // heard this long ago, retries that the caller named, those made before, one more?
            (None,              None,    1, true),
            (None,              None,    2, false),
            (Some(ms(10_000)),  None,    2, false),
            (Some(ms(9_999)),   None,    2, true),
            (Some(ms(9_999)),   None,    9, true),
            (Some(ms(0)),       None,   10, false),
            (Some(ms(0)),       Some(2), 2, false),
        ];
        for (heard, named, unsent, again) in cases {
            let mut tries = Tries {
                unsent,
                ..Tries::default()
            };
            let moment = Moment {
                heard,
                ..failed(Class::Unsent)
            };
            let decision = decide(&policy(named), moment, &mut tries, &mut Budget::default());
            assert_eq!(
                matches!(decision, Decision::RetryAfter(_)),
                again,
                "{heard:?}, {named:?} named, {unsent} made"
            );
        }
    }

    #[test]
    fn where_others_fail_too_a_call_is_given_more_retries() {
        #[rustfmt::skip]
        let cases = [
            // failures in a row, its own among them, retries that the caller named, those made, one more?
            (3, None,    2, false), // all are its own
            (4, None,    2, false),
            (5, None,    2, true),
            (9, None,    9, false),
            (99, None,   9, true),
            (99, None,  10, false),
            (99, Some(2), 2, false),
        ];
        for (failures, named, trouble, again) in cases {
            let mut tries = Tries {
                trouble,
                ..Tries::default()
            };
            let moment = Moment {
                health: Health::Failing(failures),
                ..failed(Class::Transient)
            };
            let mut budget = Budget::default();
            let decision = decide(&policy(named), moment, &mut tries, &mut budget);
            assert_eq!(
                matches!(decision, Decision::RetryAfter(_)),
                again,
                "{failures}, {named:?} named, {trouble} made"
            );
            assert_eq!(budget.left(), 500 - 14 * u32::from(again), "it is paid for");
        }
    }

    #[test]
    fn a_server_at_which_all_calls_fail_is_waited_for() {
        #[rustfmt::skip]
        let cases = [
            // class, retries of one call
            (Class::Transient,      10),
            (Class::UnknownOutcome,  1), // each may be billed
        ];
        for (class, retries) in cases {
            let moment = Moment {
                health: Health::Down,
                ..failed(class)
            };
            let (mut tries, mut budget) =
                (Tries::default(), Budget::new(0).behind_adaptive_limit());
            let again = || decide(&policy(None), moment, &mut tries, &mut budget);
            let retried = std::iter::repeat_with(again)
                .take_while(|one| matches!(one, Decision::RetryAfter(_)));
            assert_eq!(retried.take(100).count(), retries, "{class:?}");
            assert_eq!(tries.spent(), 0, "{class:?}");
            let mut unheld = Budget::new(0);
            let decision = decide(&policy(None), moment, &mut Tries::default(), &mut unheld);
            assert_eq!(decision, Decision::Stop(Stop::BudgetExhausted), "{class:?}");
        }
        let once_only = RetryPolicy {
            at_most_once: true,
            ..policy(None)
        };
        let moment = Moment {
            health: Health::Down,
            ..failed(Class::Transient)
        };
        let decision = decide(
            &once_only,
            moment,
            &mut Tries::default(),
            &mut Budget::default(),
        );
        assert_eq!(
            decision,
            Decision::Stop(Stop::Final),
            "it may have been carried out"
        );
    }

    #[test]
    fn refusals_are_not_waited_out_in_vain() {
        #[rustfmt::skip]
        let cases = [
            (Class::Throttle,  true),
            (Class::Overload,  true),
            (Class::Transient, false), // says nothing about the others
        ];
        for (class, ends) in cases {
            let moment = Moment {
                in_vain: true,
                ..failed(class)
            };
            let (mut tries, mut budget) = (Tries::default(), Budget::default());
            let decision = decide(&policy(None), moment, &mut tries, &mut budget);
            assert_eq!(decision == Decision::Stop(Stop::Final), ends, "{class:?}");
        }
    }

    #[test]
    fn pauses_follow_the_table() {
        use Decision::{RetryAfter, Stop as Halt};
        #[rustfmt::skip]
        let cases = [
            // class, used before, hint, remaining, unit, decision
            (Class::Transient, 0, None,              None,           0.0, RetryAfter(ms(0))),
            (Class::Transient, 0, None,              None,           1.0, RetryAfter(ms(500))),
            (Class::Transient, 1, None,              None,           1.0, RetryAfter(ms(1000))),
            (Class::Unsent,    0, None,              None,           0.0, RetryAfter(ms(250))),    // half is certain
            (Class::Unsent,    1, None,              None,           1.0, RetryAfter(ms(1000))),
            (Class::Unsent,    9, None,              None,           1.0, RetryAfter(ms(2000))),   // soon after its return
            (Class::Transient, 5, None,              None,           1.0, RetryAfter(ms(16_000))),
            (Class::Transient, 6, None,              None,           1.0, RetryAfter(ms(20_000))), // the bound
            (Class::Transient, 60, None,             None,           0.5, RetryAfter(ms(10_000))), // no overflow
            (Class::Throttle,  0, None,              None,           1.0, RetryAfter(ms(250))),
            (Class::Throttle,  3, None,              None,           0.5, RetryAfter(ms(1000))),
            (Class::Throttle,  9, Some(ms(2000)),    None,           0.0, RetryAfter(ms(2000))),   // never early
            (Class::Throttle,  0, Some(ms(2000)),    None,           1.0, RetryAfter(ms(2200))),   // spread by a tenth
            (Class::Throttle,  0, Some(ms(60_000)),  None,           1.0, RetryAfter(ms(61_000))), // but no more than 1 s
            (Class::Throttle,  0, Some(ms(0)),       None,           0.0, RetryAfter(ms(50))),     // the floor
            (Class::Throttle,  0, Some(ms(60_001)),  None,           0.0, Halt(Stop::WaitTooLong)),
            (Class::Overload,  0, Some(Duration::MAX), None,         1.0, Halt(Stop::WaitTooLong)),
            (Class::Throttle,  0, Some(ms(2000)),    Some(ms(2000)), 0.0, Halt(Stop::WaitTooLong)),
            (Class::Throttle,  0, Some(ms(2000)),    Some(ms(2001)), 0.0, RetryAfter(ms(2000))),
            (Class::Transient, 0, None,              Some(ms(100)),  0.1, RetryAfter(ms(50))),
            (Class::Transient, 0, None,              Some(ms(50)),   0.1, Halt(Stop::WaitTooLong)),
        ];
        for (class, used, hint, remaining, unit, expected) in cases {
            let mut tries = Tries {
                refused: used,
                trouble: used,
                unsent: used,
                ..Tries::default()
            };
            let patient = policy(Some(1000));
            let mut budget = Budget::default();
            let moment = Moment {
                hint,
                remaining,
                unit,
                ..failed(class)
            };
            let decision = decide(&patient, moment, &mut tries, &mut budget);
            assert_eq!(
                decision, expected,
                "{class:?} {used} {hint:?} {remaining:?} {unit}"
            );
            let stopped = matches!(decision, Halt(_));
            assert_eq!(tries.all(), 3 * used + u32::from(!stopped));
        }
    }

    #[test]
    fn a_retry_is_paid_for_unless_the_server_named_the_time() {
        #[rustfmt::skip]
        let cases = [
            (Class::Throttle,       None,           5),
            (Class::Throttle,       Some(ms(100)),  0),
            (Class::Overload,       None,          14),
            (Class::Overload,       Some(ms(100)),  0),
            (Class::Transient,      None,          14),
            (Class::Unsent,         None,           0),
            (Class::UnknownOutcome, None,          14),
            (Class::Dubious,        None,          14),
        ];
        for (class, hint, cost) in cases {
            let (mut tries, mut budget) = (Tries::default(), Budget::default());
            let moment = Moment {
                hint,
                ..failed(class)
            };
            let _ = decide(&policy(None), moment, &mut tries, &mut budget);
            assert_eq!(
                (tries.spent(), budget.left()),
                (cost, 500 - cost),
                "{class:?} {hint:?}"
            );
            let mut empty = Budget::new(cost.saturating_sub(1));
            let decision = decide(&policy(None), moment, &mut Tries::default(), &mut empty);
            assert_eq!(
                decision == Decision::Stop(Stop::BudgetExhausted),
                cost > 0,
                "{class:?}"
            );
        }
    }

    #[test]
    fn behind_an_adaptive_limit_refusals_are_free_and_trouble_is_not() {
        for (class, cost) in [
            (Class::Throttle, 0),
            (Class::Overload, 0),
            (Class::Transient, 14),
        ] {
            let mut budget = Budget::default().behind_adaptive_limit();
            let mut tries = Tries::default();
            let _ = decide(&policy(None), failed(class), &mut tries, &mut budget);
            assert_eq!(budget.left(), 500 - cost, "{class:?}");
        }
    }
}
