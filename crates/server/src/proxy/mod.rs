//! The key-holding proxy: `/proxy/<name>/v1/…` to upstreams that were named at start.
//!
//! A request passes every check before anything is contacted, and a new request is then built from
//! allow-lists: nothing of the client's reaches the upstream unless it is listed here. Bodies
//! stream both ways; a client that leaves ends the upstream's call.

mod relay;
mod scrub;
mod spend;
pub(crate) mod upstream;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::body::Body;
use crate::clock;
use crate::log::Log;
use relay::{Call, RequestBody};
pub(crate) use spend::Spend;
use upstream::Upstream;

/// Calls that are under way upstream at once.
const CALLS_MAX: usize = 1024;
/// The largest request body.
pub(crate) const BODY_BYTES_MAX: u64 = 8 << 20;
const CONNECT_MAX: Duration = Duration::from_secs(10);
const IDLE_MAX: Duration = Duration::from_mins(1);

/// What may be called: method and path after `/proxy/<name>/`.
const PATHS: &[(Method, &str)] = &[
    (Method::POST, "v1/chat/completions"),
    (Method::POST, "v1/completions"),
    (Method::POST, "v1/embeddings"),
    (Method::POST, "v1/responses"),
    (Method::POST, "v1/messages"),
    (Method::GET, "v1/models"),
];
/// What a client may say to an upstream.
const REQUEST_HEADERS: &[&str] = &[
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "content-type",
    "idempotency-key",
    "openai-beta",
];

/// All upstreams of one server.
pub(crate) struct Proxy {
    upstreams: Vec<Arc<Upstream>>,
    client: Client<HttpsConnector<HttpConnector>, RequestBody>,
    spend: Arc<Spend>,
    under_way: Arc<AtomicUsize>,
    /// So long an upstream may send nothing.
    silence_max: Duration,
    log: Log,
}

/// A refusal of our own, shaped as both providers' clients can read it.
fn refuse(status: StatusCode, message: &str) -> Response<Body> {
    let kind = "kneepoint_proxy";
    let error = serde_json::json!({
        "type": "error",
        "error": { "message": message, "type": kind, "param": null, "code": null },
    });
    let mut response = Response::new(Body::from(error.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    // A refusal by us is not cured by asking again at once.
    response
        .headers_mut()
        .insert("x-should-retry", HeaderValue::from_static("false"));
    response
}

impl Proxy {
    pub(crate) fn new(
        upstreams: Vec<Upstream>,
        spend: Spend,
        silence_max: Duration,
        log: Log,
    ) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_MAX));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = HttpsConnectorBuilder::new();
        let encrypted = upstreams
            .iter()
            .any(|upstream| upstream.scheme == Scheme::HTTPS);
        let connector = if encrypted {
            let tls = tls.with_provider_and_native_roots(provider);
            let tls =
                tls.map_err(|error| format!("cannot read the system's certificates: {error}"))?;
            // One connection for each request under way: over HTTP/2 all would share one, and wait for each
            // other where its server takes fewer at once, as if that were the model's limit.
            tls.https_or_http().enable_http1().wrap_connector(tcp)
        } else {
            // Without an https upstream no root certificate is needed, nor read.
            let roots = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| format!("cannot set up TLS: {error}"))?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            let tls = tls.with_tls_config(roots).https_or_http();
            tls.enable_http1().wrap_connector(tcp)
        };
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            // A request that may have been sent is never sent twice behind the client's back.
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self {
            upstreams: upstreams.into_iter().map(Arc::new).collect(),
            client,
            spend: Arc::new(spend),
            under_way: Arc::default(),
            silence_max,
            log,
        })
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.upstreams
            .iter()
            .map(|upstream| upstream.name.as_str())
            .collect()
    }

    /// Calls and tokens left to this run.
    pub(crate) fn left(&self) -> (u64, u64) {
        self.spend.left()
    }

    /// Answers a request whose path, after `/proxy/`, is `rest`. Host, origin and token have been
    /// checked.
    pub(crate) async fn answer(&self, rest: &str, request: Request<Incoming>) -> Response<Body> {
        let (upstream, path) = match self.route(rest, &request) {
            Ok(route) => route,
            Err((status, message)) => return refuse(status, &message),
        };
        if let Err((status, message)) = check_body(&request) {
            return refuse(status, message);
        }
        let Some(place) = Place::take(&self.under_way) else {
            let message = format!("{CALLS_MAX} calls are under way already");
            return refuse(StatusCode::TOO_MANY_REQUESTS, &message);
        };
        if let Err(message) = self.spend.call() {
            return refuse(StatusCode::TOO_MANY_REQUESTS, &message);
        }
        let call = Call::new(upstream, request.method().clone(), path, &request, self);
        call.relay(request, place).await
    }

    fn route(
        &self,
        rest: &str,
        request: &Request<Incoming>,
    ) -> Result<(&Arc<Upstream>, &'static str), (StatusCode, String)> {
        let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
        let upstream = self.upstreams.iter().find(|upstream| upstream.name == name);
        let upstream = upstream.ok_or_else(|| {
            // The name that was asked for is not echoed: it is the client's text.
            let names = self.names().join(", ");
            (
                StatusCode::NOT_FOUND,
                format!("no such upstream; this run has: {names}"),
            )
        })?;
        if request.uri().query().is_some() {
            return Err((
                StatusCode::BAD_REQUEST,
                "a query is not passed on".to_owned(),
            ));
        }
        let found = PATHS.iter().find(|(_, allowed)| *allowed == path);
        let (method, path) = found.ok_or_else(|| {
            (
                StatusCode::NOT_FOUND,
                "this path is not passed on".to_owned(),
            )
        })?;
        if request.method() != method {
            let message = format!("expected {method}");
            return Err((StatusCode::METHOD_NOT_ALLOWED, message));
        }
        Ok((upstream, path))
    }
}

/// What a body must be for it to be passed on.
fn check_body(request: &Request<Incoming>) -> Result<(), (StatusCode, &'static str)> {
    let headers = request.headers();
    if headers.contains_key(header::UPGRADE) {
        return Err((StatusCode::BAD_REQUEST, "upgrades are not passed on"));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "expected a body that is not encoded",
        ));
    }
    if headers.contains_key(header::TRANSFER_ENCODING)
        && headers.contains_key(header::CONTENT_LENGTH)
    {
        return Err((StatusCode::BAD_REQUEST, "the body has two lengths"));
    }
    if request.method() == Method::GET {
        return Ok(());
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    // Anything else could be sent by a form on any page, without a preflight.
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "expected application/json",
        ));
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|n| n > BODY_BYTES_MAX)
    {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
    }
    Ok(())
}

/// The headers of the upstream's request.
fn request_headers(from: &HeaderMap, upstream: &Upstream) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    for name in REQUEST_HEADERS {
        for value in from.get_all(*name) {
            headers.append(*name, value.clone());
        }
    }
    let agent = HeaderValue::from_static(concat!("kneepoint-server/", env!("CARGO_PKG_VERSION")));
    headers.insert(header::USER_AGENT, agent);
    // A compressed event stream would arrive in blocks.
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    if let Some((name, value)) = &upstream.credential {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

/// One of the calls that may be under way.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(under_way: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(under_way));
        (under_way.fetch_add(1, Ordering::Relaxed) < CALLS_MAX).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn elapsed(start: Duration) -> Duration {
    clock::now().saturating_sub(start)
}
