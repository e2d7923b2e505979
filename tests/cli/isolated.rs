//! `wfl run --isolated`: what is judged is the commit, whatever a person does meanwhile; what the run made comes back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::faults::subject::Subject;

/// Waits until `go` is there, so that a test can edit while the run goes on.
const LANE: &str = r#"
stage build {
  out app = "dist/app"
  env { GO = env("GO") ?? "/" }
  run sh """
    touch "$GO.began"
    for _ in $(seq 600); do [ -e "$GO" ] && break; sleep 0.1; done
    cat src > dist/app
    """
}
stage test { needs build; exec "sh", "-c", "grep -q committed src" }
stage notes { render "notes.md" from "notes.jinja" { text = "made" } }
lane all { include test, notes }
"#;

fn subject() -> Subject {
    let subject = Subject::with(LANE);
    subject.git(&["init", "--quiet"]);
    subject.write("src", "committed\n");
    subject.write("notes.jinja", "{{ text }}\n");
    subject.write("notes.md", "before\n");
    subject.write(".gitignore", "dist\nnode_modules\n");
    subject.commit_all("fix: start");
    subject
}

/// Checkouts that are there, and what git's list says of them.
fn checkouts(subject: &Subject) -> (Vec<PathBuf>, usize) {
    let folder = fs::read_dir(subject.state.join("isolated")).into_iter().flatten().flatten();
    let list = output(subject, &["worktree", "list", "--porcelain"]);
    (
        folder.map(|entry| entry.path()).collect(),
        list.lines().filter(|line| line.starts_with("worktree ")).count() - 1,
    )
}

