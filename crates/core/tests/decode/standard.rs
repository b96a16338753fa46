//! The rules of the WHATWG standard, each with a fixture of its own.

use std::time::Duration;

use kneepoint_core::decode::{Caps, EventParser};

use crate::laws::sse::{Owned, parse};

/// A rule, a stream, and its events as (name, data, id).
pub(crate) type Rule = (
    &'static str,
    &'static [u8],
    &'static [(&'static str, &'static str, &'static str)],
);

#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    ("a blank line ends an event", b"data: a\n\ndata: b\n\n", &[("", "a", ""), ("", "b", "")]),
    ("an event without its blank line is discarded", b"data: a\n\ndata: b\n", &[("", "a", "")]),
    ("a line without its end is discarded", b"data: a\n\ndata: b", &[("", "a", "")]),
    ("CRLF ends lines", b"data: a\r\ndata: b\r\n\r\n", &[("", "a\nb", "")]),
    ("CR ends lines", b"data: a\rdata: b\r\rdata: c\r\r", &[("", "a\nb", ""), ("", "c", "")]),
    ("line ends may be mixed", b"data: a\n\rdata: b\r\n\rdata: c\r\r\n", &[("", "a", ""), ("", "b", ""), ("", "c", "")]),
    ("an LF after a CR is the same line end", b"data: a\r\ndata: b\r\n\r\n\n\n", &[("", "a\nb", "")]),
    ("one byte order mark is taken away", b"\xef\xbb\xbfdata: a\n\n", &[("", "a", "")]),
    ("only one", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", &[("", "b", "")]),
    ("and only at the beginning", b"data: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n", &[("", "a", ""), ("", "c", "")]),
    ("a mark alone on a line leaves it blank", b"\xef\xbb\xbf\ndata: a\n\n", &[("", "a", "")]),
    ("two bytes of a mark are no mark", b"\xef\xbbdata: a\n\ndata: b\n\n", &[("", "b", "")]),
    ("comments are ignored", b": hello\n:\ndata: a\n:data: no\n\n: bye\n\n", &[("", "a", "")]),
    ("data lines are joined by line feeds", b"data: a\ndata: b\ndata:\ndata: d\n\n", &[("", "a\nb\n\nd", "")]),
    ("one space after the colon is taken away", b"data:  a\ndata:b\ndata: \n\n", &[("", " a\nb\n", "")]),
    ("a tab is not a space", b"data:\ta\n\n", &[("", "\ta", "")]),
    ("a line without a colon is a field without a value", b"data\n\ndata\ndata\n\nevent\nid\ndata: a\n\n", &[("", "", ""), ("", "\n", ""), ("", "a", "")]),
    ("colons in values stay", b"data: a:b: c\n\n", &[("", "a:b: c", "")]),
    ("an event without data is no event", b"event: x\n\nid: 1\n\ndata: a\n\n", &[("", "a", "1")]),
    ("a name holds for one event", b"event: x\ndata: a\n\ndata: b\n\n", &[("x", "a", ""), ("", "b", "")]),
    ("the last name counts", b"event: x\nevent: y\ndata: a\n\nevent: x\nevent\ndata: b\n\n", &[("y", "a", ""), ("", "b", "")]),
    ("a name is forgotten at a blank line", b"event: x\n\ndata: a\n\n", &[("", "a", "")]),
    ("an id holds until the next", b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\nid\ndata: d\n\n", &[("", "a", "1"), ("", "b", "1"), ("", "c", "2"), ("", "d", "")]),
    ("an id with NUL is ignored", b"id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n", &[("", "a", "1"), ("", "b", "1")]),
    ("NUL in data stays", b"data: a\x00b\n\n", &[("", "a\0b", "")]),
    ("unknown fields are ignored", b"foo: bar\ndatas: no\n data: no\nDATA: no\ndata : no\ndata: a\n\n", &[("", "a", "")]),
    ("U+2028, U+2029 and U+0085 do not end lines", "data: a\u{2028}b\u{2029}c\u{85}d\n\n".as_bytes(), &[("", "a\u{2028}b\u{2029}c\u{85}d", "")]),
    ("vertical tab and form feed do not end lines", b"data: a\x0bb\x0cc\n\n", &[("", "a\x0bb\x0cc", "")]),
    ("text beyond ASCII is UTF-8", "data: Grüße 👋🏽\n\n".as_bytes(), &[("", "Grüße 👋🏽", "")]),
    ("what is not UTF-8 becomes U+FFFD", b"data: a\xffb\xc3(\xe2\x82\xf0\x9f\x91c\n\n", &[("", "a\u{fffd}b\u{fffd}(\u{fffd}\u{fffd}c", "")]),
    ("a surrogate in UTF-8 is not UTF-8", b"data: \xed\xa0\x80\n\n", &[("", "\u{fffd}\u{fffd}\u{fffd}", "")]),
    ("a line end interrupts a character", b"data: \xe2\x82\ndata: \xac\n\n", &[("", "\u{fffd}\n\u{fffd}", "")]),
    ("blank lines between events are nothing", b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n", &[("", "a", ""), ("", "b", "")]),
];

fn expected(rule: &Rule) -> Vec<Owned> {
    let events = rule.2.iter();
    let owned = events.map(|(name, data, id)| Owned {
        name: (*name).to_owned(),
        data: (*data).to_owned(),
        id: (*id).to_owned(),
        retry: None,
    });
    owned.collect()
}

#[test]
fn every_rule_of_the_standard_holds() {
    for rule in RULES {
        let (events, outcome) = parse([rule.1], Caps::default());
        assert_eq!(events, expected(rule), "{}", rule.0);
        assert_eq!(outcome, Ok(()), "{}", rule.0);
    }
}

#[test]
fn line_ends_and_chunks_make_no_difference() {
    let stream = ": hi\nevent: x\ndata: a\ndata:\n\nid: 1\ndata: é\n\n\ndata: c\n\n";
    let (expected, _) = parse([stream.as_bytes()], Caps::default());
    assert_eq!(expected.len(), 3);
    for line_end in ["\n", "\r\n", "\r"] {
        let bytes = stream.replace('\n', line_end).into_bytes();
        for size in [bytes.len(), 1, 2] {
            let (events, _) = parse(bytes.chunks(size), Caps::default());
            assert_eq!(events, expected, "{line_end:?} in pieces of {size}");
        }
    }
}

#[test]
fn a_reconnection_time_is_digits_and_nothing_else() {
    #[rustfmt::skip]
    let cases = [
        ("retry: 3000", Some(3000)),
        ("retry:0", Some(0)),
        ("retry: 12a", None),
        ("retry: -1", None),
        ("retry: +1", None),
        ("retry: 1.5", None),
        ("retry:  1", None),  // one space is taken away, not two
        ("retry:", None),
        ("retry", None),
        ("retry: ٣", None),   // digits, but not ASCII's
        ("retry: 99999999999999999999999", Some(u64::MAX)),
        ("retry: 5\n\nretry: x", Some(5)),  // it holds for the stream, with or without an event
    ];
    for (line, millis) in cases {
        let stream = format!("{line}\ndata: a\n\n");
        let (events, _) = parse([stream.as_bytes()], Caps::default());
        assert_eq!(events[0].retry, millis.map(Duration::from_millis), "{line}");
    }
}

#[test]
fn an_unfinished_event_can_be_asked_for_at_the_end() {
    #[rustfmt::skip]
    let cases = [
        ("data: a", Some("a")),
        ("data: a\n", Some("a")),
        ("data: a\ndata: b", Some("a\nb")),
        ("data: a\r", Some("a")),
        ("data: a\n\n", None),
        ("data: a\n\nevent: x", None),
        ("dat", None),
        ("", None),
    ];
    for (stream, data) in cases {
        for size in [1, 100] {
            let mut parser = EventParser::default();
            for chunk in stream.as_bytes().chunks(size) {
                parser.feed(chunk, |_| {}).expect("within the caps");
            }
            let left = parser.unfinished().map(|event| event.text().into_owned());
            assert_eq!(left.as_deref(), data, "{stream:?}");
        }
    }
}
