//! What the limiter promises, tested on servers and seeds drawn at random.
//!
//! A failure names its seed; everything is drawn from it, so the run can be replayed.

#[path = "limiter/queue.rs"]
mod queue;
#[path = "limiter/rule.rs"]
mod rule;
#[path = "limiter/servers.rs"]
mod servers;
#[path = "limiter/storms.rs"]
mod storms;
