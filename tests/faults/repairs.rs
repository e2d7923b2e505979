//! Repair rules with real processes, files and git.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::subject::Subject;
use wfl::store::Store;

const COMMIT: &str =
    "stage commit { run \"\"\"\n  echo x >> f.txt\n  git add f.txt\n  git commit -qm x\n  \"\"\" }\n";

/// A project with a stage that commits, and an index lock as old as these minutes.
fn locked(text: &str, minutes: u32) -> Subject {
    let subject = Subject::with(text);
    subject.commit_all("first");
    let age = format!("{minutes} minutes ago");
    let lock = subject.root.join(".git/index.lock");
    let touched = Command::new("touch").args(["-d", &age]).arg(&lock).status().expect("touch starts");
    assert!(touched.success());
    subject
}

fn events(out: &str, kind: &str) -> Vec<Value> {
    let all = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    all.filter(|event| event["type"] == kind).collect()
}

/// As the library's rule, but for the question whether some git runs anywhere on this machine: other tests run one.
const OLD_LOCK: &str = "repair \"old lock\" {\n  when stderr matches \"index\\\\.lock.*File exists\"\n  verify \
                        file.age(\".git/index.lock\") > 2m\n  do { exec \"rm\", \"--\", \".git/index.lock\" }\n  risk \
                        low\n}\n";

#[test]
fn a_stale_index_lock_is_removed_and_the_stage_goes_on() {
    let subject = locked(&format!("{OLD_LOCK}{COMMIT}"), 10);
    let ended = subject.end(&["run", "all.wfl", "--format", "json"]).expect_code(0);
    let told = events(&ended.out, "repair.told");
    assert_eq!((told.len(), &told[0]["helped"]), (1, &Value::Bool(true)), "{}", ended.out);
    assert_eq!(told[0]["rule"], "old lock");
    assert!(!subject.root.join(".git/index.lock").exists());
    let run = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    assert_eq!(shown["repairs"][0]["rule"], "old lock");
    subject.end(&["show", &run]).expect_code(0).says("commit was healed by `old lock`");
    let counts = Store::open(&subject.state).expect("a state").repairs().expect("counts");
    assert_eq!((counts.len(), counts[0].done, counts[0].helped, counts[0].refused), (1, 1, 1, 0));
    subject.end(&["why", &run, "commit"]).expect_code(0).says("`old lock` helped");
}

/// Compilers and test programs report on standard output.
#[test]
fn a_rule_reads_standard_output_too() {
    let lane = |reads: &str| {
        format!(
            "repair \"made\" {{ when {reads} matches \"lacks (a|the) key\"; do {{ run sh \"\"\"\n  printf '%s' \"$WFL_STDERR\" > key\n  \
             \"\"\" }}; risk low }}\nstage s {{ run sh \"\"\"\n  [ -e key ] || {{ echo 'it lacks the key'; exit 1; }}\n  \"\"\" }}\n"
        )
    };
    let subject = Subject::with(&lane("stdout"));
    subject.end(&["run", "all.wfl"]).expect_code(0);
    assert!(subject.read("key").contains("it lacks the key"));
    // The twin: it is not on standard error.
    Subject::with(&lane("stderr")).end(&["run", "all.wfl"]).expect_code(1);
}

#[test]
fn with_no_repair_nothing_is_touched() {
    let subject = locked(COMMIT, 10);
    let ended = subject.end(&["run", "all.wfl", "--no-repair"]).expect_code(1);
    assert!(!ended.err.contains("repair"), "{}", ended.err);
    assert!(subject.root.join(".git/index.lock").exists());
}

/// Every run has the library's rules, and needs no word for it.
#[test]
fn a_lock_that_is_young_or_whose_owner_lives_is_left_alone() {
    let subject = locked(COMMIT, 0);
    subject.end(&["run", "all.wfl"]).expect_code(1).says("index.lock");
    assert!(subject.root.join(".git/index.lock").exists());
    // A program of that name is at work in the project, and the lock is old.
    let subject = locked(COMMIT, 10);
    let sleep = ["/bin/sleep", "/usr/bin/sleep"].iter().find(|path| std::path::Path::new(path).exists());
    let folder = tempfile::tempdir().expect("a folder");
    let git = folder.path().join("git");
    std::fs::copy(sleep.expect("sleep"), &git).expect("a copy");
    let mut owner = Command::new(&git)
        .arg("600")
        .current_dir(&subject.root)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let ended = subject.end(&["run", "all.wfl"]);
    owner.kill().expect("it runs");
    owner.wait().expect("it ends");
    ended.expect_code(1).says("index.lock");
    assert!(subject.root.join(".git/index.lock").exists());
}

