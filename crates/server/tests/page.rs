//! The page host over HTTP: types, codings, locks.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Reply, exchange, get, server};

/// A directory that looks like Trunk's output, removed at the end.
struct Dist(PathBuf);

impl Dist {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kneepoint-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("sub")).expect("directory");
        let script = "export const value = 1;\n".repeat(50);
        fs::write(
            path.join("index.html"),
            "<!DOCTYPE html><title>Kneepoint</title>",
        )
        .expect("writes");
        fs::write(path.join("web-0123456789abcdef.js"), script).expect("writes");
        fs::write(
            path.join("web-0123456789abcdef_bg.wasm"),
            b"\0asm\x01\0\0\0",
        )
        .expect("writes");
        fs::write(path.join("sub/style-00112233445566ff.css"), "a{b:c}").expect("writes");
        Self(path)
    }
}

impl Drop for Dist {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn get_with(path: &str, line: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{line}\r\n\r\n")
}

fn assert_locked(reply: &Reply) {
    let policy = reply.header("content-security-policy").expect("policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
        "{policy}"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
    ] {
        assert_eq!(reply.header(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(reply.header("access-control-allow-origin"), None);
}

#[test]
fn files_have_their_types_cache_rules_and_locks() {
    let dist = Dist::new("types");
    let server = server(&["--page", dist.0.to_str().expect("utf-8")]);
    #[rustfmt::skip]
    let cases = [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/web-0123456789abcdef.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/web-0123456789abcdef_bg.wasm", "application/wasm", "public, max-age=31536000, immutable"),
        ("/sub/style-00112233445566ff.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
    ];
    for (path, kind, cache) in cases {
        let reply = exchange(server.http, get(path));
        assert_eq!(reply.status(), 200, "{path}");
        assert_eq!(
            reply.header("content-type").as_deref(),
            Some(kind),
            "{path}"
        );
        assert_eq!(
            reply.header("cache-control").as_deref(),
            Some(cache),
            "{path}"
        );
        assert_locked(&reply);
    }
    for path in [
        "/none",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "//etc/passwd",
        "/sub/",
        "/sub",
    ] {
        let reply = exchange(server.http, get(path));
        assert_eq!(reply.status(), 404, "{path}");
        assert_locked(&reply);
    }
}

#[test]
fn a_coding_is_chosen_from_the_clients_list_and_unpacks_to_the_file() {
    let dist = Dist::new("codings");
    let server = server(&["--page", dist.0.to_str().expect("utf-8")]);
    let path = "/web-0123456789abcdef.js";
    let plain = exchange(server.http, get(path)).body();
    let reply = exchange(server.http, get_with(path, "accept-encoding: gzip, br"));
    assert_eq!(reply.header("content-encoding").as_deref(), Some("br"));
    let mut unpacked = Vec::new();
    brotli::BrotliDecompress(&mut &reply.body()[..], &mut unpacked).expect("brotli");
    assert_eq!(unpacked, plain);
    let reply = exchange(server.http, get_with(path, "accept-encoding: gzip"));
    assert_eq!(reply.header("content-encoding").as_deref(), Some("gzip"));
    assert!(reply.body().len() < plain.len());
    let tag = reply.header("etag").expect("etag");
    let again = exchange(
        server.http,
        get_with(
            path,
            &format!("accept-encoding: gzip\r\nif-none-match: {tag}"),
        ),
    );
    assert_eq!((again.status(), again.body().len()), (304, 0));
}

#[test]
fn without_a_page_the_server_says_how_to_build_one() {
    let server = server(&[]);
    let reply = exchange(server.http, get("/"));
    assert_eq!(reply.status(), 404);
    assert!(reply.body_text().contains("trunk build"));
    assert_locked(&reply);
}
