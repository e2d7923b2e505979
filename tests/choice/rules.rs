//! The rules shown to a person: each with its verdict, in words and as JSON; several rules and reasons in a file of one's
//! own; what is given by flags.

use serde_json::json;

use super::repository;
use crate::faults::subject::Subject;

#[test]
fn explain_shows_every_rule_and_its_verdict() {
    let subject = repository();
    let files = ["explain", "--files", "src/auth.py,.github/workflows/ci.yml"];
    let shown = subject.end(&files).expect_code(0).out;
    let row = |word: &str, text: &str| {
        let fits = |line: &&str| line.contains(word) && line.contains(text);
        assert!(shown.lines().any(|line| fits(&line)), "no {word} {text} in:\n{shown}");
    };
    row("docs      no", "src/auth.py is no document");
    row("heavy     yes", "src/auth.py is about security by its name");
    row("heavy     yes", ".github/workflows/ci.yml changes together with 1 source or test file");
    row("heavy     no", "2 files changed (not > 20)");
    row("standard  no", "a rule asks for the lane heavy");
}

#[test]
fn the_rules_are_there_as_json() {
    let advice = repository().json(&["explain", "--files", "src/auth.py", "--format", "json"]);
    assert_eq!((&advice["lane"], &advice["chosen_by"]), (&json!("heavy"), &advice["rules"][3]["because"]));
    assert_eq!(advice["rules"].as_array().map(Vec::len), Some(9), "{advice}");
    let rule = &advice["rules"][3];
    assert_eq!((&rule["lane"], &rule["holds"]), (&json!("heavy"), &json!(true)));
    assert_eq!(rule["rule"], "std.choice.touches_security");
    assert_eq!(advice["rules"][8]["holds"], json!(false));
}

#[test]
fn the_change_can_be_given_by_flags() {
    let subject = repository();
    let lane = |flags: &[&str]| {
        let arguments = [&["explain", "--format", "json", "--files", "src/a.py"], flags].concat();
        subject.json(&arguments)["lane"].as_str().unwrap_or_default().to_string()
    };
    assert_eq!(lane(&[]), "standard");
    assert_eq!(lane(&["--message", "feat!: Drop it"]), "heavy");
    assert_eq!(lane(&["--message", "fix: A vulnerability"]), "heavy");
    let files = "a.py,b.py,c.py,d.py,e.py,f.py";
    let advice = ["explain", "--files", files, "--change-type", "refactor", "--format", "json"];
    assert_eq!(subject.json(&advice)["lane"], "heavy");
}

#[test]
fn a_base_that_is_not_there_is_an_error_and_not_an_empty_change() {
    let subject = repository();
    for command in
        [&["run", "--base", "mian"][..], &["run", "docs", "--base", "mian"], &["explain", "--base", "mian"]]
    {
        subject.end(command).expect_code(2).says("`mian` is no branch, tag or commit");
    }
}

/// Lines are counted with flags as without.
const OWN: &str = "\
param most: int = 100
lane large { include a; select if change.added > most because f\"{change.added} lines added (> {most})\"; select if change.deleted > most }
lane small { include a; select if change.added > 0 }
stage a { exec \"true\" }
";

#[test]
fn rules_of_ones_own_give_their_reasons_and_any_of_several_will_do() {
    let subject = Subject::with(OWN);
    let by = |flags: &[&str]| {
        let advice = subject.json(&[&["explain", "--format", "json"], flags].concat());
        (advice["lane"].clone(), advice["chosen_by"].clone())
    };
    assert_eq!(by(&["--added", "101"]), (json!("large"), json!("101 lines added (> 100)")));
    assert_eq!(
        by(&["--deleted", "200"]),
        (json!("large"), json!("change.deleted > most (change.deleted = 200)"))
    );
    assert_eq!(by(&["--added", "7"]), (json!("small"), json!("change.added > 0 (change.added = 7)")));
    assert_eq!(by(&["--added", "7", "--set", "most=5"]).1, json!("7 lines added (> 5)"));
}

#[test]
fn a_lane_inherits_all_rules_or_gives_its_own() {
    let text = format!(
        "{OWN}lane heir {{ extends large }}\nlane other {{ extends large; select if change.type == \"fix\" }}\n"
    );
    let subject = Subject::with(&text);
    let rules = subject.json(&["explain", "--added", "1", "--format", "json"])["rules"].clone();
    let of = |lane: &str| rules.as_array().into_iter().flatten().filter(|rule| rule["lane"] == lane).count();
    assert_eq!((of("large"), of("heir"), of("other"), of("small")), (2, 2, 1, 1));
    let resolved = subject.end(&["show", "other", "--resolved"]).expect_code(0).out;
    assert_eq!(resolved.matches("select").count(), 1, "{resolved}");
    let resolved = subject.end(&["show", "heir", "--resolved"]).expect_code(0).out;
    assert_eq!(resolved.matches("select").count(), 2, "{resolved}");
}

#[test]
fn a_rule_that_cannot_be_worked_out_says_so_and_chooses_nothing() {
    let subject = Subject::with(
        "param wanted: bool\nlane a { include s; select if wanted }\nlane b { include s; select if true or os == \"x\" }\nstage s { exec \"true\" }\n",
    );
    let advice = subject.json(&["explain", "--format", "json"]);
    assert_eq!(advice["lane"], "b", "{advice}");
    assert!(advice["rules"][0]["holds"].is_null());
    assert!(advice["rules"][0]["values"].as_str().is_some_and(|why| why.contains("wanted")), "{advice}");
}

#[test]
fn a_reason_is_a_string_and_never_a_secret() {
    let wrong = [
        ("lane a { include s; select if ci because 3 }", "E104"),
        ("secret key = env(\"KEY\")\nlane a { include s; select if ci because f\"{key}\" }", "secret"),
        ("lane a { include s; select if ci because nowhere }", "nowhere"),
    ];
    for (text, said) in wrong {
        let subject = Subject::with(&format!("{text}\nstage s {{ exec \"true\" }}\n"));
        subject.end(&["check"]).expect_code(1).says(said);
    }
}
