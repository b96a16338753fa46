//! The event-stream parser of the WHATWG HTML standard, without I/O.
//!
//! Any split of the bytes gives the same events and the same error. Each byte is looked at once, and
//! copied only where an event does not lie wholly in one chunk. Memory stays within [`Caps`]. It
//! never interprets what the events hold.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use memchr::memchr2;

use super::line::{Field, classify, retry};

const LF: u8 = b'\n';
const CR: u8 = b'\r';

/// Names and ids are words; longer ones can only be meant to fill memory, since an id is kept for
/// the whole stream.
const WORD_BYTES_MAX: usize = 1024;

/// A buffer that grew beyond this for one large event is given back after it.
const BUFFER_KEPT_MAX: usize = 64 * 1024;

/// How much of a stream may have to be held at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Longest line in bytes, without its end. Default 16 MiB: a picture in base64 is one line.
    pub line_bytes_max: usize,
    /// Most bytes from one event to the next: its lines, line ends, and comments or empty lines
    /// before it. Default 16 MiB. Streams that never come to an event end here too.
    pub event_bytes_max: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            line_bytes_max: 16 << 20,
            event_bytes_max: 16 << 20,
        }
    }
}

/// A stream that would need more memory than its caps allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// A line beyond [`Caps::line_bytes_max`], or a name or id beyond 1 KiB.
    #[error("a line of the stream is too long")]
    LineTooLong,
    /// An event, or what stands between two events, beyond [`Caps::event_bytes_max`].
    #[error("an event of the stream is too long")]
    EventTooLong,
}

/// One event, borrowed from the chunk where it lies wholly in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; empty where there was none (the standard calls that `message`).
    pub name: &'a str,
    /// The `data` lines, joined by line feeds, as they came over the wire.
    pub data: &'a [u8],
    /// The last `id` seen so far in the stream.
    pub id: &'a str,
    /// The reconnection time that the stream asked for, if it did so far.
    pub retry: Option<Duration>,
    /// The event's own bytes from its first line to its blank line: only where the chunk holds all
    /// of them and they set nothing but a name and one line of data. Feeding the same bytes again
    /// between two events gives the same event.
    pub source: Option<&'a [u8]>,
}

impl Event<'_> {
    /// The data as text; what is not UTF-8 becomes U+FFFD, as the standard wants it.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.data)
    }
}

/// The state between two chunks.
///
/// ```
/// use kneepoint_core::decode::EventParser;
///
/// let mut parser = EventParser::default();
/// let mut seen = Vec::new();
/// for chunk in ["data: he", "llo\r", "\n\r\n"] {
///     parser.feed(chunk.as_bytes(), |event| seen.push(event.text().into_owned()))?;
/// }
/// assert_eq!(seen, ["hello"]);
/// # Ok::<(), kneepoint_core::decode::SseError>(())
/// ```
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "four independent facts; they have no states in common"
)]
pub struct EventParser {
    caps: Caps,
    /// The data lines carried over from earlier chunks, then the beginning of an unfinished line.
    buffer: Vec<u8>,
    data_len: usize,
    has_data: bool,
    name: String,
    id: String,
    retry: Option<Duration>,
    /// Bytes since the last event. The LF of a CRLF is not counted, so that a cut between the two
    /// makes no difference.
    quiet_bytes: usize,
    /// The last byte was a CR; an LF that follows belongs to it.
    after_cr: bool,
    /// The byte order mark may only stand before the first line.
    past_first_line: bool,
    heeds_errors: bool,
    /// What the last event held is given back when the next one is asked for.
    delivered: bool,
    failed: Option<SseError>,
    bytes_moved: u64,
}

impl EventParser {
    /// A parser at the beginning of a stream.
    pub fn new(caps: Caps) -> Self {
        Self {
            caps,
            ..Self::default()
        }
    }

    /// The same parser, for which a line `error: …` stands for an event of that name with this data.
    /// The standard ignores such lines, and llama.cpp used to tell of failures in them.
    pub(super) const fn heeding_errors(mut self) -> Self {
        self.heeds_errors = true;
        self
    }

    /// Hands each event that `chunk` completes to `on_event`.
    ///
    /// An error is final: it comes after the events before it, and again at each further call.
    pub fn feed(
        &mut self,
        chunk: &[u8],
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<(), SseError> {
        let mut reading = self.read(chunk);
        while let Some(event) = reading.next_event()? {
            on_event(event);
        }
        Ok(())
    }

    /// Reads `chunk` event by event. Read on to the `None`: only then is the rest of the chunk kept
    /// for the next one.
    pub fn read<'p, 'c>(&'p mut self, chunk: &'c [u8]) -> Reading<'p, 'c> {
        let start = self.is_between_events().then_some(0);
        Reading {
            parser: self,
            chunk,
            at: 0,
            start,
            data: None,
        }
    }

    /// At the end of the stream: the event that lacks its blank line, perhaps its last line's end
    /// too. The standard discards it; whoever knows what a whole event looks like may judge better.
    pub fn unfinished(&mut self) -> Option<Event<'_>> {
        if self.failed.is_some() {
            return None;
        }
        self.give_back();
        if self.line_len() > 0 && self.end_carried_line().is_err() {
            return None;
        }
        self.has_data.then(|| Event {
            name: &self.name,
            data: &self.buffer[..self.data_len],
            id: &self.id,
            retry: self.retry,
            source: None,
        })
    }

