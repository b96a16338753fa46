//! The numbers behind Kneepoint: quantiles under a named rule, summaries, histograms that merge,
//! intervals that say when there is too little data, paired comparisons, and the arithmetic of
//! the concurrency ladder.
//!
//! Everything here is a function of its arguments: no clock, no randomness, no input or output,
//! and the same bits natively and in WebAssembly. Raw samples are checked where they enter,
//! and an answer that does not exist is `None` or a typed error.
//!
//! ```
//! use kneepoint_stats::{Confidence, Rule, Summary, quantile, wilson};
//!
//! let latencies_ms = [10.0, 20.0, 30.0, 40.0, 50.0];
//! assert_eq!(quantile(&latencies_ms, 0.9, Rule::Inclusive), Some(46.0));
//! assert_eq!(quantile(&latencies_ms, 0.9, Rule::Exclusive), Some(54.0));
//!
//! let summary = Summary::of(&latencies_ms, &[0.95], Rule::Inclusive)?.expect("five samples");
//! assert_eq!((summary.mean, summary.median, summary.quantiles[0]), (30.0, 30.0, 48.0));
//!
//! // 3 failures in 200 requests: the share lies between 0.5 % and 4.3 %.
//! let share = wilson(3, 200, Confidence::P95).expect("there were requests");
//! assert!(share.low > 0.005 && share.high < 0.044);
//! # Ok::<(), kneepoint_stats::SampleError>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "exact arithmetic, exact tests")
)]

// Quantiles of sorted samples, and the rules they go by.
mod quantile;
pub use quantile::{Rule, UnknownRule, quantile};

// What can be wrong with samples from outside.
mod sample;
pub use sample::{RecordError, SampleError, check_sorted};

// Chosen order statistics without sorting everything.
mod select;

// Everything one usually wants to know of one sample.
mod summary;
pub use summary::Summary;

// Counters in HDR's log-linear layout, 3 significant digits.
mod histogram;
pub use histogram::{Bucket, Histogram, HistogramError};

// The HDR V2 binary payload.
mod hdr;
pub use hdr::DecodeError;

// The `.hgrm` percentile table.
mod hgrm;

// Bars for a plot.
mod bins;
pub use bins::{Bin, Scale};

// Samples too many to keep, counted.
mod counted;

// Exact samples while they are few, a histogram beyond.
mod series;
pub use series::{MergeError, Quantile, Series};

// Intervals for quantiles, means, shares and rates.
mod interval;
pub use interval::{
    BATCHES, Confidence, Estimate, Interval, NoInterval, mean_interval, quantile_interval,
    quantile_needs, quantile_ranks, rate_interval, wilson,
};

// Two systems measured in alternation.
mod compare;
pub use compare::{
    CompareError, PAIRS_MAX, PAIRS_MIN, Ratio, Shift, SignTest, hodges_lehmann, log_ratio,
    sign_test,
};

// Elasticity, knee, peak and Little's law.
mod ladder;
pub use ladder::{
    PEAK_SHARE, PLATEAU_ELASTICITY, PLATEAU_Z, Rung, Step, Trend, elasticity, knee,
    little_residual, peak, power,
};

// The universal scalability law, fitted.
mod usl;
pub use usl::Usl;

// The probability functions that the intervals stand on.
pub mod special;
