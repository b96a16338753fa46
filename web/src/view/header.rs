//! The line on top: the name, what is asked and how, the theme.

use kneepoint_bench::number::counted;
use leptos::prelude::*;

use super::element::{Element, button, classed, element, follow};
use super::wire::protocol;
use crate::browser::{self, Stay};
use crate::desk::Desk;
use crate::form::{Field, Target};
use crate::state::StateStoreFields;

/// Where the chosen theme is kept.
const THEME: &str = "kneepoint-theme";

/// The themes, in the order in which the button goes through them.
const THEMES: [&str; 3] = ["auto", "light", "dark"];

/// The line on top of the page.
pub(crate) fn header(desk: Desk) -> Element {
    let kept = browser::kept(Stay::Lasting, THEME);
    let kept = THEMES
        .iter()
        .position(|theme| kept.as_deref() == Some(theme));
    let theme = RwSignal::new(kept.unwrap_or(0));
    follow(move || {
        if let Some(root) = document().document_element() {
            // The sheet reads it.
            let _ = root.set_attribute("data-theme", THEMES[theme.get()]);
        }
    });
    let next = move || {
        let chosen = (theme.get_untracked() + 1) % THEMES.len();
        theme.set(chosen);
        browser::keep(Stay::Lasting, THEME, THEMES[chosen]);
    };
    let mark = classed("span", "mark")
        .attr("aria-hidden", "true")
        .text("◣");
    let sign = element("span").attr("aria-hidden", "true").text("◐ ");
    classed("header", "top")
        .with(element("h1").with(mark).text(" Kneepoint"))
        .with(
            classed("p", "where")
                .test("where")
                .says(move || place(desk)),
        )
        .with(
            button("quiet", "theme", next)
                .with(sign)
                .says(move || "theme: ".to_owned() + THEMES[theme.get()]),
        )
}

/// Whom the page asks, and over what while it does.
fn place(desk: Desk) -> String {
    let form = desk.state.form();
    let form = form.read();
    let mut words = match form.target {
        Target::Simulated => "Simulated: ".to_owned() + &form.preset,
        Target::Direct => {
            let url = form.text(Field::Url).trim();
            let host = url.split("//").nth(1).unwrap_or(url);
            host.split('/').next().unwrap_or_default().to_owned()
        }
        Target::Proxy if form.upstream.is_empty() => "Proxy".to_owned(),
        Target::Proxy => "Proxy: ".to_owned() + &form.upstream,
    };
    let running = desk.state.running();
    let running = running.read();
    if running.is_active() {
        let wire = &running.connections;
        let http = wire.http.as_deref().map(protocol);
        words.extend(http.map(|http| " · ".to_owned() + http));
        // None is opened where those of the run before still serve.
        let opened = wire.opened.filter(|opened| *opened > 0);
        words.extend(opened.map(|opened| " · ".to_owned() + &counted(opened, "connection")));
    }
    words
}
