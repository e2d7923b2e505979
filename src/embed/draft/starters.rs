//! Lanes that are written as they are, for work that no survey can find. Holds a table of `stdlib/starters/`.

use super::Kind;

/// A starter's name and its text: one row a file. Its first line of `##` says what it is.
static STARTERS: &[(&str, &str)] = &[
    ("tdd", include_str!("../../../stdlib/starters/tdd.wfl")),
    ("phases", include_str!("../../../stdlib/starters/phases.wfl")),
    ("runbook", include_str!("../../../stdlib/starters/runbook.wfl")),
    ("blank", include_str!("../../../stdlib/starters/blank.wfl")),
];

pub fn kinds() -> Vec<Kind> {
    STARTERS.iter().map(|(name, text)| Kind { name, about: about(text) }).collect()
}

pub fn text(name: &str) -> Option<&'static str> {
    STARTERS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

fn about(text: &'static str) -> &'static str {
    let line = text.lines().find_map(|line| line.strip_prefix("##"));
    line.unwrap_or_default().trim().trim_end_matches('.')
}
