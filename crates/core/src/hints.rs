//! What a reply's head and body say about when to come back and what is left to use.
//!
//! Pure: no clock is read. Dates count from the reply's own `date`, so that a caller's clock that is
//! a day off does no harm; only where it cannot be read (browsers, across origins) does the caller's
//! clock serve. What cannot be understood is no hint. Nothing overflows.

use std::time::{Duration, SystemTime};

use crate::http::{Head, Headers};

/// Waits are kept up to this, which is as good as never and leaves room for sums.
const WAIT_MAX: Duration = Duration::from_hours(100 * 365 * 24);

/// How much of an error's body is searched for "try again in …".
const BODY_BYTES_MAX: usize = 4096;

/// From this on a bare number is no span of seconds but a time: seconds, or milliseconds, since 1970.
const EPOCH_SECONDS_MIN: u64 = 1_000_000_000;
const EPOCH_MILLIS_MIN: u64 = 1_000_000_000_000;

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
    /// let hints = Hints::read(&Head { status: 429, headers }, None, Duration::ZERO);
    /// assert_eq!(hints.retry_after, Some(Duration::from_millis(1500)));
    /// ```
    pub fn read(head: &Head, body: Option<&str>, unix_time: Duration) -> Self {
        let headers = &head.headers;
        let now = headers.get("date").and_then(http_date).unwrap_or(unix_time);
        let quota = |name| quota(headers, name, now);
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
            hints.retry_after = hints.used_up().or_else(|| body.and_then(in_words));
        }
        hints
    }

    /// When the last of the limits that are used up is full again.
    fn used_up(&self) -> Option<Duration> {
        let quotas = [
            self.requests,
            self.tokens,
            self.input_tokens,
            self.output_tokens,
        ];
        let used_up = quotas
            .into_iter()
            .flatten()
            .filter(|quota| quota.remaining == Some(0));
        used_up.filter_map(|quota| quota.reset).max()
    }
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
    let millis = millis.filter_map(|value| decimal(value.trim(), 1));
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

/// Seconds with or without decimals, or a date.
fn retry_after(value: &str, now: Duration) -> Option<Duration> {
    let value = value.trim();
    decimal(value, 1000).or_else(|| until(http_date(value)?, now))
}

/// From `now` to `then`, unless it is past.
fn until(then: Duration, now: Duration) -> Option<Duration> {
    then.checked_sub(now).map(|wait| wait.min(WAIT_MAX))
}

/// Any of HTTP's three forms of a date, as time since 1970.
fn http_date(value: &str) -> Option<Duration> {
    let time = httpdate::parse_http_date(value.trim()).ok()?;
    time.duration_since(SystemTime::UNIX_EPOCH).ok()
}

/// A plain decimal number of units of `unit_ms` milliseconds. No sign, no exponent, no words.
fn decimal(value: &str, unit_ms: u64) -> Option<Duration> {
    let (number, rest) = leading_decimal(value)?;
    rest.is_empty().then(|| number.times(unit_ms * 1_000_000))
}

/// A decimal number, split at the point so that no digit is lost.
#[derive(Clone, Copy)]
struct Decimal {
    whole: u64,
    /// Billionths.
    fraction: u64,
}

impl Decimal {
    fn times(self, unit_ns: u64) -> Duration {
        let billionths = u128::from(self.whole) * 1_000_000_000 + u128::from(self.fraction);
        let ns = billionths.saturating_mul(unit_ns.into()) / 1_000_000_000;
        u64::try_from(ns).map_or(WAIT_MAX, |ns| Duration::from_nanos(ns).min(WAIT_MAX))
    }
}

