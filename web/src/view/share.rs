//! A link that shows a result to whoever opens it.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::copy::copy;
use super::element::{Element, classed, element, folded, paragraph};
use super::field::tick;
use crate::desk::Desk;
use crate::share::Host;

/// The link, made when it is asked for.
pub(super) fn share(desk: Desk) -> Element {
    let link = RwSignal::new(String::new());
    let named = RwSignal::new(false);
    let make = move || {
        let host = if named.get_untracked() {
            Host::Shown
        } else {
            Host::Hidden
        };
        spawn_local(async move {
            let made = desk.link(host).await.unwrap_or_else(|| {
                "This browser cannot pack a result into a link: Export → JSON instead.".to_owned()
            });
            // The result may be gone by now.
            let _ = link.try_set(made);
        });
    };
    let words = move || link.get();
    let entry = element("input")
        .attr("type", "text")
        .attr("readonly", "")
        .attr("aria-label", "Link")
        .test("share-link")
        .prop("value", move || words().into());
    let choose = move |is| {
        named.set(is);
        make();
    };
    folded("menu", "share", "Share link")
        .on("toggle", move |_| make())
        .with(paragraph(
            "hint",
            "The result itself is in the link: nothing is uploaded. It holds no key and no prompt.",
        ))
        .with(tick(
            "share-host",
            "name the endpoint in it",
            move || named.get(),
            choose,
        ))
        .with(
            classed("p", "row")
                .with(entry)
                .with(copy("copy-link", "the link", words)),
        )
}
