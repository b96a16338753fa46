//! Anthropic's messages.

use std::borrow::Cow;

use super::answer::{Answer, Choice, ToolCall};
use super::delta::{FinishReason, Usage};
use super::error::{self, AnswerError, StreamError};
use super::excerpt::excerpt;
use super::field::{self, borrowed};
use super::template::{Kind, Plain};
use super::writer::Writer;
use crate::json::{Json, Malformed};

struct Happening<'a> {
    kind: Option<Cow<'a, str>>,
    index: u32,
    delta: Option<Block<'a>>,
    content_block: Option<Block<'a>>,
    message: Option<Message<'a>>,
    usage: Option<Json<'a>>,
    error: Option<Json<'a>>,
}

/// A block of content, or a piece of one.
struct Block<'a> {
    kind: Option<Cow<'a, str>>,
    text: Option<Cow<'a, str>>,
    thinking: Option<Cow<'a, str>>,
    partial_json: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    input: Option<Json<'a>>,
    stop_reason: Option<Cow<'a, str>>,
}

struct Message<'a> {
    id: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    content: Option<Vec<Block<'a>>>,
    stop_reason: Option<Cow<'a, str>>,
    usage: Option<Json<'a>>,
    error: Option<Json<'a>>,
}

impl<'a> Happening<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [kind, index, delta, content_block, message, usage, error] = json.fields([
            "type",
            "index",
            "delta",
            "content_block",
            "message",
            "usage",
            "error",
        ])?;
        Ok(Self {
            kind: field::text(kind)?,
            index: field::index(index)?,
            delta: field::maybe(delta, Block::read)?,
            content_block: field::maybe(content_block, Block::read)?,
            message: field::maybe(message, Message::read)?,
            usage: usage.present(),
            error: field::error(error),
        })
    }
}

impl<'a> Block<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [
            kind,
            text,
            thinking,
            partial_json,
            id,
            name,
            input,
            stop_reason,
        ] = json.fields([
            "type",
            "text",
            "thinking",
            "partial_json",
            "id",
            "name",
            "input",
            "stop_reason",
        ])?;
        Ok(Self {
            kind: field::text(kind)?,
            text: field::text(text)?,
            thinking: field::text(thinking)?,
            partial_json: field::text(partial_json)?,
            id: field::text(id)?,
            name: field::text(name)?,
            input: input.present(),
            stop_reason: field::name(stop_reason)?,
        })
    }
}

impl<'a> Message<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [id, model, content, stop_reason, usage, error] =
            json.fields(["id", "model", "content", "stop_reason", "usage", "error"])?;
        Ok(Self {
            id: field::text(id)?,
            model: field::text(model)?,
            content: field::list(content, Block::read)?,
            stop_reason: field::name(stop_reason)?,
            usage: usage.present(),
            error: field::error(error),
        })
    }
}

/// Reads one event of a stream. Events and blocks of unknown types say nothing.
pub(super) fn event<'a>(
    data: &'a str,
    writer: &mut Writer<'_>,
) -> Result<Option<Plain<'a>>, StreamError> {
    let event = Happening::read(Json::new(data))
        .map_err(|Malformed| StreamError::Malformed(excerpt(data)))?;
    if let Some(value) = event.error {
        return Err(StreamError::Api(Box::new(error::from_value(value))));
    }
    match event.kind.as_deref() {
        Some("content_block_delta") => {
            let Some(block) = event.delta else {
                return Ok(None);
            };
            return Ok(piece(event.index, &block, writer));
        }
        Some("content_block_start") => {
            if let Some(block) = event.content_block {
                start(event.index, &block, writer);
            }
        }
        Some("message_start") => {
            if let Some(message) = event.message {
                writer.begin(message.id.as_deref(), message.model.as_deref());
                if let Some(usage) = message.usage.and_then(Usage::read) {
                    writer.usage(usage);
                }
            }
        }
        Some("message_delta") => {
            if let Some(word) = event.delta.and_then(|delta| delta.stop_reason) {
                writer.finish(0, FinishReason::from_word(&word));
            }
            if let Some(usage) = event.usage.and_then(Usage::read) {
                writer.usage(usage);
            }
        }
        Some("message_stop") => writer.end(),
        _ => {}
    }
    Ok(None)
}

fn start(index: u32, block: &Block<'_>, writer: &mut Writer<'_>) {
    // `server_tool_use`, say: its input comes in pieces like that of others, and is not the caller's.
    let is_own = |kind: &str| kind.ends_with("_tool_use");
    writer.block(index, block.kind.as_deref().is_some_and(is_own));
    match block.kind.as_deref() {
        Some("tool_use") => {
            // The input is empty here and comes in pieces, but not from every server.
            let input = block.input.map(Json::source).filter(|input| *input != "{}");
            let (id, name) = (block.id.as_deref(), block.name.as_deref());
            writer.tool_call(0, index, id, name, input.unwrap_or_default(), None);
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
        "input_json_delta" if writer.is_own_call(index) => {
            writer.content();
            return None;
        }
        "input_json_delta" => {
            let arguments = block.partial_json.as_deref().unwrap_or_default();
            writer.tool_call(0, index, None, None, arguments, None);
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
        text: borrowed(text.as_ref())?,
        padding: None,
        sequence: None,
    })
}

/// Reads a whole answer.
pub(super) fn answer(body: &str) -> Result<Answer, AnswerError> {
    let message = Message::read(Json::new(body))
        .map_err(|Malformed| AnswerError::Malformed(excerpt(body)))?;
    if let Some(value) = message.error {
        return Err(AnswerError::Api(Box::new(error::from_value(value))));
    }
    let Some(blocks) = message.content else {
        return Err(AnswerError::Unexpected(excerpt(body)));
    };
    let mut choice = Choice {
        finish: message.stop_reason.as_deref().map(FinishReason::from_word),
        ..Choice::default()
    };
    for block in blocks {
        match block.kind.as_deref() {
            Some("text") => choice.text += block.text.as_deref().unwrap_or_default(),
            Some("thinking") => choice.reasoning += block.thinking.as_deref().unwrap_or_default(),
            Some("tool_use") => choice.tool_calls.push(ToolCall {
                id: block.id.map(Cow::into_owned),
                name: block.name.map(Cow::into_owned),
                arguments: block.input.map_or("", Json::source).to_owned(),
                extra_content: None,
            }),
            _ => {}
        }
    }
    Ok(Answer {
        id: message.id.map(Cow::into_owned),
        model: message.model.map(Cow::into_owned),
        choices: vec![choice],
        usage: message.usage.and_then(Usage::read),
    })
}
