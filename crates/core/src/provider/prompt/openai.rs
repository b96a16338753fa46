//! OpenAI's chat completions, as compatible servers understand them.

use serde_json::{Map, Value, json};

use super::{Message, Prompt, finish};

/// The body of a chat completion.
pub(super) fn body(prompt: &Prompt, stream: bool) -> String {
    let system = prompt
        .system
        .iter()
        .map(|text| json!({ "role": "system", "content": text }));
    let turns = prompt.messages.iter().map(Message::to_json);
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(prompt.model));
    body.insert(
        "messages".to_owned(),
        Value::Array(system.chain(turns).collect()),
    );
    if let Some(max_tokens) = prompt.max_tokens {
        // The older name: OpenAI's newest models want `max_completion_tokens` (through `extra`),
        // but most compatible servers know only this one.
        body.insert("max_tokens".to_owned(), json!(max_tokens));
    }
    if stream {
        body.insert("stream".to_owned(), json!(true));
        // Otherwise a stream ends without saying what it cost.
        body.insert(
            "stream_options".to_owned(),
            json!({ "include_usage": true }),
        );
    }
    finish(body, prompt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_speaks_first_and_extra_fields_win() {
        let prompt = Prompt {
            system: Some("Be brief.".to_owned()),
            max_tokens: Some(100),
            extra: json!({ "temperature": 0, "max_tokens": 7 })
                .as_object()
                .cloned()
                .unwrap(),
            ..Prompt::new("m", "Hello!")
        };
        let body: Value = serde_json::from_str(&body(&prompt, false)).unwrap();
        assert_eq!(
            body,
            json!({
                "model": "m",
                "messages": [
                    { "role": "system", "content": "Be brief." },
                    { "role": "user", "content": "Hello!" },
                ],
                "max_tokens": 7,
                "temperature": 0,
            })
        );
    }

    #[test]
    fn a_stream_asks_for_its_usage() {
        let body: Value = serde_json::from_str(&body(&Prompt::new("m", "x"), true)).unwrap();
        assert_eq!(body["stream"], true);
        assert_eq!(body["stream_options"]["include_usage"], true);
    }
}
