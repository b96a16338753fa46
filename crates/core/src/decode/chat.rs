//! `OpenAI`'s chat completions and completions, and the many servers that speak them.

use std::borrow::Cow;

use super::answer::{Answer, Choice as Answered, ToolCall};
use super::delta::{FinishReason, Timings, Usage};
use super::error::{self, AnswerError, StreamError};
use super::excerpt::excerpt;
use super::field::{self, Content, borrowed};
use super::template::{Kind, Plain};
use super::writer::Writer;
use crate::json::{Json, Malformed};

/// A chunk of a stream or a whole answer: they differ in `delta` and `message` only. Servers that
/// send whole messages in a stream are understood too.
struct Completion<'a> {
    id: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    object: Option<Cow<'a, str>>,
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<Json<'a>>,
    timings: Option<Json<'a>>,
    obfuscation: Option<Cow<'a, str>>,
    error: Option<Json<'a>>,
    groq: Option<Groq<'a>>,
}

/// What Groq has to say beyond the protocol.
struct Groq<'a> {
    usage: Option<Json<'a>>,
    /// Why the stream was stopped early.
    error: Option<Json<'a>>,
}

struct Choice<'a> {
    index: u32,
    delta: Option<Message<'a>>,
    message: Option<Message<'a>>,
    text: Content<'a>,
    finish_reason: Option<Cow<'a, str>>,
    /// Moonshot's place for it.
    usage: Option<Json<'a>>,
    /// `OpenRouter`'s place for that of the provider behind it.
    error: Option<Json<'a>>,
}

#[derive(Default)]
struct Message<'a> {
    content: Content<'a>,
    /// The thoughts, under the three names in use.
    thoughts: [Option<Cow<'a, str>>; 3],
    refusal: Option<Cow<'a, str>>,
    tool_calls: Vec<Call<'a>>,
    function_call: Option<Function<'a>>,
    /// It holds sound or pictures.
    has_media: bool,
}

struct Call<'a> {
    index: Option<u32>,
    id: Option<Cow<'a, str>>,
    function: Function<'a>,
    /// What the server wants back with the call, beyond the protocol.
    extra_content: Option<&'a str>,
}

#[derive(Default)]
struct Function<'a> {
    name: Option<Cow<'a, str>>,
    /// The arguments' JSON text. It should come in a string; some servers send the object itself.
    arguments: Cow<'a, str>,
}

impl<'a> Completion<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [
            id,
            model,
            object,
            choices,
            usage,
            timings,
            obfuscation,
            error,
            groq,
        ] = json.fields([
            "id",
            "model",
            "object",
            "choices",
            "usage",
            "timings",
            "obfuscation",
            "error",
            "x_groq",
        ])?;
        Ok(Self {
            id: field::name(id)?,
            model: field::name(model)?,
            object: field::text(object)?,
            choices: field::list(choices, Choice::read)?,
            usage: usage.present(),
            timings: timings.present(),
            obfuscation: field::text(obfuscation)?,
            error: field::error(error),
            groq: field::maybe(groq, Groq::read)?,
        })
    }
}

impl<'a> Groq<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [usage, error] = json.fields(["usage", "error"])?;
        Ok(Self {
            usage: usage.present(),
            error: field::error(error),
        })
    }
}

impl<'a> Choice<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [index, delta, message, text, finish_reason, usage, error] = json.fields([
            "index",
            "delta",
            "message",
            "text",
            "finish_reason",
            "usage",
            "error",
        ])?;
        Ok(Self {
            index: field::index(index)?,
            delta: delta.present().map(Message::read).transpose()?,
            message: message.present().map(Message::read).transpose()?,
            text: Content::read(text)?,
            finish_reason: field::name(finish_reason)?,
            usage: usage.present(),
            error: field::error(error),
        })
    }
}

