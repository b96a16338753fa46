//! The world of JavaScript: windows, workers, Node, Deno, Bun and workerd alike.
//!
//! Everything is looked up on the global object, never on a `Window`, so that one module serves
//! them all. Dropping a fetch or a body aborts the request.

mod abort;
mod fetch;
mod promised;
mod thrown;
mod timer;

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Date, Function, Math, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Performance;

pub use fetch::WebBody;
pub use thrown::{Runtime, Stage, judge, transport_error};

use self::fetch::Sender;
use self::timer::Alarm;
use super::{Platform, TransportError};
use crate::http::{Head, HttpRequest};
use crate::time::Instant;

/// The JavaScript that this module runs in.
#[derive(Clone)]
pub struct Web {
    sender: Rc<Sender>,
    stopwatch: Rc<Stopwatch>,
    alarm: Rc<Alarm>,
}

/// The time that has passed.
struct Stopwatch {
    performance: Option<Performance>,
    /// The latest instant handed out: `Date`, the last resort, may step back.
    latest: Cell<Instant>,
}

impl Stopwatch {
    fn now(&self) -> Instant {
        let millis = self
            .performance
            .as_ref()
            .map_or_else(Date::now, Performance::now);
        // A negative or absurd number becomes 0 or the far future; neither can panic.
        let read = Instant::from_micros((millis * 1000.0) as u64);
        self.latest.set(read.max(self.latest.get()));
        self.latest.get()
    }
}

impl Web {
    /// With the runtime's own `fetch`.
    pub fn new() -> Result<Self, TransportError> {
        let fetch = global("fetch").dyn_into().map_err(|_| {
            TransportError::Invalid("this runtime has no fetch; hand one in".to_owned())
        })?;
        Ok(Self::sending(Sender::new(fetch, true)))
    }

    /// With a function of the same shape as `fetch`.
    pub fn with_fetch(fetch: Function) -> Self {
        Self::sending(Sender::new(fetch, false))
    }

    fn sending(sender: Sender) -> Self {
        let performance = Some(global("performance")).filter(JsValue::is_object);
        let stopwatch = Rc::new(Stopwatch {
            performance: performance.map(JsCast::unchecked_into),
            latest: Cell::default(),
        });
        Self {
            sender: Rc::new(sender),
            alarm: Alarm::new(stopwatch.clone()),
            stopwatch,
        }
    }

    /// Without cookies, which endpoints do not need. Browsers keep the connections of requests with
    /// and without them apart.
    #[must_use]
    pub fn without_cookies(mut self) -> Self {
        self.sender = Rc::new(self.sender.without_cookies());
        self
    }
}

/// A property of the global object; `undefined` where it is missing.
fn global(name: &str) -> JsValue {
    property(&js_sys::global(), &name.into())
}

/// A property of anything; `undefined` where there is none, or where asking for it throws.
fn property(value: &JsValue, name: &JsValue) -> JsValue {
    if !value.is_object() && !value.is_function() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(value, name).unwrap_or(JsValue::UNDEFINED)
}

impl Platform for Web {
    type Body = WebBody;

    fn now(&self) -> Instant {
        self.stopwatch.now()
    }

    fn unix_time(&self) -> Duration {
        Duration::from_millis(Date::now() as u64)
    }

    fn random(&self) -> f64 {
        Math::random()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.alarm.sleep(duration)
    }

    fn turn(&self) -> impl Future<Output = ()> + 'static {
        timer::turn()
    }

    fn fetch(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<(Head, WebBody), TransportError>> + 'static {
        self.sender.clone().send(request)
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        wasm_bindgen_futures::spawn_local(task);
    }
}
