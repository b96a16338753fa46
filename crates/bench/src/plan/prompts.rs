//! What requests ask. The `n`-th prompt of a seed is always the same.

use kneepoint_core::platform::sim::Random;
use kneepoint_core::{Message, Prompt};
use serde_json::{Map, Value};

use super::Cost;

/// What a server's cache of prompts can do for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMode {
    /// Nothing: every prompt begins differently.
    Unique,
    /// It holds what all prompts begin with.
    SharedPrefix,
    /// It may hold whole prompts: they repeat.
    Repeated,
}

/// Where the text of prompts comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The same text every time.
    Text(String),
    /// One conversation after another, from the start again after the last.
    List(Vec<Vec<Message>>),
    /// Made up: about so many tokens, different every time.
    Synthetic {
        /// About so many.
        tokens: u32,
    },
    /// Made up: a beginning that all share, and an end of its own for each.
    SharedPrefix {
        /// About so many tokens that all share.
        prefix: u32,
        /// About so many of its own.
        suffix: u32,
    },
}

/// Where prompts come from, as somebody asked for it: what a [`Source`] is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptSource {
    /// The same text every time.
    Text(String),
    /// Lines of JSON, each a text, `{"prompt": …}` or `{"messages": […]}`.
    Lines(String),
    /// Made up, about so many tokens.
    Synthetic(u32),
    /// Made up: so many tokens that all share, and so many of its own for each.
    Shared {
        /// Shared by all.
        prefix: u32,
        /// Of its own.
        suffix: u32,
    },
}

variants!(PromptSource {
    Text(text) = "text",
    Lines(lines) = "lines",
    Synthetic(tokens) = "synthetic",
    Shared { prefix, suffix } = "shared",
});
by_serde!(PromptSource);

/// What requests ask, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompts {
    /// The model.
    pub model: String,
    /// What the system is told.
    pub system: Option<String>,
    /// The text.
    pub source: Source,
    /// Whether a text that is never the same stands in front of each prompt, so that no cache of
    /// prompts helps. It costs about ten tokens.
    pub nonce: bool,
    /// The longest answer, in tokens.
    pub max_tokens: Option<u32>,
    /// Further fields of the body.
    pub extra: Map<String, Value>,
}

/// Why lines of prompts were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A line is none of the shapes that are understood.
    #[error(
        "line {line}: expected a JSON string, or an object with \"prompt\" (a text) or \"messages\" (each with \"role\" and \"content\")"
    )]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// There is no prompt in it.
    #[error("there is no prompt in it")]
    Empty,
}

/// A token of English is about this many bytes.
const BYTES_PER_TOKEN: usize = 4;

/// What a chat template adds to each message, in tokens.
const TOKENS_PER_MESSAGE: usize = 8;

/// Answers of servers that are given no limit are taken to be at most so long.
const ANSWER_TOKENS: u64 = 4096;

/// Words of one token each in most vocabularies.
const WORDS: [&str; 32] = [
    "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world",
    "school", "state", "family", "student", "group", "country", "problem", "hand", "part", "place",
    "case", "week", "company", "system", "program", "question", "work", "number", "night", "point",
    "home",
];

/// Draws of prompts are told from other draws of the same seed by these.
const SHARED: u64 = 0x5A4D;
const OWN: u64 = 0x7E87;
const NONCE: u64 = 0x0C3E;

impl Prompts {
    /// The same text every time, with a nonce in front.
    pub fn text(model: &str, text: &str) -> Self {
        Self::new(model, Source::Text(text.to_owned()))
    }

    /// Prompts from a source, with a nonce in front.
    pub fn new(model: &str, source: Source) -> Self {
        Self {
            model: model.to_owned(),
            system: None,
            source,
            nonce: true,
            max_tokens: None,
            extra: Map::new(),
        }
    }

