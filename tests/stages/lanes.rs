//! The built-in lanes in small repositories of each kind: green unedited, their documents full of facts, and for each stage one
//! change that fails exactly it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use super::projects::{self, Kind, MAKE, NODE, SCRIPT, changed, fails_only_at, project, run};
use crate::faults::subject::Subject;

fn head(subject: &Subject) -> String {
    let output = Command::new("git").args(["log", "-1", "--format=%s"]).current_dir(&subject.root).output();
    String::from_utf8_lossy(&output.expect("git starts").stdout).trim().to_string()
}

fn all_lanes(kind: &Kind) {
    if !projects::ready(kind) {
        return;
    }
    let subject = changed(kind, "fix/words", "fix: say that there is more");
    for lane in ["standard", "heavy", "hotfix", "experimental"] {
        let (ended, failed) = run(&subject, &[lane]);
        assert_eq!(failed, [""; 0], "{} {lane}: {}{}", kind.name, ended.out, ended.err);
        ended.expect_code(0);
        let tests = subject.statuses(&subject.newest_run().unwrap_or_default()).remove("tests");
        assert_eq!(tests.as_deref(), Some("succeeded"), "{} {lane}", kind.name);
    }
    fails_only_at(&subject, &["docs"], "documents-only", "wfl run standard");
    assert_eq!(head(&subject), "fix: say that there is more");
    let status = git(&subject, &["status", "--porcelain"]).output().expect("git starts");
    assert_eq!(String::from_utf8_lossy(&status.stdout), "", "{}: the tree stays clean", kind.name);
}

fn git(subject: &Subject, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(&subject.root);
    command
}

#[test]
fn every_lane_is_green_in_a_rust_crate() {
    all_lanes(&projects::RUST);
}

#[test]
fn every_lane_is_green_in_a_python_package() {
    all_lanes(&projects::PYTHON);
}

#[test]
fn every_lane_is_green_in_a_node_package() {
    all_lanes(&NODE);
}

#[test]
fn every_lane_is_green_with_make_just_or_a_script() {
    [&MAKE, &projects::JUST, &SCRIPT].into_iter().for_each(all_lanes);
}

#[test]
fn nothing_changed_is_green_and_says_what_there_was_not_to_do() {
    for kind in projects::ALL.iter().filter(|kind| projects::ready(kind)) {
        let subject = project(kind, "chore/nothing");
        let (ended, _) = run(&subject, &["standard"]);
        ended.expect_code(0).says("`when anything_changed` is false");
    }
    let subject = Subject::new();
    subject.write("README.md", "# Nothing but words\n");
    subject.commit_all("docs: start");
    run(&subject, &["standard"]).0.expect_code(0).says("`when has_tests` is false");
}

#[test]
fn documents_alone_take_the_lane_for_them() {
    let subject = project(&NODE, "docs/more");
    subject.write("README.md", "# Words\n\nMore of them.\n");
    subject.commit_all("docs: say more");
    let (ended, _) = run(&subject, &["docs"]);
    ended.expect_code(0);
    let statuses = subject.statuses(&subject.newest_run().unwrap_or_default());
    assert!(!statuses.contains_key("tests") && statuses["doc-review"] == "succeeded", "{statuses:?}");
}

