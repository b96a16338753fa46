//! One simulated endpoint: its spec, what it admits, and what it counted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::answer::Answer;
use super::batch::Batching;
use super::dice::Dice;
use super::keys::Room;
use super::limit::{Cause, Entry, RateLimits, RateView, Refusal, Slots};
use super::pace::{Pace, Schedule};
use super::spec::Spec;
use super::truth::{Arrival, Truth};
use crate::clock;

/// State of one exact spec string.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) spec: Spec,
    pub(crate) truth: Truth,
    pub(crate) seed: u64,
    rates: Mutex<RateLimits>,
    slots: Option<Mutex<Door>>,
    batching: Option<Arc<Batching>>,
    /// When it was last used, in steps that all endpoints count together: only the order matters.
    used: AtomicU64,
}

fn next_step() -> u64 {
    static STEPS: AtomicU64 = AtomicU64::new(1);
    STEPS.fetch_add(1, Ordering::Relaxed)
}

/// The slots, and those who wait for one.
#[derive(Debug)]
struct Door {
    slots: Slots,
    waiting: HashMap<u64, oneshot::Sender<()>>,
}

/// A place that must be given back.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// This endpoint has no slots.
    Open,
    Slot,
    Queue(u64),
}

impl Endpoint {
    pub(crate) fn new(spec: Spec, room: Room) -> Self {
        let door = |slots| {
            Mutex::new(Door {
                slots: Slots::new(slots, spec.queue),
                waiting: HashMap::new(),
            })
        };
        Self {
            truth: Truth::new(room),
            seed: spec.seed.unwrap_or_else(|| fastrand::u64(..)),
            rates: Mutex::new(RateLimits::new(&spec)),
            slots: spec.slots.map(door),
            batching: spec.step.map(Batching::new),
            used: AtomicU64::new(next_step()),
            spec,
        }
    }

    /// Notes that it is being used.
    pub(crate) fn touch(&self) {
        self.used.store(next_step(), Ordering::Relaxed);
    }

    /// Since which step it has been idle; None while anybody is served or waits.
    pub(crate) fn idle_since(&self) -> Option<u64> {
        self.truth.idle().then(|| self.used.load(Ordering::Relaxed))
    }

    fn door(&self) -> Option<MutexGuard<'_, Door>> {
        Some(
            self.slots
                .as_ref()?
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Admits a request of so many tokens, waiting in the queue if there is room in it.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        arrival: Arrival,
        key: Option<&str>,
        tokens: u32,
    ) -> Result<Serving, Refusal> {
        let (place, called) = self.enter()?;
        // From here on a drop gives the place back, so a refusal needs no undoing of its own.
        let mut serving = Serving {
            endpoint: Arc::clone(self),
            arrival,
            place,
            accepted: false,
        };
        let admitted = {
            let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
            rates.admit(clock::now(), tokens)
        };
        admitted?;
        self.truth.accept(arrival, key);
        serving.accepted = true;
        if let Some(called) = called {
            self.truth.queue(1);
            // An error means that the door is gone, and the server with it.
            let _ = called.await;
            self.truth.queue(-1);
            serving.place = Place::Slot;
        }
        self.truth.start();
        Ok(serving)
    }

    fn enter(&self) -> Result<(Place, Option<oneshot::Receiver<()>>), Refusal> {
        let Some(mut door) = self.door() else {
            return Ok((Place::Open, None));
        };
        match door.slots.enter() {
            Entry::Served => Ok((Place::Slot, None)),
            Entry::Waiting(ticket) => {
                let (call, called) = oneshot::channel();
                door.waiting.insert(ticket, call);
                Ok((Place::Queue(ticket), Some(called)))
            }
            Entry::Full => Err(Refusal {
                cause: Cause::Capacity,
                wait: None,
            }),
        }
    }

