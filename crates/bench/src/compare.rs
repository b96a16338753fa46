//! Two endpoints or configurations against each other. Only runs that took turns tell a difference
//! from a change of the weather: A B B A A B …, at least five pairs.

use std::fmt::{self, Write};

use kneepoint_core::platform::Platform;
use kneepoint_stats::{PAIRS_MIN, log_ratio, sign_test};

use crate::plan::{Load, OverBudget, Plan, Spend};
use crate::progress::{Control, Listener, Tick};
use crate::record::Sample;
use crate::report::{CONFIDENCE, Connections, Estimate, Metric, Report, Rung};
use crate::run::{RunError, foreseen, run_within};
use crate::target::Target;

/// How one figure differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The figure, such as `ttft.p95`.
    pub figure: String,
    /// Of A; of several runs the geometric mean.
    pub a: f64,
    /// Of B.
    pub b: f64,
    /// B by A. Its interval tells whether that is more than chance; there is none for two single
    /// runs.
    pub ratio: Estimate,
    /// How likely so one-sided an outcome of the pairs is if there is no difference (sign test).
    pub p: Option<f64>,
    /// Whether the interval leaves no room for "equal".
    pub differs: bool,
}

fields!(Difference {
    figure,
    a,
    b,
    ratio,
    p,
    differs
});
by_serde!(Difference);

/// What a comparison found.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Pairs of runs; 1 for two reports.
    pub pairs: u32,
    /// The figures that both sides have.
    pub differences: Vec<Difference>,
    /// What cannot be concluded, in sentences.
    pub warnings: Vec<String>,
}

fields!(Comparison {
    pairs,
    differences,
    warnings
});
by_serde!(Comparison);

/// Why there is no comparison.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// Too few pairs tell nothing.
    #[error("a comparison takes at least {PAIRS_MIN} pairs, not {0}")]
    TooFew(u32),
    /// Only plain runs take turns.
    #[error("ladders are not compared in turns: compare runs at a concurrency of interest")]
    Ladder,
    /// A run failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It was ended, or its budget used up, before there were enough pairs.
    #[error("{0} pairs were run before it was ended or the budget used up: too few to compare")]
    Ended(u32),
    /// A side answered nothing in one of its runs: by what most of its requests ended with.
    #[error("no request to {side} was answered{why}: there is nothing to compare")]
    Unanswered {
        /// `A` or `B`.
        side: char,
        /// The class and the first excerpt, in brackets; empty where there are none.
        why: String,
    },
    /// The runs have no figure in common.
    #[error("no figure is in all runs: there is nothing to compare")]
    Nothing,
}

