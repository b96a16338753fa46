//! OpenAI's Responses API: one object, or the typed events that build it up.
//!
//! Shapes: platform.openai.com/docs/api-reference/responses/object and /responses-streaming.

use super::answer::{Answer, Finish, Group, Part};
use super::event::{Dialect, Events, events, named, quote};

/// A finished `response` object.
pub(crate) fn whole(answer: &Answer) -> String {
    let (reasoning, visible) = answer.whole();
    object(
        answer,
        ending(answer),
        &output(answer, &reasoning, &visible),
        &usage(answer),
    )
}

fn ending(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Length => "incomplete",
        Finish::Error => "failed",
        Finish::Stop | Finish::Tool => "completed",
    }
}

fn object(answer: &Answer, status: &str, output: &str, usage: &str) -> String {
    let details = match status {
        "incomplete" => "{\"reason\":\"max_output_tokens\"}",
        _ => "null",
    };
    let error = match status {
        "failed" => "{\"code\":\"server_error\",\"message\":\"Simulated failure.\"}",
        _ => "null",
    };
    format!(
        "{{\"id\":\"resp_{}\",\"object\":\"response\",\"created_at\":{},\"status\":\"{status}\",\
         \"error\":{error},\"incomplete_details\":{details},\"instructions\":null,\
         \"max_output_tokens\":null,\"metadata\":{{}},\"model\":{},\"output\":{output},\
         \"parallel_tool_calls\":true,\"previous_response_id\":null,\
         \"reasoning\":{{\"effort\":null,\"summary\":null}},\"store\":false,\"temperature\":1.0,\
         \"text\":{{\"format\":{{\"type\":\"text\"}}}},\"tool_choice\":\"auto\",\"tools\":[],\
         \"top_p\":1.0,\"truncation\":\"disabled\",\"usage\":{usage},\"user\":null}}",
        answer.id,
        answer.created,
        quote(&answer.model)
    )
}

fn usage(answer: &Answer) -> String {
    format!(
        "{{\"input_tokens\":{},\"input_tokens_details\":{{\"cached_tokens\":0}},\
         \"output_tokens\":{},\"output_tokens_details\":{{\"reasoning_tokens\":{}}},\
         \"total_tokens\":{}}}",
        answer.prompt_tokens,
        answer.total,
        answer.reasoning,
        u64::from(answer.prompt_tokens) + u64::from(answer.total)
    )
}

fn output(answer: &Answer, reasoning: &str, visible: &str) -> String {
    let mut items = Vec::new();
    if answer.reasoning > 0 {
        items.push(reasoning_item(answer, Some(reasoning)));
    }
    if answer.total > answer.reasoning {
        items.push(item(answer, ending(answer), Some(visible)));
    }
    format!("[{}]", items.join(","))
}

fn reasoning_item(answer: &Answer, text: Option<&str>) -> String {
    let content = text.map_or(String::new(), reasoning_part);
    format!(
        "{{\"id\":\"rs_{}\",\"type\":\"reasoning\",\"summary\":[],\"content\":[{content}]}}",
        answer.id
    )
}

/// The visible item: a message, or a function call.
fn item(answer: &Answer, status: &str, text: Option<&str>) -> String {
    match &answer.tool {
        Some(name) => format!(
            "{{\"id\":\"fc_{id}\",\"type\":\"function_call\",\"status\":\"{status}\",\
             \"arguments\":{},\"call_id\":\"call_{id}\",\"name\":{}}}",
            quote(text.unwrap_or_default()),
            quote(name),
            id = answer.id
        ),
        None => format!(
            "{{\"id\":\"msg_{}\",\"type\":\"message\",\"status\":\"{status}\",\"content\":[{}],\
             \"role\":\"assistant\"}}",
            answer.id,
            text.map_or(String::new(), text_part)
        ),
    }
}

fn reasoning_part(text: &str) -> String {
    format!("{{\"type\":\"reasoning_text\",\"text\":{}}}", quote(text))
}

fn text_part(text: &str) -> String {
    format!(
        "{{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":{}}}",
        quote(text)
    )
}

/// The typed events of a streamed response.
pub(crate) fn stream(answer: Answer) -> Events {
    let writer = Writer {
        answer: answer.clone(),
        sequence: 0,
        open: None,
        items: 0,
        texts: <_>::default(),
    };
    events(answer, writer)
}

struct Writer {
    answer: Answer,
    sequence: u64,
    /// The item that is being written.
    open: Option<Part>,
    items: u32,
    /// What has been written of the thought, and of what is seen.
    texts: (String, String),
}

