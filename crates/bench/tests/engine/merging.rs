//! Files of one load add up, in whatever order and grouping.

use kneepoint_bench::compare::compare_reports;
use kneepoint_bench::export::html;
use kneepoint_bench::merge::{MergeError, merge};
use kneepoint_bench::plan::Plan;
use kneepoint_bench::report::{Estimate, Metric, Report};
use kneepoint_bench::threshold::{Outcome, Threshold};
use kneepoint_core::platform::sim::ServerModel;

use crate::harness::{Stage, closed, taking};

fn part(seed: u64) -> Report {
    let model = ServerModel {
        errors: 0.05,
        ..taking(1.0, 0.5)
    };
    let mut stage = Stage::new(seed, model);
    stage.target.config.retry.retries_max = Some(0);
    stage.run(&Plan {
        seed,
        ..closed(100 + 20 * seed, 10)
    })
}

/// What must not depend on the order.
#[derive(Debug, PartialEq)]
struct Counts {
    requests: u64,
    ok: u64,
    tokens: u64,
    attempts: u64,
    in_flight: u32,
    buckets: Vec<(u64, u64)>,
    quantiles: Vec<(f64, Option<f64>)>,
}

fn counts(report: &Report) -> Counts {
    let rung = &report.rungs[0];
    let e2e = rung.e2e.as_ref().expect("answers");
    let quantiles = e2e.quantiles.iter().map(|q| (q.value, q.with_failures));
    Counts {
        requests: rung.requests,
        ok: rung.ok,
        tokens: rung.output_tokens,
        attempts: rung.attempts,
        in_flight: rung.concurrency_peak,
        buckets: e2e.buckets.clone(),
        quantiles: quantiles.collect(),
    }
}

#[test]
fn merging_is_associative_and_free_of_order() {
    let (a, b, c) = (part(1), part(2), part(3));
    let two = |x: &Report, y: &Report| merge(&[x.clone(), y.clone()]).expect("one load");
    let left = two(&two(&a, &b), &c);
    let right = two(&a, &two(&b, &c));
    let reversed = merge(&[c, b, a]).expect("one load");
    assert_eq!(counts(&left), counts(&right));
    assert_eq!(counts(&left), counts(&reversed));
    let rates = [&left, &right, &reversed].map(|report| report.rungs[0].requests_per_s.value);
    assert!((rates[0] - rates[1]).abs() < 1e-9 && (rates[0] - rates[2]).abs() < 1e-9);
    let sd = |report: &Report| {
        report.rungs[0]
            .e2e
            .as_ref()
            .and_then(|e2e: &Metric| e2e.sd)
            .unwrap()
    };
    assert!((sd(&left) / sd(&right) - 1.0).abs() < 1e-9);
}

#[test]
fn counts_and_rates_add_and_percentiles_are_those_of_all_requests() {
    let parts = [part(1), part(2)];
    let merged = merge(&parts).expect("one load");
    let sum = |of: fn(&Report) -> f64| parts.iter().map(of).sum::<f64>();
    let rung = &merged.rungs[0];
    assert_eq!(
        rung.requests as f64,
        sum(|part| part.rungs[0].requests as f64)
    );
    assert_eq!(
        rung.requests_per_s.value,
        sum(|part| part.rungs[0].requests_per_s.value)
    );
    let e2e = rung.e2e.as_ref().expect("answers");
    assert!(!e2e.exact && e2e.rule == "nearest");
    let p50 = e2e.quantile(0.5).expect("kept").value;
    let mut within: Vec<f64> = parts
        .iter()
        .map(|part| {
            part.rungs[0]
                .e2e
                .as_ref()
                .unwrap()
                .quantile(0.5)
                .unwrap()
                .value
        })
        .collect();
    within.sort_by(f64::total_cmp);
    assert!(
        within[0] * 0.998 <= p50 && p50 <= within[1] * 1.002,
        "{within:?} {p50}"
    );
    assert_eq!(merge(&parts[..1]).as_ref(), Ok(&parts[0]));
}

