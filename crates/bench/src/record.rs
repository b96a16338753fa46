//! One request as it is measured: plain data, in microseconds since the run began.
//!
//! Nothing here holds a prompt, an answer or a key.

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// With an answer.
    Ok,
    /// Refused for its rate.
    Throttled,
    /// The server failed or was overloaded.
    Server,
    /// The server found fault with the request.
    Client,
    /// One of the client's clocks ran out.
    Timeout,
    /// The connection failed.
    Network,
    /// The browser did not let the answer be read, or could not reach the server: it does not say.
    Cors,
    /// The answer stopped before its end, or could not be read to it.
    Truncated,
    /// A success that is none of an API: a web page, or another text.
    NotApi,
    /// A success without an answer in it.
    Empty,
    /// Taken back by the client: the run was over.
    Aborted,
}

words!(Class as as_str {
    Ok = "ok", Throttled = "429", Server = "5xx", Client = "4xx", Timeout = "timeout",
    Network = "network", Cors = "cors", Truncated = "truncated", NotApi = "not_api",
    Empty = "empty", Aborted = "aborted",
});
by_serde!(Class);

impl Class {
    /// All of them, the success first.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::Throttled,
        Self::Server,
        Self::Client,
        Self::Timeout,
        Self::Network,
        Self::Cors,
        Self::Truncated,
        Self::NotApi,
        Self::Empty,
        Self::Aborted,
    ];
}

/// Who counted the tokens of an answer. Text is never tokenised again to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenSource {
    /// The server, in the answer's `usage`.
    Usage,
    /// The server, in llama.cpp's `timings`.
    Timings,
    /// Nobody: events with content were counted instead, and an event may hold many tokens.
    Chunks,
    /// Nobody at all.
    None,
}

words!(TokenSource as as_str { Usage = "usage", Timings = "timings", Chunks = "chunks", None = "none" });
by_serde!(TokenSource);

/// One request. Times are microseconds since the run began.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its number in the run, from 0.
    pub id: u64,
    /// The rung that it belongs to, from 0; of a request that warms up, settles or ends a rung, the
    /// one during which it was sent.
    pub rung: u32,
    /// The slot that sent it, from 0; 0 where requests are sent at given times.
    pub slot: u32,
    /// When it was to be sent: the planned time, or when its slot became free.
    pub t_sched: u64,
    /// When its first attempt was handed to the transport; none if it never was.
    pub t_start: Option<u64>,
    /// When the head of the last attempt's reply was there.
    pub t_headers: Option<u64>,
    /// When the first content or tool call was there, of streams.
    pub t_first: Option<u64>,
    /// When the first visible token was there: reasoning does not count.
    pub t_visible: Option<u64>,
    /// When the last content was there.
    pub t_last: Option<u64>,
    /// When it was over.
    pub t_end: u64,
    /// The HTTP status of the last attempt.
    pub status: Option<u16>,
    /// How it ended.
    pub class: Class,
    /// The beginning of what the server said about a failure; scrubbed of the key.
    pub error: Option<String>,
    /// Attempts sent.
    pub attempts: u32,
    /// How long the server asked to wait, in milliseconds.
    pub retry_after: Option<u64>,
    /// Tokens of the prompt, as the server counts them.
    pub in_tok: Option<u64>,
    /// Tokens of the answer, by `tok_source`.
    pub out_tok: Option<u64>,
    /// Tokens of the prompt that the server had in a cache.
    pub cached_tok: Option<u64>,
    /// Who counted the answer's tokens.
    pub tok_source: TokenSource,
    /// Events with content.
    pub chunks: u32,
    /// Network reads that brought content.
    pub reads: u32,
    /// The longest silence between two reads with content.
    pub max_gap: Option<u64>,
    /// Why the answer ended, in the words of OpenAI's protocol.
    pub finish_reason: Option<String>,
    /// Bytes of the reply's body, of the last attempt.
    pub bytes: u64,
    /// Whether its connection had served before, where the runtime tells.
    pub reused: Option<bool>,
    /// The protocol's name, such as `h2`, where the runtime tells.
    pub protocol: Option<String>,
}

fields!(Sample {
    id,
    rung,
    slot,
    t_sched,
    t_start,
    t_headers,
    t_first,
    t_visible,
    t_last,
    t_end,
    status,
    class,
    error,
    attempts,
    retry_after,
    in_tok,
    out_tok,
    cached_tok,
    tok_source,
    chunks,
    reads,
    max_gap,
    finish_reason,
    bytes,
    reused,
    protocol,
});
by_serde!(Sample);

/// A stream of at least so many chunks that came within [`BURST_SHARE`] of its time was held back.
const BURST_CHUNKS: u32 = 8;

/// See [`BURST_CHUNKS`].
const BURST_SHARE: f64 = 0.02;

impl Sample {
    /// Whether there is an answer.
    pub fn is_ok(&self) -> bool {
        self.class == Class::Ok
    }

    /// Whether the server refused for the load: 429, or 503 with the time to come back.
    pub fn is_refused(&self) -> bool {
        let overloaded = self.status == Some(503) && self.retry_after.is_some();
        self.class == Class::Throttled || (self.class == Class::Server && overloaded)
    }

    /// Whether it failed for another reason. Taking it back is not the server's failure.
    pub fn is_failed(&self) -> bool {
        !self.is_ok() && !self.is_refused() && self.class != Class::Aborted
    }

