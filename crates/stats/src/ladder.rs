//! The arithmetic of the concurrency ladder: what one more step bought, where the knee is, and
//! whether the concurrency that was asked for is the one that was reached.

/// Below this elasticity a step bought nothing worth having: a doubling of the concurrency less
/// than 7 % more throughput.
pub const PLATEAU_ELASTICITY: f64 = 0.10;

/// How many standard errors a step is given in its favour before it is called a plateau: 95 %,
/// one-sided.
pub const PLATEAU_Z: f64 = 1.64;

/// The share of the highest throughput that counts as having reached it.
pub const PEAK_SHARE: f64 = 0.95;

/// What one concurrency achieved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// Requests in flight, positive.
    pub concurrency: f64,
    /// Tokens or requests per second, positive.
    pub throughput: f64,
    /// The standard error of the throughput as a share of it; 0 if it is not known.
    pub relative_error: f64,
}

/// Which way the throughput goes from one rung to a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// It grows, or may well do so given its error.
    Rising,
    /// It hardly grows any more.
    Plateau,
    /// It falls.
    Retrograde,
}

/// What the step from one rung to another bought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The share of the additional concurrency that arrived: 1 all of it, 0 nothing.
    pub elasticity: f64,
    /// The same, granted [`PLATEAU_Z`] standard errors in its favour.
    pub elasticity_high: f64,
}

impl Step {
    /// Judges a step up the ladder. The errors of both rungs add in quadrature. `None` where
    /// [`elasticity`] is, where `to` is not the higher rung, or for an error that is negative or
    /// NaN.
    ///
    /// ```
    /// use kneepoint_stats::{PLATEAU_ELASTICITY, Rung, Step, Trend};
    ///
    /// let rung = |concurrency, throughput| Rung { concurrency, throughput, relative_error: 0.01 };
    /// let up = Step::between(&rung(16.0, 1000.0), &rung(32.0, 1030.0)).expect("a step up");
    /// assert_eq!(up.trend(PLATEAU_ELASTICITY), Trend::Plateau);
    /// let up = Step::between(&rung(16.0, 1000.0), &rung(32.0, 900.0)).expect("a step up");
    /// assert_eq!(up.trend(PLATEAU_ELASTICITY), Trend::Retrograde);
    /// ```
    pub fn between(from: &Rung, to: &Rung) -> Option<Self> {
        let errors_are_known = from.relative_error >= 0.0 && to.relative_error >= 0.0;
        if !errors_are_known || to.concurrency <= from.concurrency {
            return None;
        }
        let low = (from.concurrency, from.throughput);
        let error = libm::hypot(from.relative_error, to.relative_error);
        let in_favour = to.throughput * (1.0 + PLATEAU_Z * error);
        Some(Self {
            elasticity: elasticity(low, (to.concurrency, to.throughput))?,
            elasticity_high: elasticity(low, (to.concurrency, in_favour))?,
        })
    }

    /// What the step says, given the elasticity below which it is a plateau
    /// ([`PLATEAU_ELASTICITY`] unless there is a reason).
    pub fn trend(&self, plateau_elasticity: f64) -> Trend {
        if self.elasticity_high < 0.0 {
            Trend::Retrograde
        } else if self.elasticity_high < plateau_elasticity {
            Trend::Plateau
        } else {
            Trend::Rising
        }
    }
}

/// ln(x₂/x₁) / ln(n₂/n₁): by how many per cent the throughput x grows for each per cent of
/// concurrency n. `None` unless all are positive and finite and the concurrencies differ.
///
/// ```
/// use kneepoint_stats::elasticity;
///
/// assert_eq!(elasticity((4.0, 100.0), (8.0, 200.0)), Some(1.0));
/// assert_eq!(elasticity((4.0, 100.0), (8.0, 100.0)), Some(0.0));
/// assert_eq!(elasticity((4.0, 100.0), (4.0, 200.0)), None);
/// ```
pub fn elasticity((n1, x1): (f64, f64), (n2, x2): (f64, f64)) -> Option<f64> {
    let usable = [n1, x1, n2, x2]
        .iter()
        .all(|&value| value > 0.0 && value.is_finite());
    let span = libm::log(n2 / n1);
    (usable && span != 0.0).then(|| libm::log(x2 / x1) / span)
}

/// Kleinrock's power x²/n: throughput divided by latency, up to a constant. It is largest where
/// the elasticity is ½, so the knee needs no threshold. `None` unless both are positive and
/// finite.
///
/// ```
/// use kneepoint_stats::power;
///
/// assert_eq!(power(4.0, 100.0), Some(2500.0));
/// assert_eq!(power(0.0, 100.0), None);
/// ```
pub fn power(concurrency: f64, throughput: f64) -> Option<f64> {
    let usable = [concurrency, throughput]
        .iter()
        .all(|&value| value > 0.0 && value.is_finite());
    usable.then(|| throughput * throughput / concurrency)
}

