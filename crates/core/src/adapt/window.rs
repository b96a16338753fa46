//! The window: how many attempts may be in flight. It is always on.
//!
//! It starts by doubling, learns a level at the first refusal, and from then on grows along the
//! curve, but only while it is in use: idle time is no evidence.

use libm::{exp2, log2};

use super::curve::{Curve, DOUBLING, REFUTED};
use super::value::within;

/// The share of the level that a cut keeps. The level is measured, not guessed: one below the
/// number at which the server refused. A cut has to clear that measurement's noise and no more.
pub(super) const KEPT: f64 = 0.93;

/// The share of the load that an overloaded server is left with. Unlike a 429, a 503 does not say
/// where the limit is, so the cut is deeper and the number in flight only its upper bound.
const KEPT_OVERLOADED: f64 = 0.7;

/// Seconds per doubling at the start: nine per cent in ten milliseconds. A refusal that takes
/// twenty milliseconds to arrive then finds the window a fifth too large, not twice.
const START_DOUBLING_S: f64 = 0.08;

/// How far beyond the largest load already answered the doubling may go. It bounds the bet on
/// servers that queue everything and so never refuse.
const BOLDNESS: f64 = 4.0;

/// Seconds after which twice the load counts as answered, as long as neither an answer nor a
/// refusal has come: a refusal comes at once, and an answer may take a minute.
const PATIENCE_S: f64 = 2.0;

/// The largest load that counts as answered for that. A server that works at 32 of them and keeps
/// the others waiting would else be given ever more for as long as a minute.
const PATIENCE_MAX: f64 = 64.0;

/// The same, once it is known that this server slows down instead of refusing.
const BOLDNESS_WARNED: f64 = 2.0;

/// After a pause the window restarts at this share of its level.
const RESTART: f64 = 0.25;

/// A climb that ends within one per cent of the level has reached it.
const REACHED: f64 = 0.99;

/// How the window grows at present.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Growth {
    /// No level yet, or the level was refuted.
    Doubling,
    /// Back to a known place after a pause, quickly but not at once.
    Climbing { to: f64 },
    /// Along the curve, for so many seconds of use.
    Curve { age: f64 },
    /// The ladder sets it.
    Held,
}

/// What growing needs to know from outside the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    /// The curve's span in seconds.
    pub(super) span: f64,
    /// How long a refusal takes to arrive, in seconds.
    pub(super) refusal_delay: f64,
    /// Whether the server has ever refused.
    pub(super) refused_before: bool,
    /// Whether the server is known to slow down instead of refusing.
    pub(super) slows_down: bool,
    /// Whether a pacer carries the limit, so that the window may follow its curve to the end.
    pub(super) paced: bool,
}

/// The window of one limiter.
#[derive(Debug, Clone)]
pub(super) struct Window {
    ceiling: f64,
    /// What the server was last seen to bear.
    level: f64,
    /// What is allowed now.
    limit: f64,
    growth: Growth,
    /// The largest number in flight that was answered while doubling.
    answered: f64,
    /// Whether any was.
    is_heard: bool,
}

impl Window {
    pub(super) fn new(ceiling: u32, initial: u32) -> Self {
        let ceiling = f64::from(ceiling.max(1));
        let initial = f64::from(initial.max(1));
        Self {
            ceiling,
            level: ceiling,
            limit: initial.min(ceiling),
            growth: Growth::Doubling,
            answered: initial,
            is_heard: false,
        }
    }

    /// Whole attempts that may be in flight.
    pub(super) fn open(&self) -> u32 {
        self.limit.floor().max(1.0) as u32
    }

    pub(super) fn limit(&self) -> f64 {
        self.limit
    }

    pub(super) fn level(&self) -> f64 {
        self.level
    }

    pub(super) fn ceiling(&self) -> f64 {
        self.ceiling
    }

    pub(super) fn is_doubling(&self) -> bool {
        self.growth == Growth::Doubling
    }

    pub(super) fn is_on_curve(&self) -> bool {
        matches!(self.growth, Growth::Curve { .. })
    }

    /// Whether the limit is still below the level it was cut from.
    pub(super) fn is_below_level(&self, span: f64) -> bool {
        matches!(self.growth, Growth::Curve { age } if age < curve(span).recovery())
    }

    /// Whether so many in flight use it enough for growth to mean something.
    pub(super) fn is_used_by(&self, in_flight: u32) -> bool {
        2.0 * f64::from(in_flight) >= self.limit
    }

    pub(super) fn set_ceiling(&mut self, ceiling: u32) {
        self.ceiling = f64::from(ceiling.max(1));
        self.level = self.level.min(self.ceiling);
        self.limit = self.limit.min(self.ceiling);
        if let Growth::Climbing { to } = &mut self.growth {
            *to = to.min(self.ceiling);
        }
    }

    /// Lets `seconds` of use pass. True where the curve has just refuted the level: somebody must
    /// decide what comes next.
    pub(super) fn grow(&mut self, seconds: f64, around: Surroundings) -> bool {
        match self.growth {
            Growth::Held => false,
            Growth::Doubling => {
                let cap = self.doubling_cap(around);
                if self.limit < cap {
                    let doublings = seconds / start_doubling(around);
                    self.limit = (self.limit * exp2(doublings)).min(cap);
                } else if self.is_patient() {
                    let answered = self.answered * exp2(seconds / PATIENCE_S);
                    self.answered = answered.min(PATIENCE_MAX);
                    self.limit = self.doubling_cap(around);
                }
                false
            }
            Growth::Climbing { to } => {
                self.limit = (self.limit * exp2(seconds / climb_doubling(around))).min(to);
                if self.limit >= to {
                    self.arrive(to, around.span);
                }
                false
            }
            Growth::Curve { age } => {
                let age = age + seconds;
                self.growth = Growth::Curve { age };
                let factor = curve(around.span).factor(age);
                let refuted = factor >= REFUTED && !around.paced;
                let factor = if refuted { REFUTED } else { factor };
                self.limit = within(self.level * factor, 1.0, self.ceiling);
                refuted
            }
        }
    }

