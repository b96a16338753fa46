//! What a plain run and a ladder share: slots, the budget, the ticks, one step at a time.

use std::cmp::Reverse;
use std::rc::Rc;
use std::time::Duration;

use kneepoint_core::platform::Platform;
use kneepoint_core::{ConfigError, Instant};

use crate::client_bound::{Signs, still};
use crate::outcome::Job;
use crate::plan::{Plan, Spend};
use crate::pool::{Event, Pool};
use crate::progress::{Control, Listener, Live, Phase, TICK, Tick};
use crate::reach::Reach;
use crate::report::Purpose;
use crate::send::{Landing, Sender};
use crate::tally::Surroundings;
use crate::target::Target;

/// Why a run sends nothing more.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Halt {
    /// Someone wants it so.
    User,
    /// Another request might exceed the budget.
    Budget(String),
    /// Nobody is there, see [`Reach`].
    Unreached,
    /// Requests cannot be made like this at all.
    Config(ConfigError),
}

/// A run under way.
pub(crate) struct Session<'a, P: Platform> {
    pub(crate) platform: P,
    pub(crate) target: &'a Target,
    pub(crate) plan: &'a Plan,
    pub(crate) listener: &'a mut dyn Listener,
    pub(crate) pool: Pool<P>,
    pub(crate) live: Live,
    pub(crate) halt: Option<Halt>,
    /// What ticks say beside the counts.
    pub(crate) now: Tick,
    control: &'a Control,
    sender: Rc<Sender<P>>,
    spend: &'a mut Spend,
    reach: Reach,
    sent: u64,
    /// Slots of a closed loop: how many are in use, how many there ever were, and which have nothing
    /// to do.
    size: u32,
    slots: u32,
    free: Free,
    next_tick: Instant,
    /// Rests of slots, added up since asked last, in slots times microseconds.
    rested: f64,
    rested_at: Instant,
}

impl<'a, P: Platform> Session<'a, P> {
    pub(crate) fn new(
        platform: &P,
        target: &'a Target,
        plan: &'a Plan,
        control: &'a Control,
        listener: &'a mut dyn Listener,
        spend: &'a mut Spend,
        sender: Sender<P>,
    ) -> Self {
        let sender = Rc::new(sender);
        let now = platform.now();
        Self {
            pool: Pool::new(platform, sender.clone()),
            platform: platform.clone(),
            target,
            plan,
            listener,
            live: Live::default(),
            halt: None,
            now: Tick::default(),
            control,
            sender,
            spend,
            reach: Reach::default(),
            sent: 0,
            size: 0,
            slots: 0,
            free: Free::default(),
            next_tick: now,
            rested: 0.0,
            rested_at: now,
        }
    }

    /// Microseconds since the run began.
    pub(crate) fn micros(&self, at: Instant) -> u64 {
        (at - self.sender.origin()).as_micros() as u64
    }

    /// When the run began.
    pub(crate) fn origin(&self) -> Instant {
        self.sender.origin()
    }

    /// Whether streams were asked for their usage.
    pub(crate) fn asks_usage(&self) -> bool {
        self.sender.asks_usage()
    }

    /// Sends the next request. `false` where the budget has no room for it, which ends the run.
    pub(crate) fn send(&mut self, slot: u32, sched: Instant, measured: bool) -> bool {
        let id = self.sent;
        let prompts = &self.target.prompts;
        let prompt = prompts.prompt(self.plan.seed, id);
        let most = prompts.most(&prompt);
        if let Err(over) = self.spend.reserve(most) {
            self.halt
                .get_or_insert_with(|| Halt::Budget(over.to_string()));
            return false;
        }
        self.sent += 1;
        let job = Job {
            id,
            rung: self.now.rung,
            slot,
            sched,
            measured,
            most,
        };
        self.pool.send(job, prompt);
        true
    }

    /// Changes the number of slots. Slots beyond a lower number end what they do and stay idle;
    /// the others go on without a break.
    pub(crate) fn resize(&mut self, size: u32) {
        self.size = size;
        self.now.concurrency = Some(size);
        (self.slots..size).for_each(|slot| self.free.insert(slot));
        self.slots = self.slots.max(size);
    }

    /// Gives every free slot in use a request, as long as `allowed` says so.
    pub(crate) fn fill(&mut self, measured: bool, mut allowed: impl FnMut() -> bool) {
        let now = self.platform.now();
        while self.halt.is_none()
            && let Some(slot) = self.free.lowest().filter(|&slot| slot < self.size)
            && allowed()
            && self.send(slot, now, measured)
        {
            self.free.remove(slot);
        }
    }

    /// Waits until something ends, or until `until`, or a moment in which to look around; answers
    /// what landed.
    pub(crate) async fn step(&mut self, until: Instant) -> Step {
        if self.control.is_stopped() {
            self.halt.get_or_insert(Halt::User);
        }
        self.tick();
        let event = self.pool.next(until.min(self.next_tick)).await;
        self.count_rest();
        match event {
            None => Step::Nothing,
            Some(Event::Rested(slot)) => {
                self.free.insert(slot);
                Step::Nothing
            }
            Some(Event::Landed(landing)) => {
                self.landed(&landing);
                Step::Landed(landing)
            }
        }
    }

