//! A modelled server: limits, a queue or a batch, latencies and faults, drawn from a seed.
//!
//! What a request costs belongs to its body: the same body costs the same whoever sends it, whenever
//! and however often. So two clients, or a client and an oracle, can be given the very same work.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use libm::exp;

use super::batch::{Batch, Batching};
use super::random::{Random, seed_of};

/// A token bucket: full at the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Tokens per second.
    pub rate: f64,
    /// The most it holds.
    pub burst: f64,
}

/// A count that starts again at each full period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FixedWindow {
    /// Requests per period.
    pub requests: f64,
    /// Its length in seconds.
    pub seconds: f64,
}

/// How long one request takes: `(median + per_unit·units)` seconds, spread lognormally.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Seconds, whatever the length.
    pub median: f64,
    /// Seconds per unit of output.
    pub per_unit: f64,
    /// The spread of the logarithm; 0 makes it constant.
    pub sigma: f64,
}

/// How much output an answer holds, spread lognormally.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Units {
    /// The median.
    pub median: f64,
    /// The spread of the logarithm.
    pub sigma: f64,
    /// From the request of this number on (counted from 0, see [`ServerModel::work`]), the median is
    /// multiplied by the second figure.
    pub step: Option<(u64, f64)>,
}

/// What a modelled server is like. All times are in seconds. By default it takes everything on and
/// answers in about a second.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerModel {
    /// How many requests it works on at once.
    pub slots: Option<u32>,
    /// Whether requests beyond the slots wait in line instead of being refused.
    pub queues: bool,
    /// Changes of `slots`: from this time on, that many.
    pub slot_steps: Vec<(f64, u32)>,
    /// Works on all requests together; `latency` then counts for nothing.
    pub batching: Option<Batching>,
    /// A limit on requests per second.
    pub requests: Option<Bucket>,
    /// Changes of its rate: from this time on, so many per second, with a burst of one second.
    pub request_steps: Vec<(f64, f64)>,
    /// A limit on requests per fixed period.
    pub window: Option<FixedWindow>,
    /// A limit on units of output per second.
    pub tokens: Option<Bucket>,
    /// From when to when it answers everything with a 503.
    pub outage: Option<(f64, f64)>,
    /// The share of requests that it refuses at random.
    pub shed: f64,
    /// The share of requests that fail with a 500.
    pub errors: f64,
    /// How long a request takes.
    pub latency: Latency,
    /// How much output it makes.
    pub units: Units,
    /// Whether the answers say how much.
    pub reports_usage: bool,
    /// How long it takes to refuse, at least and at most.
    pub refusal_delay: (f64, f64),
    /// The round trip to the server.
    pub round_trip: f64,
    /// A refusal says when to come back: the truth, in whole seconds, times this.
    pub retry_after: Option<f64>,
    /// How many pieces an event stream comes in, where the request asks for one.
    pub stream_pieces: u32,
}

impl Default for ServerModel {
    fn default() -> Self {
        Self {
            slots: None,
            queues: false,
            slot_steps: Vec::new(),
            batching: None,
            requests: None,
            request_steps: Vec::new(),
            window: None,
            tokens: None,
            outage: None,
            shed: 0.0,
            errors: 0.0,
            latency: Latency {
                median: 1.0,
                per_unit: 0.0,
                sigma: 0.3,
            },
            units: Units {
                median: 16.0,
                sigma: 0.0,
                step: None,
            },
            reports_usage: true,
            refusal_delay: (0.01, 0.03),
            round_trip: 0.02,
            retry_after: None,
            stream_pieces: 8,
        }
    }
}

/// What one request costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Units of output.
    pub units: f64,
    /// Seconds of one slot.
    pub seconds: f64,
}

impl ServerModel {
    /// What the request with this body costs in the world of `seed`. A body that ends in digits
    /// before its last two characters, such as `{"n":17}`, has their number for [`Units::step`].
    pub fn work(&self, seed: u64, body: &str) -> Work {
        let mut random = Random::new(seed_of(seed, body));
        let mut median = self.units.median;
        if let Some((from, factor)) = self.units.step
            && number_in(body) >= from
        {
            median *= factor;
        }
        let units = (median * exp(self.units.sigma * random.normal())).max(1.0);
        let Latency {
            median,
            per_unit,
            sigma,
        } = self.latency;
        let seconds = (median + per_unit * units) * exp(sigma * random.normal());
        Work { units, seconds }
    }
}

/// The last run of digits in a text.
fn number_in(body: &str) -> u64 {
    let text = body.trim_end_matches(|c: char| !c.is_ascii_digit());
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let start = digits
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + 1);
    digits[start..].parse().unwrap_or(0)
}

/// What the server decided about a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Decision {
    Accept(Work),
    /// Answered with this status after so many seconds.
    Refuse {
        status: u16,
        retry_after: Option<f64>,
        seconds: f64,
    },
}

/// A bucket at work.
#[derive(Debug)]
struct Level {
    bucket: Bucket,
    tokens: f64,
    at: f64,
}

impl Level {
    const fn full(bucket: Bucket) -> Self {
        Self {
            bucket,
            tokens: bucket.burst,
            at: 0.0,
        }
    }

    /// Seconds until `cost` is there; 0 if it is.
    fn missing(&mut self, now: f64, cost: f64) -> f64 {
        let filled = self.tokens + (now - self.at).max(0.0) * self.bucket.rate;
        self.tokens = filled.min(self.bucket.burst);
        self.at = now;
        let missing = cost.min(self.bucket.burst) - self.tokens;
        if missing > 1e-9 {
            missing / self.bucket.rate
        } else {
            0.0
        }
    }

    fn take(&mut self, cost: f64) {
        self.tokens -= cost.min(self.bucket.burst);
    }
}

