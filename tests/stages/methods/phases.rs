//! The six phases: every condition of every exit gate, the way through all of them in one run, and phase by phase.

use crate::faults::subject::Subject;

use super::{Walk, begun_with};

const FRAME: &[(&str, &str)] = &[
    (
        "1-frame/brief.md",
        "# Brief\n## Problem\nCarts are wrong.\n## People\nShoppers.\n## Goals\nWrong sums below 1 %.\n## Risks\nNone known.\n",
    ),
    ("1-frame/principles.md", "## Principles\nShort.\n"),
    ("1-frame/features.md", "FEAT-001 sums: US-001\n"),
    (
        "1-frame/stories/US-001.md",
        "# US-001\nAs a shopper I want a sum so that I can pay.\n## Acceptance\n- [ ] 2 and 3 make 5\n",
    ),
];
const DESIGN: &[(&str, &str)] = &[
    ("2-design/design.md", "## Context\nsh\n## Structure\none\n## Data\nnone\n## Security\nnone\n"),
    ("2-design/contracts/API-001.md", "# API-001\n## Interface\ntotal N...\n"),
    (
        "2-design/decisions/ADR-001.md",
        "# ADR-001\n## Status\nAccepted\n## Context\nx\n## Decision\nsh\n## Consequences\nslow\n",
    ),
];
const TEST: &[(&str, &str)] = &[("3-test/plan.md", "## Scope\nsums\n## Levels\nunit\n## Coverage\n80 %\n")];
const BUILD: &[(&str, &str)] =
    &[("4-build/implementation.md", "## Steps\ntotal\n## Secure coding\n- [x] quotes\n")];
const DEPLOY: &[(&str, &str)] = &[
    ("5-deploy/launch.md", "- [x] tagged\n- [x] told\n"),
    ("5-deploy/monitoring.md", "## Figures\nsums\n## Alerts\nAda\n"),
    ("5-deploy/runbook.md", "## Deploy\ncp\n## Rollback\ncp\n## Health\nsum\n## Environment\nnone\n"),
];
const ITERATE: &[(&str, &str)] = &[
    ("6-iterate/retrospective.md", "## What went well\nsums\n## What to change\nwords\n## Actions\nAda\n"),
    ("6-iterate/backlog.md", "P1 words\n"),
    ("6-iterate/next.md", "## Goals\n2 % faster\n## Decision\ngo on\n"),
];
const ALL: &[&[(&str, &str)]] = &[FRAME, DESIGN, TEST, BUILD, DEPLOY, ITERATE];

const CODE: &[(&str, &str)] = &[
    ("tests/cart.sh", "# it(\"adds\")\n. ./src/cart.sh; [ \"$(total 2 3)\" = 5 ]\n"),
    ("run-tests.sh", "sh tests/cart.sh || exit 1\n"),
    (
        "cover.sh",
        "printf 'SF:src/cart.sh\\nLF:%s\\nLH:8\\nend_of_record\\n' \"$(cat lines 2>/dev/null || echo 10)\" > \"$1\"\n",
    ),
    ("README.md", "# Cart\n"),
    ("CHANGELOG.md", "# Changes\n"),
];
const WRONG: &str = "total() { echo $#; }\n";
const RIGHT: &str = "total() { s=0; for n in \"$@\"; do s=$((s + n)); done; echo $s; }\n";
const SET: &[&str] = &[
    "--set",
    "tests=sh,run-tests.sh",
    "--set",
    "linter=sh,-n,src/cart.sh",
    "--set",
    "audit=true",
    "--set",
    "cover=sh,cover.sh",
];

fn write(subject: &Subject, documents: &[(&str, &str)]) {
    documents.iter().for_each(|(path, text)| subject.write(&format!("docs/phases/{path}"), text));
}

fn cart() -> Subject {
    let subject = begun_with("phases");
    subject.write("src/cart.sh", WRONG);
    subject.write(".gitignore", ".wfl/out\n");
    subject.commit_all("feat: start");
    subject
}

