//! Whole answers: what a body under a status of success says, if it says anything.

use super::delta::{FinishReason, Usage};
use super::error::{self, AnswerError};
use super::excerpt::excerpt;
use super::{Dialect, chat, html, messages, responses};
use crate::json::{Json, Malformed};

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The provider's id for it.
    pub id: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// At least one; more where more were asked for.
    pub choices: Vec<Choice>,
    /// What it used.
    pub usage: Option<Usage>,
}

impl Answer {
    /// The first choice's text.
    pub fn text(&self) -> &str {
        self.choices.first().map_or("", |choice| &choice.text)
    }
}

/// One of the answers to one question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Its number, from 0 on.
    pub index: u32,
    /// What it says; empty where it only calls tools.
    pub text: String,
    /// What the model thought aloud.
    pub reasoning: String,
    /// Why it will not answer; empty where it does.
    pub refusal: String,
    /// The tools to be called.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub finish: Option<FinishReason>,
}

/// A call that the model asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolCall {
    /// The id that the tool's output must name.
    pub id: Option<String>,
    /// The tool.
    pub name: Option<String>,
    /// The arguments' JSON text, as the model wrote it: it need not be valid.
    pub arguments: String,
}

/// Reads a whole answer in `dialect`.
///
/// ```
/// use kneepoint_core::decode::{AnswerError, Dialect, answer};
///
/// let body = br#"{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"#;
/// assert_eq!(answer(Dialect::Chat, body)?.text(), "Hello");
/// assert_eq!(answer(Dialect::Chat, b""), Err(AnswerError::Empty));
/// # Ok::<(), AnswerError>(())
/// ```
pub fn answer(dialect: Dialect, body: &[u8]) -> Result<Answer, AnswerError> {
    let text = String::from_utf8_lossy(body);
    let text = object(&text)?;
    match dialect {
        Dialect::Chat | Dialect::Completions | Dialect::Any => chat::answer(text),
        Dialect::Responses => responses::answer(text),
        Dialect::Messages => messages::answer(text),
    }
}

/// Checks a body that is handed on as it is, such as embeddings or a list of models: a JSON object
/// that reports no error.
pub fn check(body: &[u8]) -> Result<(), AnswerError> {
    let text = String::from_utf8_lossy(body);
    let text = object(&text)?;
    let [error] = Json::new(text)
        .fields(["error"])
        .map_err(|Malformed| AnswerError::Malformed(excerpt(text)))?;
    match error.present() {
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
