//! `wfl doctor` on projects and machines with something wrong: it is found, said with what to do, and only what is ours
//! and loses nothing is mended.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use super::subject::Subject;

const ONE: &str = "stage build { exec \"true\" }\nlane all { include build }\n";

fn project() -> Subject {
    let subject = Subject::with(ONE);
    subject.commit_all("begin");
    subject.end(&["run", "all"]).expect_code(0);
    subject
}

/// The findings of one check: status and what was found.
fn found(subject: &Subject, check: &str) -> Vec<(String, String)> {
    let report = subject.json(&["doctor", "--format", "json"]);
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let own = checks.iter().filter(|one| one["check"] == check);
    own.map(|one| (text(&one["status"]), format!("{} {}", text(&one["found"]), text(&one["advice"]))))
        .collect()
}

#[track_caller]
fn finds(subject: &Subject, check: &str, status: &str, words: &str) {
    let all = found(subject, check);
    assert!(all.iter().any(|(level, text)| level == status && text.contains(words)), "{check}: {all:?}");
}

#[test]
fn on_a_healthy_project_nothing_is_wrong_and_every_check_says_what_it_saw() {
    let subject = project();
    let report = subject.json(&["doctor", "--format", "json"]);
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    assert!(checks.len() >= 15, "{report}");
    for check in &checks {
        assert!(!check["found"].as_str().unwrap_or_default().is_empty(), "{check}");
        let fine = ["ok", "skipped"].contains(&check["status"].as_str().unwrap_or_default());
        // The machine the tests run on may have little room.
        assert!(
            fine || ["free disk", "resources", "environment"]
                .contains(&check["check"].as_str().unwrap_or("")),
            "{check}"
        );
    }
    assert!(report["took_ms"].is_u64());
    subject.end(&["doctor", "--fix"]).says("nothing to fix");
}

#[test]
fn what_is_under_way_in_git_is_told_and_left_alone() {
    let subject = project();
    for (name, words) in [
        ("MERGE_HEAD", "git merge --abort"),
        ("rebase-merge", "git rebase --abort"),
        ("CHERRY_PICK_HEAD", "git cherry-pick --abort"),
        ("BISECT_LOG", "git bisect reset"),
    ] {
        assert!(found(&subject, "git work under way").iter().all(|(status, _)| status == "ok"), "the twin");
        let path = subject.root.join(".git").join(name);
        fs::write(&path, "0000000000000000000000000000000000000000\n").expect("a file");
        finds(&subject, "git work under way", "warn", words);
        subject.end(&["doctor", "--fix"]);
        assert!(path.exists(), "a person's {name} was taken away");
        fs::remove_file(path).expect("a file");
    }
}

#[test]
fn a_stale_git_lock_is_told_from_a_fresh_one_and_never_removed() {
    let subject = project();
    let lock = subject.root.join(".git/index.lock");
    fs::write(&lock, "").expect("a lock");
    finds(&subject, "git locks", "warn", "was made");
    let old = std::time::SystemTime::now() - Duration::from_secs(600);
    fs::File::options().append(true).open(&lock).and_then(|file| file.set_modified(old)).expect("a time");
    finds(&subject, "git locks", "fail", "no git is at work here");
    subject.end(&["doctor", "--fix"]).expect_code(1);
    assert!(lock.exists());
    // The twin: taken away by a person.
    fs::remove_file(&lock).expect("a lock");
    finds(&subject, "git locks", "ok", "none");
}

#[test]
fn a_spoiled_repository_is_told() {
    let subject = project();
    let index = subject.root.join(".git/index");
    let sound = fs::read(&index).expect("an index");
    fs::write(&index, b"DIRC nonsense").expect("an index");
    finds(&subject, "git index", "fail", "git reset");
    fs::write(&index, sound).expect("an index");
    finds(&subject, "git index", "ok", "readable");
    subject.git(&["checkout", "-q", "--detach"]);
    finds(&subject, "git", "warn", "detached");
    subject.git(&["switch", "-q", "-"]);
    // Objects that are named and not there.
    let objects = subject.root.join(".git/objects");
    let folders =
        fs::read_dir(&objects).expect("objects").flatten().filter(|entry| entry.file_name().len() == 2);
    let (mut gone, aside) = (Vec::new(), subject.state.join("aside"));
    fs::create_dir_all(&aside).expect("a folder");
    for folder in folders {
        let to = aside.join(folder.file_name());
        fs::rename(folder.path(), &to).expect("moved");
        gone.push((folder.path(), to));
    }
    let report = found(&subject, "git objects");
    // A machine under load may not get so far in time: then it says so.
    assert!(report.iter().all(|(status, _)| status == "fail" || status == "skipped"), "{report:?}");
    let git = [found(&subject, "git"), found(&subject, "git index")].concat();
    assert!(!git.is_empty());
    for (from, to) in gone {
        fs::rename(to, from).expect("moved back");
    }
    fs::remove_dir(&aside).expect("a folder");
    assert!(found(&subject, "git objects").iter().all(|(status, _)| status != "fail"), "the twin");
}

