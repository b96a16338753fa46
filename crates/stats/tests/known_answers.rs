//! Agreement with Python's statistics module, numpy and scipy, to 12 digits, on the answers in
//! `fixtures/known_answers.txt`. How they were computed stands beside them.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kneepoint_stats::special::{binomial_cdf, normal_quantile, student_quantile};
use kneepoint_stats::{
    Confidence, Estimate, Rule, Rung, Series, Summary, Usl, elasticity, hodges_lehmann, log_ratio,
    mean_interval, quantile, quantile_interval, quantile_needs, quantile_ranks, rate_interval,
    sign_test, wilson,
};
use std::collections::{BTreeMap, HashMap};

/// What the specification of this crate asks for.
const TOLERANCE: f64 = 1e-12;

type Data = HashMap<&'static str, Vec<f64>>;

/// One line, and the arguments that are left of it.
struct Case<'a> {
    text: &'static str,
    words: std::str::SplitWhitespace<'static>,
    data: &'a Data,
}

impl Case<'_> {
    fn word(&mut self) -> &'static str {
        self.words
            .next()
            .unwrap_or_else(|| panic!("too short: {}", self.text))
    }

    fn float(&mut self) -> f64 {
        let word = self.word();
        word.parse()
            .unwrap_or_else(|_| panic!("{word} in: {}", self.text))
    }

    fn integer(&mut self) -> u64 {
        let word = self.word();
        word.parse()
            .unwrap_or_else(|_| panic!("{word} in: {}", self.text))
    }

    fn confidence(&mut self) -> Confidence {
        Confidence::new(self.float()).expect(self.text)
    }

    fn data(&mut self) -> &[f64] {
        let name = self.word();
        self.named(name)
    }

    fn named(&self, name: &str) -> &[f64] {
        self.data
            .get(name)
            .unwrap_or_else(|| panic!("no {name} for: {}", self.text))
    }

    /// Compares with the next answers, `scale` being the size of the numbers that went in.
    fn expect(&mut self, found: &[f64], scale: f64) {
        for found in found {
            let expected = self.float();
            let error = (found - expected).abs();
            let allowed = TOLERANCE * expected.abs().max(scale);
            assert!(error <= allowed, "{found}, not {expected}: {}", self.text);
        }
    }

    fn expect_estimate(&mut self, found: Estimate, scale: f64) {
        let Estimate {
            value,
            standard_error,
            interval,
        } = found;
        self.expect(&[value, standard_error, interval.low, interval.high], scale);
    }
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

fn largest(samples: &[f64]) -> f64 {
    samples
        .iter()
        .fold(0.0, |largest, sample| sample.abs().max(largest))
}

fn check(kind: &str, case: &mut Case<'_>) {
    match kind {
        "quantile" => {
            let samples = case.data().to_vec();
            let (rule, q): (Rule, f64) = (case.word().parse().unwrap(), case.float());
            let direct = quantile(&sorted(&samples), q, rule).unwrap();
            let summary = Summary::of(&samples, &[q], rule).unwrap().unwrap();
            assert_eq!(
                summary.quantiles[0].to_bits(),
                direct.to_bits(),
                "{}",
                case.text
            );
            // Extrapolation subtracts samples from each other.
            case.expect(
                &[direct],
                if rule == Rule::Exclusive {
                    largest(&samples)
                } else {
                    0.0
                },
            );
        }
        "summary" => {
            let samples = case.data().to_vec();
            let found = Summary::of(&samples, &[], Rule::Inclusive)
                .unwrap()
                .unwrap();
            assert_eq!(found.n, samples.len() as u64);
            case.expect(&[found.min, found.max], 0.0);
            // Where signs cancel, a mean is as good as its samples.
            case.expect(&[found.mean], largest(&samples));
            case.expect(&[found.sd.unwrap(), found.median], 0.0);
        }
        "normal_quantile" => {
            let found = normal_quantile(case.float()).unwrap();
            case.expect(&[found], 0.0);
        }
        "student_quantile" => {
            let found = student_quantile(case.float(), case.float()).unwrap();
            case.expect(&[found], 0.0);
        }
        "binomial_cdf" => {
            let found = binomial_cdf(case.integer(), case.integer(), case.float()).unwrap();
            case.expect(&[found], 1.0);
        }
        _ => check_interval(kind, case),
    }
}

