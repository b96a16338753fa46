//! What a request asks for, read from the JSON bodies of all simulated APIs into one shape.
//!
//! Only what changes the answer is read; unknown fields are accepted, as the real APIs' successors
//! would. Field names: OpenAI API reference and Anthropic's Messages API reference.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::schema;

/// The simulated APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    Chat,
    Completions,
    Embeddings,
    Responses,
    Messages,
    Models,
}

impl Api {
    /// Whether errors and rate-limit headers are shaped like Anthropic's.
    pub(crate) fn is_anthropic(self) -> bool {
        self == Self::Messages
    }
}

/// A request, understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Chat and completions: usage in a last chunk of its own.
    pub(crate) include_usage: bool,
    pub(crate) tokens_max: Option<u32>,
    pub(crate) prompt_tokens: u32,
    pub(crate) form: Form,
    pub(crate) embed: Vec<String>,
    pub(crate) dimensions: usize,
    pub(crate) base64: bool,
}

/// What kind of answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Prose,
    Json(String),
    Tool { name: String, arguments: String },
}

/// Why a request is refused with 400: the message and the field to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) message: String,
    pub(crate) field: Option<&'static str>,
}

const DIMENSIONS_DEFAULT: usize = 1536;
const DIMENSIONS_MAX: usize = 4096;
/// As many inputs as the real endpoint takes.
const INPUTS_MAX: usize = 2048;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    max_output_tokens: Option<u32>,
    #[serde(borrow)]
    messages: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    response_format: Option<Value>,
    text: Option<Value>,
    dimensions: Option<usize>,
    #[serde(borrow)]
    encoding_format: Option<Cow<'a, str>>,
    n: Option<u32>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// Reads the body of a request to `api`.
pub(crate) fn read(api: Api, body: &[u8]) -> Result<Question, Invalid> {
    let unreadable = |why: &dyn Display| Invalid {
        message: format!("We could not read the JSON body of your request: {why}"),
        field: None,
    };
    // Checked once as a whole, its texts need no check each.
    let body = str::from_utf8(body).map_err(|error| unreadable(&error))?;
    let wire: Wire<'_> = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
    let model = wire
        .model
        .as_deref()
        .ok_or_else(|| missing("model"))?
        .to_owned();
    let prompt = match api {
        Api::Chat | Api::Messages => {
            let messages = wire.messages.as_ref().ok_or_else(|| missing("messages"))?;
            if messages.is_empty() {
                return Err(invalid("messages", "expected at least one message"));
            }
            messages.iter().map(|message| message.get().len()).sum()
        }
        Api::Completions => wire.prompt.map_or(0, |prompt| prompt.get().len()),
        Api::Embeddings | Api::Responses => wire.input.ok_or_else(|| missing("input"))?.get().len(),
        Api::Models => 0,
    };
    let tokens_max = wire
        .max_completion_tokens
        .or(wire.max_output_tokens)
        .or(wire.max_tokens);
    if tokens_max == Some(0) {
        return Err(invalid("max_tokens", "expected at least 1"));
    }
    if api == Api::Messages && wire.max_tokens.is_none() {
        return Err(missing("max_tokens"));
    }
    if wire.n.is_some_and(|n| n != 1) {
        return Err(invalid("n", "this simulated endpoint gives one choice"));
    }
    let embed = if api == Api::Embeddings {
        inputs(wire.input)?
    } else {
        Vec::new()
    };
    let dimensions = wire.dimensions.unwrap_or(DIMENSIONS_DEFAULT);
    if !(1..=DIMENSIONS_MAX).contains(&dimensions) {
        return Err(invalid(
            "dimensions",
            &format!("expected 1 to {DIMENSIONS_MAX}"),
        ));
    }
    Ok(Question {
        stream: wire.stream.unwrap_or(false) && api != Api::Embeddings,
        include_usage: wire
            .stream_options
            .as_ref()
            .is_some_and(|options| options.include_usage),
        tokens_max,
        // About four bytes of JSON make a token; exactness is not what is simulated here.
        prompt_tokens: u32::try_from(prompt / 4).unwrap_or(u32::MAX).max(1),
        form: form(&wire),
        embed,
        dimensions,
        base64: wire.encoding_format.as_deref() == Some("base64"),
        model,
    })
}

fn missing(field: &'static str) -> Invalid {
    Invalid {
        message: format!("you must provide a {field} parameter"),
        field: Some(field),
    }
}

fn invalid(field: &'static str, why: &str) -> Invalid {
    Invalid {
        message: format!("Invalid value for '{field}': {why}."),
        field: Some(field),
    }
}

