//! What most runs leave as it is: when requests are sent, objectives, bounds, the ladder's windows.

use leptos::prelude::*;

use super::element::{Element, element, folded, follow};
use super::field::{Typing, choice, field, tick};
use crate::form::{Field, Mode};
use crate::state::StateStoreFields;

const MODES: [(Mode, &str); 5] = [
    (Mode::Closed, "as answers come"),
    (Mode::Constant, "at an even rate"),
    (Mode::Poisson, "at random"),
    (Mode::Gamma, "in bursts"),
    (Mode::Ramp, "at a growing rate"),
];

/// The part of the form that is folded at first.
pub(super) fn more(typing: Typing) -> Element {
    let form = typing.desk.state.form();
    let group = |name: &str, list: &[Field]| {
        let fields = list.iter().map(|one| field(typing, *one)).collect();
        element("fieldset")
            .with(element("legend").text(name))
            .with_all(fields)
    };
    let sent = choice(
        "mode",
        "Sent",
        &MODES,
        move || form.read().mode,
        move |mode| form.write().mode = mode,
    );
    let requests = element("fieldset")
        .with(element("legend").text("Requests of a run"))
        .with(sent)
        .with_all(
            [
                Field::Rate,
                Field::Burstiness,
                Field::RampFrom,
                Field::RampTo,
                Field::RampOver,
                Field::Duration,
                Field::Warmup,
                Field::Timeout,
                Field::System,
            ]
            .map(|one| field(typing, one))
            .into(),
        )
        .with(tick(
            "nonce",
            "begin each prompt differently, so that no cache helps",
            move || form.read().nonce,
            move |nonce| form.write().nonce = nonce,
        ));
    let good = group(
        "Objectives for an answer",
        &[Field::SloTtft, Field::SloTpot, Field::SloE2e],
    );
    let bounds = group(
        "Bounds and seed",
        &[Field::BudgetRequests, Field::BudgetTokens, Field::Seed],
    );
    let windows = group(
        "Steps to the knee",
        &[
            Field::First,
            Field::Max,
            Field::Window,
            Field::WindowMax,
            Field::Completions,
            Field::Settle,
            Field::Total,
        ],
    )
    .with(tick(
        "repeat",
        "measure the lowest and the chosen rung again",
        move || form.read().repeat,
        move |repeat| form.write().repeat = repeat,
    ));
    let all = folded("more", "more", "More: rate, objectives, steps")
        .with(requests)
        .with(good)
        .with(bounds)
        .with(windows);
    // A fault inside must be seen.
    let details = all.node().clone();
    follow(move || {
        let faults = typing.faults.read();
        if faults
            .iter()
            .any(|fault| fault.field as usize >= Field::Timeout as usize)
        {
            // The attribute is one that the element knows.
            let _ = details.set_attribute("open", "");
        }
    });
    all
}
