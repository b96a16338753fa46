//! The simulated endpoint: `/mock/<spec>/v1/…`, with `/stats` and `/reset` beside it.
//!
//! The spec in the path says how it behaves; state and counters belong to the exact spec string.
//! It needs no key, reaches no network, and is open to pages of every origin.

mod answer;
mod anthropic;
mod batch;
mod cut;
mod dice;
mod endpoint;
mod event;
mod fault;
mod grammar;
mod header;
mod keys;
mod limit;
mod openai;
mod pace;
mod preset;
mod problem;
mod question;
mod responses;
mod schema;
mod serve;
mod shape;
mod spec;
mod stream;
mod truth;
mod turn_away;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::body::Body;
use crate::peer::Peer;
use crate::wire::Hijacked;
use endpoint::Endpoint;
use keys::Room;
use problem::Problem;
use question::Api;
use spec::Spec;

/// Specs whose state is kept at once. Beyond it, the one that has been idle longest is forgotten.
const SPECS_MAX: usize = 256;
/// A spec longer than this is a mistake.
const SPEC_BYTES_MAX: usize = 2048;

/// All simulated endpoints of one server.
#[derive(Debug)]
pub(crate) struct Mock {
    endpoints: RwLock<HashMap<String, Arc<Endpoint>>>,
    /// For the idempotency keys of all of them.
    room: Room,
    /// Where redirects point to.
    redirect: SocketAddr,
}

/// What a path under a spec names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target<'a> {
    Stats,
    Reset,
    Call(Api),
    Model(&'a str),
}

impl Mock {
    pub(crate) fn new(redirect: SocketAddr) -> Self {
        Self {
            endpoints: RwLock::default(),
            room: Room::default(),
            redirect,
        }
    }

    /// Answers a request whose path, after `/mock/`, is `rest`.
    pub(crate) async fn answer(
        &self,
        rest: &str,
        peer: &Peer,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Hijacked> {
        let (text, path) = rest.split_once('/').unwrap_or((rest, ""));
        if text.is_empty() {
            return Ok(json(StatusCode::OK, presets(), &Spec::default()));
        }
        let endpoint = match self.endpoint(text) {
            Ok(endpoint) => endpoint,
            Err(problem) => return Ok(refusal(&problem, Api::Chat, &Spec::default())),
        };
        let spec = &endpoint.spec;
        let method = request.method();
        if method == Method::OPTIONS {
            let mut response = plain(StatusCode::NO_CONTENT, Body::empty(), spec);
            if spec.cors {
                header::preflight(response.headers_mut(), request.headers());
            }
            return Ok(response);
        }
        let Some((allowed, target)) = target(path) else {
            let message = format!("/{path} is not simulated; see /mock/ for what is");
            return Ok(refusal(&Problem::refused(404, message), Api::Chat, spec));
        };
        if method != allowed && !(method == Method::HEAD && allowed == Method::GET) {
            let message = format!("{method} is not allowed here: expected {allowed}");
            return Ok(refusal(&Problem::refused(405, message), Api::Chat, spec));
        }
        match target {
            Target::Stats => {
                let counts = endpoint.truth.read(serde_json::to_string);
                Ok(json(StatusCode::OK, counts.unwrap_or_default(), spec))
            }
            Target::Reset => {
                endpoint.truth.reset();
                Ok(plain(StatusCode::NO_CONTENT, Body::empty(), spec))
            }
            Target::Model(id) => Ok(serve::models(&endpoint, peer, Some(id))),
            Target::Call(Api::Models) => Ok(serve::models(&endpoint, peer, None)),
            Target::Call(api) => {
                let redirect = || format!("http://{}/{rest}", self.redirect);
                serve::call(endpoint, api, peer, request, redirect).await
            }
        }
    }

    /// Counts a request that followed a redirect to `path` on the redirect target.
    pub(crate) fn redirected(&self, path: &str, with_credential: bool) {
        let text = path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        let endpoints = self
            .endpoints
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = endpoints.get(text) {
            endpoint.truth.redirected(with_credential);
        }
    }

    fn endpoint(&self, text: &str) -> Result<Arc<Endpoint>, Problem> {
        {
            let endpoints = self
                .endpoints
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(endpoint) = endpoints.get(text) {
                endpoint.touch();
                return Ok(Arc::clone(endpoint));
            }
        }
        if text.len() > SPEC_BYTES_MAX {
            let message = format!("the spec has more than {SPEC_BYTES_MAX} bytes");
            return Err(Problem::refused(400, message));
        }
        let spec =
            grammar::parse(text).map_err(|error| Problem::refused(400, error.to_string()))?;
        let mut endpoints = self
            .endpoints
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if endpoints.len() >= SPECS_MAX && !endpoints.contains_key(text) {
            let idle = endpoints
                .iter()
                .filter_map(|(text, endpoint)| Some((endpoint.idle_since()?, text)))
                .min();
            let idle = idle.map(|(_, text)| text.clone()).ok_or_else(|| {
                Problem::refused(
                    503,
                    format!("{SPECS_MAX} specs are in use, and none is idle"),
                )
            })?;
            endpoints.remove(&idle);
        }
        let endpoint = endpoints.entry(text.to_owned());
        Ok(Arc::clone(endpoint.or_insert_with(|| {
            Arc::new(Endpoint::new(spec, self.room.clone()))
        })))
    }
}

/// The method and the meaning of a path after the spec.
fn target(path: &str) -> Option<(Method, Target<'_>)> {
    let call = |api| Some((Method::POST, Target::Call(api)));
    match path {
        "v1/chat/completions" => call(Api::Chat),
        "v1/completions" => call(Api::Completions),
        "v1/embeddings" => call(Api::Embeddings),
        "v1/responses" => call(Api::Responses),
        "v1/messages" => call(Api::Messages),
        "v1/models" => Some((Method::GET, Target::Call(Api::Models))),
        "stats" => Some((Method::GET, Target::Stats)),
        "reset" => Some((Method::POST, Target::Reset)),
        _ => {
            let id = path
                .strip_prefix("v1/models/")
                .filter(|id| !id.is_empty())?;
            Some((Method::GET, Target::Model(id)))
        }
    }
}

/// The presets with their stories, for a page to offer.
fn presets() -> String {
    let presets: Vec<_> = preset::ALL
        .iter()
        .map(|preset| {
            let (name, spec, story) = (preset.name, preset.spec, preset.story);
            serde_json::json!({ "name": name, "spec": spec, "story": story })
        })
        .collect();
    serde_json::json!({ "presets": presets }).to_string()
}

fn plain(status: StatusCode, body: Body, spec: &Spec) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    header::open_to_pages(response.headers_mut(), spec);
    response
}

