//! A clock that stands still until somebody moves it, and the timers that hang on it.
//!
//! The simulator jumps from timer to timer. A platform that is driven from outside sets the clock to
//! the time it is told, and needs only one timer of its host's: for the first of these.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::time::Instant;

/// Timers are told apart, and fire in this order, by their time and by who asked first.
type Key = (Instant, u64);

/// The clock and its timers.
#[derive(Default)]
pub struct Clock {
    now: Cell<Instant>,
    started: Cell<u64>,
    /// In the order in which they fire. Most are set for later than those before them, and most that
    /// are taken away are among the first.
    timers: RefCell<VecDeque<(Key, Waker)>>,
}

impl Clock {
    /// Where it stands.
    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// How many timers are set.
    pub fn timers(&self) -> usize {
        self.timers.borrow().len()
    }

    /// When the first of them is due.
    pub fn first(&self) -> Option<Instant> {
        let timers = self.timers.borrow();
        timers.front().map(|((at, _), _)| *at)
    }

    /// Jumps to the next timer, no later than `until`, and wakes who waits for it.
    pub fn fire_next(&self, until: Instant) -> bool {
        let waker = {
            let mut timers = self.timers.borrow_mut();
            let Some(((at, _), waker)) = timers.pop_front_if(|((at, _), _)| *at <= until) else {
                return false;
            };
            self.now.set(self.now.get().max(at));
            waker
        };
        waker.wake();
        true
    }

    /// Moves on to `to`, and never back.
    pub fn jump(&self, to: Instant) {
        self.now.set(self.now.get().max(to));
    }

    fn set(&self, key: Key, waker: &Waker) {
        let mut timers = self.timers.borrow_mut();
        match timers.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => timers[at].1.clone_from(waker),
            Err(at) => timers.insert(at, (key, waker.clone())),
        }
    }

    fn take(&self, key: Key) {
        let mut timers = self.timers.borrow_mut();
        if let Ok(at) = timers.binary_search_by_key(&key, |(key, _)| *key) {
            timers.remove(at);
        }
    }

    /// Waits until `at`. Dropping the future takes the timer away.
    pub fn sleep_until(self: &Rc<Self>, at: Instant) -> Sleep {
        Sleep {
            clock: Rc::clone(self),
            at,
            set: None,
        }
    }
}

/// A timer.
pub struct Sleep {
    clock: Rc<Clock>,
    at: Instant,
    /// The timer, where it is set, and whom it wakes: who is polled for another reason need not look
    /// for it among all the others.
    set: Option<(Key, Waker)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.at {
            self.cancel();
            return Poll::Ready(());
        }
        let waker = context.waker();
        let key = match &self.set {
            Some((_, known)) if known.will_wake(waker) => return Poll::Pending,
            Some((key, _)) => *key,
            None => {
                let started = self.clock.started.get() + 1;
                self.clock.started.set(started);
                (self.at, started)
            }
        };
        self.clock.set(key, waker);
        self.set = Some((key, waker.clone()));
        Poll::Pending
    }
}

impl Sleep {
    fn cancel(&mut self) {
        if let Some((key, _)) = self.set.take() {
            self.clock.take(key);
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}
