//! One field of the form: its label, its box, what is wrong with it.

use std::rc::Rc;

use leptos::prelude::*;

use super::element::{Element, checked_of, classed, element, value_of};
use crate::desk::Desk;
use crate::form::{Fault, Field};
use crate::state::StateStoreFields;

/// What every view of the form is given.
#[derive(Clone, Copy)]
pub(super) struct Typing {
    pub(super) desk: Desk,
    pub(super) faults: RwSignal<Vec<Fault>>,
}

/// A field with a label in front and its unit behind. It is there as long as it is asked for.
pub(super) fn field(typing: Typing, field: Field) -> Element {
    let form = typing.desk.state.form();
    let [id, error, hint] =
        ["field-", "error-", "hint-"].map(|part| part.to_owned() + field.name());
    let fault = move || {
        let faults = typing.faults.read();
        let found = faults.iter().find(|fault| fault.field == field);
        // Who has just chosen an endpoint of their own has not forgotten its address yet.
        let is_early = matches!(field, Field::Url | Field::Model)
            && !typing.desk.pressed.get()
            && form.read().text(field).is_empty();
        found.filter(|_| !is_early).map(|fault| fault.text.clone())
    };
    let tall = matches!(field, Field::Prompt | Field::Lines | Field::System);
    let wide = tall || matches!(field, Field::Url | Field::Model);
    let entry = if tall {
        element("textarea").attr("rows", "3")
    } else {
        element("input")
            .attr("type", "text")
            .attr("autocomplete", "off")
    };
    let entry = entry
        .attr("id", &id)
        .test(&id)
        .attr("spellcheck", "false")
        .attr("autocapitalize", "off")
        .attr("aria-describedby", &(hint.clone() + " " + &error))
        .attr_of("aria-invalid", move || fault().map(|_| "true".to_owned()))
        .prop("value", move || form.read().text(field).into())
        .on("input", move |event| {
            form.write().set(field, &value_of(&event));
        });
    classed("div", if wide { "field wide" } else { "field" })
        .flag("hidden", move || !form.read().wants(field))
        .with(element("label").attr("for", &id).text(field.label()))
        .with(entry)
        .with(classed("span", "hint").attr("id", &hint).text(field.hint()))
        .with(
            classed("span", "fault")
                .attr("id", &error)
                .test(&error)
                .says(move || fault().unwrap_or_default()),
        )
}

/// A box to tick.
pub(super) fn tick(
    name: &str,
    label: &str,
    is: impl Fn() -> bool + 'static,
    set: impl Fn(bool) + 'static,
) -> Element {
    let id = "field-".to_owned() + name;
    let entry = element("input")
        .attr("type", "checkbox")
        .attr("id", &id)
        .test(&id)
        .prop("checked", move || is().into())
        .on("change", move |event| set(checked_of(&event)));
    classed("label", "tick").with(entry).text(label)
}

/// A choice of one in a few: what each is called, which it is, and what to do with another.
pub(super) fn select(
    name: &str,
    label: &str,
    words: &[&str],
    chosen: impl Fn() -> usize + 'static,
    changed: impl Fn(usize) + 'static,
) -> Element {
    let id = "field-".to_owned() + name;
    let mut list = element("select").attr("id", &id).test(&id);
    for (index, word) in words.iter().enumerate() {
        list = list.with(
            element("option")
                .attr("value", &index.to_string())
                .text(word),
        );
    }
    let list = list
        .prop("value", move || chosen().to_string().into())
        .on("change", move |event| {
            changed(value_of(&event).parse().unwrap_or(0));
        });
    classed("div", "field wide")
        .with(element("label").attr("for", &id).text(label))
        .with(list)
}

/// The same of values that are known beforehand.
pub(super) fn choice<T: Copy + PartialEq + 'static>(
    name: &str,
    label: &str,
    options: &'static [(T, &'static str)],
    is: impl Fn() -> T + 'static,
    set: impl Fn(T) + 'static,
) -> Element {
    let words: Vec<&str> = options.iter().map(|(_, word)| *word).collect();
    let options = Rc::new(options);
    let known = options.clone();
    select(
        name,
        label,
        &words,
        move || {
            let chosen = is();
            let found = known.iter().position(|(value, _)| *value == chosen);
            found.unwrap_or(0)
        },
        move |index| {
            if let Some((value, _)) = options.get(index) {
                set(*value);
            }
        },
    )
}
