//! What a person starts from: clean at the strictest level, in the one style, with tests of its own that hold.

use super::{STARTERS, begun_with};

#[test]
fn each_says_what_it_is_for_in_its_first_line() {
    for (name, text) in STARTERS {
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("## ") && first.ends_with('.') && first.len() > 30, "{name}: {first}");
    }
}

#[test]
fn each_is_clean_formatted_and_its_own_tests_hold() {
    for (name, _) in STARTERS {
        let subject = begun_with(name);
        let ended = subject.end(&["check", "--pedantic", "--format", "short"]).expect_code(0);
        assert_eq!(ended.out, "", "{name}");
        subject.end(&["fmt", "--check"]).expect_code(0);
        subject.end(&["test"]).expect_code(0).says("0 failed, 0 not playable");
    }
}

/// The commented lines are an offer: uncommented they must do what they say.
#[test]
fn what_a_starter_offers_in_comments_is_right() {
    for (name, text) in STARTERS {
        let subject = begun_with(name);
        let offered = |line: &&str| {
            line.trim_start().starts_with("# param") || line.trim_start().starts_with("# gates")
        };
        assert!(*name == "runbook" || text.lines().any(|line| offered(&line)), "{name} offers nothing");
        let taken: Vec<String> = text
            .lines()
            .map(|line| if offered(&line) { line.replacen("# ", "", 1) } else { line.to_owned() })
            .collect();
        subject.write(&format!(".wfl/{name}.wfl"), taken.join("\n") + "\n");
        subject.end(&["check"]).expect_code(0).says("no errors");
    }
}