#[test]
fn the_documents_hold_what_the_change_is() {
    let subject = changed(&NODE, "feat/more-words", "feat: count more words");
    subject.git(&["tag", "v0.1.0", "main"]);
    subject.write("left.js", "console.log('left over')\n");
    run(&subject, &["standard"]).0.expect_code(0);
    let read = |name: &str| subject.read(&format!(".wfl/out/changes/feat/more-words/{name}"));
    let holds = |name: &str, words: &[&str]| {
        let text = read(name);
        words.iter().for_each(|word| assert!(text.contains(word), "no {word:?} in {name}:\n{text}"));
    };
    holds("version.md", &["0.1.0 in package.json", "Newest tag: v0.1.0", "ask for: minor", "comes: 0.2.0"]);
    holds("review.md", &["Risk: low", "2 files, 2 lines added", "Blocking: 0", "left.js:1: left over?"]);
    holds("git.md", &["feat/more-words, from main", "Commits: 1", "Uncommitted files: 1", "?? left.js"]);
    holds("commit-message.txt", &["feat: more words\n"]);
    holds("tests.json", &["\"passed\": 1, \"failed\": 0", "npm test"]);
    holds(
        "pull-request.md",
        &["feat: count more words\n\n## Commits", "## Review", "passed: 1", "./review.md"],
    );
    let manifest = read("manifest.txt");
    let line = manifest.lines().find(|line| line.ends_with("  review.md")).expect("review.md is listed");
    let hashed = git(&subject, &["hash-object", ".wfl/out/changes/feat/more-words/review.md"]).output();
    assert!(line.starts_with(String::from_utf8_lossy(&hashed.expect("git starts").stdout).trim()), "{line}");
    assert!(subject.root.join(".wfl/out/archive/feat-more-words.tar").is_file());
}

#[test]
fn setup_names_what_is_missing_and_what_is_half_done() {
    let subject = changed(&MAKE, "fix/x", "fix: x");
    subject.write(".git/MERGE_HEAD", "0000000000000000000000000000000000000000\n");
    fails_only_at(&subject, &["standard"], "setup", "a merge is unfinished");
    std::fs::remove_file(subject.root.join(".git/MERGE_HEAD")).expect("it is there");

    let bin = tempfile::tempdir().expect("a folder");
    for program in ["sh", "git", "tr", "rm", "true"] {
        let found = ["/usr/bin", "/bin"].map(|folder| format!("{folder}/{program}"));
        let found = found.iter().find(|path| std::path::Path::new(path).exists()).expect("a POSIX system");
        symlink(found, bin.path().join(program)).expect("a link");
    }
    let mut command = subject.wfl(&["run", "standard"]);
    command.env("PATH", bin.path());
    subject.end_of(command).expect_code(1).says("make is not installed");

    let outside = Subject::new();
    outside.write("Makefile", "test:\n\ttrue\n");
    fails_only_at(&outside, &["standard"], "setup", "run 'git init' first");
}

#[test]
fn a_version_that_grows_too_little_fails_version() {
    let subject = project(&NODE, "feat/more");
    let bumped = |version: &str| NODE.files[0].1.replace("0.1.0", version);
    subject.write("package.json", bumped("0.1.1"));
    subject.commit_all("feat: count more");
    fails_only_at(&subject, &["standard"], "version", "needs 0.2.0 at least");
    subject.write("package.json", bumped("0.0.9"));
    fails_only_at(&subject, &["standard"], "version", "goes from 0.1.0 to 0.0.9");
    subject.write("package.json", bumped("0.2.0"));
    run(&subject, &["standard"]).0.expect_code(0);
}

#[test]
fn a_test_that_fails_fails_tests() {
    let subject = changed(&NODE, "fix/x", "fix: x");
    subject.write("words.js", "module.exports = () => 1;\n");
    fails_only_at(&subject, &["standard"], "tests", "1 of 1 tests failed");
    let subject = changed(&SCRIPT, "fix/x", "fix: x");
    subject.write("scripts/test.sh", "test 1 = 2\n");
    fails_only_at(&subject, &["standard"], "tests", "ended with 1 and does not say which tests failed");
}

