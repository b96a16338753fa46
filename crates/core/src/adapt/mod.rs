//! The adaptive rule: how many attempts may be in flight, and how many per second, found from
//! nothing but the times of answers and refusals.
//!
//! It is pure: values and `now` in, decisions out. It has no clock, no dice and no queue, it never
//! allocates after `new`, and its state has a fixed size. `README.md` beside this file explains the
//! rule, its constants and what it cannot do.

mod curve;
mod evidence;
mod ladder;
mod meter;
mod noise;
mod pacer;
mod probe;
mod sums;
mod trial;
mod value;
mod verdict;
mod window;

use std::time::Duration;

use crate::time::Instant;
use evidence::Evidence;
use ladder::Ladder;
use meter::Meter;
use noise::Noise;
use pacer::Pacer;
use probe::{Blocked, Turn};
use sums::Answer;
use trial::{Full, Step, Trial};
use value::within;
pub use value::{Admission, Options, Part, Purpose, Refusal, Sent, Snapshot};
use window::{Surroundings, Window};

/// Seconds that set the curves' width: one look beyond the level each twelve to twenty seconds.
/// Each costs a refusal, and sixteen slots of four seconds answer only four times a second.
const SPAN_S: f64 = 20.0;

/// A look beyond that costs a pause of `h` must be rare: the span is 30 h, within a minute.
const SPAN_PER_HINT: f64 = 30.0;
const SPAN_LONGEST_S: f64 = 60.0;

/// A refusal is taken to have arrived, if one comes, after twice its usual delay and this much.
const PATIENCE: Duration = Duration::from_millis(50);

/// The same before any refusal was seen.
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(1);

/// What each new refusal weighs in the usual delay, if it came sooner. Slower ones count at once.
const DELAY_WEIGHT: f64 = 0.1;

/// A refusal is not waited for longer than twice this, however long one once took.
const DELAY_LONGEST_S: f64 = 3.5;

/// Time counts as growth by this much per step at most, so that a machine that slept has not grown.
const STEP_S: f64 = 1.0;

/// Where the limit turns out to be a rate, the window steps back to so many times the number at
/// which the server refused: out of the pacer's way, yet still a bound.
const ROOM: f64 = 2.0;

/// Timers are no finer than this anywhere, so no wake-up is asked for sooner.
const TICK: Duration = Duration::from_millis(1);

/// No pause after a hint is shorter, whatever the server says.
const HINT_SHORTEST: Duration = Duration::from_millis(50);

/// The end of a pause is spread over a tenth of it, within a second, so that no herd returns.
const HINT_SPREAD: f64 = 0.1;
const HINT_SPREAD_LONGEST_S: f64 = 1.0;

/// The adaptive rule of one limiter.
///
/// ```
/// use kneepoint_core::Instant;
/// use kneepoint_core::adapt::{Admission, Options, Refusal, Rule};
/// use std::time::Duration;
///
/// let now = Instant::from_micros(1_000);
/// let mut rule = Rule::new(Options { ceiling: 8, ..Options::default() }, now);
/// assert_eq!(rule.admit(now), Admission::Go);
/// let sent = rule.sent(now, false);
///
/// // The server refuses and names a pause: nothing goes out before its end.
/// let later = now + Duration::from_millis(20);
/// let hint = Some(Duration::from_secs(2));
/// rule.refused(later, sent, Refusal { hint, overload: false }, 0.5);
/// assert!(matches!(rule.admit(later), Admission::Wait(at) if at >= later + Duration::from_secs(2)));
/// ```
#[derive(Debug, Clone)]
pub struct Rule {
    options: Options,
    in_flight: u32,
    /// Attempts sent so far.
    sends: u64,
    /// What the next attempt is for, as `admit` said.
    purpose: Purpose,
    /// Up to when growth has been counted.
    counted: Instant,
    gate: Instant,
    span: f64,
    /// The usual delay of a refusal in seconds; 0 before the first.
    refusal_delay: f64,
    /// The shortest one: no round trip takes longer.
    round_trip: f64,
    epoch: Epoch,
    overloaded: Option<Instant>,
    window: Window,
    pacer: Pacer,
    meter: Meter,
    evidence: Evidence,
    blocked: Blocked,
    trial: Trial,
    noise: Noise,
    ladder: Ladder,
}

/// The time since the last decision. Attempts sent before it tell nothing new about the level.
#[derive(Debug, Clone, Copy, Default)]
struct Epoch {
    started: Instant,
    /// The last attempt sent before it, and before the one before. 0: there was none.
    after: u64,
    after_before: u64,
    /// Whether the server ever refused.
    refused: bool,
}

