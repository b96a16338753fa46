//! OpenAI-shaped chat completions, completions, embeddings and models.
//!
//! Shapes: the API reference at platform.openai.com/docs/api-reference (chat/object,
//! chat/streaming, completions/object, embeddings/object, models/object); `reasoning_content` as
//! DeepSeek's API and vLLM send it, since OpenAI's own chat completions hide the thought.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::{Answer, Finish, Group, Part};
use super::dice::Dice;
use super::event::{Dialect, Events, data, events, push_quoted, quote};
use super::question::Question;

/// Models that the list names; any other name is answered too.
pub(crate) const MODELS: [&str; 3] = ["kneepoint-small", "kneepoint-large", "kneepoint-embedding"];
const MODELS_CREATED: u64 = 1_767_225_600;
const FINGERPRINT: &str = "fp_kneepoint";

fn finish(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Tool => "tool_calls",
        Finish::Error => "error",
    }
}

fn usage(answer: &Answer) -> String {
    let mut json = String::with_capacity(USAGE_BYTES);
    push_usage(&mut json, answer);
    json
}

/// Room for [`push_usage`], with numbers of any length.
const USAGE_BYTES: usize = 320;

fn push_usage(json: &mut String, answer: &Answer) {
    let (prompt, completion) = (u64::from(answer.prompt_tokens), u64::from(answer.total));
    json.push_str("{\"prompt_tokens\":");
    push_number(json, prompt);
    json.push_str(",\"completion_tokens\":");
    push_number(json, completion);
    json.push_str(",\"total_tokens\":");
    push_number(json, prompt + completion);
    json.push_str(
        ",\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\
         \"completion_tokens_details\":{\"reasoning_tokens\":",
    );
    push_number(json, u64::from(answer.reasoning));
    json.push_str(
        ",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\
         \"rejected_prediction_tokens\":0}}",
    );
}

fn push_number(json: &mut String, number: u64) {
    write!(json, "{number}").expect("writing to a text does not fail");
}

/// What a `chat.completion` object has beside its texts and its usage, and some room.
const CHAT_BYTES: usize = 384;

