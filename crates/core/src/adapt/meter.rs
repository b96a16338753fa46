//! How much the server let through per second, measured from one refusal to the next.
//!
//! At a refusal a token bucket is empty, and so it was at the one before: what was accepted in
//! between, divided by the time, *is* its rate, however large its burst.

use crate::time::Instant;

/// Fewer accepted attempts than this say nothing about a rate.
const ENOUGH: f64 = 16.0;

/// Seconds below which the division would be noise.
const SHORTEST_S: f64 = 0.2;

/// Where there is no better measurement, less than this many seconds count as so many.
const SHORT_S: f64 = 0.5;

/// The share of gated time during which a server's bucket does not fill any more.
const GATED_LOST: f64 = 0.5;

/// At least this share of an interval counts as open, lest a rate be computed from nothing.
const OPEN_LEAST: f64 = 0.1;

/// The measurement of one limiter.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    /// Attempts sent and not refused since `since`.
    accepted: f64,
    since: Instant,
    /// The first attempt that belongs to it.
    first: u64,
    /// The same for the interval before, joined where this one is too short.
    accepted_before: f64,
    since_before: Instant,
    first_before: u64,
    /// Seconds of it during which nothing was allowed out.
    gated: f64,
    gated_from: Option<Instant>,
    /// Whether there was nothing more to send.
    busy: bool,
}

impl Meter {
    /// Nothing was measured before `now`.
    pub(super) fn starting(now: Instant, first: u64) -> Self {
        Self {
            since: now,
            first,
            since_before: now,
            first_before: first,
            ..Self::default()
        }
    }

    /// An attempt goes out. `more` tells whether another one was waiting behind it: where the work
    /// ran out, the measurement restarts, since idle time is no rate.
    pub(super) fn sent(&mut self, now: Instant, serial: u64, more: bool, blocked: bool) {
        if !more {
            self.busy = false;
        } else if !self.busy && !blocked {
            *self = Self {
                busy: true,
                gated_from: self.gated_from,
                ..Self::starting(now, serial)
            };
        }
        self.accepted += 1.0;
    }

    /// An attempt was refused, or never went out. It counts where it was counted.
    pub(super) fn retracted(&mut self, serial: u64) {
        if serial >= self.first {
            self.accepted -= 1.0;
        } else if serial >= self.first_before {
            self.accepted_before -= 1.0;
        }
    }

    /// From now on nothing is let out.
    pub(super) fn closed(&mut self, now: Instant) {
        self.gated_from.get_or_insert(now);
    }

    /// Attempts go out again.
    pub(super) fn opened(&mut self, now: Instant) {
        if let Some(from) = self.gated_from.take() {
            self.gated += (now - from).as_secs_f64();
        }
    }

    /// Accepted per second, where enough was. Time without leave to send counts half: a bucket that
    /// fills up meanwhile loses the rest of it, one that is large enough loses nothing.
    pub(super) fn rate(&self, now: Instant) -> Option<f64> {
        let (accepted, elapsed) = self.measured(now)?;
        Some(accepted / (elapsed - GATED_LOST * self.gated).max(OPEN_LEAST * elapsed))
    }

    /// The same for the first rate of all: time without leave to send does not count, and a guess
    /// from little is better than none.
    pub(super) fn first_rate(&self, now: Instant) -> f64 {
        match self.measured(now) {
            Some((accepted, elapsed)) => {
                accepted / (elapsed - self.gated).max(OPEN_LEAST * elapsed)
            }
            None => self.accepted.max(1.0) / (now - self.since).as_secs_f64().max(SHORT_S),
        }
    }

    /// Accepted per second over both intervals, whatever their length.
    pub(super) fn whole_rate(&self, now: Instant) -> f64 {
        let (accepted, elapsed) = self.both(now);
        accepted.max(1.0) / elapsed.max(SHORT_S)
    }

    /// Whether the server asked for silence during most of the interval.
    pub(super) fn mostly_gated(&self, now: Instant) -> bool {
        self.gated >= 0.5 * (now - self.since).as_secs_f64()
    }

    /// A refusal ends the interval, if it holds enough to stand alone.
    pub(super) fn close_interval(&mut self, now: Instant, next: u64) {
        if self.accepted >= ENOUGH {
            self.accepted_before = self.accepted;
            self.since_before = self.since;
            self.first_before = self.first;
            self.first = next;
            self.accepted = 0.0;
            self.since = now;
            self.gated = 0.0;
        }
    }

    /// Forgets everything, as after a change of rule.
    pub(super) fn restart(&mut self, now: Instant, next: u64) {
        *self = Self {
            busy: self.busy,
            gated_from: self.gated_from,
            ..Self::starting(now, next)
        };
    }

    /// What was accepted, and in how many seconds, over the shortest stretch that says enough.
    fn measured(&self, now: Instant) -> Option<(f64, f64)> {
        let recent = (self.accepted, (now - self.since).as_secs_f64());
        let enough = |&(accepted, seconds): &(f64, f64)| accepted >= ENOUGH && seconds > SHORTEST_S;
        Some(recent)
            .filter(enough)
            .or_else(|| Some(self.both(now)).filter(enough))
    }

    fn both(&self, now: Instant) -> (f64, f64) {
        let elapsed = (now - self.since_before).as_secs_f64();
        (self.accepted + self.accepted_before, elapsed)
    }
}
