//! What is on the wire: paths, headers and bodies, and nothing that was not asked for.

use kneepoint_core::platform::sim::{Reply, Script};
use kneepoint_core::{
    CallOptions, Config, Endpoint, ErrorKind, Headers, HttpRequest, Method, Prompt, Provider,
    Request, Secret,
};

use crate::harness::{ANSWER, HOST, KEY, Stage, config};

fn stage() -> Stage {
    Stage::new(Script::new().forever(Reply::json(ANSWER)))
}

fn sent(stage: &Stage) -> HttpRequest {
    stage.truth.requests().last().unwrap().request.clone()
}

#[test]
fn a_call_sends_no_header_but_what_it_needs() {
    let stage = stage();
    stage.send().unwrap();
    let request = sent(&stage);
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["content-type", "accept", "authorization"],
        "more would break CORS"
    );
    assert_eq!(
        (request.method, &*request.url),
        (Method::Post, "https://llm.test/v1/chat/completions")
    );
    assert!(
        !format!("{request:?}").contains(KEY),
        "the key cannot be printed"
    );
}

#[test]
fn unknown_fields_pass_both_ways_untouched() {
    let answer = ANSWER.replace("\"usage\"", "\"x_trace\":{\"deep\":[1,2.50]},\"usage\"");
    let stage = Stage::new(Script::new().forever(Reply::json(&answer)));
    let body = r#"{"model":"m","messages":[],"x_vendor":{"a":1.50,"b":null}}"#;
    let request = Request::from_json(Endpoint::ChatCompletions, body);
    let reply = stage.sim.run(stage.client.send(request)).unwrap();
    assert_eq!(sent(&stage).body.as_deref(), Some(body), "to the byte");
    assert_eq!(&*reply.body, answer, "to the byte");
}