#[test]
fn a_sum_says_once_that_it_is_one() {
    let (a, b, c) = (part(1), part(2), part(3));
    let two = merge(&[a.clone(), b]).expect("one load");
    let three = merge(&[c, two.clone()]).expect("one load");
    for (report, times) in [(a, 0), (two, 1), (three, 1)] {
        let text = report.text();
        assert_eq!(
            text.matches("several results added up").count(),
            times,
            "{text}"
        );
    }
}

#[test]
fn a_run_is_counted_once() {
    let (a, b) = (part(1), part(2));
    let mut hidden = a.clone();
    hidden.config.host = None;
    #[rustfmt::skip]
    let cases = [
        (vec![a.clone(), a.clone()],            Err(MergeError::Twice(2, 1))),
        (vec![a.clone(), b.clone(), b.clone()], Err(MergeError::Twice(3, 2))),
        (vec![a.clone(), hidden],               Err(MergeError::Twice(2, 1))),
        (vec![a.clone(), b],                    Ok(())),
        (vec![a],                               Ok(())),
    ];
    for (index, (reports, expected)) in cases.into_iter().enumerate() {
        assert_eq!(merge(&reports).map(|_| ()), expected, "case {index}");
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (a, b) = (part(1), part(2));
    assert_eq!(merge(&[]), Err(MergeError::Nothing));
    let mut other = b.clone();
    other.config.model = "large".to_owned();
    assert_eq!(
        merge(&[a.clone(), other]),
        Err(MergeError::Different(2, "the model"))
    );
    let mut later = b;
    later.env.started_unix_ms = later.env.started_unix_ms.map(|at| at + 3_600_000);
    assert_eq!(merge(&[a, later]), Err(MergeError::Apart(2)));
}

/// A report as somebody may write it by hand: all counts but that of the answers
/// are the largest that there is.
fn overfull(seed: u64) -> Report {
    let mut report = part(seed);
    report.config.requests = Some(u64::MAX);
    report.protocol.opened = Some(u64::MAX);
    report.protocol.reused = Some(u64::MAX);
    let rung = &mut report.rungs[0];
    for count in [
        &mut rung.requests,
        &mut rung.attempts,
        &mut rung.input_tokens,
        &mut rung.output_tokens,
        &mut rung.cached_tokens,
    ] {
        *count = u64::MAX;
    }
    rung.concurrency = Some(u32::MAX);
    rung.concurrency_peak = u32::MAX;
    rung.slo_share = Some(Estimate {
        value: 1.0,
        ..Estimate::default()
    });
    rung.classes.iter_mut().for_each(|one| one.count = u64::MAX);
    for moment in &mut rung.timeline {
        moment.ok = u64::MAX;
        moment.refused = u64::MAX;
        moment.failed = u64::MAX;
    }
    rung.e2e.as_mut().expect("answers").n = u64::MAX;
    report
}

#[test]
fn counts_that_no_run_can_have_end_at_the_largest_number() {
    let merged = merge(&[overfull(1), overfull(2)]).expect("one load");
    assert_eq!(merged.config.requests, Some(u64::MAX));
    assert_eq!(merged.protocol.opened, Some(u64::MAX));
    let rung = &merged.rungs[0];
    assert_eq!((rung.requests, rung.attempts), (u64::MAX, u64::MAX));
    assert_eq!(rung.concurrency, Some(u32::MAX));
    assert!(rung.classes.iter().any(|one| one.count == u64::MAX));
    assert!(rung.timeline.iter().any(|moment| moment.ok == u64::MAX));
    let e2e = rung.e2e.as_ref().expect("answers");
    assert_eq!(e2e.n, u64::MAX);
    let p50 = e2e.quantile(0.5).expect("kept");
    assert_eq!(p50.with_failures, None, "nearly all failed");

    // What is done with a report goes by what it claims.
    let failing: Threshold = "error_rate>1%".parse().expect("a threshold");
    assert_eq!(failing.check(&merged), Outcome::Missed(1.0));
    assert!(!compare_reports(&merged, &part(2)).differences.is_empty());
    assert!(merged.text().contains(&u64::MAX.to_string()));
    assert!(html(&merged, &[]).contains("</html>"));
}
