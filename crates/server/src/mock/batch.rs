//! A batching server: all active requests advance by one token per step, and a step takes longer
//! the more of them there are.
//!
//! [`Batch`] is the pure clock; [`Batching`] wakes the requests that wait on it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::spec::Step;
use crate::clock;

/// So many tokens are made in one go. Steps that are shorter than their tokens take to make can never
/// all be played, and whoever else this thread serves would wait for it.
const TOKENS_AT_ONCE: usize = 10_000;

/// The clock of one batching server.
#[derive(Debug)]
struct Batch {
    step: Step,
    members: HashMap<u64, Member>,
    active: Vec<u64>,
    waiting: VecDeque<u64>,
    /// When the step that is running ends; none while nobody is active.
    step_ends: Option<Duration>,
    tickets: u64,
}

#[derive(Debug)]
struct Member {
    made: u32,
    total: u32,
    /// Wake its owner once so many tokens are made.
    wanted: u32,
    waker: Option<Waker>,
}

impl Batch {
    fn new(step: Step) -> Self {
        Self {
            step,
            members: HashMap::new(),
            active: Vec::new(),
            waiting: VecDeque::new(),
            step_ends: None,
            tickets: 0,
        }
    }

    /// Adds a request of `total` tokens: it becomes active with the next step that has room.
    fn join(&mut self, now: Duration, total: u32) -> u64 {
        self.tickets += 1;
        let member = Member {
            made: 0,
            total,
            wanted: u32::MAX,
            waker: None,
        };
        self.members.insert(self.tickets, member);
        self.waiting.push_back(self.tickets);
        if self.step_ends.is_none() {
            self.begin_step(now);
        }
        self.tickets
    }

    fn leave(&mut self, ticket: u64) {
        self.members.remove(&ticket);
        self.active.retain(|other| *other != ticket);
        if let Ok(index) = self.waiting.binary_search(&ticket) {
            self.waiting.remove(index);
        }
    }

    fn begin_step(&mut self, start: Duration) {
        while self.active.len() < self.step.active_max
            && let Some(ticket) = self.waiting.pop_front()
        {
            self.active.push(ticket);
        }
        let n = self.active.len() as f64;
        let ms = self.step.base_ms + self.step.linear_ms * n + self.step.square_ms * n * n;
        // Each step starts where the last one ended, so lateness of a timer never adds up.
        self.step_ends = (n > 0.0).then(|| start + Duration::from_secs_f64(ms / 1000.0));
    }

    /// Plays the steps that have ended by `now`, or the first of very many; returns whom to wake.
    fn advance(&mut self, now: Duration) -> Vec<Waker> {
        let (mut wake, mut made) = (Vec::new(), 0);
        while made < TOKENS_AT_ONCE
            && let Some(end) = self.step_ends.filter(|end| *end <= now)
        {
            made += self.active.len().max(1);
            let members = &mut self.members;
            self.active.retain(|ticket| {
                let Some(member) = members.get_mut(ticket) else {
                    return false;
                };
                member.made += 1;
                if member.made >= member.wanted {
                    wake.extend(member.waker.take());
                }
                member.made < member.total
            });
            self.begin_step(end);
        }
        wake
    }
}

/// A batching server that requests can join.
#[derive(Debug)]
pub(crate) struct Batching {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    batch: Batch,
    /// Whether a task is moving the clock.
    driven: bool,
}

impl Batching {
    pub(crate) fn new(step: Step) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                batch: Batch::new(step),
                driven: false,
            }),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins with a request of `total` tokens. Dropping the seat leaves.
    pub(crate) fn join(self: &Arc<Self>, total: u32) -> Seat {
        let mut state = self.lock();
        let ticket = state.batch.join(clock::now(), total);
        if !std::mem::replace(&mut state.driven, true) {
            tokio::spawn(drive(Arc::clone(self)));
        }
        Seat {
            batching: Arc::clone(self),
            ticket,
        }
    }
}

