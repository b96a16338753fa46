//! The eight figures that matter, in places that never move: the same while a run is under way and
//! when it is over.

use kneepoint_bench::Tick;
use kneepoint_bench::number::{NONE, count, figure, time_ms};
use kneepoint_bench::record::Class;
use kneepoint_bench::report::{Estimate, Metric, Report};
use leptos::prelude::*;

use super::element::{Element, classed, element, follow};
use crate::running::{Running, failures};

/// A figure: what it is, its value, and what is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Figure {
    name: &'static str,
    label: &'static str,
    value: String,
    below: String,
    /// The class of what it counts, where that is no good thing.
    class: &'static str,
}

impl Figure {
    fn new(name: &'static str, label: &'static str, value: String, below: String) -> Self {
        Self {
            name,
            label,
            value,
            below,
            class: "",
        }
    }

    /// A count of what should not be: coloured and marked only where it is.
    fn trouble(self, is: bool, class: &'static str) -> Self {
        let class = if is { class } else { "" };
        Self { class, ..self }
    }
}

/// The figures as a list. Each value is a text of its own, so that nothing else is drawn anew.
pub(super) fn figures(of: impl Fn() -> [Figure; 8] + 'static) -> Element {
    let all = RwSignal::new(untrack(&of));
    follow(move || {
        let figures = of();
        if *all.read_untracked() != figures {
            all.set(figures);
        }
    });
    let mut list = element("dl").attr("class", "figures");
    for (index, Figure { name, label, .. }) in all.get_untracked().into_iter().enumerate() {
        let cell = element("div")
            .attr_of("class", move || {
                Some("figure ".to_owned() + all.read()[index].class)
            })
            .test(&("figure-".to_owned() + name))
            .with(element("dt").text(label))
            .with(element("dd").says(move || all.read()[index].value.clone()))
            .with(classed("dd", "below").says(move || all.read()[index].below.clone()));
        list = list.with(cell);
    }
    list
}

/// Of a run under way.
pub(super) fn of_running(running: &Running) -> [Figure; 8] {
    let tick = &running.tick;
    let done = match running.total {
        Some(total) => format!("of {}", count(total)),
        None => "so far".to_owned(),
    };
    let slots = match (tick.concurrency, tick.resting) {
        (Some(n), 0) => format!("of {}", count(n.into())),
        (Some(n), resting) => format!("of {}, {resting} rest", count(n.into())),
        (None, _) => "now".to_owned(),
    };
    let [p50, p95] = percentiles(tick);
    let refused = failures(tick, |class| class == Class::Throttled);
    let failed = failures(tick, |class| class != Class::Throttled);
    let classes = tick
        .failed
        .iter()
        .filter(|(class, _)| *class != Class::Throttled);
    let mut classes: Vec<String> = classes
        .map(|(class, count)| format!("{} {count}", class.as_str()))
        .collect();
    if let (1.., Some(last)) = (tick.repeated, &tick.last_failure) {
        classes.push(format!("{} repeated: {last}", count(tick.repeated)));
    }
    [
        Figure::new("done", "Done", count(tick.done), done),
        Figure::new(
            "in-flight",
            "In flight",
            count(tick.in_flight.into()),
            slots,
        ),
        Figure::new(
            "rate",
            "Answers/s",
            figure(tick.requests_per_s),
            "last 2 s".to_owned(),
        ),
        Figure::new(
            "tokens",
            "Tokens/s",
            figure(tick.tokens_per_s),
            "last 2 s".to_owned(),
        ),
        Figure::new("p50", time_name(running.stream, "p50"), p50, rung(tick)),
        Figure::new("p95", time_name(running.stream, "p95"), p95, rung(tick)),
        Figure::new("refused", "Refused (429)", count(refused), String::new())
            .trouble(refused > 0, "throttled"),
        Figure::new("failed", "Failed", count(failed), classes.join(", "))
            .trouble(failed > 0, "failed"),
    ]
}

fn time_name(stream: bool, quantile: &'static str) -> &'static str {
    match (stream, quantile) {
        (true, "p50") => "TTFT p50",
        (true, _) => "TTFT p95",
        (false, "p50") => "Latency p50",
        (false, _) => "Latency p95",
    }
}

fn percentiles(tick: &Tick) -> [String; 2] {
    let of = tick.ttft.or(tick.e2e);
    of.map_or_else(
        || [NONE.to_owned(), NONE.to_owned()],
        |of| [of.p50, of.p95].map(time_ms),
    )
}

fn rung(tick: &Tick) -> String {
    let n = tick.concurrency;
    n.map_or_else(String::new, |n| format!("at {} at once", count(n.into())))
}

/// Of a result: those of its main rung, with their intervals.
pub(super) fn of_report(report: &Report) -> [Figure; 8] {
    let Some(rung) = report.main_rung() else {
        return std::array::from_fn(|_| Figure::default());
    };
    let at = rung.concurrency.map_or_else(
        || format!("at most {}", count(rung.concurrency_peak.into())),
        |n| format!("of {}", count(n.into())),
    );
    let tokens = rung.output_tokens_per_s.as_ref();
    let metric = rung.ttft.as_ref().or(rung.e2e.as_ref());
    let stream = rung.ttft.is_some();
    let [p50, p95] = [0.5, 0.95].map(|q| quantile(metric, q));
    let refused = rung.count(Class::Throttled);
    let failed = rung.failed();
    let classes = rung.classes.iter();
    let classes =
        classes.filter(|one| !matches!(one.class, Class::Ok | Class::Throttled | Class::Aborted));
    let classes: Vec<String> = classes
        .map(|one| format!("{} {}", one.class.as_str(), one.count))
        .collect();
    [
        Figure::new(
            "done",
            "Answered",
            count(rung.ok),
            format!("of {}", count(rung.requests)),
        ),
        Figure::new("in-flight", "In flight", figure(rung.concurrency_mean), at),
        Figure::new(
            "rate",
            "Answers/s",
            figure(rung.requests_per_s.value),
            within(&rung.requests_per_s, rung.ok),
        ),
        Figure::new(
            "tokens",
            "Tokens/s",
            tokens.map_or_else(|| NONE.to_owned(), |found| figure(found.value)),
            tokens.map_or_else(|| "not counted".to_owned(), |found| within(found, rung.ok)),
        ),
        Figure::new("p50", time_name(stream, "p50"), p50.0, p50.1),
        Figure::new("p95", time_name(stream, "p95"), p95.0, p95.1),
        Figure::new("refused", "Refused (429)", count(refused), String::new())
            .trouble(refused > 0, "throttled"),
        Figure::new("failed", "Failed", count(failed), classes.join(", "))
            .trouble(failed > 0, "failed"),
    ]
}

/// An interval, or why there is none, unless nothing was answered.
fn within(estimate: &Estimate, ok: u64) -> String {
    match (estimate.low, estimate.high) {
        _ if ok == 0 => String::new(),
        (Some(low), Some(high)) => format!("{} to {}", figure(low), figure(high)),
        _ => "too few for a range".to_owned(),
    }
}

/// A percentile, and its interval or how many requests that would take.
fn quantile(metric: Option<&Metric>, q: f64) -> (String, String) {
    let Some(found) = metric.and_then(|metric| metric.quantile(q)) else {
        return (NONE.to_owned(), String::new());
    };
    let below = match (found.low, found.high, found.needs) {
        (Some(low), Some(high), _) => format!("{} to {}", time_ms(low), time_ms(high)),
        (_, _, Some(needs)) => "range needs ".to_owned() + &count(needs),
        _ => String::new(),
    };
    (time_ms(found.value), below)
}
