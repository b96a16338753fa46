//! `OpenAI`'s chat completions and completions, and the many servers that speak them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Choice as Answered, ToolCall};
use super::delta::{FinishReason, Timings, Usage};
use super::error::{self, AnswerError, StreamError};
use super::json::{self, Content, Count, Loose, Object};
use super::template::{Kind, Plain};
use super::writer::Writer;

/// A chunk of a stream or a whole answer: they differ in `delta` and `message` only. Servers that
/// send whole messages in a stream are understood too.
#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    model: Loose<'a>,
    #[serde(borrow, default)]
    object: Loose<'a>,
    #[serde(borrow)]
    choices: Option<Vec<Object<Choice<'a>>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    timings: Option<&'a RawValue>,
    #[serde(borrow, default)]
    obfuscation: Loose<'a>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: Count,
    #[serde(borrow)]
    delta: Option<Object<Message<'a>>>,
    #[serde(borrow)]
    message: Option<Object<Message<'a>>>,
    #[serde(borrow, default)]
    text: Content<'a>,
    #[serde(borrow, default)]
    finish_reason: Loose<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Content<'a>,
    #[serde(borrow)]
    reasoning_content: Loose<'a>,
    #[serde(borrow)]
    reasoning: Loose<'a>,
    #[serde(borrow)]
    thinking: Loose<'a>,
    #[serde(borrow)]
    refusal: Loose<'a>,
    #[serde(borrow)]
    tool_calls: Option<Vec<Object<Call<'a>>>>,
    #[serde(borrow)]
    function_call: Option<Object<Function<'a>>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(default)]
    index: Count,
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow)]
    function: Option<Object<Function<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Function<'a> {
    #[serde(borrow)]
    name: Loose<'a>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl Function<'_> {
    /// The arguments' JSON text. It should come in a string; some servers send the object itself.
    fn arguments(&self) -> String {
        let arguments = self
            .arguments
            .map(|value| json::string_or_source(value.get()));
        arguments.unwrap_or_default()
    }
}

impl Message<'_> {
    /// The thoughts, under whichever of the names in use there are any.
    fn thoughts(&self) -> &str {
        [&self.reasoning_content, &self.reasoning, &self.thinking]
            .into_iter()
            .filter_map(Loose::as_deref)
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }
}

/// Reads a chunk of a stream.
pub(super) fn event<'a>(
    data: &'a str,
    mended: &'a mut String,
    writer: &mut Writer<'_>,
) -> Result<Option<Plain<'a>>, StreamError> {
    let chunk: Completion<'a> =
        json::object(data, mended).map_err(|_| StreamError::Malformed(json::excerpt(data)))?;
    if let Some(error) = failure(data, &chunk) {
        return Err(StreamError::Api(Box::new(error)));
    }
    let plain = plain(&chunk);
    writer.begin(chunk.id.as_deref(), chunk.model.as_deref());
    for Object(choice) in chunk.choices.unwrap_or_default() {
        let index = index(choice.index);
        writer.choice(index)?;
        writer.text(index, choice.text.text.as_deref().unwrap_or_default());
        if let Some(Object(message)) = choice.delta.or(choice.message) {
            say(index, &message, writer);
        }
        match choice.finish_reason.as_deref() {
            None | Some("") => {}
            Some("error") => return Err(StreamError::Api(Box::new(finish_error()))),
            Some(word) => writer.finish(index, FinishReason::from_word(word)),
        }
    }
    if let Some(usage) = Usage::read(chunk.usage) {
        writer.usage(usage);
    }
    if let Some(timings) = Timings::read(chunk.timings) {
        writer.timings(timings);
    }
    Ok(plain)
}

fn say(index: u32, message: &Message<'_>, writer: &mut Writer<'_>) {
    writer.reasoning(index, message.thoughts());
    writer.reasoning(index, &message.content.reasoning);
    writer.text(index, message.content.text.as_deref().unwrap_or_default());
    writer.refusal(index, message.refusal.as_deref().unwrap_or_default());
    for Object(call) in message.tool_calls.iter().flatten() {
        let function = call.function.as_ref().map(|Object(function)| function);
        writer.tool_call(
            index,
            self::index(call.index),
            call.id.as_deref(),
            function.and_then(|function| function.name.as_deref()),
            &function.map(Function::arguments).unwrap_or_default(),
        );
    }
    if let Some(Object(function)) = &message.function_call {
        writer.tool_call(
            index,
            0,
            None,
            function.name.as_deref(),
            &function.arguments(),
        );
    }
}

