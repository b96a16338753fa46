//! A call that is taken back leaves at once, wherever it stands, and leaves nothing behind.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use kneepoint_core::adapt::Options;
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::{Reply, Script, Sim};
use kneepoint_core::{Client, Config, Prompt};

use crate::harness::{ANSWER, Stage, chat_stream, config, drain, ms, stream_request};
use crate::loop_world::{Log, LoopWorld, Told};

/// Runs `call` and drops it after `patience`.
async fn abandon(stage: &Stage, patience: Duration, call: impl Future) {
    let (call, pause) = (Box::pin(call), Box::pin(stage.sim.sleep(patience)));
    assert!(
        matches!(select(call, pause).await, Either::Right(_)),
        "it was to be taken back"
    );
}

/// Polls `future` once.
async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| match Pin::new(&mut future).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// What the server does, after which time the caller leaves, how many requests were sent by then,
/// and how many of them the server must see closed.
struct Case {
    phase: &'static str,
    reply: Reply,
    patience: Duration,
    sent: u64,
    closed: usize,
}

fn cases() -> Vec<Case> {
    let slow = Reply::json(ANSWER).after(ms(400));
    #[rustfmt::skip]
    let table = [
        ("before it was polled for the first time", Reply::json(ANSWER),                     ms(0),   0,   0),
        ("in the queue",              slow.clone(),                                          ms(200),   1,   1),
        ("before the head",           Reply::hang(),                                         ms(100),   1,   1),
        ("in an error's body",        Reply::status(400).piece_after(ms(200), "late"),       ms(100),   1,   1),
        ("in a pause before a retry", Reply::status(429).header("retry-after", "5"),         ms(900),   1,   0),
        ("in the body",               Reply::json(ANSWER).stalls_at(40),                     ms(100),   1,   1),
        ("before the first content",  chat_stream(&["a"], ms(500)),                          ms(100),   1,   1),
        ("between two pieces",        chat_stream(&["a", "b"], ms(100)),                     ms(250),   1,   1),
    ];
    let case = |(phase, reply, patience, sent, closed)| Case {
        phase,
        reply,
        patience,
        sent,
        closed,
    };
    table.into_iter().map(case).collect()
}

#[test]
fn taken_back_in_any_phase_nothing_more_is_sent_and_everything_is_given_back() {
    for Case {
        phase,
        reply,
        patience,
        sent,
        closed,
    } in cases()
    {
        for streamed in [false, true] {
            let one = Config {
                concurrency: Options::at_most(1),
                ..config()
            };
            let stage = Stage::with(1, one, Script::new().forever(reply.clone()));
            let queued = phase == "in the queue";
            stage.sim.run(async {
                let call = async {
                    if patience.is_zero() {
                        std::future::pending::<()>().await;
                    }
                    let ahead = async {
                        if queued {
                            let _ = stage.client.generate(&Prompt::new("m", "ahead")).await;
                        }
                    };
                    let own = async {
                        if streamed {
                            let stream = stage.client.stream(stream_request(&stage.client)).await;
                            if let Ok(stream) = stream {
                                let _ = drain(stream).await;
                            }
                        } else {
                            let _ = stage.client.generate(&Prompt::new("m", "Hi")).await;
                        }
                        std::future::pending::<()>().await;
                    };
                    futures_util::future::join(ahead, own).await
                };
                abandon(&stage, patience, call).await;
            });
            let left = stage.sim.now();
            stage.assert_settled();
            stage.sim.advance(ms(60_000));
            assert_eq!(stage.requests(), sent, "{phase}, streamed: {streamed}");
            let seen = stage.truth.requests();
            let closings: Vec<_> = seen.iter().filter_map(|one| one.aborted).collect();
            assert_eq!(closings.len(), closed, "{phase}, streamed: {streamed}");
            assert!(
                closings.iter().all(|at| *at <= left + ms(50)),
                "{phase}: seen at once"
            );
        }
    }
}

#[test]
fn a_hundred_thousand_calls_taken_back_in_the_queue_cost_little_and_hold_nobody_up() {
    let one = Config {
        concurrency: Options::at_most(1),
        ..config()
    };
    let stage = Stage::with(
        1,
        one,
        Script::new().forever(Reply::json(ANSWER).after(ms(100))),
    );
    stage.sim.run(async {
        let (first, last) = (Prompt::new("m", "first"), Prompt::new("m", "last"));
        let mut busy = Box::pin(stage.client.generate(&first));
        assert!(poll_once(&mut busy).await.is_none());
        let gone = Prompt::new("m", "gone");
        let mut waiting = Vec::new();
        for _ in 0..100_000 {
            let mut call = Box::pin(stage.client.generate(&gone));
            assert!(poll_once(&mut call).await.is_none());
            waiting.push(call);
        }
        let last = stage.client.generate(&last);
        drop(waiting);
        let (first, last) = futures_util::future::join(busy, last).await;
        first.unwrap();
        last.unwrap();
    });
    assert_eq!(stage.requests(), 2);
    assert!(stage.sim.now().as_secs_f64() < 0.3);
}

#[test]
fn a_dropped_client_leaves_its_calls_alone() {
    let Stage { sim, client, .. } = Stage::new(Script::new().forever(Reply::json(ANSWER)));
    let reply = sim.run({
        let call = client.clone();
        drop(client);
        async move { call.generate(&Prompt::new("m", "Hi")).await }
    });
    assert_eq!(reply.unwrap().answer.text(), "Hello there");
}

#[test]
fn a_dropped_stream_closes_its_request_before_it_gives_its_place_back() {
    let (sim, log) = (Sim::new(1), Log::default());
    sim.serve(
        "https://llm.test",
        Script::new().forever(chat_stream(&["a", "b"], ms(10))),
    );
    let world = LoopWorld {
        sim: sim.clone(),
        log: log.clone(),
    };
    let observer = Rc::new(Told(log.clone()));
    let client = Client::with_observer(world, config(), Some(observer)).unwrap();
    drop(
        sim.run(client.generate_stream(&Prompt::new("m", "Hi")))
            .unwrap(),
    );
    assert_eq!(*log.borrow(), ["closed", "told"]);
}
