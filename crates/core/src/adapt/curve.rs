//! How a level grows after it was measured: back to it, along it for a while, then past it.
//!
//! The middle of the curve is CUBIC's: flat where the level is believed, steeper the longer nothing
//! contradicts it. Once it is exceeded by a quarter without contradiction the level is history, and
//! the curve doubles.

use libm::{exp2, log2};

/// From this factor of the level on, the level counts as refuted.
pub(super) const REFUTED: f64 = 1.25;

/// Seconds per doubling from there on. Slower doubles the time to follow a server that grew;
/// faster overshoots by more than a refusal can correct.
pub(super) const DOUBLING: f64 = 2.5;

/// Where the cubic part reaches [`REFUTED`], in units of the span: the cube root of a quarter.
const CUBIC_END: f64 = 0.629_960_524_947_436_6;

/// A growth curve: how much of the level a cut keeps, and how slowly it then grows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    /// The factor at age zero, below 1.
    pub(super) kept: f64,
    /// The seconds that set its width.
    pub(super) span: f64,
}

impl Curve {
    /// The age at which the level itself is reached again.
    pub(super) fn recovery(self) -> f64 {
        self.span * cube_root(1.0 - self.kept)
    }

    /// The age at which the level counts as refuted.
    pub(super) fn refuted(self) -> f64 {
        self.recovery() + CUBIC_END * self.span
    }

    /// The factor of the level that is allowed at this age, in seconds.
    pub(super) fn factor(self, age: f64) -> f64 {
        let beyond = age - self.refuted();
        if beyond > 0.0 {
            return REFUTED * exp2(beyond / DOUBLING);
        }
        let x = (age - self.recovery()) / self.span;
        1.0 + x * x * x
    }

    /// The age at which a factor is reached: the inverse of [`Curve::factor`].
    pub(super) fn age(self, factor: f64) -> f64 {
        if factor > REFUTED {
            self.refuted() + DOUBLING * log2(factor / REFUTED)
        } else {
            self.recovery() + self.span * cube_root(factor - 1.0)
        }
    }
}

fn cube_root(x: f64) -> f64 {
    exp2(log2(x.abs()) / 3.0).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_what_was_kept_and_passes_through_the_level() {
        let curve = Curve {
            kept: 0.93,
            span: 20.0,
        };
        assert!((curve.factor(0.0) - 0.93).abs() < 1e-12);
        assert!((curve.factor(curve.recovery()) - 1.0).abs() < 1e-12);
        assert!((curve.factor(curve.refuted()) - REFUTED).abs() < 1e-9);
        assert!((curve.factor(curve.refuted() + DOUBLING) - 2.0 * REFUTED).abs() < 1e-9);
    }

    #[test]
    fn age_undoes_factor() {
        let curve = Curve {
            kept: 0.95,
            span: 33.0,
        };
        for factor in [0.95, 0.99, 1.0, 1.1, 1.25, 1.3, 4.0] {
            assert!(
                (curve.factor(curve.age(factor)) - factor).abs() < 1e-9,
                "{factor}"
            );
        }
    }
}
