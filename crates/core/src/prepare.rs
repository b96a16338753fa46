//! From what a caller asks to a call that can run: checked, addressed and signed.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use crate::cache::{Key, KeyParts};
use crate::call::Call;
use crate::check::{ConfigError, check_key, check_timeout, quoted};
use crate::config::Config;
use crate::error::{Error, Phase, Timeout};
use crate::http::{Headers, HttpRequest, Method, Whole};
use crate::inner::Inner;
use crate::keeper::Keeper;
use crate::lane::Lane;
use crate::ledger::Ledger;
use crate::platform::Platform;
use crate::provider::Endpoint;
use crate::reading::Reading;
use crate::record::Record;
use crate::request::{CallOptions, Request};
use crate::retry::{RetryPolicy, Tries};
use crate::time::Instant;

/// Lanes of models that are not in use are kept up to this number; each is a few kilobytes.
const LANES_MAX: usize = 64;

/// A call that can run, and what surrounds it.
pub(crate) struct Prepared<P: Platform> {
    pub(crate) call: Call<P>,
    pub(crate) reading: Reading,
    /// Where the answer may be kept, and under which name.
    pub(crate) cache: Option<(Rc<Keeper<P>>, Key)>,
    /// Under which name the attempt may be shared.
    pub(crate) flight: Option<Key>,
}

impl<P: Platform> Prepared<P> {
    /// Checks `request` and makes a call of it. `streamed` says what the caller expects.
    pub(crate) fn new(
        client: &Rc<Inner<P>>,
        request: Request,
        streamed: bool,
    ) -> Result<Self, Error> {
        let outline = request.outline();
        let is_held = request.held.is_some();
        let has_body = request.body.is_some() || is_held;
        // A request without a body asks by what it asks for.
        if has_body {
            check_streaming(outline.is_streamed, streamed).map_err(refuse)?;
        }
        let tokens = outline.tokens();
        let model = outline.model;
        check_path(&request.endpoint).map_err(refuse)?;
        check_timeout("timeout", request.options.timeout).map_err(refuse)?;
        check_timeout("attemptTimeout", request.options.attempt_timeout).map_err(refuse)?;
        let config = &client.config;
        let Request {
            endpoint,
            body,
            options,
            held: _,
        } = request;
        let headers = client.headers(&options, has_body, streamed);
        let headers = headers.map_err(refuse)?;
        let url = client.address(&endpoint, &options.query);
        let policy = options.policy(&config.retry);
        let timeout = options.timeout.or(config.timeout);

        let parts = KeyParts {
            method: endpoint.method(),
            url: &url,
            headers: &headers,
            body: body.as_deref().unwrap_or_default(),
            terms: "",
        };
        // What we do not understand may do something that must be done each time.
        let understood = endpoint.reading() != Reading::AsIs;
        // Of an answer that the platform reads there may be no text to keep.
        let stored = options.cache.unwrap_or(understood) && body.is_some() && !is_held;
        let keeper = client.keeper.clone().filter(|_| stored);
        let cache = keeper.map(|keeper| (keeper, parts.key()));
        // Whoever takes an answer from the cache may as well take it from an equal call.
        let alike = config.dedupe.unwrap_or_else(|| cache.is_some()) && understood;
        let shared = options.dedupe.unwrap_or(alike) && !streamed && !is_held;
        let flight = shared.then(|| {
            let terms = terms(timeout, &policy, &options);
            KeyParts {
                terms: &terms,
                ..parts
            }
            .key()
        });

        let whole = Whole {
            reading: endpoint.reading(),
            bytes_max: config.answer_bytes_max,
        };
        let now = client.platform.now();
        let lane = lane(client, model.as_ref(), &options);
        let host = client.host.clone();
        let handle = options.handle.clone();
        let record = Record::new(endpoint.operation(), model, host, now, handle);
        let call = Call {
            platform: client.platform.clone(),
            position: lane.limiter.position(options.priority).with_tokens(tokens),
            priority: options.priority,
            lane,
            request: HttpRequest {
                method: endpoint.method(),
                url,
                headers,
                body,
                handle: options.handle,
                whole: (is_held && !streamed).then_some(whole),
            },
            policy,
            hedge: config.hedge,
            deadline: timeout.map(|timeout| (now + timeout, Timeout::Call(timeout))),
            attempt_timeout: options.attempt_timeout.or(config.attempt_timeout),
            first_token_timeout: config.first_token_timeout.filter(|_| streamed),
            tokens,
            ledger: Ledger::open(record, &client.office, client.platform.clone()),
            tries: Tries::default(),
        };
        Ok(Self {
            call,
            reading: endpoint.reading(),
            cache,
            flight,
        })
    }
}

/// How a call may go about it: calls that differ in this do not share an attempt.
fn terms(timeout: Option<Duration>, policy: &RetryPolicy, options: &CallOptions) -> String {
    let RetryPolicy {
        retries_max,
        wait_max,
        at_most_once,
        budget,
    } = *policy;
    let micros = |duration| (Instant::ZERO + duration).as_micros();
    // `None` becomes a number that nobody would name.
    format!(
        "{} {} {} {} {} {} {} {}",
        timeout.map_or(u64::MAX, micros),
        options.attempt_timeout.map_or(u64::MAX, micros),
        retries_max.map_or(u64::MAX, u64::from),
        micros(wait_max),
        u32::from(at_most_once),
        budget.map_or(u64::MAX, u64::from),
        i64::from(options.priority),
        options.idempotency_key.as_deref().unwrap_or_default(),
    )
}

