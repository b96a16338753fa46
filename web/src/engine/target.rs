//! From a job to what the engine runs.

use std::time::Duration;

use kneepoint_bench::Target;
use kneepoint_bench::plan::{Plan, Prompts, Source};
use kneepoint_core::{Config, Provider, Secret};

use crate::message::{Dialect, Endpoint, Job, PromptSource};

/// The target and the plan of a job, for a page from `origin`.
pub(crate) fn of(job: Job, origin: &str) -> Result<(Target, Plan), String> {
    let provider = match job.endpoint {
        Endpoint::Simulated(spec) => Provider::compatible(&format!("{origin}/mock/{spec}/v1")),
        Endpoint::Direct { base_url, dialect } => speaking(dialect, &base_url),
        Endpoint::Proxy { name, dialect } => {
            speaking(dialect, &format!("{origin}/proxy/{name}/v1"))
        }
    };
    let mut config = Config::new(provider);
    config.api_key = job.key.as_deref().map(Secret::new);
    if let Some(timeout) = job.timeout_ms {
        config.timeout = Some(Duration::from_millis(timeout));
    }
    let prompts = match job.prompt {
        PromptSource::Text(text) => Prompts::text(&job.model, &text),
        PromptSource::Lines(lines) => {
            Prompts::from_jsonl(&job.model, &lines).map_err(|error| format!("prompts: {error}"))?
        }
        PromptSource::Synthetic(tokens) => Prompts::new(&job.model, Source::Synthetic { tokens }),
        PromptSource::Shared { prefix, suffix } => {
            Prompts::new(&job.model, Source::SharedPrefix { prefix, suffix })
        }
    };
    let prompts = Prompts {
        system: job.system,
        nonce: job.nonce,
        max_tokens: job.max_tokens,
        ..prompts
    };
    let mut target = Target::new(config, prompts);
    target.stream = job.stream;
    target.environment.browser = true;
    Ok((target, job.plan))
}

fn speaking(dialect: Dialect, base_url: &str) -> Provider {
    match dialect {
        Dialect::OpenAi => Provider::compatible(base_url),
        Dialect::Anthropic => Provider {
            base_url: base_url.to_owned(),
            ..Provider::anthropic()
        },
    }
}
