//! Every text has a tree whose places lie in it: `cargo fuzz run parser`. The laws stand in `laws.rs`.
#![no_main]

#[path = "../laws.rs"]
#[allow(dead_code)]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::parser(bytes));
