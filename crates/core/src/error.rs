//! The one shape of failure.
//!
//! A kind for each thing that a caller would do differently, with data rather than text, and
//! beside it where the call stood. No error ever holds a key.

use std::fmt;
use std::time::Duration;

use crate::check::ConfigError;
use crate::decode::{AnswerError, ApiError, StreamError};
use crate::http::Handle;
use crate::platform::TransportError;
use crate::secret::Secret;

/// Where a call stood when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Waiting for its turn, or between two attempts.
    Queue,
    /// From dispatch until the server is known to have been reached.
    Connect,
    /// Waiting for the head of the reply.
    Headers,
    /// Reading a whole answer, or a stream before its first content.
    Body,
    /// After the first content of a stream reached the caller.
    Stream,
}

impl Phase {
    /// The phase's name in records and in JavaScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Connect => "connect",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Stream => "stream",
        }
    }
}

/// Which clock ran out, and how long it had run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// The whole call's.
    Call(Duration),
    /// One attempt's.
    Attempt(Duration),
    /// The one for a stream's first content.
    FirstToken(Duration),
    /// The one between two pieces of content.
    Idle(Duration),
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, limit) = match self {
            Self::Call(limit) => ("the call took longer than its timeout of ", limit),
            Self::Attempt(limit) => ("an attempt took longer than its timeout of ", limit),
            Self::FirstToken(limit) => (
                "no content arrived within the first-token timeout of ",
                limit,
            ),
            Self::Idle(limit) => (
                "the stream fell silent for longer than the idle timeout of ",
                limit,
            ),
        };
        f.write_str(what)?;
        let millis = whole_millis(*limit);
        if millis < SECONDS_FROM {
            write!(f, "{millis} ms")
        } else {
            write!(f, "{} s", millis / 1000)
        }
    }
}

/// From so many milliseconds on, people think of a limit in seconds.
const SECONDS_FROM: u64 = 10_000;

/// A time in milliseconds, rounded up: who waits as long has waited long enough. Not as the 128 bits that
/// it could be, which would be formatted by code of their own.
pub(crate) fn whole_millis(time: Duration) -> u64 {
    let millis = time.as_secs().saturating_mul(1000);
    millis.saturating_add(u64::from(time.subsec_nanos().div_ceil(1_000_000)))
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call itself cannot be made.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The caller took the call back.
    #[error("the call was aborted")]
    Aborted,
    /// A clock ran out.
    #[error("{0}")]
    Timeout(Timeout),
    /// As many calls as allowed are waiting already.
    #[error("{queue_max} calls are waiting already, which is the limit of the queue")]
    QueueFull {
        /// The limit.
        queue_max: usize,
    },
    /// Nothing may be sent at present, at the server's word or after its refusals, for longer than
    /// this call may wait.
    #[error("nothing may be sent to the server for longer than this call may wait")]
    Paused,
    /// The network.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The server said no.
    #[error("the server answered {status}: {error}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// What it said.
        error: Box<ApiError>,
    },
    /// An error inside an answer that had begun well.
    #[error("the server reported an error inside its answer: {0}")]
    InBand(Box<ApiError>),
    /// A success that is none: HTML, nothing at all, broken JSON.
    #[error("the server answered with success, but {0}")]
    Answer(AnswerError),
    /// A stream that cannot be read.
    #[error("the stream cannot be read: {0}")]
    Stream(StreamError),
    /// A stream that ended without saying so.
    #[error("the stream ended before its end")]
    Truncated,
    /// The answer is longer than the client reads.
    #[error("the answer is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// A failure after content had been handed on, so that nothing could be retried.
    /// What arrived is in [`Error::partial`].
    #[error("interrupted after the answer had begun: {0}")]
    Interrupted(Box<Self>),
}

