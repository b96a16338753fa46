//! Each class and each circumstance has its number of retries, its pause and its price.

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
        outlook: Outlook::Unknown,
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
            outlook: Outlook::Failing(failures),
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
            outlook: Outlook::Down,
            ..failed(class)
        };
        let (mut tries, mut budget) = (Tries::default(), Budget::new(0).behind_adaptive_limit());
        let again = || decide(&policy(None), moment, &mut tries, &mut budget);
        let retried =
            std::iter::repeat_with(again).take_while(|one| matches!(one, Decision::RetryAfter(_)));
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
        outlook: Outlook::Down,
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
fn nobody_tries_in_vain() {
    #[rustfmt::skip]
    let cases = [
        (Class::Throttle,  true),
        (Class::Overload,  true),
        (Class::Unsent,    true),
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
        (Class::Transient, 0, None,              None,           0.0, RetryAfter(ms(375))),    // most is certain
        (Class::Transient, 0, None,              None,           1.0, RetryAfter(ms(500))),
        (Class::Transient, 1, None,              None,           1.0, RetryAfter(ms(1000))),
        (Class::Unsent,    0, None,              None,           0.0, RetryAfter(ms(375))),
        (Class::Unsent,    1, None,              None,           1.0, RetryAfter(ms(1000))),
        (Class::Unsent,    9, None,              None,           1.0, RetryAfter(ms(2000))),   // soon after its return
        (Class::Transient, 5, None,              None,           1.0, RetryAfter(ms(16_000))),
        (Class::Transient, 6, None,              None,           1.0, RetryAfter(ms(20_000))), // the bound
        (Class::Transient, 60, None,             None,           0.5, RetryAfter(ms(17_500))), // no overflow
        (Class::Throttle,  0, None,              None,           0.0, RetryAfter(ms(0))),      // the limit holds it back
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
        (Class::Transient, 0, None,              Some(ms(401)),  0.2, RetryAfter(ms(400))),
        (Class::Transient, 0, None,              Some(ms(400)),  0.2, Halt(Stop::WaitTooLong)),
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
