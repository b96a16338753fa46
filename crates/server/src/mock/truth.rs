//! What one simulated endpoint really did, counted where it happens.
//!
//! `requests = accepted + rejected`, and at rest `accepted = completed + aborted`. A count is
//! raised before the bytes that tell a client of it leave, so a client that has seen an answer and
//! then asks finds it counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::keys::{Keys, Room};
use crate::peer::Seen;

/// Endpoints (and resets of them) that one connection remembers having been counted for.
const SEEN_MAX: usize = 64;

/// The counters of one endpoint, as `/stats` shows them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Counts {
    requests: u64,
    /// Taken on: a slot was given, or a place in the queue.
    accepted: u64,
    /// Turned away before any work: by a limit, a status fault, or for what was asked.
    rejected: u64,
    completed: u64,
    /// The client left first.
    aborted: u64,
    in_flight: u64,
    in_flight_max: u64,
    queued: u64,
    /// Requests that drew a fault which was carried out.
    faulted: u64,
    /// Requests that arrived at the redirect target.
    redirected: u64,
    /// Of those, how many carried a credential.
    redirected_credentials: u64,
    connections: u64,
    attempts_by_key: Keys,
    /// Requests accepted although one with the same idempotency key had been accepted before.
    duplicates: u64,
    /// When the first request arrived.
    #[serde(skip)]
    first: Option<Duration>,
    /// Differs between endpoints, and between one endpoint before and after a reset.
    #[serde(skip)]
    epoch: u64,
}

fn next_epoch() -> u64 {
    static EPOCHS: AtomicU64 = AtomicU64::new(1);
    EPOCHS.fetch_add(1, Ordering::Relaxed)
}

/// Shared counters. Every method is one short critical section.
#[derive(Debug)]
pub(crate) struct Truth(Mutex<Counts>);

/// A request that has arrived: its number since the last reset, how long after the first that was,
/// and that reset's number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) number: u64,
    pub(crate) age: Duration,
    epoch: u64,
}

impl Truth {
    pub(crate) fn new(room: Room) -> Self {
        Self(Mutex::new(Counts {
            epoch: next_epoch(),
            attempts_by_key: Keys::new(room),
            ..Counts::default()
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request. `seen` holds what this connection was counted for already.
    pub(crate) fn arrive(&self, now: Duration, seen: &Seen, key: Option<&str>) -> Arrival {
        let mut counts = self.lock();
        let epoch = counts.epoch;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.contains(&epoch) {
            if seen.len() == SEEN_MAX {
                seen.remove(0);
            }
            seen.push(epoch);
            counts.connections += 1;
        }
        if let Some(key) = key {
            counts.attempts_by_key.attempt(key);
        }
        counts.requests += 1;
        Arrival {
            number: counts.requests,
            age: now.saturating_sub(*counts.first.get_or_insert(now)),
            epoch,
        }
    }

    pub(crate) fn reject(&self, arrival: Arrival) {
        let mut counts = self.lock();
        if counts.epoch == arrival.epoch {
            counts.rejected += 1;
        }
    }

    pub(crate) fn fault(&self, arrival: Arrival) {
        let mut counts = self.lock();
        if counts.epoch == arrival.epoch {
            counts.faulted += 1;
        }
    }

    pub(crate) fn redirected(&self, with_credential: bool) {
        let mut counts = self.lock();
        counts.redirected += 1;
        counts.redirected_credentials += u64::from(with_credential);
    }

    pub(crate) fn accept(&self, arrival: Arrival, key: Option<&str>) {
        let mut counts = self.lock();
        if counts.epoch != arrival.epoch {
            return;
        }
        counts.accepted += 1;
        if let Some(key) = key
            && counts.attempts_by_key.accept(key)
        {
            counts.duplicates += 1;
        }
    }

    /// Moves the gauge of requests that wait for a slot.
    pub(crate) fn queue(&self, change: i64) {
        let mut counts = self.lock();
        counts.queued = counts.queued.saturating_add_signed(change);
    }

    pub(crate) fn start(&self) {
        let mut counts = self.lock();
        counts.in_flight += 1;
        counts.in_flight_max = counts.in_flight_max.max(counts.in_flight);
    }

    /// Ends an accepted request; `started` if it had left the queue.
    pub(crate) fn end(&self, arrival: Arrival, started: bool, completed: bool) {
        let mut counts = self.lock();
        counts.in_flight -= u64::from(started);
        if counts.epoch == arrival.epoch {
            if completed {
                counts.completed += 1;
            } else {
                counts.aborted += 1;
            }
        }
    }

    /// All counters, for as long as `look` looks at them.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Counts) -> T) -> T {
        look(&self.lock())
    }

    /// Zeroes all but the two gauges. What is in flight is not counted when it ends.
    pub(crate) fn reset(&self) {
        let mut counts = self.lock();
        *counts = Counts {
            in_flight: counts.in_flight,
            in_flight_max: counts.in_flight,
            queued: counts.queued,
            epoch: next_epoch(),
            attempts_by_key: counts.attempts_by_key.renewed(),
            ..Counts::default()
        };
    }

    /// Whether nobody is being served or waits.
    pub(crate) fn idle(&self) -> bool {
        let counts = self.lock();
        counts.in_flight == 0 && counts.queued == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_accepted_twice_is_a_duplicate_and_one_rejected_first_is_not() {
        let truth = Truth::new(Room::default());
        let seen = Seen::default();
        let first = truth.arrive(Duration::ZERO, &seen, Some("a"));
        truth.reject(first);
        for _ in 0..2 {
            let arrival = truth.arrive(Duration::ZERO, &seen, Some("a"));
            truth.accept(arrival, Some("a"));
            truth.start();
            truth.end(arrival, true, true);
        }
        let counts = truth
            .read(|counts| serde_json::to_value(counts))
            .expect("json");
        assert_eq!(counts["attempts_by_key"]["a"], 3);
        assert_eq!(
            ["duplicates", "connections", "completed"].map(|name| counts[name].clone()),
            [1, 1, 2]
        );
    }

    #[test]
    fn a_reset_zeroes_and_forgets_what_is_under_way() {
        let truth = Truth::new(Room::default());
        let seen = Seen::default();
        let arrival = truth.arrive(Duration::ZERO, &seen, None);
        truth.accept(arrival, None);
        truth.start();
        truth.reset();
        let in_flight = truth.read(|counts| counts.in_flight);
        assert_eq!((in_flight, truth.idle()), (1, false));
        truth.fault(arrival);
        truth.end(arrival, true, true);
        let left = truth.read(|counts| {
            (
                counts.requests,
                counts.faulted,
                counts.completed,
                counts.in_flight,
            )
        });
        assert_eq!(left, (0, 0, 0, 0));
        truth.arrive(Duration::ZERO, &seen, None);
        assert_eq!(truth.read(|counts| counts.connections), 1);
    }
}
