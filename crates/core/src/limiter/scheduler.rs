//! Who goes next: one queue for one key, first come first served within a priority.
//!
//! It is pure: `now` in, grants out. A call keeps its position through all its attempts. Nothing here
//! recurses, and each step costs a logarithm of the queue's length; where a call is given up in the
//! middle, the shorter half moves up, and where an attempt is to ask the server something, a queue of
//! calls that were all refused is looked through.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::tokens::{TokenBudget, TokenHint};
use crate::adapt::{self, Admission, Refusal, Rule, Sent, Snapshot};
use crate::table::Spread;
use crate::time::Instant;

/// How a limiter is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The rule's options: the ceiling above all.
    pub rule: adapt::Options,
    /// How many calls may wait. Default 1,000,000: a bound on memory, not on work.
    pub queue_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rule: adapt::Options::default(),
            queue_max: 1_000_000,
        }
    }
}

/// The queue is full: this call was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full: {queue_max} calls are waiting")]
pub struct QueueFull {
    /// The bound that was reached.
    pub queue_max: usize,
}

/// A call's position in the queue, the same for all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    ticket: Ticket,
    since: Instant,
    has_begun: bool,
    refusals: u32,
    tokens: u64,
}

impl Position {
    /// The call has begun: should it wait once more, it is let into a full queue too.
    pub fn begun(&mut self) {
        self.has_begun = true;
    }

    /// The call was refused once more. Those refused least are sent where a refusal is likely, so
    /// that an outage does not use up the attempts of a single call.
    pub fn refused(&mut self) {
        self.refusals += 1;
    }

    /// When the call came.
    pub const fn since(&self) -> Instant {
        self.since
    }

    /// Says how many tokens the call may use, for servers that limit them. Default 0.
    #[must_use]
    pub fn with_tokens(mut self, tokens: u64) -> Self {
        self.tokens = tokens;
        self
    }
}

/// Names a waiting call. Lower tickets go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    priority: Reverse<i32>,
    arrival: u64,
}

impl Spread for Ticket {
    /// Arrivals are counted, which spreads as evenly as can be.
    fn spread(&self) -> usize {
        self.arrival as usize
    }
}

/// Permission to send one attempt now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Whose turn it is.
    pub ticket: Ticket,
    /// The rule's tag of the attempt.
    pub sent: Sent,
    /// The tokens set aside for it.
    pub tokens: u64,
}

/// What a scheduler says when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send this one, and ask again.
    Grant(Grant),
    /// Nobody before this instant, unless something changes.
    WaitUntil(Instant),
    /// Nobody until something changes.
    Idle,
}

/// How an attempt ended, as far as the limiter cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Succeeded {
        /// Tokens of output, where the server said so.
        units: Option<u64>,
        /// Tokens of prompt and output together, where it said so.
        tokens: Option<u64>,
    },
    /// The server refused it for its load.
    Refused(Refusal),
    /// It failed in a way that tells nothing about the load.
    Failed {
        /// Tokens that it used, where that is certain. Else it may have used all that it was granted.
        tokens: Option<u64>,
    },
    /// Its caller gave it up.
    Abandoned {
        /// Likewise; none are used before it is sent.
        tokens: Option<u64>,
    },
}

/// The queue and the rule of one key.
#[derive(Debug, Clone)]
pub struct Scheduler {
    rule: Rule,
    tokens: TokenBudget,
    /// In the order of their tickets. Most join at the end and leave from the front.
    queue: VecDeque<Position>,
    queue_max: usize,
    arrivals: u64,
}

impl Scheduler {
    /// An empty queue.
    pub fn new(options: Options, now: Instant) -> Self {
        Self {
            rule: Rule::new(options.rule, now),
            tokens: TokenBudget::default(),
            queue: VecDeque::new(),
            queue_max: options.queue_max,
            arrivals: 0,
        }
    }

    /// A position behind all others of its priority. Higher priorities go first; 0 is usual.
    pub fn position(&mut self, now: Instant, priority: i32) -> Position {
        self.arrivals += 1;
        let ticket = Ticket {
            priority: Reverse(priority),
            arrival: self.arrivals,
        };
        Position {
            ticket,
            since: now,
            has_begun: false,
            refusals: 0,
            tokens: 0,
        }
    }

