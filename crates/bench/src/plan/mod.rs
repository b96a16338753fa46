//! What a run is to do, as data: when requests are sent, what they ask, when it is over, and what
//! it may cost. Seeded, so that the same plan sends the same requests at the same times.

mod arrivals;
mod budget;
mod prompts;

use serde_json::Value;

use crate::given::{Given, check};
use crate::json::{Fields, Object, Read, Write, Wrong};
use crate::ladder;
use crate::record::Sample;

pub use arrivals::{Arrivals, Start};
pub use budget::{Budget, Cost, OverBudget, Prices, Spend};
pub use prompts::{CacheMode, PromptError, PromptSource, Prompts, Source};

/// How requests are sent. Rates are requests per second.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// So many slots, each of which sends its next request when the one before has ended.
    Closed {
        /// Slots.
        concurrency: u32,
    },
    /// At even distances, whatever the server does.
    Constant {
        /// Requests per second.
        rate: f64,
    },
    /// At random and independent of each other, as many users do.
    Poisson {
        /// Requests per second.
        rate: f64,
    },
    /// At random, with gaps from a gamma distribution.
    Gamma {
        /// Requests per second.
        rate: f64,
        /// The distribution's shape: 1 is Poisson, less is burstier, more is more even.
        burstiness: f64,
    },
    /// At a rate that changes evenly from one to another, and then stays.
    Ramp {
        /// Requests per second at the start.
        from: f64,
        /// Requests per second at the end.
        to: f64,
        /// How long the change takes, in milliseconds.
        over_ms: u64,
    },
    /// One closed loop after another, to the knee and to what is beyond; see [`crate::ladder`]. Its
    /// own windows and the budget bound it; counts, durations and warm-up of the plan do not apply.
    Ladder(ladder::Options),
}

by_serde!(Load);

impl Write for Load {
    fn write(&self, out: &mut String) {
        if let Self::Ladder(options) = self {
            // Its own fields, after the one that says what it is.
            let mut fields = String::new();
            options.write(&mut fields);
            out.push_str(r#"{"mode":"ladder","#);
            out.push_str(&fields[1..]);
            return;
        }
        let mut load = Object::new(out);
        let mut fields = |mode: &str, fields: &[(&str, &dyn Write)]| {
            load.field("mode", &mode);
            for (name, value) in fields {
                load.field(name, *value);
            }
        };
        match self {
            Self::Closed { concurrency } => fields("closed", &[("concurrency", concurrency)]),
            Self::Constant { rate } => fields("constant", &[("rate", rate)]),
            Self::Poisson { rate } => fields("poisson", &[("rate", rate)]),
            Self::Gamma { rate, burstiness } => {
                fields("gamma", &[("rate", rate), ("burstiness", burstiness)]);
            }
            Self::Ramp { from, to, over_ms } => {
                fields("ramp", &[("from", from), ("to", to), ("over_ms", over_ms)]);
            }
            Self::Ladder(_) => {}
        }
        load.end();
    }
}

impl Read for Load {
    fn read(value: &Value) -> Result<Self, Wrong> {
        let of = Fields::of(value)?;
        let mode: String = of.get("mode")?;
        Ok(match &*mode {
            "closed" => Self::Closed {
                concurrency: of.get("concurrency")?,
            },
            "constant" => Self::Constant {
                rate: of.get("rate")?,
            },
            "poisson" => Self::Poisson {
                rate: of.get("rate")?,
            },
            "gamma" => Self::Gamma {
                rate: of.get("rate")?,
                burstiness: of.get("burstiness")?,
            },
            "ramp" => Self::Ramp {
                from: of.get("from")?,
                to: of.get("to")?,
                over_ms: of.get("over_ms")?,
            },
            "ladder" => Self::Ladder(Read::read(value)?),
            _ => {
                return Err(Wrong::new(format!(
                    "mode: expected closed, constant, poisson, gamma, ramp or ladder, found {mode}"
                )));
            }
        })
    }
}

impl Load {
    /// The slots of a closed loop.
    pub const fn concurrency(&self) -> Option<u32> {
        match self {
            Self::Closed { concurrency } => Some(*concurrency),
            _ => None,
        }
    }

    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), PlanError> {
        let checked = match *self {
            Self::Closed { concurrency } => check([Given::at_once("concurrency", concurrency)]),
            Self::Constant { rate } | Self::Poisson { rate } => {
                check([Given::positive("rate", rate)])
            }
            Self::Gamma { rate, burstiness } => check([
                Given::positive("rate", rate),
                Given::positive("burstiness", burstiness),
            ]),
            Self::Ramp { from, to, over_ms } => check([
                Given::not_negative("from", from),
                Given::positive("to", to),
                Given::positive("over_ms", over_ms as f64),
            ]),
            Self::Ladder(ref options) => options.check(),
        };
        checked.map_err(PlanError::Load)
    }
}

