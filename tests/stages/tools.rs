//! Every gate of std on what its tool really writes: a clean report, one with findings, one that broke off, an empty
//! one, and a tool that crashed. The reports under `tools/` were written by the tools themselves (those of cargo-audit,
//! cargo-deny and npm audit, which need the network, after their documentation); a stand-in replays them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::faults::subject::{Ended, Subject};

/// How a gate's tool is replayed.
struct Row {
    gate: &'static str,
    /// The program whose place the stand-in takes.
    program: &'static str,
    /// What makes the project one that uses the tool.
    files: &'static [(&'static str, &'static str)],
    /// The reports' name under `tools/`.
    report: &'static str,
    /// `stdout`, `stderr`, an option before the path, or the variable that holds it.
    to: &'static str,
    /// With findings, and when it died.
    exits: (i32, i32),
}

const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", "[package]\nname = \"words\"\n[lints.clippy]\n"),
    ("deny.toml", ""),
    (".config/nextest.toml", ""),
    ("rustfmt.toml", ""),
    (".cargo/audit.toml", ""),
    (".github/workflows/ci.yml", "run: cargo llvm-cov\n"),
];
const PYTHON: &[(&str, &str)] = &[(
    "pyproject.toml",
    "[tool.ruff.format]\n[tool.mypy]\n[tool.bandit]\n[tool.pytest.ini_options]\n[tool.coverage.run]\n",
)];
const UNITTEST: &[(&str, &str)] = &[("setup.py", ""), ("test_words.py", "import unittest\n")];
const NODE: &[(&str, &str)] = &[
    ("package.json", "{\"scripts\": {\"test\": \"node --test\", \"audit\": \"npm audit\"}}"),
    ("package-lock.json", "{}"),
    ("eslint.config.js", ""),
    (".prettierrc", ""),
    ("tsconfig.json", "{}"),
];
const TARGETS: &[(&str, &str)] =
    &[("Makefile", "test:\n\tsh run-tests.sh\n"), ("justfile", "test:\n    sh run-tests.sh\n")];
const SHELL: &[(&str, &str)] = &[("a.sh", "#!/bin/sh\ntrue\n"), (".shellcheckrc", "")];

const fn row(
    gate: &'static str,
    program: &'static str,
    files: &'static [(&'static str, &'static str)],
    report: &'static str,
    to: &'static str,
    exits: (i32, i32),
) -> Row {
    Row { gate, program, files, report, to, exits }
}

/// Gates whose measures come from a report.
const REPORTED: &[Row] = &[
    row("std.rust.clippy", "cargo", RUST, "clippy", "stdout", (0, 139)),
    row("std.rust.cargo-test", "cargo", RUST, "cargo-test", "stdout", (101, 139)),
    row("std.rust.nextest", "cargo", RUST, "nextest", "REPORT", (100, 96)),
    row("std.rust.llvm-cov", "cargo", RUST, "llvm-cov", "--output-path", (0, 101)),
    row("std.rust.cargo-audit", "cargo", RUST, "cargo-audit", "stdout", (1, 2)),
    row("std.rust.cargo-deny", "cargo", RUST, "cargo-deny", "stderr", (4, 101)),
    row("std.python.ruff", "ruff", PYTHON, "ruff", "REPORT", (1, 2)),
    row("std.python.mypy", "mypy", PYTHON, "mypy", "stdout", (1, 2)),
    row("std.python.pytest", "python3", PYTHON, "pytest", "REPORT", (1, 3)),
    row("std.python.unittest", "python3", UNITTEST, "unittest", "stdout", (1, 139)),
    row("std.python.bandit", "bandit", PYTHON, "bandit", "REPORT", (1, 2)),
    row("std.node.eslint", "npx", NODE, "eslint", "REPORT", (1, 2)),
    row("std.node.tsc", "npx", NODE, "tsc", "stdout", (2, 134)),
    row("std.node.node-test", "node", NODE, "tap", "stdout", (1, 7)),
    row("std.node.npm-audit", "npm", NODE, "npm-audit", "stdout", (1, 254)),
    // What they would do; a target that does nothing is no pass.
    row("std.make.make-test", "make", TARGETS, "make", "stdout", (2, 139)),
    row("std.just.just-test", "just", TARGETS, "just", "stderr", (1, 139)),
    row("std.shell.shellcheck", "shellcheck", SHELL, "shellcheck", "stdout", (1, 4)),
];

