//! Whom to ask: the simulated endpoint, an address, or an upstream of the proxy.

use leptos::prelude::*;

use super::field::{Typing, choice, field, select};
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
    (Dialect::OpenAi, "OpenAI-compatible"),
    (Dialect::Anthropic, "Anthropic"),
];

/// The first part of the form.
pub(super) fn target(typing: Typing) -> AnyView {
    let form = typing.desk.state.form();
    let chosen = Memo::new(move |_| form.read().target);
    let buttons: Vec<AnyView> = TARGETS
        .into_iter()
        .map(|(target, name, label)| {
            view! {
                <label>
                    <input type="radio" name="target" data-testid=format!("target-{name}")
                        prop:checked=move || chosen.get() == target
                        on:change=move |_| form.write().retarget(target)/>
                    <span>{label}</span>
                </label>
            }
            .into_any()
        })
        .collect();
    view! {
        <fieldset>
            <legend>"Endpoint"</legend>
            <div class="segments">{buttons}</div>
            {move || match chosen.get() {
                Target::Simulated => simulated(typing),
                Target::Direct => direct(typing),
                Target::Proxy => proxy(typing),
            }}
        </fieldset>
    }
    .into_any()
}

fn simulated(typing: Typing) -> AnyView {
    let (form, place) = (typing.desk.state.form(), typing.desk.state.place());
    // Until the server has told its presets, the one of the first sight is there.
    let presets = Memo::new(move |_| {
        let place = place.read();
        let told = place.server.served().map(|served| served.presets.clone());
        let first = (
            "gpu32".to_owned(),
            "A scheduler of 32 slots: above 32 only the queue grows.".to_owned(),
        );
        told.filter(|presets| !presets.is_empty())
            .unwrap_or_else(|| vec![first])
    });
    let at = move || {
        let form = form.read();
        let presets = presets.read();
        presets
            .iter()
            .position(|(name, _)| *name == form.preset)
            .unwrap_or(0)
    };
    let story = move || presets.read().get(at()).map(|(_, story)| story.clone());
    let list = move || {
        let words = presets
            .read()
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        select(
            "preset",
            "Preset",
            words,
            move || at().to_string(),
            move |index| {
                if let Some((name, _)) = presets.read_untracked().get(index) {
                    form.write().preset.clone_from(name);
                }
            },
        )
    };
    let absent = move || {
        let server = place.read().server.clone();
        match server {
            Offer::Files => Some(
                "This page is hosted as plain files, without a simulated endpoint. Start one of \
                 your own: cargo xtask demo. Or choose Direct URL.",
            ),
            Offer::WantsToken => {
                Some("This server wants the token that it was started with: type it as the key.")
            }
            _ => None,
        }
    };
    view! {
        {list}
        <p class="note" data-testid="story">{story}</p>
        {move || absent().map(|words| view! { <p class="note warn" data-testid="no-server">{words}</p> })}
        <Show when=move || place.read().server == Offer::WantsToken>{move || key(typing, "Token")}</Show>
    }
    .into_any()
}

fn direct(typing: Typing) -> AnyView {
    view! {
        {field(typing, Field::Url)}
        {dialect(typing)}
        {field(typing, Field::Model)}
        {key(typing, "Key")}
    }
    .into_any()
}

fn proxy(typing: Typing) -> AnyView {
    let (form, place) = (typing.desk.state.form(), typing.desk.state.place());
    let upstreams = Memo::new(move |_| {
        let place = place.read();
        place
            .server
            .served()
            .map(|served| served.upstreams.clone())
            .unwrap_or_default()
    });
    // The first upstream is chosen as long as none is.
    Effect::new(move |_| {
        let upstreams = upstreams.read();
        let is_known = upstreams.contains(&form.read_untracked().upstream);
        if let (false, Some(first)) = (is_known, upstreams.first()) {
            form.write().upstream.clone_from(first);
        }
    });
    let at = move || {
        let upstream = form.read().upstream.clone();
        upstreams
            .read()
            .iter()
            .position(|name| *name == upstream)
            .unwrap_or(0)
    };
    view! {
        {move || if upstreams.read().is_empty() {
            view! {
                <p class="note" data-testid="no-upstream">
                    "The proxy holds the key, so that this page never sees it. None is set up; start it so:"
                    <code class="line">"API_KEY=… kneepoint-server --upstream mine=https://llm.example,key-env=API_KEY"</code>
                </p>
            }.into_any()
        } else {
            let words = upstreams.get();
            select("upstream", "Upstream", words, move || at().to_string(), move |index| {
                if let Some(name) = upstreams.read_untracked().get(index) {
                    form.write().upstream.clone_from(name);
                }
            })
        }}
        {dialect(typing)}
        {field(typing, Field::Model)}
        <Show when=move || place.read().server == Offer::WantsToken>{move || key(typing, "Token")}</Show>
    }
    .into_any()
}

fn dialect(typing: Typing) -> AnyView {
    let form = typing.desk.state.form();
    choice(
        "dialect",
        "Protocol",
        &DIALECTS,
        move || form.read().dialect,
        move |dialect| form.write().dialect = dialect,
    )
}

/// The one box whose text is kept in no state, no storage and no address.
fn key(typing: Typing, label: &'static str) -> AnyView {
    let key = typing.desk.key;
    view! {
        <div class="field wide">
            <label for="field-key">{label}</label>
            <input id="field-key" data-testid="field-key" type="password" autocomplete="off" spellcheck="false"
                aria-describedby="hint-key" prop:value=move || key.get()
                on:input=move |event| key.set(event_target_value(&event))/>
            <span class="hint" id="hint-key">"stays in this page's memory until it is closed"</span>
        </div>
    }
    .into_any()
}
