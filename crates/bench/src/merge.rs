//! Reports of one load that several machines sent at the same time, as one report.
//!
//! Counters add, rates add over the time that all have in common, percentiles come from the merged
//! histograms and never from averages. A file may claim counts that no run can have: those end at the
//! largest number that there is, so that sums neither wrap nor panic.

use kneepoint_stats::{Histogram, Rule, quantile_ranks};

use crate::client_bound::Verdict;
use crate::order;
use crate::report::{
    CONFIDENCE, ClassCount, Estimate, Metric, Moment, Quantile, Reference, Report, Rung, Setup,
};

/// Why reports were not merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is none.
    #[error("there is nothing to merge")]
    Nothing,
    /// One is a ladder, or has not one rung.
    #[error("report {0} is not a plain run: ladders are not merged")]
    NotPlain(usize),
    /// One measured something else.
    #[error("report {0} measured something else than the first: {1} differs")]
    Different(usize, &'static str),
    /// One is the same run as an earlier one.
    #[error(
        "report {0} is the same run as report {1}, which would be counted twice: give each once"
    )]
    Twice(usize, usize),
    /// One was over before another began.
    #[error(
        "report {0} did not run at the same time as those before it, so that rates do not add: compare them instead"
    )]
    Apart(usize),
}

/// What a merged report says of itself, beside the load that it took over from its parts.
const SUM: &str = "several results added up: the load is that of each, the block on top counts from the \
                   first start to the last end, other rates are sums";

/// Merges reports of one load, whatever their order.
pub fn merge(reports: &[Report]) -> Result<Report, MergeError> {
    let (first, others) = reports.split_first().ok_or(MergeError::Nothing)?;
    if first.rungs.len() != 1 || first.answer.is_some() {
        return Err(MergeError::NotPlain(1));
    }
    let mut merged = first.clone();
    for (index, other) in others.iter().enumerate() {
        let known = reports[..=index].iter().position(|one| is_same(one, other));
        if let Some(known) = known {
            return Err(MergeError::Twice(index + 2, known + 1));
        }
        add(&mut merged, other, index + 2)?;
    }
    let notes = &mut merged.method.notes;
    if !others.is_empty() && !notes.iter().any(|note| note == SUM) {
        notes.insert(0, SUM.to_owned());
    }
    Ok(merged)
}

/// Whether two files hold one run: no other has the same times. A name may have been hidden in one.
fn is_same(one: &Report, other: &Report) -> bool {
    one.env.started_unix_ms == other.env.started_unix_ms && one.rungs == other.rungs
}

fn add(merged: &mut Report, other: &Report, number: usize) -> Result<(), MergeError> {
    let ([ours], [theirs], None) = (&mut merged.rungs[..], &other.rungs[..], &other.answer) else {
        return Err(MergeError::NotPlain(number));
    };
    if let Some(what) = difference(&merged.config, &other.config) {
        return Err(MergeError::Different(number, what));
    }
    // Without both clocks the reports are taken at the caller's word.
    let since = merged.env.started_unix_ms.zip(other.env.started_unix_ms);
    let offset_s = since.map_or(0.0, |(ours, theirs)| (theirs as f64 - ours as f64) / 1000.0);
    *ours = add_rungs(ours, theirs, offset_s).ok_or(MergeError::Apart(number))?;
    let counts = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    merged.protocol.opened = counts(merged.protocol.opened, other.protocol.opened);
    merged.protocol.reused = counts(merged.protocol.reused, other.protocol.reused);
    merged.config.requests = counts(merged.config.requests, other.config.requests);
    merged.method.stopped_early |= other.method.stopped_early;
    for note in &other.method.notes {
        if !merged.method.notes.contains(note) {
            merged.method.notes.push(note.clone());
        }
    }
    Ok(())
}

/// What two runs do not have in common, if it matters. Seeds and numbers of requests may differ.
fn difference(ours: &Setup, theirs: &Setup) -> Option<&'static str> {
    let checks = [
        ("the host", ours.host == theirs.host),
        ("the path", ours.path == theirs.path),
        ("the model", ours.model == theirs.model),
        ("streaming", ours.stream == theirs.stream),
        ("the longest answer", ours.max_tokens == theirs.max_tokens),
        ("the kind of prompts", ours.prompts == theirs.prompts),
        ("the load", ours.load == theirs.load),
        ("the objectives", ours.slo == theirs.slo),
        ("retries", ours.retries_max == theirs.retries_max),
    ];
    checks
        .into_iter()
        .find(|(_, same)| !same)
        .map(|(what, _)| what)
}

