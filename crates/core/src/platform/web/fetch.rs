//! One fetch, and the body of its reply, chunk by chunk.

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, RequestInit, RequestRedirect, Response,
};

use super::thrown::{Runtime, Stage, transport_error};
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
    let invalid = |value: JsValue| {
        let TransportError::Lost(text) = transport_error(&value, Stage::Head, Runtime::Server)
        else {
            return TransportError::Invalid("the request could not be put together".to_owned());
        };
        TransportError::Invalid(text)
    };
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
    // Not `dyn_into`: a user's function may answer with another realm's or library's response.
    let response: Response = response.unchecked_into();
    let status = Reflect::get(&response, &"status".into())
        .ok()
        .and_then(|status| status.as_f64());
    let Some(status) = status else {
        return Err(TransportError::Invalid(
            "fetch answered with something that is no Response".into(),
        ));
    };
    let kind = Reflect::get(&response, &"type".into())
        .ok()
        .and_then(|kind| kind.as_string());
    if kind.as_deref() == Some("opaqueredirect")
        || matches!(status as u16, 301 | 302 | 303 | 307 | 308)
    {
        return Err(TransportError::Redirected);
    }
    let head = Head {
        status: status as u16,
        headers: read_headers(&response),
    };
    let reader = response
        .body()
        .map(|body| body.get_reader().unchecked_into());
    Ok((
        head,
        WebBody {
            reader,
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
fn read_headers(response: &Response) -> Headers {
    let mut headers = Headers::new();
    let Ok(Some(entries)) = js_sys::try_iter(&response.headers()) else {
        return headers;
    };
    for entry in entries.flatten() {
        let pair: Array = entry.unchecked_into();
        if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) {
            headers.append(&name, &value);
        }
    }
    headers
}

/// The body of a reply. Dropping it aborts the request, unless it came to its end.
pub struct WebBody {
    reader: Option<ReadableStreamDefaultReader>,
    abort: Abort,
    runtime: Runtime,
}

impl Body for WebBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let Some(reader) = &self.reader else {
            return Ok(None);
        };
        let read = JsFuture::from(reader.read()).await;
        let read = read.map_err(|value| transport_error(&value, Stage::Body, self.runtime))?;
        let property = |name: &str| Reflect::get(&read, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if property("done").is_truthy() {
            self.reader = None;
            self.abort.controller = None;
            return Ok(None);
        }
        property("value")
            .dyn_into::<Uint8Array>()
            .map(|bytes| Some(bytes.to_vec()))
            .map_err(|_| {
                TransportError::Cut("the body holds something that is not bytes".to_owned())
            })
    }
}
