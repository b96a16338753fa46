//! What the module asks of JavaScript, as the objects that it is handed.

use js_sys::Object;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The runtime: one for the whole module.
    pub type Host;

    /// Milliseconds on the monotonic clock.
    #[wasm_bindgen(method)]
    pub(crate) fn now(this: &Host) -> f64;

    /// Asks for one call of `tick` in so many milliseconds, in place of any asked for before; a
    /// negative number asks for none.
    #[wasm_bindgen(method)]
    pub(crate) fn alarm(this: &Host, millis: f64);

    /// Asks for one call of `turned` after the event loop has gone round.
    #[wasm_bindgen(method)]
    pub(crate) fn turn(this: &Host);

    /// What sends the requests of one client: its own door to a transport that others may share.
    #[derive(Clone)]
    pub type Transport;

    /// Whether a connection is back in its pool only after a turn of the event loop.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn turns(this: &Transport) -> bool;

    /// Whether its errors tell nothing, as in browsers.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn opaque(this: &Transport) -> bool;

    /// Sends a request for `sink`, which has its body. `head` holds its method, its URL, and the names
    /// and values of its fields, a line each; none where it is that of the request before. Answers come
    /// as calls of `head`, `chunk`, `end` and `fail` with this `id`, never from within this call.
    ///
    /// With a `reading` the body of a success comes unasked and as a whole: as a call of `plain` where it
    /// is an object that reports no failure, with what an answer of this reading cannot be without; as
    /// `chunk`s and `end` where anything is odd about it or it is longer than `bytes_max`.
    #[wasm_bindgen(method)]
    pub(crate) fn open(
        this: &Transport,
        id: u32,
        sink: &JsValue,
        head: Option<&str>,
        reading: u8,
        bytes_max: u32,
    );

    /// Asks for the next chunk of a reply's body.
    #[wasm_bindgen(method)]
    pub(crate) fn read(this: &Transport, id: u32);

    /// Nothing more is wanted of this exchange; what is under way is aborted.
    #[wasm_bindgen(method)]
    pub(crate) fn close(this: &Transport, id: u32);

    /// Who waits for a call's outcome.
    #[derive(Clone)]
    pub type Sink;

    /// A whole answer: the transport's own object for the reply or the text of the body, whichever
    /// there is, what was read in it where that was asked for, and the call's record.
    #[wasm_bindgen(method)]
    pub(crate) fn reply(
        this: &Sink,
        reply: JsValue,
        body: Option<&str>,
        answer: JsValue,
        times: &[f64],
        errors: Option<&str>,
    );

    /// The call failed.
    #[wasm_bindgen(method)]
    pub(crate) fn failed(this: &Sink, error: Object, times: &[f64], errors: Option<&str>);

    /// A stream has begun, and has content.
    #[wasm_bindgen(method)]
    pub(crate) fn begun(this: &Sink, reply: JsValue);

    /// Whether the next piece of a stream is wanted now.
    #[wasm_bindgen(method)]
    pub(crate) fn wanted(this: &Sink) -> bool;

    /// A piece of a stream: text, or the data of events; what else was said, if anything was. Answers
    /// whether the next one is wanted now.
    #[wasm_bindgen(method)]
    pub(crate) fn piece(this: &Sink, text: &str, deltas: JsValue) -> bool;

    /// The stream ended well.
    #[wasm_bindgen(method)]
    pub(crate) fn ended(this: &Sink, times: &[f64], errors: Option<&str>);

    /// A place where answers are kept: the user's own object.
    #[derive(Clone)]
    pub type Store;

    /// Asks for an entry: a call of `stored` with this question's number when it is there, or is known to be missing.
    #[wasm_bindgen(method)]
    pub(crate) fn get(this: &Store, key: &str, question: u32);

    /// Asks for an entry to be kept: a call of `stored` with this question's number when it is.
    #[wasm_bindgen(method)]
    pub(crate) fn put(this: &Store, key: &str, body: &str, ttl_millis: f64, question: u32);

    /// It has begun to fail, for the reason that is told.
    #[wasm_bindgen(method)]
    pub(crate) fn failing(this: &Store, trouble: &str);

    /// Who is told of every attempt.
    pub type Watcher;

    /// An attempt is over: which of its call's attempts it was, and the call's record. `words` holds
    /// the operation, the host and the model, a line each. `sink` is who made the call.
    #[wasm_bindgen(method)]
    pub(crate) fn attempt(
        this: &Watcher,
        index: u32,
        times: &[f64],
        errors: Option<&str>,
        words: &str,
        sink: &JsValue,
    );
}
