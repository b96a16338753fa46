//! A rival for a slow attempt: rarely, late, paid for, and never when it was not asked for.

use std::time::Duration;

use futures_util::future::join_all;
use kneepoint_core::platform::sim::{Reply, Script, Sim};
use kneepoint_core::{CallOptions, Client, Config, Instant, Prompt, Request};

use crate::harness::{ANSWER, Stage, config, ms};
use crate::loop_world::{Log, LoopWorld};

fn hedging() -> Config {
    Config {
        hedge: true,
        ..config()
    }
}

/// Enough quick answers to know what is slow, then one very slow one, then quick ones again.
fn one_slow() -> Script {
    let quick = Reply::json(ANSWER).after(ms(10));
    let slow = Reply::json(ANSWER).after(ms(5000));
    Script::new().times(40, &quick).reply(slow).forever(quick)
}

#[test]
fn a_slow_attempt_is_overtaken_and_aborted() {
    let stage = Stage::with(1, hedging(), one_slow());
    for _ in 0..41 {
        stage.send().unwrap();
    }
    assert_eq!(stage.requests(), 42);
    let took = stage.sim.now().as_secs_f64();
    assert!(took < 0.5, "the slow one was not waited for: {took}");
    stage.assert_settled();
    let calls = stage.notebook.calls.borrow();
    let [first, rival] = &calls[40].attempts[..] else {
        panic!("{:?}", calls[40])
    };
    assert_eq!(
        (first.hedge, first.error, rival.hedge, rival.error),
        (false, Some("aborted"), true, None)
    );
    assert_eq!(stage.truth.counts().aborted, 1);
    assert_eq!(
        stage.client.stats().lanes[0].budget_left,
        500 - 14 + 1,
        "a rival that wins is still paid"
    );
}

#[test]
fn without_being_asked_for_or_with_at_most_once_nothing_is_hedged() {
    let once = CallOptions {
        at_most_once: Some(true),
        ..CallOptions::default()
    };
    for (config, options) in [(config(), CallOptions::default()), (hedging(), once)] {
        let stage = Stage::with(1, config, one_slow());
        for _ in 0..41 {
            let request = stage.client.request(&Prompt::new("m", "Hi"), false);
            let request = Request {
                options: options.clone(),
                ..request
            };
            stage.sim.run(stage.client.send(request)).unwrap();
        }
        assert_eq!(stage.requests(), 41);
    }
}

#[test]
fn at_most_one_request_in_twenty_gets_a_rival_however_slow_the_server_becomes() {
    let quick = Reply::json(ANSWER).after(ms(10));
    let script = Script::new()
        .times(100, &quick)
        .forever(Reply::json(ANSWER).after(ms(500)));
    let stage = Stage::with(1, hedging(), script);
    for _ in 0..300 {
        stage.send().unwrap();
    }
    let rivals = stage.requests() - 300;
    assert!((1..=15).contains(&rivals), "{rivals}");
    stage.assert_settled();
}

#[test]
fn a_rival_is_sent_where_the_event_loop_has_to_turn() {
    let sim = Sim::new(1);
    let quick = Reply::json(ANSWER).after(ms(10));
    let script = Script::new()
        .times(40, &quick)
        .reply(Reply::json(ANSWER).after(ms(5000)))
        .forever(quick);
    sim.serve("https://llm.test", script);
    let client = Client::new(
        LoopWorld {
            sim: sim.clone(),
            log: Log::default(),
        },
        Config {
            hedge: true,
            ..config()
        },
    )
    .unwrap();
    let prompt = Prompt::new("m", "Hi");
    // All at once, as a batch does it.
    sim.run(join_all((0..40).map(|_| client.generate(&prompt))));
    sim.run(client.generate(&prompt)).unwrap();
    assert!(sim.now() < Instant::ZERO + ms(2000), "{:?}", sim.now());
}

#[test]
fn a_rival_is_not_sent_once_the_server_answers() {
    let quick = Reply::json(ANSWER).after(ms(10));
    let refusal = Reply::status(429)
        .header("retry-after", "5")
        .piece_after(ms(200), "late");
    let script = Script::new()
        .times(40, &quick)
        .reply(refusal)
        .forever(quick);
    let stage = Stage::with(
        1,
        Config {
            hedge: true,
            ..config()
        },
        script,
    );
    for _ in 0..41 {
        stage.send().unwrap();
    }
    let seen = stage.truth.requests();
    assert!(
        seen[41].at - seen[40].at >= Duration::from_secs(5),
        "{:?} {:?}",
        seen[40].at,
        seen[41].at
    );
}

#[test]
fn a_rival_waits_for_tokens_like_everyone() {
    let quota = Reply::json(ANSWER)
        .header("x-ratelimit-limit-tokens", "6000")
        .header("x-ratelimit-remaining-tokens", "0")
        .header("x-ratelimit-reset-tokens", "1m0s");
    let quick = Reply::json(ANSWER).after(ms(10));
    let script = Script::new()
        .times(40, &quick)
        .reply(quota)
        .reply(Reply::json(ANSWER).after(ms(1000)))
        .forever(quick);
    let stage = Stage::with(
        1,
        Config {
            hedge: true,
            ..config()
        },
        script,
    );
    for _ in 0..40 {
        stage.send().unwrap();
    }
    let prompt = Prompt {
        max_tokens: Some(480),
        ..Prompt::new("m", "Hi")
    };
    for _ in 0..2 {
        stage.sim.run(stage.client.generate(&prompt)).unwrap();
    }
    let at: Vec<f64> = stage
        .truth
        .requests()
        .iter()
        .skip(40)
        .map(|r| r.at.as_secs_f64())
        .collect();
    assert_eq!(
        at.len(),
        2,
        "the account was empty, so no rival could be sent: {at:?}"
    );
}
