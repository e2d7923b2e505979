//! Each kind is found where it is, and not where somebody is at work or something only looks alike.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use super::*;

fn git(root: &Path, arguments: &[&str]) {
    let status = Command::new("git").args(arguments).current_dir(root).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "git {arguments:?}");
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    fs::write(root.join(".gitignore"), "out/\nnode_modules\n.venv\n").unwrap();
    fs::create_dir(root.join("out")).unwrap();
    folder
}

/// Written `ago` seconds before now.
fn write(root: &Path, path: &str, text: &str, ago: u64) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(ago)).unwrap();
}

fn found(root: &Path, kind: Kind) -> Vec<String> {
    find(root, kind, None).unwrap()
}

struct Asleep(Child);

impl Drop for Asleep {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn old_locks_of_git_are_found_wherever_its_folder_is() {
    let folder = repository();
    let root = folder.path();
    for lock in ["index.lock", "refs/heads/a/b.lock", "modules/lib/index.lock", "worktrees/x/HEAD.lock"] {
        write(root, &format!(".git/{lock}"), "", 300);
    }
    write(root, "deep/er/clone/.git/config.lock", "", 300);
    // Younger than two minutes, of the future, no lock of git's, and in other people's code.
    write(root, ".git/HEAD.lock", "", 60);
    write(root, ".git/hooks/mine.lock", "", 300);
    write(root, "node_modules/x/.git/index.lock", "", 300);
    write(root, "yarn.lock", "", 300);
    write(root, ".git/packed-refs.lock", "", 0);
    let future = fs::File::options().write(true).open(root.join(".git/packed-refs.lock")).unwrap();
    future.set_modified(SystemTime::now() + Duration::from_secs(9000)).unwrap();
    let wanted = [
        ".git/index.lock",
        ".git/modules/lib/index.lock",
        ".git/refs/heads/a/b.lock",
        ".git/worktrees/x/HEAD.lock",
        "deep/er/clone/.git/config.lock",
    ];
    assert_eq!(found(root, Kind::GitLocks), wanted);
    assert_eq!(mend(root, Kind::GitLocks, None).unwrap(), wanted);
    assert_eq!(found(root, Kind::GitLocks), Vec::<String>::new());
    assert!(root.join(".git/HEAD.lock").exists() && root.join("yarn.lock").exists());
}

#[test]
fn a_lock_that_is_open_or_beside_a_living_git_is_left() {
    let folder = repository();
    let root = folder.path();
    write(root, ".git/index.lock", "", 300);
    let open = fs::File::open(root.join(".git/index.lock")).unwrap();
    assert_eq!(found(root, Kind::GitLocks), Vec::<String>::new());
    drop(open);
    assert_eq!(found(root, Kind::GitLocks), [".git/index.lock"]);
    // It waits for its input, which never comes.
    let mut reads = Command::new("git");
    reads.args(["hash-object", "--stdin"]).current_dir(root).stdin(Stdio::piped()).stdout(Stdio::null());
    let living = Asleep(reads.spawn().unwrap());
    assert_eq!(found(root, Kind::GitLocks), Vec::<String>::new());
    drop(living);
    assert_eq!(found(root, Kind::GitLocks), [".git/index.lock"]);
}

#[test]
fn only_empty_rebase_folders_are_found() {
    let folder = repository();
    let root = folder.path();
    write(root, ".git/rebase-apply/patch", "work", 300);
    fs::create_dir(root.join(".git/rebase-merge")).unwrap();
    assert_eq!(found(root, Kind::GitFolders), Vec::<String>::new(), "it is new");
    let times = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec { tv_sec: 1_700_000_000, tv_nsec: 0 },
        last_modification: rustix::fs::Timespec { tv_sec: 1_700_000_000, tv_nsec: 0 },
    };
    let (here, follow) = (rustix::fs::CWD, rustix::fs::AtFlags::empty());
    rustix::fs::utimensat(here, root.join(".git/rebase-merge"), &times, follow).unwrap();
    assert_eq!(found(root, Kind::GitFolders), [".git/rebase-merge"]);
}

