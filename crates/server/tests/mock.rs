//! The simulated endpoint as its clients see it: shapes, limits, counters, what pages may read.

mod common;

use std::thread;
use std::time::Duration;

use common::{
    PLAIN, Raw, STREAM, await_stats, chat, exchange, get, post, post_with, server, stats,
};
use serde_json::{Value, json};

fn call(server: &kneepoint_server::Server, spec: &str, path: &str, body: &Value) -> common::Reply {
    exchange(
        server.http,
        post(&format!("/mock/{spec}/v1/{path}"), &body.to_string()),
    )
}

fn data(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines
        .filter_map(|json| serde_json::from_str(json).ok())
        .collect()
}

fn joined(events: &[Value], pointer: &str) -> String {
    events
        .iter()
        .filter_map(|event| event.pointer(pointer)?.as_str())
        .collect()
}

#[test]
fn chat_says_the_same_streamed_and_not() {
    let server = server(&[]);
    let mut texts = Vec::new();
    for spec in ["tokens=12,seed=3,chunk=1", "tokens=12,seed=3,chunk=5"] {
        let plain = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        let whole = call(&server, spec, "chat/completions", &plain).json();
        assert_eq!(whole["choices"][0]["finish_reason"], "stop");
        assert_eq!(whole["usage"]["completion_tokens"], 12);
        texts.push(
            whole["choices"][0]["message"]["content"]
                .as_str()
                .expect("text")
                .to_owned(),
        );

        let mut streamed = plain.clone();
        streamed["stream"] = json!(true);
        streamed["stream_options"] = json!({"include_usage": true});
        exchange(
            server.http,
            format!("POST /mock/{spec}/reset HTTP/1.0\r\n\r\n"),
        );
        let reply = call(&server, spec, "chat/completions", &streamed);
        assert_eq!(
            reply.header("content-type").as_deref(),
            Some("text/event-stream; charset=utf-8")
        );
        let events = data(&reply.body_text());
        texts.push(joined(&events, "/choices/0/delta/content"));
        let last = events.last().expect("events");
        assert_eq!(
            (&last["choices"], &last["usage"]["completion_tokens"]),
            (&json!([]), &json!(12))
        );
        assert!(events[0]["usage"].is_null());
    }
    assert!(
        texts
            .iter()
            .all(|text| *text == texts[0] && !text.is_empty()),
        "{texts:?}"
    );
}

#[test]
fn thought_and_tool_calls_have_their_places() {
    let server = server(&[]);
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}}}}]);
    let body = json!({"model": "m", "messages": [{}], "tools": tools});
    let whole = call(&server, "reasoning=4", "chat/completions", &body).json();
    let message = &whole["choices"][0]["message"];
    assert_eq!(
        message["tool_calls"][0]["function"]["arguments"],
        r#"{"city":"sample"}"#
    );
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    assert!(message["reasoning_content"].is_string() && message["content"].is_null());
    let mut body = body;
    body["stream"] = json!(true);
    let events = data(&call(&server, "reasoning=4", "chat/completions", &body).body_text());
    let arguments = joined(&events, "/choices/0/delta/tool_calls/0/function/arguments");
    assert_eq!(arguments, r#"{"city":"sample"}"#);
}

