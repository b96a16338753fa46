//! Numbers that somebody else measured, summarised as ours are.

use kneepoint_stats::{Rule, SampleError, UnknownRule};
use serde::Serialize;

use crate::report::QUANTILES;

/// What samples look like, in their own unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// How many.
    pub n: u64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation; none for a single one.
    pub sd: Option<f64>,
    /// The name of the rule that answered the quantiles.
    pub rule: &'static str,
    /// p50, p75, p90, p95, p99 and p99.9: which, and its value.
    pub quantiles: Vec<(f64, f64)>,
}

/// Why samples cannot be summarised.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SummaryError {
    /// No rule has this name.
    #[error(transparent)]
    Rule(#[from] UnknownRule),
    /// One of them is no measurement.
    #[error(transparent)]
    Sample(#[from] SampleError),
}

/// Summarises samples in any order under the rule of this name. None if there are none.
///
/// ```
/// use kneepoint_bench::summarize;
///
/// let summary = summarize(&[10.0, 20.0, 30.0, 40.0, 50.0], "inclusive")?.expect("five samples");
/// assert_eq!((summary.mean, summary.quantiles[3]), (30.0, (0.95, 48.0)));
/// assert!(summarize(&[1.0], "median").is_err());
/// assert_eq!(summarize(&[], "nearest")?, None);
/// # Ok::<(), kneepoint_bench::SummaryError>(())
/// ```
pub fn summarize(samples: &[f64], rule: &str) -> Result<Option<Summary>, SummaryError> {
    let rule: Rule = rule.parse()?;
    let found = kneepoint_stats::Summary::of(samples, &QUANTILES, rule)?;
    Ok(found.map(|found| Summary {
        n: found.n,
        min: found.min,
        max: found.max,
        mean: found.mean,
        sd: found.sd,
        rule: rule.name(),
        quantiles: QUANTILES.into_iter().zip(found.quantiles).collect(),
    }))
}
