//! For how long a server is waited for that refuses everything, or takes no connection.

use futures_util::future::join_all;
use kneepoint_core::platform::TransportError;
use kneepoint_core::platform::sim::{Latency, Reply, Script, ServerModel, ServerPlan};
use kneepoint_core::{Config, Error, Phase, Prompt, Record, Reply as Answer};

use crate::harness::{ANSWER, Stage, config, ms};

/// One whose calls have no deadline.
fn patient(seed: u64, server: impl Into<ServerPlan>) -> Stage {
    let config = Config {
        timeout: None,
        ..config()
    };
    Stage::with(seed, config, server)
}

/// So many calls at once.
fn send(stage: &Stage, calls: u32) -> Vec<Result<Answer, Error>> {
    let prompt = Prompt::new("m", "Hi");
    let outcomes = stage
        .sim
        .run(join_all((0..calls).map(|_| stage.client.generate(&prompt))));
    stage.assert_settled();
    outcomes
}

#[test]
fn many_calls_learn_of_it_as_soon_as_one() {
    let slow = Reply::status(503).after(ms(3000));
    let hinted = Reply::status(429).header("retry-after", "20");
    for refusal in [slow, Reply::status(503), Reply::status(429), hinted] {
        for calls in [1, 10, 300] {
            let stage = patient(1, Script::new().forever(refusal.clone()));
            let outcomes = send(&stage, calls);
            let waited = stage.sim.now().as_secs_f64();
            assert!(waited <= 110.0, "{calls}, {refusal:?}: {waited} s");
            for outcome in outcomes {
                let error = outcome.unwrap_err();
                assert!(error.retryable && error.kind.status().is_some(), "{error}");
                let sent = if error.attempts == 0 {
                    "queue"
                } else {
                    "headers"
                };
                assert_eq!(error.phase.as_str(), sent, "{error}");
            }
        }
    }
}

#[test]
fn a_call_whose_time_is_up_says_what_refused_it() {
    for calls in [1, 5, 12] {
        for seed in 1..=5 {
            let config = Config {
                timeout: Some(ms(6000)),
                ..config()
            };
            let refuses = Script::new().forever(Reply::status(503));
            let stage = Stage::with(seed, config, refuses);
            for outcome in send(&stage, calls) {
                let said = outcome.unwrap_err().to_string();
                assert!(said.starts_with("the server answered 503"), "{said}");
            }
            let calls = stage.notebook.calls.borrow();
            let in_time = |call: &Record| call.end.unwrap().as_secs_f64() <= 6.001;
            assert!(calls.iter().all(in_time), "seed {seed}");
        }
    }
}

#[test]
fn one_that_is_at_work_is_waited_for() {
    let one_slot = ServerModel {
        slots: Some(1),
        latency: Latency {
            median: 150.0,
            per_unit: 0.0,
            sigma: 0.0,
        },
        ..ServerModel::default()
    };
    for seed in 1..=5 {
        let outcomes = send(&patient(seed, one_slot.clone()), 4);
        let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(answered >= 2, "{answered} answered, seed {seed}");
    }
}

#[test]
fn one_that_had_just_served_is_waited_for() {
    for seed in 1..=5 {
        let away = ServerModel {
            outage: Some((10.0, 200.0)),
            ..ServerModel::default()
        };
        let stage = patient(seed, away);
        send(&stage, 1)[0].as_ref().unwrap();
        stage.sim.advance(ms(20_000));
        assert!(send(&stage, 30).iter().all(Result::is_ok), "seed {seed}");
    }
}

/// A host that is not there, as one finds out after ten seconds.
fn nowhere() -> Reply {
    Reply::error(TransportError::Connect("ETIMEDOUT".into())).after(ms(10_000))
}

#[test]
fn a_host_that_takes_no_connection_holds_up_nobody() {
    for calls in [1, 10, 300] {
        let stage = patient(1, Script::new().forever(nowhere()));
        let outcomes = send(&stage, calls);
        let waited = stage.sim.now().as_secs_f64();
        assert!(waited <= 42.0, "{calls}: {waited} s");
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            let said = error.to_string();
            assert!(said.starts_with("could not connect"), "{said}");
            assert!(error.retryable && error.attempts <= 3, "{error}");
        }
    }
}

#[test]
fn a_call_whose_time_is_up_says_that_nothing_was_reached() {
    let config = Config {
        timeout: Some(ms(15_000)),
        ..config()
    };
    let stage = Stage::with(1, config, Script::new().forever(nowhere()));
    let errors = send(&stage, 600).into_iter().filter_map(Result::err);
    let queued: Vec<Error> = errors.filter(|error| error.phase == Phase::Queue).collect();
    assert!(queued.len() >= 100, "{} waited", queued.len());
    for error in queued {
        let said = error.to_string();
        assert!(said.starts_with("could not connect"), "{said}");
    }
}

#[test]
fn a_call_that_came_while_the_host_was_there_is_not_given_up_with_others() {
    let answer = Reply::json(ANSWER);
    let script = Script::new()
        .times(1, &answer)
        .times(250, &nowhere())
        .forever(answer);
    let stage = patient(1, script);
    let outcomes = send(&stage, 300);
    assert!(outcomes.iter().all(Result::is_ok));
}
