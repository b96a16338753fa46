//! The kinds of failure that a spec can ask for, and how they are written.
//!
//! This file only names and parses them; `shape` changes what is sent, `wire` breaks how.

use std::time::Duration;

/// What goes wrong with a request that drew this fault.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// Reset as soon as the head is read: the nearest to a refused connection that a listening
    /// port can do for one path only.
    Refuse,
    /// The work is done, then the connection is reset with no byte answered.
    ResetBeforeHeaders,
    /// The work is done, and nothing is ever answered.
    StallHeaders,
    /// Reset, FIN or silence after so many bytes of the body.
    ResetMid(u64),
    FinMid(u64),
    StallMid(u64),
    /// One byte at a time.
    Drip,
    /// A chunk size that is no number, after the first piece of the body.
    BadChunk,
    /// `content-length` promises more bytes than come before the FIN.
    ShortLength,
    /// Labelled gzip, and is not.
    GzipBad,
    /// Real gzip, cut in half, inside a transfer that is complete.
    GzipCut,
    /// Answers with this status at once.
    Status(u16),
    /// A proxy's error page.
    Html502,
    /// A captive portal's page.
    Html200,
    /// An API error under status 200.
    JsonError200,
    Empty200,
    NoContent204,
    /// JSON that ends too early, inside a transfer that is complete.
    BadJson,
    /// The right bytes under `text/plain`.
    WrongMime,
    /// Points to another port of this server, which counts what it receives.
    Redirect307,
    /// An error event in place of, or in the middle of, the stream.
    SseErrorFirst,
    SseErrorMid(u64),
    /// An error object that is not wrapped in `error`, as vLLM sends it.
    SseTopLevelError,
    /// `finish_reason: "error"`, as routers send it.
    FinishError,
    /// The stream ends cleanly without its terminal event, or has it twice.
    NoDone,
    DoubleDone,
    /// The body stays open so long after the terminal event.
    LateEof(Duration),
    /// The last event lacks the blank line that ends it.
    NoFinalBlank,
    /// One event whose data line has at least so many bytes.
    LongLine(usize),
    /// A line, `data:` lines of one event, or comments, that never end.
    EndlessLine,
    EndlessData,
    EndlessComments,
    /// Lines end with CR alone.
    CrLines,
    /// The stream begins with a byte order mark.
    Bom,
    /// Pieces of so many bytes, whatever they cut.
    Split(usize),
    /// Everything at the end, at once: a proxy that buffers.
    OneBurst,
    /// 429 that says the money is gone.
    Quota429,
    /// 429 with this `retry-after`, sent as given.
    RetryAfter(String),
    /// 503 with `x-should-retry: false`.
    ShouldRetryFalse,
    /// 500 whose body comes byte by byte.
    SlowErrorBody,
}

/// Where a cut falls when the spec does not say: inside the first event of a stream.
const CUT_BYTE_DEFAULT: u64 = 64;
/// After how many events an error comes when the spec does not say.
const ERROR_EVENT_DEFAULT: u64 = 2;
/// One line of a stream may not ask for more memory than this.
const LINE_BYTES_MAX: usize = 64 << 20;
const LATE_EOF_MS_MAX: u64 = 600_000;

/// Names that can be written, for the message about one that cannot.
const KINDS: &str = "refuse, reset_before_headers, stall_headers, reset_mid@k, fin_mid@k, \
    stall_mid@k, drip, bad_chunk, short_length, gzip_bad, gzip_cut, status_N, html_502, html_200, \
    json_error_200, empty_200, no_content_204, bad_json, wrong_mime, redirect_307, \
    sse_error_first, sse_error_mid@k, sse_top_level_error, finish_error, no_done, double_done, \
    late_eof:MS, no_final_blank, long_line:BYTES, endless_line, endless_data, endless_comments, \
    cr_lines, bom, split:N, one_burst, quota_429, retry_after_VALUE, should_retry_false, \
    slow_error_body";

