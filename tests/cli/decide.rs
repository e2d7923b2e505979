//! What people decide: approvals, refusals, confirmations, cancelling, and what became of an interrupted `once` stage.

use super::{APPROVED, committed};
use crate::faults::subject::Subject;

#[test]
fn an_approval_lets_the_run_go_on() {
    let subject = committed(APPROVED);
    subject.end(&["run", "release"]).expect_code(4).says("wfl approve");
    assert!(!subject.root.join("shipped").exists());
    subject.end(&["resume", "last"]).expect_code(4);
    subject.end(&["approve", "last", "ship", "--comment", "go"]).expect_code(0).says("ada@team.example");
    subject.end(&["resume", "last"]).expect_code(0);
    assert!(subject.root.join("shipped").exists());
    subject.end(&["why", "last", "ship"]).expect_code(0).says("approved by ada@team.example: go");
}

#[test]
fn a_rejection_fails_the_run() {
    let subject = committed(APPROVED);
    subject.end(&["run", "release"]).expect_code(4);
    subject.end(&["approve", "last", "ship", "--reject", "--comment", "not today"]).expect_code(0);
    subject.end(&["resume", "last"]).expect_code(1).says("not today");
    assert!(!subject.root.join("shipped").exists());
}

#[test]
fn only_members_approve_and_only_what_waits() {
    let subject = committed(APPROVED);
    subject.end(&["run", "release"]).expect_code(4);
    subject.end(&["approve", "last", "build"]).expect_code(2).says("waiting for approval: ship");
    subject.git(&["config", "user.email", "bob@team.example"]);
    subject.end(&["approve", "last", "ship"]).expect_code(2).says("not a member");
    subject.end(&["resume", "last"]).expect_code(4);
}

#[test]
fn yes_approves_nothing() {
    let subject = committed(APPROVED);
    subject.end(&["run", "release", "--yes"]).expect_code(4);
}

#[test]
fn a_waiting_run_can_be_cancelled_and_then_has_ended() {
    let subject = committed(APPROVED);
    subject.end(&["run", "release"]).expect_code(4);
    subject.end(&["cancel", "last"]).expect_code(0);
    let run = subject.newest_run().expect("a run");
    assert_eq!(subject.json(&["show", &run, "--format", "json"])["run"]["status"], "cancelled");
    subject.end(&["cancel", "last"]).expect_code(2).says("already ended");
    assert!(!subject.root.join("shipped").exists());
}

#[test]
fn a_live_run_is_cancelled_by_its_own_engine() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  echo on > started\n  while :; do sleep 0.05; done\n  \"\"\" }\n",
    );
    let mut run = subject.wfl(&["run", "all.wfl"]).spawn().expect("wfl starts");
    while !subject.root.join("started").exists() {
        std::thread::yield_now();
    }
    subject.end(&["cancel", "last"]).expect_code(0);
    let code = run.wait().expect("an end").code();
    assert_eq!(code, Some(1));
    let newest = subject.newest_run().expect("a run");
    assert_eq!(subject.statuses(&newest)["a"], "cancelled");
}

#[test]
fn a_confirmation_is_answered_by_yes_and_skipped_when_nobody_is_there() {
    let subject = Subject::with("stage a { confirm \"Really?\"; exec \"touch\", \"done\" }\n");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    assert!(!subject.root.join("done").exists());
    assert_eq!(subject.statuses(&subject.newest_run().expect("a run"))["a"], "skipped");
    subject.end(&["run", "all.wfl", "--yes"]).expect_code(0);
    assert!(subject.root.join("done").exists());
}

#[test]
fn a_failed_once_stage_is_asked_about() {
    let subject =
        Subject::with("stage a { once; run sh \"\"\"\n  echo x >> times; [ -e good ]\n  \"\"\" }\n");
    subject.end(&["run", "all.wfl"]);
    subject.end(&["resume", "last"]).expect_code(4).says("--rerun a").says("--mark-done a");
    assert_eq!(subject.read("times"), "x\n");
    subject.write("good", "");
    subject.end(&["resume", "last", "--rerun", "a"]).expect_code(0);
    assert_eq!(subject.read("times"), "x\nx\n");
}

#[test]
fn a_once_stage_marked_done_is_not_run_again() {
    let subject = Subject::with(
        "stage a { once; run sh \"\"\"\n  echo x >> times; exit 1\n  \"\"\" }\nstage b { needs a; exec \"touch\", \"after\" }\n",
    );
    subject.end(&["run", "all.wfl"]);
    subject.end(&["resume", "last", "--mark-done", "a"]).expect_code(0);
    assert_eq!(subject.read("times"), "x\n");
    assert!(subject.root.join("after").exists());
}

#[test]
fn of_two_approvers_one_is_not_enough_and_the_same_one_counts_once() {
    let two = APPROVED.replace("approve 1 ", "approve 2 ");
    let subject = committed(&two.replace("example\" }", "example\"; member \"bob@team.example\" }"));
    subject.end(&["run", "release"]).expect_code(4);
    for _ in 0..2 {
        subject.end(&["approve", "last", "ship"]).expect_code(0);
        subject.end(&["resume", "last"]).expect_code(4).says("waits for 2 approvals").says("1 given");
    }
}

#[test]
fn a_once_stage_that_failed_is_offered_what_resume_will_accept() {
    let subject = Subject::with("stage ship { once; exec \"false\" }\n");
    let ended = subject.end(&["run", "all.wfl"]).expect_code(1).says("--rerun ship").says("--mark-done ship");
    assert!(!ended.err.trim_end().ends_with(&subject.newest_run().unwrap_or_default()), "{}", ended.err);
    subject.end(&["resume", "last"]).expect_code(4);
    subject.end(&["resume", "last", "--mark-done", "ship"]).expect_code(0);
}

#[test]
fn the_advice_about_a_list_that_may_be_absent_can_be_followed() {
    let text = "stage a { matrix { n = [1, 2] }; exec \"touch\", out.f; out f = f\"f{n}\" }\nstage b { needs a; exec \"ls\", ...a.f }\n";
    let subject = Subject::with(text);
    let advice = "...(a.f ?? [])";
    subject.end(&["check"]).expect_code(1).says(advice);
    subject.write("all.wfl", format!("wfl 1\n{}", text.replace("...a.f", advice)));
    subject.end(&["run", "all.wfl"]).expect_code(0);
}
