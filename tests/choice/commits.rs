//! The cases of the original's tests of lane detection, each one git commit on top of another; where they contradict each
//! other, what docs/lane-choice.md decides.

use super::repository;
use crate::faults::subject::{Ended, Subject};

/// A repository with one commit of these files on top.
fn committed(files: &[&str], message: &str) -> Subject {
    let subject = repository();
    files.iter().for_each(|file| subject.write(file, "changed\n"));
    subject.commit_all(message);
    subject
}

/// The lane of such a change and why.
fn chosen(files: &[&str], message: &str) -> (String, String) {
    let advice = committed(files, message).json(&["explain", "--format", "json"]);
    let word = |name: &str| advice[name].as_str().unwrap_or_default().to_string();
    (word("lane"), word("chosen_by"))
}

#[track_caller]
fn assert_lane(files: &[&str], message: &str, lane: &str, why: &str) {
    let (found, by) = chosen(files, message);
    assert_eq!((found.as_str(), by.contains(why)), (lane, true), "{by}");
}

#[test]
fn ld_01_and_03_documents_are_for_docs() {
    assert_lane(
        &["docs/guide.md", "README.md"],
        "docs: Update documentation",
        "docs",
        "2 files changed, documents",
    );
    let guides = ["docs/guide1.md", "docs/guide2.md", "docs/api.md", "CHANGELOG.md"];
    assert_lane(&guides, "docs: Add comprehensive guides", "docs", "4 files changed, documents");
}

#[test]
fn ld_02_configuration_is_standard() {
    assert_lane(
        &[".eslintrc.json", "setup.cfg"],
        "chore: Update configuration",
        "standard",
        "2 files changed",
    );
}

#[test]
fn ld_04_and_05_code_with_tests_is_standard() {
    let files = ["agent/hello.py", "tests/test_hello.py", "CHANGELOG.md"];
    assert_lane(&files, "feat: Add hello function", "standard", "3 files changed, not documents alone");
    let files = ["agent/backend.py", "tests/test_backend.py"];
    assert_lane(&files, "fix: Resolve API timeout issue", "standard", "2 files changed");
}

#[test]
fn ld_06_security_is_heavy_by_name_and_by_message() {
    let files = ["agent/security.py", "tests/test_security.py"];
    let why = "a commit message speaks of security; agent/security.py is about security by its name";
    assert_lane(&files, "security: Fix authentication vulnerability", "heavy", why);
    assert_lane(&["agent/security.py"], "fix: Mend it", "heavy", "agent/security.py is about security");
    assert_lane(&["agent/a.py"], "fix: Close CVE-2025-1234", "heavy", "a commit message speaks of security");
    assert_lane(&["docs/security.md"], "docs: Say more of security", "docs", "1 file changed, documents");
    assert_lane(&["agent/author.py"], "fix: Name the author", "standard", "1 file changed");
}

#[test]
fn ld_07_breaking_is_heavy() {
    let why = "a commit marks a breaking change";
    assert_lane(&["agent/api.py"], "BREAKING: Redesign API endpoints", "heavy", why);
    assert_lane(&["agent/api.py"], "feat(api)!: Redesign", "heavy", why);
    assert_lane(&["agent/api.py"], "feat: Redesign\n\nBREAKING CHANGE: the old ways are gone", "heavy", why);
}

