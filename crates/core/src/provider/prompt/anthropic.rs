//! Anthropic's messages.

use serde_json::{Map, Value, json};

use super::{Message, Prompt, finish};

/// The length of an answer where the prompt names none, since the protocol insists on one.
const MAX_TOKENS_DEFAULT: u32 = 1024;

/// The body of a message.
pub(super) fn body(prompt: &Prompt, stream: bool) -> String {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(prompt.model));
    body.insert(
        "max_tokens".to_owned(),
        json!(prompt.max_tokens.unwrap_or(MAX_TOKENS_DEFAULT)),
    );
    if let Some(system) = &prompt.system {
        body.insert("system".to_owned(), json!(system));
    }
    let turns = prompt.messages.iter().map(Message::to_json);
    body.insert("messages".to_owned(), Value::Array(turns.collect()));
    if stream {
        body.insert("stream".to_owned(), json!(true));
    }
    finish(body, prompt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_text_is_a_field_and_a_length_is_always_named() {
        let prompt = Prompt {
            system: Some("Be brief.".to_owned()),
            ..Prompt::new("m", "Hello!")
        };
        let body: Value = serde_json::from_str(&body(&prompt, true)).unwrap();
        assert_eq!(
            body,
            json!({
                "model": "m",
                "max_tokens": 1024,
                "system": "Be brief.",
                "messages": [{ "role": "user", "content": "Hello!" }],
                "stream": true,
            })
        );
    }
}