    /// The seconds of use after which one more attempt will be allowed, if time alone can do it.
    pub(super) fn next_rise(&self, around: Surroundings) -> Option<f64> {
        let next = f64::from(self.open()) + 1.0;
        if next > self.ceiling {
            return None;
        }
        match self.growth {
            Growth::Held => None,
            Growth::Doubling if next <= self.doubling_cap(around) => {
                Some(start_doubling(around) * log2(next / self.limit))
            }
            Growth::Doubling => self
                .is_patient()
                .then(|| PATIENCE_S * log2(next / self.limit)),
            Growth::Climbing { to } => {
                Some(climb_doubling(around) * log2(next.min(to) / self.limit))
            }
            Growth::Curve { age } => {
                let curve = curve(around.span);
                let risen = curve.age(next / self.level);
                let until = if around.paced {
                    risen
                } else {
                    risen.min(curve.refuted())
                };
                Some(until - age)
            }
        }
    }

    /// Notes that an attempt was answered that had so many beside it.
    pub(super) fn answered(&mut self, in_flight: u32) {
        self.is_heard = true;
        if matches!(self.growth, Growth::Doubling | Growth::Climbing { .. }) {
            self.answered = self.answered.max(f64::from(in_flight));
        }
    }

    /// The server refused at `in_flight`: one less is the level.
    pub(super) fn cut(&mut self, in_flight: u32) {
        self.cut_to(f64::from(in_flight) - 1.0);
    }

    /// The server says that `in_flight` were too much for it.
    pub(super) fn cut_for_overload(&mut self, in_flight: u32) {
        self.cut_to(f64::from(in_flight) * KEPT_OVERLOADED / KEPT);
    }

    fn cut_to(&mut self, level: f64) {
        self.level = within(level, 1.0, self.ceiling);
        self.limit = (self.level * KEPT).max(1.0);
        self.growth = Growth::Curve { age: 0.0 };
    }

    /// An older attempt shows that the level was lower than the first refusal said: corrects it
    /// without another cut.
    pub(super) fn correct(&mut self, in_flight: u32) -> bool {
        let seen = f64::from(in_flight) - 1.0;
        if seen >= self.level || self.level <= 1.0 || self.growth == Growth::Held {
            return false;
        }
        let share = seen.max(1.0) / self.level;
        self.level *= share;
        self.limit = (self.limit * share).max(1.0);
        if let Growth::Climbing { to } = &mut self.growth {
            *to = (*to * share).max(1.0);
        }
        true
    }

    /// After a gate: back to where the window is, from a quarter of the level.
    pub(super) fn climb_back(&mut self) {
        self.growth = Growth::Climbing { to: self.limit };
        self.limit = (self.level * RESTART).max(1.0);
    }

    /// After a blocked time: back to the level, or to the one that held before it.
    pub(super) fn climb_from_probe(&mut self, level_before: Option<f64>) {
        if let Some(level) = level_before {
            self.level = within(level, 1.0, self.ceiling);
        }
        self.growth = Growth::Climbing { to: self.level };
        self.limit = (self.level * RESTART).max(1.0);
    }

    /// The limit is a rate after all: keep the window out of the pacer's way, at this level.
    pub(super) fn stand_back(&mut self, level: f64, span: f64) {
        self.level = within(level, 1.0, self.ceiling);
        self.limit = self.level;
        self.growth = Growth::Curve {
            age: curve(span).recovery(),
        };
    }

    /// The same where nothing contradicts the ceiling.
    pub(super) fn open_fully(&mut self) {
        self.level = self.ceiling;
        self.limit = self.ceiling;
    }

    /// The level is refuted: double from here.
    pub(super) fn double_from_level(&mut self) {
        self.growth = Growth::Doubling;
        self.answered = self.level;
    }

    /// The ladder takes the window over, at a level and a limit of its choice.
    pub(super) fn hold(&mut self, level: f64, limit: f64) {
        self.level = within(level, 1.0, self.ceiling);
        self.limit = within(limit, 1.0, self.ceiling);
        self.growth = Growth::Held;
    }

    /// The ladder is left: grow along the curve from here.
    pub(super) fn release(&mut self) {
        if self.growth == Growth::Held {
            self.growth = Growth::Curve { age: 0.0 };
        }
    }

    /// The ladder gives it back at the ceiling.
    pub(super) fn settle_at_ceiling(&mut self) {
        self.level = self.ceiling;
        self.growth = Growth::Curve { age: 0.0 };
    }

    fn is_patient(&self) -> bool {
        !self.is_heard && self.answered < PATIENCE_MAX
    }

    fn doubling_cap(&self, around: Surroundings) -> f64 {
        let boldness = if around.slows_down {
            BOLDNESS_WARNED
        } else {
            BOLDNESS
        };
        (boldness * self.answered).min(self.ceiling)
    }

    fn arrive(&mut self, to: f64, span: f64) {
        let at_level = to >= REACHED * self.level;
        let age = if at_level {
            curve(span).recovery()
        } else {
            0.0
        };
        self.growth = Growth::Curve { age };
    }
}

fn curve(span: f64) -> Curve {
    Curve { kept: KEPT, span }
}

fn start_doubling(around: Surroundings) -> f64 {
    if around.refused_before {
        DOUBLING
    } else {
        START_DOUBLING_S
    }
}

fn climb_doubling(around: Surroundings) -> f64 {
    START_DOUBLING_S.max(2.0 * around.refusal_delay)
}
