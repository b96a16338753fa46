//! What servers say when they fail, in a status line's body, in the middle of a stream or in place
//! of an answer, brought into one shape. Recognised by types and codes; by a message's text only where what is
//! told stands nowhere else: the figures of a limit, and an account without money behind a gateway.

use std::borrow::Cow;

use super::excerpt::{excerpt, shorten};
use super::sse::SseError;
use super::{field, html};
use crate::json::{Json, Malformed};
use crate::text;

/// Longest message kept, in characters.
const MESSAGE_CHARS_MAX: usize = 2000;

/// Longest type, code, parameter or request id kept, in characters.
const WORD_CHARS_MAX: usize = 200;

/// Longest error object kept as JSON text, in bytes.
const OBJECT_BYTES_MAX: usize = 8 * 1024;

/// An error as the endpoint described it.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The status of the reply; none for an error inside a reply that began as a success.
    pub status: Option<u16>,
    /// The provider's `type`, such as `rate_limit_error`.
    pub error_type: Option<String>,
    /// The provider's `code`, such as `insufficient_quota`; numbers are given as digits.
    pub code: Option<String>,
    /// Its words, at most 2000 characters; never empty.
    pub message: String,
    /// The parameter that it complains about.
    pub param: Option<String>,
    /// The id that the body carries for the request.
    pub request_id: Option<String>,
    /// The provider's error object as JSON text, where there is one of at most 8 KiB.
    pub object: Option<String>,
}

/// What an [`ApiError`] means for whoever may try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// The server has more work than it can do.
    Overloaded,
    /// This caller sends too much at once.
    RateLimited,
    /// This one request asks for more than this caller may ever use at a time; waiting does not help.
    TooLarge,
    /// This caller has used up what it may use; waiting does not help.
    Quota,
    /// The server failed at a request that may be good.
    Server,
    /// The request is at fault, or the key, or the content.
    Rejected,
    /// Nothing that we know.
    Unknown,
}

impl ApiError {
    /// Judges by words, then numbers, of code and type, then by status. Proxies put the status into the
    /// code, which tells less than a word for the type.
    pub fn kind(&self) -> ApiErrorKind {
        match self.kind_by_codes() {
            ApiErrorKind::RateLimited if exceeds_limit(&self.message) => ApiErrorKind::TooLarge,
            ApiErrorKind::RateLimited if is_out_of_money(&self.message) => ApiErrorKind::Quota,
            kind => kind,
        }
    }

    fn kind_by_codes(&self) -> ApiErrorKind {
        for judge in [kind_of_word, kind_of_number] {
            for word in [&self.code, &self.error_type].into_iter().flatten() {
                let kind = judge(word);
                if kind != ApiErrorKind::Unknown {
                    return kind;
                }
            }
        }
        self.status.map_or(ApiErrorKind::Unknown, kind_of_status)
    }

    fn saying(mut self, message: &str) -> Self {
        self.message = shorten(message, MESSAGE_CHARS_MAX);
        if self.message.is_empty() {
            self.message.push_str("no message");
        }
        self
    }
}

/// Whether a message such as `OpenAI`'s "Limit 30000, Requested 31538" says that the request is larger than
/// the whole limit. By code and type it is a limit that is used up for the moment.
fn exceeds_limit(message: &str) -> bool {
    let after = |text, word| Some(text::split_once(text, word)?.1);
    let figures = || {
        let after_limit = after(message, "Limit ")?;
        let after_requested = after(after_limit, "Requested ")?;
        Some([after_limit, after_requested].map(leading_count))
    };
    matches!(figures(), Some([Some(limit), Some(requested)]) if requested > limit)
}

/// Whether a message holds what `OpenAI` says with `insufficient_quota`: `LiteLLM` hands on these words, and a 429
/// in place of the code. Gemini begins alike where a minute's quota is used up, and names another address.
fn is_out_of_money(message: &str) -> bool {
    text::split_once(message, "exceeded your current quota")
        .is_some_and(|(_, rest)| text::split_once(rest, "openai.com/").is_some())
}

/// The whole number that a text begins with; none where it goes on in another way, as in `30,000` or `30k`.
fn leading_count(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let rest = rest.trim_start_matches([',', '.']);
    if rest.starts_with(|next: char| next.is_alphanumeric()) {
        return None;
    }
    number.parse().ok()
}

