//! Anthropic-shaped messages: one object, or the named events that build it up.
//!
//! Shapes: docs.anthropic.com, Messages API reference and "Streaming Messages".

use super::answer::{Answer, Finish, Group, Part};
use super::event::{Dialect, Events, events, named, quote};

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Tool => "tool_use",
        Finish::Error => "error",
    }
}

fn message(answer: &Answer, content: &str, stop_reason: &str, output_tokens: u32) -> String {
    format!(
        "{{\"id\":\"msg_{}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":{},\
         \"content\":{content},\"stop_reason\":{stop_reason},\"stop_sequence\":null,\
         \"usage\":{{\"input_tokens\":{},\"cache_creation_input_tokens\":0,\
         \"cache_read_input_tokens\":0,\"output_tokens\":{output_tokens},\
         \"service_tier\":\"standard\"}}}}",
        answer.id,
        quote(&answer.model),
        answer.prompt_tokens
    )
}

/// The block of a part, empty (as `content_block_start` has it) or with its content.
fn block(answer: &Answer, part: Part, content: Option<&str>) -> String {
    match part {
        Part::Reasoning => {
            // An empty signature in a start event, as the real stream has it.
            let signature = if content.is_some() {
                answer.id.as_str()
            } else {
                ""
            };
            format!(
                "{{\"type\":\"thinking\",\"thinking\":{},\"signature\":\"{signature}\"}}",
                quote(content.unwrap_or_default())
            )
        }
        Part::Text => {
            format!(
                "{{\"type\":\"text\",\"text\":{}}}",
                quote(content.unwrap_or_default())
            )
        }
        Part::Tool => {
            // A call cut by max_tokens has arguments that are no JSON: the input is then empty.
            let input = content
                .filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
                .unwrap_or("{}");
            format!(
                "{{\"type\":\"tool_use\",\"id\":\"toolu_{}\",\"name\":{},\"input\":{input}}}",
                answer.id,
                quote(answer.tool.as_deref().unwrap_or_default())
            )
        }
    }
}

/// A finished message.
pub(crate) fn whole(answer: &Answer) -> String {
    let (reasoning, visible) = answer.whole();
    let mut blocks = Vec::new();
    if answer.reasoning > 0 {
        blocks.push(block(answer, Part::Reasoning, Some(&reasoning)));
    }
    if answer.total > answer.reasoning {
        blocks.push(block(answer, answer.visible(), Some(&visible)));
    }
    let stop = format!("\"{}\"", stop_reason(answer));
    message(
        answer,
        &format!("[{}]", blocks.join(",")),
        &stop,
        answer.total,
    )
}

/// The events of a streamed message.
pub(crate) fn stream(answer: Answer) -> Events {
    events(
        answer.clone(),
        Writer {
            answer,
            open: None,
            blocks: 0,
        },
    )
}

struct Writer {
    answer: Answer,
    open: Option<Part>,
    blocks: u32,
}

impl Writer {
    fn delta_event(index: u32, delta: &str) -> String {
        named(
            "content_block_delta",
            &format!("{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{delta}}}"),
        )
    }

    fn finish(&mut self) -> Vec<String> {
        let Some(part) = self.open.take() else {
            return Vec::new();
        };
        let index = self.blocks - 1;
        let mut texts = Vec::new();
        if part == Part::Reasoning {
            let id = &self.answer.id;
            let delta = format!("{{\"type\":\"signature_delta\",\"signature\":\"{id}\"}}");
            texts.push(Self::delta_event(index, &delta));
        }
        let json = format!("{{\"type\":\"content_block_stop\",\"index\":{index}}}");
        texts.push(named("content_block_stop", &json));
        texts
    }
}

impl Dialect for Writer {
    fn open(&mut self) -> Vec<String> {
        let message = message(&self.answer, "[]", "null", 1);
        let json = format!("{{\"type\":\"message_start\",\"message\":{message}}}");
        vec![
            named("message_start", &json),
            named("ping", "{\"type\": \"ping\"}"),
        ]
    }

    fn delta(&mut self, group: &Group) -> Vec<String> {
        let mut texts = Vec::new();
        if self.open != Some(group.part) {
            texts.extend(self.finish());
            let block = block(&self.answer, group.part, None);
            let json = format!(
                "{{\"type\":\"content_block_start\",\"index\":{},\"content_block\":{block}}}",
                self.blocks
            );
            texts.push(named("content_block_start", &json));
            self.open = Some(group.part);
            self.blocks += 1;
        }
        let text = quote(&group.text);
        let delta = match group.part {
            Part::Reasoning => format!("{{\"type\":\"thinking_delta\",\"thinking\":{text}}}"),
            Part::Text => format!("{{\"type\":\"text_delta\",\"text\":{text}}}"),
            Part::Tool => format!("{{\"type\":\"input_json_delta\",\"partial_json\":{text}}}"),
        };
        texts.push(Self::delta_event(self.blocks - 1, &delta));
        texts
    }

    fn close(&mut self) -> Vec<String> {
        let mut texts = self.finish();
        let json = format!(
            "{{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{}\",\
             \"stop_sequence\":null}},\"usage\":{{\"output_tokens\":{}}}}}",
            stop_reason(&self.answer),
            self.answer.total
        );
        texts.push(named("message_delta", &json));
        texts.push(named("message_stop", "{\"type\":\"message_stop\"}"));
        texts
    }
}
