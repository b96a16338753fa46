//! What is noted of each call and each of its attempts, for reports, hooks and tests.
//!
//! Plain data. Nothing here holds a key, a prompt or an answer.

use std::rc::Rc;
use std::time::Duration;

use crate::decode::Usage;
use crate::http::Handle;
use crate::retry::Class;
use crate::time::Instant;

/// One fetch.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRecord {
    /// When it was handed to the transport.
    pub start: Instant,
    /// When the head of the reply was there.
    pub headers: Option<Instant>,
    /// When the first content or tool call was there; an empty first event does not count.
    pub first_token: Option<Instant>,
    /// When the first visible token was there: reasoning does not count.
    pub first_visible: Option<Instant>,
    /// When the last content was there.
    pub last_token: Option<Instant>,
    /// When it was over. The place of a stream is given back once its rest is drained, which may
    /// be a quarter of a second later.
    pub end: Option<Instant>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What its failure says about trying again; none where it succeeded or was dropped.
    pub class: Option<Class>,
    /// The kind of its failure, `"aborted"` where it was dropped.
    pub error: Option<&'static str>,
    /// How long the server asked to wait.
    pub retry_after: Option<Duration>,
    /// How many attempts of its key were in flight when it was sent, itself included.
    pub in_flight: u32,
    /// Whether it raced an attempt that was slow to answer.
    pub hedge: bool,
    /// Bytes of the reply's body.
    pub bytes: u64,
    /// Events with content.
    pub chunks: u32,
}

impl AttemptRecord {
    /// An attempt that is about to be sent.
    pub(crate) const fn new(start: Instant, in_flight: u32, hedge: bool) -> Self {
        Self {
            start,
            headers: None,
            first_token: None,
            first_visible: None,
            last_token: None,
            end: None,
            status: None,
            class: None,
            error: None,
            retry_after: None,
            in_flight,
            hedge,
            bytes: 0,
            chunks: 0,
        }
    }
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheUse {
    /// No cache was asked.
    #[default]
    Bypass,
    /// The cache did not have it.
    Miss,
    /// The cache had it, or was just being given it.
    Hit,
    /// An equal call was in flight, and its answer served this one too.
    Shared,
}

impl CacheUse {
    /// The name in records and in JavaScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Miss => "miss",
            Self::Hit => "hit",
            Self::Shared => "shared",
        }
    }
}

/// One call, from the caller's request to its one outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The operation's name among OpenTelemetry's for generative AI (`gen_ai.operation.name`).
    pub operation: &'static str,
    /// The model that was asked for (`gen_ai.request.model`).
    pub model: Option<Rc<str>>,
    /// Host and port (`server.address`).
    pub host: Rc<str>,
    /// When the caller asked.
    pub created: Instant,
    /// Time spent waiting for a turn, over all attempts; pauses between them do not count.
    pub queued: Duration,
    /// The attempts, in the order in which they were sent.
    pub attempts: Vec<AttemptRecord>,
    /// When the call was settled.
    pub end: Option<Instant>,
    /// The kind of failure (`error.type`); none for a success.
    pub error: Option<&'static str>,
    /// What the server says it used.
    pub usage: Option<Usage>,
    /// Where the answer came from.
    pub cache: CacheUse,
    /// What the caller hands through to the platform.
    pub handle: Option<Handle>,
}

impl Record {
    /// A call that was just asked for.
    pub(crate) const fn new(
        operation: &'static str,
        model: Option<Rc<str>>,
        host: Rc<str>,
        created: Instant,
        handle: Option<Handle>,
    ) -> Self {
        Self {
            operation,
            model,
            host,
            created,
            queued: Duration::ZERO,
            attempts: Vec::new(),
            end: None,
            error: None,
            usage: None,
            cache: CacheUse::Bypass,
            handle,
        }
    }
}
