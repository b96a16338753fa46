//! What servers other than their protocols' own send, each after its own fashion.

use kneepoint_core::decode::{ApiErrorKind, Dialect, error_body};

use crate::{api_error, said};

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
