//! One call of the simulated endpoint, from its arrival to the answer that is handed to hyper.
//!
//! The order is that of a real service: arrive, read, understand, be admitted, work, answer. What
//! a fault changes is decided at the step where it would happen.

use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::answer::{Answer, Finish};
use super::cut::{Break, without_head};
use super::dice::Dice;
use super::endpoint::Endpoint;
use super::event::Events;
use super::fault::Fault;
use super::limit::Refusal;
use super::problem::Problem;
use super::question::{self, Api, Question};
use super::stream::{Pieces, StreamBody, once};
use super::truth::Arrival;
use super::{anthropic, header, json, openai, refusal, responses, shape, turn_away};
use crate::body::Body;
use crate::clock;
use crate::peer::Peer;
use crate::wire::{Hijacked, Receipt};

/// The largest request body that is read.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Families of dice, so that a draw for one purpose never shifts those for another.
const FAULT_DICE: u64 = 0x0f;
const TEXT_DICE: u64 = 0x07;
const PACE_DICE: u64 = 0x03;

/// The list of models, or one of them: counted, and never limited.
pub(super) fn models(endpoint: &Arc<Endpoint>, peer: &Peer, id: Option<&str>) -> Response<Body> {
    let arrival = endpoint.truth.arrive(clock::now(), &peer.seen, None);
    endpoint.truth.accept(arrival, None);
    endpoint.truth.start();
    endpoint.truth.end(arrival, true, true);
    json(StatusCode::OK, openai::models(id), &endpoint.spec)
}

/// A call that costs tokens. `redirect` makes the address that a redirect points to.
pub(super) async fn call(
    endpoint: Arc<Endpoint>,
    api: Api,
    peer: &Peer,
    request: Request<Incoming>,
    redirect: impl Fn() -> String,
) -> Result<Response<Body>, Hijacked> {
    let (head, body) = request.into_parts();
    let key = head
        .headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok());
    let arrival = endpoint.truth.arrive(clock::now(), &peer.seen, key);
    let dice = |family: u64| Dice::new(endpoint.seed ^ (family << 56), arrival.number);
    let call = Call {
        endpoint: &endpoint,
        api,
        peer,
        arrival,
    };

    let mut fault = endpoint.spec.draw_fault(arrival.age, &mut dice(FAULT_DICE));
    if fault == Some(&Fault::Refuse) {
        call.count_fault(true);
        return Err(peer.hijack.leave(without_head(Receipt(None))));
    }
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(problem) => return Ok(call.reject(&problem)),
    };
    let question = match question::read(api, &body) {
        Ok(question) => question,
        Err(invalid) => return Ok(call.reject(&Problem::invalid(invalid))),
    };
    fault = fault.filter(|fault| question.stream || !fault.streams_only());
    let instead =
        fault.and_then(|fault| turn_away::answer(fault, api, &endpoint.spec, &redirect()));
    if let Some(mut response) = instead {
        call.count_fault(true);
        call.add_identity(response.headers_mut());
        return Ok(response);
    }
    let mut answer = plan(&endpoint, &question, api, dice(TEXT_DICE));
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
            pace.token(if question.stream { 1 } else { answer.total })
                .await;
            let receipt = Receipt(Some(Box::new(move || serving.complete())));
            return Err(peer.hijack.leave(without_head(receipt)));
        }
        Some(Fault::FinishError) => answer.finish = Finish::Error,
        _ => {}
    }

    let headers = call.headers(&question, fault);
    if fault.is_none() && !question.stream {
        // The ordinary case, and the one that is measured: no iterator, no timer object.
        pace.token(answer.total).await;
        let text = whole(api, &question, &answer);
        serving.complete();
        return Ok(respond(headers, text.into()));
    }
    let total = answer.total;
    let pieces = if question.stream {
        shape::events(fault, api, total, stream(api, answer))
    } else {
        once(total, whole_shaped(fault, api, &question, &answer).into())
    };
    let pieces = match fault {
        Some(Fault::GzipBad) => once(total, collect(pieces)),
        Some(Fault::GzipCut) => {
            let packed = gzip(&collect(pieces));
            once(total, packed.slice(..packed.len() / 2))
        }
        _ => shape::bytes(fault, pieces),
    };
    match fault.and_then(|fault| Break::of(fault, question.stream)) {
        None => Ok(respond(
            headers,
            Body::stream(StreamBody::new(pieces, pace, Some(serving))),
        )),
        Some(how) => {
            let broken = how.broken(headers, pieces, pace, serving, question.stream);
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
        self.endpoint.truth.fault(self.arrival);
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
            const { HeaderName::from_static("request-id") }
        } else {
            const { HeaderName::from_static("x-request-id") }
        };
        let id = format!("req_{}_{}", self.peer.id, self.arrival.number);
        let id = HeaderValue::from_maybe_shared(Bytes::from(id));
        headers.insert(name, id.expect("digits make a header value"));
    }

    fn add_rates(&self, headers: &mut HeaderMap) {
        let spec = &self.endpoint.spec;
        if spec.rps.or(spec.rpm).or(spec.tpm).is_some() {
            let (requests, tokens) = self.endpoint.rate_views();
            header::rates(headers, self.api, requests, tokens, clock::wall());
        }
    }

    /// The headers of an answer with content.
    fn headers(&self, question: &Question, fault: Option<&Fault>) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        let kind = match (fault, question.stream) {
            (Some(Fault::WrongMime), _) => "text/plain; charset=utf-8",
            (_, true) => "text/event-stream; charset=utf-8",
            (_, false) => "application/json",
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if question.stream {
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

fn plan(endpoint: &Endpoint, question: &Question, api: Api, dice: Dice) -> Answer {
    let created = clock::unix_s();
    if api != Api::Embeddings {
        return Answer::plan(&endpoint.spec, question, dice, created);
    }
    // Embedding is one pass over the prompt: as long as the first token, and none after it.
    let question = Question {
        tokens_max: Some(1),
        ..question.clone()
    };
    Answer::plan(&endpoint.spec, &question, dice, created)
}

fn whole(api: Api, question: &Question, answer: &Answer) -> String {
    match api {
        Api::Chat => openai::chat(answer),
        Api::Completions => openai::completion(answer),
        Api::Embeddings => openai::embeddings(question),
        Api::Responses => responses::whole(answer),
        Api::Messages => anthropic::whole(answer),
        Api::Models => openai::models(None),
    }
}

/// An answer in one piece, after the one fault that changes its text.
fn whole_shaped(fault: Option<&Fault>, api: Api, question: &Question, answer: &Answer) -> String {
    let mut text = whole(api, question, answer);
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
