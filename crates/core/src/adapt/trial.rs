//! Asking whether a full window is a limit at all, with a few attempts above it.
//!
//! A server with slots cannot take on more than it has. Let it have refused at some number in flight,
//! and later not refuse at `n`: then at least `n` less those that ended before the attempt arrived were
//! held at once. If that is still the number at which it refused, the limit is none of slots.

use std::time::Duration;

use crate::time::Instant;

/// How long after a cut, or after a trial that proved nothing, the next one starts. A bucket of one a
/// second has not a whole token by then, one of five has.
const BEFORE_TRIAL: Duration = Duration::from_millis(300);

/// The same after a trial that was refused. Two of them settle the matter: evidence is firm then.
const BEFORE_ANOTHER: Duration = Duration::from_millis(2400);

/// Each trial that proved nothing makes the next one so much later, so that answers which come in waves do
/// not meet all of them.
const LATER: Duration = Duration::from_millis(70);

/// The most by which a trial may exceed the level, as a share of it and in attempts. Where even that many
/// prove nothing, answers come so fast that only the curve can tell.
const EXCESS_SHARE: f64 = 0.5;
const EXCESS_MOST: f64 = 8.0;

/// A full window, as a trial sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Full {
    /// Since when it has been what holds attempts back.
    pub(super) since: Instant,
    /// What it was cut from: one less than the number that was refused.
    pub(super) level: f64,
    /// How long a refusal takes to arrive at most.
    pub(super) patience: Duration,
}

/// What may be done about it.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Nothing.
    Stay,
    /// Send one attempt above it.
    Try,
    /// Nothing before then.
    Wait(Instant),
    /// More than the level were held at once: the window is no limit.
    Passed,
}

/// The trial: attempts above a full window, soon after a cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Trial {
    allowed: bool,
    /// It has begun and goes on until enough are in flight.
    begun: bool,
    /// The attempt that decides it.
    last: Option<Last>,
    was_refused: bool,
    /// How many trials in a row proved nothing.
    proved_nothing: u32,
    not_before: Instant,
}

/// The last attempt of a trial.
#[derive(Debug, Clone, Copy)]
struct Last {
    at: Instant,
    serial: u64,
    in_flight: u32,
    /// Of those, how many may have ended before it arrived.
    ended: u32,
}

impl Trial {
    /// The server refused with such a cut that a trial makes sense, or not.
    pub(super) fn after_cut(&mut self, allowed: bool) {
        *self = Self {
            allowed,
            ..Self::default()
        };
    }

    /// The server refused the trial itself.
    pub(super) fn refuse(&mut self) {
        *self = Self {
            allowed: self.allowed,
            was_refused: true,
            ..Self::default()
        };
    }

    /// One of its attempts goes out. `level` is one less than the number that was refused.
    pub(super) fn sent(&mut self, now: Instant, serial: u64, in_flight: u32, level: f64) {
        self.begun = true;
        if f64::from(in_flight) > level + self.excess(level) {
            self.last = Some(Last {
                at: now,
                serial,
                in_flight,
                ended: 0,
            });
        }
    }

    /// By how much more than one a trial exceeds the level: by one more with each that proved nothing.
    fn excess(&self, level: f64) -> f64 {
        let most = (EXCESS_SHARE * level).min(EXCESS_MOST) + 1.0;
        f64::from(self.proved_nothing).min(most)
    }

    /// An attempt ended. Within a round trip, of so many seconds, it may have made room for the last one.
    pub(super) fn ended(&mut self, now: Instant, serial: u64, round_trip: f64) {
        if let Some(last) = &mut self.last
            && serial < last.serial
            && (now - last.at).as_secs_f64() <= round_trip
        {
            last.ended += 1;
        }
    }

    /// One of its attempts was given up: it begins anew.
    pub(super) fn withdrawn(&mut self) {
        self.begun = false;
        self.last = None;
    }

