//! `platform::web` in a real runtime: Node and a browser run these same files.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    reason = "clippy does not know these tests as tests"
)]

#[path = "web/calls.rs"]
mod calls;
#[path = "laws/client.rs"]
mod client;
mod seeds;
#[path = "web/time.rs"]
mod time;

use std::time::Duration;

use futures_util::future::{Either, FutureExt, select};
use js_sys::Function;
use kneepoint_core::platform::web::{Runtime, Stage, Web, transport_error};
use kneepoint_core::platform::{Body, Platform, TransportError};
use kneepoint_core::{HeaderValue, Headers, HttpRequest, Method, Secret};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

/// A function of JavaScript, from its text.
fn js(arguments: &str, body: &str) -> Function {
    Function::new_with_args(arguments, body)
}

/// A platform whose `fetch` is this JavaScript; what it was called with is in `globalThis.seen`.
fn web(body: &str) -> Web {
    Web::with_fetch(js(
        "url, init",
        &format!("globalThis.seen = {{ url, init }}; {body}"),
    ))
}

/// A value of JavaScript, from its text.
fn value(expression: &str) -> JsValue {
    js("", &format!("return {expression}"))
        .call0(&JsValue::UNDEFINED)
        .unwrap()
}

fn request(url: &str) -> HttpRequest {
    let mut headers = Headers::new();
    headers.set_text("accept", "text/event-stream");
    let secret = Secret::new("sk-1");
    headers.set(
        "authorization",
        HeaderValue::Secret {
            prefix: "Bearer ",
            secret,
        },
    );
    HttpRequest {
        method: Method::Post,
        url: url.into(),
        headers,
        body: Some("{\"a\":1}".into()),
        handle: None,
        whole: None,
    }
}

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: Method::Get,
        url: url.into(),
        headers: Headers::new(),
        body: None,
        handle: None,
        whole: None,
    }
}

async fn read(body: &mut impl Body) -> Result<String, TransportError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        bytes.extend(chunk);
    }
    Ok(String::from_utf8(bytes).unwrap())
}

#[wasm_bindgen_test]
async fn a_body_is_read_chunk_by_chunk_to_its_end() {
    let web = web(
        "const parts = ['data: a', '\\n\\n', 'data: ü\\n\\n'];
         const body = new ReadableStream({ pull(c) {
           if (parts.length) c.enqueue(new TextEncoder().encode(parts.shift())); else c.close();
         } });
         return Promise.resolve(new Response(body, { status: 201, headers: { 'X-Request-Id': 'r-1' } }));",
    );
    let (head, mut body) = web.fetch(request("https://llm.test/v1")).await.unwrap();
    assert_eq!(
        (head.status, head.headers.get("x-request-id")),
        (201, Some("r-1"))
    );
    assert_eq!(body.chunk().await.unwrap().unwrap(), b"data: a");
    assert_eq!(read(&mut body).await.unwrap(), "\n\ndata: ü\n\n");
    assert_eq!(body.chunk().await.unwrap(), None, "and stays at its end");
    assert_eq!(value("globalThis.seen.init.signal.aborted"), JsValue::FALSE);
}

/// A response with a body of one's own that comes in two pieces, or whole.
fn short(content_type: &str, length: &str, whole: &str) -> Web {
    web(&format!(
        "const parts = ['{{\"a\":', '1}}'].map((part) => new TextEncoder().encode(part));
         const body = {{ getReader: () => ({{ read: async () =>
           parts.length ? {{ value: parts.shift() }} : {{ done: true }} }}) }};
         const headers = new Headers({{ 'content-type': '{content_type}' {length} }});
         return {{ status: 200, headers, body, arrayBuffer: async () => {whole} }};"
    ))
}

