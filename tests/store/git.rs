//! Facts of real repositories.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use wfl::base::{Timestamp, Type, Value};
use wfl::expr::facts::{Fact, FactKey};
use wfl::facts::{ChangeFlags, World, git};
use wfl::port::Facts;

fn run_git(root: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(root)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `main` with one commit.
fn repository() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    run_git(dir.path(), &["init", "-q", "-b", "main"]);
    fs::create_dir_all(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("a.txt"), "1\n2\n3\n").unwrap();
    fs::write(dir.path().join("sub/b.txt"), "1\n").unwrap();
    run_git(dir.path(), &["add", "."]);
    run_git(dir.path(), &["commit", "-qm", "chore: begin"]);
    dir
}

fn key(name: &str, arguments: &[&str]) -> FactKey {
    let arguments = arguments.iter().map(|text| Value::String(text.to_string())).collect();
    FactKey { name: name.into(), arguments, ty: Type::Unknown }
}

fn read(world: &World, name: &str, arguments: &[&str]) -> Fact {
    world.read(&[key(name, arguments)]).into_values().next().unwrap()
}

fn text(world: &World, name: &str) -> String {
    match read(world, name, &[]) {
        Fact::Read(value) => value.to_string(),
        Fact::Failed(why) => format!("failed: {why}"),
    }
}

fn world(root: &Path) -> World {
    World::new(root, ChangeFlags::default())
}

#[test]
fn state_of_head_and_tree() {
    let dir = repository();
    let root = dir.path();
    let clean = world(root);
    assert_eq!(text(&clean, "git.branch"), "main");
    assert_eq!((text(&clean, "git.sha").len(), text(&clean, "git.short_sha").len()), (40, 7));
    assert_eq!((text(&clean, "git.dirty"), text(&clean, "git.tag")), ("false".into(), "(absent)".into()));
    fs::write(root.join("new file.txt"), "x").unwrap();
    run_git(root, &["tag", "v1"]);
    let untracked = world(root);
    assert_eq!((text(&untracked, "git.dirty"), text(&untracked, "git.tag")), ("false".into(), "v1".into()));
    assert_eq!(text(&untracked, "change.files"), "[new file.txt]");
    fs::write(root.join("a.txt"), "changed\n").unwrap();
    run_git(root, &["checkout", "-q", "--detach"]);
    let detached = world(root);
    assert_eq!((text(&detached, "git.dirty"), text(&detached, "git.branch")), ("true".into(), "".into()));
    assert_eq!(text(&detached, "change.id"), text(&detached, "git.short_sha"));
}

#[test]
fn a_change_is_all_that_differs_from_the_base() {
    let dir = repository();
    let root = dir.path();
    run_git(root, &["checkout", "-qb", "fix/it"]);
    fs::write(root.join("a.txt"), "1\n2\nthree\nfour\n").unwrap();
    run_git(root, &["commit", "-qam", "feat(core)!: more"]);
    fs::write(root.join("sub/b.txt"), "").unwrap();
    fs::write(root.join("sub/ü \"new\".txt"), "1\n2").unwrap();
    let change = world(root).change().clone();
    assert_eq!(change.files, ["a.txt", "sub/b.txt", "sub/ü \"new\".txt"]);
    assert_eq!((change.id.as_str(), change.kind.as_str(), change.base.as_str()), ("fix/it", "feat", "main"));
    assert_eq!((change.added, change.deleted), (2 + 2, 1 + 1));
    let yes = Fact::Read(Value::Bool(true));
    assert_eq!(read(&world(root), "change.touches", &["*.txt"]), yes);
    assert_eq!(read(&world(root), "change.only", &["*.txt", "sub/**"]), yes);
    assert_ne!(read(&world(root), "change.only", &["*.txt"]), yes);
    // A project in a folder of the repository sees its own files, by its own paths.
    assert_eq!(world(&root.join("sub")).change().files, ["b.txt", "ü \"new\".txt"]);
}

