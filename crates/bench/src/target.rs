//! Whom to measure, and with what.

use kneepoint_core::Config;

use crate::plan::Prompts;
use crate::report::Environment;

/// Whom to measure, and with what.
#[derive(Clone)]
pub struct Target {
    /// The client's configuration. Its concurrency counts only if it is adaptive; else the plan's
    /// does. A ladder retries nothing, whatever it says here.
    pub config: Config,
    /// What is asked.
    pub prompts: Prompts,
    /// Whether answers are streamed.
    pub stream: bool,
    /// Where it runs, for the report.
    pub environment: Environment,
    /// Whether the report leaves the host out.
    pub hide_host: bool,
}

impl Target {
    /// Streams answers to these prompts.
    pub fn new(config: Config, prompts: Prompts) -> Self {
        Self {
            config: Config {
                // A benchmark sends what it was told to, unless told to adapt.
                concurrency: kneepoint_core::adapt::Options {
                    adaptive: false,
                    ..config.concurrency
                },
                ..config
            },
            prompts,
            stream: true,
            environment: Environment::default(),
            hide_host: false,
        }
    }
}
