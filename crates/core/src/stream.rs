//! An answer that arrives piece by piece.
//!
//! Pull-based: nothing is read ahead of the caller, so that a slow consumer slows the socket.
//! Dropping a stream aborts its request. Once its first content is handed out, nothing is retried.

use std::rc::Rc;
use std::time::Duration;

use futures_util::stream;

use crate::attempt::{Exchange, Failure};
use crate::call::Call;
use crate::decode::{Decoded, StreamDecoder};
use crate::error::{Error, ErrorKind, Phase, Timeout};
use crate::http::{Head, Headers};
use crate::ledger::Ledger;
use crate::platform::{Body, Platform};
use crate::record::Record;
use crate::retry::Stop;
use crate::text;
use crate::time::Instant;
use crate::watch::{Deadline, earlier};

/// The clocks and bounds of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) first_token: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) bytes_max: usize,
}

/// The reading end of one attempt. Its failures may still be repeated by whoever owns the call.
pub(crate) struct Reader<P: Platform> {
    // Dropped in this order: the request is closed before its place is given back.
    body: P::Body,
    exchange: Exchange<P>,
    decoder: StreamDecoder,
    pace: Pace,
    bytes: usize,
    /// Since when the stream has been silent: the dispatch, then each piece of content, and at its
    /// end what says how it ended. Comments and pings say nothing.
    silent_since: Instant,
    has_content: bool,
    /// When something was handed out: until more is asked for, the silence is the caller's own.
    handed_out: Option<Instant>,
    /// An error that came in one chunk with what was handed out; due with the next step.
    broken: Option<ErrorKind>,
    /// All bytes so far, where a cache wants them.
    kept: Option<Vec<u8>>,
}

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// What came is due to the caller.
    Due,
    Ended,
}

impl<P: Platform> Reader<P> {
    pub(crate) fn new(
        exchange: Exchange<P>,
        body: P::Body,
        decoder: StreamDecoder,
        pace: Pace,
        keep: bool,
    ) -> Self {
        Self {
            silent_since: exchange.started,
            exchange,
            body,
            decoder,
            pace,
            bytes: 0,
            has_content: false,
            handed_out: None,
            broken: None,
            kept: keep.then(Vec::new),
        }
    }

    /// Reads on until something is due, or the stream has ended well. Until the first content nothing
    /// is, so that the call can be repeated; from then on every event.
    pub(crate) async fn step(&mut self, decoded: &mut Decoded) -> Result<Step, ErrorKind> {
        if let Some(kind) = self.broken.take() {
            return Err(kind);
        }
        if let Some(then) = self.handed_out.take() {
            self.silent_since = self.silent_since + (self.exchange.platform.now() - then);
        }
        loop {
            let deadline = earlier(self.exchange.call_deadline(), self.silence_deadline());
            let chunk = match self.exchange.watch.guard(deadline, self.body.chunk()).await {
                Ok(chunk) => chunk?,
                // An answer that is complete but for its last event is not made to fail by it.
                Err(Timeout::Idle(_)) if self.decoder.is_complete() => None,
                Err(timeout) => return Err(ErrorKind::Timeout(timeout)),
            };
            let committed = self.has_content;
            let known = (decoded.content_events, decoded.deltas.len());
            let fed = match &chunk {
                Some(chunk) => {
                    self.take_in(chunk)?;
                    self.decoder.feed(chunk, decoded)
                }
                None => self.decoder.finish(decoded),
            };
            self.note(decoded, known);
            let is_due = if committed {
                decoded.events > 0
            } else {
                decoded.content_events > 0
            };
            match fed {
                // What stands before the error in a stream under way belongs to the caller. In one
                // that is just beginning nothing was handed out, so that the call can be repeated.
                Err(error) if committed && is_due => self.broken = Some(error.into()),
                Err(error) => return Err(error.into()),
                Ok(()) if chunk.is_none() || self.decoder.ended() => return Ok(Step::Ended),
                Ok(()) if is_due => {}
                Ok(()) => continue,
            }
            self.handed_out = Some(self.exchange.platform.now());
            return Ok(Step::Due);
        }
    }