    /// What may be done at `now` about it.
    pub(super) fn step(&mut self, now: Instant, full: Full) -> Step {
        if !self.allowed {
            return Step::Stay;
        }
        if let Some(last) = self.last {
            let decided = last.at + full.patience;
            if now < decided {
                return Step::Wait(decided);
            }
            if f64::from(last.in_flight) - f64::from(last.ended) > full.level {
                return Step::Passed;
            }
            self.withdrawn();
            self.proved_nothing += 1;
            self.not_before = now + BEFORE_TRIAL + LATER * self.proved_nothing;
        }
        let pause = if self.was_refused {
            BEFORE_ANOTHER
        } else {
            BEFORE_TRIAL
        };
        let due = self.not_before.max(full.since + pause);
        if self.begun || now >= due {
            Step::Try
        } else {
            Step::Wait(due)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A level of 10, a cut at 1 s, refusals that take up to 100 ms.
    const FULL: Full = Full {
        since: Instant::from_micros(1_000_000),
        level: 10.0,
        patience: Duration::from_millis(100),
    };
    const ROUND_TRIP_S: f64 = 0.025;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(1000 * millis)
    }

    /// A trial that has sent its attempts, the last of them as the eleventh in flight.
    fn asked(trial: &mut Trial, now: Instant) {
        trial.sent(now, 100, 10, FULL.level);
        assert_eq!(trial.step(now, FULL), Step::Try, "ten prove nothing");
        trial.sent(now, 101, 11, FULL.level);
        let decided = now + FULL.patience;
        assert_eq!(trial.step(now, FULL), Step::Wait(decided));
    }

    #[test]
    fn waits_begins_and_passes_where_more_than_the_level_were_held() {
        let mut trial = Trial::default();
        assert_eq!(trial.step(at(9000), FULL), Step::Stay, "no cut, no trial");
        trial.after_cut(true);
        assert_eq!(trial.step(at(1000), FULL), Step::Wait(at(1300)));
        assert_eq!(trial.step(at(1300), FULL), Step::Try);
        asked(&mut trial, at(1300));
        assert_eq!(trial.step(at(1400), FULL), Step::Passed);
    }

    #[test]
    fn proves_nothing_where_an_end_may_have_made_room() {
        for (serial, ended, proves) in [
            (42, at(1310), false),
            (100, at(1325), false),
            (42, at(1326), true),
            (101, at(1310), true),
            (102, at(1310), true),
        ] {
            let mut trial = Trial::default();
            trial.after_cut(true);
            asked(&mut trial, at(1300));
            trial.ended(ended, serial, ROUND_TRIP_S);
            let step = trial.step(at(1400), FULL);
            let expected = if proves {
                Step::Passed
            } else {
                Step::Wait(at(1770))
            };
            assert_eq!(step, expected, "number {serial} ended at {ended:?}");
        }
    }

    #[test]
    fn is_larger_and_later_each_time_that_it_proves_nothing_within_bounds() {
        let mut trial = Trial::default();
        trial.after_cut(true);
        let mut now = at(1300);
        for (in_flight, pause) in [
            (11, 370),
            (12, 440),
            (13, 510),
            (14, 580),
            (15, 650),
            (16, 720),
            (17, 790),
            (17, 860),
        ] {
            trial.sent(now, 100, in_flight - 1, FULL.level);
            assert_eq!(trial.step(now, FULL), Step::Try, "{in_flight} are wanted");
            trial.sent(now, 101, in_flight, FULL.level);
            for serial in 1..=in_flight {
                trial.ended(now, u64::from(serial), ROUND_TRIP_S);
            }
            let decided = now + FULL.patience;
            now = decided + Duration::from_millis(pause);
            assert_eq!(trial.step(decided, FULL), Step::Wait(now));
        }
    }

    #[test]
    fn a_refused_trial_is_repeated_later() {
        let mut trial = Trial::default();
        trial.after_cut(true);
        for millis in [1300, 3400] {
            assert_eq!(trial.step(at(1000), FULL), Step::Wait(at(millis)));
            asked(&mut trial, at(millis));
            trial.refuse();
        }
        trial.after_cut(false);
        assert_eq!(trial.step(at(1_000_000), FULL), Step::Stay);
    }

    #[test]
    fn one_whose_attempt_was_given_up_begins_anew() {
        let mut trial = Trial::default();
        trial.after_cut(true);
        asked(&mut trial, at(1300));
        trial.withdrawn();
        assert_eq!(trial.step(at(1400), FULL), Step::Try);
    }
}
