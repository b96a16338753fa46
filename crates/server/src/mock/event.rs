//! Events of a stream, before anything is done to them, and the frame that the three dialects
//! share: open, one event per group of tokens, close.

use std::collections::VecDeque;

use super::answer::{Answer, Group};

/// One server-sent event, complete with its blank line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// It is sent once so many tokens have been made.
    pub(crate) token: u32,
    pub(crate) text: String,
    /// The event after which a client need not wait for more.
    pub(crate) terminal: bool,
}

/// The events of one answer, made when asked for.
pub(crate) type Events = Box<dyn Iterator<Item = Event> + Send>;

/// How one API writes its stream. Each text is one event.
pub(crate) trait Dialect: Send + 'static {
    fn open(&mut self) -> Vec<String>;
    fn delta(&mut self, group: &Group) -> Vec<String>;
    /// The last of these is the terminal event.
    fn close(&mut self) -> Vec<String>;
}

/// The events of `answer` as `dialect` writes them.
pub(crate) fn events(answer: Answer, mut dialect: impl Dialect) -> Events {
    let total = answer.total;
    let mut groups = answer.groups();
    let mut ready: VecDeque<Event> = VecDeque::new();
    let at = |token, text| Event {
        token,
        text,
        terminal: false,
    };
    ready.extend(dialect.open().into_iter().map(|text| at(1, text)));
    let mut closed = false;
    Box::new(std::iter::from_fn(move || {
        while ready.is_empty() && !closed {
            if let Some(group) = groups.next() {
                ready.extend(
                    dialect
                        .delta(&group)
                        .into_iter()
                        .map(|text| at(group.token, text)),
                );
            } else {
                closed = true;
                ready.extend(dialect.close().into_iter().map(|text| at(total, text)));
                if let Some(last) = ready.back_mut() {
                    last.terminal = true;
                }
            }
        }
        ready.pop_front()
    }))
}

/// A JSON string literal.
pub(crate) fn quote(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_quoted(&mut json, text);
    json
}

/// Appends a JSON string literal. Few texts have anything to escape, which costs a look at each byte.
pub(crate) fn push_quoted(json: &mut String, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        *json += &serde_json::to_string(text).expect("every text is a JSON string");
    }
}

/// An unnamed event.
pub(crate) fn data(json: &str) -> String {
    format!("data: {json}\n\n")
}

/// A named event.
pub(crate) fn named(name: &str, json: &str) -> String {
    format!("event: {name}\ndata: {json}\n\n")
}
