//! The limiter of one key (an origin, a credential and a model): a queue that can be awaited.
//!
//! The caller at the head of the queue owns the only timer. When all callers are gone, so are timer
//! and wakers; nothing runs in the background. A permit gives its place back when it is dropped, so
//! cancelling is dropping.

mod scheduler;
mod tokens;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::adapt::Snapshot;
use crate::platform::Platform;
use crate::table::Table;
use crate::time::Instant;
pub use scheduler::{Grant, Next, Options, Outcome, Position, QueueFull, Scheduler, Ticket};
pub use tokens::{TokenBudget, TokenHint};

/// The queue of one key. Clones share it.
///
/// ```
/// use kneepoint_core::limiter::{Limiter, Options, Outcome};
/// use kneepoint_core::platform::sim::Sim;
///
/// let sim = Sim::new(1);
/// let limiter = Limiter::new(sim.clone(), Options::default());
/// sim.run(async {
///     let permit = limiter.acquire(limiter.position(0)).await.unwrap();
///     assert_eq!(limiter.snapshot().in_flight, 1);
///     permit.settle(Outcome::Succeeded { units: Some(12), tokens: None });
/// });
/// assert_eq!(limiter.snapshot().in_flight, 0);
/// ```
pub struct Limiter<P>(Rc<Shared<P>>);

impl<P> Clone for Limiter<P> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

struct Shared<P> {
    platform: P,
    state: RefCell<State>,
}

struct State {
    scheduler: Scheduler,
    waiters: Table<Ticket, Waiter>,
    /// Which waiter has the timer, or was told to set it, and for when.
    alarm: Option<(Ticket, Instant)>,
    /// Places that came free when a body ended, and whose connections are not back in their pool yet:
    /// each is worth a turn of the event loop.
    turns_owed: u32,
}

/// Why a call that waited is not permitted to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It was not let in.
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
    /// It was given up, see [`Limiter::give_up`].
    #[error("waiting was in vain")]
    GivenUp,
}

#[derive(Default)]
struct Waiter {
    waker: Option<Waker>,
    verdict: Option<Result<Grant, Denied>>,
}

impl<P: Platform> Limiter<P> {
    /// A limiter that knows nothing yet about its server.
    pub fn new(platform: P, options: Options) -> Self {
        let scheduler = Scheduler::new(options, platform.now());
        let state = State {
            scheduler,
            waiters: Table::default(),
            alarm: None,
            turns_owed: 0,
        };
        Self(Rc::new(Shared {
            platform,
            state: RefCell::new(state),
        }))
    }

    /// A new call's position in the queue, which all its attempts keep. Higher priorities go first.
    pub fn position(&self, priority: i32) -> Position {
        let Shared { platform, state } = &*self.0;
        let now = platform.now();
        state.borrow_mut().scheduler.position(now, priority)
    }

    /// Waits for permission to send one attempt. Dropping the future leaves the queue.
    pub fn acquire(&self, position: Position) -> Acquire<P> {
        Acquire {
            limiter: self.clone(),
            stage: Stage::New(position),
            timer: None,
        }
    }

    /// Permission to send one attempt, if it is to be had at once and nobody waits for it.
    pub fn try_acquire(&self, position: Position) -> Option<Permit<P>> {
        let mut acquire = self.acquire(position);
        acquire.enter(position).ok()?;
        let Stage::Waiting(ticket) = acquire.stage else {
            return None;
        };
        // Not granted, `acquire` is dropped here and leaves the queue.
        let grant = self.0.state.borrow().waiters.get(&ticket)?.verdict?.ok()?;
        self.0.state.borrow_mut().waiters.remove(&ticket);
        acquire.stage = Stage::Done;
        Some(self.permit(grant))
    }

    /// The rule's present view of the server.
    pub fn snapshot(&self) -> Snapshot {
        self.0.state.borrow().scheduler.snapshot()
    }

    /// How many calls wait.
    pub fn queued(&self) -> usize {
        self.0.state.borrow().scheduler.queued()
    }

    /// Changes the ceiling. Attempts in flight beyond a lower one are left to end by themselves.
    pub fn set_ceiling(&self, ceiling: u32) {
        self.0
            .state
            .borrow_mut()
            .scheduler
            .rule()
            .set_ceiling(ceiling);
        self.drive();
    }