/// Each condition of each exit gate: the document that breaks it, how, and what the run then says.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    ("frame-exit", "1-frame/brief.md", "", "file not found"),
    ("frame-exit", "1-frame/brief.md", "## Problem\n<!-- ? -->\n", "Problem"),
    ("frame-exit", "1-frame/brief.md", "## Problem\nx\n## Goals\n1 %\n## Risks\nx\n", "People"),
    (
        "frame-exit",
        "1-frame/brief.md",
        "## Problem\nx\n## People\nx\n## Goals\nBetter.\n## Risks\nx\n",
        "can be missed",
    ),
    ("frame-exit", "1-frame/principles.md", "## Principles\n-\n", "Principles"),
    ("frame-exit", "1-frame/features.md", "sums\n", "FEAT-001"),
    ("frame-exit", "1-frame/stories/US-002.md", "Sums!\n## Acceptance\n- [ ] x\n", "US-002.md"),
    ("frame-exit", "1-frame/stories/US-002.md", "As a cook I want salt so that it tastes\n", "US-002.md"),
    (
        "frame-exit",
        "1-frame/stories/note.md",
        "As a cook I want salt so that it tastes [TBD]\n## Acceptance\nx\n",
        "answer it",
    ),
    (
        "design-exit",
        "2-design/design.md",
        "## Context\nx\n## Structure\nx\n## Data\nx\n## Security\n",
        "Security",
    ),
    ("design-exit", "2-design/contracts/API-001.md", "", "no file matches"),
    ("design-exit", "2-design/contracts/API-002.md", "## Interface\nx\n", "API-002.md"),
    (
        "design-exit",
        "2-design/decisions/ADR-002.md",
        "# ADR-002\n## Status\nx\n## Decision\nx\n",
        "Consequences",
    ),
    (
        "design-exit",
        "2-design/design.md",
        "## Context\n[TO BE DEFINED]\n## Structure\nx\n## Data\nx\n## Security\nx\n",
        "answer it",
    ),
    ("test-exit", "3-test/plan.md", "## Scope\nx\n## Levels\nx\n## Coverage\nmuch\n", "80 %"),
    ("test-exit", "3-test/plan.md", "## Levels\nx\n## Coverage\n80 %\n", "Scope"),
    ("build-exit", "4-build/implementation.md", "## Steps\nx\n- [ ] quotes\n", "secure coding"),
    ("build-exit", "4-build/implementation.md", "- [x] quotes\n", "Steps"),
    ("deploy-exit", "5-deploy/launch.md", "- [x] tagged\n- [ ] told\n", "do what is left"),
    ("deploy-exit", "5-deploy/launch.md", "All done.\n", "holds no checklist"),
    ("deploy-exit", "5-deploy/runbook.md", "## Deploy\nx\n## Health\nx\n## Environment\nx\n", "Rollback"),
    ("deploy-exit", "5-deploy/monitoring.md", "## Figures\nx\n## Alerts\n", "Alerts"),
    ("iterate-exit", "6-iterate/metrics.md", "", "metrics.md"),
    ("iterate-exit", "6-iterate/retrospective.md", "## What went well\nx\n## Actions\nx\n", "What to change"),
    ("iterate-exit", "6-iterate/backlog.md", "words\n", "priority"),
    ("iterate-exit", "6-iterate/next.md", "## Goals\nfaster\n## Decision\nx\n", "can be missed"),
];

#[test]
fn every_exit_gate_fails_for_what_is_missing_and_passes_when_it_is_mended() {
    let subject = Subject::new();
    let gates = ["frame-exit", "design-exit", "test-exit", "build-exit", "deploy-exit", "iterate-exit"];
    let lanes = gates.map(|gate| format!("lane judge-{gate} {{ include std.method.{gate} }}\n"));
    subject.write("judge.wfl", format!("wfl 1\n{}", lanes.concat()));
    let whole: Vec<(&str, &str)> =
        ALL.concat().into_iter().chain([("6-iterate/metrics.md", "figures\n")]).collect();
    write(&subject, &whole);
    // What is no document is not judged as one.
    subject.write("docs/phases/1-frame/stories/.gitkeep", "");
    subject.write("docs/phases/2-design/contracts/logo.png", b"\xff\xfe");
    for gate in gates {
        subject.end(&["run", &format!("judge-{gate}")]).expect_code(0);
    }
    for (gate, path, text, says) in BROKEN {
        let file = format!("docs/phases/{path}");
        match text.is_empty() {
            true => std::fs::remove_file(subject.root.join(&file)).expect("it was there"),
            false => subject.write(&file, text),
        }
        let ended = subject.end(&["run", &format!("judge-{gate}")]);
        assert_eq!(ended.code, Some(3), "{gate} with {path} = {text:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{gate} with {path} = {text:?} says no {says:?}: {}", ended.err);
        if !whole.iter().any(|(known, _)| known == path) {
            std::fs::remove_file(subject.root.join(&file)).expect("it was there");
        }
        write(&subject, &whole);
    }
    for gate in gates {
        subject.end(&["run", &format!("judge-{gate}")]).expect_code(0);
    }
}