impl<'a> Message<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [
            content,
            reasoning_content,
            reasoning,
            thinking,
            refusal,
            tool_calls,
            function_call,
            audio,
            images,
        ] = json.fields([
            "content",
            "reasoning_content",
            "reasoning",
            "thinking",
            "refusal",
            "tool_calls",
            "function_call",
            "audio",
            "images",
        ])?;
        let function_call = function_call.present().map(Function::read);
        Ok(Self {
            content: Content::read(content)?,
            thoughts: [
                field::piece(reasoning_content)?,
                field::piece(reasoning)?,
                field::piece(thinking)?,
            ],
            refusal: field::text(refusal)?,
            tool_calls: field::list_or_one(tool_calls, Call::read)?.unwrap_or_default(),
            function_call: function_call.transpose()?,
            has_media: audio.is_object() || (images.is_list() && images.source() != "[]"),
        })
    }
}

impl<'a> Call<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [index, id, function, extra] =
            json.fields(["index", "id", "function", "extra_content"])?;
        let function = function.present().map(Function::read).transpose()?;
        Ok(Self {
            index: field::place(index)?,
            id: field::name(id)?,
            function: function.unwrap_or_default(),
            extra_content: extra.present().map(Json::source),
        })
    }
}

impl<'a> Function<'a> {
    fn read(json: Json<'a>) -> Result<Self, Malformed> {
        let [name, arguments] = json.fields(["name", "arguments"])?;
        let arguments = arguments.present().map(field::text_or_source);
        Ok(Self {
            name: field::name(name)?,
            arguments: arguments.unwrap_or_default(),
        })
    }
}

impl Message<'_> {
    /// The thoughts, under whichever of the names in use there are any.
    fn thoughts(&self) -> &str {
        let mut thoughts = self.thoughts.iter().filter_map(Option::as_deref);
        thoughts.find(|text| !text.is_empty()).unwrap_or_default()
    }
}

/// Reads a chunk of a stream.
pub(super) fn event<'a>(
    data: &'a str,
    writer: &mut Writer<'_>,
) -> Result<Option<Plain<'a>>, StreamError> {
    let chunk = Completion::read(Json::new(data))
        .map_err(|Malformed| StreamError::Malformed(excerpt(data)))?;
    if let Some(error) = failure(data, &chunk) {
        return Err(StreamError::Api(Box::new(error)));
    }
    let plain = plain(&chunk);
    writer.begin(chunk.id.as_deref(), chunk.model.as_deref());
    let of_groq = chunk.groq.and_then(|groq| groq.usage);
    let mut usage = chunk.usage.or(of_groq);
    for choice in chunk.choices.unwrap_or_default() {
        let index = choice.index;
        writer.choice(index)?;
        usage = usage.or(choice.usage);
        writer.text(index, choice.text.text.as_deref().unwrap_or_default());
        if let Some(message) = choice.delta.or(choice.message) {
            say(index, &message, writer);
        }
        if let Some(word) = choice.finish_reason {
            writer.finish(index, FinishReason::from_word(&word));
        }
    }
    if let Some(usage) = usage.and_then(Usage::read) {
        writer.usage(usage);
    }
    if let Some(timings) = chunk.timings.and_then(Timings::read) {
        writer.timings(timings);
    }
    Ok(plain)
}

fn say(index: u32, message: &Message<'_>, writer: &mut Writer<'_>) {
    writer.reasoning(index, message.thoughts());
    writer.reasoning(index, &message.content.reasoning);
    writer.text(index, message.content.text.as_deref().unwrap_or_default());
    writer.refusal(index, message.refusal.as_deref().unwrap_or_default());
    for call in &message.tool_calls {
        let (id, name) = (call.id.as_deref(), call.function.name.as_deref());
        let place = writer.place_of_call(index, call.index, id, name);
        let arguments = &call.function.arguments;
        writer.tool_call(index, place, id, name, arguments, call.extra_content);
    }
    if let Some(function) = &message.function_call {
        let name = function.name.as_deref();
        writer.tool_call(index, 0, None, name, &function.arguments, None);
    }
    if message.has_media {
        writer.content();
    }
}