#[test]
fn the_project_says_which_rules_apply() {
    let subject = locked(COMMIT, 10);
    subject.write(".wfl/project.wfl", "wfl 1\nproject { repairs none }\n");
    subject.end(&["run", "all.wfl"]).expect_code(1);
    let shared = "wfl 1\nrepair \"ours\" {\n  when stderr matches \"index\\\\.lock\"\n  do { exec \"rm\", \"--\", \
                  \".git/index.lock\" }\n  risk low\n}\n";
    subject.write(".wfl/shared.wfl", shared);
    subject.write(
        ".wfl/project.wfl",
        "wfl 1\nimport \"shared.wfl\" as shared\nproject { repairs shared, std.repair }\n",
    );
    let ended = subject.end(&["run", "all.wfl", "--format", "json"]).expect_code(0);
    assert_eq!(events(&ended.out, "repair.started")[0]["rule"], "ours");
    subject.write(".wfl/project.wfl", "wfl 1\nproject { repairs nothing }\n");
    subject.end(&["run", "all.wfl"]).expect_code(2).says("`nothing` holds no repair rules");
}

/// Facts of run start, functions and lets of a rule's file are worked out for the run.
#[test]
fn a_rule_reads_what_its_file_says() {
    let text = "let name = \"input.txt\"\nfn lost(text: string) = text matches \"No such file\"\n\
                repair \"missing\" {\n  when lost(stderr) and os == \"linux\"\n  verify not file.exists(path(name))\n\
                  do { run \"\"\"\n    echo \"for $WFL_STAGE in $WFL_STAGE_DIR\"\n    echo here > input.txt\n    \"\"\" }\n\
                  risk low\n}\nstage read { cwd \"sub\"; exec \"cat\", \"../input.txt\" }\n";
    let subject = Subject::with(text);
    subject.write("sub/x", "");
    subject.end(&["run", "all.wfl"]).expect_code(0).says("healed: read by `missing`");
    assert_eq!(subject.read("input.txt"), "here\n");
    let log = subject.end(&["logs", "last", "read"]).expect_code(0);
    assert!(log.out.contains("for read in ") && log.out.contains("/sub"), "{}", log.out);
    assert!(log.err.contains("repair 1"), "{}", log.err);
}

#[test]
fn a_repair_sees_no_secret_and_its_log_holds_none() {
    let text = "secret token = env(\"TOKEN\")\nrepair \"say\" {\n  when exit == 3\n  do { run \"\"\"\n    echo \
                \"said: $WFL_STDERR\"\n    echo \"token: ${TOKEN:-none}\"\n    \"\"\" }\n  risk low\n}\nstage a {\n  run \
                \"\"\"\n    echo \"using $T\" >&2\n    test -e done || { touch done; exit 3; }\n    \"\"\"\n  env { T = token }\n  \
                repeatable\n}\n";
    let subject = Subject::with(text);
    let mut command = subject.wfl(&["run", "all.wfl"]);
    command.env("TOKEN", "hunter2-hunter2");
    subject.end_of(command).expect_code(0);
    let log = subject.end(&["logs", "last", "a"]).expect_code(0).out;
    assert!(log.contains("said: using ***") && log.contains("token: none"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_destructive_rule_is_refused_without_a_terminal_unless_it_is_agreed_to() {
    let text = "repair \"clear\" {\n  when exit == 3\n  do { exec \"rm\", \"--\", \"full\" }\n}\nstage a { run \"\"\"\n  test ! -e \
                full || exit 3\n  \"\"\" }\n";
    let subject = Subject::with(text);
    subject.write("full", "");
    subject.end(&["run", "all.wfl"]).expect_code(1).says("nobody is at a terminal to agree");
    subject.end(&["run", "all.wfl", "--yes"]).expect_code(1).says("nobody is at a terminal to agree");
    assert!(subject.root.join("full").exists());
    // The run that failed goes on, agreed to now.
    subject
        .end(&["resume", "last", "--yes-destructive"])
        .expect_code(0)
        .says("agreed to by --yes-destructive");
    assert!(!subject.root.join("full").exists());
}

#[test]
fn a_run_is_pinned_to_the_librarys_rules_by_their_hash() {
    let subject = Subject::with("stage a { exec \"true\" }\n");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    let conn = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    let plan: String = conn.query_row("SELECT json FROM plan", [], |row| row.get(0)).expect("a plan");
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    let pinned = plan["definition"]["files"]["std.repair (blake3)"].as_str().unwrap_or_default();
    assert_eq!(pinned.trim().len(), 64, "{plan}");
    assert!(plan["repairs"].as_array().is_some_and(Vec::is_empty));
}
