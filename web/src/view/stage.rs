//! Where the results are: one scene at a time.

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::DragEvent;

use super::{live, result};
use crate::desk::Desk;
use crate::example::example;
use crate::running::{CutOff, Phase};
use crate::state::StateStoreFields;
use kneepoint_bench::chart::{self, Options};
use kneepoint_bench::number;

/// What the stage shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scene {
    Empty,
    Live,
    Broken(String),
    Result,
}

/// The right-hand side.
pub(crate) fn stage(desk: Desk) -> AnyView {
    let state = desk.state;
    let scene = Memo::new(move |_| {
        let running = state.running();
        let running = running.read();
        match &running.phase {
            Phase::Broken(reason) => Scene::Broken(reason.clone()),
            _ if running.is_active() => Scene::Live,
            _ if state.shown().read().is_some() => Scene::Result,
            _ => Scene::Empty,
        }
    });
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        let files = event.data_transfer().and_then(|data| data.files());
        if let Some(file) = files.and_then(|files| files.get(0)) {
            spawn_local(async move { desk.open_file(file).await });
        }
    };
    let name = move || match scene.get() {
        Scene::Empty => "empty",
        Scene::Live => "live",
        Scene::Broken(_) => "broken",
        Scene::Result => "result",
    };
    view! {
        <div class="scene" data-testid="stage" data-scene=name on:dragover=|event: DragEvent| event.prevent_default() on:drop=dropped>
            {offline(desk)}
            {move || state.mishap().get().map(|words| notice("mishap", "That did not work.", words))}
            {move || state.cut_off().get().map(|cut_off| cut(&cut_off))}
            {move || match scene.get() {
                Scene::Empty => empty(desk),
                Scene::Live => live::live(desk),
                Scene::Broken(reason) => broken(reason),
                Scene::Result => result::result(desk),
            }}
        </div>
    }
    .into_any()
}

/// Something to know, with words that say what to do.
fn notice(test: &'static str, title: &'static str, words: String) -> AnyView {
    view! {
        <div class="advice warn" role="status" data-testid=test><strong>{title}</strong>" "{words}</div>
    }
    .into_any()
}

fn offline(desk: Desk) -> AnyView {
    let place = desk.state.place();
    let online = Memo::new(move |_| place.read().online);
    view! {
        <Show when=move || !online.get()>
            {notice("offline", "This machine is offline.",
                "Endpoints elsewhere cannot be reached until it is back; the simulated one on this machine can."
                    .to_owned())}
        </Show>
    }
    .into_any()
}

/// Before anything was measured: a real result, faint, and what a press does.
fn empty(desk: Desk) -> AnyView {
    let place = desk.state.place();
    let example = example();
    let width = Memo::new(move |_| place.read().width);
    let drawing = move || {
        let options = Options { width: width.get() };
        chart::throughput(&example, options)
            .map(|picture| picture.svg.replace("tabindex=\"0\"", ""))
    };
    view! {
        <section class="verdict" data-testid="empty">
            <p class="eyebrow">"Nothing measured yet"</p>
            <p class="sentence">"How many requests at once do this endpoint good?"</p>
            <p class="muted">
                "Press " <strong>"Run"</strong> " to send the requests of the form and see how fast they are answered, in some ten seconds. Press "
                <strong>"Find the knee"</strong>
                " to raise the concurrency step by step until more of it only makes the queue longer: that takes under a minute. The endpoint is simulated on this machine, so both cost nothing."
            </p>
        </section>
        <div class="example" aria-hidden="true">
            <p class="eyebrow">"Example: a simulated scheduler of 32 slots"</p>
            <div inner_html=drawing></div>
        </div>
    }
    .into_any()
}

fn broken(reason: String) -> AnyView {
    view! {
        <section class="verdict" data-testid="broken" aria-live="assertive">
            <p class="eyebrow failed"><span aria-hidden="true">"✕ "</span>"No result"</p>
            <p class="sentence">{reason}</p>
            <p class="muted">"Change what it names and press Run again. If the words do not help, the same line in a terminal says more."</p>
        </section>
    }
    .into_any()
}

/// What a reload left of a run.
fn cut(cut_off: &CutOff) -> AnyView {
    let rungs: Vec<String> = cut_off
        .rungs
        .iter()
        .map(|(n, throughput, p95)| {
            let p95 = p95.map(|p95| format!(", TTFT p95 {}", number::time_ms(p95)));
            format!(
                "{n} at once: {}{}",
                number::figure(*throughput),
                p95.unwrap_or_default()
            )
        })
        .collect();
    let so_far = if rungs.is_empty() {
        "Nothing had been told of it yet.".to_owned()
    } else {
        format!("It had measured {}.", rungs.join("; "))
    };
    let words = format!(
        "{}: the page was closed or reloaded in mid-run. {so_far} Press the button again to repeat it.",
        cut_off.what
    );
    notice("cut-off", "The run was cut off.", words)
}
