//! Each clock runs out when it says, and a timeout is never mistaken for an abort.

use crate::caches::{Fault, Faulty};
use kneepoint_core::Instant;
use kneepoint_core::cache::{Cache, MemoryStore};
use std::time::Duration;

use kneepoint_core::adapt::Options;
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::{Reply, Script};
use kneepoint_core::{CallOptions, Config, ErrorKind, Prompt, Request, Timeout};

use crate::harness::{ANSWER, Stage, chat_events, chat_stream, config, ms, stream_request};

/// Retries off, so that one attempt's clock is seen alone.
fn once() -> Config {
    let mut config = config();
    config.retry.retries_max = Some(0);
    config
}

fn elapsed(stage: &Stage) -> Duration {
    stage.sim.now() - Instant::ZERO
}

#[test]
fn an_attempt_that_gets_no_head_or_no_body_in_time_is_given_up() {
    let stalled = Reply::json(ANSWER).stalls_at(50);
    for (phase, reply) in [("headers", Reply::hang()), ("body", stalled)] {
        let config = Config {
            attempt_timeout: Some(ms(500)),
            ..once()
        };
        let stage = Stage::with(1, config, Script::new().forever(reply));
        let error = stage.send().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout(Timeout::Attempt(ms(500))));
        let told = "an attempt took longer than its timeout of 500 ms";
        assert_eq!(error.to_string(), told);
        assert_eq!((error.phase.as_str(), elapsed(&stage)), (phase, ms(500)));
        stage.assert_settled();
        assert_eq!(stage.truth.counts().aborted, 1);
    }
}

#[test]
fn a_call_may_have_an_attempt_timeout_of_its_own() {
    let config = Config {
        attempt_timeout: Some(ms(500)),
        ..once()
    };
    let stage = Stage::with(1, config, Script::new().forever(Reply::hang()));
    let options = CallOptions {
        attempt_timeout: Some(ms(200)),
        ..CallOptions::default()
    };
    let request = Request {
        options,
        ..stage.client.request(&Prompt::new("m", "Hi"), false)
    };
    let error = stage
        .sim
        .run(async { stage.client.send(request).await })
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout(Timeout::Attempt(ms(200))));
    assert_eq!(elapsed(&stage), ms(200));
    stage.assert_settled();
}

#[test]
fn a_stream_must_bring_its_first_content_in_time_whatever_else_it_brings() {
    let events = chat_events(&[]);
    let pings = (0..100).fold(Reply::sse([&*events[0]]), |r, _| {
        r.piece_after(ms(50), ": ping\n\n")
    });
    let config = Config {
        first_token_timeout: Some(ms(400)),
        ..once()
    };
    let stage = Stage::with(1, config, Script::new().forever(pings));
    let error = stage.stream().1.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout(Timeout::FirstToken(ms(400))));
    assert_eq!(elapsed(&stage), ms(400));
    stage.assert_settled();
}

#[test]
fn silence_in_a_stream_is_measured_from_content_to_content() {
    // Content every 300 ms keeps it alive; comments do not.
    let alive = chat_stream(&["a", "b", "c", "d"], ms(300));
    let config = || Config {
        idle_timeout: Some(ms(400)),
        ..once()
    };
    let stage = Stage::with(1, config(), Script::new().forever(alive));
    stage.stream().1.unwrap();

    let events = chat_events(&["a"]);
    let fading = Reply::sse([&*events[0], &*events[1]]);
    let fading = (0..100).fold(fading, |r, _| r.piece_after(ms(100), ": still here\n\n"));
    let stage = Stage::with(1, config(), Script::new().forever(fading));
    let error = stage.stream().1.unwrap_err();
    assert_eq!(
        error.kind,
        ErrorKind::Interrupted(Box::new(ErrorKind::Timeout(Timeout::Idle(ms(400)))))
    );
    assert_eq!(error.partial.as_deref(), Some("a"));
    assert_eq!(elapsed(&stage), ms(400));
    stage.assert_settled();
}

