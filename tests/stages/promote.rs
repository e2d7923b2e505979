//! `wfl run --promote RUN`: what an experiment did well is taken, what it left out runs; never on files that were changed since.

use super::projects::{MAKE, changed, run};
use crate::faults::subject::Subject;

/// A run of `experimental` with everything committed, and its id.
fn experiment() -> (Subject, String) {
    let subject = changed(&MAKE, "fix/x", "fix: check more");
    run(&subject, &["experimental"]).0.expect_code(0);
    let run = subject.newest_run().expect("a run");
    (subject, run)
}

fn status(subject: &Subject, stage: &str) -> String {
    let run = subject.newest_run().expect("a run");
    subject.statuses(&run).remove(stage).unwrap_or_default()
}

#[test]
fn what_was_done_is_taken_and_what_was_left_out_runs() {
    let (subject, first) = experiment();
    subject.end(&["run", "--promote", &first]).expect_code(0).says("6 of its results are taken");
    for (stage, wanted) in
        [("tests", "reused"), ("review", "reused"), ("archive", "succeeded"), ("pull-request", "succeeded")]
    {
        assert_eq!(status(&subject, stage), wanted, "{stage}");
    }
    let shown = subject.json(&["show", "last", "--format", "json"]);
    assert_eq!(shown["run"]["lane"], "standard");
}

#[test]
fn a_stricter_lane_judges_again_what_it_judges_otherwise() {
    let (subject, first) = experiment();
    subject.end(&["run", "heavy", "--promote", &first]).expect_code(0);
    assert_eq!(
        (status(&subject, "setup").as_str(), status(&subject, "tests").as_str()),
        ("reused", "succeeded")
    );
}

#[test]
fn nothing_is_taken_once_a_file_was_changed() {
    let (subject, first) = experiment();
    subject.write("check.sh", "test 3 = 3\n");
    subject.end(&["run", "--promote", &first]).expect_code(0).says("check.sh was changed since");
    assert_eq!(status(&subject, "tests"), "succeeded");

    let (subject, first) = experiment();
    subject.write("new-test", "x\n");
    subject.end(&["run", "--promote", &first]).expect_code(0).says("other files are changed now");
    assert_eq!(status(&subject, "tests"), "succeeded");

    let (subject, first) = experiment();
    subject.write(".wfl/out/changes/fix/x/tests.json", "{}");
    subject.end(&["run", "--promote", &first]).expect_code(0);
    assert_eq!(
        (status(&subject, "tests").as_str(), status(&subject, "setup").as_str()),
        ("succeeded", "reused")
    );
}

#[test]
fn what_is_done_once_is_not_done_twice() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  echo x >> log\n  \"\"\"\n  once }\nstage b { exec \"true\" }\nlane small { extends full; exclude b because \"later\" }\nlane full { include a, b }\n",
    );
    subject.commit_all("chore: start");
    subject.write(".git/info/exclude", "log\n");
    subject.end(&["run", "small"]).expect_code(0);
    subject.end(&["run", "--promote", "last"]).expect_code(0);
    assert_eq!(subject.read("log"), "x\n", "taken");
    subject.end(&["run", "small"]).expect_code(0);
    let run = subject.newest_run().expect("a run");
    subject.write("all.wfl", subject.read("all.wfl") + "# more\n");
    subject.end(&["run", "--promote", &run]).expect_code(2).says("would do it once more");
    assert_eq!(subject.read("log"), "x\nx\n");
}

#[test]
fn a_lane_above_must_be_known_and_the_run_over() {
    let subject = Subject::with(
        "stage a { exec \"true\" }\nlane one { include a }\nlane asks { include a; approve 1 from \"people\" before a }\n",
    );
    subject.commit_all("chore: start");
    subject.end(&["run", "--promote", "last"]).expect_code(2).says("no runs yet");
    subject.end(&["run", "one"]).expect_code(0);
    subject.end(&["run", "--promote", "last"]).expect_code(2).says("name the lane");
    subject.end(&["run", "asks", "--promote", "last"]).expect_code(4);
    subject.end(&["run", "one", "--promote", "last"]).expect_code(2).says("has not ended");
    subject.end(&["run", "one", "--promote", "last", "--only", "a"]).expect_code(2);
}
