//! The decoder's promises: the event-stream standard to the letter, any split alike, every end and
//! every error typed, hostile input harmless.

mod answers;
mod dialects;
mod ends;
mod failures;
mod hostile;
#[allow(dead_code, reason = "the corpus test uses the rest")]
#[path = "../laws/mod.rs"]
mod laws;
mod memory;
mod oracles;
mod servers;
mod shortcut;
mod splits;
mod standard;

use kneepoint_core::decode::{ApiError, Caps, Dialect, StreamDecoder, StreamError};
use laws::stream::Said;

/// What `stream` says, read at once.
fn said(dialect: Dialect, stream: &str) -> Said {
    laws::stream::decode(
        [stream.as_bytes()],
        StreamDecoder::new(dialect, Caps::default()),
    )
}

/// The error that the endpoint reported.
fn api_error(outcome: Result<(), StreamError>) -> ApiError {
    match outcome {
        Err(StreamError::Api(error)) => *error,
        other => panic!("no error of the endpoint: {other:?}"),
    }
}

/// One event of a chat stream that says `text`, written as JSON.
fn chat_piece(text: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}},\
         \"finish_reason\":null}}]}}\n\n"
    )
}

/// The fixture streams with their dialects.
const STREAMS: [(Dialect, &str, &str); 15] = [
    (
        Dialect::Chat,
        "chat_openai",
        include_str!("../fixtures/chat_openai.sse"),
    ),
    (
        Dialect::Chat,
        "chat_tools",
        include_str!("../fixtures/chat_tools.sse"),
    ),
    (
        Dialect::Chat,
        "chat_two_choices",
        include_str!("../fixtures/chat_two_choices.sse"),
    ),
    (
        Dialect::Chat,
        "chat_reasoning",
        include_str!("../fixtures/chat_reasoning.sse"),
    ),
    (
        Dialect::Chat,
        "chat_llamacpp",
        include_str!("../fixtures/chat_llamacpp.sse"),
    ),
    (
        Dialect::Chat,
        "chat_azure",
        include_str!("../fixtures/chat_azure.sse"),
    ),
    (
        Dialect::Chat,
        "chat_audio",
        include_str!("../fixtures/chat_audio.sse"),
    ),
    (
        Dialect::Chat,
        "chat_gemini",
        include_str!("../fixtures/chat_gemini.sse"),
    ),
    (
        Dialect::Chat,
        "chat_error_mid",
        include_str!("../fixtures/chat_error_mid.sse"),
    ),
    (
        Dialect::Completions,
        "completions",
        include_str!("../fixtures/completions.sse"),
    ),
    (
        Dialect::Responses,
        "responses",
        include_str!("../fixtures/responses.sse"),
    ),
    (
        Dialect::Responses,
        "responses_failed",
        include_str!("../fixtures/responses_failed.sse"),
    ),
    (
        Dialect::Messages,
        "messages_tools",
        include_str!("../fixtures/messages_tools.sse"),
    ),
    (
        Dialect::Messages,
        "messages_search",
        include_str!("../fixtures/messages_search.sse"),
    ),
    (
        Dialect::Messages,
        "messages_overloaded",
        include_str!("../fixtures/messages_overloaded.sse"),
    ),
];

/// The fixture of that name.
fn fixture(name: &str) -> (Dialect, &'static str) {
    let found = STREAMS.iter().find(|(_, known, _)| *known == name);
    let (dialect, _, stream) = found.expect("a known fixture");
    (*dialect, stream)
}