/// Adds a rung whose clock began `offset_s` later. None if they have no time in common.
fn add_rungs(ours: &Rung, theirs: &Rung, offset_s: f64) -> Option<Rung> {
    let (a, b) = (ours.start_s, theirs.start_s + offset_s);
    let start = a.max(b);
    let end = (a + ours.duration_s).min(b + theirs.duration_s);
    let common = end - start;
    if common <= 0.0 {
        return None;
    }
    let failures = ours.unanswered().saturating_add(theirs.unanswered());
    let metric = |ours: &Option<Metric>, theirs: &Option<Metric>| {
        add_metrics(ours.as_ref(), theirs.as_ref(), failures)
    };
    let e2e = metric(&ours.e2e, &theirs.e2e);
    Some(Rung {
        purpose: ours.purpose,
        concurrency: ours
            .concurrency
            .zip(theirs.concurrency)
            .map(|(a, b)| a.saturating_add(b)),
        start_s: start,
        duration_s: common,
        requests: ours.requests.saturating_add(theirs.requests),
        ok: ours.ok.saturating_add(theirs.ok),
        attempts: ours.attempts.saturating_add(theirs.attempts),
        usage_refused: ours.usage_refused.saturating_add(theirs.usage_refused),
        classes: add_classes(&ours.classes, &theirs.classes),
        requests_per_s: add_rates(ours.requests_per_s, theirs.requests_per_s),
        output_tokens_per_s: ours
            .output_tokens_per_s
            .zip(theirs.output_tokens_per_s)
            .map(|(a, b)| add_rates(a, b)),
        goodput_per_s: ours
            .goodput_per_s
            .zip(theirs.goodput_per_s)
            .map(|(a, b)| a + b),
        slo_share: add_shares(ours, theirs),
        input_tokens: ours.input_tokens.saturating_add(theirs.input_tokens),
        output_tokens: ours.output_tokens.saturating_add(theirs.output_tokens),
        cached_tokens: ours.cached_tokens.saturating_add(theirs.cached_tokens),
        token_source: ours.token_source.max(theirs.token_source),
        concurrency_mean: ours.concurrency_mean + theirs.concurrency_mean,
        concurrency_peak: ours
            .concurrency_peak
            .saturating_add(theirs.concurrency_peak),
        little_residual: ours
            .little_residual
            .zip(theirs.little_residual)
            .map(|(a, b)| a.max(b)),
        buffered: ours.buffered || theirs.buffered,
        reference: add_references(ours, theirs, e2e.as_ref(), offset_s),
        ttft: metric(&ours.ttft, &theirs.ttft),
        ttfv: metric(&ours.ttfv, &theirs.ttfv),
        tpot: metric(&ours.tpot, &theirs.tpot),
        icl: metric(&ours.icl, &theirs.icl),
        e2e,
        queue: metric(&ours.queue, &theirs.queue),
        e2e_sched: metric(&ours.e2e_sched, &theirs.e2e_sched),
        timeline: add_timelines(&ours.timeline, &theirs.timeline, offset_s),
        client: add_verdicts(&ours.client, &theirs.client),
    })
}

fn add_classes(ours: &[ClassCount], theirs: &[ClassCount]) -> Vec<ClassCount> {
    let mut all = ours.to_vec();
    for one in theirs {
        match all.iter_mut().find(|known| known.class == one.class) {
            Some(known) => known.count = known.count.saturating_add(one.count),
            None => all.push(one.clone()),
        }
    }
    order::by(&mut all, |one| f64::from(one.class as u8));
    all
}

/// Independent errors add in quadrature.
fn add_rates(a: Estimate, b: Estimate) -> Estimate {
    let value = a.value + b.value;
    let reach =
        |a_end: Option<f64>, b_end: Option<f64>| Some((a_end? - a.value).hypot(b_end? - b.value));
    Estimate {
        value,
        low: reach(a.low, b.low).map(|reach| (value - reach).max(0.0)),
        high: reach(a.high, b.high).map(|reach| value + reach),
    }
}

fn add_shares(ours: &Rung, theirs: &Rung) -> Option<Estimate> {
    let hits = |rung: &Rung| Some((rung.slo_share?.value * rung.requests as f64).round() as u64);
    let hits = hits(ours)?.saturating_add(hits(theirs)?);
    let of = ours.requests.saturating_add(theirs.requests);
    let interval = kneepoint_stats::wilson(hits, of, CONFIDENCE)?;
    Some(Estimate {
        value: hits as f64 / of as f64,
        low: Some(interval.low),
        high: Some(interval.high),
    })
}

