//! Everything that the calls of one key share: origin, credential and model meet the same limits
//! at the server, so here they share a limiter, a retry budget and a sense of how fast it answers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::adapt;
use crate::budget::{Budget, COST_TRANSIENT};
use crate::config::Config;
use crate::drains::Drains;
use crate::error::ErrorKind;
use crate::hedge::Hedger;
use crate::limiter::{Limiter, Options};
use crate::platform::Platform;
use crate::presence::Presence;
use crate::pulse::Pulse;
use crate::retry::{Class, Outlook};
use crate::time::Instant;

/// One key's shared state.
pub(crate) struct Lane<P: Platform> {
    model: String,
    pub(crate) limiter: Limiter<P>,
    pub(crate) budget: RefCell<Budget>,
    pub(crate) presence: RefCell<Presence>,
    /// What the server said when it last refused everything, for calls that it never saw.
    last_word: RefCell<ErrorKind>,
    /// From dispatch to the head of the reply.
    pub(crate) first_byte: RefCell<Pulse>,
    /// From the caller's request to the end of the answer.
    pub(crate) call: RefCell<Pulse>,
    pub(crate) hedger: RefCell<Hedger>,
    pub(crate) drains: Rc<Drains>,
}

/// A lane's figures of the moment.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneStats {
    /// The model; empty for calls that name none.
    pub model: String,
    /// The working limit.
    pub limit: f64,
    /// The pace in requests a second, where the server's limit is a rate.
    pub rate: Option<f64>,
    /// Requests in flight.
    pub in_flight: u32,
    /// Calls waiting for their turn.
    pub queued: usize,
    /// What is left of the retry budget.
    pub budget_left: u32,
    /// The time to the first byte that half of the latest requests kept.
    pub first_byte_p50: Option<Duration>,
    /// And 95 in a hundred.
    pub first_byte_p95: Option<Duration>,
    /// The time that half of the latest calls took, waiting included.
    pub call_p50: Option<Duration>,
    /// And 95 in a hundred.
    pub call_p95: Option<Duration>,
}

impl<P: Platform> Lane<P> {
    pub(crate) fn new(platform: &P, config: &Config, ceiling: u32, model: &str) -> Self {
        let options = Options {
            rule: adapt::Options {
                ceiling,
                ..config.concurrency.clone()
            },
            queue_max: config.queue_max,
        };
        let mut budget = config
            .retry
            .budget
            .map_or_else(Budget::default, Budget::new);
        if config.concurrency.adaptive {
            budget = budget.behind_adaptive_limit();
        }
        Self {
            model: model.to_owned(),
            limiter: Limiter::new(platform.clone(), options),
            budget: RefCell::new(budget),
            presence: RefCell::default(),
            last_word: RefCell::new(ErrorKind::Paused),
            first_byte: RefCell::default(),
            call: RefCell::default(),
            hedger: RefCell::default(),
            drains: Rc::default(),
        }
    }

    /// A call succeeded with an attempt that was sent at `sent`; `paid` is what its retries had cost.
    pub(crate) fn succeeded(&self, now: Instant, sent: Instant, paid: u32) {
        self.presence.borrow_mut().answered(now, sent);
        let places = self.limiter.snapshot().limit as u32;
        self.budget.borrow_mut().succeeded(paid, places);
    }

    /// An attempt that was sent at `sent` failed. The answer is what all failures say of the server.
    pub(crate) fn failed(
        &self,
        now: Instant,
        sent: Instant,
        kind: &ErrorKind,
        class: Class,
    ) -> Outlook {
        if class == Class::Unsent {
            *self.last_word.borrow_mut() = kind.clone();
        }
        let is_poor = self.budget.borrow().left() < COST_TRANSIENT;
        self.presence
            .borrow_mut()
            .failed(now, sent, kind, class, is_poor)
    }

    /// The limiter has taken an attempt for refused: calls that have waited long enough are given up.
    pub(crate) fn refused(&self, now: Instant, kind: &ErrorKind) {
        let limit = self.limiter.snapshot();
        if limit.blocked == 0 {
            return;
        }
        *self.last_word.borrow_mut() = kind.clone();
        let presence = *self.presence.borrow();
        if limit.refuses_all() {
            self.limiter
                .give_up(|since| presence.is_in_vain(now, since));
        }
    }

    /// An attempt of a call that came at `since` has come to no connection: likewise.
    pub(crate) fn unreached(&self, now: Instant, since: Instant) {
        let presence = *self.presence.borrow();
        // Where this one has not waited long enough, hardly any other has, and there may be many.
        if presence.is_out_of_reach(now, since) {
            self.limiter
                .give_up(|since| presence.is_out_of_reach(now, since));
        }
    }

    /// Why a call that waited for its turn until now was not sent: what everybody else is told, or
    /// `otherwise`.
    pub(crate) fn why_unsent(&self, otherwise: ErrorKind) -> ErrorKind {
        if self.limiter.snapshot().blocked > 0 || self.presence.borrow().is_unreached() {
            self.last_word.borrow().clone()
        } else {
            otherwise
        }
    }

    /// Whether a call that came at `since` has waited long enough, where everything is refused or nothing
    /// is reached.
    pub(crate) fn is_in_vain(&self, now: Instant, since: Instant) -> bool {
        let presence = self.presence.borrow();
        let is_refused = self.limiter.snapshot().refuses_all() && presence.is_in_vain(now, since);
        is_refused || presence.is_out_of_reach(now, since)
    }

    /// Whether anything is in flight or waiting, or the server asked for a pause that is not over.
    pub(crate) fn is_wanted(&self, now: Instant) -> bool {
        let limit = self.limiter.snapshot();
        self.limiter.queued() > 0 || limit.in_flight > 0 || limit.gate > now
    }

    pub(crate) fn stats(&self) -> LaneStats {
        let limit = self.limiter.snapshot();
        let (first_byte, call) = (self.first_byte.borrow(), self.call.borrow());
        LaneStats {
            model: self.model.clone(),
            limit: limit.limit,
            rate: limit.rate,
            in_flight: limit.in_flight,
            queued: self.limiter.queued(),
            budget_left: self.budget.borrow().left(),
            first_byte_p50: first_byte.percentile(50),
            first_byte_p95: first_byte.percentile(95),
            call_p50: call.percentile(50),
            call_p95: call.percentile(95),
        }
    }
}
