//! One fetch, and the body of its reply, chunk by chunk.
//!
//! The function may be a user's own, so nothing that it answers with is trusted to be what it
//! should: all of it is asked for in ways that catch what is thrown.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, RequestCredentials, RequestInit, RequestRedirect};

use super::abort::{Abort, Controllers};
use super::promised::Promised;
use super::property;
use super::thrown::{Runtime, Stage, describe, transport_error};
use crate::http::{Head, HeaderValue, Headers, HttpRequest};
use crate::platform::{Body, TransportError};

#[wasm_bindgen(module = "/src/platform/web/exchange.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn exchange(
        fetch: &Function,
        url: &JsValue,
        start: &RequestInit,
        body: Option<&str>,
        controller: &AbortController,
    ) -> Result<Promise, JsValue>;

    /// What the function answered with, and what was found in it.
    type Answer;

    #[wasm_bindgen(method, getter)]
    fn response(this: &Answer) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn status(this: &Answer) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn headers(this: &Answer) -> String;
}

/// The longest body that is asked for in one piece, where its length is known. Each piece costs as much
/// as all that is done with it.
const WHOLE_BYTES_MAX: u64 = 64 << 10;

/// A `fetch`, and what is said in each request and asked of each reply. The words are made once: a text
/// that crosses over is decoded each time anew.
#[derive(Clone)]
pub(super) struct Sender {
    fetch: Function,
    runtime: Runtime,
    is_omitting: bool,
    words: Rc<Words>,
    latest: Rc<RefCell<Option<Start>>>,
    controllers: Rc<Controllers>,
}

/// What the latest request began with, as `fetch` takes it. Most begin alike.
struct Start {
    request: HttpRequest,
    url: JsValue,
    init: RequestInit,
}

struct Words {
    body: JsValue,
    done: JsValue,
    value: JsValue,
    array_buffer: JsValue,
    get_reader: JsValue,
    read: JsValue,
}

impl Sender {
    /// The runtime's own `fetch`, or one of a user's.
    pub(super) fn new(fetch: Function, is_own: bool) -> Self {
        let runtime = Runtime::detect();
        Self {
            fetch,
            runtime,
            is_omitting: false,
            latest: Rc::default(),
            controllers: Controllers::new(is_own, runtime),
            words: Rc::new(Words {
                body: "body".into(),
                done: "done".into(),
                value: "value".into(),
                array_buffer: "arrayBuffer".into(),
                get_reader: "getReader".into(),
                read: "read".into(),
            }),
        }
    }

    pub(super) fn without_cookies(&self) -> Self {
        Self {
            is_omitting: true,
            latest: Rc::default(),
            ..self.clone()
        }
    }

    /// Sends `request` and waits for the head of its reply.
    pub(super) async fn send(
        self: Rc<Self>,
        request: HttpRequest,
    ) -> Result<(Head, WebBody), TransportError> {
        let thrown = |value: JsValue| transport_error(&value, Stage::Head, self.runtime);
        let invalid = |value: JsValue| TransportError::Invalid(describe(&value));
        let abort = self.controllers.take().map_err(invalid)?;
        let answer = self.exchange(&request, &abort).map_err(invalid)?;
        let answer: Answer = answer.await.map_err(thrown)?.unchecked_into();
        let response = answer.response();
        // No `instanceof`: a user's function may answer with another realm's or library's response.
        let Some(status) = answer.status().as_f64() else {
            return Err(TransportError::Invalid(
                "fetch answered with something that is no Response".into(),
            ));
        };
        let is_redirect = match status as u16 {
            0 => property(&response, &"type".into()) == "opaqueredirect",
            status => matches!(status, 301 | 302 | 303 | 307 | 308),
        };
        if is_redirect {
            return Err(TransportError::Redirected);
        }
        let head = Head::new(status as u16, read_headers(&answer.headers()));
        let source = self.source(&response, &head)?;
        let body = WebBody {
            source,
            pending: None,
            abort,
            sender: self,
        };
        Ok((head, body))
    }

    fn exchange(&self, request: &HttpRequest, abort: &Abort) -> Result<Promised, JsValue> {
        let mut latest = self.latest.borrow_mut();
        let start = match &mut *latest {
            Some(start) if request.begins_as(&start.request) => start,
            other => other.insert(self.start(request)?),
        };
        let body = request.body.as_deref();
        let answer = exchange(
            &self.fetch,
            &start.url,
            &start.init,
            body,
            abort.controller(),
        )?;
        Ok(Promised::from(&answer))
    }

