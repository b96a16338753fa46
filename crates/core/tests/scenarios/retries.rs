//! What is tried again, when, how often, and at whose cost.

use futures_util::future::join_all;
use kneepoint_core::adapt::Options;
use kneepoint_core::platform::TransportError;
use kneepoint_core::platform::sim::{Reply, Script};
use kneepoint_core::{CallOptions, Config, Error, ErrorKind, Prompt, Reply as Answer, Request};

use crate::harness::{ANSWER, Stage, chat_stream, config, ms};

/// Sends one call with options of its own.
fn send(stage: &Stage, options: CallOptions) -> Result<Answer, Error> {
    let request = stage.client.request(&Prompt::new("m", "Hi"), false);
    stage
        .sim
        .run(stage.client.send(Request { options, ..request }))
}

fn refusal(header: &str, value: &str) -> Reply {
    Reply::status(429).header(header, value)
}

#[test]
fn a_hint_is_obeyed_never_early_and_spread_and_too_long_a_one_fails_at_once() {
    #[rustfmt::skip]
    let cases = [
        // header, value, wait in ms (none: fails at once)
        ("retry-after-ms", "1500",  Some(1500)),
        ("retry-after",    "2",     Some(2000)),
        ("retry-after",    "0.25",  Some(250)),
        ("retry-after",    "0",     Some(50)),    // soon, but not in the same moment
        ("retry-after",    "60",    Some(60_000)),
        ("retry-after",    "61",    None),        // longer than the client may wait
        ("retry-after",    "3000000", None),      // beyond what a timer can hold
    ];
    for (header, value, wait) in cases {
        for seed in 1..=10 {
            let script = Script::new()
                .reply(refusal(header, value))
                .forever(Reply::json(ANSWER));
            let stage = Stage::with(seed, config(), script);
            let outcome = stage.send();
            let waited = (stage.sim.now().as_micros()) as f64 / 1000.0;
            if let Some(wait) = wait {
                let wait = f64::from(wait);
                outcome.unwrap();
                // Both the call and its key wait, each with a spread of a tenth.
                assert!(waited >= wait, "{value}: {waited}, seed {seed}");
                let latest = wait + 1000.0_f64.min(wait * 0.1) + 2.0;
                assert!(waited <= latest, "{value}: {waited}");
            } else {
                let error = outcome.unwrap_err();
                assert!(error.retry_after.unwrap() > ms(60_000));
                assert_eq!((error.attempts, waited), (1, 0.0), "{value}");
            }
            stage.assert_settled();
        }
    }
}

#[test]
fn a_request_that_no_limit_fits_fails_at_once_and_holds_up_nobody() {
    let body = r#"{"error":{"message":"Request too large for m on tokens per min (TPM): Limit 30000, Requested 31538.","type":"tokens","code":"rate_limit_exceeded"}}"#;
    let heads = [(429, "headers"), (413, "headers"), (200, "body")];
    for (status, phase) in heads {
        let script = Script::new()
            .reply(Reply::status(status).piece(body))
            .forever(Reply::json(ANSWER));
        let stage = Stage::new(script);
        let error = stage.send().unwrap_err();
        let seen = (error.attempts, error.retryable, error.phase.as_str());
        assert_eq!(seen, (1, false, phase), "{status}: {error}");
        stage.send().unwrap();
        assert_eq!(
            stage.sim.now().as_micros(),
            0,
            "{status}: the next is held back"
        );
        stage.assert_settled();
    }
}

#[test]
fn a_clock_a_day_off_does_not_matter_where_the_reply_is_dated() {
    // Thu, 16 Nov 2023 is a day and more after the simulated start.
    for (date, retry_after) in [
        (
            "Tue, 14 Nov 2023 22:13:20 GMT",
            "Tue, 14 Nov 2023 22:13:23 GMT",
        ),
        (
            "Wed, 15 Nov 2023 22:13:20 GMT",
            "Wed, 15 Nov 2023 22:13:23 GMT",
        ),
        (
            "Mon, 13 Nov 2023 22:13:20 GMT",
            "Mon, 13 Nov 2023 22:13:23 GMT",
        ),
    ] {
        let refusal = refusal("retry-after", retry_after).header("date", date);
        let stage = Stage::new(Script::new().reply(refusal).forever(Reply::json(ANSWER)));
        stage.send().unwrap();
        let waited = stage.sim.now().as_secs_f64();
        assert!((3.0..=3.4).contains(&waited), "{date}: {waited}");
    }
}