impl Fault {
    /// Whether the fault concerns event streams only; an answer in one piece is then left whole.
    pub(crate) fn streams_only(&self) -> bool {
        matches!(
            self,
            Self::SseErrorFirst
                | Self::SseErrorMid(_)
                | Self::SseTopLevelError
                | Self::FinishError
                | Self::NoDone
                | Self::DoubleDone
                | Self::LateEof(_)
                | Self::NoFinalBlank
                | Self::LongLine(_)
                | Self::EndlessLine
                | Self::EndlessData
                | Self::EndlessComments
                | Self::CrLines
                | Self::Bom
                | Self::OneBurst
        )
    }
}

/// Reads `KIND[@k][:ARGUMENT][:SHARE]`, still percent-encoded; the share is 1 when left out.
pub(crate) fn parse(text: &str) -> Result<(Fault, f64), String> {
    let mut fields = text.split(':');
    let first = fields.next().unwrap_or_default();
    let (kind, at) = match first.split_once('@') {
        Some((kind, at)) => (kind, Some(at)),
        None => (first, None),
    };
    let mut argument = || fields.next();
    let fault = named(&decode(kind), at, &mut argument)?;
    let share = match fields.next() {
        None => 1.0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(|| format!("share `{text}` is not a number from 0 to 1"))?,
    };
    match fields.next() {
        None => Ok((fault, share)),
        Some(extra) => Err(format!("`:{extra}` is one field too many")),
    }
}

/// The fault of this name, with its position and its argument where it takes them.
fn named<'a>(
    kind: &str,
    at: Option<&str>,
    argument: &mut dyn FnMut() -> Option<&'a str>,
) -> Result<Fault, String> {
    let position = |default: u64| match at {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| format!("`@{text}` is not a whole number")),
    };
    let fault = match kind {
        "reset_mid" => return Ok(Fault::ResetMid(position(CUT_BYTE_DEFAULT)?)),
        "fin_mid" => return Ok(Fault::FinMid(position(CUT_BYTE_DEFAULT)?)),
        "stall_mid" => return Ok(Fault::StallMid(position(CUT_BYTE_DEFAULT)?)),
        "sse_error_mid" => return Ok(Fault::SseErrorMid(position(ERROR_EVENT_DEFAULT)?)),
        "late_eof" => {
            let ms = whole("late_eof:MS", argument(), 0, LATE_EOF_MS_MAX)?;
            Fault::LateEof(Duration::from_millis(ms))
        }
        "long_line" => {
            let bytes = whole("long_line:BYTES", argument(), 1, LINE_BYTES_MAX as u64)?;
            Fault::LongLine(bytes as usize)
        }
        "split" => Fault::Split(whole("split:N", argument(), 1, 65_536)? as usize),
        "refuse" => Fault::Refuse,
        "reset_before_headers" => Fault::ResetBeforeHeaders,
        "stall_headers" => Fault::StallHeaders,
        "drip" => Fault::Drip,
        "bad_chunk" => Fault::BadChunk,
        "short_length" => Fault::ShortLength,
        "gzip_bad" => Fault::GzipBad,
        "gzip_cut" => Fault::GzipCut,
        "html_502" => Fault::Html502,
        "html_200" => Fault::Html200,
        "json_error_200" => Fault::JsonError200,
        "empty_200" => Fault::Empty200,
        "no_content_204" => Fault::NoContent204,
        "bad_json" => Fault::BadJson,
        "wrong_mime" => Fault::WrongMime,
        "redirect_307" => Fault::Redirect307,
        "sse_error_first" => Fault::SseErrorFirst,
        "sse_top_level_error" => Fault::SseTopLevelError,
        "finish_error" => Fault::FinishError,
        "no_done" => Fault::NoDone,
        "double_done" => Fault::DoubleDone,
        "no_final_blank" => Fault::NoFinalBlank,
        "endless_line" => Fault::EndlessLine,
        "endless_data" => Fault::EndlessData,
        "endless_comments" => Fault::EndlessComments,
        "cr_lines" => Fault::CrLines,
        "bom" => Fault::Bom,
        "one_burst" => Fault::OneBurst,
        "quota_429" => Fault::Quota429,
        "should_retry_false" => Fault::ShouldRetryFalse,
        "slow_error_body" => Fault::SlowErrorBody,
        other => parameterised(other)?,
    };
    match at {
        None => Ok(fault),
        Some(at) => Err(format!("`{kind}` takes no position, found `@{at}`")),
    }
}

