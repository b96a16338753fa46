//! The stream decoder's fast lane against the full parse, cut anywhere.

#![no_main]

#[allow(dead_code, reason = "each target checks one of the laws")]
#[path = "../../tests/laws/mod.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|input: &[u8]| laws::stream::check(input));
