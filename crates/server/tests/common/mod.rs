//! A server in this process, and a client that shows every byte.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use kneepoint_server::args::{self, Command};
use kneepoint_server::{Server, start};
use tokio::runtime::Runtime;

/// Nothing in these tests takes this long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The runtime on which all servers of one test program run.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// Starts a server on free ports with further arguments.
pub(crate) fn server(more: &[&str]) -> Server {
    server_with_env(more, |_| None)
}

pub(crate) fn server_with_env(more: &[&str], env: impl Fn(&str) -> Option<String>) -> Server {
    let line = ["--listen", "127.0.0.1:0", "--quiet"].iter().chain(more);
    let command = args::parse(line.map(|word| (*word).to_owned())).expect("arguments");
    let Command::Run(args) = command else {
        panic!("not a run")
    };
    let _inside = runtime().enter();
    start(&args, env).expect("starts")
}

/// How the other side ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Fin,
    Reset,
    /// It did not, within the time given.
    Open,
}

/// Everything that came back on one connection.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ended: Ended,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// 0 if there is no status line.
    pub(crate) fn status(&self) -> u16 {
        let text = self.text();
        text.split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let text = self.text();
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }

    /// What follows the head, as it came over the wire.
    pub(crate) fn raw_body(&self) -> &[u8] {
        let end = self
            .bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        end.map_or(&[], |end| &self.bytes[end + 4..])
    }

    /// The body with its chunks joined, as far as they are sound.
    pub(crate) fn body(&self) -> Vec<u8> {
        if self.header("transfer-encoding").as_deref() != Some("chunked") {
            return self.raw_body().to_vec();
        }
        self.chunks().concat()
    }

    pub(crate) fn chunks(&self) -> Vec<Vec<u8>> {
        let (mut rest, mut chunks) = (self.raw_body(), Vec::new());
        while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
            let size = std::str::from_utf8(&rest[..end]).ok();
            let Some(size) = size.and_then(|size| usize::from_str_radix(size, 16).ok()) else {
                break;
            };
            let data = &rest[end + 2..];
            if size == 0 || data.len() < size + 2 {
                break;
            }
            chunks.push(data[..size].to_vec());
            rest = &data[size + 2..];
        }
        chunks
    }

    pub(crate) fn body_text(&self) -> String {
        String::from_utf8(self.body()).expect("the body is UTF-8")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body()).expect("the body is JSON")
    }
}

/// A connection that is written to and read from by hand.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connects");
        stream.set_nodelay(true).expect("nodelay");
        Self(stream)
    }

    pub(crate) fn send(&mut self, text: &[u8]) {
        // The server may refuse and close while the rest of a hostile request is on its way.
        let _ = self.0.write_all(text);
    }

    /// Sends all of it, or says why the rest could not leave.
    pub(crate) fn try_send(&mut self, text: &[u8]) -> std::io::Result<()> {
        self.0.write_all(text)
    }

    /// Reads until the other side ends, or for `time`.
    pub(crate) fn read_for(&mut self, time: Duration) -> Reply {
        self.read_until(time, |_| false)
    }

    /// Reads until `enough`, the end, or for `time` of silence.
    pub(crate) fn read_until(&mut self, time: Duration, enough: impl Fn(&[u8]) -> bool) -> Reply {
        self.0.set_read_timeout(Some(time)).expect("timeout");
        let (mut bytes, mut block) = (Vec::new(), vec![0; 65_536]);
        let ended = loop {
            if enough(&bytes) {
                break Ended::Open;
            }
            match self.0.read(&mut block) {
                Ok(0) => break Ended::Fin,
                Ok(count) => bytes.extend_from_slice(&block[..count]),
                // A read with a timeout is not restarted when the process was stopped or frozen.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break Ended::Reset,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    break Ended::Open;
                }
                Err(error) => panic!("reading: {error}"),
            }
        };
        Reply { bytes, ended }
    }
}

/// Sends bytes and reads to the end.
pub(crate) fn exchange(address: SocketAddr, text: impl AsRef<[u8]>) -> Reply {
    let mut raw = Raw::open(address);
    raw.send(text.as_ref());
    raw.read_for(PATIENCE)
}

pub(crate) const PLAIN: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"Hello!"}],"max_tokens":8}"#;
pub(crate) const STREAM: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"Hello!"}],"max_tokens":8,"stream":true}"#;

/// A POST that asks the server to close after it.
pub(crate) fn post(path: &str, body: &str) -> String {
    post_with(path, body, "")
}

/// The same with further header lines, each ended by CRLF.
pub(crate) fn post_with(path: &str, body: &str, lines: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         connection: close\r\n{lines}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
}

/// A chat call on a simulated endpoint.
pub(crate) fn chat(server: &Server, spec: &str, body: &str) -> Reply {
    exchange(
        server.http,
        post(&format!("/mock/{spec}/v1/chat/completions"), body),
    )
}

pub(crate) fn stats(server: &Server, spec: &str) -> serde_json::Value {
    exchange(server.http, get(&format!("/mock/{spec}/stats"))).json()
}

/// Asks for the stats until they are as wanted. Fails after ten seconds.
pub(crate) fn await_stats(
    server: &Server,
    spec: &str,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    for _ in 0..500 {
        let found = stats(server, spec);
        if wanted(&found) {
            return found;
        }
        pause(Duration::from_millis(20));
    }
    panic!("{spec}: {}", stats(server, spec));
}

/// Waits without a sleeping call of the standard library.
pub(crate) fn pause(time: Duration) {
    runtime().block_on(async { tokio::time::sleep(time).await });
}
