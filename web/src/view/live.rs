//! A run under way: how far it is, its figures, pictures that grow.

use std::cell::Cell;

use kneepoint_bench::Phase as Doing;
use kneepoint_bench::chart::{self, Options, Picture};
use kneepoint_bench::number::count;
use kneepoint_bench::report::Purpose;
use leptos::prelude::*;

use super::element::{Element, classed, element, follow, paragraph};
use super::figures::{figures, of_running};
use super::wire::wire;
use crate::desk::Desk;
use crate::form::Goal;
use crate::running::{Phase, Running};
use crate::state::StateStoreFields;

/// The scene while something is under way.
pub(super) fn live(desk: Desk) -> Element {
    let running = desk.state.running();
    let progress = move || running.read().tick.progress;
    let bar = element("progress")
        .test("progress")
        .attr("aria-label", "done")
        .attr("max", "1")
        .class_if("unknown", move || progress().is_none())
        .prop("value", move || progress().unwrap_or(0.0).into());
    let verdict = classed("section", "verdict")
        .test("live")
        .with(
            classed("p", "eyebrow")
                .attr("role", "status")
                .says(move || saying(&running.read()).0.to_owned()),
        )
        .with(classed("p", "sentence").says(move || saying(&running.read()).1))
        .with(bar);
    let ladder = running.read_untracked().goal == Goal::Knee;
    let verdict = verdict.with_some(ladder.then(|| {
        paragraph(
            "small muted",
            "Each rung sends more requests at once. The climb ends where more of them only make the \
             queue longer.",
        )
    }));
    let climb = ladder.then(|| {
        growing(
            desk,
            ("live-climb", "growing short"),
            (
                "Throughput against concurrency",
                "Each rung is a point. The first is being measured.",
            ),
            |running, options| chart::climb(&running.rungs, running.stream, options),
        )
    });
    let over_time = growing(
        desk,
        ("live-over-time", "growing"),
        (
            "In flight and throughput over time",
            "Begins with the first requests.",
        ),
        |running, options| chart::moments(&running.stretches, options),
    );
    classed("div", "parts")
        .with(verdict)
        .with(figures(move || of_running(&running.read())))
        .with(wire(move || running.read().connections.clone()))
        .with_some(climb)
        .with(over_time)
}

/// A picture that grows: once a second, so that the eye follows and the thread has time for what else
/// there is. Its class keeps as much room as it will take, so that nothing moves when it comes.
fn growing(
    desk: Desk,
    (test, class): (&str, &str),
    (title, until_then): (&str, &str),
    draw: fn(&Running, Options) -> Option<Picture>,
) -> Element {
    let (running, place) = (desk.state.running(), desk.state.place());
    let drawing = classed("div", class).with(paragraph("hint", until_then));
    let node = drawing.node().clone();
    let drawn = Cell::new(None);
    follow(move || {
        let width = place.read().width;
        let running = running.read();
        let now = (running.tick.t_s as u64, running.rungs.len(), width);
        if drawn.replace(Some(now)) == Some(now) {
            return;
        }
        if let Some(picture) = draw(&running, Options { width }) {
            node.set_inner_html(&picture.svg);
        }
    });
    let caption = element("figcaption").with(element("strong").text(title));
    classed("figure", "kp-figure to-grow")
        .test(test)
        .with(caption)
        .with(drawing)
}

/// What is going on, in two lines.
fn saying(running: &Running) -> (&'static str, String) {
    let tick = &running.tick;
    match running.phase {
        Phase::Stopping => (
            "Stopping",
            "Nothing more is sent; what was measured is kept.".to_owned(),
        ),
        Phase::Starting => ("Starting", "The engine starts.".to_owned()),
        _ if tick.phase == Doing::Drain => (
            "Running",
            "All is sent; the last answers come in.".to_owned(),
        ),
        _ if running.goal == Goal::Knee => ("Finding the knee", rung(running)),
        _ if tick.phase == Doing::Warmup && tick.done == 0 => {
            ("Running", "The first requests are under way.".to_owned())
        }
        _ => ("Running", done(running)),
    }
}

fn done(running: &Running) -> String {
    let done = count(running.tick.done);
    match running.total {
        Some(total) => format!("{done} of {} done", count(total)),
        None => format!("{done} done"),
    }
}

/// The rung under way.
fn rung(running: &Running) -> String {
    let tick = &running.tick;
    let Some(n) = tick.concurrency else {
        return "The first rung begins.".to_owned();
    };
    let what = match tick.purpose {
        Some(Purpose::Refine) => ", looking closer",
        Some(Purpose::Verify) => ", verifying the limit",
        Some(Purpose::Repeat) => ", once more",
        _ => "",
    };
    let doing = match tick.phase {
        Doing::Settle => "settling",
        _ => "measuring",
    };
    format!(
        "Rung {}: {} at once, {doing}{what}",
        tick.rung + 1,
        count(n.into())
    )
}
