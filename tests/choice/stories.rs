//! The user stories of applying, writing and finding a workflow, one test a criterion, as far as lanes have to do with
//! them. Not here: prompts for an assistant (US-025 AC4, US-042 execute), ratings by others (US-027 AC5), sharing of new
//! versions (US-025 AC6), searching logs by correlation id (US-026), which `wfl logs` and `wfl why` are tested for on
//! their own.

use serde_json::json;

use crate::faults::subject::Subject;

const LANES: &str = "\
## Where the notes go.
param folder: string = \"notes\"
param title: string { pattern \"[A-Z].*\" }
stage frame { exec \"true\" }
stage notes { needs frame; render f\"{folder}/plan.md\" from \"plan.jinja\" { title = title } }
stage build { needs notes; before { require file.exists(\"allowed\") because \"the frame must be agreed to first\" }; exec \"true\" }
lane helix { about \"Six phases with gates\"; include build; meta { category = \"methodology\"; tags = [\"phases\", \"TDD\"] } }
lane sprint { about \"Two weeks of work\"; include frame; meta { category = \"agile\" } }
";

fn project() -> Subject {
    let subject = Subject::with(LANES);
    subject.write("plan.jinja", "# {{ title }}\n");
    subject.commit_all("feat: start");
    subject
}

fn names(subject: &Subject, words: &str) -> Vec<String> {
    let found = subject.json(&["lanes", "--search", words, "--format", "json"]);
    let own = found.as_array().cloned().unwrap_or_default().into_iter().filter(|lane| lane["std"] == false);
    own.map(|lane| lane["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn us_038_1_lanes_are_listed_with_descriptions_and_categories() {
    let lanes = project().json(&["lanes", "--format", "json"]);
    assert_eq!(lanes[0]["about"], "Six phases with gates");
    assert_eq!(lanes[0]["meta"], json!({ "category": "methodology", "tags": ["phases", "TDD"] }));
    assert_eq!(lanes[0]["stages"], json!(["frame", "notes", "build"]));
}

#[test]
fn us_038_3_what_must_be_given_is_asked_for_by_name_and_checked() {
    let subject = project();
    subject.end(&["run", "helix"]).expect_code(2).says("title");
    subject.end(&["run", "helix", "--set", "title=small"]).expect_code(2).says("title");
}

#[test]
fn us_038_2_4_5_6_applying_starts_all_phases_stops_at_a_gate_and_goes_on_without_loss() {
    let subject = project();
    subject
        .end(&["run", "helix", "--set", "title=Plan"])
        .expect_code(1)
        .says("the frame must be agreed to first");
    assert_eq!(subject.read("notes/plan.md"), "# Plan\n");
    let run = subject.newest_run().unwrap_or_default();
    let told = subject.statuses(&run);
    assert_eq!(
        (told["frame"].as_str(), told["notes"].as_str(), told["build"].as_str()),
        ("succeeded", "succeeded", "failed")
    );
    // What was done by hand in between stays, and nothing that is done is done again.
    subject.write("allowed", "");
    subject.end(&["resume", &run]).expect_code(0);
    let stages = subject.json(&["show", &run, "--format", "json"])["stages"].clone();
    let attempts = |name: &str| {
        let stage = stages.as_array().into_iter().flatten().find(|stage| stage["name"] == name);
        stage.and_then(|stage| stage["attempts"].as_array().map(Vec::len))
    };
    assert_eq!((attempts("frame"), attempts("notes")), (Some(1), Some(1)), "{stages}");
}

#[test]
fn us_025_phases_that_wait_for_each_other_and_templates_without_values_are_found_before_a_run() {
    let subject = Subject::with(
        "stage a { needs b; exec \"true\" }\nstage b { needs a; exec \"true\" }\nlane l { include a }\n",
    );
    subject.end(&["check"]).expect_code(1).says("wait for each other");
    let subject = project();
    subject.write("plan.jinja", "# {{ titel }}\n");
    subject.end(&["run", "helix", "--set", "title=Plan"]).expect_code(1).says("titel");
}

#[test]
fn us_025_5_a_lane_is_tried_before_it_is_shared() {
    let subject = project();
    subject.write("try.wfl", "wfl 1\nimport \"all.wfl\" as all\ntest \"it stops\" {\n  lane all.helix\n  given { title = \"Plan\" }\n  fact file.exists(\"allowed\") as false\n  expect lane.status == \"failed\"\n}\n");
    let ended = subject.end(&["test", "try.wfl"]);
    assert!(matches!(ended.code, Some(0)), "{}{}", ended.out, ended.err);
}

#[test]
fn us_027_lanes_are_found_by_category_tag_word_and_stage() {
    let subject = project();
    assert_eq!(names(&subject, "methodology"), ["helix"]);
    assert_eq!(names(&subject, "tdd"), ["helix"]);
    assert_eq!(names(&subject, "weeks"), ["sprint"]);
    assert_eq!(names(&subject, "frame"), ["helix", "sprint"]);
    assert!(names(&subject, "nowhere").is_empty());
}

#[test]
fn us_027_3_phases_and_requirements_are_seen_before_anything_starts() {
    let subject = project();
    let shown = subject.end(&["run", "helix", "--dry-run", "--set", "title=Plan"]).expect_code(0).out;
    for stage in ["frame", "notes", "build"] {
        assert!(shown.contains(stage), "{shown}");
    }
    assert!(subject.newest_run().is_none());
}

#[test]
fn us_027_5_how_often_a_lane_was_used_is_known() {
    let subject = project();
    subject.end(&["run", "sprint"]).expect_code(0);
    subject.end(&["run", "sprint"]).expect_code(0);
    assert_eq!(
        subject.json(&["runs", "--lane", "sprint", "--format", "json"]).as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn us_042_a_name_that_is_not_there_is_told_with_those_that_are() {
    let subject = project();
    subject
        .end(&["run", "helx"])
        .expect_code(2)
        .says("there is no lane `helx`")
        .says("`helix`")
        .says("sprint");
    subject.end(&["hlp"]).expect_code(2).says("there is no command `hlp`");
}
