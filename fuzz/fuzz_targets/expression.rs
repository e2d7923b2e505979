//! What the checker accepts has a value of its type: `cargo fuzz run expression`. The laws stand in `laws.rs`.
#![no_main]

#[path = "../laws.rs"]
#[allow(dead_code)]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::expression(bytes));
