//! Golden cases through the whole checker: what is wrong in `wrong/*.wfl` (texts) and `wrong_model/*.wfl` (meanings)
//! stands in `.expect` beside it; `right/*.wfl` holds nothing wrong.
//! `WFL_BLESS=1` writes the expectations anew.

use std::path::PathBuf;

use super::support::{check_text, fixtures, listing, statements};

fn wrong() -> Vec<PathBuf> {
    ["wrong", "wrong_model"].into_iter().flat_map(fixtures).collect()
}

/// One line each: `line:column code part-of-the-message`.
#[test]
fn every_wrong_file_is_reported_as_expected() {
    let bless = std::env::var_os("WFL_BLESS").is_some();
    let mut failures = String::new();
    let all = wrong();
    let count = all.len();
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        let found = listing(&check_text(&text));
        let expected_at = path.with_extension("expect");
        if bless {
            std::fs::write(&expected_at, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_at).unwrap_or_default();
        let same = expected.lines().count() == found.lines().count()
            && expected.lines().zip(found.lines()).all(|(expected, found)| matches(expected, found));
        if !same || found.is_empty() {
            failures.push_str(&format!("{}\n--- expected\n{expected}--- found\n{found}\n", path.display()));
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(count >= 95, "{count} wrong files");
}

/// Place and code are equal, and the message holds the expected part.
fn matches(expected: &str, found: &str) -> bool {
    let split = |line: &str| {
        let mut parts = line.splitn(3, ' ').map(str::to_owned);
        (parts.next(), parts.next(), parts.next().unwrap_or_default())
    };
    let (expected, found) = (split(expected), split(found));
    expected.0 == found.0 && expected.1 == found.1 && found.2.contains(&expected.2)
}

#[test]
fn every_right_file_is_accepted_and_every_statement_came_through_the_grammar() {
    for (name, count) in [("contract", 80), ("policies", 18), ("project", 44)] {
        let path = fixtures("right")
            .into_iter()
            .find(|path| path.file_stem().is_some_and(|stem| stem == name))
            .unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(listing(&check_text(&text)), "", "{name}");
        let (tree, _) = wfl::syntax::parse(wfl::base::FileId(0), &text);
        assert_eq!((tree.parsed, tree.refused), (heads(&text), 0), "{name}");
        assert_eq!((tree.parsed, statements(&tree).len()), (count, count), "{name}");
    }
}

/// Statements counted by a way of its own: strings and comments out, then what stands between `{ } ;` and line ends,
/// scripts and lines within brackets taken together.
fn heads(text: &str) -> usize {
    let mut count = 0;
    let mut in_script = false;
    let mut depth = 0i32;
    for line in text.lines() {
        if in_script {
            in_script = !line.trim().starts_with("\"\"\"");
            continue;
        }
        in_script = line.trim().ends_with("\"\"\"");
        let mut code = String::new();
        let mut quoted = false;
        for c in line.replace("\"\"\"", "").chars() {
            match c {
                '"' => quoted = !quoted,
                '#' if !quoted => break,
                _ if quoted => {}
                '(' | '[' => depth += 1,
                ')' | ']' => depth -= 1,
                ';' if depth > 0 => {}
                _ => code.push(c),
            }
        }
        assert!(!quoted && depth == 0, "{line}");
        count += code.split(['{', '}', ';']).filter(|piece| !piece.trim().is_empty()).count();
    }
    count
}

#[test]
fn every_safe_fix_leaves_fewer_findings_and_what_is_fixed_stays_fixed() {
    for path in wrong() {
        let mut text = std::fs::read_to_string(&path).unwrap();
        let mut left = check_text(&text);
        for _ in 0..4 {
            let Some((_, fixed)) = wfl::diag::fix::apply_safe(&left.sources, &left.diagnostics).pop() else {
                break;
            };
            let again = check_text(&fixed);
            assert!(
                again.diagnostics.len() < left.diagnostics.len(),
                "{}\n{text}\n{fixed}\n{}",
                path.display(),
                listing(&again)
            );
            (text, left) = (fixed, again);
        }
        let fixable =
            left.diagnostics.iter().filter(|found| found.fix.as_ref().is_some_and(|fix| fix.safe)).count();
        assert_eq!(fixable, 0, "{}\n{text}", path.display());
    }
}
