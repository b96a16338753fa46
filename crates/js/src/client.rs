//! One client, as JavaScript holds it.
#![allow(
    clippy::float_cmp,
    reason = "what the macro makes of an enum compares so"
)]

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use js_sys::Object;
use kneepoint_core::{
    AttemptRecord, CallOptions, Client, ConfigError, Endpoint, Error, ErrorKind, Handle, Method,
    Observer, Outline, Phase, Record, Reply, Request, Stream,
};
use wasm_bindgen::prelude::*;

use crate::convert;
use crate::host::{Sink, Transport, Watcher};
use crate::options;
use crate::port::Port;
use crate::world;

/// What a call's caller wants to have.
#[wasm_bindgen]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The whole body.
    Body,
    /// The whole body, and what it says.
    Answer,
    /// The text, piece by piece.
    Text,
    /// The data of the events, piece by piece.
    Data,
}

/// A client.
#[wasm_bindgen]
pub struct Core(Client<Port>);

#[wasm_bindgen]
impl Core {
    /// A client with these options, or an object that says what is wrong with them.
    #[wasm_bindgen(constructor)]
    pub fn new(
        transport: Transport,
        watcher: Option<Watcher>,
        options: &JsValue,
    ) -> Result<Self, Object> {
        world::enter();
        let watcher = watcher.map(|watcher| Rc::new(Hook(watcher)) as Rc<dyn Observer>);
        options::config(options)
            .and_then(|config| Client::with_observer(Port::new(transport), config, watcher))
            .map(Self)
            .map_err(refused)
    }

    /// Asks an endpoint, and answers the place of the call's task. The body is JSON, or of so many
    /// `bytes` where `sink` has it and we need not see it; then `model` and `answer_max` say what steers
    /// us in it.
    #[allow(
        clippy::too_many_arguments,
        reason = "an object would cost more than the call"
    )]
    pub fn send(
        &self,
        sink: Sink,
        want: Want,
        method: &str,
        path: &str,
        body: Option<String>,
        bytes: Option<u32>,
        model: Option<String>,
        answer_max: f64,
        options: &JsValue,
    ) -> Result<u32, Object> {
        let held = bytes.map(|bytes| Outline {
            model: model.map(Into::into),
            is_streamed: matches!(want, Want::Text | Want::Data),
            bytes: bytes as usize,
            answer_max: (answer_max >= 0.0).then_some(answer_max as u64),
        });
        let method = Method::named(method).unwrap_or(Method::Post);
        let request = Request {
            endpoint: Endpoint::at(method, path),
            body: body.map(Into::into),
            held,
            options: CallOptions {
                handle: Some(Handle::new(sink.clone())),
                ..options::call(options).map_err(refused)?
            },
        };
        Ok(self.begin(sink, want, request))
    }

    /// The figures of the moment.
    pub fn stats(&self) -> Object {
        world::enter();
        convert::stats(&self.0.stats())
    }

    fn begin(&self, sink: Sink, want: Want, request: Request) -> u32 {
        world::enter();
        let client = self.0.clone();
        let task = match want {
            Want::Body | Want::Answer => world::spawn(async move {
                match client.send(request).await {
                    Ok(reply) => deliver(&sink, want, &reply),
                    Err(error) => fail(&sink, &error, None),
                }
            }),
            Want::Text => {
                world::spawn(async move { follow(&sink, client.stream(request).await).await })
            }
            Want::Data => {
                world::spawn(async move { follow(&sink, client.stream_data(request).await).await })
            }
        };
        world::run();
        task
    }
}

fn deliver(sink: &Sink, want: Want, reply: &Reply) {
    let answer = match want {
        Want::Answer => convert::answer(&reply.answer).into(),
        _ => JsValue::UNDEFINED,
    };
    let handle = convert::handle(reply.head.handle.as_ref());
    let body = handle.is_undefined().then_some(&*reply.body);
    let times = convert::times(&reply.record);
    let errors = convert::errors(&reply.record);
    sink.reply(handle, body, answer, &times, errors.as_deref());
}

/// Reads a stream to its end, a piece whenever one is wanted.
async fn follow(sink: &Sink, begun: Result<Stream<Port>, Error>) {
    let mut stream = match begun {
        Ok(stream) => stream,
        Err(error) => return fail(sink, &error, None),
    };
    sink.begun(convert::handle(stream.head().handle.as_ref()));
    let mut is_wanted = false;
    loop {
        if !is_wanted {
            wanted(sink).await;
        }
        match stream.next().await {
            Some(Ok(piece)) => {
                is_wanted = sink.piece(&piece.text, convert::deltas(&piece.deltas));
            }
            Some(Err(error)) => return fail(sink, &error, stream.record()),
            None => break,
        }
    }
    if let Some(record) = stream.record() {
        let errors = convert::errors(record);
        sink.ended(&convert::times(record), errors.as_deref());
    }
}

async fn wanted(sink: &Sink) {
    poll_fn(|_| {
        if sink.wanted() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn fail(sink: &Sink, error: &Error, record: Option<&Record>) {
    let times = record.map(convert::times).unwrap_or_default();
    let errors = record.and_then(convert::errors);
    sink.failed(convert::error(error), &times, errors.as_deref());
}

fn refused(error: ConfigError) -> Object {
    convert::error(&Error::of(ErrorKind::Config(error), Phase::Queue))
}

/// Tells JavaScript of every attempt.
struct Hook(Watcher);

impl Observer for Hook {
    fn attempt(&self, record: &Record, attempt: &AttemptRecord) {
        // Where clocks stand still, several attempts may be alike in all that was noted.
        let is_it = |known: &AttemptRecord| std::ptr::eq(known, attempt);
        let index = record.attempts.iter().position(is_it).unwrap_or_default();
        let (times, errors) = (convert::times(record), convert::errors(record));
        let model = record.model.as_deref().unwrap_or_default();
        let words = format!("{}\n{}\n{model}", record.operation, record.host);
        let sink = record.handle.as_ref().and_then(Handle::get::<Sink>);
        let nobody = JsValue::UNDEFINED;
        let sink = sink.map_or(&nobody, AsRef::as_ref);
        self.0
            .attempt(index as u32, &times, errors.as_deref(), &words, sink);
    }

    fn call(&self, _: &Record) {}
}