/// Gates that the exit status judges, with the output beside it.
const BY_EXIT: &[Row] = &[
    row("std.rust.cargo-fmt", "cargo", RUST, "none", "stdout", (1, 101)),
    row("std.rust.cargo-check", "cargo", RUST, "none", "stdout", (101, 139)),
    row("std.python.ruff-format", "ruff", PYTHON, "none", "stdout", (1, 2)),
    row("std.node.npm-test", "npm", NODE, "npm-test", "stdout", (1, 134)),
    row("std.node.prettier", "npx", NODE, "prettier", "stdout", (1, 2)),
];

const STAND_IN: &str = r#"#!/bin/sh
case "$STAND_IN_TO" in
  stdout) cat "$STAND_IN_REPORT" ;;
  stderr) cat "$STAND_IN_REPORT" >&2 ;;
  --*)
    for word in "$@"; do
      if [ "${before:-}" = "$STAND_IN_TO" ]; then cp "$STAND_IN_REPORT" "$word"; fi
      before=$word
    done ;;
  nowhere) ;;
  *) eval "cp \"\$STAND_IN_REPORT\" \"\$$STAND_IN_TO\"" ;;
esac
case "$*" in "-n "* | "--dry-run "*) exit 0 ;; *"import pytest_cov"*) exit 1 ;; *"import coverage"*) exit 0 ;; *"coverage json"*) cp "$STAND_IN_COVERAGE" "$COVERAGE"; exit 0 ;; esac
exit "$STAND_IN_EXIT"
"#;

fn report(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stages/tools").join(name)
}

impl Row {
    /// A project that uses the tool, with a strict lane and another of this gate alone.
    fn project(&self) -> Subject {
        self.project_with("")
    }

    fn project_with(&self, definitions: &str) -> Subject {
        let gate = self.gate;
        let subject = Subject::with(&format!(
            "{definitions}## All.\nlane strictly {{ include {gate}; gates strict }}\n## Less.\nlane plainly {{ include {gate} }}\n"
        ));
        self.files.iter().for_each(|(path, text)| subject.write(path, text));
        subject.write(&format!("../bin/{}", self.program), STAND_IN);
        let bin = subject.root.join("../bin").join(self.program);
        fs::set_permissions(bin, fs::Permissions::from_mode(0o755)).expect("a program");
        subject.git(&["init", "-q"]);
        subject
    }

    fn run(&self, subject: &Subject, lane: &str, report: &Path, to: &str, exit: i32) -> Ended {
        let mut command = subject.wfl(&["run", lane]);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", subject.root.join("../bin").display()))
            .env("STAND_IN_REPORT", report)
            .env("STAND_IN_COVERAGE", self::report("coverage.pass"))
            .env("STAND_IN_TO", to)
            .env("STAND_IN_EXIT", exit.to_string());
        subject.end_of(command)
    }

    /// Passes, finds, and is never green of anything else.
    fn judge(&self) {
        self.judge_in(self.project());
    }

    fn judge_in(&self, subject: Subject) {
        let (findings, crash) = self.exits;
        let good = report(&format!("{}.pass", self.report));
        self.run(&subject, "strictly", &good, self.to, 0).green(self.gate);
        let bad = report(&format!("{}.fail", self.report));
        self.run(&subject, "strictly", &bad, self.to, findings).red(self.gate, "found");
        let broken = report(&format!("{}.broken", self.report));
        subject.write("../empty", "");
        let empty = subject.root.join("../empty");
        for (what, report, to, exit) in [
            ("broken", &broken, self.to, 0),
            ("broken, findings", &broken, self.to, findings),
            ("empty", &empty, self.to, 0),
            ("nothing written", &good, "nowhere", 0),
            ("crashed", &good, self.to, crash),
        ] {
            self.run(&subject, "strictly", report, to, exit).unjudged(self.gate, what);
        }
    }
}

