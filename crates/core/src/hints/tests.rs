//! Every form of a hint that servers are known to send.

use super::time::WAIT_MAX;
use super::*;

/// Sun, 06 Nov 1994 08:49:37 GMT, as the standard's own examples have it.
const NOW: Duration = Duration::from_secs(784_111_777);

fn read(status: u16, fields: &[(&str, &str)], body: Option<&str>, unix_time: Duration) -> Hints {
    let headers = fields.iter().copied().collect();
    Hints::read(&Head::new(status, headers), body, unix_time)
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "it stands in tables beside `None`"
)]
fn ms(millis: u64) -> Option<Duration> {
    Some(Duration::from_millis(millis))
}

#[test]
fn every_form_of_retry_after_is_understood() {
    let long = "9".repeat(400);
    #[rustfmt::skip]
    let cases: &[(&str, &str, Option<Duration>, &str)] = &[
        // header, value, wait, why
        ("retry-after-ms", "1200", ms(1200), "milliseconds"),
        ("retry-after-ms", "0.5", Some(Duration::from_micros(500)), "decimals of them"),
        ("retry-after-ms", "-5", None, "negative"),
        ("retry-after-ms", "soon", None, "garbage"),
        ("retry-after", "5", ms(5_000), "seconds"),
        ("retry-after", " 5 ", ms(5_000), "spaces"),
        ("retry-after", "1.5", ms(1_500), "decimals"),
        ("retry-after", "0.0304", Some(Duration::from_micros(30_400)), "small decimals"),
        ("retry-after", "0", ms(0), "zero: the retry rule has a floor"),
        ("retry-after", "-1", None, "negative"),
        ("retry-after", "+5", None, "a sign is no number"),
        ("retry-after", "1e3", None, "nor is an exponent"),
        ("retry-after", "NaN", None, "not a number"),
        ("retry-after", "Infinity", None, "not a number either"),
        ("retry-after", "inf", None, "in no spelling"),
        ("retry-after", "0x10", None, "no other base"),
        ("retry-after", "", None, "nothing"),
        ("retry-after", "soon", None, "garbage"),
        ("retry-after", "5 seconds", None, "words are for bodies"),
        ("retry-after", "5, 60", ms(60_000), "two values: the larger"),
        ("retry-after", "60,5", ms(60_000), "in any order"),
        ("retry-after", "x, 5", ms(5_000), "garbage beside a value"),
        ("retry-after", "61", ms(61_000), "long waits are kept: the retry rule decides"),
        ("retry-after", "2147484", ms(2_147_484_000), "beyond the longest timer"),
        ("retry-after", "1000000000", ms(215_888_223_000), "a time since 1970"),
        ("retry-after", "99999999999", Some(WAIT_MAX), "beyond a life"),
        ("retry-after", &long, Some(WAIT_MAX), "beyond every type"),
        ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT", ms(60_000), "a date"),
        ("retry-after", "Sunday, 06-Nov-94 08:50:37 GMT", ms(60_000), "the old form"),
        ("retry-after", "Sun Nov  6 08:50:37 1994", ms(60_000), "the form of C"),
        ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", ms(0), "now"),
        ("retry-after", "Sun, 06 Nov 1994 08:49:36 GMT", None, "past"),
        ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT", None, "long past"),
        ("retry-after", "Mon, 01 Jan 2035 00:00:00 GMT", ms(1_267_110_623_000), "far ahead"),
        ("retry-after", "Sun, 31 Feb 1994 08:49:36 GMT", None, "no such day"),
        ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT, Sun, 06 Nov 1994 08:51:37 GMT", ms(120_000), "two dates"),
        ("retry-after", "7, Sun, 06 Nov 1994 08:50:37 GMT", ms(60_000), "a span and a date"),
    ];
    for (name, value, wait, why) in cases {
        for status in [429, 503] {
            let hints = read(status, &[(name, value)], None, NOW);
            assert_eq!(hints.retry_after, *wait, "{why}: {name}: {value}");
        }
    }
}

#[test]
fn of_several_headers_the_larger_counts() {
    #[rustfmt::skip]
    let cases = [
        ([("retry-after", "5"), ("retry-after", "7")], ms(7_000)),
        ([("retry-after-ms", "1500"), ("retry-after", "2")], ms(2_000)),
        ([("retry-after-ms", "2500"), ("retry-after", "2")], ms(2_500)),
        ([("Retry-After", "-1"), ("RETRY-AFTER-MS", "20")], ms(20)),
    ];
    for (fields, wait) in cases {
        assert_eq!(
            read(429, &fields, None, NOW).retry_after,
            wait,
            "{fields:?}"
        );
    }
}

