//! Answers kept in memory: the least recently used go first, the old ones too.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};

use super::{Entry, Key, Store, StoreError};
use crate::table::Table;
use crate::time::Instant;

/// What an entry costs beside its body: key, links, bookkeeping.
const OVERHEAD_BYTES: usize = 256;

/// Uses that may be left behind beside as many as there are entries.
const USES_SPARE: usize = 64;

/// A store in memory, bounded in bytes.
///
/// ```
/// use kneepoint_core::cache::{Cache, MemoryStore};
///
/// let cache = Cache::new(MemoryStore::new(16 << 20));
/// assert_eq!(cache.ttl.as_secs(), 3600);
/// ```
pub struct MemoryStore {
    bytes_max: usize,
    shelf: RefCell<Shelf>,
}

#[derive(Default)]
struct Shelf {
    slots: Table<Key, Slot>,
    /// Keys by when they were used, oldest first, counted in uses. Only the latest use of a key
    /// counts; the others are left behind for a while.
    by_use: VecDeque<(u64, Key)>,
    uses: u64,
    bytes: usize,
}

struct Slot {
    entry: Entry,
    expires: Instant,
    used: u64,
}

impl MemoryStore {
    /// A store of at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            shelf: RefCell::default(),
        }
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.shelf.borrow().bytes
    }

    /// Entries in it.
    pub fn len(&self) -> usize {
        self.shelf.borrow().slots.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn is_latest(slots: &Table<Key, Slot>, key: &Key, used: u64) -> bool {
    slots.get(key).is_some_and(|slot| slot.used == used)
}

fn weight(entry: &Entry) -> usize {
    entry.body.len() + OVERHEAD_BYTES
}

impl Shelf {
    fn take(&mut self, key: &Key) -> Option<Slot> {
        let slot = self.slots.remove(key)?;
        self.bytes -= weight(&slot.entry);
        Some(slot)
    }

    fn place(&mut self, key: Key, entry: Entry, expires: Instant) {
        self.take(&key);
        self.uses += 1;
        self.bytes += weight(&entry);
        self.by_use.push_back((self.uses, key.clone()));
        self.slots.insert(
            key,
            Slot {
                entry,
                expires,
                used: self.uses,
            },
        );
        if self.by_use.len() > 2 * self.slots.len() + USES_SPARE {
            let slots = &self.slots;
            self.by_use
                .retain(|(used, key)| is_latest(slots, key, *used));
        }
    }

    fn get(&mut self, key: &Key, now: Instant) -> Option<Entry> {
        let slot = self.take(key)?;
        if slot.expires <= now {
            return None;
        }
        let entry = slot.entry.clone();
        self.place(key.clone(), slot.entry, slot.expires);
        Some(entry)
    }

    fn put(&mut self, key: Key, entry: Entry, expires: Instant, bytes_max: usize) {
        if weight(&entry) > bytes_max {
            // It would push out everything else and then not fit.
            self.take(&key);
            return;
        }
        self.place(key, entry, expires);
        while self.bytes > bytes_max {
            let Some((used, oldest)) = self.by_use.pop_front() else {
                return;
            };
            if is_latest(&self.slots, &oldest, used) {
                self.take(&oldest);
            }
        }
    }
}

impl Store for MemoryStore {
    fn get(
        &self,
        key: &Key,
        now: Instant,
    ) -> LocalBoxFuture<'_, Result<Option<Entry>, StoreError>> {
        ready(Ok(self.shelf.borrow_mut().get(key, now))).boxed_local()
    }

    fn put(
        &self,
        key: &Key,
        entry: Entry,
        ttl: Duration,
        now: Instant,
    ) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.shelf
            .borrow_mut()
            .put(key.clone(), entry, now + ttl, self.bytes_max);
        ready(Ok(())).boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeyParts;
    use super::*;
    use crate::http::{Headers, Method};

    const HOUR: Duration = Duration::from_secs(3600);

    fn key(body: &str) -> Key {
        KeyParts {
            url: "u",
            method: Method::Post,
            headers: &Headers::new(),
            body,
            terms: "",
        }
        .key()
    }

    fn put(store: &MemoryStore, name: &str, bytes: usize, now: Instant) {
        let entry = Entry {
            body: "x".repeat(bytes).into(),
        };
        store
            .put(&key(name), entry, HOUR, now)
            .now_or_never()
            .unwrap()
            .unwrap();
    }

    fn has(store: &MemoryStore, name: &str, now: Instant) -> bool {
        store
            .get(&key(name), now)
            .now_or_never()
            .unwrap()
            .unwrap()
            .is_some()
    }

    #[test]
    fn an_entry_lives_until_its_time_is_over() {
        let store = MemoryStore::new(1 << 20);
        put(&store, "a", 10, Instant::ZERO);
        assert!(has(&store, "a", Instant::ZERO + HOUR / 2));
        assert!(
            !has(&store, "a", Instant::ZERO + HOUR),
            "reading does not make it younger"
        );
        assert_eq!((store.len(), store.bytes()), (0, 0));
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let store = MemoryStore::new(3 * (100 + OVERHEAD_BYTES));
        for name in ["a", "b", "c"] {
            put(&store, name, 100, Instant::ZERO);
        }
        assert_eq!(store.bytes(), 3 * (100 + OVERHEAD_BYTES));
        assert!(has(&store, "a", Instant::ZERO));
        put(&store, "d", 100, Instant::ZERO);
        let left = ["a", "b", "c", "d"].map(|name| has(&store, name, Instant::ZERO));
        assert_eq!(left, [true, false, true, true]);
    }

    #[test]
    fn reading_often_takes_no_memory_and_keeps_the_order() {
        let store = MemoryStore::new(3 * (100 + OVERHEAD_BYTES));
        for name in ["a", "b", "c"] {
            put(&store, name, 100, Instant::ZERO);
        }
        for _ in 0..10 * USES_SPARE {
            assert!(has(&store, "c", Instant::ZERO) && has(&store, "a", Instant::ZERO));
        }
        assert!(store.shelf.borrow().by_use.len() <= 2 * USES_SPARE);
        put(&store, "d", 100, Instant::ZERO);
        let left = ["a", "b", "c", "d"].map(|name| has(&store, name, Instant::ZERO));
        assert_eq!(left, [true, false, true, true]);
    }

    #[test]
    fn bytes_are_counted_through_replacing_and_never_exceed_the_bound() {
        let store = MemoryStore::new(10_000);
        for round in 0..500_usize {
            put(
                &store,
                &(round % 7).to_string(),
                round * 37 % 4000,
                Instant::ZERO,
            );
            assert!(store.bytes() <= 10_000);
        }
        put(&store, "huge", 10, Instant::ZERO);
        put(&store, "huge", 20_000, Instant::ZERO);
        assert!(!has(&store, "huge", Instant::ZERO), "nor what it replaces");
        assert!(!store.is_empty(), "what cannot fit pushes nothing out");
    }
}
