//! A store as a client uses it: within its time, in nobody's way, and complained of once.
//!
//! Whatever a store does wrong is a miss. Nothing here can fail a call.

use std::cell::RefCell;
use std::rc::Rc;

use crate::cache::{Cache, Entry, Health, Key, StoreError, Use};
use crate::error::Timeout;
use crate::platform::Platform;
use crate::time::Instant;
use crate::watch::{Deadline, Watch, earlier};

/// A client's side of its store.
pub(crate) struct Keeper<P: Platform> {
    cache: Cache,
    platform: P,
    health: RefCell<Health>,
}

impl<P: Platform> Keeper<P> {
    pub(crate) fn new(cache: Cache, platform: P) -> Self {
        Self {
            cache,
            platform,
            health: RefCell::default(),
        }
    }

    /// What `read` makes of the entry under `key`, if there is one. The store is waited for until its
    /// time is over, or the call's.
    pub(crate) async fn find<T>(
        &self,
        key: &Key,
        deadline: Option<Deadline>,
        read: impl FnOnce(Entry) -> Result<T, StoreError>,
    ) -> Option<T> {
        let now = self.platform.now();
        let patience = self.patience(now);
        let found = Watch::new(self.platform.clone())
            .guard(
                earlier(deadline, Some(patience)),
                self.cache.store.get(key, now),
            )
            .await;
        let found = match found {
            // The caller's own time is up, which says nothing of the store.
            Err(Timeout::Call(_)) => return None,
            Err(_) => Err(self.too_slow()),
            Ok(found) => found.and_then(|entry| entry.map(read).transpose()),
        };
        self.note(Use::Reading, found).flatten()
    }

    /// Hands an answer to the store, in the background and within its time. `held` is dropped once
    /// the store has it, or has failed to take it.
    pub(crate) fn keep(self: Rc<Self>, key: Key, body: Rc<str>, held: impl Sized + 'static) {
        let platform = self.platform.clone();
        platform.spawn(async move {
            let now = self.platform.now();
            let patience = self.patience(now);
            let kept = self
                .cache
                .store
                .put(&key, Entry { body }, self.cache.ttl, now);
            let kept = Watch::new(self.platform.clone())
                .guard(Some(patience), kept)
                .await
                .unwrap_or_else(|_| Err(self.too_slow()));
            self.note(Use::Writing, kept);
            drop(held);
        });
    }

    /// Until when the store is waited for.
    fn patience(&self, now: Instant) -> Deadline {
        let wait_max = self.cache.wait_max;
        (now + wait_max, Timeout::Attempt(wait_max))
    }

    fn too_slow(&self) -> StoreError {
        // Of 128 bits it would take a kilobyte of code to write.
        let millis = self.cache.wait_max.as_millis() as u64;
        StoreError(format!("no answer within {millis} ms"))
    }

    /// Notes how the store fared, and tells it when it has begun to fail.
    fn note<T>(&self, used: Use, outcome: Result<T, StoreError>) -> Option<T> {
        let now = self.platform.now();
        match outcome {
            Ok(value) => {
                self.health.borrow_mut().served(used, now);
                Some(value)
            }
            Err(trouble) => {
                let is_news = self.health.borrow_mut().failed(used, now);
                if is_news {
                    self.cache.store.failing(&trouble);
                }
                None
            }
        }
    }
}