impl Rule {
    /// A rule that knows nothing yet.
    pub fn new(options: Options, now: Instant) -> Self {
        Self {
            in_flight: 0,
            sends: 0,
            purpose: Purpose::Ordinary,
            counted: now,
            gate: now,
            span: SPAN_S,
            refusal_delay: 0.0,
            round_trip: f64::INFINITY,
            epoch: Epoch::default(),
            overloaded: None,
            window: Window::new(options.ceiling, options.initial),
            pacer: Pacer::default(),
            meter: Meter::starting(now, 1),
            evidence: Evidence::default(),
            blocked: Blocked::default(),
            trial: Trial::default(),
            noise: Noise::default(),
            ladder: Ladder::new(options.initial),
            options,
        }
    }

    /// May one more attempt be sent?
    pub fn admit(&mut self, now: Instant) -> Admission {
        self.purpose = Purpose::Ordinary;
        if self.in_flight >= self.options.ceiling.max(1) {
            return Admission::UntilChange;
        }
        if now < self.gate {
            return Admission::Wait(self.gate);
        }
        if !self.options.adaptive {
            return Admission::Go;
        }
        match self.blocked.turn(now, self.patience()) {
            Turn::Free => {}
            Turn::Wait(until) => return Admission::Wait(until),
            Turn::Probe => {
                self.purpose = Purpose::Probe;
                return Admission::Go;
            }
            Turn::Recovered => {
                let level_before = self.blocked.forget();
                self.window.climb_from_probe(level_before);
                self.pacer.empty(now);
                self.counted = now;
            }
        }
        self.meter.opened(now);
        self.count_growth(now);
        if self.in_flight >= self.window.open() {
            self.pacer.rest(now);
            return self.admit_above(now);
        }
        self.admit_paced(now)
    }

    /// Notes that an attempt goes out, after `admit` said so. `more` tells whether another one waits
    /// behind it.
    pub fn sent(&mut self, now: Instant, more: bool) -> Sent {
        self.count_growth(now);
        self.in_flight += 1;
        self.sends += 1;
        match self.purpose {
            Purpose::Probe => self.blocked.sent(now),
            Purpose::Trial => {
                let level = self.window.level();
                self.trial.sent(now, self.sends, self.in_flight, level);
            }
            Purpose::Ordinary if self.pacer.is_on() => self.pacer.spend(),
            Purpose::Ordinary => {}
        }
        self.meter.sent(now, self.sends, more, self.blocked.is_on());
        self.noise.sent(self.is_below_level());
        Sent {
            at: now,
            serial: self.sends,
            in_flight: self.in_flight,
            purpose: self.purpose,
        }
    }

    /// An attempt was answered. `units` is its output in tokens, where known.
    pub fn succeeded(&mut self, now: Instant, sent: Sent, units: Option<u64>) {
        let load = 0.5 * (f64::from(sent.in_flight) + f64::from(self.in_flight));
        self.ended(now, sent);
        self.window.answered(sent.in_flight);
        if self.blocked.is_on() {
            if self.is_fresh(sent) {
                self.blocked.answered();
            }
        } else if self.options.ladder && !self.pacer.is_on() {
            let units = units.map_or(1.0, |units| units.max(1) as f64);
            let seconds = (now - sent.at).as_secs_f64();
            let answer = Answer {
                sent: sent.at,
                load,
                units,
                seconds,
            };
            self.ladder
                .answered(now, self.span, &answer, &mut self.window);
        }
    }

    /// An attempt was refused. `unit` is a number drawn evenly from 0 to 1.
    pub fn refused(&mut self, now: Instant, sent: Sent, refusal: Refusal, unit: f64) {
        self.ended(now, sent);
        if self.options.adaptive {
            self.judge(now, sent, refusal, unit);
        }
        if let Some(hint) = refusal.hint {
            self.gate = self.gate.max(now + spread(hint, unit));
        }
    }

    /// An attempt failed in a way that tells nothing about the load, such as a 500. A probe that
    /// failed like that was at least not refused.
    pub fn failed(&mut self, now: Instant, sent: Sent) {
        self.ended(now, sent);
        if self.is_fresh(sent) && sent.purpose == Purpose::Probe {
            self.blocked.answered();
        }
    }

    /// An attempt was given up by its caller, before it was sent or before it ended.
    pub fn abandoned(&mut self, now: Instant, sent: Sent) {
        self.ended(now, sent);
        if self.is_fresh(sent) {
            match sent.purpose {
                Purpose::Probe => self.blocked.withdrawn(),
                Purpose::Trial => self.trial.withdrawn(),
                Purpose::Ordinary => {}
            }
        }
        self.meter.retracted(sent.serial);
    }

    /// The server asked, outside a refusal, for a pause: nothing is sent during it.
    pub fn pause(&mut self, now: Instant, hint: Duration) {
        self.gate = self.gate.max(now + hint.max(HINT_SHORTEST));
        self.meter.closed(now);
    }

