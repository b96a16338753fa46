//! The page's side: the worker that measures, what it is asked and what it tells.

use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::message::{Ask, Told};

/// A worker with the engine in it. Dropping it ends the worker and what it was doing.
pub(crate) struct Session {
    worker: Worker,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

impl Session {
    /// Starts the engine; `hear` is called with everything it tells.
    pub(crate) fn start(mut hear: impl FnMut(Told) + 'static) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options("./worker.js", &options)?;
        let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            hear(
                serde_json::from_str(&text).unwrap_or_else(|error| Told::Failed(error.to_string())),
            );
        });
        worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        worker.post_message(&wasm_bindgen::module())?;
        Ok(Self {
            worker,
            _heard: heard,
        })
    }

    /// Asks the engine. It listens once it has told that it is ready.
    pub(crate) fn ask(&self, ask: &Ask) {
        let json = serde_json::to_string(ask).expect("texts, numbers and lists are JSON");
        // It fails only for values that cannot be cloned, which a text can.
        let _ = self.worker.post_message(&json.into());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.terminate();
    }
}
