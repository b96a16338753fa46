//! Plans are carried out to the letter: counts, durations, times, budgets, warm-up, stopping.

use kneepoint_bench::ladder::{Options, StopRule};
use kneepoint_bench::plan::{Budget, Load, Plan, Slo};
use kneepoint_bench::record::Class;
use kneepoint_bench::report::{Connections, verdict};
use kneepoint_bench::threshold::Threshold;
use kneepoint_bench::{Phase, RunError, Tick};
use kneepoint_core::platform::TransportError;
use kneepoint_core::platform::sim::{Bucket, Reply, Script, ServerModel};

use crate::harness::{Stage, closed, taking};

#[test]
fn as_many_requests_are_sent_as_were_asked_for() {
    let mut stage = Stage::new(1, taking(1.0, 0.3));
    let report = stage.run(&closed(101, 10));
    assert_eq!(
        (report.rungs[0].requests, stage.truth.counts().requests),
        (101, 101)
    );
    let ids: Vec<u64> = stage.notebook.measured.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 101);
    let last = stage.notebook.ticks.last().expect("it took a while");
    assert_eq!(last.phase, Phase::Drain);
    assert!(
        stage
            .notebook
            .ticks
            .iter()
            .any(|tick| tick.in_flight == 10 && tick.requests_per_s > 5.0)
    );
}

#[test]
fn repeated_attempts_are_told_where_they_show_in_times_alone() {
    // Two slots and no queue: of eight at once most are refused, and sent again.
    let model = ServerModel {
        slots: Some(2),
        ..taking(0.2, 0.1)
    };
    let mut stage = Stage::new(11, model);
    stage.target.config.retry.retries_max = Some(100);
    let report = stage.run(&closed(60, 8));
    let rung = &report.rungs[0];
    assert!(rung.ok > 0 && rung.repeats() > 0, "{}", report.text());
    assert_eq!(rung.repeats(), rung.attempts - rung.requests);
    let said = report.text();
    assert!(said.contains("client     paused before each of"), "{said}");

    let mut stage = Stage::new(11, taking(0.2, 0.1));
    let report = stage.run(&closed(60, 8));
    assert_eq!(report.rungs[0].repeats(), 0);
    assert!(!report.text().contains("paused before"));
}

#[test]
fn whoever_waits_is_told_of_attempts_that_fail_before_a_request_ends() {
    let mut stage = Stage::new(3, Script::new().forever(Reply::status(503)));
    let report = stage.run(&closed(4, 2));
    let ticks = &stage.notebook.ticks;
    let early = ticks.iter().find(|tick| tick.t_s > 5.0).expect("it lasts");
    assert_eq!(
        (early.done, early.last_failure.as_deref()),
        (0, Some("503"))
    );
    assert!(early.repeated >= 4, "{early:?}");
    let (last, rung) = (ticks.last().expect("ticks"), &report.rungs[0]);
    // Two have ended by then, and the two others wait to be tried again.
    assert_eq!((last.done, last.repeated), (2, rung.attempts - 2));

    let mut stage = Stage::new(3, taking(1.0, 0.1));
    stage.run(&closed(20, 2));
    let told = |tick: &Tick| tick.repeated > 0 || tick.last_failure.is_some();
    assert!(!stage.notebook.ticks.iter().any(told));
}

#[test]
fn what_is_taken_back_in_the_end_was_not_repeated() {
    let script = Script::new()
        .reply(Reply::status(503))
        .forever(Reply::hang());
    let mut stage = Stage::new(3, script);
    stage.notebook.abort_at = Some((20.0, stage.control.clone()));
    let report = stage.run(&closed(4, 2));
    assert_eq!(report.rungs[0].count(Class::Aborted), 2);
    assert_eq!(
        stage.notebook.ticks.last().map(|tick| tick.repeated),
        Some(1)
    );
}

#[test]
fn a_hint_holds_back_the_slot_that_met_it_and_no_other() {
    // Fifty a second, five together, and whoever is refused is told to wait for a second: all forty
    // together would get six answers in each.
    let model = ServerModel {
        requests: Some(Bucket {
            rate: 50.0,
            burst: 5.0,
        }),
        retry_after: Some(1.0),
        ..taking(0.3, 0.0)
    };
    let mut stage = Stage::new(12, model);
    stage.target.config.retry.retries_max = Some(100);
    let report = stage.run(&closed(1000, 40));
    let rung = &report.rungs[0];
    assert_eq!((rung.ok, rung.concurrency_peak), (1000, 40));
    let rate = rung.requests_per_s.value;
    assert!(rate > 30.0, "{rate} answers a second");

    // Without retries, too, a slot waits before it asks again.
    stage.target.config.retry.retries_max = Some(0);
    let report = stage.run(&closed(1000, 40));
    let rung = &report.rungs[0];
    let (seconds, refused) = (rung.duration_s, rung.requests - rung.ok);
    let most = 40.0 * (seconds + 1.0);
    assert!(
        refused > 0 && refused as f64 <= most,
        "{refused} in {seconds} s"
    );
}

