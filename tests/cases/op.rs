//! OP, prediction: the original optimiser's cases in our words. Its "default recommendation" is the lane's own rules; "not
//! trained" is fewer than fifty runs; the constant answer stands beside every accuracy.

use wfl::base::Timestamp;
use wfl::event::{RunStatus, Status};
use wfl::history::{Mode, Past, PastChange, PastStage};
use wfl::insight::explain::TRUSTED;
use wfl::insight::{Advice, Effort, Knowledge, Lane, LaneStage, Model, Rule, Situation, explain};

const DAY: i64 = 86_400_000;

/// A lane of stages `0` to `12`, one after the other as in the original.
fn lane(stages: usize) -> Lane {
    let stage = |at: usize| {
        let before: Vec<usize> = at.checked_sub(1).into_iter().collect();
        LaneStage {
            name: at.to_string(),
            gate: false,
            approval: false,
            effect: false,
            rule: Rule::Always,
            needs: Vec::new(),
            after: before,
        }
    };
    Lane {
        name: "standard".into(),
        chosen_by: "asked for".into(),
        stages: (0..stages).map(stage).collect(),
        slots: 1,
        off: false,
    }
}

fn stage(name: usize, status: Status, seconds: u64) -> PastStage {
    PastStage {
        name: name.to_string(),
        stage: name.to_string(),
        number: Some(name as u32),
        kind: "stage".into(),
        status,
        reason: None,
        began_ms: (seconds > 0).then_some(0),
        duration_ms: seconds * 1000,
        attempts: 1,
        cpu_ms: 0,
        memory: 0,
        io: 0,
        measures: Default::default(),
    }
}

fn run(number: usize, kind: &str, stages: Vec<PastStage>) -> Past {
    Past {
        id: format!("run-{number}"),
        project: String::new(),
        source: String::new(),
        lane: "standard".into(),
        status: RunStatus::Succeeded,
        started: Timestamp(number as i64 * DAY),
        duration_ms: 0,
        change: PastChange {
            kind: kind.into(),
            files: vec!["a.py".into()],
            count: 1,
            ..PastChange::default()
        },
        stages,
        mode: Mode::Full,
    }
}

/// Newest first.
fn runs(count: usize, stages: usize) -> Vec<Past> {
    let all = || (0..stages).map(|at| stage(at, Status::Succeeded, 5 * (at as u64 + 1))).collect();
    (0..count).rev().map(|number| run(number, "feat", all())).collect()
}

fn advised(past: &[Past], stages: usize, kind: &str) -> Advice {
    let model = Model::fit(past, 1, Timestamp(0));
    let change =
        PastChange { kind: kind.into(), files: vec!["a.py".into()], count: 1, ..PastChange::default() };
    let situation = Situation { change, at: Timestamp(0) };
    explain(&lane(stages), &situation, Knowledge { model: &model, past }, Effort::Usual)
}

#[test]
fn untrained_it_gives_the_lanes_stages_and_no_confidence_beyond_a_half() {
    let advice = advised(&[], 13, "feat");
    assert_eq!(advice.recommended.first().map(String::as_str), Some("0"));
    assert!(advice.recommended.iter().all(|name| name.parse::<usize>().is_ok_and(|at| at <= 12)));
    assert!(advice.confidence <= 0.5);
    assert!(advice.basis.contains(&format!("fewer than {TRUSTED} decide nothing")), "{}", advice.basis);
}

#[test]
fn one_run_trains_nothing_and_neither_do_forty_nine() {
    for count in [1, TRUSTED - 1] {
        let advice = advised(&runs(count, 4), 13, "feat");
        assert_eq!(advice.recommended.len(), 13);
        assert!(advice.confidence <= 0.5 && advice.basis.contains("capped at 0.5"));
    }
}

#[test]
fn four_stages_of_five_to_twenty_seconds_take_fifty_and_none_take_nothing_known() {
    assert_eq!(advised(&runs(60, 4), 4, "feat").estimate.seconds, Some(50.0));
    assert_eq!(advised(&runs(60, 4), 0, "feat").estimate.seconds, None);
}

#[test]
fn a_type_that_was_never_seen_is_one_of_which_nothing_is_known() {
    let past = runs(60, 4);
    let (known, unknown) = (advised(&past, 4, "feat"), advised(&past, 4, "no-such-type"));
    assert_eq!(known.recommended, unknown.recommended);
    assert!(unknown.stages.iter().all(|stage| !stage.reasons.join(" ").contains("no-such-type")));
}

/// As the original's 125 runs are: 98 that ended, 97 of them with the same stages, 27 that failed on the way.
fn original() -> Vec<Past> {
    let all = |number: usize| -> Vec<PastStage> {
        let stop = (number % 14 < 3).then_some(number % 13).filter(|_| number < 125);
        (0..13)
            .map(|at| match stop {
                Some(stop) if at == stop => stage(at, Status::Failed, 1),
                Some(stop) if at > stop => stage(at, Status::Blocked, 0),
                _ if number == 60 && at == 9 => stage(at, Status::Skipped, 0),
                _ => stage(at, Status::Succeeded, 1),
            })
            .collect()
    };
    (0..125).rev().map(|number| run(number, "feat", all(number))).collect()
}

#[test]
fn where_a_constant_is_right_99_times_of_100_the_models_accuracy_stands_beside_it() {
    let advice = advised(&original(), 13, "feat");
    let score = &advice.baseline.score;
    assert!(score.constant >= Some(0.99), "{score:?}");
    assert!(score.model <= score.constant, "nothing more is claimed: {score:?}");
    assert!(score.n > 500 && advice.baseline.agreement >= Some(0.99), "{score:?}");
    assert_eq!(advice.recommended.len(), 13);
}

/// The twin: with a stage that some changes never need there is something to learn, and then it is claimed.
#[test]
fn where_there_is_something_to_learn_the_model_is_better_than_the_constant() {
    let mut past = original();
    for (number, run) in past.iter_mut().enumerate().filter(|(number, _)| number.is_multiple_of(3)) {
        run.change.kind = "docs".into();
        run.stages[5] = stage(5, Status::Skipped, 0);
        run.id = format!("docs-{number}");
    }
    let score = advised(&past, 13, "docs").baseline.score;
    assert!(score.model > score.constant.map(|constant| constant + 0.01), "{score:?}");
}
