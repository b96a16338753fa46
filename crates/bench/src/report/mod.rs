//! The result of a run or a ladder: the types whose JSON is schema v1 (`schema/v1.json`).
//!
//! Plain data with public fields. Nothing in it holds a key, a prompt or an answer.

mod json;
mod metric;
mod note;
mod text;
mod times;
mod verdict;

use kneepoint_stats::Usl;

use crate::client_bound::Verdict;
use crate::plan::{Load, Slo};
use crate::record::{Class, TokenSource};

pub use crate::ladder::{Answer, Finding, Purpose, Stability, Stop};
pub use crate::plan::CacheMode;
pub use metric::{Metric, Quantile, Reference};
pub(crate) use note::UNREACHED;
pub use note::hidden_note;
pub use text::{CLIENT_LEGEND, CLIENT_MARK};
pub use times::{TIMES, Times};
pub use verdict::verdict;

pub(crate) use metric::{CONFIDENCE, QUANTILES, RULE, buckets};

/// The number of the schema that [`Report`] follows.
pub const SCHEMA: u32 = 1;

/// The result of one run: what a file holds, what a page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// `kneepoint`.
    pub tool: String,
    /// The tool's version.
    pub version: String,
    /// What sent the requests, such as `kneepoint-core 0.1.0`.
    pub engine: String,
    /// How the server was reached.
    pub protocol: Connections,
    /// What was asked for.
    pub config: Setup,
    /// Where it ran.
    pub env: Environment,
    /// What was measured, in the order in which it was: one for a plain run.
    pub rungs: Vec<Rung>,
    /// What a ladder found; none for a plain run.
    pub answer: Option<Answer>,
    /// How it was measured.
    pub method: Method,
}

impl Report {
    /// The universal scalability law that fits the rungs of a ladder best: a line to draw through
    /// them. The answer does not stand on it. None for fewer than three rungs.
    pub fn usl(&self) -> Option<Usl> {
        let of_curve = |rung: &&Rung| {
            let refused = rung.count(Class::Throttled) > 0;
            rung.purpose != Purpose::Repeat && !refused && !rung.client.bound
        };
        let mut curve: Vec<kneepoint_stats::Rung> = Vec::new();
        for rung in self.rungs.iter().filter(of_curve) {
            curve.push(kneepoint_stats::Rung {
                concurrency: f64::from(rung.concurrency?),
                throughput: rung.throughput(self.config.stream).value,
                relative_error: 0.0,
            });
        }
        Usl::fit(&curve)
    }
}

/// How the server was reached, as far as the runtime tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connections {
    /// The protocol: `http/1.1`, `h2`, `h3`.
    pub http: Option<String>,
    /// Connections opened.
    pub opened: Option<u64>,
    /// Requests that found an open connection.
    pub reused: Option<u64>,
    /// How many requests the runtime lets be under way at once.
    pub cap: Option<u32>,
    /// What else there is to say, in sentences.
    pub notes: Vec<String>,
}

/// What was asked for. Of the endpoint only host and path are kept, of the prompts what kind they
/// are.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Host and port; none where it was hidden.
    pub host: Option<String>,
    /// The path.
    pub path: String,
    /// The model.
    pub model: String,
    /// Whether answers were streamed.
    pub stream: bool,
    /// The longest answer asked for, in tokens.
    pub max_tokens: Option<u32>,
    /// What the prompts were, in words.
    pub prompts: String,
    /// What the server's prompt cache could do: `unique`, `shared_prefix` or `repeated`.
    pub cache_mode: CacheMode,
    /// How requests were sent.
    pub load: Load,
    /// At most so many requests.
    pub requests: Option<u64>,
    /// For at most so long, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Warmed up for so many requests.
    pub warmup_requests: Option<u64>,
    /// Warmed up for so long, in milliseconds.
    pub warmup_ms: Option<u64>,
    /// What a good answer must meet; none if nothing was asked for.
    pub slo: Option<Slo>,
    /// The seed of all draws.
    pub seed: u64,
    /// Retries of one request: a number, or none for the client's own rule.
    pub retries_max: Option<u32>,
}

