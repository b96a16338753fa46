//! One call: the loop over its attempts, and all of its branching.
//!
//! queue → attempt → settled, or classify → decide → pause → queue again. The decisions are made
//! elsewhere, as values; here they are carried out.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::attempt::{Exchange, Failure, Opened};
use crate::decode::Usage;
use crate::error::{Error, ErrorKind, Phase, Timeout, whole_millis};
use crate::hints::{Hints, Quota};
use crate::http::{Head, HttpRequest};
use crate::lane::Lane;
use crate::ledger::Ledger;
use crate::limiter::{Denied, Permit, Position, QueueFull, TokenHint};
use crate::platform::Platform;
use crate::record::{AttemptRecord, CacheUse, Record};
use crate::retry::{
    Class, Decision, HINT_SPREAD_MAX, Moment, Outlook, RetryPolicy, Stop, Tries, classify, decide,
};
use crate::time::Instant;
use crate::watch::{Deadline, Watch, earlier};

/// A call under way.
pub(crate) struct Call<P: Platform> {
    pub(crate) platform: P,
    pub(crate) lane: Rc<Lane<P>>,
    pub(crate) request: HttpRequest,
    pub(crate) policy: RetryPolicy,
    pub(crate) position: Position,
    pub(crate) priority: i32,
    pub(crate) hedge: bool,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) attempt_timeout: Option<Duration>,
    /// Of streams: until the first content, and so until the head before it.
    pub(crate) first_token_timeout: Option<Duration>,
    /// How many tokens it may use.
    pub(crate) tokens: u64,
    pub(crate) ledger: Ledger<P>,
    pub(crate) tries: Tries,
}

