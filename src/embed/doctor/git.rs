//! The repository as far as runs depend on it. Changes nothing in it: what stands in a person's repository is theirs.

use std::time::Duration;

use crate::facts::git::health::{Answer, Lock, Repository};

use super::{Finding, Ground};

/// For questions that a small repository answers in milliseconds.
const SHORT: Duration = Duration::from_secs(1);
/// Reading the whole history may take minutes: `wfl doctor` is to answer at once.
const OBJECTS: Duration = Duration::from_millis(150);
/// A lock older than this belongs to nobody when no git is at work.
const STALE: Duration = Duration::from_secs(10);

fn here(ground: &Ground) -> Option<Repository> {
    Repository::find(&ground.place.root)
}

pub(super) fn repository(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "git";
    let Some(repository) = here(ground) else {
        return vec![Finding::ok(
            NAME,
            "this project is in no repository: lanes that read git.* are refused",
        )];
    };
    vec![match repository.ask(&["rev-parse", "--is-inside-work-tree", "HEAD"], SHORT) {
        Answer::Well(_) => match repository.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"], SHORT) {
            Answer::Well(branch) => Finding::ok(NAME, format!("on branch {}", branch.trim())),
            _ => Finding::warn(NAME, "HEAD is detached: no branch is checked out")
                .matters("`git.branch` is empty, so lanes and conditions that ask for it decide otherwise")
                .advice("`git switch BRANCH`, or `git switch -c NAME` to keep what is here"),
        },
        Answer::Refused(why) if why.contains("dubious ownership") => {
            let top = repository.top.display();
            Finding::fail(NAME, format!("{top} belongs to another user, so git refuses to read it"))
                .matters("nothing about the change can be read")
                .advice(format!("if you trust it: `git config --global --add safe.directory {top}`"))
        }
        Answer::Refused(why) if why.contains("not installed") => Finding::fail(NAME, why)
            .matters("this is a repository, and nothing about it can be read")
            .advice("install git"),
        Answer::Refused(why) if no_commit(&why) => Finding::ok(NAME, "a repository without a commit"),
        Answer::Refused(why) => Finding::fail(NAME, format!("the repository cannot be read: {why}"))
            .matters("nothing about the change can be read")
            .advice("`git fsck` says more; a clone of it is the way back"),
        Answer::TooLong => Finding::skipped(NAME, "git did not answer within a second"),
    }]
}

fn no_commit(why: &str) -> bool {
    why.contains("ambiguous argument 'HEAD'") || why.contains("Needed a single revision")
}

pub(super) fn locks(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "git locks";
    let Some(repository) = here(ground) else { return Vec::new() };
    let locks = repository.locks();
    if locks.is_empty() {
        return vec![Finding::ok(NAME, "none")];
    }
    let finding = |lock: &Lock| {
        let (path, age) = (lock.path.display(), lock.age.unwrap_or_default());
        let seconds = age.as_secs();
        let at_work = repository.at_work(lock);
        if !at_work.is_empty() {
            let pids: Vec<String> = at_work.iter().map(i32::to_string).collect();
            return Finding::warn(
                NAME,
                format!("{path} is there, and git is at work (process {})", pids.join(", ")),
            )
            .matters("other git commands have to wait for it")
            .advice("wait for it to end");
        }
        if age < STALE {
            return Finding::warn(NAME, format!("{path} was made {seconds} s ago"))
                .matters("other git commands have to wait for it")
                .advice("look again in a moment");
        }
        Finding::fail(NAME, format!("{path} is {seconds} s old, and no git is at work here"))
            .matters("every command that writes to the repository fails")
            .advice(format!("when no editor or tool uses git just now: `rm {path}`"))
    };
    locks.iter().map(finding).collect()
}

pub(super) fn under_way(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "git work under way";
    let Some(repository) = here(ground) else { return Vec::new() };
    let under_way = repository.under_way();
    if under_way.is_empty() {
        return vec![Finding::ok(NAME, "none")];
    }
    let finding = |(what, how): &(&str, &str)| {
        Finding::warn(NAME, format!("{what} was begun and neither ended nor given up"))
            .matters("what is built and judged is a tree between two states, and a commit would end in it")
            .advice(*how)
    };
    under_way.iter().map(finding).collect()
}

pub(super) fn index(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "git index";
    let Some(repository) = here(ground) else { return Vec::new() };
    vec![match repository.ask(&["ls-files", "--unmerged"], SHORT) {
        Answer::Well(text) if text.trim().is_empty() => Finding::ok(NAME, "readable, nothing unmerged"),
        Answer::Well(text) => {
            let mut paths: Vec<&str> = text.lines().filter_map(|line| line.split('\t').nth(1)).collect();
            paths.dedup();
            Finding::warn(NAME, format!("not merged yet: {}", paths.join(", ")))
                .matters("these files hold both sides of a conflict")
                .advice("resolve them, then `git add` them")
        }
        Answer::Refused(why) if why.contains("dubious ownership") => {
            Finding::skipped(NAME, "git refuses to read the repository (see above)")
        }
        Answer::Refused(why) => Finding::fail(NAME, format!("it cannot be read: {why}"))
            .matters("every git command that looks at files fails")
            .advice(format!(
                "set it aside and make it anew, the files stay as they are: `mv {index} {index}.damaged && git reset`",
                index = repository.dir.join("index").display()
            )),
        Answer::TooLong => Finding::skipped(NAME, "git did not answer within a second"),
    }]
}

pub(super) fn objects(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "git objects";
    let Some(repository) = here(ground) else { return Vec::new() };
    let check = ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"];
    vec![match repository.ask(&check, OBJECTS) {
        Answer::Well(_) => Finding::ok(NAME, "all that are named are there"),
        Answer::Refused(why) if why.contains("dubious ownership") => {
            Finding::skipped(NAME, "git refuses to read the repository (see above)")
        }
        Answer::Refused(why) => Finding::fail(NAME, why)
            .matters("commits, files or branches that name them cannot be read")
            .advice("`git fsck` lists them; `git fetch --refetch` brings back those that a remote has"),
        Answer::TooLong => Finding::skipped(
            NAME,
            "reading the history takes longer than 150 ms: `git fsck --connectivity-only` does it",
        ),
    }]
}

pub(super) fn base(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "base branch";
    let Some(repository) = here(ground) else { return Vec::new() };
    let Some(wanted) = ground.project().model().project.base_branch.clone() else { return Vec::new() };
    let exists = |name: &str| {
        let question = ["rev-parse", "--verify", "--quiet", "--end-of-options", name];
        matches!(repository.ask(&question, SHORT), Answer::Well(_))
    };
    vec![if exists(&wanted) || exists(&format!("origin/{wanted}")) {
        Finding::ok(NAME, wanted)
    } else {
        Finding::warn(NAME, format!("there is no branch `{wanted}`, here or at origin"))
            .matters("the change is what differs from it; without it only what is not committed counts")
            .advice(format!("`git fetch origin {wanted}`, or set `base-branch` in .wfl/project.wfl"))
    }]
}
