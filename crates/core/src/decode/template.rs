//! The fast lane: recognises an event that differs from an earlier one only in its text.
//!
//! The events of one answer are alike to the byte, but for the piece of text. Once one of them has
//! been parsed in full, its bytes are kept as a template with a hole where the text stood. Whatever
//! matches the template again, with a valid JSON string in the hole, would be parsed to the same
//! result with that text, since a JSON parser cannot see what is in a string before it has read it.
//! Anything else takes the long way. So the fast lane cannot be wrong about shapes that it does not
//! know: it knows none.

use std::ops::Range;

/// What an event that said nothing but a piece of text was made of. Both parts are slices of the
/// event's own bytes, where the JSON parser could borrow them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Values that differ from event to event and mean nothing: a padding string, and a number.
    pub(super) padding: Option<&'a str>,
    pub(super) sequence: Option<&'a str>,
}

/// Which text of the first choice it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Reasoning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    Text,
    Padding,
    Sequence,
}

/// Events longer than this are not worth remembering.
const SOURCE_BYTES_MAX: usize = 4096;

#[derive(Debug)]
pub(super) struct Template {
    pub(super) kind: Kind,
    literals: Vec<u8>,
    /// Each hole with the end of the literal before it.
    holes: Vec<(usize, Hole)>,
    /// How many of the event's bytes stand before and after its data.
    before_data: usize,
    after_data: usize,
}

/// An event that fits the template.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fit<'a> {
    /// The inside of the JSON string in the hole.
    pub(super) text: &'a str,
    pub(super) escaped: bool,
    /// The event's length in bytes.
    pub(super) len: usize,
    /// The event's data as it is, for those who read it themselves.
    pub(super) data: &'a [u8],
}

impl Template {
    /// Remembers an event, unless something about it is unusual.
    pub(super) fn learn(source: &[u8], data: &str, plain: Plain<'_>) -> Option<Self> {
        // An event that ends in a CR may have an LF to come.
        if source.len() > SOURCE_BYTES_MAX || source.last() != Some(&b'\n') {
            return None;
        }
        let data = place(source, data)?;
        let string = |text| place(source, text).filter(|range| is_quoted(source, range));
        let number = plain
            .sequence
            .filter(|text| digits(text.as_bytes()) == text.len());
        let found = [
            (Some(string(plain.text)?), Hole::Text),
            (plain.padding.and_then(string), Hole::Padding),
            (number.and_then(|text| place(source, text)), Hole::Sequence),
        ];
        let mut ordered: Vec<(Range<usize>, Hole)> = Vec::with_capacity(found.len());
        for (range, hole) in found {
            if let Some(range) = range {
                // Three at most: less code than any sort.
                let at = ordered.partition_point(|(before, _)| before.start < range.start);
                ordered.insert(at, (range, hole));
            }
        }
        let mut template = Self {
            kind: plain.kind,
            literals: Vec::with_capacity(source.len()),
            holes: Vec::with_capacity(ordered.len()),
            before_data: data.start,
            after_data: source.len() - data.end,
        };
        let mut at = 0;
        for (range, hole) in ordered {
            template
                .literals
                .extend_from_slice(&source[at..range.start]);
            template.holes.push((template.literals.len(), hole));
            at = range.end;
        }
        template.literals.extend_from_slice(&source[at..]);
        Some(template)
    }

    /// The event at the beginning of `bytes`, where it is whole and fits.
    pub(super) fn fit<'a>(&self, bytes: &'a [u8]) -> Option<Fit<'a>> {
        let mut rest = bytes;
        let mut done = 0;
        let mut text = None;
        for &(end, hole) in &self.holes {
            rest = strip(rest, &self.literals[done..end])?;
            done = end;
            let len = match hole {
                Hole::Sequence => match digits(rest) {
                    0 => return None,
                    len => len,
                },
                Hole::Text | Hole::Padding => {
                    let (len, escaped) = string_body(rest)?;
                    match hole {
                        Hole::Text => text = Some((&rest[..len], escaped)),
                        _ if escaped => return None,
                        _ => {}
                    }
                    len
                }
            };
            rest = &rest[len..];
        }
        rest = strip(rest, &self.literals[done..])?;
        let (text, escaped) = text?;
        let len = bytes.len() - rest.len();
        Some(Fit {
            text: std::str::from_utf8(text).ok()?,
            escaped,
            len,
            data: &bytes[self.before_data..len - self.after_data],
        })
    }
}

/// What follows `prefix`. Eight bytes at a time and without an early exit, since nearly all events
/// fit: where wasm has no instruction for it, the library's comparison goes byte by byte.
fn strip<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = bytes.split_at_checked(prefix.len())?;
    let (words, tail) = start.as_chunks::<8>();
    let (expected, expected_tail) = prefix.as_chunks::<8>();
    let differences = words
        .iter()
        .zip(expected)
        .fold(0, |differences, (word, expected)| {
            differences | (u64::from_le_bytes(*word) ^ u64::from_le_bytes(*expected))
        });
    let tails = tail.iter().zip(expected_tail);
    let same_tail = tails.fold(0, |differences, (a, b)| differences | (a ^ b)) == 0;
    (differences == 0 && same_tail).then_some(rest)
}

