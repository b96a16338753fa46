//! The page's side: the worker that measures, what it is asked and what it tells.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::message::{Ask, Told};

/// A worker with the engine in it. Dropping it ends the worker and what it was doing.
pub(crate) struct Session {
    worker: Worker,
    _heard: Closure<dyn FnMut(MessageEvent)>,
    _broken: Closure<dyn FnMut(Event)>,
}

impl Session {
    /// Starts the engine; `hear` is called with everything it tells. A worker that breaks tells
    /// [`Told::Failed`], whatever broke it, and nothing after that: a new one is needed then.
    pub(crate) fn start(hear: impl Fn(Told) + 'static) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options("./worker.js", &options)?;
        let hear = Rc::new(hear);
        let (is_ready, is_broken) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let heard = {
            let (hear, is_ready, is_broken) = (hear.clone(), is_ready.clone(), is_broken.clone());
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let text = event.data().as_string().unwrap_or_default();
                let told = Told::from_json(&text);
                is_ready.set(true);
                if !is_broken.get() {
                    hear(told.unwrap_or_else(|error| Told::Failed(error.to_string())));
                }
            })
        };
        let broken = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            // What is told here would otherwise stand in the console as well.
            event.prevent_default();
            if !is_broken.replace(true) {
                hear(Told::Failed(reason(&event, is_ready.get())));
            }
        });
        worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        worker.set_onerror(Some(broken.as_ref().unchecked_ref()));
        worker.set_onmessageerror(Some(broken.as_ref().unchecked_ref()));
        worker.post_message(&wasm_bindgen::module())?;
        Ok(Self {
            worker,
            _heard: heard,
            _broken: broken,
        })
    }

    /// Asks the engine. It listens once it has told that it is ready.
    pub(crate) fn ask(&self, ask: &Ask) {
        // It fails only for values that cannot be cloned, which a text can.
        let _ = self.worker.post_message(&ask.to_json().into());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.set_onmessageerror(None);
        self.worker.terminate();
    }
}

/// What a worker broke by, as far as the browser says.
fn reason(event: &Event, is_ready: bool) -> String {
    let said = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
    let said = said.filter(|text| !text.is_empty());
    let said = said.map(|text| format!(" ({text})")).unwrap_or_default();
    if is_ready {
        format!("The engine broke{said}. Press Run again: a new one is started.")
    } else {
        format!(
            "The engine did not start{said}. See that the page's server still runs, and reload the \
             page. A browser from before 2023 does not know such a worker, which is a module."
        )
    }
}
