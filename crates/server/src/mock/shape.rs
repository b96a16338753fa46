//! Faults in *what* is sent: events and bytes are changed, the transfer itself stays sound.

use std::iter;
use std::time::Duration;

use bytes::Bytes;

use super::event::{Event, Events};
use super::fault::Fault;
use super::problem::Problem;
use super::question::Api;
use super::stream::{Piece, Pieces, When};

/// Between two single bytes.
pub(crate) const DRIP_PAUSE: Duration = Duration::from_millis(10);
/// Between two comments that never end.
const COMMENT_PAUSE: Duration = Duration::from_millis(10);
/// What never ends does end, so that a forgotten client does not hold a connection for ever:
/// bytes of an endless line, comments of an endless row (an hour of them).
const ENDLESS_BYTES: usize = 256 << 20;
const ENDLESS_COMMENTS: usize = 360_000;
/// Events in front of those that never end, and of an unwrapped error.
const EVENTS_BEFORE: usize = 2;
const BLOCK: usize = 16 << 10;

/// Events as pieces, after the faults that change events.
pub(crate) fn events(fault: Option<&Fault>, api: Api, total: u32, events: Events) -> Pieces {
    let error = Problem::status(500);
    let last = move |text: String| Event {
        token: total,
        text,
        terminal: true,
    };
    let events: Events = match fault {
        Some(Fault::SseErrorFirst) => Box::new(iter::once(Event {
            token: 1,
            text: error.event(api),
            terminal: true,
        })),
        Some(Fault::SseErrorMid(k)) => before(events, *k as usize, error.event(api)),
        Some(Fault::SseTopLevelError) => before(events, EVENTS_BEFORE, error.bare_event()),
        Some(Fault::NoDone) => Box::new(events.filter(|event| !event.terminal)),
        Some(Fault::DoubleDone) => Box::new(events.flat_map(move |event| {
            let again = event.terminal.then(|| last(event.text.clone()));
            iter::once(Event {
                terminal: false,
                ..event
            })
            .chain(again)
        })),
        Some(Fault::NoFinalBlank) => Box::new(events.map(|mut event| {
            if event.terminal {
                event.text.pop();
            }
            event
        })),
        Some(Fault::LongLine(bytes)) => long_line(events, *bytes),
        Some(Fault::BadJson) => Box::new(events.enumerate().map(|(index, mut event)| {
            if index == 1 {
                let keep = event.text.find('{').map_or(0, |brace| brace + 2);
                event.text.truncate(keep);
                event.text.push_str("\n\n");
            }
            event
        })),
        Some(Fault::CrLines) => Box::new(events.map(|event| {
            let text = event.text.replace('\n', "\r");
            Event { text, ..event }
        })),
        Some(Fault::Bom) => {
            let mut first = true;
            Box::new(events.map(move |event| {
                if std::mem::take(&mut first) {
                    Event {
                        text: format!("\u{feff}{}", event.text),
                        ..event
                    }
                } else {
                    event
                }
            }))
        }
        Some(Fault::OneBurst) => Box::new(events.map(move |event| Event {
            token: total,
            ..event
        })),
        Some(Fault::EndlessLine | Fault::EndlessData | Fault::EndlessComments) => {
            Box::new(events.take(EVENTS_BEFORE))
        }
        _ => events,
    };
    let pieces = events.map(|event| Piece {
        when: When::Token(event.token),
        bytes: event.text.into(),
        terminal: event.terminal,
    });
    match fault {
        Some(Fault::LateEof(pause)) => {
            Box::new(pieces.chain(iter::once(later(*pause, Bytes::new()))))
        }
        Some(Fault::EndlessLine) => {
            let start = iter::once(later(Duration::ZERO, "data: ".into()));
            Box::new(pieces.chain(start).chain(endless("x")))
        }
        Some(Fault::EndlessData) => Box::new(pieces.chain(endless("data: x\ndata:\n"))),
        Some(Fault::EndlessComments) => {
            let comment = later(COMMENT_PAUSE, ": keep-alive\n\n".into());
            Box::new(pieces.chain(iter::repeat_n(comment, ENDLESS_COMMENTS)))
        }
        _ => Box::new(pieces),
    }
}

