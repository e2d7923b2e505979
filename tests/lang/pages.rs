//! Every page of `wfl explain CODE` is true: what it says is reported is reported, its near miss is not.

use wfl::diag::codes;
use wfl::diag::page::{self, Block, Kind};

use super::support::{Checked, check_files, listing};

/// Codes that only a run can show; the command-line tests hold them.
const OF_A_RUN: &str = "E95";

/// Pages whose examples are still to be written; none may be added.
const WITHOUT_EXAMPLES: &[&str] = &[
    "E001", "E002", "E003", "E004", "E005", "E006", "E007", "E009", "E010", "E011", "E012", "E013", "E014",
    "E101", "E102", "E103", "E104", "E105", "E106", "E107", "E108", "E109", "E114", "E117", "E118", "E119",
    "E120", "E121", "E122", "E123", "E124", "E125", "E126", "E201", "E202", "E203", "E206", "E208", "E212",
    "E215", "E216", "E217", "E301", "E305", "E308", "E401", "E405", "E501", "E506", "E509", "E602", "E604",
    "E607", "E608", "E610", "E611", "E801", "W008", "W110", "W111", "W112", "W113", "W115", "W116", "W127",
    "W204", "W209",
];

fn check(example: &Block<'_>, blocks: &[Block<'_>]) -> Checked {
    let beside: Vec<(&str, &str)> = blocks
        .iter()
        .filter_map(|block| match block.kind {
            Kind::File(path) => Some((path, block.text)),
            _ => None,
        })
        .collect();
    check_files(example.text, &beside, true)
}

#[test]
fn every_page_has_an_example_that_is_reported_and_a_near_miss() {
    let mut failures = String::new();
    for code in codes::ALL.iter().filter(|code| !code.id.starts_with(OF_A_RUN)) {
        let blocks = page::blocks(code.page);
        let count = |kind| blocks.iter().filter(|block| block.kind == kind).count();
        let written = count(Kind::Fires) > 0 && count(Kind::Silent) > 0;
        if written == WITHOUT_EXAMPLES.contains(&code.id) {
            failures.push_str(&format!("{}: examples {written}\n", code.id));
        }
        for block in &blocks {
            let found = check(block, &blocks);
            let here = found.diagnostics.iter().filter(|found| found.code.id == code.id).count();
            let other =
                found.diagnostics.iter().filter(|found| found.is_error() && found.code.id != code.id).count();
            let right = match block.kind {
                Kind::Fires => here > 0 && other == 0,
                Kind::Silent => here == 0 && other == 0,
                Kind::File(_) => true,
            };
            if !right {
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
