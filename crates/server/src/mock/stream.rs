//! The body of a streamed answer: pieces, each sent when its time has come.

use std::io;
use std::iter::Peekable;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};

use super::endpoint::Serving;
use super::pace::Pace;
use crate::clock::{self, Alarm};

/// When a piece may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Once so many tokens have been made.
    Token(u32),
    /// So long after the piece before it.
    After(Duration),
    Never,
}

/// Bytes of a body that go out together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) when: When,
    pub(crate) bytes: Bytes,
    /// With this piece the client has been told everything.
    pub(crate) terminal: bool,
}

/// Pieces, made when asked for.
pub(crate) type Pieces = Box<dyn Iterator<Item = Piece> + Send>;

/// One piece, with which everything is said.
pub(crate) fn once(token: u32, bytes: Bytes) -> Pieces {
    Box::new(std::iter::once(Piece {
        when: When::Token(token),
        bytes,
        terminal: true,
    }))
}

/// See the module's description. Dropped before its terminal piece, it counts as an abort.
pub(crate) struct StreamBody {
    pieces: Peekable<Pieces>,
    pace: Pace,
    alarm: Alarm,
    /// When the last piece was due.
    last: Duration,
    serving: Option<Serving>,
}

impl StreamBody {
    pub(crate) fn new(pieces: Pieces, pace: Pace, serving: Option<Serving>) -> Self {
        let last = clock::now();
        Self {
            pieces: pieces.peekable(),
            pace,
            alarm: Alarm::default(),
            last,
            serving,
        }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let Some(piece) = self.pieces.peek() else {
                self.complete();
                return Poll::Ready(None);
            };
            match piece.when {
                When::Token(token) => {
                    ready!(self.pace.poll_token(context, token));
                    self.last = clock::now();
                }
                When::After(pause) => {
                    let due = self.last + pause;
                    ready!(self.alarm.poll_due(context, due));
                    self.last = due;
                }
                When::Never => return Poll::Pending,
            }
            let Some(piece) = self.pieces.next() else {
                continue;
            };
            if piece.terminal || self.pieces.peek().is_none() {
                // Before the bytes leave: whoever has read them finds them counted.
                self.complete();
            }
            if !piece.bytes.is_empty() {
                return Poll::Ready(Some(piece.bytes));
            }
        }
    }

    fn complete(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.complete();
        }
    }
}

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(self.get_mut().poll_piece(context));
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}
