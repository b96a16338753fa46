//! Listens to what the browser notes of the engine's requests.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{
    Performance, PerformanceObserver, PerformanceObserverEntryList, PerformanceObserverInit,
    PerformanceResourceTiming,
};

use super::wire::{Entry, Wire};

/// Notes every request from its making on, until it is dropped.
pub(super) struct Observer {
    wire: Rc<RefCell<Wire>>,
    /// What began before is no part of the run, though it may be told of late.
    since: f64,
    listening: Option<PerformanceObserver>,
    _noted: Closure<dyn FnMut(PerformanceObserverEntryList)>,
}

impl Observer {
    /// Begins to note. A browser that cannot tell leaves the wire empty.
    pub(super) fn new(wire: Wire, performance: Option<Performance>) -> Self {
        let wire = Rc::new(RefCell::new(wire));
        let since = performance.as_ref().map_or(0.0, Performance::now);
        let shared = wire.clone();
        let noted = Closure::<dyn FnMut(PerformanceObserverEntryList)>::new(
            move |list: PerformanceObserverEntryList| {
                fold(&shared, &list.get_entries(), since);
                // What is observed is kept a second time, up to a bound, for whoever asks later.
                if let Some(performance) = &performance {
                    performance.clear_resource_timings();
                }
            },
        );
        let listening = PerformanceObserver::new(noted.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &listening {
            let entries = js_sys::Array::of1(&"resource".into());
            observer.observe(&PerformanceObserverInit::new(&entries));
        }
        Self {
            wire,
            since,
            listening,
            _noted: noted,
        }
    }

    /// What was noted up to now.
    pub(super) fn wire(&self) -> std::cell::Ref<'_, Wire> {
        if let Some(observer) = &self.listening {
            fold(&self.wire, &observer.take_records(), self.since);
        }
        self.wire.borrow()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        if let Some(observer) = &self.listening {
            observer.disconnect();
        }
    }
}

fn fold(wire: &RefCell<Wire>, entries: &js_sys::Array, since: f64) {
    let mut wire = wire.borrow_mut();
    for entry in entries.iter() {
        let entry: PerformanceResourceTiming = entry.unchecked_into();
        let began = entry.start_time();
        if began >= since {
            let entry = read(&entry, began, &wire);
            wire.note(entry);
        }
    }
}

fn read(entry: &PerformanceResourceTiming, began: f64, wire: &Wire) -> Entry {
    let (opening, open) = (entry.connect_start(), entry.connect_end());
    // A request that found an open connection has one moment for all that opens one.
    let is_fresh = open > opening || opening > entry.fetch_start();
    let start = entry.request_start();
    let protocol = wire
        .asks_protocol(is_fresh, start)
        .then(|| entry.next_hop_protocol());
    Entry {
        // Whoever tells of the protocol was answered.
        is_answered: protocol.as_deref() != Some("") || has_status(entry),
        protocol,
        is_fresh,
        began,
        start,
        end: entry.response_end(),
    }
}

/// Whether there was an answer; some browsers do not say.
fn has_status(entry: &PerformanceResourceTiming) -> bool {
    let status = js_sys::Reflect::get(entry, &"responseStatus".into());
    status.is_ok_and(|status| status.as_f64().unwrap_or_default() > 0.0)
}
