//! Which part answers which path, and the checks that come before.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::body::Body;
use crate::connection::Handler;
use crate::guard::{Denied, Guard};
use crate::mock::{self, Mock};
use crate::page::Page;
use crate::peer::Peer;
use crate::proxy::Proxy;
use crate::wire::Hijacked;

/// All parts of one server.
pub(crate) struct App {
    pub(crate) mock: Arc<Mock>,
    pub(crate) proxy: Proxy,
    pub(crate) page: Page,
    pub(crate) guard: Guard,
    /// What was bound, for the page: `http://127.0.0.1:8088`.
    pub(crate) http: String,
    pub(crate) https: Option<String>,
}

impl Handler for Arc<App> {
    async fn handle(
        &self,
        peer: Arc<Peer>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Hijacked> {
        let path = request.uri().path();
        if let Some(rest) = path.strip_prefix("/mock/") {
            // A preflight cannot carry the token; it is answered, and what follows is checked.
            if request.method() != Method::OPTIONS
                && let Err(denied) = self.guard.check_remote(request.headers())
            {
                return Ok(deny(denied));
            }
            let rest = rest.to_owned();
            return self.mock.answer(&rest, &peer, request).await;
        }
        if let Some(rest) = path.strip_prefix("/proxy/") {
            let checked = Guard::check_size(request.headers())
                .and_then(|()| self.guard.check_origin(request.uri(), request.headers()))
                .and_then(|()| self.guard.check_token(request.headers()));
            let rest = rest.to_owned();
            let mut response = match checked {
                // Boxed: every request would otherwise carry the room of a client's call.
                Ok(()) => Box::pin(self.proxy.answer(&rest, request)).await,
                Err(denied) => deny(denied),
            };
            lock(&mut response);
            return Ok(response);
        }
        if path == "/server.json" {
            let mut response = self.session(&request);
            lock(&mut response);
            return Ok(response);
        }
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) || path.is_empty() {
            return Ok(deny(Denied {
                status: StatusCode::METHOD_NOT_ALLOWED,
                reason: "this is no forward proxy",
            }));
        }
        Ok(self.page.answer(&request))
    }
}

impl App {
    /// What the page needs to know of its server, the token among it.
    fn session(&self, request: &Request<Incoming>) -> Response<Body> {
        let mut checked = self.guard.check_origin(request.uri(), request.headers());
        if self.guard.remote {
            checked = checked.and_then(|()| self.guard.check_token(request.headers()));
        }
        if let Err(denied) = checked {
            return deny(denied);
        }
        if request.method() != Method::GET {
            return deny(Denied {
                status: StatusCode::METHOD_NOT_ALLOWED,
                reason: "expected GET",
            });
        }
        let (calls, tokens) = self.proxy.left();
        let session = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "http": self.http,
            "https": self.https,
            "token": self.guard.token_for_page(),
            "upstreams": self.proxy.names(),
            "calls_left": calls,
            "tokens_left": tokens,
        });
        let mut response = Response::new(Body::from(session.to_string()));
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

fn deny(denied: Denied) -> Response<Body> {
    let error = serde_json::json!({ "error": { "message": denied.reason, "type": "denied" } });
    let mut response = Response::new(Body::from(error.to_string()));
    *response.status_mut() = denied.status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Answers with or about secrets are stored nowhere, and are nobody else's to embed.
fn lock(response: &mut Response<Body>) {
    const LOCKS: [(header::HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "private, no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in LOCKS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
}

/// Answers on the port that redirects point to.
#[derive(Clone)]
pub(crate) struct RedirectTarget(pub(crate) Arc<Mock>);

impl Handler for RedirectTarget {
    async fn handle(
        &self,
        _: Arc<Peer>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Hijacked> {
        Ok(mock::redirect_target(&self.0, &request))
    }
}
