//! The rules of the ladder one by one, on figures made up for each.

use super::*;

/// A rung of a server on which everything goes well.
fn rung(concurrency: u32, throughput: f64) -> Observation {
    Observation {
        concurrency,
        purpose: Purpose::Climb,
        throughput,
        relative_error: 0.005,
        requests: 200,
        refused: 0,
        resting: 0,
        failed: 0,
        slo_met: None,
        taken_on: f64::from(concurrency),
        client_bound: None,
        client_capped: false,
        at_s: 0.0,
    }
}

/// Climbs on a server that does `serve`; answers what was asked for and what was found.
fn climb(
    options: &Options,
    mut serve: impl FnMut(u32, Purpose) -> Observation,
) -> (Vec<(u32, Purpose)>, Answer) {
    let mut ladder = Ladder::new(options.clone());
    let mut asked = Vec::new();
    loop {
        let (concurrency, purpose) = match ladder.next() {
            Step::Done(answer) => return (asked, answer),
            Step::Measure {
                concurrency,
                purpose,
            } => (concurrency, purpose),
        };
        asked.push((concurrency, purpose));
        assert!(asked.len() < 50, "{asked:?}");
        ladder.observe(Observation {
            purpose,
            at_s: 7.0 * asked.len() as f64,
            ..serve(concurrency, purpose)
        });
    }
}

fn rungs(asked: &[(u32, Purpose)], purpose: Purpose) -> Vec<u32> {
    let of = asked.iter().filter(|(_, other)| *other == purpose);
    of.map(|(n, _)| *n).collect()
}

fn level_at(slots: u32) -> impl Fn(u32, Purpose) -> Observation {
    move |n, _| rung(n, f64::from(n.min(slots)))
}

#[test]
fn it_doubles_until_a_doubling_brings_nothing_and_then_looks_closer() {
    let (asked, answer) = climb(&Options::default(), level_at(32));
    assert_eq!(rungs(&asked, Purpose::Climb), [1, 2, 4, 8, 16, 32, 64]);
    assert_eq!(rungs(&asked, Purpose::Refine), [45, 23, 38, 27]);
    assert_eq!(rungs(&asked, Purpose::Repeat), [1, 32]);
    assert_eq!(answer.stop.value, StopRule::Plateau);
    let knee = answer.knee.expect("it answers");
    assert_eq!((knee.low, knee.value, knee.high), (27, 32, 38));
    assert_eq!(answer.peak.expect("it answers").value, 32);
    assert!(answer.stability.expect("it was repeated").stable);
}

/// What is different on the rung of eight.
type Change = fn(&mut Observation);

#[test]
fn the_first_rule_that_fires_names_the_stop() {
    let at_8 = |change: Change| {
        move |n: u32, _: Purpose| {
            let mut seen = rung(n, f64::from(n));
            if n >= 8 {
                change(&mut seen);
            }
            seen
        }
    };
    let once = Options {
        verify_max: 0,
        ..Options::default()
    };
    #[rustfmt::skip]
    let cases: [(Change, StopRule); 7] = [
        (|seen| { seen.client_bound = Some("6 connections".to_owned()); seen.client_capped = true; }, StopRule::ClientBound),
        (|seen| { seen.failed = 40; seen.refused = 40; },          StopRule::Errors),
        (|seen| { seen.refused = 20; seen.slo_met = Some(0); },    StopRule::RateLimited),
        (|seen| { seen.slo_met = Some(100); seen.throughput = 4.0; }, StopRule::Slo),
        (|seen| seen.throughput = 4.05,                            StopRule::Plateau),
        (|seen| seen.throughput = 3.0,                             StopRule::Retrograde),
        (|seen| seen.throughput = 0.0,                             StopRule::Errors),
    ];
    for (change, rule) in cases {
        let (asked, answer) = climb(&once, at_8(change));
        assert_eq!(answer.stop.value, rule, "{:?}", answer.stop);
        assert_eq!(rungs(&asked, Purpose::Climb), [1, 2, 4, 8]);
    }
}