    /// Memory held between two chunks, in bytes: at most [`Caps::event_bytes_max`] and a few
    /// kilobytes for the name and the id.
    pub fn bytes_buffered(&self) -> usize {
        self.buffer.capacity() + self.name.capacity() + self.id.capacity()
    }

    /// Bytes copied so far, growing buffers included: proportional to the stream at worst.
    pub fn bytes_moved(&self) -> u64 {
        self.bytes_moved
    }

    /// Nothing of the next event has been seen.
    fn is_between_events(&self) -> bool {
        (self.delivered || (self.buffer.is_empty() && !self.has_data && self.name.is_empty()))
            && !self.after_cr
    }

    fn line_len(&self) -> usize {
        self.buffer.len() - self.data_len
    }

    /// Counts `added` bytes of a line that has `before` already. Where both caps are passed, the
    /// one passed first is named, as if the bytes had come one by one.
    fn admit(&mut self, before: usize, added: usize) -> Result<(), SseError> {
        let line_room = self.caps.line_bytes_max.saturating_sub(before);
        let event_room = self.caps.event_bytes_max.saturating_sub(self.quiet_bytes);
        if added > line_room && line_room <= event_room {
            return Err(self.fail(SseError::LineTooLong));
        }
        self.count(added)
    }

    fn count(&mut self, added: usize) -> Result<(), SseError> {
        self.quiet_bytes = self.quiet_bytes.saturating_add(added);
        if self.quiet_bytes > self.caps.event_bytes_max {
            return Err(self.fail(SseError::EventTooLong));
        }
        Ok(())
    }

    fn fail(&mut self, error: SseError) -> SseError {
        self.buffer = Vec::new();
        self.data_len = 0;
        self.has_data = false;
        self.failed = Some(error);
        error
    }

    /// Appends, growing by doubling but never beyond what the caps can ask for.
    fn push(&mut self, bytes: &[u8]) {
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() {
            let doubled = (2 * self.buffer.capacity()).min(self.caps.event_bytes_max);
            self.bytes_moved += self.buffer.len() as u64;
            self.buffer
                .reserve_exact(doubled.max(needed) - self.buffer.len());
        }
        self.buffer.extend_from_slice(bytes);
        self.bytes_moved += bytes.len() as u64;
    }

    /// Takes one more line of data that lies in a chunk.
    fn push_data(&mut self, value: &[u8]) {
        if self.has_data {
            self.push(&[LF]);
        }
        self.push(value);
        self.data_len = self.buffer.len();
        self.has_data = true;
    }

    /// Ends the line at the end of the buffer; true where it was blank.
    fn end_carried_line(&mut self) -> Result<bool, SseError> {
        let line = &self.buffer[self.data_len..];
        let (field, value) = classify(line, self.past_first_line);
        self.past_first_line = true;
        let value = self.data_len + value..self.buffer.len();
        let field = self.heed(field);
        if field == Field::Data {
            // In place: the field's name leaves more than enough room for the line feed.
            let to = self.data_len + usize::from(self.has_data);
            if self.has_data {
                self.buffer[self.data_len] = LF;
            }
            self.bytes_moved += value.len() as u64;
            self.data_len = to + value.len();
            self.buffer.copy_within(value, to);
            self.buffer.truncate(self.data_len);
            self.has_data = true;
        } else {
            let mut buffer = std::mem::take(&mut self.buffer);
            self.set(field, &buffer[value])?;
            buffer.truncate(self.data_len);
            self.buffer = buffer;
        }
        Ok(field == Field::Blank)
    }

    /// What a field is to whoever heeds errors, or does not.
    fn heed(&mut self, field: Field) -> Field {
        if field != Field::Error || !self.heeds_errors {
            return field;
        }
        replace(&mut self.name, b"error");
        Field::Data
    }

    fn set(&mut self, field: Field, value: &[u8]) -> Result<(), SseError> {
        match field {
            Field::Name | Field::Id if value.len() > WORD_BYTES_MAX => {
                return Err(self.fail(SseError::LineTooLong));
            }
            Field::Name => replace(&mut self.name, value),
            Field::Id if !value.contains(&0) => replace(&mut self.id, value),
            Field::Retry => self.retry = retry(value).or(self.retry),
            _ => {}
        }
        Ok(())
    }

    /// Frees what the last event held.
    fn give_back(&mut self) {
        if !self.delivered {
            return;
        }
        self.delivered = false;
        self.forget_event();
        if self.buffer.capacity() > BUFFER_KEPT_MAX {
            self.buffer = Vec::new();
        }
    }

