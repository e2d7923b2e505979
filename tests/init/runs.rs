//! `wfl init && wfl check && wfl run` with the built program in real repositories: green where the project's own tests
//! are, red where they are not, and nothing overwritten.

use std::process::Command;

use crate::faults::subject::Subject;

fn installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Installed, or a test that is not tried here.
fn have(program: &str) -> bool {
    let there = installed(program);
    assert!(there || std::env::var("WFL_REAL_TOOLS").is_err(), "{program} is not installed");
    if !there {
        eprintln!("not tried: {program} is not installed");
    }
    there
}

fn script(subject: &Subject, path: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    subject.write(path, text);
    std::fs::set_permissions(subject.root.join(path), std::fs::Permissions::from_mode(0o755))
        .expect("a mode");
}

/// Green as it is; red once `path` holds `broken`, so that the lane really runs the tests.
#[track_caller]
fn green_then_red(subject: &Subject, path: &str, broken: &str) {
    subject.commit_all("feat: start");
    subject.end(&["init"]).expect_code(0).says("next    wfl run");
    subject.end(&["check", "--pedantic", "--deny", "remarks"]).expect_code(0);
    subject.end(&["fmt", "--check"]).expect_code(0);
    subject.end(&["test"]).expect_code(0);
    subject.end(&["run"]).expect_code(0);
    subject.write(path, broken);
    subject.end(&["run"]).expect_code(1);
}

#[test]
fn a_project_of_shell_scripts() {
    let subject = Subject::new();
    script(&subject, "test.sh", "#!/bin/sh\ngrep -q fine data.txt\n");
    subject.write("data.txt", "fine\n");
    green_then_red(&subject, "data.txt", "broken\n");
    script(&subject, "test.sh", "#!/bin/sh\nexit 0\n");
    subject.end(&["run"]).expect_code(0);
    script(&subject, "other.sh", "#!/bin/sh\nif then\n");
    subject.end(&["run"]).expect_code(1);
}

#[test]
fn a_project_with_a_makefile() {
    if !have("make") {
        return;
    }
    let subject = Subject::new();
    subject.write("Makefile", "test:\n\tgrep -q fine data.txt\n");
    subject.write("data.txt", "fine\n");
    green_then_red(&subject, "data.txt", "broken\n");
}

#[test]
fn a_python_project_without_pytest() {
    if !have("python3") {
        return;
    }
    let subject = Subject::new();
    subject.write("setup.py", "");
    subject.write("words.py", "def count(text):\n    return len(text.split())\n");
    subject.write(
        "tests/test_words.py",
        "import unittest\nimport words\n\nclass Words(unittest.TestCase):\n    def test_count(self):\n        self.assertEqual(words.count('a b'), 2)\n",
    );
    green_then_red(&subject, "words.py", "def count(text):\n    return 3\n");
}

#[test]
fn an_npm_package_tested_by_node() {
    if !have("npm") {
        return;
    }
    let subject = Subject::new();
    subject.write("package.json", "{ \"name\": \"words\", \"scripts\": { \"test\": \"node check.js\" } }\n");
    subject.write("check.js", "process.exit(0);\n");
    green_then_red(&subject, "check.js", "process.exit(1);\n");
}

#[test]
fn a_cargo_package() {
    if !have("cargo") {
        return;
    }
    let subject = Subject::new();
    subject.write(
        "Cargo.toml",
        "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
    );
    subject.write(".gitignore", "/target\nCargo.lock\n");
    let lib = |two: &str| {
        format!(
            "pub fn two() -> u8 {{\n    {two}\n}}\n\n#[test]\nfn is_two() {{\n    assert_eq!(two(), 2);\n}}\n"
        )
    };
    subject.write("src/lib.rs", lib("2"));
    green_then_red(&subject, "src/lib.rs", &lib("3"));
}

#[test]
fn an_empty_folder_outside_of_git_gets_a_lane_that_runs() {
    let subject = Subject::new();
    subject.write("notes.txt", "one\n");
    subject.end(&["init"]).expect_code(0).says("wrote   .wfl/check.wfl");
    subject.end(&["check"]).expect_code(0);
    subject.end(&["run"]).expect_code(0);
}

#[test]
fn nothing_is_overwritten() {
    let subject = Subject::new();
    subject.end(&["init"]).expect_code(0);
    subject.write(
        ".wfl/check.wfl",
        "wfl 1\n## Mine.\nstage own { timeout 1m; exec \"true\" }\nlane check { include own }\n",
    );
    let mine = subject.read(".wfl/check.wfl");
    subject.end(&["init"]).expect_code(2).says("nothing was written");
    assert_eq!(subject.read(".wfl/check.wfl"), mine);
    // A file without such a lane is as much somebody's as one with it.
    subject.write(".wfl/docs.wfl", "wfl 1\n");
    subject.end(&["init", "--lane", "docs"]).expect_code(2).says("is there already");
    assert_eq!(subject.read(".wfl/docs.wfl"), "wfl 1\n");
    // And so is a lane of the name in another file.
    subject.write("own.wfl", "wfl 1\nstage a { exec \"true\" }\nlane release { include a }\n");
    subject.end(&["init", "--lane", "release"]).expect_code(2).says("own.wfl");
    assert!(!subject.root.join(".wfl/release.wfl").exists());
    subject.end(&["init", "--lane", "hotfix"]).expect_code(0);
}

#[test]
fn what_is_only_shown_is_not_written() {
    let subject = Subject::new();
    let shown = subject.end(&["init", "--dry-run"]).expect_code(0).out;
    assert!(shown.starts_with("wfl 1\n") && shown.contains("lane check {"), "{shown}");
    assert_eq!(subject.end(&["init", "-"]).expect_code(0).out, shown);
    let json = subject.json(&["init", "--dry-run", "--format", "json"]);
    assert_eq!((json["text"].as_str(), json["written"].as_bool()), (Some(shown.as_str()), Some(false)));
    assert!(!subject.root.join(".wfl").exists());
    subject.end(&["init", "--list"]).expect_code(0).says("before a push").says("blank");
    subject.end(&["init", "--lane", "relaese"]).expect_code(2).says("did you mean").says("release");
    subject.end(&["init"]).expect_code(0);
    assert_eq!(subject.read(".wfl/check.wfl"), shown);
}

#[test]
fn a_second_kind_stands_beside_the_first() {
    let subject = Subject::new();
    script(&subject, "test.sh", "#!/bin/sh\nexit 0\n");
    subject.commit_all("feat: start");
    subject.end(&["init"]).expect_code(0);
    subject.end(&["init", "--lane", "release"]).expect_code(0).says("--set version=");
    subject.end(&["check", "--pedantic", "--deny", "remarks"]).expect_code(0);
    subject.commit_all("chore: lanes");
    subject.end(&["run", "check"]).expect_code(0);
    subject.end(&["run", "release", "--set", "version=1.0.0", "--yes"]).expect_code(0);
    subject.git(&["rev-parse", "-q", "--verify", "refs/tags/v1.0.0"]);
    // The twin: a tree with changes is not released.
    subject.write("test.sh", "#!/bin/sh\ntrue\n");
    subject.end(&["run", "release", "--set", "version=1.0.1", "--yes"]).expect_code(1);
}
