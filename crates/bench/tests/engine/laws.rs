//! What holds for whatever comes in: drawn at random, shrunk when it does not.

use kneepoint_bench::ladder::{Ladder, Observation, Options, Step};
use kneepoint_bench::merge::merge;
use kneepoint_bench::plan::{Arrivals, Load, Start};
use kneepoint_bench::report::{Answer, Finding, Metric, Report};
use kneepoint_stats::{Confidence, Rule, Series};
use proptest::prelude::*;

use crate::harness::{Stage, closed, taking};

fn series(values: &[f64]) -> Series {
    let mut series = Series::new();
    for &value in values {
        series.record(value).expect("drawn to fit");
    }
    series
}

fn metric(values: &[f64], failures: u64) -> Metric {
    Metric::of(&series(values), failures, Rule::Inclusive, Confidence::P95).expect("not empty")
}

fn durations() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0..100_000.0_f64, 1..200)
}

/// A report whose latencies are these.
fn report_of(base: &Report, values: &[f64], failures: u64) -> Report {
    let mut report = base.clone();
    let rung = &mut report.rungs[0];
    rung.ok = values.len() as u64;
    rung.requests = rung.ok + failures;
    rung.e2e = Some(metric(values, failures));
    report
}

proptest! {
    #[test]
    fn more_failures_never_lower_a_percentile(values in durations(), few in 0..50_u64, more in 0..50_u64) {
        let (some, all) = (metric(&values, few), metric(&values, few + more));
        for (some, all) in some.quantiles.iter().zip(&all.quantiles) {
            let endless = |value: Option<f64>| value.unwrap_or(f64::INFINITY);
            prop_assert!(endless(all.with_failures) >= endless(some.with_failures));
            prop_assert_eq!(all.value, some.value);
        }
    }

    #[test]
    fn merging_is_associative(
        a in durations(), b in durations(), c in durations(), failures in prop::array::uniform3(0..20_u64)
    ) {
        let base = Stage::new(1, taking(1.0, 0.1)).run(&closed(4, 2));
        let [a, b, c] = [(a, 0), (b, 1), (c, 2)].map(|(values, at)| report_of(&base, &values, failures[at]));
        let two = |x: &Report, y: &Report| merge(&[x.clone(), y.clone()]).expect("one load");
        let (left, right) = (two(&two(&a, &b), &c), two(&a, &two(&b, &c)));
        let (left, right) = (&left.rungs[0], &right.rungs[0]);
        prop_assert_eq!((left.requests, left.ok), (right.requests, right.ok));
        let (left, right) = (left.e2e.as_ref().expect("kept"), right.e2e.as_ref().expect("kept"));
        prop_assert_eq!(&left.buckets, &right.buckets);
        prop_assert_eq!(&left.quantiles, &right.quantiles);
        prop_assert_eq!((left.n, left.min, left.max), (right.n, right.min, right.max));
        prop_assert!((left.mean - right.mean).abs() <= 1e-9 * left.mean);
    }

    #[test]
    fn planned_times_never_go_back(load in loads(), seed in any::<u64>()) {
        let times: Vec<_> = Arrivals::new(&load, seed)
            .take(200)
            .map(|start| match start {
                Start::At(at) => at,
                Start::WhenFree => panic!("{load:?} has times"),
            })
            .collect();
        prop_assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", times);
    }

    #[test]
    fn a_ladder_ends_and_its_answer_holds_together(seen in prop::collection::vec(rung(), 40)) {
        let options = Options::default();
        let (answer, measured) = climb(&options, &seen);
        // Climbed and refined, verified, repeated.
        prop_assert!(measured <= (options.rungs_max + options.verify_max + 2) as usize, "{measured}");
        let limit = answer.limit.as_ref().map_or(u32::MAX, |limit| limit.value);
        for found in [&answer.knee, &answer.peak].into_iter().flatten() {
            prop_assert!(found.value <= limit, "{answer:?}");
        }
        for found in [&answer.knee, &answer.peak, &answer.limit, &answer.slo].into_iter().flatten() {
            prop_assert!(is_sound(found), "{answer:?}");
        }
    }
}

fn is_sound(found: &Finding) -> bool {
    found.low <= found.value && found.value <= found.high && !found.reason.is_empty()
}

fn loads() -> impl Strategy<Value = Load> {
    let rate = 0.01..1000.0_f64;
    prop_oneof![
        rate.clone().prop_map(|rate| Load::Constant { rate }),
        rate.clone().prop_map(|rate| Load::Poisson { rate }),
        (rate.clone(), 0.05..20.0_f64)
            .prop_map(|(rate, burstiness)| Load::Gamma { rate, burstiness }),
        (0.0..100.0_f64, rate, 1..100_000_u64).prop_map(|(from, to, over_ms)| Load::Ramp {
            from,
            to,
            over_ms
        }),
    ]
}

/// Whatever a server may do on a rung: throughput per slot, noise, refusals, failures, objectives.
fn rung() -> impl Strategy<Value = (f64, f64, u64, u64, u64)> {
    let few = prop_oneof![4 => Just(0_u64), 1 => 0..100_u64];
    (0.0..2.0_f64, 0.0..0.3_f64, few.clone(), few, 0..100_u64)
}

fn climb(options: &Options, seen: &[(f64, f64, u64, u64, u64)]) -> (Answer, usize) {
    let mut ladder = Ladder::new(options.clone());
    for (count, &(each, noise, refused, failed, met)) in seen.iter().enumerate() {
        let (concurrency, purpose) = match ladder.next() {
            Step::Done(answer) => return (answer, count),
            Step::Measure {
                concurrency,
                purpose,
            } => (concurrency, purpose),
        };
        let throughput = each * f64::from(concurrency);
        ladder.observe(Observation {
            concurrency,
            purpose,
            throughput,
            relative_error: noise,
            requests: 200,
            refused,
            resting: 0,
            failed,
            slo_met: Some(met + 100),
            taken_on: throughput,
            client_bound: None,
            client_capped: false,
            at_s: count as f64 * 7.0,
        });
    }
    panic!("no end after {} rungs", seen.len());
}
