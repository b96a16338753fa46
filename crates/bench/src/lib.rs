//! The benchmark engine: plan, run, ladder, report.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "exact arithmetic, exact tests")
)]

pub mod client_bound;
pub mod ladder;
pub mod plan;
pub mod record;
pub mod report;
