//! What most runs leave as it is: when requests are sent, objectives, bounds, the ladder's windows.

use leptos::prelude::*;

use super::field::{Typing, choice, field, tick};
use crate::form::{Fault, Field, Mode};
use crate::state::StateStoreFields;

const MODES: [(Mode, &str); 5] = [
    (Mode::Closed, "each after the one before"),
    (Mode::Constant, "at an even rate"),
    (Mode::Poisson, "at random (Poisson)"),
    (Mode::Gamma, "in bursts (gamma)"),
    (Mode::Ramp, "at a growing rate"),
];

/// The part of the form that is folded at first.
pub(super) fn more(typing: Typing) -> AnyView {
    let form = typing.desk.state.form();
    let fields =
        |list: &[Field]| -> Vec<AnyView> { list.iter().map(|one| field(typing, *one)).collect() };
    let details = NodeRef::<leptos::html::Details>::new();
    // A fault inside must be seen.
    Effect::new(move |_| {
        let faults = typing.faults.read();
        let is_within = |fault: &Fault| fault.field as usize >= Field::Timeout as usize;
        if let (true, Some(details)) = (faults.iter().any(is_within), details.get()) {
            details.set_open(true);
        }
    });
    view! {
        <details class="more" data-testid="more" node_ref=details>
            <summary>"More: rate, warm-up, objectives, bounds, windows"</summary>
            <fieldset>
                <legend>"Requests of a run"</legend>
                {choice("mode", "Sent", &MODES, move || form.read().mode, move |mode| form.write().mode = mode)}
                {fields(&[Field::Rate, Field::Burstiness, Field::RampFrom, Field::RampTo, Field::RampOver,
                    Field::Duration, Field::Warmup, Field::Timeout, Field::System])}
                {tick("nonce", "begin each prompt differently, so that no cache helps",
                    move || form.read().nonce, move |nonce| form.write().nonce = nonce)}
            </fieldset>
            <fieldset>
                <legend>"A good answer"</legend>
                {fields(&[Field::SloTtft, Field::SloTpot, Field::SloE2e])}
            </fieldset>
            <fieldset>
                <legend>"At most"</legend>
                {fields(&[Field::BudgetRequests, Field::BudgetTokens, Field::Seed])}
            </fieldset>
            <fieldset>
                <legend>"Windows of the knee"</legend>
                {fields(&[Field::First, Field::Max, Field::Window, Field::WindowMax, Field::Completions,
                    Field::Settle, Field::Total])}
                {tick("repeat", "measure the lowest and the chosen rung again",
                    move || form.read().repeat, move |repeat| form.write().repeat = repeat)}
            </fieldset>
        </details>
    }
    .into_any()
}
