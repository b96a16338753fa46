//! The proxy: what is refused reaches no upstream, what is passed on is only what it should be.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::{Ended, Raw, Reply, exchange, server_with_env};
use kneepoint_server::Server;

const KEY: &str = "sk-canary-0123456789";

/// An upstream that notes what it receives and answers with fixed bytes.
struct Upstream {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("address");
        let (connections, received) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::<Mutex<Vec<_>>>::default(),
        );
        let (count, notes) = (Arc::clone(&connections), Arc::clone(&received));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("accepts");
                count.fetch_add(1, Ordering::SeqCst);
                let notes = Arc::clone(&notes);
                thread::spawn(move || {
                    let (mut text, mut block) = (String::new(), [0; 4096]);
                    // A body in these tests ends with the brace of its JSON.
                    while !(text.contains("\r\n\r\n")
                        && (text.starts_with("GET") || text.contains('}')))
                    {
                        match stream.read(&mut block) {
                            Ok(0) | Err(_) => return,
                            Ok(n) => text.push_str(&String::from_utf8_lossy(&block[..n])),
                        }
                    }
                    notes.lock().expect("lock").push(text);
                    let _ = stream.write_all(answer.as_bytes());
                    if answer.is_empty() {
                        // Silent: it stays until the other side leaves.
                        let _ = stream.read(&mut block);
                    }
                });
            }
        });
        Self {
            address,
            connections,
            received,
        }
    }

    fn last(&self) -> String {
        self.received
            .lock()
            .expect("lock")
            .last()
            .expect("a request")
            .to_lowercase()
    }
}

fn proxy_to(address: SocketAddr, more: &[&str]) -> (Server, String) {
    let upstream = format!("up=http://{address},key-env=CANARY");
    let mut line = vec!["--upstream", &upstream];
    line.extend(more);
    let server = server_with_env(&line, |name| (name == "CANARY").then(|| KEY.to_owned()));
    let token = token_of(&server);
    (server, token)
}

fn token_of(server: &Server) -> String {
    let host = format!("host: {}", server.http);
    let session = format!("GET /server.json HTTP/1.1\r\n{host}\r\nconnection: close\r\n\r\n");
    let session = exchange(server.http, session).json();
    session["token"].as_str().expect("token").to_owned()
}

const BODY: &str = r#"{"model":"m"}"#;

/// A call that passes every check.
fn good(server: &Server, token: &str, lines: &str) -> String {
    good_with(server, token, lines, BODY)
}

