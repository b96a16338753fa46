//! Any split of the bytes decodes alike.

use kneepoint_core::decode::{Caps, Dialect, StreamDecoder};

use crate::STREAMS;
use crate::laws::{sse, stream};
use crate::standard::RULES;

/// Streams up to this length are cut everywhere, longer ones at random.
const CUT_EVERYWHERE_MAX: usize = 256;

/// Random cuts over all longer streams.
const RANDOM_CUTS: usize = 100_000;

#[test]
fn every_cut_and_every_two_cuts_of_a_rule_decode_alike() {
    for (rule, bytes, _) in RULES {
        assert!(bytes.len() <= CUT_EVERYWHERE_MAX);
        let expected = sse::parse([*bytes], Caps::default());
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let events = sse::parse(pieces, Caps::default());
                assert_eq!(events, expected, "{rule}: cut at {first} and {second}");
            }
        }
    }
}

#[test]
fn every_cut_of_a_short_stream_decodes_alike() {
    let short = crate::chat_piece("\"é\\n\"") + &crate::chat_piece("\"b\"") + "data: [DONE]\n\n";
    let bytes = &short.as_bytes()[..short.len().min(CUT_EVERYWHERE_MAX)];
    let decoder = || StreamDecoder::new(Dialect::Chat, Caps::default());
    let expected = stream::decode([bytes], decoder());
    assert_eq!(expected.text, "é\nb");
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            let said = stream::decode(pieces, decoder());
            assert_eq!(said, expected, "cut at {first} and {second}");
        }
    }
}

#[test]
fn random_cuts_of_long_streams_decode_alike() {
    let mut dice = fastrand::Rng::with_seed(15);
    for (dialect, name, text) in STREAMS {
        let bytes = text.as_bytes();
        let decoder = || StreamDecoder::new(dialect, Caps::default());
        let expected = stream::decode([bytes], decoder());
        let mut cuts_left = RANDOM_CUTS / STREAMS.len() + 1;
        while cuts_left > 0 {
            let mut cuts: Vec<usize> = (0..dice.usize(1..40))
                .map(|_| dice.usize(0..=bytes.len()))
                .collect();
            cuts.sort_unstable();
            cuts_left = cuts_left.saturating_sub(cuts.len());
            let ends = cuts.iter().copied().chain([bytes.len()]);
            let pieces = [0].into_iter().chain(cuts.iter().copied()).zip(ends);
            let said = stream::decode(pieces.map(|(begin, end)| &bytes[begin..end]), decoder());
            assert_eq!(said, expected, "{name}, seed 15, cut at {cuts:?}");
        }
    }
}

#[test]
fn the_laws_hold_for_every_fixture_and_rule() {
    for (rule, bytes, _) in RULES {
        for seed in 0..20 {
            sse::check(&[&[seed, 0], *bytes].concat());
            sse::check(&[&[seed, 128 + seed], *bytes].concat());
        }
        assert!(!rule.is_empty());
    }
    for (dialect, _, text) in STREAMS {
        for seed in 0..20 {
            stream::check(&[&[dialect as u8, seed], text.as_bytes()].concat());
        }
    }
}

/// Found by fuzzing: the mark's bytes were shown as part of the page, or not, by where it was cut.
#[test]
fn a_mark_before_a_page_may_be_cut() {
    let page = "\u{feff}<title>Hi</title>".as_bytes();
    let decoder = || StreamDecoder::new(Dialect::Chat, Caps::default());
    let expected = stream::decode([page], decoder());
    for cut in 0..=page.len() {
        let said = stream::decode([&page[..cut], &page[cut..]], decoder());
        assert_eq!(said, expected, "cut at {cut}");
    }
}
