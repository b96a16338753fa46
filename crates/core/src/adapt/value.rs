//! What goes into the rule and what comes out of it, as plain values.

use std::time::Duration;

use crate::time::Instant;

/// What the caller decides about a limiter. Everything else, the rule finds by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Never more than this many attempts in flight. At least 1; default [`Options::AUTOMATIC`].
    pub ceiling: u32,
    /// How many attempts may be in flight before the server has answered anything. Default 16:
    /// more starts faster and is refused more often on jobs shorter than the start.
    pub initial: u32,
    /// Whether refusals shrink the working limit. Default true. Without it `ceiling` is the limit,
    /// and only a server's explicit hints hold requests back.
    pub adaptive: bool,
    /// Whether to recognise servers that refuse a share of all requests at random, whatever the
    /// load, and to disregard those refusals. Default true. The price: several clients of one limit
    /// look like chance to each other, so their shares differ by up to two instead of one and a half.
    pub noise: bool,
    /// Whether to look for the point at which more requests in flight only make each one slower,
    /// on servers that queue instead of refusing. Default true.
    pub ladder: bool,
    /// A part of the rule to leave out, so that a bench can tell what it is worth. Default none.
    #[doc(hidden)]
    pub without: Option<Part>,
}

/// The parts that can be left out of the rule, one at a time.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The belief that a limit may be a rate.
    Pacer,
    /// One probe at a time while a server refuses everything.
    Probes,
    /// Attempts above a full window after a cut.
    Trial,
    /// Refusals of older attempts correct the first guess.
    Correction,
    /// A climb to the level after a pause, instead of starting there.
    Climb,
    /// A longer span where a refusal costs a pause.
    LongSpan,
    /// A bound on what one refusal takes from a rate.
    Floor,
}

impl Options {
    /// The ceiling where the caller gave none: a bound, since everything has one, that no single
    /// client reaches in practice.
    pub const AUTOMATIC: u32 = 10_000;

    /// The defaults below a ceiling.
    pub fn at_most(ceiling: u32) -> Self {
        Self {
            ceiling,
            ..Self::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ceiling: Self::AUTOMATIC,
            initial: 16,
            adaptive: true,
            noise: true,
            ladder: true,
            without: None,
        }
    }
}

/// What an attempt was sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be answered.
    Ordinary,
    /// To ask, alone, whether a server that refuses everything has recovered.
    Probe,
    /// To ask whether a full window is a limit at all.
    Trial,
}

/// The tag of one attempt. The rule gives it out at the start and wants it back at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// When the attempt was sent.
    pub at: Instant,
    /// Which attempt of this limiter it was, counted from 1.
    pub serial: u64,
    /// How many were in flight then, this one included.
    pub in_flight: u32,
    /// Why it was sent.
    pub purpose: Purpose,
}

/// A server's refusal to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusal {
    /// For how long the server asked us to stay away, if it said so.
    pub hint: Option<Duration>,
    /// Whether it reported its own overload (503, say) rather than our excess (429).
    pub overload: bool,
}

/// The answer to "may one more attempt be sent now?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes. Whoever was told so either calls `sent` next or asks again later.
    Go,
    /// Not before this instant, unless something ends earlier: then ask again.
    Wait(Instant),
    /// Not until an attempt in flight ends.
    UntilChange,
}

/// The rule's present view of the server, for people and for tests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// How many attempts may be in flight.
    pub limit: f64,
    /// How many are.
    pub in_flight: u32,
    /// Attempts per second, where the server's limit was found to be a rate.
    pub rate: Option<f64>,
    /// How many refusals in a row nothing but a single probe has followed. 0: not blocked.
    pub blocked: u32,
    /// Before this instant nothing is sent.
    pub gate: Instant,
}

impl Snapshot {
    /// Whether the server refuses everything, and is at work on nothing.
    pub const fn refuses_all(&self) -> bool {
        self.blocked > 0 && self.in_flight == 0
    }
}

/// `value`, or the bound that it exceeds. Unlike the library's `clamp` it cannot panic, which spares
/// the module the code that prints floats.
pub(super) fn within(value: f64, low: f64, high: f64) -> f64 {
    value.max(low).min(high)
}
