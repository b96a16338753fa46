//! A run under way: how far it is, its figures, pictures that grow.

use kneepoint_bench::Phase as Doing;
use kneepoint_bench::chart::{self, Options, Picture};
use kneepoint_bench::number::count;
use kneepoint_bench::report::Purpose;
use leptos::prelude::*;

use super::figures::{figures, of_running};
use super::wire::wire;
use crate::desk::Desk;
use crate::form::Goal;
use crate::running::{Phase, Running};
use crate::state::StateStoreFields;

/// The scene while something is under way.
pub(super) fn live(desk: Desk) -> AnyView {
    let running = desk.state.running();
    let saying = Memo::new(move |_| saying(&running.read()));
    let progress = Memo::new(move |_| {
        let progress = running.read().tick.progress;
        progress.map(|progress| (progress * 200.0).round() / 200.0)
    });
    let wires = Memo::new(move |_| running.read().connections.clone());
    let place = desk.state.place();
    // Once a second: the eye follows, and the thread has time for what else there is.
    let second = Memo::new(move |_| {
        let running = running.read();
        (running.tick.t_s as u64, running.rungs.len())
    });
    let draw = move |of: fn(&Running, Options) -> Option<Picture>| {
        move || {
            // Read, not merely tracked: a memo that nobody has read follows nothing.
            let _ = second.get();
            let options = Options {
                width: place.read().width,
            };
            of(&running.read_untracked(), options)
                .map_or_else(String::new, |picture| picture.svg_roving())
        }
    };
    let ladder = running.read_untracked().goal == Goal::Knee;
    view! {
        <section class="verdict" data-testid="live">
            <p class="eyebrow" role="status">{move || saying.get().0}</p>
            <p class="sentence">{move || saying.get().1}</p>
            <progress data-testid="progress" aria-label="done" max="1" class:unknown=move || progress.get().is_none()
                prop:value=move || progress.get().unwrap_or(0.0)></progress>
        </section>
        {figures(move || of_running(&running.read()))}
        {wire(move || wires.get())}
        {ladder.then(|| view! {
            <figure class="kp-figure" data-testid="live-climb">
                <figcaption><strong>"Throughput against concurrency"</strong></figcaption>
                <div class="growing" inner_html=draw(|running, options| chart::climb(&running.rungs, running.stream, options))></div>
            </figure>
        })}
        <figure class="kp-figure" data-testid="live-over-time">
            <figcaption><strong>"In flight and throughput over time"</strong></figcaption>
            <div class="growing" inner_html=draw(|running, options| chart::moments(&running.stretches, options))></div>
        </figure>
    }
    .into_any()
}

/// What is going on, in two lines.
fn saying(running: &Running) -> (&'static str, String) {
    let tick = &running.tick;
    match running.phase {
        Phase::Stopping => (
            "Stopping",
            "Nothing more is sent; what was measured is kept.".to_owned(),
        ),
        Phase::Starting => ("Starting", "The engine starts.".to_owned()),
        _ if tick.phase == Doing::Drain => (
            "Running",
            "All is sent; the last answers come in.".to_owned(),
        ),
        _ if running.goal == Goal::Knee => ("Finding the knee", rung(running)),
        _ if tick.phase == Doing::Warmup && tick.done == 0 => {
            ("Running", "The first requests are under way.".to_owned())
        }
        _ => ("Running", done(running)),
    }
}

fn done(running: &Running) -> String {
    let done = count(running.tick.done);
    match running.total {
        Some(total) => format!("{done} of {} done", count(total)),
        None => format!("{done} done"),
    }
}

/// The rung under way.
fn rung(running: &Running) -> String {
    let tick = &running.tick;
    let Some(n) = tick.concurrency else {
        return "The first rung begins.".to_owned();
    };
    let what = match tick.purpose {
        Some(Purpose::Refine) => ", looking closer",
        Some(Purpose::Verify) => ", verifying the limit",
        Some(Purpose::Repeat) => ", once more, to see whether it holds",
        _ => "",
    };
    let doing = match tick.phase {
        Doing::Settle => "settling",
        _ => "measuring",
    };
    format!(
        "Rung {}: {} at once, {doing}{what}",
        tick.rung + 1,
        count(n.into())
    )
}
