//! Two other parsers as witnesses, on streams where they follow the standard themselves.

use eventsource_stream::EventStream;
use futures_util::future::FutureExt;
use futures_util::stream::{self, StreamExt};
use kneepoint_core::decode::Caps;
use proptest::prelude::*;

use crate::laws::sse::parse;

/// Lines of a stream. Left out is where the witnesses differ from the standard: `event` without a
/// value (sseer keeps the name before it), `retry` (both report it per event and take `+1`) and what
/// is not UTF-8 (both give up).
fn line() -> impl Strategy<Value = String> {
    let value = "[ a-c:é👋\u{2028}\u{0}\t]{0,6}";
    prop_oneof![
        4 => value.prop_map(|value| format!("data:{value}")),
        1 => Just("data".to_owned()),
        1 => "[a-z]{1,5}".prop_map(|name| format!("event:{name}")),
        1 => value.prop_map(|text| format!(":{text}")),
        1 => value.prop_map(|text| format!("other:{text}")),
    ]
}

/// The lines of an event, with data more often than not.
fn event() -> impl Strategy<Value = Vec<String>> {
    let lines = || prop::collection::vec(line(), 0..4);
    let id = prop::option::of("[ a-c\u{0}]{0,3}");
    (lines(), id, any::<bool>(), lines()).prop_map(|(before, id, data, after)| {
        let id = id.map(|id| format!("id:{id}"));
        let data = data.then(|| "data: x".to_owned());
        before
            .into_iter()
            .chain(id)
            .chain(data)
            .chain(after)
            .collect()
    })
}

/// A stream with line ends of all three kinds, and where to cut it.
fn stream_and_cuts() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    let line_end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let events = prop::collection::vec(event(), 0..6);
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..8);
    (events, line_end, any::<bool>(), cuts).prop_map(|(events, line_end, bom, cuts)| {
        let mut text = if bom { "\u{feff}" } else { "" }.to_owned();
        for line in events
            .iter()
            .flat_map(|lines| lines.iter().map(String::as_str).chain([""]))
        {
            text.push_str(line);
            text.push_str(line_end);
        }
        // Both witnesses wait for what follows a CR; the standard does not.
        text.push_str(":\n");
        let cuts = cuts.iter().map(|cut| cut.index(text.len())).collect();
        (text.into_bytes(), cuts)
    })
}

fn pieces(bytes: &[u8], mut cuts: Vec<usize>) -> Vec<Vec<u8>> {
    cuts.sort_unstable();
    let ends = cuts.clone().into_iter().chain([bytes.len()]);
    let begins = [0].into_iter().chain(cuts);
    begins
        .zip(ends)
        .map(|(begin, end)| bytes[begin..end].to_vec())
        .collect()
}

/// Name, data and id of each event, with the name that the standard gives to events without one.
type Triple = (String, String, String);

fn by_us(pieces: &[Vec<u8>]) -> Vec<Triple> {
    let (events, outcome) = parse(pieces.iter().map(Vec::as_slice), Caps::default());
    assert_eq!(outcome, Ok(()));
    let named = |name: String| {
        if name.is_empty() {
            "message".to_owned()
        } else {
            name
        }
    };
    events
        .into_iter()
        .map(|event| (named(event.name), event.data, event.id))
        .collect()
}

fn chunks(pieces: &[Vec<u8>]) -> impl futures_util::Stream<Item = Result<Vec<u8>, ()>> {
    stream::iter(pieces.iter().cloned().map(Ok))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn eventsource_stream_reads_the_same((bytes, cuts) in stream_and_cuts()) {
        // It panics at a byte order mark.
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        let cuts = cuts.into_iter().filter(|cut| *cut <= bytes.len()).collect();
        let pieces = pieces(bytes, cuts);
        let events = EventStream::new(chunks(&pieces)).collect::<Vec<_>>();
        let events = events.now_or_never().expect("nothing to wait for");
        let events: Vec<Triple> = events
            .into_iter()
            .map(|event| event.expect("valid"))
            .map(|event| (event.event, event.data, event.id))
            .collect();
        prop_assert_eq!(by_us(&pieces), events);
    }

    #[test]
    fn sseer_reads_the_same((bytes, cuts) in stream_and_cuts()) {
        let pieces = pieces(&bytes, cuts);
        let events = sseer::EventStream::new(chunks(&pieces)).collect::<Vec<_>>();
        let events = events.now_or_never().expect("nothing to wait for");
        let events: Vec<Triple> = events
            .into_iter()
            .map(|event| event.expect("valid"))
            .map(|event| (event.event.to_string(), event.data.to_string(), event.id.to_string()))
            .collect();
        prop_assert_eq!(by_us(&pieces), events);
    }
}
