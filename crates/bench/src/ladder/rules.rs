//! The rules of the ladder, one function each: when to stop, where to look closer, what drifted.

use kneepoint_stats::{Confidence, Rung, Step, Trend, power, wilson};

use super::{Observation, Options, Stability, Stop, StopRule};
use crate::number::counted;

/// The first rule that ends the climb at this rung, if any does.
pub(super) fn stop(
    before: Option<&Observation>,
    seen: &Observation,
    options: &Options,
) -> Option<Stop> {
    let refused = rate_limited(seen, options);
    let rules = [
        // What the server refuses, it refuses to a client that is late, too.
        client_bound(seen, options).filter(|_| refused.is_none()),
        errors(seen, options),
        refused,
        slo(seen, options),
        before.and_then(|before| plateau(before, seen, options)),
    ];
    rules.into_iter().flatten().next()
}

/// The stop where not one answer came.
pub(super) fn silent(seen: &Observation) -> Stop {
    Stop {
        value: StopRule::Errors,
        reason: format!(
            "with {} at a time not one request was answered in time",
            seen.concurrency
        ),
    }
}

/// Whether nothing can be concluded from a rung's throughput.
pub(super) fn is_spoilt(seen: &Observation, options: &Options) -> bool {
    client_bound(seen, options).is_some()
        || errors(seen, options).is_some()
        || rate_limited(seen, options).is_some()
        || seen.throughput <= 0.0
}

pub(super) fn client_bound(seen: &Observation, options: &Options) -> Option<Stop> {
    let why = seen.client_bound.as_ref();
    why.filter(|_| options.stop_client_bound).map(|why| Stop {
        value: StopRule::ClientBound,
        reason: format!(
            "with {} at a time the client was the limit: {why}",
            seen.concurrency
        ),
    })
}

fn errors(seen: &Observation, options: &Options) -> Option<Stop> {
    surely_above(seen.failed, seen.asked(), options.errors_max).then(|| Stop {
        value: StopRule::Errors,
        reason: share_of(seen, seen.failed, "failed"),
    })
}

pub(super) fn rate_limited(seen: &Observation, options: &Options) -> Option<Stop> {
    let refused = seen.refused + seen.resting;
    surely_above(refused, seen.asked(), options.refusals_max).then(|| Stop {
        value: StopRule::RateLimited,
        reason: refusals(seen),
    })
}

fn slo(seen: &Observation, options: &Options) -> Option<Stop> {
    let met = seen.slo_met?;
    let share = wilson(met, seen.asked(), Confidence::P95)?;
    (share.high < options.slo_share).then(|| Stop {
        value: StopRule::Slo,
        reason: share_of(seen, met, "met the objectives"),
    })
}

fn plateau(before: &Observation, seen: &Observation, options: &Options) -> Option<Stop> {
    let step = Step::between(&rung(before), &rung(seen))?;
    let (value, word) = match step.trend(options.plateau) {
        Trend::Plateau => (StopRule::Plateau, "hardly more"),
        Trend::Retrograde => (StopRule::Retrograde, "less"),
        Trend::Rising => return None,
    };
    let (low, high) = (before.concurrency, seen.concurrency);
    let change = (seen.throughput / before.throughput - 1.0) * 100.0;
    Some(Stop {
        value,
        reason: format!("{high} brought {word} than {low}: {change:+.1} % throughput"),
    })
}

fn surely_above(hits: u64, of: u64, share: f64) -> bool {
    wilson(hits, of, Confidence::P95).is_some_and(|found| found.low > share)
}

/// The refusals that a report shows, and apart from them what kept slots from asking.
fn refusals(seen: &Observation) -> String {
    let requests = share_of(seen, seen.refused, "were refused");
    match seen.resting {
        0 => requests,
        resting => format!(
            "{requests}, and {} still rested after an earlier refusal",
            counted(resting, "slot")
        ),
    }
}

fn share_of(seen: &Observation, hits: u64, what: &str) -> String {
    let (n, all) = (seen.concurrency, seen.requests);
    let percent = 100.0 * hits as f64 / all.max(1) as f64;
    format!("with {n} at a time {hits} of {all} requests ({percent:.1} %) {what}")
}

pub(super) fn rung(seen: &Observation) -> Rung {
    Rung {
        concurrency: f64::from(seen.concurrency),
        throughput: seen.throughput,
        relative_error: seen.relative_error,
    }
}

pub(super) fn rungs(seen: &[Observation]) -> Vec<Rung> {
    seen.iter().map(rung).collect()
}

/// The geometric middle of two rungs, if they lie further apart than `ratio` and there is one.
fn middle(low: u32, high: u32, ratio: f64) -> Option<u32> {
    let (a, b) = (f64::from(low), f64::from(high));
    let middle = (a * b).sqrt().round() as u32;
    (b / a > ratio && low < middle && middle < high).then_some(middle)
}

