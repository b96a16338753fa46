//! A button that copies a text, and says whether it could.

use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::element::{Element, button};
use crate::browser;

/// How long the button says what it did.
const SHOWN: Duration = Duration::from_millis(1600);

/// What it says otherwise.
const COPY: &str = "copy";

/// A button that copies what `text` answers when it is pressed. `what` names it for those who do not
/// see what stands beside it.
pub(super) fn copy(name: &str, what: &'static str, text: impl Fn() -> String + 'static) -> Element {
    let word = RwSignal::new(COPY.to_owned());
    let text: Rc<dyn Fn() -> String> = Rc::new(text);
    let press = move || {
        let text = text();
        spawn_local(async move {
            let done = browser::copy(&text).await;
            let _ = word.try_set(if done { "copied" } else { "copy by hand" }.to_owned());
            set_timeout(move || drop(word.try_set(COPY.to_owned())), SHOWN);
        });
    };
    button("quiet copy", name, press)
        .attr_of("aria-label", move || Some(word.get() + " " + what))
        .says(move || word.get())
}
