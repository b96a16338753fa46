//! Listens to what the browser notes of the engine's requests.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{
    Performance, PerformanceObserver, PerformanceObserverEntryList, PerformanceObserverInit,
    PerformanceResourceTiming,
};

use super::wire::{Entry, Wire};

/// Notes every request until it is dropped.
pub(super) struct Observer {
    wire: Rc<RefCell<Wire>>,
    observer: Option<PerformanceObserver>,
    _noted: Closure<dyn FnMut(PerformanceObserverEntryList)>,
}

impl Observer {
    /// Begins to note. A browser that cannot tell leaves the wire empty.
    pub(super) fn new(wire: Wire, performance: Option<Performance>) -> Self {
        let wire = Rc::new(RefCell::new(wire));
        let shared = wire.clone();
        let noted = Closure::<dyn FnMut(PerformanceObserverEntryList)>::new(
            move |list: PerformanceObserverEntryList| {
                fold(&shared, &list.get_entries());
                // What is observed is kept a second time, up to a bound, for whoever asks later.
                if let Some(performance) = &performance {
                    performance.clear_resource_timings();
                }
            },
        );
        let observer = PerformanceObserver::new(noted.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            let entries = js_sys::Array::of1(&"resource".into());
            observer.observe(&PerformanceObserverInit::new(&entries));
        }
        Self {
            wire,
            observer,
            _noted: noted,
        }
    }

    /// What was noted up to now.
    pub(super) fn wire(&self) -> std::cell::Ref<'_, Wire> {
        if let Some(observer) = &self.observer {
            fold(&self.wire, &observer.take_records());
        }
        self.wire.borrow()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

fn fold(wire: &RefCell<Wire>, entries: &js_sys::Array) {
    let mut wire = wire.borrow_mut();
    for entry in entries.iter() {
        wire.note(read(&entry.unchecked_into()));
    }
}

fn read(entry: &PerformanceResourceTiming) -> Entry {
    let (opening, open) = (entry.connect_start(), entry.connect_end());
    // 0 where there was no answer, missing in browsers that do not say.
    let status = js_sys::Reflect::get(entry, &"responseStatus".into());
    Entry {
        protocol: entry.next_hop_protocol(),
        is_answered: status.is_ok_and(|status| status.as_f64().unwrap_or_default() > 0.0),
        // A request that found an open connection has one moment for all that opens one.
        is_fresh: open > opening || opening > entry.fetch_start(),
        start: entry.request_start(),
        end: entry.response_end(),
    }
}
