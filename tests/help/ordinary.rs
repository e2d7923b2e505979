//! Ordinary output is explained by nothing; with a rule that fits everything it would be, so the check can fail.

use regex::Regex;

use super::advise_on;

const ORDINARY: &str = include_str!("ordinary.txt");

#[test]
fn two_hundred_ordinary_lines_match_nothing() {
    assert!(ORDINARY.lines().count() >= 200, "{} lines", ORDINARY.lines().count());
    let mut wrong = String::new();
    for line in ORDINARY.lines() {
        for advice in advise_on(Some(1), false, line, line) {
            wrong.push_str(&format!("{line}\n   `{}`\n", advice.title));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(advise_on(Some(1), false, ORDINARY, ORDINARY).is_empty());
}

/// The twin: what the check above relies on is that no pattern is too broad; one that is makes it red.
#[test]
fn a_pattern_that_fits_everything_would_be_found() {
    let found = |pattern: &str| {
        let regex = Regex::new(pattern).unwrap();
        ORDINARY.lines().filter(|line| regex.is_match(line)).count()
    };
    assert_eq!(found(".*"), ORDINARY.lines().count());
    assert!(found("(?i)error") > 20 && found("(?i)not found") > 2 && found("404") > 3);
}