    fn forget_event(&mut self) {
        self.buffer.clear();
        self.data_len = 0;
        self.has_data = false;
        self.name.clear();
    }
}

/// A chunk while it is being read.
#[derive(Debug)]
pub struct Reading<'p, 'c> {
    parser: &'p mut EventParser,
    chunk: &'c [u8],
    at: usize,
    /// Where the event began, as long as its bytes could stand for it.
    start: Option<usize>,
    /// Its only line of data so far, not copied yet.
    data: Option<Range<usize>>,
}

impl<'c> Reading<'_, 'c> {
    /// The next event, or `None` when the chunk is used up.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, SseError> {
        if let Some(error) = self.parser.failed {
            return Err(error);
        }
        self.parser.give_back();
        while self.at < self.chunk.len() {
            if std::mem::take(&mut self.parser.after_cr) && self.chunk[self.at] == LF {
                self.at += 1;
                self.start = self.parser.is_between_events().then_some(self.at);
                continue;
            }
            let begin = self.at;
            let Some(len) = memchr2(LF, CR, &self.chunk[begin..]) else {
                return self.carry(begin).map(|()| None);
            };
            self.skip_line_end(begin + len);
            let blank = self.line(begin, begin + len)?;
            if blank && (self.data.is_some() || self.parser.has_data) {
                return Ok(Some(self.deliver()));
            } else if blank {
                self.parser.forget_event();
                self.start = (!self.parser.after_cr).then_some(self.at);
            }
        }
        self.carry(self.at).map(|()| None)
    }

    /// What has not been read yet, where it begins with a new event and none of its bytes has been
    /// counted.
    pub(super) fn fresh(&self) -> Option<&'c [u8]> {
        let fresh = self.start == Some(self.at)
            && self.data.is_none()
            && self.parser.failed.is_none()
            && self.parser.is_between_events();
        fresh.then(|| &self.chunk[self.at..])
    }

    /// Whether an event of `len` bytes, comments before it included, is within all caps.
    pub(super) fn admits(&self, len: usize) -> bool {
        len <= self.parser.caps.line_bytes_max
            && (self.parser.delivered || self.parser.quiet_bytes == 0)
            && len <= self.parser.caps.event_bytes_max
    }

    /// Steps over a whole event that [`Reading::fresh`] showed.
    pub(super) fn skip_event(&mut self, len: usize) {
        self.parser.give_back();
        self.at += len;
        self.start = Some(self.at);
    }

    fn skip_line_end(&mut self, end: usize) {
        self.at = end + 1;
        if self.chunk[end] == CR {
            match self.chunk.get(self.at) {
                Some(&LF) => self.at += 1,
                Some(_) => {}
                None => self.parser.after_cr = true,
            }
        }
    }

    /// Takes the line `begin..end`; true where it was blank.
    fn line(&mut self, begin: usize, end: usize) -> Result<bool, SseError> {
        let parser = &mut *self.parser;
        let line = &self.chunk[begin..end];
        let before = parser.line_len();
        parser.admit(before, line.len())?;
        parser.count(1)?;
        if before > 0 {
            parser.push(line);
            return parser.end_carried_line();
        }
        let (field, value) = classify(line, parser.past_first_line);
        parser.past_first_line = true;
        let value = begin + value..end;
        match parser.heed(field) {
            Field::Data if self.data.is_none() && !parser.has_data => self.data = Some(value),
            Field::Data => {
                self.keep_data();
                self.parser.push_data(&self.chunk[value]);
                self.start = None;
            }
            field => {
                parser.set(field, &self.chunk[value])?;
                if matches!(field, Field::Id | Field::Retry) {
                    self.start = None;
                }
            }
        }
        Ok(field == Field::Blank)
    }

    fn deliver(&mut self) -> Event<'_> {
        let source = self.start.map(|start| &self.chunk[start..self.at]);
        self.start = (!self.parser.after_cr).then_some(self.at);
        let parser = &mut *self.parser;
        parser.delivered = true;
        parser.quiet_bytes = 0;
        let data = match self.data.take() {
            Some(range) => &self.chunk[range],
            None => &parser.buffer[..parser.data_len],
        };
        Event {
            name: &parser.name,
            data,
            id: &parser.id,
            retry: parser.retry,
            source,
        }
    }

    /// Keeps what the next chunk needs: the data so far and the unfinished line.
    fn carry(&mut self, begin: usize) -> Result<(), SseError> {
        self.keep_data();
        let rest = &self.chunk[begin..];
        self.at = self.chunk.len();
        self.start = None;
        let before = self.parser.line_len();
        self.parser.admit(before, rest.len())?;
        self.parser.push(rest);
        Ok(())
    }

    fn keep_data(&mut self) {
        if let Some(range) = self.data.take() {
            self.parser.push_data(&self.chunk[range]);
        }
    }
}

fn replace(word: &mut String, value: &[u8]) {
    word.clear();
    word.push_str(&String::from_utf8_lossy(value));
}
