//! Strings: what their escapes mean, and how a text is written as one.

use std::borrow::Cow;

/// The text that a string's inside stands for; `None` where an escape is none.
///
/// JavaScript servers cut strings between the two halves of a surrogate pair, which JSON allows:
/// what is left of it becomes U+FFFD.
pub(crate) fn unescape(inside: &str) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at_checked(at)?;
        text.push_str(before);
        let (meaning, length) = meaning(escape.as_bytes())?;
        text.push(meaning);
        rest = escape.get(length..)?;
    }
    if rest.len() == inside.len() {
        return Some(Cow::Borrowed(inside));
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

/// What the escape at the beginning means, and its length in bytes.
fn meaning(escape: &[u8]) -> Option<(char, usize)> {
    let meaning = match *escape.get(1)? {
        b'b' => '\x08',
        b'f' => '\x0c',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = u32::from(unit(escape)?);
            let second = escape.get(6..).and_then(unit).map(u32::from);
            return match (first, second) {
                (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) => {
                    let pair = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    char::from_u32(pair).map(|pair| (pair, 12))
                }
                _ => Some((char::from_u32(first).unwrap_or('\u{fffd}'), 6)),
            };
        }
        same @ (b'"' | b'\\' | b'/') => char::from(same),
        _ => return None,
    };
    Some((meaning, 2))
}

/// The UTF-16 unit of the `\uXXXX` at the beginning, if there is one.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | digit as u16)
    })
}

/// Writes `text` as a string.
pub(super) fn write(text: &str, into: &mut String) {
    into.push('"');
    // Prompts are long, and little of them is escaped.
    for part in text.split_inclusive(is_escaped) {
        let run = part.trim_end_matches(is_escaped);
        into.push_str(run);
        if let Some(last) = part.as_bytes().get(run.len()) {
            write_escaped(*last, into);
        }
    }
    into.push('"');
}

fn is_escaped(c: char) -> bool {
    matches!(c, '"' | '\\' | '\0'..' ')
}

fn write_escaped(byte: u8, into: &mut String) {
    let letter = match byte {
        b'"' | b'\\' => char::from(byte),
        b'\x08' => 'b',
        b'\x0c' => 'f',
        b'\n' => 'n',
        b'\r' => 'r',
        b'\t' => 't',
        _ => {
            into.push_str(if byte < 0x10 { r"\u000" } else { r"\u001" });
            into.extend(char::from_digit(u32::from(byte & 15), 16));
            return;
        }
    };
    into.push('\\');
    into.push(letter);
}