#[test]
fn the_other_apis_answer_in_their_shapes() {
    let server = server(&[]);
    let spec = "tokens=5,reasoning=2";
    let messages = json!({"model": "m", "max_tokens": 100, "messages": [{"role": "user"}]});
    let whole = call(&server, spec, "messages", &messages).json();
    assert_eq!(
        (&whole["type"], &whole["stop_reason"]),
        (&json!("message"), &json!("end_turn"))
    );
    assert_eq!(whole["content"][0]["type"], "thinking");
    assert_eq!(whole["content"][1]["type"], "text");
    let mut streamed = messages.clone();
    streamed["stream"] = json!(true);
    let text = call(&server, spec, "messages", &streamed).body_text();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(names[..3], ["message_start", "ping", "content_block_start"]);
    assert_eq!(names[names.len() - 2..], ["message_delta", "message_stop"]);

    let input = json!({"model": "m", "input": "hi"});
    let whole = call(&server, spec, "responses", &input).json();
    assert_eq!(
        (&whole["object"], &whole["status"]),
        (&json!("response"), &json!("completed"))
    );
    let streamed = json!({"model": "m", "input": "hi", "stream": true});
    let events = data(&call(&server, spec, "responses", &streamed).body_text());
    let numbers: Vec<u64> = events
        .iter()
        .filter_map(|event| event["sequence_number"].as_u64())
        .collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
    let last = events.last().expect("events");
    assert_eq!(last["type"], "response.completed");
    let text = joined(&events[..events.len() - 1], "/delta");
    assert!(
        text.ends_with(
            last["response"]["output"][1]["content"][0]["text"]
                .as_str()
                .expect("text")
        )
    );

    let body = json!({"model": "m", "input": ["a", "b"], "dimensions": 8});
    let vectors = call(&server, spec, "embeddings", &body).json();
    let vector: Vec<f64> = vectors["data"][1]["embedding"]
        .as_array()
        .expect("vector")
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    let norm: f64 = vector.iter().map(|x| x * x).sum();
    assert!(vector.len() == 8 && (norm - 1.0).abs() < 1e-5);
    let body = json!({"model": "m", "prompt": "x"});
    let whole = call(&server, spec, "completions", &body).json();
    assert_eq!(whole["object"], "text_completion");
    let models = exchange(server.http, get("/mock/instant/v1/models")).json();
    assert_eq!(models["object"], "list");
    let model = exchange(server.http, get("/mock/instant/v1/models/any")).json();
    assert_eq!(model["id"], "any");
}

#[test]
fn what_is_wrong_is_named() {
    let server = server(&[]);
    let message = |reply: &common::Reply| reply.json()["error"]["message"].to_string();
    let reply = chat(&server, "slotz=3", PLAIN);
    assert!(reply.status() == 400 && message(&reply).contains("slotz"));
    let reply = chat(&server, "ttft=soon", PLAIN);
    assert!(reply.status() == 400 && message(&reply).contains("ttft=soon"));
    let reply = chat(&server, "instant", "{}");
    assert!(reply.status() == 400 && message(&reply).contains("model"));
    let reply = exchange(server.http, get("/mock/instant/v1/nothing"));
    assert_eq!(reply.status(), 404);
    let reply = exchange(server.http, get("/mock/instant/v1/chat/completions"));
    assert_eq!(reply.status(), 405);
    let presets = exchange(server.http, get("/mock/")).json();
    assert!(presets["presets"].as_array().expect("list").len() >= 5);
}

#[test]
fn slots_are_never_exceeded_and_stats_agree_with_what_clients_saw() {
    let server = server(&[]);
    let spec = "ttft=40,slots=3,queue=4,seed=1";
    let statuses: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = (0..24)
            .map(|n| {
                let body = if n % 2 == 0 { PLAIN } else { STREAM };
                let server = &server;
                scope.spawn(move || {
                    (0..4)
                        .map(|_| chat(server, spec, body).status())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        calls
            .into_iter()
            .flat_map(|call| call.join().expect("ends"))
            .collect()
    });
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count() as u64;
    let stats = stats(&server, spec);
    assert_eq!(count(200) + count(429), 96);
    assert!(count(429) > 0);
    #[rustfmt::skip]
    let expected = [
        ("requests", 96), ("accepted", count(200)), ("completed", count(200)),
        ("rejected", count(429)), ("aborted", 0), ("in_flight", 0), ("queued", 0),
        ("in_flight_max", 3), ("connections", 96),
    ];
    for (name, value) in expected {
        assert_eq!(stats[name], value, "{name}: {stats}");
    }
}

#[test]
fn a_batching_server_serves_everybody_and_no_more_at_once_than_its_bound() {
    let server = server(&[]);
    let spec = "step=1:0.1:0:4,tokens=5";
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| assert_eq!(chat(&server, spec, STREAM).status(), 200));
        }
    });
    assert_eq!(stats(&server, spec)["completed"], 12);
}

#[test]
fn an_abort_is_seen_and_frees_the_slot() {
    let server = server(&[]);
    let spec = "ttft=60000,slots=1,queue=1";
    let path = format!("/mock/{spec}/v1/chat/completions");
    for body in [PLAIN, STREAM] {
        let mut raw = Raw::open(server.http);
        raw.send(post(&path, body).as_bytes());
        await_stats(&server, spec, |stats| stats["in_flight"] == 1);
        let mut waiter = Raw::open(server.http);
        waiter.send(post(&path, body).as_bytes());
        await_stats(&server, spec, |stats| stats["queued"] == 1);
        drop(waiter);
        await_stats(&server, spec, |stats| stats["queued"] == 0);
        drop(raw);
        await_stats(&server, spec, |stats| stats["in_flight"] == 0);
    }
    assert_eq!(stats(&server, spec)["aborted"], 4);
}

