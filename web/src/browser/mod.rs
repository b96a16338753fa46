//! What the page wants of the browser beside drawing: to keep, to copy, to pack, to save.

mod clipboard;
mod file;
mod pack;
mod storage;

pub(crate) use clipboard::copy;
pub(crate) use file::{read, save};
pub(crate) use pack::{deflate, pack, unpack};
pub(crate) use storage::{Stay, forget, keep, kept};

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Puts the keyboard on an element, if it is there. What it is folded into is unfolded.
pub(crate) fn focus(id: &str) {
    let element = leptos::prelude::document().get_element_by_id(id);
    if let Some(element) = element.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        if let Ok(Some(fold)) = element.closest("details") {
            // The attribute is one that the element knows.
            let _ = fold.set_attribute("open", "");
        }
        // An element that cannot be focused stays as it is.
        let _ = element.focus();
    }
}

/// Shows the page's top, where what was asked for appears: the button may lie far below it.
pub(crate) fn to_top() {
    leptos::prelude::window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> u64 {
    js_sys::Date::now() as u64
}

/// Hour and minute of a time, as the reader's clock shows it; of another day than today with the date.
pub(crate) fn clock(unix_ms: u64) -> String {
    let date = js_sys::Date::new(&(unix_ms as f64).into());
    let time = format!("{:02}:{:02}", date.get_hours(), date.get_minutes());
    let [day, today] =
        [date, js_sys::Date::new_0()].map(|date| String::from(date.to_date_string()));
    if day == today {
        time
    } else {
        day + " " + &time
    }
}
