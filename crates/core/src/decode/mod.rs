//! From bytes to meaning: event streams, their deltas, whole answers and error bodies.
//!
//! Pure and without I/O: chunks go in, values come out. Whatever a server sends becomes data or a
//! typed error, never a panic, and never takes more memory than its caps allow.

mod answer;
mod calls;
mod chat;
mod delta;
mod error;
mod excerpt;
mod field;
mod html;
mod line;
mod messages;
mod responses;
mod sse;
mod stream;
mod template;
mod whole;
mod writer;

pub use answer::{Answer, Choice, ToolCall};
pub use delta::{Decoded, Delta, FinishReason, Timings, Usage};
pub use error::{AnswerError, ApiError, ApiErrorKind, StreamError, error_body};
pub use sse::{Caps, Event, EventParser, Reading, SseError};
pub use stream::StreamDecoder;
pub use whole::{answer, check};

/// Which protocol an answer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `OpenAI`'s chat completions.
    Chat,
    /// `OpenAI`'s older completions.
    Completions,
    /// `OpenAI`'s responses.
    Responses,
    /// Anthropic's messages.
    Messages,
    /// Events of any kind, each an object of JSON: all of them are content, and the stream may end
    /// after any. Those that look like chat completions are held to their ends.
    Any,
}