fn kind_of_word(word: &str) -> ApiErrorKind {
    match word {
        "overloaded_error"
        | "overloaded"
        | "server_overloaded"
        | "engine_overloaded"
        | "engine_overloaded_error"
        | "model_overloaded"
        | "service_unavailable"
        | "service_unavailable_error"
        | "slow_down" => ApiErrorKind::Overloaded,
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "rate_limit_reached_error"
        | "rate_limited"
        | "too_many_requests"
        | "too_many_requests_error"
        | "tokens"
        | "requests" => ApiErrorKind::RateLimited,
        "insufficient_quota"
        | "enforced_spend_limit_reached"
        | "billing_hard_limit_reached"
        | "billing_not_active"
        | "billing_error"
        | "budget_exceeded"
        | "exceeded_current_quota_error"
        | "quota_exceeded" => ApiErrorKind::Quota,
        "api_error"
        | "server_error"
        | "internal_error"
        | "internal_server_error"
        | "InternalServerError"
        | "timeout"
        | "timeout_error" => ApiErrorKind::Server,
        "invalid_request_error"
        | "invalid_request"
        | "BadRequestError"
        | "authentication_error"
        | "invalid_api_key"
        | "permission_error"
        | "permission_denied"
        | "not_found_error"
        | "NotFoundError"
        | "model_not_found"
        | "content_filter"
        | "content_policy_violation"
        | "context_length_exceeded" => ApiErrorKind::Rejected,
        "request_too_large" => ApiErrorKind::TooLarge,
        _ => ApiErrorKind::Unknown,
    }
}

fn kind_of_number(word: &str) -> ApiErrorKind {
    word.parse().map_or(ApiErrorKind::Unknown, kind_of_status)
}

fn kind_of_status(status: u16) -> ApiErrorKind {
    match status {
        429 => ApiErrorKind::RateLimited,
        498 | 503 | 529 => ApiErrorKind::Overloaded,
        408 | 409 | 500..=599 => ApiErrorKind::Server,
        400..=499 => ApiErrorKind::Rejected,
        _ => ApiErrorKind::Unknown,
    }
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The endpoint reported an error inside the stream, or in place of it.
    #[error("the endpoint failed: {0}")]
    Api(Box<ApiError>),
    /// It ended before its terminal event.
    #[error("the stream ended before the answer was complete")]
    Truncated,
    /// It ended without an answer: no bytes, or an end without a single choice before it.
    #[error("the stream holds no answer")]
    Empty,
    /// An event that is not the JSON it should be; what was found, at most 200 characters.
    #[error("an event of the stream cannot be read: {0}")]
    Malformed(String),
    /// The body is no event stream but a page or a JSON text; its beginning, at most 200
    /// characters.
    #[error("the answer is not an event stream: {0}")]
    NotEvents(String),
    /// It would take more memory than the caps allow.
    #[error(transparent)]
    TooLarge(#[from] SseError),
}

/// Why a whole body is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The endpoint reported an error under a status that means success.
    #[error("the endpoint failed: {0}")]
    Api(Box<ApiError>),
    /// Nothing, or white space.
    #[error("the answer is empty")]
    Empty,
    /// A page, as proxies and captive portals send; its words, at most 200 characters.
    #[error("the answer is a web page: {0}")]
    Html(String),
    /// Not JSON, or JSON with a wrong type where we read; its beginning, at most 200 characters.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
    /// JSON, but no object, or none that holds an answer; its beginning, at most 200 characters.
    #[error("the answer is not of the expected kind: {0}")]
    Unexpected(String),
}

/// The error in a whole text that is known to report one, in any of the shapes in use.
pub(super) fn from_text(text: &str) -> Option<ApiError> {
    read_text(text).ok().flatten()
}

fn read_text(text: &str) -> Result<Option<ApiError>, Malformed> {
    let [
        error,
        errors,
        message,
        detail,
        kind,
        error_type,
        code,
        param,
        request_id,
    ] = first(Json::new(text))?.fields([
        "error",
        "errors",
        "message",
        "detail",
        "type",
        "error_type",
        "code",
        "param",
        "request_id",
    ])?;
    let (kind, error_type) = (word(kind)?, word(error_type)?);
    let about = ApiError {
        error_type: kind.filter(|word| word != "error").or(error_type),
        code: self::code(code)?,
        param: word(param)?,
        request_id: word(request_id)?,
        object: keep(text),
        ..ApiError::default()
    };
    if let Some(error) = field::error(error).or_else(|| field::error(errors)) {
        let error = from_value(error);
        return Ok(Some(ApiError {
            error_type: error.error_type.or(about.error_type),
            code: error.code.or(about.code),
            request_id: about.request_id,
            ..error
        }));
    }
    let message = message.present().or_else(|| detail.present());
    Ok(message.map(|message| about.saying(&field::text_or_source(message))))
}

