//! A result: the verdict, its figures, the pictures, and everything behind them.

use std::cell::Cell;
use std::rc::Rc;

use kneepoint_bench::chart::{self, Options, Picture};
use kneepoint_bench::ladder::StopRule;
use kneepoint_bench::number::count;
use kneepoint_bench::record::Sample;
use kneepoint_bench::report::{Report, Rung, verdict};
use leptos::prelude::*;

use super::advice::advice;
use super::copy::copy;
use super::element::{Element, Step, by_frames, classed, element, paragraph};
use super::export::export;
use super::figures::{figures, of_report};
use super::picture::picture;
use super::share::share;
use super::tables;
use super::wire::wire;
use crate::advice::advise;
use crate::desk::Desk;
use crate::form::Field;
use crate::history::title;
use crate::state::{Shown, Source, StateStoreFields};

/// Between two pictures beside each other.
const GAP: u32 = 40;

/// From this width on there are two beside each other, as the sheet has it: twice 336 and the gap.
const TWO: u32 = 712;

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
    let (subject, counted) = (shown.clone(), shown.clone());
    let wires = report.protocol.clone();
    let is_measured = report.main_rung().is_some();
    let numbers = element("div")
        .with(figures(move || of_report(&counted.report)))
        .with(paragraph("hint", &below_figures(report)).test("figures-of"));
    // Where there is no picture what stands below them comes at once, and below this.
    let whole = classed("div", "parts")
        .attr("aria-busy", "true")
        .with(head(shown))
        .with(meaning(desk, shown.clone()))
        .with_some(is_measured.then_some(numbers))
        .with(wire(move || wires.clone()))
        .with(classed("div", "tools").with(share(desk)).with(export(desk)));
    let rest = whole.clone();
    let is_first = Cell::new(true);
    let pictures = element("div").swap(
        move || place.read().width.to_string(),
        move |width| {
            let made = classed("div", "pictures").test("pictures");
            let drawn = pictures(&made, &subject, width.parse().unwrap_or(640));
            if is_first.replace(false) {
                fill(rest.clone(), drawn, subject.clone());
            } else {
                // Another width: all at once, so that nothing jumps.
                for step in drawn {
                    step();
                }
            }
            Some(made)
        },
    );
    whole.with(pictures)
}

/// The verdict, and how far it can be trusted.
fn head(shown: &Shown) -> Element {
    let said = verdict(&shown.report);
    let copied = said.clone();
    let copy = copy("copy-verdict", "the verdict", move || copied.clone());
    classed("section", "verdict")
        .test("verdict")
        .attr("aria-live", "polite")
        .with(paragraph("eyebrow row", &from(shown)).with(copy))
        .with(paragraph("sentence", &unbroken(&said)).test("sentence"))
        .with(paragraph("small muted", &standing(&shown.report)).test("standing"))
}

/// What it means, told anew once the server has told its address with HTTP/2.
fn meaning(desk: Desk, shown: Rc<Shown>) -> Element {
    let (place, form) = (desk.state.place(), desk.state.form());
    let https = move || {
        let place = place.read();
        let https = place
            .server
            .served()
            .and_then(|served| served.https.clone());
        https.unwrap_or_default()
    };
    element("div").swap(https, move |https| {
        let https = Some(https).filter(|https| !https.is_empty());
        let typed = form.read_untracked();
        let all = advise(&shown.report, https, typed.text(Field::Url));
        Some(advice(all))
    })
}

/// Draws one picture a frame, and then what stands below them: nothing that is there moves, and on a
/// slow machine the page answers meanwhile.
fn fill(whole: Element, mut drawn: Vec<Step>, shown: Rc<Shown>) {
    let place = whole.node().clone();
    drawn.push(Box::new(move || {
        let below = below(&shown).into_iter();
        let _ = below.fold(whole, Element::with).attr("aria-busy", "false");
    }));
    by_frames(&place, drawn);
}

/// What stands below the pictures.
fn below(shown: &Rc<Shown>) -> Vec<Element> {
    let report = &shown.report;
    if report.main_rung().is_none() {
        return Vec::new();
    }
    let found = classed("div", "parts")
        .with_some(tables::findings(report))
        .with_some(tables::failures(report));
    vec![
        paragraph(
            "hint",
            "Point at a picture, or Tab into it and press the arrow keys, to read it.",
        ),
        classed("div", "pair")
            .with_some(tables::reference(report))
            .with(found),
        classed("div", "folds")
            .with_some(tables::rungs(report))
            .with_some(tables::requests(shown))
            .with(tables::measured(report)),
    ]
}

