//! The stream decoder: the fast lane and the full parse say the same, however the bytes are cut, and
//! reading raw data finds the same ends and errors.

use kneepoint_core::decode::{Caps, Decoded, Delta, Dialect, StreamDecoder, StreamError};

/// What a whole stream said.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) deltas: Vec<Delta>,
    pub(crate) data: Vec<String>,
    pub(crate) events: u32,
    pub(crate) content_events: u32,
    pub(crate) ended: bool,
    pub(crate) outcome: Result<(), StreamError>,
}

/// The first byte chooses the dialect, the second seeds the cuts.
pub(crate) fn check(input: &[u8]) {
    let [dialect, seed, bytes @ ..] = input else {
        return;
    };
    let dialect = match dialect {
        250.. => Dialect::Any,
        byte if byte % 4 == 0 => Dialect::Chat,
        byte if byte % 4 == 1 => Dialect::Completions,
        byte if byte % 4 == 2 => Dialect::Responses,
        _ => Dialect::Messages,
    };
    let caps = match seed {
        0..200 => Caps::default(),
        _ => Caps {
            line_bytes_max: 200,
            event_bytes_max: 300,
        },
    };
    let full = || StreamDecoder::new(dialect, caps).without_shortcut();
    let expected = decode([bytes], full());
    for decoder in [StreamDecoder::new(dialect, caps), full()] {
        assert_eq!(decode(super::pieces(bytes, *seed), decoder), expected);
    }
    assert_eq!(decode([bytes], StreamDecoder::new(dialect, caps)), expected);
    let by_byte = decode(bytes.chunks(1), StreamDecoder::new(dialect, caps));
    assert_eq!(by_byte, expected);

    let raw = || StreamDecoder::raw(dialect, caps);
    let data = decode([bytes], raw());
    assert_eq!(decode([bytes], raw().without_shortcut()), data);
    assert_eq!(decode(super::pieces(bytes, *seed), raw()), data);
    assert_eq!(data.outcome, expected.outcome);
    assert_eq!(data.ended, expected.ended);
    assert_eq!(data.events as usize, data.data.len());
    assert!(
        data.data.iter().all(|json| is_json(json)),
        "raw data is valid JSON"
    );
    if data.outcome.is_ok() {
        assert_eq!(data.content_events, expected.content_events);
        // Not all content has a delta of its own: sound has none, nor have the server's own tools.
        assert!(expected.content_events > 0 || says_nothing(&expected));
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn says_nothing(said: &Said) -> bool {
    let content = |delta: &Delta| {
        matches!(
            delta,
            Delta::Text { .. }
                | Delta::Reasoning { .. }
                | Delta::Refusal { .. }
                | Delta::ToolCall { .. }
        )
    };
    said.text.is_empty() && !said.deltas.iter().any(content)
}

/// Decodes the pieces to the end of the stream.
pub(crate) fn decode<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    mut decoder: StreamDecoder,
) -> Said {
    let mut said = Said {
        text: String::new(),
        deltas: Vec::new(),
        data: Vec::new(),
        events: 0,
        content_events: 0,
        ended: false,
        outcome: Ok(()),
    };
    let mut out = Decoded::default();
    for piece in pieces {
        said.outcome = decoder.feed(piece, &mut out);
        collect(&mut said, &mut out);
        if said.outcome.is_err() {
            break;
        }
    }
    if said.outcome.is_ok() {
        said.outcome = decoder.finish(&mut out);
        collect(&mut said, &mut out);
    } else {
        assert_eq!(decoder.finish(&mut out), said.outcome, "an error is final");
        assert_eq!(decoder.feed(b"data: [DONE]\n\n", &mut out), said.outcome);
    }
    said.ended = decoder.ended();
    said
}

/// Takes over what a chunk said. Pieces of one kind are joined, since cuts move their borders.
fn collect(said: &mut Said, out: &mut Decoded) {
    if out.data_ends.is_empty() {
        said.text.push_str(&out.text);
    }
    let mut begin = 0;
    for &end in &out.data_ends {
        said.data.push(out.text[begin..end as usize].to_owned());
        begin = end as usize + 1;
    }
    said.events += out.events;
    said.content_events += out.content_events;
    for delta in out.deltas.drain(..) {
        let joined = said
            .deltas
            .last_mut()
            .is_some_and(|last| join(last, &delta));
        if !joined {
            said.deltas.push(delta);
        }
    }
    out.clear();
}

fn join(last: &mut Delta, next: &Delta) -> bool {
    match (last, next) {
        (
            Delta::Text { choice: a, text },
            Delta::Text {
                choice: b,
                text: more,
            },
        )
        | (
            Delta::Reasoning { choice: a, text },
            Delta::Reasoning {
                choice: b,
                text: more,
            },
        )
        | (
            Delta::Refusal { choice: a, text },
            Delta::Refusal {
                choice: b,
                text: more,
            },
        ) if a == b => {
            text.push_str(more);
            true
        }
        (
            Delta::ToolCall {
                choice: a,
                index: i,
                arguments,
                ..
            },
            Delta::ToolCall {
                choice: b,
                index: j,
                id: None,
                name: None,
                arguments: more,
                extra_content: None,
            },
        ) if a == b && i == j => {
            arguments.push_str(more);
            true
        }
        _ => false,
    }
}
