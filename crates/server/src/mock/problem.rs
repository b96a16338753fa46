//! Error answers as the two providers shape them.
//!
//! OpenAI: platform.openai.com/docs/guides/error-codes and /guides/rate-limits.
//! Anthropic: docs.anthropic.com/en/api/errors.

use super::event::quote;
use super::limit::Cause;
use super::question::{Api, Invalid};

/// An error that is answered with a status and a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// OpenAI's `type`; Anthropic's follows from the status.
    kind: &'static str,
    code: Option<&'static str>,
    field: Option<&'static str>,
}

impl Problem {
    pub(crate) fn status(status: u16) -> Self {
        let (kind, code, message) = match status {
            400..=499 if status != 429 => {
                ("invalid_request_error", None, "The request was refused")
            }
            429 => (
                "requests",
                Some("rate_limit_exceeded"),
                "Rate limit reached",
            ),
            _ => (
                "server_error",
                None,
                "The server had an error while processing your request",
            ),
        };
        let message = format!("{message} (simulated status {status}).");
        Self {
            status,
            message,
            kind,
            code,
            field: None,
        }
    }

    pub(crate) fn invalid(invalid: Invalid) -> Self {
        let Invalid { message, field } = invalid;
        Self {
            status: 400,
            message,
            kind: "invalid_request_error",
            code: None,
            field,
        }
    }

    pub(crate) fn refused(status: u16, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::status(status)
        }
    }

    pub(crate) fn limited(cause: Cause) -> Self {
        let (kind, message) = match cause {
            Cause::Requests => ("requests", "Rate limit reached on requests."),
            Cause::Tokens => ("tokens", "Rate limit reached on tokens."),
            Cause::Capacity => ("requests", "All slots are busy and the queue is full."),
        };
        let code = Some("rate_limit_exceeded");
        Self {
            status: 429,
            message: message.to_owned(),
            kind,
            code,
            field: None,
        }
    }

    pub(crate) fn quota() -> Self {
        Self {
            status: 429,
            message: "You exceeded your current quota, please check your plan and billing details."
                .to_owned(),
            kind: "insufficient_quota",
            code: Some("insufficient_quota"),
            field: None,
        }
    }

    /// The JSON body.
    pub(crate) fn json(&self, api: Api) -> String {
        if api.is_anthropic() {
            return self.anthropic();
        }
        format!("{{\"error\":{}}}", self.object())
    }

    /// OpenAI's error object itself, without the wrapper.
    fn object(&self) -> String {
        let text = |value: Option<&str>| value.map_or_else(|| "null".to_owned(), quote);
        format!(
            "{{\"message\":{},\"type\":\"{}\",\"param\":{},\"code\":{}}}",
            quote(&self.message),
            self.kind,
            text(self.field),
            text(self.code)
        )
    }

    fn anthropic(&self) -> String {
        let kind = match self.status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        format!(
            "{{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":{}}},\
             \"request_id\":\"req_simulated\"}}",
            quote(&self.message)
        )
    }

    /// The error in the middle of a stream, as one event.
    pub(crate) fn event(&self, api: Api) -> String {
        match api {
            Api::Messages => super::event::named("error", &self.anthropic()),
            Api::Responses => super::event::named(
                "error",
                &format!(
                    "{{\"type\":\"error\",\"code\":\"server_error\",\"message\":{},\
                     \"param\":null,\"sequence_number\":0}}",
                    quote(&self.message)
                ),
            ),
            _ => super::event::data(&self.json(api)),
        }
    }

    /// An error event without the `error` wrapper, as vLLM has sent it.
    pub(crate) fn bare_event(&self) -> String {
        super::event::data(&format!(
            "{{\"object\":\"error\",\"message\":{},\"type\":\"InternalServerError\",\
             \"param\":null,\"code\":{}}}",
            quote(&self.message),
            self.status
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_json_with_the_message_in_its_place() {
        let problem = Problem::limited(Cause::Tokens);
        let openai: serde_json::Value =
            serde_json::from_str(&problem.json(Api::Chat)).expect("json");
        assert_eq!(openai["error"]["code"], "rate_limit_exceeded");
        assert_eq!(openai["error"]["type"], "tokens");
        let anthropic: serde_json::Value =
            serde_json::from_str(&problem.json(Api::Messages)).expect("json");
        assert_eq!(anthropic["error"]["type"], "rate_limit_error");
        assert_eq!(anthropic["type"], "error");
    }
}
