//! A part of a lane: `--only`, `--from`, `--recommended`.

use super::committed;
use crate::faults::subject::Subject;

const LANE: &str = "\
stage build { inputs \"src/**\"; out app = \"out/app\"; run sh \"\"\"
  echo x >> builds; cat src/* > out/app
  \"\"\" }
gate size { exec \"touch\", \"judged\"; measure n: int = exit; require n == 0 }
stage unit { needs build; exec \"touch\", \"tested\" }
stage ship { needs unit, size; exec \"touch\", \"shipped\" }
stage docs { exec \"touch\", \"documented\" }
lane l { include ship, docs }
";

fn project() -> Subject {
    let subject = committed(LANE);
    subject.write("src/a", "one\n");
    subject
}

#[test]
fn a_needed_stage_is_reused_while_its_inputs_are_the_same() {
    let subject = project();
    subject.end(&["run", "l"]).expect_code(0);
    subject.end(&["run", "l", "--only", "unit"]).expect_code(0);
    assert_eq!(subject.read("builds"), "x\n");
    let run = subject.newest_run().expect("a run");
    let statuses = subject.statuses(&run);
    assert_eq!(statuses["build"], "reused");
    assert_eq!(statuses["unit"], "succeeded");
    assert_eq!(statuses["docs"], "skipped");
    subject.end(&["run", "l", "--only", "unit"]).expect_code(0);
    subject.write("src/a", "two\n");
    subject.end(&["run", "l", "--only", "unit"]).expect_code(2).says("`inputs` changed: src/a");
    subject.end(&["run", "l", "--only", "unit,build"]).expect_code(0);
    assert_eq!(subject.read("builds"), "x\nx\n");
}

#[test]
fn without_a_result_to_reuse_it_is_refused() {
    project().end(&["run", "l", "--only", "unit"]).expect_code(2).says("`build`");
}

#[test]
fn a_gate_is_never_left_out() {
    let subject = project();
    subject.end(&["run", "l"]).expect_code(0);
    std::fs::remove_file(subject.root.join("judged")).expect("the gate ran");
    subject.end(&["run", "l", "--only", "unit,ship"]).expect_code(0);
    assert!(subject.root.join("judged").exists());
}

#[test]
fn from_runs_the_stage_and_what_follows() {
    let subject = project();
    subject.end(&["run", "l"]).expect_code(0);
    for file in ["tested", "shipped", "documented"] {
        std::fs::remove_file(subject.root.join(file)).expect("it ran");
    }
    subject.end(&["run", "l", "--from", "unit"]).expect_code(0);
    assert!(subject.root.join("tested").exists() && subject.root.join("shipped").exists());
    assert!(!subject.root.join("documented").exists());
    assert_eq!(subject.read("builds"), "x\n");
}

#[test]
fn what_is_recommended_without_history_is_what_the_rules_say() {
    let subject = project();
    subject.end(&["run", "l", "--recommended"]).expect_code(0);
    assert!(subject.root.join("shipped").exists() && subject.root.join("documented").exists());
}

#[test]
fn an_unknown_stage_names_the_nearest() {
    project().end(&["run", "l", "--only", "unti"]).expect_code(2).says("`unit`");
}
