//! Any text goes through the parser and the checker without a panic: `cargo fuzz run check`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wfl::base::{SourceFile, SourceMap};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = SourceMap::default();
    let file = sources.add(SourceFile::new("fuzz.wfl", text));
    let (tree, mut diagnostics) = wfl::syntax::parse(file, text);
    let unit = wfl::syntax::module::Unit {
        name: "fuzz.wfl".into(),
        std: false,
        given: true,
        tree,
        imports: Vec::new(),
    };
    diagnostics.extend(wfl::model::check(&sources, &[unit]).diagnostics);
    for found in &diagnostics {
        assert!(found.span.end as usize <= text.len(), "a place outside the text");
    }
    wfl::diag::render(wfl::diag::Format::Short, &sources, &diagnostics, false, 80);
});
