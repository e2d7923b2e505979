//! SARIF: results by level. Suppressed results and those of an earlier baseline do not count. Knows no threshold.

use serde_json::Value as Json;

use super::json;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) errors: i64,
    pub(super) warnings: i64,
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Found, String> {
    let document = json::parse(path, bytes)?;
    let runs = document["runs"].as_array().ok_or_else(|| format!("{path} is not SARIF: it has no `runs`"))?;
    if runs.is_empty() {
        return Err(format!("{path} holds no run: the tool did not work"));
    }
    let mut found = Found::default();
    for run in runs {
        let failed = |invocation: &Json| invocation["executionSuccessful"] == Json::Bool(false);
        if run["invocations"].as_array().is_some_and(|all| all.iter().any(failed)) {
            return Err(format!("{path}: the tool says that it did not finish"));
        }
        // By the format's own rule a run without this list has not looked for anything.
        let results = run["results"].as_array().ok_or_else(|| format!("{path}: a run has no `results`"))?;
        for result in results.iter().filter(|result| counts(result)) {
            match level(run, result) {
                "error" => found.errors += 1,
                "warning" => found.warnings += 1,
                _ => {}
            }
        }
    }
    Ok(found)
}

fn counts(result: &Json) -> bool {
    let accepted = |suppression: &Json| matches!(suppression["status"].as_str(), None | Some("accepted"));
    let suppressed = result["suppressions"].as_array().is_some_and(|all| all.iter().any(accepted));
    let gone = result["baselineState"] == "absent";
    let fails = result["kind"].as_str().is_none_or(|kind| kind == "fail");
    !suppressed && !gone && fails
}

/// The result's own level, else its rule's, else warning.
fn level<'a>(run: &'a Json, result: &'a Json) -> &'a str {
    let own = result["level"].as_str();
    own.or_else(|| rule(run, result)?["defaultConfiguration"]["level"].as_str()).unwrap_or("warning")
}

fn rule<'a>(run: &'a Json, result: &Json) -> Option<&'a Json> {
    let rules = run["tool"]["driver"]["rules"].as_array()?;
    let index = result["ruleIndex"].as_u64().or_else(|| result["rule"]["index"].as_u64());
    let id = result["ruleId"].as_str().or_else(|| result["rule"]["id"].as_str());
    index
        .and_then(|index| rules.get(index as usize))
        .or_else(|| rules.iter().find(|rule| rule["id"].as_str() == id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_from_the_result_then_its_rule_then_are_warnings() {
        let text = br#"{"version":"2.1.0","runs":[{"tool":{"driver":{"rules":[
            {"id":"A","defaultConfiguration":{"level":"error"}},{"id":"B"}]}},"results":[
            {"ruleId":"A"},{"ruleIndex":0},{"ruleId":"B"},{"ruleId":"A","level":"note"},{"level":"error"},
            {"level":"error","suppressions":[{"kind":"inSource"}]},{"level":"error","kind":"pass"},
            {"level":"error","baselineState":"absent"},
            {"level":"error","suppressions":[{"status":"rejected"}]}]}]}"#;
        assert_eq!(read("s", text), Ok(Found { errors: 4, warnings: 1 }));
    }

    #[test]
    fn a_tool_that_did_not_work_does_not_pass() {
        for text in [
            r#"{}"#,
            r#"{"runs":[]}"#,
            r#"{"runs":[{"tool":{}}]}"#,
            r#"{"runs":[{"results":[],"invocations":[{"executionSuccessful":false}]}]}"#,
        ] {
            assert!(read("s", text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(read("s", br#"{"runs":[{"results":[]}]}"#), Ok(Found::default()));
    }
}