#[test]
fn a_server_that_only_says_that_it_goes_on_is_silent() {
    let config = Config {
        idle_timeout: Some(ms(450)),
        ..once()
    };
    let events = chat_events(&["a"]);
    let begun = Reply::sse([&*events[0], &*events[1]]);
    let role = format!("data: {}\n\n", events[0]);
    let fading = (0..100).fold(begun, |r, _| r.piece_after(ms(100), role.clone()));
    let stage = Stage::with(1, config, Script::new().forever(fading));
    let (pieces, error) = stage.sim.run(async {
        let request = stream_request(&stage.client);
        let mut stream = stage.client.stream_data(request).await.unwrap();
        let mut pieces = 0;
        loop {
            match stream.next().await.unwrap() {
                Ok(_) => pieces += 1,
                Err(error) => return (pieces, error),
            }
            // What the reader does meanwhile is not the server's silence.
            stage.sim.sleep(ms(50)).await;
        }
    });
    assert_eq!(
        error.kind,
        ErrorKind::Interrupted(Box::new(ErrorKind::Timeout(Timeout::Idle(ms(450)))))
    );
    // Five waits of the reader's, and all that the server may take.
    assert_eq!((pieces, elapsed(&stage)), (5, ms(5 * 50 + 450)));
    stage.assert_settled();
}

#[test]
fn the_pauses_of_a_reader_are_no_silence_of_the_server() {
    let config = Config {
        idle_timeout: Some(ms(400)),
        ..once()
    };
    let stage = Stage::with(
        1,
        config,
        Script::new().forever(chat_stream(&["a", "b", "c"], ms(300))),
    );
    let text = stage.sim.run(async {
        let mut stream = stage
            .client
            .generate_stream(&Prompt::new("m", "Hi"))
            .await
            .unwrap();
        while let Some(piece) = stream.next().await {
            piece.unwrap();
            stage.sim.sleep(ms(5_000)).await;
        }
        stream.text().to_owned()
    });
    assert_eq!(text, "abc");
}

#[test]
fn a_drip_of_comments_meets_the_deadline_of_the_call() {
    let drip = (0..10_000).fold(Reply::status(200), |r, _| r.piece_after(ms(10), ":\n"));
    let config = Config {
        timeout: Some(ms(2000)),
        idle_timeout: None,
        ..once()
    };
    let stage = Stage::with(1, config, Script::new().forever(drip));
    let error = stage.stream().1.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout(Timeout::Call(ms(2000))));
    assert_eq!(elapsed(&stage), ms(2000));
    stage.assert_settled();
}

#[test]
fn the_call_s_deadline_covers_queue_attempts_and_pauses() {
    let config = || Config {
        timeout: Some(ms(2000)),
        ..config()
    };
    // Attempts that hang.
    let stage = Stage::with(1, config(), Script::new().forever(Reply::hang()));
    let error = stage.send().unwrap_err();
    assert_eq!(
        (error.kind, error.attempts),
        (ErrorKind::Timeout(Timeout::Call(ms(2000))), 1)
    );
    assert_eq!(elapsed(&stage), ms(2000));
    // A server that refuses for ever: the pause that would end too late is not begun.
    let refusing = Reply::status(429).header("retry-after-ms", "700");
    let stage = Stage::with(1, config(), Script::new().forever(refusing));
    let error = stage.send().unwrap_err();
    assert_eq!(
        error.kind.status(),
        Some(429),
        "the reason is told, not only that time is up"
    );
    assert_eq!(error.retry_after, Some(ms(700)));
    assert!(elapsed(&stage) < ms(2000));
    // A queue that does not move.
    let config = Config {
        concurrency: Options::at_most(1),
        ..config()
    };
    let stage = Stage::with(1, config, Script::new().forever(Reply::hang()));
    let (first, second) = stage.sim.run(async {
        let request = || stage.client.request(&Prompt::new("m", "Hi"), false);
        let options = CallOptions {
            timeout: Some(ms(1000)),
            ..CallOptions::default()
        };
        let second = Request {
            options,
            ..request()
        };
        futures_util::future::join(stage.client.send(request()), stage.client.send(second)).await
    });
    assert_eq!(first.unwrap_err().phase.as_str(), "headers");
    let second = second.unwrap_err();
    assert_eq!((second.phase.as_str(), second.attempts), ("queue", 0));
    stage.assert_settled();
}

