//! The line on top: the name, what is asked and how, the theme.

use leptos::prelude::*;

use crate::browser::{self, Place};
use crate::desk::Desk;
use crate::form::{Field, Target};
use crate::state::StateStoreFields;

/// Where the chosen theme is kept.
const THEME: &str = "kneepoint-theme";

/// The themes, in the order in which the button goes through them.
const THEMES: [&str; 3] = ["auto", "light", "dark"];

/// The line on top of the page.
pub(crate) fn header(desk: Desk) -> AnyView {
    let kept = browser::kept(Place::Lasting, THEME);
    let kept = THEMES
        .into_iter()
        .find(|theme| kept.as_deref() == Some(theme));
    let theme = RwSignal::new(kept.unwrap_or(THEMES[0]));
    Effect::new(move |_| {
        if let Some(root) = document().document_element() {
            // The sheet reads the attribute; a name without spaces is always accepted.
            let _ = root.set_attribute("data-theme", theme.get());
        }
    });
    let next = move |_| {
        let at = THEMES.iter().position(|one| *one == theme.get_untracked());
        let chosen = THEMES[(at.unwrap_or(0) + 1) % THEMES.len()];
        theme.set(chosen);
        browser::keep(Place::Lasting, THEME, chosen);
    };
    view! {
        <header class="top">
            <h1><span class="mark" aria-hidden="true">"◣"</span>" Kneepoint"</h1>
            <p class="where" data-testid="where">{move || place(desk)}</p>
            <button type="button" class="quiet" data-testid="theme" on:click=next>
                <span aria-hidden="true">"◐ "</span>"theme: "{move || theme.get()}
            </button>
        </header>
    }
    .into_any()
}

/// Whom the page asks, and over what.
fn place(desk: Desk) -> String {
    let form = desk.state.form();
    let form = form.read();
    let mut words = match form.target {
        Target::Simulated => format!("Simulated: {}", form.preset),
        Target::Direct => {
            let url = form.text(Field::Url).trim();
            let host = url.split("//").nth(1).unwrap_or(url);
            host.split('/').next().unwrap_or_default().to_owned()
        }
        Target::Proxy => format!("Proxy: {}", form.upstream),
    };
    let shown = desk.state.shown();
    let shown = shown.read();
    let running = desk.state.running();
    let running = running.read();
    let wire = match shown.as_ref() {
        _ if running.is_active() => Some(&running.connections),
        Some(shown) => Some(&shown.report.protocol),
        None => None,
    };
    if let Some(wire) = wire {
        let http = wire.http.as_deref().map(super::wire::protocol);
        words.extend(http.map(|http| format!(" · {http}")));
        let opened = wire.opened.map(|opened| format!(" · {opened} connections"));
        words.extend(opened);
    }
    words
}
