//! One attempt: a place under the limit, one fetch, its clocks and its record.
//!
//! It knows nothing of the attempts before it. Dropping it at any moment aborts the request, gives
//! its place back and notes that it was aborted.

use std::rc::Rc;
use std::time::Duration;

use crate::adapt::Refusal;
use crate::decode::{self, Answer, Choice, Usage};
use crate::error::{ErrorKind, Phase, Timeout};
use crate::hints::{Hints, in_words};
use crate::http::{Handle, Head, HttpRequest};
use crate::lane::Lane;
use crate::ledger::Journal;
use crate::limiter::{Outcome, Permit};
use crate::platform::{Body, Platform, TransportError};
use crate::retry::{Class, Outlook, classify, is_refusal};
use crate::time::Instant;
use crate::watch::{Deadline, Watch, earlier};

/// How much of an error's body is read, and for how long. Errors are small; what is longer is a
/// page meant for people, and what is slower holds a place that others need.
const ERROR_BYTES_MAX: usize = 16 << 10;
const ERROR_WAIT_MAX: Duration = Duration::from_millis(250);

/// What is drained after a stream's end so that its connection can serve again.
const DRAIN_BYTES_MAX: usize = 16 << 10;
const DRAIN_WAIT_MAX: Duration = Duration::from_millis(250);

/// An attempt that failed, classified, with its place given back.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) phase: Phase,
    pub(crate) class: Class,
    /// What the failures of all calls say of the server.
    pub(crate) outlook: Outlook,
    pub(crate) hints: Hints,
    pub(crate) handle: Option<Handle>,
}

/// An attempt whose head promises an answer, or how it failed before.
pub(crate) type Opened<P> = Result<(Exchange<P>, Head, <P as Platform>::Body), Box<Failure>>;

/// An attempt under way.
pub(crate) struct Exchange<P: Platform> {
    pub(crate) platform: P,
    pub(crate) watch: Watch<P>,
    pub(crate) journal: Journal,
    permit: Option<Permit<P>>,
    lane: Rc<Lane<P>>,
    hints: Hints,
    handle: Option<Handle>,
    pub(crate) started: Instant,
    call_deadline: Option<Deadline>,
    attempt_deadline: Option<Deadline>,
}

impl<P: Platform> Exchange<P> {
    pub(crate) fn new(
        platform: P,
        mut permit: Permit<P>,
        lane: Rc<Lane<P>>,
        journal: Journal,
        call_deadline: Option<Deadline>,
        attempt_deadline: Option<Deadline>,
    ) -> Self {
        permit.sent();
        Self {
            started: platform.now(),
            watch: Watch::new(platform.clone()),
            platform,
            permit: Some(permit),
            lane,
            journal,
            hints: Hints::default(),
            handle: None,
            call_deadline,
            attempt_deadline,
        }
    }

