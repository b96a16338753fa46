//! The page: makes the desk, listens to the window, lays the parts out.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{DataTransfer, DragEvent, Element, Event, ResizeObserver};

use crate::desk::Desk;
use crate::server::{self, Unknown};
use crate::state::{Offer, Served, StateStoreFields};
use crate::view::{self, classed};

/// The whole page. Leptos runs it; the elements are made by [`mod@view`].
pub(crate) fn page() {
    let desk = Desk::new();
    let origin = window().location().origin().unwrap_or_default();
    desk.state.place().write().origin = origin;
    desk.remember();
    desk.recall();
    listen(desk);
    spawn_local(async move {
        desk.open_link().await;
        let offer = offer().await;
        desk.state.place().write().server = offer;
    });
    let side = classed("section", "side")
        .attr("aria-label", "What to measure")
        .with(view::form(desk));
    let stage = classed("section", "stage").attr("aria-label", "Results");
    let scene = view::stage(desk);
    let measured = scene.node().clone();
    let stage = stage.with(scene);
    let parts = [
        view::header(desk),
        classed("main", "desk").with(side).with(stage),
        view::earlier(desk),
    ];
    let body = document().body().expect("a page has a body");
    // What the document shows until now.
    body.set_text_content(None);
    for part in parts {
        // What was just made can be put anywhere.
        let _ = body.append_child(part.node());
    }
    measure(desk, &measured);
}

fn listen(desk: Desk) {
    let _ = window_event_listener(ev::pagehide, move |_| desk.forget_key());
    let online = move |online| desk.state.place().write().online = online;
    online(window().navigator().on_line());
    let _ = window_event_listener(ev::online, move |_| online(true));
    let _ = window_event_listener(ev::offline, move |_| online(false));
    let _ = window_event_listener(ev::hashchange, move |_| {
        spawn_local(async move { desk.open_link().await });
    });
    let _ = window_event_listener_untyped("storage", move |_| desk.remember());
    // Anywhere on the page: a browser leaves it for a file that is dropped where nobody takes it.
    let _ = window_event_listener_untyped("dragover", |event| drop(dragged(&event)));
    let _ = window_event_listener_untyped("drop", move |event| {
        let files = dragged(&event).and_then(|data| data.files());
        if let Some(file) = files.and_then(|files| files.get(0)) {
            spawn_local(async move { desk.open_file(file).await });
        }
    });
    let seen = Closure::<dyn Fn()>::new(move || desk.seen(!document().hidden()));
    document().set_onvisibilitychange(Some(seen.as_ref().unchecked_ref()));
    // It listens as long as the page lives.
    seen.forget();
}

/// What is dragged, if it is files, which are then this page's to take. Texts go where they always go.
fn dragged(event: &Event) -> Option<DataTransfer> {
    let data = event.dyn_ref::<DragEvent>()?.data_transfer()?;
    let has_files = data.types().includes(&"Files".into(), 0);
    has_files.then(|| event.prevent_default())?;
    Some(data)
}

/// Follows the width of the results, in steps: each step draws the pictures again.
fn measure(desk: Desk, stage: &Element) {
    const STEP: i32 = 8;
    let place = desk.state.place();
    let element = stage.clone();
    let measured = move || {
        let width = (element.client_width() / STEP * STEP).max(0) as u32;
        if width > 0 && place.read_untracked().width != width {
            place.write().width = width;
        }
    };
    measured();
    let resized = Closure::<dyn Fn()>::new(measured);
    if let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) {
        observer.observe(stage);
        // They watch as long as the page lives.
        std::mem::forget(observer);
        resized.forget();
    }
}

async fn offer() -> Offer {
    let server = match server::server(None).await {
        Ok(server) => server,
        Err(Unknown::Absent) => return Offer::Files,
        Err(Unknown::WantsToken) => return Offer::WantsToken,
    };
    let presets = server::presets().await.unwrap_or_default();
    let is_here = window()
        .location()
        .protocol()
        .is_ok_and(|scheme| scheme == "https:");
    Offer::Serves(Served {
        presets: presets
            .into_iter()
            .map(|preset| (preset.name, preset.story))
            .collect(),
        upstreams: server.upstreams,
        https: server.https.filter(|_| !is_here),
        http: server.http.filter(|_| is_here),
    })
}
