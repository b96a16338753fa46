//! The event-stream parser: it agrees with the standard's own steps, however the bytes are cut.

use std::time::Duration;

use kneepoint_core::decode::{Caps, EventParser, SseError};

/// Room for a name and an id of 1 KiB each, all of it U+FFFD, in buffers that grow by doubling.
const WORDS_BYTES_MAX: usize = 16 * 1024;

/// An event on its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Owned {
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) id: String,
    pub(crate) retry: Option<Duration>,
}

/// The first byte seeds the cuts, the second chooses tight caps or wide ones.
pub(crate) fn check(input: &[u8]) {
    let [seed, tight, bytes @ ..] = input else {
        return;
    };
    let caps = match tight {
        0..128 => Caps::default(),
        _ => Caps {
            line_bytes_max: usize::from(*tight) - 100,
            event_bytes_max: usize::from(*seed) + 20,
        },
    };
    let (whole, outcome) = parse([bytes], caps);
    let cut = parse(super::pieces(bytes, *seed), caps);
    assert_eq!(
        (&whole, outcome),
        (&cut.0, cut.1),
        "a cut made a difference"
    );
    let by_byte = parse(bytes.chunks(1), caps);
    assert_eq!((&whole, outcome), (&by_byte.0, by_byte.1), "single bytes");
    let expected = by_the_standard(bytes);
    if outcome.is_ok() {
        assert_eq!(whole, expected);
    } else {
        assert!(
            expected.starts_with(&whole),
            "an error comes after what was good"
        );
    }
}

/// All events of the pieces, and how it ended. Memory is checked at each step.
pub(crate) fn parse<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    caps: Caps,
) -> (Vec<Owned>, Result<(), SseError>) {
    let mut parser = EventParser::new(caps);
    let mut events = Vec::new();
    for piece in pieces {
        let outcome = parser.feed(piece, |event| {
            events.push(Owned {
                name: event.name.to_owned(),
                data: event.text().into_owned(),
                id: event.id.to_owned(),
                retry: event.retry,
            });
        });
        assert!(
            parser.bytes_buffered() <= caps.event_bytes_max + WORDS_BYTES_MAX,
            "memory"
        );
        if outcome.is_err() {
            return (events, outcome);
        }
    }
    (events, Ok(()))
}

/// The standard's steps, written down as they stand there: decode all, split all, interpret.
fn by_the_standard(bytes: &[u8]) -> Vec<Owned> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop(); // The last line has no end: whatever it belongs to is discarded.
    let mut events = Vec::new();
    let mut event = Owned::default();
    for line in lines {
        if line.is_empty() {
            if event.data.pop().is_some() {
                events.push(event.clone());
            }
            event.name.clear();
            event.data.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" => {
                event.data.push_str(value);
                event.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut event.id),
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                let millis = value.parse().unwrap_or(u64::MAX);
                event.retry = Some(Duration::from_millis(millis));
            }
            _ => {}
        }
    }
    events
}
