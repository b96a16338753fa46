//! Equal calls in flight that share one attempt, and all that must not.

use futures_util::future::{join, join_all};
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::{Reply, Script};
use kneepoint_core::{
    CacheUse, CallOptions, Config, Endpoint, Instant, Method, Prompt, Request, Secret,
};

use crate::harness::{
    ANSWER, Stage, chat_stream, config, drain, ms, request, slow, stream_request,
};

fn deduped() -> Config {
    Config {
        dedupe: Some(true),
        ..config()
    }
}

#[test]
fn equal_calls_in_flight_share_one_attempt() {
    let stage = Stage::with(1, deduped(), slow());
    let prompt = Prompt::new("m", "Hi");
    let replies = stage
        .sim
        .run(join_all((0..50).map(|_| stage.client.generate(&prompt))));
    let uses: Vec<CacheUse> = replies
        .into_iter()
        .map(|reply| reply.unwrap().record.cache)
        .collect();
    assert_eq!(
        uses.iter()
            .filter(|used| **used == CacheUse::Shared)
            .count(),
        49
    );
    assert_eq!(stage.requests(), 1);
    // Afterwards nothing is shared any more.
    stage.send().unwrap();
    assert_eq!(stage.requests(), 2);
    stage.assert_settled();
}

#[test]
fn calls_that_differ_in_anything_do_not_share() {
    let stage = Stage::with(1, deduped(), slow());
    let options = [
        CallOptions::default(),
        CallOptions {
            api_key: Some(Secret::new("sk-other")),
            ..CallOptions::default()
        },
        CallOptions {
            timeout: Some(ms(5000)),
            ..CallOptions::default()
        },
        CallOptions {
            at_most_once: Some(true),
            ..CallOptions::default()
        },
        CallOptions {
            headers: vec![("x-beta".into(), Some("1".into()))],
            ..CallOptions::default()
        },
        CallOptions {
            dedupe: Some(false),
            ..CallOptions::default()
        },
        CallOptions {
            dedupe: Some(false),
            ..CallOptions::default()
        },
    ];
    let calls = options.map(|options| stage.client.send(request(&stage, options)));
    stage
        .sim
        .run(join_all(calls))
        .into_iter()
        .for_each(|reply| drop(reply.unwrap()));
    assert_eq!(stage.requests(), 7);
}

#[test]
fn a_waiter_that_leaves_takes_nothing_with_it_and_the_last_one_everything() {
    for (leave_first, leave_second) in [(true, false), (false, true), (true, true)] {
        let stage = Stage::with(1, deduped(), slow());
        let prompt = Prompt::new("m", "Hi");
        let patient = |leaves: bool| {
            let (call, sim) = (stage.client.generate(&prompt), stage.sim.clone());
            async move {
                let patience = if leaves { ms(50) } else { ms(10_000) };
                let (call, pause) = (Box::pin(call), Box::pin(sim.sleep(patience)));
                match futures_util::future::select(call, pause).await {
                    futures_util::future::Either::Left((reply, _)) => Some(reply.unwrap()),
                    futures_util::future::Either::Right(_) => None,
                }
            }
        };
        let (first, second) = stage
            .sim
            .run(join(patient(leave_first), patient(leave_second)));
        assert_eq!(
            (first.is_none(), second.is_none()),
            (leave_first, leave_second)
        );
        stage.assert_settled();
        let counts = stage.truth.counts();
        assert_eq!(
            (counts.requests, counts.aborted),
            (1, u64::from(leave_first && leave_second))
        );
    }
}

#[test]
fn a_shared_failure_reaches_all_who_share_it() {
    let stage = Stage::with(
        1,
        deduped(),
        Script::new().forever(Reply::status(400).after(ms(10))),
    );
    let prompt = Prompt::new("m", "Hi");
    let replies = stage
        .sim
        .run(join_all((0..5).map(|_| stage.client.generate(&prompt))));
    assert!(
        replies
            .iter()
            .all(|reply| reply.as_ref().unwrap_err().kind.status() == Some(400))
    );
    assert_eq!(stage.requests(), 1);
    stage.assert_settled();
}

#[test]
fn streams_are_each_their_own_even_where_whole_answers_are_shared() {
    let stage = Stage::with(
        1,
        deduped(),
        Script::new().forever(chat_stream(&["a"], ms(5))),
    );
    let read = || async {
        let stream = stage
            .client
            .stream(stream_request(&stage.client))
            .await
            .unwrap();
        drain(stream).await.unwrap()
    };
    let (first, second) = stage.sim.run(join(read(), read()));
    assert_eq!((&*first, &*second), ("a", "a"));
    assert_eq!(stage.requests(), 2);
}

#[test]
fn a_joiner_keeps_its_own_deadline() {
    let config = Config {
        dedupe: Some(true),
        timeout: Some(ms(2000)),
        ..config()
    };
    let stage = Stage::with(
        1,
        config,
        Script::new().forever(Reply::json(ANSWER).after(ms(2100))),
    );
    let prompt = Prompt::new("m", "Hi");
    let (_, second) = stage.sim.run(join(stage.client.generate(&prompt), async {
        stage.sim.sleep(ms(1900)).await;
        let second = stage.client.generate(&prompt).await;
        (second.map(drop), stage.sim.now())
    }));
    assert!(
        second.1 >= Instant::ZERO + ms(3900) || second.0.is_ok(),
        "gave up after {:?} of 2 s: {:?}",
        second.1 - (Instant::ZERO + ms(1900)),
        second.0
    );
}

#[test]
fn different_methods_share_nothing() {
    let config = Config {
        dedupe: Some(true),
        ..config()
    };
    let stage = Stage::with(
        1,
        config,
        Script::new().forever(Reply::json("{}").after(ms(100))),
    );
    let ask = |method| {
        stage.client.send(Request::read(Endpoint::Other {
            method,
            path: "/files/x".into(),
        }))
    };
    let (a, b) = stage.sim.run(join(ask(Method::Get), ask(Method::Delete)));
    a.unwrap();
    b.unwrap();
    let methods: Vec<_> = stage
        .truth
        .requests()
        .iter()
        .map(|r| r.request.method.as_str())
        .collect();
    assert_eq!(methods, ["GET", "DELETE"]);
}
