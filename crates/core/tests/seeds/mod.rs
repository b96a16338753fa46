//! Ten thousand scenarios, and what they leave behind.

use kneepoint_core::platform::sim::Random;

/// The hash of all records of all seeds.
#[allow(
    clippy::unreadable_literal,
    reason = "it is pasted from a failing test"
)]
pub(crate) const KNOWN: u64 = 0x8c73_8b75_febc_aac5;

/// How many.
const SEEDS: u64 = 10_000;

/// Runs them all and hashes their hashes. A broken promise names its seed.
pub(crate) fn trace() -> u64 {
    (1..=SEEDS).fold(0xCBF2_9CE4_8422_2325, |hash, seed| {
        let mut random = Random::new(seed);
        let length = 40 + random.below(500);
        let input: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
        let outcome = std::panic::catch_unwind(|| super::client::check(&input));
        let run = outcome.unwrap_or_else(|_| panic!("seed {seed} breaks a promise"));
        (hash ^ run).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