#[test]
fn limits_are_read_in_all_spellings() {
    #[rustfmt::skip]
    let cases = [
        // value of a reset, span, why
        ("1s", ms(1_000), "Go"),
        ("6m0s", ms(360_000), "Go, compound"),
        ("1h2m3.5s", ms(3_723_500), "Go, with hours"),
        ("120ms", ms(120), "Go, short"),
        ("1.5s", ms(1_500), "Go, decimals"),
        ("7.66s", ms(7_660), "Go, decimals"),
        ("250µs", Some(Duration::from_micros(250)), "Go, shorter"),
        ("30ns", Some(Duration::from_nanos(30)), "Go, shortest"),
        ("1d2h", ms(93_600_000), "not Go, but sent"),
        ("60", ms(60_000), "seconds"),
        ("0.25", ms(250), "decimal seconds"),
        ("0s", ms(0), "zero"),
        ("784111837", ms(784_111_837_000), "below ten digits it is a span, however long"),
        ("1994-11-06T08:50:37Z", ms(60_000), "RFC 3339"),
        ("1994-11-06T08:50:37.25Z", ms(60_250), "with a fraction"),
        ("1994-11-06T09:50:37+01:00", ms(60_000), "east"),
        ("1994-11-06T03:20:37-05:30", ms(60_000), "west"),
        ("1994-11-06t08:50:37z", ms(60_000), "small letters"),
        ("1994-11-06T08:49:36Z", None, "past"),
        ("1994-13-06T08:50:37Z", None, "no such month"),
        ("1994-11-06T24:00:00Z", None, "no such hour"),
        ("1994-11-06T08:50:37", None, "no zone"),
        ("1994-11-06T08:50:37+1:00", None, "half a zone"),
        ("1994-11-06", None, "no time"),
        ("-1", None, "negative"),
        ("-5s", None, "negative"),
        ("5 apples", None, "no unit"),
        ("s", None, "no number"),
        ("5s later", None, "more than a span"),
    ];
    for (value, span, why) in cases {
        let fields = [("x-ratelimit-reset-requests", value)];
        let reset = read(200, &fields, None, NOW)
            .requests
            .and_then(|quota| quota.reset);
        assert_eq!(reset, span, "{why}: {value}");
    }
}

#[test]
fn each_family_of_names_is_known() {
    let quota = |limit, remaining, reset| {
        Some(Quota {
            limit,
            remaining,
            reset,
        })
    };
    let openai = read(
        200,
        &[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "-1"),
            ("x-request-id", "req_1"),
            ("x-should-retry", "false"),
        ],
        None,
        NOW,
    );
    assert_eq!(openai.requests, quota(Some(60), Some(59), ms(1_000)));
    assert_eq!(openai.tokens, quota(Some(150_000), None, None));
    assert_eq!(openai.request_id.as_deref(), Some("req_1"));
    assert_eq!(openai.should_retry, Some(false));
    assert_eq!(openai.retry_after, None);

    let anthropic = read(
        200,
        &[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:38Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "7"),
            ("anthropic-ratelimit-output-tokens-remaining", "8"),
            ("request-id", "req_2"),
        ],
        None,
        NOW,
    );
    assert_eq!(anthropic.requests, quota(Some(50), None, ms(1_000)));
    assert_eq!(anthropic.input_tokens, quota(None, Some(7), None));
    assert_eq!(anthropic.output_tokens, quota(None, Some(8), None));
    assert_eq!(anthropic.request_id.as_deref(), Some("req_2"));

    let fireworks = read(
        200,
        &[
            ("x-ratelimit-limit-tokens-prompt", "60000"),
            ("x-ratelimit-remaining-tokens-generated", "12"),
        ],
        None,
        NOW,
    );
    assert_eq!(fireworks.input_tokens, quota(Some(60_000), None, None));
    assert_eq!(fireworks.output_tokens, quota(None, Some(12), None));
    assert_eq!(
        read(200, &[("x-should-retry", "maybe")], None, NOW),
        Hints::default()
    );
}

