//! The universal scalability law, fitted to the rungs of a ladder: a smooth line to lay over
//! what was measured. It never decides anything.

use crate::ladder::Rung;

/// x(n) = λn / (1 + σ(n − 1) + κn(n − 1)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usl {
    /// λ, the throughput at a concurrency of 1; positive.
    pub lambda: f64,
    /// σ, the share of the work that is done one at a time; not negative.
    pub sigma: f64,
    /// κ, what keeping the workers coherent costs; not negative.
    pub kappa: f64,
}

/// 1/λ, σ/λ and κ/λ, in which the law is linear.
type Unknowns = [f64; 3];

impl Usl {
    /// Fits the law to at least three rungs of different concurrency. `None` for fewer, and
    /// where a figure is not positive and finite.
    ///
    /// It minimises Σ w·(1 − x/x̂)², x̂ being the law: the relative error, weighted by w = 1/e²
    /// where every rung knows its error e, and evenly otherwise. In that form the law is linear
    /// in 1/λ, σ/λ and κ/λ, so the best fit under σ, κ ≥ 0 is computed rather than searched for.
    ///
    /// ```
    /// use kneepoint_stats::{Rung, Usl};
    ///
    /// let law = Usl { lambda: 100.0, sigma: 0.02, kappa: 0.0005 };
    /// let rungs = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0].map(|concurrency| Rung {
    ///     concurrency,
    ///     throughput: law.throughput(concurrency),
    ///     relative_error: 0.0,
    /// });
    /// let fitted = Usl::fit(&rungs).expect("seven rungs");
    /// assert!((fitted.sigma - 0.02).abs() < 1e-12 && (fitted.kappa - 0.0005).abs() < 1e-12);
    /// assert!((fitted.peak().expect("it has one") - 44.27).abs() < 0.01);
    /// ```
    pub fn fit(rungs: &[Rung]) -> Option<Self> {
        let weighted = rungs
            .iter()
            .all(|r| r.relative_error > 0.0 && r.relative_error.is_finite());
        let equations: Vec<Equation> = rungs
            .iter()
            .map(|rung| equation(rung, weighted))
            .collect::<Option<_>>()?;
        if distinct_concurrencies(rungs) < 3 {
            return None;
        }
        // Either unknown that must not be negative is free or 0: try all four ways.
        let ways = [
            [true, true, true],
            [true, true, false],
            [true, false, true],
            [true, false, false],
        ];
        let fits = ways.iter().filter_map(|&free| {
            let unknowns = least_squares(&equations, free)?;
            let allowed = unknowns[0] > 0.0 && unknowns[1] >= 0.0 && unknowns[2] >= 0.0;
            allowed.then(|| (residual(&equations, unknowns), unknowns))
        });
        let (_, [a, b, c]) =
            fits.reduce(|best, other| if other.0 < best.0 { other } else { best })?;
        Some(Self {
            lambda: 1.0 / a,
            sigma: b / a,
            kappa: c / a,
        })
    }

    /// The throughput at a concurrency.
    pub fn throughput(&self, concurrency: f64) -> f64 {
        let more = concurrency - 1.0;
        self.lambda * concurrency / (1.0 + self.sigma * more + self.kappa * concurrency * more)
    }

    /// The concurrency beyond which the throughput falls, √((1 − σ)/κ) but at least 1. `None` if
    /// it never does (κ = 0).
    pub fn peak(&self) -> Option<f64> {
        (self.kappa > 0.0).then(|| ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt().max(1.0))
    }
}

/// An equation of the fit: the factors of the unknowns, and what they should add up to.
struct Equation {
    factors: Unknowns,
    target: f64,
}

/// A rung as a + b(n − 1) + cn(n − 1) = n/x, divided by n/x and by the error.
fn equation(rung: &Rung, weighted: bool) -> Option<Equation> {
    let (n, x) = (rung.concurrency, rung.throughput);
    let weight = if weighted {
        1.0 / rung.relative_error
    } else {
        1.0
    };
    let scale = weight * x / n;
    let factors = [scale, scale * (n - 1.0), scale * n * (n - 1.0)];
    let usable = n > 0.0 && x > 0.0 && scale > 0.0 && factors.iter().all(|f| f.is_finite());
    usable.then_some(Equation {
        factors,
        target: weight,
    })
}

fn distinct_concurrencies(rungs: &[Rung]) -> usize {
    let mut all: Vec<f64> = rungs.iter().map(|rung| rung.concurrency).collect();
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    all.len()
}