#[test]
fn the_server_s_own_word_on_retrying_is_obeyed() {
    let retry = |status, word| Reply::status(status).header("x-should-retry", word);
    for (reply, attempts) in [
        (retry(500, "false"), 1),
        (retry(429, "false"), 1),
        (retry(400, "true"), 3),
    ] {
        let stage = Stage::new(Script::new().forever(reply));
        assert_eq!(stage.send().unwrap_err().attempts, attempts);
    }
}

#[test]
fn pauses_without_a_hint_are_mostly_certain_and_grow_up_to_a_bound() {
    let mut shortest = [f64::MAX; 3];
    let mut longest = [0.0_f64; 3];
    for seed in 1..=200 {
        let mut config = config();
        config.retry.retries_max = Some(3);
        let stage = Stage::with(seed, config, Script::new().forever(Reply::status(500)));
        stage.send().unwrap_err();
        let starts: Vec<f64> = stage
            .truth
            .requests()
            .iter()
            .map(|seen| seen.at.as_secs_f64())
            .collect();
        for (index, pair) in starts.windows(2).enumerate() {
            let pause = pair[1] - pair[0];
            shortest[index] = shortest[index].min(pause);
            longest[index] = longest[index].max(pause);
        }
    }
    for (index, bound) in [0.5, 1.0, 2.0].into_iter().enumerate() {
        let (shortest, longest) = (shortest[index] / bound, longest[index] / bound);
        assert!(
            (0.75..0.77).contains(&shortest) && longest > 0.98 && longest <= 1.0,
            "{shortest} to {longest} of {bound}"
        );
    }
}

#[test]
fn nothing_is_retried_once_a_delta_has_reached_the_caller() {
    let cut = chat_stream(&["a", "b"], ms(5)).cut_at(260);
    let stage = Stage::new(Script::new().forever(cut));
    let (pieces, outcome) = stage.stream();
    assert_eq!(pieces.concat(), "a");
    assert!(matches!(
        outcome.unwrap_err().kind,
        ErrorKind::Interrupted(_)
    ));
    assert_eq!(stage.requests(), 1);
}

#[test]
fn at_most_once_means_one_attempt_unless_it_was_certainly_not_carried_out() {
    let lost = Reply::error(TransportError::Lost("ECONNRESET".into()));
    let refused = Reply::error(TransportError::Connect("ECONNREFUSED".into()));
    #[rustfmt::skip]
    let cases = [
        (lost,                           1),
        (Reply::status(500),             1),
        (Reply::json(ANSWER).cut_at(20), 1),
        (Reply::status(200),             1),
        (refused,                        3),
        (Reply::status(429),            11),
    ];
    for (reply, attempts) in cases {
        let stage = Stage::new(Script::new().forever(reply));
        let options = CallOptions {
            at_most_once: Some(true),
            ..CallOptions::default()
        };
        assert_eq!(send(&stage, options).unwrap_err().attempts, attempts);
        assert_eq!(stage.requests(), u64::from(attempts));
    }
}

#[test]
fn the_idempotency_key_is_the_same_on_all_attempts() {
    let stage = Stage::new(Script::new().forever(Reply::status(500)));
    let options = CallOptions {
        idempotency_key: Some("order-7".into()),
        ..CallOptions::default()
    };
    send(&stage, options).unwrap_err();
    let seen = stage.truth.requests();
    assert_eq!(seen.len(), 3);
    for seen in &seen {
        assert_eq!(seen.request.headers.get("idempotency-key"), Some("order-7"));
    }
}