    fn give_back(&self, place: Place) {
        let Some(mut door) = self.door() else { return };
        if let Place::Queue(ticket) = place {
            door.waiting.remove(&ticket);
            if door.slots.give_up(ticket) {
                return;
            }
            // The slot was handed over in the same moment: it goes on to the next.
        }
        if let Some(next) = door.slots.leave()
            && let Some(call) = door.waiting.remove(&next)
        {
            // If nobody listens any more, that request's own drop gives the slot back.
            let _ = call.send(());
        }
    }

    /// The clock of an answer that starts now.
    pub(crate) fn pace(&self, answer: &Answer, dice: Dice) -> Pace {
        if let Some(batching) = &self.batching {
            Pace::Batch(batching.join(answer.total))
        } else {
            let Spec { ttft, tpot, .. } = self.spec;
            Pace::Schedule(Schedule::new(clock::now(), ttft, tpot, dice))
        }
    }

    /// The limits on requests and on tokens, for headers.
    pub(crate) fn rate_views(&self) -> (Option<RateView>, Option<RateView>) {
        self.rates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .view(clock::now())
    }
}

/// A request that has been admitted. Dropped without `complete`, it counts as aborted.
#[derive(Debug)]
pub(crate) struct Serving {
    endpoint: Arc<Endpoint>,
    arrival: Arrival,
    place: Place,
    accepted: bool,
}

impl Serving {
    /// Everything that was meant to be sent has been handed over.
    pub(crate) fn complete(mut self) {
        self.end(true);
    }

    fn end(&mut self, completed: bool) {
        if std::mem::take(&mut self.accepted) {
            let started = !matches!(self.place, Place::Queue(_));
            if !started {
                self.endpoint.truth.queue(-1);
            }
            self.endpoint.truth.end(self.arrival, started, completed);
            self.endpoint.touch();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end(false);
        self.endpoint.give_back(self.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::grammar;
    use crate::peer::Seen;

    fn endpoint(text: &str) -> Arc<Endpoint> {
        Arc::new(Endpoint::new(
            grammar::parse(text).expect("spec"),
            Room::default(),
        ))
    }

    fn counts(endpoint: &Endpoint) -> [u64; 5] {
        let value = endpoint
            .truth
            .read(|counts| serde_json::to_value(counts))
            .expect("json");
        ["accepted", "completed", "aborted", "in_flight", "queued"]
            .map(|name| value[name].as_u64().expect("count"))
    }

    #[tokio::test]
    async fn a_waiter_that_leaves_does_not_take_the_slot_along() {
        let endpoint = endpoint("slots=1,queue=2");
        let seen = Seen::default();
        let admit = || {
            let endpoint = Arc::clone(&endpoint);
            let arrival = endpoint.truth.arrive(clock::now(), &seen, None);
            tokio::spawn(async move { endpoint.admit(arrival, None, 1).await })
        };
        let first = admit().await.expect("runs").expect("admitted");
        let (leaver, stayer) = (admit(), admit());
        tokio::task::yield_now().await;
        assert_eq!(counts(&endpoint), [3, 0, 0, 1, 2]);
        let refusal = admit().await.expect("runs").expect_err("full");
        assert_eq!(refusal.cause, Cause::Capacity);
        leaver.abort();
        assert!(leaver.await.is_err());
        assert_eq!(counts(&endpoint), [3, 0, 1, 1, 1]);
        first.complete();
        let second = stayer.await.expect("runs").expect("its turn");
        assert_eq!(counts(&endpoint), [3, 1, 1, 1, 0]);
        drop(second);
        assert_eq!(counts(&endpoint), [3, 1, 2, 0, 0]);
    }

    #[tokio::test]
    async fn a_request_refused_by_a_rate_gives_its_slot_back() {
        let endpoint = endpoint("slots=1,rps=1:1");
        let seen = Seen::default();
        let arrival = endpoint.truth.arrive(clock::now(), &seen, None);
        drop(endpoint.admit(arrival, None, 1).await.expect("admitted"));
        for _ in 0..3 {
            let refusal = endpoint.admit(arrival, None, 1).await.expect_err("rate");
            assert_eq!(refusal.cause, Cause::Requests);
        }
        assert_eq!(counts(&endpoint)[3], 0);
    }
}
