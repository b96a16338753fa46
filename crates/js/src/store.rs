//! A user's own store, such as Redis behind an object of two functions.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kneepoint_core::Instant;
use kneepoint_core::cache::{Entry, Key, Store, StoreError};
use wasm_bindgen::prelude::*;

use crate::host;
use crate::world;

/// The store.
pub(crate) struct JsStore(pub(crate) host::Store);

impl Store for JsStore {
    fn get(&self, key: &Key, _: Instant) -> LocalBoxFuture<'_, Result<Option<Entry>, StoreError>> {
        let answer = ask(|question| self.0.get(key.as_str(), question));
        answer
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
        let answer = ask(|question| self.0.put(key.as_str(), &entry.body, millis, question));
        answer.map(|answer| answer.map(|_| ())).boxed_local()
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

/// Something that a store was asked, and whoever waits for the answer.
struct Question {
    number: u32,
    answer: Option<Result<JsValue, StoreError>>,
    waker: Option<Waker>,
}

thread_local! {
    /// One for each call that waits for a store: few enough to look through.
    static QUESTIONS: RefCell<Vec<Question>> = const { RefCell::new(Vec::new()) };
    static LAST: Cell<u32> = const { Cell::new(0) };
}

fn with_question<T>(number: u32, work: impl FnOnce(&mut Question) -> Option<T>) -> Option<T> {
    QUESTIONS.with_borrow_mut(|all| {
        let question = all.iter_mut().find(|question| question.number == number)?;
        work(question)
    })
}

/// Asks at once, since tasks run when woken, under a number by which JavaScript tells the answer.
fn ask(put: impl FnOnce(u32)) -> Awaited {
    let number = LAST.get().wrapping_add(1);
    LAST.set(number);
    let question = Question {
        number,
        answer: None,
        waker: None,
    };
    QUESTIONS.with_borrow_mut(|all| all.push(question));
    put(number);
    Awaited(number)
}

/// Waits for the answer to the question of this number. Dropped, it leaves nothing behind, also where
/// the store never answers.
struct Awaited(u32);

impl Future for Awaited {
    type Output = Result<JsValue, StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = with_question(self.0, |question| {
            question.waker = Some(context.waker().clone());
            question.answer.take()
        });
        answer.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        QUESTIONS.with_borrow_mut(|all| all.retain(|question| question.number != self.0));
    }
}

/// What a store answered to the question of this number, or why it cannot.
#[wasm_bindgen]
pub fn stored(number: u32, error: Option<String>, value: JsValue) {
    let waker = with_question(number, |question| {
        question.answer = Some(error.map_or(Ok(value), |error| Err(StoreError(error))));
        question.waker.take()
    });
    if let Some(waker) = waker {
        world::enter();
        waker.wake();
        world::run();
    }
}
