//! `OpenAI`'s responses.

use std::borrow::Cow;

use super::answer::{Answer, Choice, ToolCall};
use super::delta::{FinishReason, Usage};
use super::error::{self, AnswerError, ApiError, StreamError};
use super::excerpt::excerpt;
use super::field::{self, borrowed};
use super::template::{Kind, Plain};
use super::writer::Writer;
use crate::json::{Json, Malformed};
use crate::text;

struct Happening<'a> {
    kind: Option<Cow<'a, str>>,
    output_index: u32,
    delta: Option<Cow<'a, str>>,
    item: Option<Item<'a>>,
    response: Option<Response<'a>>,
    error: Option<Json<'a>>,
    sequence_number: Option<Json<'a>>,
    obfuscation: Option<Cow<'a, str>>,
}

struct Response<'a> {
    id: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    status: Option<Cow<'a, str>>,
    output: Option<Vec<Option<Item<'a>>>>,
    /// Why it is incomplete.
    reason: Option<Cow<'a, str>>,
    usage: Option<Json<'a>>,
    error: Option<Json<'a>>,
}

struct Item<'a> {
    kind: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    call_id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    arguments: Option<Cow<'a, str>>,
    content: Option<Json<'a>>,
    summary: Option<Json<'a>>,
}

struct Part<'a> {
    kind: Option<Cow<'a, str>>,
    text: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
}

impl<'a> Happening<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [
            kind,
            output_index,
            delta,
            item,
            response,
            error,
            sequence_number,
            obfuscation,
        ] = json.fields([
            "type",
            "output_index",
            "delta",
            "item",
            "response",
            "error",
            "sequence_number",
            "obfuscation",
        ])?;
        Ok(Self {
            kind: field::text(kind)?,
            output_index: field::index(output_index)?,
            delta: field::text(delta)?,
            item: field::maybe(item, Item::read)?,
            response: field::maybe(response, Response::read)?,
            error: field::error(error),
            sequence_number: sequence_number.present(),
            obfuscation: field::text(obfuscation)?,
        })
    }
}

impl<'a> Response<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [id, model, status, output, incomplete_details, usage, error] = json.fields([
            "id",
            "model",
            "status",
            "output",
            "incomplete_details",
            "usage",
            "error",
        ])?;
        let reason = match incomplete_details.present() {
            Some(details) => {
                let [reason] = details.fields(["reason"])?;
                field::text(reason)?
            }
            None => None,
        };
        Ok(Self {
            id: field::text(id)?,
            model: field::text(model)?,
            status: field::text(status)?,
            output: field::list(output, |item| field::maybe(item, Item::read))?,
            reason,
            usage: usage.present(),
            error: field::error(error),
        })
    }
}

impl<'a> Item<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [kind, id, call_id, name, arguments, content, summary] = json.fields([
            "type",
            "id",
            "call_id",
            "name",
            "arguments",
            "content",
            "summary",
        ])?;
        Ok(Self {
            kind: field::text(kind)?,
            id: field::text(id)?,
            call_id: field::text(call_id)?,
            name: field::text(name)?,
            arguments: field::text(arguments)?,
            content: content.present(),
            summary: summary.present(),
        })
    }
}

impl<'a> Part<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [kind, text, refusal] = json.fields(["type", "text", "refusal"])?;
        Ok(Self {
            kind: field::text(kind)?,
            text: field::text(text)?,
            refusal: field::text(refusal)?,
        })
    }
}

impl Item<'_> {
    fn is_call(&self) -> bool {
        self.kind.as_deref() == Some("function_call")
    }

    /// The id that the tool's output must name.
    fn call_id(&self) -> Option<&str> {
        self.call_id.as_deref().or(self.id.as_deref())
    }
}

/// Reads one event of a stream. Events of unknown types say nothing.
pub(super) fn event<'a>(
    data: &'a str,
    writer: &mut Writer<'_>,
) -> Result<Option<Plain<'a>>, StreamError> {
    let event = Happening::read(Json::new(data))
        .map_err(|Malformed| StreamError::Malformed(excerpt(data)))?;
    let fail = |error: ApiError| Err(StreamError::Api(Box::new(error)));
    if let Some(value) = event.error {
        return fail(error::from_value(value));
    }
    let index = event.output_index;
    let delta = event.delta.as_deref().unwrap_or_default();
    let kind = match event.kind.as_deref().unwrap_or_default() {
        "error" => {
            // Its `type` names the event, not the error.
            let error = error::from_text(data);
            return fail(error.unwrap_or_else(|| error::from_word("the stream failed", "error")));
        }
        "response.output_text.delta" => {
            writer.text(0, delta);
            Kind::Text
        }
        "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
            writer.reasoning(0, delta);
            Kind::Reasoning
        }
        other => {
            match other {
                "response.refusal.delta" => writer.refusal(0, delta),
                "response.function_call_arguments.delta" => {
                    writer.tool_call(0, index, None, None, delta, None);
                }
                "response.output_item.added" => added(index, event.item, writer),
                _ if is_of_other_tool(other) => writer.content(),
                _ => whole(other, event.response, writer)?,
            }
            return Ok(None);
        }
    };
    let text = borrowed(event.delta.as_ref());
    Ok(text.map(|text| Plain {
        kind,
        text,
        padding: borrowed(event.obfuscation.as_ref()),
        sequence: event.sequence_number.map(Json::source),
    }))
}

