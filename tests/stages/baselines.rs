//! Gates against what an earlier run measured, and gates that judge files alone: through the real program.

use serde_json::Value;

use crate::faults::subject::Subject;

/// A gate over a size that must not grow by more than 5 %, in a repository on `main`.
fn sized() -> Subject {
    let subject = Subject::with(
        "gate small {\n  exec \"cp\", \"given.json\", out.report\n  out report = \".wfl/out/size.json\"\n  measure bytes: int = json(out.report, \"/bytes\")\n  measure lines: percent = json(out.report, \"/lines\")\n  \
         require bytes <= (baseline(bytes) ?? bytes) + 10\n  require lines >= (baseline(lines) ?? 50%) * 95%\n}\nlane l { include small }\nlane other { include small }\n",
    );
    subject.commit_all("feat: start");
    subject
}

fn measured(subject: &Subject, bytes: u32, lines: f64, code: i32) -> String {
    subject.write("given.json", format!("{{\"bytes\": {bytes}, \"lines\": {lines}}}"));
    let ended = subject.end(&["run", "l"]).expect_code(code);
    format!("{}{}", ended.out, ended.err)
}

#[test]
fn a_gate_compares_with_the_newest_succeeded_run_of_its_lane() {
    let subject = sized();
    let first = measured(&subject, 100, 80.0, 0);
    assert!(first.contains("no baseline of `bytes`") && first.contains("no baseline of `lines`"), "{first}");
    let second = measured(&subject, 110, 76.0, 0);
    assert!(!second.contains("no baseline"), "{second}");
    // Now 110 and 76 %: 121 is too much, and so is a fall below 95 % of 76 %.
    measured(&subject, 121, 76.0, 3);
    let failed = measured(&subject, 110, 72.0, 3);
    assert!(failed.contains("baseline(small.lines) = 76%"), "{failed}");
    // A failed run sets nothing: 120 is still judged against 110.
    measured(&subject, 120, 76.0, 0);
    let run = subject.newest_run().expect("a run");
    subject.end(&["why", &run, "small"]).expect_code(0).says("baseline(small.bytes) = 110");
}

#[test]
fn another_lane_has_its_own_baseline() {
    let subject = sized();
    measured(&subject, 100, 80.0, 0);
    subject.end(&["run", "other"]).expect_code(0).says("no baseline of `bytes`");
}

#[test]
fn a_branch_is_compared_with_the_base_branch_and_sets_nothing() {
    let subject = sized();
    measured(&subject, 100, 80.0, 0);
    subject.git(&["checkout", "-q", "-b", "feature"]);
    measured(&subject, 110, 80.0, 0);
    measured(&subject, 120, 80.0, 3);
    subject.git(&["checkout", "-q", "main"]);
    measured(&subject, 110, 80.0, 0);
    measured(&subject, 120, 80.0, 0);
}

#[test]
fn a_waived_gate_sets_no_baseline() {
    let subject = Subject::with(
        "gate g {\n  exec \"cp\", \"n.txt\", out.n\n  out n = \".wfl/out/n.txt\"\n  measure n: int = text(out.n)\n  require n <= (baseline(n) ?? n)\n}\n\
         lane l { include g }\n",
    );
    subject.write("n.txt", "5");
    subject.end(&["run", "l"]).expect_code(0);
    let text = subject.read("all.wfl");
    subject.write("all.wfl", text.replace("include g }", "include g; gates { skip g because \"moving\" } }"));
    subject.write("n.txt", "9");
    subject.end(&["run", "l"]).expect_code(0);
    subject.write("all.wfl", text);
    subject.end(&["run", "l"]).expect_code(3).says("baseline(g.n) = 5");
}

