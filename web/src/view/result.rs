//! A result: the verdict, its figures, the pictures, and everything behind them.

use std::cell::Cell;
use std::rc::Rc;

use kneepoint_bench::chart::{self, Options, Picture};
use kneepoint_bench::number::percent;
use kneepoint_bench::report::{Report, verdict};
use leptos::prelude::*;

use super::advice::advice;
use super::copy::copy;
use super::element::{Element, classed, element, paragraph};
use super::export::export;
use super::figures::{figures, of_report};
use super::picture::picture;
use super::share::share;
use super::tables;
use super::wire::wire;
use crate::advice::{advise, bound_at};
use crate::desk::Desk;
use crate::history::title;
use crate::state::{Shown, Source, StateStoreFields};

/// Between two pictures beside each other.
const GAP: u32 = 40;

/// From this width on there are two beside each other.
const TWO: u32 = 720;

/// The scene when something was measured, or opened.
pub(super) fn result(desk: Desk) -> Element {
    let shown = desk.state.shown();
    // Another result, another scene.
    let turn = Cell::new(0_u32);
    let key = move || {
        shown.track();
        turn.set(turn.get() + 1);
        turn.get().to_string()
    };
    element("div").swap(key, move |_| {
        let shown = shown.get_untracked()?;
        Some(scene(desk, &Rc::new(shown)))
    })
}

fn scene(desk: Desk, shown: &Rc<Shown>) -> Element {
    let place = desk.state.place();
    let report = &shown.report;
    let https = move || {
        let place = place.read();
        let https = place
            .server
            .served()
            .and_then(|served| served.https.clone());
        https.unwrap_or_default()
    };
    let (advised, drawn, counted) = (shown.clone(), shown.clone(), shown.clone());
    let said = verdict(report);
    let copied = said.clone();
    let head = classed("section", "verdict")
        .test("verdict")
        .attr("aria-live", "polite")
        .with(paragraph("eyebrow row", &from(shown)).with(copy(
            "copy-verdict",
            "the verdict",
            move || copied.clone(),
        )))
        .with(paragraph("sentence", &said).test("sentence"))
        .with(paragraph("small muted", &standing(report)).test("standing"));
    let advice = element("div").swap(https, move |https| {
        let https = Some(https).filter(|https| !https.is_empty());
        Some(advice(advise(&advised.report, https)))
    });
    let wires = report.protocol.clone();
    let pictures = element("div").swap(
        move || place.read().width.to_string(),
        move |width| {
            let all = pictures(&drawn, width.parse().unwrap_or(640));
            Some(classed("div", "pictures").test("pictures").with_all(all))
        },
    );
    let found = classed("div", "parts")
        .with_some(tables::findings(report))
        .with_some(tables::failures(report));
    let folds = classed("div", "folds")
        .with_some(tables::rungs(report))
        .with_some(tables::requests(&shown.samples))
        .with(tables::measured(report));
    classed("div", "parts")
        .with(head)
        .with(advice)
        .with(figures(move || of_report(&counted.report)))
        .with(wire(move || wires.clone()))
        .with(classed("div", "tools").with(share(desk)).with(export(desk)))
        .with(pictures)
        .with(paragraph(
            "hint",
            "Point at a picture, or Tab into it and press the arrow keys, to read it.",
        ))
        .with(
            classed("div", "pair")
                .with_some(tables::reference(report))
                .with(found),
        )
        .with(folds)
}

/// Where a result is from.
fn from(shown: &Shown) -> String {
    let what = title(&shown.report);
    match &shown.source {
        Source::Measured(..) => what,
        Source::Kept(id) => format!("Earlier, {}: {what}", crate::browser::clock(*id)),
        Source::File(name) => format!("From {name}: {what}"),
        Source::Link => format!("From a link: {what}"),
    }
}

/// How far a verdict can be trusted, in one line of small print.
fn standing(report: &Report) -> String {
    let mut facts = Vec::new();
    if let Some(answer) = &report.answer {
        if let Some(knee) = &answer.knee {
            facts.push(format!("knee between {} and {}", knee.low, knee.high));
        }
        facts.push(format!("stopped: {}", answer.stop.reason));
        facts.push(answer.stability.as_ref().map_or_else(
            || "stability not measured".to_owned(),
            |found| {
                let word = if found.stable {
                    "stable within"
                } else {
                    "drifted by"
                };
                format!("{word} {}", percent(found.value))
            },
        ));
    }
    facts.push(match (report.main_rung(), bound_at(report)) {
        (Some(rung), _) if rung.client.bound => "the client was the limit".to_owned(),
        (_, Some(n)) => format!("the client was a limit at {n} at once"),
        _ => "client not the limit".to_owned(),
    });
    facts.join(" · ")
}

/// The pictures in the order in which they answer questions; neighbours are about equally high.
fn pictures(shown: &Shown, width: u32) -> Vec<Element> {
    let Shown {
        report, samples, ..
    } = shown;
    let whole = Options { width };
    let half = Options {
        width: if width >= TWO {
            (width - GAP) / 2
        } else {
            width
        },
    };
    let mut all: Vec<Element> = Vec::new();
    let mut add = |test, drawn: Option<Picture>, wide| {
        all.extend(drawn.map(|drawn| picture(test, &drawn, wide)));
    };
    let Some(rung) = report.main_rung() else {
        return all;
    };
    let at = report.rungs.iter().position(|one| std::ptr::eq(one, rung));
    let at = at.unwrap_or(0) as u32;
    let requests = |options| chart::requests(samples, at, rung.concurrency, options);
    let climbed = report.rungs.len() > 1;
    if climbed {
        add("throughput", chart::throughput(report, whole), true);
        add("percentiles", chart::percentiles(rung, half), false);
        add("pareto", chart::pareto(report, half), false);
    } else {
        add("over-time", chart::over_time(report, whole), true);
        add("percentiles", chart::percentiles(rung, half), false);
        add("requests", requests(half), false);
    }
    for (test, name, metric) in [
        ("ttft", "time to first token", &rung.ttft),
        ("latency", "latency", &rung.e2e),
    ] {
        let drawn = metric
            .as_ref()
            .and_then(|metric| chart::histogram(name, metric, half));
        add(test, drawn, false);
    }
    if climbed {
        // Where requests were not kept one by one, the last picture has the row for itself.
        let one_by_one = requests(half);
        let alone = one_by_one.is_none();
        let options = if alone { whole } else { half };
        add("over-time", chart::over_time(report, options), alone);
        add("requests", one_by_one, false);
    }
    all
}