impl<P: Platform> Call<P> {
    /// Sends attempts until one is read well by `read`, or no further one is allowed.
    pub(crate) async fn run<T>(
        &mut self,
        read: impl AsyncFn(Exchange<P>, Head, P::Body) -> Result<T, Box<Failure>>,
    ) -> Result<T, Error> {
        let mut before = None;
        loop {
            let permit = match self.place().await {
                Ok(permit) => permit,
                // What became of the attempt before tells more than that time is up.
                Err(denied) => return Err(self.error(before.unwrap_or(denied), Stop::Final)),
            };
            self.position.begun();
            let sent = self.platform.now();
            let failure = match self.open(permit).await {
                Ok((exchange, head, body)) => match read(exchange, head, body).await {
                    Ok(value) => {
                        let now = self.platform.now();
                        self.lane.succeeded(now, sent, self.tries.spent());
                        return Ok(value);
                    }
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            if failure.class.is_refusal() || failure.outlook == Outlook::Down {
                self.position.refused();
            }
            if failure.class == Class::Unsent {
                let now = self.platform.now();
                self.lane.unreached(now, self.position.since());
            }
            match self.decide(&failure) {
                Decision::RetryAfter(delay) => self.platform.sleep(delay).await,
                Decision::Stop(stop) => return Err(self.error(failure, stop)),
            }
            before = Some(failure);
        }
    }

    /// Waits for a place under the limit.
    async fn place(&mut self) -> Result<Permit<P>, Box<Failure>> {
        let asked = self.platform.now();
        if let Some(wait) = self.hopeless_wait(asked) {
            return Err(in_queue(ErrorKind::Paused, Some(wait)));
        }
        let mut watch = Watch::new(self.platform.clone());
        let granted = async {
            let in_flight = self.lane.limiter.snapshot().in_flight;
            self.lane.drains.connection(in_flight).await;
            self.lane.limiter.acquire(self.position).await
        };
        let permit = watch.guard(self.deadline, granted).await;
        let now = self.platform.now();
        self.ledger.note(|record| record.queued += now - asked);
        let kind = match permit {
            // A place that comes in the moment in which time is up comes too late.
            Ok(Ok(permit)) => match self.deadline {
                Some((at, timeout)) if now >= at => ErrorKind::Timeout(timeout),
                _ => return Ok(permit),
            },
            Ok(Err(Denied::QueueFull(QueueFull { queue_max }))) => {
                ErrorKind::QueueFull { queue_max }
            }
            Ok(Err(Denied::GivenUp)) => self.lane.why_unsent(ErrorKind::Paused),
            Err(timeout) => self.lane.why_unsent(ErrorKind::Timeout(timeout)),
        };
        Err(in_queue(kind, None))
    }

    /// For how long nothing may be sent, where that is longer than this call may wait: then it is of
    /// no use to queue.
    fn hopeless_wait(&self, now: Instant) -> Option<Duration> {
        let wait = self.lane.limiter.snapshot().gate - now;
        let patience = self.policy.wait_max.saturating_add(HINT_SPREAD_MAX);
        let left = self.deadline.map_or(Duration::MAX, |(at, _)| at - now);
        (wait > patience.min(left)).then_some(wait)
    }

    /// Sends one attempt, and a rival after it where that is wanted and the first is slow.
    async fn open(&mut self, permit: Permit<P>) -> Opened<P> {
        let sent = self.platform.now();
        let rival_after = if self.hedge && !self.policy.at_most_once {
            self.lane
                .hedger
                .borrow_mut()
                .delay(&self.lane.first_byte.borrow())
        } else {
            None
        };
        let first = Box::pin(self.exchange(permit, false).open(self.request.clone()));
        let opened = match rival_after {
            None => first.await,
            Some(delay) => self.race(first, delay).await,
        };
        let hints = opened
            .as_ref()
            .map_or_else(|failure| &failure.hints, |opened| opened.0.hints());
        self.learn(hints);
        if opened.is_ok() {
            let waited = self.platform.now() - sent;
            self.lane.first_byte.borrow_mut().note(waited);
        }
        opened
    }

    /// Lets a rival race `first` where that is not answered within `delay`.
    async fn race(
        &mut self,
        first: impl Future<Output = Opened<P>> + Unpin,
        delay: Duration,
    ) -> Opened<P> {
        let first = match select(first, Box::pin(self.platform.sleep(delay))).await {
            Either::Left((opened, _)) => return opened,
            Either::Right(((), first)) => first,
        };
        // Once the server has begun to answer, be it with a refusal, a rival comes too late.
        if self.ledger.is_answering() {
            return first.await;
        }
        let Some(permit) = self.rival() else {
            return first.await;
        };
        let rival = self.exchange(permit, true).open(self.request.clone());
        // Whoever loses is dropped, which aborts it.
        match select(first, Box::pin(rival)).await {
            Either::Left((Ok(opened), _)) | Either::Right((Ok(opened), _)) => Ok(opened),
            // One that fails leaves the field to the other.
            Either::Left((Err(_), rival)) => rival.await,
            Either::Right((Err(_), first)) => first.await,
        }
    }

    /// Hands on what the server says about its limit on tokens.
    fn learn(&self, hints: &Hints) {
        if let Some(Quota {
            limit: Some(limit),
            remaining: Some(remaining),
            reset,
        }) = hints.tokens
        {
            self.lane.limiter.learn_tokens(TokenHint {
                limit,
                remaining,
                reset,
            });
        }
    }

    /// A place for a rival, if one is free at once, allowed and paid for.
    fn rival(&mut self) -> Option<Permit<P>> {
        let lane = &self.lane;
        let position = lane
            .limiter
            .position(self.priority)
            .with_tokens(self.tokens);
        // Only a place that is free at once: nobody waits behind a rival.
        let permit = lane.limiter.try_acquire(position)?;
        let cost = crate::budget::COST_TRANSIENT;
        let paid = lane.hedger.borrow_mut().take() && lane.budget.borrow_mut().spend(cost);
        paid.then_some(permit)
    }

    fn exchange(&self, permit: Permit<P>, hedge: bool) -> Exchange<P> {
        let now = self.platform.now();
        let journal = self
            .ledger
            .attempt(AttemptRecord::new(now, permit.in_flight(), hedge));
        let deadline = |limit: Option<Duration>, timeout: fn(Duration) -> Timeout| {
            limit.map(|limit| (now + limit, timeout(limit)))
        };
        let attempt_deadline = earlier(
            deadline(self.attempt_timeout, Timeout::Attempt),
            deadline(self.first_token_timeout, Timeout::FirstToken),
        );
        Exchange::new(
            self.platform.clone(),
            permit,
            self.lane.clone(),
            journal,
            self.deadline,
            attempt_deadline,
        )
    }

    fn decide(&mut self, failure: &Failure) -> Decision {
        let now = self.platform.now();
        let moment = Moment {
            class: failure.class,
            hint: failure.hints.retry_after,
            remaining: self.deadline.map(|(at, _)| at - now),
            heard: self.lane.presence.borrow().heard(now),
            outlook: failure.outlook,
            in_vain: self.lane.is_in_vain(now, self.position.since()),
            unit: self.platform.random(),
        };
        let mut budget = self.lane.budget.borrow_mut();
        decide(&self.policy, moment, &mut self.tries, &mut budget)
    }

    /// The one shape that a failure leaves the client in.
    pub(crate) fn error(&self, failure: Box<Failure>, stop: Stop) -> Error {
        let failure = *failure;
        // Some servers echo the credentials that they get.
        let secrets = self.request.headers.secrets();
        let kind = secrets.fold(failure.kind, ErrorKind::scrubbed);
        let passes = failure.class != Class::Fatal || kind.passes();
        Error {
            retryable: passes,
            kind,
            phase: failure.phase,
            attempts: self.ledger.attempts(),
            retry_after: (failure.hints.retry_after)
                .map(|wait| Duration::from_millis(whole_millis(wait))),
            budget_exhausted: stop == Stop::BudgetExhausted,
            request_id: failure.hints.request_id,
            partial: None,
            handle: failure.handle,
        }
    }

    /// The cache has the answer: what is left of the call is its record.
    pub(crate) fn hit(self, usage: Option<Usage>) -> Ledger<P> {
        self.ledger.note(|record| {
            record.cache = CacheUse::Hit;
            record.usage = usage;
        });
        self.ledger
    }

    /// It has not.
    pub(crate) fn miss(&self) {
        self.ledger.note(|record| record.cache = CacheUse::Miss);
    }

    /// Settles the call as failed, and answers with what.
    pub(crate) fn failed(self, error: Error) -> Error {
        self.settle(Some(error.kind.as_str()));
        error
    }

    /// Settles the call and answers its record.
    pub(crate) fn settle(self, error: Option<&'static str>) -> Record {
        let record = self.ledger.settle(error);
        if let (None, Some(end)) = (record.error, record.end) {
            self.lane.call.borrow_mut().note(end - record.created);
        }
        record
    }
}

/// A failure in the queue.
fn in_queue(kind: ErrorKind, retry_after: Option<Duration>) -> Box<Failure> {
    Box::new(Failure {
        class: classify(&kind, None),
        kind,
        phase: Phase::Queue,
        outlook: Outlook::Unknown,
        hints: Hints {
            retry_after,
            ..Hints::default()
        },
        handle: None,
    })
}
