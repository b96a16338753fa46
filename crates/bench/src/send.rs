//! One request of a run: asked, read to its end, and noted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{AbortRegistration, Abortable};
use kneepoint_core::decode::{Decoded, Delta, Timings};
use kneepoint_core::platform::Platform;
use kneepoint_core::{
    AttemptRecord, Client, Config, ConfigError, Error, ErrorKind, Family, Instant, Observer,
    Outline, Phase, Prompt, Record, Request, adapt,
};

use crate::json;
use crate::outcome::{Job, Outcome, Reading, sample};
use crate::record::Sample;
use crate::usage::UsageQuestion;

/// A request that has ended.
#[derive(Debug)]
pub(crate) struct Landing {
    pub(crate) job: Job,
    pub(crate) sample: Sample,
    pub(crate) gaps_ms: Vec<f64>,
    /// For how long the client held it back, in microseconds: it was told to pause, or its limit was
    /// reached.
    pub(crate) held: u64,
    /// Whether it was refused for its question for usage, and sent again without it.
    pub(crate) usage_refused: bool,
    /// The call itself cannot be made: so cannot any other.
    pub(crate) config: Option<ConfigError>,
}

/// Sends requests and notes what becomes of them.
pub(crate) struct Sender<P: Platform> {
    platform: P,
    config: Config,
    stream: bool,
    origin: Instant,
    usage_question: UsageQuestion,
    clients: Clients<P>,
    trouble: Rc<Trouble>,
}

/// Who sends: a server's hint closes a client to all its requests, which then go out together. An
/// adaptive limit finds a pace for them. Without one a server that takes eight a second would answer
/// one, so there each slot is a client of its own, and waits alone.
enum Clients<P: Platform> {
    Shared(Connected<P>),
    PerSlot {
        clients: RefCell<Vec<Connected<P>>>,
        /// Whether a slot goes by the hint that it met, or is told by the run how long to rest.
        heeds_hints: bool,
    },
}

/// A client, and the record of the call that it settled last.
struct Connected<P: Platform> {
    client: Client<P>,
    notebook: Rc<Notebook>,
}

impl<P: Platform> Clone for Connected<P> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            notebook: self.notebook.clone(),
        }
    }
}

/// Keeps the record of the call that was settled last. Whoever awaited that call is polled next,
/// before any other can settle.
struct Notebook {
    last: RefCell<Option<Record>>,
    trouble: Rc<Trouble>,
}

impl Observer for Notebook {
    fn attempt(&self, _: &Record, attempt: &AttemptRecord) {
        if attempt.class.is_some() {
            self.trouble.note(attempt);
        }
    }

    fn call(&self, record: &Record) {
        *self.last.borrow_mut() = Some(record.clone());
    }
}

/// Attempts that failed and did not end their request, all clients together: a request that is tried again
/// for a minute has not ended, and yet there is something to say.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    repeated: Cell<u64>,
    last: RefCell<Option<String>>,
}

impl Trouble {
    fn note(&self, attempt: &AttemptRecord) {
        self.repeated.set(self.repeated.get() + 1);
        let word = attempt.error.map(str::to_owned);
        let status = attempt.status.filter(|status| *status >= 300);
        *self.last.borrow_mut() = status.map(|status| status.to_string()).or(word);
    }

    /// The one that was noted last of a call was not repeated for its failure.
    fn forget_last(&self, record: Option<&Record>) {
        let last = record.and_then(|record| record.attempts.last());
        if last.is_some_and(|attempt| attempt.class.is_some()) {
            self.repeated.set(self.repeated.get().saturating_sub(1));
        }
    }

    /// How many.
    pub(crate) const fn repeated(&self) -> u64 {
        self.repeated.get()
    }

    /// What the last one failed of: its status, or the error's name.
    pub(crate) fn last(&self) -> Option<String> {
        self.last.borrow().clone()
    }
}

impl<P: Platform> Connected<P> {
    fn new(platform: &P, config: &Config, trouble: &Rc<Trouble>) -> Result<Self, ConfigError> {
        let notebook = Rc::new(Notebook {
            last: RefCell::default(),
            trouble: trouble.clone(),
        });
        let observer: Rc<dyn Observer> = notebook.clone();
        let client = Client::with_observer(platform.clone(), config.clone(), Some(observer))?;
        Ok(Self { client, notebook })
    }
}

impl<P: Platform> Sender<P> {
    /// Sends as a program with one client would, at most `ceiling` at once.
    pub(crate) fn plain(
        platform: &P,
        config: &Config,
        stream: bool,
        ceiling: u32,
    ) -> Result<Self, ConfigError> {
        let mut config = config.clone();
        if !config.concurrency.adaptive {
            config.concurrency = fixed(ceiling);
        }
        let trouble = Rc::default();
        let client = Connected::new(platform, &config, &trouble)?;
        let clients = Clients::Shared(client);
        Ok(Self::with(platform, config, stream, clients, trouble))
    }