fn good_with(server: &Server, token: &str, lines: &str, body: &str) -> String {
    format!(
        "POST /proxy/up/v1/chat/completions HTTP/1.1\r\nhost: {}\r\nx-kneepoint-token: {token}\r\n\
         content-type: application/json\r\nconnection: close\r\n{lines}content-length: {}\r\n\r\n{body}",
        server.http,
        body.len()
    )
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: a=b\r\n\
    server: secret-host\r\nx-ratelimit-remaining-requests: 7\r\nllm_provider-retry-after: 3\r\n\
    llm_provider-server: secret-host\r\nconnection: close\r\n\
    content-length: 34\r\n\r\n{\"usage\":{\"total_tokens\":   1234}}";

#[test]
fn hostile_probes_are_refused_and_no_upstream_hears_of_them() {
    let upstream = Upstream::answering(OK);
    let (server, token) = proxy_to(upstream.address, &[]);
    let good = good(&server, &token, "");
    let own = format!("host: {}\r\n", server.http);
    let port = server.http.port();
    let token_line = format!("x-kneepoint-token: {token}\r\n");
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let path = |path: &str| swap("/proxy/up/v1/chat/completions", path);
    let line = |line: &str| swap(&own, &format!("{own}{line}\r\n"));
    let host = |host: &str| swap(&own, &format!("host: {host}\r\n"));
    #[rustfmt::skip]
    let probes = vec![
        ("rebound host", host("evil.example")),
        ("rebound host with our port", host(&format!("evil.example:{port}"))),
        ("our address without the port", host("127.0.0.1")),
        ("another port", host("127.0.0.1:1")),
        ("a name that looks like ours", host(&format!("127.0.0.1.evil.example:{port}"))),
        ("a loopback name that is not the page's", host(&format!("s1.localhost:{port}"))),
        ("a user in the host", host(&format!("127.0.0.1:{port}@evil.example"))),
        ("no host", swap(&own, "")),
        ("two hosts", line(&format!("host: {}", server.http))),
        ("a target on another host", path("http://evil.example/proxy/up/v1/chat/completions")),
        ("another site's page", line("origin: https://evil.example")),
        ("an opaque origin", line("origin: null")),
        ("another port's page", line("origin: http://127.0.0.1:1")),
        ("a cross-site request without origin", line("sec-fetch-site: cross-site")),
        ("a same-site request", line("sec-fetch-site: same-site")),
        ("no token", swap(&token_line, "")),
        ("a wrong token", swap(&token_line, "x-kneepoint-token: 0000\r\n")),
        ("two tokens", swap(&token_line, &format!("{token_line}{token_line}"))),
        ("the token in the query", swap(&token_line, "").replace("completions HTTP", &format!("completions?token={token} HTTP"))),
        ("an unknown upstream", path("/proxy/other/v1/chat/completions")),
        ("an upstream given as a URL", path("/proxy/http://evil.example/v1/chat/completions")),
        ("an upstream given as an address", path("/proxy/169.254.169.254/v1/chat/completions")),
        ("a path outside the list", path("/proxy/up/v1/files")),
        ("a path that climbs", path("/proxy/up/v1/../admin")),
        ("a path that climbs in disguise", path("/proxy/up/v1/%2e%2e/admin")),
        ("an encoded slash", path("/proxy/up%2fv1/chat/completions")),
        ("a doubled slash", path("/proxy/up//v1/chat/completions")),
        ("a query", path("/proxy/up/v1/chat/completions?stream=1")),
        ("a method outside the list", swap("POST ", "DELETE ")),
        ("a preflight", swap("POST ", "OPTIONS ")),
        ("a tunnel", format!("CONNECT evil.example:443 HTTP/1.1\r\n{own}{token_line}\r\n")),
        ("a forward proxy request", format!("GET http://169.254.169.254/latest/ HTTP/1.1\r\n{own}{token_line}connection: close\r\n\r\n")),
        ("a form's content type", swap("application/json", "text/plain")),
        ("no content type", swap("content-type: application/json\r\n", "")),
        ("an encoded body", line("content-encoding: gzip")),
        ("an upgrade", line("connection: upgrade\r\nupgrade: websocket")),
        ("a body beyond the cap", swap("content-length: 13", "content-length: 99999999")),
        ("a head beyond the cap", line(&format!("x-long: {}", "x".repeat(100_000)))),
        ("headers beyond the cap", line("x-many: 1\r\n".repeat(200).trim_end())),
        ("a length that is no number", swap("content-length: 13", "content-length: -1")),
        ("two lengths", swap("content-length: 13", "content-length: 13\r\ncontent-length: 14")),
        ("a folded header", line("x-a: b\r\n c: d")),
    ];
    assert!(probes.len() >= 30);
    for (name, probe) in &probes {
        let mut raw = Raw::open(server.http);
        raw.send(probe.as_bytes());
        let head = |bytes: &[u8]| bytes.windows(4).any(|window| window == b"\r\n\r\n");
        let reply = raw.read_until(Duration::from_secs(10), head);
        assert!(
            (400..500).contains(&reply.status()),
            "{name}: {}",
            reply.text()
        );
        assert!(!reply.text().contains(KEY), "{name}");
        assert_eq!(reply.header("access-control-allow-origin"), None, "{name}");
    }
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 0);
    // The probes differ from this in one thing each, and this passes.
    let reply = exchange(server.http, &good);
    assert_eq!(
        (reply.status(), upstream.connections.load(Ordering::SeqCst)),
        (200, 1)
    );
}

#[test]
fn a_refusal_is_not_lost_to_a_client_that_is_still_sending() {
    let upstream = Upstream::answering(OK);
    let (server, token) = proxy_to(upstream.address, &[]);
    let body = "x".repeat(32 << 20);
    let mut raw = Raw::open(server.http);
    let sent = raw.try_send(good_with(&server, &token, "", &body).as_bytes());
    assert!(sent.is_ok(), "{sent:?}");
    let reply = raw.read_for(Duration::from_secs(10));
    assert_eq!((reply.status(), reply.ended), (413, Ended::Fin));
}

#[test]
fn only_what_is_listed_is_passed_on_in_either_direction() {
    let upstream = Upstream::answering(OK);
    let (server, token) = proxy_to(upstream.address, &[]);
    let lines = "cookie: session=1\r\nauthorization: Bearer users-own\r\naccept-encoding: gzip\r\n\
        x-forwarded-for: 1.2.3.4\r\nreferer: http://x/\r\nanthropic-version: 2023-06-01\r\n\
        idempotency-key: abc\r\n";
    let reply = exchange(server.http, good(&server, &token, lines));
    let sent = upstream.last();
    assert!(
        sent.starts_with("post /v1/chat/completions http/1.1\r\n"),
        "{sent}"
    );
    assert!(sent.contains(&format!("authorization: bearer {KEY}")));
    assert!(
        sent.contains("anthropic-version: 2023-06-01") && sent.contains("idempotency-key: abc")
    );
    assert!(sent.contains("accept-encoding: identity") && sent.ends_with(BODY));
    for absent in [
        "cookie",
        "users-own",
        "gzip",
        "forwarded",
        "referer",
        &token,
    ] {
        assert!(!sent.contains(absent), "{absent}: {sent}");
    }
    assert_eq!(
        reply.header("x-ratelimit-remaining-requests").as_deref(),
        Some("7")
    );
    assert_eq!(
        reply.header("llm_provider-retry-after").as_deref(),
        Some("3")
    );
    assert_eq!(
        reply.header("cache-control").as_deref(),
        Some("private, no-store")
    );
    assert_eq!(
        ["set-cookie", "server", "llm_provider-server"].map(|name| reply.header(name)),
        [None, None, None]
    );
    assert_eq!(reply.json()["usage"]["total_tokens"], 1234);
}

#[test]
fn an_echoed_key_is_taken_out() {
    let upstream = Upstream::answering(
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nx-request-id: sk-canary-0123456789\r\n\
         x-ratelimit-limit-sk-canary-0123456789: 1\r\nX-RateLimit-Limit-Requests: 2\r\n\
         connection: close\r\n\r\n{\"error\":{\"message\":\"Incorrect key: sk-canary-0123456789.\"}}",
    );
    let (server, token) = proxy_to(upstream.address, &[]);
    let reply = exchange(server.http, good(&server, &token, ""));
    assert_eq!(reply.status(), 401);
    assert!(reply.body_text().contains("Incorrect key: [key]."));
    assert!(!reply.text().contains(KEY));
    let limit = reply.header("x-ratelimit-limit-requests");
    assert_eq!(limit.as_deref(), Some("2"));
}

#[test]
fn an_echoed_key_is_taken_out_of_a_stream_wherever_it_is_cut() {
    let (mask, length) = ("*".repeat(KEY.len()), KEY.len());
    for cut in [1, 10, length - 1, length] {
        let (begin, end) = KEY.split_at(cut);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n\
             {:x}\r\ndata: {begin}\r\n{:x}\r\n{end}\n\n\r\n0\r\n\r\n",
            6 + begin.len(),
            end.len() + 2
        );
        let upstream = Upstream::answering(answer.leak());
        let (server, token) = proxy_to(upstream.address, &[]);
        let reply = exchange(server.http, good(&server, &token, ""));
        assert_eq!(reply.body_text(), format!("data: {mask}\n\n"), "{cut}");
    }
    // The length that was promised stays true, also when the end looks like a beginning.
    for (text, expected) in [
        (
            format!("{{\"key\":\"{KEY}\"}}"),
            format!("{{\"key\":\"{mask}\"}}"),
        ),
        (KEY[..9].to_owned(), KEY[..9].to_owned()),
    ] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        );
        let upstream = Upstream::answering(answer.leak());
        let (server, token) = proxy_to(upstream.address, &[]);
        let reply = exchange(server.http, good(&server, &token, ""));
        assert_eq!(reply.body_text(), expected);
        assert_eq!(reply.header("content-length"), Some(text.len().to_string()));
    }
}

