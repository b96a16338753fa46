//! From a job to what the engine runs.

use std::time::Duration;

use kneepoint_bench::Target;
use kneepoint_bench::plan::{Load, Plan, Prompts};
use kneepoint_core::{Config, HeaderValue, Provider, Secret};

use super::AT_ONCE_MAX;
use crate::message::{Dialect, Endpoint, Job};
use crate::server::{TOKEN_HEADER, server};

/// What the engine runs, and what its report must say about that.
pub(super) struct Prepared {
    pub(super) target: Target,
    pub(super) plan: Plan,
    pub(super) notes: Vec<String>,
}

/// The target and the plan of a job, for a page from `origin`. `is_spread`: the simulated endpoint is
/// reached by other names than that.
pub(super) async fn prepare(job: Job, origin: &str, is_spread: bool) -> Result<Prepared, String> {
    let mut config = config(&job, origin).await?;
    if is_spread {
        // Other names are other origins. This type needs no leave to be sent there: browsers would
        // ask for it before the first request of each connection, and time that as part of it.
        config.headers.set_text("content-type", "text/plain");
    }
    if let Some(timeout) = job.timeout_ms {
        config.timeout = Some(Duration::from_millis(timeout));
    }
    if job.retries.is_some() {
        config.retry.retries_max = job.retries;
    }
    let prompts = Prompts::from_source(&job.model, &job.prompt)
        .map_err(|error| format!("prompts: {error}"))?;
    let prompts = Prompts {
        system: job.system,
        nonce: job.nonce,
        max_tokens: job.max_tokens,
        ..prompts
    };
    let mut target = Target::new(config, prompts);
    target.stream = job.stream;
    let (plan, notes) = bounded(job.plan);
    Ok(Prepared {
        target,
        plan,
        notes,
    })
}

/// Whom to ask, with which credentials.
async fn config(job: &Job, origin: &str) -> Result<Config, String> {
    let key = job.key.as_deref();
    match &job.endpoint {
        Endpoint::Direct { base_url, dialect } => {
            let mut config = Config::new(speaking(*dialect, base_url));
            config.api_key = key.map(Secret::new);
            Ok(config)
        }
        Endpoint::Simulated(spec) => {
            let base_url = format!("{origin}/mock/{spec}/v1");
            let mut config = Config::new(Provider::compatible(&base_url));
            if let Some(token) = key {
                config.headers.set(TOKEN_HEADER, secret(token));
            }
            Ok(config)
        }
        Endpoint::Proxy { name, dialect } => {
            let base_url = format!("{origin}/proxy/{name}/v1");
            let found = server(key).await.map_err(|_| {
                "The proxy of this page's server cannot be reached. Is it still running? If other \
                 machines may use it, it wants its token as the key."
                    .to_owned()
            })?;
            let mut config = Config::new(speaking(*dialect, &base_url));
            if let Some(token) = found.token.as_deref().or(key) {
                config.headers.set(TOKEN_HEADER, secret(token));
            }
            Ok(config)
        }
    }
}

fn secret(token: &str) -> HeaderValue {
    HeaderValue::Secret {
        prefix: "",
        secret: Secret::new(token),
    }
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

/// The plan within what a browser can send, and a word about that where it makes a difference.
fn bounded(mut plan: Plan) -> (Plan, Vec<String>) {
    let mut open_loop = 0;
    let wanted = match &mut plan.load {
        Load::Closed { concurrency } => concurrency,
        Load::Ladder(options) => &mut options.max,
        _ => &mut open_loop,
    };
    let asked = *wanted;
    *wanted = asked.min(AT_ONCE_MAX);
    plan.in_flight_max = plan.in_flight_max.min(AT_ONCE_MAX);
    let note = (asked > AT_ONCE_MAX).then(|| {
        format!(
            "{asked} requests at once were asked for and {AT_ONCE_MAX} were sent: browsers fail what \
             goes much beyond. The command line goes further"
        )
    });
    (plan, note.into_iter().collect())
}
