//! From the bytes of a stream to what they say: events, deltas, errors, the end.
//!
//! Every stream ends in exactly one way: complete, or a typed error. What stands in the caller's
//! [`Decoded`] when an error comes arrived before it and is good.

use std::borrow::Cow;

use super::delta::{Decoded, Usage};
use super::error::{self, StreamError};
use super::excerpt::excerpt;
use super::sse::{Caps, Event, EventParser};
use super::template::{Fit, Kind, Template};
use super::writer::{State, Writer};
use super::{Dialect, chat, html, messages, responses};
use crate::json;

/// How much of a body that is no event stream is read, in bytes: enough for any error object.
const FOREIGN_BYTES_MAX: usize = 64 * 1024;

/// Replacing what is not UTF-8 can triple an event's size. Garbled JSON beyond this size is refused,
/// in bytes.
const GARBLED_BYTES_MAX: usize = 1024 * 1024;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Decodes one stream. Made anew for each.
///
/// ```
/// use kneepoint_core::decode::{Caps, Decoded, Dialect, StreamDecoder};
///
/// let mut decoder = StreamDecoder::new(Dialect::Chat, Caps::default());
/// let mut out = Decoded::default();
/// decoder.feed(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n", &mut out)?;
/// decoder.feed(b"data: [DONE]\n\n", &mut out)?;
/// assert!(decoder.ended());
/// assert_eq!(out.text, "Hi");
/// # Ok::<(), kneepoint_core::decode::StreamError>(())
/// ```
#[derive(Debug)]
pub struct StreamDecoder {
    dialect: Dialect,
    raw: bool,
    shortcut: bool,
    opening: Opening,
    parser: EventParser,
    template: Option<Template>,
    state: State,
    failed: Option<StreamError>,
}

/// What the first bytes showed.
#[derive(Debug)]
enum Opening {
    Blank,
    Events,
    /// A page or a JSON text: no line of an event stream begins with `<`, `{` or `[`.
    Foreign(Vec<u8>),
}

impl StreamDecoder {
    /// A decoder that tells what is said.
    pub fn new(dialect: Dialect, caps: Caps) -> Self {
        Self {
            dialect,
            raw: false,
            shortcut: true,
            opening: Opening::Blank,
            parser: EventParser::new(caps).heeding_errors(),
            template: None,
            state: State::default(),
            failed: None,
        }
    }

    /// A decoder for callers who parse the events' data themselves: it hands over the data of each
    /// event that is valid and reports neither an error nor the end, instead of deltas. Errors and
    /// ends are recognised all the same.
    pub fn raw(dialect: Dialect, caps: Caps) -> Self {
        Self {
            raw: true,
            ..Self::new(dialect, caps)
        }
    }

    /// The same decoder without its fast lane: every event is parsed in full. The results are the
    /// same; tests hold the two against each other.
    #[must_use]
    pub fn without_shortcut(self) -> Self {
        Self {
            shortcut: false,
            ..self
        }
    }

    /// Decodes the next chunk and appends what it says to `out`. What follows the end is ignored.
    ///
    /// An error is final, and returned again by each further call.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Decoded) -> Result<(), StreamError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.read(chunk, out)
            .inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// The body has ended: is the answer complete?
    ///
    /// The standard discards an event whose blank line is missing. Servers leave it out at the end
    /// all the same, so the last event counts here if its data is `[DONE]` or one whole JSON value,
    /// which cannot have been cut.
    pub fn finish(&mut self, out: &mut Decoded) -> Result<(), StreamError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.close(out)
            .inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// The terminal event has been seen: nothing will follow, the end of the body need not be
    /// waited for.
    pub fn ended(&self) -> bool {
        self.state.ended()
    }

    /// Should the body end now, the answer is complete: the terminal event has been seen, or (chat
    /// and completions) all choices have finished. Usage may still follow.
    pub fn is_complete(&self) -> bool {
        match self.dialect {
            Dialect::Chat | Dialect::Completions => self.ended() || self.state.all_finished(),
            Dialect::Responses | Dialect::Messages => self.ended(),
            Dialect::Any => self.ended() || self.state.may_end(),
        }
    }

    /// What has been used so far.
    pub fn usage(&self) -> Usage {
        self.state.usage()
    }

    /// Memory held between two chunks, in bytes.
    pub fn bytes_buffered(&self) -> usize {
        let foreign = match &self.opening {
            Opening::Foreign(body) => body.capacity(),
            _ => 0,
        };
        self.parser.bytes_buffered() + foreign
    }

    fn read(&mut self, chunk: &[u8], out: &mut Decoded) -> Result<(), StreamError> {
        if self.state.ended() {
            return Ok(());
        }
        if !matches!(self.opening, Opening::Events) && self.is_foreign(chunk)? {
            return Ok(());
        }
        let mut reading = self.parser.read(chunk);
        let mut writer = Writer::new(out, &mut self.state, self.raw);
        loop {
            if let Some(template) = &self.template {
                while let Some(fit) = reading.fresh().and_then(|bytes| template.fit(bytes)) {
                    if !reading.admits(fit.len) || !take(&fit, template.kind, &mut writer) {
                        break;
                    }
                    reading.skip_event(fit.len);
                }
            }
            let Some(event) = reading.next_event()? else {
                return Ok(());
            };
            let template = dispatch(self.dialect, self.shortcut, event, &mut writer)?;
            if template.is_some() {
                self.template = template;
            }
            if writer.ended() {
                return Ok(());
            }
        }
    }