#[test]
fn an_upstream_that_is_silent_is_given_up() {
    let silence = ["--upstream-silence", "1"];
    // It takes the request and never answers.
    let silent = Upstream::answering("");
    let (server, token) = proxy_to(silent.address, &silence);
    let reply = exchange(server.http, good(&server, &token, ""));
    assert_eq!(reply.status(), 504);
    let message = reply.json()["error"]["message"].to_string();
    assert!(message.contains("--upstream-silence"), "{message}");
    // It begins, and stops in the middle: there is no status left to say so, only the end.
    let (_mock, server, token) = proxied_mock("ttft=1,tpot=3600000,tokens=2", &silence);
    let reply = exchange(server.http, good_with(&server, &token, "", common::STREAM));
    assert_eq!(reply.status(), 200);
    assert!(reply.text().contains("data: ") && !reply.text().ends_with("0\r\n\r\n"));
    assert_ne!(reply.ended, Ended::Open);
}

#[test]
fn a_client_that_stops_in_its_request_is_told_so_and_not_that_the_upstream_was_silent() {
    let upstream = Upstream::answering(OK);
    let (server, token) = proxy_to(upstream.address, &["--upstream-silence", "1"]);
    let whole = good(&server, &token, "");
    let mut raw = Raw::open(server.http);
    raw.send(&whole.as_bytes()[..whole.len() - 1]);
    let reply = raw.read_until(Duration::from_secs(10), |_| false);
    assert_eq!(reply.status(), 408);
    let message = reply.json()["error"]["message"].to_string();
    assert!(message.contains("body"), "{message}");
}