    /// Sends the request and waits for a head that promises an answer.
    pub(crate) async fn open(mut self, request: HttpRequest) -> Opened<P> {
        let sent = request.headers.clone();
        let fetch = self.platform.fetch(request);
        let (head, mut body) = match self.watch.guard(self.deadline(), fetch).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => {
                let phase = match error {
                    TransportError::Connect(_) | TransportError::Invalid(_) => Phase::Connect,
                    _ => Phase::Headers,
                };
                return Err(self.fail(error.into(), phase));
            }
            Err(timeout) => return Err(self.fail(ErrorKind::Timeout(timeout), Phase::Headers)),
        };
        self.handle.clone_from(&head.handle);
        if let Some(permit) = &mut self.permit {
            permit.waited(head.connection.waited);
        }
        let now = self.platform.now();
        self.journal.note(|attempt| {
            attempt.headers = Some(now);
            attempt.status = Some(head.status);
        });
        if (200..300).contains(&head.status) {
            self.hints = Hints::read(&head, None, self.platform.unix_time());
            return Ok((self, head, body));
        }
        // The pause begins now, not when the error's body has arrived.
        let hint = Hints::read(&head, None, self.platform.unix_time()).retry_after;
        if let (Some(hint), Some(permit)) = (hint, &self.permit)
            && is_refusal(head.status)
        {
            permit.pause(hint);
        }
        let text = self.read_error(&mut body).await;
        let secrets = sent.secrets();
        let text = secrets.fold(text, |text, secret| secret.scrub(&text));
        drop(body);
        self.hints = Hints::read(&head, Some(&text), self.platform.unix_time());
        let error = decode::error_body(
            head.status,
            head.headers.get("content-type"),
            text.as_bytes(),
        );
        Err(self.fail(
            ErrorKind::Status {
                status: head.status,
                error: Box::new(error),
            },
            Phase::Headers,
        ))
    }

    /// Lets the platform read an answer, where it can and finds nothing odd in it.
    pub(crate) async fn plain(
        &mut self,
        body: &mut P::Body,
    ) -> Result<Option<Answer>, Box<Failure>> {
        match self.watch.guard(self.deadline(), body.plain()).await {
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(plain))) => {
                self.received(plain.bytes);
                let choice = plain.finish.map(|finish| Choice {
                    finish: Some(finish),
                    ..Choice::default()
                });
                Ok(Some(Answer {
                    usage: Some(plain.usage),
                    choices: choice.into_iter().collect(),
                    ..Answer::default()
                }))
            }
            Ok(Err(error)) => Err(self.fail(error.into(), Phase::Body)),
            Err(timeout) => Err(self.fail(ErrorKind::Timeout(timeout), Phase::Body)),
        }
    }

    /// Reads an answer to its end.
    pub(crate) async fn read(
        mut self,
        mut body: P::Body,
        bytes_max: usize,
    ) -> Result<(Self, String), Box<Failure>> {
        let mut bytes = Vec::new();
        loop {
            match self.watch.guard(self.deadline(), body.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    self.received(chunk.len());
                    if bytes.len() + chunk.len() > bytes_max {
                        return Err(self.fail(ErrorKind::TooLong { bytes_max }, Phase::Body));
                    }
                    bytes.extend_from_slice(&chunk);
                }
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(self.fail(error.into(), Phase::Body)),
                Err(timeout) => return Err(self.fail(ErrorKind::Timeout(timeout), Phase::Body)),
            }
        }
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok((self, text))
    }

    /// The beginning of an error's body, as far as it arrives in time.
    async fn read_error(&mut self, body: &mut P::Body) -> String {
        let until = (
            self.platform.now() + ERROR_WAIT_MAX,
            Timeout::Attempt(ERROR_WAIT_MAX),
        );
        let deadline = earlier(self.deadline(), Some(until));
        let mut bytes = Vec::new();
        // Whatever goes wrong here, the status has said the essential thing already.
        while let Ok(Ok(Some(chunk))) = self.watch.guard(deadline, body.chunk()).await {
            self.received(chunk.len());
            let room = ERROR_BYTES_MAX - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What the head of the reply said about limits.
    pub(crate) const fn hints(&self) -> &Hints {
        &self.hints
    }

    /// The deadline of the whole call.
    pub(crate) const fn call_deadline(&self) -> Option<Deadline> {
        self.call_deadline
    }

    fn deadline(&self) -> Option<Deadline> {
        earlier(self.call_deadline, self.attempt_deadline)
    }

    /// Counts bytes of the reply's body.
    pub(crate) fn received(&self, bytes: usize) {
        self.journal.note(|attempt| attempt.bytes += bytes as u64);
    }

    /// Ends the attempt well. `usage` is what the server says it used.
    pub(crate) fn succeed(mut self, usage: Option<Usage>) {
        if let Some(permit) = self.permit.take() {
            permit.settle(succeeded(usage));
        }
        if let Some(usage) = usage {
            self.journal.used(usage);
        }
        self.journal.end(self.platform.now(), None);
    }

    /// Ends the attempt in failure: tells the limiter, notes it, and classifies it.
    pub(crate) fn fail(&mut self, kind: ErrorKind, phase: Phase) -> Box<Failure> {
        let class = classify(&kind, self.hints.should_retry);
        let now = self.platform.now();
        let outlook = self.lane.failed(now, self.started, &kind, class);
        let (mut hints, handle) = (std::mem::take(&mut self.hints), self.handle.take());
        // The head of an answer that had begun well could not tell.
        if let (ErrorKind::InBand(error), Class::Throttle) = (&kind, class) {
            hints.retry_after = hints.retry_after.or_else(|| in_words(&error.message));
        }
        if let Some(permit) = self.permit.take() {
            let overload = outlook == Outlook::Down || class == Class::Overload;
            if overload || class == Class::Throttle {
                let hint = hints.retry_after;
                permit.settle(Outcome::Refused(Refusal { hint, overload }));
                self.lane.refused(now, &kind);
            } else {
                permit.settle(failed(&kind));
            }
        }
        self.journal.note(|attempt| {
            attempt.class = Some(class);
            attempt.retry_after = hints.retry_after;
        });
        self.journal.end(now, Some(kind.as_str()));
        Box::new(Failure {
            kind,
            phase,
            class,
            outlook,
            hints,
            handle,
        })
    }

    /// Ends a stream well. What may follow is drained in the background, so that its connection
    /// returns to the pool; the place under the limit is given back only then.
    pub(crate) fn succeed_and_drain(mut self, mut body: P::Body, usage: Usage) {
        self.journal.used(usage);
        self.journal.end(self.platform.now(), None);
        let Some(permit) = self.permit.take() else {
            return;
        };
        let platform = self.platform.clone();
        let drain = self.lane.drains.begin();
        self.platform.spawn(async move {
            let until = Some((
                platform.now() + DRAIN_WAIT_MAX,
                Timeout::Attempt(DRAIN_WAIT_MAX),
            ));
            let mut watch = Watch::new(platform);
            let mut drained = 0;
            while let Ok(Ok(Some(chunk))) = watch.guard(until, body.chunk()).await {
                drained += chunk.len();
                if drained > DRAIN_BYTES_MAX {
                    break;
                }
            }
            drop(body);
            permit.settle(succeeded(Some(usage)));
            drop(drain);
        });
    }
}

/// What the limiter learns from an answer.
fn succeeded(usage: Option<Usage>) -> Outcome {
    let usage = usage.unwrap_or_default();
    let tokens = usage
        .input
        .zip(usage.output)
        .map(|(input, output)| input.saturating_add(output));
    Outcome::Succeeded {
        units: usage.output,
        tokens,
    }
}

/// What the limiter learns from a failure. A request that never left, or that the server turned down,
/// used no tokens; one that broke on the way may have used all. A server that counts otherwise says so
/// in the head of its reply, which is learned next.
fn failed(kind: &ErrorKind) -> Outcome {
    let is_unused = match kind {
        ErrorKind::Transport(TransportError::Connect(_)) => true,
        // A 408 may come from a gateway that gave up waiting for a server that was at work.
        _ => matches!(kind.status(), Some(400..=407 | 409..=499)),
    };
    Outcome::Failed {
        tokens: is_unused.then_some(0),
    }
}

impl<P: Platform> Drop for Exchange<P> {
    fn drop(&mut self) {
        // Only what was neither `succeed`ed nor `fail`ed is still open here.
        self.journal.abandon(self.platform.now());
    }
}
