//! The probability functions that the intervals stand on: normal, Student's t, binomial.
//! Quantiles are accurate to 1e-12, probabilities to 1e-11 (relative to the larger side); outside
//! their domain they answer `None`.

use core::f64::consts::{PI, SQRT_2};

/// Beyond so many trials, binomial quantiles come from the normal distribution with a correction
/// for skewness, which is then off by less than one in a thousand standard deviations.
const EXACT_TRIALS_MAX: u64 = 10_000_000;
/// Beyond so many degrees of freedom, Student's quantiles come from a series around the normal
/// ones, which is exact to the last digits there.
const EXACT_FREEDOM_MAX: f64 = 1e4;
/// Student's quantiles beyond this are not looked for: their squares would overflow.
const STUDENT_MAX: f64 = 1e150;

/// The standard normal distribution function; NaN only for NaN.
///
/// ```
/// use kneepoint_stats::special::normal_cdf;
///
/// assert_eq!(normal_cdf(0.0), 0.5);
/// assert!((normal_cdf(1.959963984540054) - 0.975).abs() < 1e-15);
/// ```
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// The value below which a standard normal variable lies with probability `p`, 0 < `p` < 1.
///
/// ```
/// use kneepoint_stats::special::normal_quantile;
///
/// assert!((normal_quantile(0.975).expect("inside 0–1") - 1.959963984540054).abs() < 1e-14);
/// assert_eq!(normal_quantile(1.0), None);
/// ```
pub fn normal_quantile(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    // Worked out in the smaller tail, where digits are not lost to the 1 in front.
    let tail = p.min(1.0 - p);
    // The tail is log-concave, so Newton's method on its logarithm converges from here.
    let mut z = libm::sqrt(-2.0 * libm::log(2.0 * tail));
    for _ in 0..60 {
        let above = normal_cdf(-z);
        let density = libm::exp(-0.5 * z * z) / libm::sqrt(2.0 * PI);
        let change = libm::log(above / tail) * above / density;
        z += change;
        if change.abs() <= 1e-15 * z {
            break;
        }
    }
    Some(if p < 0.5 { -z } else { z })
}

/// The value below which a variable with Student's t distribution of `freedom` > 0 degrees of
/// freedom lies with probability `p`, 0 < `p` < 1. `None` also
/// where it would lie beyond about ±10¹⁵⁰, as it does for a `p` of 10⁻³⁰⁰ and few degrees of
/// freedom.
///
/// ```
/// use kneepoint_stats::special::student_quantile;
///
/// let t = student_quantile(0.975, 7.0).expect("inside the domain");
/// assert!((t - 2.364_624_251_592_785).abs() < 1e-12);
/// ```
pub fn student_quantile(p: f64, freedom: f64) -> Option<f64> {
    let z = normal_quantile(p)?.abs();
    if freedom.is_nan() || freedom <= 0.0 {
        return None;
    }
    let t = if freedom > EXACT_FREEDOM_MAX {
        student_from_normal(z, freedom)
    } else {
        student_from_below(z, 2.0 * p.min(1.0 - p), freedom)
    };
    (t < STUDENT_MAX).then_some(if p < 0.5 { -t } else { t })
}

/// The expansion in 1/ν of Abramowitz and Stegun, 26.7.5.
fn student_from_normal(z: f64, freedom: f64) -> f64 {
    let square = z * z;
    let polynomial = |coefficients: &[f64]| {
        coefficients
            .iter()
            .fold(0.0, |sum, coefficient| sum * square + coefficient)
            * z
    };
    let terms = [
        polynomial(&[79.0, 776.0, 1482.0, -1920.0, -945.0]) / 92_160.0,
        polynomial(&[3.0, 19.0, 17.0, -15.0]) / 384.0,
        polynomial(&[5.0, 16.0, 3.0]) / 96.0,
        polynomial(&[1.0, 1.0]) / 4.0,
    ];
    terms.iter().fold(0.0, |sum, term| (sum + term) / freedom) + z
}

