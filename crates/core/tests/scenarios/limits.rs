//! The limit holds for the whole client, is shared fairly, and is learned without harm.

use std::time::Duration;

use futures_util::future::join;
use futures_util::future::{join_all, select};
use kneepoint_core::Instant;
use kneepoint_core::adapt::Options;
use kneepoint_core::platform::sim::{Bucket, Latency, Reply, Script, ServerModel, Sim};
use kneepoint_core::platform::{Platform, TransportError};
use kneepoint_core::{CallOptions, Client, Config, ErrorKind, Prompt, Request};

use crate::harness::{ANSWER, Stage, config, ms};

fn patient() -> Config {
    Config {
        timeout: None,
        ..config()
    }
}

#[test]
fn never_more_in_flight_than_the_caller_allows() {
    for (ceiling, calls) in [(1, 20), (7, 200), (64, 1000)] {
        let config = Config {
            concurrency: Options::at_most(ceiling),
            ..patient()
        };
        let stage = Stage::with(1, config, ServerModel::default());
        let prompt = Prompt::new("m", "Hi");
        let replies = stage
            .sim
            .run(join_all((0..calls).map(|_| stage.client.generate(&prompt))));
        assert!(replies.iter().all(Result::is_ok));
        assert_eq!(stage.truth.counts().in_flight_max, ceiling);
        stage.assert_settled();
    }
}

#[test]
fn the_ceiling_can_be_moved_while_calls_are_under_way() {
    let config = Config {
        concurrency: Options::at_most(4),
        ..patient()
    };
    let stage = Stage::with(
        1,
        config,
        Script::new().forever(Reply::json(ANSWER).after(ms(100))),
    );
    let in_flight = |expected: u32| {
        stage.sim.advance(ms(450));
        let lanes = stage.client.stats().lanes;
        assert_eq!(lanes[0].in_flight, expected, "at {:?}", stage.sim.now());
    };
    for _ in 0..200 {
        let client = stage.client.clone();
        stage.sim.spawn(async move {
            client.generate(&Prompt::new("m", "Hi")).await.unwrap();
        });
    }
    in_flight(4);
    stage.client.resize(9);
    in_flight(9);
    stage.client.resize(0);
    in_flight(1);
    stage.client.resize(50);
    stage.sim.advance(ms(5000));
    stage.assert_settled();
}

#[test]
fn a_full_queue_says_so_at_once() {
    let config = Config {
        concurrency: Options::at_most(1),
        queue_max: 3,
        ..config()
    };
    let stage = Stage::with(
        1,
        config,
        Script::new().forever(Reply::json(ANSWER).after(ms(100))),
    );
    let prompt = Prompt::new("m", "Hi");
    let replies = stage
        .sim
        .run(join_all((0..10).map(|_| stage.client.generate(&prompt))));
    let full = replies.iter().filter(
        |reply| matches!(reply, Err(error) if error.kind == ErrorKind::QueueFull { queue_max: 3 }),
    );
    assert_eq!(full.count(), 6, "one in flight, three waiting");
    stage.assert_settled();
}

#[test]
fn a_call_that_tries_again_is_not_turned_away_by_a_full_queue() {
    let config = Config {
        concurrency: Options::at_most(1),
        queue_max: 1,
        ..config()
    };
    let failure = Reply::status(500);
    let script = Script::new().reply(failure);
    let stage = Stage::with(
        1,
        config,
        script.forever(Reply::json(ANSWER).after(ms(1000))),
    );
    let prompt = Prompt::new("m", "Hi");
    let call = async |after| {
        stage.sim.sleep(after).await;
        stage.client.generate(&prompt).await
    };
    // The second is sent while the first pauses after its failure; the third then fills the queue.
    let calls = join_all([ms(0), ms(0), ms(1)].map(call));
    let outcomes = stage.sim.run(calls).into_iter();
    let attempts = outcomes.map(|outcome| outcome.map(|reply| reply.record.attempts.len()));
    let attempts: Vec<_> = attempts.collect();
    assert_eq!(attempts, [Ok(2), Ok(1), Ok(1)]);
    stage.assert_settled();
}