#[wasm_bindgen_test]
async fn a_short_answer_comes_whole_and_all_others_as_they_are_sent() {
    let whole = "new TextEncoder().encode('whole').buffer";
    #[rustfmt::skip]
    let cases = [
        // its type, its length, its first piece
        ("application/json",                ", 'content-length': '7'",     "whole"),
        ("application/json; charset=utf-8", ", 'content-length': '65536'", "whole"),
        ("application/json",                ", 'content-length': '65537'", "{\"a\":"),
        ("application/json",                ", 'content-length': 'x'",     "{\"a\":"),
        ("application/json",                "",                            "{\"a\":"),
        ("text/event-stream",               ", 'content-length': '7'",     "{\"a\":"),
    ];
    for (kind, length, first) in cases {
        let web = short(kind, length, whole);
        let (_, mut body) = web.fetch(request("https://llm.test/")).await.unwrap();
        assert_eq!(body.chunk().now_or_never(), None, "nothing is there yet");
        let piece = body.chunk().await.unwrap().unwrap();
        assert_eq!(piece, first.as_bytes(), "{kind}{length}");
        let rest = if first == "whole" { "" } else { "1}" };
        assert_eq!(read(&mut body).await.unwrap(), rest);
        drop(body);
        assert_eq!(value("globalThis.seen.init.signal.aborted"), JsValue::FALSE);
    }
    for broken in [
        "7",
        "undefined",
        "(() => { throw new TypeError('gone') })()",
    ] {
        let web = short("application/json", ", 'content-length': '7'", broken);
        let (_, mut body) = web.fetch(request("https://llm.test/")).await.unwrap();
        let outcome = body.chunk().await;
        assert!(matches!(outcome, Err(TransportError::Cut(_))), "{broken}");
    }
}

#[wasm_bindgen_test]
async fn dropping_the_wait_for_a_chunk_loses_neither_the_chunk_nor_an_error() {
    let web = web("return new Response(new ReadableStream({ start(c) {
           globalThis.feed = (byte) => c.enqueue(new Uint8Array([byte]));
           globalThis.fail = () => c.error(new TypeError('terminated')) } }))");
    let (_, mut body) = web.fetch(request("https://llm.test/")).await.unwrap();
    for byte in 1..=3 {
        for _ in 0..2 {
            assert_eq!(body.chunk().now_or_never(), None, "nothing is there yet");
        }
        value(&format!("globalThis.feed({byte})"));
        web.turn().await;
        assert_eq!(body.chunk().now_or_never(), Some(Ok(Some(vec![byte]))));
    }
    assert_eq!(body.chunk().now_or_never(), None);
    value("globalThis.fail()");
    web.turn().await;
    for _ in 0..2 {
        assert!(matches!(body.chunk().await, Err(TransportError::Cut(_))));
    }
}

#[wasm_bindgen_test]
async fn a_request_says_what_it_was_told_to_and_follows_no_redirect() {
    let web = web("return new Response('{}')");
    web.fetch(request("https://llm.test/v1/x?y=1"))
        .await
        .unwrap();
    let seen = |path: &str| value(&format!("globalThis.seen.{path}")).as_string();
    assert_eq!(seen("url").as_deref(), Some("https://llm.test/v1/x?y=1"));
    assert_eq!(seen("init.method").as_deref(), Some("POST"));
    assert_eq!(seen("init.body").as_deref(), Some("{\"a\":1}"));
    assert_eq!(seen("init.redirect").as_deref(), Some("manual"));
    assert_eq!(
        seen("init.headers.authorization").as_deref(),
        Some("Bearer sk-1")
    );

    let redirecting = self::web("return Response.redirect('https://elsewhere.test/', 307)");
    let outcome = redirecting.fetch(request("https://llm.test/")).await.err();
    assert_eq!(outcome, Some(TransportError::Redirected));
}

#[wasm_bindgen_test]
async fn dropping_a_fetch_or_a_body_aborts_the_request() {
    let aborted = || value("globalThis.seen.init.signal.aborted").is_truthy();

    let hanging = web("return new Promise(() => {})");
    let fetch = Box::pin(hanging.fetch(request("https://llm.test/")));
    let pause = Box::pin(hanging.sleep(Duration::from_millis(5)));
    let Either::Right(((), fetch)) = select(fetch, pause).await else {
        panic!("it hangs")
    };
    assert!(!aborted());
    drop(fetch);
    assert!(aborted(), "before the head");

    let endless = web("return Promise.resolve(new Response(new ReadableStream({
           pull(c) { c.enqueue(new Uint8Array(10)) } })))");
    let (_, mut body) = endless.fetch(request("https://llm.test/")).await.unwrap();
    body.chunk().await.unwrap();
    assert!(!aborted());
    drop(body);
    assert!(aborted(), "in the body");
}