/// What a good answer must meet; all that are given.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slo {
    /// Dispatch → first content at most, in milliseconds.
    pub ttft_ms: Option<f64>,
    /// Time per output token at most, in milliseconds.
    pub tpot_ms: Option<f64>,
    /// Planned start → last content at most, in milliseconds.
    pub e2e_ms: Option<f64>,
}

fields!(Slo { ttft_ms, tpot_ms, e2e_ms } or |_of| Self::default());
by_serde!(Slo);

impl Slo {
    /// Whether a request met it. One that failed did not; one without the figure that an objective
    /// is about (such as the time per token of a single token) did as far as that goes.
    pub fn is_met(&self, sample: &Sample) -> bool {
        let within = |limit: Option<f64>, value: Option<f64>| match (limit, value) {
            (Some(limit), Some(value)) => value <= limit,
            _ => true,
        };
        sample.is_ok()
            && within(self.ttft_ms, sample.ttft_ms())
            && within(self.tpot_ms, sample.tpot_ms())
            && within(self.e2e_ms, sample.e2e_sched_ms())
    }
}

/// Everything about a run but the endpoint.
///
/// ```
/// use kneepoint_bench::plan::{Load, Plan};
///
/// // A thousand requests, a hundred at a time.
/// let plan = Plan { requests: Some(1000), ..Plan::new(Load::Closed { concurrency: 100 }) };
/// assert!(plan.check().is_ok());
///
/// // Without a count or a duration it would never end.
/// assert!(Plan::new(Load::Poisson { rate: 5.0 }).check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How requests are sent.
    pub load: Load,
    /// At most so many are measured. Default: no limit.
    pub requests: Option<u64>,
    /// None is sent later than this after measuring began, in milliseconds. Default: no limit.
    pub duration_ms: Option<u64>,
    /// Measuring begins once so many requests have ended; slots go on without a break. Default: at
    /// once.
    pub warmup_requests: Option<u64>,
    /// Measuring begins after so long, in milliseconds; if both are given, when both are over.
    pub warmup_ms: Option<u64>,
    /// When a run ends, what is in flight may go on for so long, in milliseconds. Default 30,000.
    pub drain_ms: u64,
    /// Where requests are sent at given times: at most so many in flight, further ones wait. Default
    /// 1000.
    pub in_flight_max: u32,
    /// What a good answer must meet. Default: nothing.
    pub slo: Option<Slo>,
    /// What the run may cost. Default: no bound.
    pub budget: Budget,
    /// The seed of all draws. Default 1.
    pub seed: u64,
}

fields!(Plan {
    load, requests, duration_ms, warmup_requests, warmup_ms, drain_ms, in_flight_max, slo, budget,
    seed,
} or |of| Self::new(of.get("load")?));
by_serde!(Plan);

