//! Dice that can be thrown again: the same seed gives the same numbers, on every machine.

use libm::{cos, exp, log, sqrt};

/// `SplitMix64`: five lines, good enough for a simulation, and seeded by any number.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Dice for this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number drawn evenly from 0 (included) to 1 (excluded).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number drawn evenly from `low` to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number whose logarithm is drawn evenly from `low` to `high`, both positive.
    pub fn log_between(&mut self, low: f64, high: f64) -> f64 {
        exp(self.between(log(low), log(high)))
    }

    /// One of `count` numbers from 0.
    pub const fn below(&mut self, count: u64) -> u64 {
        self.bits() % count
    }

    /// A number from the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        let radius = sqrt(-2.0 * log(self.unit().max(f64::MIN_POSITIVE)));
        radius * cos(std::f64::consts::TAU * self.unit())
    }
}

/// Mixes a text into a seed, so that what belongs to the text can be drawn again at any time.
pub(super) fn seed_of(seed: u64, text: &str) -> u64 {
    text.bytes()
        .fold(seed ^ 0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        })
}
