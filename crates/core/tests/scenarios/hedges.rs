//! A rival for a slow attempt: rarely, late, paid for, and never when it was not asked for.

use kneepoint_core::platform::sim::{Reply, Script};
use kneepoint_core::{CallOptions, Config, Prompt, Request};

use crate::harness::{ANSWER, Stage, config, ms};

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