#[test]
fn modes_come_back_to_what_git_knows_and_to_ignored_scripts() {
    let folder = repository();
    let root = folder.path();
    for (path, text) in
        [("run.sh", "#!/bin/sh\n"), ("data.sh", "#!/bin/sh\n"), ("out/gen", "#!/bin/sh\n"), ("out/data", "x")]
    {
        write(root, path, text, 0);
    }
    git(root, &["add", "run.sh", "data.sh"]);
    git(root, &["update-index", "--chmod=+x", "run.sh"]);
    assert_eq!(found(root, Kind::Modes), ["out/gen", "run.sh"]);
    assert_eq!(find(root, Kind::Modes, Some("run.sh: Permission denied")).unwrap(), ["run.sh"]);
    mend(root, Kind::Modes, None).unwrap();
    let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o111;
    assert_ne!(mode("run.sh"), 0);
    assert_eq!((mode("data.sh"), mode("out/data")), (0, 0));
}

#[test]
fn only_dead_numbers_in_ignored_files_are_stale() {
    let folder = repository();
    let root = folder.path();
    let own = std::process::id().to_string();
    for (path, text) in [
        ("out/dead.pid", "4194301\n"),
        ("out/alive.pid", own.as_str()),
        ("out/words.lock", "not a number"),
        ("out/two.lock", "4194301 4194302"),
        ("kept.pid", "4194301"),
    ] {
        write(root, path, text, 300);
    }
    write(root, "out/new.pid", "4194301", 10);
    assert_eq!(found(root, Kind::PidFiles), ["out/dead.pid"]);
    let named = |said: &str| find(root, Kind::PidFiles, Some(said)).unwrap().len();
    assert_eq!([named("see out/dead.pid"), named("pid 4194301 runs"), named("another instance")], [1, 1, 0]);
}

#[test]
fn folders_are_made_only_below_and_only_where_git_ignores_them() {
    let folder = repository();
    let root = folder.path();
    let said = "sh: 1: cannot create out/a/b/x.txt: Directory nonexistent\ncp: src2/y: No such file\n/etc/no-such-folder/z: ENOENT out/here: \n../above/q";
    let named = |said: &str| find(root, Kind::Folders, Some(said)).unwrap();
    assert_eq!(named(said), ["out/a/b"]);
    assert_eq!(named("„out/b/x“ und 'out/c/x'"), ["out/c"]);
    assert_eq!(mend(root, Kind::Folders, Some(said)).unwrap(), ["out/a/b"]);
    assert!(root.join("out/a/b").is_dir() && !root.join("src2").exists());
}

#[test]
fn packages_are_missing_by_the_lock_file_and_not_where_the_folder_is_a_link() {
    let folder = repository();
    let root = folder.path();
    let package = "{\"dependencies\":{\"left\":\"1\"},\"devDependencies\":{\"@a/right\":\"1\"}}";
    for part in [".", "web", "linked", "full", "docs"] {
        write(root, &format!("{part}/package.json"), package, 0);
    }
    for part in [".", "web", "linked", "full"] {
        write(root, &format!("{part}/package-lock.json"), "{}", 0);
    }
    write(root, "web/node_modules/left/package.json", "{}", 0);
    write(root, "full/node_modules/left/package.json", "{}", 0);
    write(root, "full/node_modules/@a/right/package.json", "{}", 0);
    symlink("/nowhere", root.join("linked/node_modules")).unwrap();
    git(root, &["add", "."]);
    assert_eq!(found(root, Kind::NodeModules), [".", "web"]);
    let named = |said: &str| find(root, Kind::NodeModules, Some(said)).unwrap().len();
    assert_eq!(named("Error: Cannot find module 'left'"), 2);
    assert_eq!(named("sh: 1: terraform: not found"), 0, "no package of the lock file brings that");
    write(root, "package-lock.json", "{\"bin\":{\"lintit\":\"i.js\"}}", 0);
    assert_eq!(named("sh: 1: lintit: not found"), 1);
    assert_eq!(named("program not found: node_modules/.bin/lintit (looked in /x)"), 1);
}

#[test]
fn an_unknown_kind_names_those_there_are() {
    let error = Kind::named("git-lock").unwrap_err();
    assert!(error.contains("git-locks") && error.contains("processes"), "{error}");
}

#[test]
fn no_process_is_left_but_of_an_ended_run() {
    let folder = repository();
    let root = folder.path();
    // A mark alone does not make it ours to end: this one holds nothing.
    let mut sleep = Command::new("sleep");
    sleep.arg("60").current_dir(root).env("WFL_RUN", "20260101-000000-dead");
    let _asleep = Asleep(sleep.spawn().unwrap());
    assert_eq!(found(root, Kind::Processes), Vec::<String>::new());
}
