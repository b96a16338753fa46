//! Who may ask the server: its own page for a session, others with its token alone.

mod common;

use std::net::SocketAddr;

use common::{exchange, get, server_with_env};

#[test]
fn the_session_is_for_the_servers_own_page() {
    let server = common::server(&[]);
    let ask = |lines: &str| {
        exchange(
            server.http,
            format!("GET /server.json HTTP/1.1\r\n{lines}connection: close\r\n\r\n"),
        )
    };
    let own = format!("host: {}\r\n", server.http);
    assert_eq!(ask(&own).status(), 200);
    assert_eq!(
        ask(&own).header("cache-control").as_deref(),
        Some("private, no-store")
    );
    assert_eq!(ask("host: evil.example\r\n").status(), 421);
    assert_eq!(
        ask(&format!("{own}origin: http://evil.example\r\n")).status(),
        403
    );
    assert_eq!(
        ask(&format!("{own}sec-fetch-site: cross-site\r\n")).status(),
        403
    );
}

#[test]
fn a_server_that_others_reach_asks_for_its_token_everywhere() {
    let line = [
        "--listen",
        "0.0.0.0:0",
        "--allow-remote",
        "--token-env",
        "TOKEN",
    ];
    let server = server_with_env(&line, |name| (name == "TOKEN").then(|| "s3cret".to_owned()));
    let address = SocketAddr::from(([127, 0, 0, 1], server.http.port()));
    assert_eq!(
        exchange(address, get("/mock/instant/v1/models")).status(),
        401
    );
    let with = |line: &str| {
        format!(
            "GET /mock/instant/v1/models HTTP/1.1\r\nhost: x\r\n{line}\r\nconnection: close\r\n\r\n"
        )
    };
    assert_eq!(
        exchange(address, with("authorization: Bearer s3cret")).status(),
        200
    );
    assert_eq!(
        exchange(address, with("x-kneepoint-token: wrong")).status(),
        403
    );
    let session = format!("GET /server.json HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    assert_eq!(exchange(address, format!("{session}\r\n")).status(), 401);
    let reply = exchange(
        address,
        format!("{session}x-kneepoint-token: s3cret\r\n\r\n"),
    );
    assert!(reply.json()["token"].is_null() && !reply.text().contains("s3cret"));
}