/// Newton's method on the probability of both tails. It is convex and `t` starts below the
/// answer (a normal variable has the lighter tails), so every step leads upward and none too far.
fn student_from_below(mut t: f64, tails: f64, freedom: f64) -> f64 {
    for _ in 0..2000 {
        let (x, rest) = student_shares(t, freedom);
        let density = beta_factor(0.5 * freedom, 0.5, x, rest) / t;
        let change = (incomplete_beta(0.5 * freedom, 0.5, x, rest) - tails) / (2.0 * density);
        if change.is_nan() || change <= 1e-15 * t || t > STUDENT_MAX {
            break;
        }
        t += change;
    }
    t
}

/// ν / (ν + t²) and what it lacks to 1, each to full precision.
fn student_shares(t: f64, freedom: f64) -> (f64, f64) {
    let ratio = t * (t / freedom);
    if ratio.is_infinite() {
        (0.0, 1.0)
    } else {
        (1.0 / (1.0 + ratio), ratio / (1.0 + ratio))
    }
}

/// The probability of at most `hits` in `trials` independent trials that each hit with
/// probability `p`. `None` unless 0 ≤ `p` ≤ 1.
///
/// ```
/// use kneepoint_stats::special::binomial_cdf;
///
/// let at_most_one = binomial_cdf(1, 2, 0.5).expect("0.5 is a probability");
/// assert!((at_most_one - 0.75).abs() < 1e-14);
/// ```
pub fn binomial_cdf(hits: u64, trials: u64, p: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    if hits >= trials {
        return Some(1.0);
    }
    let misses = (trials - hits) as f64;
    Some(incomplete_beta(misses, hits as f64 + 1.0, 1.0 - p, p))
}

/// The least number of hits `k` with P(at most `k`) ≥ `probability`, for 0 < both < 1.
pub(crate) fn binomial_quantile(probability: f64, trials: u64, p: f64) -> Option<u64> {
    let z = normal_quantile(probability)?;
    let n = trials as f64;
    let skewness = (1.0 - 2.0 * p) * (z * z - 1.0) / 6.0;
    let guess = n * p + z * libm::sqrt(n * p * (1.0 - p)) + skewness;
    let mut hits = (guess.round().max(0.0) as u64).min(trials);
    if trials > EXACT_TRIALS_MAX {
        return Some(hits);
    }
    while hits > 0 && binomial_cdf(hits - 1, trials, p)? >= probability {
        hits -= 1;
    }
    while binomial_cdf(hits, trials, p)? < probability {
        hits += 1;
    }
    Some(hits)
}

/// The regularised incomplete beta function Iₓ(a, b) for `rest` = 1 − `x`, given separately
/// since near 1 the difference would have lost its digits.
fn incomplete_beta(a: f64, b: f64, x: f64, rest: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if rest <= 0.0 {
        return 1.0;
    }
    let factor = beta_factor(a, b, x, rest);
    // The continued fraction converges fast on this side of the mean only.
    if x <= (a + 1.0) / (a + b + 2.0) {
        factor * beta_fraction(a, b, x) / a
    } else {
        1.0 - factor * beta_fraction(b, a, rest) / b
    }
}

/// xᵃ·(1 − x)ᵇ / B(a, b), by the distance from where it peaks: written out with logarithms of
/// gamma functions, it would be the small difference of numbers as large as a and b.
fn beta_factor(a: f64, b: f64, x: f64, rest: f64) -> f64 {
    let sum = a + b;
    let distance = a * rest - b * x;
    let peak = a * libm::log1p(distance / (sum * x)) + b * libm::log1p(-distance / (sum * rest));
    let corrections = gamma_residue(sum) - gamma_residue(a) - gamma_residue(b);
    libm::exp(corrections - peak) * libm::sqrt(a / sum * b / (2.0 * PI))
}