#[test]
fn what_must_not_be_in_a_change_fails_review_and_is_not_shown() {
    let key = format!("ghp_{}", "a1B2".repeat(9));
    let subject = changed(&MAKE, "fix/x", "fix: x");
    for (planted, at, said) in [
        (format!("token = {key}\n"), "secrets", "src/new.py:1"),
        ("x = 1\nbreakpoint()\n".into(), "review", "src/new.py:2: a debugger stops here"),
        ("<<<<<<< HEAD\n".into(), "review", "src/new.py:1: a conflict marker"),
    ] {
        subject.write("src/new.py", &planted);
        fails_only_at(&subject, &["standard"], at, said);
        let shown = subject.end(&["logs", "last"]).out;
        assert!(!shown.contains(&key) && !subject.read(".wfl/out/changes/fix/x/review.md").contains(&key));
    }
    subject.write("src/new.py", "x = 1  \n");
    run(&subject, &["standard"]).0.expect_code(0).says("succeeded");
    fails_only_at(&subject, &["heavy"], "review", "in a strict lane there is no whitespace error");
    subject.write("src/new.py", vec![b'x'; 5_000_001]);
    fails_only_at(&subject, &["standard"], "review", "src/new.py: larger than 5 MB");
}

#[test]
fn what_should_not_be_committed_fails_git() {
    let subject = changed(&MAKE, "fix/x", "fix: x");
    subject.write(".env", "PORT=80\n");
    fails_only_at(&subject, &["standard"], "git", "add them to .gitignore");
    std::fs::remove_file(subject.root.join(".env")).expect("it is there");
    let message = ["standard", "--set", "message=Added x"];
    fails_only_at(&subject, &message, "git", "not of the form 'type(scope): words'");
    subject.commit_all("Added more");
    run(&subject, &["standard"]).0.expect_code(0);
    fails_only_at(&subject, &["heavy"], "git", "in a strict lane subjects are");
    subject.git(&["checkout", "-q", "--detach"]);
    subject.write("more", "x\n");
    fails_only_at(&subject, &["standard"], "git", "HEAD is detached");
}

#[test]
fn an_open_question_fails_archive_and_a_clash_fails_pull_request() {
    let subject = changed(&MAKE, "fix/x", "fix: x");
    subject.write(".wfl/out/changes/fix/x/notes.md", "How many? NEEDS CLARIFICATION\n");
    fails_only_at(&subject, &["standard"], "archive", "notes.md:1");
    std::fs::remove_file(subject.root.join(".wfl/out/changes/fix/x/notes.md")).expect("it is there");
    subject.git(&["checkout", "-q", "main"]);
    subject.write("check.sh", "test 2 = 2\n");
    subject.commit_all("fix: check two");
    subject.git(&["checkout", "-q", "fix/x"]);
    fails_only_at(&subject, &["standard"], "pull-request", "this cannot be merged into main");
}

#[test]
fn nothing_is_committed_without_a_yes() {
    let subject = changed(&MAKE, "fix/more-checks", "fix: check more");
    subject.write("notes", "x\n");
    run(&subject, &["standard"]).0.expect_code(0);
    assert_eq!(head(&subject), "fix: check more");
    run(&subject, &["standard", "--yes"]).0.expect_code(0);
    assert_eq!(head(&subject), "fix: more checks");
    let status = git(&subject, &["status", "--porcelain"]).output().expect("git starts");
    assert!(status.stdout.is_empty());
}

#[test]
fn a_pull_request_is_opened_only_after_a_yes_and_where_gh_can() {
    let subject = changed(&MAKE, "fix/x", "fix: check more");
    let far = tempfile::tempdir().expect("a folder");
    let url = far.path().to_string_lossy().into_owned();
    git(&subject, &["init", "-q", "--bare", &url]).status().expect("git starts");
    subject.git(&["remote", "add", "origin", &url]);
    let bin = tempfile::tempdir().expect("a folder");
    let gh = bin.path().join("gh");
    let calls = bin.path().join("calls");
    let text =
        format!("#!/bin/sh\necho \"$@\" >> '{0}'\n[ \"$1\" != pr ] || cat >> '{0}'\n", calls.display());
    std::fs::write(&gh, text).expect("a file");
    std::fs::set_permissions(&gh, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap_or_default());
    let with_gh = |arguments: &[&str]| {
        let mut command = subject.wfl(arguments);
        command.env("PATH", &path);
        subject.end_of(command).expect_code(0);
        std::fs::read_to_string(&calls).unwrap_or_default()
    };
    assert!(!with_gh(&["run", "standard"]).contains("pr create"));
    let opened = with_gh(&["run", "standard", "--yes"]);
    assert!(opened.contains("pr create --base main --title fix: check more --body-file -"), "{opened}");
    assert!(opened.contains("## Review") && !opened.contains("\nfix: check more\n"), "{opened}");
    let pushed = git(&subject, &["ls-remote", "--heads", "origin", "fix/x"]).output().expect("git starts");
    assert!(!pushed.stdout.is_empty(), "the branch was pushed");
}