#[test]
fn a_thousand_at_once_give_the_reference_block() {
    let model = ServerModel {
        slots: Some(200),
        queues: true,
        ..taking(0.5, 0.2)
    };
    let mut stage = Stage::new(1, model);
    stage.target.stream = false;
    let report = stage.run(&closed(1000, 1000));
    assert_eq!(stage.truth.counts().in_flight_max, 1000);
    assert!(
        !report.rungs[0].client.bound,
        "{:?}",
        report.rungs[0].client
    );
    let text = report.text();
    let names: Vec<&str> = text
        .lines()
        .take(12)
        .map(|line| line.split(':').next().unwrap())
        .collect();
    let rule = "=".repeat(50);
    assert_eq!(
        names,
        [
            rule.as_str(),
            "Total requests",
            "Total time (seconds)",
            "Throughput (requests/second)",
            "",
            "Latency Statistics (ms)",
            "  Min",
            "  Max",
            "  Avg",
            "  P50 (median)",
            "  P95",
            "  P99",
        ]
    );
    assert_eq!(text.lines().nth(12), Some(rule.as_str()));
}

#[test]
fn a_long_run_keeps_histograms_instead_of_requests() {
    let mut stage = Stage::new(1, taking(0.01, 0.5));
    stage.target.stream = false;
    let report = stage.run(&closed(70_000, 50));
    let rung = &report.rungs[0];
    let e2e = rung.e2e.as_ref().unwrap();
    assert_eq!(
        (e2e.n, e2e.exact, e2e.rule.as_str()),
        (70_000, false, "nearest")
    );
    assert_eq!(rung.concurrency_peak, 50);
    assert!(rung.little_residual.unwrap() < 0.01);
    let rate = rung.requests_per_s;
    assert!(rate.low.unwrap() <= rate.value && rate.value <= rate.high.unwrap());
    assert!(
        (rate.high.unwrap() / rate.value - 1.0).abs() < 0.05,
        "{rate:?}"
    );
}

#[test]
fn a_duration_ends_the_sending_and_the_tail_counts() {
    let mut stage = Stage::new(1, taking(1.0, 0.3));
    let plan = Plan {
        duration_ms: Some(10_000),
        requests: None,
        ..closed(1, 8)
    };
    let report = stage.run(&plan);
    let rung = &report.rungs[0];
    assert!(
        stage
            .notebook
            .measured
            .iter()
            .all(|one| one.t_start.unwrap() <= 10_000_000)
    );
    assert!(
        rung.duration_s > 10.0 && rung.duration_s < 14.0,
        "{}",
        rung.duration_s
    );
    assert_eq!(rung.requests, rung.ok);
}

#[test]
fn a_warm_up_hands_its_slots_on_without_a_break() {
    let mut stage = Stage::new(1, taking(1.0, 0.3));
    let plan = Plan {
        warmup_requests: Some(30),
        ..closed(60, 10)
    };
    let report = stage.run(&plan);
    assert_eq!(report.rungs[0].requests, 60);
    let warm = &stage.notebook.warmup;
    assert!((30..=40).contains(&warm.len()), "{}", warm.len());
    // What was in flight when measuring began went on beside what was measured.
    let first = stage
        .notebook
        .measured
        .iter()
        .filter_map(|one| one.t_start)
        .min()
        .unwrap();
    let handed_on = warm.iter().filter(|one| one.t_end > first).count();
    assert!(handed_on >= 8, "{handed_on}");
}

#[test]
fn requests_at_given_times_do_not_wait_for_answers() {
    let mut stage = Stage::new(1, taking(3.0, 0.0));
    let plan = Plan {
        requests: Some(40),
        ..Plan::new(Load::Constant { rate: 10.0 })
    };
    let report = stage.run(&plan);
    let mut starts: Vec<u64> = stage
        .notebook
        .measured
        .iter()
        .map(|one| one.t_start.unwrap())
        .collect();
    starts.sort_unstable();
    let expected: Vec<u64> = (0..40).map(|n| n * 100_000).collect();
    assert_eq!(starts, expected);
    assert!(report.rungs[0].concurrency_peak > 25);
}

