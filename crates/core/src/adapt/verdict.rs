//! What a refusal changes: whose fault it was, whether it counts, and the one decision of its epoch.

use std::time::Duration;

use super::evidence::LONG_HINT;
use super::value::within;
use super::{
    DELAY_LONGEST_S, DELAY_WEIGHT, Epoch, Part, Purpose, ROOM, Refusal, Rule, SPAN_LONGEST_S,
    SPAN_PER_HINT, SPAN_S, Sent,
};
use crate::time::Instant;

/// An overloaded server is cut once a second at most: its refusals say little about their cause.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);

impl Rule {
    /// What a refusal means: nothing new, a correction, an answer to a trial, chance, or a decision.
    pub(super) fn judge(&mut self, now: Instant, sent: Sent, refusal: Refusal, unit: f64) {
        let delay = (now - sent.at).as_secs_f64();
        let smoothed = self.refusal_delay + DELAY_WEIGHT * (delay - self.refusal_delay);
        self.refusal_delay = smoothed.max(delay).min(DELAY_LONGEST_S);
        self.round_trip = self.round_trip.min(delay);
        self.meter.retracted(sent.serial);
        if refusal.hint.is_some() {
            self.meter.closed(now);
        }
        if !self.is_fresh(sent) {
            if self.was_overtaken(sent) {
                self.begin_epoch(now);
                self.blocked.refuse(true);
                self.stand_still(now, refusal, unit);
            } else {
                self.correct(sent, refusal);
            }
            return;
        }
        if self.options.noise && self.is_chance(sent) {
            return;
        }
        self.noise.cut();
        let first = self.has(Part::Probes) && sent.serial == self.epoch.after + 1;
        self.begin_epoch(now);
        if self.was_tried(sent) {
            self.trial.refuse();
            self.evidence.confirm();
            return;
        }
        self.blocked.refuse(first);
        self.trial.after_cut(false);
        if self.blocked.refusals() <= 1 {
            self.decide(now, sent, refusal);
        }
        if self.blocked.is_on() {
            self.stand_still(now, refusal, unit);
        }
        let hint = refusal.hint.filter(|_| self.has(Part::LongSpan));
        self.span = hint.map_or(SPAN_S, |hint| {
            within(SPAN_PER_HINT * hint.as_secs_f64(), SPAN_S, SPAN_LONGEST_S)
        });
    }

    /// Whether it was the first of the epoch before, so that the server is blocked after all: of what
    /// was sent together with it another one's refusal came sooner, and began this epoch.
    fn was_overtaken(&self, sent: Sent) -> bool {
        let was_first = self.epoch.refused && sent.serial == self.epoch.after_before + 1;
        was_first && self.has(Part::Probes) && !self.blocked.is_on()
    }

    fn stand_still(&mut self, now: Instant, refusal: Refusal, unit: f64) {
        self.meter.closed(now);
        if refusal.hint.is_none() {
            self.gate = self.gate.max(now + self.blocked.pause(unit));
        }
    }

    /// A refusal of the same epoch only corrects the first guess.
    fn correct(&mut self, sent: Sent, refusal: Refusal) {
        let applies = self.has(Part::Correction)
            && sent.serial > self.epoch.after_before
            && !self.pacer.is_on()
            && !self.blocked.is_on()
            && !refusal.overload;
        if applies && self.window.correct(sent.in_flight) {
            self.evidence.correct(sent.in_flight);
        }
    }

    fn is_chance(&mut self, sent: Sent) -> bool {
        let applies = self.epoch.refused && !self.blocked.is_on() && !self.was_tried(sent);
        applies && self.noise.disregards(self.is_below_level())
    }

    /// Whether a refusal only says that a trial failed: the level stands.
    fn was_tried(&self, sent: Sent) -> bool {
        sent.purpose == Purpose::Trial && f64::from(sent.in_flight) > self.window.level()
    }

    fn begin_epoch(&mut self, now: Instant) {
        self.epoch = Epoch {
            started: now,
            after: self.sends,
            after_before: self.epoch.after,
            refused: true,
        };
    }

    /// The one decision of an epoch.
    fn decide(&mut self, now: Instant, sent: Sent, refusal: Refusal) {
        self.ladder.leave();
        self.window.release();
        let paced = self.pacer.is_on();
        let about_time = refusal.hint.is_some_and(|hint| hint >= LONG_HINT);
        let abstain = about_time || refusal.overload;
        let abstain = abstain || !self.has(Part::Pacer);
        let flips = self.evidence.hear(sent.in_flight, paced, abstain);
        if refusal.overload {
            self.cut_for_overload(now, sent);
        } else if flips && !paced {
            self.pacer.start(now, self.meter.first_rate(now), self.span);
            self.window
                .stand_back(self.evidence.record() * ROOM, self.span);
        } else if paced && !flips {
            let floor = self.has(Part::Floor) && !self.meter.mostly_gated(now);
            self.pacer.cut(now, self.meter.rate(now), floor, self.span);
        } else {
            self.pacer.stop();
            self.window.cut(sent.in_flight);
            self.ladder.watch_doubling(self.window.level());
            self.trial.after_cut(!self.blocked.is_on() && !about_time);
            if refusal.hint.is_some() && self.has(Part::Climb) {
                self.window.climb_back();
            }
        }
        self.meter.close_interval(now, self.sends + 1);
    }

    fn cut_for_overload(&mut self, now: Instant, sent: Sent) {
        if self
            .overloaded
            .is_none_or(|last| now >= last + OVERLOAD_PAUSE)
        {
            self.blocked
                .remember(self.window.limit().min(2.0 * f64::from(sent.in_flight)));
            self.window.cut_for_overload(sent.in_flight);
        }
        self.overloaded = Some(now);
    }
}
