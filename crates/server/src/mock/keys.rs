//! Idempotency keys that one endpoint remembers, in a room that all endpoints of a server share.
//!
//! What finds no room is served all the same, and only not counted by key.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Serialize, Serializer};

/// Keys that one endpoint remembers.
const KEYS_MAX: usize = 200_000;
/// Keys that all endpoints remember together: some 150 MB if each is as long as it may be.
const KEYS_ALL_MAX: usize = 400_000;
/// A longer key is not remembered; clients send some forty bytes.
const KEY_BYTES_MAX: usize = 256;

/// How many keys all endpoints of one server remember.
#[derive(Debug, Clone, Default)]
pub(crate) struct Room(Arc<AtomicUsize>);

impl Room {
    fn take(&self) -> bool {
        let more = |taken| (taken < KEYS_ALL_MAX).then_some(taken + 1);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }
}

/// Keys with their counts. Dropping it makes room for others.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    counts: HashMap<String, Count>,
    room: Room,
}

#[derive(Debug, Default)]
struct Count {
    attempts: u64,
    accepted: u64,
}

impl Keys {
    pub(crate) fn new(room: Room) -> Self {
        Self {
            counts: HashMap::new(),
            room,
        }
    }

    /// No keys yet, in the same room.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(self.room.clone())
    }

    /// Counts an attempt with `key`.
    pub(crate) fn attempt(&mut self, key: &str) {
        if let Some(count) = self.counts.get_mut(key) {
            count.attempts += 1;
        } else if self.counts.len() < KEYS_MAX && key.len() <= KEY_BYTES_MAX && self.room.take() {
            let count = Count {
                attempts: 1,
                accepted: 0,
            };
            self.counts.insert(key.to_owned(), count);
        }
    }

    /// Counts an attempt as accepted; whether one with the same key had been accepted before.
    pub(crate) fn accept(&mut self, key: &str) -> bool {
        self.counts.get_mut(key).is_some_and(|count| {
            count.accepted += 1;
            count.accepted > 1
        })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.counts.len(), Ordering::Relaxed);
    }
}

/// How many attempts came with each key.
impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.counts.iter().map(|(key, count)| (key, count.attempts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_longer_than_any_honest_one_takes_no_memory() {
        let mut keys = Keys::default();
        keys.attempt("short");
        keys.attempt(&"k".repeat(60_000));
        assert_eq!(
            serde_json::to_string(&keys).expect("json"),
            r#"{"short":1}"#
        );
    }

    #[test]
    fn all_endpoints_together_remember_no_more_than_the_room_holds() {
        let room = Room::default();
        let mut endpoints: Vec<Keys> = (0..3).map(|_| Keys::new(room.clone())).collect();
        for keys in &mut endpoints {
            for number in 0..KEYS_MAX {
                keys.attempt(&number.to_string());
            }
        }
        let held = |endpoints: &[Keys]| endpoints.iter().map(|keys| keys.counts.len()).sum();
        let total: usize = held(&endpoints);
        assert_eq!(total, KEYS_ALL_MAX);
        endpoints[2].attempt("late");
        assert!(!endpoints[2].counts.contains_key("late"), "no room");
        // A reset, or a spec that is forgotten, makes room again.
        endpoints[0] = endpoints[0].renewed();
        endpoints[2].attempt("late");
        assert!(endpoints[2].counts.contains_key("late"));
    }
}
