//! Whole answers: what a body under a status of success says, if it says anything.

use super::answer::Answer;
use super::error::{self, AnswerError};
use super::excerpt::excerpt;
use super::{Dialect, chat, field, html, messages, responses};
use crate::json::{Json, Malformed};

/// Reads a whole answer in `dialect`.
///
/// ```
/// use kneepoint_core::decode::{AnswerError, Dialect, answer};
///
/// let body = r#"{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"#;
/// assert_eq!(answer(Dialect::Chat, body)?.text(), "Hello");
/// assert_eq!(answer(Dialect::Chat, ""), Err(AnswerError::Empty));
/// # Ok::<(), AnswerError>(())
/// ```
pub fn answer(dialect: Dialect, body: &str) -> Result<Answer, AnswerError> {
    let text = object(body)?;
    match dialect {
        Dialect::Chat | Dialect::Completions | Dialect::Any => chat::answer(text),
        Dialect::Responses => responses::answer(text),
        Dialect::Messages => messages::answer(text),
    }
}

/// Checks a body that is handed on as it is, such as embeddings or a list of models: a JSON object
/// that reports no error.
pub fn check(body: &str) -> Result<(), AnswerError> {
    let text = object(body)?;
    let [error] = Json::new(text)
        .fields(["error"])
        .map_err(|Malformed| AnswerError::Malformed(excerpt(text)))?;
    match field::error(error) {
        Some(value) => Err(AnswerError::Api(Box::new(error::from_value(value)))),
        None => Ok(()),
    }
}

/// The body, where it is an object as far as its first character tells.
fn object(body: &str) -> Result<&str, AnswerError> {
    let text = body.trim_start_matches('\u{feff}').trim();
    match text.as_bytes().first() {
        None => Err(AnswerError::Empty),
        Some(b'{') => Ok(text),
        Some(b'<') => Err(AnswerError::Html(html::words(text.as_bytes()))),
        Some(_) if Json::new(text).check().is_ok() => Err(AnswerError::Unexpected(excerpt(text))),
        Some(_) => Err(AnswerError::Malformed(excerpt(text))),
    }
}
