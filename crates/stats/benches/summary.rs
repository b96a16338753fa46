//! What a summary of a million samples costs, and what its parts do: `cargo bench -p
//! kneepoint-stats`.

use criterion::{Criterion, criterion_group, criterion_main};
use kneepoint_stats::{Histogram, Rule, Series, Summary};
use std::hint::black_box;

/// The quantiles of a report.
const QUANTILES: [f64; 7] = [0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999];

/// Seeded values with a long tail, like latencies in milliseconds.
fn samples(count: usize) -> Vec<f64> {
    let mut state = 1_u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    };
    (0..count)
        .map(|_| 120.0 - 80.0 * libm::log(uniform()))
        .collect()
}

fn benches(criterion: &mut Criterion) {
    let million = samples(1_000_000);
    criterion.bench_function("summary of 1,000,000 samples", |bencher| {
        bencher.iter(|| Summary::of(black_box(&million), &QUANTILES, Rule::Inclusive));
    });
    criterion.bench_function("summary of 1,000 samples", |bencher| {
        bencher.iter(|| Summary::of(black_box(&million[..1000]), &QUANTILES, Rule::Inclusive));
    });

    let ticks: Vec<u64> = million.iter().map(|ms| (ms * 1000.0) as u64).collect();
    criterion.bench_function("histogram of 1,000,000 values", |bencher| {
        bencher.iter(|| {
            let mut histogram = Histogram::new();
            for &value in &ticks {
                histogram.record(value).expect("the values are small");
            }
            histogram
        });
    });

    let mut series = Series::new();
    for &sample in &million {
        series.record(sample).expect("latencies can be recorded");
    }
    criterion.bench_function("seven quantiles of a counted series", |bencher| {
        bencher.iter(|| series.summary(black_box(&QUANTILES), Rule::Nearest));
    });
    criterion.bench_function("HDR payload of a counted series", |bencher| {
        bencher.iter(|| series.to_histogram().to_v2());
    });
}

criterion_group!(all, benches);
criterion_main!(all);
