//! Files: into the page and out of it.

use js_sys::{Array, Uint8Array};
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, File, HtmlAnchorElement, Url};

/// A file larger than this is no report.
const BYTES_MAX: f64 = 64e6;

/// The text of a file; none if it cannot be read or is too large.
pub(crate) async fn read(file: &File) -> Option<String> {
    if file.size() > BYTES_MAX {
        return None;
    }
    JsFuture::from(file.text()).await.ok()?.as_string()
}

/// Offers bytes as a file to save.
pub(crate) fn save(name: &str, kind: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let properties = BlobPropertyBag::new();
    properties.set_type(kind);
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &properties)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&url)
}
