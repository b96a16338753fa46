//! One fetch, and the body of its reply, chunk by chunk.
//!
//! The function may be a user's own, so nothing that it answers with is trusted to be what it
//! should: all of it is asked for in ways that catch what is thrown.

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, RequestInit, RequestRedirect};

use super::thrown::{Runtime, Stage, describe, transport_error};
use super::{global, property};
use crate::http::{Head, HeaderValue, Headers, HttpRequest};
use crate::platform::{Body, TransportError};

/// Aborts its request when dropped, unless the body came to its end.
struct Abort {
    controller: Option<AbortController>,
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = &self.controller {
            controller.abort();
        }
    }
}

/// Sends `request` and waits for the head of its reply.
pub(super) async fn send(
    fetch: Function,
    runtime: Runtime,
    request: HttpRequest,
) -> Result<(Head, WebBody), TransportError> {
    let thrown = |value: JsValue| transport_error(&value, Stage::Head, runtime);
    let invalid = |value: JsValue| TransportError::Invalid(describe(&value));
    let abort = Abort {
        controller: AbortController::new().ok(),
    };
    let init = init(&request, abort.controller.as_ref()).map_err(invalid)?;
    let promise = fetch
        .call2(&JsValue::UNDEFINED, &JsValue::from_str(&request.url), &init)
        .map_err(thrown)?;
    // A user's function may answer with the response itself; `resolve` accepts both.
    let response = JsFuture::from(Promise::resolve(&promise))
        .await
        .map_err(thrown)?;
    // No `instanceof`: a user's function may answer with another realm's or library's response.
    let Some(status) = property(&response, "status").as_f64() else {
        return Err(TransportError::Invalid(
            "fetch answered with something that is no Response".into(),
        ));
    };
    if property(&response, "type").as_string().as_deref() == Some("opaqueredirect")
        || matches!(status as u16, 301 | 302 | 303 | 307 | 308)
    {
        return Err(TransportError::Redirected);
    }
    let headers = read_headers(&property(&response, "headers"));
    let head = Head::new(status as u16, headers);
    Ok((
        head,
        WebBody {
            reader: Reader::of(&response)?,
            pending: None,
            abort,
            runtime,
        },
    ))
}

fn init(request: &HttpRequest, abort: Option<&AbortController>) -> Result<RequestInit, JsValue> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in request.headers.iter() {
        match value {
            HeaderValue::Open(text) => headers.set(name, text)?,
            HeaderValue::Secret { prefix, secret } => {
                headers.set(name, &format!("{prefix}{}", secret.expose()))?;
            }
        }
    }
    let init = RequestInit::new();
    init.set_method(request.method.as_str());
    init.set_headers(&headers);
    // Following one would carry the key to another address.
    init.set_redirect(RequestRedirect::Manual);
    if let Some(body) = &request.body {
        init.set_body(&JsValue::from_str(body));
    }
    if let Some(abort) = abort {
        init.set_signal(Some(&abort.signal()));
    }
    Ok(init)
}

/// The fields that the platform lets us read; across origins that is those the server exposes.
fn read_headers(fields: &JsValue) -> Headers {
    let mut headers = Headers::new();
    // JavaScript makes the array, which is sure to catch whatever the iterator throws.
    let Ok(pairs) = Method::of(&global("Array"), "from").and_then(|from| from.call1(fields)) else {
        return headers;
    };
    for pair in pairs.unchecked_into::<Array>().iter() {
        let text = |index| Reflect::get_u32(&pair, index).ok()?.as_string();
        if let (Some(name), Some(value)) = (text(0), text(1)) {
            headers.append(&name, &value);
        }
    }
    headers
}

/// A function with the object that it is called on.
struct Method {
    object: JsValue,
    function: Function,
}

impl Method {
    /// Looks a method up. Fails with what was thrown, or with what is there in its stead.
    fn of(object: &JsValue, name: &str) -> Result<Self, JsValue> {
        Ok(Self {
            object: object.clone(),
            function: Reflect::get(object, &name.into())?.dyn_into()?,
        })
    }

    fn call0(&self) -> Result<JsValue, JsValue> {
        self.function.call0(&self.object)
    }

    fn call1(&self, argument: &JsValue) -> Result<JsValue, JsValue> {
        self.function.call1(&self.object, argument)
    }
}

/// The reader of a body's stream.
struct Reader {
    read: Method,
}

impl Reader {
    /// Takes the body of a response, unless it has none.
    fn of(response: &JsValue) -> Result<Option<Self>, TransportError> {
        let unreadable = |found: String| {
            TransportError::Invalid(format!(
                "the body of what fetch answered with should be a ReadableStream that nobody reads yet, but {found}"
            ))
        };
        let threw = |thrown: JsValue| unreadable(format!("it threw {}", describe(&thrown)));
        let body = Reflect::get(response, &"body".into()).map_err(threw)?;
        if body.is_null() || body.is_undefined() {
            return Ok(None);
        }
        let is_another_kind = |_| unreadable(format!("it is {}", kind(&body)));
        let get_reader = Method::of(&body, "getReader").map_err(is_another_kind)?;
        let reader = get_reader.call0().map_err(threw)?;
        let read = Method::of(&reader, "read").map_err(is_another_kind)?;
        Ok(Some(Self { read }))
    }

    /// Starts to read; a chunk that arrives is off the stream, whether or not it is waited for.
    fn start(&self) -> Result<JsFuture, JsValue> {
        Ok(JsFuture::from(Promise::resolve(&self.read.call0()?)))
    }
}

/// What kind of thing this is, for people: its class, or else its type.
fn kind(value: &JsValue) -> String {
    property(&property(value, "constructor"), "name")
        .as_string()
        .filter(|name| !name.is_empty())
        .map_or_else(
            || value.js_typeof().as_string().unwrap_or_default(),
            |class| format!("of class {class}"),
        )
}

/// The body of a reply. Dropping it aborts the request, unless it came to its end.
pub struct WebBody {
    reader: Option<Reader>,
    /// The read that has been started and has not answered yet, kept for the next call when the
    /// future that waited for it is dropped.
    pending: Option<JsFuture>,
    abort: Abort,
    runtime: Runtime,
}

impl Body for WebBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let Some(reader) = &self.reader else {
            return Ok(None);
        };
        let cut = |thrown: JsValue| transport_error(&thrown, Stage::Body, self.runtime);
        let pending = match &mut self.pending {
            Some(pending) => pending,
            none => none.insert(reader.start().map_err(cut)?),
        };
        let read = pending.await;
        self.pending = None;
        let read = read.map_err(cut)?;
        if property(&read, "done").is_truthy() {
            self.reader = None;
            self.abort.controller = None;
            return Ok(None);
        }
        property(&read, "value")
            .dyn_into::<Uint8Array>()
            .map(|bytes| Some(bytes.to_vec()))
            .map_err(|_| {
                TransportError::Cut("the body holds something that is not bytes".to_owned())
            })
    }
}