#[test]
fn a_length_that_an_upstream_says_twice_is_said_once() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
         content-length: 2\r\nconnection: close\r\n\r\n{}",
    );
    let (server, token) = proxy_to(upstream.address, &[]);
    let reply = exchange(server.http, good(&server, &token, ""));
    let lengths = reply.text().matches("content-length: 2\r\n").count();
    assert_eq!((reply.status(), lengths), (200, 1), "{}", reply.text());
    assert_eq!(reply.body_text(), "{}");
}

#[test]
fn a_key_that_cannot_be_seen_is_not_passed_on() {
    // Compressed although that was not asked for: the key may be in it, and cannot be found.
    for (lines, body) in [
        ("content-encoding: gzip", "packed bytes"),
        (
            "content-encoding: identity\r\ncontent-encoding: gzip",
            "packed bytes",
        ),
        (
            "transfer-encoding: gzip, chunked",
            "c\r\npacked bytes\r\n0\r\n\r\n",
        ),
    ] {
        let answer = format!(
            "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\n{lines}\r\n\
             connection: close\r\n\r\n{body}"
        );
        let packed = Upstream::answering(answer.leak());
        let (server, token) = proxy_to(packed.address, &[]);
        let reply = exchange(server.http, good(&server, &token, ""));
        assert_eq!(
            (reply.status(), reply.header("content-encoding")),
            (401, None),
            "{lines}"
        );
        assert!(!reply.text().contains("packed bytes"), "{lines}");
    }

    // The end of what is read of a long answer falls into the key.
    let filler = "x".repeat((256 << 10) - 10);
    let answer = format!("HTTP/1.1 500 No\r\nconnection: close\r\n\r\n{filler}{KEY}");
    let cut = Upstream::answering(answer.leak());
    let (server, token) = proxy_to(cut.address, &[]);
    let reply = exchange(server.http, good(&server, &token, ""));
    assert_eq!(reply.status(), 500);
    assert!(reply.body_text().ends_with('x'));
}