impl Setup {
    /// Whether the endpoint is on this machine, by its name.
    pub fn is_loopback(&self) -> bool {
        let names = ["127.", "localhost", "[::1]"];
        let host = self.host.as_deref().unwrap_or_default();
        names.iter().any(|name| host.starts_with(name))
    }
}

/// Where a run took place. The engine cannot know; whoever starts it says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// Such as `node 24.4` or `chromium 150`.
    pub runtime: String,
    /// The operating system, if it is known.
    pub os: Option<String>,
    /// The step of the clock in microseconds, where the runtime rounds it.
    pub clock_step_us: Option<u64>,
    /// When the run began, in milliseconds since 1970 (UTC).
    pub started_unix_ms: Option<u64>,
    /// Whether the runtime is a browser, whose connections are few.
    pub browser: bool,
}

/// A figure and the interval that holds it with the report's confidence.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The interval's lower end; none where there is too little data for one.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
}

/// What was measured under one load.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// What for.
    pub purpose: Purpose,
    /// Slots of a closed loop; none where requests were sent at given times.
    pub concurrency: Option<u32>,
    /// When it began, in seconds since the run did.
    pub start_s: f64,
    /// How long it was measured: of a plain run from the first dispatch to the last finish, of a
    /// ladder the window.
    pub duration_s: f64,
    /// Requests that ended in it.
    pub requests: u64,
    /// Those with an answer.
    pub ok: u64,
    /// Attempts, retries included.
    pub attempts: u64,
    /// Those among them that the server refused (400) and that were followed at once by one without the
    /// question for usage.
    pub usage_refused: u64,
    /// How requests ended; classes that did not occur are left out.
    pub classes: Vec<ClassCount>,
    /// Answers per second.
    pub requests_per_s: Estimate,
    /// Tokens of answers per second; none where nobody counted tokens.
    pub output_tokens_per_s: Option<Estimate>,
    /// Answers per second that met every objective; none where none was given.
    pub goodput_per_s: Option<f64>,
    /// The share of requests that met every objective, failures included.
    pub slo_share: Option<Estimate>,
    /// Tokens of prompts, of requests with an answer.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Tokens of prompts that came from the server's cache.
    pub cached_tokens: u64,
    /// Who counted the tokens; the weakest source, if there were several.
    pub token_source: TokenSource,
    /// Requests in flight, rebuilt from the times of each: the mean over the window.
    pub concurrency_mean: f64,
    /// The most at once.
    pub concurrency_peak: u32,
    /// How far the concurrency that was wanted is from what arrived (Little's law), as a share.
    pub little_residual: Option<f64>,
    /// Whether most streams came in one burst: something on the way holds them back, and times per
    /// token mean nothing.
    pub buffered: bool,
    /// The reference block's figures; none without an answer.
    pub reference: Option<Reference>,
    /// Dispatch → first content; in milliseconds, as all that follow.
    pub ttft: Option<Metric>,
    /// Dispatch → first visible token.
    pub ttfv: Option<Metric>,
    /// Time per output token after the first, one figure per request.
    pub tpot: Option<Metric>,
    /// Gaps between chunks, of all streams together.
    pub icl: Option<Metric>,
    /// Dispatch → last content.
    pub e2e: Option<Metric>,
    /// Planned start → dispatch.
    pub queue: Option<Metric>,
    /// Planned start → last content.
    pub e2e_sched: Option<Metric>,
    /// What happened in each second, for a plot.
    pub timeline: Vec<Moment>,
    /// Whether the client was the limit.
    pub client: Verdict,
}

impl Rung {
    /// How many requests ended in this way.
    pub fn count(&self, class: Class) -> u64 {
        let found = self.classes.iter().find(|one| one.class == class);
        found.map_or(0, |one| one.count)
    }

