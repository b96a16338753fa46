//! The ladder: finds the knee of a server that never refuses but gets slower.
//!
//! Below the knee more load costs no time, above it each answer takes longer in proportion. By
//! Little's law "time per unit of output grows faster than the square root of the load" says that
//! doubling the load brings less than 41 % more throughput: that is called past the knee. Time per
//! unit needs no window of measurement, so it is far less noisy than throughput.
//!
//! A rung is a load that is held until enough answers came to compare it with another one.

use std::f64::consts::LN_2;

use libm::log2;

use super::sums::{Answer, Sums};
use super::value::within;
use super::window::Window;
use crate::time::Instant;

/// Answers count as no faster than this, in seconds. Nobody gains by waiting less; and where many are under
/// way it is often the client that they wait for, which a lower load does not spare.
const FAST_S: f64 = 0.02;

/// Answers per rung, at least: fewer leave the time per unit of ordinary answers undecided.
const SAMPLES: f64 = 32.0;

/// … and this many per attempt in flight, since the first answers after a step are the short ones.
const SAMPLES_PER_LOAD: f64 = 2.0;

/// After this many answers the likelier verdict is taken, however close.
const SAMPLES_FINAL: f64 = 384.0;

/// A rung of the rest state starts again after so many answers, so that it describes the present.
const SAMPLES_KEPT: f64 = 256.0;

/// Answers without which a rung is not compared at all.
const SAMPLES_FEWEST: f64 = 8.0;

/// Differences of this many standard errors decide: two are wrong about once in twenty.
const CERTAINTY: f64 = 2.0;

/// Answers count for a rung within this share of its load.
const NEAR: f64 = 0.06;

/// Two loads within this share of each other are the same rung.
const SAME_LOAD: f64 = 0.08;

/// The rung above the level, to see whether more helps.
const UP: f64 = 1.25;

/// The rung below it: by default, at the lowest and at most as far as the slowdown suggests.
const DOWN: f64 = 0.8;
const DOWN_MOST: f64 = 0.5;

/// The first step off an overshoot goes down to a quarter at most.
const RETREAT_MOST: f64 = 0.25;

/// From this slowdown against the best on, the rung below is looked at after one step up …
const SLOWED: f64 = 1.12;

/// … and at the ceiling, which nothing lies above, from this one on.
const SLOWED_AT_CEILING: f64 = 1.25;

/// After each so many steps up in vain, the rung below is looked at anyway: lengths may have changed.
const LOOK_DOWN_EVERY: u32 = 4;

/// Steps up in a row that were no loss, after which the knee is history.
const CLIMBS: u32 = 3;

/// The best time per unit ages by so much per step, so that one lucky rung does not bind for ever.
const AGEING: f64 = 1.03;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Rung {
    Below,
    Level,
    Above,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Past,
    NotPast,
    Unsure,
}

/// The ladder of one limiter.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    rung: Option<Rung>,
    since: Instant,
    level: f64,
    /// While doubling: the load up to which answers belong to the reference.
    anchor: f64,
    reference: Sums,
    current: Sums,
    /// Answers still to be passed over on this rung: they were sent at another load.
    passing_over: f64,
    /// The least seconds per unit seen; 0 before there is one.
    best: f64,
    down: f64,
    climbs: u32,
    vain_climbs: u32,
    /// Whether a knee was ever found: the server slows down instead of refusing.
    found: bool,
}

impl Ladder {
    pub(super) fn new(initial: u32) -> Self {
        Self {
            rung: None,
            since: Instant::ZERO,
            level: 0.0,
            anchor: f64::from(initial),
            reference: Sums::default(),
            current: Sums::default(),
            passing_over: 0.0,
            best: 0.0,
            down: DOWN,
            climbs: 0,
            vain_climbs: 0,
            found: false,
        }
    }

    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// A refusal is better evidence than any latency: forget what was compared.
    pub(super) fn leave(&mut self) {
        self.rung = None;
        self.reference = Sums::default();
        self.current = Sums::default();
    }

    /// The window doubles from `level`: what lies above is compared with what lies there.
    pub(super) fn watch_doubling(&mut self, level: f64) {
        self.anchor = level;
        self.current = Sums::default();
    }

    /// The curve refuted the level. True where the ladder goes on from there instead of doubling.
    pub(super) fn take_over(&mut self, now: Instant, window: &mut Window) -> bool {
        let takes = self.found
            && window.limit() < window.ceiling()
            && self.reference.count >= SAMPLES_FEWEST;
        if takes {
            self.level = window.level();
            self.step_to(Rung::Above, now, window);
        }
        takes
    }