/// Texts to embed: one string, a list of strings, or lists of token numbers.
fn inputs(raw: Option<&RawValue>) -> Result<Vec<String>, Invalid> {
    let value: Value = raw
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let texts = match value {
        Value::String(text) => vec![text],
        Value::Array(items) if items.first().is_some_and(Value::is_number) => {
            vec![Value::Array(items).to_string()]
        }
        Value::Array(items) => items
            .into_iter()
            .map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            })
            .collect(),
        _ => Vec::new(),
    };
    if texts.is_empty() || texts.len() > INPUTS_MAX {
        return Err(invalid(
            "input",
            &format!("expected 1 to {INPUTS_MAX} texts"),
        ));
    }
    Ok(texts)
}

/// A tool call if tools are offered and no tool has answered yet; else JSON if asked for.
fn form(wire: &Wire<'_>) -> Form {
    if let Some(tool) = chosen_tool(wire) {
        return tool;
    }
    let format = wire
        .response_format
        .as_ref()
        .or_else(|| wire.text.as_ref()?.get("format"));
    match format
        .and_then(|format| format.get("type"))
        .and_then(Value::as_str)
    {
        Some("json_object") => Form::Json(r#"{"answer":"sample"}"#.to_owned()),
        Some("json_schema") => {
            let schema = format.and_then(|format| {
                format
                    .get("schema")
                    .or_else(|| format.get("json_schema")?.get("schema"))
            });
            Form::Json(schema::instance(schema.unwrap_or(&Value::Null)).to_string())
        }
        _ => Form::Prose,
    }
}

fn chosen_tool(wire: &Wire<'_>) -> Option<Form> {
    let tools = wire.tools.as_ref()?;
    let choice = wire.tool_choice.as_ref();
    let mode = choice.and_then(|choice| choice.as_str().or_else(|| choice.get("type")?.as_str()));
    if mode == Some("none") {
        return None;
    }
    let forced = matches!(mode, Some("required" | "any" | "function" | "tool"));
    let answered = wire
        .messages
        .as_ref()
        .and_then(|messages| messages.last())
        .is_some_and(|last| {
            let last = last.get();
            last.contains("\"tool\"") || last.contains("\"tool_result\"")
        })
        || wire
            .input
            .is_some_and(|input| input.get().contains("function_call_output"));
    if answered && !forced {
        return None;
    }
    // OpenAI's chat wraps name and schema in `function`; the other two do not.
    let inner = |tool: &'_ Value| tool.get("function").unwrap_or(tool).clone();
    let named = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    let wanted = choice.map(inner).as_ref().and_then(named);
    let tool = tools.iter().map(inner).find(|tool| {
        named(tool).is_some_and(|name| wanted.as_ref().is_none_or(|wanted| *wanted == name))
    })?;
    let schema = tool.get("parameters").or_else(|| tool.get("input_schema"));
    let arguments = schema::instance(schema.unwrap_or(&Value::Null)).to_string();
    Some(Form::Tool {
        name: named(&tool)?,
        arguments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        #[rustfmt::skip]
        let cases = [
            (Api::Chat, "{", "could not read the JSON"),
            (Api::Chat, r#"{"messages":[{}]}"#, "model"),
            (Api::Chat, r#"{"model":"m"}"#, "messages"),
            (Api::Chat, r#"{"model":"m","messages":[]}"#, "at least one"),
            (Api::Chat, r#"{"model":"m","messages":[{}],"n":2}"#, "one choice"),
            (Api::Chat, r#"{"model":"m","messages":[{}],"max_tokens":0}"#, "at least 1"),
            (Api::Messages, r#"{"model":"m","messages":[{}]}"#, "max_tokens"),
            (Api::Embeddings, r#"{"model":"m"}"#, "input"),
            (Api::Embeddings, r#"{"model":"m","input":[]}"#, "1 to 2048"),
        ];
        for (api, body, expected) in cases {
            let invalid = read(api, body.as_bytes()).expect_err(body);
            assert!(
                invalid.message.contains(expected),
                "{body}: {}",
                invalid.message
            );
        }
    }

    #[test]
    fn a_tool_is_called_until_it_has_answered() {
        let tools = r#""tools":[{"type":"function","function":{"name":"weather","parameters":
            {"type":"object","properties":{"city":{"type":"string"}}}}}]"#;
        let form = |messages: &str, more: &str| {
            let body = format!(r#"{{"model":"m","messages":[{messages}],{tools}{more}}}"#);
            read(Api::Chat, body.as_bytes()).expect("valid").form
        };
        let call = Form::Tool {
            name: "weather".to_owned(),
            arguments: r#"{"city":"sample"}"#.to_owned(),
        };
        assert_eq!(form(r#"{"role":"user"}"#, ""), call);
        assert_eq!(form(r#"{"role":"tool"}"#, ""), Form::Prose);
        assert_eq!(
            form(r#"{"role":"user"}"#, r#","tool_choice":"none""#),
            Form::Prose
        );
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_the_reader_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            for api in [Api::Chat, Api::Embeddings, Api::Messages] {
                let _ = read(api, &body);
            }
        }
    }
}