    fn take_in(&mut self, chunk: &[u8]) -> Result<(), ErrorKind> {
        self.exchange.received(chunk.len());
        self.bytes += chunk.len();
        if self.bytes > self.pace.bytes_max {
            return Err(ErrorKind::TooLong {
                bytes_max: self.pace.bytes_max,
            });
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(chunk);
        }
        Ok(())
    }

    fn silence_deadline(&self) -> Option<Deadline> {
        let (limit, timeout): (_, fn(_) -> _) = if self.has_content {
            (self.pace.idle, Timeout::Idle)
        } else {
            (self.pace.first_token, Timeout::FirstToken)
        };
        limit.map(|limit| (self.silent_since + limit, timeout(limit)))
    }

    /// Notes what came on top of the `known` numbers of events with content and of deltas.
    fn note(&mut self, decoded: &Decoded, known: (u32, usize)) {
        let (content, fresh) = (decoded.content_events - known.0, &decoded.deltas[known.1..]);
        let now = self.exchange.platform.now();
        if content > 0 || (self.has_content && !fresh.is_empty()) {
            self.silent_since = now;
        }
        if content == 0 {
            return;
        }
        self.has_content = true;
        let visible = !decoded.text.is_empty();
        self.exchange.journal.note(|attempt| {
            attempt.chunks += content;
            attempt.first_token.get_or_insert(now);
            attempt.last_token = Some(now);
            if visible {
                attempt.first_visible.get_or_insert(now);
            }
        });
    }

    /// Gives the attempt back as failed.
    pub(crate) fn fail(mut self, kind: ErrorKind, phase: Phase) -> Box<Failure> {
        drop(self.body);
        self.exchange.fail(kind, phase)
    }

    /// Ends the attempt well. Answers the text to be kept.
    fn finish(self) -> Option<String> {
        self.exchange
            .succeed_and_drain(self.body, self.decoder.usage());
        self.kept.and_then(|bytes| String::from_utf8(bytes).ok())
    }
}

/// Takes the text of a whole stream into the cache.
pub(crate) type Keep = Box<dyn FnOnce(String)>;

/// An answer that is being read.
///
/// [`Stream::next`] answers one piece for all up to the first content, then one for each chunk of the
/// network that held an event.
pub struct Stream<P: Platform> {
    head: Head,
    source: Source<P>,
    text: String,
    record: Option<Record>,
}

enum Source<P: Platform> {
    Live(Box<Live<P>>),
    Kept(Box<Kept<P>>),
    Over,
}

/// From the network.
struct Live<P: Platform> {
    reader: Reader<P>,
    call: Call<P>,
    keep: Option<Keep>,
    /// What was read up to the commit point and not handed out yet.
    first: Option<(Decoded, Step)>,
    /// What a step has read that was dropped before its end.
    decoded: Decoded,
}

/// From the cache: the text of a whole event stream, handed out event by event.
struct Kept<P: Platform> {
    text: Rc<str>,
    at: usize,
    decoder: StreamDecoder,
    ledger: Ledger<P>,
}

impl<P: Platform> Stream<P> {
    pub(crate) fn live(
        head: Head,
        reader: Reader<P>,
        first: (Decoded, Step),
        call: Call<P>,
        keep: Option<Keep>,
    ) -> Self {
        let live = Live {
            reader,
            call,
            keep,
            first: Some(first),
            decoded: Decoded::default(),
        };
        Self {
            head,
            source: Source::Live(Box::new(live)),
            text: String::new(),
            record: None,
        }
    }

    pub(crate) fn kept(text: Rc<str>, decoder: StreamDecoder, ledger: Ledger<P>) -> Self {
        let head = Head::new(200, Headers::new());
        let kept = Kept {
            text,
            at: 0,
            decoder,
            ledger,
        };
        Self {
            head,
            source: Source::Kept(Box::new(kept)),
            text: String::new(),
            record: None,
        }
    }