/// Runs the plan against both, in turns, and compares. Within a pair both send the same prompts. The
/// plan's budget is that of all runs together.
pub async fn compare<P: Platform>(
    platform: &P,
    (a, b): (&Target, &Target),
    plan: &Plan,
    pairs: u32,
    control: &Control,
    listener: &mut dyn Listener,
) -> Result<Comparison, CompareError> {
    if (pairs as usize) < PAIRS_MIN {
        return Err(CompareError::TooFew(pairs));
    }
    if matches!(plan.load, Load::Ladder(_)) {
        return Err(CompareError::Ladder);
    }
    let all = [a, b].map(|target| {
        let (requests, each) = foreseen(target, plan);
        each.times(requests.saturating_mul(u64::from(pairs)))
    });
    let over = |error: OverBudget| RunError::from(error);
    plan.budget.allows(all[0].plus(all[1])).map_err(over)?;
    let mut spend = Spend::new(plan.budget);
    let mut runs: [Vec<Rung>; 2] = [Vec::new(), Vec::new()];
    let began = platform.now();
    let mut turn = Turn {
        listener,
        began_s: 0.0,
        before: 0,
        of: pairs.saturating_mul(2),
    };
    'turns: for pair in 0..pairs {
        let plan = Plan {
            seed: plan.seed.wrapping_add(u64::from(pair)),
            ..plan.clone()
        };
        // A goes first in even pairs, B in odd ones, so that a drift favours neither.
        let order = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            let target = [a, b][side];
            turn.began_s = (platform.now() - began).as_secs_f64();
            let report =
                run_within(platform, target, &plan, control, &mut turn, &mut spend).await?;
            turn.before += 1;
            let is_short = report.method.stopped_early && report.method.unreached_note().is_none();
            // A run that was cut short is no fair match, and none after it would be longer.
            if is_short {
                break 'turns;
            }
            let measured = report.rungs.into_iter().next();
            // Without a figure of one run there is none of all: the others need not be paid for.
            if let Some(rung) = measured.as_ref().filter(|rung| rung.ok == 0) {
                return Err(unanswered(['A', 'B'][side], rung));
            }
            runs[side].extend(measured);
        }
    }
    let [a, b] = runs;
    let whole = a.len().min(b.len());
    if whole < PAIRS_MIN {
        return Err(CompareError::Ended(whole as u32));
    }
    let differences: Vec<Difference> = FIGURES
        .iter()
        .filter_map(|(name, of)| difference(name, &a[..whole], &b[..whole], *of))
        .collect();
    if differences.is_empty() {
        return Err(CompareError::Nothing);
    }
    let mut warnings = warnings(a.iter().chain(&b));
    if whole < pairs as usize {
        warnings.push(format!(
            "{whole} of {pairs} pairs were run before it was ended or the budget used up"
        ));
    }
    Ok(Comparison {
        pairs: whole as u32,
        differences,
        warnings,
    })
}

/// One run of all: whoever listens is told how far all of them are.
struct Turn<'a> {
    listener: &'a mut dyn Listener,
    /// When it began, in seconds since the first did.
    began_s: f64,
    /// Runs before it.
    before: u32,
    of: u32,
}

impl Listener for Turn<'_> {
    fn tick(&mut self, tick: &Tick) {
        let all = |share: f64| (f64::from(self.before) + share) / f64::from(self.of);
        self.listener.tick(&Tick {
            t_s: self.began_s + tick.t_s,
            progress: tick.progress.map(all),
            ..tick.clone()
        });
    }

    fn sample(&mut self, sample: &Sample, measured: bool) {
        self.listener.sample(sample, measured);
    }

    fn rung(&mut self, rung: &Rung) {
        self.listener.rung(rung);
    }

    fn connections(&mut self) -> Connections {
        self.listener.connections()
    }
}

fn unanswered(side: char, rung: &Rung) -> CompareError {
    let why = rung.worst().map(|most| {
        let excerpt = most.excerpt.as_deref().unwrap_or("no more is known");
        format!(" ({}: {excerpt})", most.class.as_str())
    });
    CompareError::Unanswered {
        side,
        why: why.unwrap_or_default(),
    }
}

/// Two reports side by side. Without turns nothing tells their difference from a change of the
/// server in between, and the comparison says so.
pub fn compare_reports(a: &Report, b: &Report) -> Comparison {
    let sides = a.main_rung().zip(b.main_rung());
    let differences = sides.map_or_else(Vec::new, |(a, b)| {
        let single = |(name, of): &(&str, Of)| {
            let (a, b) = (of(a)?, of(b)?);
            Some(Difference {
                figure: (*name).to_owned(),
                a,
                b,
                ratio: Estimate {
                    value: b / a,
                    low: None,
                    high: None,
                },
                p: None,
                differs: false,
            })
        };
        FIGURES.iter().filter_map(single).collect()
    });
    let mut warnings = warnings(sides.into_iter().flat_map(|(a, b)| [a, b]));
    warnings.insert(0, "one run of each: a difference may as well be a change of the server or the network between them; only runs that took turns can tell".to_owned());
    for (what, same) in [
        ("the load", a.config.load == b.config.load),
        ("the prompts", a.config.prompts == b.config.prompts),
        (
            "the longest answer",
            a.config.max_tokens == b.config.max_tokens,
        ),
        ("streaming", a.config.stream == b.config.stream),
        ("the quantile rule", a.method.rule == b.method.rule),
    ] {
        if !same {
            warnings.push(format!("{what} differed"));
        }
    }
    Comparison {
        pairs: 1,
        differences,
        warnings,
    }
}