    /// Looks at the first bytes. Those of a body that is no stream are kept, to say what it is.
    fn is_foreign(&mut self, chunk: &[u8]) -> Result<bool, StreamError> {
        let mut begin = 0;
        if matches!(self.opening, Opening::Blank) {
            let blank = |byte: &u8| byte.is_ascii_whitespace() || BOM.contains(byte);
            let Some(first) = chunk.iter().position(|byte| !blank(byte)) else {
                return Ok(false);
            };
            begin = first;
            self.opening = match chunk[first] {
                b'<' | b'{' | b'[' => Opening::Foreign(Vec::new()),
                _ => Opening::Events,
            };
        }
        let Opening::Foreign(body) = &mut self.opening else {
            return Ok(false);
        };
        let room = FOREIGN_BYTES_MAX - body.len();
        let more = &chunk[begin..];
        body.extend_from_slice(&more[..more.len().min(room)]);
        if body.len() == FOREIGN_BYTES_MAX {
            return Err(foreign(body));
        }
        Ok(true)
    }

    /// Judges what arrived, now that nothing will follow.
    fn close(&mut self, out: &mut Decoded) -> Result<(), StreamError> {
        match &self.opening {
            Opening::Foreign(body) => return Err(foreign(body)),
            Opening::Blank => return Err(StreamError::Empty),
            Opening::Events => {}
        }
        if !self.state.ended()
            && let Some(event) = self.parser.unfinished()
        {
            let mut writer = Writer::new(out, &mut self.state, self.raw);
            match dispatch(self.dialect, false, event, &mut writer) {
                // Cut in the middle, so it says nothing.
                Ok(_) | Err(StreamError::Malformed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if self.is_complete() {
            Ok(())
        } else {
            Err(StreamError::Truncated)
        }
    }
}

/// Writes what an event in the fast lane says; false where only the long way can tell.
fn take(fit: &Fit<'_>, kind: Kind, writer: &mut Writer<'_>) -> bool {
    // Only the text has been checked so far, which is all that is needed unless the data itself is.
    let data = if writer.is_raw() { fit.data } else { &[] };
    let Ok(data) = std::str::from_utf8(data) else {
        return false;
    };
    let text = if fit.escaped {
        match json::unescape(fit.text) {
            Some(text) => text,
            None => return false,
        }
    } else {
        Cow::Borrowed(fit.text)
    };
    match kind {
        Kind::Text => writer.text(0, &text),
        Kind::Reasoning => writer.reasoning(0, &text),
    }
    writer.end_event(data);
    true
}

/// Reads one event in full, and makes a template of it where that is wanted and of use.
fn dispatch(
    dialect: Dialect,
    learn: bool,
    event: Event<'_>,
    writer: &mut Writer<'_>,
) -> Result<Option<Template>, StreamError> {
    let garbled = event.data.len() > GARBLED_BYTES_MAX && std::str::from_utf8(event.data).is_err();
    if garbled {
        let beginning = String::from_utf8_lossy(&event.data[..GARBLED_BYTES_MAX]);
        return Err(StreamError::Malformed(excerpt(&beginning)));
    }
    let text = event.text();
    let data = text.trim();
    // Some proxies keep the connection alive with events instead of comments.
    if data.is_empty() || event.name == "ping" {
        return Ok(None);
    }
    if data == "[DONE]" {
        // Where the dialect has its own last event, this mark of a proxy says nothing.
        if matches!(dialect, Dialect::Responses | Dialect::Messages) {
            return Ok(None);
        }
        if dialect == Dialect::Any {
            writer.end();
            return Ok(None);
        }
        return writer.end_of_choices().map(|()| None);
    }
    if event.name == "error" {
        let error =
            error::from_text(data).unwrap_or_else(|| error::from_word(&excerpt(data), "error"));
        return Err(StreamError::Api(Box::new(error)));
    }
    let named = (dialect == Dialect::Any && writer.is_raw() && is_of_assistants(event.name))
        .then(|| format!(r#"{{"event":"{}","data":{data}}}"#, event.name));
    let plain = match dialect {
        Dialect::Chat | Dialect::Completions => chat::event(data, writer),
        Dialect::Responses => responses::event(data, writer),
        Dialect::Messages => messages::event(data, writer),
        Dialect::Any => chat::event(data, writer).inspect(|plain| {
            // Events of chat completions say by themselves what is content.
            if plain.is_none() {
                writer.content();
            }
        }),
    }?;
    // What an event of assistants is stands in its name alone, so their readers get both.
    writer.end_event(named.as_deref().unwrap_or(data));
    let source = event.source.filter(|_| learn && named.is_none());
    let learned = |(source, plain)| Template::learn(source, data, plain);
    Ok(source.zip(plain).and_then(learned))
}

/// Whether events of this name are those of assistants: `thread.message.delta`, say. Such names may
/// stand in JSON as they are.
fn is_of_assistants(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    name.starts_with("thread.") && name.bytes().all(is_plain)
}

/// What a body that is no event stream says.
fn foreign(body: &[u8]) -> StreamError {
    let text = String::from_utf8_lossy(body);
    if html::is_html(&text) {
        return StreamError::NotEvents(html::words(body));
    }
    match error::from_text(&text) {
        Some(error) => StreamError::Api(Box::new(error)),
        None => StreamError::NotEvents(excerpt(&text)),
    }
}