#[test]
fn keys_are_counted_and_duplicates_are_those_that_were_served_twice() {
    let server = server(&[]);
    let path = "/mock/instant/v1/chat/completions";
    for key in ["a", "b", "a"] {
        exchange(
            server.http,
            post_with(path, PLAIN, &format!("idempotency-key: {key}\r\n")),
        );
    }
    let before = stats(&server, "instant");
    assert_eq!(
        (&before["attempts_by_key"], &before["duplicates"]),
        (&json!({"a": 2, "b": 1}), &json!(1))
    );
    let reset = exchange(server.http, post("/mock/instant/reset", ""));
    assert_eq!(reset.status(), 204);
    assert_eq!(stats(&server, "instant")["requests"], 0);
}

#[test]
fn limits_say_when_to_come_back() {
    let server = server(&[]);
    let second = |spec: &str| {
        chat(&server, spec, PLAIN);
        chat(&server, spec, PLAIN)
    };
    let reply = second("rpm=1");
    assert_eq!(reply.status(), 429);
    assert_eq!(reply.json()["error"]["code"], "rate_limit_exceeded");
    let after: u64 = reply
        .header("retry-after")
        .expect("hint")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&after));
    assert_eq!(
        reply.header("x-ratelimit-remaining-requests").as_deref(),
        Some("0")
    );
    assert_eq!(second("rpm=1,retry_after=off").header("retry-after"), None);
    let reply = second("rpm=1,retry_after=1500ms");
    assert_eq!(reply.header("retry-after-ms").as_deref(), Some("1500"));
    assert!(
        second("rpm=1,retry_after=date")
            .header("retry-after")
            .expect("date")
            .ends_with("GMT")
    );
    let path = "/mock/tpm=1/v1/messages";
    exchange(server.http, post(path, PLAIN));
    let reply = exchange(server.http, post(path, PLAIN));
    assert_eq!(
        (reply.status(), &reply.json()["error"]["type"]),
        (429, &json!("rate_limit_error"))
    );
    assert!(reply.header("anthropic-ratelimit-tokens-reset").is_some());
}

#[test]
fn pages_of_any_origin_may_call_and_read_unless_the_spec_hides_it() {
    let server = server(&[]);
    let headers = |spec: &str| {
        let reply = chat(&server, spec, PLAIN);
        [
            "access-control-allow-origin",
            "access-control-expose-headers",
            "timing-allow-origin",
        ]
        .map(|name| reply.header(name).is_some())
    };
    assert_eq!(headers("instant"), [true, true, true]);
    assert_eq!(headers("instant,expose=off"), [true, false, true]);
    assert_eq!(headers("instant,timing=off"), [true, true, false]);
    assert_eq!(headers("instant,cors=off"), [false, false, true]);
    let preflight = exchange(
        server.http,
        "OPTIONS /mock/instant/v1/chat/completions HTTP/1.1\r\n\
        host: x\r\norigin: http://other\r\naccess-control-request-method: POST\r\n\
        access-control-request-headers: authorization,content-type\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(preflight.status(), 204);
    let allowed = preflight.header("access-control-allow-headers");
    assert_eq!(allowed.as_deref(), Some("authorization,content-type"));
    assert_eq!(
        stats(&server, "instant")["requests"],
        1,
        "a preflight is no request"
    );
}

#[test]
fn one_connection_carries_many_calls_and_is_counted_once() {
    let server = server(&[]);
    let mut raw = Raw::open(server.http);
    for _ in 0..5 {
        let request =
            post("/mock/instant/v1/chat/completions", STREAM).replace("connection: close\r\n", "");
        raw.send(request.as_bytes());
        let reply = raw.read_until(Duration::from_secs(10), |bytes| {
            bytes.ends_with(b"0\r\n\r\n")
        });
        assert_eq!(reply.status(), 200);
    }
    let stats = stats(&server, "instant");
    assert_eq!(
        (&stats["connections"], &stats["completed"]),
        (&json!(1), &json!(5))
    );
}