/// A `chat.completion` object. It is what throughput is measured with, so it is written in one go.
pub(crate) fn chat(answer: &Answer) -> String {
    let (reasoning, visible) = answer.whole();
    let texts = 2 * (answer.model.len() + reasoning.len() + visible.len());
    let mut json = String::with_capacity(CHAT_BYTES + USAGE_BYTES + texts);
    json.push_str("{\"id\":\"chatcmpl-");
    json.push_str(&answer.id);
    json.push_str("\",\"object\":\"chat.completion\",\"created\":");
    push_number(&mut json, answer.created);
    json.push_str(",\"model\":");
    push_quoted(&mut json, &answer.model);
    json.push_str(",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
    match &answer.tool {
        None => push_quoted(&mut json, &visible),
        Some(_) => json.push_str("null"),
    }
    json.push_str(",\"refusal\":null,\"annotations\":[]");
    if let Some(name) = &answer.tool {
        json.push_str(",\"tool_calls\":[{\"id\":\"call_");
        json.push_str(&answer.id);
        json.push_str("\",\"type\":\"function\",\"function\":{\"name\":");
        push_quoted(&mut json, name);
        json.push_str(",\"arguments\":");
        push_quoted(&mut json, &visible);
        json.push_str("}}]");
    }
    if answer.reasoning > 0 {
        json.push_str(",\"reasoning_content\":");
        push_quoted(&mut json, &reasoning);
    }
    json.push_str("},\"logprobs\":null,\"finish_reason\":\"");
    json.push_str(finish(answer));
    json.push_str("\"}],\"usage\":");
    push_usage(&mut json, answer);
    json.push_str(",\"service_tier\":\"default\",\"system_fingerprint\":\"");
    json.push_str(FINGERPRINT);
    json.push_str("\"}");
    json
}

/// A stream of `chat.completion.chunk` objects.
pub(crate) fn chat_events(answer: Answer) -> Events {
    let head = format!(
        "{{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\
         \"model\":{},\"service_tier\":\"default\",\"system_fingerprint\":\"{FINGERPRINT}\",\
         \"choices\":",
        answer.id,
        answer.created,
        quote(&answer.model)
    );
    events(answer.clone(), Chat { head, answer })
}

struct Chat {
    /// What all chunks of one answer begin with.
    head: String,
    answer: Answer,
}

impl Chat {
    fn chunk(&self, delta: &str, finish: &str) -> String {
        // With include_usage the field is on every chunk, and null on all but the last.
        let usage = if self.answer.include_usage {
            ",\"usage\":null"
        } else {
            ""
        };
        data(&format!(
            "{}[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]\
             {usage}}}",
            self.head
        ))
    }
}

impl Dialect for Chat {
    fn open(&mut self) -> Vec<String> {
        let delta = match &self.answer.tool {
            None => "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}".to_owned(),
            Some(name) => format!(
                "{{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{{\"index\":0,\
                 \"id\":\"call_{}\",\"type\":\"function\",\
                 \"function\":{{\"name\":{},\"arguments\":\"\"}}}}],\"refusal\":null}}",
                self.answer.id,
                quote(name)
            ),
        };
        vec![self.chunk(&delta, "null")]
    }

    fn delta(&mut self, group: &Group) -> Vec<String> {
        let text = quote(&group.text);
        let delta = match group.part {
            Part::Reasoning => format!("{{\"reasoning_content\":{text}}}"),
            Part::Text => format!("{{\"content\":{text}}}"),
            Part::Tool => format!(
                "{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{text}}}}}]}}"
            ),
        };
        vec![self.chunk(&delta, "null")]
    }

    fn close(&mut self) -> Vec<String> {
        let mut texts = vec![self.chunk("{}", &format!("\"{}\"", finish(&self.answer)))];
        if self.answer.include_usage {
            let json = format!("{}[],\"usage\":{}}}", self.head, usage(&self.answer));
            texts.push(data(&json));
        }
        texts.push(data("[DONE]"));
        texts
    }
}

/// A `text_completion` object.
pub(crate) fn completion(answer: &Answer) -> String {
    let (_, visible) = answer.whole();
    format!(
        "{}[{{\"text\":{},\"index\":0,\"logprobs\":null,\"finish_reason\":\"{}\"}}],\"usage\":{}}}",
        completion_head(answer),
        quote(&visible),
        finish(answer),
        usage(answer)
    )
}

fn completion_head(answer: &Answer) -> String {
    format!(
        "{{\"id\":\"cmpl-{}\",\"object\":\"text_completion\",\"created\":{},\"model\":{},\
         \"system_fingerprint\":\"{FINGERPRINT}\",\"choices\":",
        answer.id,
        answer.created,
        quote(&answer.model)
    )
}

/// A stream of `text_completion` objects.
pub(crate) fn completion_events(answer: Answer) -> Events {
    events(
        answer.clone(),
        Completion {
            head: completion_head(&answer),
            answer,
        },
    )
}

struct Completion {
    head: String,
    answer: Answer,
}

impl Completion {
    fn chunk(&self, text: &str, finish: &str) -> String {
        let usage = if self.answer.include_usage {
            ",\"usage\":null"
        } else {
            ""
        };
        data(&format!(
            "{}[{{\"text\":{},\"index\":0,\"logprobs\":null,\"finish_reason\":{finish}}}]{usage}}}",
            self.head,
            quote(text)
        ))
    }
}

impl Dialect for Completion {
    fn open(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn delta(&mut self, group: &Group) -> Vec<String> {
        match group.part {
            // This API has no place for hidden thought: its tokens only take time.
            Part::Reasoning => Vec::new(),
            Part::Text | Part::Tool => vec![self.chunk(&group.text, "null")],
        }
    }

    fn close(&mut self) -> Vec<String> {
        let mut texts = vec![self.chunk("", &format!("\"{}\"", finish(&self.answer)))];
        if self.answer.include_usage {
            texts.push(data(&format!(
                "{}[],\"usage\":{}}}",
                self.head,
                usage(&self.answer)
            )));
        }
        texts.push(data("[DONE]"));
        texts
    }
}

/// A list of embeddings: the same text always gives the same unit vector.
pub(crate) fn embeddings(question: &Question) -> String {
    let items: Vec<String> = question
        .embed
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(text, question.dimensions);
            let value = if question.base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                quote(&STANDARD.encode(bytes))
            } else {
                let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
                format!("[{}]", numbers.join(","))
            };
            format!("{{\"object\":\"embedding\",\"index\":{index},\"embedding\":{value}}}")
        })
        .collect();
    format!(
        "{{\"object\":\"list\",\"data\":[{}],\"model\":{},\
         \"usage\":{{\"prompt_tokens\":{tokens},\"total_tokens\":{tokens}}}}}",
        items.join(","),
        quote(&question.model),
        tokens = question.prompt_tokens
    )
}

fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    // FNV-1a: any hash does, as long as it is the same everywhere.
    let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut dice = Dice::new(seed, 0);
    let raw: Vec<f64> = (0..dimensions).map(|_| dice.normal()).collect();
    let norm = raw
        .iter()
        .map(|x| x * x)
        .sum::<f64>()
        .sqrt()
        .max(f64::MIN_POSITIVE);
    raw.into_iter().map(|x| (x / norm) as f32).collect()
}

/// The list of models, or the one of this name.
pub(crate) fn models(id: Option<&str>) -> String {
    let model = |id: &str| {
        format!(
            "{{\"id\":{},\"object\":\"model\",\"created\":{MODELS_CREATED},\
             \"owned_by\":\"kneepoint\"}}",
            quote(id)
        )
    };
    if let Some(id) = id {
        model(id)
    } else {
        let models: Vec<String> = MODELS.iter().map(|id| model(id)).collect();
        format!("{{\"object\":\"list\",\"data\":[{}]}}", models.join(","))
    }
}
