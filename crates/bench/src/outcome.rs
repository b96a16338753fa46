//! From what the client noted of a call to one sample: pure translation.

use kneepoint_core::decode::{
    AnswerError, ApiError, ApiErrorKind, Choice, FinishReason, StreamError, Usage,
};
use kneepoint_core::platform::TransportError;
use kneepoint_core::{Connection, Error, ErrorKind, Instant, Record, Reply};

use crate::plan::Cost;
use crate::record::{Class, Sample, TokenSource};

/// The longest excerpt of an error that is kept, in characters.
const EXCERPT_CHARS: usize = 200;

/// A request before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) rung: u32,
    pub(crate) slot: u32,
    /// When it was to be sent.
    pub(crate) sched: Instant,
    /// Whether it counts, or warms up.
    pub(crate) measured: bool,
    /// What was reserved for it, the most that it can cost.
    pub(crate) most: Cost,
}

/// What was read of an answer beside what the client notes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) usage: Option<Usage>,
    /// Tokens by llama.cpp's `timings`: of the prompt and of the answer.
    pub(crate) timings: Option<(Option<u64>, Option<u64>)>,
    pub(crate) finish: Option<FinishReason>,
    /// Whether it holds anything at all.
    pub(crate) has_content: bool,
    pub(crate) reads: u32,
    /// Between chunks, in milliseconds.
    pub(crate) gaps_ms: Vec<f64>,
    /// What it came by.
    pub(crate) connection: Connection,
}

impl Reading {
    /// What a whole answer holds. A body that the platform kept to itself is empty here, and was found
    /// to say something.
    pub(crate) fn of(reply: &Reply) -> Self {
        let Reply { answer, body, .. } = reply;
        let first = answer.choices.first();
        let says = |choice: &Choice| {
            let texts = [&choice.text, &choice.reasoning, &choice.refusal];
            texts.iter().any(|text| !text.is_empty()) || !choice.tool_calls.is_empty()
        };
        Self {
            usage: answer.usage,
            finish: first.and_then(|choice| choice.finish.clone()),
            has_content: body.is_empty() || first.is_some_and(says),
            reads: 1,
            connection: reply.head.connection,
            ..Self::default()
        }
    }
}

/// How a call came out.
pub(crate) enum Outcome {
    Answered(Reading),
    Failed(Box<Error>, Reading),
    Aborted,
}

/// Translates a call into a sample. `record` is none where nothing was noted, because nothing was
/// sent.
pub(crate) fn sample(
    job: &Job,
    record: Option<&Record>,
    outcome: &Outcome,
    origin: Instant,
    now: Instant,
) -> Sample {
    let micros = |at: Instant| (at - origin).as_micros() as u64;
    let first = record.and_then(|record| record.attempts.first());
    let last = record.and_then(|record| record.attempts.last());
    let nothing = Reading::default();
    let (class, error, reading) = match outcome {
        Outcome::Answered(reading) if reading.has_content => (Class::Ok, None, reading),
        Outcome::Answered(reading) => (Class::Empty, None, reading),
        Outcome::Failed(error, reading) => (class(&error.kind), Some(&**error), reading),
        Outcome::Aborted => (Class::Aborted, None, &nothing),
    };
    let hinted = error
        .and_then(|error| error.retry_after)
        .or_else(|| last.and_then(|attempt| attempt.retry_after));
    let chunks = last.map_or(0, |attempt| attempt.chunks);
    let (out_tok, tok_source) = tokens(reading, chunks);
    let usage = reading.usage.unwrap_or_default();
    let max_gap = reading.gaps_ms.iter().copied().reduce(f64::max);
    Sample {
        id: job.id,
        rung: job.rung,
        slot: job.slot,
        t_sched: micros(job.sched),
        t_start: first.map(|attempt| micros(attempt.start)),
        t_headers: last.and_then(|attempt| attempt.headers).map(micros),
        t_first: last.and_then(|attempt| attempt.first_token).map(micros),
        t_visible: last.and_then(|attempt| attempt.first_visible).map(micros),
        t_last: last.and_then(|attempt| attempt.last_token).map(micros),
        t_end: micros(record.and_then(|record| record.end).unwrap_or(now)),
        status: last.and_then(|attempt| attempt.status),
        class,
        error: error.map(|error| error.kind.to_string().chars().take(EXCERPT_CHARS).collect()),
        attempts: record.map_or(0, |record| record.attempts.len() as u32),
        retry_after: hinted.map(|wait| wait.as_millis() as u64),
        in_tok: usage
            .input
            .or_else(|| reading.timings.and_then(|timings| timings.0)),
        out_tok,
        cached_tok: usage.cached,
        tok_source,
        chunks,
        reads: reading.reads,
        max_gap: max_gap.map(|gap| (gap * 1000.0) as u64),
        finish_reason: reading
            .finish
            .as_ref()
            .map(|reason| finish_word(reason).to_owned()),
        bytes: last.map_or(0, |attempt| attempt.bytes),
        reused: reading.connection.reused,
        protocol: reading.connection.protocol.map(str::to_owned),
    }
}

/// Who counted the tokens of the answer, the best source first.
fn tokens(reading: &Reading, chunks: u32) -> (Option<u64>, TokenSource) {
    if let Some(output) = reading.usage.and_then(|usage| usage.output) {
        return (Some(output), TokenSource::Usage);
    }
    if let Some((_, Some(output))) = reading.timings {
        return (Some(output), TokenSource::Timings);
    }
    if chunks > 0 {
        return (Some(u64::from(chunks)), TokenSource::Chunks);
    }
    (None, TokenSource::None)
}

