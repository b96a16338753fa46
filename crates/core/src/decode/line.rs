//! One line of an event stream: which field it is, and where its value begins.

use std::time::Duration;

use memchr::memchr;

const BOM: &[u8] = "\u{feff}".as_bytes();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Blank,
    Data,
    Name,
    Id,
    Retry,
    /// Not of the standard.
    Error,
    Ignored,
}

/// What a line is, and where its value begins. A byte order mark may only stand before the first.
pub(super) fn classify(line: &[u8], past_first_line: bool) -> (Field, usize) {
    if !past_first_line && line.starts_with(BOM) {
        let (field, value) = classify(&line[BOM.len()..], true);
        return (field, BOM.len() + value);
    }
    if line.is_empty() {
        return (Field::Blank, 0);
    }
    let colon = memchr(b':', line);
    let value = match colon {
        Some(at) if line.get(at + 1) == Some(&b' ') => at + 2,
        Some(at) => at + 1,
        None => line.len(),
    };
    let field = match &line[..colon.unwrap_or(line.len())] {
        b"data" => Field::Data,
        b"event" => Field::Name,
        b"id" => Field::Id,
        b"retry" => Field::Retry,
        b"error" => Field::Error,
        _ => Field::Ignored,
    };
    (field, value)
}

/// Milliseconds, where the value is ASCII digits and nothing else.
pub(super) fn retry(value: &[u8]) -> Option<Duration> {
    let digits = std::str::from_utf8(value).ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| Duration::from_millis(digits.parse().unwrap_or(u64::MAX)))
}
