//! Whom to ask: the simulated endpoint, an address, or an upstream of the proxy.

use leptos::prelude::*;

use super::element::{Element, classed, element, follow, value_of};
use super::field::{Typing, choice, field, select};
use crate::advice::proxy_line;
use crate::form::{Field, Target};
use crate::message::Dialect;
use crate::state::{Offer, StateStoreFields};

/// What each way of asking is called.
const TARGETS: [(Target, &str, &str); 3] = [
    (Target::Simulated, "simulated", "Simulated"),
    (Target::Direct, "direct", "Direct URL"),
    (Target::Proxy, "proxy", "Proxy"),
];

/// Whose protocol is spoken.
const DIALECTS: [(Dialect, &str); 2] = [
    (Dialect::OpenAi, "OpenAI-like"),
    (Dialect::Anthropic, "Anthropic"),
];

/// What is offered until the server has told its presets: that of the first sight.
const FIRST: (&str, &str) = (
    "gpu32",
    "A scheduler of 32 slots: above 32 only the queue grows.",
);

/// The first part of the form.
pub(super) fn target(typing: Typing) -> Element {
    let form = typing.desk.state.form();
    let mut segments = classed("div", "segments");
    for (target, name, label) in TARGETS {
        let entry = element("input")
            .attr("type", "radio")
            .attr("name", "target")
            .test(&("target-".to_owned() + name))
            .prop("checked", move || (form.read().target == target).into())
            .on("change", move |_| form.write().retarget(target));
        let label = element("span").text(label);
        segments = segments.with(element("label").with(entry).with(label));
    }
    let chosen = move || {
        let target = form.read().target;
        let found = TARGETS.into_iter().find(|(other, ..)| *other == target);
        found.map_or(String::new(), |(_, name, _)| name.to_owned())
    };
    element("fieldset")
        .with(element("legend").text("Endpoint"))
        .with(segments)
        .with(classed("div", "part").swap(chosen, move |name| {
            Some(match name {
                "direct" => direct(typing),
                "proxy" => proxy(typing),
                _ => simulated(typing),
            })
        }))
}

/// A list that is made anew when its entries have changed.
fn list(
    (name, label): (&'static str, &'static str),
    entries: impl Fn() -> Vec<String> + Copy + 'static,
    chosen: impl Fn() -> String + Copy + 'static,
    choose: impl Fn(String) + Copy + 'static,
) -> Element {
    let at = move || {
        let chosen = chosen();
        entries()
            .iter()
            .position(|entry| *entry == chosen)
            .unwrap_or(0)
    };
    let pick = move |index| {
        if let Some(entry) = untrack(entries).into_iter().nth(index) {
            choose(entry);
        }
    };
    element("div").swap(
        move || entries().join("\n"),
        move |words| {
            let words: Vec<&str> = words.lines().collect();
            (!words.is_empty()).then(|| select(name, label, &words, at, pick))
        },
    )
}

fn simulated(typing: Typing) -> Element {
    let (form, place) = (typing.desk.state.form(), typing.desk.state.place());
    let presets = move || -> Vec<(String, String)> {
        let place = place.read();
        let told = place.server.served().map(|served| served.presets.clone());
        told.filter(|presets| !presets.is_empty())
            .unwrap_or_else(|| vec![(FIRST.0.to_owned(), FIRST.1.to_owned())])
    };
    let story = move || {
        let form = form.read();
        let found = presets().into_iter().find(|(name, _)| *name == form.preset);
        found.map_or(String::new(), |(_, story)| story)
    };
    let absent = move || match place.read().server {
        Offer::Files => {
            "This page is hosted as plain files, without a simulated endpoint. Start one of your own \
             with cargo xtask demo, or choose Direct URL."
        }
        Offer::WantsToken => "This server wants the token that it was started with: type it below.",
        _ => "",
    };
    let missing = classed("p", "note warn")
        .test("no-server")
        .flag("hidden", move || absent().is_empty())
        .says(move || absent().to_owned());
    element("div")
        .attr("class", "part")
        .with(list(
            ("preset", "Preset"),
            move || presets().into_iter().map(|(name, _)| name).collect(),
            move || form.read().preset.clone(),
            move |name| form.write().preset = name,
        ))
        .with(classed("p", "note").test("story").says(story))
        .with(missing)
        .with(token(typing))
}

fn direct(typing: Typing) -> Element {
    classed("div", "part")
        .with(field(typing, Field::Url))
        .with(dialect(typing))
        .with(field(typing, Field::Model))
        .with(key(typing, "Key"))
}

fn proxy(typing: Typing) -> Element {
    let (form, place) = (typing.desk.state.form(), typing.desk.state.place());
    let upstreams = move || -> Vec<String> {
        let place = place.read();
        let served = place.server.served();
        served.map_or_else(Vec::new, |served| served.upstreams.clone())
    };
    // The first upstream is chosen as long as none is.
    follow(move || {
        let upstreams = upstreams();
        let is_known = upstreams.contains(&form.read_untracked().upstream);
        if let (false, Some(first)) = (is_known, upstreams.into_iter().next()) {
            form.write().upstream = first;
        }
    });
    let none = classed("div", "note")
        .test("no-upstream")
        .flag("hidden", move || !upstreams().is_empty())
        .text(
            "The proxy holds the key, so that this page never sees it. None is set up; start it so, in a \
             clone of Kneepoint:",
        )
        .with(classed("code", "line").text(&proxy_line("https://llm.example")));
    classed("div", "part")
        .with(list(
            ("upstream", "Upstream"),
            upstreams,
            move || form.read().upstream.clone(),
            move |name| form.write().upstream = name,
        ))
        .with(none)
        .with(dialect(typing))
        .with(field(typing, Field::Model))
        .with(token(typing))
}

fn dialect(typing: Typing) -> Element {
    let form = typing.desk.state.form();
    choice(
        "dialect",
        "Protocol",
        &DIALECTS,
        move || form.read().dialect,
        move |dialect| form.write().dialect = dialect,
    )
}

/// The server's token, where it wants one.
fn token(typing: Typing) -> Element {
    let place = typing.desk.state.place();
    let wanted = move || place.read().server == Offer::WantsToken;
    element("div").swap(
        move || wanted().to_string(),
        move |wanted| (wanted == "true").then(|| key(typing, "Token")),
    )
}

/// The one box whose text is kept in no state, no storage and no address.
fn key(typing: Typing, label: &str) -> Element {
    let key = typing.desk.key;
    let entry = element("input")
        .attr("id", "field-key")
        .test("field-key")
        .attr("type", "password")
        .attr("autocomplete", "off")
        .attr("spellcheck", "false")
        .attr("aria-describedby", "hint-key")
        .prop("value", move || key.get().into())
        .on("input", move |event| key.set(value_of(&event)));
    let hint = classed("span", "hint").attr("id", "hint-key");
    classed("div", "field wide")
        .with(element("label").attr("for", "field-key").text(label))
        .with(entry)
        .with(hint.text("in this page's memory, until it is closed"))
}
