//! Agreement with two other implementations of HDR histograms: the payload byte for byte, the
//! percentile table line by line, quantiles exactly. `fixtures/hdr.py` and `fixtures/hdr.mjs`
//! tell how the answers were computed.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kneepoint_stats::Histogram;

fn lines(
    text: &'static str,
    kind: &'static str,
) -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    text.lines().filter_map(move |line| {
        let mut words = line.split(' ');
        (words.next() == Some(kind)).then(|| (words.next().unwrap(), words.collect()))
    })
}

const FROM_PYTHON: &str = include_str!("fixtures/hdr.txt");
const FROM_JAVASCRIPT: &str = include_str!("fixtures/hdr_js.txt");

fn histogram(name: &str) -> Histogram {
    let (_, pairs) = lines(FROM_PYTHON, "data")
        .find(|(other, _)| *other == name)
        .unwrap();
    let mut histogram = Histogram::new();
    for pair in pairs {
        let (value, count) = pair.split_once(':').unwrap();
        histogram
            .record_many(value.parse().unwrap(), count.parse().unwrap())
            .unwrap();
    }
    histogram
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn assert_same_counters(one: &Histogram, other: &Histogram, name: &str) {
    assert_eq!(one.len(), other.len(), "{name}");
    assert!(one.buckets().eq(other.buckets()), "{name}");
}

#[test]
fn payloads_equal_those_of_the_c_library() {
    let mut compared = 0;
    for (name, hex) in lines(FROM_PYTHON, "v2") {
        let histogram = histogram(name);
        assert_eq!(histogram.to_v2(), bytes(hex[0]), "{name}");
        assert_same_counters(
            &Histogram::from_v2(&bytes(hex[0])).unwrap(),
            &histogram,
            name,
        );
        compared += 1;
    }
    assert_eq!(compared, 6);
}

#[test]
fn payloads_from_javascript_are_read() {
    let mut compared = 0;
    for (name, hex) in lines(FROM_JAVASCRIPT, "v2") {
        let read = Histogram::from_v2(&bytes(hex[0])).unwrap();
        assert_same_counters(&read, &histogram(name), name);
        compared += 1;
    }
    assert_eq!(compared, 6);
}

#[test]
fn quantiles_are_those_of_hdr_within_the_extremes() {
    let mut compared = 0;
    for (name, words) in lines(FROM_JAVASCRIPT, "quantile") {
        let histogram = histogram(name);
        let (q, hdr): (f64, u64) = (words[0].parse().unwrap(), words[1].parse().unwrap());
        let found = histogram.quantile(q).unwrap();
        assert_eq!(found, hdr.min(histogram.max().unwrap()), "{name} {q}");
        compared += 1;
    }
    assert_eq!(compared, 48);
}

#[test]
fn moments_are_within_the_stated_error() {
    for (name, words) in lines(FROM_PYTHON, "moments") {
        let histogram = histogram(name);
        let (mean, sd): (f64, f64) = (words[0].parse().unwrap(), words[1].parse().unwrap());
        let found = histogram.mean().unwrap();
        assert!(
            (found - mean).abs() <= Histogram::RELATIVE_ERROR * mean,
            "{name}: {found}, not {mean}"
        );
        // HDR divides by n rather than n − 1.
        let n = histogram.len() as f64;
        let found = histogram.sd().unwrap_or(0.0) * ((n - 1.0) / n).sqrt();
        let allowed = Histogram::RELATIVE_ERROR / 2.0 * histogram.max().unwrap() as f64;
        assert!((found - sd).abs() <= allowed, "{name}: {found}, not {sd}");
    }
}

#[test]
fn tables_are_those_of_hdr() {
    let tables = [
        ("latencies", include_str!("fixtures/latencies.hgrm")),
        ("gaps", include_str!("fixtures/gaps.hgrm")),
    ];
    for (name, expected) in tables {
        let found = histogram(name).to_hgrm(1000.0);
        assert_eq!(found.lines().count(), expected.lines().count());
        for (found, expected) in found.lines().zip(expected.lines()) {
            // Where exactly half of the last decimal is left, JavaScript rounds up and Rust to even.
            let close = numbers(found)
                .zip(numbers(expected))
                .all(|(a, b)| (a - b).abs() < 1.1e-12);
            let same_words = numbers(found).count() == numbers(expected).count();
            assert!(
                found.starts_with('#') || close && same_words,
                "{name}: {found} {expected}"
            );
        }
        let [found, expected] = [&found, expected].map(footer);
        assert_eq!(found.len(), 6);
        for (found, expected) in found.iter().zip(&expected) {
            // Three decimals are printed, and the other takes the mean from the counters.
            let allowed = Histogram::RELATIVE_ERROR * expected + 0.0011;
            assert!(
                (found - expected).abs() <= allowed,
                "{name}: {found}, not {expected}"
            );
        }
    }
}

/// The numbers in a row.
fn numbers(row: &str) -> impl Iterator<Item = f64> {
    row.split_whitespace().filter_map(|word| word.parse().ok())
}

/// The six numbers in the last three lines.
fn footer(table: &str) -> Vec<f64> {
    let lines = table.lines().filter(|line| line.starts_with('#'));
    let fields = lines.flat_map(|line| line.trim_matches(['#', '[', ']']).split(','));
    fields
        .map(|field| field.split_once('=').unwrap().1.trim().parse().unwrap())
        .collect()
}
