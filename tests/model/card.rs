//! `wfl model card`: what advice rests on, and what it cannot know.

use crate::faults::subject::Subject;

fn ran(times: usize) -> Subject {
    let subject = Subject::with("stage build { exec \"true\" }\nstage unit { needs build; exec \"true\" }\n");
    (0..times).for_each(|_| drop(subject.end(&["run", "all.wfl", "--change-type", "fix"])));
    subject
}

#[test]
fn a_few_runs_are_too_few_and_the_card_says_what_is_needed() {
    let subject = ran(3);
    let said = subject.end(&["model", "card"]).expect_code(0).out;
    for words in ["3 runs", "47 more runs", "what it cannot know", "wfl history import", "nothing yet"] {
        assert!(said.contains(words), "`{words}` in:\n{said}");
    }
    let card = subject.json(&["model", "card", "--format", "json"]);
    let lane = &card["lanes"][0];
    assert_eq!((&lane["trained_on"]["runs"], &lane["held_out"]), (&3.into(), &serde_json::Value::Null));
    assert!(lane["needs"].is_string() && lane["refit"].is_string(), "{lane}");
}

#[test]
fn a_lane_that_never_ran_has_no_card() {
    ran(1).end(&["model", "card", "nosuch"]).expect_code(2).says("no history of the lane `nosuch`");
}
