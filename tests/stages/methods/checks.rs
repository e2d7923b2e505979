//! The sixteen kinds of checks that written methods ask of a phase, each as a gate on a sample tree: it fails while what it
//! asks for is missing, and passes when that is mended.

use crate::faults::subject::Subject;

/// A kind, the gate it becomes, what is wrong at first, and what mends it. An empty text takes the file away.
type Check =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], (&'static str, &'static str));

const CHECKS: &[Check] = &[
    ("file exists", r#"require file.exists("docs/prd.md")"#, &[], ("docs/prd.md", "x")),
    (
        "file exists, or another",
        r#"require file.count("deployment.yml", "docker-compose.yml", "terraform/main.tf") > 0"#,
        &[("terraform/other.tf", "")],
        ("docker-compose.yml", "x"),
    ),
    ("folder is not empty", r#"require file.count("docs/stories") > 0"#, &[], ("docs/stories/a.md", "x")),
    (
        "text is there",
        r#"require file.lacking("docs/stories/*.md", "As an? .* I want .* [Ss]o that") == []"#,
        &[
            ("docs/stories/a.md", "As a cook I want salt so that it tastes\n"),
            ("docs/stories/b.md", "Salt!\n"),
        ],
        ("docs/stories/b.md", "As an eater I want bread so that I live\n"),
    ),
    (
        "text is absent",
        r#"require file.matching("docs/**/*.md", "\\[NEEDS CLARIFICATION\\]") == []"#,
        &[("docs/a.md", "fine\n"), ("docs/deep/b.md", "How long? [NEEDS CLARIFICATION]\n")],
        ("docs/deep/b.md", "Two days.\n"),
    ),
    (
        "tests exist",
        r#"require file.grep("tests/**", "(describe|test|it)\\(|func Test|def test_") > 0"#,
        &[("tests/a.py", "print(1)\n")],
        ("tests/a.py", "def test_a():\n    assert True\n"),
    ),
    (
        "tests pass",
        "exec \"sh\", \"tests.sh\"\n  exit-ok 0, 1\n  measure status: int = exit\n  require status == 0",
        &[("tests.sh", "exit 1\n")],
        ("tests.sh", "exit 0\n"),
    ),
    (
        "tests fail",
        "exec \"sh\", \"tests.sh\"\n  exit-ok 0, 1\n  measure status: int = exit\n  require status == 1",
        &[("tests.sh", "exit 0\n")],
        ("tests.sh", "exit 1\n"),
    ),
    (
        "coverage",
        "exec \"cp\", \"given.info\", out.report\n  out report = \"out/cov.info\"\n  measure lines: percent = lcov(out.report).lines\n  require lines >= 80%",
        &[("given.info", "SF:a\nLF:100\nLH:79\nend_of_record\n")],
        ("given.info", "SF:a\nLF:100\nLH:80\nend_of_record\n"),
    ),
    (
        "security scan",
        "exec \"cp\", \"given.sarif\", out.report\n  out report = \"out/scan.sarif\"\n  measure high: int = sarif(out.report).errors\n  require high == 0",
        &[(
            "given.sarif",
            r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[{"level":"error","message":{"text":"x"}}]}]}"#,
        )],
        (
            "given.sarif",
            r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[{"level":"note","message":{"text":"x"}}]}]}"#,
        ),
    ),
    (
        "lint",
        "exec \"grep\", \"-n\", \" $\", \"src/a.txt\"\n  exit-ok 0, 1\n  measure found: int = exit\n  require found == 1",
        &[("src/a.txt", "a \n")],
        ("src/a.txt", "a\n"),
    ),
    (
        "idea is written down",
        r#"require file.unwritten("docs/idea.md", "Idea") == [] and words(file.section("docs/idea.md", "Idea")) <= 50"#,
        &[("docs/idea.md", "# Idea\n<!-- What is it? -->\n")],
        ("docs/idea.md", "# Idea\nCarts that add up.\n"),
    ),
    (
        "stories have acceptance criteria",
        r#"require file.unwritten("docs/stories/*.md", "Acceptance") == []"#,
        &[
            ("docs/stories/a.md", "## Acceptance\n- [ ] salt\n"),
            ("docs/stories/b.md", "## Acceptance\n- [ ]\n"),
        ],
        ("docs/stories/b.md", "## Acceptance\n- [ ] bread\n"),
    ),
    (
        "phase is complete",
        r#"require file.unchecked("docs/launch.md") == 0 and file.checked("docs/launch.md") > 1"#,
        &[("docs/launch.md", "- [x] tagged\n- [ ] told\n")],
        ("docs/launch.md", "- [x] tagged\n- [x] told\n"),
    ),
    (
        "phase before is complete",
        "needs former\n  require file.exists(\"docs/design.md\")",
        &[("docs/design.md", "x"), ("docs/frame.md", "[TBD]\n")],
        ("docs/frame.md", "Told.\n"),
    ),
    (
        "deployment is verified, monitoring is active",
        "exec \"sh\", \"probe.sh\"\n  exit-ok 0, 1\n  measure status: int = exit\n  require status == 0",
        &[("probe.sh", "exit 1\n")],
        ("probe.sh", "exit 0\n"),
    ),
];