    /// What most of its requests without an answer ended with.
    pub fn worst(&self) -> Option<&ClassCount> {
        let unanswered = self.classes.iter().filter(|one| one.class != Class::Ok);
        unanswered.max_by_key(|one| one.count)
    }

    /// Requests without an answer. A file may claim more answers than requests.
    pub const fn unanswered(&self) -> u64 {
        self.requests.saturating_sub(self.ok)
    }

    /// Those among them that failed: that were neither refused nor taken back by the client, which is
    /// nobody's failure.
    pub fn failed(&self) -> u64 {
        self.unanswered()
            .saturating_sub(self.count(Class::Throttled))
            .saturating_sub(self.count(Class::Aborted))
    }

    /// Attempts beyond the first of each request, where they are more than one in a hundred: the pauses
    /// before them are the client's, and stand in every time. Else 0. Those that asked for usage and were
    /// refused stand in no time.
    pub const fn repeats(&self) -> u64 {
        let asked = self.requests.saturating_add(self.usage_refused);
        let repeats = self.attempts.saturating_sub(asked);
        if repeats > self.requests / 100 {
            repeats
        } else {
            0
        }
    }

    /// Whether the client was the limit, and another measurement at the same concurrency stands instead:
    /// one in which it was not, or the last one.
    pub fn is_superseded(&self, rungs: &[Self]) -> bool {
        let stands = |other: &Self| {
            let is_same = other.concurrency == self.concurrency && other.purpose != Purpose::Repeat;
            is_same && (!other.client.bound || other.start_s > self.start_s)
        };
        self.client.bound && rungs.iter().any(stands)
    }

    /// Requests without an answer as a share of all; 0 where there were none.
    pub fn error_rate(&self) -> f64 {
        self.unanswered() as f64 / self.requests.max(1) as f64
    }

    /// The throughput that the ladder goes by: tokens per second if answers were streamed and
    /// tokens were counted, else answers per second.
    pub fn throughput(&self, stream: bool) -> Estimate {
        self.output_tokens_per_s
            .filter(|_| stream)
            .unwrap_or(self.requests_per_s)
    }
}

/// How many requests ended in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassCount {
    /// The way.
    pub class: Class,
    /// How many.
    pub count: u64,
    /// The beginning of what the server said the first time.
    pub excerpt: Option<String>,
}

/// One second, or a few of a long run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moment {
    /// When it began, in seconds since the run did.
    pub t_s: f64,
    /// How long it was, in seconds.
    pub duration_s: f64,
    /// Requests in flight on average.
    pub in_flight: f64,
    /// Requests that ended with an answer.
    pub ok: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Tokens that came: those of an answer evenly over the time that it took.
    pub tokens: f64,
}

impl Moment {
    /// Moments that follow each other, as one.
    pub fn joined(moments: &[Self]) -> Self {
        let duration_s: f64 = moments.iter().map(|moment| moment.duration_s).sum();
        let busy = moments
            .iter()
            .map(|moment| moment.in_flight * moment.duration_s);
        let sum = |of: fn(&Self) -> u64| moments.iter().map(of).fold(0, u64::saturating_add);
        Self {
            t_s: moments.first().map_or(0.0, |moment| moment.t_s),
            duration_s,
            in_flight: busy.sum::<f64>() / duration_s.max(1e-9),
            ok: sum(|moment| moment.ok),
            refused: sum(|moment| moment.refused),
            failed: sum(|moment| moment.failed),
            tokens: moments.iter().map(|moment| moment.tokens).sum(),
        }
    }
}

/// How it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// The quantile rule of all metrics but the reference block.
    pub rule: String,
    /// The confidence of all intervals, as a share of 1.
    pub confidence: f64,
    /// Whether failed requests were repeated.
    pub retries: bool,
    /// Whether servers were asked for usage in streams; `false` if that was refused or not wanted.
    pub usage_asked: bool,
    /// Whether it was ended before its plan was: by hand, because the budget was used up, or because nobody
    /// could be reached.
    pub stopped_early: bool,
    /// What else there is to say, in sentences.
    pub notes: Vec<String>,
}
