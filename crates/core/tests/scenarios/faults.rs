//! Whatever a server does, a call ends once, in the documented way, and never in false success.

use kneepoint_core::ErrorKind;
use kneepoint_core::platform::TransportError;
use kneepoint_core::platform::sim::{Reply, Script};

use crate::harness::{ANSWER, KEY, Stage, chat_events, chat_stream, config, ms};

/// A fault, and what a call that meets nothing else ends in.
struct Fault {
    name: &'static str,
    reply: Reply,
    /// Kind, phase, whether trying later may help, and attempts that are made.
    whole: (&'static str, &'static str, bool, u32),
}

fn html(status: u16) -> Reply {
    Reply::status(status)
        .header("content-type", "text/html")
        .piece(format!(
            "<html><head><title>Bad gateway</title></head><body>{}</body></html>",
            "<p>nginx</p>".repeat(100)
        ))
}

fn error(status: u16, kind: &str) -> Reply {
    let body = format!(r#"{{"error":{{"message":"no","type":"{kind}","code":"{kind}"}}}}"#);
    Reply::status(status)
        .header("content-type", "application/json")
        .piece(body)
}

/// What `LiteLLM` makes of an account of `OpenAI`'s that has no money left.
fn behind_a_gateway() -> Reply {
    let body = r#"{"error":{"message":"litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.","type":"throttling_error","param":null,"code":"429"}}"#;
    Reply::status(429)
        .header("content-type", "application/json")
        .piece(body)
}

fn faults() -> Vec<Fault> {
    let lost = || TransportError::Lost("ECONNRESET".into());
    #[rustfmt::skip]
    let table = [
        // name, reply, (kind, phase, retryable, attempts)
        ("refused",           Reply::error(TransportError::Connect("ECONNREFUSED".into())), ("network", "connect", true, 3)),
        ("reset",             Reply::error(lost()),                       ("network", "headers", true, 2)),
        ("opaque",            Reply::error(TransportError::Opaque("Failed to fetch".into())), ("opaque", "headers", true, 2)),
        ("redirect",          Reply::error(TransportError::Redirected),   ("network", "headers", false, 1)),
        ("unsendable",        Reply::error(TransportError::Invalid("bad URL".into())), ("network", "connect", false, 1)),
        ("status 400",        error(400, "invalid_request_error"),        ("status", "headers", false, 1)),
        ("status 401",        error(401, "authentication_error"),         ("status", "headers", false, 1)),
        ("status 403",        error(403, "permission_error"),             ("status", "headers", false, 1)),
        ("status 404",        error(404, "not_found_error"),              ("status", "headers", false, 1)),
        ("status 408",        error(408, "timeout"),                      ("status", "headers", true, 3)),
        ("status 409",        error(409, "conflict"),                     ("status", "headers", true, 3)),
        ("status 422",        error(422, "invalid_request_error"),        ("status", "headers", false, 1)),
        ("status 429",        error(429, "rate_limit_error"),             ("status", "headers", true, 11)),
        ("quota 429",         error(429, "insufficient_quota"),           ("status", "headers", false, 1)),
        ("gateway's quota",   behind_a_gateway(),                         ("status", "headers", false, 1)),
        ("status 500",        error(500, "server_error"),                 ("status", "headers", true, 3)),
        ("status 501",        error(501, "server_error"),                 ("status", "headers", true, 3)),
        ("html 502",          html(502),                                  ("status", "headers", true, 3)),
        ("status 503",        error(503, "overloaded"),                   ("status", "headers", true, 11)),
        ("status 529",        error(529, "overloaded_error"),             ("status", "headers", true, 11)),
        ("status 599",        Reply::status(599),                         ("status", "headers", true, 3)),
        ("status 304",        Reply::status(304),                         ("status", "headers", false, 1)),
        ("html 200",          html(200),                                  ("answer", "body", true, 2)),
        ("empty 200",         Reply::status(200),                         ("answer", "body", true, 2)),
        ("no content 204",    Reply::status(204),                         ("answer", "body", true, 2)),
        ("json error 200",    error(200, "server_error"),                 ("in_band", "body", true, 3)),
        ("json refusal 200",  error(200, "invalid_request_error"),        ("in_band", "body", false, 1)),
        ("overloaded 200",    error(200, "overloaded_error"),             ("in_band", "body", true, 11)),
        ("bad json",          Reply::json(&ANSWER[..ANSWER.len() - 9]),   ("answer", "body", true, 2)),
        ("json of no answer", Reply::json("[1,2]"),                       ("answer", "body", true, 2)),
        ("cut body",          Reply::json(ANSWER).cut_at(100),            ("network", "body", true, 2)),
        ("short body",        Reply::json(ANSWER).closes_at(100),         ("answer", "body", true, 2)),
    ];
    table
        .map(|(name, reply, whole)| Fault { name, reply, whole })
        .into()
}

#[test]
fn each_fault_has_its_kind_its_phase_and_its_number_of_attempts() {
    for fault in faults() {
        let stage = Stage::new(Script::new().forever(fault.reply));
        let error = stage.send().expect_err(fault.name);
        let seen = (
            error.kind.as_str(),
            error.phase.as_str(),
            error.retryable,
            error.attempts,
        );
        assert_eq!(seen, fault.whole, "{}: {error}", fault.name);
        assert_eq!(
            stage.requests(),
            u64::from(error.attempts),
            "{}",
            fault.name
        );
        stage.assert_settled();
    }
}

#[test]
fn a_stream_that_meets_them_before_its_first_content_ends_no_better() {
    for fault in faults() {
        let stage = Stage::new(Script::new().forever(fault.reply));
        let (pieces, outcome) = stage.stream();
        let error = outcome.expect_err(fault.name);
        assert!(
            pieces.is_empty() && error.partial.is_none(),
            "{}",
            fault.name
        );
        assert_eq!(error.retryable, fault.whole.2, "{}: {error}", fault.name);
        stage.assert_settled();
    }
}

#[test]
fn every_call_settles_once_whatever_mix_of_faults_it_meets() {
    for seed in 1..=20 {
        let mut script = Script::new();
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..200 {
            let mut all = faults();
            let fault = all.swap_remove(random.usize(..all.len()));
            script = script.reply(fault.reply.after(ms(random.u64(0..500))));
            if random.bool() {
                script = script.reply(chat_stream(&["a", "b"], ms(5)).cut_at(random.usize(1..900)));
            }
        }
        let stage = Stage::with(seed, config(), script.forever(Reply::json(ANSWER)));
        for _ in 0..20 {
            let _ = stage.send();
            let _ = stage.stream();
        }
        stage.assert_settled();
    }
}

#[test]
fn a_reply_cut_at_any_byte_is_never_a_success_unless_it_was_complete() {
    let long = ANSWER.replace("Hello there", &"Hello there ".repeat(150));
    assert!(long.len() > 2000);
    for at in 0..=long.len() {
        let cut = Stage::new(Script::new().forever(Reply::json(&long).cut_at(at)));
        assert!(cut.send().is_err(), "reset at byte {at}");
        let closed = Stage::new(Script::new().forever(Reply::json(&long).closes_at(at)));
        assert_eq!(
            closed.send().is_ok(),
            at == long.len(),
            "closed at byte {at}"
        );
    }
}

#[test]
fn a_stream_cut_at_any_byte_hands_over_the_exact_prefix_and_then_says_so() {
    let texts = ["Hel", "lo ", "th", "ere", " ü→😀"];
    let whole: String = texts.concat();
    let events = chat_events(&texts);
    let bytes: usize = events
        .iter()
        .map(|event| event.len() + "data: \n\n".len())
        .sum();
    // The answer is whole once its finish reason was read; what follows adds nothing to it.
    let finish: usize = events[..7]
        .iter()
        .map(|event| event.len() + "data: \n\n".len())
        .sum();
    for at in 0..bytes {
        for reply in [
            chat_stream(&texts, ms(1)).cut_at(at),
            chat_stream(&texts, ms(1)).closes_at(at),
        ] {
            let stage = Stage::new(Script::new().forever(reply));
            let (pieces, outcome) = stage.stream();
            let text = pieces.concat();
            assert!(whole.starts_with(&text), "byte {at}: {text:?}");
            match outcome {
                Ok(()) => {
                    assert_eq!(text, whole, "byte {at}");
                    assert!(
                        at >= finish - "\n\n".len(),
                        "success at byte {at} of {finish}"
                    );
                }
                Err(error) if text.is_empty() => assert_eq!(error.partial, None, "byte {at}"),
                Err(error) => {
                    assert!(matches!(error.kind, ErrorKind::Interrupted(_)), "{error}");
                    assert_eq!(error.partial.as_deref(), Some(&*text), "byte {at}");
                    assert_eq!(
                        stage.requests(),
                        1,
                        "nothing is retried after the first content"
                    );
                }
            }
        }
    }
}

#[test]
fn an_html_error_keeps_its_status_and_at_most_200_characters() {
    for status in [502, 403] {
        let stage = Stage::new(Script::new().forever(html(status)));
        let error = stage.send().unwrap_err();
        assert_eq!(error.kind.status(), Some(status));
        let ErrorKind::Status { error, .. } = error.kind else {
            panic!("{error}")
        };
        assert!(error.message.starts_with("Bad gateway"), "{error}");
        assert!(error.message.chars().count() <= 200, "{error}");
    }
}

#[test]
fn an_error_body_that_is_late_or_endless_is_not_waited_for() {
    let late = Reply::status(400).piece_after(ms(60_000), "late");
    let endless = (0..100).fold(Reply::status(400), |reply, _| {
        reply.piece("x".repeat(16 << 10))
    });
    for (name, reply) in [("late", late), ("endless", endless)] {
        let stage = Stage::new(Script::new().forever(reply));
        let error = stage.send().unwrap_err();
        assert_eq!(error.kind.status(), Some(400), "{name}");
        assert!(stage.sim.now().as_secs_f64() < 0.3, "{name}");
        assert_eq!(
            stage.truth.counts().aborted,
            1,
            "{name}: the rest is cancelled"
        );
        stage.assert_settled();
    }
}

#[test]
fn no_error_repeats_the_key() {
    let echo = format!(r#"{{"error":{{"message":"Incorrect API key: {KEY}","param":"{KEY}"}}}}"#);
    let event =
        format!(r#"{{"error":{{"message":"bad key {KEY}","type":"invalid_request_error"}}}}"#);
    let behind = format!(
        r#"{{"error":{{"message":"Provider returned error","metadata":{{"raw":"bad key {KEY}"}}}}}}"#
    );
    let replies = [
        Reply::status(401).piece(echo.clone()),
        Reply::json(&echo),
        Reply::status(502).piece(behind.clone()),
        Reply::json(&behind),
        Reply::status(200).piece(format!("<html>{KEY}</html>")),
        Reply::json(&format!("[\"{KEY}\"]")),
        Reply::sse([&*event]),
        Reply::sse([&*format!("{KEY} is no JSON")]),
    ];
    for reply in replies {
        let stage = Stage::new(Script::new().forever(reply.clone()));
        let whole = stage.send().unwrap_err();
        let (_, streamed) = stage.stream();
        for error in [whole, streamed.unwrap_err()] {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
        let records = format!("{:?}", stage.notebook.calls.borrow());
        assert!(!records.contains("canary"));
    }
}

#[test]
fn a_key_that_is_cut_in_two_does_not_show_either() {
    let long = format!("{}{KEY} is wrong", "x".repeat(190));
    let html = format!("<html><body>{long}</body></html>");
    let reply = Reply::status(401)
        .header("content-type", "text/html")
        .piece(html);
    let stage = Stage::new(Script::new().forever(reply));
    let error = stage.send().unwrap_err();
    assert!(!format!("{error:?}").contains(&KEY[..8]), "{error:?}");
}

#[test]
fn a_key_that_a_transport_quotes_does_not_show() {
    let stage = Stage::new(
        Script::new().forever(Reply::error(TransportError::Invalid(format!(
            "bad header Bearer {KEY}"
        )))),
    );
    let error = stage.send().unwrap_err();
    assert!(!error.to_string().contains(KEY), "{error}");
}

#[test]
fn an_error_and_its_source_do_not_say_the_same() {
    let stage = Stage::new(Script::new().forever(Reply::status(404)));
    let error = stage.send().unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert_ne!(source.as_deref(), Some(&*error.to_string()));
}