/// Moves the clock from step to step for as long as anybody is active.
async fn drive(batching: Arc<Batching>) {
    loop {
        let due = {
            let mut state = batching.lock();
            if let Some(due) = state.batch.step_ends {
                due
            } else {
                state.driven = false;
                return;
            }
        };
        clock::sleep_until(due).await;
        let wake = batching.lock().batch.advance(clock::now());
        wake.into_iter().for_each(Waker::wake);
        // Where steps are overdue, the sleep is none.
        tokio::task::yield_now().await;
    }
}

/// One request's place in the batch.
#[derive(Debug)]
pub(crate) struct Seat {
    batching: Arc<Batching>,
    ticket: u64,
}

impl Seat {
    /// Ready once `token` tokens have been made for this request.
    pub(crate) fn poll_token(&self, context: &Context<'_>, token: u32) -> Poll<()> {
        let mut state = self.batching.lock();
        let Some(member) = state.batch.members.get_mut(&self.ticket) else {
            return Poll::Ready(());
        };
        if member.made >= token.min(member.total) {
            return Poll::Ready(());
        }
        member.wanted = token.min(member.total);
        member.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.batching.lock().batch.leave(self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn batch(active_max: usize) -> Batch {
        Batch::new(Step {
            base_ms: 10.0,
            linear_ms: 1.0,
            square_ms: 0.5,
            active_max,
        })
    }

    fn made(batch: &Batch, ticket: u64) -> u32 {
        batch.members[&ticket].made
    }

    #[test]
    fn a_step_takes_longer_the_more_are_active() {
        let mut batch = batch(8);
        let first = batch.join(ms(0), 100);
        assert_eq!(batch.step_ends, Some(Duration::from_micros(11_500)));
        let second = batch.join(ms(5), 100);
        batch.advance(ms(12));
        // The second came in mid-step: it takes part from the next one, which two make longer.
        assert_eq!((made(&batch, first), made(&batch, second)), (1, 0));
        assert_eq!(
            batch.step_ends,
            Some(Duration::from_micros(11_500 + 14_000))
        );
    }

    #[test]
    fn no_more_are_active_than_the_bound_and_the_rest_follow_in_order() {
        let mut batch = batch(2);
        let tickets: Vec<u64> = (0..4).map(|_| batch.join(ms(0), 1)).collect();
        // The first stepped alone: a batch that was idle starts at once.
        assert_eq!(batch.active, [tickets[0]]);
        batch.advance(ms(12));
        assert_eq!(batch.active, [tickets[1], tickets[2]]);
        batch.advance(ms(26));
        assert_eq!(batch.active, [tickets[3]]);
    }

    #[test]
    fn a_late_timer_plays_all_the_steps_that_it_missed() {
        let mut batch = batch(8);
        let ticket = batch.join(ms(0), 100);
        batch.advance(ms(115));
        assert_eq!(made(&batch, ticket), 10);
        assert_eq!(batch.step_ends, Some(Duration::from_micros(126_500)));
    }

    #[test]
    fn steps_that_nobody_can_keep_up_with_are_played_in_many_goes() {
        let mut batch = Batch::new(Step {
            base_ms: 0.01,
            linear_ms: 0.0,
            square_ms: 0.0,
            active_max: 1000,
        });
        let tickets: Vec<u64> = (0..1000).map(|_| batch.join(ms(0), 500)).collect();
        let last = tickets[tickets.len() - 1];
        batch.advance(ms(1000));
        assert!((1..20).contains(&made(&batch, last)));
        let goes = std::iter::from_fn(|| batch.step_ends.map(|_| batch.advance(ms(1000))));
        assert!((40..100).contains(&goes.count()));
        assert_eq!(made(&batch, last), 500);
    }

    #[test]
    fn a_request_leaves_when_it_is_complete_or_dropped_and_the_clock_stops() {
        let mut batch = batch(8);
        let (done, dropped) = (batch.join(ms(0), 1), batch.join(ms(0), 50));
        batch.advance(ms(12));
        batch.leave(dropped);
        assert_eq!(made(&batch, done), 1);
        batch.advance(ms(60));
        assert_eq!((batch.step_ends, batch.active.len()), (None, 0));
    }
}
