//! One line for each reliability check that ran, for the table that the long version prints at its end.

use std::io::Write;

/// Notes what was tried: to the file `WFL_RESULTS` when there is one. `twin` is what must turn the check red, and does
/// in a test of its own.
pub fn note(fault: &str, what: &str, tried: usize, passed: usize, twin: &str) {
    let Some(path) = std::env::var_os("WFL_RESULTS") else { return };
    let line = format!("{fault}\t{what}\t{tried}\t{passed}\t{twin}\n");
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the file of results");
}