    /// Prompts from lines of JSON, each a text, `{"prompt": …}` or `{"messages": […]}`. Blank lines
    /// are left out.
    ///
    /// ```
    /// use kneepoint_bench::plan::{PromptError, Prompts};
    ///
    /// let lines = "\"Hello!\"\n\n{\"prompt\": \"Why?\"}\n";
    /// let prompts = Prompts::from_jsonl("small", lines)?;
    /// assert!(prompts.prompt(1, 1).messages[0].content.ends_with("Why?"));
    /// assert_eq!(Prompts::from_jsonl("small", "{}").unwrap_err(), PromptError::Line { line: 1 });
    /// # Ok::<(), PromptError>(())
    /// ```
    pub fn from_jsonl(model: &str, lines: &str) -> Result<Self, PromptError> {
        let numbered = lines.lines().enumerate();
        let conversations = numbered
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| conversation(line).ok_or(PromptError::Line { line: index + 1 }))
            .collect::<Result<Vec<_>, _>>()?;
        if conversations.is_empty() {
            return Err(PromptError::Empty);
        }
        Ok(Self::new(model, Source::List(conversations)))
    }

    /// Prompts from what somebody asked for, with a nonce in front.
    pub fn from_source(model: &str, source: &PromptSource) -> Result<Self, PromptError> {
        Ok(match source {
            PromptSource::Text(text) => Self::text(model, text),
            PromptSource::Lines(lines) => Self::from_jsonl(model, lines)?,
            &PromptSource::Synthetic(tokens) => Self::new(model, Source::Synthetic { tokens }),
            &PromptSource::Shared { prefix, suffix } => {
                Self::new(model, Source::SharedPrefix { prefix, suffix })
            }
        })
    }

    /// The prompt of this number, drawn from `seed`.
    pub fn prompt(&self, seed: u64, number: u64) -> Prompt {
        let mut messages = match &self.source {
            Source::Text(text) => vec![user(text.clone())],
            Source::List(list) => {
                let index = number.checked_rem(list.len() as u64).unwrap_or(0);
                list.get(index as usize).cloned().unwrap_or_default()
            }
            Source::Synthetic { tokens } => vec![user(words(seed ^ OWN, number, *tokens))],
            Source::SharedPrefix { prefix, suffix } => {
                let shared = words(seed ^ SHARED, 0, *prefix);
                let own = words(seed ^ OWN, number, *suffix);
                vec![user(format!("{shared} {own}"))]
            }
        };
        let mut system = self.system.clone();
        if self.nonce {
            // In front of everything, since caches hold what prompts begin with.
            let nonce = format!("[{:012x}] ", draws(seed ^ NONCE, number).bits() >> 16);
            match (&mut system, messages.first_mut()) {
                (Some(system), _) => system.insert_str(0, &nonce),
                (None, Some(first)) => first.content.insert_str(0, &nonce),
                (None, None) => {}
            }
        }
        Prompt {
            model: self.model.clone(),
            system,
            messages,
            max_tokens: self.max_tokens,
            extra: self.extra.clone(),
        }
    }

    /// The most that a request for `prompt` may cost, as far as its length tells.
    pub fn most(&self, prompt: &Prompt) -> Cost {
        let texts = prompt.messages.iter().map(|message| &message.content);
        let tokens = texts
            .chain(&prompt.system)
            .map(|text| text.len().div_ceil(BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE);
        let limits = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
        let extra = limits
            .iter()
            .find_map(|name| self.extra.get(*name).and_then(Value::as_u64));
        let output = extra.or_else(|| prompt.max_tokens.map(u64::from));
        Cost {
            requests: 1,
            input: tokens.sum::<usize>() as u64,
            output: output.unwrap_or(ANSWER_TOKENS),
        }
    }

    /// What a cache of prompts can do for these.
    pub const fn cache_mode(&self) -> CacheMode {
        match (&self.source, self.nonce) {
            (_, true) | (Source::Synthetic { .. }, _) => CacheMode::Unique,
            (Source::SharedPrefix { .. }, false) => CacheMode::SharedPrefix,
            (Source::Text(_) | Source::List(_), false) => CacheMode::Repeated,
        }
    }

    /// What kind they are, in words that give no text away.
    pub fn describe(&self) -> String {
        let what = match &self.source {
            Source::Text(text) => format!("one text of {} characters", text.chars().count()),
            Source::List(list) => format!("a list of {} prompts", list.len()),
            Source::Synthetic { tokens } => format!("made up, about {tokens} tokens each"),
            Source::SharedPrefix { prefix, suffix } => {
                format!("made up, about {prefix} tokens shared and {suffix} of its own each")
            }
        };
        if self.nonce {
            return format!("{what}, with a nonce in front");
        }
        what
    }
}

fn user(content: String) -> Message {
    Message {
        role: "user".to_owned(),
        content,
    }
}

