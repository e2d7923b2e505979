//! Approvals and confirmations in scenarios: waiting, given, refused, too late.

use super::theatre::{Case, found, play, stage};

const DEPLOY: &str = r#"
stage build { exec "b" }
stage deploy { needs build; exec "d" }
lane l { include deploy; timeout 20m; approve 2 from "managers" before deploy { timeout 10m; on-timeout reject } }"#;

#[test]
fn an_approval_nobody_answers_waits() {
    Case {
        file: DEPLOY,
        scenario: "",
        holds: &[
            r#"stage.deploy.state == "waiting" and stage.deploy.attempts == 0"#,
            r#"run.status == "waiting" and run.exit == 4"#,
        ],
        fails: &[(
            r#"stage.deploy.state == "succeeded""#,
            "stage.deploy.state is \"waiting\" | `deploy` waits: 2 from managers",
        )],
    }
    .play();
}

#[test]
fn an_approval_given_lets_the_stage_start_when_it_comes() {
    Case {
        file: DEPLOY,
        scenario: "approve stage.deploy { after 9m }",
        holds: &[
            r#"stage.deploy.state == "succeeded" and stage.deploy.started == 9m"#,
            "lane.duration == 0s",
        ],
        fails: &[("stage.deploy.started == 0s", "stage.deploy.started is 9m")],
    }
    .play();
}

#[test]
fn two_people_are_two_people() {
    Case {
        file: DEPLOY,
        scenario: "approve stage.deploy by \"ada\", \"ada\"",
        holds: &[r#"stage.deploy.state == "waiting""#],
        fails: &[],
    }
    .play();
    Case {
        file: DEPLOY,
        scenario: "approve stage.deploy by \"ada\"\n  approve stage.deploy by \"bob\" { after 3m }",
        holds: &["stage.deploy.started == 3m"],
        fails: &[],
    }
    .play();
}

#[test]
fn an_approval_refused_fails_the_stage() {
    Case {
        file: DEPLOY,
        scenario: "reject stage.deploy by \"ada\" because \"not on a Friday\"",
        holds: &[r#"run.status == "failed" and run.exit == 1"#],
        fails: &[(
            r#"stage.deploy.state == "waiting""#,
            "stage.deploy.state is \"failed\" | `deploy` failed: approval rejected by ada: not on a Friday",
        )],
    }
    .play();
}

#[test]
fn an_approval_expires_when_the_test_waits_longer() {
    Case {
        file: DEPLOY,
        scenario: "wait 11m",
        holds: &[r#"stage.deploy.reason == "approval from managers expired after 10m""#],
        fails: &[],
    }
    .play();
    Case { file: DEPLOY, scenario: "wait 9m", holds: &[r#"stage.deploy.state == "waiting""#], fails: &[] }
        .play();
    Case {
        file: DEPLOY,
        scenario: "approve stage.deploy { after 11m }",
        holds: &[r#"stage.deploy.state == "failed""#],
        fails: &[],
    }
    .play();
}

#[test]
fn two_approvals_of_one_stage_are_asked_for_one_after_the_other() {
    let file = r#"
stage deploy { exec "d" }
lane l { include deploy; approve from "first" before deploy; approve from "second" before deploy }"#;
    Case {
        file,
        scenario: "approve stage.deploy { after 1h }",
        holds: &[r#"stage.deploy.state == "waiting" and stage.deploy.reason == "1 from second""#],
        fails: &[],
    }
    .play();
    Case {
        file,
        scenario: "approve stage.deploy { after 1h }\n  approve stage.deploy { after 2h }\n  wait 9h",
        holds: &["stage.deploy.started == 3h"],
        fails: &[],
    }
    .play();
}

#[test]
fn only_members_answer_where_a_group_has_some() {
    let text = format!(
        "project {{ group \"managers\" {{ member \"ada@x\"; member \"bob@x\" }} }}\n{DEPLOY}\n\
         test \"a\" {{ lane l; approve stage.deploy by \"eve@x\"; expect run.exit == 0 }}\n\
         test \"b\" {{ lane l; approve stage.deploy; expect run.exit == 0 }}\n"
    );
    let tested = play(&text);
    assert_eq!(found(&tested[0]), ["E958 eve@x is no member of managers, and could not answer"]);
    assert!(found(&tested[1]).is_empty());
    let by: Vec<&str> = tested[1]
        .trail
        .iter()
        .filter(|step| step.text.contains("approves"))
        .map(|step| step.text.as_str())
        .collect();
    assert_eq!(by, ["ada@x approves deploy", "bob@x approves deploy"]);
}

#[test]
fn a_confirmation_is_given_or_the_stage_is_skipped() {
    let file = r#"
stage wipe { exec "w"; confirm "really?" }
lane l { include wipe }"#;
    Case { file, scenario: "confirm stage.wipe", holds: &[r#"stage.wipe.state == "succeeded""#], fails: &[] }
        .play();
    Case {
        file,
        scenario: "",
        holds: &[r#"stage.wipe.state == "skipped" and run.status == "succeeded""#],
        fails: &[(
            r#"stage.wipe.state == "succeeded""#,
            "stage.wipe.state is \"skipped\" | `wipe` was skipped: it asks for confirmation, and nobody is at a \
             terminal to give it (--yes answers it)",
        )],
    }
    .play();
}

#[test]
fn answers_to_questions_nobody_asks_are_errors_of_the_file() {
    let text = format!(
        "{DEPLOY}\ntest \"t\" {{ lane l; approve stage.build; confirm stage.build; expect run.exit == 0 }}"
    );
    let messages: Vec<String> = stage(&text).errors.iter().map(|found| found.message.clone()).collect();
    assert_eq!(
        messages,
        ["nobody is asked to approve this in lane `l`", "this stage asks for no confirmation"]
    );
}