/// A sentence in which no line ends between a number and its unit.
fn unbroken(sentence: &str) -> String {
    let mut text = String::new();
    for word in sentence.split(' ') {
        let space = match text.bytes().last() {
            None => "",
            Some(b'0'..=b'9') => "\u{a0}",
            Some(_) => " ",
        };
        text = text + space + word;
    }
    text
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
        facts.push(answer.stop.reason.clone());
        facts.push(answer.steadiness());
    }
    let stop = report.answer.as_ref().map(|answer| answer.stop.value);
    match (report.main_rung(), report.client_bound_at()) {
        (None, _) => {}
        // The verdict or the advice below it says what else was.
        (Some(rung), _) if rung.ok == 0 || rung.client.bound || rung.repeats() > 0 => {}
        (_, Some(_)) if stop == Some(StopRule::ClientBound) => {}
        (_, Some(n)) => facts.push(format!("the client was a limit with {n} at once")),
        _ => facts.push("the client was not the limit".to_owned()),
    }
    facts.join(" · ")
}

/// Which rung the figures are of, and what stands below them.
fn below_figures(report: &Report) -> String {
    let mut text = String::new();
    let Some(rung) = report.main_rung().filter(|rung| rung.ok > 0) else {
        return text;
    };
    if let (Some(n), true) = (rung.concurrency, report.answer.is_some()) {
        text = ["Figures of the rung at ", &count(n.into()), " at once. "].concat();
    }
    text += "Ranges are 95 % intervals.";
    if rung.ttft.is_some() {
        text += " TTFT: time to the first token.";
    }
    text
}

/// What a picture is drawn from: the result, and which of its rungs is shown in full.
#[derive(Clone)]
struct Subject {
    shown: Rc<Shown>,
    at: usize,
}

impl Subject {
    fn rung(&self) -> &Rung {
        &self.shown.report.rungs[self.at]
    }
}

type Draw = fn(&Subject, Options) -> Option<Picture>;

/// The pictures in the order in which they answer questions, neighbours about equally high: what each is
/// called, what draws it, whether it has a row for itself.
fn order(is_ladder: bool, one_by_one: bool) -> Vec<(&'static str, Draw, bool)> {
    let throughput: Draw = |of, options| chart::throughput(&of.shown.report, options);
    let percentiles: Draw = |of, options| chart::percentiles(of.rung(), options);
    let pareto: Draw = |of, options| chart::pareto(&of.shown.report, options);
    let over_time: Draw = |of, options| chart::over_time(&of.shown.report, options);
    let requests: Draw = |of, options| {
        let rung = of.rung();
        chart::requests(&of.shown.samples, of.at as u32, rung.concurrency, options)
    };
    let ttft: Draw =
        |of, options| chart::histogram("time to first token", of.rung().ttft.as_ref()?, options);
    let latency: Draw = |of, options| chart::histogram("latency", of.rung().e2e.as_ref()?, options);
    if is_ladder {
        vec![
            ("throughput", throughput, true),
            ("percentiles", percentiles, false),
            ("pareto", pareto, false),
            ("ttft", ttft, false),
            ("latency", latency, false),
            // Where requests were not kept one by one, the last picture has the row for itself.
            ("over-time", over_time, !one_by_one),
            ("requests", requests, false),
        ]
    } else {
        vec![
            ("over-time", over_time, true),
            ("percentiles", percentiles, false),
            ("requests", requests, false),
            ("ttft", ttft, false),
            ("latency", latency, false),
        ]
    }
}

/// Draws the pictures into a place, a step each.
fn pictures(place: &Element, shown: &Rc<Shown>, width: u32) -> Vec<Step> {
    let report = &shown.report;
    let Some(rung) = report.main_rung() else {
        return Vec::new();
    };
    let at = report.rungs.iter().position(|one| std::ptr::eq(one, rung));
    let subject = Subject {
        shown: shown.clone(),
        at: at.unwrap_or(0),
    };
    let kept = |sample: &Sample| sample.rung as usize == subject.at;
    let one_by_one = shown.samples.iter().any(kept);
    let half = if width >= TWO {
        (width - GAP) / 2
    } else {
        width
    };
    let step = |(test, draw, wide): (&'static str, Draw, bool)| -> Step {
        let (place, subject) = (place.clone(), subject.clone());
        Box::new(move || {
            let width = if wide { width } else { half };
            let drawn = draw(&subject, Options { width });
            let _ = place.with_some(drawn.map(|drawn| picture(test, &drawn, wide)));
        })
    };
    let all = order(report.rungs.len() > 1, one_by_one);
    all.into_iter().map(step).collect()
}