    fn landed(&mut self, landing: &Landing) {
        let sample = &landing.sample;
        self.spend.settle(landing.job.most, sample);
        if let Some(error) = &landing.config {
            self.halt.get_or_insert_with(|| Halt::Config(error.clone()));
        }
        if landing.job.slot < self.slots {
            self.free.insert(landing.job.slot);
        }
        self.reach.note(sample, self.platform.now());
        self.live.note(sample);
        self.listener.sample(sample, landing.job.measured);
    }

    /// Whether nobody has been reached, and nobody will be.
    pub(crate) fn is_unreached(&self) -> bool {
        self.reach.is_nobody(self.pool.started().next())
    }

    /// Lets a slot rest after a refusal.
    pub(crate) fn rest(&mut self, slot: u32, duration: Duration) {
        self.free.remove(slot);
        self.pool.rest(slot, duration);
    }

    /// Lets what is in flight end within the plan's bound, then takes the rest back. `taken` is
    /// given everything that lands.
    pub(crate) async fn drain(&mut self, mut taken: impl FnMut(&Landing)) {
        self.now.phase = Phase::Drain;
        let patience = Duration::from_millis(self.plan.drain_ms);
        let until = self.platform.now() + patience;
        let mut aborted = false;
        while self.pool.in_flight() > 0 {
            if !aborted && (self.control.is_aborted() || self.platform.now() >= until) {
                self.pool.abort_all();
                aborted = true;
            }
            let wait = if aborted {
                self.platform.now() + TICK
            } else {
                until
            };
            if let Step::Landed(landing) = self.step(wait).await {
                taken(&landing);
            }
        }
    }

    fn tick(&mut self) {
        let now = self.platform.now();
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        let tick = Tick {
            t_s: (now - self.origin()).as_secs_f64(),
            in_flight: self.pool.in_flight(),
            resting: self.pool.resting(),
            repeated: self.sender.trouble().repeated(),
            last_failure: self.sender.trouble().last(),
            ..self.now.clone()
        };
        let origin = self.origin();
        let started = self.pool.started();
        let started = started.map(|at| (at - origin).as_micros() as u64);
        let tick = self.live.fill(&tick, started);
        self.listener.tick(&tick);
    }

    fn count_rest(&mut self) {
        let now = self.platform.now();
        let passed = (now - self.rested_at).as_secs_f64();
        self.rested_at = now;
        self.rested += passed * f64::from(self.pool.resting());
    }

    /// Begins a measurement: what was observed before does not count.
    pub(crate) fn begin(&mut self, purpose: Purpose) {
        self.now.phase = Phase::Measure;
        self.now.purpose = Some(purpose);
        self.live.begin();
        self.pool.take_watch();
        self.pool.take_in_flight_max();
        self.rested = 0.0;
        self.rested_at = self.platform.now();
    }

    /// Looks at this machine from now on.
    pub(crate) fn watch_anew(&mut self) -> Instant {
        self.pool.take_watch();
        self.platform.now()
    }

    /// By which sign it has stood still since it was watched, if it has.
    pub(crate) fn stood_still(&mut self, since: Instant) -> Option<String> {
        let watch = self.pool.take_watch();
        let seconds = (self.platform.now() - since).as_secs_f64().max(1e-6);
        still(&Signs {
            lags_ms: watch.lags_ms,
            observed_ms: seconds * 1000.0,
            busy: watch.busy.as_secs_f64() / seconds,
            ..Signs::default()
        })
    }

    /// What is known about a measurement that began so long ago.
    pub(crate) fn surroundings(&mut self, elapsed: Duration) -> Surroundings {
        self.count_rest();
        let watch = self.pool.take_watch();
        let seconds = elapsed.as_secs_f64().max(1e-6);
        let connections = self.listener.connections();
        Surroundings {
            signs: Signs {
                lags_ms: watch.lags_ms,
                observed_ms: seconds * 1000.0,
                busy: watch.busy.as_secs_f64() / seconds,
                protocol: connections.http,
                cap: connections.cap,
                browser: self.target.environment.browser,
                ..Signs::default()
            },
            resting: self.rested / seconds,
            in_flight_max: self.pool.take_in_flight_max(),
        }
    }
}

/// Slots with nothing to do, the lowest last.
#[derive(Default)]
struct Free(Vec<u32>);

impl Free {
    fn find(&self, slot: u32) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(&Reverse(slot), |&slot| Reverse(slot))
    }

    fn lowest(&self) -> Option<u32> {
        self.0.last().copied()
    }

    fn insert(&mut self, slot: u32) {
        if let Err(place) = self.find(slot) {
            self.0.insert(place, slot);
        }
    }

    fn remove(&mut self, slot: u32) {
        if let Ok(place) = self.find(slot) {
            self.0.remove(place);
        }
    }
}

/// What a step brought.
pub(crate) enum Step {
    /// Nothing but time.
    Nothing,
    /// A request has ended.
    Landed(Box<Landing>),
}
