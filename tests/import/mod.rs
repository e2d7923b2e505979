//! The original systems' files: the YAML lane file as lanes, status files as records. What a file says is kept, what is
//! wrong with it is told with its place, and nobody's files are touched unasked.

mod account;
mod cases;
mod hostile;
mod played;
mod status_damage;
mod status_resume;
mod status_shapes;

use serde_json::Value;

use crate::faults::subject::Subject;

/// The keys of the original's own example, in its own words, with the second root form.
const SEED: &str = r#"lanes:
  hotfix:
    description: "Fast path for critical fixes"
    stages: [0, 7, 8, 9, 10, 11, 12]  # no planning
    quality_gates:
      skip: []
      strict: true
    parallel: false
    timeout: 600
    notifications:
      on_failure: true
      recipients: [devops@team.com]

  release:
    description: "Controlled release with sign-off"
    stages: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    quality_gates:
      skip: [bandit, pytest]
      strict: true
    parallel: true
    timeout: 1800
    requires_approval: true
    reviewers: [release-team, security]
    metadata:
      category: risk
"#;

/// What the import of a text says, as JSON, with its exit code beside it.
fn import(text: &str) -> (i32, Value) {
    let subject = Subject::new();
    subject.write("lanes.yaml", text);
    let ended = subject.end(&["import", "lanes", "lanes.yaml", "--format", "json"]);
    (ended.code.unwrap_or(-1), serde_json::from_str(&ended.out).unwrap_or(Value::String(ended.err)))
}

/// The text of the lanes; fails where something was refused.
#[track_caller]
fn text(yaml: &str) -> String {
    let (code, said) = import(yaml);
    assert_eq!(code, 0, "{said}");
    said["text"].as_str().unwrap_or_default().to_owned()
}

/// `KEY: WHAT` of all that is refused.
fn refused(yaml: &str) -> Vec<String> {
    let (code, said) = import(yaml);
    assert_eq!(code, 1, "{said}");
    let entries = said["account"].as_array().cloned().unwrap_or_default();
    let refused = entries.iter().filter(|entry| entry["fate"] == "refused");
    let words = |entry: &Value| {
        let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        format!("{}:{} {}: {}", entry["line"], entry["column"], word("key"), word("what"))
    };
    refused.map(words).filter(|words| !words.contains("was left out")).collect()
}