const FORMER: &str = "gate former { require file.matching(\"docs/frame.md\", \"\\\\[TBD\\\\]\") == [] }\n";

fn judged_by(gate: &str) -> Subject {
    let former = if gate.contains("needs former") { FORMER } else { "" };
    Subject::with(&format!("{former}gate checked {{\n  {gate}\n}}\n"))
}

#[test]
fn each_kind_fails_when_it_should_and_passes_when_mended() {
    for (kind, gate, wrong, (path, text)) in CHECKS {
        let subject = judged_by(gate);
        subject.end(&["check", "all.wfl", "--format", "short"]).expect_code(0);
        wrong.iter().for_each(|(path, text)| subject.write(path, text));
        let ended = subject.end(&["run", "all.wfl"]);
        assert_eq!(ended.code, Some(3), "{kind}: {}", ended.err);
        subject.write(path, text);
        let ended = subject.end(&["run", "all.wfl"]);
        assert_eq!(ended.code, Some(0), "{kind}: {}", ended.err);
    }
}

/// What a check reads is taken away altogether: it must not hold for that reason. Asking whether a file is there, and
/// counting files, is what a missing file answers; `== 0` of a count is the lane's own word.
#[test]
fn none_holds_of_an_empty_folder() {
    for (kind, gate, ..) in CHECKS {
        let ended = judged_by(gate).end(&["run", "all.wfl"]);
        assert_eq!(ended.code, Some(3), "{kind}: {}", ended.err);
    }
}

#[test]
fn a_failed_check_names_the_files() {
    let subject = judged_by(r#"require file.matching("docs/**", "\\[TBD\\]") == [] because "answer it""#);
    subject.write("docs/a.md", "fine\n");
    subject.write("docs/b.md", "[TBD]\n");
    subject.end(&["run", "all.wfl"]).expect_code(3).says("[docs/b.md]").says("answer it");
    let gone = judged_by(r#"require file.matching("doc/**", "\\[TBD\\]") == []"#);
    gone.end(&["run", "all.wfl"]).expect_code(3).says("no file matches doc/**");
}

/// A gate that runs nothing speaks for its `inputs`: when others change, it is kept, and what needs it may be `once`.
#[test]
fn a_gate_on_documents_is_kept_while_its_inputs_are_the_same() {
    let text = |inputs: &str| {
        format!(
            "gate frame {{ {inputs}\n require file.exists(\"docs/frame.md\") }}\nstage close {{ needs frame; once; exec \"true\" }}\ngate design {{ follows close; require file.exists(\"docs/design.md\") }}\n"
        )
    };
    for (inputs, code) in [("inputs \"docs/frame.md\"", 0), ("", 2)] {
        let subject = Subject::with(&text(inputs));
        subject.write("docs/frame.md", "x");
        subject.write("src.txt", "1");
        subject.commit_all("feat: start");
        subject.end(&["run", "all.wfl"]).expect_code(3);
        let run = subject.newest_run().expect("a run");
        subject.write("docs/design.md", "x");
        subject.write("src.txt", "2");
        subject.end(&["resume", &run]).expect_code(code);
        if code == 0 {
            subject.write("docs/frame.md", "y");
            subject.end(&["resume", &run]).expect_code(2);
        }
    }
}
