//! Two servers in turns: equal ones are not called different, different ones are.

use kneepoint_bench::Control;
use kneepoint_bench::compare::{CompareError, compare, compare_reports};
use kneepoint_bench::plan::{Budget, Plan};
use kneepoint_core::platform::sim::{ServerModel, Sim};

use crate::harness::{Notebook, Stage, closed, taking, target};

#[test]
fn servers_that_take_turns_are_told_apart_if_they_differ() {
    for (median, differs) in [(1.0, false), (1.2, true)] {
        let sim = Sim::new(4);
        sim.serve("https://a.test", taking(1.0, 0.3));
        sim.serve("https://b.test", taking(median, 0.3));
        let (a, b) = (target("https://a.test/v1"), target("https://b.test/v1"));
        let plan = closed(100, 10);
        let found = sim
            .run(compare(&sim, (&a, &b), &plan, 6, &Control::new(), &mut ()))
            .expect("it can run");
        let e2e = found
            .differences
            .iter()
            .find(|one| one.figure == "e2e.p50")
            .expect("answers");
        assert_eq!((found.pairs, e2e.differs), (6, differs), "{}", found.text());
        assert!(
            (e2e.ratio.value / median - 1.0).abs() < 0.05,
            "{}",
            found.text()
        );
    }
}

#[test]
fn the_order_alternates_so_that_a_drift_favours_nobody() {
    let sim = Sim::new(4);
    let books = ["https://a.test", "https://b.test"].map(|url| sim.serve(url, taking(1.0, 0.0)));
    let (a, b) = (target("https://a.test/v1"), target("https://b.test/v1"));
    sim.run(compare(
        &sim,
        (&a, &b),
        &closed(1, 1),
        5,
        &Control::new(),
        &mut (),
    ))
    .expect("it can run");
    let mut order: Vec<(u64, char)> = books
        .iter()
        .zip(['A', 'B'])
        .flat_map(|(truth, side)| {
            truth
                .requests()
                .into_iter()
                .map(move |seen| (seen.at.as_micros(), side))
        })
        .collect();
    order.sort_unstable();
    let order: String = order.into_iter().map(|(_, side)| side).collect();
    assert_eq!(order, "ABBAABBAAB");
}

#[test]
fn whoever_waits_is_told_how_far_all_turns_are() {
    let sim = Sim::new(4);
    sim.serve("https://a.test", taking(1.0, 0.0));
    let a = target("https://a.test/v1");
    let mut notebook = Notebook::default();
    sim.run(compare(
        &sim,
        (&a, &a),
        &closed(4, 1),
        5,
        &Control::new(),
        &mut notebook,
    ))
    .expect("it can run");
    let told: Vec<(f64, f64)> = notebook
        .ticks
        .iter()
        .map(|tick| (tick.t_s, tick.progress.expect("a plain run tells")))
        .collect();
    let goes_on = |pair: &[(f64, f64)]| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1;
    assert!(told.windows(2).all(goes_on), "{told:?}");
    // Ten runs of four seconds each.
    let (end, share) = told.last().expect("ticks");
    assert!(*end > 39.0 && *share > 0.9, "{end} s, {share}");
    let (_, middle) = told[told.len() / 2];
    assert!((0.4..0.6).contains(&middle), "{middle}");
}

#[test]
fn too_few_pairs_prove_nothing() {
    let sim = Sim::new(4);
    let a = target("https://a.test/v1");
    let found = sim.run(compare(
        &sim,
        (&a, &a),
        &closed(1, 1),
        4,
        &Control::new(),
        &mut (),
    ));
    assert_eq!(found, Err(CompareError::TooFew(4)));
}

#[test]
fn a_side_that_answers_nothing_is_named_and_costs_one_run() {
    let sim = Sim::new(4);
    let broken = ServerModel {
        errors: 1.0,
        ..taking(1.0, 0.0)
    };
    let truth = sim.serve("https://a.test", taking(1.0, 0.0));
    sim.serve("https://b.test", broken);
    let (a, b) = (target("https://a.test/v1"), target("https://b.test/v1"));
    let plan = closed(4, 2);
    let found = sim.run(compare(&sim, (&a, &b), &plan, 5, &Control::new(), &mut ()));
    let why = found.expect_err("there is nothing to compare").to_string();
    assert!(
        why.starts_with("no request to B was answered (5xx: the server answered 500"),
        "{why}"
    );
    assert_eq!(truth.counts().accepted, 4);
    // The same where nobody is there, although such a run is ended early.
    let nobody = target("https://elsewhere.test/v1");
    let plan = closed(40, 2);
    let found = sim.run(compare(
        &sim,
        (&a, &nobody),
        &plan,
        5,
        &Control::new(),
        &mut (),
    ));
    let why = found.expect_err("there is nothing to compare").to_string();
    assert!(
        why.starts_with("no request to B was answered (network: "),
        "{why}"
    );
}

#[test]
fn a_budget_is_that_of_all_runs_together() {
    let compared = |plan: &Plan, requests| {
        let sim = Sim::new(4);
        let truth = sim.serve("https://a.test", taking(1.0, 0.0));
        let a = target("https://a.test/v1");
        let budget = Budget {
            requests: Some(requests),
            ..Budget::default()
        };
        let plan = Plan {
            budget,
            ..plan.clone()
        };
        let found = sim.run(compare(&sim, (&a, &a), &plan, 6, &Control::new(), &mut ()));
        (found, truth.counts().accepted)
    };
    // Twelve runs of ten.
    let (found, sent) = compared(&closed(10, 2), 119);
    let why = found.expect_err("it cannot be kept").to_string();
    assert!(
        why.contains("120 requests, where the budget allows 119"),
        "{why}"
    );
    assert_eq!(sent, 0);
    let (found, sent) = compared(&closed(10, 2), 120);
    assert_eq!((found.map(|found| found.pairs), sent), (Ok(6), 120));
    // How many a duration takes is not known before.
    let timed = Plan {
        requests: None,
        duration_ms: Some(10_000),
        ..closed(10, 1)
    };
    let (found, sent) = compared(&timed, 105);
    let found = found.expect("five pairs were whole");
    assert_eq!((found.pairs, sent), (5, 105));
    assert!(
        found
            .warnings
            .iter()
            .any(|one| one.starts_with("5 of 6 pairs"))
    );
    let (found, sent) = compared(&timed, 50);
    assert_eq!((found, sent), (Err(CompareError::Ended(2)), 50));
}

#[test]
fn two_files_are_shown_side_by_side_with_a_warning() {
    let report = |seed| Stage::new(seed, taking(1.0, 0.3)).run(&closed(100, 10));
    let mut other = report(2);
    other.config.stream = false;
    let found = compare_reports(&report(1), &other);
    assert!(
        found
            .differences
            .iter()
            .all(|one| !one.differs && one.ratio.low.is_none())
    );
    assert!(found.warnings[0].contains("only runs that took turns can tell"));
    assert!(
        found
            .warnings
            .iter()
            .any(|warning| warning == "streaming differed")
    );
}
