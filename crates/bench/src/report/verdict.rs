//! A report in one sentence that a person can repeat.

use std::fmt::Write;

use super::{Answer, Report, Rung};
use crate::ladder::StopRule;
use crate::number::{capital, count, counted, figure, percent, time_ms};
use crate::plan::Load;
use crate::record::Class;

/// What a report says, in a sentence or two: the figures that matter, and what could not be
/// concluded.
///
/// Such as: *Best balance at 32 requests at once: 1,330 tok/s, TTFT p95 410 ms; above 40 only the
/// queue grows.*
pub fn verdict(report: &Report) -> String {
    let Some(rung) = report.main_rung() else {
        return "Nothing was measured.".to_owned();
    };
    let mut text = match &report.answer {
        Some(answer) => ladder(report, answer, rung),
        None => plain(report, rung),
    };
    let stop = report.answer.as_ref().map(|answer| answer.stop.value);
    let is_told = stop == Some(StopRule::ClientBound);
    // Without an answer there is nothing that the client could have spoilt.
    if rung.client.bound && rung.ok > 0 && !is_told {
        text += " The client was the limit, so this says little about the server.";
    } else if let Some(n) = spoilt_at(report).filter(|_| rung.ok > 0) {
        let at = counted(n.into(), "request");
        let _ = write!(
            text,
            " With {at} at once the client was the limit: there the server may do better."
        );
    }
    if rung.buffered {
        text += " Streams came in one burst: times to the first token are not the model's.";
    }
    text
}

/// The lowest concurrency at which the client was the limit, where the ladder was told to conclude from
/// such rungs all the same. What was refused there was so by the server.
fn spoilt_at(report: &Report) -> Option<u32> {
    let goes_on =
        matches!(&report.config.load, Load::Ladder(options) if !options.stop_client_bound);
    let stop = report.answer.as_ref().map(|answer| answer.stop.value);
    let concludes = goes_on && stop != Some(StopRule::RateLimited);
    report.client_bound_at().filter(|_| concludes)
}

fn ladder(report: &Report, answer: &Answer, rung: &Rung) -> String {
    if let Some(drift) = answer.drift() {
        return format!(
            "No knee can be named: the server changed by {} meanwhile. Repeat the run.",
            percent(drift.value)
        );
    }
    let Some(knee) = &answer.knee else {
        return format!("No knee was found: {}.", answer.stop.reason);
    };
    let figures = figures(rung, report.config.stream);
    let at = counted(knee.value.into(), "request");
    let is_only = report
        .rungs
        .iter()
        .all(|one| one.concurrency == rung.concurrency);
    if is_only && answer.stop.value == StopRule::Max {
        return format!("Only {at} at once was tried: {figures}. A knee takes a higher maximum.");
    }
    let beyond = beyond(report, answer);
    let lead = if report.may_rise() {
        "Best so far at"
    } else {
        "Best balance at"
    };
    format!("{lead} {at} at once: {figures}; {beyond}.")
}

/// What lies above the knee, by the rule that ended the climb.
fn beyond(report: &Report, answer: &Answer) -> String {
    let top = report.top();
    let knee = answer.knee.as_ref().map_or(top, |knee| knee.value);
    let peak = answer
        .peak
        .as_ref()
        .map_or(knee, |peak| peak.value.max(knee));
    let is_top = knee >= top;
    match answer.stop.value {
        StopRule::Plateau => format!("above {peak} only the queue grows"),
        StopRule::Retrograde => format!("above {peak} throughput falls"),
        StopRule::RateLimited => answer.limit.as_ref().map_or_else(
            || "above it the server refuses requests".to_owned(),
            |limit| format!("above {} the server refuses requests", limit.value),
        ),
        StopRule::Errors => format!("above it requests fail ({})", answer.stop.reason),
        StopRule::Slo => answer.slo.as_ref().map_or_else(
            || "the objectives were met nowhere".to_owned(),
            |slo| format!("above {} the objectives are missed", slo.value),
        ),
        StopRule::ClientBound => format!("above {top} the client was the limit"),
        StopRule::Max if is_top => format!("{top} was the highest tried, more may be better"),
        StopRule::Max => format!("up to {top} more requests bring more, at a growing wait"),
        StopRule::Budget => format!("the budget ended the climb at {top}"),
        StopRule::User => format!("the climb was stopped at {top}"),
    }
}

fn plain(report: &Report, rung: &Rung) -> String {
    let refused = rung.count(Class::Throttled);
    let aborted = rung.count(Class::Aborted);
    let load = match (&report.config.load, rung.concurrency) {
        (_, Some(n)) => format!("{} at once", count(n.into())),
        (Load::Constant { rate } | Load::Poisson { rate } | Load::Gamma { rate, .. }, None) => {
            format!("{} requests a second", figure(*rate))
        }
        _ => "This load".to_owned(),
    };
    if rung.ok == 0 {
        let worst = rung.worst().map(|one| why(report, one.class));
        let why = worst.map_or_else(String::new, |why| format!(" ({why})"));
        let all = match rung.requests {
            0 => return "Nothing was measured.".to_owned(),
            1 => "The one request was not".to_owned(),
            all => format!("None of {} requests was", count(all)),
        };
        let ended = report.method.unreached_note();
        let ended = ended.map_or_else(String::new, |note| format!(" {}.", capital(note)));
        return format!("{all} answered{why}.{ended}");
    }
    let of = |what: u64, word: &str| {
        (what > 0).then(|| {
            let share = percent(what as f64 / rung.requests.max(1) as f64);
            format!(
                "{} of {} requests {word} ({share})",
                count(what),
                count(rung.requests)
            )
        })
    };
    let ends = [
        of(refused, "were refused"),
        of(rung.failed(), "failed"),
        of(aborted, "were taken back at the end"),
    ];
    let ends: Vec<_> = ends.into_iter().flatten().collect();
    let ends = if ends.is_empty() {
        match rung.requests {
            1 => "the one request was answered".to_owned(),
            all => format!("all {} requests were answered", count(all)),
        }
    } else {
        ends.join(", ")
    };
    let met = rung.slo_share.map_or_else(String::new, |share| {
        format!("; {} met the objectives", percent(share.value))
    });
    format!(
        "{load}: {}; {ends}{met}.",
        figures(rung, report.config.stream)
    )
}

/// What requests ended with. A browser tells a server that is away as it does one that it may not read;
/// the likelier of both comes first.
fn why(report: &Report, class: Class) -> &'static str {
    match class {
        Class::Cors if report.config.is_loopback() => {
            "cors: no server there, or one that refuses web pages"
        }
        Class::Cors => "cors: a server that refuses web pages, or none there",
        _ => class.as_str(),
    }
}

/// Throughput and the latency that users feel.
fn figures(rung: &Rung, stream: bool) -> String {
    let mut text = match rung.output_tokens_per_s.filter(|_| stream) {
        Some(tokens) => format!("{} tok/s", figure(tokens.value)),
        None => format!("{} answers/s", figure(rung.requests_per_s.value)),
    };
    let (name, metric) = match &rung.ttft {
        Some(ttft) => ("TTFT", Some(ttft)),
        None => ("latency", rung.e2e.as_ref()),
    };
    if let Some((metric, p95)) = metric.and_then(|metric| Some((metric, metric.quantile(0.95)?))) {
        let _ = write!(text, ", {name} p95 {}", time_ms(p95.value));
        if let Some(needs) = p95.needs {
            let _ = write!(
                text,
                " (of {}; an interval needs {})",
                counted(metric.n, "request"),
                count(needs)
            );
        }
    }
    text
}