/// The first of several errors, where they come in a list.
fn first(value: Json<'_>) -> Result<Json<'_>, Malformed> {
    if !value.is_list() {
        return Ok(value);
    }
    let first = value.items()?.next()?.map(|(_, item)| item);
    let says = |item: &Json<'_>| item.is_object() || item.text().is_some();
    Ok(first.filter(says).unwrap_or(value))
}

/// The error that the value of an `error` key describes.
pub(super) fn from_value(value: Json<'_>) -> ApiError {
    let value = first(value).unwrap_or(value);
    read_value(value).unwrap_or_else(|Malformed| {
        let object = keep(value.source());
        ApiError {
            object,
            ..ApiError::default()
        }
        .saying(&field::text_or_source(value))
    })
}

fn read_value(value: Json<'_>) -> Result<ApiError, Malformed> {
    let [message, error_type, code, param, metadata] =
        value.fields(["message", "type", "code", "param", "metadata"])?;
    let about = ApiError {
        error_type: word(error_type)?,
        code: self::code(code)?,
        param: word(param)?,
        object: keep(value.source()),
        ..ApiError::default()
    };
    let said = message.present().map(field::text_or_source);
    let word = about.error_type.as_deref().or(about.code.as_deref());
    let message = said.as_deref().or(word).unwrap_or_else(|| value.source());
    let message = match upstream(metadata) {
        Some(words) => format!("{message}: {words}"),
        None => message.to_owned(),
    };
    Ok(about.saying(&message))
}

/// What the provider behind `OpenRouter` said, whose own message is the same for all of them.
fn upstream(metadata: Json<'_>) -> Option<String> {
    let [name, raw] = metadata.fields(["provider_name", "raw"]).ok()?;
    let raw = field::text_or_source(raw.present()?);
    let body = Json::new(&raw);
    let words = first(body).ok().and_then(words_within);
    let words = words.map_or_else(|| page_or_text(&raw), Cow::into_owned);
    let name = field::name(name).ok().flatten();
    let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
    (!words.is_empty()).then(|| name + &words)
}

/// The words of an error within an error; not read as others are, since there could be a further one in each.
fn words_within(json: Json<'_>) -> Option<Cow<'_, str>> {
    let [error, message, detail] = json.fields(["error", "message", "detail"]).ok()?;
    let [inner] = error.fields(["message"]).unwrap_or_default();
    let mut places = [inner, error, message, detail].into_iter();
    places.find_map(Json::text)
}

/// The beginning of a body that is no error object.
fn page_or_text(text: &str) -> String {
    if html::is_html(text) {
        html::words(text.as_bytes())
    } else {
        excerpt(text)
    }
}

fn word(json: Json<'_>) -> Result<Option<String>, Malformed> {
    Ok(field::text(json)?.map(|word| shorten(&word, WORD_CHARS_MAX)))
}

fn code(json: Json<'_>) -> Result<Option<String>, Malformed> {
    Ok(field::code(json)?.map(|code| shorten(&code, WORD_CHARS_MAX)))
}

/// An error known only by a word, such as a finish reason.
pub(super) fn from_word(message: &str, code: &str) -> ApiError {
    ApiError {
        code: Some(code.to_owned()),
        ..ApiError::default().saying(message)
    }
}

fn keep(object: &str) -> Option<String> {
    (object.len() <= OBJECT_BYTES_MAX).then(|| object.to_owned())
}

/// A text that is one object or list, though it says nothing that we know.
fn whole(text: &str) -> Option<String> {
    let value = Json::new(text);
    let is_whole = (value.is_object() || value.is_list()) && value.check().is_ok();
    is_whole.then(|| keep(value.source())).flatten()
}

/// Reads the body of a reply whose status says that it failed, whatever it may hold: the shapes of
/// `OpenAI`, Anthropic, vLLM and `FastAPI`, a page, a text, or nothing.
///
/// ```
/// use kneepoint_core::decode::{ApiErrorKind, error_body};
///
/// let body = br#"{"error":{"message":"Quota used up","code":"insufficient_quota"}}"#;
/// let error = error_body(429, Some("application/json"), body);
/// assert_eq!(error.message, "Quota used up");
/// assert_eq!(error.kind(), ApiErrorKind::Quota);
///
/// let error = error_body(502, Some("text/html"), b"<h1>Bad gateway</h1>");
/// assert_eq!(error.message, "Bad gateway");
/// ```
pub fn error_body(status: u16, content_type: Option<&str>, body: &[u8]) -> ApiError {
    let text = String::from_utf8_lossy(body);
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let says_html = text::split_once(&content_type, "html").is_some();
    let told = text.trim_start_matches('\u{feff}');
    let mut error = from_text(told).unwrap_or_else(|| {
        let words = if says_html {
            html::words(body)
        } else {
            page_or_text(&text)
        };
        ApiError {
            object: whole(told),
            ..ApiError::default().saying(&words)
        }
    });
    error.status = Some(status);
    error
}