    /// The head of the reply; without headers where the answer comes from the cache.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The call's record, once the stream has ended in whatever way.
    pub const fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// All text of the first choice so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The next piece; `None` after the end. An error is the last thing that a stream answers.
    /// Dropping the future loses nothing: the next one goes on from there.
    pub async fn next(&mut self) -> Option<Result<Decoded, Error>> {
        let (decoded, step) = match &mut self.source {
            Source::Over => return None,
            Source::Kept(kept) => kept.step(),
            Source::Live(live) => match live.step().await {
                Ok(step) => step,
                Err(kind) => return Some(Err(self.interrupt(kind))),
            },
        };
        self.text.push_str(&decoded.text);
        if step == Step::Ended {
            self.finish();
        }
        Some(Ok(decoded))
    }

    /// The stream as one of `futures`.
    pub fn into_stream(self) -> impl stream::Stream<Item = Result<Decoded, Error>> {
        stream::unfold(self, |mut this| async move {
            let piece = this.next().await?;
            Some((piece, this))
        })
    }

    fn finish(&mut self) {
        let (ledger, usage) = match std::mem::replace(&mut self.source, Source::Over) {
            Source::Live(live) => {
                let Live {
                    reader, call, keep, ..
                } = *live;
                if let (Some(text), Some(keep)) = (reader.finish(), keep) {
                    keep(text);
                }
                self.record = Some(call.settle(None));
                return;
            }
            Source::Kept(kept) => (kept.ledger, kept.decoder.usage()),
            Source::Over => return,
        };
        ledger.note(|record| record.usage = Some(usage));
        self.record = Some(ledger.settle(None));
    }

    fn interrupt(&mut self, kind: ErrorKind) -> Error {
        let source = std::mem::replace(&mut self.source, Source::Over);
        let Source::Live(live) = source else {
            return Error::of(kind, Phase::Stream);
        };
        let Live { reader, call, .. } = *live;
        let failure = reader.fail(kind, Phase::Stream);
        let mut error = call.error(failure, Stop::Final);
        error.kind = ErrorKind::Interrupted(Box::new(error.kind));
        error.partial = Some(std::mem::take(&mut self.text));
        self.record = Some(call.settle(Some(error.kind.as_str())));
        error
    }
}

impl<P: Platform> Live<P> {
    async fn step(&mut self) -> Result<(Decoded, Step), ErrorKind> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let step = self.reader.step(&mut self.decoded).await?;
        Ok((std::mem::take(&mut self.decoded), step))
    }
}

/// Whether this is the text of a stream that ended well, so that it can be handed out without fail.
pub(crate) fn is_whole(text: &str, mut decoder: StreamDecoder) -> bool {
    let mut said = Decoded::default();
    decoder.feed(text.as_bytes(), &mut said).is_ok() && decoder.finish(&mut said).is_ok()
}

impl<P: Platform> Kept<P> {
    /// Reads on until there is content. Only whole streams are kept, so that nothing can fail.
    fn step(&mut self) -> (Decoded, Step) {
        let mut decoded = Decoded::default();
        while self.at < self.text.len() {
            let rest = text::from(&self.text, self.at);
            let (event, _) = text::split_once(rest, "\n\n").unwrap_or((rest, ""));
            // With its blank line, if it has one.
            let bytes = rest.as_bytes().get(..event.len() + 2);
            let bytes = bytes.unwrap_or(rest.as_bytes());
            self.at += bytes.len();
            let fed = self.decoder.feed(bytes, &mut decoded);
            if fed.is_err() || self.decoder.ended() {
                break;
            }
            if decoded.content_events > 0 {
                return (decoded, Step::Due);
            }
        }
        // Only an answer that ended well was kept, so that this cannot fail either.
        let _ = self.decoder.finish(&mut decoded);
        (decoded, Step::Ended)
    }
}