#[wasm_bindgen_test]
async fn an_answer_that_nobody_waits_for_any_more_reaches_nobody_else() {
    let web = web(
        "return new Promise((resolve) => { globalThis.answer = (text) => resolve(new Response(text)) })",
    );
    let mut late = Vec::new();
    for wait in ["dropped", "ended", "dropped", "ended"] {
        let mut fetch = Box::pin(web.fetch(get("https://llm.test/")));
        assert!(fetch.as_mut().now_or_never().is_none());
        web.turn().await;
        let answer: Function = value("globalThis.answer").unchecked_into();
        if wait == "dropped" {
            drop(fetch);
            late.push(answer);
            continue;
        }
        // What was dropped before is answered first.
        for answer in late.drain(..) {
            answer.call1(&JsValue::UNDEFINED, &"late".into()).unwrap();
        }
        web.turn().await;
        assert!(fetch.as_mut().now_or_never().is_none());
        answer.call1(&JsValue::UNDEFINED, &"own".into()).unwrap();
        let (_, mut body) = fetch.await.unwrap();
        assert_eq!(read(&mut body).await.unwrap(), "own");
    }
}

#[wasm_bindgen_test]
async fn a_signal_serves_again_in_browsers_where_its_request_came_to_its_end() {
    value(
        "(() => { const own = globalThis.fetch;
           globalThis.signals = [];
           globalThis.noting = (url, init) => { globalThis.signals.push(init.signal); return own(url, init) };
           globalThis.fetch = globalThis.noting;
           globalThis.restore = () => { globalThis.fetch = own } })()",
    );
    let own = Web::new().unwrap();
    let users = Web::with_fetch(value("globalThis.noting").unchecked_into());
    value("globalThis.restore()");
    let url = "data:application/json,{}";
    for web in [&own, &own, &users, &users] {
        let (_, mut body) = web.fetch(get(url)).await.unwrap();
        assert_eq!(read(&mut body).await.unwrap(), "{}");
    }
    drop(own.fetch(get(url)).await.unwrap());
    let (_, mut body) = own.fetch(get(url)).await.unwrap();
    assert_eq!(read(&mut body).await.unwrap(), "{}");
    let signals = |test: &str| {
        value(&format!(
            "(([a, b, c, d, e, f]) => {test})(globalThis.signals)"
        ))
    };
    let serves_again = Runtime::detect() == Runtime::Browser;
    let same = signals("a === b").is_truthy();
    assert_eq!(same, serves_again, "of a request that is over");
    assert!(
        signals("c !== d").is_truthy(),
        "a user's function may keep it"
    );
    assert!(signals("e.aborted").is_truthy(), "taken back");
    assert!(
        signals("f !== e && !f.aborted").is_truthy(),
        "another for the next"
    );
}

