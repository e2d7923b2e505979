//! What failed attempts are called, which of them are tried again, and failures that users inject.

use serde_json::Value;

use super::subject::Subject;

/// The attempts of the newest run's stages, by stage.
fn attempts(subject: &Subject, stage: &str) -> Vec<Value> {
    let run = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    let stages = shown["stages"].as_array().cloned().unwrap_or_default();
    let found = stages.into_iter().find(|row| row["name"] == stage);
    found.and_then(|row| row["attempts"].as_array().cloned()).unwrap_or_default()
}

fn words(attempts: &[Value], field: &str) -> Vec<String> {
    attempts.iter().map(|attempt| attempt[field].as_str().unwrap_or("none").to_string()).collect()
}

const EACH: &str = "\
stage exits { exec \"sh\", \"-c\", \"exit 3\" }
stage signalled { exec \"sh\", \"-c\", \"kill -SEGV $$\" }
stage slow { timeout 100ms; exec \"sleep\", \"60\" }
stage missing { exec \"no-such-program\" }
stage nothing { out f = \"dist/f\"; exec \"true\" }
stage wrong { exec \"true\"; after { require file.exists(\"never\") } }
stage template { render \"out.md\" from \"no.jinja\" { a = 1 } }
stage good { exec \"true\" }
";

#[test]
fn each_failure_has_its_class() {
    let subject = Subject::with(EACH);
    subject.end(&["run", "all.wfl", "--keep-going"]);
    let class = |stage: &str| words(&attempts(&subject, stage), "class").join(" ");
    for (stage, expected) in [
        ("exits", "exit"),
        ("signalled", "signal"),
        ("slow", "timeout"),
        ("missing", "not-started"),
        ("nothing", "output-missing"),
        ("wrong", "condition"),
        ("template", "render"),
        ("good", "none"),
    ] {
        assert_eq!(class(stage), expected, "{stage}");
    }
    let refused = &attempts(&subject, "nothing")[0];
    assert_eq!(refused["status"], "failed", "{refused}");
    let run = subject.newest_run().expect("a run");
    subject.end(&["why", &run, "missing"]).expect_code(0).says("[not-started, permanent]");
    subject.end(&["why", &run, "nothing"]).expect_code(0).says("[output-missing]");
}

const TRIED: &str = "retry { attempts 3; backoff constant(1ms) }";

#[test]
fn what_is_sure_to_fail_again_is_not_tried_again() {
    let subject = Subject::with(&format!(
        "stage gone {{ {TRIED}; exec \"no-such-program\" }}\nstage bad {{ {TRIED}; exec \"false\" }}\n\
         stage nothing {{ {TRIED}; out f = \"dist/f\"; exec \"true\" }}\n\
         stage asked {{ retry {{ attempts 3; backoff constant(1ms); when not timed-out }}; exec \"no-such-program\" }}\n"
    ));
    subject.end(&["run", "all.wfl", "--keep-going"]).expect_code(1);
    let tried = |stage: &str| attempts(&subject, stage).len();
    assert_eq!(tried("gone"), 1);
    let run = subject.newest_run().expect("a run");
    subject.end(&["why", &run, "gone"]).says("not retried: not-started is permanent");
    // The twins: any other failure is, and a policy's own condition outranks the class.
    assert_eq!((tried("bad"), tried("nothing"), tried("asked")), (3, 3, 3));
}

/// A run with `WFL_INJECT`.
fn injected(subject: &Subject, inject: &str, code: i32) -> super::subject::Ended {
    let mut command = subject.wfl(&["run", "all.wfl", "--output", "prefixed"]);
    command.env("WFL_INJECT", inject);
    subject.end_of(command).expect_code(code)
}

/// Leaves a line each time it is really executed.
fn witnessed() -> Subject {
    Subject::with(&format!(
        "stage a {{ {TRIED}; run sh \"\"\"\n  echo \"ran ${{WFL_INJECT:-}}\" >> witness\n  \"\"\"; finally {{ exec \"sh\", \"-c\", \"echo tidied >> witness\" }} }}\n\
         stage b {{ needs a; matrix {{ n = [1, 2] }}; exec \"true\" }}\n"
    ))
}

#[test]
fn an_injected_failure_is_recorded_shown_and_never_executed() {
    let subject = witnessed();
    let ended = injected(&subject, "a:timeout:1,a:exit-7:1", 0);
    assert!(ended.err.contains("failure injected by WFL_INJECT: timeout"), "{}", ended.err);
    let tried = attempts(&subject, "a");
    assert_eq!(words(&tried, "class"), ["timeout", "exit", "none"]);
    assert_eq!(words(&tried, "status"), ["timed-out", "failed", "succeeded"]);
    assert_eq!(tried.iter().map(|one| one["injected"] == true).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(tried[1]["exit"], 7);
    assert_eq!(subject.read("witness"), "ran \ntidied\n", "executed once, and told nothing of it");
    let run = subject.newest_run().expect("a run");
    subject.end(&["logs", &run, "a"]).expect_code(0).says("failure injected by WFL_INJECT: exit, exit 7");
    subject.end(&["why", &run, "a"]).expect_code(0).says("[timeout, transient, injected]");
    // The twin: without the variable the first attempt is the last.
    let plain = witnessed();
    injected(&plain, "", 0);
    assert_eq!(words(&attempts(&plain, "a"), "class"), ["none"]);
}

#[test]
fn a_failure_can_be_injected_until_the_tries_run_out() {
    let subject = witnessed();
    injected(&subject, "a:transient:9", 1);
    assert_eq!(attempts(&subject, "a").len(), 3);
    assert_eq!(subject.read("witness"), "tidied\n", "only its `finally` was executed");
    let subject = witnessed();
    injected(&subject, "a:permanent:9", 1);
    assert_eq!(attempts(&subject, "a").len(), 1);
    let subject = witnessed();
    injected(&subject, "b[n=2]:signal:1", 1);
    assert_eq!(words(&attempts(&subject, "b[n=1]"), "class"), ["none"]);
    assert_eq!(words(&attempts(&subject, "b[n=2]"), "class"), ["signal"]);
}

#[test]
fn an_injection_that_names_nothing_is_refused_before_anything_starts() {
    for (inject, said) in [
        ("aa:exit:1", "the run has no stage `aa`"),
        ("a:exti:1", "did you mean `exit`?"),
        ("a:exit:0", "no number from 1"),
        ("a", "STAGE:CLASS:COUNT"),
    ] {
        let subject = witnessed();
        injected(&subject, inject, 2).says(said).says("E960");
        assert!(subject.newest_run().is_none() && subject.read("witness").is_empty(), "{inject}");
    }
}