    /// Hears an answer and moves the window where it tells enough.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        span: f64,
        answer: &Answer,
        window: &mut Window,
    ) {
        let answer = Answer {
            seconds: answer.seconds.max(FAST_S),
            ..*answer
        };
        let Some(rung) = self.rung else {
            if window.is_doubling() {
                self.watch(now, &answer, window);
            } else if window.is_on_curve() {
                self.rest(&answer, window);
            }
            return;
        };
        if self.counts(&answer, window) {
            self.judge(rung, now, span, window);
        }
    }

    /// At rest around the level: keep a figure for it at hand.
    fn rest(&mut self, answer: &Answer, window: &Window) {
        let level = window.level();
        if answer.load > 0.85 * level && answer.load <= 1.08 * level {
            if self.reference.count >= SAMPLES_KEPT {
                self.reference = Sums::default();
            }
            self.reference.add(answer);
        }
    }

    /// While doubling: compare what is above the anchor with what is below, and move the anchor up.
    fn watch(&mut self, now: Instant, answer: &Answer, window: &mut Window) {
        if answer.load <= 1.05 * self.anchor {
            self.reference.add(answer);
        } else {
            self.current.add(answer);
        }
        if self.reference.count < SAMPLES_FEWEST && self.current.count >= SAMPLES {
            self.move_anchor();
        }
        if self.reference.count >= 0.5 * SAMPLES {
            let seconds = self.reference.seconds_per_unit();
            self.best = if self.best > 0.0 {
                self.best.min(seconds)
            } else {
                seconds
            };
        }
        let verdict = self.verdict(window.limit());
        if verdict != Verdict::Unsure && self.best <= 0.0 {
            // The answers that it was compared with were too few to be believed before.
            self.best = self.reference.seconds_per_unit();
        }
        match verdict {
            Verdict::Past => {
                let share = (self.best / self.current.seconds_per_unit()).max(RETREAT_MOST);
                self.retreat(self.current.mean_load() * share, DOWN, now, window);
            }
            Verdict::NotPast => {
                let slowed = self.current.seconds_per_unit() / self.best;
                if window.limit() >= window.ceiling() && slowed > SLOWED_AT_CEILING {
                    self.retreat(window.ceiling(), down_for(slowed), now, window);
                } else {
                    self.move_anchor();
                }
            }
            Verdict::Unsure => {}
        }
    }

    fn move_anchor(&mut self) {
        self.anchor = self.anchor.max(self.current.mean_load());
        self.reference = self.current;
        self.current = Sums::default();
    }

    fn retreat(&mut self, level: f64, down: f64, now: Instant, window: &mut Window) {
        self.found = true;
        self.level = within(level, 1.0, window.ceiling());
        self.down = down;
        self.reference = Sums::default();
        self.step_to(Rung::Below, now, window);
    }

    /// Whether an answer describes the present rung; if so, it is added to it.
    fn counts(&mut self, answer: &Answer, window: &Window) -> bool {
        let off = (answer.load - window.limit()).abs();
        if answer.sent <= self.since || off > (NEAR * window.limit()).max(1.0) {
            return false;
        }
        if self.passing_over > 0.0 {
            self.passing_over -= 1.0;
            return false;
        }
        self.current.add(answer);
        if self.current.count > (1.5 * SAMPLES_FINAL).max(8.0 * window.limit()) {
            self.current.fade();
        }
        true
    }

    fn judge(&mut self, rung: Rung, now: Instant, span: f64, window: &mut Window) {
        match rung {
            Rung::Below => {
                let enough = SAMPLES.max(SAMPLES_PER_LOAD * window.limit());
                if self.current.count >= enough && self.current.is_exact() {
                    self.reference = self.current;
                    self.step_to(Rung::Level, now, window);
                }
            }
            Rung::Level => self.judge_level(now, span, window),
            Rung::Above => match self.verdict(window.limit()) {
                Verdict::Past => self.turn_back(now, window),
                Verdict::NotPast => self.climb(now, window),
                Verdict::Unsure => {}
            },
        }
    }

    /// On the level: past the knee, go down; not past it, hold for a span, then look above. Where answers are
    /// fast there is nothing to hold for: a client that was slow to begin with has met a knee that is none.
    fn judge_level(&mut self, now: Instant, span: f64, window: &mut Window) {
        let confirmed = self.reference.count >= SAMPLES_FEWEST
            && (self.reference.mean_load() / self.level - 1.0).abs() < SAME_LOAD;
        let verdict = if !confirmed {
            self.verdict(window.limit())
        } else if self.current.count >= SAMPLES && self.current.is_exact() {
            Verdict::NotPast
        } else {
            Verdict::Unsure
        };
        match verdict {
            Verdict::Past => {
                self.level *= self.down;
                let below = self.reference;
                if !self.looks_down(below.seconds_per_unit(), now, window) {
                    self.step_to(Rung::Level, now, window);
                    self.current = below;
                }
            }
            Verdict::NotPast if self.is_fast() || (now - self.since).as_secs_f64() >= span => {
                if !confirmed {
                    self.best = self.reference.seconds_per_unit();
                }
                self.reference = self.current;
                self.step_to(Rung::Above, now, window);
                if window.limit() >= window.ceiling() {
                    self.rung = None;
                    window.settle_at_ceiling();
                }
            }
            _ => {}
        }
    }

    fn is_fast(&self) -> bool {
        self.current.mean_seconds() <= SLOWED * FAST_S
    }

    /// More did not help: back to the level, or look below it where it is slow or it is time to.
    fn turn_back(&mut self, now: Instant, window: &mut Window) {
        let seconds = self.reference.seconds_per_unit();
        self.found = true;
        self.climbs = 0;
        self.vain_climbs += 1;
        self.best = if self.best > 0.0 {
            (self.best * AGEING).min(seconds)
        } else {
            seconds
        };
        if self.vain_climbs.is_multiple_of(LOOK_DOWN_EVERY) {
            self.look_down(seconds, now, window);
        } else if !self.looks_down(seconds, now, window) {
            self.step_to(Rung::Level, now, window);
        }
    }

    /// More helped: that is the level now. After a few such steps the knee is history.
    fn climb(&mut self, now: Instant, window: &mut Window) {
        self.climbs += 1;
        self.level = window.limit();
        self.reference = self.current;
        if self.climbs >= CLIMBS || !self.found {
            self.rung = None;
            window.hold(self.level, self.level);
            window.double_from_level();
            self.watch_doubling(self.level);
        } else {
            self.step_to(Rung::Above, now, window);
        }
    }

    /// Steps below the level if it is slow against the best; tells whether it did.
    fn looks_down(&mut self, seconds: f64, now: Instant, window: &mut Window) -> bool {
        let slow = seconds > SLOWED * self.best;
        if slow {
            self.look_down(seconds, now, window);
        }
        slow
    }

    fn look_down(&mut self, seconds: f64, now: Instant, window: &mut Window) {
        self.down = down_for(seconds / self.best);
        self.reference = Sums::default();
        self.step_to(Rung::Below, now, window);
    }

    fn step_to(&mut self, rung: Rung, now: Instant, window: &mut Window) {
        let share = match rung {
            Rung::Below => self.down,
            Rung::Level => 1.0,
            Rung::Above => UP,
        };
        window.hold(self.level, self.level * share);
        self.rung = Some(rung);
        self.since = now;
        self.passing_over = window.limit();
        self.current = Sums::default();
    }

    /// Compares the current load with the reference, a smaller one.
    fn verdict(&self, limit: f64) -> Verdict {
        let (reference, current) = (&self.reference, &self.current);
        if reference.count < SAMPLES_FEWEST || current.count < SAMPLES_FEWEST {
            return Verdict::Unsure;
        }
        let enough = match self.rung {
            Some(_) => SAMPLES.max(SAMPLES_PER_LOAD * limit),
            None => SAMPLES,
        };
        let slowdown = log2(current.seconds_per_unit() / reference.seconds_per_unit());
        let growth = log2(current.mean_load() / reference.mean_load());
        // The variances are those of natural logarithms.
        let excess = LN_2 * (slowdown - 0.5 * growth);
        let error = CERTAINTY * (reference.variance() + current.variance()).sqrt();
        let is_final = current.count >= enough.max(SAMPLES_FINAL);
        if current.count >= enough && (excess > error || is_final && excess > 0.0) {
            Verdict::Past
        } else if current.count >= enough && (excess < -error || is_final) {
            Verdict::NotPast
        } else {
            Verdict::Unsure
        }
    }
}

fn down_for(slowed: f64) -> f64 {
    within(1.0 / slowed, DOWN_MOST, DOWN)
}
