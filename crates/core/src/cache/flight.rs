//! Equal calls in flight share one attempt.
//!
//! The shared call is driven by whoever waits for it. A waiter that leaves takes nothing with it;
//! when the last one leaves, the call is dropped, and with it its request.

use std::cell::RefCell;
use std::future::Future;
use std::rc::{Rc, Weak};

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared, WeakShared};

use super::Key;
use crate::table::Table;

type Flight<T> = LocalBoxFuture<'static, T>;
type Board<T> = RefCell<Table<Key, WeakShared<Flight<T>>>>;

/// The calls in flight, by key.
pub(crate) struct Flights<T: Clone>(Rc<Board<T>>);

impl<T: Clone + 'static> Flights<T> {
    pub(crate) fn new() -> Self {
        Self(Rc::default())
    }

    /// The call under `key`, if one is in flight.
    pub(crate) fn running(&self, key: &Key) -> Option<Shared<Flight<T>>> {
        self.0.borrow().get(key).and_then(WeakShared::upgrade)
    }

    /// Begins a call that others may join under `key`.
    pub(crate) fn begin(
        &self,
        key: &Key,
        call: impl Future<Output = T> + 'static,
    ) -> Shared<Flight<T>> {
        let landing = Landing {
            board: Rc::downgrade(&self.0),
            key: key.clone(),
        };
        let flight = async move {
            let _landing = landing;
            call.await
        };
        let flight = flight.boxed_local().shared();
        if let Some(weak) = flight.downgrade() {
            self.0.borrow_mut().insert(key.clone(), weak);
        }
        flight
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

/// Takes the call off the board when it is over or given up.
struct Landing<T: Clone> {
    board: Weak<Board<T>>,
    key: Key,
}

impl<T: Clone> Drop for Landing<T> {
    fn drop(&mut self) {
        if let Some(board) = self.board.upgrade() {
            board.borrow_mut().remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_channel::oneshot;

    use super::super::KeyParts;
    use super::*;
    use crate::http::{Headers, Method};

    fn key() -> Key {
        KeyParts {
            url: "u",
            method: Method::Post,
            headers: &Headers::new(),
            body: "b",
            terms: "",
        }
        .key()
    }

    #[test]
    fn many_waiters_one_call() {
        let flights = Flights::new();
        let (send, receive) = oneshot::channel::<u32>();
        let mut first = flights.begin(&key(), receive.map(Result::unwrap));
        let mut second = flights.running(&key()).unwrap();
        assert_eq!((&mut first).now_or_never(), None);
        drop(first); // the one that began it leaves
        assert_eq!((&mut second).now_or_never(), None);
        send.send(7).unwrap();
        assert_eq!(second.now_or_never(), Some(7));
        assert!(flights.running(&key()).is_none());
        assert_eq!(flights.len(), 0);
    }

    #[test]
    fn the_last_one_to_leave_takes_the_call_along() {
        let flights = Flights::<u32>::new();
        let (send, receive) = oneshot::channel::<u32>();
        let mut flight = flights.begin(&key(), receive.map(Result::unwrap));
        assert_eq!((&mut flight).now_or_never(), None);
        drop(flight);
        assert!(send.is_canceled());
        assert_eq!(flights.len(), 0);
    }
}
