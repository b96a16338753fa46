//! A prompt in no one's dialect: what `generate` and `stream` ask, whoever answers.

mod anthropic;
mod openai;

use serde_json::{Map, Value};

use super::Family;

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `"user"`, `"assistant"` or what else the server knows.
    pub role: String,
    /// The text.
    pub content: String,
}

/// What plain generation asks for.
///
/// ```
/// use kneepoint_core::Prompt;
///
/// let prompt = Prompt {
///     max_tokens: Some(100),
///     ..Prompt::new("accounts/acme/models/small", "Hello!")
/// };
/// assert_eq!(prompt.messages[0].role, "user");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prompt {
    /// The model's name.
    pub model: String,
    /// What the system is told, if anything.
    pub system: Option<String>,
    /// The conversation, oldest turn first.
    pub messages: Vec<Message>,
    /// The answer's length at most, in tokens. Anthropic requires one; there the default is 1024.
    pub max_tokens: Option<u32>,
    /// Further fields of the body, handed on untouched; they win over what the fields above say.
    pub extra: Map<String, Value>,
}

impl Prompt {
    /// One user's text.
    pub fn new(model: &str, text: &str) -> Self {
        let turn = Message {
            role: "user".to_owned(),
            content: text.to_owned(),
        };
        Self {
            model: model.to_owned(),
            messages: vec![turn],
            ..Self::default()
        }
    }
}

impl Family {
    /// The JSON body that asks for `prompt`.
    pub(crate) fn body(self, prompt: &Prompt, stream: bool) -> String {
        match self {
            Self::OpenAi => openai::body(prompt, stream),
            Self::Anthropic => anthropic::body(prompt, stream),
        }
    }
}

impl Message {
    /// The turn as both families write it.
    fn to_json(&self) -> Value {
        serde_json::json!({ "role": self.role, "content": self.content })
    }
}

/// The body's text, with the caller's own fields on top.
fn finish(mut body: Map<String, Value>, prompt: &Prompt) -> String {
    body.extend(prompt.extra.clone());
    let body = Value::Object(body);
    serde_json::to_string(&body).expect("a value can be written as JSON")
}