/// A modelled server at work.
pub(super) struct ModelState {
    pub(super) model: ServerModel,
    seed: u64,
    random: Random,
    requests: Option<Level>,
    tokens: Option<Level>,
    period: u64,
    in_period: f64,
    /// Requests that hold a slot or wait for one.
    busy: u32,
    line: VecDeque<(u64, Option<Waker>)>,
    arrivals: u64,
    pub(super) batch: Rc<RefCell<Batch>>,
}

/// A modelled server that its requests share.
pub(super) type SharedModel = Rc<RefCell<ModelState>>;

impl ModelState {
    pub(super) fn new(model: ServerModel, seed: u64) -> Self {
        Self {
            seed,
            random: Random::new(seed ^ 0x5EED_0F5E_44E4),
            requests: model.requests.map(Level::full),
            tokens: model.tokens.map(Level::full),
            period: 0,
            in_period: 0.0,
            busy: 0,
            line: VecDeque::new(),
            arrivals: 0,
            batch: Rc::default(),
            model,
        }
    }

    /// A request arrives. What is accepted must take its place at once.
    pub(super) fn decide(&mut self, now: f64, body: &str) -> Decision {
        self.follow_steps(now);
        let (low, high) = self.model.refusal_delay;
        let seconds = self.random.between(low, high);
        if self
            .model
            .outage
            .is_some_and(|(from, to)| (from..to).contains(&now))
        {
            return Decision::Refuse {
                status: 503,
                retry_after: None,
                seconds,
            };
        }
        let work = self.model.work(self.seed, body);
        if let Some(wait) = self.excess(now, work.units) {
            let retry_after = self
                .model
                .retry_after
                .map(|scale| wait.ceil().max(1.0) * scale);
            return Decision::Refuse {
                status: 429,
                retry_after,
                seconds,
            };
        }
        self.in_period += 1.0;
        if let Some(level) = &mut self.requests {
            level.take(1.0);
        }
        if let Some(level) = &mut self.tokens {
            level.take(work.units);
        }
        if self.model.errors > 0.0 && self.random.unit() < self.model.errors {
            return Decision::Refuse {
                status: 500,
                retry_after: None,
                seconds: seconds + 0.1,
            };
        }
        Decision::Accept(work)
    }

    /// The seconds after which a request that is too much now would have been taken on.
    fn excess(&mut self, now: f64, units: f64) -> Option<f64> {
        let model = &self.model;
        let shed = model.shed;
        if !model.queues && model.slots.is_some_and(|slots| self.busy >= slots) {
            return Some(1.0);
        }
        if let Some(window) = model.window {
            let period = (now / window.seconds).floor();
            if period as u64 != self.period {
                self.period = period as u64;
                self.in_period = 0.0;
            }
            if self.in_period >= window.requests {
                return Some((period + 1.0) * window.seconds - now);
            }
        }
        for (level, cost) in [(&mut self.requests, 1.0), (&mut self.tokens, units)] {
            let wait = level.as_mut().map_or(0.0, |level| level.missing(now, cost));
            if wait > 0.0 {
                return Some(wait);
            }
        }
        (shed > 0.0 && self.random.unit() < shed).then_some(1.0)
    }

    fn follow_steps(&mut self, now: f64) {
        while self
            .model
            .slot_steps
            .first()
            .is_some_and(|(at, _)| *at <= now)
        {
            let (_, slots) = self.model.slot_steps.remove(0);
            self.model.slots = Some(slots);
        }
        while self
            .model
            .request_steps
            .first()
            .is_some_and(|(at, _)| *at <= now)
        {
            let (at, rate) = self.model.request_steps.remove(0);
            if let Some(level) = &mut self.requests {
                level.missing(at, 0.0);
                level.bucket = Bucket {
                    rate,
                    burst: rate.max(1.0),
                };
                level.tokens = level.tokens.min(level.bucket.burst);
            }
        }
    }

    /// Joins the slots, or the line before them.
    pub(super) fn take_place(shared: &SharedModel) -> Place {
        let mut state = shared.borrow_mut();
        state.arrivals += 1;
        let number = state.arrivals;
        let waits =
            state.model.queues && state.model.slots.is_some_and(|slots| state.busy >= slots);
        if waits {
            state.line.push_back((number, None));
        } else {
            state.busy += 1;
        }
        drop(state);
        Place {
            shared: Rc::clone(shared),
            number,
            waits,
        }
    }

    fn leave(&mut self, number: u64, waits: bool) -> Option<Waker> {
        if waits && let Some(at) = self.line.iter().position(|(other, _)| *other == number) {
            self.line.remove(at);
            return None;
        }
        self.busy -= 1;
        if self.model.slots.is_none_or(|slots| self.busy < slots) {
            let (_, waker) = self.line.pop_front()?;
            self.busy += 1;
            return waker;
        }
        None
    }
}

/// A slot, or a place in the line before the slots. Dropping it lets the next one in.
pub(super) struct Place {
    shared: SharedModel,
    number: u64,
    waits: bool,
}

impl Place {
    /// Waits until it is a slot.
    pub(super) async fn reached(&self) {
        if !self.waits {
            return;
        }
        std::future::poll_fn(|context| {
            let mut state = self.shared.borrow_mut();
            let waiting = state
                .line
                .iter_mut()
                .find(|(number, _)| *number == self.number);
            match waiting {
                Some((_, waker)) => {
                    *waker = Some(context.waker().clone());
                    std::task::Poll::Pending
                }
                None => std::task::Poll::Ready(()),
            }
        })
        .await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let woken = self.shared.borrow_mut().leave(self.number, self.waits);
        if let Some(waker) = woken {
            waker.wake();
        }
    }
}