    /// Denies those calls that have waited `in_vain`, given the time of their coming.
    pub fn give_up(&self, in_vain: impl Fn(Instant) -> bool) {
        let given_up = self.0.state.borrow_mut().scheduler.give_up(in_vain);
        if given_up.is_empty() {
            return;
        }
        for ticket in given_up {
            let waker = {
                let state = &mut *self.0.state.borrow_mut();
                state.waiters.get_mut(&ticket).and_then(|waiter| {
                    waiter.verdict = Some(Err(Denied::GivenUp));
                    waiter.waker.take()
                })
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        self.drive();
    }

    /// Takes over what the server said about its limit on tokens.
    pub fn learn_tokens(&self, hint: TokenHint) {
        self.0
            .state
            .borrow_mut()
            .scheduler
            .learn_tokens(self.0.platform.now(), hint);
    }

    fn permit(&self, grant: Grant) -> Permit<P> {
        Permit {
            limiter: self.clone(),
            grant: Some(grant),
            is_sent: false,
        }
    }

    fn settle(&self, grant: Grant, outcome: Outcome) {
        let platform = &self.0.platform;
        let unit = if matches!(outcome, Outcome::Refused(_)) {
            platform.random()
        } else {
            0.0
        };
        let mut state = self.0.state.borrow_mut();
        state.scheduler.settle(platform.now(), grant, outcome, unit);
        if !matches!(outcome, Outcome::Abandoned { .. }) {
            state.turns_owed += 1;
        }
        drop(state);
        self.drive();
    }

    /// Whether the next attempt should let the event loop go round first; one that does pays for
    /// one place that came free.
    fn take_turn(&self) -> bool {
        let mut state = self.0.state.borrow_mut();
        let owed = state.turns_owed > 0;
        state.turns_owed = state.turns_owed.saturating_sub(1);
        owed
    }

    /// Hands out what may be handed out. Wakers run outside the borrow, one after the other.
    fn drive(&self) {
        let now = self.0.platform.now();
        loop {
            let Step { waker, last } = self.0.state.borrow_mut().step(now);
            if let Some(waker) = waker {
                waker.wake();
            }
            if last {
                return;
            }
        }
    }
}

/// One grant, or the end of them, and who is to be told.
struct Step {
    waker: Option<Waker>,
    last: bool,
}

impl State {
    fn step(&mut self, now: Instant) -> Step {
        match self.scheduler.poll(now) {
            Next::Grant(grant) => {
                let waiter = self.waiters.get_mut(&grant.ticket);
                let waker = waiter.and_then(|waiter| {
                    waiter.verdict = Some(Ok(grant));
                    waiter.waker.take()
                });
                Step { waker, last: false }
            }
            Next::WaitUntil(at) => Step {
                waker: self.set_alarm(at),
                last: true,
            },
            Next::Idle => Step {
                waker: None,
                last: true,
            },
        }
    }

    /// Lets the head of the queue ask again at `at`; an earlier alarm of its own will do as well.
    fn set_alarm(&mut self, at: Instant) -> Option<Waker> {
        let head = self.scheduler.head()?;
        if self
            .alarm
            .is_some_and(|(owner, alarm)| owner == head && alarm <= at)
        {
            return None;
        }
        self.alarm = Some((head, at));
        self.waiters.get_mut(&head)?.waker.take()
    }
}

type Timer = Pin<Box<dyn Future<Output = ()>>>;

/// Waits for a permit. Made by [`Limiter::acquire`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Acquire<P: Platform> {
    limiter: Limiter<P>,
    stage: Stage<P>,
    /// Set while this call is the head of the queue and time alone can let it go.
    timer: Option<(Instant, Timer)>,
}

enum Stage<P: Platform> {
    New(Position),
    Waiting(Ticket),
    /// Granted; the connection that came free goes back to its pool first.
    Turning(Permit<P>, Timer),
    Done,
}

impl<P: Platform> Future for Acquire<P> {
    type Output = Result<Permit<P>, Denied>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::New(position) = self.stage
            && let Err(full) = self.enter(position)
        {
            self.stage = Stage::Done;
            return Poll::Ready(Err(full.into()));
        }
        if let Stage::Waiting(ticket) = self.stage {
            let grant = match self.wait(ticket, context) {
                None => return Poll::Pending,
                Some(Ok(grant)) => grant,
                Some(Err(denied)) => {
                    self.stage = Stage::Done;
                    return Poll::Ready(Err(denied));
                }
            };
            let owed = self.limiter.take_turn();
            let permit = self.limiter.permit(grant);
            if !owed {
                self.stage = Stage::Done;
                return Poll::Ready(Ok(permit));
            }
            let turn = Box::pin(self.limiter.0.platform.turn());
            self.stage = Stage::Turning(permit, turn);
        }
        if let Stage::Turning(_, turn) = &mut self.stage
            && turn.as_mut().poll(context).is_pending()
        {
            return Poll::Pending;
        }
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Turning(permit, _) => Poll::Ready(Ok(permit)),
            _ => Poll::Pending,
        }
    }
}

