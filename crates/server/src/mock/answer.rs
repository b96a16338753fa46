//! The content of an answer, token by token: decided when the request is admitted, produced only
//! when it is due, so that ten thousand open streams hold ten thousand small states and no text.

use std::ops::Range;

use super::dice::Dice;
use super::question::{Form, Question};
use super::spec::Spec;

/// Short words, some of them outside ASCII so that a cut can fall inside a character.
const WORDS: [&str; 32] = [
    "the",
    "knee",
    "of",
    "a",
    "curve",
    "is",
    "where",
    "more",
    "stops",
    "helping",
    "queue",
    "grows",
    "then",
    "latency",
    "follows",
    "café",
    "and",
    "throughput",
    "stays",
    "naïve",
    "load",
    "finds",
    "its",
    "limit",
    "東京",
    "in",
    "slots",
    "→",
    "tokens",
    "flow",
    "again",
    "🙂",
];

/// Bytes of JSON per token, when the answer is JSON.
const JSON_TOKEN_BYTES: usize = 4;

/// A word and its space, rounded up: so much room is made for each token at once.
const TOKEN_BYTES: usize = 8;

/// What a token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Reasoning,
    Text,
    Tool,
}

/// Why the answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    Tool,
    /// The server failed in the middle, and says so in the last event.
    Error,
}

/// An answer that can be produced once, or again from a clone.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) model: String,
    pub(crate) id: String,
    pub(crate) created: u64,
    pub(crate) include_usage: bool,
    pub(crate) prompt_tokens: u32,
    /// All tokens, of which the first `reasoning` are hidden thought.
    pub(crate) total: u32,
    pub(crate) reasoning: u32,
    pub(crate) finish: Finish,
    pub(crate) tool: Option<String>,
    /// Tokens per event.
    chunk: u32,
    content: Content,
}

/// What the tokens say: JSON that was chosen, or words that are drawn.
#[derive(Debug, Clone)]
struct Content {
    json: Option<String>,
    dice: Dice,
}

/// Tokens that travel together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) part: Part,
    pub(crate) text: String,
    /// How many tokens have been made with the last one of these.
    pub(crate) token: u32,
}

impl Answer {
    pub(crate) fn plan(spec: &Spec, question: &Question, mut dice: Dice, created: u64) -> Self {
        let (json, tool) = match &question.form {
            Form::Prose => (None, None),
            Form::Json(text) => (Some(text.clone()), None),
            Form::Tool { name, arguments } => (Some(arguments.clone()), Some(name.clone())),
        };
        let wanted = match &json {
            Some(text) => (text.len().div_ceil(JSON_TOKEN_BYTES)).max(1) as u32,
            None => spec.tokens,
        };
        let wanted = spec.reasoning.saturating_add(wanted);
        let total = wanted.min(question.tokens_max.unwrap_or(u32::MAX)).max(1);
        let finish = match (total < wanted, &tool) {
            (true, _) => Finish::Length,
            (false, Some(_)) => Finish::Tool,
            (false, None) => Finish::Stop,
        };
        Self {
            model: question.model.clone(),
            id: dice.id(),
            created,
            include_usage: question.include_usage,
            prompt_tokens: question.prompt_tokens,
            total,
            reasoning: spec.reasoning.min(total),
            finish,
            tool,
            chunk: spec.chunk,
            content: Content { json, dice },
        }
    }

    /// The part that visible tokens belong to.
    pub(crate) fn visible(&self) -> Part {
        if self.tool.is_some() {
            Part::Tool
        } else {
            Part::Text
        }
    }