#[test]
fn a_client_that_was_late_is_looked_at_three_times_more() {
    let late = |n: u32, times: u32| {
        let looks = std::cell::Cell::new(0);
        move |asked: u32, _: Purpose| {
            looks.set(looks.get() + u32::from(asked == n));
            Observation {
                client_bound: (asked == n && looks.get() <= times).then(|| "late".to_owned()),
                ..rung(asked, f64::from(asked.min(32)))
            }
        }
    };
    let (asked, answer) = climb(&Options::default(), late(8, 3));
    let climbed = rungs(&asked, Purpose::Climb);
    assert_eq!(climbed, [1, 2, 4, 8, 8, 8, 8, 16, 32, 64]);
    assert_eq!(answer.knee.map(|knee| knee.value), Some(32));
    let (asked, answer) = climb(&Options::default(), late(8, 4));
    assert_eq!(rungs(&asked, Purpose::Climb), [1, 2, 4, 8, 8, 8, 8]);
    assert_eq!(answer.stop.value, StopRule::ClientBound);
    let knee = answer.knee.expect("four were measured");
    assert_eq!((knee.value, knee.high), (4, 64), "nobody knows");
    // Where the climb is to go on all the same, one that stays too slow is not doubted on each rung.
    let on = Options {
        stop_client_bound: false,
        ..Options::default()
    };
    let (asked, answer) = climb(&on, |n, _| Observation {
        client_bound: (n >= 8).then(|| "late".to_owned()),
        ..rung(n, f64::from(n.min(32)))
    });
    let climbed = rungs(&asked, Purpose::Climb);
    assert_eq!(climbed, [1, 2, 4, 8, 8, 8, 8, 16, 32, 64]);
    assert_eq!(answer.knee.map(|knee| knee.value), Some(32));
}

#[test]
fn a_client_that_was_late_is_looked_at_again_whatever_the_rung_is_for() {
    let (calm, expected) = climb(&Options::default(), level_at(32));
    let first = |purpose| calm.iter().position(|(_, other)| *other == purpose);
    for purpose in [Purpose::Climb, Purpose::Refine, Purpose::Repeat] {
        let was_late = std::cell::Cell::new(false);
        let (asked, answer) = climb(&Options::default(), |n, now| {
            let is_late = now == purpose && !was_late.replace(true);
            Observation {
                client_bound: is_late.then(|| "late".to_owned()),
                // What it is then, nobody may believe.
                ..rung(n, f64::from(n.min(32)) / if is_late { 2.0 } else { 1.0 })
            }
        });
        let mut twice = calm.clone();
        let at = first(purpose).expect("there is one");
        twice.insert(at, calm[at]);
        assert_eq!((asked, &answer), (twice, &expected), "{purpose:?}");
    }
}

#[test]
fn a_rung_that_is_refused_is_believed_of_a_client_that_was_late() {
    let late = |n: u32, purpose| Observation {
        client_bound: (n > 20).then(|| "late".to_owned()),
        ..refusing(20)(n, purpose)
    };
    let (asked, answer) = climb(&Options::default(), late);
    assert_eq!((asked, answer), climb(&Options::default(), refusing(20)));
    // A refusal that may be chance is none.
    let (asked, answer) = climb(&Options::default(), |n, purpose| Observation {
        refused: u64::from(n > 20),
        ..late(n, purpose)
    });
    assert_eq!(
        rungs(&asked, Purpose::Climb),
        [1, 2, 4, 8, 16, 32, 32, 32, 32]
    );
    assert_eq!(answer.stop.value, StopRule::ClientBound);
}

