//! Waiting for a promise.
//!
//! Functions that JavaScript may call are dear to make and to throw away, and each request waits twice. So
//! they are made once, for as many promises as are ever waited for at the same time, and kept.

use std::cell::{OnceCell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

thread_local! {
    static FREE: RefCell<Vec<&'static Seat>> = RefCell::default();
}

type Settled = Result<JsValue, JsValue>;

type Function = Closure<dyn FnMut(JsValue)>;

/// Where one waits for a promise, and others later for others.
#[derive(Default)]
struct Seat {
    state: RefCell<State>,
    /// What is called with the value, and with what was thrown.
    functions: OnceCell<[Function; 2]>,
}

#[derive(Default)]
enum State {
    Waiting(Option<Waker>),
    Settled(Option<Settled>),
    /// Nobody waits any more, for a promise that may settle yet.
    #[default]
    Left,
}

impl Seat {
    fn functions(&'static self) -> &'static [Function; 2] {
        let function = |settled: fn(JsValue) -> Settled| {
            Closure::new(move |value| self.settle(settled(value)))
        };
        self.functions.get_or_init(|| [function(Ok), function(Err)])
    }

    fn settle(&'static self, settled: Settled) {
        match self.state.replace(State::Left) {
            State::Waiting(waker) => {
                self.state.replace(State::Settled(Some(settled)));
                waker.into_iter().for_each(Waker::wake);
            }
            State::Left | State::Settled(_) => self.free(),
        }
    }

    fn free(&'static self) {
        FREE.with_borrow_mut(|free| free.push(self));
    }
}

/// What a promise comes to.
pub(super) struct Promised(&'static Seat);

impl From<&Promise> for Promised {
    fn from(promise: &Promise) -> Self {
        let free = FREE.with_borrow_mut(Vec::pop);
        let seat = free.unwrap_or_else(|| Box::leak(Box::default()));
        seat.state.replace(State::Waiting(None));
        let [fulfilled, rejected] = seat.functions();
        let _ = promise.then2(fulfilled, rejected);
        Self(seat)
    }
}

impl Future for Promised {
    type Output = Settled;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Settled> {
        match &mut *self.0.state.borrow_mut() {
            State::Settled(settled) => settled.take().map_or(Poll::Pending, Poll::Ready),
            state => {
                *state = State::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Drop for Promised {
    fn drop(&mut self) {
        if let State::Settled(_) = self.0.state.replace(State::Left) {
            self.0.free();
        }
    }
}
