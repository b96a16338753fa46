//! Waiting: for a time, or for the event loop to go round.

use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::global;

/// Timers take a signed 32-bit number of milliseconds; a longer one would fire at once.
const SLICE_MS_MAX: u128 = i32::MAX as u128;

/// Waits at least `duration`, however long it is.
pub(super) async fn sleep(duration: Duration) {
    // Rounded up: a timer that is a fraction early would break a server's word.
    let mut left_ms = duration.as_micros().div_ceil(1000);
    loop {
        let slice = left_ms.min(SLICE_MS_MAX);
        TimeoutFuture::new(slice as u32).await;
        left_ms -= slice;
        if left_ms == 0 {
            return;
        }
    }
}

/// Waits until the event loop has gone round once. Browsers hold repeated zero timers back by 4 ms,
/// so a message to oneself comes first, and `setImmediate` where there is one. A way that throws
/// counts as missing: its promise would stay open for ever.
pub(super) async fn turn() {
    if let Some(round) = immediate_round().or_else(message_round) {
        let _ = JsFuture::from(round).await;
    } else {
        TimeoutFuture::new(0).await;
    }
}

/// Asks Node's own way; the promise resolves when the loop has gone round.
fn immediate_round() -> Option<Promise> {
    let set_immediate: Function = global("setImmediate").dyn_into().ok()?;
    let mut is_set = false;
    let round = Promise::new(&mut |resolve, _| {
        is_set = set_immediate.call1(&JsValue::UNDEFINED, &resolve).is_ok();
    });
    is_set.then_some(round)
}

/// Sends oneself a message; the promise resolves when it arrives, and closes the channel.
fn message_round() -> Option<Promise> {
    let constructor: Function = global("MessageChannel").dyn_into().ok()?;
    let channel = Reflect::construct(&constructor, &js_sys::Array::new()).ok()?;
    let channel: web_sys::MessageChannel = channel.unchecked_into();
    let (near, far) = (channel.port1(), channel.port2());
    let mut is_sent = false;
    let round = Promise::new(&mut |resolve, _| {
        let arrived = near.clone();
        let on_message = wasm_bindgen::closure::Closure::once_into_js(move || {
            arrived.set_onmessage(None);
            arrived.close();
            let _ = resolve.call0(&JsValue::UNDEFINED);
        });
        near.set_onmessage(Some(on_message.unchecked_ref()));
        is_sent = far.post_message(&JsValue::NULL).is_ok();
    });
    if !is_sent {
        // An open port with a listener would keep Node from ending.
        near.set_onmessage(None);
        near.close();
        return None;
    }
    Some(round)
}
