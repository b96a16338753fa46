//! A world of its own for tests: a virtual clock, dice with a seed, an executor and simulated
//! servers. The same seed gives the same run, to the byte.
//!
//! Time passes only while nothing can run, so a minute of waiting takes no time. A world in which
//! nothing can ever run again panics and names its seed.
//!
//! ```
//! use kneepoint_core::platform::sim::{Reply, Script, Sim};
//! use kneepoint_core::platform::{Body, Platform};
//! use kneepoint_core::{Headers, HttpRequest, Method};
//! use std::time::Duration;
//!
//! let sim = Sim::new(1);
//! let slow = Reply::json("{}").after(Duration::from_secs(3));
//! let truth = sim.serve("https://llm.test", Script::new().reply(slow));
//!
//! let url = "https://llm.test/v1/models".into();
//! let request = HttpRequest { method: Method::Get, url, headers: Headers::new(), body: None, handle: None, whole: None };
//! let body = sim.run(async {
//!     let (head, mut body) = sim.fetch(request).await.unwrap();
//!     assert_eq!(head.status, 200);
//!     body.chunk().await.unwrap().unwrap()
//! });
//! assert_eq!(body, b"{}");
//! assert_eq!(sim.now().as_secs_f64(), 3.0);
//! assert_eq!(truth.counts().requests, 1);
//! ```

mod answer;
mod batch;
mod body;
mod model;
mod random;
mod script;
mod server;
mod truth;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

pub use batch::Batching;
pub use body::SimBody;
pub use model::{Bucket, FixedWindow, Latency, ServerModel, Units, Work};
pub use random::Random;
pub use script::{Reply, Script};
pub use server::Server;
pub use truth::{Counts, Seen, Truth};

use crate::http::{Head, HttpRequest};
use crate::platform::clock::Clock;
use crate::platform::executor::{Executor, Polled};
use crate::platform::{Platform, TransportError};
use crate::time::Instant;

/// The wall clock at the start: some day in 2023.
const UNIX_START: Duration = Duration::from_secs(1_700_000_000);

/// More steps than any test needs: beyond them it runs in circles.
const STEPS_MAX: u64 = 2_000_000_000;

/// A simulated world. Clones share it.
#[derive(Clone)]
pub struct Sim(Rc<World>);

struct World {
    seed: u64,
    clock: Rc<Clock>,
    executor: Executor,
    random: RefCell<Random>,
    steps: Cell<u64>,
    turns: Cell<u64>,
    steps_max: Cell<u64>,
    routes: RefCell<Vec<(String, Server)>>,
}

impl Sim {
    /// A world at time zero, without servers.
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(World {
            seed,
            clock: Rc::default(),
            executor: Executor::default(),
            random: RefCell::new(Random::new(seed)),
            steps: Cell::new(0),
            turns: Cell::new(0),
            steps_max: Cell::new(STEPS_MAX),
            routes: RefCell::default(),
        }))
    }

    /// The number that everything in this world was drawn from.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// Puts a server behind all URLs that start with `prefix`; the longest prefix wins. Where there
    /// is none, connecting fails.
    pub fn serve(&self, prefix: &str, server: impl Into<ServerPlan>) -> Truth {
        let server = Server::new(server.into(), self.0.seed);
        let truth = server.truth();
        let mut routes = self.0.routes.borrow_mut();
        routes.retain(|(known, _)| known != prefix);
        routes.push((prefix.to_owned(), server));
        routes.sort_by_key(|(known, _)| std::cmp::Reverse(known.len()));
        truth
    }

    /// Runs until `future` ends. Background tasks that have not ended stay for the next run.
    ///
    /// # Panics
    ///
    /// If nothing can ever run again, or after too many steps; the message names the seed.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let waker = self.0.executor.main();
        loop {
            match self.0.executor.poll_next() {
                Polled::Main => {
                    let context = &mut Context::from_waker(&waker);
                    if let Poll::Ready(output) = future.as_mut().poll(context) {
                        return output;
                    }
                }
                Polled::Task => {}
                Polled::Nothing => assert!(
                    self.0.clock.fire_next(Instant::from_micros(u64::MAX)),
                    "deadlock at {:?}: nothing can run and no timer is set (seed {})",
                    self.0.clock.now(),
                    self.0.seed
                ),
            }
            self.count_step();
        }
    }

    /// Lets `duration` pass and runs whatever happens in it.
    pub fn advance(&self, duration: Duration) {
        let until = self.0.clock.now() + duration;
        loop {
            match self.0.executor.poll_next() {
                Polled::Nothing if !self.0.clock.fire_next(until) => break,
                _ => self.count_step(),
            }
        }
        self.0.clock.jump(until);
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// How many timers are set: none when everything was dropped.
    pub fn timers(&self) -> usize {
        self.0.clock.timers()
    }

    /// How many background tasks have not ended.
    pub fn tasks(&self) -> usize {
        self.0.executor.tasks()
    }

    /// How many polls and timers it took so far.
    pub fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    /// How often someone let the event loop go round. Here that costs nothing.
    pub fn turns(&self) -> u64 {
        self.0.turns.get()
    }

    /// Panics after so many steps. Default: two thousand million.
    pub fn limit_steps(&self, steps: u64) {
        self.0.steps_max.set(steps);
    }

    fn count_step(&self) {
        let steps = self.0.steps.get() + 1;
        self.0.steps.set(steps);
        assert!(
            steps <= self.0.steps_max.get(),
            "{steps} steps and no end at {:?} (seed {})",
            self.0.clock.now(),
            self.0.seed
        );
    }

    fn server(&self, url: &str) -> Option<Server> {
        let routes = self.0.routes.borrow();
        let route = routes
            .iter()
            .find(|(prefix, _)| url.starts_with(prefix.as_str()));
        route.map(|(_, server)| server.clone())
    }
}

/// What [`Sim::serve`] accepts: a [`Script`] or a [`ServerModel`].
#[derive(Debug, Clone)]
pub enum ServerPlan {
    /// Replies written out one by one.
    Script(Script),
    /// A model that decides by itself.
    Model(Box<ServerModel>),
}

impl From<Script> for ServerPlan {
    fn from(script: Script) -> Self {
        Self::Script(script)
    }
}

impl From<ServerModel> for ServerPlan {
    fn from(model: ServerModel) -> Self {
        Self::Model(Box::new(model))
    }
}

impl Platform for Sim {
    type Body = SimBody;

    fn now(&self) -> Instant {
        self.0.clock.now()
    }

    fn unix_time(&self) -> Duration {
        UNIX_START + (self.0.clock.now() - Instant::ZERO)
    }

    fn random(&self) -> f64 {
        self.0.random.borrow_mut().unit()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.0.clock.sleep_until(self.0.clock.now() + duration)
    }

    fn turn(&self) -> impl Future<Output = ()> + 'static {
        self.0.turns.set(self.0.turns.get() + 1);
        std::future::ready(())
    }

    fn fetch(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<(Head, SimBody), TransportError>> + 'static {
        let server = self.server(&request.url);
        let clock = Rc::clone(&self.0.clock);
        async move {
            match server {
                Some(server) => server.answer(clock, request).await,
                None => Err(TransportError::Connect(format!(
                    "no server at {}",
                    request.url
                ))),
            }
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.executor.spawn(Box::pin(task));
    }
}
