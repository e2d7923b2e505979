//! What a test gives: params, facts of the start, facts read while judging, outputs. And what holds without.

use super::theatre::{Case, found, play, stage};

#[test]
fn what_is_not_given_is_main_clean_and_no_change() {
    Case {
        file: "stage a { exec \"a\" }\nlane l { include a }",
        scenario: "",
        holds: &[
            r#"git.branch == "main" and git.sha == "0000000" and git.short_sha == "0000000""#,
            "not git.dirty and len(change.files) == 0 and change.added == 0",
            r#"change.type == "chore" and change.base == "main" and change.id == "main""#,
            r#"(env("HOME") ?? "none") == "none" and not project.has("**") and not ci"#,
        ],
        fails: &[(r#"git.branch == "dev""#, r#"git.branch is "main""#)],
    }
    .play();
}

#[test]
fn params_and_facts_decide_the_lane() {
    Case {
        file: r#"
param ticket: string { pattern "HOT-[0-9]+" }
param regions: list<string> = ["eu"]
let host = env("HOST") ?? "nowhere"
stage docs { when change.only("docs/**"); exec "d", ticket }
stage ship { matrix { region = regions }; when project.has("Cargo.toml") and host == "h1"; exec "s", region }
lane l { include docs, ship; select if change.touches("src/**") and change.type == "fix" }"#,
        scenario: r#"given { ticket = "HOT-42"; regions = ["eu", "us"]; change.files = ["docs/a.md"]; change.type = "fix" }
  fact project.has("Cargo.toml") as true
  fact env("HOST") as "h1""#,
        holds: &[
            r#"stage.docs.state == "succeeded" and stage.ship.states == ["succeeded", "succeeded"]"#,
            r#"ticket == "HOT-42" and not lane.selected"#,
        ],
        fails: &[
            ("lane.selected", "lane.selected is false"),
            (r#"ticket == "HOT-1""#, r#"ticket is "HOT-42""#),
        ],
    }
    .play();
}

#[test]
fn facts_read_while_judging_are_judged_when_given() {
    let file = r#"
stage build { before { require file.exists("Cargo.lock") }; exec "b"; out app = "dist/app"; out kind: string = text(out.app)
  after { require out.app.size < 200MB; require file.contains("log", "ok") } }
stage next { needs build; when build.kind == "big"; exec "n" }
lane l { include next }"#;
    Case {
        file,
        scenario: r#"fact file.exists("Cargo.lock") as false"#,
        holds: &[r#"stage.build.state == "failed" and stage.build.attempts == 0"#],
        fails: &[(
            r#"stage.build.state == "succeeded""#,
            "stage.build.state is \"failed\" | `build` failed: before: `file.exists(\"Cargo.lock\")` does not hold: \
             file.exists(\"Cargo.lock\") = false",
        )],
    }
    .play();
    Case {
        file,
        scenario: r#"mock stage.build { out app = "fixtures/app"; out kind = "big"; fact out.app.size as 300MB }"#,
        holds: &[r#"stage.build.reason == "after: `out.app.size < 200MB` does not hold: app = \"fixtures/app\", file.size(\"fixtures/app\") = 300MB""#],
        fails: &[],
    }
    .play();
    Case {
        file,
        scenario: r#"mock stage.build { out kind = "big"; fact out.app.size as 3MB }"#,
        holds: &[
            r#"stage.next.state == "succeeded" and stage.build.out.kind == "big""#,
            r#"stage.build.out.app == "dist/app""#,
        ],
        fails: &[(r#"stage.build.out.kind == "small""#, r#"stage.build.out.kind is "big""#)],
    }
    .play();
    // Without a mock the output is a text of its type: its own name.
    Case {
        file,
        scenario: "",
        holds: &[r#"stage.next.state == "skipped" and stage.build.out.kind == "kind""#],
        fails: &[],
    }
    .play();
    Case {
        file,
        scenario: "mock stage.build { fact out.app.exists as false }",
        holds: &[r#"stage.build.reason == "output `app`: the file dist/app is not there""#],
        fails: &[],
    }
    .play();
}

#[test]
fn what_is_taken_to_hold_is_said() {
    let tested = play(
        "stage a { before { require file.exists(\"x\"); require file.exists(\"y\") }; exec \"a\" }\n\
         gate g { exec \"g\"; out r = \"r\"; measure n: int = text(out.r); require n > 3 }\n\
         lane l { include a, g }\n\
         test \"t\" { lane l; fact file.exists(\"y\") as true; expect run.exit == 0 }",
    );
    assert!(found(&tested[0]).is_empty());
    let lines: Vec<&str> = tested[0].trail.iter().map(|step| step.text.as_str()).collect();
    assert_eq!(&lines[..2], ["taken to hold: `file.exists(\"x\")` of a", "taken to hold: `n > 3` of g"]);
    assert!(lines.contains(&"g is not judged, and taken to pass"), "{lines:#?}");
}

#[test]
fn secrets_have_a_placeholder_and_are_never_asked_for() {
    Case {
        file: "secret token = env(\"NO_SUCH_TOKEN\")\nstage a { env { T = token }; exec \"a\" }\nlane l { include a }",
        scenario: "",
        holds: &[r#"stage.a.state == "succeeded""#],
        fails: &[],
    }
    .play();
}

#[test]
fn a_lane_of_the_library_is_played_like_any_other() {
    Case {
        file: "stage build { needs std.rust.cargo-test?; exec \"b\" }\nlane l { include std.rust.cargo-test, build }",
        scenario: "fact project.has(\"Cargo.toml\") as true\n  mock stage.std.rust.cargo-test { exit 101; measure tests = 3; measure failed = 1; measure skipped = 0 }",
        holds: &[r#"stage.build.state == "blocked""#],
        fails: &[],
    }
    .play();
}

#[test]
fn misspelt_and_misplaced_things_are_found_by_check() {
    let errors = |test: &str| -> Vec<String> {
        let text = format!(
            "param p: int = 1\nlet q = 2\nsecret s = env(\"S\")\nstage a {{ exec \"a\"; out x = \"x\" }}\n\
             gate g {{ exec \"g\"; out r = \"r\"; measure n: int = text(out.r); require n > q + p }}\n\
             stage u {{ env {{ S = s }}; exec \"u\" }}\nlane l {{ include a, g, u }}\ntest \"t\" {{ lane l; {test}; expect run.exit == 0 }}"
        );
        stage(&text)
            .errors
            .iter()
            .map(|found| {
                format!("{} {} | {}", found.code.id, found.message, found.help.clone().unwrap_or_default())
            })
            .collect()
    };
    let cases = [
        ("given { pp = 1 }", "E102 nothing is called `pp` | did you mean `p`?"),
        (
            "given { q = 1 }",
            "E122 `q` is no param, so a test cannot give it | give the params and facts that it is made of; secrets need no value in a test",
        ),
        (
            "given { s = \"x\" }",
            "E122 `s` is no param, so a test cannot give it | give the params and facts that it is made of; secrets need no value in a test",
        ),
        ("given { p = \"x\" }", "E104 an int is needed here, and this is a string | "),
        (
            "given { file.exists = true }",
            "E122 `file.exists` cannot be given so | say of what: `fact file.exists(\"…\") as …`",
        ),
        (
            "given { exit = 1 }",
            "E122 `exit` cannot be given so | an attempt's `exit` stands in the `mock` of its stage",
        ),
        (
            "fact exit as 1",
            "E122 this belongs to an attempt | write `exit`, `stderr` or `takes` in the `mock` of its stage",
        ),
        (
            "fact p as 1",
            "E122 this is no fact | facts are read from outside: `file.exists(\"x\")`, `env(\"X\")`, …",
        ),
        ("fact file.exists(\"x\") as 1", "E104 a bool is needed here, and this is an int | "),
        (
            "mock stage.a { fact env(\"X\") as \"1\" }",
            "E122 this is read once, when the run starts | write it in the test, not in a `mock`",
        ),
        ("mock stage.a { out y = \"y\" }", "E401 `a` has no output `y` | did you mean `x`?"),
        ("mock gate.g { measure m = 1 }", "E401 `g` has no measure `m` | did you mean `n` or `r`?"),
        (
            "mock stage.a { exit 1 }; mock stage.a { exit 2 }",
            "E121 `a` is mocked already | keep one; of a matrix stage, `mock stage.X if CONDITION` picks instances",
        ),
        ("mock stage.b { exit 1 }", "E216 lane `l` does not hold `b` | did you mean `a`, `g` or `u`?"),
        (
            "expect stage.a.stat == \"x\"",
            "E102 a stage has no `stat` | did you mean `state`, `states` or `status`?",
        ),
        ("expect stage.a.out.y == \"x\"", "E102 `a` has no `y` | did you mean `x`?"),
        ("expect run.exi == 1", "E102 a run has no `exi` | did you mean `exit`?"),
        ("expect run.status == \"skipped\"", "E122 `skipped` is not one of the words that may stand here | "),
        ("wait 3", "E105 "),
    ];
    for (test, wanted) in cases {
        let found = errors(test);
        assert!(found.len() == 1 && found[0].starts_with(wanted), "{test}\n{found:#?}");
    }
}
