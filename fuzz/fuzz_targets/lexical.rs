//! Tokens lie in the text and brackets pair: `cargo fuzz run lexical`. The laws stand in `laws.rs`.
#![no_main]

#[path = "../laws.rs"]
#[allow(dead_code)]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::lexical(bytes));