#[test]
fn an_aborted_call_is_recorded_as_aborted_and_a_late_one_as_a_timeout() {
    let late = Config {
        timeout: Some(ms(100)),
        ..once()
    };
    let stage = Stage::with(1, late, Script::new().forever(Reply::hang()));
    let _ = stage.send();
    stage.sim.run(async {
        let prompt = Prompt::new("m", "Hi");
        let call = std::pin::pin!(stage.client.generate(&prompt));
        let pause = std::pin::pin!(Platform::sleep(&stage.sim, ms(50)));
        futures_util::future::select(call, pause).await;
    });
    let outcomes: Vec<_> = stage
        .notebook
        .calls
        .borrow()
        .iter()
        .map(|call| call.error)
        .collect();
    assert_eq!(outcomes, [Some("timeout"), Some("aborted")]);
    stage.assert_settled();
}

#[test]
fn the_first_token_s_clock_covers_a_head_that_never_comes() {
    let mut config = Config {
        first_token_timeout: Some(ms(400)),
        timeout: Some(ms(5000)),
        ..config()
    };
    config.retry.retries_max = Some(0);
    let stage = Stage::with(1, config, Script::new().forever(Reply::hang()));
    let error = stage.stream().1.unwrap_err();
    assert_eq!(
        (error.kind, stage.sim.now()),
        (
            ErrorKind::Timeout(Timeout::FirstToken(ms(400))),
            Instant::ZERO + ms(400)
        )
    );
}

#[test]
fn pings_after_the_finish_do_not_keep_a_stream_alive() {
    let events = chat_events(&["a"]); // begin, a, finish, usage, [DONE]
    let mut reply = Reply::sse([&*events[0], &*events[1]])
        .piece_after(ms(10), format!("data: {}\n\n", events[2]));
    for _ in 0..100 {
        reply = reply.piece_after(ms(100), ": ping\n\n");
    }
    let config = Config {
        idle_timeout: Some(ms(400)),
        ..config()
    };
    let stage = Stage::with(1, config, Script::new().forever(reply));
    let _ = stage.stream();
    assert!(
        stage.sim.now() < Instant::ZERO + ms(1000),
        "{:?}",
        stage.sim.now()
    );
}

#[test]
fn nothing_is_sent_once_time_is_up() {
    let config = Config {
        cache: Some(Cache {
            store: Faulty::store(Fault::Hangs),
            ..Cache::new(MemoryStore::new(0))
        }),
        timeout: Some(ms(100)),
        ..config()
    };
    let stage = Stage::with(
        1,
        config,
        Script::new().forever(Reply::json(ANSWER).after(ms(10))),
    );
    stage.send().unwrap_err();
    assert_eq!(stage.requests(), 0);
}

#[test]
fn a_call_of_no_time_is_refused() {
    let stage = Stage::new(Script::new().forever(Reply::json(ANSWER).after(ms(10))));
    let r = stage.client.request(&Prompt::new("m", "Hi"), false);
    let r = with_options(
        r,
        CallOptions {
            timeout: Some(Duration::ZERO),
            ..CallOptions::default()
        },
    );
    let e = stage.sim.run(stage.client.send(r)).unwrap_err();
    assert_eq!((e.kind.as_str(), stage.requests()), ("config", 0));
}

fn with_options(request: Request, options: CallOptions) -> Request {
    Request { options, ..request }
}