#[test]
fn what_could_not_be_sent_in_time_is_measured_from_when_it_should_have_been() {
    let mut stage = Stage::new(1, taking(1.0, 0.0));
    let plan = Plan {
        requests: Some(20),
        in_flight_max: 1,
        ..Plan::new(Load::Constant { rate: 2.0 })
    };
    let rung = stage.run(&plan).rungs.remove(0);
    let max = |metric: &Option<kneepoint_bench::report::Metric>| metric.as_ref().unwrap().max;
    assert!(max(&rung.e2e) < 1_100.0);
    assert!(
        max(&rung.queue) > 9_000.0 && max(&rung.e2e_sched) > 10_000.0,
        "{rung:?}"
    );
    let reasons = rung.client.reasons.join("; ");
    assert!(
        rung.client.bound && reasons.contains("while more were due"),
        "{reasons}"
    );
}

#[test]
fn a_budget_refuses_before_the_start_or_ends_in_time() {
    let budget = |requests| Budget {
        requests: Some(requests),
        ..Budget::NONE
    };
    let mut stage = Stage::new(1, taking(1.0, 0.3));
    let refused = stage.try_run(&Plan {
        budget: budget(99),
        ..closed(100, 10)
    });
    assert!(matches!(refused, Err(RunError::Budget(_))), "{refused:?}");
    assert_eq!(stage.truth.counts().requests, 0);

    let endless = Plan {
        requests: None,
        duration_ms: Some(60_000),
        budget: budget(25),
        ..closed(1, 10)
    };
    let report = stage.run(&endless);
    assert_eq!(
        (report.rungs[0].requests, stage.truth.counts().requests),
        (25, 25)
    );
    assert!(
        report.method.stopped_early && report.method.notes[0].contains("budget"),
        "{:?}",
        report.method
    );

    let mut stage = Stage::new(1, taking(1.0, 0.3));
    stage.target.prompts.max_tokens = Some(16);
    let ladder = Plan {
        budget: Budget {
            tokens: Some(4_000),
            ..Budget::NONE
        },
        ..Plan::new(Load::Ladder(Options::default()))
    };
    let report = stage.run(&ladder);
    assert_eq!(
        report.answer.expect("a ladder").stop.value,
        StopRule::Budget
    );
    // Sixteen tokens and some twenty of prompt for each request at most.
    assert!(stage.truth.counts().requests < 250);
}

#[test]
fn a_stopped_run_settles_what_is_in_flight_and_takes_back_what_hangs() {
    let mut stage = Stage::new(1, taking(1.0, 0.3));
    stage.notebook.stop_after = Some((20, stage.control.clone()));
    let report = stage.run(&closed(1000, 10));
    let rung = &report.rungs[0];
    assert!(rung.requests < 40 && rung.requests == rung.ok, "{rung:?}");
    assert!(report.method.stopped_early);

    let hang = (0..4).fold(Script::new(), |script, _| script.reply(Reply::hang()));
    let mut stage = Stage::new(1, hang);
    let plan = Plan {
        drain_ms: 2_000,
        duration_ms: Some(1_000),
        requests: None,
        ..closed(1, 4)
    };
    let report = stage.run(&plan);
    let rung = &report.rungs[0];
    assert_eq!((rung.requests, rung.count(Class::Aborted)), (4, 4));
    assert_eq!(stage.sim.now().as_secs_f64(), 3.0);
    assert_eq!(stage.truth.counts().aborted, 4);
    assert!(
        stage
            .notebook
            .measured
            .iter()
            .all(|one| one.t_start.is_some())
    );
}

#[test]
fn whoever_is_in_a_hurry_gets_a_report_within_two_ticks() {
    let mut stage = Stage::new(1, taking(1.0, 0.0));
    stage.notebook.abort_at = Some((3.5, stage.control.clone()));
    let report = stage.run(&closed(1000, 10));
    let rung = &report.rungs[0];
    assert_eq!((rung.ok, rung.count(Class::Aborted)), (30, 10));
    assert!(report.method.stopped_early);
    let ended = stage.sim.now().as_secs_f64();
    assert!((3.5..=3.9).contains(&ended), "{ended}");
}

#[test]
fn a_server_that_fails_ends_the_ladder() {
    let model = ServerModel {
        errors: 0.3,
        ..taking(0.5, 0.2)
    };
    let mut stage = Stage::new(1, model);
    let report = stage.run(&Plan::new(Load::Ladder(Options::default())));
    let answer = report.answer.expect("a ladder");
    assert_eq!(answer.stop.value, StopRule::Errors);
    assert_eq!((answer.knee, answer.limit), (None, None));
}

