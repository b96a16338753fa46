//! Every fault kind, seen from a raw socket: the bytes are what its name promises.

mod common;

use std::io::Read as _;
use std::time::Duration;

use common::{Ended, PLAIN, Raw, Reply, STREAM, await_stats, chat, exchange, post, server};
use kneepoint_server::Server;

const SHORT: Duration = Duration::from_millis(300);
const DONE: &str = "data: [DONE]\n\n";

fn whole(server: &Server, fault: &str) -> Reply {
    chat(server, &format!("tokens=8,seed=1,fault={fault}"), PLAIN)
}

fn stream(server: &Server, fault: &str) -> Reply {
    chat(server, &format!("tokens=8,seed=1,fault={fault}"), STREAM)
}

/// The same answers without a fault: the seed makes them the same but for their times.
fn sound_stream(server: &Server) -> String {
    chat(server, "tokens=8,seed=1", STREAM).body_text()
}

fn data_lines(text: &str) -> Vec<&str> {
    text.split("\n\n")
        .filter(|event| !event.is_empty())
        .collect()
}

#[test]
fn resets_before_any_byte() {
    let server = server(&[]);
    for fault in ["refuse", "reset_before_headers"] {
        for reply in [whole(&server, fault), stream(&server, fault)] {
            assert_eq!(
                (reply.bytes.len(), reply.ended),
                (0, Ended::Reset),
                "{fault}"
            );
        }
    }
    // What is refused was never worked on; what is reset later was.
    let refused = common::stats(&server, "tokens=8,seed=1,fault=refuse");
    assert_eq!(
        (&refused["rejected"], &refused["accepted"]),
        (&2.into(), &0.into())
    );
    let reset = await_stats(
        &server,
        "tokens=8,seed=1,fault=reset_before_headers",
        |stats| stats["completed"] == 2,
    );
    assert_eq!(reset["accepted"], 2);
}

#[test]
fn stalled_headers_stay_silent_and_the_leaving_client_is_seen() {
    let server = server(&[]);
    let spec = "fault=stall_headers";
    let mut raw = Raw::open(server.http);
    raw.send(post(&format!("/mock/{spec}/v1/chat/completions"), PLAIN).as_bytes());
    let reply = raw.read_for(SHORT);
    assert_eq!((reply.bytes.len(), reply.ended), (0, Ended::Open));
    assert_eq!(common::stats(&server, spec)["in_flight"], 1);
    drop(raw);
    await_stats(&server, spec, |stats| {
        stats["aborted"] == 1 && stats["in_flight"] == 0
    });
}

#[test]
fn cuts_come_at_their_byte_with_reset_or_fin() {
    let server = server(&[]);
    for (kind, ended) in [("reset_mid", Ended::Reset), ("fin_mid", Ended::Fin)] {
        for k in [0, 1, 37, 150] {
            let fault = format!("{kind}@{k}");
            let reply = whole(&server, &fault);
            assert_eq!((reply.raw_body().len(), reply.ended), (k, ended), "{fault}");
            let promised: usize = reply
                .header("content-length")
                .expect("length")
                .parse()
                .expect("n");
            assert!(promised > k, "{fault}");
            let reply = stream(&server, &fault);
            assert_eq!(
                (reply.body().len(), reply.ended),
                (k, ended),
                "{fault}, streamed"
            );
            assert!(
                !reply.raw_body().ends_with(b"0\r\n\r\n"),
                "{fault}: no last chunk"
            );
        }
    }
}

#[test]
fn a_cut_beyond_the_end_still_lacks_the_last_chunk() {
    let server = server(&[]);
    let reply = stream(&server, "fin_mid@1000000");
    assert!(reply.body_text().ends_with(DONE));
    assert!(!reply.raw_body().ends_with(b"0\r\n\r\n"));
}

#[test]
fn a_stall_keeps_the_connection_open_after_its_byte() {
    let server = server(&[]);
    for body in [PLAIN, STREAM] {
        let mut raw = Raw::open(server.http);
        raw.send(
            post(
                "/mock/tokens=8,fault=stall_mid@90/v1/chat/completions",
                body,
            )
            .as_bytes(),
        );
        let enough = |bytes: &[u8]| {
            Reply {
                bytes: bytes.to_vec(),
                ended: Ended::Open,
            }
            .body()
            .len()
                >= 90
        };
        let reply = raw.read_until(Duration::from_secs(10), enough);
        assert_eq!((reply.body().len(), reply.ended), (90, Ended::Open));
        let silence = raw.read_for(SHORT);
        assert_eq!((silence.bytes.len(), silence.ended), (0, Ended::Open));
    }
    await_stats(&server, "tokens=8,fault=stall_mid@90", |stats| {
        stats["aborted"] == 2
    });
}

