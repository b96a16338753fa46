//! The benchmark engine: plan, run, ladder, report.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "exact arithmetic, exact tests")
)]

pub mod client_bound;
mod climb;
pub mod ladder;
mod outcome;
pub mod plan;
mod pool;
mod progress;
pub mod record;
pub mod report;
mod run;
mod send;
mod session;
mod tally;
mod timeline;

pub use progress::{Control, Listener, Percentiles, Phase, Tick};
pub use run::{RunError, Target, run};
