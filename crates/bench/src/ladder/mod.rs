//! The ladder to the knee: raise the concurrency until more brings no more, or the server refuses;
//! then look closer at the interesting places, and measure twice what the answer stands on.
//!
//! A pure state machine: what was measured goes in, what to measure next comes out, at last the
//! answer. It never waits, sends or reads a clock.

mod answer;
mod found;
mod limit;
mod options;
mod rules;
#[cfg(test)]
mod tests;

use answer::{find_knee, find_peak, find_slo};
use limit::Limit;

pub use found::{Answer, Finding, Purpose, Stability, Stop, StopRule};
pub use options::Options;

/// What was measured on one rung.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Slots.
    pub concurrency: u32,
    /// What it was measured for.
    pub purpose: Purpose,
    /// Tokens or answers per second.
    pub throughput: f64,
    /// The standard error of the throughput as a share of it; 0 if unknown.
    pub relative_error: f64,
    /// Requests that ended.
    pub requests: u64,
    /// Those that the server refused for the load.
    pub refused: u64,
    /// Slots that rest, because they were refused at this concurrency before it was measured.
    pub resting: u64,
    /// Those that failed for another reason.
    pub failed: u64,
    /// Those that met the objectives; none if there are no objectives.
    pub slo_met: Option<u64>,
    /// Requests under way on average that it did answer.
    pub taken_on: f64,
    /// Why the client was the limit, if it was.
    pub client_bound: Option<String>,
    /// Whether that is so by the runtime's nature, and would be found again.
    pub client_capped: bool,
    /// When it was over, in seconds since the ladder began.
    pub at_s: f64,
}

impl Observation {
    /// Requests that it was measured by: those of resting slots, too.
    const fn asked(&self) -> u64 {
        self.requests.saturating_add(self.resting)
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "made a few times per ladder")]
pub enum Step {
    /// Measure a rung.
    Measure {
        /// With so many slots.
        concurrency: u32,
        /// What for. A verification is measured for [`Options::verify_s`], the others as
        /// [`Options::is_measured`] says.
        purpose: Purpose,
    },
    /// Nothing more: this is what was found.
    Done(Answer),
}

/// A ladder under way.
///
/// ```
/// use kneepoint_bench::ladder::{Ladder, Observation, Options, Step, StopRule};
///
/// // A server that works on eight requests at once, one second each.
/// let mut ladder = Ladder::new(Options::default());
/// let mut at_s = 0.0;
/// let answer = loop {
///     let (concurrency, purpose) = match ladder.next() {
///         Step::Measure { concurrency, purpose } => (concurrency, purpose),
///         Step::Done(answer) => break answer,
///     };
///     at_s += 6.0;
///     let rate = f64::from(concurrency.min(8));
///     ladder.observe(Observation {
///         concurrency, purpose, at_s,
///         throughput: rate, relative_error: 0.01,
///         requests: 60, refused: 0, resting: 0, failed: 0, slo_met: None,
///         taken_on: f64::from(concurrency), client_bound: None, client_capped: false,
///     });
/// };
/// assert_eq!(answer.knee.map(|knee| knee.value), Some(8));
/// assert_eq!(answer.stop.value, StopRule::Plateau);
/// ```
#[derive(Debug, Clone)]
pub struct Ladder {
    options: Options,
    stage: Stage,
    /// Rungs that count, by concurrency, each once.
    rungs: Vec<Observation>,
    /// Rungs climbed and refined so far.
    measured: u32,
    refined_knee: u32,
    refined_peak: u32,
    limit: Option<Limit>,
    stop: Option<Stop>,
    /// How often in a row the client seemed to be the limit, and what is measured again for that.
    doubts: u32,
    doubted: Option<(u32, Purpose)>,
    /// Rungs to measure again, a drift that was seen once, and what all that gave.
    to_repeat: Vec<u32>,
    suspected: Option<rules::Change>,
    changes: Vec<rules::Change>,
    /// When the last rung was over, in seconds.
    at_s: f64,
}

/// A rung on which the client seemed to be the limit is measured so many times more. What holds a
/// machine up comes and goes; a client that is too slow stays so, and is not doubted again.
const DOUBTS_MAX: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Climb,
    Verify,
    Refine,
    Repeat,
    Done,
}

impl Ladder {
    /// A ladder that stands at its foot.
    pub const fn new(options: Options) -> Self {
        Self {
            options,
            stage: Stage::Climb,
            rungs: Vec::new(),
            measured: 0,
            refined_knee: 0,
            refined_peak: 0,
            limit: None,
            stop: None,
            doubts: 0,
            doubted: None,
            to_repeat: Vec::new(),
            suspected: None,
            changes: Vec::new(),
            at_s: 0.0,
        }
    }