/// All durations together, from both histograms, beside so many failures. One that is not there
/// adds nothing, but then quantiles are taken anew, since there are more failures.
fn add_metrics(ours: Option<&Metric>, theirs: Option<&Metric>, failures: u64) -> Option<Metric> {
    let parts: Vec<&Metric> = ours.into_iter().chain(theirs).collect();
    let mut histogram = Histogram::new();
    for part in &parts {
        // More than can be counted is more than anyone has sent.
        histogram.merge(&part.histogram()).ok()?;
    }
    let n = parts.iter().map(|part| part.n).fold(0, u64::saturating_add);
    if n == 0 {
        return None;
    }
    let mean = parts
        .iter()
        .map(|part| part.mean * part.n as f64)
        .sum::<f64>()
        / n as f64;
    let squares = parts.iter().map(|part| {
        let (n, sd) = (part.n as f64, part.sd.unwrap_or(0.0));
        sd * sd * (n - 1.0) + n * (part.mean - mean) * (part.mean - mean)
    });
    let sd = (n > 1).then(|| (squares.sum::<f64>() / (n - 1) as f64).sqrt());
    let min = parts
        .iter()
        .map(|part| part.min)
        .fold(f64::INFINITY, f64::min);
    let max = parts.iter().map(|part| part.max).fold(0.0, f64::max);
    let quantiles = crate::report::QUANTILES
        .iter()
        .filter_map(|&q| quantile(&histogram, q, failures, max))
        .collect();
    Some(Metric {
        n,
        min,
        max,
        mean,
        sd,
        rule: Rule::Nearest.name().to_owned(),
        exact: false,
        quantiles,
        buckets: crate::report::buckets(&histogram),
    })
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

/// A quantile by nearest rank. A counter's upper end may lie above the longest duration.
fn quantile(histogram: &Histogram, q: f64, failures: u64, max: f64) -> Option<Quantile> {
    let at = |rank: u64| histogram.at_rank(rank).map(|value| ms(value).min(max));
    let value = ms(histogram.quantile(q)?).min(max);
    let n = histogram.len();
    let interval = quantile_ranks(n, q, CONFIDENCE).map(|(low, high)| kneepoint_stats::Interval {
        low: at(low).unwrap_or(value),
        high: at(high).unwrap_or(value),
    });
    let rank = (n.saturating_add(failures) as f64 * q).ceil().max(1.0) as u64;
    let with_failures = if failures == 0 { Some(value) } else { at(rank) };
    Some(Quantile::new(q, value, interval, with_failures))
}

fn add_references(
    ours: &Rung,
    theirs: &Rung,
    e2e: Option<&Metric>,
    offset_s: f64,
) -> Option<Reference> {
    let e2e = e2e?;
    let time = |rung: &Rung| {
        rung.reference
            .as_ref()
            .map_or(rung.duration_s, |reference| reference.total_time_s)
    };
    let (a, b) = (ours.start_s, theirs.start_s + offset_s);
    let whole = (a + time(ours)).max(b + time(theirs)) - a.min(b);
    let at = |q| e2e.quantile(q).map_or(e2e.max, |found| found.value);
    Some(Reference {
        total_requests: ours.requests.saturating_add(theirs.requests),
        total_time_s: whole,
        throughput_per_s: e2e.n as f64 / whole.max(1e-6),
        min: e2e.min,
        max: e2e.max,
        avg: e2e.mean,
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        rule: Rule::Nearest.name().to_owned(),
    })
}

/// What happened at the same time adds; cells of the second go into those of the first in which
/// their middle lies, and stand alone beyond them.
fn add_timelines(ours: &[Moment], theirs: &[Moment], offset_s: f64) -> Vec<Moment> {
    let mut all = ours.to_vec();
    for moment in theirs {
        let moment = Moment {
            t_s: moment.t_s + offset_s,
            ..*moment
        };
        let middle = moment.t_s + moment.duration_s / 2.0;
        let cell = all[..ours.len()]
            .iter_mut()
            .find(|cell| (cell.t_s..cell.t_s + cell.duration_s).contains(&middle));
        match cell {
            None => all.push(moment),
            Some(cell) => {
                let share = moment.duration_s / cell.duration_s.max(1e-6);
                cell.in_flight += moment.in_flight * share;
                cell.ok = cell.ok.saturating_add(moment.ok);
                cell.refused = cell.refused.saturating_add(moment.refused);
                cell.failed = cell.failed.saturating_add(moment.failed);
                cell.tokens += moment.tokens;
            }
        }
    }
    order::by(&mut all, |moment| moment.t_s);
    all
}

fn add_verdicts(ours: &Verdict, theirs: &Verdict) -> Verdict {
    let mut reasons = ours.reasons.clone();
    reasons.extend(
        theirs
            .reasons
            .iter()
            .filter(|&why| !ours.reasons.contains(why))
            .cloned(),
    );
    let lags = [ours.lag_p95_ms, theirs.lag_p95_ms];
    Verdict {
        bound: ours.bound || theirs.bound,
        reasons,
        lag_p95_ms: lags.into_iter().flatten().reduce(f64::max),
        busy: ours.busy.max(theirs.busy),
    }
}
