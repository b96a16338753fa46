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

    /// Begins a call that others may join under `key` for as long as it holds its landing.
    pub(crate) fn begin<F: Future<Output = T> + 'static>(
        &self,
        key: &Key,
        call: impl FnOnce(Landing<T>) -> F,
    ) -> Shared<Flight<T>> {
        let landing = Landing {
            board: Rc::downgrade(&self.0),
            key: key.clone(),
        };
        let flight = call(landing).boxed_local().shared();
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

/// Takes the call off the board when it is dropped, be the call over or given up.
pub(crate) struct Landing<T: Clone> {
    board: Weak<Board<T>>,
    key: Key,
}

impl<T: Clone + 'static> Landing<T> {
    /// Lets others join although the call is over, for as long as this is kept: a cache that does not
    /// have the answer yet would let them ask once more.
    pub(crate) fn linger(self) -> impl Sized + 'static {
        let board = self.board.upgrade();
        let flight = board.and_then(|board| board.borrow().get(&self.key)?.upgrade());
        (flight, self)
    }
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

    /// A call that lands when it is over.
    async fn receive(landing: Landing<u32>, receive: oneshot::Receiver<u32>) -> u32 {
        let _landing = landing;
        receive.await.unwrap()
    }

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
        let mut first = flights.begin(&key(), |landing| self::receive(landing, receive));
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
    fn a_call_that_is_over_can_be_joined_while_it_lingers() {
        let flights = Flights::<u32>::new();
        let lingering = Rc::new(RefCell::new(None));
        let held = lingering.clone();
        let flight = flights.begin(&key(), |landing| async move {
            held.replace(Some(landing.linger()));
            7
        });
        assert_eq!(flight.now_or_never(), Some(7));
        let late = flights.running(&key()).unwrap();
        assert_eq!(late.now_or_never(), Some(7));
        lingering.take();
        assert!(flights.running(&key()).is_none());
        assert_eq!(flights.len(), 0);
    }

    #[test]
    fn the_last_one_to_leave_takes_the_call_along() {
        let flights = Flights::<u32>::new();
        let (send, receive) = oneshot::channel::<u32>();
        let mut flight = flights.begin(&key(), |landing| self::receive(landing, receive));
        assert_eq!((&mut flight).now_or_never(), None);
        drop(flight);
        assert!(send.is_canceled());
        assert_eq!(flights.len(), 0);
    }
}