/// The chunk's only text, where it holds nothing else that we read.
fn plain<'a>(chunk: &Completion<'a>) -> Option<Plain<'a>> {
    let [Object(choice)] = chunk.choices.as_deref()? else {
        return None;
    };
    let quiet = index(choice.index) == 0
        && choice.finish_reason.as_deref().is_none_or(str::is_empty)
        && chunk.usage.is_none()
        && chunk.timings.is_none();
    let (kind, text) = match choice.delta.as_ref().or(choice.message.as_ref()) {
        None => (Kind::Text, borrowed(&choice.text)?),
        Some(Object(message)) if choice.text.text.is_none() => plain_message(message)?,
        Some(_) => return None,
    };
    quiet.then_some(Plain {
        kind,
        text,
        padding: chunk.obfuscation.borrowed(),
        sequence: None,
    })
}

fn plain_message<'a>(message: &Message<'a>) -> Option<(Kind, &'a str)> {
    let silent = |loose: &Loose<'_>| loose.as_deref().is_none_or(str::is_empty);
    if !silent(&message.refusal)
        || message
            .tool_calls
            .as_ref()
            .is_some_and(|calls| !calls.is_empty())
        || message.function_call.is_some()
        || !message.content.reasoning.is_empty()
    {
        return None;
    }
    let names = [
        &message.reasoning_content,
        &message.reasoning,
        &message.thinking,
    ];
    let mut thoughts = names.into_iter().filter(|name| !silent(name));
    match (thoughts.next(), thoughts.next()) {
        (None, _) => Some((Kind::Text, borrowed(&message.content)?)),
        // Under one name only: with two, the second would count where the first is empty.
        (Some(thought), None) => {
            let content = message.content.text.as_deref();
            let text = thought.borrowed()?;
            content
                .is_none_or(str::is_empty)
                .then_some((Kind::Reasoning, text))
        }
        _ => None,
    }
}

fn borrowed<'a>(content: &Content<'a>) -> Option<&'a str> {
    match content.text {
        Some(Cow::Borrowed(text)) => Some(text),
        _ => None,
    }
}

/// Reads a whole answer.
pub(super) fn answer(body: &str) -> Result<Answer, AnswerError> {
    let mut mended = String::new();
    let whole: Completion<'_> =
        json::object(body, &mut mended).map_err(|_| AnswerError::Malformed(json::excerpt(body)))?;
    if let Some(error) = failure(body, &whole) {
        return Err(AnswerError::Api(Box::new(error)));
    }
    let choices = whole.choices.unwrap_or_default();
    if choices.is_empty() {
        return Err(AnswerError::Unexpected(json::excerpt(body)));
    }
    let failed =
        |Object(choice): &Object<Choice<'_>>| choice.finish_reason.as_deref() == Some("error");
    if choices.iter().any(failed) {
        return Err(AnswerError::Api(Box::new(finish_error())));
    }
    Ok(Answer {
        id: whole.id.owned(),
        model: whole.model.owned(),
        choices: choices.into_iter().map(answered).collect(),
        usage: Usage::read(whole.usage),
    })
}

fn answered(Object(choice): Object<Choice<'_>>) -> Answered {
    let Object(message) = choice.message.or(choice.delta).unwrap_or_default();
    let calls = message.tool_calls.iter().flatten();
    let mut tool_calls: Vec<ToolCall> = calls
        .map(|Object(call)| ToolCall {
            id: call.id.clone().owned(),
            name: call
                .function
                .as_ref()
                .and_then(|f| f.0.name.clone().owned()),
            arguments: call
                .function
                .as_ref()
                .map(|f| f.0.arguments())
                .unwrap_or_default(),
        })
        .collect();
    tool_calls.extend(
        message
            .function_call
            .as_ref()
            .map(|Object(function)| ToolCall {
                id: None,
                name: function.name.clone().owned(),
                arguments: function.arguments(),
            }),
    );
    Answered {
        index: index(choice.index),
        reasoning: message.thoughts().to_owned() + &message.content.reasoning,
        refusal: message.refusal.owned().unwrap_or_default(),
        text: message
            .content
            .text
            .or(choice.text.text)
            .unwrap_or_default()
            .into_owned(),
        tool_calls,
        finish: choice.finish_reason.as_deref().map(FinishReason::from_word),
    }
}

fn index(count: Count) -> u32 {
    u32::try_from(count.0.unwrap_or(0)).unwrap_or(u32::MAX)
}

fn failure(data: &str, chunk: &Completion<'_>) -> Option<error::ApiError> {
    if let Some(value) = chunk.error {
        return Some(error::from_value(value));
    }
    let says_error = chunk.object.as_deref() == Some("error");
    says_error.then(|| error::from_text(data)).flatten()
}

fn finish_error() -> error::ApiError {
    error::from_word("the answer finished with an error", "error")
}
