//! Where the results are: one scene at a time.

use leptos::prelude::*;

use kneepoint_bench::chart::{self, Options};
use kneepoint_bench::number;

use super::element::{Element, classed, element, follow, paragraph};
use super::{live, result};
use crate::desk::Desk;
use crate::example::example;
use crate::form::Target;
use crate::running::{CutOff, Phase};
use crate::state::StateStoreFields;

/// The right-hand side.
pub(crate) fn stage(desk: Desk) -> Element {
    let state = desk.state;
    let scene = move || {
        let running = state.running();
        let running = running.read();
        let name = match &running.phase {
            Phase::Broken(_) => "broken",
            _ if running.is_active() => "live",
            _ if state.shown().read().is_some() => "result",
            _ => "empty",
        };
        name.to_owned()
    };
    let build = move |scene: &str| {
        Some(match scene {
            "live" => live::live(desk),
            "broken" => broken(desk),
            "result" => result::result(desk),
            _ => empty(desk),
        })
    };
    classed("div", "scene")
        .test("stage")
        .attr_of("data-scene", move || Some(scene()))
        .with(notices(desk))
        .with(element("div").swap(scene, build))
}

/// What is to know beside the scene: no network, a file that was none, a run that was cut off.
fn notices(desk: Desk) -> Element {
    let (place, mishap, cut_off) = (
        desk.state.place(),
        desk.state.mishap(),
        desk.state.cut_off(),
    );
    let notice = |test: &str, title: &str, words: Box<dyn Fn() -> Option<String>>| {
        let key = move || words().unwrap_or_default();
        let (test, title) = (test.to_owned(), title.to_owned());
        element("div")
            .attr("role", "status")
            .swap(key, move |words| {
                let title = element("strong").text(&title);
                let made = classed("div", "advice").test(&test).with(title);
                (!words.is_empty()).then(|| made.text(" ").text(words))
            })
    };
    let offline = move || {
        let words = "Endpoints elsewhere cannot be reached until it is back; the simulated one on this \
                     machine can.";
        (!place.read().online).then(|| words.to_owned())
    };
    classed("div", "notices")
        .with(notice(
            "offline",
            "This machine is offline.",
            Box::new(offline),
        ))
        .with(notice(
            "mishap",
            "That did not work.",
            Box::new(move || mishap.get()),
        ))
        .with(notice(
            "cut-off",
            "The run was cut off.",
            Box::new(move || cut_off.read().as_ref().map(cut)),
        ))
}

/// Before anything was measured: a real result, faint, and what a press does.
fn empty(desk: Desk) -> Element {
    let place = desk.state.place();
    let form = desk.state.form();
    let strong = |word| element("strong").text(word);
    let price = move || {
        let words = match form.read().target {
            Target::Simulated => {
                ": that takes under a minute. The endpoint is simulated on this machine, so both cost \
                 nothing."
            }
            Target::Direct | Target::Proxy => {
                ". The calls are real and go on your account: the line below the buttons says how \
                 many, and “More” can bound them."
            }
        };
        words.to_owned()
    };
    let lead = classed("p", "muted")
        .text("Press ")
        .with(strong("Run"))
        .text(" to send the requests of the form and see how fast they are answered. Press ")
        .with(strong("Find the knee"))
        .text(" to raise the number at once, rung by rung, until more of them only make the queue longer")
        .says(price);
    let report = example();
    let drawing = classed("div", "example").attr("aria-hidden", "true");
    let node = drawing.node().clone();
    follow(move || {
        let width = place.read().width;
        let picture = chart::throughput(&report, Options { width });
        // Nobody reads it out, so nothing in it is in the tab key's way.
        let svg = picture.map_or_else(String::new, |picture| {
            picture.svg.replace("tabindex=\"0\"", "")
        });
        node.set_inner_html(&svg);
    });
    let verdict = classed("section", "verdict")
        .test("empty")
        .with(paragraph("eyebrow", "Nothing measured yet"))
        .with(paragraph(
            "sentence",
            "How many requests at once does this endpoint handle best?",
        ))
        .with(lead);
    classed("div", "parts")
        .with(verdict)
        .with(paragraph(
            "eyebrow",
            "An example: a simulated scheduler of 32 slots. At the knee all of them work; beyond it requests wait.",
        ))
        .with(drawing)
}

/// A run that came to nothing.
fn broken(desk: Desk) -> Element {
    let running = desk.state.running();
    let reason = move || match &running.read().phase {
        Phase::Broken(reason) => reason.clone(),
        _ => String::new(),
    };
    let sign = element("span").attr("aria-hidden", "true").text("✕ ");
    classed("section", "verdict")
        .test("broken")
        .attr("role", "alert")
        .with(classed("p", "eyebrow failed").with(sign).text("No result"))
        .with(classed("p", "sentence").test("sentence").says(reason))
        .with(paragraph(
            "muted",
            "Change what it names and press Run again. If the words do not help, the same line in a \
             terminal says more.",
        ))
}

/// What a reload left of a run.
fn cut(cut_off: &CutOff) -> String {
    let rungs: Vec<String> = cut_off
        .rungs
        .iter()
        .map(|(n, throughput, p95)| {
            let mut words = n.to_string() + " at once: " + &number::figure(*throughput);
            if let Some(p95) = p95 {
                words = words + ", TTFT p95 " + &number::time_ms(*p95);
            }
            words
        })
        .collect();
    let so_far = if rungs.is_empty() {
        "Nothing had been told of it yet.".to_owned()
    } else {
        "It had measured ".to_owned() + &rungs.join("; ") + "."
    };
    [
        &cut_off.what,
        ": the page was closed or reloaded in mid-run. ",
        &so_far,
        " Press the button again to repeat it.",
    ]
    .concat()
}