#[test]
fn a_release_waits_for_a_person_and_then_tags() {
    let subject = changed(&NODE, "feat/x", "feat: count more");
    let tags = || git(&subject, &["tag"]).output().map(|output| output.stdout).expect("git starts");
    subject.end(&["run", "release", "--recommended"]).expect_code(2).says("recommend off");
    subject.end(&["run", "release", "--yes"]).expect_code(4);
    assert!(tags().is_empty());
    let run = subject.newest_run().expect("a run");
    subject.end(&["approve", &run, "tag"]).expect_code(0);
    subject.end(&["resume", &run]).expect_code(0);
    assert_eq!(String::from_utf8_lossy(&tags()), "v0.1.0\n");
}

#[test]
fn a_project_may_take_the_name_of_a_built_in_lane_and_thresholds_go_by_lane() {
    let subject = changed(&SCRIPT, "fix/x", "fix: x");
    subject.write("scripts/test.sh", "echo '79 passed, 21 failed in 0.1s'\nexit 1\n");
    fails_only_at(&subject, &["standard"], "tests", "21 of 100 tests failed; 80 % of them must pass");
    subject.write("scripts/test.sh", "echo '80 passed, 20 failed in 0.1s'\nexit 1\n");
    run(&subject, &["standard"]).0.expect_code(0);
    subject.write("scripts/test.sh", "echo '9 passed, 1 failed in 0.1s'\nexit 1\n");
    run(&subject, &["standard"]).0.expect_code(0);
    fails_only_at(&subject, &["heavy"], "tests", "1 of 10 tests failed");
    let own = "wfl 1\n\nlet share = path(\".wfl/out/share.txt\")\n\n## Nine of ten will do here.\nlane standard {\n  extends std.lanes.standard\n  include share\n}\n\nlane strict-one {\n  include share\n  gates strict\n}\n\ngate share {\n  run sh \"\"\"\n    echo 90 > \"$FILE\"\n    \"\"\"\n  env { FILE = out.report }\n  out report = share\n  measure passed: percent = text(out.report)\n  require passed >= 80%\n  strict passed >= 95%\n}\n";
    subject.write("own.wfl", own.replace("let share =", "let where =").replace("= share\n", "= where\n"));
    let (ended, _) = run(&subject, &["standard"]);
    ended.expect_code(0);
    let statuses = subject.statuses(&subject.newest_run().unwrap_or_default());
    assert_eq!(statuses["share"], "succeeded", "the project's own lane ran");
    subject.end(&["run", "strict-one"]).expect_code(3).says("passed >= 95%");
    run(&subject, &["std.lanes.standard"]).0.expect_code(0);
    assert!(!subject.statuses(&subject.newest_run().unwrap_or_default()).contains_key("share"));
}

