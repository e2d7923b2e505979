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