/// The chunk's only text, where it holds nothing else that we read.
fn plain<'a>(chunk: &Completion<'a>) -> Option<Plain<'a>> {
    let [choice] = chunk.choices.as_deref()? else {
        return None;
    };
    let quiet = choice.index == 0
        && choice.finish_reason.is_none()
        && choice.usage.or(chunk.usage).is_none()
        && chunk.groq.is_none()
        && chunk.timings.is_none();
    let (kind, text) = match choice.delta.as_ref().or(choice.message.as_ref()) {
        None => (Kind::Text, borrowed(choice.text.text.as_ref())?),
        Some(message) if choice.text.text.is_none() => plain_message(message)?,
        Some(_) => return None,
    };
    quiet.then_some(Plain {
        kind,
        text,
        padding: borrowed(chunk.obfuscation.as_ref()),
        sequence: None,
    })
}

fn plain_message<'a>(message: &Message<'a>) -> Option<(Kind, &'a str)> {
    let silent = |text: &Option<Cow<'_, str>>| text.as_deref().is_none_or(str::is_empty);
    if !silent(&message.refusal)
        || !message.tool_calls.is_empty()
        || message.function_call.is_some()
        || message.has_media
        || !message.content.reasoning.is_empty()
    {
        return None;
    }
    let mut thoughts = message.thoughts.iter().filter(|text| !silent(text));
    match (thoughts.next(), thoughts.next()) {
        (None, _) => Some((Kind::Text, borrowed(message.content.text.as_ref())?)),
        // Under one name only: with two, the second would count where the first is empty.
        (Some(thought), None) if silent(&message.content.text) => {
            Some((Kind::Reasoning, borrowed(thought.as_ref())?))
        }
        _ => None,
    }
}

/// Reads a whole answer.
pub(super) fn answer(body: &str) -> Result<Answer, AnswerError> {
    let whole = Completion::read(Json::new(body))
        .map_err(|Malformed| AnswerError::Malformed(excerpt(body)))?;
    if let Some(error) = failure(body, &whole) {
        return Err(AnswerError::Api(Box::new(error)));
    }
    let choices = whole.choices.unwrap_or_default();
    if choices.is_empty() {
        return Err(AnswerError::Unexpected(excerpt(body)));
    }
    Ok(Answer {
        id: whole.id.map(Cow::into_owned),
        model: whole.model.map(Cow::into_owned),
        choices: choices.into_iter().map(answered).collect(),
        usage: whole.usage.and_then(Usage::read),
    })
}

fn answered(choice: Choice<'_>) -> Answered {
    let message = choice.message.or(choice.delta).unwrap_or_default();
    let reasoning = message.thoughts().to_owned() + &message.content.reasoning;
    let calls = message.tool_calls.into_iter();
    let older = message.function_call.map(|function| Call {
        index: None,
        id: None,
        function,
        extra_content: None,
    });
    let tool_calls = calls.chain(older).map(|call| ToolCall {
        id: call.id.map(Cow::into_owned),
        name: call.function.name.map(Cow::into_owned),
        arguments: call.function.arguments.into_owned(),
        extra_content: call.extra_content.map(str::to_owned),
    });
    let text = message.content.text.or(choice.text.text);
    Answered {
        index: choice.index,
        text: text.unwrap_or_default().into_owned(),
        reasoning,
        refusal: message.refusal.unwrap_or_default().into_owned(),
        tool_calls: tool_calls.collect(),
        finish: choice.finish_reason.as_deref().map(FinishReason::from_word),
    }
}

/// The error that a chunk or an answer reports, in any of the places in use.
fn failure(data: &str, chunk: &Completion<'_>) -> Option<error::ApiError> {
    if chunk.error.is_some() || chunk.object.as_deref() == Some("error") {
        return error::from_text(data).or_else(|| chunk.error.map(error::from_value));
    }
    let choices = || chunk.choices.iter().flatten();
    let of_groq = chunk.groq.as_ref().and_then(|groq| groq.error);
    let value = of_groq.or_else(|| choices().find_map(|choice| choice.error));
    let failed = |choice: &Choice<'_>| choice.finish_reason.as_deref() == Some("error");
    value.map(error::from_value).or_else(|| {
        let error = || error::from_word("the answer finished with an error", "error");
        choices().any(failed).then(error)
    })
}