    /// The windows and limits.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// What to do next. Asked twice without an observation in between, it says the same.
    #[allow(
        clippy::should_implement_trait,
        reason = "it has an end that is an answer, not `None`"
    )]
    pub fn next(&mut self) -> Step {
        loop {
            let step = match self.stage {
                _ if self.doubted.is_some() => self.doubted,
                Stage::Climb => self.climb(),
                Stage::Verify => self.verify(),
                Stage::Refine => self.refine(),
                Stage::Repeat => self.repeat(),
                Stage::Done => return Step::Done(self.answer()),
            };
            if let Some((concurrency, purpose)) = step {
                return Step::Measure {
                    concurrency,
                    purpose,
                };
            }
        }
    }

    /// Takes in what was measured.
    pub fn observe(&mut self, seen: Observation) {
        self.at_s = self.at_s.max(seen.at_s);
        self.doubted = None;
        if self.is_doubtful(&seen) {
            self.doubts += 1;
            self.doubted = Some((seen.concurrency, seen.purpose));
            return;
        }
        if seen.client_bound.is_none() {
            self.doubts = 0;
        }
        match seen.purpose {
            Purpose::Run | Purpose::Climb => self.climbed(seen),
            Purpose::Refine => {
                self.measured += 1;
                self.keep(seen);
            }
            Purpose::Verify => {
                if let Some(limit) = &mut self.limit {
                    limit.verified(&seen, &self.options);
                }
                self.keep(seen);
            }
            Purpose::Repeat => self.repeated(&seen),
        }
    }

    /// Ends the ladder at once, with what there is: someone wants that, or the budget is used up.
    pub fn interrupt(&mut self, rule: StopRule, reason: &str) {
        self.stop.get_or_insert_with(|| Stop {
            value: rule,
            reason: reason.to_owned(),
        });
        self.doubted = None;
        self.stage = Stage::Done;
    }

    fn climb(&mut self) -> Option<(u32, Purpose)> {
        if self.stop.is_some() {
            let refused = self.limit.is_some() && self.options.verify_max > 0;
            self.stage = if refused {
                Stage::Verify
            } else {
                Stage::Refine
            };
            return None;
        }
        let Some(last) = self.rungs.last() else {
            return Some((self.options.first, Purpose::Climb));
        };
        let reached = last.concurrency;
        if let Some(stop) = self.out_of_room(reached) {
            self.stop = Some(stop);
            return None;
        }
        let next = (f64::from(reached) * self.options.factor).round() as u32;
        let next = next.clamp(reached + 1, self.options.max);
        Some((next, Purpose::Climb))
    }

    fn out_of_room(&self, reached: u32) -> Option<Stop> {
        if reached >= self.options.max {
            let reason = format!("{reached} is the highest rung");
            return Some(Stop {
                value: StopRule::Max,
                reason,
            });
        }
        self.is_used_up().then(|| Stop {
            value: StopRule::Budget,
            reason: format!("{} rungs in {:.0} s", self.measured, self.at_s),
        })
    }

    fn is_used_up(&self) -> bool {
        self.measured >= self.options.rungs_max || self.at_s >= self.options.total_s
    }

    fn climbed(&mut self, seen: Observation) {
        self.measured += 1;
        self.stop = rules::stop(self.rungs.last(), &seen, &self.options);
        if self.stop.is_none() && seen.throughput <= 0.0 {
            self.stop = Some(rules::silent(&seen));
        }
        if self
            .stop
            .as_ref()
            .is_some_and(|stop| stop.value == StopRule::RateLimited)
        {
            let accepted = self.rungs.last().map_or(0, |last| last.concurrency);
            self.limit = Some(Limit::suspected(&seen, accepted));
        }
        self.keep(seen);
    }

    /// Whether a rung is to be measured once more: another program that was busy for a moment makes
    /// this client look slow, and is no limit. Whether the server refuses does not hang on it: that is what
    /// a verification asks, and nobody is to be refused three times as often for it.
    fn is_doubtful(&self, seen: &Observation) -> bool {
        let is_bound = seen.client_bound.is_some() && !seen.client_capped;
        is_bound
            && seen.purpose != Purpose::Verify
            && rules::rate_limited(seen, &self.options).is_none()
            && self.doubts < DOUBTS_MAX
            && !self.is_used_up()
    }

    /// Keeps a rung on which an answer may stand. One measured anew replaces the earlier one.
    fn keep(&mut self, seen: Observation) {
        if rules::is_spoilt(&seen, &self.options) {
            return;
        }
        self.rungs
            .retain(|rung| rung.concurrency != seen.concurrency);
        let place = self
            .rungs
            .partition_point(|rung| rung.concurrency < seen.concurrency);
        self.rungs.insert(place, seen);
    }

    fn verify(&mut self) -> Option<(u32, Purpose)> {
        let next = self
            .limit
            .as_ref()
            .and_then(|limit| limit.to_verify(&self.options));
        if next.is_none() || self.at_s >= self.options.total_s {
            self.stage = Stage::Refine;
            return None;
        }
        next.map(|concurrency| (concurrency, Purpose::Verify))
    }

    /// Rungs at or below the limit.
    fn allowed(&self) -> &[Observation] {
        let limit = self.limit.as_ref().map_or(u32::MAX, Limit::value);
        let end = self.rungs.partition_point(|rung| rung.concurrency <= limit);
        &self.rungs[..end]
    }

    fn refine(&mut self) -> Option<(u32, Purpose)> {
        if !self.is_used_up() {
            let ratio = self.options.refine_ratio;
            if self.refined_knee < self.options.refine_knee
                && let Some(middle) = rules::beside_knee(self.allowed(), ratio)
            {
                self.refined_knee += 1;
                return Some((middle, Purpose::Refine));
            }
            if self.refined_peak < self.options.refine_peak
                && let Some(middle) =
                    rules::below_peak(self.allowed(), ratio, self.options.peak_share)
            {
                self.refined_peak += 1;
                return Some((middle, Purpose::Refine));
            }
        }
        self.to_repeat = self.worth_repeating();
        self.stage = Stage::Repeat;
        None
    }

    /// The lowest rung and the chosen one.
    fn worth_repeating(&self) -> Vec<u32> {
        if !self.options.repeat || self.at_s >= self.options.total_s {
            return Vec::new();
        }
        let allowed = self.allowed();
        let lowest = allowed.first().map(|rung| rung.concurrency);
        let chosen = find_knee(allowed, None).map(|knee| knee.value);
        let mut both: Vec<u32> = lowest.into_iter().chain(chosen).collect();
        both.dedup();
        both
    }

    /// Takes in a rung that was measured again. A drift is believed when a third measurement shows it
    /// too: one in a hundred seems to be one by chance, and takes all numbers from the answer.
    fn repeated(&mut self, seen: &Observation) {
        let first = self
            .rungs
            .iter()
            .find(|rung| rung.concurrency == seen.concurrency)
            .filter(|_| rules::client_bound(seen, &self.options).is_none());
        let change = first.and_then(|first| rules::Change::between(first, seen));
        let change = match (self.suspected.take(), change) {
            (None, Some(change)) if change.is_drift(self.options.drift_max) => {
                self.suspected = Some(change);
                return;
            }
            (Some(before), Some(change)) => Some(before.lesser(change)),
            (before, change) => change.or(before),
        };
        self.to_repeat.retain(|&n| n != seen.concurrency);
        self.changes.extend(change);
    }

    fn repeat(&mut self) -> Option<(u32, Purpose)> {
        let Some(&concurrency) = self.to_repeat.first() else {
            self.stage = Stage::Done;
            return None;
        };
        Some((concurrency, Purpose::Repeat))
    }

    fn answer(&self) -> Answer {
        let allowed = self.allowed();
        let stop = self.stop.clone().unwrap_or_else(|| Stop {
            value: StopRule::User,
            reason: "ended before the first rung was measured".to_owned(),
        });
        let open = matches!(
            stop.value,
            StopRule::Max | StopRule::Budget | StopRule::User | StopRule::ClientBound
        )
        .then_some(self.options.max);
        let stability = rules::stability(&self.changes, self.options.drift_max);
        // Rungs of a server that changed meanwhile are those of several servers: nothing can be read
        // off them together. What was refused, and verified, was so all the same.
        let comparable = stability.as_ref().is_none_or(|found| found.stable);
        let seen = if comparable { allowed } else { &[] };
        Answer {
            knee: find_knee(seen, open),
            peak: find_peak(seen, self.options.peak_share, open),
            limit: self.limit.as_ref().map(Limit::finding),
            slo: find_slo(seen, self.options.slo_share),
            stop,
            stability,
        }
    }
}
