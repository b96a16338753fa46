//! One call of the simulated endpoint, from its arrival to the answer that is handed to hyper.
//!
//! The order is that of a real service: arrive, read, understand, be admitted, work, answer. What
//! a fault changes is decided at the step where it would happen.

use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::answer::{Answer, Finish};
use super::ask::{self, Api, Ask};
use super::dice::Dice;
use super::endpoint::{Endpoint, Serving};
use super::event::Events;
use super::fault::Fault;
use super::limit::Refusal;
use super::problem::Problem;
use super::stream::{Piece, Pieces, StreamBody, When};
use super::truth::Arrival;
use super::{anthropic, header, json, openai, plain, refusal, responses, shape};
use crate::body::Body;
use crate::clock;
use crate::connection::Peer;
use crate::wire::{Broken, End, Framing, Hijacked, Receipt};

/// The largest request body that is read.
const BODY_BYTES_MAX: usize = 16 << 20;
/// How much more a false `content-length` promises than is sent.
const LENGTH_TOO_MUCH: u64 = 64;
/// Families of dice, so that a draw for one purpose never shifts those for another.
const FAULT_DICE: u64 = 0x0f;
const TEXT_DICE: u64 = 0x07;
const PACE_DICE: u64 = 0x03;

/// The list of models, or one of them: counted, and never limited.
pub(super) fn models(endpoint: &Arc<Endpoint>, peer: &Peer, id: Option<&str>) -> Response<Body> {
    let arrival = endpoint.truth.arrive(&peer.seen, None);
    endpoint.truth.accept(arrival, None);
    endpoint.truth.start();
    endpoint.truth.end(arrival, true, true);
    json(StatusCode::OK, openai::models(id), &endpoint.spec)
}

/// A call that costs tokens.
pub(super) async fn call(
    endpoint: Arc<Endpoint>,
    api: Api,
    peer: &Peer,
    request: Request<Incoming>,
    redirect: &str,
) -> Result<Response<Body>, Hijacked> {
    let (head, body) = request.into_parts();
    let key = head
        .headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok());
    let arrival = endpoint.truth.arrive(&peer.seen, key);
    let dice = |family: u64| Dice::new(endpoint.seed ^ (family << 56), arrival.number);
    let call = Call {
        endpoint: &endpoint,
        api,
        peer,
        arrival,
    };

    let mut fault = endpoint.spec.draw_fault(&mut dice(FAULT_DICE));
    if fault == Some(&Fault::Refuse) {
        call.count_fault(true);
        return Err(peer.hijack.leave(without_head(Receipt(None))));
    }
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(problem) => return Ok(call.reject(&problem)),
    };
    let ask = match ask::read(api, &body) {
        Ok(ask) => ask,
        Err(invalid) => return Ok(call.reject(&Problem::invalid(invalid))),
    };
    fault = fault.filter(|fault| ask.stream || !fault.streams_only());
    if let Some(response) = fault.and_then(|fault| call.turned_away(fault, redirect)) {
        call.count_fault(true);
        return Ok(response);
    }
    let mut answer = plan(&endpoint, &ask, api, dice(TEXT_DICE));
    let tokens = answer.total.saturating_add(answer.prompt_tokens);
    let serving = match endpoint.admit(arrival, key, tokens).await {
        Ok(serving) => serving,
        Err(refused) => return Ok(call.limited(refused)),
    };
    let mut pace = endpoint.pace(&answer, dice(PACE_DICE));
    if fault.is_some() {
        call.count_fault(false);
    }
    match fault {
        Some(Fault::StallHeaders) => {
            // Held until the client leaves, which drops this future and with it the serving.
            std::future::pending::<()>().await;
        }
        Some(Fault::ResetBeforeHeaders) => {
            pace.token(if ask.stream { 1 } else { answer.total }).await;
            let receipt = Receipt(Some(Box::new(move || serving.complete())));
            return Err(peer.hijack.leave(without_head(receipt)));
        }
        Some(Fault::FinishError) => answer.finish = Finish::Error,
        _ => {}
    }

    let headers = call.headers(&ask, fault);
    if fault.is_none() && !ask.stream {
        // The ordinary case, and the one that is measured: no iterator, no timer object.
        pace.token(answer.total).await;
        let text = whole(api, &ask, &answer);
        serving.complete();
        return Ok(respond(headers, text.into()));
    }
    let total = answer.total;
    let pieces = if ask.stream {
        shape::events(fault, api, total, stream(api, answer))
    } else {
        once(total, whole_shaped(fault, api, &ask, &answer).into())
    };
    let pieces = match fault {
        Some(Fault::GzipBad) => once(total, collect(pieces)),
        Some(Fault::GzipCut) => {
            let packed = gzip(&collect(pieces));
            once(total, packed.slice(..packed.len() / 2))
        }
        _ => shape::bytes(fault, pieces),
    };
    match fault.and_then(|fault| Break::of(fault, ask.stream)) {
        None => Ok(respond(
            headers,
            Body::stream(StreamBody::new(pieces, pace, Some(serving))),
        )),
        Some(how) => {
            let broken = how.broken(headers, pieces, pace, serving, ask.stream);
            Err(peer.hijack.leave(broken))
        }
    }
}

