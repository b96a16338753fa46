//! What is measured is what happened: against the server's books, against figures computed another
//! way, and whatever the network makes of a stream.

use std::time::Duration;

use kneepoint_bench::Tick;
use kneepoint_bench::plan::{Plan, Slo};
use kneepoint_bench::record::{Class, Sample, TokenSource};
use kneepoint_bench::report::verdict;
use kneepoint_core::platform::sim::{Bucket, Reply, Script, ServerModel, Units};
use kneepoint_stats::{Histogram, Rule, quantile};

use crate::harness::{Stage, closed, taking};

#[test]
fn in_flight_rebuilt_from_timestamps_is_the_concurrency() {
    for concurrency in [1, 7, 50] {
        let mut stage = Stage::new(1, taking(1.0, 0.4));
        let report = stage.run(&closed(u64::from(concurrency) * 20, concurrency));
        let rung = &report.rungs[0];
        assert_eq!(rung.concurrency_peak, concurrency);
        assert_eq!(stage.truth.counts().in_flight_max, concurrency);
        let residual = rung.little_residual.expect("more requests than slots");
        assert!(residual < 0.01, "{residual}");
        assert!(!rung.client.bound, "{:?}", rung.client);
    }
}

#[test]
fn a_server_that_refuses_is_not_the_client_that_is_slow() {
    let rate = |retry_after| ServerModel {
        requests: Some(Bucket {
            rate: 10.0,
            burst: 2.0,
        }),
        retry_after,
        ..taking(0.2, 0.3)
    };
    let slots = |retry_after| ServerModel {
        slots: Some(5),
        retry_after,
        ..taking(0.5, 0.3)
    };
    let servers = [rate(None), rate(Some(2.0)), slots(None), slots(Some(1.0))];
    for (index, server) in servers.into_iter().enumerate() {
        for retries in [Some(0), Some(2), None] {
            let mut stage = Stage::new(1, server.clone());
            stage.target.config.retry.retries_max = retries;
            let report = stage.run(&closed(300, 20));
            let rung = &report.rungs[0];
            let case = format!("server {index}, retries {retries:?}: {:?}", rung.client);
            assert!(rung.attempts > 300 || rung.ok < 300, "it refused: {case}");
            assert!(!rung.client.bound, "{case}");
        }
    }
}

#[test]
fn figures_agree_with_the_servers_own_counts() {
    let model = ServerModel {
        errors: 0.1,
        requests: Some(Bucket {
            rate: 15.0,
            burst: 5.0,
        }),
        ..taking(1.0, 0.3)
    };
    for seed in [1, 2, 3] {
        let mut stage = Stage::new(seed, model.clone());
        stage.target.config.retry.retries_max = Some(2);
        let report = stage.run(&closed(300, 20));
        let (rung, truth) = (&report.rungs[0], stage.truth.counts());
        assert_eq!(rung.requests, 300);
        assert_eq!(rung.attempts, truth.requests, "retries and all");
        assert_eq!(rung.concurrency_peak, 20);
        let by_class: u64 = rung.classes.iter().map(|one| one.count).sum();
        assert_eq!(by_class, 300);
        assert_eq!(rung.count(Class::Ok), rung.ok);
        assert!(
            rung.attempts > 300 && rung.ok < 300,
            "there was something to retry"
        );
        // The default answer holds sixteen tokens.
        assert_eq!(rung.output_tokens, rung.ok * 16);
        let server = rung.classes.iter().find(|one| one.class == Class::Server);
        let excerpt = server.and_then(|one| one.excerpt.clone());
        assert!(excerpt.is_none_or(|text| text.contains("The server had an error.")));
    }
}

#[test]
fn quantiles_are_those_of_the_requests() {
    let mut stage = Stage::new(3, taking(1.0, 0.5));
    let report = stage.run(&closed(777, 10));
    let mut e2e: Vec<f64> = stage
        .notebook
        .measured
        .iter()
        .filter_map(Sample::e2e_ms)
        .collect();
    e2e.sort_by(f64::total_cmp);
    let metric = report.rungs[0].e2e.as_ref().expect("answers");
    assert_eq!(
        (metric.n, metric.exact, metric.rule.as_str()),
        (777, true, "inclusive")
    );
    for found in &metric.quantiles {
        // numpy.quantile: linear between the samples around (n − 1)·q.
        let at = (e2e.len() - 1) as f64 * found.q;
        let low = at.floor() as usize;
        let high = (low + 1).min(e2e.len() - 1);
        let expected = e2e[low] + (at - low as f64) * (e2e[high] - e2e[low]);
        assert!(
            (found.value / expected - 1.0).abs() < 1e-12,
            "{found:?} {expected}"
        );
    }
    let block = report.rungs[0].reference.as_ref().expect("answers");
    assert_eq!(Some(block.p95), quantile(&e2e, 0.95, Rule::Exclusive));
    assert_eq!(Some(block.p50), quantile(&e2e, 0.5, Rule::Exclusive));
}