    /// Sends as workers do that know nothing of each other: each slot repeats and waits on its own.
    pub(crate) fn workers(
        platform: &P,
        config: &Config,
        stream: bool,
    ) -> Result<Self, ConfigError> {
        Self::per_slot(platform, config.clone(), stream, true)
    }

    /// Sends to find out what the server does: nothing is repeated, raced or cached, and each slot
    /// is on its own.
    pub(crate) fn probing(
        platform: &P,
        config: &Config,
        stream: bool,
    ) -> Result<Self, ConfigError> {
        let mut config = config.clone();
        config.retry.retries_max = Some(0);
        config.hedge = false;
        Self::per_slot(platform, config, stream, false)
    }

    fn per_slot(
        platform: &P,
        mut config: Config,
        stream: bool,
        heeds_hints: bool,
    ) -> Result<Self, ConfigError> {
        config.concurrency = fixed(1);
        let clients = Clients::PerSlot {
            clients: RefCell::default(),
            heeds_hints,
        };
        let sender = Self::with(platform, config, stream, clients, Rc::default());
        // A configuration that cannot be used is told now.
        sender.slot(0)?;
        Ok(sender)
    }

    fn with(
        platform: &P,
        mut config: Config,
        stream: bool,
        clients: Clients<P>,
        trouble: Rc<Trouble>,
    ) -> Self {
        // A measured answer is the server's own.
        config.cache = None;
        config.dedupe = Some(false);
        let asks = stream && config.provider.family == Family::OpenAi;
        Self {
            platform: platform.clone(),
            stream,
            origin: platform.now(),
            usage_question: UsageQuestion::new(asks),
            config,
            clients,
            trouble,
        }
    }

    /// What has failed so far.
    pub(crate) fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// When the run began.
    pub(crate) const fn origin(&self) -> Instant {
        self.origin
    }

    /// Whether streams are asked for their usage.
    pub(crate) fn asks_usage(&self) -> bool {
        self.usage_question.is_asked()
    }

    fn slot(&self, slot: u32) -> Result<Connected<P>, ConfigError> {
        match &self.clients {
            Clients::Shared(client) => Ok(client.clone()),
            Clients::PerSlot { clients, .. } => {
                let mut clients = clients.borrow_mut();
                while clients.len() <= slot as usize {
                    clients.push(Connected::new(&self.platform, &self.config, &self.trouble)?);
                }
                Ok(clients[slot as usize].clone())
            }
        }
    }

    /// Gives a slot a client that knows of no hint, where the ladder decides how long to rest.
    fn forget_hint(&self, slot: u32) {
        if let Clients::PerSlot {
            clients,
            heeds_hints: false,
        } = &self.clients
            && let Ok(fresh) = Connected::new(&self.platform, &self.config, &self.trouble)
            && let Some(client) = clients.borrow_mut().get_mut(slot as usize)
        {
            *client = fresh;
        }
    }

    /// Sends a request and reads its answer to the end, or until it is taken back.
    pub(crate) async fn send(
        self: Rc<Self>,
        job: Job,
        prompt: Prompt,
        abort: AbortRegistration,
    ) -> Landing {
        // Kept out here: what asks may be dropped before it has an outcome.
        let refused = RefCell::new(None);
        let (outcome, record) = match self.slot(job.slot) {
            Err(error) => (failed(ErrorKind::Config(error)), None),
            Ok(Connected { client, notebook }) => {
                let asking = self.ask(&client, &notebook, &prompt, &refused);
                let outcome = Abortable::new(asking, abort)
                    .await
                    .unwrap_or(Outcome::Aborted);
                let record = notebook.last.borrow_mut().take();
                (outcome, record)
            }
        };
        self.trouble.forget_last(record.as_ref());
        let refused = refused.into_inner();
        let usage_refused = refused.is_some();
        let record = match refused {
            Some(refused) => Some(joined(refused, record)),
            None => record,
        };
        let now = self.platform.now();
        let mut sample = sample(&job, record.as_ref(), &outcome, self.origin, now);
        // The server has received it, whatever it was for.
        sample.attempts += u32::from(usage_refused);
        if sample.retry_after.is_some() {
            self.forget_hint(job.slot);
        }
        let (config, reading) = match outcome {
            Outcome::Answered(reading) => (None, reading),
            Outcome::Aborted => (None, Reading::default()),
            Outcome::Failed(error, reading) => match error.kind {
                ErrorKind::Config(config) => (Some(config), reading),
                _ => (None, reading),
            },
        };
        Landing {
            job,
            sample,
            gaps_ms: reading.gaps_ms,
            held: record.map_or(0, |record| record.queued.as_micros() as u64),
            usage_refused,
            config,
        }
    }