#[test]
fn modes_temporary_files_and_definitions() {
    let subject = project();
    fs::set_permissions(&subject.state, fs::Permissions::from_mode(0o755)).expect("a mode");
    let dead = {
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        child.wait().expect("a process");
        child.id()
    };
    let (left, living) = (
        subject.state.join(format!("state.db.new-{dead}-0")),
        subject.state.join(format!("state.db.new-{}-0", std::process::id())),
    );
    fs::write(&left, "").expect("a file");
    fs::write(&living, "").expect("a file");
    finds(&subject, "state folder", "warn", "others may look into");
    finds(&subject, "temporary files", "warn", "1 left over");
    subject.end(&["doctor", "--fix"]).says("removed").says("only you may look into");
    assert!(!left.exists() && living.exists());
    assert_eq!(fs::metadata(&subject.state).expect("a folder").permissions().mode() & 0o777, 0o700);
    subject.end(&["doctor", "--fix"]).says("nothing to fix");
    subject.write("all.wfl", "wfl 1\nstage build { exec \"cargoo\" }\nlane all { include build }\n");
    finds(&subject, "programs", "warn", "cargoo");
    subject.write("all.wfl", "wfl 1\nlane all { include nothing }\n");
    finds(&subject, "definitions", "fail", "wfl check");
}

#[test]
fn what_a_killed_run_left_is_found_and_only_ended_when_somebody_says_so() {
    let subject = Subject::with(
        "stage slow { run sh \"\"\"\n  touch began; exec sleep 300\n  \"\"\" }\nlane all { include slow }\n",
    );
    let mut child = subject.wfl(&["run", "all"]).stderr(Stdio::null()).spawn().expect("wfl starts");
    let until = Instant::now() + Duration::from_secs(20);
    while !subject.root.join("began").exists() {
        assert!(Instant::now() < until, "it did not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The twin: a living run's processes are nobody's leftovers.
    finds(&subject, "leftover processes", "ok", "none");
    child.kill().expect("a child");
    child.wait().expect("a child");
    finds(&subject, "leftover processes", "warn", "sleep");
    finds(&subject, "runs", "warn", "wfl resume");
    subject.end(&["doctor", "--fix"]).expect_code(0).says("nobody is there to confirm it");
    finds(&subject, "leftover processes", "warn", "sleep");
    subject.end(&["doctor", "--fix", "--yes"]).expect_code(0).says("ended 1 process");
    finds(&subject, "leftover processes", "ok", "none");
}

#[test]
fn after_a_killed_run_the_next_mends_what_it_left_and_says_so() {
    let held = "stage slow { lock \"door\"; repeatable; run sh \"\"\"\n  touch began; exec sleep 300\n  \"\"\" }\n\
                stage quick { exec \"true\" }\nlane all { include slow }\nlane other { include quick }\n";
    let subject = Subject::with(held);
    let mut child = subject.wfl(&["run", "--lane", "all"]).stderr(Stdio::null()).spawn().expect("wfl starts");
    let until = Instant::now() + Duration::from_secs(20);
    while !subject.root.join("began").exists() {
        assert!(Instant::now() < until && child.try_wait().expect("a child").is_none(), "it did not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("a child");
    child.wait().expect("a child");
    finds(&subject, "locks", "warn", "dead runs hold something");
    subject.end(&["run", "--lane", "other"]).expect_code(0).says("gave back what the dead run");
    finds(&subject, "locks", "ok", "none");
    // The twin: after a run that ended well nothing is said.
    let quiet = subject.end(&["run", "--lane", "other"]).expect_code(0);
    assert!(!quiet.err.contains("gave back"), "{}", quiet.err);
    subject.end(&["doctor", "--fix", "--yes"]);
}

#[test]
fn a_clock_that_was_set_back_is_told() {
    let subject = project();
    finds(&subject, "clock", "ok", "20");
    let conn = Connection::open(subject.state.join("state.db")).expect("a database");
    conn.execute("update event set at = at + 86400000", []).expect("a change");
    drop(conn);
    finds(&subject, "clock", "warn", "which is to come");
}
