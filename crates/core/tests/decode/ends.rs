//! When a stream is complete, and when it is not.

use kneepoint_core::decode::{Caps, Decoded, Dialect, StreamDecoder, StreamError};

use crate::{chat_piece, fixture, said};

const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

#[test]
fn the_rules_of_the_end() {
    let a = chat_piece("\"a\"");
    let other = "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n";
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
    let cut = Err(StreamError::Truncated);
    #[rustfmt::skip]
    let cases = [
        // stream, outcome, terminal event seen, why
        (format!("{a}{STOP}{DONE}"), Ok(()), true, "all that belongs to it"),
        (format!("{a}{DONE}"), Ok(()), true, "the mark alone is an end"),
        (format!("{a}{STOP}"), Ok(()), false, "a finish reason, then the end of the body"),
        (format!("{a}{STOP}{usage}"), Ok(()), false, "usage comes after the finish reason"),
        (format!("{a}{STOP}{a}"), Ok(()), false, "a finished choice stays finished"),
        (a.clone(), cut.clone(), false, "no end at all"),
        (format!("{a}{usage}"), cut.clone(), false, "usage is no end"),
        (format!("{a}{other}{STOP}"), cut.clone(), false, "the other choice goes on"),
        (format!("{a}{STOP}{DONE}{DONE}"), Ok(()), true, "the mark twice"),
        (format!("{a}{DONE}{a}"), Ok(()), true, "data after the mark"),
        (format!("{a}{DONE}data: {{{{{{\n\n\n"), Ok(()), true, "rubbish after the mark"),
        (format!("{a}data: [DONE]\n"), Ok(()), true, "the mark without its blank line"),
        (format!("{a}data: [DONE]"), Ok(()), true, "the mark without its line's end"),
        (format!("{a}data: [DON"), cut.clone(), false, "half the mark"),
        (format!("{a}{}", STOP.trim_end()), Ok(()), false, "a whole event without its blank line"),
        (format!("{a}{}", &STOP[..STOP.len() - 3]), cut.clone(), false, "an event cut before its last brace"),
        (format!("{a}data:  [DONE] \n\n"), Ok(()), true, "spaces around the mark"),
        (format!("{a}event: done\ndata: [DONE]\n\n"), Ok(()), true, "the mark with a name"),
        (String::new(), Err(StreamError::Empty), false, "an empty body"),
        ("\n\n \r\n".to_owned(), Err(StreamError::Empty), false, "white space"),
        (": hi\n\n".to_owned(), cut.clone(), false, "comments only"),
        (usage.to_owned(), cut.clone(), false, "nothing was answered"),
        (DONE.to_owned(), Err(StreamError::Empty), false, "nor was anything here"),
        (format!("{usage}{DONE}"), Err(StreamError::Empty), false, "usage is no answer"),
    ];
    for (stream, outcome, ended, why) in cases {
        let said = said(Dialect::Chat, &stream);
        assert_eq!(said.outcome, outcome, "{why}");
        assert_eq!(said.ended, ended, "{why}");
        assert!(
            !said.text.contains("aa") || why == "a finished choice stays finished",
            "{why}"
        );
    }
}

#[test]
fn each_dialect_has_its_own_end() {
    #[rustfmt::skip]
    let cases = [
        ("messages_tools", "event: message_stop"),
        ("responses", "event: response.completed"),
        ("completions", "data: [DONE]"),
    ];
    for (name, end) in cases {
        let (dialect, stream) = fixture(name);
        assert!(said(dialect, stream).ended, "{name}");
        let before = stream.split(end).next().expect("a beginning");
        let cut = said(dialect, before);
        let expected = match dialect {
            Dialect::Completions => Ok(()), // it has its finish reason
            _ => Err(StreamError::Truncated),
        };
        assert_eq!(cut.outcome, expected, "{name}");
        assert!(!cut.ended, "{name}");
        assert_eq!(cut.text, said(dialect, stream).text, "{name}");
    }
    for dialect in [Dialect::Messages, Dialect::Responses] {
        let outcome = said(dialect, DONE).outcome;
        assert_eq!(
            outcome,
            Err(StreamError::Truncated),
            "a proxy's mark is not {dialect:?}'s end"
        );
    }
}