#[test]
fn tokens_per_chunk_do_not_change_the_time_per_token() {
    let tpot = |pieces| {
        let model = ServerModel {
            stream_pieces: pieces,
            units: Units {
                median: 64.0,
                sigma: 0.0,
                step: None,
            },
            ..taking(2.0, 0.0)
        };
        let mut stage = Stage::new(1, model);
        let report = stage.run(&closed(40, 4));
        let rung = &report.rungs[0];
        assert_eq!(rung.token_source, TokenSource::Usage);
        assert_eq!(stage.notebook.measured[0].chunks, pieces);
        assert!(!rung.buffered);
        rung.tpot.as_ref().expect("streams").mean
    };
    let (one, four, sixteen) = (tpot(64), tpot(16), tpot(4));
    assert!((one - 2000.0 / 64.0).abs() < 0.01, "{one}");
    assert!((four / one - 1.0).abs() < 1e-3 && (sixteen / one - 1.0).abs() < 1e-3);
}

fn chunk(text: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#)
}

const LAST: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn stream(chunks: usize) -> Reply {
    let mut events = vec![chunk("word "); chunks];
    events.extend([LAST.to_owned(), "[DONE]".to_owned()]);
    Reply::sse(events.iter().map(String::as_str))
}

#[test]
fn a_stream_that_comes_in_one_burst_is_said_to_be_buffered() {
    let second = Duration::from_secs(1);
    let pause = second / 50;
    let burst = stream(32).after(second);
    let flowing = stream(32).after(second).each_after(pause);
    for (reply, buffered) in [(burst, true), (flowing, false)] {
        let script = (0..10).fold(Script::new(), |script, _| script.reply(reply.clone()));
        let mut stage = Stage::new(1, script);
        let report = stage.run(&closed(10, 2));
        let rung = &report.rungs[0];
        assert_eq!((rung.ok, rung.buffered), (10, buffered));
        assert_eq!(rung.token_source, TokenSource::Chunks, "nobody counted");
        assert_eq!(rung.output_tokens, 320);
        assert_eq!(report.text().contains("came in one burst"), buffered);
    }
}

