//! JSON made to break its reader becomes an error or data, nothing worse.

use kneepoint_core::decode::{AnswerError, Dialect, StreamError, answer};

use crate::{chat_piece, said};

fn event(json: &str) -> String {
    format!("{}data: {json}\n\ndata: [DONE]\n\n", chat_piece("\"a\""))
}

#[test]
fn hostile_events_are_errors_or_data() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let text = |json: &str| {
        format!(
            "{{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{json}}},\"finish_reason\":null}}]}}"
        )
    };
    #[rustfmt::skip]
    let cases = [
        // JSON, what is said in all, or None for an error, why
        (format!("{{\"x\":{}}}", deep("[", "]")), Some("a"), "depth where we do not look costs no stack"),
        (format!("{{\"choices\":{}}}", deep("[", "]")), None, "depth where we look"),
        (text(&deep("[{\"text\":", "}]")), None, "depth in a list of parts"),
        (text(&deep("[{\"thinking\":", "}]")), None, "depth in thoughts"),
        (format!("{{\"error\":{}}}", deep("[", "]")), None, "depth in an error is an error"),
        (text("\"b\",\"content\":\"c\""), None, "a key twice: nobody knows which one counts"),
        (r#"{"choices":[],"choices":[]}"#.to_owned(), None, "a key twice further up"),
        (r#"{"choices":[],"x":1,"x":2}"#.to_owned(), Some("a"), "a key twice where we do not look"),
        (r#"{"__proto__":{"content":"x"},"constructor":1,"choices":[]}"#.to_owned(), Some("a"), "just keys"),
        (text(r#""\ud800""#), Some("a\u{fffd}"), "a lone surrogate"),
        (text(r#""\ud83d\ude00""#), Some("a😀"), "a pair"),
        (text(r#""\udc00\ud800\ud83d\ude00x""#), Some("a\u{fffd}\u{fffd}😀x"), "two lone ones and a pair"),
        (text(r#""\\ud800""#), Some("a\\ud800"), "no escape at all"),
        (text(r#""\ud800\u0041""#), Some("a\u{fffd}A"), "half a pair and a letter"),
        (text(r#""\uD8""#), None, "half an escape"),
        (text(r#""\u0000""#), Some("a\0"), "NUL"),
        (text("\"\t\""), None, "a bare control character"),
        (text("null"), Some("a"), "null"),
        (text("5"), Some("a5"), "a number where text belongs is a piece that looks like one"),
        (text("true"), Some("atrue"), "so is a truth"),
        (text("1e400"), None, "a number that none can hold"),
        (text("{}"), None, "an object where text belongs"),
        (r#"{"choices":[{"index":1e400}]}"#.to_owned(), None, "a number out of range where we look"),
        (r#"{"choices":[],"usage":{"prompt_tokens":1e400}}"#.to_owned(), Some("a"), "no answer is lost for its usage"),
        (r#"{"choices":[],"usage":"much","timings":[1]}"#.to_owned(), Some("a"), "nor for shapes that nobody knows"),
        (r#"{"choices":[],"created":1e400}"#.to_owned(), Some("a"), "and where we do not"),
        (r#"{"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":"many"}}"#.to_owned(), Some("a"), "counts that count nothing"),
        (r#"{"choices":[{"index":1e30,"delta":{"content":"b"}}]}"#.to_owned(), Some("ab"), "an index that is none"),
        (r#"{"choices":[{"finish_reason":7,"delta":{"role":[],"refusal":{}}}]}"#.to_owned(), Some("a"), "strange types in quiet fields"),
        ("{} {}".to_owned(), None, "two values"),
        ("5".to_owned(), None, "a number"),
        ("\"ping\"".to_owned(), None, "a string"),
        ("null".to_owned(), None, "null"),
        ("ping".to_owned(), None, "no JSON"),
        ("[DONE]x".to_owned(), None, "almost the end"),
        ("NaN".to_owned(), None, "not a number"),
        ("{'a':1}".to_owned(), None, "wrong quotes"),
        (format!("{{\"choices\":[{}{{}}]}}", "{},".repeat(5000)), Some("a"), "many choices that are one"),
        (many_choices(2000), None, "more choices than anyone offers"),
    ];
    for (json, expected, why) in cases {
        let said = said(Dialect::Chat, &event(&json));
        assert_eq!(said.text, expected.unwrap_or("a"), "{why}");
        let outcome = said.outcome;
        match outcome {
            Ok(()) => assert!(expected.is_some(), "{why}"),
            Err(StreamError::Malformed(_) | StreamError::Api(_)) => {
                assert!(expected.is_none(), "{why}: {outcome:?}");
            }
            _ => panic!("{why}: {outcome:?}"),
        }
    }
}

fn many_choices(count: u32) -> String {
    let choices: Vec<String> = (0..count)
        .map(|index| format!("{{\"index\":{index}}}"))
        .collect();
    format!("{{\"choices\":[{}]}}", choices.join(","))
}

#[test]
fn what_the_fast_lane_takes_is_what_the_parser_would_take() {
    // Each follows an event of the same shape, so that the fast lane gets to see it.
    #[rustfmt::skip]
    let cases = [
        (chat_piece("\"b\""), Some("ab")),
        (chat_piece("\"\""), Some("a")),
        (chat_piece(r#""\"},\"x\":\"""#), Some("a\"},\"x\":\"")),
        (chat_piece(r#""b","role":"x""#), Some("ab")),
        (chat_piece(r#""b"},"finish_reason":"stop","#), None),
        (chat_piece(r#""\x""#), None),
        (chat_piece("\"b\\\""), None),
        (chat_piece("\"\u{7f}\u{80}\""), Some("a\u{7f}\u{80}")),
        (chat_piece("\"b\"").replace("}]}", "}]]"), None),
        (chat_piece("\"b\"").replace("\n\n", " \n\n"), Some("ab")),
        (chat_piece("\"b\"").replace("\n\n", "\ndata:\n\n"), Some("ab")),
        (chat_piece("\"b\"").replace("data:", "event: error\ndata:"), None),
    ];
    for (event, text) in cases {
        let said = said(
            Dialect::Chat,
            &(chat_piece("\"a\"") + &event + "data: [DONE]\n\n"),
        );
        assert_eq!(said.outcome.is_ok(), text.is_some(), "{event}");
        assert_eq!(said.text, text.unwrap_or("a"), "{event}");
    }
}

#[test]
fn hostile_answers_are_errors_or_data() {
    let deep = "[".repeat(100_000);
    for body in [
        deep.clone(),
        format!("{{\"choices\":{deep}"),
        format!("{{\"x\":{deep}"),
    ] {
        for dialect in [
            Dialect::Chat,
            Dialect::Completions,
            Dialect::Responses,
            Dialect::Messages,
        ] {
            let outcome = answer(dialect, &body);
            assert!(
                matches!(outcome, Err(AnswerError::Malformed(_))),
                "{outcome:?}"
            );
        }
    }
    let body = r#"{"choices":[{"message":{"content":"\ud83d"}}],"__proto__":{}}"#;
    assert_eq!(
        answer(Dialect::Chat, body).expect("an answer").text(),
        "\u{fffd}"
    );
}
