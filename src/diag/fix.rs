//! Applies the fixes that findings carry. Writes no file.

use std::collections::BTreeMap;

use crate::base::{FileId, SourceMap};

use super::{Diagnostic, Edit};

/// The new text of every file that a safe fix changes; see [`apply`].
pub fn apply_safe(sources: &SourceMap, diagnostics: &[Diagnostic]) -> Vec<(FileId, String)> {
    apply(sources, diagnostics, false)
}

/// The new text of every file that a fix changes, with `risky` also of those that may change the meaning. Fixes are
/// taken in order, each wholly or not at all: one whose edits touch those of an earlier one is left for the next round.
pub fn apply(sources: &SourceMap, diagnostics: &[Diagnostic], risky: bool) -> Vec<(FileId, String)> {
    let mut taken: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    let fixes =
        diagnostics.iter().filter_map(|diagnostic| diagnostic.fix.as_ref()).filter(|fix| fix.safe || risky);
    for fix in fixes {
        let clashes = |edit: &Edit| {
            taken.get(&edit.span.file).is_some_and(|edits| edits.iter().any(|other| overlap(edit, other)))
        };
        if fix.edits.iter().any(clashes) {
            continue;
        }
        for edit in &fix.edits {
            taken.entry(edit.span.file).or_default().push(edit);
        }
    }
    taken.into_iter().map(|(file, edits)| (file, edited(&sources.get(file).text, edits))).collect()
}

/// Two insertions at one place clash as well: their order would be a guess.
fn overlap(a: &Edit, b: &Edit) -> bool {
    let (a, b) = (a.span, b.span);
    (a.start < b.end && b.start < a.end) || (a.start == b.start && (a.end == a.start) == (b.end == b.start))
}

fn edited(text: &str, mut edits: Vec<&Edit>) -> String {
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let range = edit.span.range();
        if range.start < at || text.get(range.clone()).is_none() {
            continue;
        }
        out.push_str(&text[at..range.start]);
        out.push_str(&edit.text);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{SourceFile, Span};
    use crate::diag::codes;

    #[test]
    fn safe_edits_apply_and_clashing_or_unsafe_ones_wait() {
        let mut sources = SourceMap::default();
        let file = sources.add(SourceFile::new("a.wfl", "when a && b"));
        let other = sources.add(SourceFile::new("b.wfl", "x"));
        let found = |start, end, text: &str, safe| {
            Diagnostic::new(&codes::E004, Span::new(file, start, end), "x").fix(
                safe,
                Span::new(file, start, end),
                text,
            )
        };
        let list = [
            found(7, 9, "and", true),
            found(8, 9, "!", true),
            found(5, 6, "z", false),
            found(11, 11, "\n", true),
        ];
        assert_eq!(apply_safe(&sources, &list), [(file, "when a and b\n".to_owned())]);
        assert_ne!(file, other);
    }
}
