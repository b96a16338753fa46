//! The figures behind a result: the reference block, what was found, every rung, how requests ended
//! and how it was measured.

use std::rc::Rc;

use kneepoint_bench::chart::Table;
use kneepoint_bench::number::{NONE, count, figure, time_ms};
use kneepoint_bench::record::{Class, Sample};
use kneepoint_bench::report::{Metric, Report};

use super::copy::copy;
use super::element::{Element, classed, element, folded, folded_later, paragraph};
use crate::state::Shown;

/// Requests that the table shows; the files have all.
const REQUESTS_MAX: usize = 200;

/// A table in a box that scrolls sideways; the first cell of a row names it.
pub(super) fn table(head: &[&str], rows: Vec<Vec<String>>) -> Element {
    let table = Table {
        head: head.iter().map(|name| (*name).to_owned()).collect(),
        rows,
    };
    // It escapes every cell.
    element("div").drawing(&table.html())
}

/// The block that scripts look for.
pub(super) fn reference(report: &Report) -> Option<Element> {
    let rung = report.main_rung()?;
    let found = rung.reference.as_ref()?;
    let text = found.text();
    let beyond = (found.p99 > found.max).then(|| {
        paragraph(
            "hint",
            "Its P99 lies beyond its maximum: the rule of this block, Python's statistics.quantiles, \
             draws the last step on where requests are few.",
        )
    });
    let at = rung.concurrency.map(|n| format!(", {n} at once"));
    let copied = text.clone();
    let heading = element("h2")
        .text("Report")
        .text(&at.unwrap_or_default())
        .with(copy("copy-report", "the report", move || copied.clone()));
    let block = element("pre").test("reference").attr("tabindex", "0");
    let section = element("section").with(heading).with(block.text(&text));
    Some(section.with_some(beyond))
}

/// A section with a table whose last column is in words.
fn prose(test: &str, title: &str, head: &[&str], rows: Vec<Vec<String>>) -> Element {
    classed("section", "prose")
        .test(test)
        .with(element("h2").text(title))
        .with(table(head, rows))
}

/// What a ladder found, and why.
pub(super) fn findings(report: &Report) -> Option<Element> {
    let answer = report.answer.as_ref()?;
    let found = [
        ("knee", &answer.knee),
        ("peak", &answer.peak),
        ("limit", &answer.limit),
        ("objectives", &answer.slo),
    ];
    let row = |(name, finding): (&str, &Option<kneepoint_bench::report::Finding>)| {
        let finding = finding.as_ref()?;
        let between = format!("{} and {}", finding.low, finding.high);
        Some(vec![
            name.to_owned(),
            finding.value.to_string(),
            between,
            finding.reason.clone(),
        ])
    };
    let rows = found.into_iter().filter_map(row).collect();
    let head = ["what", "at once", "between", "why"];
    Some(prose("findings", "What was found", &head, rows))
}

/// Every rung of a ladder.
pub(super) fn rungs(report: &Report) -> Option<Element> {
    if report.rungs.len() < 2 {
        return None;
    }
    let time = |metric: &Option<Metric>, q| {
        let found = metric.as_ref().and_then(|metric| metric.quantile(q));
        found.map_or_else(|| NONE.to_owned(), |found| time_ms(found.value))
    };
    let rows = report.rungs.iter().map(|rung| {
        let tokens = rung
            .output_tokens_per_s
            .map_or(f64::NAN, |found| found.value);
        vec![
            rung.concurrency
                .map_or_else(|| NONE.to_owned(), |n| n.to_string()),
            rung.purpose.as_str().to_owned(),
            count(rung.requests),
            figure(rung.requests_per_s.value),
            figure(tokens),
            time(&rung.ttft, 0.5),
            time(&rung.ttft, 0.95),
            time(&rung.e2e, 0.95),
            count(rung.unanswered()),
        ]
    });
    let head = [
        "at once",
        "for",
        "requests",
        "answers/s",
        "tok/s",
        "TTFT p50",
        "TTFT p95",
        "latency p95",
        "no answer",
    ];
    let made = folded("", "rungs", "Every rung");
    Some(made.with(table(&head, rows.collect())))
}

/// How requests ended that brought no answer, in the server's first words.
pub(super) fn failures(report: &Report) -> Option<Element> {
    let mut rows = Vec::new();
    for class in Class::ALL.into_iter().filter(|class| *class != Class::Ok) {
        let classes = report.rungs.iter().flat_map(|rung| &rung.classes);
        let of_class: Vec<_> = classes.filter(|one| one.class == class).collect();
        let total: u64 = of_class.iter().map(|one| one.count).sum();
        let said = of_class.iter().find_map(|one| one.excerpt.clone());
        if total > 0 {
            let said = said.unwrap_or_else(|| NONE.to_owned());
            rows.push(vec![class.as_str().to_owned(), count(total), said]);
        }
    }
    if rows.is_empty() {
        return None;
    }
    let head = ["ended", "requests", "the first time"];
    Some(prose("failures", "Without an answer", &head, rows))
}

/// How it was measured, word for word as a terminal shows it.
pub(super) fn measured(report: &Report) -> Element {
    let text = report.how_measured();
    let text = classed("pre", "wrapped").text(&text);
    folded("", "how-measured", "How it was measured").with(text)
}

/// Requests one by one.
pub(super) fn requests(shown: &Rc<Shown>) -> Option<Element> {
    let which = match shown.samples.len() {
        0 => return None,
        all if all <= REQUESTS_MAX => format!("Requests one by one ({all})"),
        all => format!(
            "Requests one by one (the first {REQUESTS_MAX} of {})",
            count(all as u64)
        ),
    };
    let shown = shown.clone();
    Some(folded_later("requests", &which, move || {
        one_by_one(&shown.samples)
    }))
}

fn one_by_one(samples: &[Sample]) -> Element {
    let time = |value: Option<f64>| time_ms(value.unwrap_or(f64::NAN));
    let row = |sample: &Sample| {
        vec![
            sample.id.to_string(),
            sample.class.as_str().to_owned(),
            sample
                .status
                .map_or_else(|| NONE.to_owned(), |status| status.to_string()),
            time(sample.queue_ms()),
            time(sample.ttft_ms()),
            time(sample.e2e_ms()),
            sample.out_tok.map_or_else(|| NONE.to_owned(), count),
            sample.attempts.to_string(),
            sample.error.clone().unwrap_or_default(),
        ]
    };
    let rows = samples.iter().take(REQUESTS_MAX).map(row).collect();
    let head = [
        "request",
        "ended",
        "status",
        "queued",
        "first token",
        "whole",
        "tokens",
        "attempts",
        "said",
    ];
    table(&head, rows)
}