#[wasm_bindgen_test]
fn anything_that_may_be_thrown_becomes_a_typed_error() {
    let circle = value("(() => { const e = new Error('round'); e.cause = e; return e })()");
    let trap =
        value("({ get code() { throw 1 }, get message() { throw 2 }, get cause() { throw 3 } })");
    #[rustfmt::skip]
    let cases: Vec<(JsValue, &str)> = vec![
        // thrown, what it means on a server
        (JsValue::UNDEFINED,                                         "lost"),
        (JsValue::NULL,                                              "lost"),
        ("a text".into(),                                            "lost"),
        (7.into(),                                                   "lost"),
        (value("Symbol('s')"),                                       "lost"),
        (value("10n"),                                               "lost"),
        (value("(() => {})"),                                        "lost"),
        (value("Object.create(null)"),                               "lost"),
        (value("new Proxy({}, { get() { throw 1 } })"),              "lost"),
        (trap,                                                       "lost"),
        (circle,                                                     "lost"),
        (value("new DOMException('gone', 'AbortError')"),            "lost"),
        (value("new TypeError('Failed to fetch')"),                  "lost"),       // Chrome's word
        (value("new TypeError('NetworkError when attempting to fetch resource.')"), "lost"), // Firefox
        (value("new TypeError('Load failed')"),                      "lost"),       // Safari
        (value("new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })"), "connect"), // Node
        (value("Object.assign(new Error('x'), { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' })"), "connect"), // behind a company's proxy
        (value("Object.assign(new Error('x'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' })"), "connect"), // https:// to a port without TLS
        (value("Object.assign(new Error('x'), { code: 'ERR_NO_CONNECTION' })"), "connect"), // Deno, as the npm package reads it
        (value("Object.assign(new Error('x'), { code: 'ERR_HTTP2_REFUSED_STREAM' })"), "connect"), // our transport on Node
        (value("new TypeError('fetch failed', { cause: { code: 'UND_ERR_SOCKET' } })"), "lost"),
        (value("new TypeError('fetch failed', { cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } })"), "connect"),
        (value("new TypeError('fetch failed', { cause: { cause: { code: 'ENOTFOUND' } } })"), "connect"),
        (value("Object.assign(new Error('Unable to connect'), { code: 'ConnectionRefused' })"), "connect"), // Bun
        (value("new Error('Network connection lost.')"),             "lost"),       // workerd
        (value("Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' })"), "invalid"),
    ];
    for (thrown, meaning) in cases {
        let name = |error: &TransportError| match error {
            TransportError::Connect(_) => "connect",
            TransportError::Lost(_) => "lost",
            TransportError::Opaque(_) => "opaque",
            TransportError::Cut(_) => "cut",
            TransportError::Invalid(_) => "invalid",
            _ => "other",
        };
        let server = transport_error(&thrown, Stage::Head, Runtime::Server);
        assert_eq!(name(&server), meaning, "{thrown:?}");
        let browser = transport_error(&thrown, Stage::Head, Runtime::Browser);
        let expected = if meaning == "lost" { "opaque" } else { meaning };
        assert_eq!(name(&browser), expected, "{thrown:?}");
        assert_eq!(
            name(&transport_error(&thrown, Stage::Body, Runtime::Server)),
            "cut"
        );
        assert!(server.to_string().chars().count() < 300);
    }
}

#[wasm_bindgen_test]
async fn a_fetch_that_misbehaves_is_an_error_and_not_a_panic() {
    for body in [
        "throw undefined",
        "return Promise.reject()",
        "return Promise.reject(new Proxy({}, { get() { throw 1 } }))",
        "return undefined",
        "return Promise.resolve(7)",
        "return {}",
    ] {
        assert!(
            web(body).fetch(request("https://llm.test/")).await.is_err(),
            "{body}"
        );
    }
    for body in [
        "new ReadableStream({ pull(c) { c.error(undefined) } })",
        "new ReadableStream({ pull() { throw new TypeError('terminated') } })",
        "new ReadableStream({ start(c) { c.enqueue('a text'); c.close() } })",
    ] {
        // Not every runtime lets a Response be made of a stream of texts; that is an error too.
        let web = web(&format!("return Promise.resolve(new Response({body}))"));
        let Ok((_, mut body)) = web.fetch(request("https://llm.test/")).await else {
            continue;
        };
        assert!(matches!(read(&mut body).await, Err(TransportError::Cut(_))));
    }
    let empty = web("return new Response(null, { status: 204 })");
    let (head, mut body) = empty.fetch(request("https://llm.test/")).await.unwrap();
    assert_eq!((head.status, body.chunk().await.unwrap()), (204, None));
}

