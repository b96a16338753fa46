//! Judges measured storms against their targets.

use super::run::{Measured, quantile};
use super::scenarios::{Arrivals, Scenario, Target};

/// The seconds per bin in which an outage's recovery is looked for.
const BIN: f64 = 1.0;

/// A storm, judged: the mean over its seeds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judged {
    /// In per cent of the oracle's.
    pub(crate) goodput: f64,
    pub(crate) waste: f64,
    pub(crate) lost: f64,
    /// Milliseconds from a call's first attempt to its answer.
    pub(crate) p99_ms: f64,
    pub(crate) attempts_max: u32,
    pub(crate) met: bool,
    /// What else the target asks about.
    pub(crate) notes: String,
}

/// The mean of some figures; 0 of none.
pub(crate) fn mean(samples: impl IntoIterator<Item = f64>) -> f64 {
    let samples: Vec<f64> = samples.into_iter().collect();
    samples.iter().sum::<f64>() / samples.len().max(1) as f64
}

/// The makespan that the oracle needs as a share of the one measured, in per cent.
pub(crate) fn goodput(oracle: &Measured, measured: &Measured) -> f64 {
    let done = measured.answered() as f64 / measured.done.len() as f64;
    100.0 * done * oracle.makespan() / measured.makespan()
}

/// Judges the runs of one storm, each beside the oracle's.
pub(crate) fn judge(scenario: &Scenario, runs: &[(Measured, Measured)]) -> Judged {
    let over = |figure: &dyn Fn(&Measured) -> f64| mean(runs.iter().map(|(ours, _)| figure(ours)));
    let mut judged = Judged {
        goodput: mean(
            runs.iter()
                .map(|(ours, oracle)| goodput(oracle, ours).min(100.0)),
        ),
        waste: over(&Measured::waste),
        lost: over(&|run| run.lost() as f64),
        p99_ms: over(&|run| 1000.0 * run.latency(0.0, 0.99)),
        attempts_max: runs
            .iter()
            .map(|(run, _)| run.attempts_max())
            .max()
            .unwrap_or(0),
        met: false,
        notes: String::new(),
    };
    let met = match scenario.target {
        Target::Share {
            goodput,
            waste,
            fairness,
        } => {
            let worst = runs
                .iter()
                .map(|(run, _)| run.unfairness(scenario.clients))
                .fold(1.0, f64::max);
            if scenario.clients > 1 {
                judged.notes = format!("slowest {worst:.2} × fastest");
            }
            judged.goodput >= goodput && judged.waste <= waste && worst <= fairness
        }
        Target::Outage { attempts, recovery } => {
            let per_call = over(&|run| run.attempts() as f64 / run.done.len() as f64);
            let slowest = runs
                .iter()
                .map(|(run, _)| recovered(scenario, run))
                .fold(0.0, f64::max);
            judged.notes = format!("{per_call:.3} × attempts, full after {slowest:.0} s");
            per_call <= attempts && slowest <= recovery
        }
        Target::Knee {
            low,
            high,
            throughput,
            p95,
        } => {
            let settled = over(&settled);
            let slower = mean(runs.iter().map(|(ours, oracle)| {
                let tail = |run: &Measured| run.latency(0.25 * run.makespan(), 0.95);
                tail(ours) / tail(oracle)
            }));
            judged.notes = format!("{settled:.0} in flight, p95 × {slower:.2}");
            (low..=high).contains(&settled) && judged.goodput >= throughput && slower <= p95
        }
    };
    judged.met = met && judged.lost == 0.0;
    judged
}

/// How many were in flight, as the median while neither the start nor the end shows.
fn settled(run: &Measured) -> f64 {
    let (from, to) = (0.25 * run.makespan(), 0.95 * run.makespan());
    let steady = run.done.iter().filter(|done| (from..to).contains(&done.at));
    quantile(
        steady
            .map(|done| f64::from(done.report.in_flight))
            .collect(),
        0.5,
    )
}

/// The seconds from the end of the outage to the end of the first second as busy as before it.
fn recovered(scenario: &Scenario, run: &Measured) -> f64 {
    let (Some((_, end)), Arrivals::PerSecond(rate)) = (scenario.server.outage, scenario.arrivals)
    else {
        return f64::INFINITY;
    };
    (1..120)
        .map(|bin| f64::from(bin) * BIN)
        .find(|after| {
            let bin = end + after - BIN..end + after;
            let answered = run
                .done
                .iter()
                .filter(|done| bin.contains(&done.at))
                .count();
            answered as f64 >= 0.95 * rate * BIN
        })
        .unwrap_or(f64::INFINITY)
}

/// A target in words.
pub(crate) fn describe(scenario: &Scenario) -> String {
    match scenario.target {
        Target::Share {
            goodput,
            waste,
            fairness,
        } if scenario.clients > 1 => {
            format!("≥ {goodput} %, ≤ {waste} % wasted, 0 lost, within {fairness} ×")
        }
        Target::Share { goodput, waste, .. } => {
            format!("≥ {goodput} %, ≤ {waste} % wasted, 0 lost")
        }
        Target::Outage { attempts, recovery } => {
            format!("≤ {attempts:.2} × attempts, full ≤ {recovery} s after, 0 lost")
        }
        Target::Knee {
            low,
            high,
            throughput,
            p95,
        } => {
            format!("{low}–{high} in flight, ≥ {throughput} %, p95 ≤ {p95} ×, 0 lost")
        }
    }
}
