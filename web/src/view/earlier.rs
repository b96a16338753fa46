//! Earlier runs of this browser, and files.

use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::compare::compare;
use crate::browser;
use crate::desk::Desk;
use crate::history::{Kept, title};
use crate::state::StateStoreFields;

/// The strip below everything.
pub(crate) fn earlier(desk: Desk) -> AnyView {
    let (kept, place) = (desk.state.kept(), desk.state.place());
    let keeps = Memo::new(move |_| place.read().keeps);
    let file = NodeRef::<Input>::new();
    let picked = move |_| {
        let Some(input) = file.get_untracked() else {
            return;
        };
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            spawn_local(async move { desk.open_file(file).await });
        }
        // The same file can be chosen again.
        input.set_value("");
    };
    view! {
        <section class="earlier" aria-label="Earlier runs" data-testid="earlier">
            <h2>"Earlier runs"
                <label class="quiet open">"open a result"
                    <input type="file" accept=".json,.html" data-testid="open-file" node_ref=file on:change=picked/>
                </label>
            </h2>
            {move || if kept.read().is_empty() {
                view! {
                    <p class="muted">
                        {if keeps.get() { "Runs are kept here, in this browser only, without keys. Drop a JSON file on the page to open it." }
                        else { "This browser keeps nothing for this page. Export what you want to keep." }}
                    </p>
                }.into_any()
            } else {
                let rows: Vec<AnyView> = kept.read().iter().filter_map(|run| row(desk, run)).collect();
                view! { <ul>{rows}</ul> }.into_any()
            }}
            {compare(desk)}
        </section>
    }
    .into_any()
}

fn row(desk: Desk, run: &Kept) -> Option<AnyView> {
    let (id, words) = (run.id, title(&run.read()?));
    let chosen = desk.state.chosen();
    let shown = desk.state.shown();
    let current = move || {
        let shown = shown.read();
        let is = shown.as_ref().and_then(|shown| shown.source.kept()) == Some(id);
        is.then_some("true")
    };
    let label = format!("compare {words}");
    let drop_label = format!("delete {words}");
    Some(
        view! {
            <li data-testid="earlier-run">
                <input type="checkbox" aria-label=label data-testid="compare-run"
                    prop:checked=move || chosen.read().contains(&id)
                    on:change=move |event| desk.choose(id, event_target_checked(&event))/>
                <button type="button" class="quiet" data-testid="open-run" aria-current=current on:click=move |_| desk.open_kept(id)>
                    <time>{browser::clock(id)}</time>" "{words}
                </button>
                <button type="button" class="quiet" data-testid="delete-run" aria-label=drop_label on:click=move |_| desk.drop_kept(id)>"×"</button>
            </li>
        }
        .into_any(),
    )
}
