//! What a stream says, piece by piece, in one vocabulary for all dialects.

use super::excerpt::excerpt;
use super::field;
use crate::json::{Json, Malformed};

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
        /// What must go back with the call; see [`ToolCall`](super::ToolCall).
        extra_content: Option<String>,
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
            "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "completed" => Self::Stop,
            "length" | "max_tokens" | "max_output_tokens" | "model_context_window_exceeded" => {
                Self::Length
            }
            "tool_calls" | "tool_use" | "function_call" => Self::ToolCalls,
            "content_filter" | "refusal" => Self::ContentFilter,
            // With Gemini's reason for it.
            word if word.starts_with("content_filter:") => Self::ContentFilter,
            other => Self::Other(excerpt(other)),
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
    /// Reads usage off the wire, in all three spellings. In a shape that nobody knows it is none: no
    /// answer is lost for it.
    pub(super) fn read(json: Json<'_>) -> Option<Self> {
        Self::read_strictly(json).ok()
    }

    fn read_strictly(json: Json<'_>) -> Result<Self, Malformed> {
        let [
            prompt,
            input,
            completion,
            output,
            cache_hit,
            cache_read,
            cache_creation,
            cached_tokens,
            details @ ..,
        ] = json.fields([
            "prompt_tokens",
            "input_tokens",
            "completion_tokens",
            "output_tokens",
            "prompt_cache_hit_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cached_tokens",
            "prompt_tokens_details",
            "input_tokens_details",
            "completion_tokens_details",
            "output_tokens_details",
        ])?;
        let [of_prompt, of_input, of_completion, of_output] = details;
        let (of_prompt, of_input) = (Details::of(of_prompt)?, Details::of(of_input)?);
        let (of_completion, of_output) = (Details::of(of_completion)?, Details::of(of_output)?);
        let (prompt, input) = (field::count(prompt)?, field::count(input)?);
        let (completion, output) = (field::count(completion)?, field::count(output)?);
        let (cache_hit, cache_read) = (field::count(cache_hit)?, field::count(cache_read)?);
        let cached_tokens = field::count(cached_tokens)?;
        let cached = of_prompt.or(of_input).and_then(|details| details.cached);
        let reasoning = of_completion
            .or(of_output)
            .and_then(|details| details.reasoning);
        Ok(Self {
            input: prompt.or(input),
            output: completion.or(output),
            cached: cached.or(cache_hit).or(cache_read).or(cached_tokens),
            cache_written: field::count(cache_creation)?,
            reasoning,
        })
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
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Timings {
    /// Milliseconds spent on the prompt.
    pub prompt_ms: Option<f64>,
    /// Milliseconds spent on the answer.
    pub predicted_ms: Option<f64>,
    /// Tokens of the prompt that were read; those in its cache are not among them.
    pub prompt_n: Option<f64>,
    /// Tokens of the answer.
    pub predicted_n: Option<f64>,
}

impl Timings {
    /// Reads timings off the wire; none where their shape is unknown.
    pub(super) fn read(json: Json<'_>) -> Option<Self> {
        let names = ["prompt_ms", "predicted_ms", "prompt_n", "predicted_n"];
        let [prompt_ms, predicted_ms, prompt_n, predicted_n] = json.fields(names).ok()?;
        let number = |json: Json<'_>| match json.present() {
            None => Some(None),
            Some(json) => json.in_range().ok()?.real().map(Some),
        };
        Some(Self {
            prompt_ms: number(prompt_ms)?,
            predicted_ms: number(predicted_ms)?,
            prompt_n: number(prompt_n)?,
            predicted_n: number(predicted_n)?,
        })
    }
}

/// What a sum of tokens is made of.
struct Details {
    cached: Option<u64>,
    reasoning: Option<u64>,
}

impl Details {
    fn of(json: Json<'_>) -> Result<Option<Self>, Malformed> {
        field::maybe(json, |json| {
            let [cached, reasoning] = json.fields(["cached_tokens", "reasoning_tokens"])?;
            Ok(Self {
                cached: field::count(cached)?,
                reasoning: field::count(reasoning)?,
            })
        })
    }
}
