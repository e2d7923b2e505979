//! The stages of `std.lanes` that write and review a change's documents, in projects of four kinds: what the documents
//! say, one defect for each stage that fails exactly it, and nothing to do where nothing changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::faults::subject::{Ended, Subject};

const STAGES: [&str; 6] = ["proposal", "spec", "tasks", "test-plan", "scripts", "doc-review"];

const LANE: &str = "
## The documents of a change.
lane papers {
  include    std.lanes.proposal, std.lanes.spec, std.lanes.tasks, std.lanes.test-plan, std.lanes.scripts, std.lanes.doc-review
  on-failure keep-going
  timeout    10m
}
";

type Files<'a> = &'a [(&'a str, &'a str)];

/// A project whose main branch holds `before`, on a branch with one commit a `(message, files)`; a file of no text is
/// removed.
fn project(before: Files<'_>, commits: &[(&str, Files<'_>)]) -> Subject {
    let subject = Subject::with(LANE);
    put(&subject, before);
    subject.commit_all("chore: start");
    subject.git(&["checkout", "-q", "-b", "feat/PAY-7-cart"]);
    for (message, files) in commits {
        put(&subject, files);
        subject.commit_all(message);
    }
    subject
}

fn put(subject: &Subject, files: Files<'_>) {
    for (path, text) in files {
        match text.is_empty() {
            true => fs::remove_file(subject.root.join(path)).expect("removed"),
            false => subject.write(path, text),
        }
    }
}

fn run(subject: &Subject) -> (Ended, BTreeMap<String, String>) {
    let ended = subject.end(&["run", "all.wfl"]);
    let statuses = subject.statuses(&subject.newest_run().expect("a run"));
    (ended, statuses)
}

fn document(subject: &Subject, name: &str) -> String {
    subject.read(&format!(".wfl/out/changes/feat/PAY-7-cart/{name}.md"))
}

const RUST: Files<'_> = &[
    ("Cargo.toml", "[package]\nname = \"cart\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
    (
        "src/lib.rs",
        "pub mod price;\n\npub fn total(items: &[u32]) -> u32 {\n    items.iter().sum()\n}\n\npub fn unused() {}\n",
    ),
    ("src/price.rs", "pub const RATE: u32 = 19;\n\n#[cfg(test)]\nmod tests {\n}\n"),
    ("CHANGELOG.md", "# Changes\n"),
];
const PYTHON: Files<'_> = &[
    ("pyproject.toml", "[project]\nname = \"cart\"\nversion = \"0.1.0\"\n"),
    ("cart/total.py", "def total(items):\n    return sum(items)\n"),
    ("tests/test_total.py", "def test_total():\n    assert True\n"),
];
const NODE: Files<'_> = &[
    ("package.json", "{\"name\": \"cart\", \"scripts\": {\"test\": \"node --test\", \"build\": \"tsc\"}}\n"),
    ("src/total.js", "export function total(items) {\n  return items.length;\n}\n"),
    ("test/total.test.js", "test('total', () => {});\n"),
];
const OTHER: Files<'_> = &[
    ("Makefile", "test: all\n\tsh run.sh\nall:\n\ttrue\n"),
    ("README.md", "# Tool\n\nSee [the guide](docs/guide.md#use).\n\n![logo](logo.png)\n"),
    ("docs/guide.md", "# Guide\n\n## Use\n\n```sh\nmake test\n```\n"),
    ("logo.png", "PNG"),
];

/// A document that was wrong before the change.
const OLD: Files<'_> = &[("old.md", "# Old\n\n[a](lost.md)\n[b](#lost)\n\n```\nnever closed\n")];

fn rust() -> Subject {
    project(
        RUST,
        &[
            (
                "feat(cart)!: totals take `u64` | {{ wide }} <b>now</b>\n\nTotals over four billion were wrong, see #12\nand PAY-9.\n\nBREAKING CHANGE: `unused` is gone.\n\nSigned-off-by: Ada <ada@team.example>",
                &[(
                    "src/lib.rs",
                    "pub mod price;\n\n// TODO: round | half up\npub fn total(items: &[u64]) -> u64 {\n    items.iter().sum()\n}\n",
                )],
            ),
            (
                "test(price): the rate",
                &[(
                    "src/price.rs",
                    "pub const RATE: u32 = 19;\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn rate() {}\n}\n",
                )],
            ),
        ],
    )
}

