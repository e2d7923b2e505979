//! Any bytes go through the whole check without a panic: `cargo fuzz run check`. The laws stand in `laws.rs`.
#![no_main]

#[path = "../laws.rs"]
#[allow(dead_code)]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::check(bytes));