#[test]
fn the_server_does_no_work_twice_unless_its_answer_was_lost() {
    // Whatever else goes wrong, only a lost answer may lead to a repetition of finished work.
    let mut lost_answers = 0;
    let mut script = Script::new();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..300 {
        script = script.reply(match random.u32(0..6) {
            0 => Reply::status(429),
            1 => Reply::status(503),
            2 => Reply::error(TransportError::Connect("ECONNREFUSED".into())),
            3 => {
                lost_answers += 1;
                Reply::json(ANSWER).cut_at(random.usize(1..ANSWER.len()))
            }
            _ => Reply::json(ANSWER),
        });
    }
    let stage = Stage::new(script.forever(Reply::json(ANSWER)));
    let calls = 120;
    let mut answered = 0;
    for _ in 0..calls {
        answered += u64::from(stage.send().is_ok());
    }
    let worked = stage
        .truth
        .requests()
        .iter()
        .filter(|seen| seen.status == Some(200))
        .count() as u64;
    assert!(
        worked - answered <= lost_answers,
        "{worked} done, {answered} answered"
    );
    stage.assert_settled();
}

#[test]
fn an_empty_budget_surfaces_errors_instead_of_multiplying_them() {
    let stage = Stage::new(Script::new().forever(Reply::status(500)));
    let calls = 200;
    let mut exhausted = 0;
    for _ in 0..calls {
        exhausted += u32::from(stage.send().unwrap_err().budget_exhausted);
    }
    assert_eq!(
        stage.requests(),
        200 + 35,
        "35 retries are paid for, whatever the calls"
    );
    assert!(exhausted >= 180);
}

#[test]
fn a_network_that_is_away_for_a_moment_costs_no_call() {
    let away = Reply::error(TransportError::Connect("ECONNREFUSED".into()));
    let script = Script::new().times(100, &away).forever(Reply::json(ANSWER));
    let stage = Stage::new(script);
    let calls = stage.sim.run(join_all((0..100).map(|_| {
        let request = stage.client.request(&Prompt::new("m", "Hi"), false);
        stage.client.send(request)
    })));
    for call in calls {
        call.unwrap();
    }
    assert_eq!(stage.requests(), 200, "each was tried twice");
    stage.assert_settled();
}

#[test]
fn a_server_that_starts_anew_loses_no_call() {
    let places = 256_usize;
    let config = || {
        let mut config = config();
        config.concurrency = Options {
            adaptive: false,
            ..Options::at_most(places as u32)
        };
        config
    };
    // What earns it: 14 answers for each place.
    let earned = 14 * places - 500;
    for (answers, refused) in [(earned, 0), (earned - 14, 1), (0, places - 35)] {
        let script = Script::new()
            .times(answers, &Reply::json(ANSWER))
            .times(
                places,
                &Reply::error(TransportError::Lost("ECONNRESET".into())),
            )
            .forever(Reply::json(ANSWER));
        let stage = Stage::with(1, config(), script);
        let calls = stage.sim.run(join_all((0..answers + places).map(|_| {
            let request = stage.client.request(&Prompt::new("m", "Hi"), false);
            stage.client.send(request)
        })));
        let lost = calls.into_iter().filter_map(Result::err);
        let exhausted = lost.map(|error| assert!(error.budget_exhausted)).count();
        assert_eq!(exhausted, refused, "after {answers} answers");
        stage.assert_settled();
    }
}

/// How many of 3000 calls are lost at a server that in their midst does this 150 times in a row.
fn lost_to(trouble: &Reply) -> usize {
    let answer = Reply::json(ANSWER).after(ms(50));
    let script = Script::new()
        .times(1000, &answer)
        .times(150, trouble)
        .forever(answer);
    let stage = Stage::new(script);
    let calls = stage.sim.run(join_all((0..3000).map(|_| {
        let request = stage.client.request(&Prompt::new("m", "Hi"), false);
        stage.client.send(request)
    })));
    stage.assert_settled();
    calls.iter().filter(|call| call.is_err()).count()
}

#[test]
fn a_gateway_whose_server_is_away_for_a_moment_costs_no_call() {
    for status in [500, 502, 504] {
        assert_eq!(lost_to(&Reply::status(status)), 0, "{status}");
    }
}

