//! What page and engine tell each other. Plain values, sent as JSON.

use kneepoint_bench::json::{self, Wrong};
use kneepoint_bench::plan::{Plan, PromptSource};
use kneepoint_bench::record::Sample;
use kneepoint_bench::report::{Connections, Report, Rung};
use kneepoint_bench::{Tick, fields, variants, words};

/// Page → engine.
#[allow(clippy::large_enum_variant, reason = "one per run")]
pub enum Ask {
    /// Measure this. Answered by [`Told::Done`] or [`Told::Failed`], and by nothing after that.
    Begin(Job),
    /// End the run; what was measured is reported, within a second.
    Stop,
    /// Whether the page can be seen: browsers slow down what is hidden, and the report says so.
    Visible(bool),
}

variants!(Ask { Begin(job) = "begin", Stop = "stop", Visible(visible) = "visible" });

/// What to measure. Neither `Debug` nor `Clone`: it may hold a key.
pub struct Job {
    /// Who is asked.
    pub endpoint: Endpoint,
    /// The key, unless the endpoint asks for none. It goes no further than the client.
    pub key: Option<String>,
    /// The model.
    pub model: String,
    /// What is asked.
    pub prompt: PromptSource,
    /// What the system is told.
    pub system: Option<String>,
    /// Whether a text that is never the same stands in front of each prompt.
    pub nonce: bool,
    /// The longest answer, in tokens.
    pub max_tokens: Option<u32>,
    /// Whether answers are streamed.
    pub stream: bool,
    /// Retries of one request; none for the client's own rule. A ladder retries nothing.
    pub retries: Option<u32>,
    /// The whole request, in milliseconds; none for the client's own bound.
    pub timeout_ms: Option<u64>,
    /// When requests are sent, and what they may cost.
    pub plan: Plan,
}

fields!(Job {
    endpoint,
    key,
    model,
    prompt,
    system,
    nonce,
    max_tokens,
    stream,
    retries,
    timeout_ms,
    plan,
});

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The simulated endpoint of the server that this page came from: a preset's name, or a spec.
    Simulated(String),
    /// An endpoint by its address, asked by the browser itself.
    Direct {
        /// The address, to the version: `https://llm.example/v1`.
        base_url: String,
        /// Whose protocol it speaks.
        dialect: Dialect,
    },
    /// An upstream of the local proxy, by its name. The proxy holds the key.
    Proxy {
        /// The name it was started with.
        name: String,
        /// Whose protocol it speaks.
        dialect: Dialect,
    },
}

variants!(Endpoint {
    Simulated(spec) = "simulated",
    Direct { base_url, dialect } = "direct",
    Proxy { name, dialect } = "proxy",
});

/// Whose protocol an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Chat completions, as most servers have them.
    #[default]
    OpenAi,
    /// Messages.
    Anthropic,
}

words!(Dialect { OpenAi = "open_ai", Anthropic = "anthropic" });

/// Engine → page.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a few per second")]
pub enum Told {
    /// The engine can be asked.
    Ready,
    /// How things stand, five times a second.
    Tick(Tick),
    /// A rung that was measured.
    Rung(Rung),
    /// Requests that have ended since they were last told, with a tick at most.
    Samples(Samples),
    /// How the server is reached, whenever that has changed.
    Connections(Connections),
    /// The run is over.
    Done(Report),
    /// There is no report, and why.
    Failed(String),
}

variants!(Told {
    Ready = "ready",
    Tick(tick) = "tick",
    Rung(rung) = "rung",
    Samples(samples) = "samples",
    Connections(connections) = "connections",
    Done(report) = "done",
    Failed(reason) = "failed",
});

/// Some of the requests of a run: those whose number `every` divides. It doubles whenever more were
/// kept than [`SAMPLES_MAX`], so what is left is spread evenly over the whole run.
#[derive(Debug, Default)]
pub struct Samples {
    /// A power of two; 1 until there are too many.
    pub every: u64,
    /// Those that are new, in the order in which they ended.
    pub list: Vec<Sample>,
}

fields!(Samples { every, list });

/// So many requests of a run are told and kept, at a few hundred bytes each.
pub const SAMPLES_MAX: usize = 20_000;

impl Samples {
    /// Adds these to those that were told before, which lose what is no longer kept.
    pub fn join(self, kept: &mut Vec<Sample>) {
        kept.extend(self.list);
        let every = self.every.max(1);
        kept.retain(|sample| sample.id.is_multiple_of(every));
    }
}

impl Ask {
    /// The message's text.
    pub fn to_json(&self) -> String {
        json::to_string(self)
    }

    /// Reads a message.
    pub fn from_json(text: &str) -> Result<Self, Wrong> {
        json::from_str(text)
    }
}

impl Told {
    /// The message's text.
    pub fn to_json(&self) -> String {
        json::to_string(self)
    }

    /// Reads a message.
    pub fn from_json(text: &str) -> Result<Self, Wrong> {
        json::from_str(text)
    }
}
