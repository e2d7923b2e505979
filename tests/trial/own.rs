//! The tests of the examples, of our own lanes and of the language's contract pass.

use super::theatre::{found, stage};
use crate::faults::subject::Subject;
use wfl::trial::Verdict;

#[test]
fn tests_of_the_examples_and_of_our_own_lanes_pass() {
    let subject = Subject::new();
    for (folder, least) in [("examples", 7), (".wfl", 2), ("examples/projects/greet/.wfl", 2)] {
        let mut command = subject.wfl(&["test", folder, "--format", "json"]);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        let ended = subject.end_of(command).expect_code(0);
        let report: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
        let passed = report["summary"]["passed"].as_u64().unwrap_or_default();
        assert!(passed >= least, "{folder}: {passed} tests");
    }
}

#[test]
fn the_contract_s_own_test_passes_and_its_twin_does_not() {
    let text = include_str!("../lang/right/contract.wfl").trim_start_matches("wfl 1");
    let tested = stage(text).play();
    assert_eq!(tested.len(), 1);
    assert_eq!(tested[0].verdict, Verdict::Passed, "{:#?}", found(&tested[0]));
    let turned = text
        .replace("expect stage.deploy.state == \"waiting\"", "expect stage.deploy.state == \"succeeded\"");
    assert_eq!(
        found(&stage(&turned).play()[0]),
        [
            "E957 expected `stage.deploy.state == \"succeeded\"`, but stage.deploy.state is \"waiting\" | `deploy` waits: \
          1 from release-managers"
        ]
    );
}
