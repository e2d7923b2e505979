//! Results of earlier runs: each thing that decides one is changed alone, with real processes, and exactly the stages
//! that must run do; `wfl why` names what differed. What is reused leaves no line in `ran`.

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use super::committed;
use crate::faults::subject::Subject;

/// `gen` writes what `pack` reads; `lint` reads nothing of theirs and leaves nothing; `free` declares no inputs.
const PROJECT: &str = "\
param who: string = \"ada\"
stage gen {
  inputs \"src/**\"
  run sh \"\"\"
    echo gen >> \"$RAN\"
    cat src/* > out/gen
    ./tool >> out/gen
    \"\"\"
  env { RAN = ran }
  out list = \"out/gen\"
}
stage pack {
  needs gen
  inputs \"pack.cfg\"
  exec \"sh\", \"-c\", \"echo pack >> \\\"$RAN\\\"; cat \\\"$0\\\" pack.cfg > out/pack; echo $WHO >> out/pack\", gen.list
  env { RAN = ran; WHO = who }
  out file = \"out/pack\" { keep 1d }
}
stage lint {
  inputs \"src/**\"
  matrix { level = [\"low\", \"high\"] }
  exec \"sh\", \"-c\", \"echo lint-$LEVEL >> \\\"$RAN\\\"\"
  env { RAN = ran; LEVEL = level }
}
stage free { exec \"sh\", \"-c\", \"echo free >> \\\"$RAN\\\"\"; env { RAN = ran } }
";

fn project() -> Subject {
    let subject = Subject::new();
    subject.write(".gitignore", "out/\n");
    subject.write("src/a", "one\n");
    subject.write("pack.cfg", "cfg\n");
    program(&subject, "tool", "#!/bin/sh\necho tool\n");
    define(&subject, PROJECT);
    subject.commit_all("fix: start");
    subject
}

/// Where stages leave a line: outside of the project, or each would be a change of it.
fn define(subject: &Subject, text: &str) {
    let ran = subject.state.with_extension("ran");
    subject.write("all.wfl", format!("wfl 1\nlet ran = \"{}\"\n{text}", ran.display()));
}

fn program(subject: &Subject, name: &str, text: &str) {
    subject.write(name, text);
    mode(subject, name, 0o755);
}

fn mode(subject: &Subject, path: &str, mode: u32) {
    let path = subject.root.join(path);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Runs, and gives what was carried out, sorted.
fn run_with(subject: &Subject, more: &[&str]) -> Vec<String> {
    let ran = subject.state.with_extension("ran");
    let _ = std::fs::remove_file(&ran);
    let arguments = [&["run", "all.wfl", "--verify-reuse", "0"], more].concat();
    subject.end(&arguments).expect_code(0);
    let text = std::fs::read_to_string(ran).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).filter(|line| line != "free").collect();
    assert!(text.contains("free"), "what declares no inputs always runs");
    lines.sort();
    lines
}

fn run(subject: &Subject) -> Vec<String> {
    run_with(subject, &[])
}

fn why(subject: &Subject, stage: &str) -> String {
    let why: Value = subject.json(&["why", "last", stage, "--format", "json"]);
    assert!(why["event"].is_u64(), "{why}");
    why["answer"].as_str().unwrap_or_default().to_owned()
}

const ALL: [&str; 4] = ["gen", "lint-high", "lint-low", "pack"];

/// After one run nothing runs; then `change` is made, and `must` run, the first of them for a reason that says `because`.
#[track_caller]
fn changed(change: impl FnOnce(&Subject), more: &[&str], must: &[&str], because: &str) {
    let subject = project();
    assert_eq!(run(&subject), ALL);
    assert_eq!(run(&subject), [""; 0], "a second run repeats nothing");
    change(&subject);
    assert_eq!(run_with(&subject, more), must);
    if let Some(first) = must.first() {
        let stage = first.split('-').next().unwrap_or(first);
        let stage = if stage == "lint" { "lint[level=low]" } else { stage };
        let why = why(&subject, stage);
        assert!(why.contains(because), "{why}");
    }
    assert_eq!(run_with(&subject, more), [""; 0], "and what ran is taken again");
}

#[test]
fn nothing_declared_changed_so_nothing_runs() {
    changed(|subject| subject.write("notes.txt", "undeclared"), &[], &[], "");
}

#[test]
fn an_input_changed() {
    changed(|subject| subject.write("src/a", "two\n"), &[], &ALL, "`inputs` changed: src/a");
}

#[test]
fn a_mode_changed() {
    changed(
        |subject| mode(subject, "src/a", 0o755),
        &[],
        &["gen", "lint-high", "lint-low"],
        "`inputs` changed: the mode of src/a",
    );
}

#[test]
fn a_file_is_new() {
    changed(|subject| subject.write("src/b", "b\n"), &[], &ALL, "`inputs` changed: src/b is new");
}

#[test]
fn a_file_is_gone() {
    let gone = |subject: &Subject| {
        subject.write("src/z", "");
        assert_eq!(run(subject), ["gen", "lint-high", "lint-low"]);
        std::fs::remove_file(subject.root.join("src/z")).expect("it was there");
        subject.write("src/y", "");
    };
    changed(gone, &[], &["gen", "lint-high", "lint-low"], "src/y is new, src/z is gone");
}

#[test]
fn a_file_was_only_written_again() {
    changed(|subject| subject.write("src/a", "one\n"), &[], &[], "");
}

#[test]
fn the_script_changed_but_not_what_it_makes() {
    let edit =
        |subject: &Subject| define(subject, &PROJECT.replace("    cat src/*", "    # all\n    cat src/*"));
    changed(edit, &[], &["gen"], "`script` changed");
}

#[test]
fn an_environment_value_came_from_a_parameter() {
    let by = "`env WHO` changed from \"ada\" to \"bob\"";
    changed(|_| {}, &["--set", "who=bob"], &["pack"], by);
}

#[test]
fn an_argument_changed() {
    let edit = |subject: &Subject| define(subject, &PROJECT.replace("cat \\\"$0\\\"", "cat -- \\\"$0\\\""));
    changed(edit, &[], &["pack"], "`exec` changed");
}

#[test]
fn a_program_changed_that_a_script_calls() {
    let edit = |subject: &Subject| program(subject, "tool", "#!/bin/sh\necho 'tool'\n");
    changed(edit, &[], &["gen"], "program ./tool changed");
}

#[test]
fn an_output_of_a_need_changed() {
    let edit = |subject: &Subject| program(subject, "tool", "#!/bin/sh\necho other\n");
    changed(edit, &[], &["gen", "pack"], "program ./tool changed");
    let subject = project();
    run(&subject);
    edit(&subject);
    run(&subject);
    let why = why(&subject, "pack");
    assert!(why.contains("`output gen.list: out/gen` changed"), "{why}");
}

#[test]
fn the_working_folder_changed() {
    let edit = |subject: &Subject| {
        subject.write("sub/.keep", "");
        define(subject, &PROJECT.replace("matrix {", "cwd \"sub\"\n  matrix {"));
    };
    changed(edit, &[], &["lint-high", "lint-low"], "`cwd` changed from \".\" to \"sub\"");
}

#[test]
fn a_matrix_value_is_new() {
    let edit = |subject: &Subject| {
        define(subject, &PROJECT.replace("\"low\", \"high\"", "\"low\", \"high\", \"top\""))
    };
    changed(edit, &[], &["lint-top"], "");
}

#[test]
fn an_exit_criterion_or_an_output_was_added() {
    let after = |subject: &Subject| {
        let text = PROJECT.replace("{ keep 1d }", "{ keep 1d }\n  after { require out.file.size < 1MB }");
        define(subject, &text);
    };
    changed(after, &[], &["pack"], "`after 1` is new");
    let out = |subject: &Subject| {
        define(subject, &PROJECT.replace("{ keep 1d }", "{ keep 1d }\n  out n: string = text(\"pack.cfg\")"));
    };
    changed(out, &[], &["pack"], "`out n` is new");
}

#[test]
fn what_decides_nothing_changes_nothing() {
    let edit = |subject: &Subject| {
        let text = PROJECT.replace("{ keep 1d }", "{ keep 2d }\n  timeout 9m\n  retry { attempts 2 }");
        define(subject, &format!("{text}stage more {{ exec \"true\" }}\n"));
    };
    changed(edit, &[], &[], "");
}

#[test]
fn fresh_runs_all_and_its_results_are_taken_again() {
    let subject = project();
    run(&subject);
    assert_eq!(run_with(&subject, &["--fresh"]), ALL);
    assert!(why(&subject, "gen").contains("--fresh"));
    assert_eq!(run(&subject), [""; 0]);
}

#[test]
fn why_tells_a_first_run_and_what_is_never_reused() {
    let subject = project();
    run(&subject);
    assert!(why(&subject, "gen").contains("first run"));
    assert!(why(&subject, "free").contains("not reusable, it declares no `inputs`"));
    run(&subject);
    assert!(why(&subject, "gen").contains("reused"));
    subject.end(&["why", "last", "gen"]).expect_code(0).says("an earlier result was found");
}

#[test]
fn an_output_is_compared_and_brought_back_only_from_a_sound_copy() {
    let subject = project();
    run(&subject);
    let packed = subject.read("out/pack");
    std::fs::remove_file(subject.root.join("out/pack")).expect("an output");
    assert_eq!(run(&subject), [""; 0]);
    assert_eq!(subject.read("out/pack"), packed);
    assert!(why(&subject, "pack").contains("brought back from a kept copy: out/pack"));
    subject.write("out/pack", "tampered");
    assert_eq!(run(&subject), [""; 0]);
    assert_eq!(subject.read("out/pack"), packed);
    damage_copies(&subject);
    subject.write("out/pack", "tampered");
    assert_eq!(run(&subject), ["pack"]);
    assert!(why(&subject, "pack").contains("out/pack was changed, and its kept copy is damaged"));
    assert_eq!(subject.read("out/pack"), packed);
    subject.write("out/gen", "tampered");
    assert_eq!(run(&subject), ["gen"], "no copy of it is kept, and what it makes is the same");
    assert!(why(&subject, "gen").contains("its output out/gen was changed"));
}

/// Flips one byte of every kept copy.
fn damage_copies(subject: &Subject) {
    let mut damaged = 0;
    for entry in walkdir::WalkDir::new(subject.state.join("contents")).min_depth(2).into_iter().flatten() {
        let mut bytes = std::fs::read(entry.path()).expect("a copy");
        bytes[0] ^= 1;
        std::fs::write(entry.path(), bytes).expect("a copy");
        damaged += 1;
    }
    assert!(damaged > 0, "there was no copy to damage");
}

/// `date` is a file the stage reads and does not declare.
const UNDECLARED: &str = "\
stage gen { inputs \"src/**\"; exec \"sh\", \"-c\", \"cat src/* date > out/gen\"; out list = \"out/gen\" }
";

#[test]
fn an_undeclared_input_is_caught_by_the_share_that_runs_again() {
    let subject = project();
    subject.write("date", "monday");
    define(&subject, UNDECLARED);
    let go = |percent: &str| subject.end(&["run", "all.wfl", "--verify-reuse", percent]).expect_code(0);
    let status = || subject.statuses(&subject.newest_run().expect("a run"))["gen"].clone();
    go("0");
    go("100");
    assert_eq!(status(), "succeeded", "the whole share runs");
    go("0");
    assert_eq!(status(), "reused", "it came out the same, so the result stands");
    subject.write("date", "tuesday");
    go("0");
    assert_eq!(status(), "reused", "nobody sees it without the check");
    go("100").says("`gen` ran to check an earlier result").says("out/gen").says("undeclared input");
    go("0");
    assert_eq!(status(), "succeeded", "what was revoked is not taken");
    assert!(why(&subject, "gen").contains("does not count"), "{}", why(&subject, "gen"));
}

#[test]
fn links_among_the_inputs_are_followed() {
    let subject = project();
    subject.write("lib/deep/x", "x");
    symlink("../lib/deep", subject.root.join("src/lib")).expect("a link");
    symlink("../pack.cfg", subject.root.join("src/cfg")).expect("a link");
    define(&subject, &PROJECT.replace("cat src/*", "cat src/a"));
    run(&subject);
    assert_eq!(run(&subject), [""; 0]);
    subject.write("lib/deep/x", "y");
    assert_eq!(run(&subject), ["gen", "lint-high", "lint-low"]);
    assert!(why(&subject, "gen").contains("src/lib"));
    let outside = tempfile::tempdir().expect("a folder");
    symlink(outside.path(), subject.root.join("src/away")).expect("a link");
    run(&subject);
    assert_eq!(run(&subject), ["gen", "lint-high", "lint-low"]);
    assert!(why(&subject, "gen").contains("its input src/away leads to a folder outside of the project"));
}

#[test]
fn inputs_that_change_while_the_stage_runs_spoil_its_result() {
    let subject = project();
    define(&subject, &PROJECT.replace("./tool >> out/gen", "./tool >> out/gen; echo more >> src/a"));
    assert_eq!(run(&subject).iter().filter(|line| *line == "gen").count(), 1);
    let ended = subject.end(&["show", "last"]);
    assert!(ended.code == Some(0));
    run(&subject);
    assert!(why(&subject, "gen").contains("first run"), "{}", why(&subject, "gen"));
}

#[test]
fn only_what_succeeded_counts() {
    let subject = project();
    define(
        &subject,
        "stage gen { inputs \"src/**\"; run sh \"\"\"\n  echo gen >> \"$RAN\"\n  test -e good\n  \"\"\"; env { RAN = ran } }\n",
    );
    let ran = subject.state.with_extension("ran");
    for _ in 0..2 {
        subject.end(&["run", "all.wfl"]).expect_code(1);
    }
    subject.write("good", "");
    subject.end(&["run", "all.wfl", "--verify-reuse", "0"]).expect_code(0);
    subject.end(&["run", "all.wfl", "--verify-reuse", "0"]).expect_code(0);
    assert_eq!(std::fs::read_to_string(ran).expect("it ran"), "gen\ngen\ngen\n");
}

#[test]
fn a_lock_a_secret_or_a_finally_keeps_a_stage_from_being_reused() {
    for (more, why) in [
        ("lock \"l\"; repeatable", "it holds a lock"),
        ("finally { exec \"true\" }", "it has a `finally`"),
        ("once", "only a repeatable stage"),
        ("confirm \"sure?\"", "a person confirms it"),
        ("env { TOKEN = token }; repeatable", "it uses a secret"),
    ] {
        let subject = project();
        let text = format!(
            "secret token = env(\"HOME\")\nstage gen {{ inputs \"src/**\"; exec \"true\"; {more} }}\n"
        );
        define(&subject, &text);
        for _ in 0..2 {
            subject.end(&["run", "all.wfl", "--yes", "--verify-reuse", "0"]).expect_code(0);
        }
        let said = self::why(&subject, "gen");
        assert!(said.contains(why), "{more}: {said}");
    }
}

#[test]
fn two_runs_at_once_record_one_result() {
    let subject = committed(
        "stage gen { inputs \"all.wfl\"; exec \"sh\", \"-c\", \"sleep 0.2; echo x > out\"; out o = \"out\" }\n",
    );
    let begin = || subject.wfl(&["run", "all.wfl", "--verify-reuse", "0"]).spawn().expect("wfl starts");
    let mut both = [begin(), begin()];
    for run in &mut both {
        assert!(run.wait().expect("a child").success());
    }
    subject.end(&["run", "all.wfl", "--verify-reuse", "0"]).expect_code(0);
    assert_eq!(subject.statuses(&subject.newest_run().expect("a run"))["gen"], "reused");
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    let count: i64 =
        database.query_row("select count(*) from result", [], |row| row.get(0)).expect("a count");
    assert_eq!(count, 1);
}