#[test]
fn flags_go_before_git() {
    let dir = repository();
    let flags = ChangeFlags {
        id: Some("C-1".into()),
        kind: Some("perf".into()),
        files: Some(vec!["x.rs".into()]),
        base: Some("elsewhere".into()),
        ..ChangeFlags::default()
    };
    let change = World::new(dir.path(), flags).change().clone();
    assert_eq!(
        (change.id.as_str(), change.kind.as_str(), change.base.as_str()),
        ("C-1", "perf", "elsewhere")
    );
    assert_eq!(change.files, ["x.rs"]);
}

#[test]
fn without_git_the_facts_say_so_and_a_change_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "x").unwrap();
    let world = world(dir.path());
    assert_eq!(text(&world, "git.branch"), "failed: not a git repository");
    assert_eq!((text(&world, "change.files"), text(&world, "change.type")), ("[]".into(), "chore".into()));
    assert_eq!(read(&world, "change.only", &["**"]), Fact::Read(Value::Bool(false)));
    assert_eq!(git::tracked_state(dir.path()), None);
}

#[test]
fn before_the_first_commit_there_is_a_branch_and_no_hash() {
    let dir = tempfile::tempdir().unwrap();
    run_git(dir.path(), &["init", "-q", "-b", "main"]);
    fs::write(dir.path().join("a.txt"), "x").unwrap();
    let world = world(dir.path());
    assert_eq!(text(&world, "git.branch"), "main");
    assert!(text(&world, "git.sha").contains("no commit yet"));
    assert_eq!(text(&world, "change.files"), "[a.txt]");
}

/// A repository whose settings run a program at every chance.
fn trapped(dir: &Path, marker: &Path) {
    let trap = dir.join(".git/trap");
    fs::write(&trap, format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\n", marker.display())).unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    let trap = trap.to_str().unwrap();
    for (name, value) in [
        ("core.fsmonitor", trap),
        ("core.hooksPath", dir.join(".git/hooks").to_str().unwrap()),
        ("diff.external", trap),
        ("diff.d.textconv", trap),
        ("core.pager", trap),
        ("gpg.program", trap),
        ("log.showSignature", "true"),
    ] {
        run_git(dir, &["config", name, value]);
    }
    for hook in ["post-index-change", "post-checkout", "reference-transaction"] {
        let hook = dir.join(".git/hooks").join(hook);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::copy(trap, hook).unwrap();
    }
    fs::write(dir.join(".gitattributes"), "* diff=d\n").unwrap();
}

#[test]
fn nothing_that_a_repository_sets_up_is_run() {
    let dir = repository();
    let marker = dir.path().join(".git/ran");
    trapped(dir.path(), &marker);
    // Git itself does run it: the trap works.
    let _ = Command::new("git").args(["status"]).current_dir(dir.path()).output().unwrap();
    assert!(marker.exists());
    fs::remove_file(&marker).unwrap();
    fs::write(dir.path().join("a.txt"), "changed\n").unwrap();
    let world = world(dir.path());
    for name in ["git.branch", "git.dirty", "git.tag", "change.files", "change.type"] {
        assert!(!text(&world, name).starts_with("failed"), "{name}");
    }
    git::tracked_state(dir.path()).unwrap();
    git::tracked_changed_since(dir.path(), Some("HEAD"), Timestamp(0)).unwrap();
    assert!(!marker.exists(), "{}", fs::read_to_string(&marker).unwrap());
}

#[test]
fn tracked_files_that_change_are_noticed_and_only_those() {
    let dir = repository();
    let root = dir.path();
    let state = || git::tracked_state(root).unwrap();
    let first = state();
    fs::write(root.join("untracked"), "x").unwrap();
    assert_eq!(first, state());
    fs::write(root.join("a.txt"), "changed\n").unwrap();
    let changed = state();
    assert_ne!(first, changed);
    fs::write(root.join("a.txt"), "1\n2\n3\n").unwrap();
    fs::remove_file(root.join("sub/b.txt")).unwrap();
    assert!(state() != first && state() != changed);
    let since = |moment: i64| git::tracked_changed_since(root, Some("HEAD"), Timestamp(moment)).unwrap();
    assert_eq!(since(0), ["a.txt", "sub/b.txt"]);
    assert_eq!(since(Timestamp::now().0 + 60_000), Vec::<String>::new());
}
