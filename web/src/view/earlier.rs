//! Earlier runs of this browser, and files.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement};

use super::compare::compare;
use super::element::{Element, button, checked_of, classed, element};
use crate::browser;
use crate::desk::Desk;
use crate::history::{Kept, RUNS_MAX, title};
use crate::state::StateStoreFields;

/// What opens a file.
const OPEN: &str = "open-file";

/// The strip below everything.
pub(crate) fn earlier(desk: Desk) -> Element {
    let (kept, place) = (desk.state.kept(), desk.state.place());
    let picked = move |event: Event| {
        let input = event.target().and_then(|target| target.dyn_into().ok());
        let Some::<HtmlInputElement>(input) = input else {
            return;
        };
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            spawn_local(async move { desk.open_file(file).await });
        }
        // The same file can be chosen again.
        input.set_value("");
    };
    let open = element("input")
        .attr("type", "file")
        .attr("id", OPEN)
        .attr("accept", ".json,.html")
        .test(OPEN)
        .on("change", picked);
    let heading = element("h2").text("Earlier runs").with(
        classed("label", "quiet open")
            .text("open a result")
            .with(open),
    );
    let hint = classed("p", "muted")
        .flag("hidden", move || !kept.read().is_empty() && place.read().keeps)
        .says(move || {
            if place.read().keeps {
                [
                    "The last ",
                    &RUNS_MAX.to_string(),
                    " runs are kept here, in this browser only, without keys. Drop a JSON file on the \
                     page to open it.",
                ]
                .concat()
            } else {
                "This browser keeps nothing for this page. Export what you want to keep.".to_owned()
            }
        });
    let names = move || {
        let ids = kept
            .read()
            .iter()
            .map(|run| run.id.to_string())
            .collect::<Vec<_>>();
        ids.join(" ")
    };
    let list = element("div").swap(names, move |_| {
        let rows = kept
            .read_untracked()
            .iter()
            .filter_map(|run| row(desk, run))
            .collect();
        Some(element("ul").with_all(rows))
    });
    classed("section", "earlier")
        .test("earlier")
        .attr("aria-label", "Earlier runs")
        .with(heading)
        .with(hint)
        .with(list)
        .with(compare(desk))
}

fn row(desk: Desk, run: &Kept) -> Option<Element> {
    let (id, words) = (run.id, title(&run.read()?));
    let (chosen, shown) = (desk.state.chosen(), desk.state.shown());
    let current = move || {
        let shown = shown.read();
        let is = shown.as_ref().and_then(|shown| shown.source.kept()) == Some(id);
        is.then(|| "true".to_owned())
    };
    let tick = element("input")
        .attr("type", "checkbox")
        .attr("aria-label", &("compare ".to_owned() + &words))
        .test("compare-run")
        .prop("checked", move || chosen.read().contains(&id).into())
        .on("change", move |event| desk.choose(id, checked_of(&event)));
    let open = button("quiet", "open-run", move || desk.open_kept(id))
        .attr_of("aria-current", current)
        .with(element("time").text(&browser::clock(id)))
        .text(" ")
        .text(&words);
    let drop = move || {
        desk.drop_kept(id);
        // The button is gone with its row; the keyboard goes on from the head of the list.
        browser::focus(OPEN);
    };
    let delete = button("quiet", "delete-run", drop)
        .attr("aria-label", &("delete ".to_owned() + &words))
        .text("×");
    let row = element("li").test("earlier-run");
    Some(row.with(tick).with(open).with(delete))
}