/// What the steps of one call share.
struct Call<'a> {
    endpoint: &'a Arc<Endpoint>,
    api: Api,
    peer: &'a Peer,
    arrival: Arrival,
}

impl Call<'_> {
    fn count_fault(&self, rejected: bool) {
        self.endpoint.truth.fault();
        if rejected {
            self.endpoint.truth.reject(self.arrival);
        }
    }

    fn reject(&self, problem: &Problem) -> Response<Body> {
        self.endpoint.truth.reject(self.arrival);
        let mut response = refusal(problem, self.api, &self.endpoint.spec);
        self.add_identity(response.headers_mut());
        response
    }

    fn limited(&self, refused: Refusal) -> Response<Body> {
        let mut response = self.reject(&Problem::limited(refused.cause));
        let said = self.endpoint.spec.retry_after;
        header::hint(response.headers_mut(), said, refused.wait, clock::wall());
        self.add_rates(response.headers_mut());
        response
    }

    fn add_identity(&self, headers: &mut HeaderMap) {
        let name = if self.api.is_anthropic() {
            "request-id"
        } else {
            "x-request-id"
        };
        let id = format!("req_{:x}_{}", self.peer.id, self.arrival.number);
        header::insert(headers, name, &id);
    }

    fn add_rates(&self, headers: &mut HeaderMap) {
        let spec = &self.endpoint.spec;
        if spec.rps.or(spec.rpm).or(spec.tpm).is_some() {
            let (requests, tokens) = self.endpoint.rate_views();
            header::rates(headers, self.api, requests, tokens, clock::wall());
        }
    }

    /// The headers of an answer with content.
    fn headers(&self, ask: &Ask, fault: Option<&Fault>) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        let kind = match (fault, ask.stream) {
            (Some(Fault::WrongMime), _) => "text/plain; charset=utf-8",
            (_, true) => "text/event-stream; charset=utf-8",
            (_, false) => "application/json",
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if ask.stream {
            headers.insert(
                http::header::CACHE_CONTROL,
                HeaderValue::from_static("no-cache"),
            );
        }
        if matches!(fault, Some(Fault::GzipBad | Fault::GzipCut)) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        self.add_identity(&mut headers);
        self.add_rates(&mut headers);
        header::open_to_pages(&mut headers, &self.endpoint.spec);
        headers
    }

    /// The answer of a fault that lets no work be done.
    fn turned_away(&self, fault: &Fault, redirect: &str) -> Option<Response<Body>> {
        let spec = &self.endpoint.spec;
        let html = |status, text: &'static str| {
            let mut response = plain(status, Body::from(text), spec);
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        };
        let error = |status| refusal(&Problem::status(status), self.api, spec);
        let mut response = match fault {
            Fault::Status(204 | 304 | 205) | Fault::NoContent204 | Fault::Empty200 => {
                let status = match fault {
                    Fault::Status(status) => *status,
                    Fault::NoContent204 => 204,
                    _ => 200,
                };
                plain(StatusCode::from_u16(status).ok()?, Body::empty(), spec)
            }
            Fault::Status(200..) => {
                let Fault::Status(status) = fault else {
                    return None;
                };
                let mut response = error(*status);
                if matches!(status, 429 | 503) {
                    header::hint(
                        response.headers_mut(),
                        spec.retry_after,
                        None,
                        clock::wall(),
                    );
                }
                response
            }
            Fault::Html502 => html(StatusCode::BAD_GATEWAY, BAD_GATEWAY_PAGE),
            Fault::Html200 => html(StatusCode::OK, PORTAL_PAGE),
            Fault::JsonError200 => {
                let mut response = error(500);
                *response.status_mut() = StatusCode::OK;
                response
            }
            Fault::Redirect307 => {
                let mut response = plain(StatusCode::TEMPORARY_REDIRECT, Body::empty(), spec);
                response
                    .headers_mut()
                    .insert(LOCATION, HeaderValue::from_str(redirect).ok()?);
                response
            }
            Fault::Quota429 => refusal(&Problem::quota(), self.api, spec),
            Fault::RetryAfter(value) => {
                let mut response = error(429);
                header::insert(response.headers_mut(), "retry-after", value);
                response
            }
            Fault::ShouldRetryFalse => {
                let mut response = error(503);
                header::insert(response.headers_mut(), "x-should-retry", "false");
                response
            }
            Fault::SlowErrorBody => {
                let mut response = error(500);
                let body = std::mem::replace(response.body_mut(), Body::empty());
                let Body::Whole(text) = body else { return None };
                let pieces = shape::bytes(Some(fault), once(0, text));
                let pace = self.endpoint.immediate();
                *response.body_mut() = Body::stream(StreamBody::new(pieces, pace, None));
                response
            }
            _ => return None,
        };
        self.add_identity(response.headers_mut());
        Some(response)
    }
}

