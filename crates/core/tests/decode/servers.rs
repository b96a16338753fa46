//! What servers other than their protocols' own send, each after its own fashion.

use kneepoint_core::decode::{
    Answer, AnswerError, ApiErrorKind, Choice, Delta, Dialect, FinishReason, ToolCall, Usage,
    answer, error_body,
};

use crate::{api_error, fixture, said};

/// The calls that a stream asks for: index, id, name, arguments.
fn calls(deltas: &[Delta]) -> Vec<(u32, Option<&str>, Option<&str>, &str)> {
    let mut calls = Vec::new();
    for delta in deltas {
        if let Delta::ToolCall {
            index,
            id,
            name,
            arguments,
            ..
        } = delta
        {
            calls.push((*index, id.as_deref(), name.as_deref(), &**arguments));
        }
    }
    calls
}

fn chat(chunks: &[&str]) -> String {
    let lines = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    lines.collect::<String>() + "data: [DONE]\n\n"
}

#[test]
fn azure_names_neither_answer_nor_model_in_the_chunk_about_the_prompt() {
    let (dialect, stream) = fixture("chat_azure");
    let said = said(dialect, stream);
    assert_eq!(said.text, "Hello there.");
    let begin = Delta::Begin {
        id: Some("chatcmpl-AaBbCc".to_owned()),
        model: Some("gpt-4o-2024-11-20".to_owned()),
    };
    assert_eq!(said.deltas[0], begin);
    assert_eq!(said.outcome, Ok(()));
}

