//! What a stream says, piece by piece, in one vocabulary for all dialects.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{self, Count, Maybe};

/// What one chunk of the network held. Made once and reused: [`Decoded::clear`] keeps its memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// The text of the first choice. From a decoder for raw data: the data of all events, joined by
    /// commas, so that brackets around it make it one JSON list.
    pub text: String,
    /// Everything else, in order.
    pub deltas: Vec<Delta>,
    /// From a decoder for raw data: where each event's data ends in `text`, in bytes. The next
    /// begins one byte (the comma) later.
    pub data_ends: Vec<u32>,
    /// How many events there were.
    pub events: u32,
    /// How many of them held content: text, reasoning, a refusal, a tool call.
    pub content_events: u32,
}

impl Decoded {
    /// Makes it ready for the next chunk.
    pub fn clear(&mut self) {
        self.text.clear();
        self.deltas.clear();
        self.data_ends.clear();
        self.events = 0;
        self.content_events = 0;
    }
}

/// A piece of an answer that is not the first choice's text.
///
/// Pieces of one kind that follow each other within a chunk come as one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Delta {
    /// The answer has begun.
    Begin {
        /// The provider's id for it.
        id: Option<String>,
        /// The model that answers.
        model: Option<String>,
    },
    /// Text of a choice other than the first.
    Text {
        /// Which choice, from 1 on.
        choice: u32,
        /// The piece.
        text: String,
    },
    /// What the model thinks aloud.
    Reasoning {
        /// Which choice.
        choice: u32,
        /// The piece.
        text: String,
    },
    /// Why the model will not answer.
    Refusal {
        /// Which choice.
        choice: u32,
        /// The piece.
        text: String,
    },
    /// A piece of a tool call.
    ToolCall {
        /// Which choice.
        choice: u32,
        /// Which call; the provider's own number, which need not be dense.
        index: u32,
        /// Its id, in its first piece.
        id: Option<String>,
        /// The tool's name, in its first piece.
        name: Option<String>,
        /// The next piece of the arguments' JSON text.
        arguments: String,
    },
    /// What has been used so far; each replaces the one before.
    Usage(Usage),
    /// How long the server itself took (llama.cpp).
    Timings(Timings),
    /// A choice is complete.
    Finish {
        /// Which choice.
        choice: u32,
        /// Why.
        reason: FinishReason,
    },
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done, or met a stop text.
    Stop,
    /// The limit of tokens.
    Length,
    /// The model wants tools to be called.
    ToolCalls,
    /// The provider's filter, or the model's refusal.
    ContentFilter,
    /// Any other word, as it was sent (at most 200 characters).
    Other(String),
}

impl FinishReason {
    pub(super) fn from_word(word: &str) -> Self {
        match word {
            "stop" | "end_turn" | "stop_sequence" | "eos" | "completed" => Self::Stop,
            "length" | "max_tokens" | "max_output_tokens" | "model_context_window_exceeded" => {
                Self::Length
            }
            "tool_calls" | "tool_use" | "function_call" => Self::ToolCalls,
            "content_filter" | "refusal" => Self::ContentFilter,
            other => Self::Other(json::excerpt(other)),
        }
    }
}

/// Tokens used, as the provider counts them: Anthropic's `input` leaves out what its cache held,
/// the others' includes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input: Option<u64>,
    /// Tokens of the answer.
    pub output: Option<u64>,
    /// Tokens of the prompt that came from a cache.
    pub cached: Option<u64>,
    /// Tokens of the prompt that were written to a cache.
    pub cache_written: Option<u64>,
    /// Tokens of the answer that were reasoning.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Reads usage off the wire. In a shape that nobody knows it is none: no answer is lost for it.
    pub(super) fn read(value: Option<&RawValue>) -> Option<Self> {
        let wire: WireUsage = json::object(value?.get(), &mut String::new()).ok()?;
        Some(wire.into())
    }

    /// Takes over what `newer` knows. Providers report in parts, each count cumulative.
    pub(super) fn update(&mut self, newer: Self) {
        self.input = newer.input.or(self.input);
        self.output = newer.output.or(self.output);
        self.cached = newer.cached.or(self.cached);
        self.cache_written = newer.cache_written.or(self.cache_written);
        self.reasoning = newer.reasoning.or(self.reasoning);
    }
}

/// The server's own stopwatch, as llama.cpp reports it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// Milliseconds spent on the prompt.
    pub prompt_ms: Option<f64>,
    /// Milliseconds spent on the answer.
    pub predicted_ms: Option<f64>,
}

impl Timings {
    /// Reads timings off the wire; none where their shape is unknown.
    pub(super) fn read(value: Option<&RawValue>) -> Option<Self> {
        json::object(value?.get(), &mut String::new()).ok()
    }
}

/// Usage on the wire, in all three spellings.
#[derive(Deserialize, Default)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Count,
    completion_tokens: Count,
    input_tokens: Count,
    output_tokens: Count,
    prompt_tokens_details: Maybe<Details>,
    completion_tokens_details: Maybe<Details>,
    input_tokens_details: Maybe<Details>,
    output_tokens_details: Maybe<Details>,
    prompt_cache_hit_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    cached_tokens: Count,
    reasoning_tokens: Count,
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let input = wire.prompt_tokens_details.0.or(wire.input_tokens_details.0);
        let output = wire
            .completion_tokens_details
            .0
            .or(wire.output_tokens_details.0);
        let cached = input.and_then(|details| details.cached_tokens.0);
        Self {
            input: wire.prompt_tokens.0.or(wire.input_tokens.0),
            output: wire.completion_tokens.0.or(wire.output_tokens.0),
            cached: cached
                .or(wire.prompt_cache_hit_tokens.0)
                .or(wire.cache_read_input_tokens.0),
            cache_written: wire.cache_creation_input_tokens.0,
            reasoning: output.and_then(|details| details.reasoning_tokens.0),
        }
    }
}