#[test]
fn a_drip_sends_single_bytes() {
    let server = server(&[]);
    let mut raw = Raw::open(server.http);
    raw.send(post("/mock/fault=drip/v1/chat/completions", STREAM).as_bytes());
    let reply = raw.read_until(Duration::from_secs(5), |bytes| bytes.len() > 500);
    let chunks = reply.chunks();
    assert!(
        chunks.len() > 5 && chunks.iter().all(|chunk| chunk.len() == 1),
        "{chunks:?}"
    );
    assert!(
        String::from_utf8(chunks.concat())
            .expect("ascii")
            .starts_with("data: ")
    );
}

#[test]
fn broken_framing_is_broken() {
    let server = server(&[]);
    for reply in [whole(&server, "bad_chunk"), stream(&server, "bad_chunk")] {
        assert_eq!(
            reply.header("transfer-encoding").as_deref(),
            Some("chunked")
        );
        assert!(reply.raw_body().ends_with(b"\r\nnot-a-size\r\n"));
        assert!(!reply.chunks().is_empty());
        assert_eq!(reply.ended, Ended::Fin);
    }
    for reply in [
        whole(&server, "short_length"),
        stream(&server, "short_length"),
    ] {
        let promised: usize = reply
            .header("content-length")
            .expect("length")
            .parse()
            .expect("n");
        assert_eq!(promised, reply.raw_body().len() + 64);
        assert_eq!(reply.ended, Ended::Fin);
    }
}

#[test]
fn gzip_is_false_or_cut() {
    let server = server(&[]);
    let unpack = |bytes: &[u8]| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes)
            .read_to_string(&mut text)
            .map(|_| text)
    };
    for reply in [whole(&server, "gzip_bad"), stream(&server, "gzip_bad")] {
        assert_eq!(reply.header("content-encoding").as_deref(), Some("gzip"));
        assert!(unpack(&reply.body()).is_err());
        assert!(!reply.body().starts_with(&[0x1f, 0x8b]));
    }
    for reply in [whole(&server, "gzip_cut"), stream(&server, "gzip_cut")] {
        assert!(reply.body().starts_with(&[0x1f, 0x8b]), "it begins as gzip");
        assert!(unpack(&reply.body()).is_err(), "and ends too early");
        assert!(
            reply.raw_body().ends_with(b"0\r\n\r\n"),
            "in a transfer that is complete"
        );
    }
}

#[test]
fn statuses_come_with_error_bodies_in_the_providers_shape() {
    let server = server(&[]);
    for status in [400, 401, 403, 404, 408, 409, 422, 429, 500, 503, 529, 599] {
        let reply = whole(&server, &format!("status_{status}"));
        assert_eq!(reply.status(), status);
        assert!(reply.json()["error"]["message"].is_string());
    }
    let spec = "/mock/fault=status_529/v1/messages";
    let reply = exchange(server.http, post(spec, PLAIN));
    assert_eq!(reply.json()["error"]["type"], "overloaded_error");
    for status in [429, 503, 529] {
        let said = |more: &str| {
            let spec = format!("/mock/fault=status_{status}{more}/v1/chat/completions");
            exchange(server.http, post(&spec, PLAIN)).header("retry-after")
        };
        assert_eq!(said(",retry_after=7").as_deref(), Some("7"), "{status}");
        assert_eq!(said(""), None, "{status}: no limit knows when");
    }
    for status in [204, 304] {
        let reply = whole(&server, &format!("status_{status}"));
        assert_eq!((reply.status(), reply.body().len()), (status, 0));
    }
}

#[test]
fn an_interim_status_comes_before_the_answer() {
    let server = server(&[]);
    for reply in [whole(&server, "status_103"), stream(&server, "status_103")] {
        let text = reply.text();
        let (interim, rest) = text.split_once("\r\n\r\n").expect("two heads");
        assert_eq!(interim, "HTTP/1.1 103 Early Hints");
        assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(
            text.ends_with('}') || text.ends_with("0\r\n\r\n"),
            "complete"
        );
        assert_eq!(reply.ended, Ended::Fin);
    }
}