/// A server that refuses to be asked for usage.
fn never_counts() -> Reply {
    Reply::status(400).piece(r#"{"error":{"message":"unknown field stream_options"}}"#)
}

#[test]
fn a_server_that_refuses_to_count_is_asked_once() {
    // So many at once: the first of each slot are sent before anyone knows.
    for slots in [1, 3] {
        let second = Duration::from_secs(1);
        let refusals = (0..slots).fold(Script::new(), |script, _| {
            script.reply(never_counts().after(second / 2))
        });
        let script = refusals.forever(stream(4).after(second));
        let mut stage = Stage::new(1, script);
        let report = stage.run(&closed(6, slots));
        let rung = &report.rungs[0];
        assert_eq!((rung.ok, report.method.usage_asked), (6, false));
        let asked = |body: &str| body.contains("stream_options");
        let bodies = stage.truth.requests();
        let asking = bodies
            .iter()
            .filter(|seen| seen.request.body.as_deref().is_some_and(asked));
        assert_eq!(asking.count(), slots as usize);
        // Every figure is that of the answers, and nothing is hidden.
        assert_eq!(rung.attempts, bodies.len() as u64);
        assert_eq!((rung.usage_refused, rung.repeats()), (slots.into(), 0));
        let said = format!("{} attempts, {slots} of them refused with", bodies.len());
        assert!(report.text().contains(&said), "{}", report.text());
        assert!(rung.e2e.as_ref().is_some_and(|e2e| e2e.max < 1100.0));
        assert_eq!(
            rung.e2e_sched.as_ref().map(|all| all.max > 1499.0),
            Some(true)
        );
        assert!(!rung.client.bound, "{:?}", rung.client);
        let told = |tick: &Tick| tick.repeated > 0;
        assert!(!stage.notebook.ticks.iter().any(told), "no failure");
    }
}

#[test]
fn a_request_that_is_wrong_by_itself_is_not_sent_twice_for_long() {
    let wrong = Reply::status(400).piece(r#"{"error":{"message":"no such model"}}"#);
    let mut stage = Stage::new(1, Script::new().forever(wrong));
    let report = stage.run(&closed(20, 1));
    let (rung, seen) = (&report.rungs[0], stage.truth.requests().len() as u64);
    assert_eq!((rung.requests, rung.ok), (20, 0));
    assert_eq!((rung.attempts, rung.usage_refused), (seen, 3));
    assert_eq!(seen, 23);
    assert!(!stage.notebook.ticks.iter().any(|tick| tick.repeated > 0));
}

#[test]
fn what_is_taken_back_while_it_is_asked_again_has_been_sent_twice() {
    let script = Script::new().reply(never_counts()).forever(Reply::hang());
    let mut stage = Stage::new(1, script);
    stage.notebook.abort_at = Some((2.0, stage.control.clone()));
    let report = stage.run(&closed(5, 1));
    let rung = &report.rungs[0];
    assert_eq!(rung.count(Class::Aborted), 1);
    assert_eq!(rung.attempts, stage.truth.requests().len() as u64);
}

#[test]
fn failures_never_make_a_figure_better() {
    // One in five fails, and those that do are the quickest.
    let good = ServerModel::default();
    let bad = ServerModel {
        errors: 0.2,
        ..good.clone()
    };
    let figures = |model: ServerModel| {
        let mut stage = Stage::new(1, model);
        stage.target.config.retry.retries_max = Some(0);
        let plan = Plan {
            slo: Some(Slo {
                e2e_ms: Some(2_000.0),
                ..Slo::default()
            }),
            ..closed(500, 10)
        };
        let mut report = stage.run(&plan);
        let told = verdict(&report);
        assert!(told.ends_with("% met the objectives."), "{told}");
        report.rungs.remove(0)
    };
    let (good, bad) = (figures(good), figures(bad));
    let p95 = |rung: &kneepoint_bench::report::Rung| {
        let e2e = rung
            .e2e
            .as_ref()
            .and_then(|e2e| e2e.quantile(0.95).copied());
        e2e.expect("answers").with_failures
    };
    assert!(p95(&good).is_some() && p95(&bad).is_none(), "endless");
    let share = |rung: &kneepoint_bench::report::Rung| rung.slo_share.expect("objectives").value;
    assert!(share(&bad) < share(&good) - 0.1);
    let goodput = |rung: &kneepoint_bench::report::Rung| rung.goodput_per_s.expect("objectives");
    let met = share(&bad) * bad.requests as f64;
    assert!((goodput(&bad) * bad.duration_s - met).abs() < 1e-6);
    assert!(bad.error_rate() > 0.15 && good.error_rate() == 0.0);
}

#[test]
fn files_for_other_tools_hold_the_same_figures() {
    let mut stage = Stage::new(2, taking(1.0, 0.5));
    let report = stage.run(&closed(200, 10));
    let rung = &report.rungs[0];
    let e2e = rung.e2e.as_ref().expect("answers");
    let histogram = Histogram::from_v2(&kneepoint_bench::export::hdr(e2e)).expect("our own");
    assert_eq!(histogram.len(), 200);
    assert!(kneepoint_bench::export::hgrm(e2e).contains("#[Mean"));
    let keys = kneepoint_bench::export::vllm(&report, rung);
    assert_eq!(keys["completed"], 200);
    assert_eq!(keys["request_throughput"], rung.requests_per_s.value);
    assert_eq!(
        keys["median_e2el_ms"],
        e2e.quantile(0.5).expect("kept").value
    );
    for key in [
        "output_throughput",
        "mean_ttft_ms",
        "p99_tpot_ms",
        "mean_itl_ms",
        "p99_e2el_ms",
    ] {
        assert!(keys[key].is_number(), "{key}");
    }
    let line = kneepoint_bench::export::json_line(&stage.notebook.measured[0]);
    let read: Sample = serde_json::from_str(&line).expect("our own");
    assert_eq!(read, stage.notebook.measured[0]);
    assert!(!line.contains('\n'));
    let row = kneepoint_bench::export::csv_row(&stage.notebook.measured[0]);
    assert_eq!(
        row.split(',').count(),
        kneepoint_bench::export::CSV_HEADER.split(',').count()
    );
}
