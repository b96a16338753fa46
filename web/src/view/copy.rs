//! A button that copies a text, and says whether it could.

use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;

use crate::browser;

/// How long the button says what it did.
const SAID: Duration = Duration::from_millis(1600);

/// A button that copies what `text` answers when it is pressed. `what` names it for those who do not
/// see what stands beside it.
pub(super) fn copy(
    test: &'static str,
    what: &'static str,
    text: impl Fn() -> String + 'static,
) -> AnyView {
    let said = RwSignal::new("copy");
    let text = StoredValue::new_local(text);
    let press = move |_| {
        let text = text.with_value(|text| text());
        spawn_local(async move {
            said.set(if browser::copy(&text).await {
                "copied"
            } else {
                "press Ctrl+C"
            });
            set_timeout(move || said.set("copy"), SAID);
        });
    };
    view! {
        <button type="button" class="quiet copy" data-testid=test aria-label=move || format!("{} {what}", said.get()) on:click=press>
            {move || said.get()}
        </button>
    }
    .into_any()
}
