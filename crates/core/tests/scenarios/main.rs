//! What the client promises, as scenarios in a simulated world.
//!
//! Each test is named after its promise and reads as a script: what the server does, what the
//! caller does, what must come of it. Time is virtual and dice have seeds, so a failure repeats.

#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers may fail like the test itself"
)]

mod aborts;
mod batches;
mod caches;
mod faults;
mod harness;
mod hedges;
mod limits;
mod loop_world;
mod refusals;
mod retries;
mod sharing;
mod streams;
mod timeouts;
mod wire;