#[test]
fn pages_and_other_wrong_answers_under_right_statuses() {
    let server = server(&[]);
    #[rustfmt::skip]
    let cases = [
        // fault, status, content type, body contains
        ("html_502", 502, Some("text/html; charset=utf-8"), "<h1>502 Bad Gateway</h1>"),
        ("html_200", 200, Some("text/html; charset=utf-8"), "<title>Sign in</title>"),
        ("json_error_200", 200, Some("application/json"), "\"error\":{"),
        ("empty_200", 200, None, ""),
        ("no_content_204", 204, None, ""),
        ("quota_429", 429, Some("application/json"), "\"code\":\"insufficient_quota\""),
        ("should_retry_false", 503, Some("application/json"), "\"error\":{"),
    ];
    for (fault, status, kind, part) in cases {
        for reply in [whole(&server, fault), stream(&server, fault)] {
            assert_eq!(reply.status(), status, "{fault}");
            assert_eq!(reply.header("content-type").as_deref(), kind, "{fault}");
            assert!(reply.body_text().contains(part), "{fault}");
            assert!(!part.is_empty() || reply.body().is_empty(), "{fault}");
        }
    }
    let reply = whole(&server, "should_retry_false");
    assert_eq!(reply.header("x-should-retry").as_deref(), Some("false"));
}

