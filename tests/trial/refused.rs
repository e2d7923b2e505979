//! Tests that cannot be played: said clearly as an error, never as success.

use super::theatre::{Case, found, play};
use wfl::trial::Verdict;

#[track_caller]
fn refused(text: &str, says: &[&str]) {
    let tested = play(text);
    assert!(matches!(tested[0].verdict, Verdict::Unplayable(_)), "{:?}", tested[0].verdict);
    assert_eq!(found(&tested[0]), says);
}

#[test]
fn a_param_without_value_is_asked_for_in_words_of_a_test() {
    let file = "## The ticket.\nparam ticket: string { pattern \"HOT-[0-9]+\" }\nstage a { exec \"a\", ticket }\nlane l { include a }\n";
    refused(
        &format!("{file}test \"t\" {{ lane l; expect run.exit == 0 }}"),
        &[
            "E953 `ticket` has no value: it has no default and none was given | give it in the test: `given { ticket = … \
           }`; the whole value must match \"HOT-[0-9]+\" (The ticket.)",
        ],
    );
    refused(
        &format!("{file}test \"t\" {{ lane l; given {{ ticket = \"COLD\" }}; expect run.exit == 0 }}"),
        &[
            "E953 the value given, `COLD`, does not fit the pattern of `ticket` | give it in the test: `given { ticket = … \
           }`; the whole value must match \"HOT-[0-9]+\" (The ticket.)",
        ],
    );
}

#[test]
fn values_that_cannot_be_are_refused() {
    let file = "stage a { exec \"a\" }\nlane l { include a }\n";
    refused(
        &format!("{file}test \"t\" {{ lane l; mock stage.a {{ exit 300 }}; expect run.exit == 0 }}"),
        &["E958 no program exits with 300"],
    );
    refused(
        &format!("{file}test \"t\" {{ lane l; mock stage.a {{ takes 1m - 2m }}; expect run.exit == 0 }}"),
        &["E958 no time takes -1m"],
    );
}

const ROLLBACK: &str = "stage a { exec \"a\"; undo { exec \"u\" }; repeatable }\nlane l { include a; on-failure rollback; notify desktop on failure }";

#[test]
fn a_rollback_is_played() {
    Case { file: ROLLBACK, scenario: "", holds: &["run.exit == 0", "not stage.a.undone"], fails: &[] }.play();
    let failing = Case {
        file: ROLLBACK,
        scenario: "mock stage.a { exit 1 }",
        holds: &[r#"run.status == "rolled-back" and run.exit == 1 and stage.a.undone"#],
        fails: &[],
    };
    failing.play();
}

const BREAKER: &str = "breaker supplier { failures 1; within 5m; cooldown 1m }\n\
    stage a { exec \"a\"; retry { attempts 1; breaker supplier } }\n\
    stage b { follows a; exec \"b\"; retry { attempts 1; breaker supplier } }\n\
    stage c { follows a; exec \"c\"; deadline 10s; retry { attempts 1; breaker supplier } }\n\
    lane l { include a, b, c; on-failure keep-going }";

#[test]
fn a_breaker_is_played_in_virtual_time() {
    Case {
        file: BREAKER,
        scenario: "mock stage.a { exit 1 }",
        holds: &["stage.b.state == \"succeeded\"", "stage.c.state == \"failed\"", "stage.c.attempts == 0"],
        fails: &[],
    }
    .play();
    Case {
        file: BREAKER,
        scenario: "",
        holds: &["stage.c.state == \"succeeded\"", "run.exit == 0"],
        fails: &[],
    }
    .play();
}

/// A rule that fits is taken to have done its work; whether the stage then succeeds is for the test to say.
#[test]
fn a_repair_rule_acts_in_a_test_without_doing_anything() {
    let rule = |risk: &str| {
        format!(
            "repair \"r\" {{ when exit == 1; do {{ exec \"fix\" }}; risk {risk} }}\nstage a {{ exec \"a\" }}\nlane l \
             {{ include a }}"
        )
    };
    let scenario = "mock stage.a { exit 1 }";
    let low = rule("low");
    Case { file: &low, scenario, holds: &["run.exit == 1", "stage.a.attempts == 2"], fails: &[] }.play();
    // Nobody agrees to one that is destructive.
    let destructive = rule("destructive");
    let holds = &["run.exit == 1", "stage.a.attempts == 1"];
    Case { file: &destructive, scenario, holds, fails: &[] }.play();
}

/// As in a real run, the budget of retries ends what a policy would try for ever.
#[test]
fn a_policy_without_end_ends_with_the_budget_of_the_run() {
    let file = "stage a { exec \"a\"; retry { attempts 2000000 } }\nlane l { include a }";
    let scenario = "mock stage.a { exit 1 }";
    Case { file, scenario, holds: &["run.exit == 1", "stage.a.attempts == 1001"], fails: &[] }.play();
}