fn json(status: StatusCode, json: String, spec: &Spec) -> Response<Body> {
    let mut response = plain(status, json.into(), spec);
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn refusal(problem: &Problem, api: Api, spec: &Spec) -> Response<Body> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    json(status, problem.json(api), spec)
}

fn credential(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key("x-api-key")
}

/// Answers on the redirect target: whatever arrives is counted.
pub(crate) fn redirect_target(mock: &Mock, request: &Request<Incoming>) -> Response<Body> {
    let spec = Spec::default();
    if request.method() == Method::OPTIONS {
        let mut response = plain(StatusCode::NO_CONTENT, Body::empty(), &spec);
        header::preflight(response.headers_mut(), request.headers());
        return response;
    }
    mock.redirected(request.uri().path(), credential(request.headers()));
    json(
        StatusCode::OK,
        r#"{"object":"redirect_target"}"#.to_owned(),
        &spec,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spec_that_has_been_idle_longest_makes_room_for_a_new_one() {
        let mock = Mock::new(SocketAddr::from(([127, 0, 0, 1], 0)));
        let spec = |number: usize| format!("seed={number}");
        let use_it = |number| mock.endpoint(&spec(number)).map(drop).is_ok();
        let known = |number| {
            let endpoints = mock.endpoints.read().expect("lock");
            endpoints.contains_key(&spec(number))
        };
        assert!((0..SPECS_MAX).all(use_it));
        // Number 0 is used again, number 1 is busy: number 2 is what is left of the oldest.
        assert!(use_it(0));
        let busy = mock.endpoint(&spec(1)).expect("known");
        busy.truth.start();
        busy.touch();
        assert!((2..SPECS_MAX).all(use_it) && use_it(SPECS_MAX));
        assert_eq!([0, 1, 2, 3].map(known), [false, true, true, true]);
        assert!(use_it(SPECS_MAX + 1));
        assert_eq!([1, 2, 3].map(known), [true, false, true]);
    }
}
