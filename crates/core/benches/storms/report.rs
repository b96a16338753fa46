//! Judges measured storms, prints them beside their targets and writes them down.

use std::path::Path;

use serde_json::{Value, json};

use super::run::Measured;
use super::scenarios::{Arrivals, Scenario, Target};

/// The seconds per bin in which an outage's recovery is looked for.
const BIN: f64 = 1.0;

/// A storm, judged: the mean over its seeds.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// In per cent of the oracle's.
    pub goodput: f64,
    pub waste: f64,
    pub lost: f64,
    /// Milliseconds from a call's first attempt to its answer.
    pub p99_ms: f64,
    pub attempts_max: u32,
    pub met: bool,
    /// What else the target asks about.
    pub notes: String,
}

/// One row of the table.
pub struct Row {
    pub scenario: String,
    pub policy: String,
    pub target: String,
    pub judged: Judged,
    /// Whether the target is ours to meet.
    pub ours: bool,
}

/// The quantile of some samples; 0 of none.
pub fn quantile(mut samples: Vec<f64>, quantile: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1) as f64;
    samples.get((last * quantile).round() as usize).copied().unwrap_or(0.0)
}

/// The mean of some figures; 0 of none.
pub fn mean(samples: impl IntoIterator<Item = f64>) -> f64 {
    let samples: Vec<f64> = samples.into_iter().collect();
    samples.iter().sum::<f64>() / samples.len().max(1) as f64
}

/// The makespan that the oracle needs as a share of the one measured, in per cent.
pub fn goodput(oracle: &Measured, measured: &Measured) -> f64 {
    let done = measured.answered() as f64 / measured.done.len() as f64;
    100.0 * done * oracle.makespan() / measured.makespan()
}

/// Judges the runs of one storm, each beside the oracle's.
pub fn judge(scenario: &Scenario, runs: &[(Measured, Measured)]) -> Judged {
    let over = |figure: &dyn Fn(&Measured) -> f64| mean(runs.iter().map(|(ours, _)| figure(ours)));
    let mut judged = Judged {
        goodput: mean(runs.iter().map(|(ours, oracle)| goodput(oracle, ours).min(100.0))),
        waste: over(&Measured::waste),
        lost: over(&|run| run.lost() as f64),
        p99_ms: over(&|run| 1000.0 * run.latency(0.0, 0.99)),
        attempts_max: runs.iter().map(|(run, _)| run.attempts_max()).max().unwrap_or(0),
        met: false,
        notes: String::new(),
    };
    let met = match scenario.target {
        Target::Share { goodput, waste, fairness } => {
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
            let slowest = runs.iter().map(|(run, _)| recovered(scenario, run)).fold(0.0, f64::max);
            judged.notes = format!("{per_call:.3} × attempts, full after {slowest:.0} s");
            per_call <= attempts && slowest <= recovery
        }
        Target::Knee { low, high, throughput, p95 } => {
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
    quantile(steady.map(|done| f64::from(done.report.in_flight)).collect(), 0.5)
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
            let answered = run.done.iter().filter(|done| bin.contains(&done.at)).count();
            answered as f64 >= 0.95 * rate * BIN
        })
        .unwrap_or(f64::INFINITY)
}

/// A target in words.
pub fn describe(scenario: &Scenario) -> String {
    match scenario.target {
        Target::Share { goodput, waste, fairness } if scenario.clients > 1 => {
            format!("≥ {goodput} %, ≤ {waste} % wasted, 0 lost, within {fairness} ×")
        }
        Target::Share { goodput, waste, .. } => format!("≥ {goodput} %, ≤ {waste} % wasted, 0 lost"),
        Target::Outage { attempts, recovery } => {
            format!("≤ {attempts:.2} × attempts, full ≤ {recovery} s after, 0 lost")
        }
        Target::Knee { low, high, throughput, p95 } => {
            format!("{low}–{high} in flight, ≥ {throughput} %, p95 ≤ {p95} ×, 0 lost")
        }
    }
}

/// Prints the table.
pub fn print(rows: &[Row]) {
    println!(
        "{:34} {:16} {:>8} {:>7} {:>7} {:>9} {:>5}  {:42}",
        "server", "client", "goodput", "wasted", "lost", "p99 ms", "tries", "target"
    );
    let mut before = "";
    for row in rows {
        let verdict = match (row.ours, row.judged.met) {
            (false, _) => "",
            (true, true) => "met",
            (true, false) => "MISSED",
        };
        println!(
            "{:34} {:16} {:7.1}% {:6.2}% {:7.0} {:9.0} {:5}  {:42} {:6} {}",
            if row.scenario == before { "" } else { &row.scenario },
            row.policy,
            row.judged.goodput,
            row.judged.waste,
            row.judged.lost,
            row.judged.p99_ms,
            row.judged.attempts_max,
            if row.ours { row.target.as_str() } else { "" },
            verdict,
            row.judged.notes,
        );
        before = &row.scenario;
    }
}

/// Writes the table as JSON for other programs.
pub fn write(rows: &[Row], path: &Path) -> std::io::Result<()> {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "scenario": row.scenario,
                "policy": row.policy,
                "goodput": round(row.judged.goodput),
                "wasted": round(row.judged.waste),
                "lost": round(row.judged.lost),
                "p99_ms": row.judged.p99_ms.round(),
                "target": row.target,
                "met": row.ours.then_some(row.judged.met),
            })
        })
        .collect();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, format!("{:#}\n", json!({ "rows": rows })))
}

fn round(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