#[test]
fn ld_08_a_large_refactoring_is_heavy() {
    let files: Vec<String> = (0..15).map(|index| format!("agent/module{index}.py")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let why = "15 source or test files changed (> 10); a refactoring of 15 source or test files (> 5)";
    assert_lane(&files, "refactor: Restructure codebase", "heavy", why);
    assert_lane(
        &files[..6],
        "refactor: Restructure codebase",
        "heavy",
        "a refactoring of 6 source or test files",
    );
    assert_lane(&files[..6], "feat: Add six", "standard", "6 files changed");
}

#[test]
fn ld_09_a_pipeline_with_code_is_heavy_and_alone_standard() {
    let files = [".github/workflows/ci.yml", "agent/backend.py"];
    let why = ".github/workflows/ci.yml changes together with 1 source or test file";
    assert_lane(&files, "chore: Update CI workflow", "heavy", why);
    assert_lane(&files[..1], "ci: Update CI workflow", "standard", "1 file changed");
}

fn nothing(arguments: &[&str]) -> Ended {
    committed(&["a.py"], "feat: Add a").end(arguments).expect_code(2).says("no changes: no file differs from")
}

#[test]
fn ld_10_no_change_is_said_and_exits_with_2() {
    nothing(&["run", "--base", "HEAD"]).says("HEAD");
    nothing(&["explain", "--base", "HEAD"]);
    nothing(&["run", "--dry-run", "--base", "work"]);
    // Where a person says what the change is, or no rule asks for it, there is none to miss.
    let told = committed(&["a.py"], "feat: Add a");
    told.end(&["run", "--base", "HEAD", "--change-type", "perf"]).expect_code(2).says("E952");
    let lanes =
        "lane a { include s; select if ci }\nlane b { include s; select if ci }\nstage s { exec \"true\" }\n";
    let ended = Subject::with(lanes).end(&["run"]).expect_code(2);
    assert!(!ended.err.contains("no changes"), "{}", ended.err);
    // A lane that is named runs all the same.
    committed(&["a.py"], "feat: Add a").end(&["run", "standard", "--base", "HEAD"]).expect_code(0);
}

#[test]
fn ld_11_deleted_and_renamed_files_are_a_change() {
    let subject = repository();
    subject.write("file.py", "pass\n");
    subject.commit_all("feat: Add a file");
    subject.git(&["rm", "-q", "file.py"]);
    subject.commit_all("chore: Remove old file");
    let advice = subject.json(&["explain", "--base", "HEAD~1", "--format", "json"]);
    assert_eq!(advice["lane"], "standard", "{advice}");
    // Code that becomes a document was code.
    let subject = repository();
    subject.write("notes.py", "pass\n");
    subject.commit_all("feat: Add notes");
    subject.git(&["mv", "notes.py", "notes.md"]);
    subject.commit_all("docs: Rename notes");
    let advice = subject.json(&["explain", "--base", "HEAD~1", "--format", "json"]);
    assert_eq!(advice["lane"], "standard", "{advice}");
}

#[test]
fn ld_12_many_documents_are_still_documents() {
    let files: Vec<String> = (0..21).map(|index| format!("guide{index}.md")).collect();
    let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
    assert_lane(&files, "docs: x", "docs", "21 files changed, documents and nothing else");
    files.push("a.toml");
    assert_lane(&files, "docs: x", "heavy", "22 files changed (> 20)");
}

#[test]
fn what_is_not_committed_yet_counts() {
    let subject = repository();
    subject.write("src/a.py", "pass\n");
    assert_eq!(subject.json(&["explain", "--format", "json"])["lane"], "standard");
    subject.end(&["run"]).expect_code(0).says("lane standard: 1 file changed");
}

#[test]
fn a_named_lane_wins_over_every_rule() {
    let subject = committed(&["src/auth.py"], "fix: Close the hole");
    subject.end(&["run", "standard"]).expect_code(0).says("lane standard: it was named");
    subject.end(&["run"]).expect_code(0).says("lane heavy: src/auth.py is about security by its name");
}

#[test]
fn code_in_a_lane_for_documents_stops_it_and_names_the_right_one() {
    let subject = committed(&["docs/guide.md", "src/a.py"], "docs: Explain a");
    let ended = subject.end(&["run", "docs"]).expect_code(3);
    let ended = ended.says("src/a.py is no document: this change is for the lane standard");
    ended.says("wfl run standard").says("a lane for documents checks nothing that runs");
    let subject = committed(&["docs/guide.md", "src/auth.py", "src/b.py"], "docs: Explain a");
    subject
        .end(&["run", "docs"])
        .expect_code(3)
        .says("src/auth.py (and 1 more) is no document")
        .says("wfl run heavy");
    committed(&["docs/guide.md"], "docs: Explain a").end(&["run", "docs"]).expect_code(0);
}
