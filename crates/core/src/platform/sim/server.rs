//! How a simulated server answers one request, by its script or by its model.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use super::ServerPlan;
use super::answer;
use super::batch;
use super::body::{End, Piece, SimBody};
use super::model::{Decision, ModelState, Place, SharedModel, Work};
use super::script::{Outcome, Script};
use super::truth::{Exchange, SharedBooks, Truth};
use crate::http::{Head, Headers, HttpRequest};
use crate::platform::TransportError;
use crate::platform::clock::Clock;

type Answer = Result<(Head, SimBody), TransportError>;

/// A server of a simulated world. Clones are the same server.
#[derive(Clone)]
pub struct Server {
    kind: Kind,
    books: SharedBooks,
}

#[derive(Clone)]
enum Kind {
    Script(Rc<RefCell<Script>>),
    Model(SharedModel),
}

impl Server {
    pub(super) fn new(plan: ServerPlan, seed: u64) -> Self {
        let kind = match plan {
            ServerPlan::Script(script) => Kind::Script(Rc::new(RefCell::new(script))),
            ServerPlan::Model(model) => {
                Kind::Model(Rc::new(RefCell::new(ModelState::new(*model, seed))))
            }
        };
        Self {
            kind,
            books: SharedBooks::default(),
        }
    }

    pub(super) fn truth(&self) -> Truth {
        Truth(Rc::clone(&self.books))
    }

    pub(super) async fn answer(self, clock: Rc<Clock>, request: HttpRequest) -> Answer {
        let exchange = Exchange::open(&clock, &self.books, &request);
        match &self.kind {
            Kind::Script(script) => from_script(script, clock, exchange, &request).await,
            Kind::Model(model) => from_model(model, clock, exchange, &request).await,
        }
    }
}

async fn from_script(
    script: &RefCell<Script>,
    clock: Rc<Clock>,
    mut exchange: Exchange,
    request: &HttpRequest,
) -> Answer {
    let reply = script.borrow_mut().next();
    let Some(reply) = reply else {
        panic!(
            "the script has no reply left for {} {}",
            request.method.as_str(),
            request.url
        )
    };
    exchange.begin();
    clock.sleep_until(clock.now() + reply.after).await;
    match reply.outcome {
        Outcome::Hang => std::future::pending().await,
        Outcome::Error(error) => {
            exchange.end();
            Err(error)
        }
        Outcome::Answer {
            status,
            headers,
            pieces,
            end,
        } => {
            exchange.decided(status);
            Ok((
                Head::new(status, headers),
                SimBody::new(clock, pieces, end, exchange, None),
            ))
        }
    }
}

async fn from_model(
    shared: &SharedModel,
    clock: Rc<Clock>,
    mut exchange: Exchange,
    request: &HttpRequest,
) -> Answer {
    let body = request.body.as_deref().unwrap_or("");
    let one_way = shared.borrow().model.round_trip / 2.0;
    sleep(&clock, one_way).await;
    let decision = shared.borrow_mut().decide(clock.now().as_secs_f64(), body);
    match decision {
        Decision::Refuse {
            status,
            retry_after,
            seconds,
        } => {
            exchange.decided(status);
            sleep(&clock, seconds + one_way).await;
            let mut headers = json_headers();
            if let Some(seconds) = retry_after {
                headers.append("retry-after", &format!("{seconds:.3}"));
            }
            let pieces = whole(answer::refusal(status));
            let body = SimBody::new(clock, pieces, End::Done, exchange, None);
            Ok((Head::new(status, headers), body))
        }
        Decision::Accept(work) => {
            exchange.decided(200);
            exchange.begin();
            let place = ModelState::take_place(shared);
            place.reached().await;
            if body.contains("\"stream\":true") {
                Ok(streamed(shared, clock, exchange, place, work))
            } else {
                make(shared, &clock, work).await;
                drop(place);
                exchange.finish();
                sleep(&clock, one_way).await;
                let reports_usage = shared.borrow().model.reports_usage;
                let pieces = whole(answer::completion(work.units as u64, reports_usage));
                let body = SimBody::new(clock, pieces, End::Done, exchange, None);
                Ok((Head::new(200, json_headers()), body))
            }
        }
    }
}

/// Spends the time that the answer takes.
async fn make(shared: &SharedModel, clock: &Rc<Clock>, work: Work) {
    let (batching, batch) = {
        let state = shared.borrow();
        (state.model.batching, state.batch.clone())
    };
    match batching {
        Some(batching) => batch::work(clock, &batch, batching, work.units).await,
        None => sleep(clock, work.seconds).await,
    }
}

/// An event stream: the place is held until its last piece was read. Batching servers are not
/// streamed at their own pace but at that of an unshared one.
fn streamed(
    shared: &SharedModel,
    clock: Rc<Clock>,
    exchange: Exchange,
    place: Place,
    work: Work,
) -> (Head, SimBody) {
    let state = shared.borrow();
    let model = &state.model;
    let pieces = answer::stream(
        work.units as u64,
        model.reports_usage,
        model.stream_pieces,
        model
            .batching
            .map_or(work.seconds, |batching| batching.fixed * work.units),
    );
    let headers = Headers::from_iter([("content-type", "text/event-stream")]);
    let body = SimBody::new(clock, pieces, End::Done, exchange, Some(place));
    (Head::new(200, headers), body)
}

fn whole(bytes: Vec<u8>) -> VecDeque<Piece> {
    VecDeque::from([Piece {
        after: Duration::ZERO,
        bytes,
    }])
}

fn json_headers() -> Headers {
    Headers::from_iter([("content-type", "application/json")])
}

async fn sleep(clock: &Rc<Clock>, seconds: f64) {
    clock
        .sleep_until(clock.now() + Duration::from_secs_f64(seconds))
        .await;
}
