//! The form, the two buttons, and what a press would cost.

use leptos::prelude::*;

use super::copy::copy;
use super::field::{Typing, choice, field, tick};
use super::more::more;
use super::target::target;
use crate::desk::Desk;
use crate::form::{Asking, Field, Goal, Target, command, estimate, faults};
use crate::running::Phase;
use crate::state::StateStoreFields;

const ASKING: [(Asking, &str); 4] = [
    (Asking::Synthetic, "made up"),
    (Asking::Shared, "made up, beginning alike"),
    (Asking::Text, "one text"),
    (Asking::Lines, "lines of JSON"),
];

/// Everything that is asked before a run.
pub(crate) fn form(desk: Desk) -> AnyView {
    let form = desk.state.form();
    let faults = Memo::new(move |_| faults(&form.read()));
    let typing = Typing { desk, faults };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !desk.state.running().read_untracked().is_active() {
            desk.begin(Goal::Run);
        }
    };
    view! {
        <button type="button" class="fold" class:is-folded=move || desk.folded.get() data-testid="fold"
            aria-expanded=move || (!desk.folded.get()).to_string() aria-controls="form"
            on:click=move |_| desk.folded.update(|folded| *folded = !*folded)>
            <span>{move || one_line(desk)}</span>
            <span class="muted">{move || if desk.folded.get() { "change" } else { "fold" }}</span>
        </button>
        <form id="form" class:is-folded=move || desk.folded.get() on:submit=submit novalidate=true>
            {target(typing)}
            {load(typing)}
            {more(typing)}
            {buttons(desk)}
            {cost(desk)}
            {line(desk)}
        </form>
    }
    .into_any()
}

fn load(typing: Typing) -> AnyView {
    let form = typing.desk.state.form();
    view! {
        <fieldset>
            <legend>"Load"</legend>
            {field(typing, Field::Requests)}
            {field(typing, Field::Concurrency)}
            {field(typing, Field::MaxTokens)}
            {field(typing, Field::Retries)}
            {choice("prompts", "Prompts", &ASKING, move || form.read().asking,
                move |asking| form.write().asking = asking)}
            {field(typing, Field::PromptTokens)}
            {field(typing, Field::SharedPrefix)}
            {field(typing, Field::Prompt)}
            {field(typing, Field::Lines)}
            {tick("stream", "stream the answers", move || form.read().stream,
                move |stream| form.write().stream = stream)}
        </fieldset>
    }
    .into_any()
}

fn buttons(desk: Desk) -> AnyView {
    let running = desk.state.running();
    let phase = Memo::new(move |_| {
        let running = running.read();
        running.is_active().then(|| running.phase.clone())
    });
    view! {
        <div class="buttons">
            {move || match phase.get() {
                None => view! {
                    <button type="submit" class="main" data-testid="run">"Run"</button>
                    <button type="button" class="main" data-testid="knee" on:click=move |_| desk.begin(Goal::Knee)>
                        "Find the knee"
                    </button>
                }.into_any(),
                Some(phase) => {
                    let stopping = phase == Phase::Stopping;
                    view! {
                        <button type="button" class="main stop" data-testid="stop" disabled=stopping
                            on:click=move |_| desk.stop()>
                            {if stopping { "Stopping" } else { "Stop" }}
                        </button>
                    }.into_any()
                }
            }}
        </div>
    }
    .into_any()
}

/// What a press would cost.
fn cost(desk: Desk) -> AnyView {
    let form = desk.state.form();
    let words = Memo::new(move |_| estimate(&form.read()));
    view! {
        <p class="cost" data-testid="cost">
            {move || words.get().map_or_else(
                || "Something above is not right yet.".to_owned(),
                |words| format!("Run: {}. Knee: {}. {}.", words.run, words.knee, capital(words.pays)),
            )}
        </p>
    }
    .into_any()
}

/// A text with its first letter as a sentence has it.
pub(super) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

/// The same as a line for a terminal.
fn line(desk: Desk) -> AnyView {
    let (form, place) = (desk.state.form(), desk.state.place());
    let goal = RwSignal::new(Goal::Run);
    let words = move || command(&form.read(), goal.get(), &place.read().origin);
    let button = move |of: Goal, word: &'static str, test: &'static str| {
        view! {
            <button type="button" class="quiet" data-testid=test aria-pressed=move || (goal.get() == of).to_string()
                on:click=move |_| goal.set(of)>{word}</button>
        }
    };
    view! {
        <details class="command">
            <summary>"The same in a terminal"</summary>
            <p class="row">
                {button(Goal::Run, "run", "command-run")}
                {button(Goal::Knee, "knee", "command-knee")}
                {copy("copy-command", "the command", words)}
            </p>
            <code class="line" data-testid="command" tabindex="0">{words}</code>
            <p class="hint">"The key comes from the environment: OPENAI_API_KEY or ANTHROPIC_API_KEY."</p>
        </details>
    }
    .into_any()
}

/// The form in one line, for where there is little room.
fn one_line(desk: Desk) -> String {
    let form = desk.state.form();
    let form = form.read();
    let whom = match form.target {
        Target::Simulated => form.preset.as_str(),
        Target::Direct | Target::Proxy => form.text(Field::Model),
    };
    format!(
        "{whom} · {} requests, {} at once",
        form.text(Field::Requests),
        form.text(Field::Concurrency)
    )
}