    /// The tokens in groups as a stream sends them: the first alone, then `chunk` at a time, so
    /// that the time to the first token does not depend on the size of a chunk.
    pub(crate) fn groups(mut self) -> impl Iterator<Item = Group> + Send + 'static {
        let mut made = 0;
        std::iter::from_fn(move || {
            if made >= self.total {
                return None;
            }
            let thinking = made < self.reasoning;
            let part = if thinking {
                Part::Reasoning
            } else {
                self.visible()
            };
            let bound = if thinking { self.reasoning } else { self.total };
            let size = if made == 0 { 1 } else { self.chunk };
            let end = made.saturating_add(size).min(bound);
            let mut text = String::new();
            if thinking {
                self.content.think(made..end, &mut text);
            } else {
                let skip = self.reasoning;
                self.content.say(made - skip..end - skip, &mut text);
            }
            made = end;
            Some(Group {
                part,
                text,
                token: made,
            })
        })
    }

    /// The whole answer at once: its hidden thought, and what is seen.
    pub(crate) fn whole(&self) -> (String, String) {
        let visible_tokens = self.total - self.reasoning;
        let text = |tokens: u32| String::with_capacity(tokens as usize * TOKEN_BYTES);
        let (mut reasoning, mut visible) = (text(self.reasoning), text(visible_tokens));
        let mut content = self.content.clone();
        content.think(0..self.reasoning, &mut reasoning);
        content.say(0..visible_tokens, &mut visible);
        (reasoning, visible)
    }
}

impl Content {
    /// Appends tokens of the hidden thought, numbered from 0.
    fn think(&mut self, tokens: Range<u32>, text: &mut String) {
        for index in tokens {
            if index > 0 {
                text.push(' ');
            }
            text.push_str(WORDS[self.dice.below(WORDS.len())]);
        }
    }

    /// Appends tokens of the visible part, numbered from 0.
    fn say(&mut self, tokens: Range<u32>, text: &mut String) {
        let Some(json) = &self.json else {
            return self.think(tokens, text);
        };
        let place = |token: u32| char_boundary(json, token as usize * JSON_TOKEN_BYTES);
        text.push_str(&json[place(tokens.start)..place(tokens.end)]);
    }
}

/// The nearest place at or after `index` where `text` may be cut.
fn char_boundary(text: &str, index: usize) -> usize {
    (index..text.len())
        .find(|index| text.is_char_boundary(*index))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{grammar, question};

    fn answer(spec: &str, body: &str) -> Answer {
        let spec = grammar::parse(spec).expect("spec");
        let question = question::read(question::Api::Chat, body.as_bytes()).expect("a question");
        Answer::plan(&spec, &question, Dice::new(1, 1), 0)
    }

    const PLAIN: &str = r#"{"model":"m","messages":[{}]}"#;

    #[test]
    fn a_stream_and_an_answer_in_one_piece_say_the_same_whatever_the_chunk() {
        let whole = |chunk| answer(&format!("tokens=20,reasoning=5,chunk={chunk}"), PLAIN).whole();
        assert_eq!(whole(1), whole(7));
        assert_eq!(whole(1).1.split(' ').count(), 20);
    }

    #[test]
    fn the_first_token_travels_alone_and_thought_is_not_mixed_with_text() {
        use Part::{Reasoning, Text};
        let groups: Vec<_> = answer("tokens=6,reasoning=3,chunk=4", PLAIN)
            .groups()
            .collect();
        let shape: Vec<_> = groups
            .iter()
            .map(|group| (group.part, group.token))
            .collect();
        assert_eq!(
            shape,
            [(Reasoning, 1), (Reasoning, 3), (Text, 7), (Text, 9)]
        );
    }

    #[test]
    fn max_tokens_cuts_and_says_so() {
        let cut = answer(
            "tokens=20",
            r#"{"model":"m","messages":[{}],"max_tokens":3}"#,
        );
        assert_eq!((cut.total, cut.finish), (3, Finish::Length));
        assert_eq!(answer("tokens=20", PLAIN).finish, Finish::Stop);
    }

    #[test]
    fn json_is_cut_at_characters_and_complete() {
        let text = "{\"a\":\"é東🙂\"}";
        let mut plan = answer("tokens=1", PLAIN);
        plan.content.json = Some(text.to_owned());
        plan.total = text.len().div_ceil(JSON_TOKEN_BYTES) as u32;
        assert_eq!(plan.whole().1, text);
    }
}