#[test]
fn a_server_that_is_not_there_is_not_asked_for_long() {
    let mut stage = Stage::new(1, ServerModel::default());
    stage.target.config.provider.base_url = "https://elsewhere.test/v1".to_owned();
    let report = stage.run(&Plan::new(Load::Ladder(Options::default())));
    let answer = report.answer.expect("a ladder");
    assert_eq!(answer.stop.value, StopRule::Errors);
    assert_eq!(report.rungs[0].requests, 10);
    assert_eq!(
        report.rungs[0].count(Class::Network),
        report.rungs[0].requests
    );
    let excerpt = report.rungs[0].classes[0].excerpt.clone();
    assert!(excerpt.expect("it is told").contains("could not connect"));
}

#[test]
fn a_run_that_reaches_nobody_is_ended_early_and_says_why() {
    let mut stage = Stage::new(1, ServerModel::default());
    stage.target.config.provider.base_url = "https://elsewhere.test/v1".to_owned();
    let report = stage.run(&closed(1000, 1));
    let rung = &report.rungs[0];
    assert_eq!((rung.requests, report.method.stopped_early), (10, true));
    assert!(rung.attempts > 10, "each was tried again");
    assert_eq!(
        verdict(&report),
        "None of 10 requests was answered (network). No reply came through, so the run was ended early."
    );
    assert!(
        report.text().starts_with(&verdict(&report)),
        "{}",
        report.text()
    );
    // Whoever asks for few gets them, and one answer shows that somebody is there.
    let report = stage.run(&closed(3, 1));
    assert_eq!(
        (report.rungs[0].requests, report.method.stopped_early),
        (3, false)
    );
    let gone = Reply::error(TransportError::Connect("refused".to_owned()));
    let ok = Reply::json(r#"{"choices":[{"message":{"content":"Hi"}}]}"#);
    let mut stage = Stage::new(1, Script::new().reply(ok).forever(gone));
    stage.target.stream = false;
    stage.target.config.retry.retries_max = Some(0);
    let report = stage.run(&closed(50, 1));
    assert_eq!((report.rungs[0].requests, report.rungs[0].ok), (50, 1));
}

#[test]
fn a_server_that_refuses_even_one_at_a_time_is_told_by_the_same_figures_everywhere() {
    let mut stage = Stage::new(1, Script::new().forever(Reply::status(429)));
    let report = stage.run(&Plan::new(Load::Ladder(Options::default())));
    let (rung, text) = (&report.rungs[0], report.text());
    let limit = report
        .answer
        .as_ref()
        .and_then(|answer| answer.limit.as_ref());
    let limit = limit.expect("it refuses");
    assert_eq!((limit.value, limit.low, limit.high), (0, 0, 0));
    let all = rung.requests;
    let said = format!(
        "with 1 at a time {all} of {all} requests (100.0 %) were refused, and 1 slot still rested"
    );
    assert!(
        text.starts_with(&format!("No knee was found: {said}")),
        "{text}"
    );
    assert!(
        text.contains("limit      0 (0 to 0): at 1 the server refused already"),
        "{text}"
    );
    assert!(!text.contains("No request of"), "{text}");
}

#[test]
fn a_ladder_of_one_rung_claims_no_balance() {
    let mut stage = Stage::new(1, taking(0.5, 0.1));
    let options = Options {
        max: 1,
        ..Options::default()
    };
    let report = stage.run(&Plan::new(Load::Ladder(options)));
    let said = verdict(&report);
    assert!(
        said.starts_with("Only 1 request at once was tried: "),
        "{said}"
    );
    assert!(said.ends_with(". A knee takes a higher maximum."), "{said}");
}

#[test]
fn objectives_end_the_ladder_where_too_few_meet_them() {
    // Ten slots: with more in line the wait alone takes longer than a second and a half.
    let model = ServerModel {
        slots: Some(10),
        queues: true,
        ..taking(1.0, 0.1)
    };
    let mut stage = Stage::new(1, model);
    let plan = Plan {
        slo: Some(Slo {
            e2e_ms: Some(1_400.0),
            ..Slo::default()
        }),
        ..Plan::new(Load::Ladder(Options::default()))
    };
    let report = stage.run(&plan);
    let answer = report.answer.expect("a ladder");
    assert_eq!(answer.stop.value, StopRule::Slo);
    let slo = answer.slo.expect("eight meet it");
    assert!((8..=11).contains(&slo.value), "{slo:?}");
}

#[test]
fn a_ladder_stops_where_the_browser_does() {
    let mut stage = Stage::new(1, taking(1.0, 0.1));
    stage.target.environment.browser = true;
    stage.notebook.connections = Connections {
        http: Some("http/1.1".to_owned()),
        ..Connections::default()
    };
    let report = stage.run(&Plan::new(Load::Ladder(Options::default())));
    let answer = report.answer.expect("a ladder");
    assert_eq!(answer.stop.value, StopRule::ClientBound);
    assert!(
        answer.stop.reason.contains("6 connections"),
        "{}",
        answer.stop.reason
    );
    assert_eq!(answer.knee.expect("below").value, 4);
}

#[test]
fn six_connections_are_recognised_where_the_protocol_is_not_told() {
    for (browser, rule) in [(true, StopRule::ClientBound), (false, StopRule::Plateau)] {
        let model = ServerModel {
            slots: Some(6),
            queues: true,
            ..taking(1.0, 0.05)
        };
        let mut stage = Stage::new(1, model);
        stage.target.environment.browser = browser;
        let report = stage.run(&Plan::new(Load::Ladder(Options::default())));
        let stop = report.answer.expect("a ladder").stop;
        assert_eq!(stop.value, rule, "{stop:?}");
        assert_eq!(
            stop.reason.contains("six slots would look the same"),
            browser
        );
    }
}

#[test]
fn a_ladder_can_be_ended_by_hand() {
    let mut stage = Stage::new(1, taking(1.0, 0.1));
    stage.notebook.stop_after = Some((100, stage.control.clone()));
    let report = stage.run(&Plan::new(Load::Ladder(Options::default())));
    let answer = report.answer.expect("a ladder");
    assert_eq!(answer.stop.value, StopRule::User);
    assert!(answer.knee.is_some() && !report.rungs.is_empty());
    assert_eq!(report.rungs.len(), stage.notebook.rungs.len());
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let plan = Plan {
        requests: Some(100),
        ..Plan::new(Load::Poisson { rate: 20.0 })
    };
    let once = || Stage::new(9, taking(1.0, 0.4)).run(&plan).to_json();
    assert_eq!(once(), once());
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_before_anything_is_sent() {
    let mut stage = Stage::new(1, taking(1.0, 0.1));
    stage.target.config.provider.base_url = "no address".to_owned();
    for load in [
        Load::Closed { concurrency: 1 },
        Load::Ladder(Options::default()),
    ] {
        let plan = Plan {
            requests: Some(1),
            ..Plan::new(load)
        };
        assert!(matches!(stage.try_run(&plan), Err(RunError::Config(_))));
    }
}

#[test]
fn thresholds_judge_a_run() {
    let mut stage = Stage::new(1, taking(1.0, 0.1));
    let report = stage.run(&closed(200, 10));
    #[rustfmt::skip]
    let cases = [
        ("p95>2s",              false),
        ("p95>900ms",           true),
        ("ttft.p50>5s",         false),
        ("error_rate>0%",       false),
        ("error_rate>=0%",      true),
        ("throughput<5",        false),
        ("throughput<50/s",     true),
        ("knee<4",              true),   // a plain run has none
    ];
    for (text, fails) in cases {
        let threshold: Threshold = text.parse().expect(text);
        assert_eq!(threshold.check(&report).is_failure(), fails, "{text}");
    }
    let mut stage = Stage::new(
        1,
        ServerModel {
            errors: 0.5,
            ..taking(1.0, 0.1)
        },
    );
    stage.target.config.retry.retries_max = Some(0);
    let report = stage.run(&closed(200, 10));
    let threshold: Threshold = "p95>2s".parse().expect("it is one");
    assert!(threshold.check(&report).is_failure(), "failing is not fast");
}

#[test]
fn a_figure_that_is_the_bound_is_not_beyond_it() {
    let mut report = Stage::new(1, taking(1.0, 0.1)).run(&closed(20, 4));
    #[rustfmt::skip]
    let cases = [
        // text,                ok,  of,   fails
        ("error_rate>0.7%",     993, 1000, false),
        ("error_rate>=0.7%",    993, 1000, true),
        ("error_rate>0.7%",     992, 1000, true),
        ("error_rate<29%",      71,  100,  false),
        ("error_rate<=29%",     71,  100,  true),
    ];
    for (text, ok, requests, fails) in cases {
        (report.rungs[0].ok, report.rungs[0].requests) = (ok, requests);
        let threshold: Threshold = text.parse().expect(text);
        assert_eq!(threshold.check(&report).is_failure(), fails, "{text}");
    }
}