fn output(subject: &Subject, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(&subject.root).output().expect("git");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn wait_for(file: &Path) {
    for _ in 0..3000 {
        if file.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{} never came", file.display());
}

#[test]
fn a_person_edits_meanwhile_and_what_is_judged_is_the_commit() {
    let subject = subject();
    subject.write("node_modules/x", "x");
    let go = subject.state.with_file_name("go");
    let mut command = subject.wfl(&["run", "all", "--isolated"]);
    let running = command.env("GO", &go).stderr(std::process::Stdio::piped()).spawn().expect("wfl");
    let began = go.with_file_name("go.began");
    wait_for(&began);
    // The stage is at work: edits that would fail the test, and one in the way of an output.
    subject.write("src", "edited\n");
    subject.write("all.wfl", "wfl 1\nbroken {");
    subject.write("notes.md", "edited too\n");
    fs::write(&go, "").expect("go");
    let ended = running.wait_with_output().expect("an end");
    let err = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{err}");
    assert!(err.contains("ignored folders are not there: node_modules"), "{err}");
    assert!(err.contains("brought back into the project: dist/app"), "{err}");
    assert!(err.contains("not brought back: notes.md: it was changed in the project"), "{err}");
    assert_eq!(subject.read("dist/app"), "committed\n");
    assert_eq!(subject.read("src"), "edited\n");
    assert_eq!(subject.read("notes.md"), "edited too\n");
    // What could not come back is where it was said to be; nobody finds it in the project's own runs folder twice.
    let (folders, listed) = checkouts(&subject);
    assert_eq!((folders.len(), listed), (1, 1), "{err}");
    let found = walkdir::WalkDir::new(&folders[0]).into_iter().flatten();
    let notes = found.filter(|entry| entry.file_name() == "notes.md").map(|entry| entry.into_path()).next();
    assert_eq!(fs::read_to_string(notes.expect("notes.md")).expect("text"), "made\n");
}

#[test]
fn not_isolated_the_same_edit_is_judged() {
    let subject = subject();
    let go = subject.state.with_file_name("go");
    fs::write(&go, "").expect("go");
    subject.write("src", "edited\n");
    let run = |words: &[&str]| {
        let mut command = subject.wfl(words);
        command.env("GO", &go);
        subject.end_of(command)
    };
    let ended = run(&["run", "all", "--isolated"]).expect_code(0);
    assert!(ended.err.contains("1 uncommitted file is not part of this run"), "{}", ended.err);
    assert_eq!(subject.read("notes.md"), "made\n");
    assert_eq!(checkouts(&subject), (Vec::new(), 0));
    // Without the checkout the stage sees what was edited.
    run(&["run", "all"]).expect_code(1);
}

#[test]
fn a_run_that_stopped_goes_on_in_its_own_checkout() {
    let subject = Subject::with(
        r#"
project { group "ops" { member "ada@team.example" } }
stage build { out app = "app"; exec "sh", "-c", "cat src > app" }
stage ship { needs build; out log = "log"; exec "sh", "-c", "git rev-parse --abbrev-ref HEAD > log; cat app src >> log" }
lane all { include ship; approve 1 from "ops" before ship }
"#,
    );
    subject.git(&["init", "--quiet"]);
    subject.git(&["config", "user.email", "ada@team.example"]);
    subject.write("src", "committed\n");
    subject.commit_all("fix: start");
    subject.end(&["run", "all", "--isolated"]).expect_code(4).says("goes on there");
    assert_eq!(checkouts(&subject).1, 1);
    // Neither the definition nor the files of the run are touched by this.
    subject.write("src", "edited\n");
    subject.write("all.wfl", "wfl 1\nstage other { exec \"true\" }\n");
    subject.end(&["clean"]).expect_code(0);
    subject.end(&["approve", "last", "ship"]).expect_code(0);
    subject.end(&["resume", "last"]).expect_code(0).says("brought back");
    assert_eq!(subject.read("log"), "HEAD\ncommitted\ncommitted\n");
    assert_eq!(checkouts(&subject), (Vec::new(), 0));
}

#[test]
fn conditions_see_the_branch_the_commit_and_the_change_of_the_project() {
    let subject = Subject::with(
        r#"
stage on-side { when git.branch == "side" and change.touches("b") and not git.dirty; exec "sh", "-c", "echo ran > ran"; out ran = "ran" }
"#,
    );
    subject.git(&["init", "--quiet", "--initial-branch=main"]);
    subject.commit_all("fix: start");
    subject.git(&["checkout", "--quiet", "-b", "side"]);
    subject.write("b", "b");
    subject.commit_all("feat: b");
    subject.write("all.wfl", format!("{}\n# edited\n", subject.read("all.wfl")));
    subject.end(&["run", "all.wfl", "--isolated"]).expect_code(0);
    assert_eq!(subject.read("ran"), "ran\n");
}

#[test]
fn commits_of_stages_are_held_and_named() {
    let subject = Subject::with(
        r#"
stage commit { exec "sh", "-c", "echo new > new; git add new; git -c user.name=A -c user.email=a@b.c commit -qm 'feat: new'" }
"#,
    );
    subject.git(&["init", "--quiet"]);
    subject.commit_all("fix: start");
    let before = output(&subject, &["rev-parse", "HEAD"]);
    subject.end(&["run", "all.wfl", "--isolated"]).expect_code(0).says("git merge refs/wfl/isolated/");
    assert_eq!(output(&subject, &["rev-parse", "HEAD"]), before);
    let run = subject.newest_run().expect("a run");
    let named = output(&subject, &["show", &format!("refs/wfl/isolated/{run}:new")]);
    assert_eq!(named, "new");
    assert_eq!(checkouts(&subject), (Vec::new(), 0));
}

#[test]
fn without_a_commit_or_git_it_is_refused_with_help() {
    let subject = Subject::with("stage a { exec \"true\" }\n");
    subject.end(&["run", "all.wfl", "--isolated"]).expect_code(2).says("in no git repository");
    subject.git(&["init", "--quiet"]);
    subject.end(&["run", "all.wfl", "--isolated"]).expect_code(2).says("no commit yet");
    subject.commit_all("fix: start");
    subject.write("late.wfl", "wfl 1\nstage a { exec \"true\" }\n");
    subject.end(&["run", "late.wfl", "--isolated"]).expect_code(2).says("is not in commit");
    subject.end(&["run", "none", "--isolated"]).expect_code(2);
    subject.end(&["run", "all.wfl", "--isolated", "--dry-run"]).expect_code(0);
    assert_eq!(checkouts(&subject), (Vec::new(), 0), "what no run has is gone at once");
}

#[test]
fn what_a_killed_program_left_is_taken_away() {
    let subject = subject();
    let go = subject.state.with_file_name("go");
    let mut command = subject.wfl(&["run", "all", "--isolated"]);
    let mut running = command.env("GO", &go).spawn().expect("wfl");
    wait_for(&go.with_file_name("go.began"));
    // A run that lives keeps its checkout.
    subject.end(&["clean"]).expect_code(0);
    assert_eq!(checkouts(&subject).1, 1);
    running.kill().expect("killed");
    running.wait().expect("an end");
    subject.end(&["clean"]).expect_code(0);
    assert_eq!(checkouts(&subject).1, 1, "the run can go on");
    fs::write(&go, "").expect("go");
    let mut command = subject.wfl(&["resume", "last"]);
    command.env("GO", &go);
    subject.end_of(command).expect_code(0).says("brought back");
    assert_eq!(checkouts(&subject), (Vec::new(), 0));

    // A checkout without a run, of a process that is gone.
    let mut dead = Command::new("true").spawn().expect("a process");
    let process = dead.id();
    dead.wait().expect("an end");
    let dir = subject.state.join("isolated/0000aaaa");
    fs::create_dir_all(&dir).expect("a folder");
    let tree = dir.join("project");
    subject.git(&["worktree", "add", "--quiet", "--detach", "--lock", &tree.to_string_lossy(), "HEAD"]);
    let record = serde_json::json!({
        "home": subject.root, "tree": tree, "prefix": "", "commit": output(&subject, &["rev-parse", "HEAD"]),
        "branch": "", "made": 0, "process": process, "run": null,
    });
    fs::write(dir.join("checkout.json"), record.to_string()).expect("a record");
    assert_eq!(checkouts(&subject).1, 1);
    subject.end(&["clean"]).expect_code(0).says("0000aaaa");
    assert_eq!(checkouts(&subject), (Vec::new(), 0));
}