/// The unknowns that fit the equations best, those that are not free being 0. `None` if the
/// equations do not determine them.
///
/// Gram–Schmidt, the columns one after another: unlike the normal equations it does not square
/// the spread between 1 and n².
fn least_squares(equations: &[Equation], free: [bool; 3]) -> Option<Unknowns> {
    let mut rest: Vec<f64> = equations.iter().map(|equation| equation.target).collect();
    let mut directions: Vec<Vec<f64>> = Vec::with_capacity(free.len());
    let mut triangle = [[0.0; 3]; 3];
    let mut projections = [0.0; 3];
    let chosen: Vec<usize> = (0..free.len()).filter(|&unknown| free[unknown]).collect();
    for (place, &unknown) in chosen.iter().enumerate() {
        let mut column: Vec<f64> = equations.iter().map(|e| e.factors[unknown]).collect();
        let length_before = dot(&column, &column).sqrt();
        for (earlier, direction) in directions.iter().enumerate() {
            triangle[earlier][place] = take_out(&mut column, direction);
        }
        let length = dot(&column, &column).sqrt();
        // What is left is rounding: this column is a combination of the earlier ones.
        if length.is_nan() || length <= 1e-10 * length_before {
            return None;
        }
        for value in &mut column {
            *value /= length;
        }
        triangle[place][place] = length;
        projections[place] = take_out(&mut rest, &column);
        directions.push(column);
    }
    let mut unknowns = [0.0; 3];
    for (place, &unknown) in chosen.iter().enumerate().rev() {
        let known: f64 = (place + 1..chosen.len())
            .map(|later| triangle[place][later] * unknowns[chosen[later]])
            .sum();
        unknowns[unknown] = (projections[place] - known) / triangle[place][place];
    }
    Some(unknowns)
}

/// Subtracts from a column its part along a direction of length 1, and tells how long that was.
fn take_out(column: &mut [f64], direction: &[f64]) -> f64 {
    let part = dot(column, direction);
    column
        .iter_mut()
        .zip(direction)
        .for_each(|(value, along)| *value -= part * along);
    part
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The sum of the squared errors.
fn residual(equations: &[Equation], unknowns: Unknowns) -> f64 {
    let error = |e: &Equation| dot(&e.factors, &unknowns) - e.target;
    equations
        .iter()
        .map(|equation| error(equation) * error(equation))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rungs(law: Usl, relative_error: f64) -> Vec<Rung> {
        let rung = |n| Rung {
            concurrency: n,
            throughput: law.throughput(n),
            relative_error,
        };
        [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
            .map(rung)
            .to_vec()
    }

    #[test]
    fn a_law_is_found_again_with_and_without_its_terms() {
        #[rustfmt::skip]
        let laws = [
            // λ, σ, κ
            (40.0, 0.05, 0.001),
            (40.0, 0.05, 0.0),   // Amdahl: no peak
            (40.0, 0.0,  0.001),
            (1e-3, 0.3,  1e-7),
        ];
        for (lambda, sigma, kappa) in laws {
            let law = Usl {
                lambda,
                sigma,
                kappa,
            };
            for error in [0.0, 0.02] {
                let fitted = Usl::fit(&rungs(law, error)).unwrap();
                assert!(
                    (fitted.lambda / lambda - 1.0).abs() < 1e-11,
                    "{law:?} {fitted:?}"
                );
                assert!((fitted.sigma - sigma).abs() < 1e-11, "{law:?} {fitted:?}");
                assert!((fitted.kappa - kappa).abs() < 1e-11, "{law:?} {fitted:?}");
            }
        }
    }

    #[test]
    fn better_than_linear_is_fitted_by_a_straight_line() {
        let faster = |n: f64| Rung {
            concurrency: n,
            throughput: n * (10.0 + n),
            relative_error: 0.0,
        };
        let fitted = Usl::fit(&[1.0, 2.0, 4.0, 8.0].map(faster)).unwrap();
        assert_eq!(
            (fitted.sigma, fitted.kappa, fitted.peak()),
            (0.0, 0.0, None)
        );
    }

    #[test]
    fn a_sure_rung_outweighs_unsure_ones() {
        let law = Usl {
            lambda: 40.0,
            sigma: 0.05,
            kappa: 0.0,
        };
        let mut measured = rungs(law, 0.001);
        measured[8].throughput *= 0.5;
        measured[8].relative_error = 10.0;
        let fitted = Usl::fit(&measured).unwrap();
        assert!((fitted.sigma - 0.05).abs() < 1e-4, "{fitted:?}");
    }

    #[test]
    fn too_little_to_go_by_gives_no_law() {
        let rung = |n: f64, x: f64| Rung {
            concurrency: n,
            throughput: x,
            relative_error: 0.0,
        };
        assert_eq!(
            Usl::fit(&[rung(1.0, 1.0), rung(2.0, 2.0), rung(2.0, 2.1)]),
            None
        );
        let bad = [0.0, -1.0, f64::NAN, f64::INFINITY];
        for bad in bad {
            assert_eq!(
                Usl::fit(&[rung(1.0, 1.0), rung(2.0, 2.0), rung(4.0, bad)]),
                None
            );
            assert_eq!(
                Usl::fit(&[rung(1.0, 1.0), rung(2.0, 2.0), rung(bad, 4.0)]),
                None
            );
        }
        let serial = Usl {
            lambda: 1.0,
            sigma: 2.0,
            kappa: 0.1,
        };
        assert_eq!(serial.peak(), Some(1.0));
    }
}
