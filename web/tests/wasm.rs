//! The engine's rules: which name a request goes to, what is said of connections, what is kept.
#![cfg(target_arch = "wasm32")]

use kneepoint_bench::record::{Class, Sample, TokenSource};
use kneepoint_web::engine::agent::{Agent, Family};
use kneepoint_web::engine::shards::{NAMES_MAX, Shards, name};
use kneepoint_web::engine::wire::{Entry, Names, Wire};
use kneepoint_web::message::Samples;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn browsers_and_systems_are_called_what_people_call_them() {
    #[rustfmt::skip]
    let cases = [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36", "Chromium 150", Some("Linux"), Family::Chromium),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0", "Edge 149", Some("Windows"), Family::Chromium),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox 153", Some("Linux"), Family::Firefox),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15", "Safari 26", Some("macOS"), Family::Other),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "Safari 18", Some("iOS"), Family::Other),
        ("Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36", "Chromium 150", Some("Android"), Family::Chromium),
        ("", "a browser", None, Family::Other),
    ];
    for (text, runtime, os, family) in cases {
        let agent = Agent::read(text);
        assert_eq!(
            (&*agent.runtime, agent.os.as_deref(), agent.family),
            (runtime, os, family),
            "{text}"
        );
    }
}

#[wasm_bindgen_test]
fn a_name_takes_six_requests_and_open_connections_serve_again() {
    let mut shards = Shards::default();
    let taken: Vec<usize> = (0..13).map(|_| shards.take()).collect();
    assert_eq!(taken, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2]);
    shards.give_back(0);
    assert_eq!((shards.take(), shards.used()), (0, 3));
    for _ in 13..NAMES_MAX * 6 {
        shards.take();
    }
    // All are taken: those beyond wait where the fewest are.
    assert_eq!(shards.used(), NAMES_MAX);
    assert_eq!([shards.take(), shards.take(), shards.take()], [0, 1, 2]);
}

#[wasm_bindgen_test]
fn only_this_machine_over_plain_http_has_several_names() {
    #[rustfmt::skip]
    let cases = [
        ("http://127.0.0.1:8088",    Some("http://s3.localhost:8088")),
        ("http://localhost:8088",    Some("http://s3.localhost:8088")),
        ("http://kp.localhost",      Some("http://s3.localhost")),
        ("http://[::1]:8088",        Some("http://s3.localhost:8088")),
        ("http://[::1]",             Some("http://s3.localhost")),
        ("https://127.0.0.1:8443",   None), // HTTP/2 needs no second name
        ("http://192.168.1.5:8088",  None),
        ("http://localhost.evil.test", None),
    ];
    for (origin, expected) in cases {
        assert_eq!(name(origin, 3).as_deref(), expected, "{origin}");
    }
}

fn entry(protocol: &str, is_fresh: bool, start: f64, end: f64) -> Entry {
    Entry {
        protocol: Some(protocol.to_owned()),
        is_answered: true,
        is_fresh,
        began: start,
        start,
        end,
    }
}

#[wasm_bindgen_test]
fn six_connections_are_told_as_six_and_why() {
    let mut wire = Wire::new(Family::Chromium);
    for turn in 0..4 {
        for _ in 0..6 {
            let start = f64::from(turn) * 100.0;
            wire.note(entry("http/1.1", turn == 0, start, start + 100.0));
        }
    }
    let known = wire.connections(Names::One);
    assert_eq!(known.http.as_deref(), Some("http/1.1"));
    assert_eq!(
        (known.opened, known.reused, known.cap),
        (Some(6), Some(18), Some(6))
    );
    assert!(known.notes[0].starts_with("at most 6 were on the wire at once: a browser opens 6"));
    assert_eq!(known.notes.len(), 1);
    let spread = wire.connections(Names::Several(4));
    assert_eq!(spread.cap, Some(240));
    assert!(spread.notes[1].contains("4 names"));
}

#[wasm_bindgen_test]
fn what_the_browser_hides_is_not_guessed() {
    let mut wire = Wire::new(Family::Chromium);
    wire.note(entry("", true, 0.0, 10.0));
    let known = wire.connections(Names::One);
    assert_eq!(
        (known.http, known.opened, known.reused, known.cap),
        (None, None, None, None)
    );
    assert!(known.notes[0].contains("Timing-Allow-Origin"));
    // A request without an answer says nothing about the endpoint.
    let mut wire = Wire::new(Family::Chromium);
    wire.note(Entry {
        is_answered: false,
        ..entry("", true, 0.0, 10.0)
    });
    assert!(wire.connections(Names::One).notes.is_empty());
}