/// What a script prints and how it ends, and what is counted: passed, failed; none when that cannot be told.
type Runner = (&'static str, i32, Option<(u64, u64)>);

const RUNNERS: &[Runner] = &[
    ("test result: FAILED. 9 passed; 1 failed; 0 ignored; 0 measured", 101, Some((9, 1))),
    ("     Summary [   0.007s] 10 tests run: 9 passed, 1 failed, 0 skipped", 100, Some((9, 1))),
    ("=== 1 failed, 9 passed, 3 xfailed in 0.12s ===", 1, Some((9, 1))),
    ("1 failed, 8 passed, 1 error in 0.12s", 1, Some((8, 2))),
    ("Ran 10 tests in 0.001s\n\nFAILED (failures=1, errors=1)", 1, Some((8, 2))),
    ("# tests 10\n# pass 9\n# fail 1\n# cancelled 0", 1, Some((9, 1))),
    ("  9 passing (12ms)\n  1 failing", 1, Some((9, 1))),
    ("Tests:       1 failed, 9 passed, 10 total", 1, Some((9, 1))),
    (
        "\u{1b}[1m Tests \u{1b}[22m \u{1b}[31m1 failed\u{1b}[39m | \u{1b}[32m9 passed\u{1b}[39m (10)",
        1,
        Some((9, 1)),
    ),
    ("OK, all is well", 0, Some((0, 0))),
    ("error: could not compile `words`", 101, None),
    ("test result: ok. 9 passed; 0 failed; 0 ignored", 101, None),
    ("9 passed, 1 failed\nprocess didn't exit successfully (signal: 11, SIGSEGV)", 101, None),
    ("no line end", 1, None),
];

#[test]
fn runners_are_read_and_what_cannot_be_counted_fails() {
    let subject = Subject::new();
    subject.write("all.wfl", "wfl 1\nlane counted { include std.lanes.tests }\n");
    subject.write("test.sh", "printf '%s' \"$(cat printed)\"\nexit $(cat code)\n");
    subject.commit_all("chore: start");
    for (printed, code, counted) in RUNNERS {
        subject.write("printed", printed);
        subject.write("code", code.to_string());
        let ended = subject.end(&["run", "counted"]);
        assert_eq!(ended.code, Some(i32::from(counted.is_none())), "{printed}: {}{}", ended.out, ended.err);
        if let Some((passed, failed)) = counted {
            let wanted = format!("\"passed\": {passed}, \"failed\": {failed}");
            assert!(subject.read(".wfl/out/changes/main/tests.json").contains(&wanted), "{printed}");
        }
    }
}

#[test]
fn what_a_change_adds_and_where_it_began_can_be_asked() {
    let subject = changed(&MAKE, "fix/x", "fix: x");
    subject.write("new file.py", "breakpoint()\n");
    let eval = |text: &str| subject.end(&["eval", text]).expect_code(0).out.trim().to_string();
    let main = git(&subject, &["rev-parse", "main"]).output().expect("git starts").stdout;
    assert!(eval("change.base_sha").contains(String::from_utf8_lossy(&main).trim()));
    assert!(eval("change.lines(\"breakpoint\")").contains("new file.py:1"));
    assert!(eval("change.lines(\"^# More to come\")").contains("check.sh:2"));
    assert_eq!(eval("change.lines(\"test 1 = 1\")").trim_matches(['[', ']']), "", "it was there before");
    assert_eq!(eval("project.contains(\"(?m)^test:\", \"Make*\")"), "true");
    assert_eq!(eval("project.contains(\"x\", \"*.mk\")"), "false");
}

#[test]
fn what_people_write_in_subjects_and_names_breaks_no_document() {
    let subject = changed(&MAKE, "fix/x", "fix: `a` {{ b }} | <!-- c");
    subject.write("a 'b' \"c\" <d>.js", "console.log(1)\n");
    run(&subject, &["standard"]).0.expect_code(0);
    let body = subject.read(".wfl/out/changes/fix/x/pull-request.md");
    assert!(body.contains("- fix: `a` {{ b }} | &lt;!-- c\n"), "{body}");
    assert!(body.contains("- a 'b' \"c\" &lt;d>.js:1: left over?"), "{body}");
}