fn check_interval(kind: &str, case: &mut Case<'_>) {
    match kind {
        "needs" => {
            let found = quantile_needs(case.float(), case.confidence());
            assert_eq!(found, Some(case.integer()), "{}", case.text);
        }
        "ranks" => {
            let (n, q, confidence) = (case.integer(), case.float(), case.confidence());
            let (low, high) = (case.integer(), case.integer());
            let found = quantile_ranks(n, q, confidence);
            assert_eq!(found, Ok((low, high)), "{}", case.text);
            // With ranks for samples, the interval must consist of the ranks themselves.
            let samples: Vec<f64> = (1..=n).map(|rank| rank as f64).collect();
            let interval = quantile_interval(&samples, q, confidence).unwrap();
            assert_eq!((interval.low as u64, interval.high as u64), (low, high));
        }
        "wilson" => {
            let found = wilson(case.integer(), case.integer(), case.confidence()).unwrap();
            case.expect(&[found.low, found.high], 1e-3);
        }
        "mean" => {
            let samples = case.data().to_vec();
            let found = mean_interval(&samples, case.confidence()).unwrap();
            case.expect_estimate(found, found.interval.high - found.interval.low);
        }
        "rate" => {
            let name = case.word();
            let at = case.named(&format!("{name}_at")).iter();
            let amounts = case.named(&format!("{name}_amount"));
            let events: Vec<(f64, f64)> = at.copied().zip(amounts.iter().copied()).collect();
            let found = rate_interval(&events, 0.0..=case.float(), Confidence::P95).unwrap();
            case.expect_estimate(found, 0.0);
        }
        _ => check_comparison(kind, case),
    }
}

fn check_comparison(kind: &str, case: &mut Case<'_>) {
    let sides = |case: &mut Case<'_>| {
        let k = case.word();
        (
            case.named(&format!("a{k}")).to_vec(),
            case.named(&format!("b{k}")).to_vec(),
        )
    };
    match kind {
        "sign_test" => {
            let (a, b) = sides(case);
            let found = sign_test(&a, &b).unwrap();
            assert_eq!(found.b_larger, case.integer(), "{}", case.text);
            assert_eq!(
                (found.a_larger + found.b_larger, found.ties),
                (a.len() as u64, 0)
            );
            case.expect(&[found.p], 0.0);
        }
        "log_ratio" => {
            let (a, b) = sides(case);
            let found = log_ratio(&a, &b, case.confidence()).unwrap();
            case.expect(&[found.ratio, found.interval.low, found.interval.high], 0.0);
        }
        "shift" => {
            let (a, b) = sides(case);
            let found = hodges_lehmann(&a, &b, case.confidence()).unwrap();
            case.expect(
                &[found.shift, found.interval.low, found.interval.high],
                largest(&a),
            );
        }
        "elasticity" => {
            let (low, high) = ((case.float(), case.float()), (case.float(), case.float()));
            case.expect(&[elasticity(low, high).unwrap()], 0.0);
        }
        "usl" => {
            let (index, weighted) = (case.word(), case.word() == "weighted");
            let column = |suffix: &str| case.named(&format!("usl{index}_{suffix}")).to_vec();
            let (n, x, e) = (column("n"), column("x"), column("e"));
            let rungs: Vec<Rung> = (0..n.len())
                .map(|i| Rung {
                    concurrency: n[i],
                    throughput: x[i],
                    relative_error: if weighted { e[i] } else { 0.0 },
                })
                .collect();
            let found = Usl::fit(&rungs).unwrap();
            case.expect(&[found.lambda], 0.0);
            case.expect(&[found.sigma, found.kappa], 1.0);
        }
        _ => panic!("unknown kind: {}", case.text),
    }
}

#[test]
fn every_known_answer_is_found() {
    let mut data = Data::new();
    let mut checked: BTreeMap<&str, u32> = BTreeMap::new();
    for text in include_str!("fixtures/known_answers.txt").lines() {
        let mut case = Case {
            text,
            words: text.split_whitespace(),
            data: &data,
        };
        let kind = case.word();
        if kind == "data" {
            let name = case.word();
            let samples = case.words.map(|word| word.parse().unwrap()).collect();
            data.insert(name, samples);
            continue;
        }
        check(kind, &mut case);
        assert_eq!(case.words.next(), None, "answers left over: {text}");
        *checked.entry(kind).or_default() += 1;
    }
    // A fixture cut short must not pass for agreement.
    assert_eq!(checked.len(), 15, "{checked:?}");
    assert!(
        checked["quantile"] >= 200 && checked.values().sum::<u32>() >= 500,
        "{checked:?}"
    );
}

#[test]
fn a_series_answers_like_the_slice_it_was_made_from() {
    let line = include_str!("fixtures/known_answers.txt")
        .lines()
        .find(|l| l.contains(" latencies "));
    let samples: Vec<f64> = line
        .unwrap()
        .split_whitespace()
        .skip(2)
        .map(|word| word.parse().unwrap())
        .collect();
    let mut series = Series::new();
    for &sample in &samples {
        series.record(sample).unwrap();
    }
    for rule in Rule::ALL {
        let found = series.quantile(0.95, rule).unwrap();
        assert_eq!(Some(found.value), quantile(&sorted(&samples), 0.95, rule));
        assert_eq!((found.rule, found.exact), (rule, true));
        assert_eq!(
            series.summary(&[0.95], rule),
            Summary::of(&samples, &[0.95], rule)
        );
    }
    let interval = quantile_interval(&sorted(&samples), 0.95, Confidence::P95);
    assert_eq!(series.interval(0.95, Confidence::P95), interval);
}
