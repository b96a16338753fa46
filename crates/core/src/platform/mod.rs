//! The one door to the world: time, dice, sleep, tasks and the network.
//!
//! Everything else in this crate takes values and `now`. This module alone knows where it runs:
//! `web` is JavaScript in all its runtimes (on wasm alone), and [`sim`] a world of its own with a
//! virtual clock and a seed. Anywhere else a program brings a [`Platform`] of its own.

pub mod clock;
pub mod executor;
pub mod sim;
#[cfg(target_arch = "wasm32")]
pub mod web;

use std::future::Future;
use std::time::Duration;

use crate::decode::{FinishReason, Usage};
use crate::http::{Head, HttpRequest};
use crate::time::Instant;

/// What the client needs from where it runs. Handles are cheap to clone and stay on one thread.
///
/// Where neither `web` nor [`sim`] will do, it is implemented: on tokio, say, by its timers, its
/// `yield_now` and `spawn_local`, and by an HTTP client that follows no redirects. The shape of it, with
/// a network that always answers alike, and the rest borrowed from the simulated world:
///
/// ```
/// use kneepoint_core::platform::{Body, Platform, TransportError, sim::Sim};
/// use kneepoint_core::{Client, Config, Head, HeaderValue, Headers, HttpRequest, Instant};
/// use kneepoint_core::{Prompt, Provider, Secret};
/// use std::time::Duration;
///
/// #[derive(Clone)]
/// struct Mine(Sim);
///
/// struct Whole(Option<Vec<u8>>);
///
/// impl Body for Whole {
///     async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
///         Ok(self.0.take())
///     }
/// }
///
/// impl Platform for Mine {
///     type Body = Whole;
///
///     fn fetch(
///         &self,
///         request: HttpRequest,
///     ) -> impl Future<Output = Result<(Head, Whole), TransportError>> + 'static {
///         assert_eq!((request.method.as_str(), &*request.url), ("POST", "https://llm.test/v1/chat/completions"));
///         let on_the_wire = |value: &HeaderValue| match value {
///             HeaderValue::Open(text) => text.to_string(),
///             HeaderValue::Secret { prefix, secret } => format!("{prefix}{}", secret.expose()),
///         };
///         let mut fields = request.headers.iter().map(|(name, value)| (name, on_the_wire(value)));
///         assert!(fields.any(|field| field == ("authorization", "Bearer sk-1".to_owned())));
///         assert!(request.body.is_some_and(|json| json.contains("Hi")));
///
///         let body = br#"{"choices":[{"message":{"content":"Hello!"},"finish_reason":"stop"}]}"#;
///         let fields = Headers::from_iter([("content-type", "application/json")]);
///         async move { Ok((Head::new(200, fields), Whole(Some(body.to_vec())))) }
///     }
///     fn now(&self) -> Instant {
///         self.0.now() // or: Instant::from_micros(begun.elapsed().as_micros() as u64)
///     }
///     fn unix_time(&self) -> Duration {
///         self.0.unix_time()
///     }
///     fn random(&self) -> f64 {
///         self.0.random()
///     }
///     fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
///         self.0.sleep(duration)
///     }
///     fn turn(&self) -> impl Future<Output = ()> + 'static {
///         self.0.turn()
///     }
///     fn spawn(&self, task: impl Future<Output = ()> + 'static) {
///         self.0.spawn(task);
///     }
/// }
///
/// let sim = Sim::new(1);
/// let mut config = Config::new(Provider::compatible("https://llm.test/v1"));
/// config.api_key = Some(Secret::new("sk-1"));
/// let client = Client::new(Mine(sim.clone()), config)?;
/// let reply = sim.run(client.generate(&Prompt::new("small", "Hi"))).expect("it answers");
/// assert_eq!(reply.answer.text(), "Hello!");
/// # Ok::<(), kneepoint_core::ConfigError>(())
/// ```
pub trait Platform: Clone + 'static {
    /// A reply's body, read chunk by chunk. Dropping it cancels the request.
    type Body: Body;

    /// The monotonic clock.
    fn now(&self) -> Instant;

    /// The wall clock as time since 1970 (UTC), for dates in headers and nothing else.
    fn unix_time(&self) -> Duration;

    /// A number drawn evenly from 0 (included) to 1 (excluded).
    fn random(&self) -> f64;

    /// Waits for `duration`, however long it is. Dropping the future takes the timer away.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static;

    /// Waits until the event loop has gone round once, so that a connection whose body just ended
    /// is back in its pool before the next request asks for one.
    fn turn(&self) -> impl Future<Output = ()> + 'static;

    /// Sends a request and waits for the head of its reply. Dropping the future aborts it.
    /// Redirects are not followed: they come back as [`TransportError::Redirected`].
    fn fetch(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<(Head, Self::Body), TransportError>> + 'static;

    /// Runs a short task in the background, such as draining the rest of a body.
    fn spawn(&self, task: impl Future<Output = ()> + 'static);
}

/// A reply's body.
pub trait Body: 'static {
    /// The next piece, or `None` at the end. An empty piece is allowed and means nothing.
    ///
    /// Dropping the future loses nothing: a piece that it would have given comes with the next
    /// call. So a caller may race it against a timer and ask again.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, TransportError>>;

    /// Reads all of a body whose caller gets it from the platform, as the request's `whole` says, and
    /// answers what we need to know of it: a platform that parses answers anyway sees at once whether
    /// one is what it should be. `None` where it cannot tell, or finds anything odd or more bytes than
    /// there may be; then the whole body comes as chunks. Like those, it may be dropped and asked for
    /// again. It is asked for only where the status is that of a success.
    fn plain(&mut self) -> impl Future<Output = Result<Option<Plain>, TransportError>> {
        std::future::ready(Ok(None))
    }
}

/// An answer with nothing odd in it, which says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// The body's length.
    pub bytes: usize,
    /// What the server says it used.
    pub usage: Usage,
    /// Why its first choice ended, where the platform tells.
    pub finish: Option<FinishReason>,
}

/// Why a transport gave up. One variant for each thing that the caller would do differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Refused, unresolved, no TLS: the request was not written, so sending it again is safe.
    #[error("could not connect: {0}")]
    Connect(String),
    /// Lost after the request may have been written: the server may have done the work.
    #[error("the connection was lost before the answer: {0}")]
    Lost(String),
    /// The browser says only that it failed: offline, DNS, TLS, CORS and resets look alike.
    #[error(
        "the browser could not read an answer (offline, or the endpoint does not allow calls from web pages by CORS): {0}"
    )]
    Opaque(String),
    /// The body ended before its end, or its framing or compression was broken.
    #[error("the answer was cut off: {0}")]
    Cut(String),
    /// The server answered with a redirect, which would carry the key to another address.
    #[error("the endpoint redirects, which is not followed because it would carry the key along")]
    Redirected,
    /// The request, or the function that is to send it, is at fault: a bad URL, a forbidden header,
    /// a `fetch` that answers with something else than a response.
    #[error("the request cannot be made like this: {0}")]
    Invalid(String),
}
