//! A link that shows a result to whoever opens it.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::copy::copy;
use super::field::tick;
use crate::desk::Desk;
use crate::share::Host;

/// The link, made when it is asked for.
pub(super) fn share(desk: Desk) -> AnyView {
    let link = RwSignal::new(None::<String>);
    let shown = RwSignal::new(false);
    let make = move || {
        let host = if shown.get_untracked() {
            Host::Shown
        } else {
            Host::Hidden
        };
        spawn_local(async move {
            let made = desk.link(host).await;
            link.set(Some(made.unwrap_or_else(|| {
                "This browser cannot pack a result into a link. Export → JSON instead.".to_owned()
            })));
        });
    };
    let words = move || link.get().unwrap_or_default();
    view! {
        <details class="menu" data-testid="share" on:toggle=move |_| make()>
            <summary>"Share link"</summary>
            <div>
                <p class="hint">"The result itself is in the link: nothing is uploaded. It holds no key and no prompt."</p>
                {tick("share-host", "name the endpoint in it", move || shown.get(), move |is| { shown.set(is); make(); })}
                <p class="row">
                    <input type="text" readonly=true aria-label="Link" data-testid="share-link" prop:value=words/>
                    {copy("copy-link", "the link", words)}
                </p>
            </div>
        </details>
    }
    .into_any()
}
