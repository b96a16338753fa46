//! Answers that need not be paid for twice.
//!
//! Off by default. A cache may be slow or broken: it is waited for within a bound, and never fails
//! a call. Only whole, successful answers go in.

mod flight;
mod health;
mod key;
mod memory;

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

pub(crate) use flight::{Flights, Landing};
pub(crate) use health::{Health, Use};
pub use key::{Key, KeyParts};
pub use memory::MemoryStore;

use crate::time::Instant;

/// A whole answer as the server sent it: JSON, or the text of an event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The body, untouched.
    pub body: Rc<str>,
}

/// Why a store could not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cache failed: {0}")]
pub struct StoreError(pub String);

/// A place where answers are kept. Implementations may forget at any time.
pub trait Store {
    /// The entry under `key`, unless it is missing or older than its time to live.
    fn get(&self, key: &Key, now: Instant)
    -> LocalBoxFuture<'_, Result<Option<Entry>, StoreError>>;

    /// Keeps `entry` under `key` for `ttl`.
    fn put(
        &self,
        key: &Key,
        entry: Entry,
        ttl: Duration,
        now: Instant,
    ) -> LocalBoxFuture<'_, Result<(), StoreError>>;

    /// Told when it has begun to fail a client, and not again before it has served for a while.
    fn failing(&self, _trouble: &StoreError) {}
}

/// How a client uses a store.
#[derive(Clone)]
pub struct Cache {
    /// Where answers are kept.
    pub store: Rc<dyn Store>,
    /// For how long. Default: one hour.
    pub ttl: Duration,
    /// How long a call waits for the store before it goes on without. Default: 250 ms.
    pub wait_max: Duration,
}

impl Cache {
    /// `store` with the defaults.
    pub fn new(store: impl Store + 'static) -> Self {
        Self {
            store: Rc::new(store),
            ttl: Duration::from_secs(3600),
            wait_max: Duration::from_millis(250),
        }
    }
}
