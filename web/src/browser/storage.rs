//! Texts that stay in this browser. A browser may refuse, or hold nonsense: both are an answer.

use leptos::prelude::window;
use web_sys::Storage;

/// For how long a text stays.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// Until it is deleted.
    Lasting,
    /// As long as the tab, reloads included.
    Tab,
}

fn storage(place: Place) -> Option<Storage> {
    match place {
        Place::Lasting => window().local_storage(),
        Place::Tab => window().session_storage(),
    }
    .ok()
    .flatten()
}

/// The text that was kept under a name.
pub(crate) fn kept(place: Place, name: &str) -> Option<String> {
    storage(place)?.get_item(name).ok().flatten()
}

/// Keeps a text. Whether the browser did.
pub(crate) fn keep(place: Place, name: &str, text: &str) -> bool {
    storage(place).is_some_and(|storage| storage.set_item(name, text).is_ok())
}

/// Keeps it no longer.
pub(crate) fn forget(place: Place, name: &str) {
    if let Some(storage) = storage(place) {
        let _ = storage.remove_item(name);
    }
}
