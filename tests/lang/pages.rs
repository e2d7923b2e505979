//! Every page of `wfl explain CODE` is true: what it says is reported is reported, its near miss is not.

use std::collections::BTreeSet;

use wfl::diag::codes;
use wfl::diag::page::{self, Block, Kind};

use super::support::{Checked, check_files, listing};

/// Codes that only a run can show; the command-line tests hold them.
const OF_A_RUN: [&str; 2] = ["E95", "E96"];

fn check(example: &Block<'_>, blocks: &[Block<'_>]) -> Checked {
    let sources: Vec<_> = blocks.iter().map(|block| (block.kind, block.source())).collect();
    let beside: Vec<(&str, &str)> = sources
        .iter()
        .filter_map(|(kind, text)| match kind {
            Kind::File(path) => Some((*path, text.as_ref())),
            _ => None,
        })
        .collect();
    check_files(&example.source(), &beside, true)
}

/// Whether what was found is what the block says: its code or none, and no error besides but the one it names.
fn is_right(block: &Block<'_>, code: &str, found: &Checked) -> bool {
    let here = found.diagnostics.iter().any(|found| found.code.id == code);
    let beside: BTreeSet<&str> = found
        .diagnostics
        .iter()
        .filter(|found| found.is_error() && found.code.id != code)
        .map(|found| found.code.id)
        .collect();
    let named = beside.into_iter().eq(block.with);
    match block.kind {
        Kind::Fires => here && named,
        Kind::Silent => !here && named && block.with.is_none(),
        Kind::File(_) => true,
    }
}

#[test]
fn every_page_has_an_example_that_is_reported_and_a_near_miss() {
    let mut failures = String::new();
    for code in codes::ALL.iter().filter(|code| !OF_A_RUN.iter().any(|run| code.id.starts_with(run))) {
        let blocks = page::blocks(code.page);
        let count = |kind| blocks.iter().filter(|block| block.kind == kind).count();
        if count(Kind::Fires) == 0 || count(Kind::Silent) == 0 {
            failures.push_str(&format!("{}: an example of each kind is needed\n", code.id));
        }
        if code.page.matches("```wfl").count() != blocks.len() {
            failures.push_str(&format!("{}: a block is not of a known kind\n", code.id));
        }
        for block in &blocks {
            let found = check(block, &blocks);
            if !is_right(block, code.id, &found) {
                failures.push_str(&format!(
                    "{} {:?}\n{}{}\n",
                    code.id,
                    block.kind,
                    block.text,
                    listing(&found)
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_page_begins_with_its_code_and_says_something() {
    for code in codes::ALL {
        assert!(code.page.starts_with(&format!("# {} {}\n\n", code.id, code.name)), "{}", code.id);
        assert!(page::summary(code.page).len() > 20, "{}", code.id);
    }
}
