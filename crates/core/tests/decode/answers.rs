//! Whole answers and the bodies of errors.

use kneepoint_core::decode::{
    Answer, AnswerError, ApiErrorKind, Choice, Dialect, FinishReason, ToolCall, Usage, answer,
    check, error_body,
};

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall {
        id: Some(id.to_owned()),
        name: Some(name.to_owned()),
        arguments: arguments.to_owned(),
        extra_content: None,
    }
}

fn read(dialect: Dialect, body: &str) -> Answer {
    answer(dialect, body).expect("an answer")
}

#[test]
fn a_chats_answer() {
    let answer = read(Dialect::Chat, include_str!("../fixtures/chat_answer.json"));
    let first = Choice {
        text: "Hello!".to_owned(),
        finish: Some(FinishReason::Stop),
        ..Choice::default()
    };
    let second = Choice {
        index: 1,
        reasoning: "hm".to_owned(),
        tool_calls: vec![call("call_1", "f", "{\"a\":1}")],
        finish: Some(FinishReason::ToolCalls),
        ..Choice::default()
    };
    let usage = Usage {
        input: Some(19),
        output: Some(10),
        cached: Some(4),
        reasoning: Some(2),
        cache_written: None,
    };
    assert_eq!(answer.text(), "Hello!");
    assert_eq!(answer.id.as_deref(), Some("chatcmpl-1"));
    assert_eq!(answer.model.as_deref(), Some("gpt-4o"));
    assert_eq!(answer.choices, [first, second]);
    assert_eq!(answer.usage, Some(usage));
}

#[test]
fn a_messages_answer() {
    let answer = read(
        Dialect::Messages,
        include_str!("../fixtures/messages_answer.json"),
    );
    let choice = Choice {
        text: "Hello".to_owned(),
        reasoning: "hm".to_owned(),
        tool_calls: vec![call("toolu_1", "f", "{\"a\":1}")],
        finish: Some(FinishReason::ToolCalls),
        ..Choice::default()
    };
    assert_eq!(answer.choices, [choice]);
    assert_eq!(answer.usage.and_then(|usage| usage.cached), Some(5));
}

#[test]
fn a_responses_answer() {
    let answer = read(
        Dialect::Responses,
        include_str!("../fixtures/responses_answer.json"),
    );
    assert_eq!(answer.text(), "Hi there!\n How can I assist you?");
    assert_eq!(
        answer.choices[0].tool_calls,
        [call("call_1", "get_weather", "{\"city\":\"Bonn\"}")]
    );
    assert_eq!(answer.choices[0].finish, Some(FinishReason::ToolCalls));
    assert_eq!(answer.usage.and_then(|usage| usage.output), Some(11));
}

#[test]
fn a_completions_answer_and_a_refusal() {
    let answer = read(
        Dialect::Completions,
        r#"{"choices":[{"text":"Once","finish_reason":"length"}]}"#,
    );
    assert_eq!(answer.text(), "Once");
    assert_eq!(answer.choices[0].finish, Some(FinishReason::Length));
    let answer = read(
        Dialect::Chat,
        r#"{"choices":[{"message":{"content":null,"refusal":"No."}}]}"#,
    );
    assert_eq!((answer.text(), &*answer.choices[0].refusal), ("", "No."));
    let body = r#"{"output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}]}"#;
    assert_eq!(read(Dialect::Responses, body).choices[0].refusal, "No.");
}

#[test]
fn an_empty_word_says_nothing_of_the_end() {
    let cases = [
        (
            Dialect::Chat,
            r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":""}]}"#,
        ),
        (
            Dialect::Messages,
            r#"{"content":[{"type":"text","text":"Hi"}],"stop_reason":""}"#,
        ),
    ];
    for (dialect, body) in cases {
        let answer = read(dialect, body);
        assert_eq!((answer.text(), &answer.choices[0].finish), ("Hi", &None));
    }
}