#[test]
fn a_run_keeps_the_baseline_it_started_with() {
    let subject = Subject::with(
        "stage ask { exec \"true\" }\ngate g {\n  needs ask\n  exec \"cp\", \"n.txt\", out.n\n  out n = \".wfl/out/n.txt\"\n  measure n: int = text(out.n)\n  require n <= (baseline(n) ?? n)\n}\n\
         lane l { include g; approve 1 from \"leads\" before ask }\n",
    );
    subject.write("n.txt", "5");
    let through = || {
        subject.end(&["run", "l"]).expect_code(4);
        let run = subject.newest_run().expect("a run");
        subject.end(&["approve", &run, "ask"]).expect_code(0);
        run
    };
    let first = through();
    subject.end(&["resume", &first]).expect_code(0);
    let waiting = through();
    let meanwhile = through();
    subject.write("n.txt", "4");
    subject.end(&["resume", &meanwhile]).expect_code(0);
    subject.write("n.txt", "5");
    // Judged against 5, which held when it started, though a run has measured 4 since.
    subject.end(&["resume", &waiting]).expect_code(0);
    // The newest is the one that started last.
    let last = through();
    subject.end(&["resume", &last]).expect_code(3).says("baseline(g.n) = 4");
}

#[test]
fn a_baseline_that_may_be_missing_cannot_be_compared_blindly() {
    let gate = |condition: &str| {
        format!("gate g {{\n  exec \"true\"\n  measure n: int = exit\n  require {condition}\n}}\n")
    };
    for (condition, says) in [
        ("n <= baseline(n)", "may be absent"),
        ("n <= (baseline(m) ?? 3)", "not a measure of this gate"),
        ("n <= (baseline(\"n\") ?? 3)", "not a measure of this gate"),
        ("n <= (baseline(n, 3) ?? 3)", "1 argument"),
    ] {
        let ended = Subject::with(&gate(condition)).end(&["check", "all.wfl"]).expect_code(1);
        ended.says(says);
    }
    let stage = "stage s {\n  exec \"true\"\n  after { require baseline(n) == 3 }\n}\n";
    Subject::with(stage).end(&["check", "all.wfl"]).expect_code(1).says("E215");
    // Equality is false without one, which blocks.
    Subject::with(&gate("n == baseline(n)")).end(&["run", "all.wfl"]).expect_code(3);
}

#[test]
fn a_gate_can_judge_files_alone() {
    let subject = Subject::with(
        "gate tidy {\n  require file.exists(\"LICENSE\")\n  require file.grep(\"src/**/*.rs\", \"TODO\") <= 1\n  require file.grep(\"LICENSE\", \"^MIT$\") == 1\n}\nstage s { needs tidy; exec \"true\" }\n",
    );
    subject.write("LICENSE", "MIT\r\nMIT License\n");
    subject.write("src/a.rs", "// TODO one\nfn a() {}\n");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    subject.write("src/b/c.rs", "// TODO TODO\n");
    let ended = subject.end(&["run", "all.wfl"]).expect_code(3);
    ended.says("file.grep(\"src/**/*.rs\", \"TODO\") = 2");
    let run = subject.newest_run().expect("a run");
    assert_eq!(subject.statuses(&run)["s"], "blocked");
}

#[test]
fn a_count_of_no_file_is_no_pass() {
    let subject = Subject::with("gate g { require file.grep(\"scr/*.rs\", \"TODO\") == 0 }\n");
    subject.end(&["run", "all.wfl"]).expect_code(3).says("no file matches scr/*.rs");
    let subject = Subject::with("gate g { require file.grep(\"gone.txt\", \"TODO\") == 0 }\n");
    subject.end(&["run", "all.wfl"]).expect_code(3).says("gone.txt");
    let run = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    assert_eq!(shown["run"]["status"], Value::from("gate-failed"));
}

#[test]
fn a_gate_that_runs_nothing_reads_only_outputs_of_what_it_needs() {
    let stale = "gate g { measure n: int = text(\"n.txt\"); require n == 0 }\n";
    Subject::with(stale).end(&["check", "all.wfl"]).expect_code(1).says("left over from before");
    Subject::with("gate g { require 1 == 1 }\n")
        .end(&["check", "all.wfl"])
        .expect_code(1)
        .says("looks at nothing");
    let subject = Subject::with(
        "stage build {\n  run sh \"\"\"\n    echo 7 > \"$N\"\n    \"\"\"\n  env { N = out.n }\n  out n = \"n.txt\"\n}\n\
         gate g { needs build; measure n: int = text(build.n); require n == 7 }\n",
    );
    subject.end(&["run", "all.wfl"]).expect_code(0);
}
