//! Faults that break the transfer: which bytes are kept, how they are framed, how it ends.

use http::{HeaderMap, StatusCode};

use super::endpoint::Serving;
use super::fault::Fault;
use super::pace::Pace;
use super::stream::{Piece, Pieces, StreamBody};
use crate::body::Body;
use crate::wire::{Broken, End, Framing, Receipt};

/// How much more a false `content-length` promises than is sent.
const LENGTH_TOO_MUCH: u64 = 64;

/// How a fault breaks the transfer, if it does.
pub(super) struct Break {
    keep: u64,
    end: End,
    interim: Option<StatusCode>,
}

impl Break {
    pub(super) fn of(fault: &Fault, stream: bool) -> Option<Self> {
        let (keep, end) = match fault {
            Fault::ResetMid(k) => (*k, End::Reset),
            Fault::FinMid(k) => (*k, End::Fin),
            // An answer in one piece is framed by its length, so the bad chunk comes half-way.
            Fault::BadChunk => (if stream { 200 } else { 100 }, End::BadChunk),
            Fault::ShortLength => (u64::MAX, End::Fin),
            Fault::Status(status @ 100..200) => {
                let interim = StatusCode::from_u16(*status).ok();
                return Some(Self {
                    keep: u64::MAX,
                    end: End::Whole,
                    interim,
                });
            }
            _ => return None,
        };
        Some(Self {
            keep,
            end,
            interim: None,
        })
    }

    pub(super) fn broken(
        self,
        headers: HeaderMap,
        pieces: Pieces,
        pace: Pace,
        serving: Serving,
        stream: bool,
    ) -> Broken {
        let short = stream && self.end == End::Fin && self.keep == u64::MAX;
        let chunked = stream && !short || self.end == End::BadChunk;
        let (pieces, framing) = if chunked {
            (pieces, Framing::Chunked)
        } else {
            // The length has to be known before the head is written.
            let pieces: Vec<Piece> = pieces.collect();
            let length: u64 = pieces.iter().map(|piece| piece.bytes.len() as u64).sum();
            let more = if self.keep == u64::MAX && self.end == End::Fin {
                LENGTH_TOO_MUCH
            } else {
                0
            };
            (
                Box::new(pieces.into_iter()) as Pieces,
                Framing::Length(length + more),
            )
        };
        Broken {
            interim: self.interim,
            head: Some((StatusCode::OK, headers)),
            framing,
            body: Body::stream(StreamBody::new(pieces, pace, None)),
            keep: self.keep,
            end: self.end,
            carried_out: Receipt(Some(Box::new(move || serving.complete()))),
        }
    }
}

/// A reset without a byte.
pub(super) fn without_head(carried_out: Receipt) -> Broken {
    Broken {
        interim: None,
        head: None,
        framing: Framing::Length(0),
        body: Body::empty(),
        keep: 0,
        end: End::Reset,
        carried_out,
    }
}