#[test]
fn first_come_first_served_but_for_priorities() {
    let config = Config {
        concurrency: Options::at_most(1),
        ..config()
    };
    let stage = Stage::with(
        1,
        config,
        Script::new().forever(Reply::json(ANSWER).after(ms(10))),
    );
    let calls = [(0, "a"), (0, "b"), (5, "c"), (-1, "d"), (0, "e")].map(|(priority, name)| {
        let request = stage.client.request(&Prompt::new("m", name), false);
        let options = CallOptions {
            priority,
            ..CallOptions::default()
        };
        stage.client.send(Request { options, ..request })
    });
    stage.sim.run(join_all(calls));
    let order: Vec<String> = stage
        .truth
        .requests()
        .iter()
        .map(|seen| {
            let body: serde_json::Value =
                serde_json::from_str(seen.request.body.as_deref().unwrap()).unwrap();
            body["messages"][0]["content"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(order, ["a", "c", "b", "e", "d"]);
}

#[test]
fn a_hint_holds_back_every_call_of_its_key_and_no_call_of_another() {
    let refusal = Reply::status(429).header("retry-after", "5");
    let stage = Stage::new(Script::new().reply(refusal).forever(Reply::json(ANSWER)));
    let (a, b) = (Prompt::new("a", "Hi"), Prompt::new("b", "Hi"));
    stage.sim.run(async {
        let first = Box::pin(stage.client.generate(&a));
        let pause = Box::pin(stage.sim.sleep(ms(100)));
        let first = match select(first, pause).await {
            futures_util::future::Either::Right(((), first)) => first,
            futures_util::future::Either::Left(_) => panic!("it was refused"),
        };
        let others = join_all((0..5).map(|_| stage.client.generate(&a)));
        let other_model = stage.client.generate(&b);
        let (first, others, other) = futures_util::future::join3(first, others, other_model).await;
        assert!(first.is_ok() && others.iter().all(Result::is_ok) && other.is_ok());
    });
    for seen in &stage.truth.requests()[1..] {
        let model_b = seen
            .request
            .body
            .as_deref()
            .unwrap()
            .contains(r#""model":"b""#);
        assert_eq!(seen.at.as_secs_f64() < 5.0, model_b, "at {:?}", seen.at);
    }
}

#[test]
fn after_the_gate_the_herd_comes_at_the_learned_pace() {
    // 20 a second with a burst of 20, and a hint of one second with every refusal.
    for seed in 1..=3 {
        let model = ServerModel {
            requests: Some(Bucket {
                rate: 20.0,
                burst: 20.0,
            }),
            retry_after: Some(1.0),
            latency: Latency {
                median: 0.5,
                per_unit: 0.0,
                sigma: 0.0,
            },
            ..ServerModel::default()
        };
        let stage = Stage::with(seed, patient(), model);
        let prompt = Prompt::new("m", "Hi");
        let replies = stage
            .sim
            .run(join_all((0..1500).map(|_| stage.client.generate(&prompt))));
        assert!(replies.iter().all(Result::is_ok), "seed {seed}");
        let seen = stage.truth.requests();
        let refused: Vec<f64> = stage
            .notebook
            .attempts
            .borrow()
            .iter()
            .filter(|attempt| attempt.status == Some(429))
            .map(|attempt| attempt.end.unwrap().as_secs_f64())
            .collect();
        for at in &refused {
            let early = seen.iter().filter(|one| {
                let sent = one.at.as_secs_f64();
                sent > *at + 1e-6 && sent < *at + 0.999
            });
            assert_eq!(
                early.count(),
                0,
                "nothing before the hint of {at} has passed, seed {seed}"
            );
        }
        // Once it has found the pace, no second sees a fifth more than it.
        let settled = seen.last().unwrap().at.as_secs_f64() * 0.5;
        let mut per_second = std::collections::BTreeMap::<u64, u32>::new();
        for one in seen.iter().filter(|one| one.at.as_secs_f64() > settled) {
            *per_second.entry(one.at.as_secs_f64() as u64).or_default() += 1;
        }
        let most = per_second.values().max().unwrap();
        assert!(*most <= 24, "{most} in one second, seed {seed}");
    }
}

/// With eight of these ten seeds; `adapt/README.md` says what the others do.
#[test]
fn four_clients_of_one_limit_mostly_finish_within_twice_of_each_other() {
    let mut spreads: Vec<f64> = (1..=10).map(last_to_first_of_four).collect();
    spreads.sort_by(f64::total_cmp);
    assert!(spreads[7] <= 2.0 && spreads[9] <= 3.5, "{spreads:.2?}");
}

/// How many times as long as the first of four clients the last one takes.
fn last_to_first_of_four(seed: u64) -> f64 {
    let sim = Sim::new(seed);
    let model = ServerModel {
        requests: Some(Bucket {
            rate: 50.0,
            burst: 50.0,
        }),
        latency: Latency {
            median: 1.0,
            per_unit: 0.0,
            sigma: 0.3,
        },
        ..ServerModel::default()
    };
    let truth = sim.serve("https://llm.test", model);
    let ends = sim.run(join_all((0..4).map(|_| async {
        let config = Config {
            concurrency: Options::at_most(64),
            ..patient()
        };
        let client = Client::new(sim.clone(), config).unwrap();
        let prompt = Prompt::new("m", "Hi");
        let replies = join_all((0..2500).map(|_| client.generate(&prompt))).await;
        assert!(replies.iter().all(Result::is_ok), "seed {seed}");
        sim.now().as_secs_f64()
    })));
    assert!(truth.counts().rejected as f64 <= 0.05 * truth.counts().requests as f64);
    let first = ends.iter().copied().fold(f64::MAX, f64::min);
    let last = ends.iter().copied().fold(0.0, f64::max);
    last / first
}

#[test]
fn a_limit_on_tokens_is_kept_once_the_server_has_named_it() {
    // 6000 tokens a minute, all used up: 100 a second come back.
    let quota = |remaining: &str, reset: &str| {
        Reply::json(ANSWER)
            .header("x-ratelimit-limit-tokens", "6000")
            .header("x-ratelimit-remaining-tokens", remaining)
            .header("x-ratelimit-reset-tokens", reset)
    };
    let script = Script::new()
        .reply(quota("0", "1m0s"))
        .forever(Reply::json(ANSWER));
    let stage = Stage::new(script);
    let prompt = Prompt {
        max_tokens: Some(480),
        ..Prompt::new("m", "Hi")
    };
    for _ in 0..3 {
        stage.sim.run(stage.client.generate(&prompt)).unwrap();
    }
    let at: Vec<f64> = stage
        .truth
        .requests()
        .iter()
        .map(|one| one.at.as_secs_f64())
        .collect();
    // About 20 tokens of prompt beside the 480: five seconds each, less what was not used.
    assert!(at[0] < 0.1 && (4.9..5.3).contains(&at[1]), "{at:?}");
    assert!(at[2] - at[1] < 5.3, "{at:?}");
}

#[test]
fn a_hint_counts_from_the_head_and_not_from_the_end_of_its_body() {
    for status in [429, 498, 503, 529] {
        let refusal = Reply::status(status)
            .header("retry-after", "5")
            .piece_after(ms(200), "late");
        let stage = Stage::new(Script::new().reply(refusal).forever(Reply::json(ANSWER)));
        let prompt = Prompt::new("m", "Hi");
        stage
            .sim
            .run(join(stage.client.generate(&prompt), async {
                stage.sim.sleep(ms(100)).await; // 100 ms after the refusal's head
                stage.client.generate(&prompt).await
            }))
            .1
            .unwrap();
        let at: Vec<_> = stage
            .truth
            .requests()
            .iter()
            .map(|r| r.at.as_secs_f64())
            .collect();
        assert!(at[1] >= 5.0, "{status}: {at:?}");
    }
}

#[test]
fn a_pause_beyond_all_patience_fails_further_calls_at_once() {
    let stage = Stage::new(
        Script::new()
            .reply(Reply::status(429).header("retry-after", "3600"))
            .forever(Reply::json(ANSWER)),
    );
    let first = stage.send().unwrap_err();
    assert_eq!(first.retry_after, Some(Duration::from_secs(3600)));
    let second = stage.send().unwrap_err();
    assert!(
        stage.sim.now() < Instant::ZERO + ms(61_000) && second.retry_after.is_some(),
        "{:?}: {second:?}",
        stage.sim.now()
    );
    assert_eq!(second.retry_after.unwrap().subsec_nanos() % 1_000_000, 0);
}

#[test]
fn a_lane_in_a_pause_is_not_forgotten() {
    let stage = Stage::new(
        Script::new()
            .reply(Reply::status(429).header("retry-after", "5"))
            .forever(Reply::json(ANSWER)),
    );
    let a = Prompt::new("a", "Hi");
    stage
        .sim
        .run(join(stage.client.generate(&a), async {
            stage.sim.sleep(ms(100)).await;
            for i in 0..64 {
                stage
                    .client
                    .generate(&Prompt::new(&format!("m{i}"), "Hi"))
                    .await
                    .unwrap();
            }
            stage.client.generate(&a).await
        }))
        .1
        .unwrap();
    let early = stage
        .truth
        .requests()
        .iter()
        .skip(1)
        .filter(|r| {
            r.request
                .body
                .as_deref()
                .unwrap()
                .contains("\"model\":\"a\"")
                && r.at.as_secs_f64() < 5.0
        })
        .count();
    assert_eq!(early, 0);
}

#[test]
fn prompts_count_against_a_limit_on_tokens() {
    let quota = Reply::json(ANSWER)
        .header("x-ratelimit-limit-tokens", "6000")
        .header("x-ratelimit-remaining-tokens", "0")
        .header("x-ratelimit-reset-tokens", "1m0s");
    let answer = Reply::json(&ANSWER.replace("\"prompt_tokens\":3", "\"prompt_tokens\":500"));
    let stage = Stage::new(Script::new().reply(quota).forever(answer));
    let prompt = Prompt::new("m", &"x".repeat(1960));
    for _ in 0..4 {
        stage.sim.run(stage.client.generate(&prompt)).unwrap();
    }
    let at: Vec<f64> = stage
        .truth
        .requests()
        .iter()
        .map(|one| one.at.as_secs_f64())
        .collect();
    assert!(
        at[3] - at[1] > 9.0,
        "500 tokens each at 100 a second: {at:?}"
    );
}

#[test]
fn a_failure_that_used_no_tokens_gives_them_back() {
    // 100 tokens a second come back, and each call may use all that are left.
    let quota = Reply::json(ANSWER)
        .header("x-ratelimit-limit-tokens", "6000")
        .header("x-ratelimit-remaining-tokens", "1000")
        .header("x-ratelimit-reset-tokens", "50s");
    let unsent = TransportError::Connect("refused".to_owned());
    let lost = TransportError::Lost("reset".to_owned());
    #[rustfmt::skip]
    let cases = [
        // how the second call fails, whether the third waits for tokens
        (Reply::status(400),   false),
        (Reply::error(unsent), false),
        (Reply::status(408),   true), // a gateway's, whose server may have begun
        (Reply::status(500),   true),
        (Reply::error(lost),   true),
    ];
    for (failure, waits) in cases {
        let script = Script::new()
            .reply(quota.clone())
            .reply(failure.clone())
            .forever(Reply::json(ANSWER));
        let mut config = config();
        config.retry.retries_max = Some(0);
        let stage = Stage::with(1, config, script);
        stage.send().unwrap();
        let prompt = Prompt {
            max_tokens: Some(980),
            ..Prompt::new("m", "Hi")
        };
        stage.sim.run(stage.client.generate(&prompt)).unwrap_err();
        stage.sim.run(stage.client.generate(&prompt)).unwrap();
        let requests = stage.truth.requests();
        let [_, failed, next] = &requests[..] else {
            panic!("{requests:?}")
        };
        let waited = next.at - failed.at;
        assert_eq!(waited > ms(5000), waits, "{failure:?}: {waited:?}");
    }
}

#[test]
fn a_full_queue_passes() {
    let config = Config {
        concurrency: Options::at_most(1),
        queue_max: 1,
        ..config()
    };
    let stage = Stage::with(
        1,
        config,
        Script::new().forever(Reply::json(ANSWER).after(ms(100))),
    );
    let prompt = Prompt::new("m", "Hi");
    let replies = stage
        .sim
        .run(join_all((0..3).map(|_| stage.client.generate(&prompt))));
    let full = replies.iter().find_map(|r| r.as_ref().err()).unwrap();
    assert!(full.retryable, "{full:?}");
}
