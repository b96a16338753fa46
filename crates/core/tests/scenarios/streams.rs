//! Streams: prompt, whole, typed when they fail, and committed once they have begun.

use futures_util::future::{Either, select};
use kneepoint_core::ErrorKind;
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::{Reply, Script};
use kneepoint_core::{Endpoint, Method, Request};

use crate::harness::{Stage, chat_events, chat_stream, ms, stream_request};

fn in_band(kind: &str) -> String {
    format!(r#"{{"error":{{"message":"sorry","type":"{kind}"}}}}"#)
}

#[test]
fn pieces_arrive_when_they_are_sent_and_the_record_says_when() {
    let stage =
        Stage::new(Script::new().reply(chat_stream(&["a", "b", "c"], ms(10)).after(ms(200))));
    let (pieces, outcome) = stage.stream();
    outcome.unwrap();
    assert_eq!(pieces.concat(), "abc");
    let calls = stage.notebook.calls.borrow();
    let attempt = &calls[0].attempts[0];
    let at = |instant: Option<kneepoint_core::Instant>| instant.unwrap().as_micros() / 1000;
    // The role chunk arrives first, without content: it is no token.
    assert_eq!(at(attempt.headers), 200);
    assert_eq!(at(attempt.first_token), 220);
    assert_eq!(at(attempt.first_visible), 220);
    assert_eq!(at(attempt.last_token), 240);
    assert_eq!(attempt.chunks, 3);
    assert_eq!(calls[0].usage.unwrap().output, Some(3));
    drop(calls);
    stage.assert_settled();
}

#[test]
fn in_band_errors_are_retried_only_before_the_first_delta() {
    #[rustfmt::skip]
    let cases = [
        // type, texts before it, requests, kind in the end
        ("server_error",          0, 2, None),
        ("overloaded_error",      0, 2, None),
        ("rate_limit_error",      0, 2, None),
        ("invalid_request_error", 0, 1, Some("in_band")),
        ("insufficient_quota",    0, 1, Some("in_band")),
        ("server_error",          1, 1, Some("interrupted")),
        ("overloaded_error",      2, 1, Some("interrupted")),
    ];
    for (kind, before, requests, expected) in cases {
        let mut events = chat_events(&["x"; 3][..before]);
        events.truncate(1 + before);
        events.push(in_band(kind));
        let failing = Reply::sse(events.iter().map(String::as_str));
        let stage = Stage::new(
            Script::new()
                .reply(failing)
                .forever(chat_stream(&["ok"], ms(1))),
        );
        let (pieces, outcome) = stage.stream();
        assert_eq!(stage.requests(), requests, "{kind} after {before}");
        assert_eq!(
            outcome.as_ref().err().map(|error| error.kind.as_str()),
            expected,
            "{kind}"
        );
        if expected.is_none() {
            assert_eq!(pieces.concat(), "ok");
        }
        stage.assert_settled();
    }
}

#[test]
fn a_refusal_inside_an_answer_may_say_for_how_long() {
    let refusal = r#"{"error":{"message":"Rate limit reached. Please try again in 3.5s.","code":"rate_limit_exceeded"}}"#;
    for failing in [Reply::sse([refusal]), Reply::json(refusal)] {
        let ok = chat_stream(&["ok"], ms(1));
        let stage = Stage::new(Script::new().reply(failing).forever(ok));
        let (pieces, outcome) = stage.stream();
        outcome.unwrap();
        assert_eq!(pieces.concat(), "ok");
        assert_eq!(stage.requests(), 2);
        let calls = stage.notebook.calls.borrow();
        let [first, second] = &calls[0].attempts[..] else {
            panic!("{:?}", calls[0].attempts);
        };
        assert_eq!(first.retry_after, Some(ms(3_500)));
        assert!(second.start - first.end.unwrap() >= ms(3_500));
        drop(calls);
        stage.assert_settled();
    }
}

#[test]
fn content_and_an_error_in_one_chunk_are_both_delivered_once_the_stream_is_under_way() {
    let events = chat_events(&["a", "b"]);
    let both = format!(
        "data: {}\n\ndata: {}\n\n",
        events[2],
        in_band("server_error")
    );
    let reply = Reply::sse([&*events[0], &*events[1]]).piece_after(ms(5), both);
    let stage = Stage::new(Script::new().reply(reply));
    let (pieces, outcome) = stage.stream();
    assert_eq!(pieces.concat(), "ab");
    assert_eq!(outcome.unwrap_err().partial.as_deref(), Some("ab"));
}

#[test]
fn events_without_content_wait_for_none_once_the_stream_is_under_way() {
    let events = chat_events(&["a"]);
    let role = &events[0];
    let reply = Reply::sse([&**role, &*events[1]])
        .piece_after(ms(10), format!("data: {role}\n\n"))
        .piece_after(ms(10), ": still here\n\n")
        .piece_after(ms(1_000), "data: {broken\n\n");
    let stage = Stage::new(Script::new().forever(reply));
    let (pieces, error) = stage.sim.run(async {
        let mut stream = stage
            .client
            .stream_data(stream_request(&stage.client))
            .await
            .unwrap();
        let mut pieces = Vec::new();
        loop {
            match stream.next().await.unwrap() {
                Ok(piece) => pieces.push((stage.sim.now().as_micros() / 1000, piece.events)),
                Err(error) => return (pieces, error),
            }
        }
    });
    assert_eq!(pieces, [(0, 2), (10, 1)]);
    assert_eq!(error.kind.as_str(), "interrupted");
    stage.assert_settled();
}

#[test]
fn a_stream_without_its_end_is_truncated_and_one_with_a_finish_reason_is_whole() {
    let events = chat_events(&["a"]);
    for (count, whole) in [(1, false), (2, false), (3, true), (4, true), (5, true)] {
        let reply = Reply::sse(events[..count].iter().map(String::as_str));
        let stage = Stage::new(Script::new().forever(reply));
        let (_, outcome) = stage.stream();
        assert_eq!(outcome.is_ok(), whole, "{count} events: {outcome:?}");
        if let Err(error) = outcome {
            let truncated = match error.kind {
                ErrorKind::Interrupted(inner) => *inner == ErrorKind::Truncated,
                kind => kind == ErrorKind::Truncated,
            };
            assert!(truncated, "{count} events");
        }
    }
}

#[test]
fn the_caller_is_done_at_the_terminal_event_and_the_connection_is_drained() {
    let late_eof = chat_stream(&["a"], ms(1)).piece_after(ms(100), "");
    let stage = Stage::new(Script::new().forever(late_eof));
    let (_, outcome) = stage.stream();
    outcome.unwrap();
    let done = stage.sim.now().as_micros();
    assert!(done < 10_000, "not held up by the late end: {done} µs");
    stage.assert_settled();
    let counts = stage.truth.counts();
    assert_eq!(
        (counts.completed, counts.aborted),
        (1, 0),
        "read to its end"
    );
}

#[test]
fn who_asks_one_thing_after_the_other_waits_for_the_connection() {
    let late_eof = chat_stream(&["a"], ms(1)).piece_after(ms(100), "");
    let stage = Stage::new(Script::new().forever(late_eof));
    for _ in 0..3 {
        stage.stream().1.unwrap();
    }
    let starts = stage
        .truth
        .requests()
        .iter()
        .map(|one| one.at)
        .collect::<Vec<_>>();
    let gaps = starts.windows(2).map(|pair| pair[1] - pair[0]);
    // Each begins when the body before it has ended.
    for gap in gaps {
        assert!(gap >= ms(100), "{gap:?}");
    }
}

#[test]
fn who_asks_for_many_things_at_once_does_not_wait_for_connections() {
    let late_eof = chat_stream(&["a"], ms(1)).piece_after(ms(100), "");
    let stage = Stage::new(Script::new().forever(late_eof));
    stage.stream().1.unwrap();
    let done = stage.sim.now();
    stage.sim.run(async {
        let calls = (0..5).map(|_| stage.client.stream(stream_request(&stage.client)));
        let streams = futures_util::future::join_all(calls).await;
        assert!(streams.iter().all(Result::is_ok));
    });
    let seen = stage.truth.requests();
    let at_once = seen.iter().skip(1).filter(|one| one.at < done + ms(50));
    assert_eq!(
        at_once.count(),
        4,
        "one waits for the connection that comes free"
    );
}

#[test]
fn a_body_that_does_not_end_is_cancelled_after_its_terminal_event() {
    let never = chat_stream(&["a"], ms(1)).piece_after(ms(3_600_000), "");
    let endless = (0..64).fold(chat_stream(&["a"], ms(1)), |r, _| {
        r.piece(vec![b'\n'; 1024])
    });
    for (name, reply) in [("never", never), ("endless", endless)] {
        let stage = Stage::new(Script::new().forever(reply));
        stage.stream().1.unwrap();
        stage.assert_settled();
        let seen = stage.truth.requests();
        let aborted = seen[0].aborted.expect(name);
        assert!(aborted.as_secs_f64() < 0.3, "{name}");
    }
}

#[test]
fn nothing_is_read_ahead_of_a_slow_consumer() {
    let stage = Stage::new(Script::new().reply(chat_stream(&["a", "b", "c"], ms(1))));
    stage.sim.run(async {
        let request = stream_request(&stage.client);
        let mut stream = stage.client.stream(request).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        stage.sim.advance(ms(60_000));
        assert_eq!((&*first.text, stream.text()), ("a", "a"));
        assert_eq!(stream.next().await.unwrap().unwrap().text, "b");
    });
}

#[test]
fn anthropic_streams_speak_the_same_language() {
    use kneepoint_core::{Config, Provider};
    let events = [
        r#"event: message_start
data: {"type":"message_start","message":{"id":"m-1","model":"m","usage":{"input_tokens":3,"output_tokens":1}}}"#,
        r#"event: ping
data: {"type":"ping"}"#,
        r#"event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#,
        r#"event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#,
        r#"event: message_stop
data: {"type":"message_stop"}"#,
    ];
    let reply = events.iter().fold(
        Reply::status(200).header("content-type", "text/event-stream"),
        |reply, event| reply.piece_after(ms(2), format!("{event}\n\n")),
    );
    let base_url = "https://llm.test/v1".to_owned();
    let config = Config::new(Provider {
        base_url,
        ..Provider::anthropic()
    });
    let stage = Stage::with(1, config, Script::new().reply(reply));
    let (pieces, outcome) = stage.stream();
    outcome.unwrap();
    assert_eq!(pieces.concat(), "Hello");
    assert_eq!(
        stage.notebook.calls.borrow()[0].usage.unwrap().output,
        Some(9)
    );
    let sent = &stage.truth.requests()[0].request;
    assert_eq!(&*sent.url, "https://llm.test/v1/messages");
    assert_eq!(sent.headers.get("anthropic-version"), Some("2023-06-01"));
}

#[test]
fn dropping_the_wait_for_a_piece_loses_nothing() {
    let events = chat_events(&["a"]);
    let reply = || Reply::sse(events.iter().map(String::as_str)).each_after(ms(100));
    let count = |impatient: bool| {
        let stage = Stage::new(Script::new().forever(reply()));
        stage.sim.run(async {
            let mut stream = stage
                .client
                .stream(stream_request(&stage.client))
                .await
                .unwrap();
            let mut deltas = Vec::new();
            loop {
                let tick = if impatient { ms(70) } else { ms(70_000) };
                let next = Box::pin(stream.next());
                match select(next, Box::pin(stage.sim.sleep(tick))).await {
                    Either::Left((None, _)) => break,
                    Either::Left((Some(piece), _)) => deltas.extend(piece.unwrap().deltas),
                    Either::Right(_) => {}
                }
            }
            format!("{deltas:?}")
        })
    };
    assert_eq!(count(true), count(false));
}

#[test]
fn a_call_that_cannot_stream_has_failed_and_is_not_aborted() {
    let stage = Stage::new(Script::new());
    let r = Request::from_json(Endpoint::Embeddings, r#"{"model":"m","stream":true}"#);
    stage.sim.run(stage.client.stream(r)).map(drop).unwrap_err();
    let errors: Vec<_> = stage
        .notebook
        .calls
        .borrow()
        .iter()
        .map(|c| c.error)
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn numbers_that_we_cannot_read_are_the_server_s_to_judge() {
    let stage = Stage::new(Script::new().forever(chat_stream(&["a"], ms(1))));
    let r = Request::from_json(
        Endpoint::ChatCompletions,
        r#"{"model":"m","max_tokens":-1,"stream":true,"messages":[]}"#,
    );
    stage.sim.run(stage.client.stream(r)).map(drop).unwrap();
}

#[test]
fn events_of_a_path_that_nobody_knows_are_handed_out_as_they_come() {
    let expected = [r#"{"x":1}"#, r#"{"y":2}"#];
    let stage = Stage::new(Script::new().forever(Reply::sse(expected).each_after(ms(10))));
    let asked = |method, body: Option<&str>| {
        let path = "/responses/1".to_owned();
        let endpoint = Endpoint::Other { method, path };
        let request = body.map_or_else(
            || Request::read(endpoint.clone()),
            |body| Request::from_json(endpoint.clone(), body),
        );
        let pieces = async {
            let mut stream = stage.client.stream_data(request).await.unwrap();
            let mut pieces = Vec::new();
            while let Some(piece) = stream.next().await {
                pieces.push(piece.unwrap().text.clone());
            }
            // The last one is what the end says, which is nothing here.
            pieces.retain(|piece| !piece.is_empty());
            pieces
        };
        stage.sim.run(pieces)
    };
    assert_eq!(asked(Method::Get, None), expected);
    assert_eq!(asked(Method::Post, Some(r#"{"stream":true}"#)), expected);
    stage.assert_settled();
}