const BAD_GATEWAY_PAGE: &str = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
    <body><h1>502 Bad Gateway</h1><p>The upstream did not answer.</p></body></html>\n";
const PORTAL_PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head>\
    <body><h1>Welcome to this network</h1><p>Please accept the terms.</p></body></html>\n";

/// How a fault breaks the transfer, if it does.
struct Break {
    keep: u64,
    end: End,
    interim: Option<StatusCode>,
}

impl Break {
    fn of(fault: &Fault, stream: bool) -> Option<Self> {
        let (keep, end) = match fault {
            Fault::ResetMid(k) => (*k, End::Reset),
            Fault::FinMid(k) => (*k, End::Fin),
            // An answer in one piece is framed by its length, so the bad chunk comes half-way.
            Fault::BadChunk => (if stream { 200 } else { 100 }, End::BadChunk),
            Fault::ShortLength => (u64::MAX, End::Fin),
            Fault::Status(status @ 100..200) => {
                let interim = StatusCode::from_u16(*status).ok();
                return Some(Self {
                    keep: u64::MAX,
                    end: End::Whole,
                    interim,
                });
            }
            _ => return None,
        };
        Some(Self {
            keep,
            end,
            interim: None,
        })
    }

    fn broken(
        self,
        headers: HeaderMap,
        pieces: Pieces,
        pace: super::pace::Pace,
        serving: Serving,
        stream: bool,
    ) -> Broken {
        let short = stream && self.end == End::Fin && self.keep == u64::MAX;
        let chunked = stream && !short || self.end == End::BadChunk;
        let (pieces, framing) = if chunked {
            (pieces, Framing::Chunked)
        } else {
            // The length has to be known before the head is written.
            let pieces: Vec<Piece> = pieces.collect();
            let length: u64 = pieces.iter().map(|piece| piece.bytes.len() as u64).sum();
            let more = if self.keep == u64::MAX && self.end == End::Fin {
                LENGTH_TOO_MUCH
            } else {
                0
            };
            (
                Box::new(pieces.into_iter()) as Pieces,
                Framing::Length(length + more),
            )
        };
        Broken {
            interim: self.interim,
            head: Some((StatusCode::OK, headers)),
            framing,
            body: Body::stream(StreamBody::new(pieces, pace, None)),
            keep: self.keep,
            end: self.end,
            carried_out: Receipt(Some(Box::new(move || serving.complete()))),
        }
    }
}

