//! Taking a request back.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::AbortController;

use super::thrown::Runtime;

/// Controllers for one request after the other. With one of its own for each, a worker of Chromium's takes a
/// tenth longer to send it.
///
/// In browsers alone: workerd refuses a signal that was made for another visitor's request, and Node's `fetch`
/// leaves a listener behind on each that it is given.
pub(super) struct Controllers {
    idle: RefCell<Vec<AbortController>>,
    is_kept: bool,
}

impl Controllers {
    /// `is_own`: `fetch` is the runtime's. One of a user's may hold on to a signal, and would hear of others'
    /// requests.
    pub(super) fn new(is_own: bool, runtime: Runtime) -> Rc<Self> {
        Rc::new(Self {
            idle: RefCell::default(),
            is_kept: is_own && runtime == Runtime::Browser,
        })
    }

    pub(super) fn take(self: &Rc<Self>) -> Result<Abort, JsValue> {
        let idle = self.idle.borrow_mut().pop();
        Ok(Abort {
            controller: idle.map_or_else(AbortController::new, Ok)?,
            is_over: false,
            controllers: Rc::clone(self),
        })
    }
}

/// Aborts its request when dropped, unless that is over.
pub(super) struct Abort {
    controller: AbortController,
    is_over: bool,
    controllers: Rc<Controllers>,
}

impl Abort {
    pub(super) fn controller(&self) -> &AbortController {
        &self.controller
    }

    /// The request has come to its end.
    pub(super) fn end(&mut self) {
        self.is_over = true;
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if !self.is_over {
            self.controller.abort();
        } else if self.controllers.is_kept {
            let idle = &self.controllers.idle;
            idle.borrow_mut().push(self.controller.clone());
        }
    }
}