/// The number at the beginning of `text`, and what follows it.
fn leading_decimal(text: &str) -> Option<(Decimal, &str)> {
    let (digits, mut rest) = split_digits(text);
    if digits.is_empty() {
        return None;
    }
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let (places, after) = split_digits(after);
        // A full stop may follow a number in a sentence.
        if !places.is_empty() {
            let places = &places[..places.len().min(9)];
            let scale = 10_u64.pow(9 - places.len() as u32);
            fraction = places.parse::<u64>().unwrap_or(0) * scale;
            rest = after;
        }
    }
    // Too many digits for the type are too many seconds for anyone.
    let whole = digits.parse().unwrap_or(u64::MAX);
    Some((Decimal { whole, fraction }, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at(end)
}

/// The limit `name`, under either of the families of names. Negative counts mean "no limit" to some
/// servers and are no hint.
fn quota(headers: &Headers, name: &str, now: Duration) -> Option<Quota> {
    let field = |part: &str| {
        let ours = headers.get(&format!("x-ratelimit-{part}-{name}"));
        ours.or_else(|| headers.get(&format!("anthropic-ratelimit-{name}-{part}")))
    };
    let count = |part| field(part).and_then(|value| value.trim().parse().ok());
    let quota = Quota {
        limit: count("limit"),
        remaining: count("remaining"),
        reset: field("reset").and_then(|value| reset(value.trim(), now)),
    };
    (quota != Quota::default()).then_some(quota)
}

/// `6m0s`, `1.5s`, `120ms`, seconds without a unit, a time since 1970, or an RFC 3339 date.
fn reset(value: &str, now: Duration) -> Option<Duration> {
    let seconds = match value.parse::<u64>() {
        Ok(millis) if millis >= EPOCH_MILLIS_MIN => {
            return until(Duration::from_millis(millis), now);
        }
        Ok(seconds) if seconds >= EPOCH_SECONDS_MIN => {
            return until(Duration::from_secs(seconds), now);
        }
        _ => decimal(value, 1000),
    };
    seconds
        .or_else(|| {
            spans(value)
                .filter(|(_, rest)| rest.is_empty())
                .map(|(wait, _)| wait)
        })
        .or_else(|| until(rfc3339(value)?, now))
}

/// One span of time after the other, as Go writes durations and people write sentences, and what
/// follows them.
fn spans(text: &str) -> Option<(Duration, &str)> {
    let mut total: Option<Duration> = None;
    let mut rest = text;
    while let Some((number, after)) = leading_decimal(rest.trim_start()) {
        let after = after.trim_start_matches(' ');
        let end = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let Some(unit) = unit_ns(&after[..end]) else {
            break;
        };
        let so_far = total.unwrap_or_default();
        total = Some((so_far + number.times(unit)).min(WAIT_MAX));
        rest = &after[end..];
    }
    Some((total?, rest))
}

fn unit_ns(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000_000_000,
        "d" | "day" | "days" => 86_400_000_000_000,
        _ => return None,
    })
}

/// The wait that an error's message names, such as "Please try again in 1.5s".
fn in_words(body: &str) -> Option<Duration> {
    let mut end = body.len().min(BODY_BYTES_MAX);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    let body = body[..end].to_ascii_lowercase();
    let phrases = ["try again in ", "retry after ", "retry in "];
    let waits = phrases.iter().filter_map(|phrase| {
        let at = body.find(phrase)?;
        let (wait, _) = spans(&body[at + phrase.len()..])?;
        Some(wait)
    });
    waits.max()
}

/// A date of RFC 3339 as time since 1970.
fn rfc3339(text: &str) -> Option<Duration> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok())?
    };
    let stands =
        |at: usize, any_of: &[u8]| text.as_bytes().get(at).is_some_and(|c| any_of.contains(c));
    let punctuated = stands(4, b"-")
        && stands(7, b"-")
        && stands(10, b"Tt ")
        && stands(13, b":")
        && stands(16, b":");
    if !punctuated {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    // 60 is a leap second.
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, zone) = match text[19..].strip_prefix('.') {
        Some(_) => {
            let (decimal, zone) = leading_decimal(&text[18..])?;
            (Duration::from_nanos(decimal.fraction), zone)
        }
        None => (Duration::ZERO, &text[19..]),
    };
    let local = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let utc = u64::try_from(local - zone_seconds(zone)?).ok()?;
    Some(Duration::from_secs(utc) + fraction)
}

/// `Z`, or hours and minutes east (`+`) or west (`-`) of it.
fn zone_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two_digits = |part: &str, below: i64| -> Option<i64> {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        plain
            .then(|| part.parse().ok())?
            .filter(|value| *value < below)
    };
    Some(sign * (two_digits(hours, 24)? * 3600 + two_digits(minutes, 60)? * 60))
}

/// Days in the Gregorian calendar, counted in years that begin in March so that the leap day comes
/// last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719 468 days lie between the first of March of the year 0 and 1970.
    year * 365 + leap_days + day_of_year - 719_468
}