/// Pieces after the faults that cut them by bytes.
pub(crate) fn bytes(fault: Option<&Fault>, pieces: Pieces) -> Pieces {
    match fault {
        Some(Fault::Drip | Fault::SlowErrorBody) => Box::new(cut(pieces, 1, DRIP_PAUSE)),
        Some(Fault::Split(size)) => Box::new(cut(pieces, *size, Duration::ZERO)),
        Some(Fault::StallMid(k)) => Box::new(stall(pieces, *k)),
        _ => pieces,
    }
}

fn later(pause: Duration, bytes: Bytes) -> Piece {
    Piece {
        when: When::After(pause),
        bytes,
        terminal: false,
    }
}

/// The first `count` events, then `text` as the last one.
fn before(events: Events, count: usize, text: String) -> Events {
    let mut token = 1;
    let mut kept = events.filter(|event| !event.terminal).take(count);
    let mut text = Some(text);
    Box::new(iter::from_fn(move || {
        if let Some(event) = kept.next() {
            token = event.token;
            return Some(event);
        }
        text.take().map(|text| Event {
            token,
            text,
            terminal: true,
        })
    }))
}

/// Pads the second event with blanks, which JSON allows between its tokens.
fn long_line(events: Events, bytes: usize) -> Events {
    Box::new(events.enumerate().map(move |(index, event)| {
        let missing = bytes.saturating_sub(event.text.len());
        match event.text.find("data: {") {
            Some(start) if index == 1 && missing > 0 => {
                let (head, tail) = event.text.split_at(start + "data: {".len());
                let text = format!("{head}{}{tail}", " ".repeat(missing));
                Event { text, ..event }
            }
            _ => event,
        }
    }))
}

fn endless(pattern: &str) -> impl Iterator<Item = Piece> + Send + use<> {
    let block = Bytes::from(pattern.repeat(BLOCK / pattern.len()));
    let count = ENDLESS_BYTES / block.len();
    iter::repeat_n(later(Duration::ZERO, block), count)
}

fn cut(pieces: Pieces, size: usize, pause: Duration) -> impl Iterator<Item = Piece> + Send {
    pieces.flat_map(move |piece| {
        let mut rest = piece.bytes;
        let (mut when, terminal) = (piece.when, piece.terminal);
        let mut more = true;
        iter::from_fn(move || {
            if !std::mem::replace(&mut more, rest.len() > size) {
                return None;
            }
            let bytes = rest.split_to(rest.len().min(size));
            let when = std::mem::replace(&mut when, When::After(pause));
            Some(Piece {
                when,
                bytes,
                terminal: terminal && rest.is_empty(),
            })
        })
    })
}

