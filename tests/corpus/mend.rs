//! `wfl mend` as a person calls it, and what of it only the rules of a run see.

use crate::faults::subject::Subject;

fn project() -> Subject {
    let subject = Subject::with("stage add { exec \"git\", \"add\", \"all.wfl\" }\n");
    subject.commit_all("fix: start");
    subject
}

fn stale_lock(subject: &Subject) {
    subject.write(".git/index.lock", "");
    let lock =
        std::fs::File::options().write(true).open(subject.root.join(".git/index.lock")).expect("a file");
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(9000);
    lock.set_modified(then).expect("a time");
}

#[test]
fn mend_lists_and_puts_right_one_kind() {
    let subject = project();
    let nothing = subject.end(&["mend", "git-locks"]).expect_code(1);
    assert!(nothing.err.contains("nothing is amiss"), "{}", nothing.err);
    stale_lock(&subject);
    let listed = subject.json(&["mend", "git-locks", "--dry-run", "--format", "json"]);
    assert_eq!(listed["found"][0], ".git/index.lock");
    assert!(subject.root.join(".git/index.lock").exists());
    assert_eq!(subject.end(&["mend", "git-locks"]).expect_code(0).out, ".git/index.lock\n");
    assert!(!subject.root.join(".git/index.lock").exists());
    subject.end(&["mend", "git-lock"]).expect_code(2).says("git-locks");
}

#[test]
fn a_destructive_rule_of_the_library_is_refused_without_a_person_and_acts_when_agreed_beforehand() {
    let subject = project();
    let index = std::fs::read(subject.root.join(".git/index")).expect("an index");
    subject.write(".git/index", &index[..20]);
    let ended = subject.end(&["run", "all.wfl", "--yes"]).expect_code(1);
    assert!(
        ended.err.contains("git index damaged") && ended.err.contains("--yes-destructive"),
        "{}",
        ended.err
    );
    assert_eq!(std::fs::read(subject.root.join(".git/index")).expect("an index"), index[..20]);
    subject.end(&["run", "all.wfl", "--yes-destructive"]).expect_code(0);
    let kept = std::fs::read_dir(subject.root.join(".git")).expect("a folder").flatten();
    let kept = kept.filter(|entry| entry.file_name().to_string_lossy().starts_with("index.damaged-"));
    assert_eq!(kept.count(), 1, "the damaged index is kept beside");
}
