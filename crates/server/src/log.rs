//! One line per proxied call on standard error: what, how it ended, how long it took.
//!
//! A line never holds a key, a prompt, an answer or a query.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write as _};
use std::time::Duration;

/// What is known of a call when it ends.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) upstream: String,
    pub(crate) method: http::Method,
    /// One of the allow-listed paths.
    pub(crate) path: &'static str,
    /// 0 when no answer was sent.
    pub(crate) status: u16,
    /// Which attempt the client said that this is, from 1.
    pub(crate) attempt: u32,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) total: Duration,
    pub(crate) bytes: u64,
    pub(crate) tokens: u64,
    pub(crate) outcome: Cow<'static, str>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(f, "proxy {} {} {}", self.upstream, self.method, self.path)?;
        write!(f, " status={} attempt={}", self.status, self.attempt)?;
        if let Some(first) = self.first_byte {
            write!(f, " first_ms={:.1}", ms(first))?;
        }
        write!(f, " total_ms={:.1} bytes={}", ms(self.total), self.bytes)?;
        write!(f, " tokens={} {}", self.tokens, self.outcome)
    }
}

/// Where lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    Stderr,
    Off,
}

impl Log {
    pub(crate) fn write(self, line: &Line) {
        if self == Self::Stderr {
            say(&line.to_string());
        }
    }
}

/// What the user should know of the server itself, `--quiet` or not.
pub(crate) fn warn(text: &str) {
    say(&format!("kneepoint-server: {text}"));
}

/// A reader that has gone away, or a disk that is full, is no reason to fail a call.
fn say(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