/// The index of the rung with the greatest [`power`]; among equals that with the least
/// concurrency. Rungs without positive finite figures do not count; `None` if none does.
///
/// ```
/// use kneepoint_stats::{Rung, knee};
///
/// let rungs = [(1.0, 100.0), (2.0, 195.0), (4.0, 340.0), (8.0, 400.0)]
///     .map(|(concurrency, throughput)| Rung { concurrency, throughput, relative_error: 0.0 });
/// assert_eq!(knee(&rungs), Some(2));
/// ```
pub fn knee(rungs: &[Rung]) -> Option<usize> {
    let better = usable(rungs).reduce(|best, other| {
        let is_better = (other.power, best.concurrency) > (best.power, other.concurrency);
        if is_better { other } else { best }
    });
    better.map(|rung| rung.index)
}

/// The index of the rung with the least concurrency that reaches `share` of the highest
/// throughput ([`PEAK_SHARE`] unless there is a reason). Which rungs count: see [`knee`].
///
/// ```
/// use kneepoint_stats::{PEAK_SHARE, Rung, peak};
///
/// let rungs = [(4.0, 340.0), (8.0, 390.0), (16.0, 400.0)]
///     .map(|(concurrency, throughput)| Rung { concurrency, throughput, relative_error: 0.0 });
/// assert_eq!(peak(&rungs, PEAK_SHARE), Some(1));
/// ```
pub fn peak(rungs: &[Rung], share: f64) -> Option<usize> {
    let highest = usable(rungs)
        .map(|rung| rung.throughput)
        .fold(0.0, f64::max);
    let reaching = usable(rungs).filter(|rung| rung.throughput >= share * highest);
    reaching
        .min_by(|a, b| a.concurrency.total_cmp(&b.concurrency))
        .map(|rung| rung.index)
}

/// How far n requests in flight are from Little's law n = rate · time, as a share of n. Beyond
/// 0.1 the client, not the server, decided how many were in flight. `None` unless n is positive
/// and all are finite.
///
/// ```
/// use kneepoint_stats::little_residual;
///
/// // 32 wanted, but 40 requests/s of 0.6 s each keep only 24 in flight.
/// assert_eq!(little_residual(32.0, 40.0, 0.6), Some(0.25));
/// assert_eq!(little_residual(0.0, 40.0, 0.6), None);
/// ```
pub fn little_residual(concurrency: f64, rate: f64, time_in_system: f64) -> Option<f64> {
    let residual = (concurrency - rate * time_in_system).abs() / concurrency;
    (concurrency > 0.0 && residual.is_finite()).then_some(residual)
}

/// A rung with usable figures, and where it stands in the list.
struct Candidate {
    index: usize,
    concurrency: f64,
    throughput: f64,
    power: f64,
}

fn usable(rungs: &[Rung]) -> impl Iterator<Item = Candidate> {
    rungs.iter().enumerate().filter_map(
        |(
            index,
            &Rung {
                concurrency,
                throughput,
                ..
            },
        )| {
            let power = power(concurrency, throughput)?;
            Some(Candidate {
                index,
                concurrency,
                throughput,
                power,
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(concurrency: f64, throughput: f64, relative_error: f64) -> Rung {
        Rung {
            concurrency,
            throughput,
            relative_error,
        }
    }

    #[test]
    fn a_step_is_given_the_benefit_of_its_error() {
        #[rustfmt::skip]
        let cases = [
            // from, to, relative error of each, trend
            (100.0, 200.0, 0.0,  Trend::Rising),
            (100.0, 107.3, 0.0,  Trend::Rising),     // just over 7 %
            (100.0, 107.0, 0.0,  Trend::Plateau),    // just under
            (100.0, 103.0, 0.03, Trend::Rising),     // might well be 7 %
            (100.0,  99.0, 0.0,  Trend::Retrograde),
            (100.0,  99.0, 0.01, Trend::Plateau),    // might be level
        ];
        for (from, to, error, trend) in cases {
            let step = Step::between(&rung(8.0, from, error), &rung(16.0, to, error)).unwrap();
            assert!(step.elasticity_high >= step.elasticity);
            assert_eq!(step.trend(PLATEAU_ELASTICITY), trend, "{from} {to} {error}");
        }
    }

    #[test]
    fn steps_that_are_none_are_not_judged() {
        let good = rung(8.0, 100.0, 0.0);
        let bad = [
            rung(8.0, 100.0, 0.0),
            rung(4.0, 90.0, 0.0),
            rung(16.0, 0.0, 0.0),
        ];
        let unknown = [
            rung(16.0, 110.0, f64::NAN),
            rung(16.0, 110.0, -0.1),
            rung(f64::NAN, 1.0, 0.0),
        ];
        for to in bad.iter().chain(&unknown) {
            assert_eq!(Step::between(&good, to), None, "{to:?}");
        }
        assert_eq!(elasticity((1.0, f64::INFINITY), (2.0, 1.0)), None);
    }

    #[test]
    fn rungs_without_figures_are_passed_over() {
        let rungs = [
            rung(64.0, f64::NAN, 0.0),
            rung(4.0, 100.0, 0.0),
            rung(1.0, 50.0, 0.0),
        ];
        assert_eq!(knee(&rungs), Some(2)); // equal power, less concurrency
        assert_eq!(peak(&rungs, PEAK_SHARE), Some(1));
        assert_eq!((knee(&rungs[..1]), peak(&rungs[..1], 0.5)), (None, None));
        assert_eq!((knee(&[]), peak(&[], 0.5)), (None, None));
        assert_eq!(little_residual(4.0, f64::INFINITY, 1.0), None);
    }
}
