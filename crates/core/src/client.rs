//! The client: what a program holds. It alone knows all the steps of a request.
//!
//! Handles are cheap to clone and share one scheduler per key. Dropping a future or a stream takes
//! its call back, wherever it stands.

use std::rc::Rc;

use crate::cache::{Entry, Key, Landing, StoreError};
use crate::call::Call;
use crate::check::ConfigError;
use crate::config::Config;
use crate::decode::{Answer, Caps, Decoded, Dialect, StreamDecoder};
use crate::error::{Error, ErrorKind, Phase, Timeout};
use crate::http::{Head, Headers};
use crate::inner::Inner;
use crate::keeper::Keeper;
use crate::lane::LaneStats;
use crate::ledger::{Observer, Totals};
use crate::platform::Platform;
use crate::prepare::Prepared;
use crate::reading::Reading;
use crate::record::CacheUse;
use crate::reply::{Flown, Reply};
use crate::request::Request;
use crate::stream::{Keep, Pace, Reader, Stream, is_whole};
use crate::watch::Watch;

/// A client of one endpoint.
///
/// ```
/// use kneepoint_core::platform::sim::{Reply, Script, Sim};
/// use kneepoint_core::{Client, Config, Prompt, Provider};
///
/// // A server that is overloaded once and then answers. In JavaScript: `Web::new()?` instead.
/// let sim = Sim::new(1);
/// let answer = r#"{"choices":[{"message":{"content":"Hello!"},"finish_reason":"stop"}]}"#;
/// let script = Script::new().reply(Reply::status(503)).reply(Reply::json(answer));
/// sim.serve("https://llm.test", script);
///
/// let config = Config::new(Provider::compatible("https://llm.test/v1"));
/// let client = Client::new(sim.clone(), config)?;
/// let reply = sim.run(client.generate(&Prompt::new("small", "Hi"))).expect("it was retried");
/// assert_eq!(reply.answer.text(), "Hello!");
/// assert_eq!(reply.record.attempts.len(), 2);
/// # Ok::<(), kneepoint_core::ConfigError>(())
/// ```
pub struct Client<P: Platform>(pub(crate) Rc<Inner<P>>);

/// A client's figures of the moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Counted over all calls.
    pub totals: Totals,
    /// For each model in use: its limit, its queue, its speed.
    pub lanes: Vec<LaneStats>,
}

impl<P: Platform> Clone for Client<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Platform> Client<P> {
    /// A client on `platform`, if `config` can be used.
    pub fn new(platform: P, config: Config) -> Result<Self, ConfigError> {
        Self::with_observer(platform, config, None)
    }

    /// The same, with someone who is told of every attempt and call.
    pub fn with_observer(
        platform: P,
        config: Config,
        observer: Option<Rc<dyn Observer>>,
    ) -> Result<Self, ConfigError> {
        let inner = Inner::new(platform, config, observer)?;
        Ok(Self(Rc::new(inner)))
    }

    /// Sends a request and waits for the whole answer.
    pub async fn send(&self, request: Request) -> Result<Reply, Error> {
        let Prepared {
            call,
            reading,
            cache,
            flight,
        } = Prepared::new(&self.0, request, false)?;
        let errand = Errand {
            client: self.clone(),
            call,
            reading,
            cache,
        };
        match flight {
            None => errand.run(None).await,
            Some(flight) => self.share(&flight, errand).await,
        }
    }

    /// Joins the call of this name that is in flight, or begins it.
    async fn share(&self, flight: &Key, errand: Errand<P>) -> Result<Reply, Error> {
        let outcome = loop {
            let Some(answer) = self.0.flights.running(flight) else {
                // This call begins the flight, and its record tells the whole story.
                let run = |landing| async { errand.run(Some(landing)).await.map(Rc::new) };
                return self
                    .0
                    .flights
                    .begin(flight, run)
                    .await
                    .map(Rc::unwrap_or_clone);
            };
            // An answer that is there already is on its way into the cache.
            let kept = answer.peek().is_some();
            let mut watch = Watch::new(self.0.platform.clone());
            match watch.guard(errand.call.deadline, answer).await {
                // The time of the one that began it is up, and not this one's: once more.
                Ok(Err(Error {
                    kind: ErrorKind::Timeout(Timeout::Call(_)),
                    ..
                })) => {}
                Ok(outcome) => break outcome.map(|reply| (reply, kept)),
                Err(timeout) => break Err(Error::of(ErrorKind::Timeout(timeout), Phase::Queue)),
            }
        };
        let call = errand.call;
        match outcome {
            Ok((reply, kept)) => {
                let hit = kept || reply.record.cache == CacheUse::Hit;
                call.ledger.note(|record| {
                    record.cache = if hit { CacheUse::Hit } else { CacheUse::Shared };
                    record.usage = reply.record.usage;
                });
                let record = call.settle(None);
                Ok(Reply {
                    record,
                    ..Rc::unwrap_or_clone(reply)
                })
            }
            Err(error) => Err(call.failed(error)),
        }
    }

    /// Sends a request whose answer arrives piece by piece, and waits for its first content.
    pub async fn stream(&self, request: Request) -> Result<Stream<P>, Error> {
        self.open(request, StreamDecoder::new).await
    }

    /// The same for callers who parse the events themselves: [`Decoded::text`] holds the data of the
    /// events, as [`StreamDecoder::raw`] tells.
    pub async fn stream_data(&self, request: Request) -> Result<Stream<P>, Error> {
        self.open(request, StreamDecoder::raw).await
    }