impl<P: Platform> Acquire<P> {
    fn enter(&mut self, position: Position) -> Result<(), QueueFull> {
        let ticket = {
            let mut state = self.limiter.0.state.borrow_mut();
            let ticket = state.scheduler.enqueue(position)?;
            state.waiters.insert(ticket, Waiter::default());
            ticket
        };
        self.stage = Stage::Waiting(ticket);
        self.limiter.drive();
        Ok(())
    }

    /// The verdict, once there is one; until then, sets the timer if it is this call's to set.
    fn wait(&mut self, ticket: Ticket, context: &mut Context<'_>) -> Option<Result<Grant, Denied>> {
        loop {
            let alarm = {
                let state = &mut *self.limiter.0.state.borrow_mut();
                let waiter = state.waiters.get_mut(&ticket)?;
                if let Some(verdict) = waiter.verdict {
                    state.waiters.remove(&ticket);
                    self.timer = None;
                    return Some(verdict);
                }
                waiter.waker = Some(context.waker().clone());
                state
                    .alarm
                    .and_then(|(owner, at)| (owner == ticket).then_some(at))
            };
            let Some(at) = alarm else {
                self.timer = None;
                return None;
            };
            if self.timer.as_ref().is_none_or(|(set, _)| *set != at) {
                let platform = &self.limiter.0.platform;
                self.timer = Some((at, Box::pin(platform.sleep(at - platform.now()))));
            }
            let (_, timer) = self.timer.as_mut()?;
            if timer.as_mut().poll(context).is_pending() {
                return None;
            }
            self.timer = None;
            self.limiter.0.state.borrow_mut().alarm = None;
            self.limiter.drive();
        }
    }
}

impl<P: Platform> Drop for Acquire<P> {
    fn drop(&mut self) {
        let Stage::Waiting(ticket) = self.stage else {
            return;
        };
        let verdict = {
            let state = &mut *self.limiter.0.state.borrow_mut();
            state.scheduler.cancel(ticket);
            state
                .waiters
                .remove(&ticket)
                .and_then(|waiter| waiter.verdict)
        };
        match verdict {
            Some(Ok(grant)) => drop(self.limiter.permit(grant)),
            Some(Err(_)) | None => self.limiter.drive(),
        }
    }
}

/// The right to have one attempt in flight. Dropped without an outcome, it counts as given up, and as one
/// that used no tokens unless it was [`sent`](Permit::sent).
#[must_use = "dropping a permit gives it back"]
pub struct Permit<P: Platform> {
    limiter: Limiter<P>,
    grant: Option<Grant>,
    is_sent: bool,
}

impl<P: Platform> Permit<P> {
    /// The server asks for a pause: nothing more is sent until it is over. Known as soon as the head
    /// of a refusal is there, long before its body ends.
    pub fn pause(&self, hint: Duration) {
        let Shared { platform, state } = &*self.limiter.0;
        // The end of the pause is spread when the refusal is settled, not twice.
        let now = platform.now();
        state.borrow_mut().scheduler.rule().pause(now, hint);
    }

    /// The attempt goes out: from now on the server may count its tokens, whatever becomes of it.
    pub const fn sent(&mut self) {
        self.is_sent = true;
    }

    /// It waited so long for a connection before it left, of which the server knows nothing.
    pub fn waited(&mut self, duration: Duration) {
        if let Some(grant) = &mut self.grant {
            grant.sent.at = grant.sent.at + duration;
        }
    }

    /// How many attempts were in flight when this one was permitted, itself included.
    pub fn in_flight(&self) -> u32 {
        self.grant.map_or(0, |grant| grant.sent.in_flight)
    }

    /// Gives the place back and tells how the attempt ended.
    pub fn settle(mut self, outcome: Outcome) {
        if let Some(grant) = self.grant.take() {
            self.limiter.settle(grant, outcome);
        }
    }
}

impl<P: Platform> Drop for Permit<P> {
    fn drop(&mut self) {
        if let Some(grant) = self.grant.take() {
            let tokens = (!self.is_sent).then_some(0);
            self.limiter.settle(grant, Outcome::Abandoned { tokens });
        }
    }
}
