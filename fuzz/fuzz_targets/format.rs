//! What is formatted keeps its statements and comments, and formatting twice is the same: `cargo fuzz run format`. The laws stand in `laws.rs`.
#![no_main]

#[path = "../laws.rs"]
#[allow(dead_code)]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::format(bytes));
