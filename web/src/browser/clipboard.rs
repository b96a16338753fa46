//! The clipboard.

use js_sys::Reflect;
use leptos::prelude::window;
use wasm_bindgen_futures::JsFuture;

/// Copies a text. Whether that worked: over plain HTTP from another machine browsers allow no page to.
pub(crate) async fn copy(text: &str) -> bool {
    let navigator = window().navigator();
    let is_there =
        Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|found| found.is_truthy());
    is_there
        && JsFuture::from(navigator.clipboard().write_text(text))
            .await
            .is_ok()
}