fn stall(pieces: Pieces, k: u64) -> impl Iterator<Item = Piece> + Send {
    let mut left = usize::try_from(k).unwrap_or(usize::MAX);
    let sent = pieces.map_while(move |mut piece| {
        if left == 0 {
            return None;
        }
        piece.bytes.truncate(left);
        left -= piece.bytes.len();
        // However much was sent, the client has not been told that it was all.
        piece.terminal = false;
        Some(piece)
    });
    sent.chain(iter::once(Piece {
        when: When::Never,
        bytes: Bytes::new(),
        terminal: false,
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn three() -> Events {
        let event = |token, text: &str, terminal| Event {
            token,
            text: text.to_owned(),
            terminal,
        };
        Box::new(
            vec![
                event(1, "data: {\"a\":1}\n\n", false),
                event(2, "data: {\"b\":2}\n\n", false),
                event(2, "data: [DONE]\n\n", true),
            ]
            .into_iter(),
        )
    }

    fn text(fault: &Fault) -> String {
        let pieces = bytes(Some(fault), events(Some(fault), Api::Chat, 2, three()));
        let bytes: Vec<u8> = pieces.take(2000).flat_map(|piece| piece.bytes).collect();
        String::from_utf8(bytes).expect("utf-8")
    }

    #[test]
    fn each_fault_changes_the_text_as_its_name_says() {
        const A: &str = "data: {\"a\":1}\n\n";
        const B: &str = "data: {\"b\":2}\n\n";
        const D: &str = "data: [DONE]\n\n";
        let error = Problem::status(500).event(Api::Chat);
        #[rustfmt::skip]
        let cases = [
            (Fault::NoDone, format!("{A}{B}")),
            (Fault::DoubleDone, format!("{A}{B}{D}{D}")),
            (Fault::NoFinalBlank, format!("{A}{B}data: [DONE]\n")),
            (Fault::Bom, format!("\u{feff}{A}{B}{D}")),
            (Fault::BadJson, format!("{A}data: {{\"\n\n{D}")),
            (Fault::CrLines, format!("{A}{B}{D}").replace('\n', "\r")),
            (Fault::SseErrorFirst, error.clone()),
            (Fault::SseErrorMid(1), format!("{A}{error}")),
            (Fault::SseErrorMid(9), format!("{A}{B}{error}")),
            (Fault::SseTopLevelError, format!("{A}{B}{}", Problem::status(500).bare_event())),
            (Fault::LateEof(DRIP_PAUSE), format!("{A}{B}{D}")),
            (Fault::LongLine(20), format!("{A}data: {{     \"b\":2}}\n\n{D}")),
            (Fault::StallMid(17), format!("{A}da")),
            (Fault::Split(3), format!("{A}{B}{D}")),
            (Fault::OneBurst, format!("{A}{B}{D}")),
        ];
        for (fault, expected) in cases {
            assert_eq!(text(&fault), expected, "{fault:?}");
        }
    }

    #[test]
    fn a_split_gives_pieces_of_that_size_and_keeps_the_end_terminal() {
        let fault = Fault::Split(4);
        let pieces: Vec<Piece> = bytes(Some(&fault), events(None, Api::Chat, 2, three())).collect();
        assert!(pieces.iter().all(|piece| piece.bytes.len() <= 4));
        assert_eq!(pieces[0].when, When::Token(1));
        assert_eq!(pieces[1].when, When::After(Duration::ZERO));
        let terminal: Vec<usize> = pieces
            .iter()
            .enumerate()
            .filter(|(_, p)| p.terminal)
            .map(|(i, _)| i)
            .collect();
        assert_eq!(terminal, [pieces.len() - 1]);
    }

    #[test]
    fn events_before_an_error_are_made_when_they_are_asked_for() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let counted = three().inspect(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let error = Fault::SseErrorMid(2);
        let mut pieces = events(Some(&error), Api::Chat, 2, Box::new(counted));
        assert!(pieces.next().is_some());
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn one_burst_waits_for_the_last_token() {
        let pieces = events(Some(&Fault::OneBurst), Api::Chat, 2, three());
        assert!(pieces.into_iter().all(|piece| piece.when == When::Token(2)));
    }

    #[test]
    fn what_never_ends_has_no_blank_line_or_no_line_end_and_is_bounded() {
        let long = text(&Fault::EndlessLine);
        assert!(long[40..].bytes().all(|byte| byte == b'x') && long.len() > 10 << 20);
        assert!(!text(&Fault::EndlessData)[40..].contains("\n\n"));
        assert!(text(&Fault::EndlessComments).ends_with(": keep-alive\n\n"));
        let total: usize = endless("x").map(|piece| piece.bytes.len()).sum();
        assert_eq!(total, ENDLESS_BYTES);
    }
}
