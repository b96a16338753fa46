//! The client: requests, retries, limits and streams, written once for wasm and for tests.
//!
//! The middle of this crate is pure: limiter, retry rule and decoder take values and `now` and
//! return decisions. They never sleep, read a clock, roll a die or touch JavaScript. [`platform`]
//! is the one door to the world.

#![forbid(unsafe_code)]

pub mod adapt;
pub mod decode;
pub mod hints;
mod http;
pub mod limiter;
pub mod platform;
mod secret;
mod time;

pub use http::{Head, HeaderValue, Headers, HttpRequest, Method};
pub use secret::Secret;
pub use time::Instant;
