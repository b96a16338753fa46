//! A scripted server: one reply per request, in order, written so that a test reads as a script.

use std::collections::VecDeque;
use std::time::Duration;

use super::body::{End, Piece};
use crate::http::Headers;
use crate::platform::TransportError;

/// What a scripted server does with one request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) after: Duration,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Answer {
        status: u16,
        headers: Headers,
        pieces: VecDeque<Piece>,
        end: End,
    },
    Error(TransportError),
    Hang,
}

impl Reply {
    /// An answer with this status and an empty body.
    pub fn status(status: u16) -> Self {
        let (headers, pieces) = (Headers::new(), VecDeque::new());
        let outcome = Outcome::Answer {
            status,
            headers,
            pieces,
            end: End::Done,
        };
        Self {
            after: Duration::ZERO,
            outcome,
        }
    }

    /// A 200 with a JSON body.
    pub fn json(text: &str) -> Self {
        Self::status(200)
            .header("content-type", "application/json")
            .piece(text)
    }

    /// A 200 with an event stream: each text becomes one `data:` event in a piece of its own.
    pub fn sse<'a>(events: impl IntoIterator<Item = &'a str>) -> Self {
        let stream = Self::status(200).header("content-type", "text/event-stream");
        events.into_iter().fold(stream, |reply, event| {
            reply.piece(format!("data: {event}\n\n"))
        })
    }

    /// A transport that fails without an answer.
    pub fn error(error: TransportError) -> Self {
        Self {
            after: Duration::ZERO,
            outcome: Outcome::Error(error),
        }
    }

    /// No answer, ever.
    pub fn hang() -> Self {
        Self {
            after: Duration::ZERO,
            outcome: Outcome::Hang,
        }
    }

    /// Lets `delay` pass before the head or the error.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Outcome::Answer { headers, .. } = &mut self.outcome {
            headers.append(name, value);
        }
        self
    }

    /// Adds a piece of body that arrives together with what is before it.
    #[must_use]
    pub fn piece(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.piece_after(Duration::ZERO, bytes)
    }

    /// Adds a piece of body that arrives `delay` after what is before it.
    #[must_use]
    pub fn piece_after(mut self, delay: Duration, bytes: impl Into<Vec<u8>>) -> Self {
        if let Outcome::Answer { pieces, .. } = &mut self.outcome {
            pieces.push_back(Piece {
                after: delay,
                bytes: bytes.into(),
            });
        }
        self
    }

    /// Lets `delay` pass before each piece of the body.
    #[must_use]
    pub fn each_after(mut self, delay: Duration) -> Self {
        if let Outcome::Answer { pieces, .. } = &mut self.outcome {
            for piece in pieces {
                piece.after = delay;
            }
        }
        self
    }

    /// Breaks the connection after `bytes` bytes of the body.
    #[must_use]
    pub fn cut_at(self, bytes: usize) -> Self {
        let error = TransportError::Cut("the script cuts it here".to_owned());
        self.ends_at(bytes, End::Broken(error))
    }

    /// Ends the body as if it were complete after `bytes` bytes.
    #[must_use]
    pub fn closes_at(self, bytes: usize) -> Self {
        self.ends_at(bytes, End::Done)
    }

    /// Goes silent after `bytes` bytes of the body.
    #[must_use]
    pub fn stalls_at(self, bytes: usize) -> Self {
        self.ends_at(bytes, End::Stalled)
    }

    fn ends_at(mut self, bytes: usize, how: End) -> Self {
        if let Outcome::Answer { pieces, end, .. } = &mut self.outcome {
            let mut left = bytes;
            for piece in pieces.iter_mut() {
                piece.bytes.truncate(left);
                left -= piece.bytes.len();
            }
            pieces.retain(|piece| !piece.bytes.is_empty());
            *end = how;
        }
        self
    }
}

/// The replies of a scripted server. Asked for more than was written, it fails the test.
#[derive(Debug, Clone, Default)]
pub struct Script {
    replies: VecDeque<Reply>,
    forever: Option<Reply>,
}

impl Script {
    /// A script without replies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the next request like this.
    #[must_use]
    pub fn reply(mut self, reply: Reply) -> Self {
        self.replies.push_back(reply);
        self
    }

    /// Answers the next `count` requests like this.
    #[must_use]
    pub fn times(mut self, count: usize, reply: &Reply) -> Self {
        self.replies
            .extend(std::iter::repeat_n(reply, count).cloned());
        self
    }

    /// Answers every request after those that are written out like this.
    #[must_use]
    pub fn forever(mut self, reply: Reply) -> Self {
        self.forever = Some(reply);
        self
    }

    pub(super) fn next(&mut self) -> Option<Reply> {
        self.replies.pop_front().or_else(|| self.forever.clone())
    }
}