#[test]
fn where_nobody_knows_why_all_calls_fail_few_are_lost() {
    let unclear = [
        TransportError::Lost("ECONNRESET".into()),
        TransportError::Opaque("Failed to fetch".into()), // a page's word for everything
    ];
    for error in unclear {
        let lost = lost_to(&Reply::error(error.clone()));
        assert!(
            lost <= 75,
            "{error}: {lost} of 150 failures were a call's second"
        );
    }
}

#[test]
fn calls_wait_for_a_server_that_was_there_a_moment_ago() {
    let away = Reply::error(TransportError::Connect("ECONNREFUSED".into()));
    let attempts = |answers, seed| {
        let script = Script::new()
            .times(answers, &Reply::json(ANSWER))
            .forever(away.clone());
        let stage = Stage::with(seed, config(), script);
        for _ in 0..answers {
            stage.send().unwrap();
        }
        let begun = stage.sim.now();
        let attempts = stage.send().unwrap_err().attempts;
        let waited = stage.sim.now() - begun;
        stage.assert_settled();
        (attempts, waited)
    };
    for seed in 1..=20 {
        let (tries, waited) = attempts(0, seed);
        assert_eq!(tries, 3, "one that never answered is hardly there");
        assert!(waited <= ms(1500), "seed {seed}: {waited:?}");
        let (tries, waited) = attempts(1, seed);
        assert!((6..=12).contains(&tries), "seed {seed}: {tries}");
        assert!(
            waited >= ms(10_000) && waited <= ms(12_000),
            "seed {seed}: {waited:?}"
        );
    }
}

#[test]
fn successes_refill_the_budget() {
    let config = || {
        let mut config = config();
        config.retry.budget = Some(28);
        config
    };
    let mut script = Script::new();
    for _ in 0..50 {
        script = script.reply(Reply::status(500)).reply(Reply::json(ANSWER));
    }
    let stage = Stage::with(1, config(), script);
    for _ in 0..50 {
        stage.send().unwrap();
    }
}

#[test]
fn an_outage_costs_a_tenth_more_attempts_and_full_speed_is_back_within_20_seconds() {
    use futures_util::{StreamExt, stream};
    use kneepoint_core::platform::Platform;
    use kneepoint_core::platform::sim::ServerModel;

    for seed in 1..=3 {
        let model = ServerModel {
            outage: Some((30.0, 60.0)),
            ..ServerModel::default()
        };
        let stage = Stage::with(
            seed,
            Config {
                timeout: None,
                ..config()
            },
            model,
        );
        let calls = 3600;
        let outcomes = stage.sim.run(async {
            let arrivals = stream::iter(0..calls).map(|index| {
                let (client, sim) = (stage.client.clone(), stage.sim.clone());
                async move {
                    sim.sleep(ms(index * 1000 / 30)).await;
                    client.generate(&Prompt::new("m", "Hi")).await
                }
            });
            arrivals
                .buffer_unordered(calls as usize)
                .collect::<Vec<_>>()
                .await
        });
        let lost = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert_eq!(lost, 0, "seed {seed}");
        let attempts = stage.client.stats().totals.attempts as f64 / calls as f64;
        assert!(
            attempts <= 1.10,
            "{attempts} attempts per call, seed {seed}"
        );
        let mut per_second = [0_u32; 200];
        for call in stage.notebook.calls.borrow().iter() {
            per_second[call.end.unwrap().as_secs_f64() as usize] += 1;
        }
        let full = (60..200).find(|second| per_second[*second] >= 29).unwrap();
        assert!(full <= 80, "full speed in second {full}, seed {seed}");
    }
}

#[test]
fn the_number_of_retries_is_the_call_s_and_not_each_trouble_s() {
    let mut config = config();
    config.retry.retries_max = Some(2);
    let script = Script::new()
        .reply(Reply::status(429))
        .reply(Reply::status(500))
        .reply(Reply::status(429))
        .reply(Reply::status(500))
        .reply(Reply::error(TransportError::Lost("x".into())))
        .reply(Reply::status(200))
        .forever(Reply::json(ANSWER));
    let stage = Stage::with(1, config, script);
    let _ = stage.send();
    assert!(
        stage.requests() <= 3,
        "{} requests with retries_max 2",
        stage.requests()
    );
}
