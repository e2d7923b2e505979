//! Conventional commits: which subjects count, and the change type read from them.

use crate::faults::subject::Subject;

const LANE: &str = "stage judged {\n  before { require change.conventional }\n  env { KIND = change.type }\n  run sh \"\"\"\n    printf '%s' \"$KIND\" > kind\n    \"\"\"\n}\n";

/// Runs the lane on a branch whose one commit has this subject; the exit code and the type it saw.
fn judge(message: &str) -> (Option<i32>, String) {
    let subject = Subject::with(LANE);
    subject.commit_all("chore: start");
    subject.git(&["checkout", "-q", "-b", "work"]);
    subject.commit_all(message);
    let ended = subject.end(&["run", "all.wfl"]);
    (ended.code, subject.read("kind"))
}

#[test]
fn these_are_conventional() {
    let messages = [
        ("feat: add new feature", "feat"),
        ("fix: resolve bug", "fix"),
        ("docs: update documentation", "docs"),
        ("feat(scope): add feature with scope", "feat"),
        ("fix(core): fix core issue", "fix"),
        ("refactor: improve performance", "refactor"),
        ("test: add unit tests", "test"),
        ("chore: update dependencies", "chore"),
        ("feat(workflow): add lane selection", "feat"),
        ("fix: resolve issue #123", "fix"),
        ("feat!: Drop x", "feat"),
    ];
    for (message, kind) in messages {
        assert_eq!(judge(message), (Some(0), kind.to_string()), "{message}");
    }
}

#[test]
fn these_are_not() {
    for message in ["Added new feature", "feature: something", "feat something", "feat: "] {
        assert_eq!(judge(message).0, Some(1), "{message}");
    }
}
