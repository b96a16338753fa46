//! Prints judged storms beside their targets, and writes them down.

use std::path::Path;

use serde_json::{Value, json};

use super::judge::Judged;

/// One row of the table.
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) policy: String,
    pub(crate) target: String,
    pub(crate) judged: Judged,
    /// Whether missing the target fails the bench.
    pub(crate) promised: bool,
    /// Whether the target is ours to meet.
    pub(crate) ours: bool,
}

/// Prints the table.
pub(crate) fn print(rows: &[Row]) {
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
            if row.scenario == before {
                ""
            } else {
                &row.scenario
            },
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
pub(crate) fn write(rows: &[Row], path: &Path) -> std::io::Result<()> {
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