const fn finish_word(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Other(word) => word.as_str(),
        _ => "other",
    }
}

/// The class of a failure.
pub(crate) fn class(kind: &ErrorKind) -> Class {
    match kind {
        ErrorKind::Status { status, error } => by_status(*status, error),
        ErrorKind::InBand(error) | ErrorKind::Answer(AnswerError::Api(error)) => by_error(error),
        ErrorKind::Timeout(_) => Class::Timeout,
        // The server said to stay away for longer than the client may wait.
        ErrorKind::Paused => Class::Throttled,
        ErrorKind::Transport(TransportError::Opaque(_)) => Class::Cors,
        // Most often the address is another than the API's.
        ErrorKind::Stream(StreamError::NotEvents(_))
        | ErrorKind::Answer(
            AnswerError::Html(_) | AnswerError::Malformed(_) | AnswerError::Unexpected(_),
        ) => Class::NotApi,
        ErrorKind::Transport(TransportError::Cut(_))
        | ErrorKind::Truncated
        | ErrorKind::Stream(_)
        | ErrorKind::TooLong { .. } => Class::Truncated,
        ErrorKind::Transport(_) => Class::Network,
        ErrorKind::Answer(_) => Class::Empty,
        ErrorKind::Interrupted(inner) => class(inner),
        ErrorKind::Config(_) => Class::Client,
        _ => Class::Aborted,
    }
}

fn by_status(status: u16, error: &ApiError) -> Class {
    match status {
        // More than the whole limit is refused at any load.
        429 if error.kind() == ApiErrorKind::TooLarge => Class::Client,
        429 => Class::Throttled,
        500.. => Class::Server,
        400..=499 => Class::Client,
        _ => by_error(error),
    }
}

fn by_error(error: &ApiError) -> Class {
    match error.kind() {
        ApiErrorKind::RateLimited | ApiErrorKind::Quota => Class::Throttled,
        ApiErrorKind::Rejected | ApiErrorKind::TooLarge => Class::Client,
        _ => Class::Server,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use kneepoint_core::Timeout;

    #[test]
    fn every_failure_has_its_class() {
        let status = |status| ErrorKind::Status {
            status,
            error: Box::default(),
        };
        let in_band = |error_type: &str| {
            ErrorKind::InBand(Box::new(ApiError {
                error_type: Some(error_type.to_owned()),
                ..ApiError::default()
            }))
        };
        let too_large = || {
            Box::new(ApiError {
                message: "Limit 10, Requested 11".to_owned(),
                status: Some(429),
                ..ApiError::default()
            })
        };
        let text = String::new;
        #[rustfmt::skip]
        let cases = [
            (status(429),                                                          Class::Throttled),
            (ErrorKind::Status { status: 429, error: too_large() },                Class::Client),
            (ErrorKind::InBand(too_large()),                                       Class::Client),
            (status(503),                                                          Class::Server),
            (status(529),                                                          Class::Server),
            (status(401),                                                          Class::Client),
            (in_band("rate_limit_error"),                                          Class::Throttled),
            (in_band("overloaded_error"),                                          Class::Server),
            (in_band("invalid_request_error"),                                     Class::Client),
            (ErrorKind::Timeout(Timeout::Idle(Duration::from_secs(1))),            Class::Timeout),
            (ErrorKind::Paused,                                                    Class::Throttled),
            (ErrorKind::Transport(TransportError::Connect(text())),                Class::Network),
            (ErrorKind::Transport(TransportError::Opaque(text())),                 Class::Cors),
            (ErrorKind::Transport(TransportError::Cut(text())),                    Class::Truncated),
            (ErrorKind::Truncated,                                                 Class::Truncated),
            (ErrorKind::Stream(StreamError::Malformed(text())),                    Class::Truncated),
            (ErrorKind::Stream(StreamError::NotEvents(text())),                    Class::NotApi),
            (ErrorKind::Answer(AnswerError::Html(text())),                         Class::NotApi),
            (ErrorKind::Answer(AnswerError::Malformed(text())),                    Class::NotApi),
            (ErrorKind::Answer(AnswerError::Unexpected(text())),                   Class::NotApi),
            (ErrorKind::Answer(AnswerError::Empty),                                Class::Empty),
            (ErrorKind::Interrupted(Box::new(ErrorKind::Truncated)),               Class::Truncated),
            (ErrorKind::Aborted,                                                   Class::Aborted),
        ];
        for (kind, expected) in cases {
            assert_eq!(class(&kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn tokens_are_counted_by_whoever_knows_best() {
        let usage = |output| Reading {
            usage: Some(Usage {
                output,
                ..Usage::default()
            }),
            timings: Some((None, Some(7))),
            ..Reading::default()
        };
        assert_eq!(tokens(&usage(Some(9)), 3), (Some(9), TokenSource::Usage));
        assert_eq!(tokens(&usage(None), 3), (Some(7), TokenSource::Timings));
        assert_eq!(
            tokens(&Reading::default(), 3),
            (Some(3), TokenSource::Chunks)
        );
        assert_eq!(tokens(&Reading::default(), 0), (None, TokenSource::None));
    }
}