fn without_head(carried_out: Receipt) -> Broken {
    Broken {
        interim: None,
        head: None,
        framing: Framing::Length(0),
        body: Body::empty(),
        keep: 0,
        end: End::Reset,
        carried_out,
    }
}

fn respond(headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// Reads the whole body; most come in one piece, which is then not copied.
async fn read_body(mut body: Incoming) -> Result<Bytes, Problem> {
    let mut whole = Bytes::new();
    let mut parts: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let cut =
            |error: hyper::Error| Problem::refused(400, format!("the body is broken: {error}"));
        let Ok(data) = frame.map_err(cut)?.into_data() else {
            continue;
        };
        if parts.is_empty() && whole.is_empty() {
            whole = data;
            continue;
        }
        if parts.is_empty() {
            parts = whole.to_vec();
        }
        if parts.len() + data.len() > BODY_BYTES_MAX {
            return Err(Problem::refused(
                413,
                format!("the body exceeds {BODY_BYTES_MAX} bytes"),
            ));
        }
        parts.extend_from_slice(&data);
    }
    Ok(if parts.is_empty() {
        whole
    } else {
        parts.into()
    })
}

fn plan(endpoint: &Endpoint, ask: &Ask, api: Api, dice: Dice) -> Answer {
    let created = clock::unix_s();
    if api != Api::Embeddings {
        return Answer::plan(&endpoint.spec, ask, dice, created);
    }
    // Embedding is one pass over the prompt: as long as the first token, and none after it.
    let ask = Ask {
        tokens_max: Some(1),
        ..ask.clone()
    };
    Answer::plan(&endpoint.spec, &ask, dice, created)
}

fn whole(api: Api, ask: &Ask, answer: &Answer) -> String {
    match api {
        Api::Chat => openai::chat(answer),
        Api::Completions => openai::completion(answer),
        Api::Embeddings => openai::embeddings(ask),
        Api::Responses => responses::whole(answer),
        Api::Messages => anthropic::whole(answer),
        Api::Models => openai::models(None),
    }
}

/// An answer in one piece, after the one fault that changes its text.
fn whole_shaped(fault: Option<&Fault>, api: Api, ask: &Ask, answer: &Answer) -> String {
    let mut text = whole(api, ask, answer);
    if fault == Some(&Fault::BadJson) {
        // The last brace is cut off, and with it half of what stands before it.
        let half = (text.len() / 2..text.len()).find(|index| text.is_char_boundary(*index));
        text.truncate(half.unwrap_or_default());
    }
    text
}

fn stream(api: Api, answer: Answer) -> Events {
    match api {
        Api::Completions => openai::completion_events(answer),
        Api::Responses => responses::stream(answer),
        Api::Messages => anthropic::stream(answer),
        // Embeddings and models have no streams; `stream` in their bodies is refused or unread.
        Api::Chat | Api::Embeddings | Api::Models => openai::chat_events(answer),
    }
}

fn once(token: u32, bytes: Bytes) -> Pieces {
    Box::new(std::iter::once(Piece {
        when: When::Token(token),
        bytes,
        terminal: true,
    }))
}

fn collect(pieces: Pieces) -> Bytes {
    pieces
        .flat_map(|piece| piece.bytes)
        .collect::<Vec<u8>>()
        .into()
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let packed: io::Result<Vec<u8>> = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.expect("writing to memory does not fail").into()
}
