//! Whole calls of a client over `fetch`, and that they leave nothing behind.

use std::time::Duration;

use js_sys::{Array, Object, Reflect};
use kneepoint_core::{Client, Config, Prompt, Provider};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{seeds, value, web};

#[wasm_bindgen_test]
async fn a_client_answers_streams_and_retries() {
    let web = web(
        "globalThis.calls = (globalThis.calls ?? 0) + 1;
         if (globalThis.calls === 1) return new Response('busy', { status: 503, headers: { 'retry-after-ms': '20' } });
         if (!JSON.parse(init.body).stream) return Promise.resolve(new Response(JSON.stringify({
           choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }] })));
         const event = (delta, end) => 'data: ' + JSON.stringify({ choices: [{ index: 0, delta, finish_reason: end }] }) + '\\n\\n';
         const parts = [event({ content: 'Hel' }, null), event({ content: 'lo' }, null), event({}, 'stop'), 'data: [DONE]\\n\\n'];
         return Promise.resolve(new Response(new ReadableStream({ pull(c) {
           if (parts.length) c.enqueue(new TextEncoder().encode(parts.shift())); else c.close(); } })));",
    );
    let config = Config::new(Provider::compatible("https://llm.test/v1"));
    let client = Client::new(web, config).unwrap();
    let prompt = Prompt::new("m", "Hi");
    let reply = client.generate(&prompt).await.unwrap();
    assert_eq!(
        (reply.answer.text(), reply.record.attempts.len()),
        ("Hello", 2)
    );
    let waited = reply.record.attempts[1].start - reply.record.attempts[0].start;
    assert!(waited >= Duration::from_millis(19), "{waited:?}");

    let mut stream = client.generate_stream(&prompt).await.unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = stream.next().await {
        pieces.push(piece.unwrap().text);
    }
    assert_eq!(pieces.concat(), "Hello");
    assert!(pieces.len() >= 2, "piece by piece: {pieces:?}");
    assert!(stream.record().is_some_and(|record| record.error.is_none()));
}

#[wasm_bindgen_test]
async fn many_calls_leave_no_timer_and_no_listener_behind() {
    // Every timer that is set must be cleared or fire: counted at the source.
    value(
        "(() => { const [set, clear] = [globalThis.setTimeout, globalThis.clearTimeout];
           globalThis.open = new Set();
           globalThis.setTimeout = (f, ...rest) => {
             const id = set((...a) => { globalThis.open.delete(id); f(...a) }, ...rest);
             globalThis.open.add(id); globalThis.timers = (globalThis.timers ?? 0) + 1; return id };
           globalThis.clearTimeout = (id) => { globalThis.open.delete(id); clear(id) };
           globalThis.restore = () => { globalThis.setTimeout = set; globalThis.clearTimeout = clear };
         })()",
    );
    let web = web(
        "return Promise.resolve(new Response('{\"choices\":[{\"message\":{\"content\":\"x\"}}]}'))",
    );
    let client = Client::new(
        web.clone(),
        Config::new(Provider::compatible("https://llm.test/v1")),
    )
    .unwrap();
    for _ in 0..500 {
        client.generate(&Prompt::new("m", "Hi")).await.unwrap();
    }
    let open = value("globalThis.open.size").as_f64();
    value("globalThis.restore()");
    assert!(
        value("globalThis.timers >= 500").is_truthy(),
        "each call has a deadline"
    );
    assert_eq!(open, Some(0.0), "timers left");
    let keys = Object::keys(
        &Reflect::get(&js_sys::global(), &"seen".into())
            .unwrap()
            .into(),
    );
    assert_eq!(Array::from(&keys).length(), 2);
}

#[wasm_bindgen_test]
fn ten_thousand_seeds_leave_the_same_trace_as_natively() {
    assert_eq!(seeds::trace(), seeds::KNOWN, "got {:#x}", seeds::trace());
}
