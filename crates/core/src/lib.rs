//! The client: requests, retries, limits and streams, written once for wasm and for tests.
//!
//! The middle of this crate is pure: limiter, retry rule and decoder take values and `now` and
//! return decisions. They never sleep, read a clock, roll a die or touch JavaScript. [`platform`]
//! is the one door to the world: JavaScript in all its runtimes, a simulated world in which the
//! tests and benches live, or a [`platform::Platform`] of your own.
//!
//! Start with [`Client`] and [`Config`]; [`Stream`] and [`Client::batch`] are the other two ways to
//! ask. What happened is in [`Record`], and why a call failed in [`Error`].

#![forbid(unsafe_code)]

pub mod adapt;
mod attempt;
mod batch;
pub mod budget;
pub mod cache;
mod call;
mod check;
mod client;
mod config;
pub mod decode;
mod drains;
mod error;
#[cfg(feature = "serde")]
mod generate;
pub mod hedge;
pub mod hints;
mod http;
mod inner;
mod json;
mod keeper;
mod lane;
mod ledger;
pub mod limiter;
pub mod platform;
mod prepare;
mod presence;
mod provider;
mod pulse;
mod reading;
mod record;
mod reply;
mod request;
pub mod retry;
mod secret;
mod stream;
mod table;
mod text;
mod time;
mod url;
mod watch;

pub use batch::{Batch, BatchItem, BatchOptions, Order, Progress};
pub use check::ConfigError;
pub use client::{Client, Stats};
pub use config::Config;
pub use error::{Error, ErrorKind, Phase, Timeout};
pub use http::{Connection, Handle, Head, HeaderValue, Headers, HttpRequest, Method, Whole};
pub use lane::LaneStats;
pub use ledger::{Observer, Totals};
pub use provider::{Endpoint, Family, Provider};
#[cfg(feature = "serde")]
pub use provider::{Message, Prompt};
pub use pulse::Pulse;
pub use reading::Reading;
pub use record::{AttemptRecord, CacheUse, Record};
pub use reply::Reply;
pub use request::{CallOptions, Outline, Request};
pub use secret::Secret;
pub use stream::Stream;
pub use time::Instant;

/// The README's example runs with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
