//! The form, the two buttons, and what a press would cost.

use kneepoint_bench::number::capital;
use leptos::prelude::*;

use super::copy::copy;
use super::element::{Element, button, classed, element, folded, follow, paragraph};
use super::field::{Typing, choice, field, tick};
use super::more::more;
use super::target::target;
use crate::desk::Desk;
use crate::form::{Asking, Field, Goal, Target, command, estimate, faults};
use crate::running::Phase;
use crate::state::StateStoreFields;

const ASKING: [(Asking, &str); 4] = [
    (Asking::Synthetic, "made up"),
    (Asking::Shared, "with a shared part"),
    (Asking::Text, "one text"),
    (Asking::Lines, "lines of JSON"),
];

/// Everything that is asked before a run: where there is little room, a line that unfolds it; the form;
/// the buttons, which are always there; what a press would cost.
pub(crate) fn form(desk: Desk) -> Element {
    let form = desk.state.form();
    let wrong = RwSignal::new(Vec::new());
    follow(move || {
        let found = faults(&form.read());
        if *wrong.read_untracked() != found {
            wrong.set(found);
        }
    });
    let typing = Typing {
        desk,
        faults: wrong,
    };
    let is_folded = move || desk.folded.get();
    let fold = button("fold", "fold", move || {
        desk.folded.update(|folded| *folded = !*folded);
    })
    .class_if("is-folded", is_folded)
    .attr("aria-controls", "form")
    .attr_of("aria-expanded", move || Some((!is_folded()).to_string()))
    .with(element("span").says(move || one_line(desk)))
    .with(
        classed("span", "muted")
            .says(move || if is_folded() { "change" } else { "fold" }.to_owned()),
    );
    let whole = element("form")
        .attr("id", "form")
        .attr("novalidate", "")
        .class_if("is-folded", is_folded)
        .on("submit", move |event| {
            event.prevent_default();
            if !desk.state.running().read_untracked().is_active() {
                desk.begin(Goal::Run);
            }
        })
        .with(target(typing))
        .with(load(typing))
        .with(more(typing));
    let below = classed("div", "below-buttons")
        .class_if("is-folded", is_folded)
        .with(cost(desk))
        .with(line(desk));
    classed("div", "setup")
        .with(fold)
        .with(whole)
        .with(buttons(desk))
        .with(below)
}

fn load(typing: Typing) -> Element {
    let form = typing.desk.state.form();
    element("fieldset")
        .with(element("legend").text("Load"))
        .with(field(typing, Field::Requests))
        .with(field(typing, Field::Concurrency))
        .with(field(typing, Field::MaxTokens))
        .with(field(typing, Field::Retries))
        .with(choice(
            "prompts",
            "Prompts",
            &ASKING,
            move || form.read().asking,
            move |asking| form.write().asking = asking,
        ))
        .with(field(typing, Field::PromptTokens))
        .with(field(typing, Field::SharedPrefix))
        .with(field(typing, Field::Prompt))
        .with(field(typing, Field::Lines))
        .with(tick(
            "stream",
            "stream the answers",
            move || form.read().stream,
            move |stream| form.write().stream = stream,
        ))
}

/// Run and Find the knee; while something is under way, Stop in their place.
fn buttons(desk: Desk) -> Element {
    let running = desk.state.running();
    let phase = move || match running.read().phase {
        Phase::Idle | Phase::Broken(_) => "idle".to_owned(),
        Phase::Stopping => "stopping".to_owned(),
        Phase::Starting | Phase::Running => "running".to_owned(),
    };
    classed("div", "place").swap(phase, move |phase| {
        let buttons = classed("div", "buttons");
        Some(match phase {
            "idle" => {
                let run = classed("button", "main").test("run");
                // It stands outside the form, which may be folded.
                let run = run.attr("type", "submit").attr("form", "form");
                let knee = button("main", "knee", move || desk.begin(Goal::Knee));
                buttons
                    .with(run.text("Run"))
                    .with(knee.text("Find the knee"))
            }
            "stopping" => {
                let stop = button("main stop", "stop", || ()).attr("aria-disabled", "true");
                buttons.with(stop.text("Stopping"))
            }
            _ => {
                let stop = button("main stop", "stop", move || desk.stop());
                buttons.with(stop.text("Stop"))
            }
        })
    })
}

/// What a press would cost.
fn cost(desk: Desk) -> Element {
    let form = desk.state.form();
    classed("p", "cost").test("cost").says(move || {
        estimate(&form.read()).map_or_else(
            || "Something above is not right yet.".to_owned(),
            |words| {
                let pays = capital(words.pays);
                [
                    "Run: ",
                    &words.run,
                    ". Knee: ",
                    &words.knee,
                    ". ",
                    &pays,
                    ".",
                ]
                .concat()
            },
        )
    })
}

/// The same as a line for a terminal.
fn line(desk: Desk) -> Element {
    let (form, place) = (desk.state.form(), desk.state.place());
    let knee = RwSignal::new(false);
    let words = move || {
        let goal = if knee.get() { Goal::Knee } else { Goal::Run };
        let place = place.read();
        let plain = place
            .server
            .served()
            .and_then(|served| served.http.as_ref());
        command(&form.read(), goal, plain.unwrap_or(&place.origin))
    };
    let choose = move |is: bool, word: &str, test: &str| {
        button("quiet", test, move || knee.set(is))
            .attr_of("aria-pressed", move || Some((knee.get() == is).to_string()))
            .text(word)
    };
    folded("command", "terminal", "The same in a terminal")
        .with(
            classed("p", "row")
                .with(choose(false, "run", "command-run"))
                .with(choose(true, "knee", "command-knee"))
                .with(copy("copy-command", "the command", words)),
        )
        .with(
            classed("code", "line")
                .test("command")
                .attr("tabindex", "0")
                .says(words),
        )
        .with(paragraph(
            "hint",
            "The key comes from the environment, OPENAI_API_KEY or ANTHROPIC_API_KEY; through the proxy \
             none is needed.",
        ))
}

/// The form in one line, for where there is little room.
fn one_line(desk: Desk) -> String {
    let form = desk.state.form();
    let form = form.read();
    let whom = match form.target {
        Target::Simulated => form.preset.as_str(),
        Target::Direct | Target::Proxy if form.text(Field::Model).is_empty() => "no model yet",
        Target::Direct | Target::Proxy => form.text(Field::Model),
    };
    let (requests, at_once) = (form.text(Field::Requests), form.text(Field::Concurrency));
    [whom, " · ", requests, " requests, ", at_once, " at once"].concat()
}