    /// Changes the ceiling. Attempts in flight beyond a lower one are left to end by themselves.
    pub fn set_ceiling(&mut self, ceiling: u32) {
        self.options.ceiling = ceiling;
        self.window.set_ceiling(ceiling);
    }

    /// Whether the next attempt asks rather than works, so that it should be a call that has been
    /// refused seldom.
    pub fn is_asking(&self) -> bool {
        self.purpose != Purpose::Ordinary
    }

    /// The present state, for people and for tests.
    pub fn snapshot(&self) -> Snapshot {
        let ceiling = f64::from(self.options.ceiling.max(1));
        Snapshot {
            limit: if self.options.adaptive {
                self.window.limit()
            } else {
                ceiling
            },
            in_flight: self.in_flight,
            rate: self.pacer.is_on().then(|| self.pacer.rate(self.span)),
            blocked: self.blocked.refusals(),
            gate: self.gate,
        }
    }

    fn ended(&mut self, now: Instant, sent: Sent) {
        self.count_growth(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.trial.ended(now, sent.serial, self.round_trip);
    }

    /// The window is full: time may open it, or a trial may show that it is no limit.
    fn admit_above(&mut self, now: Instant) -> Admission {
        let tries = self.has(Part::Trial)
            && self.has(Part::Pacer)
            && !self.pacer.is_on()
            && self.window.is_on_curve()
            && !self.evidence.is_firm();
        let step = if tries {
            let full = Full {
                since: self.epoch.started.max(self.gate),
                level: self.window.level(),
                patience: self.patience(),
            };
            self.trial.step(now, full)
        } else {
            Step::Stay
        };
        let rise = self.next_rise(now);
        match step {
            Step::Stay => rise.map_or(Admission::UntilChange, Admission::Wait),
            Step::Wait(at) => Admission::Wait(rise.map_or(at, |rise| rise.min(at))),
            Step::Try => {
                self.purpose = Purpose::Trial;
                Admission::Go
            }
            Step::Passed => {
                self.trial.after_cut(false);
                self.pacer
                    .start_from_below(now, self.meter.whole_rate(now), self.span);
                self.meter.restart(now, self.sends + 1);
                self.evidence.clear_votes();
                self.window.open_fully();
                self.admit_paced(now)
            }
        }
    }

    fn admit_paced(&mut self, now: Instant) -> Admission {
        if !self.pacer.is_on() {
            return Admission::Go;
        }
        match self.pacer.next(now, self.span) {
            Some(at) => Admission::Wait(at),
            None => Admission::Go,
        }
    }

    /// When time alone lets one more attempt out, looked at again after a step at the latest.
    fn next_rise(&self, now: Instant) -> Option<Instant> {
        if !self.window.is_used_by(self.in_flight) {
            return None;
        }
        let seconds = self.window.next_rise(self.surroundings())?;
        Some(now + Duration::from_secs_f64(within(seconds, 0.0, STEP_S)).max(TICK))
    }

    /// Lets the time since the last event count as growth, as far as the window was in use.
    fn count_growth(&mut self, now: Instant) {
        let from = self.counted.max(self.gate);
        self.counted = self.counted.max(now);
        let seconds = (now - from).as_secs_f64().min(STEP_S);
        if seconds <= 0.0 || self.blocked.is_on() || !self.window.is_used_by(self.in_flight) {
            return;
        }
        if self.window.grow(seconds, self.surroundings())
            && !(self.options.ladder && self.ladder.take_over(now, &mut self.window))
        {
            self.window.double_from_level();
            self.ladder.watch_doubling(self.window.level());
        }
    }

    fn has(&self, part: Part) -> bool {
        self.options.without != Some(part)
    }

    fn is_fresh(&self, sent: Sent) -> bool {
        sent.serial > self.epoch.after
    }

    fn is_below_level(&self) -> bool {
        self.epoch.refused
            && if self.pacer.is_on() {
                self.pacer.is_below_level(self.span)
            } else {
                self.window.is_below_level(self.span)
            }
    }

    /// How long after an attempt its refusal would be here.
    fn patience(&self) -> Duration {
        if self.refusal_delay > 0.0 {
            Duration::from_secs_f64(2.0 * self.refusal_delay) + PATIENCE
        } else {
            PATIENCE_AT_FIRST
        }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            span: self.span,
            refusal_delay: self.refusal_delay,
            refused_before: self.epoch.refused,
            slows_down: self.ladder.found(),
            paced: self.pacer.is_on(),
        }
    }
}

/// The pause that a hint asks for, never shorter, and spread at its end.
fn spread(hint: Duration, unit: f64) -> Duration {
    let seconds = (HINT_SPREAD * hint.as_secs_f64()).min(HINT_SPREAD_LONGEST_S);
    hint.max(HINT_SHORTEST)
        .saturating_add(Duration::from_secs_f64(seconds * unit))
}
