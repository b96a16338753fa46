//! The benchmark engine: plan, run, ladder, report.
//!
//! A [`plan::Plan`] says as data when requests are sent and what they ask. [`run`](fn@run) carries
//! it out with kneepoint-core's client, on whatever platform that runs on, and answers a
//! [`report::Report`]: counts, times and throughput, each with its interval and the rule that it
//! was computed by. A plan whose load is a [`ladder`] raises the concurrency to the knee and beyond
//! and says where it found what.
//!
//! ```
//! use kneepoint_bench::plan::{Load, Plan, Prompts};
//! use kneepoint_bench::{Control, Target, ladder, run};
//! use kneepoint_core::platform::sim::{ServerModel, Sim};
//! use kneepoint_core::{Config, Provider};
//!
//! // A simulated server of four slots with a queue before them.
//! let sim = Sim::new(1);
//! let server = ServerModel { slots: Some(4), queues: true, ..ServerModel::default() };
//! sim.serve("https://llm.test", server);
//!
//! let config = Config::new(Provider::compatible("https://llm.test/v1"));
//! let target = Target::new(config, Prompts::text("small", "Hello!"));
//! let plan = Plan::new(Load::Ladder(ladder::Options::default()));
//! let report = sim.run(run(&sim, &target, &plan, &Control::new(), &mut ()))?;
//!
//! let knee = report.answer.and_then(|answer| answer.knee).expect("it answers");
//! assert!((3..=5).contains(&knee.value));
//! # Ok::<(), kneepoint_bench::RunError>(())
//! ```
//!
//! Memory stays flat however long a run is: requests are folded into figures as they end, and handed
//! to a [`Listener`] that may keep them. Nothing here writes a file or draws.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "exact arithmetic, exact tests")
)]

// First, since its tables are used by all that follow.
#[macro_use]
pub mod json;

pub mod chart;
pub mod client_bound;
mod climb;
pub mod compare;
pub mod export;
mod given;
pub mod ladder;
pub mod merge;
pub mod number;
pub mod order;
mod outcome;
pub mod plan;
mod pool;
mod progress;
mod rate;
mod reach;
pub mod record;
pub mod report;
mod run;
mod send;
mod session;
mod summarize;
mod tally;
mod target;
pub mod threshold;
mod timeline;
mod usage;

pub use progress::{Control, Listener, Percentiles, Phase, Tick};
pub use run::{RunError, run};
pub use summarize::{Summary, SummaryError, summarize};
pub use target::Target;
