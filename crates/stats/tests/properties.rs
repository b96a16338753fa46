//! What must hold for any samples at all.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kneepoint_stats::{
    Confidence, Histogram, NoInterval, Rule, Rung, Scale, Series, Summary, Usl, check_sorted,
    hodges_lehmann, knee, log_ratio, mean_interval, peak, quantile, quantile_interval,
    rate_interval, sign_test, wilson,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn any_rule() -> impl Strategy<Value = Rule> {
    prop::sample::select(Rule::ALL.to_vec())
}

fn any_confidence() -> impl Strategy<Value = Confidence> {
    (0.5..0.999).prop_map(|share| Confidence::new(share).unwrap())
}

/// Numbers of all sizes, now and then +∞.
fn any_sample() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -1e9..1e9,
        4 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        1 => Just(f64::INFINITY),
    ]
}

fn sorted(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_unstable_by(f64::total_cmp);
    samples
}

fn series(values: &[f64]) -> Series {
    let mut series = Series::new();
    for &value in values {
        series.record(value).unwrap();
    }
    series
}

fn histogram(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for &value in values {
        histogram.record(value).unwrap();
    }
    histogram
}

proptest! {
    #[test]
    fn quantiles_grow_with_q(
        samples in vec(any_sample(), 1..50),
        rule in any_rule(),
        (a, b) in (0.0..=1.0, 0.0..=1.0),
    ) {
        let samples = sorted(samples);
        prop_assert_eq!(check_sorted(&samples), Ok(()));
        let (low, high) = (f64::min(a, b), f64::max(a, b));
        let [low, high] = [low, high].map(|q| quantile(&samples, q, rule).unwrap());
        prop_assert!(low <= high, "{} then {}", low, high);
    }

    #[test]
    fn only_the_exclusive_rule_leaves_the_samples(
        samples in vec(any_sample(), 1..50),
        q in 0.0..=1.0,
    ) {
        let samples = sorted(samples);
        let range = samples[0]..=samples[samples.len() - 1];
        prop_assert!(range.contains(&quantile(&samples, q, Rule::Inclusive).unwrap()));
        prop_assert!(samples.contains(&quantile(&samples, q, Rule::Nearest).unwrap()));
    }

    #[test]
    fn a_failure_never_lowers_a_quantile(
        values in vec(0.0..1e6, 1..50),
        q in 0.0..=1.0,
        failures in 0_u64..100,
    ) {
        let series = series(&values);
        let at = |failures| series.quantile_with_failures(q, failures).unwrap().value;
        prop_assert!(at(failures) <= at(failures + 1));
        let mut inflated = values;
        inflated.resize(inflated.len() + failures as usize, f64::INFINITY);
        prop_assert_eq!(quantile(&sorted(inflated), q, Rule::Nearest), Some(at(failures)));
    }

    #[test]
    fn a_summary_does_not_depend_on_order_and_equals_the_sorted_answer(
        samples in vec(any_sample(), 1..200),
        quantiles in vec(0.0..=1.0, 0..9),
        rule in any_rule(),
    ) {
        let sorted = sorted(samples.clone());
        let one = Summary::of(&samples, &quantiles, rule).unwrap().unwrap();
        for (&q, &found) in quantiles.iter().zip(&one.quantiles) {
            prop_assert_eq!(Some(found), quantile(&sorted, q, rule));
        }
        prop_assert_eq!((one.min, one.max), (sorted[0], sorted[sorted.len() - 1]));
        prop_assert!(one.min <= one.mean && one.mean <= one.max);
        prop_assert!(one.sd.is_none_or(|sd| sd >= 0.0));
        let other = Summary::of(&sorted, &quantiles, rule).unwrap().unwrap();
        prop_assert_eq!((one.median, one.quantiles), (other.median, other.quantiles));
    }

    #[test]
    fn moving_samples_moves_the_mean_and_keeps_the_deviation(
        samples in vec(0.0..1.0, 2..100),
        offset in -1e9..1e9_f64,
    ) {
        let of = |samples: &[f64]| Summary::of(samples, &[], Rule::Inclusive).unwrap().unwrap();
        let moved: Vec<f64> = samples.iter().map(|x| x + offset).collect();
        // Moving rounds each sample to what a float of that size can hold.
        let step = offset.abs() * f64::EPSILON;
        let (here, there) = (of(&samples), of(&moved));
        prop_assert!((there.mean - offset - here.mean).abs() <= 2.0 * step + 1e-14);
        prop_assert!((there.sd.unwrap() - here.sd.unwrap()).abs() <= 2.0 * step + 1e-14);
    }

    #[test]
    fn merged_histograms_equal_the_whole_in_any_order(
        a in vec(any::<u64>().prop_map(|x| x >> 1 >> (x % 60)), 0..50),
        b in vec(0_u64..5000, 0..50),
        c in vec(0_u64..1 << 40, 0..50),
    ) {
        let whole = histogram(&[&a[..], &b, &c].concat());
        let [a, b, c] = [a, b, c].map(|values| histogram(&values));
        let merged = |parts: [&Histogram; 3]| {
            let mut merged = Histogram::new();
            for part in parts {
                merged.merge(part).unwrap();
            }
            merged
        };
        let mut right = b.clone();
        right.merge(&c).unwrap();
        let mut nested = a.clone();
        nested.merge(&right).unwrap();
        prop_assert_eq!(&merged([&a, &b, &c]), &whole);
        prop_assert_eq!(&merged([&c, &a, &b]), &whole);
        prop_assert_eq!(&nested, &whole);
    }

    #[test]
    fn a_histogram_is_exact_to_its_stated_error(
        values in vec(any::<u64>().prop_map(|x| x >> 1 >> (x % 60)), 1..100),
        q in 0.0..=1.0,
    ) {
        let histogram = histogram(&values);
        let floats: Vec<f64> = values.iter().map(|&value| value as f64).collect();
        let exact = quantile(&sorted(floats.clone()), q, Rule::Nearest).unwrap();
        let found = histogram.quantile(q).unwrap() as f64;
        prop_assert!(exact <= found && found <= exact * (1.0 + Histogram::RELATIVE_ERROR), "{} {}", exact, found);
        let summary = Summary::of(&floats, &[], Rule::Nearest).unwrap().unwrap();
        let mean = histogram.mean().unwrap();
        prop_assert!((mean - summary.mean).abs() <= 1e-12 * mean);
        let sd = histogram.sd().unwrap_or(0.0);
        prop_assert!((sd - summary.sd.unwrap_or(0.0)).abs() <= Histogram::RELATIVE_ERROR * summary.max);
    }

    #[test]
    fn payloads_come_back(
        pairs in vec((any::<u64>().prop_map(|x| x >> 1 >> (x % 60)), 1_u64..1 << 50), 0..50),
    ) {
        let mut histogram = Histogram::new();
        for (value, count) in pairs {
            histogram.record_many(value, count).unwrap();
        }
        let read = Histogram::from_v2(&histogram.to_v2()).unwrap();
        prop_assert!(read.buckets().eq(histogram.buckets()));
        prop_assert_eq!(read.to_v2(), histogram.to_v2());
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        mut bytes in vec(any::<u8>(), 0..200),
        mutations in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        genuine in any::<bool>(),
    ) {
        if genuine {
            bytes = histogram(&[0, 5, 70_000, 1 << 50]).to_v2();
            for (at, byte) in mutations {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if let Ok(read) = Histogram::from_v2(&bytes) {
            prop_assert!(read.to_hgrm(1.0).ends_with("SubBuckets     =         2048]\n"));
        }
    }

    #[test]
    fn merging_series_in_any_order_keeps_every_quantile(
        a in vec(0.0..1e4, 0..60),
        b in vec(0.0..1e4, 0..60),
        q in 0.0..=1.0,
        rule in any_rule(),
    ) {
        let whole = series(&[&a[..], &b].concat());
        let (mut one, mut other) = (series(&a), series(&b));
        one.merge(&series(&b)).unwrap();
        other.merge(&series(&a)).unwrap();
        prop_assert_eq!(one.quantile(q, rule), whole.quantile(q, rule));
        prop_assert_eq!(other.quantile(q, rule), whole.quantile(q, rule));
        prop_assert_eq!(one.to_histogram(), other.to_histogram());
    }

    #[test]
    fn bars_lose_nothing(values in vec(0.0..1e6, 0..60), bins in 0_usize..20) {
        for scale in [Scale::Linear, Scale::Log] {
            let bars = series(&values).bins(scale, bins);
            let counted: u64 = bars.iter().map(|bar| bar.count).sum();
            prop_assert_eq!(counted, if bins == 0 { 0 } else { values.len() as u64 });
            prop_assert!(bars.len() <= bins && bars.iter().all(|bar| bar.low <= bar.high));
        }
    }

    #[test]
    fn intervals_of_quantiles_hold_the_quantile_or_say_what_they_need(
        samples in vec(0.0..1e6, 1..500),
        q in 0.001..0.999,
        confidence in any_confidence(),
    ) {
        let samples = sorted(samples);
        let nearest = quantile(&samples, q, Rule::Nearest).unwrap();
        match quantile_interval(&samples, q, confidence) {
            Ok(interval) => prop_assert!(interval.contains(nearest)),
            Err(NoInterval::TooFew { needs, has }) => {
                prop_assert!(has == samples.len() as u64 && needs > has);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn means_shares_and_rates_lie_inside_their_intervals(
        samples in vec(-1e6..1e6, 2..60),
        (hits, more) in (0_u64..1000, 1_u64..1000),
        confidence in any_confidence(),
    ) {
        let mean = mean_interval(&samples, confidence).unwrap();
        prop_assert!(mean.interval.contains(mean.value) && mean.standard_error >= 0.0);
        let share = wilson(hits, hits + more, confidence).unwrap();
        prop_assert!(share.contains(hits as f64 / (hits + more) as f64));
        prop_assert!(0.0 <= share.low && share.high <= 1.0);
        let events: Vec<(f64, f64)> = samples.iter().map(|x| (x.abs(), 1.0)).collect();
        let rate = rate_interval(&events, 0.0..=1e6, confidence).unwrap();
        prop_assert!(rate.interval.contains(rate.value));
        prop_assert!((rate.value * 1e6 - samples.len() as f64).abs() < 1e-9);
    }

    #[test]
    fn a_higher_confidence_never_narrows_an_interval(
        samples in vec(0.0..1e6, 100..200),
        (a, b) in (any_confidence(), any_confidence()),
    ) {
        let samples = sorted(samples);
        let (low, high) = if a.share() <= b.share() { (a, b) } else { (b, a) };
        let narrow = quantile_interval(&samples, 0.5, low).unwrap();
        let wide = quantile_interval(&samples, 0.5, high).unwrap();
        prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
        let narrow = wilson(30, 100, low).unwrap();
        let wide = wilson(30, 100, high).unwrap();
        prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
    }

    #[test]
    fn comparisons_hold_their_estimate_and_see_a_side_that_is_always_larger(
        pairs in vec((1.0..1e6, 1.001..2.0), 8..40),
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(x, factor)| (x, x * factor)).unzip();
        let ratio = log_ratio(&a, &b, Confidence::P95).unwrap();
        prop_assert!(ratio.interval.contains(ratio.ratio) && ratio.ratio > 1.0);
        let test = sign_test(&a, &b).unwrap();
        prop_assert!(test.b_larger == a.len() as u64 && test.p < 0.05);
        let moved = hodges_lehmann(&a, &b, Confidence::P95).unwrap();
        prop_assert!(moved.interval.contains(moved.shift) && moved.interval.low > 0.0);
    }

    #[test]
    fn the_law_is_found_again_and_its_knee_lies_below_its_peak(
        lambda in 1e-3..1e4,
        sigma in 0.0..0.5,
        kappa in 1e-5..1e-2,
    ) {
        let law = Usl { lambda, sigma, kappa };
        let rungs: Vec<Rung> = (0..10)
            .map(|doublings| f64::from(1 << doublings))
            .map(|n| Rung { concurrency: n, throughput: law.throughput(n), relative_error: 0.01 })
            .collect();
        let fitted = Usl::fit(&rungs).unwrap();
        prop_assert!((fitted.lambda / lambda - 1.0).abs() < 1e-9);
        prop_assert!((fitted.sigma - sigma).abs() < 1e-9);
        prop_assert!((fitted.kappa - kappa).abs() < 1e-9);
        let (knee, peak) = (knee(&rungs).unwrap(), peak(&rungs, 1.0).unwrap());
        prop_assert!(rungs[knee].concurrency <= rungs[peak].concurrency);
        let top = law.peak().unwrap();
        prop_assert!(law.throughput(top) >= law.throughput(top * 1.1));
        prop_assert!(top <= 1.0 || law.throughput(top) >= law.throughput(top * 0.9));
    }
}
