//! Two earlier runs over each other.

use kneepoint_bench::chart::{self, Options};
use kneepoint_bench::compare::{Difference, compare_reports};
use kneepoint_bench::number::figure;
use kneepoint_bench::report::Report;
use leptos::prelude::*;

use super::element::{Element, classed, element, paragraph};
use super::picture::picture;
use super::tables::table;
use crate::advice::capital;
use crate::browser::clock;
use crate::desk::Desk;
use crate::history::{Kept, title};
use crate::state::StateStoreFields;

/// The overlay of the two that were chosen; with one, how to get there.
pub(super) fn compare(desk: Desk) -> Element {
    let (chosen, kept, place) = (desk.state.chosen(), desk.state.kept(), desk.state.place());
    let key = move || {
        let ids = chosen.read().iter().map(u64::to_string).collect::<Vec<_>>();
        place.read().width.to_string() + " " + &ids.join(" ")
    };
    element("div").swap(key, move |_| {
        let (kept, chosen) = (kept.read_untracked(), chosen.read_untracked());
        let runs: Vec<(u64, Report)> = chosen
            .iter()
            .filter_map(|id| kept.iter().find(|run| run.id == *id))
            .filter_map(|run: &Kept| Some((run.id, run.read()?)))
            .collect();
        match &runs[..] {
            [] => None,
            [_] => Some(paragraph(
                "muted",
                "Tick a second run to lay the two over each other.",
            )),
            [a, b, ..] => Some(both(a, b, place.read_untracked().width)),
        }
    })
}

fn both((a_id, a): &(u64, Report), (b_id, b): &(u64, Report), width: u32) -> Element {
    let name = |id, run| clock(id) + " " + &title(run);
    let (first, second) = (name(*a_id, a), name(*b_id, b));
    let drawn = chart::overlay([(&first, a), (&second, b)], Options { width });
    let drawn = drawn.map_or_else(
        || {
            paragraph(
                "muted",
                "The two have no picture in common; their figures are below.",
            )
        },
        |drawn| picture("overlay", &drawn, true),
    );
    let found = compare_reports(a, b);
    let row = |one: &Difference| {
        let ratio = "× ".to_owned() + &figure(one.ratio.value);
        vec![one.figure.clone(), figure(one.a), figure(one.b), ratio]
    };
    let rows = found.differences.iter().map(row).collect();
    let warning = |warning: &String| element("li").text(&capital(warning)).text(".");
    let warnings = found.warnings.iter().map(warning).collect();
    let sides = classed("div", "part")
        .with(table(&["figure", "A", "B", "B by A"], rows))
        .with(paragraph(
            "hint",
            "Throughput: answers a second. Tokens: a second. Times: milliseconds.",
        ))
        .with(paragraph("hint", &("A: ".to_owned() + &first)))
        .with(paragraph("hint", &("B: ".to_owned() + &second)))
        .with(classed("ul", "hint").with_all(warnings));
    classed("section", "overlay")
        .test("overlay")
        .with(drawn)
        .with(sides)
}
