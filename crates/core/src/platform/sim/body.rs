//! The body of a simulated reply: pieces that come in their time, and an end.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use super::model::Place;
use super::truth::Exchange;
use crate::platform::clock::Clock;
use crate::platform::{Body, TransportError};
use crate::time::Instant;

/// A piece of a body and how long after the one before it arrives.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) after: Duration,
    pub(super) bytes: Vec<u8>,
}

/// What comes after the last piece.
#[derive(Debug, Clone, Default)]
pub(super) enum End {
    /// The regular end of the body.
    #[default]
    Done,
    /// The transport fails.
    Broken(TransportError),
    /// Nothing, for ever.
    Stalled,
}

/// The body of a reply from the simulator. Dropping it before its end is seen by the server.
pub struct SimBody {
    clock: Rc<Clock>,
    pieces: VecDeque<Piece>,
    end: End,
    /// When the next piece arrives; kept here so that a reader may give up and ask again.
    due: Option<Instant>,
    exchange: Exchange,
    /// What the server spends on this reply until the last piece is out.
    place: Option<Place>,
}

impl SimBody {
    pub(super) fn new(
        clock: Rc<Clock>,
        pieces: VecDeque<Piece>,
        end: End,
        exchange: Exchange,
        place: Option<Place>,
    ) -> Self {
        Self {
            clock,
            pieces,
            end,
            due: None,
            exchange,
            place,
        }
    }
}

impl Body for SimBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        if let Some(piece) = self.pieces.front() {
            if piece.after > Duration::ZERO {
                let due = *self
                    .due
                    .get_or_insert_with(|| self.clock.now() + piece.after);
                self.clock.sleep_until(due).await;
                self.due = None;
            }
            let bytes = self.pieces.pop_front().map(|piece| piece.bytes);
            if self.pieces.is_empty() {
                self.place = None;
                self.exchange.finish();
            }
            return Ok(bytes);
        }
        match &self.end {
            End::Stalled => std::future::pending().await,
            End::Done => {
                self.exchange.end();
                Ok(None)
            }
            End::Broken(error) => {
                self.exchange.end();
                Err(error.clone())
            }
        }
    }
}
