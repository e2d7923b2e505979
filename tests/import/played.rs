//! What was imported runs: its gates judge what the tools really write, its approvals wait, its skips are waived.

use std::os::unix::fs::PermissionsExt;

use super::SEED;
use crate::faults::subject::{Ended, Subject};

/// Tools that write what the real ones would: `COVERED` of ten lines, `FINDINGS` of ruff.
const TOOLS: [(&str, &str); 2] = [
    (
        "ruff",
        r#"#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --output-file ] && out=$2; shift; done
results=""; [ "${FINDINGS:-0}" = 0 ] || results='{"level":"error","message":{"text":"x"}}'
printf '{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"ruff"}},"results":[%s]}]}' "$results" > "$out"
[ "${FINDINGS:-0}" = 0 ]
"#,
    ),
    (
        "python3",
        r#"#!/bin/sh
[ "$2" = coverage ] && [ "$3" = lcov ] || exit 0
printf 'SF:a.py\nLF:10\nLH:%s\nend_of_record\n' "${COVERED:-9}" > "$6"
"#,
    ),
];

/// A Python project with such tools and these lanes imported.
fn project(yaml: &str) -> Subject {
    let subject = Subject::new();
    for (name, script) in TOOLS {
        let path = format!("bin/{name}");
        subject.write(&path, script);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(subject.root.join(&path), mode).expect("a mode");
    }
    subject.write("pyproject.toml", "[project]\nname = \"a\"\n");
    subject.write("lanes.yaml", yaml);
    subject.end(&["import", "lanes", "lanes.yaml", "--output", ".wfl/lanes.wfl"]).expect_code(0);
    subject.commit_all("feat: Start");
    subject
}

fn run(subject: &Subject, lane: &str, environment: &[(&str, &str)]) -> Ended {
    let mut command = subject.wfl(&["run", lane]);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", subject.root.join("bin").display()));
    command.envs(environment.iter().copied());
    subject.end_of(command)
}

const FAST: &str = "\
fast:
  description: Quick
  stages: [1]
  quality_gates: {ruff: true, mypy: false, pytest: false, bandit: false, coverage_threshold: 50, required_passes: [ruff]}
";

#[test]
fn the_thresholds_of_the_lane_file_judge() {
    let subject = project(FAST);
    subject.end(&["check"]).expect_code(0);
    run(&subject, "fast", &[("COVERED", "5")]).expect_code(0);
    run(&subject, "fast", &[("COVERED", "4")]).expect_code(3).says("lines");
    run(&subject, "fast", &[("FINDINGS", "1")]).expect_code(3).says("ruff");
}

#[test]
fn a_tool_that_need_not_pass_only_warns() {
    let subject = project(&FAST.replace("required_passes: [ruff]", "required_passes: []"));
    run(&subject, "fast", &[("FINDINGS", "1")]).expect_code(0);
    let run = subject.newest_run().unwrap_or_default();
    assert_eq!(subject.statuses(&run)["ruff-advice"], "warned");
}

#[test]
fn a_skipped_gate_is_waived_and_marks_the_run() {
    let subject = project(&FAST.replace("required_passes", "skip: [ruff], required_passes"));
    run(&subject, "fast", &[("FINDINGS", "1")]).expect_code(0);
    let run = subject.newest_run().unwrap_or_default();
    assert_eq!(subject.statuses(&run)["ruff"], "waived");
}

#[test]
fn a_lane_that_requires_approval_waits_for_each_group() {
    let yaml =
        FAST.replace("quality_gates", "requires_approval: true\n  reviewers: [team, board]\n  quality_gates");
    let subject = project(&yaml);
    let group = |name: &str| format!("group \"{name}\" {{ member \"ada@team.example\" }}");
    subject.write(
        ".wfl/project.wfl",
        format!("wfl 1\nproject {{\n  {}\n  {}\n}}\n", group("team"), group("board")),
    );
    run(&subject, "fast", &[]).expect_code(4).says("team");
}

#[test]
fn the_originals_example_checks_clean_and_can_be_planned() {
    let subject = project(SEED);
    let found = subject.json(&["check", "--format", "json"]);
    assert_eq!(found["diagnostics"], serde_json::json!([]), "{found}");
    for lane in ["hotfix", "release"] {
        subject.end(&["run", lane, "--dry-run"]).expect_code(0).says("pull-request");
    }
    subject.end(&["run", "hotfix", "--dry-run"]).expect_code(0).says("doc-review");
}
