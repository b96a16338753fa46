//! Hints: nothing overflows, a further value never shortens the wait, and only throttled replies are
//! searched for more than the header says.

use std::time::Duration;

use kneepoint_core::hints::Hints;
use kneepoint_core::{Head, Headers};

/// As long as never: no hint is longer.
const WAIT_MAX: Duration = Duration::from_hours(100 * 365 * 24);

/// The first bytes are the status (two) and the wall clock in seconds (four); then header lines, an
/// empty line and a body.
pub(crate) fn check(input: &[u8]) {
    let Some((status, rest)) = input.split_first_chunk() else {
        return;
    };
    let Some((seconds, text)) = rest.split_first_chunk() else {
        return;
    };
    let status = u16::from_be_bytes(*status);
    let unix_time = Duration::from_secs(u32::from_be_bytes(*seconds).into());
    let text = String::from_utf8_lossy(text);
    let (lines, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let fields = lines.lines().filter_map(|line| line.split_once(':'));
    let headers: Headers = fields.clone().collect();
    let read = |status, headers: &Headers, body| {
        let head = Head::new(status, headers.clone());
        Hints::read(&head, body, unix_time)
    };

    let hints = read(status, &headers, Some(body));
    let quotas = [
        hints.requests,
        hints.tokens,
        hints.input_tokens,
        hints.output_tokens,
    ];
    let resets = quotas.into_iter().flatten().filter_map(|quota| quota.reset);
    assert!(resets.chain(hints.retry_after).all(|wait| wait <= WAIT_MAX));

    let throttled = read(429, &headers, Some(body));
    let headers_alone = read(429, &headers, None);
    let failed = read(500, &headers, Some(body));
    if let Some(wait) = failed.retry_after {
        assert_eq!(
            throttled.retry_after,
            Some(wait),
            "the header's word comes first"
        );
    }
    if let Some(wait) = headers_alone.retry_after {
        assert_eq!(
            throttled.retry_after,
            Some(wait),
            "the body is the last resort"
        );
    }

    let shouted: Vec<_> = fields
        .map(|(name, value)| (name.to_uppercase(), value))
        .collect();
    let shouted = shouted
        .iter()
        .map(|(name, value)| (&**name, *value))
        .collect();
    if lines.is_ascii() {
        assert_eq!(
            read(status, &shouted, Some(body)),
            hints,
            "names have no case"
        );
    }

    let mut longer = headers.clone();
    longer.append("retry-after", "7.25");
    let wait = read(status, &longer, Some(body)).retry_after;
    let before = failed.retry_after.unwrap_or_default();
    assert_eq!(wait, Some(before.max(Duration::from_millis(7250))));

    let mut garbled = headers.clone();
    for garbage in [
        "-5",
        "NaN",
        "Infinity",
        "1e3",
        "soon",
        "",
        "Fri, 31 Feb 1999",
    ] {
        garbled.append("retry-after", garbage);
    }
    assert_eq!(read(500, &garbled, None).retry_after, failed.retry_after);
}
