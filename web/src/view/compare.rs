//! Two earlier runs over each other.

use kneepoint_bench::chart::{self, Options};
use kneepoint_bench::compare::{Difference, compare_reports};
use kneepoint_bench::number::{capital, figure};
use kneepoint_bench::report::Report;
use leptos::prelude::*;

use super::element::{Element, classed, element, paragraph};
use super::picture::picture;
use super::tables::table;
use crate::browser::clock;
use crate::desk::Desk;
use crate::history::{Kept, title};
use crate::state::StateStoreFields;

/// No overlay is wider, as the sheet has it.
const WIDTH_MAX: u32 = 960;

/// The overlay of the two that were chosen; with one, how to get there.
pub(super) fn compare(desk: Desk) -> Element {
    let (chosen, kept, place) = (desk.state.chosen(), desk.state.kept(), desk.state.place());
    let key = move || {
        let several = kept.read().len() > 1;
        let ids = chosen.read().iter().map(u64::to_string).collect::<Vec<_>>();
        [
            &place.read().width.to_string(),
            " ",
            &several.to_string(),
            " ",
            &ids.join(" "),
        ]
        .concat()
    };
    element("div").swap(key, move |_| {
        let (kept, chosen) = (kept.read_untracked(), chosen.read_untracked());
        let runs: Vec<(u64, Report)> = chosen
            .iter()
            .filter_map(|id| kept.iter().find(|run| run.id == *id))
            .filter_map(|run: &Kept| Some((run.id, run.read()?)))
            .collect();
        match &runs[..] {
            [] if kept.len() < 2 => None,
            [] => Some(paragraph("muted", "Tick two to lay them over each other.")),
            [_] => Some(paragraph(
                "muted",
                "Tick a second run to lay the two over each other.",
            )),
            [a, b, ..] => {
                let width = place.read_untracked().width.min(WIDTH_MAX);
                Some(both(a, b, width))
            }
        }
    })
}

/// A figure of a comparison, as the rest of the page calls it.
fn called(figure: &str) -> String {
    let (metric, quantile) = figure.split_once('.').unwrap_or((figure, ""));
    let name = match metric {
        "throughput" => return "answers/s".to_owned(),
        "tokens" => return "tok/s".to_owned(),
        "ttft" => "TTFT",
        "tpot" => "time per token",
        "e2e" => "latency",
        other => other,
    };
    [name, " ", quantile, ", ms"].concat()
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
        vec![called(&one.figure), figure(one.a), figure(one.b), ratio]
    };
    let rows = found.differences.iter().map(row).collect();
    let warning = |warning: &String| element("li").text(&capital(warning)).text(".");
    let warnings = found.warnings.iter().map(warning).collect();
    let sides = classed("div", "part")
        .with(table(&["", "A", "B", "B ÷ A"], rows))
        .with(paragraph("hint", &("A: ".to_owned() + &first)))
        .with(paragraph("hint", &("B: ".to_owned() + &second)))
        .with(classed("ul", "hint").with_all(warnings));
    classed("section", "overlay")
        .test("overlay")
        .with(drawn)
        .with(sides)
}
