//! Coverage counts what runs did, and nothing else.

use super::theatre::stage;
use wfl::trial::{Branch, LaneCoverage};

const FILE: &str = r#"
stage build { exec "b"; retry { attempts 2 } }
stage docs { when change.only("docs/**"); exec "d" }
gate cov { needs build; exec "c"; out r = "r"; measure lines: percent = json(out.r, "/l"); require lines > 70% }
stage deploy { needs cov; exec "x" }
lane l { include deploy, docs; approve from "m" before deploy; select if change.type == "fix" }
lane other { include build }
"#;

fn lane(tests: &str, name: &str) -> LaneCoverage {
    let coverage = stage(&format!("{FILE}{tests}")).coverage();
    assert_eq!(coverage.files.len(), 1);
    coverage.files[0].lanes.iter().find(|lane| lane.name == name).cloned().expect("the lane")
}

fn taken(lane: &LaneCoverage) -> Vec<String> {
    let words = |branch: &Branch| format!("{} {}", branch.stage().unwrap_or("lane"), branch.words());
    lane.branches.iter().filter(|(_, taken)| *taken).map(|(branch, _)| words(branch)).collect()
}

#[test]
fn without_tests_nothing_is_covered() {
    let lane = lane("", "l");
    assert_eq!((lane.tests, lane.stages_carried_out(), lane.stages.len()), (0, 0, 4));
    assert_eq!((lane.branches_taken(), lane.branches.len()), (0, 10));
}

#[test]
fn an_unmocked_gate_is_carried_out_but_neither_branch_of_it_is_taken() {
    let l = lane("test \"t\" { lane l; expect stage.deploy.state == \"waiting\" }", "l");
    assert_eq!((l.tests, l.stages_carried_out()), (1, 2), "build and cov; docs is skipped, deploy waits");
    assert_eq!(taken(&l), ["docs when false"]);
    let skipped: Vec<&str> = l.stages.iter().filter(|s| s.skipped).map(|s| s.name.as_str()).collect();
    assert_eq!(skipped, ["docs"]);
    assert_eq!(lane("test \"t\" { lane l; expect run.exit == 4 }", "other").stages_carried_out(), 0);
}

#[test]
fn every_branch_is_counted_once_it_was_taken() {
    let tests = r#"
test "all good" { lane l; given { change.files = ["docs/a"]; change.type = "fix" }
  mock stage.build { attempt { exit 1 }; attempt { } }
  mock gate.cov { measure lines = 90% }
  approve stage.deploy
  expect run.exit == 0; expect lane.selected }
test "all bad" { lane l; mock gate.cov { measure lines = 10% }; expect run.exit == 3; expect not lane.selected }
test "no" { lane l; reject stage.deploy; expect run.exit == 1 }
"#;
    let l = lane(tests, "l");
    assert_eq!((l.tests, l.stages_carried_out(), l.branches_taken()), (3, 4, 10), "{:?}", taken(&l));
    assert_eq!(
        taken(&l),
        [
            "build retried",
            "docs when true",
            "docs when false",
            "cov judged and passed",
            "cov failed",
            "deploy approved",
            "deploy rejected or expired",
            "lane on-failure",
            "lane select true",
            "lane select false",
        ]
    );
}

#[test]
fn a_select_counts_only_where_a_test_asks_for_it() {
    let l = lane("test \"t\" { lane l; given { change.type = \"fix\" }; expect run.exit == 4 }", "l");
    assert!(!taken(&l).iter().any(|branch| branch.contains("select")));
}

#[test]
fn a_test_that_could_not_be_played_covers_nothing() {
    let l = lane("test \"t\" { lane l; mock stage.build { exit 999 }; expect run.exit == 0 }", "l");
    assert_eq!((l.tests, l.stages_carried_out(), l.branches_taken()), (0, 0, 0));
}