    async fn open(
        &self,
        request: Request,
        decoder: fn(Dialect, Caps) -> StreamDecoder,
    ) -> Result<Stream<P>, Error> {
        let dialect = match request.endpoint.reading() {
            Reading::Answer(dialect) => dialect,
            Reading::AsIs => Dialect::Any,
            Reading::Json => {
                let error = ConfigError::new("stream", "true", "an endpoint that streams");
                return Err(Error::of(error.into(), Phase::Queue));
            }
        };
        let prepared = Prepared::new(&self.0, request, true)?;
        if let Some((keeper, key)) = &prepared.cache {
            let decoder = || decoder(dialect, Caps::default());
            let read = |Entry { body }| {
                let whole = is_whole(&body, decoder());
                whole.then_some(body).ok_or_else(no_whole_answer)
            };
            if let Some(body) = keeper.find(key, prepared.call.deadline, read).await {
                return Ok(Stream::kept(body, decoder(), prepared.call.hit(None)));
            }
            prepared.call.miss();
        }
        let Prepared {
            mut call, cache, ..
        } = prepared;
        let config = &self.0.config;
        let pace = Pace {
            first_token: config.first_token_timeout,
            idle: config.idle_timeout,
            bytes_max: config.answer_bytes_max,
        };
        let keep = cache.map(|(keeper, key)| {
            Box::new(move |text: String| keeper.keep(key, text.into(), ())) as Keep
        });
        let begun = call
            .run(async |exchange, head, body| {
                let decoder = decoder(dialect, Caps::default());
                let mut reader = Reader::new(exchange, body, decoder, pace, keep.is_some());
                let mut first = Decoded::default();
                match reader.step(&mut first).await {
                    Ok(step) => Ok((head, reader, (first, step))),
                    Err(kind) => Err(reader.fail(kind, Phase::Body)),
                }
            })
            .await;
        match begun {
            Ok((head, reader, first)) => Ok(Stream::live(head, reader, first, call, keep)),
            Err(error) => Err(call.failed(error)),
        }
    }

    /// Changes how many requests may be in flight at once, from now on and for every model; at
    /// least 1. Those in flight beyond a lower number are left to end by themselves.
    pub fn resize(&self, ceiling: u32) {
        let ceiling = ceiling.max(1);
        self.0.ceiling.set(ceiling);
        let lanes = self.0.lanes.borrow().clone();
        for (_, lane) in lanes {
            lane.limiter.set_ceiling(ceiling);
        }
    }

    /// The figures of the moment.
    pub fn stats(&self) -> Stats {
        let lanes = self.0.lanes.borrow();
        Stats {
            totals: *self.0.office.totals.borrow(),
            lanes: lanes.iter().map(|(_, lane)| lane.stats()).collect(),
        }
    }
}

/// A call for a whole answer.
struct Errand<P: Platform> {
    client: Client<P>,
    call: Call<P>,
    reading: Reading,
    cache: Option<(Rc<Keeper<P>>, Key)>,
}

impl<P: Platform> Errand<P> {
    /// The answer from the cache or else from the server, whose answer is then handed to the cache.
    /// Others may join until it is there.
    async fn run(self, landing: Option<Landing<Flown>>) -> Result<Reply, Error> {
        let Self {
            client,
            mut call,
            reading,
            cache,
        } = self;
        if let Some((keeper, key)) = &cache {
            let read = |Entry { body }| match reading.read(&body) {
                Ok(answer) => Ok((body, answer)),
                Err(_) => Err(no_whole_answer()),
            };
            if let Some((body, answer)) = keeper.find(key, call.deadline, read).await {
                return Ok(Reply {
                    head: Head::new(200, Headers::new()),
                    body,
                    record: call.hit(answer.usage).settle(None),
                    answer,
                });
            }
            call.miss();
        }
        match fetch(&mut call, reading, client.0.config.answer_bytes_max).await {
            Ok((head, text, answer)) => {
                let body: Rc<str> = text.into();
                if let Some((keeper, key)) = cache {
                    keeper.keep(key, body.clone(), landing.map(Landing::linger));
                }
                Ok(Reply {
                    head,
                    body,
                    answer,
                    record: call.settle(None),
                })
            }
            Err(error) => Err(call.failed(error)),
        }
    }
}

/// Fetches a whole answer.
async fn fetch<P: Platform>(
    call: &mut Call<P>,
    reading: Reading,
    bytes_max: usize,
) -> Result<(Head, String, Answer), Error> {
    let is_whole = call.request.whole.is_some();
    call.run(async |mut exchange, head, mut body| {
        if is_whole && let Some(answer) = exchange.plain(&mut body).await? {
            exchange.succeed(answer.usage);
            return Ok((head, String::new(), answer));
        }
        let (mut exchange, text) = exchange.read(body, bytes_max).await?;
        match reading.read(&text) {
            Ok(answer) => {
                exchange.succeed(answer.usage);
                Ok((head, text, answer))
            }
            Err(error) => Err(exchange.fail(error.into(), Phase::Body)),
        }
    })
    .await
}

/// What a store did wrong that answered with the wrong text, or with a part of the right one.
fn no_whole_answer() -> StoreError {
    StoreError("what it answered is no whole answer".to_owned())
}
