//! Asking a server that refuses everything, with one attempt at a time, whether it has recovered.

use std::time::Duration;

use crate::time::Instant;

/// The pause before the first probe, in seconds; it doubles with each refusal.
const FIRST_PAUSE_S: f64 = 0.5;

/// The longest pause between probes, in seconds: the first success comes that soon after an outage,
/// and a blocked minute costs nine probes.
const LONGEST_PAUSE_S: f64 = 8.0;

/// What may be done about a server that refuses everything.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    /// It does not.
    Free,
    /// Its answer to a probe, or its silence, says that it has recovered.
    Recovered,
    /// Ask it.
    Probe,
    /// It was asked; a refusal would be here by then.
    Wait(Instant),
}

/// The blocked state: each attempt since the last refusal was refused as well.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocked {
    refusals: u32,
    probe: Option<Instant>,
    answered: bool,
    level_before: Option<f64>,
}

impl Blocked {
    pub(super) fn is_on(&self) -> bool {
        self.refusals > 0
    }

    /// How many refusals in a row.
    pub(super) fn refusals(&self) -> u32 {
        self.refusals
    }

    /// A fresh refusal; `first` tells whether it hit the first attempt since the one before.
    pub(super) fn refuse(&mut self, first: bool) {
        self.refusals = if first { self.refusals + 1 } else { 0 };
        self.probe = None;
        self.answered = false;
    }

    /// Remembers what the window was worth before an overload, to return to it.
    pub(super) fn remember(&mut self, level: f64) {
        self.level_before = Some(level);
    }

    pub(super) fn forget(&mut self) -> Option<f64> {
        self.level_before.take()
    }

    /// Without a hint: how long to leave the server alone before the next probe. Between half of
    /// the pause and all of it, so that clients which were refused together come back apart.
    pub(super) fn pause(&self, unit: f64) -> Duration {
        let doublings = self.refusals.saturating_sub(1).min(16);
        let pause = (FIRST_PAUSE_S * libm::exp2(f64::from(doublings))).min(LONGEST_PAUSE_S);
        Duration::from_secs_f64(pause * (0.5 + 0.5 * unit))
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.probe = Some(now);
    }

    pub(super) fn answered(&mut self) {
        self.answered = true;
    }

    /// The probe was given up: another one may be sent.
    pub(super) fn withdrawn(&mut self) {
        self.probe = None;
    }

    /// What may be done at `now`, if a refusal takes at most `patience` to arrive.
    pub(super) fn turn(&mut self, now: Instant, patience: Duration) -> Turn {
        if self.refusals == 0 {
            return Turn::Free;
        }
        let Some(sent) = self.probe else {
            return if self.answered {
                self.recover()
            } else {
                Turn::Probe
            };
        };
        if self.answered || now >= sent + patience {
            return self.recover();
        }
        Turn::Wait(sent + patience)
    }

    fn recover(&mut self) -> Turn {
        self.refusals = 0;
        self.probe = None;
        self.answered = false;
        Turn::Recovered
    }
}
