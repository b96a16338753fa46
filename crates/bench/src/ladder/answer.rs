//! What the rungs say: knee, peak and the highest rung that met the objectives, each with the
//! rungs between which it lies.

use kneepoint_stats::PLATEAU_Z;

use super::{Finding, Observation, rules};

/// The rung with the greatest throughput² / concurrency. `open` is the highest rung there could
/// have been, where nothing but room ended the climb.
pub(super) fn find_knee(seen: &[Observation], open: Option<u32>) -> Option<Finding> {
    let at = rules::knee(seen)?;
    let ties = |rung: &Observation| rules::is_tied(rung, &seen[at], PLATEAU_Z);
    let (low, high) = neighbours(seen, at, ties, open);
    let reason = if seen.len() == 1 {
        "the only usable rung".to_owned()
    } else if is_top(seen, at) {
        format!(
            "the best balance of throughput and latency among {}, the highest usable rung",
            span(seen)
        )
    } else {
        format!(
            "the best balance of throughput and latency (X²/N) among {}",
            span(seen)
        )
    };
    Some(Finding {
        value: seen[at].concurrency,
        low,
        high,
        reason,
    })
}

/// The lowest rung that comes close to the highest throughput.
pub(super) fn find_peak(seen: &[Observation], share: f64, open: Option<u32>) -> Option<Finding> {
    let at = rules::peak(seen, share)?;
    let top = seen.iter().map(|rung| rung.throughput).fold(0.0, f64::max);
    let ties = |rung: &Observation| {
        let error = rung.relative_error.hypot(seen[at].relative_error);
        rung.concurrency <= seen[at].concurrency
            && rung.throughput >= share * top * (1.0 - PLATEAU_Z * error)
    };
    let (low, high) = neighbours(seen, at, ties, open);
    let percent = share * 100.0;
    Some(Finding {
        value: seen[at].concurrency,
        low,
        high: if is_top(seen, at) {
            high
        } else {
            seen[at].concurrency
        },
        reason: format!("the least concurrency with {percent:.0} % of the highest throughput"),
    })
}

/// The highest rung up to which all met the objectives.
pub(super) fn find_slo(seen: &[Observation], share: f64) -> Option<Finding> {
    let met = |rung: &Observation| {
        let met = rung.slo_met? as f64 / rung.asked().max(1) as f64;
        Some((met, met >= share))
    };
    let failing = seen
        .iter()
        .find(|rung| met(rung).is_some_and(|(_, good)| !good));
    let best = seen
        .iter()
        .filter(|rung| failing.is_none_or(|failing| rung.concurrency < failing.concurrency))
        .filter_map(|rung| Some((rung.concurrency, met(rung)?.0)))
        .next_back()?;
    let percent = best.1 * 100.0;
    let next = failing.map_or_else(
        || "no rung failed to".to_owned(),
        |failing| format!("at {} too few did", failing.concurrency),
    );
    Some(Finding {
        value: best.0,
        low: best.0,
        high: failing
            .map_or(best.0, |failing| failing.concurrency - 1)
            .max(best.0),
        reason: format!("{percent:.1} % of requests met the objectives; {next}"),
    })
}

fn is_top(seen: &[Observation], at: usize) -> bool {
    at + 1 == seen.len()
}

fn span(seen: &[Observation]) -> String {
    let ends = seen.first().zip(seen.last());
    ends.map_or_else(String::new, |(first, last)| {
        format!("{} to {}", first.concurrency, last.concurrency)
    })
}

/// The neighbours that enclose the rung `at` and those that chance may have kept from its place.
fn neighbours(
    seen: &[Observation],
    at: usize,
    ties: impl Fn(&Observation) -> bool,
    open: Option<u32>,
) -> (u32, u32) {
    let lowest = seen[..at].iter().rposition(|rung| !ties(rung));
    let highest = seen[at + 1..].iter().position(|rung| !ties(rung));
    let low = lowest.map_or(seen[0].concurrency, |index| seen[index].concurrency);
    let top = seen[seen.len() - 1].concurrency;
    let high = highest.map_or_else(
        || open.map_or(top, |open| open.max(top)),
        |index| seen[at + 1 + index].concurrency,
    );
    (low, high)
}
