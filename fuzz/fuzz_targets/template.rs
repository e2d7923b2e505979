//! A template ends, within its limits: `cargo fuzz run template`. The laws stand in `laws.rs`.
#![no_main]

#[path = "../laws.rs"]
#[allow(dead_code)]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::template(bytes));
