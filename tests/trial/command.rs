//! `wfl test` as a command: exit codes, formats, and that nothing real happens.

use serde_json::Value;

use crate::faults::subject::Subject;

const LANE: &str = r#"
secret token = env("TOKEN")
stage make {
  before { require file.exists("all.wfl") }
  env { TOKEN = token }
  run """
    touch made
    """
  out text: string = text("made")
  finally { exec "touch", "finally" }
  repeatable
}
stage here { when (env("HERE") ?? "no") == "yes" or project.has("all.wfl"); exec "touch", "here" }
lane l { include make, here; finally { exec "touch", "lane" } }
"#;

fn with(tests: &str) -> Subject {
    Subject::with(&format!("{LANE}{tests}"))
}

const GOOD: &str =
    "test \"good\" { lane l; expect run.status == \"succeeded\"; expect stage.here.state == \"skipped\" }\n";
const BAD: &str = "test \"bad & <odd>\" { lane l; expect run.status != \"succeeded\" }\n";
const ODD: &str = "test \"odd\" { lane l; mock stage.make { exit 999 }; expect run.exit == 0 }\n";

#[test]
fn nothing_runs_and_neither_files_nor_environment_are_read() {
    let subject = with(GOOD);
    let mut command = subject.wfl(&["test"]);
    command.env("HERE", "yes").env("TOKEN", "t0ken");
    let ended = subject.end_of(command).expect_code(0);
    assert_eq!(ended.out, "all.wfl\ntest good ... ok\ntest result: ok. 1 passed, 0 failed, 0 not playable\n");
    for file in ["made", "finally", "lane", "here"] {
        assert!(!subject.root.join(file).exists(), "{file} was made");
    }
    assert!(!subject.state.exists(), "a state was made");
}

#[test]
fn the_exit_code_tells_passed_failed_and_not_playable_apart() {
    with(GOOD).end(&["test"]).expect_code(0);
    with(&format!("{GOOD}{BAD}")).end(&["test"]).expect_code(1).says("1 passed, 1 failed, 0 not playable");
    with(&format!("{GOOD}{BAD}{ODD}"))
        .end(&["test"])
        .expect_code(2)
        .says("1 passed, 1 failed, 1 not playable");
}

