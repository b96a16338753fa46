//! Texts that stay in this browser. A browser may refuse, or hold nonsense: both are an answer.

use leptos::prelude::window;
use web_sys::Storage;

/// For how long a text stays.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stay {
    /// Until it is deleted.
    Lasting,
    /// As long as the tab, reloads included.
    Tab,
}

fn storage(stay: Stay) -> Option<Storage> {
    match stay {
        Stay::Lasting => window().local_storage(),
        Stay::Tab => window().session_storage(),
    }
    .ok()
    .flatten()
}

/// The text that was kept under a name.
pub(crate) fn kept(stay: Stay, name: &str) -> Option<String> {
    storage(stay)?.get_item(name).ok().flatten()
}

/// Keeps a text. Whether the browser did.
pub(crate) fn keep(stay: Stay, name: &str, text: &str) -> bool {
    storage(stay).is_some_and(|storage| storage.set_item(name, text).is_ok())
}

/// Keeps it no longer.
pub(crate) fn forget(stay: Stay, name: &str) {
    if let Some(storage) = storage(stay) {
        let _ = storage.remove_item(name);
    }
}