    fn start(&self, request: &HttpRequest) -> Result<Start, JsValue> {
        // A plain object: browsers read one in less time than their own `Headers`.
        let headers = Object::new();
        for (name, value) in request.headers.iter() {
            let text = match value {
                HeaderValue::Open(text) => JsValue::from_str(text),
                HeaderValue::Secret { prefix, secret } => {
                    JsValue::from_str(&format!("{prefix}{}", secret.expose()))
                }
            };
            Reflect::set(&headers, &name.into(), &text)?;
        }
        let init = RequestInit::new();
        init.set_method(request.method.as_str());
        init.set_headers(&headers);
        // Following one would carry the key to another address.
        init.set_redirect(RequestRedirect::Manual);
        if self.is_omitting {
            init.set_credentials(RequestCredentials::Omit);
        }
        Ok(Start {
            request: request.start(),
            url: JsValue::from_str(&request.url),
            init,
        })
    }

    fn source(&self, response: &JsValue, head: &Head) -> Result<Source, TransportError> {
        let threw = |thrown: JsValue| unreadable(&format!("it threw {}", describe(&thrown)));
        let body = Reflect::get(response, &self.words.body).map_err(threw)?;
        if body.is_null() || body.is_undefined() {
            return Ok(Source::Ended);
        }
        if is_short(&head.headers)
            && let Ok(whole) = Method::of(response, &self.words.array_buffer)
        {
            return Ok(Source::Whole(whole));
        }
        let is_another_kind = |_| unreadable(&format!("it is {}", kind(&body)));
        let get_reader = Method::of(&body, &self.words.get_reader).map_err(is_another_kind)?;
        let reader = get_reader.call0().map_err(threw)?;
        let read = Method::of(&reader, &self.words.read).map_err(is_another_kind)?;
        Ok(Source::Pieces(read))
    }
}

/// The fields that the platform lets us read; across origins that is those the server exposes.
fn read_headers(text: &str) -> Headers {
    text.lines()
        .filter_map(|line| line.split_once(','))
        .collect()
}

/// Whether all of a body may come at once: what is streamed must not, whatever it says of its length.
fn is_short(headers: &Headers) -> bool {
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok());
    let is_json = |kind: &str| kind.starts_with("application/json");
    length.is_some_and(|bytes: u64| bytes <= WHOLE_BYTES_MAX)
        && headers.get("content-type").is_some_and(is_json)
}

fn unreadable(found: &str) -> TransportError {
    TransportError::Invalid(format!(
        "the body of what fetch answered with should be a ReadableStream that nobody reads yet, but {found}"
    ))
}

/// A function with the object that it is called on.
struct Method {
    object: JsValue,
    function: Function,
}

impl Method {
    /// Looks a method up. Fails with what was thrown, or with what is there in its stead.
    fn of(object: &JsValue, name: &JsValue) -> Result<Self, JsValue> {
        Ok(Self {
            object: object.clone(),
            function: Reflect::get(object, name)?.dyn_into()?,
        })
    }

    fn call0(&self) -> Result<JsValue, JsValue> {
        self.function.call0(&self.object)
    }
}

/// What kind of thing this is, for people: its class, or else its type.
fn kind(value: &JsValue) -> String {
    property(&property(value, &"constructor".into()), &"name".into())
        .as_string()
        .filter(|name| !name.is_empty())
        .map_or_else(
            || value.js_typeof().as_string().unwrap_or_default(),
            |class| format!("of class {class}"),
        )
}

/// Where the pieces of a body come from.
enum Source {
    /// All of it at once.
    Whole(Method),
    /// The reader of its stream.
    Pieces(Method),
    Ended,
}

/// The body of a reply. Dropping it aborts the request, unless it came to its end.
pub struct WebBody {
    source: Source,
    /// The read that has been started and has not answered yet, kept for the next call when the
    /// future that waited for it is dropped.
    pending: Option<Promised>,
    abort: Abort,
    sender: Rc<Sender>,
}

impl Body for WebBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let (Source::Whole(read) | Source::Pieces(read)) = &self.source else {
            return Ok(None);
        };
        let cut = |thrown: JsValue| transport_error(&thrown, Stage::Body, self.sender.runtime);
        let pending = match &mut self.pending {
            Some(pending) => pending,
            none => {
                // A piece that arrives is off the stream, whether or not it is waited for.
                let read = read.call0().map_err(cut)?;
                none.insert(Promised::from(&Promise::resolve(&read)))
            }
        };
        let read = pending.await;
        self.pending = None;
        let read = read.map_err(cut)?;
        let no_bytes =
            |_| TransportError::Cut("the body holds something that is not bytes".to_owned());
        if matches!(self.source, Source::Whole(_)) {
            let whole: ArrayBuffer = read.dyn_into().map_err(no_bytes)?;
            self.end();
            return Ok(Some(Uint8Array::new(&whole).to_vec()));
        }
        if property(&read, &self.sender.words.done).is_truthy() {
            self.end();
            return Ok(None);
        }
        let piece = property(&read, &self.sender.words.value).dyn_into::<Uint8Array>();
        piece.map(|bytes| Some(bytes.to_vec())).map_err(no_bytes)
    }
}

impl WebBody {
    /// There is nothing left to read, and nothing to abort.
    fn end(&mut self) {
        self.source = Source::Ended;
        self.abort.end();
    }
}