#[test]
fn an_answer_stands_on_what_was_measured_by_a_calm_client_alone() {
    let mut dice = 1_u64;
    for busy in (0..1000).map(|trial| trial % 10) {
        let calm = std::cell::RefCell::new(Vec::new());
        let (asked, answer) = climb(&Options::default(), |n, purpose| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let is_late = (dice >> 33) % 10 < busy;
            if !is_late && purpose != Purpose::Repeat {
                calm.borrow_mut().push(n);
            }
            Observation {
                client_bound: is_late.then(|| "late".to_owned()),
                ..rung(n, f64::from(n.min(32)) / if is_late { 3.0 } else { 1.0 })
            }
        });
        let calm = calm.into_inner();
        let found = [&answer.knee, &answer.peak].map(|found| found.as_ref().map(|one| one.value));
        assert!(
            found.iter().flatten().all(|n| calm.contains(n)),
            "{answer:?}"
        );
        let climbed = rungs(&asked, Purpose::Climb);
        let is_calm = climbed.last().is_some_and(|n| calm.contains(n));
        assert_eq!(
            answer.stop.value == StopRule::ClientBound,
            !is_calm,
            "{answer:?}"
        );
        assert!(answer.stability.is_none_or(|found| found.stable));
    }
}

#[test]
fn a_repetition_that_the_client_slowed_down_is_no_drift() {
    let (_, answer) = climb(&Options::default(), |n, purpose| Observation {
        client_bound: (purpose == Purpose::Repeat && n == 1).then(|| "late".to_owned()),
        ..rung(
            n,
            if purpose == Purpose::Repeat && n == 1 {
                0.5
            } else {
                f64::from(n.min(8))
            },
        )
    });
    let stability = answer.stability.expect("the knee was repeated");
    assert!(stability.stable && stability.value < 0.01, "{stability:?}");
}

#[test]
fn a_few_failures_or_refusals_may_be_chance() {
    let (_, answer) = climb(&Options::default(), |n, _| Observation {
        failed: 12,
        refused: 3,
        ..rung(n, f64::from(n))
    });
    assert_eq!(answer.stop.value, StopRule::Max);
    assert_eq!(answer.limit, None);
}

#[test]
fn room_ends_the_climb_and_leaves_the_knee_open_above() {
    let (_, answer) = climb(&Options::default(), |n, _| rung(n, f64::from(n)));
    let knee = answer.knee.expect("it answers");
    assert_eq!((knee.value, answer.stop.value), (64, StopRule::Max));
    let few = Options {
        rungs_max: 4,
        ..Options::default()
    };
    let (asked, answer) = climb(&few, |n, _| rung(n, f64::from(n)));
    assert_eq!(rungs(&asked, Purpose::Climb), [1, 2, 4, 8]);
    assert_eq!(rungs(&asked, Purpose::Refine), Vec::<u32>::new());
    assert_eq!(answer.stop.value, StopRule::Budget);
    assert_eq!(answer.knee.expect("it answers").high, 64, "nobody knows");
    let short = Options {
        total_s: 20.0,
        ..Options::default()
    };
    let (asked, answer) = climb(&short, |n, _| rung(n, f64::from(n)));
    assert_eq!(
        (asked.len(), answer.stability),
        (3, None),
        "no time to repeat"
    );
}

/// Takes on `slots` at once and refuses the rest.
fn refusing(slots: u32) -> impl Fn(u32, Purpose) -> Observation {
    move |n, _| Observation {
        refused: if n > slots { 50 } else { 0 },
        taken_on: f64::from(n.min(slots)),
        ..rung(n, f64::from(n.min(slots)))
    }
}

#[test]
fn a_limit_is_verified_below_what_was_taken_on() {
    let (asked, answer) = climb(&Options::default(), refusing(20));
    assert_eq!(rungs(&asked, Purpose::Verify), [19]);
    let limit = answer.limit.expect("it refuses");
    assert_eq!((limit.low, limit.value, limit.high), (19, 19, 20));
    assert_eq!(answer.knee.expect("it answers").value, 19);
}

#[test]
fn a_limit_that_cannot_be_verified_says_so() {
    // Less and less is taken on, however little is sent.
    let (asked, answer) = climb(&Options::default(), |n, purpose| Observation {
        refused: if n > 8 || purpose == Purpose::Verify {
            100
        } else {
            0
        },
        taken_on: f64::from(n) * 0.7,
        ..rung(n, f64::from(n) * 0.7)
    });
    assert_eq!(rungs(&asked, Purpose::Verify), [10, 6, 3]);
    let limit = answer.limit.expect("it refuses");
    assert!(
        limit.value <= 2 && limit.reason.starts_with("not verified"),
        "{limit:?}"
    );
}

