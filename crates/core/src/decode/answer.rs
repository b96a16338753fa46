//! What was answered.

use super::delta::{FinishReason, Usage};

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
    /// What the server wants back as the call's `extra_content` in the next turn, as JSON text: Gemini's
    /// signature of its thoughts, without which it refuses that turn.
    pub extra_content: Option<String>,
}