/// The two kinds that carry a value in their name.
fn parameterised(kind: &str) -> Result<Fault, String> {
    if let Some(status) = kind.strip_prefix("status_") {
        // 101 would hand the connection to another protocol; nothing here speaks one.
        return status
            .parse()
            .ok()
            .filter(|status| (100..=999).contains(status) && *status != 101)
            .map(Fault::Status)
            .ok_or_else(|| {
                format!("`status_{status}` is not a status from 100 to 999 (101 excepted)")
            });
    }
    if let Some(value) = kind.strip_prefix("retry_after_") {
        return match http::HeaderValue::from_str(value) {
            Ok(_) => Ok(Fault::RetryAfter(value.to_owned())),
            Err(_) => Err("`retry_after_` is followed by what a header cannot carry".to_owned()),
        };
    }
    Err(format!("unknown fault `{kind}`: expected one of {KINDS}"))
}

fn whole(form: &str, text: Option<&str>, min: u64, max: u64) -> Result<u64, String> {
    let found = text.unwrap_or_default();
    found
        .parse()
        .ok()
        .filter(|value| (min..=max).contains(value))
        .ok_or_else(|| {
            format!("expected `{form}` with a whole number from {min} to {max}, found `{found}`")
        })
}

/// Percent-decodes a piece of a spec; what is not UTF-8 becomes U+FFFD and is then unknown.
pub(crate) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_with_position_argument_and_share() {
        let cases: &[(&str, Fault, f64)] = &[
            ("refuse", Fault::Refuse, 1.0),
            ("drip:0.25", Fault::Drip, 0.25),
            ("reset_mid@100:0.5", Fault::ResetMid(100), 0.5),
            ("reset_mid:0.5", Fault::ResetMid(64), 0.5),
            ("sse_error_mid@3", Fault::SseErrorMid(3), 1.0),
            (
                "late_eof:500:0.1",
                Fault::LateEof(Duration::from_millis(500)),
                0.1,
            ),
            ("split:1", Fault::Split(1), 1.0),
            ("long_line:1000", Fault::LongLine(1000), 1.0),
            ("status_599:0.5", Fault::Status(599), 0.5),
            (
                "retry_after_5%2C%2060:1",
                Fault::RetryAfter("5, 60".to_owned()),
                1.0,
            ),
            ("retry_after_-1", Fault::RetryAfter("-1".to_owned()), 1.0),
        ];
        for (text, fault, share) in cases {
            assert_eq!(parse(text), Ok((fault.clone(), *share)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let cases = [
            ("explode", "unknown fault `explode`"),
            ("drip:2", "share `2`"),
            ("drip:x", "share `x`"),
            ("drip@3", "takes no position"),
            ("late_eof", "late_eof:MS"),
            ("split:0", "from 1 to 65536"),
            ("reset_mid@x", "`@x`"),
            ("status_101", "101 excepted"),
            ("status_9999", "`status_9999`"),
            ("drip:1:1", "too many"),
            ("retry_after_%0A", "header cannot carry"),
        ];
        for (text, expected) in cases {
            let message = parse(text).expect_err(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn every_kind_in_the_message_can_be_written() {
        for kind in KINDS.split(", ") {
            let text = kind
                .replace("@k", "@5")
                .replace("MS", "5")
                .replace("BYTES", "5")
                .replace("_N", "_503")
                .replace(":N", ":5")
                .replace("VALUE", "5");
            assert!(parse(&text).is_ok(), "{text}");
        }
    }
}
