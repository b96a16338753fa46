//! What a ladder found, and what it measured each rung for.

use crate::number::percent;

/// What a ladder found. On a server that was another at the end, neither knee nor peak nor slo can be
/// named.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Where throughput and latency are in the best balance.
    pub knee: Option<Finding>,
    /// The least concurrency that comes close to the highest throughput.
    pub peak: Option<Finding>,
    /// The concurrency beyond which the server refuses; 0 where it refuses one at a time.
    pub limit: Option<Finding>,
    /// The highest concurrency at which the objectives were met.
    pub slo: Option<Finding>,
    /// Why the ladder went no higher.
    pub stop: Stop,
    /// Whether the server was the same at the end; none where that was not measured.
    pub stability: Option<Stability>,
}

impl Answer {
    /// How the server changed meanwhile, if it did.
    pub fn drift(&self) -> Option<&Stability> {
        self.stability.as_ref().filter(|found| !found.stable)
    }

    /// How steady the server was, in a few words.
    pub fn steadiness(&self) -> String {
        self.stability.as_ref().map_or_else(
            || "stability not measured".to_owned(),
            |found| {
                let word = if found.stable {
                    "stable within"
                } else {
                    "drifted by"
                };
                format!("{word} {}", percent(found.value))
            },
        )
    }
}

/// A concurrency, between which others it lies, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The concurrency.
    pub value: u32,
    /// It is no lower than this.
    pub low: u32,
    /// It is no higher than this.
    pub high: u32,
    /// Why, in a sentence.
    pub reason: String,
}

/// Why a ladder went no higher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The rule.
    pub value: StopRule,
    /// The figures that it went by, in a sentence.
    pub reason: String,
}

/// Whether the server was the same at the end as before.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    /// The larger change of throughput between a first and a second measurement, as a share.
    pub value: f64,
    /// Whether that is within the bound.
    pub stable: bool,
    /// The smaller ratio of the second to the first measurement.
    pub low: f64,
    /// The larger one.
    pub high: f64,
    /// The figures, in a sentence.
    pub reason: String,
}

/// A rule that ends the climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopRule {
    /// The client was the limit.
    ClientBound,
    /// Too many requests failed.
    Errors,
    /// The server refused too many.
    RateLimited,
    /// Too few requests met the objectives.
    Slo,
    /// More concurrency brought hardly more throughput.
    Plateau,
    /// More concurrency brought less throughput.
    Retrograde,
    /// The highest rung was reached.
    Max,
    /// Rungs, time, requests, tokens or money were used up.
    Budget,
    /// Someone ended it.
    User,
}

words!(StopRule {
    ClientBound = "client_bound", Errors = "errors", RateLimited = "rate_limited", Slo = "slo",
    Plateau = "plateau", Retrograde = "retrograde", Max = "max", Budget = "budget", User = "user",
});
by_serde!(StopRule);

/// What a rung was measured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A plain run.
    Run,
    /// To see whether more concurrency brings more.
    Climb,
    /// To find a limit of the server confirmed.
    Verify,
    /// To tell knee and peak apart from their neighbours.
    Refine,
    /// To see whether the server is still the same.
    Repeat,
}

words!(Purpose as as_str {
    Run = "run", Climb = "climb", Verify = "verify", Refine = "refine", Repeat = "repeat",
});
by_serde!(Purpose);
