//! The binary: what it prints, how it fails, how it stops.

mod common;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

use common::{PATIENCE, Raw, exchange};

fn command(line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kneepoint-server"));
    command
        .args(line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn output(line: &[&str]) -> Output {
    command(line).output().expect("runs")
}

/// A server that is running, and what it has printed up to `ready`.
fn running(line: &[&str]) -> (Child, Vec<String>) {
    started(command(line))
}

fn started(mut command: Command) -> (Child, Vec<String>) {
    let mut child = command
        .env("CANARY", "sk-canary-42")
        .spawn()
        .expect("starts");
    let mut reader = BufReader::new(child.stdout.take().expect("piped"));
    let mut lines = Vec::new();
    while lines.last().map(String::as_str) != Some("ready") {
        let mut line = String::new();
        assert!(
            reader.read_line(&mut line).expect("reads") > 0,
            "ended early: {lines:?}"
        );
        lines.push(line.trim_end().to_owned());
    }
    (child, lines)
}

fn address(lines: &[String], scheme: &str) -> SocketAddr {
    let start = format!("listening {scheme}://");
    let line = lines
        .iter()
        .find_map(|line| line.strip_prefix(&start))
        .expect("a line");
    line.split(' ')
        .next()
        .expect("an address")
        .parse()
        .expect("an address")
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(status.expect("runs").success());
}

/// Ends it as Ctrl-C does. Windows sends that to all programs of a console, us among them: there it
/// is killed.
fn end(child: &mut Child) {
    if cfg!(windows) {
        child.kill().expect("is killed");
        child.wait().expect("ends");
        return;
    }
    signal(child, "-INT");
    assert!(child.wait().expect("ends").success());
}

#[test]
fn mistakes_are_one_line_and_a_failure() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("binds");
    let taken = taken.local_addr().expect("address").to_string();
    #[rustfmt::skip]
    let cases: &[(&[&str], &str)] = &[
        (&["--lisen", "x"], "unknown argument `--lisen`"),
        (&["--listen", "nowhere"], "`nowhere` is no address"),
        (&["--listen", &taken], "is in use"),
        (&["--listen", "127.0.0.1:0", "--page", "/nonexistent"], "--page /nonexistent"),
        (&["--listen", "127.0.0.1:0", "--upstream", "x"], "expected NAME=URL"),
        (&["--listen", "127.0.0.1:0", "--upstream", "x=http://y", "--upstream", "x=http://z"], "--upstream x: there are two"),
        (&["--listen", "127.0.0.1:0", "--upstream", "x=http://y,key-env=NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
        (&["--listen", "127.0.0.1:0", "--upstream", "x=http://y,key-file=/nonexistent"], "cannot read /nonexistent"),
        (&["--listen", "0.0.0.0:0"], "--allow-remote"),
        (&["--listen", "127.0.0.1:0", "--allow-remote"], "--token-env VAR is needed"),
        (&["--listen", "0.0.0.0:0", "--allow-remote", "--token-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
    ];
    for (line, expected) in cases {
        let output = output(line);
        let text = String::from_utf8(output.stderr).expect("utf-8");
        assert!(!output.status.success(), "{line:?}");
        assert!(
            text.contains(expected) && text.lines().count() == 1,
            "{line:?}: {text}"
        );
        assert!(text.starts_with("kneepoint-server: "), "{text}");
    }
}

#[test]
fn help_and_version_are_printed() {
    let help = output(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).expect("utf-8");
    assert!(
        text.contains("--tls-listen ADDR") && text.lines().all(|line| line.len() <= 100),
        "{text}"
    );
    assert!(
        output(&["--version"])
            .stdout
            .starts_with(b"kneepoint-server ")
    );
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_after_what_is_under_way() {
    let (mut child, lines) = running(&["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]);
    let http = address(&lines, "http");
    assert_ne!(address(&lines, "https").port(), 0);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("spki-sha256=") && line.ends_with('=')),
        "{lines:?}"
    );
    let mut raw = Raw::open(http);
    let spec = "ttft=700";
    let call = format!("/mock/{spec}/v1/chat/completions");
    raw.send(common::post(&call, common::PLAIN).as_bytes());
    while exchange(http, common::get(&format!("/mock/{spec}/stats"))).json()["requests"] == 0 {}
    signal(&child, "-TERM");
    let reply = raw.read_for(std::time::Duration::from_secs(10));
    assert_eq!(reply.status(), 200, "what was under way is finished");
    assert!(child.wait().expect("ends").success());
    assert!(TcpListener::bind(http).is_ok(), "the port is free again");
}

#[test]
fn a_call_is_logged_without_key_or_prompt() {
    let (mut mock, lines) = running(&["--listen", "127.0.0.1:0"]);
    let mock_address = address(&lines, "http");
    let upstream = format!("up=http://{mock_address}/mock/instant,key-env=CANARY");
    let empty = format!("empty=http://{mock_address}/mock/fault=empty_200");
    let gone = TcpListener::bind("127.0.0.1:0").expect("binds");
    let gone_address = gone.local_addr().expect("address");
    let nobody = format!("nobody=http://{gone_address}");
    drop(gone);
    let refused = TcpStream::connect(gone_address).expect_err("nobody listens there");
    let refused = refused.to_string();
    let refused = refused
        .split(" (os error")
        .next()
        .expect("the system's words");
    let upstreams = [&upstream, &empty, &nobody].map(|named| ["--upstream", named]);
    let upstreams = upstreams.concat();
    let (mut child, lines) = running(&[&["--listen", "127.0.0.1:0"], &upstreams[..]].concat());
    let http = address(&lines, "http");
    let host = format!("host: {http}\r\nconnection: close\r\n");
    let session = exchange(http, format!("GET /server.json HTTP/1.1\r\n{host}\r\n")).json();
    let token = session["token"].as_str().expect("token");
    let body = r#"{"model":"m","messages":[{"content":"secret prompt"}]}"#;
    let call = format!(
        "POST /proxy/up/v1/chat/completions HTTP/1.1\r\n{host}x-kneepoint-token: {token}\r\n\
         x-stainless-retry-count: 2\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(exchange(http, call.clone()).status(), 200);
    let nothing = exchange(http, call.replace("/proxy/up/", "/proxy/empty/"));
    assert_eq!((nothing.status(), nothing.body().len()), (200, 0));
    let lost = exchange(http, call.replace("/proxy/up/", "/proxy/nobody/"));
    assert_eq!(lost.status(), 502);
    assert!(
        !lost.json()["error"]["message"]
            .to_string()
            .contains("os error")
    );
    end(&mut child);
    let mut text = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut text)
        .expect("reads");
    assert!(
        text.starts_with("proxy up POST v1/chat/completions status=200 attempt=3 "),
        "{text}"
    );
    assert!(
        text.contains("total_ms=")
            && text
                .lines()
                .next()
                .is_some_and(|line| line.ends_with("done")),
        "{text}"
    );
    assert!(
        text.contains("status=502")
            && text.contains(&format!("the upstream cannot be reached: {refused}")),
        "{text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("proxy empty ") && line.ends_with(" done")),
        "{text}"
    );
    for secret in ["sk-canary-42", "secret prompt", token] {
        assert!(!text.contains(secret) && !lines.concat().contains(secret));
    }
    end(&mut mock);
}

#[test]
fn a_connection_beyond_the_cap_is_told_so_and_served_once_there_is_room() {
    let (mut child, lines) = running(&["--listen", "127.0.0.1:0", "--connections", "2"]);
    let http = address(&lines, "http");
    let kept = || {
        let mut raw = Raw::open(http);
        raw.send(b"GET /mock/ HTTP/1.1\r\nhost: x\r\n\r\n");
        let reply = raw.read_until(PATIENCE, |bytes| bytes.ends_with(b"}"));
        assert_eq!(reply.status(), 200);
        raw
    };
    let (first, _second) = (kept(), kept());
    let refused = exchange(http, common::get("/mock/"));
    assert_eq!(refused.status(), 503);
    let length = refused.raw_body().len().to_string();
    assert_eq!(refused.header("content-length"), Some(length));
    assert_eq!(refused.json()["error"]["type"], "connections_exceeded");
    drop(first);
    // The server learns of the close when it next looks.
    let served = (0..500).any(|_| {
        common::pause(std::time::Duration::from_millis(20));
        exchange(http, common::get("/mock/")).status() == 200
    });
    assert!(served);
    end(&mut child);
}

#[test]
fn a_log_that_nobody_reads_fails_no_call() {
    let (mut mock, lines) = running(&["--listen", "127.0.0.1:0"]);
    let upstream = format!("up=http://{}/mock/instant", address(&lines, "http"));
    let (mut child, lines) = running(&["--listen", "127.0.0.1:0", "--upstream", &upstream]);
    drop(child.stderr.take());
    let http = address(&lines, "http");
    let host = format!("host: {http}\r\nconnection: close\r\n");
    let session = exchange(http, format!("GET /server.json HTTP/1.1\r\n{host}\r\n")).json();
    let token = session["token"].as_str().expect("token");
    let call =
        format!("GET /proxy/up/v1/models HTTP/1.1\r\n{host}x-kneepoint-token: {token}\r\n\r\n");
    for _ in 0..2 {
        assert_eq!(exchange(http, call.clone()).status(), 200);
    }
    for child in [&mut child, &mut mock] {
        end(child);
    }
}

#[cfg(unix)]
#[test]
fn a_lack_of_files_is_said_once_and_passes() {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -n 40; exec \"$0\" --listen 127.0.0.1:0"])
        .arg(env!("CARGO_BIN_EXE_kneepoint-server"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (mut child, lines) = started(shell);
    let http = address(&lines, "http");
    let mut waiting: Vec<Raw> = (0..60).map(|_| Raw::open(http)).collect();
    let (tell, told) = std::sync::mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    std::thread::spawn(move || {
        for line in stderr.lines() {
            let _ = tell.send(line.expect("reads"));
        }
    });
    let complaint = told.recv_timeout(PATIENCE).expect("a line");
    assert!(complaint.contains("ulimit -n"), "{complaint}");
    // Nobody was turned away: whoever waits is served when others leave.
    let mut last = waiting.pop().expect("a connection");
    drop(waiting);
    last.send(common::get("/mock/").as_bytes());
    assert_eq!(last.read_for(PATIENCE).status(), 200);
    end(&mut child);
    assert_eq!(told.iter().next(), None);
}