fn python() -> Subject {
    let subject = project(
        PYTHON,
        &[(
            "fix: an empty cart costs nothing",
            &[
                (
                    "cart/total.py",
                    "import sys\n\n\ndef total(items):\n    return sum(items or [])\n\n\ndef main():\n    if \"--json\" in sys.argv:\n        print({})\n",
                ),
                (
                    "tests/test_total.py",
                    "def test_total():\n    assert True\n\n\ndef test_empty():\n    assert True\n",
                ),
                ("pyproject.toml", "[project]\nname = \"cart\"\nversion = \"0.1.1\"\n"),
            ],
        )],
    );
    subject.write("cart/extra.py", "def extra():\n    pass  # FIXME later\n");
    subject
}

fn node() -> Subject {
    project(
        NODE,
        &[(
            "Totals are sums",
            &[
                (
                    "src/total.js",
                    "export function total(items) {\n  return items.reduce((a, b) => a + b, 0);\n}\n\nexport const VAT = 19;\n",
                ),
                ("ci.sh", "#!/bin/sh\nnpm run build && npm run test\n"),
            ],
        )],
    )
}

fn other() -> Subject {
    let subject = project(OTHER, &[]);
    subject.write("docs/guide.md", "# Guide\n\n## Use\n\n```sh\nmake test\nmake all\n```\n");
    subject.write("run.sh", "echo running\n");
    subject
}

/// What the documents say is looked at when it changes: `WFL_BLESS=1` writes them.
#[test]
fn documents_tell_what_the_change_is() {
    let hash = regex::Regex::new(r"\b[0-9a-f]{7}\b").expect("pattern");
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stages/documents");
    for (kind, subject) in [("rust", rust()), ("python", python()), ("node", node()), ("other", other())] {
        if kind == "node" {
            subject.git(&["update-index", "--chmod=+x", "ci.sh"]);
            subject.git(&["commit", "-q", "-m", "chore: ci.sh runs"]);
            subject.git(&["checkout", "-q", "-f", "."]);
            subject.git(&["reset", "-q", "--hard"]);
        }
        let (ended, _) = run(&subject);
        ended.expect_code(0);
        for name in ["proposal", "spec", "tasks", "test-plan"] {
            let found = hash.replace_all(&document(&subject, name), "HASH").into_owned();
            let path = folder.join(format!("{kind}-{name}.md"));
            if std::env::var("WFL_BLESS").is_ok() {
                fs::create_dir_all(&folder).expect("a folder");
                fs::write(&path, &found).expect("a document");
            }
            let wanted = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(found, wanted, "{kind}: {name}; WFL_BLESS=1 writes it anew");
        }
        assert_eq!(subject.read(".wfl/out/.gitignore"), "*\n", "the documents are no part of the change");
    }
}

/// Stages that failed, of a change to the Python project; all others went well or had nothing to do.
fn failed(message: &str, files: Files<'_>) -> (Vec<String>, String) {
    let before = [PYTHON, OTHER, OLD].concat();
    let subject = project(&before, &[(message, files)]);
    let (ended, statuses) = run(&subject);
    let known = ["succeeded", "skipped", "failed"];
    assert!(statuses.values().all(|status| known.contains(&status.as_str())), "{statuses:?}");
    let failed = statuses.into_iter().filter(|(_, status)| status == "failed").map(|(name, _)| name);
    (failed.collect(), ended.err + &ended.out)
}

