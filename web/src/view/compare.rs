//! Two earlier runs over each other.

use kneepoint_bench::chart::{self, Options};
use kneepoint_bench::compare::compare_reports;
use kneepoint_bench::number::figure;
use kneepoint_bench::report::Report;
use leptos::prelude::*;

use super::picture::picture;
use super::tables::table;
use crate::browser::clock;
use crate::desk::Desk;
use crate::history::{Kept, title};
use crate::state::StateStoreFields;

/// The overlay of the two that were chosen; with one, how to get there.
pub(super) fn compare(desk: Desk) -> AnyView {
    let (chosen, kept, place) = (desk.state.chosen(), desk.state.kept(), desk.state.place());
    let width = Memo::new(move |_| place.read().width);
    (move || {
        let kept = kept.read();
        let chosen = chosen.read();
        let runs: Vec<(u64, Report)> = chosen
            .iter()
            .filter_map(|id| kept.iter().find(|run| run.id == *id))
            .filter_map(|run: &Kept| Some((run.id, run.read()?)))
            .collect();
        match &runs[..] {
            [] => ().into_any(),
            [_] => {
                view! { <p class="muted">"Tick a second run to lay the two over each other."</p> }
                    .into_any()
            }
            [a, b, ..] => both(a, b, width.get()),
        }
    })
    .into_any()
}

fn both((a_id, a): &(u64, Report), (b_id, b): &(u64, Report), width: u32) -> AnyView {
    let [first, second] =
        [(a_id, a), (b_id, b)].map(|(id, run)| format!("{} {}", clock(*id), title(run)));
    let drawn = chart::overlay([(&first, a), (&second, b)], Options { width });
    let drawn = drawn.map_or_else(
        || view! { <p class="muted">"The two have no picture in common; their figures are below."</p> }.into_any(),
        |drawn| picture("overlay", drawn, true),
    );
    let found = compare_reports(a, b);
    let rows = found.differences.iter().map(|one| {
        vec![
            one.figure.clone(),
            figure(one.a),
            figure(one.b),
            format!("× {}", figure(one.ratio.value)),
        ]
    });
    let warnings: Vec<AnyView> = found
        .warnings
        .iter()
        .map(|warning| view! { <li>{warning.clone()}</li> }.into_any())
        .collect();
    view! {
        <section class="overlay" data-testid="overlay">
            {drawn}
            <div>
                {table(&["figure", "A", "B", "B by A"], rows.collect())}
                <p class="hint">"A: "{first}<br/>"B: "{second}</p>
                <ul class="hint">{warnings}</ul>
            </div>
        </section>
    }
    .into_any()
}
