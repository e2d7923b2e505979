//! Gates judged by the real program over real report formats: thresholds, missing tools, timeouts, waivers, people.

use crate::faults::subject::Subject;

/// A gate over a report that a step before it writes; the report's text is given.
fn coverage(text: &str, strict: bool) -> Subject {
    let gates = if strict { "gates strict" } else { "" };
    let subject = Subject::with(&format!(
        "tool cov {{\n  exec \"cp\", \"given.json\", out.report\n  out report = \"out/cov.json\"\n  measure lines: percent = json(out.report, \"/lines\")\n  measure passed: percent = json(out.report, \"/passed\")\n}}\n\
         gate quality {{\n  tool cov\n  require lines >= 70% and passed >= 80%\n  strict lines >= 85% and passed == 100%\n}}\n\
         lane l {{ include quality; {gates} }}\n"
    ));
    subject.write("given.json", text);
    subject
}

#[test]
fn a_threshold_is_met_exactly_at_its_value() {
    coverage(r#"{"lines": 69.9, "passed": 100}"#, false).end(&["run", "l"]).expect_code(3).says("69.9%");
    coverage(r#"{"lines": 70.0, "passed": 80}"#, false).end(&["run", "l"]).expect_code(0);
    coverage(r#"{"lines": 70, "passed": 79.99}"#, false).end(&["run", "l"]).expect_code(3);
}

#[test]
fn the_strict_threshold_can_be_reached() {
    coverage(r#"{"lines": 84.9, "passed": 100}"#, true).end(&["run", "l"]).expect_code(3);
    coverage(r#"{"lines": 85, "passed": 100}"#, true).end(&["run", "l"]).expect_code(0);
    coverage(r#"{"lines": 99, "passed": 99}"#, true).end(&["run", "l"]).expect_code(3);
}

#[test]
fn a_report_that_lacks_the_value_is_no_pass() {
    coverage("{}", false).end(&["run", "l"]).expect_code(3).says("/lines");
    coverage("not json", false).end(&["run", "l"]).expect_code(3);
    coverage(r#"{"lines": "seventy", "passed": 100}"#, false).end(&["run", "l"]).expect_code(3);
    coverage(r#"{"lines": 700, "passed": 100}"#, false).end(&["run", "l"]).expect_code(3);
}

#[test]
fn a_report_left_over_from_before_is_not_judged() {
    let subject = Subject::with(
        "gate stale {\n  exec \"true\"\n  out report = \"report.txt\"\n  measure found: int = text(out.report)\n  require found == 0\n}\n",
    );
    subject.write("report.txt", "0");
    subject.end(&["run", "all.wfl"]).expect_code(3);
}

#[test]
fn three_absent_tools_are_not_a_pass() {
    let mut text = String::new();
    for name in ["ruff", "mypy", "pytest"] {
        text.push_str(&format!(
            "gate {name} {{ exec \"absent-{name}\"; measure status: int = exit; require status == 0 }}\n"
        ));
    }
    let subject = Subject::with(&text);
    subject.end(&["run", "all.wfl", "--keep-going"]).expect_code(3).says("absent-");
}

#[test]
fn bandit_findings_are_counted_by_issue_severity() {
    let gate = "gate bandit {\n  exec \"cp\", \"given.json\", out.report\n  out report = \"out/bandit.json\"\n  measure high: int = json(out.report, \"/metrics/_totals/SEVERITY.HIGH\")\n  require high == 0\n}\n";
    let subject = Subject::with(gate);
    subject.write(
        "given.json",
        r#"{"metrics": {"_totals": {"SEVERITY.HIGH": 1, "SEVERITY.MEDIUM": 1}}, "results": []}"#,
    );
    subject.end(&["run", "all.wfl"]).expect_code(3).says("high");
    subject.write(
        "given.json",
        r#"{"metrics": {"_totals": {"SEVERITY.HIGH": 0, "SEVERITY.MEDIUM": 4}}, "results": []}"#,
    );
    subject.end(&["run", "all.wfl"]).expect_code(0);
}

#[test]
fn a_tool_that_hangs_is_stopped_and_named_with_its_limit() {
    let subject = Subject::with(
        "tool slow { exec \"sleep\", \"60\"; timeout 200ms; measure status: int = exit }\ngate quality { tool slow; require status == 0 }\n",
    );
    subject.end(&["run", "all.wfl"]).expect_code(3).says("200ms").says("sleep");
}

#[test]
fn a_documentation_lane_stops_code_and_names_the_lane_for_it() {
    let subject = Subject::with(
        "stage only-docs {\n  before { require change.only(\"**/*.md\", \"*.md\") because \"code changed: use the lane `standard`\" }\n  exec \"true\"\n}\nlane docs-only { include only-docs }\n",
    );
    subject.write("README.md", "# A\n");
    subject.commit_all("docs: start");
    subject.write("README.md", "# A\n\nmore\n");
    subject.end(&["run", "docs-only"]).expect_code(0);
    subject.write("tool.py", "print(1)\n");
    subject.end(&["run", "docs-only"]).expect_code(1).says("use the lane `standard`");
}

#[test]
fn a_waived_gate_is_shown_with_its_reason_and_meets_the_need() {
    let subject = Subject::with(
        "gate g { exec \"false\"; measure status: int = exit; exit-ok 0, 1; require status == 0 }\nstage s { needs g; exec \"true\" }\nlane l { include s; gates { skip g because \"tool being replaced\" } }\n",
    );
    subject.end(&["run", "l"]).expect_code(0).says("tool being replaced");
    let run = subject.newest_run().expect("a run");
    assert_eq!(subject.statuses(&run)["g"], "waived");
}

#[test]
fn one_tool_runs_once_for_all_its_gates() {
    let subject = Subject::with(
        "tool t {\n  run sh \"\"\"\n    echo ran >> count\n    echo 5 > \"$REPORT\"\n    \"\"\"\n  env { REPORT = out.report }\n  out report = \"out/n.txt\"\n  measure n: int = text(out.report)\n}\ngate few { tool t; require n < 10 }\ngate fewer { tool t; require n < 3 }\ngate fewest { tool t; require n < 6 }\n",
    );
    subject.end(&["run", "all.wfl", "--keep-going"]).expect_code(3);
    assert_eq!(subject.read("count").lines().count(), 1);
    let run = subject.newest_run().expect("a run");
    let statuses = subject.statuses(&run);
    assert_eq!(
        (statuses["few"].as_str(), statuses["fewer"].as_str(), statuses["fewest"].as_str()),
        ("succeeded", "failed", "succeeded")
    );
}

/// Every kind of automated check that the HELIX gate files know, on a sample tree.
#[test]
fn helix_checks_have_a_form_and_are_judged() {
    let subject = Subject::with(
        "stage exit-frame {\n  before {\n    require file.exists(\"docs/prd.md\")\n    require file.exists(\"docs/stories/*\")\n    require file.contains(\"docs/stories/*.md\", \"As a .* I want .* [Ss]o that\")\n    require not file.contains(\"docs/**/*.md\", \"\\\\[NEEDS CLARIFICATION\\\\]\")\n    require file.exists(\"ci.yml\") or file.exists(\"Jenkinsfile\")\n  }\n  exec \"true\"\n}\n",
    );
    subject.write("docs/prd.md", "FEAT-001\n");
    subject.write("docs/stories/one.md", "As a user I want a thing so that it is there\n");
    subject.write("Jenkinsfile", "");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    subject.write("docs/stories/two.md", "How long? [NEEDS CLARIFICATION]\n");
    subject.end(&["run", "all.wfl"]).expect_code(1).says("NEEDS CLARIFICATION");
}

#[test]
fn a_manual_gate_waits_and_records_who_approved() {
    let subject = Subject::with(
        "stage ship { exec \"touch\", \"shipped\" }\nlane l { include ship; approve 1 from \"leads\" before ship }\n",
    );
    subject.commit_all("feat: start");
    subject.end(&["run", "l"]).expect_code(4).says("approve");
    assert!(!subject.root.join("shipped").exists());
    let run = subject.newest_run().expect("a run");
    assert_eq!(subject.statuses(&run)["ship"], "waiting");
    subject.end(&["approve", &run, "ship"]).expect_code(0);
    subject.end(&["resume", &run]).expect_code(0);
    assert!(subject.root.join("shipped").exists());
    subject.end(&["why", &run, "ship"]).expect_code(0).says("ada@team.example");
}

#[test]
fn a_rejected_approval_fails_the_run() {
    let subject = Subject::with(
        "stage ship { exec \"touch\", \"shipped\" }\nlane l { include ship; approve 1 from \"leads\" before ship }\n",
    );
    subject.commit_all("feat: start");
    subject.end(&["run", "l"]).expect_code(4);
    let run = subject.newest_run().expect("a run");
    subject.end(&["approve", &run, "ship", "--reject"]).expect_code(0);
    subject.end(&["resume", &run]).expect_code(1);
    assert!(!subject.root.join("shipped").exists());
}

#[test]
fn reports_are_no_part_of_the_change() {
    let subject = Subject::with(
        "gate g {\n  run sh \"\"\"\n    echo 0 > \"$REPORT\"\n    \"\"\"\n  env { REPORT = out.report }\n  out report = \".wfl/out/deep/n.txt\"\n  measure n: int = text(out.report)\n  require n == 0\n}\n",
    );
    subject.commit_all("feat: start");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    let status =
        std::process::Command::new("git").args(["status", "--porcelain"]).current_dir(&subject.root).output();
    assert_eq!(String::from_utf8_lossy(&status.expect("git starts").stdout), "");
}
