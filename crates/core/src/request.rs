//! What a caller asks for: an endpoint, a body, and how this one call differs from the client's
//! defaults.

use std::rc::Rc;
use std::time::Duration;

use crate::check::{ConfigError, check_header};
use crate::http::{Handle, Headers};
use crate::json::{Json, Malformed};
use crate::provider::Endpoint;
use crate::retry::RetryPolicy;
use crate::secret::Secret;

/// One call.
#[derive(Clone)]
pub struct Request {
    /// What is asked of the server.
    pub endpoint: Endpoint,
    /// The JSON body, sent as it stands; none for reads.
    pub body: Option<Rc<str>>,
    /// What is to be known of a body that the platform has, under the handle of the options, and sends
    /// itself; or of the one above, where nobody wants more of the answer than its figures. The answer
    /// is the platform's to read too, so that neither is cached or shared, and a [`Reply`]'s body may
    /// be empty.
    ///
    /// [`Reply`]: crate::Reply
    pub held: Option<Outline>,
    /// How this call differs.
    pub options: CallOptions,
}

impl Request {
    /// A request whose body is already JSON.
    pub fn from_json(endpoint: Endpoint, body: &str) -> Self {
        Self {
            endpoint,
            body: Some(body.into()),
            held: None,
            options: CallOptions::default(),
        }
    }

    /// A request without a body.
    pub fn read(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            body: None,
            held: None,
            options: CallOptions::default(),
        }
    }

    /// What steers us of the body. One that is no JSON object steers nothing; the server will say
    /// what it thinks of it.
    pub(crate) fn outline(&self) -> Outline {
        let body = self.body.as_deref().unwrap_or_default();
        match &self.held {
            Some(outline) => outline.clone(),
            None => Outline::read(body).unwrap_or_default(),
        }
    }
}

/// What we read in a body: the model keys limits and caches, `stream` says what will come back.
///
/// Every field may hold anything: what we cannot read is the server's to judge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The model that is asked.
    pub model: Option<Rc<str>>,
    /// Whether a stream is asked for.
    pub is_streamed: bool,
    /// The body's length in bytes.
    pub bytes: usize,
    /// How long the answer may be, in tokens.
    pub answer_max: Option<u64>,
}

/// A token is about this many bytes of a body, JSON's own included. Servers that count tokens ahead
/// estimate likewise; the answer's usage puts it right.
const BYTES_PER_TOKEN: usize = 4;

impl Outline {
    fn read(body: &str) -> Result<Self, Malformed> {
        let [model, stream, limits @ ..] = Json::new(body).fields([
            "model",
            "stream",
            "max_tokens",
            "max_completion_tokens",
            "max_output_tokens",
        ])?;
        Ok(Self {
            model: model.text().map(Into::into),
            is_streamed: stream.source() == "true",
            bytes: body.len(),
            answer_max: limits.into_iter().find_map(Json::count),
        })
    }

    /// How many tokens the call may use: its prompt, and as much as it allows the answer to be.
    pub(crate) fn tokens(&self) -> u64 {
        let prompt = (self.bytes / BYTES_PER_TOKEN) as u64;
        prompt.saturating_add(self.answer_max.unwrap_or_default())
    }
}

/// How one call differs from the client's defaults.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// The whole call's timeout. Default: the client's.
    pub timeout: Option<Duration>,
    /// Each attempt's timeout. Default: the client's.
    pub attempt_timeout: Option<Duration>,
    /// Retries of this call. Default: the client's.
    pub retries_max: Option<u32>,
    /// Never repeat this call once the server may have carried it out. Default: the client's.
    pub at_most_once: Option<bool>,
    /// Header fields on top of the client's; `None` takes one away.
    pub headers: Vec<(String, Option<String>)>,
    /// Parameters on top of the client's.
    pub query: Vec<(String, String)>,
    /// Sent as `idempotency-key`, the same with every attempt.
    pub idempotency_key: Option<String>,
    /// Calls of higher priority leave the queue first. Default: 0.
    pub priority: i32,
    /// Asked with this key instead of the client's.
    pub api_key: Option<Secret>,
    /// Whether the client's cache may serve and keep this call. Default: `true`.
    pub cache: Option<bool>,
    /// Whether this call may share the attempt of an equal one. Default: the client's, or whether
    /// its answer may come from the cache.
    pub dedupe: Option<bool>,
    /// Handed through to the platform with each attempt.
    pub handle: Option<Handle>,
}

impl CallOptions {
    /// The client's policy with this call's differences.
    pub(crate) fn policy(&self, client: &RetryPolicy) -> RetryPolicy {
        RetryPolicy {
            retries_max: self.retries_max.or(client.retries_max),
            at_most_once: self.at_most_once.unwrap_or(client.at_most_once),
            ..*client
        }
    }

    /// Whether its header fields differ from those of the client's other calls.
    pub(crate) fn has_headers(&self) -> bool {
        !self.headers.is_empty() || self.idempotency_key.is_some() || self.api_key.is_some()
    }

    /// Lays this call's header fields over `headers`.
    pub(crate) fn apply_headers(&self, headers: &mut Headers) -> Result<(), ConfigError> {
        for (name, value) in &self.headers {
            match value {
                Some(value) => {
                    check_header(name, value)?;
                    headers.set_text(name, value);
                }
                None => headers.remove(name),
            }
        }
        if let Some(key) = &self.idempotency_key {
            check_header("idempotency-key", key)?;
            // Servers would take all calls without one for the same call.
            if key.is_empty() {
                return Err(ConfigError::new("idempotencyKey", "an empty text", "a key"));
            }
            headers.set_text("idempotency-key", key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_an_answer_is_read_however_it_is_written() {
        #[rustfmt::skip]
        let cases = [
            (r#"{"max_tokens":100}"#,                            Some(100)),
            (r#"{"max_completion_tokens":1e2}"#,                 Some(100)),
            (r#"{"max_tokens":null,"max_output_tokens":100.0}"#, Some(100)),
            (r#"{"max_tokens":"many"}"#,                         None),
            (r#"{"max_tokens":-1}"#,                             None),
        ];
        for (body, answer_max) in cases {
            let request = Request::from_json(Endpoint::Responses, body);
            assert_eq!(request.outline().answer_max, answer_max, "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_bound_worth_the_name_does_not_overflow() {
        let body = r#"{"model":"m","max_tokens":18446744073709551615}"#;
        let request = Request::from_json(Endpoint::ChatCompletions, body);
        assert_eq!(request.outline().tokens(), u64::MAX);
    }
}
