//! The same bits natively and in WebAssembly. The answers below hold in both, compared exactly:
//! where one differs, a platform's own function has crept in for one of `libm`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kneepoint_stats::special::{binomial_cdf, normal_quantile, student_quantile};
use kneepoint_stats::{
    Confidence, Rule, Rung, Scale, Series, Usl, elasticity, hodges_lehmann, log_ratio,
    rate_interval, wilson,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Values with a long tail, from a generator that every platform shares.
fn values(count: usize) -> Vec<f64> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    };
    (0..count)
        .map(|_| 120.0 - 80.0 * libm::log(uniform()))
        .collect()
}

fn series(count: usize) -> Series {
    let mut series = Series::new();
    for value in values(count) {
        series.record(value).unwrap();
    }
    series
}

#[test]
fn special_functions_have_the_same_bits() {
    #[rustfmt::skip]
    let answers = [
        (normal_quantile(0.975), 0x3fff_5c03_31ee_ff84),
        (normal_quantile(1e-9), 0xc017_fdc1_1f44_b5a8),
        (student_quantile(0.975, 7.0), 0x4002_eac0_1e9f_5b1c),
        (student_quantile(0.9995, 367.0), 0x400a_89b1_a55f_e931),
        (student_quantile(0.975, 65_535.0), 0x3fff_5c29_2714_cb6a),
        (binomial_cdf(990, 1000, 0.99), 0x3fe1_5dcb_2605_5b7a),
        (binomial_cdf(65_000, 65_536, 0.99), 0x3fef_fffe_b9aa_69c4),
        (elasticity((16.0, 900.0), (32.0, 930.0)), 0x3fa8_3874_63c6_1dd8),
    ];
    compare(&answers);
}

#[test]
fn intervals_have_the_same_bits() {
    let samples = values(24);
    let (a, b) = samples.split_at(12);
    let share = wilson(3, 200, Confidence::P95).unwrap();
    let ratio = log_ratio(a, b, Confidence::P95).unwrap();
    let moved = hodges_lehmann(a, b, Confidence::P95).unwrap();
    let events: Vec<(f64, f64)> = samples.iter().map(|&at| (at, 1.0)).collect();
    let rate = rate_interval(&events, 100.0..=600.0, Confidence::P95).unwrap();
    #[rustfmt::skip]
    let answers = [
        (Some(share.low), 0x3f74_f2aa_c10e_623e),
        (Some(share.high), 0x3fa6_19d1_82f1_f9f9),
        (Some(ratio.ratio), 0x3fed_f65c_81e2_7498),
        (Some(ratio.interval.high), 0x3ff2_4e4e_99f0_e40f),
        (Some(moved.shift), 0xc024_a5f3_f5aa_9740),
        (Some(moved.interval.low), 0xc049_c4c2_20d5_e3b6),
        (Some(rate.interval.low), 0xbf87_54aa_e11a_2b38),
    ];
    compare(&answers);
}

#[test]
fn summaries_and_fits_have_the_same_bits() {
    let exact = series(1000)
        .summary(&[0.99], Rule::Exclusive)
        .unwrap()
        .unwrap();
    let counted = series(70_000)
        .summary(&[0.99], Rule::Exclusive)
        .unwrap()
        .unwrap();
    let bars = series(1000).bins(Scale::Log, 20);
    let samples = values(8);
    let rungs: Vec<Rung> = samples
        .iter()
        .enumerate()
        .map(|(doublings, &noise)| {
            let concurrency = f64::from(1 << doublings);
            let throughput = concurrency / (2.0 + concurrency) * noise.sqrt();
            Rung {
                concurrency,
                throughput,
                relative_error: 0.05,
            }
        })
        .collect();
    let law = Usl::fit(&rungs).unwrap();
    #[rustfmt::skip]
    let answers = [
        (Some(exact.mean), 0x4068_ddc4_ef14_1420),
        (exact.sd, 0x4054_5ecb_2e5a_1fbc),
        (Some(exact.quantiles[0]), 0x4080_0d94_c949_0156),
        (Some(counted.mean), 0x4068_f9e2_df93_78ef),
        (counted.sd, 0x4053_e626_16e6_5692),
        (Some(counted.quantiles[0]), 0x407e_9ba1_cac0_8313),
        (Some(bars[7].low), 0x406b_bd87_8c67_5c6b),
        (Some(law.lambda), 0x4011_16f5_25a3_f659),
        (Some(law.sigma), 0x3fd2_afcb_7933_1bc4),
    ];
    compare(&answers);
}

#[test]
fn payloads_have_the_same_bytes() {
    let payload = series(70_000).to_histogram().to_v2();
    let mut checksum = 0xcbf2_9ce4_8422_2325_u64;
    for byte in payload {
        checksum = (checksum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    assert_eq!(checksum, 16_978_696_219_358_154_198);
}

fn compare(answers: &[(Option<f64>, u64)]) {
    let found: Vec<u64> = answers
        .iter()
        .map(|(answer, _)| answer.unwrap().to_bits())
        .collect();
    let expected: Vec<u64> = answers.iter().map(|&(_, bits)| bits).collect();
    assert_eq!(found, expected, "{found:#018x?}");
}