fn added(index: u32, item: Option<Item<'_>>, writer: &mut Writer<'_>) {
    let Some(item) = item else { return };
    if item.is_call() {
        let arguments = item.arguments.as_deref().unwrap_or_default();
        let (id, name) = (item.call_id(), item.name.as_deref());
        writer.tool_call(0, index, id, name, arguments, None);
    } else if item.kind.as_deref().is_some_and(is_of_other_tool) {
        writer.content();
    }
}

/// Whether an item or an event of this type is about a call of a tool that is no function, most of which
/// the server runs itself: `web_search_call`, say, or `response.mcp_call_arguments.delta`.
fn is_of_other_tool(kind: &str) -> bool {
    text::split_once(kind, "_call").is_some_and(|(tool, _)| !tool.ends_with("function"))
}

/// The events that carry the response itself: its beginning and its ends.
fn whole(
    kind: &str,
    response: Option<Response<'_>>,
    writer: &mut Writer<'_>,
) -> Result<(), StreamError> {
    let Some(response) = response else {
        return Ok(());
    };
    writer.begin(response.id.as_deref(), response.model.as_deref());
    match kind {
        "response.failed" => return Err(StreamError::Api(Box::new(failed(&response)))),
        "response.completed" | "response.incomplete" => {
            writer.finish(0, reason(&response));
            if let Some(usage) = response.usage.and_then(Usage::read) {
                writer.usage(usage);
            }
            writer.end();
        }
        _ => {}
    }
    Ok(())
}

fn failed(response: &Response<'_>) -> ApiError {
    match response.error {
        Some(value) => error::from_value(value),
        None => error::from_word("the response failed", "response_failed"),
    }
}

fn reason(response: &Response<'_>) -> FinishReason {
    let items = response.output.iter().flatten();
    let called = items.flatten().any(Item::is_call);
    match response.reason.as_deref() {
        Some(word) => FinishReason::from_word(word),
        None if called => FinishReason::ToolCalls,
        None => FinishReason::from_word(response.status.as_deref().unwrap_or("completed")),
    }
}

/// Reads a whole answer.
pub(super) fn answer(body: &str) -> Result<Answer, AnswerError> {
    let response = Response::read(Json::new(body))
        .map_err(|Malformed| AnswerError::Malformed(excerpt(body)))?;
    let status = response.status.as_deref();
    if response.error.is_some() || status == Some("failed") {
        return Err(AnswerError::Api(Box::new(failed(&response))));
    }
    let mut choice = Choice {
        finish: Some(reason(&response)),
        ..Choice::default()
    };
    let Some(items) = response.output else {
        return Err(AnswerError::Unexpected(excerpt(body)));
    };
    for item in items.into_iter().flatten() {
        for list in [item.content, item.summary].into_iter().flatten() {
            say(list, &mut choice);
        }
        if item.is_call() {
            choice.tool_calls.push(ToolCall {
                id: item.call_id().map(str::to_owned),
                name: item.name.map(Cow::into_owned),
                arguments: item.arguments.unwrap_or_default().into_owned(),
                extra_content: None,
            });
        }
    }
    Ok(Answer {
        id: response.id.map(Cow::into_owned),
        model: response.model.map(Cow::into_owned),
        choices: vec![choice],
        usage: response.usage.and_then(Usage::read),
    })
}

/// Adds what an item's parts say. Items of types that we do not know may hold anything there.
fn say(list: Json<'_>, choice: &mut Choice) {
    let parts = field::list(list, |part| field::maybe(part, Part::read));
    for part in parts.ok().flatten().into_iter().flatten().flatten() {
        let text = part.text.as_deref().unwrap_or_default();
        match part.kind.as_deref() {
            Some("output_text") => choice.text += text,
            Some("reasoning_text" | "summary_text") => choice.reasoning += text,
            Some("refusal") => choice.refusal += part.refusal.as_deref().unwrap_or_default(),
            _ => {}
        }
    }
}