#[test]
fn an_expectation_turned_round_turns_the_test_red() {
    for expect in [r#"stage.make.state == "succeeded""#, "run.exit == 0", r#"stage.here.state == "skipped""#]
    {
        let test = |expect: &str| format!("test \"t\" {{ lane l; expect {expect} }}\n");
        with(&test(expect)).end(&["test"]).expect_code(0);
        with(&test(&format!("not ({expect})")))
            .end(&["test"])
            .expect_code(1)
            .says("error[E957]: expected `not (");
    }
}

#[test]
fn a_failure_shows_its_place_and_both_sides() {
    let ended = with(BAD).end(&["test"]).expect_code(1);
    let wanted = "
error[E957]: expected `run.status != \"succeeded\"`, but run.status is \"succeeded\"
    ╭─[all.wfl:16:37]
 15 │ lane l { include make, here; finally { exec \"touch\", \"lane\" } }
 16 │ test \"bad & <odd>\" { lane l; expect run.status != \"succeeded\" }
    ·                                     ─────────────────────────
    ╰────

test result: FAILED. 0 passed, 1 failed, 0 not playable
";
    assert!(ended.out.ends_with(wanted), "{}", ended.out);
}

#[test]
fn without_tests_that_is_said() {
    let ended = with("").end(&["test"]).expect_code(0).says("no tests: write `test");
    assert_eq!(ended.out, "");
    with(GOOD)
        .end(&["test", "--filter", "zzz"])
        .expect_code(0)
        .says("no test's name holds \"zzz\"; there are 1");
    with(&format!("{GOOD}{BAD}"))
        .end(&["test", "--filter", "goo"])
        .expect_code(0)
        .says("1 passed, 0 failed, 0 not playable, 1 filtered out");
}

#[test]
fn errors_of_a_file_are_shown_and_its_tests_are_not_played() {
    let subject = with(GOOD);
    subject.write(
        "wrong.wfl",
        "wfl 1\nstage w { exce \"x\" }\nlane w { include w }\ntest \"w\" { lane w; expect run.exit == 0 }\n",
    );
    let ended = subject.end(&["test"]).expect_code(2);
    for part in [
        "test good ... ok",
        "test w ... ERROR",
        "error[E101]: `exce` is not a keyword in a stage",
        "1 passed, 0 failed, 1 not playable",
    ] {
        assert!(ended.out.contains(part), "{part} in\n{}", ended.out);
    }
    let mut lines = ended.out.lines();
    assert_eq!(lines.clone().filter(|line| line.contains("E101")).count(), 1, "once");
    assert!(lines.any(|line| line.starts_with("test result: FAILED")));
    // A file whose test block itself is lost must not look like one without tests.
    let lost = Subject::with("lane l { include nothing }\n");
    lost.end(&["test"]).expect_code(2).says("E202");
}

#[test]
fn json_holds_tests_findings_and_coverage() {
    let subject = with(&format!("{GOOD}{BAD}{ODD}"));
    let ended = subject.end(&["test", "--format", "json", "--coverage", "--verbose"]).expect_code(2);
    let report: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(report["summary"], serde_json::json!({"passed": 1, "failed": 1, "errors": 1, "filtered": 0}));
    let statuses: Vec<&str> =
        report["tests"].as_array().unwrap().iter().map(|test| test["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["passed", "failed", "error"]);
    let bad = &report["tests"][1];
    assert_eq!((bad["lane"].as_str(), bad["expectations"].as_u64()), (Some("l"), Some(1)));
    assert_eq!(bad["findings"][0]["code"], "E957");
    assert_eq!(
        bad["findings"][0]["message"],
        "expected `run.status != \"succeeded\"`, but run.status is \"succeeded\""
    );
    assert_eq!(bad["trail"].as_array().map(|steps| steps.is_empty()), Some(false));
    let lane = &report["coverage"]["files"][0]["lanes"][0];
    assert_eq!((lane["tests"].as_u64(), lane["stages_carried_out"].as_u64()), (Some(2), Some(1)));
    assert_eq!(lane["branches_taken"].as_u64(), Some(1));
}

#[test]
fn junit_is_well_formed_and_counts() {
    let subject =
        with(&format!("{GOOD}{BAD}{ODD}test \"bell \\u{{7}}\" {{ lane l; expect run.exit == 0 }}\n"));
    let ended = subject.end(&["test", "--format", "junit"]).expect_code(2);
    let mut reader = quick_xml::Reader::from_str(&ended.out);
    let (mut cases, mut failures, mut errors, mut names) = (0, 0, 0, Vec::new());
    loop {
        use quick_xml::events::Event;
        match reader.read_event().expect("well-formed") {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "testcase" => {
                    cases += 1;
                    let name = tag.try_get_attribute("name").unwrap().expect("a name");
                    names.push(name.value.into_owned());
                }
                "failure" => failures += 1,
                "error" => errors += 1,
                _ => {}
            },
            _ => {}
        }
    }
    assert_eq!((cases, failures, errors), (4, 1, 1), "{}", ended.out);
    assert_eq!(names, ["good", "bad &amp; &lt;odd&gt;", "odd", "bell \u{fffd}"]);
    assert!(ended.out.contains("<testsuite name=\"all.wfl\" tests=\"4\" failures=\"1\" errors=\"1\">"));
}

#[test]
fn coverage_is_a_table_that_says_what_is_missing() {
    let ended = with(GOOD).end(&["test", "--coverage"]).expect_code(0);
    let wanted = "
coverage of all.wfl
lane l: 1 test, 1 of 2 stages carried out, 1 of 3 branches taken
  make    carried out
  here    skipped      when false; missing: when true
  (lane)               missing: on-failure
";
    assert!(ended.out.contains(wanted), "{}", ended.out);
}

#[test]
fn a_thousand_tests_of_a_file_are_played() {
    let tests: String = (0..1_000)
        .map(|at| format!("test \"t{at}\" {{ lane l; mock stage.make {{ takes {at}h }}; expect lane.duration == {at}h }}\n"))
        .collect();
    with(&tests).end(&["test"]).expect_code(0).says("1000 passed, 0 failed, 0 not playable");
}
