//! `OpenAI`'s responses.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Choice, ToolCall};
use super::delta::{FinishReason, Usage};
use super::error::{self, AnswerError, ApiError, StreamError};
use super::json::{self, Count, Loose, Maybe, Object};
use super::template::{Kind, Plain};
use super::writer::Writer;

#[derive(Deserialize)]
struct Happening<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(default)]
    output_index: Count,
    #[serde(borrow, default)]
    delta: Loose<'a>,
    #[serde(borrow, default)]
    item: Maybe<Item<'a>>,
    #[serde(borrow, default)]
    response: Maybe<Response<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    sequence_number: Option<&'a RawValue>,
    #[serde(borrow, default)]
    obfuscation: Loose<'a>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    model: Loose<'a>,
    #[serde(borrow, default)]
    status: Loose<'a>,
    #[serde(borrow)]
    output: Option<Vec<Maybe<Item<'a>>>>,
    #[serde(borrow)]
    incomplete_details: Option<Object<Incomplete<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Incomplete<'a> {
    #[serde(borrow, default)]
    reason: Loose<'a>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    call_id: Loose<'a>,
    #[serde(borrow, default)]
    name: Loose<'a>,
    #[serde(borrow, default)]
    arguments: Loose<'a>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    text: Loose<'a>,
    #[serde(borrow, default)]
    refusal: Loose<'a>,
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
    mended: &'a mut String,
    writer: &mut Writer<'_>,
) -> Result<Option<Plain<'a>>, StreamError> {
    let event: Happening<'a> =
        json::object(data, mended).map_err(|_| StreamError::Malformed(json::excerpt(data)))?;
    let fail = |error: ApiError| Err(StreamError::Api(Box::new(error)));
    if let Some(value) = event.error {
        return fail(error::from_value(value));
    }
    let index = u32::try_from(event.output_index.0.unwrap_or(0)).unwrap_or(u32::MAX);
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
                    writer.tool_call(0, index, None, None, delta);
                }
                "response.output_item.added" => added(index, event.item.0, writer),
                _ => whole(other, event.response.0, writer)?,
            }
            return Ok(None);
        }
    };
    let text = event.delta.borrowed();
    Ok(text.map(|text| Plain {
        kind,
        text,
        padding: event.obfuscation.borrowed(),
        sequence: event.sequence_number.map(RawValue::get),
    }))
}

fn added(index: u32, item: Option<Item<'_>>, writer: &mut Writer<'_>) {
    if let Some(item) = item.filter(Item::is_call) {
        let arguments = item.arguments.as_deref().unwrap_or_default();
        writer.tool_call(0, index, item.call_id(), item.name.as_deref(), arguments);
    }
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
            if let Some(usage) = Usage::read(response.usage) {
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
    let details = response.incomplete_details.as_ref();
    let items = response.output.iter().flatten();
    let called = items.filter_map(|item| item.0.as_ref()).any(Item::is_call);
    match details.and_then(|details| details.0.reason.as_deref()) {
        Some(word) => FinishReason::from_word(word),
        None if called => FinishReason::ToolCalls,
        None => FinishReason::from_word(response.status.as_deref().unwrap_or("completed")),
    }
}

/// Reads a whole answer.
pub(super) fn answer(body: &str) -> Result<Answer, AnswerError> {
    let mut mended = String::new();
    let response: Response<'_> =
        json::object(body, &mut mended).map_err(|_| AnswerError::Malformed(json::excerpt(body)))?;
    let status = response.status.as_deref();
    if response.error.is_some() || status == Some("failed") {
        return Err(AnswerError::Api(Box::new(failed(&response))));
    }
    let mut choice = Choice {
        finish: Some(reason(&response)),
        ..Choice::default()
    };
    let Some(items) = response.output else {
        return Err(AnswerError::Unexpected(json::excerpt(body)));
    };
    for item in items.into_iter().filter_map(|item| item.0) {
        for list in [item.content, item.summary].into_iter().flatten() {
            say(list, &mut choice);
        }
        if item.is_call() {
            choice.tool_calls.push(ToolCall {
                id: item.call_id().map(str::to_owned),
                name: item.name.clone().owned(),
                arguments: item.arguments.owned().unwrap_or_default(),
            });
        }
    }
    Ok(Answer {
        id: response.id.owned(),
        model: response.model.owned(),
        choices: vec![choice],
        usage: Usage::read(response.usage),
    })
}

/// Adds what an item's parts say. Items of types that we do not know may hold anything there.
fn say(list: &RawValue, choice: &mut Choice) {
    let mut mended = String::new();
    let parts: Vec<Maybe<Part<'_>>> = json::read(list.get(), &mut mended).unwrap_or_default();
    for part in parts.into_iter().filter_map(|part| part.0) {
        let text = part.text.as_deref().unwrap_or_default();
        match part.kind.as_deref() {
            Some("output_text") => choice.text += text,
            Some("reasoning_text" | "summary_text") => choice.reasoning += text,
            Some("refusal") => choice.refusal += part.refusal.as_deref().unwrap_or_default(),
            _ => {}
        }
    }
}
