//! Processor sharing: all requests advance together, the slower the more there are.
//!
//! Progress is counted in units per request. A request that joins at progress `p` with `u` units ends
//! at `p + u`, whatever joins or leaves meanwhile, so only the first to end needs a timer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::platform::clock::Clock;

/// A server that works on all requests together, in steps of `fixed + linear·n + square·n²` seconds
/// for `n` of them. Each step makes one unit of output for each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batching {
    /// Seconds per step, whatever the load.
    pub fixed: f64,
    /// Seconds per request in it.
    pub linear: f64,
    /// Seconds per request squared.
    pub square: f64,
}

/// The progress at which a request ends, as ordered bits, and its number.
type Key = (u64, u64);

/// The requests that are worked on together.
#[derive(Default)]
pub(super) struct Batch {
    progress: f64,
    at: f64,
    joined: u64,
    members: BTreeMap<Key, Option<Waker>>,
}

impl Batch {
    /// Seconds per unit at the present load.
    fn step(&self, batching: Batching) -> f64 {
        let count = self.members.len() as f64;
        batching.fixed + batching.linear * count + batching.square * count * count
    }

    fn advance(&mut self, now: f64, batching: Batching) {
        if !self.members.is_empty() {
            self.progress += (now - self.at) / self.step(batching);
        }
        self.at = now;
    }

    fn wake_first(&mut self) {
        if let Some(waker) = self
            .members
            .first_entry()
            .and_then(|mut first| first.get_mut().take())
        {
            waker.wake();
        }
    }
}

/// A request in the batch. Dropping it takes it out.
struct Member<'a> {
    clock: &'a Clock,
    batch: &'a RefCell<Batch>,
    batching: Batching,
    key: Key,
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        let batch = &mut *self.batch.borrow_mut();
        batch.advance(self.clock.now().as_secs_f64(), self.batching);
        batch.members.remove(&self.key);
        batch.wake_first();
    }
}

/// Works on a request of so many units together with all others.
pub(super) async fn work(
    clock: &Rc<Clock>,
    shared: &RefCell<Batch>,
    batching: Batching,
    units: f64,
) {
    let member = {
        let batch = &mut *shared.borrow_mut();
        batch.advance(clock.now().as_secs_f64(), batching);
        batch.joined += 1;
        // Positive floats sort like their bits.
        let key = ((batch.progress + units).to_bits(), batch.joined);
        batch.members.insert(key, None);
        batch.wake_first();
        Member {
            clock,
            batch: shared,
            batching,
            key,
        }
    };
    loop {
        let left = {
            let batch = &mut *shared.borrow_mut();
            batch.advance(clock.now().as_secs_f64(), batching);
            let is_first = batch.members.keys().next() == Some(&member.key);
            let units_left = f64::from_bits(member.key.0) - batch.progress;
            is_first.then(|| units_left * batch.step(batching))
        };
        // The clock counts microseconds: what is closer than that has happened.
        if left.is_some_and(|seconds| seconds < 1e-6) {
            return;
        }
        let due = left.map(|seconds| clock.now() + Duration::from_secs_f64(seconds + 1e-6));
        let mut timer = pin!(due.map(|due| clock.sleep_until(due)));
        let mut registered = false;
        poll_fn(|context| {
            if std::mem::replace(&mut registered, true) {
                // Woken: by the timer, or because the batch changed. Either way, look again.
                return Poll::Ready(());
            }
            if let Some(timer) = timer.as_mut().as_pin_mut()
                && timer.poll(context).is_ready()
            {
                return Poll::Ready(());
            }
            let batch = &mut *shared.borrow_mut();
            if let Some(waker) = batch.members.get_mut(&member.key) {
                *waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
