//! What one event of a stream costs, by how many of them come in one read: nanoseconds per event
//! are the reported time divided by `EVENTS`, or read off the throughput.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kneepoint_core::decode::{Caps, Decoded, Dialect, EventParser, StreamDecoder};

/// Events per stream.
const EVENTS: usize = 1000;

/// A stream of events of about 240 bytes each, a twelfth of them with an escape.
fn stream(dialect: Dialect) -> Vec<String> {
    let words = [
        "Hello", " wor", "ld", ",", " this", " is", " a", " to", "ken", " he", "re", "\\n",
    ];
    let event = |number: usize| {
        let word = words[number % words.len()];
        let mut event = String::new();
        let written = match dialect {
            Dialect::Messages => write!(
                event,
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
                 \"delta\":{{\"type\":\"text_delta\",\"text\":\"{word}\"}}}}\n\n"
            ),
            Dialect::Responses => write!(
                event,
                "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\
                 \"sequence_number\":{number},\"item_id\":\"msg_67c9fdcf37fc8190ba82116e33fb28c5\",\
                 \"output_index\":0,\"content_index\":0,\"delta\":\"{word}\",\"logprobs\":[],\
                 \"obfuscation\":\"{:x}\"}}\n\n",
                number * 7919
            ),
            Dialect::Chat | Dialect::Completions | Dialect::Any => write!(
                event,
                "data: {{\"id\":\"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG\",\"object\":\
                 \"chat.completion.chunk\",\"created\":1741570283,\"model\":\"gpt-4o-2024-08-06\",\
                 \"system_fingerprint\":\"fp_fc9f1d7035\",\"choices\":[{{\"index\":0,\"delta\":\
                 {{\"content\":\"{word}\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
            ),
        };
        written.expect("strings take everything");
        event
    };
    (0..EVENTS).map(event).collect()
}

fn decode(reads: &[String], mut decoder: StreamDecoder, out: &mut Decoded) -> usize {
    let mut bytes = 0;
    for read in reads {
        out.clear();
        decoder
            .feed(black_box(read.as_bytes()), out)
            .expect("a good stream");
        bytes += out.text.len();
    }
    bytes
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(EVENTS as u64));
    let mut out = Decoded::default();
    for (name, dialect) in [
        ("chat", Dialect::Chat),
        ("responses", Dialect::Responses),
        ("messages", Dialect::Messages),
    ] {
        let events = stream(dialect);
        for per_read in [1, 10] {
            let reads: Vec<String> = events.chunks(per_read).map(<[String]>::concat).collect();
            let decoder = || StreamDecoder::new(dialect, Caps::default());
            group.bench_function(format!("{name}/{per_read} per read"), |bencher| {
                bencher.iter(|| decode(&reads, decoder(), &mut out));
            });
            group.bench_function(format!("{name}, in full/{per_read} per read"), |bencher| {
                bencher.iter(|| decode(&reads, decoder().without_shortcut(), &mut out));
            });
            group.bench_function(format!("{name}, raw/{per_read} per read"), |bencher| {
                let raw = || StreamDecoder::raw(dialect, Caps::default());
                bencher.iter(|| decode(&reads, raw(), &mut out));
            });
        }
    }
    let reads: Vec<String> = stream(Dialect::Chat)
        .chunks(10)
        .map(<[String]>::concat)
        .collect();
    group.bench_function("events alone/10 per read", |bencher| {
        bencher.iter(|| {
            let mut parser = EventParser::default();
            let mut bytes = 0;
            for read in &reads {
                let fed = parser.feed(black_box(read.as_bytes()), |event| {
                    bytes += event.data.len();
                });
                fed.expect("a good stream");
            }
            bytes
        });
    });
    group.finish();
}

criterion_group!(decoder, benches);
criterion_main!(decoder);