#[test]
fn a_rung_that_is_refused_tells_nothing_about_the_throughput() {
    // Refusals make room, so that what is left looks fast.
    let (_, answer) = climb(&Options::default(), |n, _| Observation {
        refused: if n > 8 { 50 } else { 0 },
        taken_on: 100.0,
        ..rung(n, if n > 8 { 1000.0 } else { f64::from(n) })
    });
    let (knee, limit) = (
        answer.knee.expect("it answers"),
        answer.limit.expect("it refuses"),
    );
    assert!(knee.value <= limit.value && limit.value <= 15);
}

#[test]
fn a_change_beyond_chance_is_a_drift() {
    for (factor, noise, stable) in [(0.95, 0.005, true), (0.85, 0.005, false), (0.85, 0.1, true)] {
        let (_, answer) = climb(&Options::default(), |n, purpose| {
            let slower = if purpose == Purpose::Repeat {
                factor
            } else {
                1.0
            };
            Observation {
                relative_error: noise,
                ..rung(n, f64::from(n.min(8)) * slower)
            }
        });
        // Where it drifts, that is said instead of a number.
        assert_eq!(answer.knee.is_some(), stable, "{answer:?}");
        assert_eq!(answer.peak.is_some(), stable, "{answer:?}");
        let stability = answer.stability.expect("it was repeated");
        assert_eq!(stability.stable, stable, "{stability:?}");
        assert!((stability.low - factor).abs() < 1e-9);
    }
}

#[test]
fn a_drift_is_believed_when_it_is_seen_twice() {
    let looks = std::cell::Cell::new(0);
    let (asked, answer) = climb(&Options::default(), |n, purpose| {
        let again = purpose == Purpose::Repeat && n == 1;
        looks.set(looks.get() + u32::from(again));
        let slower = if again && looks.get() == 1 { 0.8 } else { 1.0 };
        rung(n, f64::from(n.min(8)) * slower)
    });
    assert_eq!(rungs(&asked, Purpose::Repeat), [1, 1, 8]);
    assert!(answer.stability.is_some_and(|found| found.stable));
    assert_eq!(answer.knee.map(|knee| knee.value), Some(8));
}

#[test]
fn on_a_soft_curve_the_knee_is_in_the_middle_of_what_chance_cannot_tell_apart() {
    // n/(40 + n), with luck on one side.
    let (_, answer) = climb(&Options::default(), |n, _| {
        let lucky = if n == 64 { 1.03 } else { 1.0 };
        Observation {
            relative_error: 0.02,
            ..rung(n, f64::from(n) / (40.0 + f64::from(n)) * lucky)
        }
    });
    let knee = answer.knee.expect("it answers");
    assert!((31..=52).contains(&knee.value), "{knee:?}");
    assert!(knee.low < 40 && knee.high > 40);
}

#[test]
fn an_interrupted_ladder_answers_with_what_it_has() {
    let mut ladder = Ladder::new(Options::default());
    for n in [1, 2, 4] {
        assert!(matches!(ladder.next(), Step::Measure { concurrency, .. } if concurrency == n));
        assert_eq!(ladder.next(), ladder.next(), "asking changes nothing");
        ladder.observe(rung(n, f64::from(n)));
    }
    ladder.interrupt(StopRule::User, "enough");
    let Step::Done(answer) = ladder.next() else {
        panic!("it goes on");
    };
    assert_eq!(
        (answer.stop.value, answer.knee.map(|knee| knee.value)),
        (StopRule::User, Some(4))
    );
    let mut unused = Ladder::new(Options::default());
    unused.interrupt(StopRule::User, "never mind");
    assert!(matches!(
        unused.next(),
        Step::Done(Answer {
            knee: None,
            peak: None,
            ..
        })
    ));
}
