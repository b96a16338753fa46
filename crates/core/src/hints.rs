//! What a reply's head and body say about when to come back and what is left to use.
//!
//! Pure: no clock is read. Dates count from the reply's own `date`, so that a caller's clock that is
//! a day off does no harm; only where it cannot be read (browsers, across origins) does the caller's
//! clock serve. What cannot be understood is no hint. Nothing overflows.

use std::time::Duration;

use self::time::{http_date, milliseconds, reset, seconds, spans, until};
use crate::http::{Head, Headers};
use crate::text;

mod time;

/// How much of an error's body is searched for "try again in …".
const BODY_BYTES_MAX: usize = 4096;

/// What a gateway puts before the names of fields that its upstream sent (LiteLLM).
const RELAYED: &str = "llm_provider-";

/// All that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// How long the server wants to be left alone. Zero is possible; never negative or past.
    pub retry_after: Option<Duration>,
    /// The server's own word on whether trying again makes sense (`x-should-retry`).
    pub should_retry: Option<bool>,
    /// The limit on requests.
    pub requests: Option<Quota>,
    /// The limit on tokens of either kind.
    pub tokens: Option<Quota>,
    /// The limit on tokens of prompts.
    pub input_tokens: Option<Quota>,
    /// The limit on tokens of answers.
    pub output_tokens: Option<Quota>,
    /// The id under which the provider's support finds the request.
    pub request_id: Option<String>,
}

/// A limit as far as the reply describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// How much is allowed per window.
    pub limit: Option<u64>,
    /// How much is left of it.
    pub remaining: Option<u64>,
    /// When it is full again, from now.
    pub reset: Option<Duration>,
}

impl Hints {
    /// Reads a reply's head, and the beginning of its body where there is one and it failed.
    /// `unix_time` is the caller's wall clock as time since 1970.
    ///
    /// The wait is the largest of `retry-after-ms` and `retry-after`, however often they occur. A
    /// throttled reply (429) without either may name it by a limit with nothing remaining, or in
    /// the body's words.
    ///
    /// ```
    /// use kneepoint_core::hints::Hints;
    /// use kneepoint_core::{Head, Headers};
    /// use std::time::Duration;
    ///
    /// let headers = Headers::from_iter([("retry-after", "1.5")]);
    /// let hints = Hints::read(&Head::new(429, headers), None, Duration::ZERO);
    /// assert_eq!(hints.retry_after, Some(Duration::from_millis(1500)));
    /// ```
    pub fn read(head: &Head, body: Option<&str>, unix_time: Duration) -> Self {
        let relayed = with_relayed(&head.headers);
        let headers = relayed.as_ref().unwrap_or(&head.headers);
        // Most replies of most servers say nothing of quotas or pauses, and every reply is asked.
        let has = |families: &[&str]| {
            let mut names = headers.open().map(|(name, _)| name);
            names.any(|name| families.iter().any(|family| name.starts_with(family)))
        };
        let has_quotas = has(&["x-ratelimit-", "anthropic-ratelimit-"]);
        let date = (has_quotas || has(&["retry-after"])).then(|| headers.get("date"));
        let now = date.flatten().and_then(http_date).unwrap_or(unix_time);
        let quota = |name| {
            if has_quotas {
                quota(headers, name, now)
            } else {
                None
            }
        };
        let mut hints = Self {
            retry_after: explicit(headers, now),
            should_retry: headers.get("x-should-retry").and_then(yes_or_no),
            requests: quota("requests"),
            tokens: quota("tokens"),
            input_tokens: quota("input-tokens").or_else(|| quota("tokens-prompt")),
            output_tokens: quota("output-tokens").or_else(|| quota("tokens-generated")),
            request_id: request_id(headers),
        };
        if head.status == 429 && hints.retry_after.is_none() {
            hints.retry_after = used_up(headers, now).or_else(|| body.and_then(in_words));
        }
        hints
    }
}

