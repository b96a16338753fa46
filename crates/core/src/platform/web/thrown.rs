//! From anything that JavaScript may throw to the one thing that matters: was it sent?
//!
//! Promises reject with errors, exceptions, texts or nothing at all. Runtimes that tell put a code
//! on the error or on its cause; browsers never tell. No error is recognised by its text, which
//! changes with every release.

use wasm_bindgen::JsValue;

use super::{global, property};
use crate::platform::TransportError;

/// The longest text that is kept of an error.
const TEXT_CHARS_MAX: usize = 200;

/// How deep causes are followed. They may form a circle.
const CAUSES_MAX: usize = 4;

/// Codes that say that no connection came about, as Node, undici, Bun and OpenSSL spell them; and the npm
/// package's own for that, and for a connection that took no further request.
const UNSENT: &[&str] = &[
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENETDOWN",
    "EADDRNOTAVAIL",
    "UND_ERR_CONNECT_TIMEOUT",
    "ConnectionRefused",
    "FailedToOpenSocket",
    "DNSResolveFailed",
    "CERT_HAS_EXPIRED",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "CERT_NOT_YET_VALID",
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "ERR_NO_CONNECTION",
    "ERR_HTTP2_REFUSED_STREAM",
];

/// Codes that say that the request itself is at fault.
const INVALID: &[&str] = &[
    "ERR_INVALID_URL",
    "UND_ERR_INVALID_ARG",
    "ERR_INVALID_ARG_TYPE",
];

/// Where something was thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before the head of the reply was there.
    Head,
    /// While its body was read.
    Body,
}

/// How much the runtime is willing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// A window or a worker of a browser: nothing, lest pages learn about networks.
    Browser,
    /// Node, Deno, Bun or workerd.
    Server,
}

impl Runtime {
    /// Which one this is.
    pub fn detect() -> Self {
        let agent = property(&global("navigator"), &"userAgent".into())
            .as_string()
            .unwrap_or_default();
        let versions = property(&global("process"), &"versions".into());
        let server = !property(&versions, &"node".into()).is_undefined()
            || !global("Deno").is_undefined()
            || agent == "Cloudflare-Workers";
        if server { Self::Server } else { Self::Browser }
    }
}

/// Makes a typed error of anything that was thrown.
pub fn transport_error(thrown: &JsValue, stage: Stage, runtime: Runtime) -> TransportError {
    let mut cause = thrown.clone();
    let codes = (0..CAUSES_MAX).map_while(|_| {
        let code = property(&cause, &"code".into()).as_string();
        cause = property(&cause, &"cause".into());
        (code.is_some() || cause.is_object()).then(|| code.unwrap_or_default())
    });
    judge(codes, describe(thrown), stage, runtime)
}

/// Makes a typed error of the codes of an error and its causes, and of a text that describes it.
pub fn judge(
    codes: impl IntoIterator<Item = impl AsRef<str>>,
    text: String,
    stage: Stage,
    runtime: Runtime,
) -> TransportError {
    if stage == Stage::Body {
        return TransportError::Cut(text);
    }
    for code in codes {
        if UNSENT.contains(&code.as_ref()) {
            return TransportError::Connect(text);
        }
        if INVALID.contains(&code.as_ref()) {
            return TransportError::Invalid(text);
        }
    }
    match runtime {
        Runtime::Browser => TransportError::Opaque(text),
        Runtime::Server => TransportError::Lost(text),
    }
}

/// A short text for people.
pub(super) fn describe(thrown: &JsValue) -> String {
    let part = |name: &str| {
        property(thrown, &JsValue::from_str(name))
            .as_string()
            .filter(|text| !text.is_empty())
    };
    let text = match (part("name"), part("message")) {
        (Some(name), Some(message)) => format!("{name}: {message}"),
        (Some(text), None) | (None, Some(text)) => text,
        (None, None) => thrown
            .as_string()
            .unwrap_or_else(|| "no reason given".to_owned()),
    };
    let cause = property(thrown, &"cause".into());
    let code = property(&cause, &"code".into())
        .as_string()
        .or_else(|| property(thrown, &"code".into()).as_string());
    let text = code.map_or_else(|| text.clone(), |code| format!("{text} ({code})"));
    text.chars().take(TEXT_CHARS_MAX).collect()
}