impl Ended {
    #[track_caller]
    fn green(self, gate: &str) {
        assert_eq!(self.code, Some(0), "{gate}: {}{}", self.out, self.err);
        assert!(!self.err.contains("skipped"), "{gate} was skipped: {}", self.err);
    }

    #[track_caller]
    fn red(self, gate: &str, what: &str) {
        assert_eq!(self.code, Some(3), "{gate}, {what}: {}{}", self.out, self.err);
        assert!(!self.err.contains("could not be judged"), "{gate}, {what}: {}", self.err);
    }

    /// A gate error: no report that could be judged.
    #[track_caller]
    fn unjudged(self, gate: &str, what: &str) {
        assert_eq!(self.code, Some(3), "{gate}, {what}: {}{}", self.out, self.err);
    }
}

#[test]
fn gates_of_rust_judge_what_their_tools_write() {
    REPORTED.iter().filter(|row| row.gate.starts_with("std.rust")).for_each(Row::judge);
}

#[test]
fn gates_of_python_judge_what_their_tools_write() {
    REPORTED.iter().filter(|row| row.gate.starts_with("std.python")).for_each(Row::judge);
}

#[test]
fn gates_of_the_rest_judge_what_their_tools_write() {
    let others = |row: &&Row| !row.gate.starts_with("std.rust") && !row.gate.starts_with("std.python");
    REPORTED.iter().filter(others).for_each(Row::judge);
}

/// The twin of the tests above: a gate that counts with `grep -c` and swallows what went wrong is caught by them.
#[test]
fn a_gate_that_takes_nothing_for_none_is_caught() {
    let weak = "tool weak {\n  run sh \"\"\"\n    cargo clippy > \"$REPORT\" || true\n    grep -c '\"level\":\"warning\"' \"$REPORT\" > \"$COUNT\" || true\n    \"\"\"\n  env { REPORT = out.report; COUNT = out.count }\n  out report = \".wfl/out/weak.json\"\n  out count = \".wfl/out/weak.txt\"\n  measure warnings: int = text(out.count)\n}\ngate weak { tool weak; require warnings == 0 }\n";
    let row = row("weak", "cargo", RUST, "clippy", "stdout", (0, 139));
    let subject = row.project_with(weak);
    row.run(&subject, "strictly", &report("clippy.pass"), row.to, 0).green("weak");
    row.run(&subject, "strictly", &report("clippy.fail"), row.to, 0).red("weak", "found");
    let caught = std::panic::catch_unwind(|| row.judge_in(subject));
    assert!(caught.is_err(), "nothing told the weak gate from a good one");
}

#[test]
fn gates_without_a_report_follow_the_exit_and_nothing_else() {
    for row in BY_EXIT {
        let subject = row.project();
        let (findings, crash) = row.exits;
        let of = |kind: &str| report(&format!("{}.{kind}", row.report));
        let (good, bad) = match row.report {
            "none" => (PathBuf::from("/dev/null"), PathBuf::from("/dev/null")),
            _ => (of("pass"), of("fail")),
        };
        row.run(&subject, "strictly", &good, row.to, 0).green(row.gate);
        row.run(&subject, "strictly", &bad, row.to, findings).red(row.gate, "found");
        row.run(&subject, "strictly", &good, row.to, crash).unjudged(row.gate, "crashed");
        if row.report != "none" {
            // A script that swallows its tests' failures does not make them good.
            row.run(&subject, "strictly", &bad, row.to, 0).red(row.gate, "hidden");
        }
    }
}

#[test]
fn coverage_and_tests_come_from_one_run_of_pytest() {
    let row = row("std.python.coverage", "python3", PYTHON, "coverage", "REPORT", (0, 3));
    let subject = row.project();
    let tests = report("pytest.pass");
    for (report, code) in [("coverage.pass", 0), ("coverage.fail", 3), ("coverage.broken", 3)] {
        let mut command = subject.wfl(&["run", "strictly"]);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", subject.root.join("../bin").display()))
            .env("STAND_IN_REPORT", &tests)
            .env("STAND_IN_COVERAGE", self::report(report))
            .env("STAND_IN_TO", "REPORT")
            .env("STAND_IN_EXIT", "0");
        subject.end_of(command).expect_code(code);
    }
}