/// A caller that waits for a whole answer could not read a stream, and the other way round.
fn check_streaming(asked: bool, expected: bool) -> Result<(), ConfigError> {
    match (asked, expected) {
        (true, false) => {
            let found = "true in the body of a call for a whole answer";
            Err(ConfigError::new(
                "stream",
                found,
                "a call for a stream, or no such field",
            ))
        }
        (false, true) => {
            let found = "no such field in the body of a call for a stream";
            Err(ConfigError::new(
                "stream",
                found,
                "\"stream\": true, or a call for a whole answer",
            ))
        }
        _ => Ok(()),
    }
}

/// A path may neither leave its host nor end before its end.
fn check_path(endpoint: &Endpoint) -> Result<(), ConfigError> {
    let Endpoint::Other { path, .. } = endpoint else {
        return Ok(());
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == '#';
    if path.starts_with('/') && !path.contains(odd) {
        return Ok(());
    }
    let expected = "a path that begins with / and needs no escaping";
    Err(ConfigError::new("path", &quoted(path), expected))
}

impl<P: Platform> Inner<P> {
    /// The URL of a call with these parameters of its own.
    fn address(&self, endpoint: &Endpoint, query: &[(String, String)]) -> Rc<str> {
        let join = |query: &[_]| Rc::from(self.base.join(&endpoint.path(), query));
        if !query.is_empty() {
            return join(&[&self.config.query, query].concat());
        }
        let mut latest = self.latest.borrow_mut();
        match &*latest {
            Some((known, url)) if known == endpoint => url.clone(),
            _ => {
                let url: Rc<str> = join(&self.config.query);
                *latest = Some((endpoint.clone(), url.clone()));
                url
            }
        }
    }

    /// The header fields of a call.
    fn headers(
        &self,
        options: &CallOptions,
        has_body: bool,
        streamed: bool,
    ) -> Result<Headers, ConfigError> {
        if !options.has_headers() {
            let usual = &self.usual[usize::from(has_body)][usize::from(streamed)];
            if let Some(headers) = usual.get() {
                return Ok(headers.clone());
            }
            let headers = headers(&self.config, options, has_body, streamed)?;
            return Ok(usual.get_or_init(|| headers).clone());
        }
        headers(&self.config, options, has_body, streamed)
    }
}

/// The protocol's own header fields, then the client's, then the call's.
fn headers(
    config: &Config,
    options: &CallOptions,
    has_body: bool,
    streamed: bool,
) -> Result<Headers, ConfigError> {
    let mut headers = Headers::new();
    if has_body {
        headers.set_text("content-type", "application/json");
    }
    headers.set_text(
        "accept",
        if streamed {
            "text/event-stream"
        } else {
            "application/json"
        },
    );
    config.provider.family.protocol_headers(&mut headers);
    if let Some(key) = options.api_key.as_ref().or(config.api_key.as_ref()) {
        check_key(key)?;
        config.provider.family.authorize(key, &mut headers);
    }
    for (name, value) in config.headers.iter() {
        headers.set(name, value.clone());
    }
    options.apply_headers(&mut headers)?;
    Ok(headers)
}

fn refuse(error: ConfigError) -> Error {
    Error::of(error.into(), Phase::Queue)
}

/// The lane of this model and credential. A client has one origin.
fn lane<P: Platform>(
    client: &Inner<P>,
    model: Option<&Rc<str>>,
    options: &CallOptions,
) -> Rc<Lane<P>> {
    let model = model.map_or("", |model| model);
    let name = match &options.api_key {
        None => Cow::Borrowed(model),
        // A key of the call's own is told apart by its hash, so that none lies about as a name.
        Some(key) => {
            let mut headers = Headers::new();
            client.config.provider.family.authorize(key, &mut headers);
            let method = Method::Get;
            let parts = KeyParts {
                method,
                url: "",
                headers: &headers,
                body: "",
                terms: "",
            };
            Cow::Owned(format!("{model}\0{}", parts.key().as_str()))
        }
    };
    let mut lanes = client.lanes.borrow_mut();
    let place = |lanes: &[(String, Rc<Lane<P>>)]| {
        lanes.binary_search_by(|(known, _)| known.as_str().cmp(&*name))
    };
    if let Ok(known) = place(&lanes) {
        return lanes[known].1.clone();
    }
    if lanes.len() >= LANES_MAX {
        // A call in a pause holds its lane, and a lane that was told to wait remembers it.
        let now = client.platform.now();
        lanes.retain(|(_, lane)| Rc::strong_count(lane) > 1 || lane.is_wanted(now));
    }
    let lane = Rc::new(Lane::new(
        &client.platform,
        &client.config,
        client.ceiling.get(),
        model,
    ));
    let at = place(&lanes).unwrap_or_else(|at| at);
    lanes.insert(at, (name.into_owned(), lane.clone()));
    lane
}