#[test]
fn a_stream_of_unknown_events_may_end_after_any_of_them() {
    let decoded = |stream: &str| {
        let mut decoder = StreamDecoder::raw(Dialect::Any, Caps::default());
        let mut out = Decoded::default();
        let outcome = decoder
            .feed(stream.as_bytes(), &mut out)
            .and_then(|()| decoder.finish(&mut out));
        (outcome, out.text, out.content_events)
    };
    let two = "event: a\ndata: {\"x\":1}\n\ndata: {\"y\":2}\n\n";
    assert_eq!(decoded(two), (Ok(()), r#"{"x":1},{"y":2}"#.to_owned(), 2));
    assert_eq!(decoded(&format!("{two}{DONE}")), decoded(two));
    let (_, chat) = fixture("chat_openai");
    assert_eq!(decoded(chat).0, Ok(()));
    let (before, _) = chat
        .split_once("\"finish_reason\":\"stop\"")
        .expect("an end");
    assert_eq!(decoded(before).0, Err(StreamError::Truncated));
    assert_eq!(decoded("").0, Err(StreamError::Empty));
    let comments = ": OPENROUTER PROCESSING\n\n".repeat(3);
    for (silence, why) in [
        (comments.clone(), "comments only"),
        (
            "event: ping\ndata: {}\n\n".to_owned(),
            "nothing but a sign of life",
        ),
        ("data: {\"x\":".to_owned(), "half an event"),
    ] {
        assert_eq!(decoded(&silence).0, Err(StreamError::Truncated), "{why}");
    }
    assert_eq!(
        decoded(&format!("{comments}{DONE}")).0,
        Ok(()),
        "the server says that this is all"
    );
    assert_eq!(decoded(&format!("{comments}{two}")), decoded(two));
}

#[test]
fn a_response_cut_short_says_why() {
    for (reason, word) in [
        ("Length", "max_output_tokens"),
        ("ContentFilter", "content_filter"),
    ] {
        let stream = format!(
            "data: {{\"type\":\"response.incomplete\",\"response\":{{\"status\":\"incomplete\",\
             \"incomplete_details\":{{\"reason\":\"{word}\"}}}}}}\n\n"
        );
        let said = said(Dialect::Responses, &stream);
        assert_eq!(said.outcome, Ok(()));
        assert!(
            format!("{:?}", said.deltas).contains(reason),
            "{:?}",
            said.deltas
        );
    }
}

#[test]
fn a_stream_cut_anywhere_is_never_complete_and_never_invents_text() {
    for name in ["chat_openai", "messages_tools", "responses"] {
        let (dialect, stream) = fixture(name);
        let whole = said(dialect, stream);
        let end = match dialect {
            Dialect::Chat => stream
                .find("\"finish_reason\":\"stop\"")
                .expect("a finish reason"),
            _ => stream.trim_end().len() - 1,
        };
        for cut in (0..end).filter(|cut| stream.is_char_boundary(*cut)) {
            let said = said(dialect, &stream[..cut]);
            assert!(said.outcome.is_err(), "{name} cut at {cut}");
            assert!(whole.text.starts_with(&said.text), "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_complete_answer_is_known_before_the_body_ends() {
    let mut decoder = StreamDecoder::new(Dialect::Chat, Caps::default());
    let mut out = Decoded::default();
    decoder
        .feed(chat_piece("\"a\"").as_bytes(), &mut out)
        .expect("good");
    assert!(!decoder.is_complete());
    decoder.feed(STOP.as_bytes(), &mut out).expect("good");
    assert!(decoder.is_complete() && !decoder.ended());
    decoder.feed(DONE.as_bytes(), &mut out).expect("good");
    assert!(decoder.ended());
    assert_eq!(
        decoder.feed(b"<html>", &mut out),
        Ok(()),
        "what follows the end is ignored"
    );
    assert_eq!(decoder.finish(&mut out), Ok(()));
}
