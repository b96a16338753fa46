//! The oracle: a client that knows the server, and so is never refused. What it needs for a storm
//! is what goodput is measured against.
//!
//! It keeps exactly as many in flight as there are slots, sends exactly when a bucket or a period
//! has room, spends bursts at once, and has the same work, latencies and round trips.

use std::cell::RefCell;
use std::time::Duration;

use kneepoint_core::Instant;
use kneepoint_core::adapt;
use kneepoint_core::limiter::{Limiter, Options, Outcome};
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::{Bucket, ServerModel, Sim};

use super::attempt::attempt;
use super::run::{self, Call, CallReport, Caller, Measured};
use super::scenarios::Scenario;

/// Runs a storm as the oracle would.
pub(crate) fn run(scenario: &Scenario, seed: u64) -> Measured {
    let mut known = scenario.clone();
    known.clients = 1;
    known.ceiling = scenario.ceiling * scenario.clients as u32;
    if let Some(slots) = scenario.server.slots {
        known.ceiling = known.ceiling.min(slots);
    }
    // It obeys the limits by itself; without them rounding cannot make it stumble over one.
    known.server = ServerModel {
        slots: None,
        queues: false,
        requests: None,
        request_steps: Vec::new(),
        window: None,
        tokens: None,
        outage: None,
        shed: 0.0,
        errors: 0.0,
        ..scenario.server.clone()
    };
    let server = scenario.server.clone();
    run::run(&known, seed, |sim| {
        Oracle::new(sim, server.clone(), known.ceiling)
    })
}

struct Oracle {
    sim: Sim,
    server: ServerModel,
    places: Limiter<Sim>,
    books: RefCell<Books>,
}

/// What was sent so far.
#[derive(Default)]
struct Books {
    requests: Account,
    tokens: Account,
    period: f64,
    in_period: f64,
}

/// How much of a bucket is spoken for, as the time at which it will be full again.
#[derive(Default)]
struct Account {
    full_at: f64,
}

impl Account {
    /// Takes `cost` out of the bucket; returns when it is there.
    fn take(&mut self, now: f64, bucket: Bucket, cost: f64) -> f64 {
        let cost = cost.min(bucket.burst);
        self.full_at = self.full_at.max(now) + cost / bucket.rate;
        (self.full_at - bucket.burst / bucket.rate).max(now)
    }
}

impl Oracle {
    fn new(sim: &Sim, server: ServerModel, ceiling: u32) -> Self {
        let rule = adapt::Options {
            ceiling,
            adaptive: false,
            ..Default::default()
        };
        let options = Options {
            rule,
            ..Options::default()
        };
        let places = Limiter::new(sim.clone(), options);
        Self {
            sim: sim.clone(),
            server,
            places,
            books: RefCell::default(),
        }
    }

    /// The first moment at which the server has room for this call.
    fn room_at(&self, call: &Call) -> f64 {
        let now = self.sim.now().as_secs_f64();
        let books = &mut *self.books.borrow_mut();
        let mut at = now;
        if let Some((from, to)) = self.server.outage
            && (from..to).contains(&now)
        {
            at = to;
        }
        if let Some(mut bucket) = self.server.requests {
            for &(from, rate) in &self.server.request_steps {
                if books.requests.full_at - bucket.burst / bucket.rate >= from || now >= from {
                    bucket = Bucket {
                        rate,
                        burst: rate.max(1.0),
                    };
                }
            }
            at = at.max(books.requests.take(now, bucket, 1.0));
        }
        if let Some(bucket) = self.server.tokens {
            let work = self.server.work(self.sim.seed(), &call.body);
            at = at.max(books.tokens.take(now, bucket, work.units));
        }
        if let Some(window) = self.server.window {
            let period = (now / window.seconds).floor();
            if period > books.period {
                (books.period, books.in_period) = (period, 0.0);
            }
            if books.in_period >= window.requests {
                (books.period, books.in_period) = (books.period + 1.0, 0.0);
            }
            books.in_period += 1.0;
            at = at.max(books.period * window.seconds);
        }
        at
    }
}

impl Caller for Oracle {
    async fn call(&self, call: Call) -> CallReport {
        let place = self
            .places
            .acquire(self.places.position(0))
            .await
            .expect("the queue is large");
        let room_at = Duration::from_secs_f64(self.room_at(&call));
        self.sim
            .sleep((Instant::ZERO + room_at) - self.sim.now())
            .await;
        let started = self.sim.now();
        attempt(&self.sim, &call).await;
        let in_flight = self.places.snapshot().in_flight;
        place.settle(Outcome::Failed { tokens: None });
        CallReport {
            attempts: 1,
            refused: 0,
            answered: true,
            started,
            in_flight,
        }
    }
}
