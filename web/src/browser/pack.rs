//! Texts packed small, by the browser's own deflate.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStream, ReadableStreamDefaultReader, ReadableWritablePair};

#[wasm_bindgen]
extern "C" {
    type CompressionStream;

    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<CompressionStream, JsValue>;

    type DecompressionStream;

    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;
}

/// Deflate without a header (RFC 1951).
const RAW: &str = "deflate-raw";

/// Deflate with zlib's header (RFC 1950).
const ZLIB: &str = "deflate";

/// A text, packed. None where the browser cannot.
pub(crate) async fn pack(text: &str) -> Option<Vec<u8>> {
    compressed(text.as_bytes(), RAW).await
}

/// Bytes as zlib packs them.
pub(crate) async fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    compressed(bytes, ZLIB).await
}

/// What was packed. None for what is no such text, or longer than `most` bytes.
pub(crate) async fn unpack(bytes: &[u8], most: usize) -> Option<String> {
    let stream = DecompressionStream::new(RAW).ok()?;
    let bytes = through(bytes, stream.unchecked_ref(), most).await.ok()??;
    String::from_utf8(bytes).ok()
}

async fn compressed(bytes: &[u8], format: &str) -> Option<Vec<u8>> {
    let stream = CompressionStream::new(format).ok()?;
    through(bytes, stream.unchecked_ref(), usize::MAX)
        .await
        .ok()?
}

async fn through(
    bytes: &[u8],
    pair: &ReadableWritablePair,
    most: usize,
) -> Result<Option<Vec<u8>>, JsValue> {
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))?;
    let stream: ReadableStream = blob.stream().pipe_through(pair);
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut all = Vec::new();
    loop {
        let read = JsFuture::from(reader.read()).await?;
        if Reflect::get(&read, &"done".into())?.is_truthy() {
            return Ok(Some(all));
        }
        let chunk: Uint8Array = Reflect::get(&read, &"value".into())?.unchecked_into();
        if all.len() + chunk.length() as usize > most {
            // What is left is let go with the stream.
            let _ = reader.cancel();
            return Ok(None);
        }
        all.extend(chunk.to_vec());
    }
}
