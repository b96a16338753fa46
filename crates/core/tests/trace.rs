//! The same seeds give the same runs natively and in wasm, to the byte: every decision, every time.
//!
//! Native tests and `tests/web.rs` compare with the same number. It changes whenever a decision or
//! a record does, which is its purpose; the failing test prints the new one.

#[path = "laws/client.rs"]
mod client;
mod seeds;

#[test]
fn ten_thousand_seeds_keep_every_promise_and_leave_the_known_trace() {
    assert_eq!(seeds::trace(), seeds::KNOWN, "got {:#x}", seeds::trace());
}
