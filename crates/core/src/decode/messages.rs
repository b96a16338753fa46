//! Anthropic's messages.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Choice, ToolCall};
use super::delta::{FinishReason, Usage};
use super::error::{self, AnswerError, StreamError};
use super::json::{self, Count, Loose, Maybe, Object};
use super::template::{Kind, Plain};
use super::writer::Writer;

#[derive(Deserialize)]
struct Happening<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(default)]
    index: Count,
    #[serde(borrow, default)]
    delta: Maybe<Block<'a>>,
    #[serde(borrow, default)]
    content_block: Maybe<Block<'a>>,
    #[serde(borrow, default)]
    message: Maybe<Message<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A block of content, or a piece of one.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow)]
    text: Loose<'a>,
    #[serde(borrow)]
    thinking: Loose<'a>,
    #[serde(borrow)]
    partial_json: Loose<'a>,
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    name: Loose<'a>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_reason: Loose<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    model: Loose<'a>,
    #[serde(borrow)]
    content: Option<Vec<Object<Block<'a>>>>,
    #[serde(borrow, default)]
    stop_reason: Loose<'a>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Reads one event of a stream. Events and blocks of unknown types say nothing.
pub(super) fn event<'a>(
    data: &'a str,
    mended: &'a mut String,
    writer: &mut Writer<'_>,
) -> Result<Option<Plain<'a>>, StreamError> {
    let event: Happening<'a> =
        json::object(data, mended).map_err(|_| StreamError::Malformed(json::excerpt(data)))?;
    if let Some(value) = event.error {
        return Err(StreamError::Api(Box::new(error::from_value(value))));
    }
    let index = u32::try_from(event.index.0.unwrap_or(0)).unwrap_or(u32::MAX);
    match event.kind.as_deref() {
        Some("content_block_delta") => {
            let Some(block) = event.delta.0 else {
                return Ok(None);
            };
            return Ok(piece(index, &block, writer));
        }
        Some("content_block_start") => {
            if let Some(block) = event.content_block.0 {
                start(index, &block, writer);
            }
        }
        Some("message_start") => {
            if let Some(message) = event.message.0 {
                writer.begin(message.id.as_deref(), message.model.as_deref());
                if let Some(usage) = Usage::read(message.usage) {
                    writer.usage(usage);
                }
            }
        }
        Some("message_delta") => {
            let stop_reason = event.delta.0.map(|delta| delta.stop_reason);
            if let Some(word) = stop_reason.as_ref().and_then(Loose::as_deref) {
                writer.finish(0, FinishReason::from_word(word));
            }
            if let Some(usage) = Usage::read(event.usage) {
                writer.usage(usage);
            }
        }
        Some("message_stop") => writer.end(),
        _ => {}
    }
    Ok(None)
}

fn start(index: u32, block: &Block<'_>, writer: &mut Writer<'_>) {
    match block.kind.as_deref() {
        Some("tool_use") => {
            // The input is empty here and comes in pieces, but not from every server.
            let input = block
                .input
                .map(RawValue::get)
                .filter(|input| *input != "{}");
            let (id, name) = (block.id.as_deref(), block.name.as_deref());
            writer.tool_call(0, index, id, name, input.unwrap_or_default());
        }
        Some("text") => writer.text(0, block.text.as_deref().unwrap_or_default()),
        Some("thinking") => writer.reasoning(0, block.thinking.as_deref().unwrap_or_default()),
        _ => {}
    }
}

fn piece<'a>(index: u32, block: &Block<'a>, writer: &mut Writer<'_>) -> Option<Plain<'a>> {
    let (kind, text) = match block.kind.as_deref()? {
        "text_delta" => (Kind::Text, &block.text),
        "thinking_delta" => (Kind::Reasoning, &block.thinking),
        "input_json_delta" => {
            let arguments = block.partial_json.as_deref().unwrap_or_default();
            writer.tool_call(0, index, None, None, arguments);
            return None;
        }
        _ => return None,
    };
    let said = text.as_deref().unwrap_or_default();
    match kind {
        Kind::Text => writer.text(0, said),
        Kind::Reasoning => writer.reasoning(0, said),
    }
    Some(Plain {
        kind,
        text: text.borrowed()?,
        padding: None,
        sequence: None,
    })
}

/// Reads a whole answer.
pub(super) fn answer(body: &str) -> Result<Answer, AnswerError> {
    let mut mended = String::new();
    let message: Message<'_> =
        json::object(body, &mut mended).map_err(|_| AnswerError::Malformed(json::excerpt(body)))?;
    if let Some(value) = message.error {
        return Err(AnswerError::Api(Box::new(error::from_value(value))));
    }
    let Some(blocks) = message.content else {
        return Err(AnswerError::Unexpected(json::excerpt(body)));
    };
    let mut choice = Choice {
        finish: message.stop_reason.as_deref().map(FinishReason::from_word),
        ..Choice::default()
    };
    for Object(block) in blocks {
        match block.kind.as_deref() {
            Some("text") => choice.text += block.text.as_deref().unwrap_or_default(),
            Some("thinking") => choice.reasoning += block.thinking.as_deref().unwrap_or_default(),
            Some("tool_use") => choice.tool_calls.push(ToolCall {
                id: block.id.owned(),
                name: block.name.owned(),
                arguments: block
                    .input
                    .map(|input| input.get().to_owned())
                    .unwrap_or_default(),
            }),
            _ => {}
        }
    }
    Ok(Answer {
        id: message.id.owned(),
        model: message.model.owned(),
        choices: vec![choice],
        usage: Usage::read(message.usage),
    })
}