/// The rung with the greatest power X²/N; of those that chance may have kept from that place, by
/// one standard error, the middle one. On a soft curve the power hardly differs over a wide range,
/// and its greatest value alone would be wherever luck was.
pub(super) fn knee(seen: &[Observation]) -> Option<usize> {
    let best = kneepoint_stats::knee(&rungs(seen))?;
    let tied = |rung: &&Observation| is_tied(rung, &seen[best], 1.0);
    let low = seen.iter().find(tied)?.concurrency;
    let high = seen.iter().rfind(tied)?.concurrency;
    let middle = libm::log(f64::from(low) * f64::from(high)) / 2.0;
    let distance = |rung: &Observation| (libm::log(f64::from(rung.concurrency)) - middle).abs();
    let places = (0..seen.len()).filter(|&at| tied(&&seen[at]));
    places.min_by(|&a, &b| distance(&seen[a]).total_cmp(&distance(&seen[b])))
}

/// Whether a rung's power may be as great as the best one's, given so many standard errors.
pub(super) fn is_tied(rung: &Observation, best: &Observation, errors: f64) -> bool {
    let power = |rung: &Observation| power(f64::from(rung.concurrency), rung.throughput);
    // Squaring doubles the relative error.
    let error = 2.0 * rung.relative_error.hypot(best.relative_error);
    let (Some(power), Some(best)) = (power(rung), power(best)) else {
        return false;
    };
    power >= best * (1.0 - errors * error)
}

/// A rung to measure in the wider gap beside the knee.
pub(super) fn beside_knee(seen: &[Observation], ratio: f64) -> Option<u32> {
    let at = knee(seen)?;
    let gap = |low: usize, high: usize| {
        let (low, high) = (seen.get(low)?.concurrency, seen.get(high)?.concurrency);
        let middle = middle(low, high, ratio)?;
        Some((f64::from(high) / f64::from(low), middle))
    };
    let below = at.checked_sub(1).and_then(|low| gap(low, at));
    let above = gap(at, at + 1);
    match (below, above) {
        (Some((below, middle)), Some((above, _))) if below > above => Some(middle),
        (_, Some((_, middle))) | (Some((_, middle)), None) => Some(middle),
        (None, None) => None,
    }
}

/// The least rung that comes close to the highest throughput, or may well do so: by one standard
/// error. The highest of several measurements is the luckiest, and should not win by that alone.
pub(super) fn peak(seen: &[Observation], share: f64) -> Option<usize> {
    let top = seen
        .iter()
        .max_by(|a, b| a.throughput.total_cmp(&b.throughput))?;
    seen.iter().position(|rung| {
        let error = rung.relative_error.hypot(top.relative_error);
        rung.throughput >= share * top.throughput * (1.0 - error)
    })
}

/// A rung to measure just below the peak.
pub(super) fn below_peak(seen: &[Observation], ratio: f64, share: f64) -> Option<u32> {
    let at = peak(seen, share)?;
    let low = seen.get(at.checked_sub(1)?)?;
    middle(low.concurrency, seen[at].concurrency, ratio)
}

/// How many standard errors a change must exceed to be called a drift: 99 %, two-sided, since every
/// ladder asks twice and few servers drift.
const DRIFT_Z: f64 = 2.58;

/// How a rung's throughput changed between two measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Change {
    concurrency: u32,
    /// Second by first.
    ratio: f64,
    /// The standard error of the ratio's logarithm.
    error: f64,
}

impl Change {
    pub(super) fn between(first: &Observation, second: &Observation) -> Option<Self> {
        let ratio = second.throughput / first.throughput;
        ratio.is_finite().then_some(Self {
            concurrency: first.concurrency,
            ratio,
            error: first.relative_error.hypot(second.relative_error),
        })
    }

    /// The one that is nearer to none.
    pub(super) fn lesser(self, other: Self) -> Self {
        let distance = |change: &Self| (change.ratio - 1.0).abs();
        if distance(&other) < distance(&self) {
            other
        } else {
            self
        }
    }

    /// Off by more than allowed, and by more than chance explains.
    pub(super) fn is_drift(&self, max: f64) -> bool {
        let noise = DRIFT_Z * self.error;
        (self.ratio - 1.0).abs() > max && (self.ratio <= 0.0 || libm::log(self.ratio).abs() > noise)
    }
}

/// Whether the server was the same at the end. None where nothing was measured again.
pub(super) fn stability(changes: &[Change], max: f64) -> Option<Stability> {
    let ratios = || changes.iter().map(|change| change.ratio);
    let worst = ratios().map(|ratio| (ratio - 1.0).abs()).reduce(f64::max)?;
    let drifting = changes.iter().find(|change| change.is_drift(max));
    let parts: Vec<String> = changes
        .iter()
        .map(|change| {
            let percent = (change.ratio - 1.0) * 100.0;
            format!("{percent:+.1} % at {}", change.concurrency)
        })
        .collect();
    let verdict = if drifting.is_some() {
        "drifting, repeat"
    } else if worst > max {
        "no change beyond chance"
    } else {
        "stable"
    };
    Some(Stability {
        value: worst,
        stable: drifting.is_none(),
        low: ratios().fold(f64::INFINITY, f64::min),
        high: ratios().fold(0.0, f64::max),
        reason: format!(
            "{verdict}: measured again, throughput was {}",
            parts.join(", ")
        ),
    })
}
