//! A map for keys that are spread evenly by themselves: no hasher, no order, constant time.
//!
//! A tree of the library's is several kilobytes of code for each type of key; this is less than one.

/// Entries that a bucket holds on average before there are more buckets.
const ENTRIES_PER_BUCKET: usize = 2;

/// What a [`Table`] can find.
pub(crate) trait Spread: Eq {
    /// A number that differs from key to key, in its low bits too.
    fn spread(&self) -> usize;
}

/// Values by key.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    buckets: Vec<Vec<(K, V)>>,
    len: usize,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            buckets: Vec::new(),
            len: 0,
        }
    }
}

impl<K: Spread, V> Table<K, V> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let bucket = self.buckets.get(self.place(key))?;
        bucket
            .iter()
            .find(|entry| entry.0 == *key)
            .map(|entry| &entry.1)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key);
        let bucket = self.buckets.get_mut(place)?;
        bucket
            .iter_mut()
            .find(|entry| entry.0 == *key)
            .map(|entry| &mut entry.1)
    }

    /// Puts `value` in the place of what was there.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        if self.len >= self.buckets.len() * ENTRIES_PER_BUCKET {
            let more = (self.buckets.len() * 2).max(4);
            let old = std::mem::take(&mut self.buckets);
            self.buckets.resize_with(more, Vec::new);
            for (key, value) in old.into_iter().flatten() {
                self.put(key, value);
            }
        }
        self.put(key, value);
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key);
        let bucket = self.buckets.get_mut(place)?;
        let at = bucket.iter().position(|entry| entry.0 == *key)?;
        self.len -= 1;
        Some(bucket.swap_remove(at).1)
    }

    fn put(&mut self, key: K, value: V) {
        let place = self.place(&key);
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.push((key, value));
        }
    }

    /// The number of buckets is a power of two, or none at all.
    fn place(&self, key: &K) -> usize {
        key.spread() & self.buckets.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Spread for usize {
        fn spread(&self) -> usize {
            *self
        }
    }

    #[test]
    fn what_is_in_it_is_found_until_it_is_taken_out() {
        let mut table = Table::default();
        assert_eq!(table.get(&0), None);
        assert_eq!(table.remove(&0), None);
        for key in 0..1000_usize {
            table.insert(key, 0);
            table.insert(key, key + 1);
        }
        assert_eq!(table.len(), 1000);
        for key in (0..1000).step_by(3) {
            assert_eq!(table.remove(&key), Some(key + 1));
        }
        for key in 0..1000 {
            let left = (key % 3 > 0).then_some(key + 1);
            assert_eq!(table.get(&key), left.as_ref());
            assert_eq!(table.get_mut(&key).copied(), left);
        }
        assert_eq!(table.len(), 666);
        let largest = table.buckets.iter().map(Vec::len).max();
        assert_eq!(largest, Some(ENTRIES_PER_BUCKET), "even keys spread evenly");
    }
}