/// What is written, approved and resumed between two stops of the one run.
fn phase(walk: &Walk<'_>, phase: &str, documents: &[(&str, &str)]) {
    let (gate, close) = (format!("{phase}-exit"), format!("close-{phase}"));
    write(walk.subject, documents);
    walk.subject.commit_all(phase);
    walk.resume(4);
    assert_eq!((walk.status(&gate).as_str(), walk.status(&close).as_str()), ("succeeded", "waiting"));
    walk.approve(&close);
}

#[test]
fn all_six_in_one_run() {
    let subject = cart();
    let walk = Walk::begin(&subject, &[&["phases"], SET].concat(), 3);
    assert!(subject.read("docs/phases/1-frame/brief.md").contains("## Problem"), "a draft to fill in");
    phase(&walk, "frame", FRAME);
    walk.resume(3).says("design-exit");
    phase(&walk, "design", DESIGN);
    walk.resume(3).says("test-exit");
    write(&subject, TEST);
    walk.resume(3).says("tests-written");
    CODE.iter().for_each(|(path, text)| subject.write(path, text));
    phase(&walk, "test", TEST);
    assert_eq!(walk.status("red"), "succeeded");
    walk.resume(3).says("write the least that makes the tests pass");
    subject.write("src/cart.sh", RIGHT);
    subject.write("lines", "11");
    write(&subject, BUILD);
    walk.resume(3).says("covered >= 80%");
    subject.write("lines", "10");
    phase(&walk, "build", BUILD);
    walk.resume(3).says("deploy-exit");
    phase(&walk, "deploy", DEPLOY);
    walk.resume(3).says("iterate-exit");
    phase(&walk, "iterate", ITERATE);
    let ended = walk.resume(0);
    assert!(
        !ended.err.contains("gate `frame-exit` had judged"),
        "its inputs are what they were: {}",
        ended.err
    );
    let figures = subject.read("docs/phases/6-iterate/metrics.md");
    for told in
        ["| 1-frame | 20", "| 5-deploy | 20", "| stories | 1 |", "| lines that the tests run | 80.0 % |"]
    {
        assert!(figures.contains(told), "no {told:?} in {figures}");
    }
    assert!(subject.root.join("docs/phases/6-iterate-closed.md").exists());
}

/// Runs the lane of one phase to its end: documents written, approved, resumed.
fn closed<'s>(subject: &'s Subject, phase: &str, documents: &[(&str, &str)]) -> Walk<'s> {
    write(subject, documents);
    subject.commit_all(phase);
    let walk = Walk::begin(subject, &[&[phase], SET].concat(), 4);
    walk.approve(&format!("close-{phase}"));
    walk.resume(0);
    walk
}

#[test]
fn phase_by_phase_each_in_a_run_of_its_own() {
    let subject = cart();
    write(&subject, FRAME);
    let walk = Walk::begin(&subject, &[&["design"], SET].concat(), 3);
    assert!(walk.log("design-entry").contains("1-frame was not closed"), "{}", walk.log("design-entry"));
    closed(&subject, "frame", FRAME);
    subject.write("docs/phases/1-frame/features.md", "FEAT-001 sums\nFEAT-002 words\n");
    write(&subject, DESIGN);
    let walk = Walk::begin(&subject, &[&["design"], SET].concat(), 3);
    assert!(walk.log("design-entry").contains("features.md was changed"), "{}", walk.log("design-entry"));
    closed(&subject, "frame", FRAME);
    closed(&subject, "design", DESIGN);
    CODE.iter().for_each(|(path, text)| subject.write(path, text));
    closed(&subject, "test", TEST);
    subject.write("src/cart.sh", RIGHT);
    closed(&subject, "build", BUILD);
    closed(&subject, "deploy", DEPLOY);
    closed(&subject, "iterate", ITERATE);
}