#[test]
fn a_switch_of_protocols_is_not_passed_on() {
    let upstream = Upstream::answering(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    );
    let (server, token) = proxy_to(upstream.address, &[]);
    let reply = exchange(server.http, good(&server, &token, ""));
    assert_eq!(reply.status(), 502);
}

#[test]
fn a_redirect_is_not_followed_and_not_passed_on() {
    let upstream = Upstream::answering(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\n\r\n",
    );
    let (server, token) = proxy_to(upstream.address, &[]);
    let reply = exchange(server.http, good(&server, &token, ""));
    assert_eq!((reply.status(), reply.header("location")), (502, None));
}

#[test]
fn an_upstream_that_is_away_is_a_502_that_says_so() {
    let address = TcpListener::bind("127.0.0.1:0")
        .expect("binds")
        .local_addr()
        .expect("address");
    let (server, token) = proxy_to(address, &[]);
    let reply = exchange(server.http, good(&server, &token, ""));
    assert_eq!(reply.status(), 502);
    assert!(reply.body_text().contains("cannot be reached"));
}

#[test]
fn spending_ends_at_its_limit() {
    let upstream = Upstream::answering(OK);
    let (server, token) = proxy_to(upstream.address, &["--spend-calls", "2"]);
    let status =
        |server: &Server, token: &str| exchange(server.http, good(server, token, "")).status();
    assert_eq!([(); 3].map(|()| status(&server, &token)), [200, 200, 429]);
    let (server, token) = proxy_to(upstream.address, &["--spend-tokens", "1000"]);
    assert_eq!([(); 2].map(|()| status(&server, &token)), [200, 429]);
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 3);
}

/// A proxy in front of another server's simulated endpoint.
fn proxied_mock(spec: &str, more: &[&str]) -> (Server, Server, String) {
    let mock = common::server(&[]);
    let upstream = format!("up=http://{}/mock/{spec}/v1", mock.http);
    let line = [&["--upstream", &upstream], more].concat();
    let server = common::server(&line);
    let token = token_of(&server);
    (mock, server, token)
}

#[test]
fn a_stream_passes_event_by_event() {
    // The second token comes after an hour: what is read must have come before the end.
    let (_mock, server, token) = proxied_mock("ttft=1,tpot=3600000,tokens=2", &[]);
    let mut raw = Raw::open(server.http);
    raw.send(good_with(&server, &token, "", common::STREAM).as_bytes());
    let reply: Reply = raw.read_until(Duration::from_secs(10), |bytes| {
        String::from_utf8_lossy(bytes).matches("data: ").count() >= 2
    });
    assert_eq!((reply.status(), reply.ended), (200, Ended::Open));
    assert_eq!(reply.header("content-encoding"), None);
    assert!(
        reply
            .header("content-type")
            .expect("type")
            .starts_with("text/event-stream")
    );
}

#[test]
fn a_client_that_leaves_ends_the_upstream_call() {
    let spec = "ttft=3600000";
    let (mock, server, token) = proxied_mock(spec, &[]);
    for body in [common::PLAIN, common::STREAM] {
        let request = good_with(&server, &token, "", body);
        let mut raw = Raw::open(server.http);
        raw.send(request.as_bytes());
        common::await_stats(&mock, spec, |stats| stats["in_flight"] == 1);
        drop(raw);
        common::await_stats(&mock, spec, |stats| stats["in_flight"] == 0);
    }
    assert_eq!(common::stats(&mock, spec)["aborted"], 2);
}