    /// Asks; and where a server refuses the question for usage, asks again without it and remembers. The
    /// call that was refused for that is left in `refused`.
    async fn ask(
        &self,
        client: &Client<P>,
        notebook: &Notebook,
        prompt: &Prompt,
        refused: &RefCell<Option<Record>>,
    ) -> Outcome {
        let question = &self.usage_question;
        let is_put = question.is_put();
        let request = client.request(prompt, self.stream);
        // A whole answer brings it unasked.
        let request = without_usage(request, self.stream && !is_put);
        let request = self.outlined(request, prompt);
        let outcome = self.read(client, request).await;
        match &outcome {
            Outcome::Answered(_) if is_put => question.accept(),
            Outcome::Failed(error, _)
                if is_put && error.kind.status() == Some(400) && question.doubt() =>
            {
                let record = notebook.last.borrow_mut().take();
                self.trouble.forget_last(record.as_ref());
                *refused.borrow_mut() = record;
                let request = without_usage(client.request(prompt, self.stream), true);
                let outcome = self.read(client, request).await;
                question.judge(matches!(outcome, Outcome::Answered(_)));
                return outcome;
            }
            _ => {}
        }
        outcome
    }

    /// Of a whole answer only the figures are wanted: a platform that parses it need not hand it on.
    fn outlined(&self, request: Request, prompt: &Prompt) -> Request {
        let bytes = request.body.as_ref().map_or(0, |body| body.len());
        let outline = Outline {
            model: Some(prompt.model.as_str().into()),
            is_streamed: false,
            bytes,
            answer_max: prompt.max_tokens.map(u64::from),
        };
        Request {
            held: (!self.stream).then_some(outline),
            ..request
        }
    }

    async fn read(&self, client: &Client<P>, request: Request) -> Outcome {
        if !self.stream {
            return match client.send(request).await {
                Ok(reply) => Outcome::Answered(Reading::of(&reply)),
                Err(error) => Outcome::Failed(Box::new(error), Reading::default()),
            };
        }
        let mut reading = Reading::default();
        let mut stream = match client.stream(request).await {
            Ok(stream) => stream,
            Err(error) => return Outcome::Failed(Box::new(error), reading),
        };
        reading.connection = stream.head().connection;
        let mut last: Option<Instant> = None;
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(decoded) => last = self.note(&decoded, last, &mut reading),
                Err(error) => return Outcome::Failed(Box::new(error), reading),
            }
        }
        reading.usage = stream.record().and_then(|record| record.usage);
        Outcome::Answered(reading)
    }

    /// Notes what a read brought, and answers when the last content came.
    fn note(
        &self,
        decoded: &Decoded,
        last: Option<Instant>,
        reading: &mut Reading,
    ) -> Option<Instant> {
        for delta in &decoded.deltas {
            match delta {
                Delta::Finish { choice: 0, reason } => reading.finish = Some(reason.clone()),
                Delta::Timings(timings) => reading.timings = Some(counts(timings)),
                _ => {}
            }
        }
        if decoded.content_events == 0 {
            return last;
        }
        let now = self.platform.now();
        reading.has_content = true;
        reading.reads += 1;
        if let Some(last) = last {
            reading.gaps_ms.push((now - last).as_secs_f64() * 1000.0);
        }
        // Chunks that came with one read came at one time.
        let together = decoded.content_events as usize - 1;
        reading.gaps_ms.extend(std::iter::repeat_n(0.0, together));
        Some(now)
    }
}

/// A limit that is the caller's, and does not move.
fn fixed(ceiling: u32) -> adapt::Options {
    adapt::Options {
        adaptive: false,
        ..adapt::Options::at_most(ceiling)
    }
}

fn counts(timings: &Timings) -> (Option<u64>, Option<u64>) {
    let count = |n: f64| (n >= 0.0 && n.is_finite()).then_some(n as u64);
    (
        timings.prompt_n.and_then(count),
        timings.predicted_n.and_then(count),
    )
}

fn failed(kind: ErrorKind) -> Outcome {
    let error = Error::of(kind, Phase::Queue);
    Outcome::Failed(Box::new(error), Reading::default())
}

/// A call that was refused for its question for usage, and the one in its place, as one call: without the
/// attempt that was refused, which says nothing of how long an answer takes. Its time was held back.
fn joined(mut refused: Record, again: Option<Record>) -> Record {
    let asked = refused.attempts.pop().map(|attempt| attempt.start);
    let Some(again) = again else {
        return refused;
    };
    let lost = asked.map_or(Duration::ZERO, |asked| again.created - asked);
    refused.attempts.extend(again.attempts);
    Record {
        created: refused.created,
        queued: refused.queued + lost + again.queued,
        attempts: refused.attempts,
        ..again
    }
}

/// The request without the question for usage.
fn without_usage(mut request: Request, drop: bool) -> Request {
    let body = request.body.as_deref().filter(|_| drop);
    if let Some(mut body) = body.and_then(|body| json::parse(body).ok())
        && let Some(fields) = body.as_object_mut()
        && fields.remove("stream_options").is_some()
    {
        request.body = Some(json::to_string(&body).into());
    }
    request
}