impl ErrorKind {
    /// The kind's name in records and in JavaScript.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::Aborted => "aborted",
            Self::Timeout(_) => "timeout",
            Self::QueueFull { .. } => "queue_full",
            Self::Paused => "paused",
            Self::Transport(TransportError::Opaque(_)) => "opaque",
            Self::Transport(_) => "network",
            Self::Status { .. } => "status",
            Self::InBand(_) => "in_band",
            Self::Answer(_) => "answer",
            Self::Stream(_) => "stream",
            Self::Truncated => "truncated",
            Self::TooLong { .. } => "too_long",
            Self::Interrupted(_) => "interrupted",
        }
    }

    /// The same without `key`, which some servers repeat in their errors.
    pub(crate) fn scrubbed(mut self, key: &Secret) -> Self {
        match &mut self {
            Self::Status { error, .. } | Self::InBand(error) => scrub(error, key),
            Self::Answer(
                AnswerError::Html(text)
                | AnswerError::Malformed(text)
                | AnswerError::Unexpected(text),
            )
            | Self::Stream(StreamError::Malformed(text) | StreamError::NotEvents(text)) => {
                *text = key.scrub(text);
            }
            // Implementations of fetch quote the header that they dislike.
            Self::Transport(
                TransportError::Connect(text)
                | TransportError::Lost(text)
                | TransportError::Opaque(text)
                | TransportError::Cut(text)
                | TransportError::Invalid(text),
            ) => *text = key.scrub(text),
            // Texts of our own.
            _ => {}
        }
        self
    }

    /// Whether it passes with time although nothing about this attempt was at fault.
    pub(crate) const fn passes(&self) -> bool {
        matches!(
            self,
            Self::Timeout(_) | Self::QueueFull { .. } | Self::Paused
        )
    }

    /// Whether the attempt had got as far as the server, as far as anybody can tell.
    pub(crate) const fn shows_server(&self) -> bool {
        matches!(
            self,
            Self::Status { .. }
                | Self::InBand(_)
                | Self::Answer(_)
                | Self::Stream(_)
                | Self::Truncated
                | Self::Interrupted(_)
                | Self::Transport(TransportError::Lost(_) | TransportError::Cut(_))
        )
    }

    /// The HTTP status, where there was one.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn scrub(error: &mut ApiError, key: &Secret) {
    let texts = [
        &mut error.error_type,
        &mut error.code,
        &mut error.param,
        &mut error.object,
    ];
    for text in texts.into_iter().flatten() {
        *text = key.scrub(text);
    }
    error.message = key.scrub(&error.message);
}

impl From<StreamError> for ErrorKind {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Api(error) => Self::InBand(error),
            StreamError::Truncated => Self::Truncated,
            StreamError::Empty => Self::Answer(AnswerError::Empty),
            other => Self::Stream(other),
        }
    }
}

impl From<AnswerError> for ErrorKind {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Api(error) => Self::InBand(error),
            other => Self::Answer(other),
        }
    }
}

/// A call that failed, once and for all.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// What went wrong in the last attempt, or instead of one.
    pub kind: ErrorKind,
    /// Where the call stood.
    pub phase: Phase,
    /// How many attempts were sent.
    pub attempts: u32,
    /// How long the server asked to wait, or how long nothing may be sent after its refusals. Where this
    /// is longer than the client may wait, the call fails at once and says so here. Whole milliseconds,
    /// rounded up.
    pub retry_after: Option<Duration>,
    /// Whether the same call may succeed later, unchanged.
    pub retryable: bool,
    /// Whether a retry was due but the retry budget was empty.
    pub budget_exhausted: bool,
    /// The server's name for the last attempt.
    pub request_id: Option<String>,
    /// What a stream had delivered before it was interrupted.
    pub partial: Option<String>,
    /// The platform's own object for the last attempt's reply.
    pub handle: Option<Handle>,
}

impl Error {
    /// A failure before any attempt, or beside them.
    pub fn of(kind: ErrorKind, phase: Phase) -> Self {
        Self {
            retryable: kind.passes(),
            kind,
            phase,
            attempts: 0,
            retry_after: None,
            budget_exhausted: false,
            request_id: None,
            partial: None,
            handle: None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.attempts == 0 && self.kind.shows_server() {
            write!(f, " (to other calls; this one was never sent)")?;
        }
        if self.attempts > 1 {
            write!(f, " (after {} attempts)", self.attempts)?;
        }
        if self.budget_exhausted {
            write!(
                f,
                "; not retried further, because too many calls are failing at once"
            )?;
        }
        if let Some(wait) = self.retry_after {
            let millis = whole_millis(wait);
            if self.kind == ErrorKind::Paused {
                write!(f, "; it may again in {millis} ms")?;
            } else {
                write!(f, "; the server asks to wait {millis} ms")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // `Display` has told the kind already.
        self.kind.source()
    }
}
