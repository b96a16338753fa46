//! A user's own store, such as Redis behind an object of two functions.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use kneepoint_core::Instant;
use kneepoint_core::cache::{Entry, Key, Store, StoreError};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::host;
use crate::world;

/// The store.
pub(crate) struct JsStore(pub(crate) host::Store);

impl Store for JsStore {
    fn get(&self, key: &Key, _: Instant) -> LocalBoxFuture<'_, Result<Option<Entry>, StoreError>> {
        let asked = ask(|done| self.0.get(key.as_str(), done));
        asked
            .map(|answer| answer.and_then(|body| entry(&body)))
            .boxed_local()
    }

    fn put(
        &self,
        key: &Key,
        entry: Entry,
        ttl: Duration,
        _: Instant,
    ) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        let millis = ttl.as_millis() as f64;
        let asked = ask(|done| self.0.put(key.as_str(), &entry.body, millis, done));
        asked.map(|answer| answer.map(|_| ())).boxed_local()
    }

    fn failing(&self, trouble: &StoreError) {
        self.0.failing(&trouble.0);
    }
}

fn entry(body: &JsValue) -> Result<Option<Entry>, StoreError> {
    if body.is_undefined() || body.is_null() {
        return Ok(None);
    }
    let text = body.as_string();
    let text =
        text.ok_or_else(|| StoreError("it answered with something that is no text".into()))?;
    Ok(Some(Entry { body: text.into() }))
}

#[derive(Default)]
struct Answer {
    value: Option<Result<JsValue, StoreError>>,
    waker: Option<Waker>,
}

/// Asks with a function to call when there is an answer: at once, since tasks run when woken.
fn ask(
    question: impl FnOnce(js_sys::Function),
) -> impl Future<Output = Result<JsValue, StoreError>> + 'static {
    let answer = Rc::new(RefCell::new(Answer::default()));
    let told = answer.clone();
    let done = Closure::once_into_js(move |error: JsValue, value: JsValue| {
        let outcome = match error.as_string() {
            Some(error) => Err(StoreError(error)),
            None => Ok(value),
        };
        let waker = {
            let mut answer = told.borrow_mut();
            answer.value = Some(outcome);
            answer.waker.take()
        };
        if let Some(waker) = waker {
            world::enter();
            waker.wake();
            world::run();
        }
    });
    question(done.unchecked_into());
    std::future::poll_fn(move |context| {
        let mut answer = answer.borrow_mut();
        if let Some(value) = answer.value.take() {
            return Poll::Ready(value);
        }
        answer.waker = Some(context.waker().clone());
        Poll::Pending
    })
}