/// Where `part` lies in `whole`, if it was borrowed from it.
fn place(whole: &[u8], part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (whole.get(start..end)? == part.as_bytes()).then_some(start..end)
}

fn is_quoted(source: &[u8], range: &Range<usize>) -> bool {
    range.start > 0 && source[range.start - 1] == b'"' && source.get(range.end) == Some(&b'"')
}

/// The length of the string that ends at the next bare quote, and whether it has escapes; `None`
/// where there is no end or a character that JSON does not allow.
fn string_body(bytes: &[u8]) -> Option<(usize, bool)> {
    let mut escaped = false;
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some((at, escaped)),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            0..0x20 => return None,
            _ => at += 1,
        }
    }
}

/// How many of the first bytes are a JSON number without sign, fraction and exponent.
fn digits(bytes: &[u8]) -> usize {
    let len = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if len > 1 && bytes[0] == b'0' { 0 } else { len }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "event: x\ndata: {\"n\":7,\"t\":\"a\",\"p\":\"zz\"}\n\n";

    fn learned() -> Template {
        let part = |text: &str| {
            let at = EVENT.find(text).expect("a part of the event");
            &EVENT[at..at + text.len()]
        };
        let data = part("{\"n\":7,\"t\":\"a\",\"p\":\"zz\"}");
        let plain = Plain {
            kind: Kind::Text,
            text: &part("a\",\"p\"")[..1],
            padding: Some(part("zz")),
            sequence: Some(part("7")),
        };
        Template::learn(EVENT.as_bytes(), data, plain).expect("a usual event")
    }

    #[test]
    fn what_differs_in_its_holes_only_fits() {
        let template = learned();
        #[rustfmt::skip]
        let cases = [
            // the bytes, the text in the hole, why
            (EVENT, Some("a"), "the event itself"),
            ("event: x\ndata: {\"n\":12,\"t\":\"bcd\",\"p\":\"\"}\n\n", Some("bcd"), "other values"),
            ("event: x\ndata: {\"n\":0,\"t\":\"\",\"p\":\"z\"}\n\nmore", Some(""), "more after it"),
            ("event: x\ndata: {\"n\":1,\"t\":\"\\\"é\",\"p\":\"z\"}\n\n", Some("\\\"é"), "escapes"),
            ("event: x\ndata: {\"n\":1,\"t\":\"b\",\"p\":\"\\n\"}\n\n", None, "escapes where none are expected"),
            ("event: x\ndata: {\"n\":01,\"t\":\"b\",\"p\":\"z\"}\n\n", None, "no number of JSON"),
            ("event: x\ndata: {\"n\":,\"t\":\"b\",\"p\":\"z\"}\n\n", None, "no number"),
            ("event: x\ndata: {\"n\":1,\"t\":\"b\tc\",\"p\":\"z\"}\n\n", None, "a bare control character"),
            ("event: x\ndata: {\"n\":1,\"t\":\"b\",\"p\":\"z\"}\n", None, "not whole"),
            ("event: x\ndata: {\"n\":1,\"t\":\"b", None, "cut in the hole"),
            ("event: x\ndata: {\"n\":1,\"t\":\"b\\", None, "cut in an escape"),
            ("event: x\ndata: {\"n\":1,\"t\":null,\"p\":\"z\"}\n\n", None, "another type"),
            ("event: y\ndata: {\"n\":1,\"t\":\"b\",\"p\":\"z\"}\n\n", None, "another name"),
            ("", None, "nothing"),
        ];
        for (bytes, text, why) in cases {
            let fit = template.fit(bytes.as_bytes());
            assert_eq!(fit.as_ref().map(|fit| fit.text), text, "{why}");
            if let Some(fit) = fit {
                assert!(bytes[..fit.len].ends_with("}\n\n"), "{why}");
                assert!(
                    fit.data.starts_with(b"{") && fit.data.ends_with(b"}"),
                    "{why}"
                );
            }
        }
        let no_utf8 = b"event: x\ndata: {\"n\":1,\"t\":\"\xff\",\"p\":\"z\"}\n\n";
        assert_eq!(template.fit(no_utf8), None);
    }

    #[test]
    fn only_what_lies_in_the_event_is_learned() {
        let data = &EVENT[15..EVENT.len() - 2];
        let elsewhere = Plain {
            kind: Kind::Text,
            text: "a",
            padding: None,
            sequence: None,
        };
        assert!(Template::learn(EVENT.as_bytes(), data, elsewhere).is_none());
    }
}
