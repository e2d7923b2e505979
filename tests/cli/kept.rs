//! What a run left and a later command relies on: outputs compared on resume, kept copies, results after `kill -9`,
//! what `--only` and `--dry-run` say, what `clean` removes.

use std::time::Duration;

use super::committed;
use crate::faults::subject::Subject;

/// `build` leaves a file without declaring inputs; the run then waits for a person.
fn waiting(build: &str) -> Subject {
    let subject = committed(&format!(
        "project {{ group \"managers\" {{ member \"ada@team.example\" }} }}\n\
         stage build {{ {build} }}\n\
         stage ship {{ needs build; exec \"cp\", build.app, \"shipped\" }}\n\
         lane release {{ include ship; approve 1 from \"managers\" before ship }}\n"
    ));
    subject.end(&["run", "release"]).expect_code(4);
    subject
}

const BUILD: &str = "exec \"sh\", \"-c\", \"echo x >> builds; echo app > out/app\"; out app = \"out/app\"";

/// Approves, resumes, and gives how often `build` ran and why it did.
fn resumed(subject: &Subject) -> (usize, String) {
    let run = subject.newest_run().expect("a run");
    subject.end(&["approve", &run, "ship"]);
    subject.end(&["resume", &run]);
    let why = subject.json(&["why", &run, "build", "--format", "json"])["answer"].to_string();
    (subject.read("builds").lines().count(), why)
}

#[test]
fn a_finished_stage_whose_output_is_as_it_was_is_kept() {
    let subject = waiting(BUILD);
    subject.write("out/app", "app\n");
    let (builds, _) = resumed(&subject);
    assert_eq!((builds, subject.read("shipped").as_str()), (1, "app\n"));
}

#[test]
fn a_finished_stage_whose_output_changed_or_vanished_runs_again_and_says_why() {
    let subject = waiting(BUILD);
    subject.write("out/app", "tampered\n");
    let (builds, why) = resumed(&subject);
    assert!(builds == 2 && why.contains("its output out/app was changed"), "{why}");
    let subject = waiting(BUILD);
    std::fs::remove_file(subject.root.join("out/app")).expect("an output");
    let (builds, why) = resumed(&subject);
    assert!(builds == 2 && why.contains("its output out/app is not there any more"), "{why}");
}

#[test]
fn a_kept_copy_is_brought_back_on_resume() {
    let subject = waiting(&format!("{BUILD} {{ keep 1d }}"));
    std::fs::remove_file(subject.root.join("out/app")).expect("an output");
    let (builds, _) = resumed(&subject);
    assert_eq!((builds, subject.read("shipped").as_str()), (1, "app\n"));
}

#[test]
fn what_may_run_once_never_runs_again_for_its_output() {
    let subject = waiting(&format!("once; {BUILD}"));
    std::fs::remove_file(subject.root.join("out/app")).expect("an output");
    assert_eq!(resumed(&subject).0, 1);
}

#[test]
fn what_an_idempotent_stage_started_with_must_stay() {
    let subject = committed(&format!(
        "stage build {{ {BUILD} }}\n\
         stage ship {{ needs build; idempotent by \"k\"; exec \"test\", \"-e\", \"good\" }}\n"
    ));
    subject.end(&["run", "all.wfl"]).expect_code(1);
    subject.write("good", "");
    std::fs::remove_file(subject.root.join("out/app")).expect("an output");
    subject.end(&["resume", "last"]).expect_code(2).says("out/app is not there any more");
    subject.write("out/app", "app\n");
    subject.end(&["resume", "last"]).expect_code(0);
    assert_eq!(subject.read("builds"), "x\n");
}

const SLOW: &str = "\
stage gen { inputs \"src/**\"; exec \"sh\", \"-c\", \"echo x > out/gen; echo x >> ran; sleep $(cat nap)\"; out o = \"out/gen\" }
";

/// How often the stage ran after a run that is killed while it naps, or not killed, and a second run.
fn runs_after(killed: bool) -> usize {
    let subject = committed(SLOW);
    subject.write("src/a", "a");
    subject.write("nap", if killed { "60" } else { "0" });
    let mut engine = subject.wfl(&["run", "all.wfl"]).spawn().expect("wfl starts");
    while subject.read("ran").is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    if killed {
        engine.kill().expect("it runs");
    }
    engine.wait().expect("a child");
    subject.write("nap", "0");
    subject.end(&["run", "all.wfl", "--verify-reuse", "0"]).expect_code(0);
    if killed {
        subject.end(&["cancel", &second_newest(&subject)]);
    }
    subject.read("ran").lines().count()
}