/// The fields with those that a gateway passes on, where it does. Its own word goes before its upstream's.
fn with_relayed(headers: &Headers) -> Option<Headers> {
    let relayed = headers.open().filter_map(|(name, value)| {
        let name = name.strip_prefix(RELAYED)?;
        headers.get(name).is_none().then_some((name, value))
    });
    let mut relayed = relayed.peekable();
    relayed.peek()?;
    Some(headers.open().chain(relayed).collect())
}

/// When the last of the limits that are used up is full again, whatever the server calls them: many
/// name none, or the minute and the day.
fn used_up(headers: &Headers, now: Duration) -> Option<Duration> {
    let used_up = headers.open().filter(|(_, left)| left.trim() == "0");
    let resets = used_up.filter_map(|(name, _)| {
        let full_again = if let Some(limit) = name.strip_prefix("x-ratelimit-remaining") {
            headers.get_joined(["x-ratelimit-reset", limit])
        } else {
            let limit = name.strip_prefix("anthropic-ratelimit-")?;
            let limit = limit.strip_suffix("-remaining")?;
            headers.get_joined(["anthropic-ratelimit-", limit, "-reset"])
        };
        reset(full_again?.trim(), now)
    });
    resets.max()
}

fn request_id(headers: &Headers) -> Option<String> {
    let names = ["x-request-id", "request-id", "apim-request-id"];
    names
        .iter()
        .find_map(|name| headers.get(name))
        .map(str::to_owned)
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn explicit(headers: &Headers, now: Duration) -> Option<Duration> {
    let millis = headers
        .get_all("retry-after-ms")
        .flat_map(|value| value.split(','));
    let millis = millis.filter_map(|value| milliseconds(value.trim()));
    let seconds = headers.get_all("retry-after").flat_map(split_values);
    let seconds = seconds.filter_map(|value| retry_after(&value, now));
    millis.chain(seconds).max()
}

/// Splits at commas, except at the one after a date's day of the week.
fn split_values(value: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let mut day: Option<&str> = None;
    for part in value.split(',') {
        let first = part
            .trim()
            .get(..3)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].contains(&&*first)
            && part.trim().bytes().all(|byte| byte.is_ascii_alphabetic());
        if is_day {
            day = Some(part);
        } else {
            let whole = day
                .take()
                .map_or_else(String::new, |day| format!("{},", day.trim()));
            values.push(whole + part);
        }
    }
    values
}

/// Seconds with or without decimals, or a point of time, as a date or in seconds since 1970.
fn retry_after(value: &str, now: Duration) -> Option<Duration> {
    let value = value.trim();
    seconds(value, now).or_else(|| until(http_date(value)?, now))
}

/// The limit `name`, under either of the families of names. Negative counts mean "no limit" to some
/// servers and are no hint.
fn quota(headers: &Headers, name: &str, now: Duration) -> Option<Quota> {
    let field = |part: &str| {
        let ours = headers.get_joined(["x-ratelimit-", part, "-", name]);
        ours.or_else(|| headers.get_joined(["anthropic-ratelimit-", name, "-", part]))
    };
    let count = |part| field(part).and_then(|value| value.trim().parse().ok());
    let quota = Quota {
        limit: count("limit"),
        remaining: count("remaining"),
        reset: field("reset").and_then(|value| reset(value.trim(), now)),
    };
    (quota != Quota::default()).then_some(quota)
}

/// The wait that an error's message names, such as "Please try again in 1.5s".
pub(crate) fn in_words(body: &str) -> Option<Duration> {
    let mut end = body.len().min(BODY_BYTES_MAX);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    let body = body.get(..end)?.to_ascii_lowercase();
    let phrases = [
        "try again in ",
        "try again after ",
        "retry after ",
        "retry in ",
    ];
    let waits = phrases.iter().filter_map(|phrase| {
        let (_, after) = text::split_once(&body, phrase)?;
        let (wait, _) = spans(after)?;
        Some(wait)
    });
    waits.max()
}

#[cfg(test)]
mod tests;