#[test]
fn calls_without_a_number_of_their_own_are_told_apart() {
    let piece = |index: &str, id: &str, name: &str, arguments: &str| {
        format!(
            "{{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{{index}\"id\":{id},\
             \"type\":\"function\",\"function\":{{\"name\":{name},\"arguments\":{arguments}}}}}]}}}}]}}"
        )
    };
    let a = Some("a");
    #[rustfmt::skip]
    let cases = [
        // pieces of calls: index, id, name, arguments; what they are; why
        (vec![("", r#""a""#, r#""f""#, r#""{}""#), ("", r#""b""#, r#""f""#, r#""{\"x\":1}""#)],
            vec![(0, a, Some("f"), "{}"), (1, Some("b"), Some("f"), "{\"x\":1}")], "Gemini: no index"),
        (vec![("", r#""""#, r#""f""#, r#""{}""#), ("", r#""""#, r#""g""#, r#""{}""#)],
            vec![(0, None, Some("f"), "{}"), (1, None, Some("g"), "{}")], "Gemini before it had ids"),
        (vec![("", r#""a""#, r#""f""#, r#""{""#), ("", "null", "null", r#""}""#), ("", r#""b""#, r#""g""#, r#""{}""#)],
            vec![(0, a, Some("f"), "{}"), (1, Some("b"), Some("g"), "{}")], "no index, and arguments in pieces"),
        (vec![("\"index\":0,", r#""a""#, r#""f""#, r#""{}""#), ("\"index\":0,", r#""b""#, r#""g""#, r#""{""#), ("\"index\":0,", "null", "null", r#""}""#)],
            vec![(0, a, Some("f"), "{}"), (1, Some("b"), Some("g"), "{}")], "proxies: the same index for all"),
        (vec![("\"index\":0,", r#""a""#, r#""f""#, r#""{}""#), ("\"index\":0,", r#""b""#, r#""g""#, r#""{}""#), ("\"index\":1,", r#""c""#, r#""h""#, r#""{}""#)],
            vec![(0, a, Some("f"), "{}"), (1, Some("b"), Some("g"), "{}"), (2, Some("c"), Some("h"), "{}")], "a number that was given away"),
        (vec![("\"index\":0,", r#""a""#, r#""f""#, r#""""#), ("\"index\":0,", r#""""#, "null", r#""{""#), ("\"index\":0,", r#""""#, r#""""#, r#""}""#)],
            vec![(0, a, Some("f"), "{}")], "Qwen: an empty id in each further piece"),
        (vec![("\"index\":0,", r#""a""#, r#""f""#, r#""{""#), ("\"index\":0,", r#""a""#, r#""f""#, r#""}""#)],
            vec![(0, a, Some("f"), "{"), (0, a, Some("f"), "}")], "id and name in each piece"),
        (vec![("\"index\":0,", r#""a""#, r#""f""#, r#""{""#), ("\"index\":0,", r#""b""#, "null", r#""}""#)],
            vec![(0, a, Some("f"), "{"), (0, Some("b"), None, "}")], "an id made up for each piece"),
        (vec![("\"index\":3,", r#""a""#, r#""f""#, r#""{}""#), ("\"index\":7,", r#""b""#, r#""f""#, r#""{}""#)],
            vec![(3, a, Some("f"), "{}"), (7, Some("b"), Some("f"), "{}")], "numbers with gaps are the server's own"),
    ];
    for (pieces, expected, why) in cases {
        let pieces = pieces
            .into_iter()
            .map(|(index, id, name, arguments)| piece(index, id, name, arguments));
        let pieces: Vec<_> = pieces.collect();
        let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
        let said = said(Dialect::Chat, &chat(&pieces));
        assert_eq!(calls(&said.deltas), expected, "{why}");
    }
}

#[test]
fn calls_within_one_chunk_are_told_apart_too() {
    let (dialect, stream) = fixture("chat_gemini");
    let said = said(dialect, stream);
    let expected = [
        (
            0,
            Some("function-call-1"),
            Some("get_weather"),
            "{\"city\":\"Paris\"}",
        ),
        (
            1,
            Some("function-call-2"),
            Some("get_weather"),
            "{\"city\":\"Bonn\"}",
        ),
    ];
    assert_eq!(calls(&said.deltas), expected);
    assert_eq!(said.outcome, Ok(()));
}

#[test]
fn a_tool_call_of_tgi_2_is_one_though_it_comes_in_no_list() {
    let piece = |name: &str, arguments: &str| {
        format!(
            r#"{{"choices":[{{"index":0,"delta":{{"role":"assistant","tool_calls":{{"index":0,"id":"","type":"function","function":{{"name":{name},"arguments":"{arguments}"}}}}}}}}]}}"#
        )
    };
    let pieces = [
        piece(r#""weather""#, r#"{\"city\":"#),
        piece("null", r#"\"Bonn\""#),
        piece("null", "}"),
    ];
    let streamed = said(Dialect::Chat, &chat(&pieces.each_ref().map(String::as_str)));
    assert_eq!(streamed.outcome, Ok(()));
    let pieces = calls(&streamed.deltas).into_iter();
    let whole: String = pieces.map(|(.., arguments)| arguments).collect();
    assert_eq!(whole, r#"{"city":"Bonn"}"#);

    let body = r#"{"choices":[{"message":{"role":"assistant","tool_calls":{"id":"0","type":"function","function":{"name":"weather","arguments":{"city":"Bonn"}}}},"finish_reason":"eos_token"}]}"#;
    let whole = answer(Dialect::Chat, body).expect("an answer");
    let [call] = &whole.choices[0].tool_calls[..] else {
        panic!("{whole:?}");
    };
    assert_eq!(call.arguments, r#"{"city":"Bonn"}"#);
    for odd in ["7", r#""words""#, "true"] {
        let odd = format!(r#"{{"choices":[{{"message":{{"tool_calls":{odd}}}}}]}}"#);
        assert!(answer(Dialect::Chat, &odd).is_err(), "{odd}");
    }
}

#[test]
fn what_must_go_back_with_a_call_is_kept() {
    let signature = r#"{"google":{"thought_signature":"CvcQAXLI2nw="}}"#;
    let extra = |delta: &Delta| match delta {
        Delta::ToolCall { extra_content, .. } => extra_content.clone(),
        _ => None,
    };
    let (dialect, stream) = fixture("chat_gemini");
    let streamed = said(dialect, stream);
    let streamed: Vec<_> = streamed.deltas.iter().filter_map(extra).collect();
    assert_eq!(
        streamed,
        [signature],
        "only the first of calls side by side has one"
    );

    let late = format!(
        r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":0,"extra_content":{signature}}}]}}}}]}}"#
    );
    let call = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}"#;
    let said = said(Dialect::Chat, &chat(&[call, &late]));
    assert_eq!(
        said.deltas.iter().filter_map(extra).collect::<Vec<_>>(),
        [signature]
    );

    let body = format!(
        r#"{{"choices":[{{"message":{{"tool_calls":[{{"id":"a","extra_content":{signature},"function":{{"name":"f","arguments":"{{}}"}}}},{{"extra_content":null,"function":{{"name":"g"}}}}]}}}}]}}"#
    );
    let whole = answer(Dialect::Chat, &body).expect("an answer");
    let calls = whole.choices[0].tool_calls.iter();
    let whole: Vec<_> = calls.map(|call| call.extra_content.as_deref()).collect();
    assert_eq!(whole, [Some(signature), None]);
}

#[test]
fn anthropics_own_tools_are_no_calls_to_be_made() {
    let (dialect, stream) = fixture("messages_search");
    let streamed = said(dialect, stream);
    assert_eq!(streamed.text, "Let me look.It is sunny in Bonn.");
    assert_eq!(
        calls(&streamed.deltas),
        [(4, Some("toolu_1"), Some("pack"), "{\"umbrella\": false}")]
    );
    let body = r#"{"type":"message","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search",
        "input":{"query":"weather"}},{"type":"tool_use","id":"toolu_1","name":"pack","input":{}}]}"#;
    let whole = answer(dialect, body).expect("an answer");
    let call = ToolCall {
        id: Some("toolu_1".to_owned()),
        name: Some("pack".to_owned()),
        arguments: "{}".to_owned(),
        ..ToolCall::default()
    };
    assert_eq!(whole.choices[0].tool_calls, [call]);
}

#[test]
fn an_error_in_a_line_of_its_own_is_an_error() {
    // llama.cpp until the end of 2025.
    let line = "error: {\"code\":500,\"message\":\"Context size has been exceeded.\",\"type\":\"server_error\"}\n\n";
    let piece = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (stream, text) in [
        (format!("{line}data: [DONE]\n\n"), ""),
        (format!("{piece}{line}data: [DONE]\n\n"), "a"),
        (format!("{piece}{}", line.trim_end()), "a"),
        (format!("{piece}error:{}", &line[7..]), "a"),
    ] {
        let said = said(Dialect::Chat, &stream);
        assert_eq!(said.text, text, "{stream}");
        let error = api_error(said.outcome);
        assert_eq!(error.message, "Context size has been exceeded.", "{stream}");
        assert_eq!(error.kind(), ApiErrorKind::Server, "{stream}");
    }
}

#[test]
fn what_goes_wrong_after_a_good_beginning_is_found_wherever_it_stands() {
    use ApiErrorKind as Kind;
    #[rustfmt::skip]
    let cases = [
        // chunk, kind, message, why
        (r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":429,"message":"slow down"}}]}"#, Kind::RateLimited, "slow down", "OpenRouter: in the choice"),
        (r#"{"choices":[{"index":0,"error":{"code":502,"message":"Upstream"}}]}"#, Kind::Server, "Upstream", "without a reason to end"),
        (r#"{"choices":[],"x_groq":{"id":"req_1","error":"over capacity"}}"#, Kind::Unknown, "over capacity", "Groq: among its own fields"),
        (r#"{"error":"no","error_type":"overloaded"}"#, Kind::Overloaded, "no", "TGI: a type beside the words"),
        (r#"{"error":{"message":"no","type":"invalid_request_error","code":"503"}}"#, Kind::Rejected, "no", "a word tells more than a number"),
        (r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#, Kind::Overloaded, "The model is overloaded.", "Gemini"),
    ];
    for (chunk, kind, message, why) in cases {
        let error = api_error(said(Dialect::Chat, &chat(&[chunk])).outcome);
        assert_eq!(error.message, message, "{why}");
        assert_eq!(error.kind(), kind, "{why}");
    }
    let body = r#"{"choices":[{"index":0,"message":{"content":""},"finish_reason":"error","error":{"code":429,"message":"slow down"}}]}"#;
    let Err(AnswerError::Api(error)) = answer(Dialect::Chat, body) else {
        panic!("no error of the endpoint");
    };
    assert_eq!(
        (error.kind(), &*error.message),
        (Kind::RateLimited, "slow down")
    );
}

#[test]
fn usage_is_found_wherever_it_stands() {
    let usage = |cached| Usage {
        input: Some(5),
        output: Some(3),
        cached,
        ..Usage::default()
    };
    #[rustfmt::skip]
    let cases = [
        (r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"prompt_tokens":5,"completion_tokens":3}}}"#, usage(None), "Groq"),
        (r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":5,"completion_tokens":3,"cached_tokens":2}}]}"#, usage(Some(2)), "Moonshot"),
    ];
    for (chunk, usage, why) in cases {
        let said = said(Dialect::Chat, &chat(&[chunk]));
        let found = said.deltas.contains(&Delta::Usage(usage));
        assert!(found, "{why}: {:?}", said.deltas);
    }
}

#[test]
fn words_for_the_end_are_understood() {
    #[rustfmt::skip]
    let cases = [
        ("eos_token", FinishReason::Stop, "TGI"),
        ("content_filter: PROHIBITED_CONTENT", FinishReason::ContentFilter, "Gemini"),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", FinishReason::Other("function_call_filter: MALFORMED_FUNCTION_CALL".to_owned()), "a word of its own"),
        ("abort", FinishReason::Other("abort".to_owned()), "vLLM"),
    ];
    for (word, reason, why) in cases {
        let body = format!(
            "{{\"choices\":[{{\"message\":{{\"content\":\"a\"}},\"finish_reason\":\"{word}\"}}]}}"
        );
        let whole = answer(Dialect::Chat, &body).expect("an answer");
        assert_eq!(whole.choices[0].finish.as_ref(), Some(&reason), "{why}");
        let chunk = format!(
            "{{\"choices\":[{{\"delta\":{{\"content\":\"a\"}},\"finish_reason\":\"{word}\"}}]}}"
        );
        let streamed = said(Dialect::Chat, &chat(&[&chunk]));
        assert_eq!(
            streamed.deltas,
            [Delta::Finish { choice: 0, reason }],
            "{why}"
        );
    }
}

#[test]
fn sound_and_pictures_are_content() {
    let (dialect, stream) = fixture("chat_audio");
    assert_eq!(said(dialect, stream).content_events, 3);
    for delta in [
        r#"{"audio":{"id":"a","transcript":"Hi"}}"#,
        r#"{"audio":{"data":"AAAA"}}"#,
        r#"{"images":[{"type":"image_url","image_url":{"url":"data:"}}]}"#,
    ] {
        let stream = chat(&[&format!("{{\"choices\":[{{\"delta\":{delta}}}]}}")]);
        assert_eq!(said(Dialect::Chat, &stream).content_events, 1, "{delta}");
    }
    let silent =
        chat(&[r#"{"choices":[{"delta":{"role":"assistant","audio":null,"images":[]}}]}"#]);
    assert_eq!(said(Dialect::Chat, &silent).content_events, 0);
}

#[test]
fn empty_names_in_a_whole_answer_are_none() {
    let body = r#"{"id":"","model":"","choices":[{"message":{"content":"","tool_calls":[{"id":"","function":{"name":"f","arguments":"{}"}}]}}]}"#;
    let call = ToolCall {
        name: Some("f".to_owned()),
        arguments: "{}".to_owned(),
        ..ToolCall::default()
    };
    let expected = Answer {
        choices: vec![Choice {
            tool_calls: vec![call],
            ..Choice::default()
        }],
        ..Answer::default()
    };
    assert_eq!(answer(Dialect::Chat, body), Ok(expected));
}

#[test]
fn what_the_provider_behind_a_router_said_is_said() {
    let long = "x".repeat(100_000);
    #[rustfmt::skip]
    let cases = [
        // metadata, message, why
        (r#"{"raw":"{\"error\":{\"code\":429,\"message\":\"Resource exhausted\"}}","provider_name":"Google"}"#, "Google: Resource exhausted", "an error in a text"),
        (r#"{"raw":"m is temporarily rate-limited upstream.","provider_name":"Venice"}"#, "Venice: m is temporarily rate-limited upstream.", "a text"),
        (r#"{"raw":"[{\"error\":{\"message\":\"no\"}}]","provider_name":"Google"}"#, "Google: no", "a list in a text"),
        (r#"{"raw":{"error":"no"},"provider_name":null}"#, "no", "an object, and no name"),
        (r#"{"raw":"{\"detail\":\"no\"}"}"#, "no", "other words for it"),
        (r#"{"raw":"{\"reason\":\"no\"}"}"#, r#"{"reason":"no"}"#, "nothing that we know"),
        (r#"{"raw":"<html><title>502</title>Bad gateway"}"#, "502 Bad gateway", "a page"),
    ];
    for (metadata, words, why) in cases {
        let error = format!(
            r#"{{"error":{{"message":"Provider returned error","code":429,"metadata":{metadata}}}}}"#
        );
        let message = format!("Provider returned error: {words}");
        assert_eq!(
            error_body(429, None, error.as_bytes()).message,
            message,
            "{why}"
        );
        let streamed = api_error(said(Dialect::Chat, &chat(&[&error])).outcome);
        assert_eq!(streamed.message, message, "{why}, in a stream");
    }
    for metadata in [
        r#"{"raw":null,"provider_name":"Google"}"#,
        r#"{"raw":"","provider_name":"Google"}"#,
        r#"{"reasons":["violence"],"provider_name":"OpenAI"}"#,
        r#""words""#,
        "null",
    ] {
        let error = format!(r#"{{"error":{{"message":"no","metadata":{metadata}}}}}"#);
        assert_eq!(
            error_body(403, None, error.as_bytes()).message,
            "no",
            "{metadata}"
        );
    }
    for (raw, chars_max) in [
        (format!(r#""{long}""#), 240),
        (format!(r#"{{"message":"{long}"}}"#), 2000),
        (r#"{"error":"#.repeat(5000) + "1" + &"}".repeat(5000), 240),
    ] {
        let error = format!(
            r#"{{"error":{{"message":"Provider returned error","metadata":{{"raw":{raw}}}}}}}"#
        );
        let message = error_body(502, None, error.as_bytes()).message;
        assert!(message.chars().count() <= chars_max, "{message}");
    }
}

#[test]
fn money_that_is_gone_is_known_behind_a_gateway_too() {
    use ApiErrorKind as Kind;
    const SAID: &str = "You exceeded your current quota, please check your plan and billing details. For more information on this error,";
    let openai = "https://platform.openai.com/docs/guides/error-codes/api-errors.";
    let gemini = "https://ai.google.dev/gemini-api/docs/rate-limits.";
    let behind = "litellm.RateLimitError: RateLimitError: OpenAIException -";
    let litellm = ("throttling_error", r#""429""#);
    #[rustfmt::skip]
    let cases = [
        // message, (type, code), kind, why
        (format!("{behind} {SAID} read the docs: {openai}"), litellm, Kind::Quota, "LiteLLM before OpenAI"),
        (format!("{behind} {SAID} read the docs: {openai} Received Model Group=m"), litellm, Kind::Quota, "it goes on"),
        (format!("{behind} Error code: 429 - {{'code': 'insufficient_quota'}} {SAID} {openai}"), litellm, Kind::Quota, "an older one"),
        (format!("litellm.RateLimitError: GeminiException - {SAID} head to: {gemini} Please retry in 20s."), litellm, Kind::RateLimited, "a minute's quota"),
        (format!("{behind} {SAID} head to: {gemini}"), litellm, Kind::RateLimited, "Gemini by OpenAI's protocol"),
        (format!("{SAID} head to: {gemini}"), ("", "429"), Kind::RateLimited, "Gemini"),
        (format!("{behind} Rate limit reached for m: Limit 3, Used 3, Requested 1. Visit https://platform.openai.com/account/rate-limits"), litellm, Kind::RateLimited, "a limit of OpenAI's"),
        ("Requests have exceeded the call rate limit of your current OpenAI S0 pricing tier.".to_owned(), ("", r#""429""#), Kind::RateLimited, "Azure"),
        (format!("see {openai} You exceeded your current quota"), litellm, Kind::RateLimited, "another order, other words"),
        ("exceeded your current quota".to_owned(), litellm, Kind::RateLimited, "nobody's words"),
    ];
    for (message, (error_type, code), kind, why) in cases {
        let body = format!(
            r#"{{"error":{{"message":"{message}","type":"{error_type}","param":null,"code":{code}}}}}"#
        );
        let error = error_body(429, Some("application/json"), body.as_bytes());
        assert_eq!(error.kind(), kind, "{why}");
        assert_eq!(error.code.as_deref(), Some("429"), "{why}");
    }
}

#[test]
fn error_bodies_of_hosts_and_gateways() {
    use ApiErrorKind as Kind;
    #[rustfmt::skip]
    let cases = [
        // status, body, message, kind, why
        (400, r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#, "API key not valid.", Kind::Rejected, "Gemini: a list"),
        (429, r#"{"error":{"message":"Budget has been exceeded!","type":"budget_exceeded","param":null,"code":"429"}}"#, "Budget has been exceeded!", Kind::Quota, "LiteLLM: a number for a code"),
        (429, r#"{"error":{"message":"Recharge","type":"exceeded_current_quota_error"}}"#, "Recharge", Kind::Quota, "Moonshot"),
        (429, r#"{"error":{"message":"Max RPM","type":"rate_limit_reached_error"}}"#, "Max RPM", Kind::RateLimited, "Moonshot"),
        (429, r#"{"error":{"message":"Busy","type":"engine_overloaded_error"}}"#, "Busy", Kind::Overloaded, "Moonshot"),
        (400, r#"{"code":"Client specified an invalid argument","error":"Model not found"}"#, "Model not found", Kind::Rejected, "xAI"),
        (429, r#"{"error":"Model is overloaded","error_type":"overloaded"}"#, "Model is overloaded", Kind::Overloaded, "TGI"),
        (400, r#"{"success":false,"errors":[{"code":7003,"message":"No route for the URI"}],"messages":[],"result":null}"#, "No route for the URI", Kind::Rejected, "Cloudflare"),
        (401, r#"{"success":false,"result":[],"messages":[],"error":[{"code":2009,"message":"Unauthorized"}]}"#, "Unauthorized", Kind::Rejected, "Cloudflare's AI gateway"),
        (422, r#"{"error":["Error in `parameters`"],"warnings":[]}"#, "Error in `parameters`", Kind::Rejected, "Hugging Face"),
        (403, r#"{"Message":"User is not authorized"}"#, r#"{"Message":"User is not authorized"}"#, Kind::Rejected, "a gateway of AWS"),
        (404, r#"{"statusCode":404,"message":"Resource not found"}"#, "Resource not found", Kind::Rejected, "Azure"),
        (524, r#"{"title":"Error 524: A timeout occurred","status":524,"detail":"The origin took too long.","retryable":true}"#, "The origin took too long.", Kind::Server, "Cloudflare"),
    ];
    for (status, body, message, kind, why) in cases {
        let error = error_body(status, Some("application/json"), body.as_bytes());
        assert_eq!(error.message, message, "{why}");
        assert_eq!(error.kind(), kind, "{why}");
    }
    let error = error_body(400, None, cases[5].1.as_bytes());
    assert_eq!(
        error.code.as_deref(),
        Some("Client specified an invalid argument")
    );
    let error = error_body(400, None, cases[0].1.as_bytes());
    assert!(
        error
            .object
            .is_some_and(|object| object.starts_with("{\"code\""))
    );
}
