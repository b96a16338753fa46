//! The figures behind a result: the reference block, what was found, every rung, how requests ended
//! and how it was measured.

use std::rc::Rc;

use kneepoint_bench::chart::Table;
use kneepoint_bench::export::{client_legend, found_table, rungs_table, unanswered_table};
use kneepoint_bench::number::{NONE, count, time_ms};
use kneepoint_bench::record::Sample;
use kneepoint_bench::report::Report;

use super::copy::copy;
use super::element::{Element, classed, element, folded, folded_later, paragraph};
use crate::state::Shown;

/// Requests that the table shows; the files have all.
const REQUESTS_MAX: usize = 200;

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

/// A table in a box that scrolls sideways; the first cell of a row names it.
pub(super) fn table(head: &[&str], rows: Vec<Vec<String>>) -> Element {
    drawn(&Table {
        head: head.iter().map(|name| (*name).to_owned()).collect(),
        rows,
    })
}

/// It escapes every cell.
fn drawn(table: &Table) -> Element {
    element("div").drawing(&table.html())
}

/// A section with a table whose last column is in words.
fn prose(test: &str, title: &str, of: &Table) -> Element {
    classed("section", "prose")
        .test(test)
        .with(element("h2").text(title))
        .with(drawn(of))
}

/// What a ladder found, and why.
pub(super) fn findings(report: &Report) -> Option<Element> {
    Some(prose("findings", "What was found", &found_table(report)?))
}

/// Every rung of a ladder.
pub(super) fn rungs(report: &Report) -> Option<Element> {
    if report.rungs.len() < 2 {
        return None;
    }
    let legend = client_legend(report).map(|legend| paragraph("hint", legend));
    let made = folded("", "rungs", "Every rung").with(drawn(&rungs_table(report)));
    Some(made.with_some(legend))
}

/// How requests ended that brought no answer, in the server's first words.
pub(super) fn failures(report: &Report) -> Option<Element> {
    let table = unanswered_table(report)?;
    Some(prose("failures", "Without an answer", &table))
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
