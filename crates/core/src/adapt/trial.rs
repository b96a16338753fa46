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

/// Each refused trial makes the pause before the next one so many times as long: the second comes after
/// 2.4 s, the third after 19 s, by when the curve looks beyond the level anyway.
const PATIENCE_GROWS: u32 = 8;

/// Further refusals do not make the pause longer.
const REFUSED_MOST: u32 = 4;

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
    refused: u32,
    /// How many more than the level allows are needed, since some end meanwhile.
    excess: f64,
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
            refused: self.refused + 1,
            excess: self.excess,
            ..Self::default()
        };
    }

    /// One of its attempts goes out. `level` is one less than the number that was refused.
    pub(super) fn sent(&mut self, now: Instant, serial: u64, in_flight: u32, level: f64) {
        self.begun = true;
        if f64::from(in_flight) > level + self.excess {
            self.last = Some(Last {
                at: now,
                serial,
                in_flight,
                ended: 0,
            });
        }
    }

    /// An attempt ended. Within `delay`, a round trip at least, it may have made room for the last one.
    pub(super) fn ended(&mut self, now: Instant, serial: u64, delay: Duration) {
        if let Some(last) = &mut self.last
            && serial < last.serial
            && now <= last.at + delay
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
            let most = (EXCESS_SHARE * full.level).min(EXCESS_MOST) + 1.0;
            self.excess = (f64::from(last.ended) + 1.0).min(most);
            self.withdrawn();
            self.not_before = now + BEFORE_TRIAL;
        }
        let pause = BEFORE_TRIAL * PATIENCE_GROWS.pow(self.refused.min(REFUSED_MOST));
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
    const DELAY: Duration = Duration::from_millis(25);

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
            trial.ended(ended, serial, DELAY);
            let step = trial.step(at(1400), FULL);
            let expected = if proves {
                Step::Passed
            } else {
                Step::Wait(at(1700))
            };
            assert_eq!(step, expected, "number {serial} ended at {ended:?}");
        }
    }

    #[test]
    fn asks_for_more_where_answers_come_fast_but_never_for_much_more() {
        let mut trial = Trial::default();
        trial.after_cut(true);
        asked(&mut trial, at(1300));
        for serial in [1, 2, 3] {
            trial.ended(at(1310), serial, DELAY);
        }
        assert_eq!(trial.step(at(1400), FULL), Step::Wait(at(1700)));
        trial.sent(at(1700), 120, 14, FULL.level);
        assert_eq!(trial.step(at(1700), FULL), Step::Try, "three may end again");
        trial.sent(at(1700), 121, 15, FULL.level);
        for serial in 4..14 {
            trial.ended(at(1710), serial, DELAY);
        }
        assert_eq!(trial.step(at(1800), FULL), Step::Wait(at(2100)));
        trial.sent(at(2100), 140, 16, FULL.level);
        assert_eq!(
            trial.step(at(2100), FULL),
            Step::Try,
            "half of ten and one more"
        );
        trial.sent(at(2100), 141, 17, FULL.level);
        assert_eq!(trial.step(at(2200), FULL), Step::Passed);
    }

    #[test]
    fn a_refused_trial_is_repeated_ever_later() {
        let mut trial = Trial::default();
        trial.after_cut(true);
        for millis in [1300, 3400, 20_200, 154_600] {
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
