//! Work and memory stay within bounds, whatever is sent.

use kneepoint_core::decode::{
    Caps, Decoded, Dialect, EventParser, SseError, StreamDecoder, StreamError,
};

/// What a read from a network often holds.
const READ: usize = 1460;

/// Bytes copied to read one event of `size` bytes in small reads.
fn bytes_moved(size: usize) -> u64 {
    let mut parser = EventParser::default();
    let line = format!("data: {}\n\n", "x".repeat(size));
    let mut seen = 0;
    for chunk in line.as_bytes().chunks(READ) {
        parser
            .feed(chunk, |event| seen += event.data.len())
            .expect("within the caps");
    }
    assert_eq!(seen, size);
    parser.bytes_moved()
}

#[test]
fn a_line_of_8_mib_costs_eight_times_one_of_1_mib() {
    let (one, eight) = (bytes_moved(1 << 20), bytes_moved(8 << 20));
    assert!(eight <= 10 * one, "{eight} against {one}");
    assert!(eight <= 4 * (8 << 20), "{eight} bytes moved");
}

#[test]
fn a_short_event_in_one_read_is_not_copied() {
    let mut parser = EventParser::default();
    for _ in 0..1000 {
        parser
            .feed(b"event: x\ndata: hello\n\n", |_| {})
            .expect("within the caps");
    }
    assert_eq!(parser.bytes_moved(), 0);
}

#[test]
fn endless_streams_end_in_an_error_and_stay_within_memory() {
    let caps = Caps {
        line_bytes_max: 64 << 10,
        event_bytes_max: 256 << 10,
    };
    #[rustfmt::skip]
    let cases = [
        // what is repeated without end, the error, why
        ("x", SseError::LineTooLong, "a line"),
        ("data:x", SseError::LineTooLong, "a line of data without an end"),
        ("data: x\n", SseError::EventTooLong, "lines of data"),
        ("data\n", SseError::EventTooLong, "empty lines of data: separators count"),
        ("data:\r\n", SseError::EventTooLong, "the same with CRLF"),
        (": x\n", SseError::EventTooLong, "comments"),
        (":\n\n", SseError::EventTooLong, "comments with blank lines"),
        ("\n", SseError::EventTooLong, "blank lines"),
        ("\r", SseError::EventTooLong, "blank lines with CR"),
        ("event: x\n", SseError::EventTooLong, "names"),
        ("event: x\n\n", SseError::EventTooLong, "names without data"),
        ("id: x\n\n", SseError::EventTooLong, "ids without data"),
    ];
    for (unit, error, why) in cases {
        for size in [1, READ, 64 << 10] {
            let chunk = unit.repeat(size.div_ceil(unit.len()));
            let mut parser = EventParser::new(caps);
            let mut fed = 0;
            let outcome = loop {
                assert!(fed <= 2 * caps.event_bytes_max, "{why}: no end");
                fed += chunk.len();
                match parser.feed(chunk.as_bytes(), |_| panic!("{why}: an event")) {
                    Ok(()) => {}
                    Err(error) => break error,
                }
                assert!(parser.bytes_buffered() <= 2 * caps.event_bytes_max, "{why}");
            };
            assert_eq!(outcome, error, "{why}");
            assert_eq!(
                parser.feed(b"data: a\n\n", |_| {}),
                Err(error),
                "an error is final"
            );
        }
    }
}

#[test]
fn names_and_ids_are_bounded() {
    for field in ["event", "id"] {
        let stream = format!("{field}: {}\ndata: a\n\n", "x".repeat(2000));
        for size in [stream.len(), 7] {
            let mut parser = EventParser::default();
            let outcome = stream
                .as_bytes()
                .chunks(size)
                .try_for_each(|chunk| parser.feed(chunk, |_| {}));
            assert_eq!(outcome, Err(SseError::LineTooLong));
        }
    }
}

#[test]
fn what_stands_at_a_cap_passes_and_one_byte_more_does_not() {
    let caps = Caps {
        line_bytes_max: 20,
        event_bytes_max: 40,
    };
    let line = |length: usize| format!("data: {}\n\n", "x".repeat(length - 6));
    let two_lines = |length: usize| format!("data: {}\n{}", "y".repeat(14), line(length - 21 - 2));
    #[rustfmt::skip]
    let cases = [
        (line(20), Ok(())),
        (line(21), Err(SseError::LineTooLong)),
        (two_lines(40), Ok(())),
        (two_lines(41), Err(SseError::EventTooLong)),
        (line(20) + &line(20), Ok(())),  // each event counts anew
    ];
    for (stream, expected) in cases {
        for size in 1..=stream.len() {
            let mut parser = EventParser::new(caps);
            let outcome = stream
                .as_bytes()
                .chunks(size)
                .try_for_each(|chunk| parser.feed(chunk, |_| {}));
            assert_eq!(outcome, expected, "{stream:?} in pieces of {size}");
        }
    }
}

#[test]
fn a_large_event_is_forgotten_after_it() {
    let mut parser = EventParser::default();
    let stream = format!("data: {}\n\ndata: a\n\n", "x".repeat(1 << 20));
    for chunk in stream.as_bytes().chunks(READ) {
        parser.feed(chunk, |_| {}).expect("within the caps");
    }
    parser
        .feed(b"data: b\n\n", |_| {})
        .expect("within the caps");
    assert!(parser.bytes_buffered() <= 64 << 10);
}

#[test]
fn a_page_without_end_is_read_only_in_part() {
    let mut decoder = StreamDecoder::new(Dialect::Chat, Caps::default());
    let mut out = Decoded::default();
    let outcome = loop {
        if let Err(error) = decoder.feed("<p>sorry ".repeat(100).as_bytes(), &mut out) {
            break error;
        }
        assert!(decoder.bytes_buffered() <= 256 << 10);
    };
    let StreamError::NotEvents(words) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(words.starts_with("sorry sorry") && words.chars().count() <= 200);
}

#[test]
fn garbled_json_of_many_megabytes_is_refused_before_it_grows() {
    let mut decoder = StreamDecoder::new(Dialect::Chat, Caps::default());
    let mut out = Decoded::default();
    let body = [
        b"data: {\"x\":\"".as_slice(),
        &vec![0xff; 2 << 20],
        b"\"}\n\n",
    ]
    .concat();
    let outcome = decoder.feed(&body, &mut out);
    assert!(
        matches!(outcome, Err(StreamError::Malformed(_))),
        "{outcome:?}"
    );
}

/// Found by fuzzing: a name that is not UTF-8 grows threefold, which tight caps did not foresee.
#[test]
fn a_garbled_name_stays_within_a_few_kilobytes() {
    let mut parser = EventParser::new(Caps {
        line_bytes_max: 2000,
        event_bytes_max: 2000,
    });
    let line = [b"event: ".as_slice(), &[0xff; 1024], b"\n"].concat();
    for byte in line.chunks(1) {
        parser.feed(byte, |_| {}).expect("within the caps");
        assert!(parser.bytes_buffered() <= 2000 + (8 << 10));
    }
    parser
        .feed(b"data: a\n\n", |event| {
            assert_eq!(event.name, "\u{fffd}".repeat(1024));
        })
        .expect("within the caps");
}