#[wasm_bindgen_test]
async fn a_body_that_cannot_be_read_is_an_error_that_says_what_was_found() {
    let locked = "(() => { const r = new Response('x'); r.body.getReader(); return r.body })()";
    #[rustfmt::skip]
    let cases = [
        // the body, what the error says of it
        ("new (class PassThrough { pipe() {} })",        "of class PassThrough"), // node-fetch
        ("(async function* () {})()",                    "but it is "),
        ("Object.create(null)",                          "but it is object"),
        ("'a text'",                                     "but it is string"),
        ("7",                                            "but it is number"),
        ("new Proxy({}, { get() { throw 1 } })",         "but it is object"),
        ("{ getReader: 1 }",                             "of class Object"),
        ("{ getReader() { return undefined } }",         "of class Object"),
        ("{ getReader() { return {} } }",                "of class Object"),
        ("{ getReader() { throw new Error('taken') } }", "it threw Error: taken"),
        (locked,                                         "it threw TypeError: "),
    ];
    for (body, found) in cases {
        let web = web(&format!(
            "return {{ status: 200, headers: new Headers(), body: {body} }}"
        ));
        let Err(TransportError::Invalid(text)) = web.fetch(request("https://llm.test/")).await
        else {
            panic!("{body} is no body")
        };
        assert!(text.contains(found), "{body}: {text}");
        assert!(text.contains("a ReadableStream"), "{body}: {text}");
        assert!(
            value("globalThis.seen.init.signal.aborted").is_truthy(),
            "{body} is left running"
        );
    }
    let throwing = web("return { status: 200, get body() { throw new Error('gone') } }");
    let outcome = throwing.fetch(request("https://llm.test/")).await;
    assert!(matches!(outcome, Err(TransportError::Invalid(text)) if text.contains("Error: gone")));
}

#[wasm_bindgen_test]
async fn a_reader_that_misbehaves_cuts_the_body_off() {
    for read in ["throw 1", "return 7", "return undefined", "return {}"] {
        let web = web(&format!(
            "return {{ status: 200, body: {{ getReader: () => ({{ read() {{ {read} }} }}) }} }}"
        ));
        let (_, mut body) = web.fetch(request("https://llm.test/")).await.unwrap();
        let outcome = body.chunk().await;
        assert!(matches!(outcome, Err(TransportError::Cut(_))), "{read}");
    }
}

#[wasm_bindgen_test]
async fn headers_of_any_kind_are_read_as_far_as_they_can_be() {
    #[rustfmt::skip]
    let cases = [
        // the headers, what is read of `x-id`
        ("headers: new Headers({ 'X-Id': '1' })",                                    Some("1")),
        ("headers: new Map([['X-Id', '1']])",                                        Some("1")),
        ("headers: [undefined, null, 7, 'ab', [], [1, 2], ['X-Id', '1']]",           Some("1")),
        ("headers: undefined",                                                       None),
        ("headers: null",                                                            None),
        ("headers: {}",                                                              None),
        ("headers: { [Symbol.iterator]: 1 }",                                        None),
        ("headers: { [Symbol.iterator]() { return { next() { throw 1 } } } }",       None),
        ("headers: { [Symbol.iterator]() { return { next() { return undefined } } } }", None),
        ("headers: new Proxy({}, { get() { throw 1 } })",                            None),
        ("get headers() { throw 1 }",                                                None),
    ];
    for (headers, id) in cases {
        let web = web(&format!("return {{ status: 200, body: null, {headers} }}"));
        let (head, _) = web.fetch(request("https://llm.test/")).await.unwrap();
        assert_eq!(head.headers.get("x-id"), id, "{headers}");
    }
}

#[wasm_bindgen_test]
async fn the_runtime_s_own_fetch_works() {
    let web = Web::new().unwrap();
    let (head, mut body) = web
        .fetch(get("data:application/json,{\"a\":1}"))
        .await
        .unwrap();
    assert_eq!(
        (head.status, head.headers.get("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(read(&mut body).await.unwrap(), "{\"a\":1}");
    // A port of this machine that nobody listens on: servers tell, browsers do not.
    let refused = web
        .fetch(get("http://127.0.0.1:59998/"))
        .await
        .err()
        .unwrap();
    let node = !value("globalThis.process?.versions?.node").is_undefined();
    match refused {
        TransportError::Connect(_) => assert!(node, "{refused}"),
        TransportError::Opaque(_) => assert!(!node, "{refused}"),
        other => panic!("{other}"),
    }
}
