//! Errors that come under a status of success, and bodies that are no stream.

use kneepoint_core::decode::{ApiErrorKind, Dialect, StreamError};

use crate::{api_error, chat_piece, fixture, said};

#[test]
fn errors_inside_a_stream_are_typed() {
    use ApiErrorKind as Kind;
    use Dialect::{Chat, Completions, Messages, Responses};
    #[rustfmt::skip]
    let cases = [
        // dialect, event, kind, message
        (Chat, r#"data: {"error":{"message":"no","type":"server_error","code":null}}"#, Kind::Server, "no"),
        (Chat, r#"data: {"error":{"message":"no","code":429}}"#, Kind::RateLimited, "no"),
        (Chat, r#"data: {"error":{"message":"no","code":"insufficient_quota","type":"tokens"}}"#, Kind::Quota, "no"),
        (Chat, r#"data: {"error":{"message":"no","code":503},"choices":[]}"#, Kind::Overloaded, "no"),
        (Chat, r#"data: {"error":"just words"}"#, Kind::Unknown, "just words"),
        (Chat, r#"data: {"error":{"code":400}}"#, Kind::Rejected, "400"),
        (Chat, r#"data: {"error":[1]}"#, Kind::Unknown, "[1]"),
        (Chat, r#"data: {"object":"error","message":"no","type":"BadRequestError","code":400}"#, Kind::Rejected, "no"),
        (Chat, "event: error\ndata: {\"message\":\"no\",\"code\":\"server_error\"}", Kind::Server, "no"),
        (Chat, "event: error\ndata: plain words", Kind::Unknown, "plain words"),
        (Chat, r#"data: {"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#, Kind::Unknown, "the answer finished with an error"),
        (Completions, r#"data: {"error":{"message":"no","type":"rate_limit_error"}}"#, Kind::RateLimited, "no"),
        (Messages, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", Kind::Overloaded, "Overloaded"),
        (Messages, r#"data: {"type":"error","error":{"type":"rate_limit_error","message":"no"}}"#, Kind::RateLimited, "no"),
        (Messages, r#"data: {"type":"error","error":{"type":"api_error","message":"no"}}"#, Kind::Server, "no"),
        (Messages, r#"data: {"type":"error","error":{"type":"invalid_request_error","message":"no"}}"#, Kind::Rejected, "no"),
        (Responses, r#"data: {"type":"error","code":"rate_limit_exceeded","message":"no","param":null,"sequence_number":1}"#, Kind::RateLimited, "no"),
        (Responses, r#"data: {"type":"error","error":{"type":"server_error","message":"no"}}"#, Kind::Server, "no"),
        (Responses, r#"data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"no"}}}"#, Kind::Server, "no"),
        (Responses, r#"data: {"type":"response.failed","response":{}}"#, Kind::Unknown, "the response failed"),
    ];
    for (dialect, event, kind, message) in cases {
        let said = said(dialect, &format!("{event}\n\n"));
        let error = api_error(said.outcome);
        assert_eq!(error.kind(), kind, "{event}");
        assert_eq!(error.message, message, "{event}");
        assert_eq!(error.status, None, "{event}");
        assert!(!said.ended, "{event}");
    }
}

#[test]
fn what_was_said_before_an_error_is_kept() {
    let (dialect, stream) = fixture("chat_error_mid");
    let said_then = said(dialect, stream);
    assert_eq!(said_then.text, "Partial");
    let error = api_error(said_then.outcome);
    assert_eq!(error.message, "Provider disconnected");
    assert_eq!(error.code.as_deref(), Some("502"));
    assert_eq!(
        error.object.as_deref(),
        Some(r#"{"code":502,"message":"Provider disconnected"}"#)
    );

    let (dialect, stream) = fixture("messages_overloaded");
    let said_then = said(dialect, stream);
    assert_eq!(said_then.text, "Hel");
    let error = api_error(said_then.outcome);
    assert_eq!(error.error_type.as_deref(), Some("overloaded_error"));
    assert_eq!(
        error.request_id.as_deref(),
        Some("req_011CSHoEeqs5C35K2UUqR7Fy")
    );
}

#[test]
fn bodies_that_are_no_stream_are_recognised() {
    let not_events = |text: &str| Err(StreamError::NotEvents(text.to_owned()));
    #[rustfmt::skip]
    let cases = [
        ("<!DOCTYPE html><title>Log in</title><p>Free &amp; open", not_events("Log in Free & open")),
        ("\u{feff}\n <html>Hi", not_events("Hi")),
        ("{\"choices\":[]}", not_events("{\"choices\":[]}")),
        ("{\"error\":null,\"choices\":[]}", not_events("{\"error\":null,\"choices\":[]}")),
        ("[1,2]", not_events("[1,2]")),
        ("{\"cut", not_events("{\"cut")),
    ];
    for (body, outcome) in cases {
        assert_eq!(said(Dialect::Chat, body).outcome, outcome, "{body}");
    }
    for body in [
        "{\"error\":{\"message\":\"no\"}}",
        "\n\u{feff} {\"detail\":\"no\"}",
        "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"no\"}}",
        "{\"message\":\"no\"}",
        "[{\"error\":{\"code\":400,\"message\":\"no\",\"status\":\"INVALID_ARGUMENT\"}}]",
    ] {
        assert_eq!(
            api_error(said(Dialect::Chat, body).outcome).message,
            "no",
            "{body}"
        );
    }
}

#[test]
fn an_event_that_cannot_be_read_is_shown_in_part() {
    let long = "é".repeat(300);
    let stream = format!("{}data: {{\"cut{long}\n\n", chat_piece("\"a\""));
    let said = said(Dialect::Chat, &stream);
    assert_eq!(said.text, "a");
    let Err(StreamError::Malformed(found)) = said.outcome else {
        panic!("{:?}", said.outcome);
    };
    assert!(
        found.starts_with("{\"cuté") && found.chars().count() == 200,
        "{found}"
    );
}