fn second_newest(subject: &Subject) -> String {
    subject.json(&["runs", "--format", "json"])[1]["id"].as_str().expect("two runs").to_owned()
}

#[test]
fn outputs_of_a_killed_engine_are_not_taken_for_a_result() {
    assert_eq!(runs_after(true), 2, "what was never recorded is not reused");
    assert_eq!(runs_after(false), 1, "the twin: what was recorded is");
}

#[test]
fn a_stage_left_out_is_compared_by_content_too() {
    let lane = "stage gen { inputs \"src/**\"; exec \"sh\", \"-c\", \"echo x > out/gen\"; out o = \"out/gen\" }\n\
                stage use { needs gen; exec \"cat\", gen.o }\n";
    let subject = committed(lane);
    subject.write("src/a", "a");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    for _ in 0..2 {
        subject.end(&["run", "all.wfl", "--only", "use"]).expect_code(0);
    }
    subject.write("out/gen", "tampered");
    subject.end(&["run", "all.wfl", "--only", "use"]).expect_code(2).says("out/gen was changed");
    subject.write("all.wfl", format!("wfl 1\n{}", lane.replace("out/gen\" }", "out/gen\" { keep 1d } }")));
    subject.end(&["run", "all.wfl", "--fresh"]).expect_code(0);
    subject.write("out/gen", "tampered");
    subject.end(&["run", "all.wfl", "--only", "use"]).expect_code(0);
    assert_eq!(subject.read("out/gen"), "x\n", "brought back from the copy");
}

#[test]
fn a_dry_run_says_what_would_be_reused_and_touches_nothing() {
    let subject = committed(
        "stage gen { inputs \"src/**\"; exec \"sh\", \"-c\", \"echo x > out/gen\"; out o = \"out/gen\" { keep 1d } }\n\
         stage use { needs gen; inputs \"src/**\"; exec \"cat\", gen.o }\n",
    );
    subject.write("src/a", "a");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    let run = subject.newest_run().expect("a run");
    std::fs::remove_file(subject.root.join("out/gen")).expect("an output");
    let dry = || subject.end(&["run", "all.wfl", "--dry-run"]).expect_code(0);
    dry().says(&format!("would reuse the result of run {run}"));
    assert!(!subject.root.join("out/gen").exists());
    subject.write("src/a", "b");
    dry().says("would run: `inputs` changed: src/a").says("it reads `gen.o`, and `gen` would run");
}

fn copies(subject: &Subject) -> usize {
    walkdir::WalkDir::new(subject.state.join("contents")).min_depth(2).into_iter().count()
}

#[test]
fn clean_removes_copies_that_no_run_refers_to_or_whose_time_is_over() {
    let subject = committed(&format!("stage build {{ {BUILD} {{ keep 1d }} }}\n"));
    subject.end(&["run", "all.wfl"]).expect_code(0);
    subject.end(&["clean"]).expect_code(0);
    assert_eq!(copies(&subject), 1, "it is wanted still");
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    database.execute("update kept set until = 1", []).expect("a change");
    subject.end(&["clean", "--dry-run"]).expect_code(0).says("1 kept copy");
    assert_eq!(copies(&subject), 1);
    subject.end(&["clean"]).expect_code(0).says("1 kept copy");
    assert_eq!(copies(&subject), 0);
    subject.end(&["run", "all.wfl"]).expect_code(0);
    assert_eq!(copies(&subject), 1);
    database.execute("update run set started = 1, finished = 1", []).expect("a change");
    subject.end(&["clean"]).expect_code(0);
    assert_eq!(copies(&subject), 0, "its runs are gone");
}

/// A report, a stage that may edit it, and a gate that reads it.
fn judged(editor: &str) -> Subject {
    let subject = committed(&format!(
        "stage cover {{ exec \"sh\", \"-c\", \"echo 90 > out/cov\"; out report = \"out/cov\" }}\n\
         stage edit {{ follows cover; exec {editor} }}\n\
         gate lines {{ needs cover; follows edit; exec \"true\"\n\
           measure n: int = text(cover.report); require n >= 70 }}\n"
    ));
    subject.end(&["run", "all.wfl"]);
    subject
}

#[test]
fn a_report_edited_after_the_stage_that_left_it_is_not_judged() {
    let status = |subject: &Subject| subject.statuses(&subject.newest_run().expect("a run"))["lines"].clone();
    let edited = judged("\"sh\", \"-c\", \"echo 99 > out/cov\"");
    assert_eq!(status(&edited), "failed");
    edited.end(&["why", "last", "lines"]).says("out/cov was changed since `cover` left it");
    assert_eq!(status(&judged("\"true\"")), "succeeded");
}
