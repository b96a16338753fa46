//! The wasm-bindgen layer under the npm package: conversions and no logic.
//!
//! The module never touches a promise, a timer or a socket itself. JavaScript calls in with events
//! (a reply's head, a chunk, a timer), the tasks run until they wait again, and whatever they want
//! of the world they ask of two kinds of objects: [`host::Host`] and [`host::Transport`] for the
//! world's side, [`host::Sink`] for the caller's. Each event is one crossing; a trap can only happen
//! inside a call from JavaScript, which catches it there.
//!
//! Objects handed in must not call back into the module from inside a call that it makes to them.

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
mod convert;
#[cfg(feature = "client")]
pub mod decoder;
pub mod host;
mod options;
mod port;
pub mod store;
pub mod world;