#[test]
fn each_planted_defect_fails_exactly_its_stage() {
    let source = "def total(items):\n    return sum(items or [])\n";
    let fixed: (&str, &str) = ("cart/total.py", source);
    let defects: &[(&str, &str, Files<'_>, &str)] = &[
        (
            "doc-review",
            "docs: k",
            &[
                ("docs/guide.md", "# Guide\n\n## Usage\n\n```sh\nmake test\n```\n"),
                ("README.md", "# Tool\n\nSee [the guide](docs/guide.md#use).\n\n![logo](logo.png)\n\nEnd.\n"),
            ],
            "README.md:3: no heading of docs/guide.md has the anchor `#use`",
        ),
        (
            "doc-review",
            "docs: l",
            &[("old.md", "# Old\n\n[a](lost.md)\n[b](#lost)\n[c](lost.md)\n\n```\nnever closed\n")],
            "old.md:5: the link leads",
        ),
        ("proposal", "wip", &[fixed], "says nothing of what it does"),
        ("proposal", "fixup! feat: a", &[fixed], "git rebase -i --autosquash main"),
        (
            "spec",
            "refactor: other names",
            &[("cart/total.py", "def sum_up(items):\n    return 0\n")],
            "cart/total.py:1: `def total(items)` is gone",
        ),
        (
            "tasks",
            "fix: a",
            &[("cart/total.py", "# DO NOT MERGE: prints\ndef total(items):\n    return 1\n")],
            "cart/total.py:1: the change says itself",
        ),
        (
            "test-plan",
            "test: b",
            &[("web/a.test.js", "it.only('a', () => {});\n")],
            "web/a.test.js:1: only this test runs",
        ),
        (
            "test-plan",
            "test: fewer",
            &[("tests/test_total.py", "")],
            "tests/test_total.py: the test is removed, and cart/total.py is there still",
        ),
        ("scripts", "ci: c", &[("go.sh", "if true; then\n")], "go.sh:2: its shell cannot read it"),
        (
            "scripts",
            "ci: d",
            &[("go.sh", "#!/bin/sh\n:\n")],
            "go.sh:1: it has a first line `#!` and is not executable",
        ),
        (
            "scripts",
            "ci: e",
            &[("go.sh", "make tset\n")],
            "go.sh:1: `make tset` calls a target that no Makefile",
        ),
        (
            "doc-review",
            "docs: f",
            &[("docs/guide.md", "# Guide\n\n## Usage\n\n[x](gone.md)\n")],
            "docs/guide.md:5: the link leads to \"gone.md\"",
        ),
        (
            "doc-review",
            "docs: g",
            &[("README.md", "# Tool\n\n```sh\nmake\n")],
            "README.md:3: the code block that opens here is never closed",
        ),
        (
            "doc-review",
            "docs: h",
            &[("README.md", "# Tool\n\nTODO: write this\n")],
            "README.md:3: the change leaves a note",
        ),
        (
            "doc-review",
            "docs: i",
            &[("README.md", "# Tool\n\n[here](#nowhere)\n")],
            "README.md:3: no heading of this document",
        ),
        (
            "doc-review",
            "chore: j",
            &[("logo.png", "")],
            "README.md:5: it links to logo.png, which the change removes",
        ),
    ];
    for (stage, message, files, says) in defects {
        let (found, said) = failed(message, files);
        assert_eq!(found, [*stage], "{message}:\n{said}");
        assert!(said.contains(says), "{message}: no {says:?} in\n{said}");
    }
}

/// The twins of the planted defects: the same files without the defect.
#[test]
fn what_is_right_fails_nothing() {
    let sound: &[(&str, Files<'_>)] = &[
        ("fix: wiper", &[("cart/total.py", "def total(items):\n    return sum(items or [])\n")]),
        ("refactor!: other names", &[("cart/total.py", "def sum_up(items):\n    return 0\n")]),
        ("Other names, no convention", &[("cart/total.py", "def sum_up(items):\n    return 0\n")]),
        ("fix: a", &[("cart/total.py", "# Do not merge these lists.\ndef total(items):\n    return 1\n")]),
        ("test: b", &[("web/a.test.js", "it('a', () => {});\n")]),
        ("test: moved", &[("tests/test_total.py", ""), ("tests/unit/test_total.py", "def test_a(): pass\n")]),
        ("ci: c", &[("go.sh", "if true; then\n  make test\nfi\n")]),
        (
            "docs: f",
            &[("docs/guide.md", "# Guide\n\n## Use\n\n[x](../README.md#tool) `TODO:`\n\n    TODO: code\n")],
        ),
        ("chore: j", &[("logo.png", ""), ("README.md", "# Tool\n")]),
        (
            "docs: old faults stay",
            &[("old.md", "# Old\n\n[a](lost.md)\n[b](#lost)\n\nMore.\n\n```\nnever closed\n")],
        ),
    ];
    for (message, files) in sound {
        let (found, said) = failed(message, files);
        assert_eq!(found, Vec::<String>::new(), "{message}:\n{said}");
    }
}

#[test]
fn without_a_change_every_stage_is_skipped_and_says_why() {
    let subject = Subject::with(LANE);
    put(&subject, PYTHON);
    subject.commit_all("chore: start");
    let (ended, statuses) = run(&subject);
    ended.expect_code(0).says("`when anything_changed` is false");
    assert!(STAGES.iter().all(|stage| statuses[*stage] == "skipped"), "{statuses:?}");
    assert!(!subject.root.join(".wfl/out").exists());
    // And each by itself where only others have something to do.
    let subject = project(PYTHON, &[("docs: a", &[("README.md", "# Cart\n")])]);
    let (_, statuses) = run(&subject);
    let skipped: Vec<&str> = STAGES.into_iter().filter(|stage| statuses[*stage] == "skipped").collect();
    assert_eq!(skipped, ["spec", "test-plan", "scripts"]);
}

#[test]
fn strange_names_stay_names() {
    let subject = project(PYTHON, &[]);
    let names =
        ["a b.md", "né/ß.py", "new\nline.sh", "tab\t`tick`.py", "q\"uote|pipe.toml", "-n.sh", "{{ x }}.py"];
    for name in names {
        subject.write(name, "x = 1\n");
    }
    subject.commit_all("feat: <!-- `` | {% raw %} \u{1b}[31m __init__ [x](y)");
    run(&subject).0.expect_code(0);
    let spec = document(&subject, "spec");
    for shown in
        ["`né/ß.py`", "`new\\nline.sh`", "``tab\\t`tick`.py``", "`q\"uote|pipe.toml`", "`{{ x }}.py`"]
    {
        assert!(spec.contains(shown), "no {shown} in\n{spec}");
    }
    let proposal = document(&subject, "proposal");
    let subject_line = "- \\<!-- \\`\\` \\| \\{% raw %\\} \\[31m \\_\\_init\\_\\_ \\[x\\](y) (";
    assert!(proposal.contains(subject_line), "{proposal}");
    assert!(!proposal.contains('\u{1b}'));
}

#[test]
fn five_thousand_files_make_short_documents() {
    let subject = project(PYTHON, &[]);
    for number in 0..5000 {
        subject.write(
            &format!("part{}/deep/file{number}.py", number % 90),
            format!("def f{number}():\n    pass\n"),
        );
    }
    subject.commit_all("feat: all at once");
    run(&subject).0.expect_code(0);
    for name in ["proposal", "spec", "tasks", "test-plan"] {
        let text = document(&subject, name);
        assert!(text.lines().count() < 160, "{name} has {} lines", text.lines().count());
    }
    assert!(document(&subject, "spec").contains("- and 4960 more files"));
    assert!(document(&subject, "tasks").contains("- [ ] and 4960 more source files without a touched test"));
}

#[test]
fn a_project_may_have_its_own_template_in_place_of_a_built_in_one() {
    let subject = rust();
    let built_in = subject.end(&["change", "--template", "tasks.md"]).expect_code(0).out;
    assert!(built_in.contains("{{ c.id | md }}"), "{built_in}");
    subject.write(".wfl/templates/tasks.md.jinja", "{{ (details | fromjson).files }} files, ours\n");
    run(&subject).0.expect_code(0);
    assert_eq!(document(&subject, "tasks"), "3 files, ours\n");
    assert!(document(&subject, "proposal").starts_with("# Proposal: feat/PAY-7-cart\n"));
}

#[test]
fn a_built_in_template_that_is_not_there_is_found_by_the_check() {
    let text = "stage s {\n  render \"out/a.md\" from \"std:proposl.md\" { details = change.details }\n}\n";
    let ended = Subject::with(text).end(&["check", "all.wfl"]).expect_code(1);
    ended.says("the built-in library has no template `proposl.md`").says("did you mean `proposal.md`?");
}

/// A secret that got into a commit's words gets into no document.
#[test]
fn secrets_in_commits_are_masked_in_documents() {
    let told = |secret: &str| {
        let subject = Subject::with(&format!(
            "{secret}stage paper {{\n  render \"paper.md\" from \"std:proposal.md\" {{ details = change.details }}\n}}\n"
        ));
        subject.commit_all("chore: start");
        subject.git(&["checkout", "-q", "-b", "work"]);
        subject.write("a.py", "x = 1\n");
        subject.commit_all("fix: use hunter2-long-token for now");
        let mut command = subject.wfl(&["run", "all.wfl"]);
        command.env("TOKEN", "hunter2-long-token");
        subject.end_of(command).expect_code(0);
        subject.read("paper.md").contains("hunter2-long-token")
    };
    assert!(!told(
        "secret token = env(\"TOKEN\")\nstage use { env { T = token }; run sh \"\"\"\n  test -n \"$T\"\n  \"\"\" }\n"
    ));
    assert!(told(""));
}

/// The newest run that ran tests is told, whichever lane it was of; without one there is nothing of it.
#[test]
fn a_test_plan_tells_what_an_earlier_run_said() {
    let subject = python();
    run(&subject).0.expect_code(0);
    assert!(!document(&subject, "test-plan").contains("## What the newest run"));
    subject.write("t.wfl", "wfl 1\nstage unit-tests { exec \"false\" }\n");
    subject.end(&["run", "t.wfl"]).expect_code(1);
    run(&subject);
    let text = document(&subject, "test-plan");
    assert!(
        text.contains("## What the newest run of the tests said")
            && text.contains("- `unit-tests`: failed in "),
        "{text}"
    );
}

#[test]
fn the_command_shows_the_change_and_checks_it() {
    let subject = rust();
    let details = subject.json(&["change", "--format", "json"]);
    assert_eq!(details["tickets"]["shown"], serde_json::json!(["PAY-7", "#12", "PAY-9"]));
    assert_eq!(details["groups"][0]["type"], "feat");
    assert_eq!(details["names"]["removed"]["shown"][0]["declaration"], "pub fn unused()");
    subject.end(&["change"]).expect_code(0).says("# Proposal: feat/PAY-7-cart");
    subject.write("x.sh", "if\n");
    let found = subject.json(&["change", "--check", "scripts", "--format", "json"]);
    assert_eq!(found["findings"][0]["path"], "x.sh");
    subject.end(&["change", "--check", "scripts"]).expect_code(1).says("x.sh:2: its shell cannot read it");
    subject.end(&["change", "--template", "nothing"]).expect_code(2);
    // Without git there is no change, and nothing to find.
    let bare = Subject::with(LANE);
    bare.end(&["change", "--check", "documents"]).expect_code(0);
    let shown = bare.end(&["change"]).expect_code(0).out;
    assert_eq!(shown, "# Proposal: local\n\nNothing differs from `HEAD`.\n");
}

/// A stage that calls `wfl` gets the program that runs it; any other name is looked for on the PATH.
#[test]
fn the_program_calls_itself_whatever_the_path_holds() {
    let subject = python();
    for name in ["wfl", "wfl2"] {
        subject.write(&format!("../bin/{name}"), "#!/bin/sh\nexit 7\n");
        let program = subject.root.join("../bin").join(name);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(program, mode).expect("a mode");
    }
    let path =
        format!("{}:{}", subject.root.join("../bin").display(), std::env::var("PATH").unwrap_or_default());
    let with_path = |file: &str| {
        let mut command = subject.wfl(&["run", file]);
        command.env("PATH", &path);
        subject.end_of(command)
    };
    with_path("all.wfl").expect_code(0);
    subject.write("other.wfl", "wfl 1\nstage s { exec \"wfl2\", \"change\" }\n");
    with_path("other.wfl").expect_code(1).says("exit code 7");
}