impl Writer {
    fn event(&mut self, kind: &str, fields: &str) -> String {
        let sequence = self.sequence;
        self.sequence += 1;
        let json = format!("{{\"type\":\"{kind}\",\"sequence_number\":{sequence},{fields}}}");
        named(kind, &json)
    }

    /// Fields that place an event in the item that is being written.
    fn place(&self) -> String {
        let kind = match (self.open, &self.answer.tool) {
            (Some(Part::Reasoning), _) => "rs",
            (_, Some(_)) => "fc",
            _ => "msg",
        };
        let index = self.items.saturating_sub(1);
        format!(
            "\"item_id\":\"{kind}_{}\",\"output_index\":{index}",
            self.answer.id
        )
    }

    /// The part of an item that text is added to; calls have none.
    fn content_part(part: Part, text: &str) -> Option<String> {
        match part {
            Part::Reasoning => Some(reasoning_part(text)),
            Part::Text => Some(text_part(text)),
            Part::Tool => None,
        }
    }

    fn begin(&mut self, part: Part) -> Vec<String> {
        self.open = Some(part);
        let index = self.items;
        self.items += 1;
        let item = match part {
            Part::Reasoning => reasoning_item(&self.answer, None),
            Part::Text | Part::Tool => item(&self.answer, "in_progress", None),
        };
        let fields = format!("\"output_index\":{index},\"item\":{item}");
        let mut texts = vec![self.event("response.output_item.added", &fields)];
        if let Some(part) = Self::content_part(part, "") {
            let fields = format!("{},\"content_index\":0,\"part\":{part}", self.place());
            texts.push(self.event("response.content_part.added", &fields));
        }
        texts
    }

    fn finish(&mut self) -> Vec<String> {
        let Some(part) = self.open else {
            return Vec::new();
        };
        let (place, mut texts) = (self.place(), Vec::new());
        let text = match part {
            Part::Reasoning => self.texts.0.clone(),
            Part::Text | Part::Tool => self.texts.1.clone(),
        };
        let quoted = quote(&text);
        let (kind, fields) = match part {
            Part::Reasoning => (
                "reasoning_text",
                format!("{place},\"content_index\":0,\"text\":{quoted}"),
            ),
            Part::Text => (
                "output_text",
                format!("{place},\"content_index\":0,\"logprobs\":[],\"text\":{quoted}"),
            ),
            Part::Tool => {
                let name = quote(self.answer.tool.as_deref().unwrap_or_default());
                let fields = format!("{place},\"name\":{name},\"arguments\":{quoted}");
                ("function_call_arguments", fields)
            }
        };
        texts.push(self.event(&format!("response.{kind}.done"), &fields));
        if let Some(part) = Self::content_part(part, &text) {
            let fields = format!("{place},\"content_index\":0,\"part\":{part}");
            texts.push(self.event("response.content_part.done", &fields));
        }
        let done = match part {
            Part::Reasoning => reasoning_item(&self.answer, Some(&text)),
            Part::Text | Part::Tool => item(&self.answer, ending(&self.answer), Some(&text)),
        };
        let fields = format!("\"output_index\":{},\"item\":{done}", self.items - 1);
        texts.push(self.event("response.output_item.done", &fields));
        self.open = None;
        texts
    }
}

impl Dialect for Writer {
    fn open(&mut self) -> Vec<String> {
        let response = object(&self.answer, "in_progress", "[]", "null");
        let fields = format!("\"response\":{response}");
        vec![
            self.event("response.created", &fields),
            self.event("response.in_progress", &fields),
        ]
    }

    fn delta(&mut self, group: &Group) -> Vec<String> {
        let mut texts = Vec::new();
        if self.open != Some(group.part) {
            texts.extend(self.finish());
            texts.extend(self.begin(group.part));
        }
        let (kind, middle) = match group.part {
            Part::Reasoning => ("response.reasoning_text.delta", ",\"content_index\":0"),
            Part::Text => (
                "response.output_text.delta",
                ",\"content_index\":0,\"logprobs\":[]",
            ),
            Part::Tool => ("response.function_call_arguments.delta", ""),
        };
        let fields = format!("{}{middle},\"delta\":{}", self.place(), quote(&group.text));
        texts.push(self.event(kind, &fields));
        match group.part {
            Part::Reasoning => self.texts.0.push_str(&group.text),
            Part::Text | Part::Tool => self.texts.1.push_str(&group.text),
        }
        texts
    }

    fn close(&mut self) -> Vec<String> {
        let mut texts = self.finish();
        let status = ending(&self.answer);
        let output = output(&self.answer, &self.texts.0, &self.texts.1);
        let response = object(&self.answer, status, &output, &usage(&self.answer));
        let kind = format!("response.{status}");
        texts.push(self.event(&kind, &format!("\"response\":{response}")));
        texts
    }
}
