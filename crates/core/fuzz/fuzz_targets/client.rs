//! A client under an arbitrary sequence of events.

#![no_main]

#[path = "../../tests/laws/client.rs"]
mod client;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    client::check(input);
});
