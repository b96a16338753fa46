//! A point in time as the core sees it: microseconds since its platform began.
//!
//! It is a plain number, the same natively, in wasm and under a virtual clock, so that a decision
//! that depends on time can be written down and replayed.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A monotonic instant, counted in microseconds from an origin that each platform chooses.
///
/// Instants of different platforms must not be compared.
///
/// ```
/// use kneepoint_core::Instant;
/// use std::time::Duration;
///
/// let sent = Instant::from_micros(2_000_000);
/// let answered = sent + Duration::from_millis(350);
/// assert_eq!(answered - sent, Duration::from_millis(350));
/// assert_eq!(sent - answered, Duration::ZERO); // clocks that step back never panic
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The platform's origin.
    pub const ZERO: Self = Self(0);

    /// The instant that lies `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Seconds since the origin, for arithmetic on rates.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates: the far future is as good as any later one.
    fn add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// Zero where `earlier` is in truth the later one.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}