/// A team's own form of a document goes before the built-in one, and what somebody wrote before both.
#[test]
fn drafts_come_from_templates_that_a_project_may_replace() {
    let subject = cart();
    subject.write(".wfl/templates/phases/brief.md.jinja", "# {{ project | md }}\n## Problem\n");
    subject.write("docs/phases/1-frame/features.md", "FEAT-007 mine\n");
    subject.write("docs/phases/1-frame/stories/US-007.md", "mine\n");
    subject.end(&["run", "frame"]).expect_code(3);
    assert_eq!(subject.read("docs/phases/1-frame/brief.md"), "# project\n## Problem\n");
    assert_eq!(subject.read("docs/phases/1-frame/features.md"), "FEAT-007 mine\n");
    assert!(subject.read("docs/phases/1-frame/principles.md").contains("## Principles"));
    let first = subject.root.join("docs/phases/1-frame/stories/US-001.md");
    assert!(!first.exists(), "there is a story already");
}

/// The test phase ends with a red, and the build phase keeps the tests that were red.
#[test]
fn tests_that_pass_before_the_build_or_are_bent_after_stop_it() {
    let subject = cart();
    closed(&subject, "frame", FRAME);
    closed(&subject, "design", DESIGN);
    CODE.iter().for_each(|(path, text)| subject.write(path, text));
    write(&subject, TEST);
    subject.write("src/cart.sh", RIGHT);
    let walk = Walk::begin(&subject, &[&["test"], SET].concat(), 1);
    assert_eq!((walk.status("red").as_str(), walk.status("close-test").as_str()), ("failed", "blocked"));
    subject.write("src/cart.sh", WRONG);
    closed(&subject, "test", TEST);
    write(&subject, BUILD);
    subject.write("tests/cart.sh", "# it(\"adds\")\ntrue\n");
    let walk = Walk::begin(&subject, &[&["build"], SET].concat(), 3);
    assert!(walk.log("tests-kept").contains("tests/cart.sh is not what was seen to fail"));
    subject.write("tests/cart.sh", CODE[0].1);
    subject.write("tests/more.sh", "true\n");
    subject.write("src/cart.sh", RIGHT);
    closed(&subject, "build", BUILD);
}

#[test]
fn a_test_phase_without_tests_does_not_end_and_a_strict_one_needs_ci() {
    let subject = cart();
    let lane =
        |name: &str, strict: &str| format!("lane {name} {{ include std.method.tests-written; {strict} }}\n");
    subject.write("judge.wfl", format!("wfl 1\n{}{}", lane("judge", ""), lane("hard", "gates strict")));
    subject.end(&["run", "judge"]).expect_code(3).says("no test is written yet");
    subject.write("src/lib.rs", "#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {}\n}\n");
    subject.end(&["run", "judge"]).expect_code(0);
    subject.end(&["run", "hard"]).expect_code(3).says("nothing runs the tests on each change");
    subject.write(".gitlab-ci.yml", "test: { script: make test }\n");
    subject.end(&["run", "hard"]).expect_code(0);
}

#[test]
fn what_was_there_for_the_making_does_not_leave_the_build() {
    let subject = cart();
    subject.write("judge.wfl", "wfl 1\nlane judge { include std.method.build-clean }\n");
    CODE.iter().for_each(|(path, text)| subject.write(path, text));
    subject.end(&["run", "judge"]).expect_code(0);
    for aid in [
        "fn a() { dbg!(1); }",
        "    breakpoint()",
        "import pdb; pdb.set_trace()",
        "  debugger;",
        "console.log(1)",
    ] {
        subject.write("src/deep/a.txt", format!("{aid}\n"));
        subject.end(&["run", "judge"]).expect_code(3).says("src/deep/a.txt");
    }
    std::fs::remove_file(subject.root.join("src/deep/a.txt")).expect("it was there");
    std::fs::remove_file(subject.root.join("CHANGELOG.md")).expect("it was there");
    subject.end(&["run", "judge"]).expect_code(3).says("want to know what changed");
}