#[wasm_bindgen_test]
fn the_protocol_is_looked_up_only_where_it_may_be_another() {
    let mut wire = Wire::new(Family::Chromium);
    assert!(wire.asks_protocol(false, 5.0), "none is known");
    wire.note(entry("h2", true, 5.0, 10.0));
    assert!(!wire.asks_protocol(false, 15.0), "the same connection");
    assert!(wire.asks_protocol(true, 15.0), "another connection");
    assert!(
        wire.asks_protocol(false, 0.0),
        "a request of which nothing is told"
    );
    wire.note(Entry {
        protocol: None,
        ..entry("", false, 15.0, 20.0)
    });
    let known = wire.connections(Names::One);
    assert_eq!(known.http.as_deref(), Some("h2"));
    assert_eq!((known.opened, known.reused), (Some(1), Some(1)));
}

#[wasm_bindgen_test]
fn a_browser_that_holds_requests_back_is_told_of() {
    let mut wire = Wire::new(Family::Firefox);
    for at in 0..10 {
        let start = f64::from(at) * 10.0;
        wire.note(Entry {
            began: 0.0,
            ..entry("http/1.1", at == 0, start, start + 5.0)
        });
    }
    let known = wire.connections(Names::Several(1));
    assert_eq!(known.notes.len(), 2, "{known:?}");
    assert!(known.notes[0].starts_with("at most 1 was"));
    assert!(known.notes[1].contains("for 50 ms"));
}

#[wasm_bindgen_test]
fn the_bound_of_http_2_is_the_browsers() {
    for (family, cap) in [
        (Family::Chromium, Some(256)),
        (Family::Firefox, Some(1280)),
        (Family::Other, None),
    ] {
        let mut wire = Wire::new(family);
        wire.note(entry("h2", true, 0.0, 1.0));
        assert_eq!(wire.told(Names::One).cap, cap);
    }
}

/// `asked` requests at a time for three seconds, of which `sent` at most are on the wire, and as many more as
/// are late by themselves.
fn rush(asked: u32, sent: u32, late_ms: impl Fn(u32) -> f64) -> Wire {
    let mut wire = Wire::new(Family::Chromium);
    let mut free = vec![0.0_f64; sent as usize];
    let mut began = vec![0.0_f64; asked as usize];
    for request in 0..asked * 30 {
        let next = |times: &[f64]| (0..times.len()).min_by(|a, b| times[*a].total_cmp(&times[*b]));
        let (slot, place) = (next(&began).expect("a slot"), next(&free).expect("a place"));
        let start = began[slot].max(free[place]) + late_ms(request);
        let end = start + 100.0 + f64::from(request * 7 % 11);
        wire.note(Entry {
            began: began[slot],
            ..entry("h2", request == 0, start, end)
        });
        (began[slot], free[place]) = (end, end);
    }
    wire
}

#[wasm_bindgen_test]
fn a_connection_that_takes_no_more_is_a_bound_of_the_browser() {
    let known = rush(32, 20, |_| 0.0).connections(Names::One);
    assert_eq!(known.cap, Some(20), "{known:?}");
    assert!(
        known.notes[0]
            .starts_with("at most 20 were on the wire at once: server and browser let no more")
    );
    // As many as were asked for; each a while after, as where leave is asked for first; now and then one.
    let late = |request: u32| f64::from(request * 13 % 90);
    for (asked, what) in [
        (rush(32, 32, |_| 0.0), "none waits"),
        (rush(32, 32, |_| 15.0), "all are late"),
        (rush(32, 32, late), "all are late by something else"),
        (
            rush(32, 32, |request| 40.0 * f64::from(request % 9 / 8)),
            "one in nine",
        ),
    ] {
        let known = asked.connections(Names::One);
        assert_eq!(known.cap, Some(256), "{what}: {known:?}");
    }
}

fn sample(id: u64) -> Sample {
    Sample {
        id,
        rung: 0,
        slot: 0,
        t_sched: 0,
        t_start: None,
        t_headers: None,
        t_first: None,
        t_visible: None,
        t_last: None,
        t_end: 0,
        status: None,
        class: Class::Ok,
        error: None,
        attempts: 1,
        retry_after: None,
        in_tok: None,
        out_tok: None,
        cached_tok: None,
        tok_source: TokenSource::None,
        chunks: 0,
        reads: 0,
        max_gap: None,
        finish_reason: None,
        bytes: 0,
        reused: None,
        protocol: None,
    }
}

#[wasm_bindgen_test]
fn what_is_kept_is_spread_evenly_over_the_run() {
    let mut kept = Vec::new();
    let told = |every, ids: std::ops::Range<u64>| Samples {
        every,
        list: ids.filter(|id| id % every == 0).map(sample).collect(),
    };
    told(1, 0..8).join(&mut kept);
    told(4, 8..16).join(&mut kept);
    let ids: Vec<u64> = kept.iter().map(|sample| sample.id).collect();
    assert_eq!(ids, [0, 4, 8, 12]);
}