#[test]
fn each_endpoint_has_its_method_and_path() {
    #[rustfmt::skip]
    let cases = [
        (Endpoint::ChatCompletions, "POST", "/chat/completions", ANSWER),
        (Endpoint::Completions,     "POST", "/completions", r#"{"choices":[{"text":"x","finish_reason":"stop"}]}"#),
        (Endpoint::Embeddings,      "POST", "/embeddings",  r#"{"data":[{"embedding":[0.5]}]}"#),
        (Endpoint::Responses,       "POST", "/responses",   r#"{"id":"r","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"x"}]}]}"#),
        (Endpoint::Messages,        "POST", "/messages",    r#"{"type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn"}"#),
        (Endpoint::Models(None),    "GET",  "/models",      r#"{"data":[]}"#),
        (Endpoint::Models(Some("org/a b".into())), "GET", "/models/org%2Fa%20b", r#"{"id":"x"}"#),
        (Endpoint::Other { method: Method::Delete, path: "/files/1".into() }, "DELETE", "/files/1", ""),
    ];
    for (endpoint, method, path, answer) in cases {
        let stage = Stage::new(Script::new().forever(Reply::json(answer)));
        let request = match method {
            "POST" => Request::from_json(endpoint, r#"{"model":"m"}"#),
            _ => Request::read(endpoint),
        };
        let reply = stage
            .sim
            .run(stage.client.send(request))
            .unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(&*reply.body, answer);
        let request = sent(&stage);
        assert_eq!(request.method.as_str(), method);
        assert_eq!(&*request.url, format!("{HOST}{path}"));
        assert_eq!(request.body.is_some(), method == "POST");
    }
}

#[test]
fn a_path_is_read_as_what_it_is_known_to_be_or_sent_as_it_was_written() {
    let known = [
        Endpoint::ChatCompletions,
        Endpoint::Completions,
        Endpoint::Embeddings,
        Endpoint::Responses,
        Endpoint::Messages,
        Endpoint::Models(None),
    ];
    for endpoint in known {
        assert_eq!(Endpoint::at(endpoint.method(), &endpoint.path()), endpoint);
    }
    #[rustfmt::skip]
    let others = [
        // method, path, why
        (Method::Get,    "/models/ft:a",      "a single model: its escapes are its writer's"),
        (Method::Get,    "/models/org%2Fa",   "a single model"),
        (Method::Delete, "/models/a",         "not to be read"),
        (Method::Get,    "/chat/completions", "stored ones"),
        (Method::Post,   "/batches",          "none of ours"),
    ];
    for (method, path, why) in others {
        let endpoint = Endpoint::at(method, path);
        assert!(matches!(endpoint, Endpoint::Other { .. }), "{why}");
        assert_eq!((endpoint.method(), &*endpoint.path()), (method, path));
    }
}

#[test]
fn the_client_s_headers_and_parameters_and_then_the_call_s_own_win() {
    let mut headers = Headers::new();
    headers.set_text("x-team", "blue");
    headers.set_text("x-gone", "soon");
    let config = Config {
        headers,
        query: vec![("v".into(), "1".into())],
        ..config()
    };
    let stage = Stage::with(1, config, Script::new().forever(Reply::json(ANSWER)));
    let options = CallOptions {
        headers: vec![
            ("X-Team".into(), Some("red".into())),
            ("x-gone".into(), None),
        ],
        query: vec![("trace".into(), "a b".into())],
        api_key: Some(Secret::new("sk-other")),
        ..CallOptions::default()
    };
    let request = stage.client.request(&Prompt::new("m", "Hi"), false);
    stage
        .sim
        .run(stage.client.send(Request { options, ..request }))
        .unwrap();
    let request = sent(&stage);
    assert_eq!(request.headers.get("x-team"), Some("red"));
    assert_eq!(request.headers.get("x-gone"), None);
    assert_eq!(
        &*request.url,
        format!("{HOST}/chat/completions?v=1&trace=a%20b")
    );
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is_sent() {
    let stage = stage();
    let with = |options| {
        let request = stage.client.request(&Prompt::new("m", "Hi"), false);
        stage
            .sim
            .run(stage.client.send(Request { options, ..request }))
            .unwrap_err()
    };
    let header = |name: &str, value: &str| CallOptions {
        headers: vec![(name.to_owned(), Some(value.to_owned()))],
        ..CallOptions::default()
    };
    for options in [
        header("x-a", "b\r\nx-evil: 1"),
        header("x-a", "b\0"),
        header("x-a", "日本"),
        header("x a", "b"),
        CallOptions {
            idempotency_key: Some("a\nb".into()),
            ..CallOptions::default()
        },
        CallOptions {
            api_key: Some(Secret::new("sk\r\nx: y")),
            ..CallOptions::default()
        },
    ] {
        let error = with(options);
        assert!(matches!(error.kind, ErrorKind::Config(_)), "{error}");
        assert_eq!(error.attempts, 0);
    }
    let streamed = stage.client.request(&Prompt::new("m", "Hi"), true);
    let error = stage.sim.run(stage.client.send(streamed)).unwrap_err();
    assert!(error.to_string().contains("stream"), "{error}");
    assert_eq!(stage.requests(), 0);
    assert!(
        kneepoint_core::Client::new(
            stage.sim.clone(),
            Config::new(Provider::compatible("file:///etc/passwd"))
        )
        .is_err()
    );
}

#[test]
fn a_redirect_is_not_followed_so_the_other_host_sees_nothing() {
    use kneepoint_core::platform::TransportError;
    let stage = Stage::new(Script::new().forever(Reply::error(TransportError::Redirected)));
    let elsewhere = stage.sim.serve("https://elsewhere.test", Script::new());
    let error = stage.send().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transport(TransportError::Redirected));
    assert_eq!((stage.requests(), elsewhere.counts().requests), (1, 0));
}

#[test]
fn a_path_cannot_change_the_host() {
    let stage = Stage::with(
        1,
        Config {
            api_key: Some(Secret::new(KEY)),
            ..Config::new(Provider::compatible("https://llm.test"))
        },
        Script::new().forever(Reply::json("{}")),
    );
    let evil = stage.sim.serve(
        "https://llm.test.evil.example",
        Script::new().forever(Reply::json("{}")),
    );
    let r = Request::read(Endpoint::Other {
        method: Method::Get,
        path: ".evil.example/x".into(),
    });
    let _ = stage.sim.run(stage.client.send(r));
    assert_eq!(evil.counts().requests, 0);
}

#[test]
fn a_key_given_as_a_header_does_not_show() {
    let stage = Stage::with(
        1,
        Config::new(Provider::compatible(HOST)),
        Script::new().forever(
            Reply::status(401).piece(r#"{"error":{"message":"no such key sk-header-123"}}"#),
        ),
    );
    let r = stage.client.request(&Prompt::new("m", "Hi"), false);
    let r = with_options(
        r,
        CallOptions {
            headers: vec![("authorization".into(), Some("Bearer sk-header-123".into()))],
            ..CallOptions::default()
        },
    );
    let error = stage.sim.run(stage.client.send(r)).unwrap_err();
    let shown = format!("{:?} {error:?}", stage.truth.requests()[0].request.headers);
    assert!(!shown.contains("sk-header-123"), "{shown}");
}

fn with_options(request: Request, options: CallOptions) -> Request {
    Request { options, ..request }
}