#[test]
fn a_success_that_is_none_is_an_error() {
    use AnswerError::{Empty, Html, Malformed, Unexpected};
    let own = str::to_owned;
    #[rustfmt::skip]
    let cases = [
        ("", Empty),
        (" \r\n\t", Empty),
        ("\u{feff}", Empty),
        ("<!doctype html><html><head><title>Log in</title><style>p{}</style></head><body><script>1<2</script><p>Welcome</p>", Html(own("Log in Welcome"))),
        ("{\"choices\":", Malformed(own("{\"choices\":"))),
        ("{\"choices\":7}", Malformed(own("{\"choices\":7}"))),
        ("OK", Malformed(own("OK"))),
        ("[]", Unexpected(own("[]"))),
        ("null", Unexpected(own("null"))),
        ("\"ok\"", Unexpected(own("\"ok\""))),
        ("42", Unexpected(own("42"))),
        ("{}", Unexpected(own("{}"))),
        ("{\"choices\":[]}", Unexpected(own("{\"choices\":[]}"))),
        ("{\"choices\":null}", Unexpected(own("{\"choices\":null}"))),
    ];
    for (body, error) in cases {
        assert_eq!(answer(Dialect::Chat, body), Err(error), "{body}");
    }
    for dialect in [
        Dialect::Chat,
        Dialect::Completions,
        Dialect::Responses,
        Dialect::Messages,
    ] {
        let body = r#"{"error":{"message":"no","code":"rate_limit_exceeded"}}"#;
        let Err(AnswerError::Api(error)) = answer(dialect, body) else {
            panic!("{dialect:?}");
        };
        assert_eq!(error.kind(), ApiErrorKind::RateLimited);
        assert!(
            matches!(answer(dialect, "{}"), Err(Unexpected(_))),
            "{dialect:?}"
        );
    }
    let body = r#"{"choices":[{"message":{"content":"half"},"finish_reason":"error"}]}"#;
    assert!(matches!(
        answer(Dialect::Chat, body),
        Err(AnswerError::Api(_))
    ));
}

