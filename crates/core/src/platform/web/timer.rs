//! Waiting: for a time, or for the event loop to go round.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{Stopwatch, global};
use crate::platform::clock::{Clock, Sleep};
use crate::time::Instant;

/// Timers take a signed 32-bit number of milliseconds; a longer one would fire at once.
const SLICE_MS_MAX: u64 = i32::MAX as u64;

/// Wakes all that sleep by one timer of JavaScript's. Every call has a deadline that it hardly ever
/// meets, and a timer for each would cost more than all of the limiter.
pub(super) struct Alarm {
    stopwatch: Rc<Stopwatch>,
    clock: Rc<Clock>,
    /// Which timer is set, and for when.
    set: RefCell<Option<(Instant, JsValue)>>,
    ring: Closure<dyn FnMut()>,
}

impl Alarm {
    pub(super) fn new(stopwatch: Rc<Stopwatch>) -> Rc<Self> {
        Rc::new_cyclic(|this: &Weak<Self>| {
            let this = this.clone();
            Self {
                stopwatch,
                clock: Rc::default(),
                set: RefCell::default(),
                ring: Closure::new(move || {
                    if let Some(alarm) = this.upgrade() {
                        alarm.ring();
                    }
                }),
            }
        })
    }

    /// Waits at least `duration`, however long it is.
    pub(super) fn sleep(self: &Rc<Self>, duration: Duration) -> Asleep {
        let until = self.stopwatch.now() + duration;
        Asleep {
            sleep: Some(self.clock.sleep_until(until)),
            until,
            alarm: Rc::clone(self),
        }
    }

    fn ring(&self) {
        self.set.take();
        let now = self.stopwatch.now();
        self.clock.jump(now);
        while self.clock.fire_next(now) {}
        if let Some(next) = self.clock.first() {
            self.set_for(next);
        }
    }

    /// Sees to it that the timer fires at `until` or before; whoever it wakes too early sleeps on.
    fn set_for(&self, until: Instant) {
        let is_early = |(at, _): &(Instant, JsValue)| *at <= until;
        if self.set.borrow().as_ref().is_some_and(is_early) {
            return;
        }
        self.unset();
        let left = (until - self.stopwatch.now()).as_micros() as u64;
        // Rounded up: a timer that is a fraction early would break a server's word.
        let wait = left.div_ceil(1000).min(SLICE_MS_MAX) as f64;
        let timer = function("setTimeout").and_then(|set| {
            set.call2(&JsValue::UNDEFINED, self.ring.as_ref(), &wait.into())
                .ok()
        });
        *self.set.borrow_mut() = timer.map(|timer| (until, timer));
    }

    fn unset(&self) {
        if let Some((_, timer)) = self.set.take()
            && let Some(clear) = function("clearTimeout")
        {
            let _ = clear.call1(&JsValue::UNDEFINED, &timer);
        }
    }
}

/// Somebody who sleeps. Whoever leaves last takes the timer away.
pub(super) struct Asleep {
    sleep: Option<Sleep>,
    until: Instant,
    alarm: Rc<Alarm>,
}

impl Future for Asleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = &mut self.sleep else {
            return Poll::Ready(());
        };
        if Pin::new(sleep).poll(context).is_ready() {
            return Poll::Ready(());
        }
        self.alarm.set_for(self.until);
        Poll::Pending
    }
}

impl Drop for Asleep {
    fn drop(&mut self) {
        self.sleep = None;
        if self.alarm.clock.timers() == 0 {
            self.alarm.unset();
        }
    }
}

fn function(name: &str) -> Option<Function> {
    global(name).dyn_into().ok()
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
    let set_immediate = function("setImmediate")?;
    let mut is_set = false;
    let round = Promise::new(&mut |resolve, _| {
        is_set = set_immediate.call1(&JsValue::UNDEFINED, &resolve).is_ok();
    });
    is_set.then_some(round)
}

/// Sends oneself a message; the promise resolves when it arrives, and closes the channel.
fn message_round() -> Option<Promise> {
    let constructor = function("MessageChannel")?;
    let channel = Reflect::construct(&constructor, &js_sys::Array::new()).ok()?;
    let channel: web_sys::MessageChannel = channel.unchecked_into();
    let (near, far) = (channel.port1(), channel.port2());
    let mut is_sent = false;
    let round = Promise::new(&mut |resolve, _| {
        let arrived = near.clone();
        let on_message = Closure::once_into_js(move || {
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