/// What a lane asks for beyond the rest, from the table of the issue: 80 % and 100 % of the tests, warnings.
#[test]
fn thresholds_follow_the_lane() {
    let find = |gate: &str| REPORTED.iter().find(|row| row.gate == gate).expect("a gate");
    let clippy = find("std.rust.clippy");
    let subject = clippy.project();
    clippy.run(&subject, "plainly", &report("clippy.fail"), "stdout", 0).green("one warning, plainly");
    let tests = find("std.rust.cargo-test");
    let subject = tests.project();
    for (passed, failed, plainly) in [(4, 1, 0), (79, 21, 3), (80, 20, 0)] {
        let word = if failed > 0 { "FAILED" } else { "ok" };
        subject.write(
            "../given",
            format!("running 9 tests\ntest result: {word}. {passed} passed; {failed} failed; 3 ignored; 0 measured\n"),
        );
        let given = subject.root.join("../given");
        tests.run(&subject, "plainly", &given, "stdout", 101).expect_code(plainly);
        tests.run(&subject, "strictly", &given, "stdout", 101).red("std.rust.cargo-test", "strictly");
    }
}

#[test]
fn a_gate_of_a_tool_that_the_project_does_not_use_is_skipped_with_the_reason() {
    let gates: Vec<&str> = REPORTED.iter().chain(BY_EXIT).map(|row| row.gate).collect();
    let subject = Subject::with(&format!("## All.\nlane all {{ include {} }}\n", gates.join(", ")));
    subject.write("README.md", "nothing here uses a tool\n");
    subject.end(&["run", "all"]).expect_code(0).says("`when is_rust and uses_clippy` is false");
    let run = subject.newest_run().expect("a run");
    let statuses = subject.statuses(&run);
    assert_eq!(statuses.len(), gates.len());
    assert!(statuses.values().all(|status| status == "skipped"), "{statuses:?}");
}

#[test]
fn an_absent_program_is_no_clean_report() {
    for row in REPORTED.iter().chain(BY_EXIT) {
        let subject = row.project();
        fs::remove_dir_all(subject.root.join("../bin")).expect("the stand-in");
        subject.write("../tools/empty", "");
        // Only what a POSIX system has: no cargo, python3, node, ruff …
        for program in ["sh", "bash", "git", "cat", "grep", "rm", "printf", "env", "head"] {
            let found = ["/bin", "/usr/bin"]
                .iter()
                .map(|folder| Path::new(folder).join(program))
                .find(|path| path.exists());
            if let Some(found) = found {
                std::os::unix::fs::symlink(found, subject.root.join("../tools").join(program))
                    .expect("a link");
            }
        }
        let mut command = subject.wfl(&["run", "strictly"]);
        command.env("PATH", subject.root.join("../tools"));
        subject.end_of(command).unjudged(row.gate, "no program");
    }
}

/// Every gate of std is judged here or by a planted defect, and stands on the page of gates.
#[test]
fn no_gate_of_std_goes_untried_or_undocumented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/gates.md")).expect("the page of gates");
    let planted = fs::read_to_string(root.join("tests/stages/planted.rs")).expect("the planted defects");
    let mut seen = 0;
    for (module, text) in wfl::load::std_modules() {
        if !["rust", "python", "node", "shell", "make", "just", "change"].contains(module) {
            continue;
        }
        for name in text.lines().filter_map(|line| line.strip_prefix("gate ")?.strip_suffix(" {")) {
            let full = format!("std.{module}.{name}");
            let replayed = REPORTED.iter().chain(BY_EXIT).any(|row| row.gate == full);
            assert!(replayed || planted.contains(&full), "{full} is tried nowhere");
            assert!(
                page.contains(&full) || page.contains(&format!("`{name}`")),
                "{full} is not on the page of gates"
            );
            seen += 1;
        }
    }
    assert!(seen >= 30, "{seen} gates");
}
