//! The world of JavaScript: windows, workers, Node, Deno, Bun and workerd alike.
//!
//! Everything is looked up on the global object, never on a `Window`, so that one module serves
//! them all. Dropping a fetch or a body aborts the request.

mod fetch;
mod thrown;
mod timer;

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Date, Function, Math, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Performance;

pub use fetch::WebBody;
pub use thrown::{Runtime, Stage, judge, transport_error};

use super::{Platform, TransportError};
use crate::http::{Head, HttpRequest};
use crate::time::Instant;

/// The JavaScript that this module runs in.
#[derive(Clone)]
pub struct Web(Rc<Globals>);

/// What is looked up once.
struct Globals {
    performance: Option<Performance>,
    fetch: Function,
    runtime: Runtime,
    /// The latest instant handed out: `Date`, the last resort, may step back.
    latest: RefCell<Instant>,
}

impl Web {
    /// With the runtime's own `fetch`.
    pub fn new() -> Result<Self, TransportError> {
        let fetch = global("fetch").dyn_into().map_err(|_| {
            TransportError::Invalid("this runtime has no fetch; hand one in".to_owned())
        })?;
        Ok(Self::with_fetch(fetch))
    }

    /// With a function of the same shape as `fetch`.
    pub fn with_fetch(fetch: Function) -> Self {
        let performance = Some(global("performance")).filter(JsValue::is_object);
        Self(Rc::new(Globals {
            performance: performance.map(JsCast::unchecked_into),
            fetch,
            runtime: Runtime::detect(),
            latest: RefCell::default(),
        }))
    }
}

/// A property of the global object; `undefined` where it is missing.
fn global(name: &str) -> JsValue {
    property(&js_sys::global(), name)
}

/// A property of anything; `undefined` where there is none, or where asking for it throws.
fn property(value: &JsValue, name: &str) -> JsValue {
    if !value.is_object() && !value.is_function() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

impl Platform for Web {
    type Body = WebBody;

    fn now(&self) -> Instant {
        let millis = self
            .0
            .performance
            .as_ref()
            .map_or_else(Date::now, Performance::now);
        // A negative or absurd number becomes 0 or the far future; neither can panic.
        let read = Instant::from_micros((millis * 1000.0) as u64);
        let mut latest = self.0.latest.borrow_mut();
        *latest = read.max(*latest);
        *latest
    }

    fn unix_time(&self) -> Duration {
        Duration::from_millis(Date::now() as u64)
    }

    fn random(&self) -> f64 {
        Math::random()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        timer::sleep(duration)
    }

    fn turn(&self) -> impl Future<Output = ()> + 'static {
        timer::turn()
    }

    fn fetch(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<(Head, WebBody), TransportError>> + 'static {
        fetch::send(self.0.fetch.clone(), self.0.runtime, request)
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        wasm_bindgen_futures::spawn_local(task);
    }
}
