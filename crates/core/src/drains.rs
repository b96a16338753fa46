//! Connections that are about to be free: streams that have ended and whose bodies have not.
//!
//! Servers end a body some moments after the last event of its stream. Whoever asks one thing after
//! the other would find the connection busy and open another, each time; so that a call waits for
//! it, which is shorter than a handshake. Where anything else is in flight nobody waits.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// The drains of one key.
#[derive(Default)]
pub(crate) struct Drains {
    under_way: Cell<u32>,
    ended: Cell<u64>,
    /// Calls that wait for a connection: never more than there are drains.
    waiting: Cell<u32>,
    wakers: RefCell<Vec<Waker>>,
}

/// A drain under way. Dropping it ends it.
pub(crate) struct Drain(Rc<Drains>);

impl Drains {
    /// A drain begins.
    pub(crate) fn begin(self: &Rc<Self>) -> Drain {
        self.under_way.set(self.under_way.get() + 1);
        Drain(Rc::clone(self))
    }

    /// Waits for a drain to end, where drains are all of the `in_flight` and one of their
    /// connections is still to be had.
    pub(crate) async fn connection(&self, in_flight: u32) {
        let under_way = self.under_way.get();
        if in_flight > under_way || self.waiting.get() >= under_way {
            return;
        }
        self.waiting.set(self.waiting.get() + 1);
        let _place = Place(self);
        let before = self.ended.get();
        poll_fn(|context| {
            if self.ended.get() != before {
                return Poll::Ready(());
            }
            self.wakers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        let drains = &self.0;
        drains.under_way.set(drains.under_way.get() - 1);
        drains.ended.set(drains.ended.get() + 1);
        let wakers = drains.wakers.take();
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// A call's place among those that wait.
struct Place<'a>(&'a Drains);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
    }
}
