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

/// A lane file shown in the document, and the output shown right after it.
fn shown(text: &str) -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for block in text.split("\n```").collect::<Vec<_>>().chunks(2).filter_map(|pair| pair.get(1)) {
        let (kind, body) = block.split_once('\n').expect("a line that opens the block");
        match kind {
            "wfl" => found.push((format!("{body}\n"), None)),
            "console" => found.last_mut().expect("a lane file before").1 = Some(format!("{body}\n")),
            other => panic!("a block of another kind: {other}"),
        }
    }
    found
}

#[test]
fn the_tests_shown_in_the_documents_do_what_is_said_of_them() {
    let blocks = shown(include_str!("../../docs/testing.md"));
    assert_eq!(blocks.len(), 2);
    for (text, output) in blocks {
        let subject = Subject::new();
        subject.write("shown.wfl", &text);
        let ended = subject.end(&["test", "shown.wfl"]);
        match output {
            None => {
                ended.expect_code(0).says("5 passed, 0 failed, 0 not playable");
            }
            Some(output) => assert_eq!(format!("$ wfl test shown.wfl\n{}", ended.expect_code(1).out), output),
        }
    }
}
