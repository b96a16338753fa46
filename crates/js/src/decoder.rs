//! A stream's decoder on its own, for bytes that somebody else has fetched.

use js_sys::Object;
use kneepoint_core::decode::{Caps, Decoded, Dialect, StreamDecoder, StreamError};
use kneepoint_core::{Error, ErrorKind, Phase};
use wasm_bindgen::prelude::*;

use crate::convert;

/// Decodes one stream: the text of chat completions, or the data of events of any kind.
#[wasm_bindgen]
pub struct Decoder {
    decoder: StreamDecoder,
    decoded: Decoded,
}

#[wasm_bindgen]
impl Decoder {
    /// A decoder of text, or of the data of the events.
    #[wasm_bindgen(constructor)]
    pub fn new(data: bool) -> Self {
        let decoder = if data {
            StreamDecoder::raw(Dialect::Any, Caps::default())
        } else {
            StreamDecoder::new(Dialect::Chat, Caps::default())
        };
        Self {
            decoder,
            decoded: Decoded::default(),
        }
    }

    /// What the next chunk says: its text, or the data of its events between commas.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<String, Object> {
        self.decoded.clear();
        let fed = self.decoder.feed(chunk, &mut self.decoded);
        self.answer(fed)
    }

    /// What the end of the bytes says, and whether it may come here.
    pub fn finish(&mut self) -> Result<String, Object> {
        self.decoded.clear();
        let finished = self.decoder.finish(&mut self.decoded);
        self.answer(finished)
    }

    /// After an error: what was said before it.
    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.decoded.text)
    }

    fn answer(&mut self, outcome: Result<(), StreamError>) -> Result<String, Object> {
        match outcome {
            Ok(()) => Ok(std::mem::take(&mut self.decoded.text)),
            Err(error) => {
                let error = Error::of(ErrorKind::from(error), Phase::Stream);
                Err(convert::error(&error))
            }
        }
    }
}