/// What Stirling's formula (x − ½)·ln x − x + ½·ln 2π lacks to ln Γ(x).
fn gamma_residue(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    if x < 10.0 {
        let stirling = (x - 0.5) * libm::log(x) - x + 0.5 * libm::log(2.0 * PI);
        return libm::lgamma(x) - stirling;
    }
    let square = x * x;
    COEFFICIENTS
        .iter()
        .rev()
        .fold(0.0, |sum, coefficient| sum / square + coefficient)
        / x
}

/// The continued fraction of the incomplete beta function, by Lentz's method. It needs about √a
/// or √b terms, and both are bounded by the limits above.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TERMS_MAX: u32 = 100_000;
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut above = 1.0;
    let mut below = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = below;
    for m in (1..=TERMS_MAX).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for numerator in [even, odd] {
            below = 1.0 / away_from_zero(1.0 + numerator * below);
            above = away_from_zero(1.0 + numerator / above);
            fraction *= above * below;
        }
        if (fraction - before).abs() <= 1e-16 * fraction.abs() {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_invert_their_distributions() {
        for p in [1e-300, 1e-9, 0.01, 0.3, 0.5, 0.9, 0.999_999] {
            let z = normal_quantile(p).unwrap();
            assert!((normal_cdf(z) / p - 1.0).abs() < 1e-12, "{p}");
        }
        for p in [1e-20, 1e-9, 0.01, 0.3, 0.49] {
            for freedom in [0.5, 1.0, 2.0, 7.0, 100.5, EXACT_FREEDOM_MAX] {
                let t = student_quantile(p, freedom).unwrap();
                let (x, rest) = student_shares(t, freedom);
                let tails = incomplete_beta(0.5 * freedom, 0.5, x, rest);
                assert!((tails / 2.0 / p - 1.0).abs() < 1e-11, "{p} {freedom}: {t}");
            }
        }
        assert_eq!(
            student_quantile(0.75, 3.0),
            student_quantile(0.25, 3.0).map(|t| -t)
        );
        assert_eq!(student_quantile(0.5, 3.0), Some(0.0));
        assert_eq!(student_quantile(1e-300, 0.5), None);
    }

    #[test]
    fn closed_forms_agree() {
        for p in [0.6, 0.9, 0.975, 0.9995] {
            let cauchy = libm::tan(PI * (p - 0.5));
            assert!((student_quantile(p, 1.0).unwrap() / cauchy - 1.0).abs() < 1e-12);
            let two = (2.0 * p - 1.0) / libm::sqrt(2.0 * p * (1.0 - p));
            assert!((student_quantile(p, 2.0).unwrap() / two - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_normal_limits_join_without_a_step() {
        let freedom = EXACT_FREEDOM_MAX;
        for p in [0.6, 0.975, 0.999_999] {
            let z = normal_quantile(p).unwrap();
            let exact = student_quantile(p, freedom).unwrap();
            assert!((student_from_normal(z, freedom) / exact - 1.0).abs() < 1e-12);
        }
        for (p, probability) in [(0.95, 0.975), (0.999, 0.025), (0.5, 0.5)] {
            let exact = binomial_quantile(probability, EXACT_TRIALS_MAX, p).unwrap();
            let next = binomial_quantile(probability, EXACT_TRIALS_MAX + 1, p).unwrap();
            assert!(next.abs_diff(exact) <= 2, "{exact} {next}");
        }
    }

    #[test]
    fn outside_the_domain_there_is_no_answer() {
        for p in [0.0, 1.0, -1.0, f64::NAN] {
            assert_eq!(normal_quantile(p), None);
            assert_eq!(student_quantile(p, 5.0), None);
        }
        for freedom in [0.0, -1.0, f64::NAN] {
            assert_eq!(student_quantile(0.9, freedom), None);
        }
        assert_eq!(binomial_cdf(1, 2, 1.5), None);
        assert_eq!(binomial_cdf(2, 2, 0.5), Some(1.0));
        assert_eq!(
            (binomial_cdf(1, 3, 0.0), binomial_cdf(1, 3, 1.0)),
            (Some(1.0), Some(0.0))
        );
    }
}
