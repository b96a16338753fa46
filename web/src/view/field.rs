//! One field of the form: its label, its box, what is wrong with it.

use leptos::prelude::*;

use crate::desk::Desk;
use crate::form::{Fault, Field};
use crate::state::StateStoreFields;

/// What every view of the form is given.
#[derive(Clone, Copy)]
pub(super) struct Typing {
    pub(super) desk: Desk,
    pub(super) faults: Memo<Vec<Fault>>,
}

/// A field with a label in front and its unit behind. It is there as long as it is asked for.
pub(super) fn field(typing: Typing, field: Field) -> AnyView {
    let form = typing.desk.state.form();
    let id = format!("field-{}", field.name());
    let error = format!("error-{}", field.name());
    let hint = format!("hint-{}", field.name());
    let fault = Memo::new(move |_| {
        let faults = typing.faults.read();
        let found = faults.iter().find(|fault| fault.field == field);
        found.map(|fault| fault.text.clone())
    });
    let wanted = Memo::new(move |_| form.read().wants(field));
    let value = move || form.read().text(field).to_owned();
    let typed = move |event| form.write().set(field, &event_target_value(&event));
    let invalid = move || {
        if fault.read().is_some() {
            "true"
        } else {
            "false"
        }
    };
    let described = format!("{hint} {error}");
    let tall = matches!(field, Field::Prompt | Field::Lines | Field::System);
    let entry = if tall {
        view! {
            <textarea id=id.clone() data-testid=id.clone() rows="3" prop:value=value on:input=typed
                aria-invalid=invalid aria-describedby=described spellcheck="false"></textarea>
        }
        .into_any()
    } else {
        let words = matches!(field, Field::Url | Field::Model);
        view! {
            <input id=id.clone() data-testid=id.clone() type="text" autocomplete="off" spellcheck="false"
                autocapitalize="off" inputmode=if words { "url" } else { "text" }
                prop:value=value on:input=typed aria-invalid=invalid aria-describedby=described/>
        }
        .into_any()
    };
    let wide = tall || matches!(field, Field::Url | Field::Model);
    view! {
        <div class="field" class:wide=wide hidden=move || !wanted.get()>
            <label for=id>{field.label()}</label>
            {entry}
            <span class="hint" id=hint>{field.hint()}</span>
            <span class="fault" id=error.clone() data-testid=error>{move || fault.get()}</span>
        </div>
    }
    .into_any()
}

/// A box to tick.
pub(super) fn tick(
    name: &'static str,
    label: &'static str,
    is: impl Fn() -> bool + Send + Sync + 'static,
    set: impl Fn(bool) + 'static,
) -> AnyView {
    let id = format!("field-{name}");
    let labelled = id.clone();
    view! {
        <label class="tick" for=labelled>
            <input id=id.clone() data-testid=id type="checkbox" prop:checked=is
                on:change=move |event| set(event_target_checked(&event))/>
            {label}
        </label>
    }
    .into_any()
}

/// A choice of one in a few: values, and what each is called.
pub(super) fn choice<T: Copy + PartialEq + Send + Sync + 'static>(
    name: &'static str,
    label: &'static str,
    options: &'static [(T, &'static str)],
    is: impl Fn() -> T + Copy + Send + Sync + 'static,
    set: impl Fn(T) + 'static,
) -> AnyView {
    let chosen = move || {
        let chosen = is();
        let found = options.iter().position(|(value, _)| *value == chosen);
        found.unwrap_or(0).to_string()
    };
    let changed = move |index: usize| {
        if let Some((value, _)) = options.get(index) {
            set(*value);
        }
    };
    let words = options.iter().map(|(_, word)| (*word).to_owned()).collect();
    select(name, label, words, chosen, changed)
}

/// The same without types: what all choices share.
pub(super) fn select(
    name: &'static str,
    label: &'static str,
    words: Vec<String>,
    chosen: impl Fn() -> String + Send + Sync + 'static,
    changed: impl Fn(usize) + 'static,
) -> AnyView {
    let id = format!("field-{name}");
    let options = words.into_iter().enumerate();
    let options: Vec<AnyView> = options
        .map(|(index, word)| view! { <option value=index.to_string()>{word}</option> }.into_any())
        .collect();
    view! {
        <div class="field wide">
            <label for=id.clone()>{label}</label>
            <select id=id.clone() data-testid=id prop:value=chosen
                on:change=move |event| changed(event_target_value(&event).parse().unwrap_or(0))>
                {options}
            </select>
        </div>
    }
    .into_any()
}
