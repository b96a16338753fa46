//! Every window and limit of a ladder, with the defaults.

use crate::given::{Given, check};

/// The windows and limits of a ladder. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The first rung. Default 1.
    pub first: u32,
    /// The highest rung. Default 64, which suits a hosted API; 256 suits a server of one's own.
    pub max: u32,
    /// Each rung is the one before times this. Default 2.
    pub factor: f64,
    /// Settling upward ends after so long even if fewer requests than slots have ended. Default 15. It
    /// begins anew, twice at most, where this machine stood still meanwhile.
    pub settle_s: f64,
    /// A rung is measured at least so long. Default 6.
    pub window_min_s: f64,
    /// And at most so long. Default 40.
    pub window_max_s: f64,
    /// In between it ends once so many requests have ended. Default 30.
    pub completions_min: u64,
    /// And so many for each slot. Default 2.
    pub completions_per_slot: u64,
    /// At most so many rungs, verifications and repetitions not counted. Default 14.
    pub rungs_max: u32,
    /// No further rung is begun after so long. Default 600.
    pub total_s: f64,
    /// The share of failures, surely exceeded, that ends the ladder. Default 0.05.
    pub errors_max: f64,
    /// The share of refusals, surely exceeded, that ends it. Default 0.01.
    pub refusals_max: f64,
    /// The share of requests that must meet the objectives. Default 0.95.
    pub slo_share: f64,
    /// The elasticity below which a step bought nothing. Default 0.10: a doubling that brings less
    /// than 7 %.
    pub plateau: f64,
    /// The share of the highest throughput that counts as the peak. Default 0.95.
    pub peak_share: f64,
    /// A limit is verified at this share of its estimate. Default 0.95.
    pub verify_share: f64,
    /// For so long. Default 60.
    pub verify_s: f64,
    /// At most so many times. Default 3; 0 verifies nothing.
    pub verify_max: u32,
    /// Before a verification, slots may rest until the server accepts again, for so long. Default 65:
    /// limits per minute are common.
    pub recover_s: f64,
    /// Further rungs around the knee. Default 3.
    pub refine_knee: u32,
    /// Further rungs below the peak. Default 2.
    pub refine_peak: u32,
    /// Rungs are not refined any closer than this ratio. Default 1.3.
    pub refine_ratio: f64,
    /// Whether the lowest and the chosen rung are measured again at the end. Default true.
    pub repeat: bool,
    /// The change of throughput between two measurements of a rung that is still called stable.
    /// Default 0.10.
    pub drift_max: f64,
    /// A refused slot rests as long as the server asks, but no longer than this. Default 30.
    pub rest_max_s: f64,
    /// And so long where the server does not say. Default 1.
    pub rest_s: f64,
    /// Whether the climb ends where this client was the limit. Where it does not, the rungs say so all
    /// the same, and what is found may be the client's and not the server's. Default true.
    pub stop_client_bound: bool,
}

fields!(Options {
    first, max, factor, settle_s, window_min_s, window_max_s, completions_min, completions_per_slot,
    rungs_max, total_s, errors_max, refusals_max, slo_share, plateau, peak_share, verify_share,
    verify_s, verify_max, recover_s, refine_knee, refine_peak, refine_ratio, repeat, drift_max,
    rest_max_s, rest_s, stop_client_bound,
} or |_of| Self::default());
by_serde!(Options);

impl Default for Options {
    fn default() -> Self {
        Self {
            first: 1,
            max: 64,
            factor: 2.0,
            settle_s: 15.0,
            window_min_s: 6.0,
            window_max_s: 40.0,
            completions_min: 30,
            completions_per_slot: 2,
            rungs_max: 14,
            total_s: 600.0,
            errors_max: 0.05,
            refusals_max: 0.01,
            slo_share: 0.95,
            plateau: kneepoint_stats::PLATEAU_ELASTICITY,
            peak_share: kneepoint_stats::PEAK_SHARE,
            verify_share: 0.95,
            verify_s: 60.0,
            verify_max: 3,
            recover_s: 65.0,
            refine_knee: 3,
            refine_peak: 2,
            refine_ratio: 1.3,
            repeat: true,
            drift_max: 0.10,
            rest_max_s: 30.0,
            rest_s: 1.0,
            stop_client_bound: true,
        }
    }
}

impl Options {
    /// The defaults for a server of one's own, which takes more than a hosted API allows.
    pub fn local() -> Self {
        Self {
            max: 256,
            ..Self::default()
        }
    }