    /// Lets a call wait for its turn. One that has begun is always let in again.
    pub fn enqueue(&mut self, position: Position) -> Result<Ticket, QueueFull> {
        if self.queue.len() >= self.queue_max && !position.has_begun {
            return Err(QueueFull {
                queue_max: self.queue_max,
            });
        }
        if let Err(at) = self.find(position.ticket) {
            self.queue.insert(at, position);
        }
        Ok(position.ticket)
    }

    /// Takes a waiting call out of the queue.
    pub fn cancel(&mut self, ticket: Ticket) {
        if let Ok(at) = self.find(ticket) {
            self.queue.remove(at);
        }
    }

    /// Takes those calls out of the queue that have waited `in_vain`, given the time of their coming.
    pub fn give_up(&mut self, in_vain: impl Fn(Instant) -> bool) -> Vec<Ticket> {
        let mut given_up = Vec::new();
        self.queue.retain(|position| {
            let goes = in_vain(position.since);
            if goes {
                given_up.push(position.ticket);
            }
            !goes
        });
        given_up
    }

    /// Who goes next, if anybody may.
    pub fn poll(&mut self, now: Instant) -> Next {
        let Some(&head) = self.queue.front() else {
            return Next::Idle;
        };
        match self.rule.admit(now) {
            Admission::Wait(at) => return Next::WaitUntil(at),
            Admission::UntilChange => return Next::Idle,
            Admission::Go => {}
        }
        let chosen = if self.rule.is_asking() {
            self.least_refused(head)
        } else {
            head
        };
        if let Some(at) = self.tokens.next(now, chosen.tokens) {
            return Next::WaitUntil(at);
        }
        self.cancel(chosen.ticket);
        let tokens = self.tokens.spend(chosen.tokens);
        let sent = self.rule.sent(now, !self.queue.is_empty());
        Next::Grant(Grant {
            ticket: chosen.ticket,
            sent,
            tokens,
        })
    }

    /// Takes back a grant. `unit` is a number drawn evenly from 0 to 1.
    pub fn settle(&mut self, now: Instant, grant: Grant, outcome: Outcome, unit: f64) {
        let sent = grant.sent;
        let used = match outcome {
            Outcome::Succeeded { units, tokens } => {
                self.rule.succeeded(now, sent, units);
                tokens
            }
            Outcome::Refused(refusal) => {
                self.rule.refused(now, sent, refusal, unit);
                Some(0)
            }
            Outcome::Failed { tokens } => {
                self.rule.failed(now, sent);
                tokens
            }
            Outcome::Abandoned { tokens } => {
                self.rule.abandoned(now, sent);
                tokens
            }
        };
        if let Some(used) = used {
            self.tokens.settle(grant.tokens, used);
        }
    }

    /// Takes over what the server said about its limit on tokens.
    pub fn learn_tokens(&mut self, now: Instant, hint: TokenHint) {
        self.tokens.learn(now, hint);
    }

    /// The adaptive rule, to change its ceiling or to pause it.
    pub fn rule(&mut self) -> &mut Rule {
        &mut self.rule
    }

    /// Who is first in line.
    pub fn head(&self) -> Option<Ticket> {
        self.queue.front().map(|position| position.ticket)
    }

    /// How many calls wait.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The rule's present view of the server.
    pub fn snapshot(&self) -> Snapshot {
        self.rule.snapshot()
    }

    /// The place of a waiting call, or where it belongs.
    fn find(&self, ticket: Ticket) -> Result<usize, usize> {
        self.queue
            .binary_search_by_key(&ticket, |position| position.ticket)
    }

    /// The first of those that were refused least. Fresh calls are usually near the front.
    fn least_refused(&self, head: Position) -> Position {
        let mut least = head;
        for position in &self.queue {
            if least.refusals == 0 {
                break;
            }
            if position.refusals < least.refusals {
                least = *position;
            }
        }
        least
    }
}
