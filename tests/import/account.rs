//! The account: every key of a file is in it, once and with its place.

use super::{SEED, import, text};
use crate::faults::subject::Subject;

/// Paths and lines of all keys of a file in block style, by their indentation; inner maps in braces are not looked into.
fn keys(yaml: &str) -> Vec<(String, u64)> {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut found = Vec::new();
    for (line, text) in (1..).zip(yaml.lines()) {
        let indent = text.len() - text.trim_start().len();
        let Some((key, _)) = text.trim().split_once(':').filter(|(key, _)| !key.starts_with(['#', '-']))
        else {
            continue;
        };
        path.retain(|(depth, _)| *depth < indent);
        path.push((indent, key.trim_matches('\'').to_owned()));
        let names: Vec<&str> = path.iter().map(|(_, key)| key.as_str()).collect();
        found.push((names.join("."), line));
    }
    found
}

const ALL: &str = "\
lane one:
  name: The first one
  description: |
    More than
    one line
  stages: [0, 10]
  parallel: yes
  timeout: 1.5
  quality_gates:
    enabled: true
    ruff: true
    mypy: off
    pytest: true
    bandit: true
    coverage_threshold: 82.5
    required_passes: [ruff]
    strict: no
    skip: [coverage]
  notifications:
    on_start: true
    on_success: false
    on_failure: true
    on_complete: true
    on_approval: true
    recipients: ops@example.org
  requires_approval: false
  reviewers: [ada]
  metadata:
    owner: team
    use-case: docs
    tags: [a, b]
    empty: ~
    '!!': x
    nested:
      level: 3
      deeper:
        share: 0.5
second:
  stages: [12]
  quality_gates:
    enabled: false
    ruff: true
    coverage_threshold: 10
  metadata:
";

#[test]
fn every_key_is_in_the_account_once() {
    for yaml in [SEED, ALL] {
        let (code, said) = import(yaml);
        assert_eq!(code, 0, "{said}");
        let entries = said["account"].as_array().cloned().unwrap_or_default();
        for (key, line) in keys(yaml) {
            let told =
                entries.iter().filter(|entry| entry["key"] == key.as_str() && entry["line"] == line).count();
            assert_eq!(told, 1, "{key} in line {line}: {said}");
        }
        assert!(entries.iter().all(|entry| entry["what"].as_str().is_some_and(|what| !what.is_empty())));
    }
}

/// Left out of the account, a key would not be missed by anybody but this test.
#[test]
fn the_list_of_keys_that_this_is_held_against_is_not_empty() {
    assert_eq!((keys(SEED).len(), keys(ALL).len()), (24, 42));
    assert!(keys(ALL).contains(&("lane one.metadata.nested.deeper.share".to_owned(), 37)));
}

#[test]
fn what_has_no_counterpart_stands_in_the_file_as_a_comment() {
    let text = text(ALL);
    for kept in [
        "lane the-first-one {",
        "about    \"More than\\none line\\n\"",
        "timeout  1s500ms",
        "{ skip coverage because \"the lane file skips it\" }",
        "ruff, pytest-advice, bandit-advice, coverage",
        "lines >= 82.5%",
        "# notify email(\"ops@example.org\") on start, failure, finish, approval",
        "# reviewers: [ada] (the lane requires no approval)",
        "use_case            = \"docs\"",
        "tags                = [\"a\", \"b\"]",
        "nested_deeper_share = 0.5",
        "# metadata.!!: x",
        "# metadata.empty: ~",
        "# quality_gates.ruff: true (all gates are off)",
        "# quality_gates.coverage_threshold: 10 (all gates are off)",
    ] {
        assert!(text.contains(kept), "no {kept} in:\n{text}");
    }
}

#[test]
fn the_account_is_shown_with_places_and_the_lanes_go_to_standard_output() {
    let subject = Subject::new();
    subject.write("lanes.yml", SEED);
    let ended = subject.end(&["import", "lanes", "lanes.yml"]).expect_code(0);
    assert!(ended.out.starts_with("# Imported from lanes.yml"), "{}", ended.out);
    assert!(ended.err.contains("lanes.yml:9:5"), "{}", ended.err);
    assert!(ended.err.contains("2 lanes: "), "{}", ended.err);
    let ended = subject.end(&["import", "lanes", "lanes.yml", "--output", "out.wfl"]).expect_code(0);
    assert!(
        ended.out.contains("lanes.yml:9:5") && ended.err.contains("wfl run out.wfl --lane hotfix"),
        "{}",
        ended.err
    );
}
