//! A runbook for people, in a folder without git: what is not done, not ticked or not approved stops it.

use super::{Walk, begun_with};

const SET: &[&str] =
    &["onboarding", "--set", "name=ada", "--set", "mail=ada@team.example", "--set", "buddy=Bo"];

#[test]
fn a_first_week_from_the_contract_to_the_book() {
    let subject = begun_with("runbook");
    subject.end(&["run", "onboarding"]).expect_code(2).says("--set buddy=");
    let walk = Walk::begin(&subject, SET, 3);
    assert_eq!((walk.status("ready").as_str(), walk.status("welcome").as_str()), ("failed", "blocked"));
    let tick = |file: &str| {
        let text = subject.read(file);
        assert!(text.contains("- [ ] "), "{file}: {text}");
        subject.write(file, text.replace("- [ ] ", "- [x] "));
    };
    tick("people/ada/before.md");
    walk.resume(4);
    walk.approve("welcome");
    subject.end(&["resume", &walk.run, "--yes"]).expect_code(4);
    assert!(walk.log("welcome").contains("to ada@team.example"));
    walk.approve("first-day");
    walk.resume(3);
    tick("people/ada/week.md");
    walk.resume(3).says("a word for the next one");
    subject.write("people/ada/week.md", subject.read("people/ada/week.md") + "A chair.\n");
    walk.resume(0);
    assert!(subject.read("people/joined.txt").contains("ada, shown round by Bo"));
    assert!(!subject.root.join(".git").exists());
}

/// What somebody wrote into the folder is theirs: a second run does not write over it.
#[test]
fn drafts_never_overwrite() {
    let subject = begun_with("runbook");
    subject.write("people/ada/before.md", "- [x] all of it\n");
    let walk = Walk::begin(&subject, SET, 4);
    assert_eq!(subject.read("people/ada/before.md"), "- [x] all of it\n");
    walk.approve("welcome");
    walk.resume(4).says("skipped");
    assert_eq!(walk.status("welcome"), "skipped", "nobody was there to confirm");
}

#[test]
fn a_name_that_is_no_folder_is_refused() {
    let subject = begun_with("runbook");
    let set = ["--set", "name=../ada", "--set", "mail=a@b", "--set", "buddy=Bo"];
    subject.end(&[&["run", "onboarding"][..], &set].concat()).expect_code(2).says("pattern");
}