#[test]
fn json_is_cut_and_types_are_wrong() {
    let server = server(&[]);
    let reply = whole(&server, "bad_json");
    assert_eq!(
        reply.header("content-type").as_deref(),
        Some("application/json")
    );
    assert!(reply.body().starts_with(b"{\"id\""));
    assert!(serde_json::from_slice::<serde_json::Value>(&reply.body()).is_err());
    let text = stream(&server, "bad_json").body_text();
    assert_eq!(data_lines(&text)[1], "data: {\"");
    assert!(text.ends_with(DONE));
    let reply = whole(&server, "wrong_mime");
    assert_eq!(
        reply.header("content-type").as_deref(),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(reply.json()["object"], "chat.completion");
    let reply = stream(&server, "wrong_mime");
    assert_eq!(
        reply.header("content-type").as_deref(),
        Some("text/plain; charset=utf-8")
    );
    assert!(reply.body_text().ends_with(DONE));
}

#[test]
fn a_redirect_points_to_the_port_that_counts() {
    let server = server(&[]);
    let spec = "fault=redirect_307";
    let reply = chat(&server, spec, PLAIN);
    assert_eq!(reply.status(), 307);
    let location = reply.header("location").expect("location");
    let target = format!("http://{}", server.redirect);
    let path = location.strip_prefix(&target).expect("the other port");
    assert_eq!(common::stats(&server, spec)["redirected"], 0);
    let followed = exchange(server.redirect, post(path, PLAIN));
    assert_eq!(followed.status(), 200);
    let line = "authorization: Bearer sk-canary\r\n";
    exchange(server.redirect, common::post_with(path, PLAIN, line));
    let stats = common::stats(&server, spec);
    assert_eq!(
        (&stats["redirected"], &stats["redirected_credentials"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn errors_inside_streams() {
    let server = server(&[]);
    let first = stream(&server, "sse_error_first").body_text();
    assert!(first.starts_with("data: {\"error\":{\"message\":") && data_lines(&first).len() == 1);
    for k in [0, 1, 4] {
        let text = stream(&server, &format!("sse_error_mid@{k}")).body_text();
        let lines = data_lines(&text);
        assert_eq!(lines.len(), k + 1);
        assert!(lines[k].starts_with("data: {\"error\":{") && !text.contains("[DONE]"));
    }
    let bare = stream(&server, "sse_top_level_error").body_text();
    assert!(data_lines(&bare)[2].starts_with("data: {\"object\":\"error\",\"message\":"));
    let text = stream(&server, "finish_error").body_text();
    assert!(text.contains("\"finish_reason\":\"error\"") && text.ends_with(DONE));
    let spec = "/mock/tokens=3,fault=sse_error_mid@2/v1/messages";
    let text = exchange(server.http, post(spec, STREAM)).body_text();
    assert!(
        text.contains("event: error\ndata: {\"type\":\"error\""),
        "{text}"
    );
}

#[test]
fn ends_of_streams() {
    let server = server(&[]);
    let sound = data_lines(&sound_stream(&server)).len();
    let lines = |fault: &str| {
        let text = stream(&server, fault).body_text();
        (data_lines(&text).len(), text.matches(DONE).count(), text)
    };
    let (events, done, _) = lines("no_done");
    assert_eq!((events, done), (sound - 1, 0));
    let (events, done, _) = lines("double_done");
    assert_eq!((events, done), (sound + 1, 2));
    let (_, done, text) = lines("no_final_blank");
    assert!(done == 0 && text.ends_with("data: [DONE]\n"));
}

#[test]
fn a_late_end_comes_after_the_terminal_event() {
    let server = server(&[]);
    let mut raw = Raw::open(server.http);
    let path = "/mock/tokens=2,fault=late_eof:3000/v1/chat/completions";
    raw.send(post(path, STREAM).as_bytes());
    let done = |bytes: &[u8]| bytes.ends_with(b"data: [DONE]\n\n\r\n");
    let reply = raw.read_until(Duration::from_secs(10), done);
    assert_eq!(
        reply.ended,
        Ended::Open,
        "everything is there before the end"
    );
    let rest = raw.read_for(Duration::from_secs(10));
    assert_eq!(
        (&rest.bytes[..], rest.ended),
        (&b"0\r\n\r\n"[..], Ended::Fin)
    );
}

#[test]
fn lines_that_are_long_or_odd() {
    let server = server(&[]);
    let text = stream(&server, "long_line:100000").body_text();
    let longest = text.lines().max_by_key(|line| line.len()).expect("lines");
    assert!(longest.len() >= 99_000, "{}", longest.len());
    let json = longest.strip_prefix("data: ").expect("data");
    assert!(
        serde_json::from_str::<serde_json::Value>(json).is_ok(),
        "it is still JSON"
    );

    let text = stream(&server, "cr_lines").body_text();
    assert!(text.ends_with("data: [DONE]\r\r") && !text.contains('\n'));
    assert!(
        stream(&server, "bom")
            .body()
            .starts_with(b"\xef\xbb\xbfdata: ")
    );
}

#[test]
fn what_never_ends_goes_on_until_the_client_leaves() {
    let server = server(&[]);
    let first = |fault: &str, count: usize| {
        let mut raw = Raw::open(server.http);
        raw.send(post(&format!("/mock/fault={fault}/v1/chat/completions"), STREAM).as_bytes());
        let reply = raw.read_until(Duration::from_secs(5), |bytes| bytes.len() > count);
        assert_eq!(reply.ended, Ended::Open, "{fault}");
        reply.chunks()[2..].concat()
    };
    let line = first("endless_line", 600_000);
    assert!(line.starts_with(b"data: xxx") && !line.contains(&b'\n'));
    let data = String::from_utf8(first("endless_data", 600_000)).expect("ascii");
    assert!(!data.contains("\n\n") && data.contains("\ndata:\n"));
    let comments = String::from_utf8(first("endless_comments", 1500)).expect("ascii");
    assert!(comments.starts_with(": keep-alive\n\n: keep-alive\n\n"));
    for fault in ["endless_line", "endless_data", "endless_comments"] {
        await_stats(&server, &format!("fault={fault}"), |stats| {
            stats["aborted"] == 1
        });
    }
}

#[test]
fn pieces_are_split_or_come_at_once() {
    let server = server(&[]);
    let reply = stream(&server, "split:7");
    assert!(reply.chunks().iter().all(|chunk| chunk.len() <= 7));
    assert!(reply.body_text().ends_with(DONE));
    let reply = whole(&server, "split:1");
    assert!(reply.chunks().iter().all(|chunk| chunk.len() == 1));
    assert_eq!(reply.json()["object"], "chat.completion");

    // Nothing comes before everything: the first event waits for the last token.
    let mut raw = Raw::open(server.http);
    let path = "/mock/ttft=0,tpot=500,tokens=8,fault=one_burst/v1/chat/completions";
    raw.send(post(path, STREAM).as_bytes());
    let early = raw.read_for(SHORT);
    assert!(early.raw_body().is_empty(), "{}", early.text());
    let rest = raw.read_for(Duration::from_secs(10));
    assert!(rest.text().contains("[DONE]"));
}

#[test]
fn hints_are_sent_as_given() {
    let server = server(&[]);
    for (value, expected) in [
        ("0", "0"),
        ("-5", "-5"),
        ("1.5", "1.5"),
        ("Infinity", "Infinity"),
        ("5%2C%2060", "5, 60"),
    ] {
        let reply = whole(&server, &format!("retry_after_{value}"));
        assert_eq!(reply.status(), 429);
        assert_eq!(reply.header("retry-after").as_deref(), Some(expected));
    }
}

#[test]
fn a_slow_error_body_comes_byte_by_byte() {
    let server = server(&[]);
    let mut raw = Raw::open(server.http);
    raw.send(post("/mock/fault=slow_error_body/v1/chat/completions", PLAIN).as_bytes());
    let reply = raw.read_until(Duration::from_secs(5), |bytes| bytes.len() > 400);
    assert_eq!(reply.status(), 500);
    assert!(reply.chunks().iter().all(|chunk| chunk.len() == 1));
    assert!(reply.chunks().concat().starts_with(b"{\"err"));
}

#[test]
fn faults_repeat_with_their_seed() {
    let server = server(&[]);
    let run = |name: &str| -> Vec<u16> {
        let spec = format!("tokens=1,seed=5,fault=status_503:0.5,tpot={name}");
        (0..30)
            .map(|_| chat(&server, &spec, PLAIN).status())
            .collect()
    };
    let first = run("0");
    assert_eq!(first, run("0.0"), "another spec string, the same draws");
    assert!(first.contains(&200) && first.contains(&503));
}