impl Plan {
    /// The defaults for a load.
    pub const fn new(load: Load) -> Self {
        Self {
            load,
            requests: None,
            duration_ms: None,
            warmup_requests: None,
            warmup_ms: None,
            drain_ms: 30_000,
            in_flight_max: 1000,
            slo: None,
            budget: Budget::NONE,
            seed: 1,
        }
    }

    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), PlanError> {
        self.load.check()?;
        self.budget.check()?;
        let in_flight = Given::positive("in_flight_max", self.in_flight_max.into());
        check([in_flight]).map_err(PlanError::Load)?;
        let endless = self.requests.is_none() && self.duration_ms.is_none();
        if endless && !matches!(self.load, Load::Ladder(_)) {
            return Err(PlanError::Endless);
        }
        if self.requests == Some(0) || self.duration_ms == Some(0) {
            return Err(PlanError::Nothing);
        }
        Ok(())
    }
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The load makes no sense.
    #[error("the load cannot be sent: {0}")]
    Load(String),
    /// It would never end.
    #[error("give a number of requests, a duration, or both: the run would never end")]
    Endless,
    /// It would send nothing.
    #[error("0 requests, or none for 0 ms, measure nothing")]
    Nothing,
    /// The budget makes no sense.
    #[error("the budget cannot be kept: {0}")]
    Budget(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample;

    #[test]
    fn plans_that_cannot_be_carried_out_are_refused() {
        let closed = Plan::new(Load::Closed { concurrency: 4 });
        let with = |load| Plan {
            requests: Some(10),
            ..Plan::new(load)
        };
        #[rustfmt::skip]
        let cases = [
            (closed.clone(),                                                      false), // endless
            (Plan { requests: Some(1), ..closed.clone() },                        true),
            (Plan { duration_ms: Some(1), ..closed.clone() },                     true),
            (Plan { requests: Some(0), ..closed },                                false),
            (with(Load::Closed { concurrency: 0 }),                               false),
            (with(Load::Closed { concurrency: 100_000 }),                         true),
            (with(Load::Closed { concurrency: 100_001 }),                         false),
            (with(Load::Constant { rate: 0.0 }),                                  false),
            (with(Load::Poisson { rate: f64::NAN }),                              false),
            (with(Load::Gamma { rate: 1.0, burstiness: -1.0 }),                   false),
            (with(Load::Ramp { from: 0.0, to: 5.0, over_ms: 1000 }),              true),
            (with(Load::Ramp { from: 0.0, to: 0.0, over_ms: 1000 }),              false),
            (Plan::new(Load::Ladder(ladder::Options::default())),                 true),
        ];
        for (plan, good) in cases {
            assert_eq!(plan.check().is_ok(), good, "{plan:?}");
        }
        let said = with(Load::Constant { rate: -1.0 }).check().unwrap_err();
        assert_eq!(
            said.to_string(),
            "the load cannot be sent: rate: found -1, expected a number above 0"
        );
    }

    #[test]
    fn an_objective_is_met_by_answers_only() {
        let slo = Slo {
            ttft_ms: Some(100.0),
            tpot_ms: Some(10.0),
            e2e_ms: Some(196.0),
        };
        assert!(slo.is_met(&sample()));
        assert!(
            !Slo {
                ttft_ms: Some(99.0),
                ..slo
            }
            .is_met(&sample())
        );
        assert!(
            !Slo {
                tpot_ms: Some(9.9),
                ..slo
            }
            .is_met(&sample())
        );
        assert!(
            !Slo {
                e2e_ms: Some(195.0),
                ..slo
            }
            .is_met(&sample()),
            "from the planned start"
        );
        let failed = Sample {
            class: crate::record::Class::Server,
            ..sample()
        };
        assert!(!Slo::default().is_met(&failed));
    }

    #[test]
    fn a_plan_is_read_from_little_json() {
        let plan: Plan =
            serde_json::from_str(r#"{"load":{"mode":"ladder","max":16},"seed":7}"#).unwrap();
        let options = ladder::Options {
            max: 16,
            ..ladder::Options::default()
        };
        assert_eq!(
            plan,
            Plan {
                seed: 7,
                ..Plan::new(Load::Ladder(options))
            }
        );
    }
}