/// The dice of one prompt.
fn draws(seed: u64, number: u64) -> Random {
    // Neighbouring seeds give unrelated dice only once mixed.
    Random::new(Random::new(seed).bits() ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// About so many tokens.
fn words(seed: u64, number: u64, tokens: u32) -> String {
    let mut random = draws(seed, number);
    let mut text = String::new();
    for index in 0..tokens {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(WORDS[random.below(WORDS.len() as u64) as usize]);
    }
    text
}

fn conversation(line: &str) -> Option<Vec<Message>> {
    let line: Value = serde_json::from_str(line).ok()?;
    let text = line.as_str().or_else(|| line["prompt"].as_str());
    if let Some(text) = text {
        return Some(vec![user(text.to_owned())]);
    }
    let turn = |turn: &Value| {
        Some(Message {
            role: turn["role"].as_str()?.to_owned(),
            content: turn["content"].as_str()?.to_owned(),
        })
    };
    let turns = line["messages"].as_array().filter(|all| !all.is_empty())?;
    turns.iter().map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(prompts: &Prompts, number: u64) -> String {
        prompts.prompt(1, number).messages[0].content.clone()
    }

    #[test]
    fn the_nonce_is_in_front_and_never_the_same() {
        let prompts = Prompts::text("m", "Hello!");
        let (first, second) = (content(&prompts, 0), content(&prompts, 1));
        assert!(first.ends_with("] Hello!") && first != second);
        assert_eq!(first, content(&prompts, 0), "but repeatable");
        let with_system = Prompts {
            system: Some("Be brief.".to_owned()),
            ..prompts.clone()
        };
        let prompt = with_system.prompt(1, 0);
        assert!(prompt.system.unwrap().ends_with("] Be brief."));
        assert_eq!(prompt.messages[0].content, "Hello!");
        assert_eq!(prompts.cache_mode(), CacheMode::Unique);
    }

    #[test]
    fn without_a_nonce_the_text_is_sent_as_it_is() {
        let prompts = Prompts {
            nonce: false,
            ..Prompts::text("m", "Hello!")
        };
        assert_eq!(
            (content(&prompts, 0), content(&prompts, 9)),
            ("Hello!".into(), "Hello!".into())
        );
        assert_eq!(prompts.cache_mode(), CacheMode::Repeated);
    }

    #[test]
    fn a_shared_prefix_is_shared_and_a_suffix_is_not() {
        let source = Source::SharedPrefix {
            prefix: 50,
            suffix: 20,
        };
        let prompts = Prompts {
            nonce: false,
            ..Prompts::new("m", source)
        };
        let texts = [content(&prompts, 0), content(&prompts, 1)];
        let split: Vec<Vec<&str>> = texts.iter().map(|t| t.split(' ').collect()).collect();
        assert_eq!((split[0].len(), split[1].len()), (70, 70));
        assert_eq!(split[0][..50], split[1][..50]);
        assert_ne!(split[0][50..], split[1][50..]);
        assert_eq!(prompts.cache_mode(), CacheMode::SharedPrefix);
    }

    #[test]
    fn lines_may_hold_conversations_and_bad_ones_are_named() {
        let lines = "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"u\"}]}";
        let prompts = Prompts {
            nonce: false,
            ..Prompts::from_jsonl("m", lines).unwrap()
        };
        assert_eq!(prompts.prompt(1, 5).messages.len(), 2);
        for bad in ["\"a\"\n7", "\"a\"\n{\"messages\":[]}", "\"a\"\nx"] {
            assert_eq!(
                Prompts::from_jsonl("m", bad),
                Err(PromptError::Line { line: 2 }),
                "{bad}"
            );
        }
        assert_eq!(Prompts::from_jsonl("m", " \n"), Err(PromptError::Empty));
    }

    #[test]
    fn the_most_that_a_request_may_cost_goes_by_length_and_limit() {
        let prompts = Prompts {
            nonce: false,
            max_tokens: Some(100),
            ..Prompts::text("m", "12345678")
        };
        let most = prompts.most(&prompts.prompt(1, 0));
        assert_eq!(
            most,
            Cost {
                requests: 1,
                input: 10,
                output: 100
            }
        );
        let unlimited = Prompts {
            max_tokens: None,
            ..prompts
        };
        assert_eq!(unlimited.most(&unlimited.prompt(1, 0)).output, 4096);
    }
}
