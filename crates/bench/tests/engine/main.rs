//! The engine as its users see it, against simulated servers, in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "tests may, and virtual time is exact"
)]

mod comparing;
mod harness;
mod laws;
mod measures;
mod merging;
mod pictures;
mod runs;
mod schema;
mod servers;
mod standstills;