/// A figure of a rung; none where it is not there or cannot be a ratio's part.
type Of = fn(&Rung) -> Option<f64>;

const FIGURES: [(&str, Of); 8] = [
    ("throughput", |rung| {
        positive(Some(rung.requests_per_s.value))
    }),
    ("tokens", |rung| {
        positive(rung.output_tokens_per_s.map(|found| found.value))
    }),
    ("ttft.p50", |rung| quantile(rung.ttft.as_ref(), 0.5)),
    ("ttft.p95", |rung| quantile(rung.ttft.as_ref(), 0.95)),
    ("tpot.p50", |rung| quantile(rung.tpot.as_ref(), 0.5)),
    ("e2e.p50", |rung| quantile(rung.e2e.as_ref(), 0.5)),
    ("e2e.p95", |rung| quantile(rung.e2e.as_ref(), 0.95)),
    ("e2e.p99", |rung| quantile(rung.e2e.as_ref(), 0.99)),
];

fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|&value| value > 0.0 && value.is_finite())
}

fn quantile(metric: Option<&Metric>, q: f64) -> Option<f64> {
    positive(metric.and_then(|metric| Some(metric.quantile(q)?.value)))
}

/// The figure in all pairs. None where a run does not have it.
fn difference(name: &str, a: &[Rung], b: &[Rung], of: Of) -> Option<Difference> {
    let all = |rungs: &[Rung]| rungs.iter().map(of).collect::<Option<Vec<f64>>>();
    let (a, b) = (all(a)?, all(b)?);
    let ratio = log_ratio(&a, &b, CONFIDENCE).ok()?;
    let mean = |values: &[f64]| {
        let logs: f64 = values.iter().map(|&value| libm::log(value)).sum();
        libm::exp(logs / values.len() as f64)
    };
    Some(Difference {
        figure: name.to_owned(),
        a: mean(&a),
        b: mean(&b),
        ratio: Estimate {
            value: ratio.ratio,
            low: Some(ratio.interval.low),
            high: Some(ratio.interval.high),
        },
        p: sign_test(&a, &b).ok().map(|test| test.p),
        differs: !ratio.interval.contains(1.0),
    })
}

fn warnings<'a>(rungs: impl Iterator<Item = &'a Rung>) -> Vec<String> {
    let (mut bound, mut failed) = (false, false);
    for rung in rungs {
        bound |= rung.client.bound;
        failed |= rung.ok < rung.requests;
    }
    let mut warnings = Vec::new();
    if bound {
        warnings.push("the client was the limit in at least one run: the servers may differ where the figures do not".to_owned());
    }
    if failed {
        warnings.push("requests failed; times are those of answers only".to_owned());
    }
    warnings
}

impl Comparison {
    /// The comparison as a table.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text never fails.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        writeln!(
            out,
            "{:<10} {:<9} {:>10} {:>10} {:>8}  holds within",
            "figure", "", "A", "B", "B / A"
        )?;
        for one in &self.differences {
            let (figure, a, b, ratio) = (&one.figure, one.a, one.b, one.ratio.value);
            let unit = match figure.as_str() {
                "throughput" => "answers/s",
                "tokens" => "tok/s",
                _ => "ms",
            };
            write!(
                out,
                "{figure:<10} {unit:<9} {a:>10.2} {b:>10.2} {ratio:>8.3}  "
            )?;
            match (one.ratio.low, one.ratio.high) {
                (Some(low), Some(high)) => {
                    let verdict = if one.differs {
                        "differs"
                    } else {
                        "no difference shown"
                    };
                    writeln!(out, "{low:.3} to {high:.3}: {verdict}")?;
                }
                _ => writeln!(out, "one run each")?,
            }
        }
        for warning in &self.warnings {
            writeln!(out, "warning: {warning}")?;
        }
        Ok(())
    }
}
