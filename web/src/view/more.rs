//! What most runs leave as it is: when requests are sent, objectives, bounds, the ladder's windows.

use leptos::prelude::*;

use super::element::{Element, element, folded, follow};
use super::field::{Typing, choice, field, tick};
use crate::form::{Fault, Field, Mode};
use crate::state::StateStoreFields;

const MODES: [(Mode, &str); 5] = [
    (Mode::Closed, "as answers come"),
    (Mode::Constant, "at an even rate"),
    (Mode::Poisson, "at random"),
    (Mode::Gamma, "in bursts"),
    (Mode::Ramp, "at a growing rate"),
];

const REQUESTS: &[Field] = &[
    Field::Rate,
    Field::Burstiness,
    Field::RampFrom,
    Field::RampTo,
    Field::RampOver,
    Field::Duration,
    Field::Warmup,
    Field::Timeout,
    Field::System,
];

const OBJECTIVES: &[Field] = &[Field::SloTtft, Field::SloTpot, Field::SloE2e];

const BOUNDS: &[Field] = &[Field::BudgetRequests, Field::BudgetTokens, Field::Seed];

const STEPS: &[Field] = &[
    Field::First,
    Field::Max,
    Field::Window,
    Field::WindowMax,
    Field::Completions,
    Field::Settle,
    Field::Total,
];

/// The part of the form that is folded at first.
pub(super) fn more(typing: Typing) -> Element {
    let form = typing.desk.state.form();
    let fields = |list: &[Field]| list.iter().map(|one| field(typing, *one)).collect();
    let group = |name: &str| element("fieldset").with(element("legend").text(name));
    let sent = choice(
        "mode",
        "Sent",
        &MODES,
        move || form.read().mode,
        move |mode| form.write().mode = mode,
    );
    let requests = group("Requests of a run")
        .with(sent)
        .with_all(fields(REQUESTS))
        .with(tick(
            "nonce",
            "begin each prompt differently, so that no cache helps",
            move || form.read().nonce,
            move |nonce| form.write().nonce = nonce,
        ));
    let objectives = group("Objectives for an answer").with_all(fields(OBJECTIVES));
    let bounds = group("Bounds and seed").with_all(fields(BOUNDS));
    let steps = group("Steps to the knee")
        .with_all(fields(STEPS))
        .with(tick(
            "repeat",
            "measure the lowest and the chosen rung again",
            move || form.read().repeat,
            move |repeat| form.write().repeat = repeat,
        ));
    let all = folded("more", "more", "More: rate, objectives, steps")
        .with(requests)
        .with(objectives)
        .with(bounds)
        .with(steps);
    // A fault inside must be seen.
    let details = all.node().clone();
    let is_inside = |fault: &Fault| {
        let groups = [REQUESTS, OBJECTIVES, BOUNDS, STEPS];
        groups.iter().any(|group| group.contains(&fault.field))
    };
    follow(move || {
        if typing.faults.read().iter().any(is_inside) {
            // The attribute is one that the element knows.
            let _ = details.set_attribute("open", "");
        }
    });
    all
}
