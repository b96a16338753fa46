//! Who answers: where an endpoint lives, how it is asked, and in which dialect it speaks.
//!
//! Pure tables and text. Servers that speak OpenAI's protocol (vLLM, SGLang, llama.cpp, hosted
//! APIs, our own simulated endpoint) need nothing but their base URL.

use std::borrow::Cow;

#[cfg(feature = "serde")]
mod prompt;

#[cfg(feature = "serde")]
pub use prompt::{Message, Prompt};

use crate::decode::Dialect;
use crate::http::{BEARER, HeaderValue, Headers, Method};
use crate::reading::Reading;
use crate::secret::Secret;

/// Which family of protocols an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// OpenAI's and everything compatible with it.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
}

/// An endpoint's presets: address, protocol and the environment variable that holds its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// A short name, for records.
    pub name: &'static str,
    /// The base under which the paths lie. Anthropic's gets its `/v1` where that is missing.
    pub base_url: String,
    /// The protocol.
    pub family: Family,
    /// Where command lines and servers look for the key.
    pub key_variable: &'static str,
}

impl Provider {
    /// `https://api.openai.com/v1`
    pub fn openai() -> Self {
        Self::preset(
            "openai",
            "https://api.openai.com/v1",
            Family::OpenAi,
            "OPENAI_API_KEY",
        )
    }

    /// `https://api.anthropic.com/v1`
    pub fn anthropic() -> Self {
        Self::preset(
            "anthropic",
            "https://api.anthropic.com/v1",
            Family::Anthropic,
            "ANTHROPIC_API_KEY",
        )
    }

    /// `https://api.fireworks.ai/inference/v1`. A dedicated deployment has a host of its own, which
    /// spares the global load balancer: give that as the base URL.
    pub fn fireworks() -> Self {
        Self::preset(
            "fireworks",
            "https://api.fireworks.ai/inference/v1",
            Family::OpenAi,
            "FIREWORKS_API_KEY",
        )
    }

    /// Any OpenAI-compatible server.
    pub fn compatible(base_url: &str) -> Self {
        Self::preset("compatible", base_url, Family::OpenAi, "OPENAI_API_KEY")
    }

    /// The preset of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "openai" => Some(Self::openai()),
            "anthropic" => Some(Self::anthropic()),
            "fireworks" => Some(Self::fireworks()),
            _ => None,
        }
    }

    fn preset(
        name: &'static str,
        base_url: &str,
        family: Family,
        key_variable: &'static str,
    ) -> Self {
        Self {
            name,
            base_url: base_url.to_owned(),
            family,
            key_variable,
        }
    }
}

impl Family {
    /// The endpoint that plain generation uses.
    pub const fn generation(self) -> Endpoint {
        match self {
            Self::OpenAi => Endpoint::ChatCompletions,
            Self::Anthropic => Endpoint::Messages,
        }
    }

    /// Sets the headers that say who asks.
    pub(crate) fn authorize(self, key: &Secret, headers: &mut Headers) {
        let (name, prefix) = match self {
            Self::OpenAi => ("authorization", BEARER),
            Self::Anthropic => ("x-api-key", ""),
        };
        headers.set(
            name,
            HeaderValue::Secret {
                prefix,
                secret: key.clone(),
            },
        );
    }

    /// Sets the headers that the protocol itself asks for.
    pub(crate) fn protocol_headers(self, headers: &mut Headers) {
        if self == Self::Anthropic {
            headers.set_text("anthropic-version", "2023-06-01");
        }
    }
}

/// What is asked of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /chat/completions`
    ChatCompletions,
    /// `POST /completions`
    Completions,
    /// `POST /embeddings`
    Embeddings,
    /// `POST /responses`
    Responses,
    /// `POST /messages` (Anthropic)
    Messages,
    /// `GET /models` or `GET /models/{id}`
    Models(Option<String>),
    /// Anything else; the answer is handed on as it is.
    Other {
        /// The method.
        method: Method,
        /// The path under the base URL, with its leading slash.
        path: String,
    },
}

impl Endpoint {
    /// The endpoint behind a method and a path under the base URL, in whatever words it was asked
    /// for: what is known is read as what it is.
    ///
    /// A single model stays [`Endpoint::Other`] and goes out as it was written, since a path's escapes
    /// are its writer's: `/models/ft:a` would become `/models/ft%3Aa`. What it misses is a look at its
    /// answer, and that equal calls share an attempt where a client's do; limits and retries do not
    /// go by the endpoint.
    pub fn at(method: Method, path: &str) -> Self {
        match (method, path) {
            (Method::Post, "/chat/completions") => Self::ChatCompletions,
            (Method::Post, "/completions") => Self::Completions,
            (Method::Post, "/embeddings") => Self::Embeddings,
            (Method::Post, "/responses") => Self::Responses,
            (Method::Post, "/messages") => Self::Messages,
            (Method::Get, "/models") => Self::Models(None),
            _ => Self::Other {
                method,
                path: path.to_owned(),
            },
        }
    }

    /// The method.
    pub const fn method(&self) -> Method {
        match self {
            Self::Models(_) => Method::Get,
            Self::Other { method, .. } => *method,
            _ => Method::Post,
        }
    }

    /// The path under the base URL.
    pub fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::ChatCompletions => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Responses => "/responses",
            Self::Messages => "/messages",
            Self::Models(None) => "/models",
            Self::Models(Some(id)) => {
                let mut path = "/models/".to_owned();
                crate::url::percent_encode(id, &mut path);
                return Cow::Owned(path);
            }
            Self::Other { path, .. } => path,
        })
    }

    /// How its answers are read.
    pub const fn reading(&self) -> Reading {
        match self {
            Self::ChatCompletions => Reading::Answer(Dialect::Chat),
            Self::Completions => Reading::Answer(Dialect::Completions),
            Self::Responses => Reading::Answer(Dialect::Responses),
            Self::Messages => Reading::Answer(Dialect::Messages),
            Self::Embeddings | Self::Models(_) => Reading::Json,
            Self::Other { .. } => Reading::AsIs,
        }
    }

    /// The operation's name among OpenTelemetry's for generative AI.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::ChatCompletions | Self::Messages | Self::Responses => "chat",
            Self::Completions => "text_completion",
            Self::Embeddings => "embeddings",
            Self::Models(_) => "list_models",
            Self::Other { .. } => "request",
        }
    }
}
