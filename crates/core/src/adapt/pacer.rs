//! The pacer: how many attempts may be sent per second. It is off until the evidence says "rate".
//!
//! A token bucket so shallow that it paces and does not burst, whose rate follows the same curve as
//! the window: back to what was measured, along it, then past it.

use std::time::Duration;

use super::curve::{Curve, REFUTED};
use super::value::within;
use crate::time::Instant;

/// The share of a measured rate that a refusal leaves.
const KEPT: f64 = 0.95;

/// One refusal never takes more than this share away: a single bad stretch must not ruin the rate.
const FLOOR: f64 = 0.7;

/// Seconds of rate that may be saved up. A deeper bucket would burst into the server's.
const DEPTH_S: f64 = 0.1;

/// The slowest rate, per second: below it a limiter would seem dead.
const SLOWEST: f64 = 0.05;

/// The fastest rate, per second: a bound for the arithmetic, out of any client's reach.
const FASTEST: f64 = 1e6;

/// Growth per step is counted for one second at most, so that a machine that slept learns nothing.
const STEP_S: f64 = 1.0;

/// A rate that is known to be too low grows so many times as fast: it doubles in a little over a second.
const CATCHING_UP: f64 = 2.2;

/// The pacer of one limiter.
#[derive(Debug, Clone, Default)]
pub(super) struct Pacer {
    on: bool,
    /// The measured rate, per second.
    measured: f64,
    /// Seconds since it was measured during which it was what held attempts back.
    age: f64,
    tokens: f64,
    refilled: Instant,
    /// Whether the next attempt waits for a token, and for nothing else.
    waiting: bool,
    /// Whether the rate was measured while something else held attempts back.
    too_low: bool,
}

impl Pacer {
    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    /// The rate per second that is allowed now.
    pub(super) fn rate(&self, span: f64) -> f64 {
        within(
            self.measured * curve(span).factor(self.age),
            SLOWEST,
            FASTEST,
        )
    }

    pub(super) fn is_below_level(&self, span: f64) -> bool {
        self.age < curve(span).recovery()
    }

    /// Nobody could have been sent until `now` for another reason: no tokens gather meanwhile.
    pub(super) fn rest(&mut self, now: Instant) {
        self.waiting = false;
        self.refilled = now;
    }

    /// Takes away what has gathered, as after a time in which nothing was sent.
    pub(super) fn empty(&mut self, now: Instant) {
        self.tokens = 0.0;
        self.refilled = now;
    }

    /// When the next attempt may be sent; `None` means now.
    pub(super) fn next(&mut self, now: Instant, span: f64) -> Option<Instant> {
        let rate = self.rate(span);
        let seconds = (now - self.refilled).as_secs_f64();
        self.tokens = (self.tokens + seconds * rate).min((DEPTH_S * rate).max(1.0));
        if self.waiting {
            let pace = if self.too_low { CATCHING_UP } else { 1.0 };
            self.age += seconds.min(STEP_S) * pace;
        }
        self.refilled = now;
        // A wait is rounded to whole microseconds; this forgives what the rounding lost.
        let missing = 1.0 - self.tokens;
        self.waiting = missing > 1e-9;
        (missing > 1e-9).then(|| now + Duration::from_secs_f64(missing / rate) + MICROSECOND)
    }

    /// One attempt was sent.
    pub(super) fn spend(&mut self) {
        self.tokens -= 1.0;
    }

    /// Switches on at a measured rate. It is believed only so far: growth starts where the curve
    /// doubles, until the next refusal measures again.
    pub(super) fn start(&mut self, now: Instant, rate: f64, span: f64) {
        self.on = true;
        self.measured = (rate / REFUTED).max(SLOWEST);
        self.age = curve(span).refuted();
        self.too_low = false;
        self.empty(now);
    }

    /// Switches on at a rate that was measured while a window was in the way. Where it was on before,
    /// it goes on from there; at the first time only growing can tell how much too low the rate is.
    pub(super) fn start_from_below(&mut self, now: Instant, rate: f64, span: f64) {
        if self.measured > 0.0 {
            self.on = true;
            self.measured = self.measured.max(rate);
            self.age = 0.0;
            self.empty(now);
        } else {
            self.start(now, rate, span);
            self.too_low = true;
        }
    }

    pub(super) fn stop(&mut self) {
        self.on = false;
    }

    /// A refusal while pacing: `measured` is what the server let through per second since it last
    /// ran dry, if enough was sent to say. `floor` is false where the server asked for silence
    /// during most of that time, so that a low figure is no fluke.
    pub(super) fn cut(&mut self, now: Instant, measured: Option<f64>, floor: bool, span: f64) {
        let rate = self.rate(span);
        let lowest = if floor { FLOOR * rate } else { SLOWEST };
        self.measured = measured.unwrap_or(rate * KEPT).min(rate).max(lowest);
        self.age = 0.0;
        self.too_low = false;
        self.empty(now);
    }
}

const MICROSECOND: Duration = Duration::from_micros(1);

fn curve(span: f64) -> Curve {
    Curve { kept: KEPT, span }
}