#[test]
fn bodies_that_are_handed_on_are_checked() {
    assert_eq!(check(r#"{"object":"list","data":[]}"#), Ok(()));
    for none in ["null", "false", "0", r#""""#] {
        assert_eq!(check(&format!(r#"{{"error":{none}}}"#)), Ok(()));
    }
    assert_eq!(check(""), Err(AnswerError::Empty));
    assert_eq!(check("[]"), Err(AnswerError::Unexpected("[]".to_owned())));
    assert_eq!(
        check("{\"a\""),
        Err(AnswerError::Malformed("{\"a\"".to_owned()))
    );
    assert!(matches!(check("<html>"), Err(AnswerError::Html(_))));
    assert!(matches!(
        check(r#"{"error":"no"}"#),
        Err(AnswerError::Api(_))
    ));
}

#[test]
fn error_bodies_of_all_shapes() {
    use ApiErrorKind as Kind;
    #[rustfmt::skip]
    let cases = [
        // status, body, message, kind
        (401, r#"{"error":{"message":"Incorrect API key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#, "Incorrect API key", Kind::Rejected),
        (429, r#"{"error":{"message":"Slow down","type":"requests","code":"rate_limit_exceeded"}}"#, "Slow down", Kind::RateLimited),
        (429, r#"{"error":{"message":"Pay","type":"insufficient_quota","code":"insufficient_quota"}}"#, "Pay", Kind::Quota),
        (429, r#"{"error":{"message":"Pay","code":"enforced_spend_limit_reached"}}"#, "Pay", Kind::Quota),
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#, "Overloaded", Kind::Overloaded),
        (503, r#"{"error":"busy"}"#, "busy", Kind::Overloaded),
        (400, r#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#, "too long", Kind::Rejected),
        (404, r#"{"detail":"Not Found"}"#, "Not Found", Kind::Rejected),
        (422, r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, r#"[{"loc":["body"],"msg":"field required"}]"#, Kind::Rejected),
        (500, r#"{"message":"oops"}"#, "oops", Kind::Server),
        (502, "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr>nginx</body></html>", "502 Bad Gateway 502 Bad Gateway nginx", Kind::Server),
        (500, "Internal Server Error", "Internal Server Error", Kind::Server),
        (503, "", "no message", Kind::Overloaded),
        (500, "{}", "{}", Kind::Server),
        (500, r#"{"error":{}}"#, "{}", Kind::Server),
        (500, r#"{"error":{"message":""}}"#, "no message", Kind::Server),
        (418, "[1]", "[1]", Kind::Rejected),
        (302, "", "no message", Kind::Unknown),
    ];
    for (status, body, message, kind) in cases {
        let error = error_body(status, None, body.as_bytes());
        assert_eq!(error.message, message, "{body}");
        assert_eq!(error.kind(), kind, "{body}");
        assert_eq!(error.status, Some(status), "{body}");
    }
    let error = error_body(529, None, cases[4].1.as_bytes());
    assert_eq!(error.request_id.as_deref(), Some("req_1"));
    assert_eq!(
        error.object.as_deref(),
        Some(r#"{"type":"overloaded_error","message":"Overloaded"}"#)
    );
    // Whoever asks for the object finds it, though it has no name for what it says.
    for body in [r#"{"reason":"no"}"#, "{}", "[1]"] {
        let error = error_body(418, None, body.as_bytes());
        assert_eq!(error.object.as_deref(), Some(body));
    }
    for body in [r#"{"reason""#, "7", "{} {}"] {
        assert_eq!(
            error_body(418, None, body.as_bytes()).object,
            None,
            "{body}"
        );
    }
}

#[test]
fn a_request_beyond_a_whole_limit_is_told_from_a_limit_that_is_used_up() {
    use ApiErrorKind as Kind;
    #[rustfmt::skip]
    let cases = [
        // status, message, type, code, kind, why
        (429, "Rate limit reached for m on tokens per min (TPM): Limit 30000, Used 29937, Requested 385. Please try again in 644ms.", "tokens", "rate_limit_exceeded", Kind::RateLimited, "used up"),
        (429, "Request too large for m on tokens per min (TPM): Limit 30000, Requested 30001. The input or output tokens must be reduced.", "tokens", "rate_limit_exceeded", Kind::TooLarge, "OpenAI"),
        (413, "Request too large for m on tokens per minute (TPM): Limit 6000, Requested 12328, please reduce your message size", "tokens", "rate_limit_exceeded", Kind::TooLarge, "Groq"),
        (413, "Request exceeds the maximum size", "request_too_large", "", Kind::TooLarge, "Anthropic"),
        (429, "Limit 0, Used 0, Requested 1.", "requests", "rate_limit_exceeded", Kind::TooLarge, "nothing allowed at all"),
        (429, "Limit 30000, Requested 30000", "tokens", "rate_limit_exceeded", Kind::RateLimited, "it fits"),
        (429, "Limit reached, Requested 2", "tokens", "rate_limit_exceeded", Kind::RateLimited, "no figure"),
        (429, "Limit 6,000, Used 5,995, Requested 12.", "tokens", "rate_limit_exceeded", Kind::RateLimited, "a figure in groups"),
        (429, "Limit 1M, Used 999990, Requested 385.", "tokens", "rate_limit_exceeded", Kind::RateLimited, "a figure in millions"),
        (429, "Limit 1, Requested 2", "insufficient_quota", "", Kind::Quota, "the code tells more"),
    ];
    for (status, message, error_type, code, kind, why) in cases {
        let body = format!(
            r#"{{"error":{{"message":"{message}","type":"{error_type}","code":"{code}"}}}}"#
        );
        assert_eq!(
            error_body(status, None, body.as_bytes()).kind(),
            kind,
            "{why}"
        );
    }
}

#[test]
fn error_messages_are_bounded() {
    let page = format!("<p>{}</p>", "word ".repeat(100_000));
    assert!(
        error_body(502, Some("text/html"), page.as_bytes())
            .message
            .chars()
            .count()
            <= 200
    );
    let text = "é\u{0}".repeat(100_000);
    let message = error_body(500, None, text.as_bytes()).message;
    assert!(message.starts_with("é é é") && message.chars().count() <= 200);
    let json = format!(
        "{{\"error\":{{\"message\":\"{0}\",\"type\":\"{0}\"}}}}",
        "x".repeat(100_000)
    );
    let error = error_body(500, None, json.as_bytes());
    assert_eq!(error.message.len(), 2000);
    assert_eq!(error.error_type.map(|word| word.len()), Some(200));
    assert_eq!(error.object, None);
}
