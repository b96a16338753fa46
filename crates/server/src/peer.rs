//! Who is at the other end of a connection, as handlers know it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::wire::Hijack;

/// The epochs for which a connection has been counted.
pub(crate) type Seen = Mutex<Vec<u64>>;

/// What the handlers know of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: u64,
    /// For which simulated endpoints this connection has been counted.
    pub(crate) seen: Arc<Seen>,
    /// Where a handler leaves an answer that hyper cannot send.
    pub(crate) hijack: Hijack,
}

impl Peer {
    pub(crate) fn new() -> Arc<Self> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            id,
            seen: Arc::default(),
            hijack: Hijack::default(),
        })
    }

    /// The peer of one HTTP/2 stream: the same connection, its own place for a broken answer.
    pub(crate) fn stream(&self) -> Arc<Self> {
        Arc::new(Self {
            id: self.id,
            seen: Arc::clone(&self.seen),
            hijack: Hijack::default(),
        })
    }
}
