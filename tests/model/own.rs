//! The project's own history: lane by lane, with the constant answer beside.

use crate::faults::subject::Subject;

const LANE: &str = "\
stage build { exec \"true\" }
stage unit { needs build; exec \"true\" }
stage docs { needs unit; when change.touches(\"docs/**\"); exec \"true\" }
";

fn ran(times: usize) -> Subject {
    let subject = Subject::with(LANE);
    for turn in 0..times {
        let file = if turn % 3 == 0 { "docs/a.md" } else { "src/a.rs" };
        subject.end(&["run", "all.wfl", "--files", file, "--change-type", "fix"]);
    }
    subject
}

#[test]
fn without_a_run_there_is_nothing_to_measure_and_it_is_said_how_to_get_some() {
    let subject = Subject::with(LANE);
    for command in [&["model", "eval"][..], &["model", "card"], &["model", "eval", "--lane", "nosuch"]] {
        let ended = subject.end(command).expect_code(2);
        assert!(ended.err.contains("no history") && ended.err.contains("wfl run"), "{}", ended.err);
    }
}

#[test]
fn past_runs_are_measured_as_a_log_and_a_constant_is_called_one() {
    let subject = ran(9);
    let report = subject.json(&["model", "eval", "--format", "json"]);
    let lanes = report["lanes"].as_object().expect("lanes");
    let of_lane = lanes.values().next().expect("one lane");
    assert_eq!((lanes.len(), &of_lane["log"]["cases"]), (1, &serde_json::json!(9)));
    assert!(of_lane["next_stage"]["n"].as_u64() > Some(3), "{of_lane}");
    assert!(of_lane["baselines"]["markov1"]["accuracy"].is_f64(), "{of_lane}");
    let said = subject.end(&["model", "eval"]).expect_code(0).out;
    assert!(said.contains("9 cases") && said.contains("No better than"), "{said}");
}

#[test]
fn a_run_of_chosen_stages_is_left_out_and_said() {
    let subject = ran(4);
    subject.end(&["run", "all.wfl", "--only", "build", "--change-type", "fix"]).expect_code(0);
    let said = subject.end(&["model", "eval"]).expect_code(0).out;
    assert!(
        said.contains("4 cases")
            && said.contains("runs left out because a person or advice chose their stages"),
        "{said}"
    );
}
