//! The bodies that modelled servers answer with: small, but of the real shape.

use std::collections::VecDeque;
use std::time::Duration;

use super::body::Piece;

/// A chat completion of `units` tokens.
pub(super) fn completion(units: u64, reports_usage: bool) -> Vec<u8> {
    let usage = if reports_usage {
        usage(units)
    } else {
        String::new()
    };
    format!(
        "{{\"id\":\"chatcmpl-sim\",\"object\":\"chat.completion\",\"created\":1700000000,\
         \"model\":\"sim\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\
         \"content\":\"Hello from the simulator.\"}},\"finish_reason\":\"stop\"}}]{usage}}}"
    )
    .into_bytes()
}

/// The same as an event stream, in so many pieces over `seconds`.
pub(super) fn stream(
    units: u64,
    reports_usage: bool,
    pieces: u32,
    seconds: f64,
) -> VecDeque<Piece> {
    let pieces = pieces.max(1);
    let pause = Duration::from_secs_f64(seconds / f64::from(pieces));
    let mut stream: VecDeque<Piece> = (0..pieces)
        .map(|number| Piece {
            after: pause,
            bytes: event(&delta(number), "null", ""),
        })
        .collect();
    let usage = if reports_usage {
        usage(units)
    } else {
        String::new()
    };
    let mut last = event("{}", "\"stop\"", &usage);
    last.extend_from_slice(b"data: [DONE]\n\n");
    stream.push_back(Piece {
        after: Duration::ZERO,
        bytes: last,
    });
    stream
}

/// What a refusal says.
pub(super) fn refusal(status: u16) -> Vec<u8> {
    let (kind, text) = match status {
        429 => ("rate_limit_exceeded", "Rate limit reached."),
        503 => ("overloaded", "The server is overloaded."),
        _ => ("server_error", "The server had an error."),
    };
    format!("{{\"error\":{{\"message\":\"{text}\",\"type\":\"{kind}\",\"code\":\"{kind}\"}}}}")
        .into_bytes()
}

fn usage(units: u64) -> String {
    let total = units + 8;
    format!(
        ",\"usage\":{{\"prompt_tokens\":8,\"completion_tokens\":{units},\"total_tokens\":{total}}}"
    )
}

fn delta(number: u32) -> String {
    let role = if number == 0 {
        "\"role\":\"assistant\","
    } else {
        ""
    };
    format!("{{{role}\"content\":\"word{number} \"}}")
}

fn event(delta: &str, finish: &str, usage: &str) -> Vec<u8> {
    format!(
        "data: {{\"id\":\"chatcmpl-sim\",\"object\":\"chat.completion.chunk\",\
         \"created\":1700000000,\"model\":\"sim\",\"choices\":[{{\"index\":0,\"delta\":{delta},\
         \"finish_reason\":{finish}}}]{usage}}}\n\n"
    )
    .into_bytes()
}
