//! `wfl check`: formats, exit codes, fixes.

use serde_json::{Value, json};

use crate::faults::subject::Subject;

#[test]
fn json_has_the_contract_s_keys_and_counts_columns_in_characters() {
    let subject = Subject::with("stage é { exec \"true\" }\nstage a { neds b; exec \"true\" }\n");
    let ended = subject.end(&["check", "all.wfl", "--format", "json"]).expect_code(1);
    let report: Value = serde_json::from_str(&ended.out).expect("one JSON document");
    let found = report["diagnostics"].as_array().expect("a list");
    assert!(!found.is_empty());
    for diagnostic in found {
        let keys: Vec<&str> = diagnostic.as_object().expect("an object").keys().map(String::as_str).collect();
        for key in [
            "code",
            "name",
            "severity",
            "message",
            "file",
            "line",
            "column",
            "end_line",
            "end_column",
            "help",
            "related",
        ] {
            assert!(keys.contains(&key), "{key} is missing in {keys:?}");
        }
    }
    let keyword = found.iter().find(|one| one["code"] == "E101").expect("the unknown keyword");
    assert_eq!((&keyword["line"], &keyword["column"]), (&json!(3), &json!(11)));
    assert_eq!(keyword["file"], "all.wfl");
}

#[test]
fn a_safe_fix_is_written_and_the_rest_is_still_shown() {
    let subject = Subject::new();
    subject.write("old.wfl", "stage a { exec \"true\" }\n");
    subject.end(&["check", "old.wfl"]).expect_code(0).says("W008");
    assert!(!subject.read("old.wfl").contains("wfl 1"), "a check without --fix writes nothing");
    let fixed = subject.end(&["check", "old.wfl", "--fix"]).expect_code(0).says("fixed old.wfl");
    assert!(!fixed.out.contains("W008"), "{}", fixed.out);
    assert!(subject.read("old.wfl").starts_with("wfl 1"));
}

#[test]
fn a_missing_file_is_a_matter_of_usage() {
    Subject::new().end(&["check", "nowhere.wfl"]).expect_code(2).says("there is no such file");
}

#[test]
fn data_goes_to_standard_output_and_colour_only_where_asked_for() {
    let subject = Subject::with("stage a { neds b; exec \"true\" }\n");
    let plain = subject.end(&["check", "all.wfl"]).expect_code(1);
    assert!(plain.out.contains("E101") && !plain.out.contains('\u{1b}'));
    let coloured = subject.end(&["check", "all.wfl", "--color", "always"]).expect_code(1);
    assert!(coloured.out.contains('\u{1b}'));
}

const ODD: &str = "wfl 1\n\nparam unused: string = \"x\"\n\n## All of it.\nlane all {\n  include build\n  timeout 5m\n}\n\nstage build { exec \"make\" }\n";

#[test]
fn warnings_can_be_denied_and_remarks_asked_for() {
    let subject = Subject::new();
    subject.write("odd.wfl", ODD);
    subject.end(&["check", "odd.wfl"]).expect_code(0).says("W110");
    subject.end(&["check", "odd.wfl", "--deny", "warnings"]).expect_code(1).says("error[W110]");
    subject.end(&["check", "odd.wfl", "--deny", "unused-param"]).expect_code(1);
    subject.end(&["check", "odd.wfl", "--deny", "unused-let"]).expect_code(0);
    subject.end(&["check", "odd.wfl", "--deny", "unused-lte"]).expect_code(2).says("unused-let");
    let plain = subject.end(&["check", "odd.wfl"]).expect_code(0);
    assert!(!plain.out.contains("I903"), "{}", plain.out);
    subject.end(&["check", "odd.wfl", "--pedantic"]).expect_code(0).says("I903");
}

#[test]
fn a_project_sets_levels_and_a_comment_allows_with_a_reason() {
    let subject = Subject::new();
    subject.write("odd.wfl", ODD);
    subject.write(".wfl/project.wfl", "wfl 1\nproject { deny unused-param; warn missing-doc }\n");
    let ended = subject.end(&["check"]).expect_code(1).says("error[W110]").says("warning[I903]");
    assert!(!ended.out.contains("E102"), "{}", ended.out);
    let allowed =
        ODD.replace("param unused", "# wfl: allow(unused-param) read by the release page\nparam unused");
    subject.write("odd.wfl", allowed);
    subject.end(&["check"]).expect_code(0);
    subject.write(
        ".wfl/project.wfl",
        "wfl 1\nproject { allow unused-param because \"a library\"; allow unknown-name }\n",
    );
    subject.end(&["check"]).expect_code(1).says("`unknown-name` is always an error").says("W906");
}

#[test]
fn a_difference_is_shown_and_nothing_written() {
    let subject = Subject::new();
    subject.write("old.wfl", "stage a { exec \"true\" }\n");
    let ended = subject.end(&["check", "old.wfl", "--diff"]).expect_code(1);
    assert!(ended.out.starts_with("--- a/old.wfl\n+++ b/old.wfl\n"), "{}", ended.out);
    assert!(ended.out.contains("+wfl 1"));
    assert!(!subject.read("old.wfl").contains("wfl 1"));
    subject.write("new.wfl", "wfl 1\nstage a { exec \"true\" }\n");
    assert_eq!(subject.end(&["check", "new.wfl", "--diff"]).expect_code(0).out, "");
}

#[test]
fn risky_fixes_are_applied_only_when_asked_for() {
    let subject = Subject::new();
    let text = "wfl 1\nlet word = \"x\"\nstage a {\n  run f\"\"\"\n    echo {word}\n    \"\"\"\n}\n";
    subject.write("risky.wfl", text);
    subject.end(&["check", "risky.wfl", "--fix"]).expect_code(1).says("E006");
    assert_eq!(subject.read("risky.wfl"), text);
    subject.end(&["check", "risky.wfl", "--unsafe-fixes"]).says("fixed risky.wfl");
    assert_ne!(subject.read("risky.wfl"), text);
}

#[test]
fn sarif_and_workflow_commands_say_the_same_as_the_rest() {
    let subject = Subject::with("stage a { neds b; exec \"true\" }\n");
    let sarif = subject.end(&["check", "all.wfl", "--format", "sarif"]).expect_code(1);
    let log: Value = serde_json::from_str(&sarif.out).expect("one JSON document");
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&log["version"], &result["ruleId"]), (&json!("2.1.0"), &json!("E101")));
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&json!(2), &json!(11)));
    let rule = &log["runs"][0]["tool"]["driver"]["rules"][0];
    assert_eq!(rule["id"], "E101");
    let github = subject.end(&["check", "all.wfl", "--format", "github"]).expect_code(1);
    assert!(github.out.starts_with("::error file=all.wfl,line=2,endLine=2,col=11,"), "{}", github.out);
    assert!(github.err.contains("error[E101]"), "the readable text stands beside: {}", github.err);
}