    /// Dispatch → first content, in milliseconds; of streams.
    pub fn ttft_ms(&self) -> Option<f64> {
        span_ms(self.t_start?, self.t_first?)
    }

    /// Dispatch → first visible token, in milliseconds; of streams.
    pub fn ttfv_ms(&self) -> Option<f64> {
        span_ms(self.t_start?, self.t_visible?)
    }

    /// Time per output token after the first chunk, in milliseconds. It goes by the tokens, not by
    /// the chunks that they came in: a first chunk of four tokens has taken the time of four. None
    /// for a single chunk or token, or where nobody counted them.
    pub fn tpot_ms(&self) -> Option<f64> {
        let tokens = self.out_tok? as f64;
        let first = (tokens / f64::from(self.chunks.max(1))).max(1.0);
        let further = tokens - first;
        (further > 0.0).then_some(span_ms(self.t_first?, self.t_last?)? / further)
    }

    /// Dispatch → last content, in milliseconds.
    pub fn e2e_ms(&self) -> Option<f64> {
        span_ms(self.t_start?, self.t_last.unwrap_or(self.t_end))
    }

    /// The planned start → dispatch, in milliseconds.
    pub fn queue_ms(&self) -> Option<f64> {
        span_ms(self.t_sched, self.t_start?)
    }

    /// The planned start → last content, in milliseconds: what a user waits who does not know how
    /// busy the client is.
    pub fn e2e_sched_ms(&self) -> Option<f64> {
        span_ms(self.t_sched, self.t_last.unwrap_or(self.t_end))
    }

    /// Whether its stream was held back on the way and came in one burst at the end.
    pub fn is_burst(&self) -> bool {
        let (Some(start), Some(first), Some(last)) = (self.t_start, self.t_first, self.t_last)
        else {
            return false;
        };
        let whole = last.saturating_sub(start) as f64;
        self.chunks >= BURST_CHUNKS && last.saturating_sub(first) as f64 <= BURST_SHARE * whole
    }
}

fn span_ms(from: u64, to: u64) -> Option<f64> {
    to.checked_sub(from).map(|micros| micros as f64 / 1000.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A stream of ten tokens: dispatched at 10 ms, first token at 110 ms, last at 200 ms.
    pub(crate) fn sample() -> Sample {
        Sample {
            id: 0,
            rung: 0,
            slot: 0,
            t_sched: 4_000,
            t_start: Some(10_000),
            t_headers: Some(100_000),
            t_first: Some(110_000),
            t_visible: Some(130_000),
            t_last: Some(200_000),
            t_end: 201_000,
            status: Some(200),
            class: Class::Ok,
            error: None,
            attempts: 1,
            retry_after: None,
            in_tok: Some(3),
            out_tok: Some(10),
            cached_tok: None,
            tok_source: TokenSource::Usage,
            chunks: 10,
            reads: 10,
            max_gap: Some(20_000),
            finish_reason: Some("stop".to_owned()),
            bytes: 1000,
            reused: None,
            protocol: None,
        }
    }

    #[test]
    fn every_time_is_measured_from_where_its_name_says() {
        let sample = sample();
        assert_eq!(sample.ttft_ms(), Some(100.0));
        assert_eq!(sample.ttfv_ms(), Some(120.0));
        assert_eq!(sample.tpot_ms(), Some(10.0));
        assert_eq!(sample.e2e_ms(), Some(190.0));
        assert_eq!(sample.queue_ms(), Some(6.0));
        assert_eq!(sample.e2e_sched_ms(), Some(196.0));
    }

    #[test]
    fn what_was_not_measured_has_no_time() {
        let plain = Sample {
            t_first: None,
            t_last: None,
            ..sample()
        };
        assert_eq!((plain.ttft_ms(), plain.tpot_ms()), (None, None));
        assert_eq!(plain.e2e_ms(), Some(191.0), "to its end");
        let single = Sample {
            out_tok: Some(1),
            ..sample()
        };
        assert_eq!(single.tpot_ms(), None);
    }

    #[test]
    fn a_stream_that_comes_at_once_is_a_burst() {
        assert!(!sample().is_burst());
        let held_back = Sample {
            t_first: Some(199_000),
            ..sample()
        };
        assert!(held_back.is_burst());
        let short = Sample {
            chunks: 2,
            ..held_back
        };
        assert!(!short.is_burst(), "two chunks may well come together");
    }

    #[test]
    fn a_refusal_is_no_failure_and_an_abort_neither() {
        let of = |class, status, retry_after| Sample {
            status,
            class,
            retry_after,
            ..sample()
        };
        #[rustfmt::skip]
        let cases = [
            // sample,                                          refused, failed
            (of(Class::Throttled, Some(429), None),             true,    false),
            (of(Class::Server,    Some(503), Some(1000)),       true,    false),
            (of(Class::Server,    Some(503), None),             false,   true),
            (of(Class::Server,    Some(500), Some(1000)),       false,   true),
            (of(Class::Timeout,   None,      None),             false,   true),
            (of(Class::Aborted,   None,      None),             false,   false),
        ];
        for (sample, refused, failed) in cases {
            assert_eq!(
                (sample.is_refused(), sample.is_failed()),
                (refused, failed),
                "{sample:?}"
            );
        }
    }
}