    /// Whether settling on a rung is over: as many requests have ended as there are slots, or time
    /// is up.
    pub fn is_settled(&self, concurrency: u32, elapsed_s: f64, completions: u64) -> bool {
        completions >= u64::from(concurrency) || elapsed_s >= self.settle_s
    }

    /// Whether a rung has been measured long enough.
    pub fn is_measured(&self, concurrency: u32, elapsed_s: f64, completions: u64) -> bool {
        let wanted = self
            .completions_min
            .max(self.completions_per_slot.saturating_mul(concurrency.into()));
        let enough = elapsed_s >= self.window_min_s && completions >= wanted;
        enough || elapsed_s >= self.window_max_s
    }

    /// Whether so many failures end a rung before its time: more than half, and enough to judge. What
    /// fails at once would otherwise be sent as fast as the client can.
    pub const fn is_hopeless(&self, requests: u64, failed: u64) -> bool {
        requests >= self.completions_min && failed * 2 > requests
    }

    /// What is wrong with these options, if anything: by its name, what was found and what was expected.
    pub fn check(&self) -> Result<(), String> {
        let is_wide = self.window_max_s >= self.window_min_s;
        let is_below = (1..=self.max).contains(&self.first);
        check([
            Given::at_once("max", self.max),
            Given::new(
                "first",
                self.first.into(),
                is_below,
                "1 or more, and no more than max",
            ),
            Given::factor("factor", self.factor),
            Given::factor("refine_ratio", self.refine_ratio),
            Given::seconds("settle_s", self.settle_s),
            Given::span("window_min_s", self.window_min_s),
            Given::span("window_max_s", self.window_max_s),
            Given::new(
                "window_max_s",
                self.window_max_s,
                is_wide,
                "no less than window_min_s",
            ),
            // This one is compared only, and so may be any time.
            Given::positive("total_s", self.total_s),
            Given::span("verify_s", self.verify_s),
            Given::seconds("recover_s", self.recover_s),
            Given::span("rest_s", self.rest_s),
            Given::seconds("rest_max_s", self.rest_max_s),
            Given::share("errors_max", self.errors_max),
            Given::share("refusals_max", self.refusals_max),
            Given::share("slo_share", self.slo_share),
            Given::share("peak_share", self.peak_share),
            Given::share("verify_share", self.verify_share),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used_and_nonsense_cannot() {
        let ladder = Options::default();
        assert_eq!(ladder.check(), Ok(()));
        assert_eq!(Options::local().check(), Ok(()));
        for bad in [
            Options {
                first: 0,
                ..ladder.clone()
            },
            Options {
                first: 65,
                ..ladder.clone()
            },
            Options {
                factor: 1.0,
                ..ladder.clone()
            },
            Options {
                factor: f64::NAN,
                ..ladder.clone()
            },
            Options {
                window_min_s: 0.0,
                ..ladder.clone()
            },
            Options {
                window_max_s: 1.0,
                ..ladder.clone()
            },
            Options {
                settle_s: -1.0,
                ..ladder.clone()
            },
            Options {
                recover_s: f64::NAN,
                ..ladder.clone()
            },
            Options {
                rest_max_s: f64::INFINITY,
                ..ladder.clone()
            },
            Options {
                verify_s: 1e300,
                ..ladder.clone()
            },
            Options {
                slo_share: 1.0,
                ..ladder.clone()
            },
            Options {
                max: 100_001,
                ..ladder.clone()
            },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        let short = Options {
            window_max_s: 1.0,
            ..ladder
        };
        let expected = "window_max_s: found 1, expected no less than window_min_s";
        assert_eq!(short.check(), Err(expected.to_owned()));
    }

    #[test]
    fn a_window_ends_by_time_and_number_and_at_the_latest_by_time() {
        let ladder = Options::default();
        #[rustfmt::skip]
        let cases = [
            // slots, seconds, ended, over
            (1,       5.9,     1000,  false),  // too short
            (1,       6.0,     29,    false),  // too few
            (1,       6.0,     30,    true),
            (64,      6.0,     127,   false),  // two for each slot
            (64,      6.0,     128,   true),
            (64,      40.0,    3,     true),   // long enough
        ];
        for (slots, seconds, ended, over) in cases {
            assert_eq!(
                ladder.is_measured(slots, seconds, ended),
                over,
                "{slots} {seconds} {ended}"
            );
        }
        let patient = Options {
            completions_per_slot: u64::MAX,
            ..ladder.clone()
        };
        assert!(!patient.is_measured(2, 6.0, 1000));
        assert!(ladder.is_settled(4, 0.1, 4) && ladder.is_settled(4, 15.0, 0));
        assert!(!ladder.is_settled(4, 14.9, 3));
    }
}