#[test]
fn what_a_gateway_passes_on_counts_unless_it_says_otherwise() {
    let relayed = [
        ("llm_provider-retry-after", "7"),
        ("llm_provider-x-ratelimit-reset-requests", "2s"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-limit-requests", "60"),
    ];
    let hints = read(429, &relayed, None, NOW);
    assert_eq!(hints.retry_after, ms(7_000));
    let quota = Quota {
        limit: Some(60),
        remaining: Some(0),
        reset: ms(2_000),
    };
    assert_eq!(hints.requests, Some(quota));
    assert_eq!(read(429, &relayed[1..], None, NOW).retry_after, ms(2_000));
    let own = [relayed[0], ("retry-after", "3")];
    assert_eq!(read(429, &own, None, NOW).retry_after, ms(3_000));
}

#[test]
fn a_limit_that_is_used_up_is_a_hint_for_throttled_replies_only() {
    let fields = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "6m0s"),
        ("x-ratelimit-remaining-tokens", "5"),
        ("x-ratelimit-reset-tokens", "9m0s"),
    ];
    assert_eq!(read(429, &fields, None, NOW).retry_after, ms(360_000));
    for status in [200, 500, 503] {
        assert_eq!(
            read(status, &fields, None, NOW).retry_after,
            None,
            "{status}"
        );
    }
    #[rustfmt::skip]
    let cases = [
        // what is left, when it is full again, in ms, who calls it so
        ("x-ratelimit-remaining", "x-ratelimit-reset", "34", 34_000, "Envoy"),
        ("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day", "33011.5", 33_011_500, "Cerebras"),
        ("x-ratelimit-remaining-tokens-minute", "x-ratelimit-reset-tokens-minute", "11.25", 11_250, "Cerebras"),
        ("x-ratelimit-remaining-tokens-generated", "x-ratelimit-reset-tokens-generated", "2s", 2_000, "Fireworks"),
        ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset", "1994-11-06T08:49:47Z", 10_000, "Anthropic"),
    ];
    for (remaining, reset, value, wait, why) in cases {
        let used_up = |left| read(429, &[(remaining, left), (reset, value)], None, NOW);
        assert_eq!(used_up("0").retry_after, ms(wait), "{why}");
        assert_eq!(used_up("1").retry_after, None, "{why}");
    }
    let since_1970 = Duration::from_secs(1_763_712_000);
    let fields_of_openrouter = [
        ("x-ratelimit-limit", "50"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1763769600000"),
    ];
    let hints = read(429, &fields_of_openrouter, None, since_1970);
    assert_eq!(hints.retry_after, ms(57_600_000));
    let with_word = [fields[0], fields[1], ("retry-after", "2")];
    assert_eq!(read(429, &with_word, None, NOW).retry_after, ms(2_000));
}

#[test]
fn the_body_is_the_last_resort() {
    #[rustfmt::skip]
    let cases = [
        ("Please try again in 1.5s. Visit", ms(1_500), "OpenAI"),
        ("Please try again in 120ms.", ms(120), "milliseconds"),
        ("try again in 6m0s", ms(360_000), "Go"),
        ("Try again in 2 minutes", ms(120_000), "words"),
        ("TRY AGAIN IN 20 SECONDS!", ms(20_000), "shouted"),
        ("Please retry after 5 seconds.", ms(5_000), "Azure"),
        ("Please retry in 34.5s.", ms(34_500), "Gemini"),
        ("max RPM: 3, please try again after 1 seconds", ms(1_000), "Moonshot"),
        ("try again in 2 minutes 3 seconds, please", ms(123_000), "two words"),
        ("try again in 5", None, "no unit"),
        ("try again in a moment", None, "no number"),
        ("try again in -5s", None, "negative"),
        ("try again later", None, "no time"),
        ("try again in 99999999999999999999d", Some(WAIT_MAX), "never"),
    ];
    for (body, wait, why) in cases {
        assert_eq!(read(429, &[], Some(body), NOW).retry_after, wait, "{why}");
        assert_eq!(read(500, &[], Some(body), NOW).retry_after, None, "{why}");
    }
    let late = "é".repeat(BODY_BYTES_MAX) + "try again in 5s";
    assert_eq!(read(429, &[], Some(&late), NOW).retry_after, None);
    // Where a character lies across the end of what is looked at, the rest still counts.
    let early = "try again in 5s. ".to_owned() + &"é".repeat(BODY_BYTES_MAX);
    assert_eq!(read(429, &[], Some(&early), NOW).retry_after, ms(5_000));
}

#[test]
fn a_clock_a_day_off_makes_no_difference_where_the_reply_has_a_date() {
    let day = Duration::from_hours(24);
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let fields = [
        [date, ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")],
        [date, ("retry-after", "10")],
        [
            date,
            ("anthropic-ratelimit-tokens-reset", "1994-11-06T08:49:47Z"),
        ],
    ];
    for fields in fields {
        for now in [
            NOW,
            NOW + day,
            NOW.saturating_sub(day),
            Duration::ZERO,
            Duration::MAX,
        ] {
            let hints = read(429, &fields, None, now);
            let reset = hints.tokens.and_then(|quota| quota.reset);
            assert_eq!(hints.retry_after.or(reset), ms(10_000), "{now:?}");
        }
    }
}

#[test]
fn without_a_date_the_callers_clock_decides_and_errs_by_no_more_than_it_is_off() {
    let day = Duration::from_hours(24);
    let fields = [("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")];
    let wait = |now| read(429, &fields, None, now).retry_after;
    assert_eq!(wait(NOW), ms(10_000));
    assert_eq!(
        wait(NOW.saturating_sub(day)),
        Some(day + Duration::from_secs(10))
    );
    assert_eq!(wait(NOW + day), None, "it is past for this clock: no hint");
}
