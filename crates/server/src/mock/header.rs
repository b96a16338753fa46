//! Headers of the simulated endpoint: rate limits and hints as the providers send them, and what
//! a page from another origin may read.
//!
//! OpenAI: platform.openai.com/docs/guides/rate-limits ("Rate limits in headers").
//! Anthropic: docs.anthropic.com/en/api/rate-limits ("Response headers").
//! `retry-after-ms` is what OpenAI's own clients look for first, before `retry-after`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::limit::RateView;
use super::question::Api;
use super::spec::{RetryAfter, Spec};

/// What every answer to another origin carries, unless the spec imitates servers that do not.
pub(crate) fn open_to_pages(headers: &mut HeaderMap, spec: &Spec) {
    if spec.cors {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
        if spec.expose {
            // All of them: the wildcard holds for calls without cookies, which these are.
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("*"),
            );
        }
    }
    if spec.timing {
        const TIMING: HeaderName = HeaderName::from_static("timing-allow-origin");
        headers.insert(TIMING, HeaderValue::from_static("*"));
    }
}

/// The answer to a preflight: whatever is asked for is allowed, and remembered for two hours.
pub(crate) fn preflight(headers: &mut HeaderMap, asked: &HeaderMap) {
    const NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, OPTIONS"),
    );
    // `*` would not cover `authorization`, so the wish is echoed.
    if let Some(wish) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wish.clone());
    }
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("7200"),
    );
    headers.insert(NETWORK, HeaderValue::from_static("true"));
}

/// Limits, remains and resets, in the dialect of `api`.
pub(crate) fn rates(
    headers: &mut HeaderMap,
    api: Api,
    requests: Option<RateView>,
    tokens: Option<RateView>,
    wall: SystemTime,
) {
    for (what, view) in [("requests", requests), ("tokens", tokens)] {
        let Some(view) = view else { continue };
        let (limit, remaining) = (view.limit.to_string(), view.remaining.to_string());
        let fields = if api.is_anthropic() {
            let name = |field| format!("anthropic-ratelimit-{what}-{field}");
            let reset = rfc3339(wall + view.reset);
            [
                (name("limit"), limit),
                (name("remaining"), remaining),
                (name("reset"), reset),
            ]
        } else {
            let name = |field| format!("x-ratelimit-{field}-{what}");
            let reset = short(view.reset);
            [
                (name("limit"), limit),
                (name("remaining"), remaining),
                (name("reset"), reset),
            ]
        };
        for (name, value) in fields {
            insert(headers, &name, &value);
        }
    }
}

/// When to come back, as the spec wants it said. `wait` is the truth where it is known.
pub(crate) fn hint(
    headers: &mut HeaderMap,
    said: RetryAfter,
    wait: Option<Duration>,
    wall: SystemTime,
) {
    let whole_seconds = |wait: Duration| (wait + Duration::from_nanos(999_999_999)).as_secs();
    match said {
        RetryAfter::Off => {}
        RetryAfter::Computed => {
            if let Some(wait) = wait {
                insert(
                    headers,
                    "retry-after",
                    &whole_seconds(wait).max(1).to_string(),
                );
            }
        }
        RetryAfter::Seconds(seconds) => insert(headers, "retry-after", &seconds.to_string()),
        RetryAfter::Milliseconds(ms) => {
            insert(headers, "retry-after-ms", &ms.to_string());
            insert(headers, "retry-after", &ms.div_ceil(1000).to_string());
        }
        RetryAfter::Date => {
            // Dates have whole seconds: rounded up twice, so that it never names the past.
            let wait = Duration::from_secs(whole_seconds(wait.unwrap_or_default()).max(1) + 1);
            insert(
                headers,
                "retry-after",
                &httpdate::fmt_http_date(wall + wait),
            );
        }
    }
}

/// Sets a header whose value comes from numbers or from a checked spec.
pub(crate) fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) {
        headers.insert(name, value);
    }
}

/// `6m0s`, `1.5s`, `17ms`: durations as OpenAI's headers write them.
fn short(duration: Duration) -> String {
    let ms = duration.as_millis();
    let (minutes, seconds) = (ms / 60_000, (ms % 60_000) as f64 / 1000.0);
    match ms {
        0 => "0s".to_owned(),
        1..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{seconds}s"),
        _ => format!("{minutes}m{}s", seconds.trunc()),
    }
}

/// `2026-11-21T08:30:00Z`, made from the fields of an HTTP date.
fn rfc3339(time: SystemTime) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let date = httpdate::fmt_http_date(time);
    // "Sat, 21 Nov 2026 08:30:00 GMT": fixed width.
    let month = MONTHS.find(&date[8..11]).unwrap_or_default() / 3 + 1;
    format!(
        "{}-{month:02}-{}T{}Z",
        &date[12..16],
        &date[5..7],
        &date[17..25]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_written_as_the_spec_says() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let wait = Some(Duration::from_millis(1500));
        #[rustfmt::skip]
        let cases = [
            (RetryAfter::Computed, wait, Some("2"), None),
            (RetryAfter::Computed, None, None, None),
            (RetryAfter::Off, wait, None, None),
            (RetryAfter::Seconds(7), wait, Some("7"), None),
            (RetryAfter::Milliseconds(1200), wait, Some("2"), Some("1200")),
            (RetryAfter::Date, wait, Some("Sun, 09 Sep 2001 01:46:43 GMT"), None),
        ];
        for (said, wait, after, after_ms) in cases {
            let mut headers = HeaderMap::new();
            hint(&mut headers, said, wait, wall);
            let get = |name: &str| {
                headers
                    .get(name)
                    .map(|value| value.to_str().expect("ascii"))
            };
            assert_eq!(
                (get("retry-after"), get("retry-after-ms")),
                (after, after_ms),
                "{said:?}"
            );
        }
    }

    #[test]
    fn both_dialects_of_rate_limits_are_spoken() {
        let view = RateView {
            limit: 60,
            remaining: 3,
            reset: Duration::from_millis(1500),
        };
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let mut headers = HeaderMap::new();
        rates(&mut headers, Api::Chat, Some(view), None, wall);
        assert_eq!(headers["x-ratelimit-reset-requests"], "1.5s");
        assert_eq!(headers["x-ratelimit-remaining-requests"], "3");
        rates(&mut headers, Api::Messages, None, Some(view), wall);
        assert_eq!(
            headers["anthropic-ratelimit-tokens-reset"],
            "2001-09-09T01:46:41Z"
        );
        assert_eq!(headers["anthropic-ratelimit-tokens-limit"], "60");
    }

    #[test]
    fn durations_are_short() {
        let texts = [0, 17, 1500, 360_000].map(|ms| short(Duration::from_millis(ms)));
        assert_eq!(texts, ["0s", "17ms", "1.5s", "6m0s"]);
    }
}
