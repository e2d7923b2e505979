//! Snapshots of real folders with real git, in every shape a project has.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::sync::atomic::Ordering;

use proptest::prelude::{Strategy, any, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::port::Restoring;

struct Place {
    _dir: tempfile::TempDir,
    root: PathBuf,
    state: PathBuf,
}

impl Place {
    /// Without git.
    fn bare() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        fs::create_dir(base.join("project")).unwrap();
        Place { root: base.join("project"), state: base.join("state"), _dir: dir }
    }

    fn new() -> Place {
        let place = Place::bare();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place
    }

    fn of(git: bool) -> Place {
        if git { Place::new() } else { Place::bare() }
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_at(&self.root, arguments)
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read(self.root.join(name)).ok().map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.root.join(name)).unwrap();
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn snapshots(&self) -> ProjectSnapshots {
        ProjectSnapshots::new(&self.root, &self.state, "r1").unwrap()
    }

    /// Every file of the tree but git's: mode and content, or where a link leads.
    fn tree(&self) -> BTreeMap<String, (u32, Vec<u8>)> {
        tree_of(&self.root, |entry| entry.file_name() != ".git" || entry.depth() != 1)
    }
}

fn git_at(root: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    for setting in
        ["user.name=Ada", "user.email=ada@team.example", "protocol.file.allow=always", "commit.gpgsign=false"]
    {
        command.args(["-c", setting]);
    }
    let output = command.args(arguments).current_dir(root).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn tree_of(root: &Path, wanted: impl FnMut(&walkdir::DirEntry) -> bool) -> BTreeMap<String, (u32, Vec<u8>)> {
    use std::os::unix::ffi::OsStrExt;
    let mut tree = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1).into_iter().filter_entry(wanted) {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        let name = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if meta.is_symlink() {
            tree.insert(name, (0, fs::read_link(entry.path()).unwrap().as_os_str().as_bytes().to_vec()));
        } else if meta.is_file() {
            tree.insert(
                name,
                (meta.permissions().mode() & 0o7777, fs::read(entry.path()).unwrap_or_default()),
            );
        }
    }
    tree
}

/// Git's own folder, to the byte and the time.
fn inside_git(git: &Path) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in walkdir::WalkDir::new(git) {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        let content = if meta.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
        all.insert(entry.path().to_string_lossy().into_owned(), (content, meta.modified().unwrap()));
    }
    all
}

fn told(restored: &[Restored]) -> Vec<(&str, &Restoring)> {
    restored.iter().map(|one| (one.path.as_str(), &one.what)).collect()
}

#[test]
fn the_same_files_have_the_same_id_and_no_file_is_read_twice() {
    for git in [true, false] {
        let place = Place::of(git);
        place.write("a", "one");
        place.write("src/b", "two");
        let snapshots = place.snapshots();
        let first = snapshots.take().unwrap();
        assert_eq!(snapshots.take().unwrap(), first);
        // Another process knows what this one learnt.
        assert_eq!(place.snapshots().take().unwrap(), first);
        place.write("src/b", "three");
        let second = snapshots.take().unwrap();
        assert_ne!(second, first);
        place.write("src/b", "two");
        assert_eq!(snapshots.take().unwrap(), first);
        // Knowing nothing of what was seen before, it comes to the same.
        fs::remove_file(&snapshots.memory).unwrap();
        assert_eq!(place.snapshots().take().unwrap(), first);
        fs::write(&snapshots.memory, "wfl-seen-1 x\0gar\u{1}bage\0end\0").unwrap();
        assert_eq!(place.snapshots().take().unwrap(), first);
    }
}

#[test]
fn a_write_that_keeps_size_and_times_of_modification_is_seen() {
    let place = Place::new();
    place.write("a", "one");
    let snapshots = place.snapshots();
    let first = snapshots.take().unwrap();
    let modified = fs::metadata(place.root.join("a")).unwrap().modified().unwrap();
    place.write("a", "two");
    fs::File::options().write(true).open(place.root.join("a")).unwrap().set_modified(modified).unwrap();
    assert_ne!(snapshots.take().unwrap(), first);
}

#[test]
fn what_a_run_did_is_taken_back_in_full() {
    for git in [true, false] {
        let place = Place::of(git);
        for name in ["a", "b", "gone", "src/deep/c", "-dash", "new\nline", "\"quoted\"\\", "ünï"] {
            place.write(name, format!("text of {name}\r\n"));
        }
        place.write("secret", "s");
        place.mode("secret", 0o600);
        place.mode("b", 0o755);
        symlink("a", place.root.join("link")).unwrap();
        symlink("/nowhere", place.root.join("dangling")).unwrap();
        if git {
            place.write("staged", "staged");
            place.commit();
        }
        let before = place.tree();
        let snapshots = place.snapshots();
        let to = snapshots.take().unwrap();

        place.write("a", "changed");
        place.mode("b", 0o644);
        place.remove("gone");
        place.write("fresh/of/run", "new");
        for name in ["-dash", "new\nline", "\"quoted\"\\", "ünï", "secret"] {
            place.write(name, "changed");
        }
        place.mode("secret", 0o644);
        fs::remove_dir_all(place.root.join("src")).unwrap();
        symlink("/etc", place.root.join("src")).unwrap();
        place.remove("link");
        place.write("link/is/a/folder/now", "x");
        place.remove("dangling");
        place.write("dangling", "a file now");
        let left = snapshots.take().unwrap();

        let known = [to.clone(), left];
        let said = snapshots.compare(&to, &known).unwrap();
        assert_eq!(snapshots.restore(&to, &known).unwrap().len(), said.len());
        assert_eq!(place.tree(), before);
        assert!(!place.root.join("fresh").exists(), "folders of the run go with their last file");
        assert!(fs::metadata("/etc").unwrap().is_dir() && !Path::new("/etc/deep").exists());
        assert!(snapshots.restore(&to, &known).unwrap().is_empty());
        assert_eq!(place.snapshots().take().unwrap(), to);
    }
}

#[test]
fn nothing_of_git_is_written_and_its_index_stash_and_head_stay() {
    let place = Place::new();
    place.write("a", "one");
    place.write("b", "one");
    place.commit();
    place.write("a", "stashed");
    place.git(&["stash"]);
    place.write("b", "staged");
    place.git(&["add", "b"]);
    place.write("c", "intended");
    place.git(&["add", "--intent-to-add", "c"]);
    place.write("d", "untracked");
    let before = inside_git(&place.root.join(".git"));
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    for name in ["a", "b", "c", "d"] {
        place.write(name, "by the run");
    }
    place.write("e", "by the run");
    let left = snapshots.take().unwrap();
    snapshots.restore(&to, &[to.clone(), left]).unwrap();
    sweep(&place.state, &|_| false, false).unwrap();
    let after = inside_git(&place.root.join(".git"));
    assert!(before == after, "git's folder was written to");
    let texts: Vec<_> =
        ["a", "b", "c", "d", "e"].map(|name| place.read(name)).into_iter().flatten().collect();
    assert_eq!(texts, ["one", "staged", "intended", "untracked"]);
    // The proof can fail: what git does by itself is seen.
    place.git(&["add", "d"]);
    assert!(before != inside_git(&place.root.join(".git")));
}

#[test]
fn filters_and_line_endings_do_not_touch_a_byte() {
    let place = Place::new();
    place.write(".gitattributes", "* text=auto eol=crlf ident filter=loud working-tree-encoding=UTF-16\n");
    place.git(&["config", "filter.loud.clean", "tr a-z A-Z"]);
    place.git(&["config", "filter.loud.smudge", "tr A-Z a-z"]);
    place.git(&["config", "core.autocrlf", "true"]);
    let mixed = "$Id: x$ one\r\ntwo\nthree\r\n";
    place.write("mixed", mixed);
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    place.write("mixed", "other");
    let left = snapshots.take().unwrap();
    snapshots.restore(&to, &[to.clone(), left]).unwrap();
    assert_eq!(place.read("mixed").unwrap(), mixed);
    // With filters on it would be another content.
    place.write(".gitattributes", "* filter=loud\n");
    let filtered = git_at(&place.root, &["hash-object", "mixed"]);
    assert_ne!(filtered, git_at(&place.root, &["hash-object", "--no-filters", "mixed"]));
}

#[test]
fn every_shape_of_a_repository_is_taken() {
    // No commit yet; detached; a checkout of its own; a folder within; a conflict; sparse; a module.
    let place = Place::new();
    place.write("a", "one");
    place.snapshots().take().unwrap();
    place.commit();
    place.git(&["checkout", "--quiet", "--detach"]);
    place.snapshots().take().unwrap();

    let other = place.root.join("../other");
    place.git(&["worktree", "add", "--quiet", "../other", "HEAD"]);
    let in_other = ProjectSnapshots::new(&other, &place.root.join("../state2"), "r1").unwrap();
    let to = in_other.take().unwrap();
    assert!(to.starts_with("git:"));
    fs::write(other.join("a"), "two").unwrap();
    let left = in_other.take().unwrap();
    in_other.restore(&to, &[to.clone(), left]).unwrap();
    assert_eq!(fs::read_to_string(other.join("a")).unwrap(), "one");

    place.write("within/x", "x");
    let within =
        ProjectSnapshots::new(&place.root.join("within"), &place.root.join("../state3"), "r1").unwrap();
    let to = within.take().unwrap();
    place.write("within/x", "y");
    place.write("a", "not within");
    let left = within.take().unwrap();
    assert_eq!(told(&within.restore(&to, &[to.clone(), left]).unwrap()), [("x", &Restoring::Changed)]);
    assert_eq!(place.read("a").unwrap(), "not within");

    place.git(&["checkout", "--quiet", "-f", "main"]);
    place.git(&["checkout", "--quiet", "-b", "side"]);
    place.write("a", "side");
    place.commit();
    place.git(&["checkout", "--quiet", "main"]);
    place.write("a", "main");
    place.commit();
    let merged = Command::new("git").args(["merge", "side"]).current_dir(&place.root).output().unwrap();
    assert!(!merged.status.success(), "a conflict was wanted");
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    let conflict = place.read("a").unwrap();
    place.write("a", "resolved by the run");
    let left = snapshots.take().unwrap();
    snapshots.restore(&to, &[to.clone(), left]).unwrap();
    assert_eq!(place.read("a").unwrap(), conflict);
}

#[test]
fn a_module_is_marked_and_never_entered() {
    let place = Place::new();
    let library = place.root.join("../library");
    fs::create_dir(&library).unwrap();
    git_at(&library, &["init", "--quiet"]);
    fs::write(library.join("x"), "x").unwrap();
    git_at(&library, &["add", "x"]);
    git_at(&library, &["commit", "--quiet", "--message=x"]);
    place.git(&["submodule", "--quiet", "add", "../library", "lib"]);
    place.git(&["init", "--quiet", "nested"]);
    place.write("nested/x", "not ours");
    place.commit_only();
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    place.write("lib/x", "by the run");
    place.write("nested/x", "by the run");
    let left = snapshots.take().unwrap();
    assert_eq!(to, left);
    assert!(snapshots.restore(&to, &[to.clone(), left]).unwrap().is_empty());
    assert_eq!(place.read("lib/x").unwrap(), "by the run");
}

impl Place {
    fn commit_only(&self) {
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    }
}

#[test]
fn files_out_of_a_sparse_checkout_are_not_missed() {
    let place = Place::new();
    place.write("in/a", "a");
    place.write("out/b", "b");
    place.commit();
    place.git(&["sparse-checkout", "set", "in"]);
    assert!(!place.root.join("out/b").exists());
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    place.write("in/a", "by the run");
    let left = snapshots.take().unwrap();
    snapshots.restore(&to, &[to.clone(), left]).unwrap();
    assert!(!place.root.join("out/b").exists());
    assert_eq!(place.read("in/a").unwrap(), "a");
}

#[test]
fn what_is_ignored_or_ours_is_not_taken() {
    let place = Place::new();
    place.write(".gitignore", "*.log\n");
    place.write("a.log", "x");
    place.write(".wfl/out/report", "x");
    let inside = place.root.join("state");
    let snapshots = ProjectSnapshots::new(&place.root, &inside, "r1").unwrap();
    let to = snapshots.take().unwrap();
    place.write("a.log", "by the run");
    place.write(".wfl/out/report", "by the run");
    assert_eq!(snapshots.take().unwrap(), to);

    let place = Place::bare();
    place.write("a", "x");
    for cache in ["node_modules/x", "target/x", "made/x"] {
        place.write(cache, "x");
    }
    place.write("made/CACHEDIR.TAG", "");
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    for cache in ["node_modules/x", "target/x", "made/x"] {
        place.write(cache, "y");
    }
    assert_eq!(snapshots.take().unwrap(), to);
}

#[test]
fn a_folder_that_a_repository_above_ignores_has_snapshots_without_git() {
    let place = Place::new();
    place.write(".gitignore", "inner\n");
    place.write("inner/a", "one");
    let snapshots = ProjectSnapshots::new(&place.root.join("inner"), &place.state, "r1").unwrap();
    assert!(snapshots.take().unwrap().starts_with("files:"));
}

#[test]
fn what_is_too_large_or_unreadable_is_left_and_said() {
    let place = Place::new();
    place.write("large", "");
    fs::File::options().write(true).open(place.root.join("large")).unwrap().set_len(LARGEST + 1).unwrap();
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    place.write("large", "small now");
    let left = snapshots.take().unwrap();
    let restored = snapshots.restore(&to, &[to.clone(), left]).unwrap();
    assert!(
        matches!(&restored[..], [Restored { what: Restoring::Failed(why), .. }] if why.contains("too large"))
    );
    assert_eq!(place.read("large").unwrap(), "small now");

    // What a run made too large to keep is not thrown away.
    let to = snapshots.take().unwrap();
    fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(place.root.join("made"))
        .unwrap()
        .set_len(LARGEST + 1)
        .unwrap();
    let left = snapshots.take().unwrap();
    let restored = snapshots.restore(&to, &[to.clone(), left]).unwrap();
    assert_eq!(told(&restored), [("made", &Restoring::Beside("made.wfl-kept-r1".into()))]);
}

#[test]
fn a_person_loses_nothing() {
    for git in [true, false] {
        let place = Place::of(git);
        for name in ["mine", "both", "run", "deleted", "moved"] {
            place.write(name, "before\n");
        }
        let snapshots = place.snapshots();
        let to = snapshots.take().unwrap();
        for name in ["both", "run", "deleted", "made"] {
            place.write(name, "by the run\n");
        }
        let left = snapshots.take().unwrap();
        place.write("mine", "by a person\n");
        place.write("both", "by a person\n");
        place.write("made", "by a person\n");
        place.write("own", "by a person\n");
        place.remove("deleted");
        place.remove("moved");
        place.write("both.wfl-kept-r1", "somebody has this name\n");
        let known = [to.clone(), left];
        let preview = snapshots.compare(&to, &known).unwrap();
        assert!(preview.iter().any(|one| one.path == "both" && matches!(one.what, Restoring::Beside(_))));
        let restored = snapshots.restore(&to, &known).unwrap();
        let beside = |name: &str| Restoring::Beside(name.into());
        assert_eq!(
            told(&restored),
            [
                ("both", &beside("both.wfl-kept-r1-1")),
                ("both.wfl-kept-r1", &Restoring::Left),
                ("deleted", &Restoring::Left),
                ("made", &beside("made.wfl-kept-r1")),
                ("mine", &Restoring::Left),
                ("moved", &Restoring::Left),
                ("own", &Restoring::Left),
                ("run", &Restoring::Changed),
            ]
        );
        let text = |name: &str| place.read(name).unwrap_or_default();
        assert_eq!(
            (text("mine"), text("both"), text("run")),
            ("by a person\n".into(), "before\n".into(), "before\n".into())
        );
        assert_eq!(
            (text("both.wfl-kept-r1-1"), text("made.wfl-kept-r1")),
            ("by a person\n".into(), "by a person\n".into())
        );
        assert_eq!((place.read("deleted"), place.read("moved"), place.read("made")), (None, None, None));
        // Again: nothing more to do, and nothing is kept twice.
        let before = place.tree();
        snapshots.restore(&to, &known).unwrap();
        assert_eq!(place.tree(), before);
    }
}

#[test]
fn nothing_is_written_through_a_link_or_into_a_closed_folder_and_the_rest_goes_on() {
    let place = Place::new();
    for name in ["one/x", "two/y", "three/z"] {
        place.write(name, "before");
    }
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    for name in ["one/x", "two/y", "three/z"] {
        place.write(name, "by the run");
    }
    let left = snapshots.take().unwrap();
    // A person put a link in the place of the folder.
    let elsewhere = place.root.join("../elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("x"), "by the run").unwrap();
    fs::remove_dir_all(place.root.join("one")).unwrap();
    symlink(&elsewhere, place.root.join("one")).unwrap();
    fs::set_permissions(place.root.join("two"), fs::Permissions::from_mode(0o555)).unwrap();
    let restored = snapshots.restore(&to, &[to.clone(), left]).unwrap();
    fs::set_permissions(place.root.join("two"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(fs::read_to_string(elsewhere.join("x")).unwrap(), "by the run");
    assert_eq!(place.read("three/z").unwrap(), "before");
    // Root may write anywhere; whoever may not is told.
    if !rustix::process::getuid().is_root() {
        assert!(restored.iter().any(|one| one.path == "two/y" && matches!(one.what, Restoring::Failed(_))));
        assert_eq!(place.read("two/y").unwrap(), "by the run");
    }
}

#[test]
fn what_the_repository_threw_away_meanwhile_comes_back_all_the_same() {
    let place = Place::new();
    place.write("a", "only in a commit that is amended away\n");
    place.commit();
    // More than are written without asking, so that contents of the commit stay in the project's own objects.
    for number in 0..300 {
        place.write(&format!("many/{number}"), format!("{number}"));
    }
    place.commit();
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    let blob = place.git(&["rev-parse", "HEAD:a"]);
    assert!(!place.state.join("snapshots/git-sha1/objects").join(&blob[..2]).join(&blob[2..]).exists());
    place.write("a", "by the run");
    let left = snapshots.take().unwrap();
    // A new root: the old commits and all they alone held are gone.
    place.git(&["checkout", "--quiet", "--orphan", "fresh"]);
    place.commit();
    place.git(&["branch", "-D", "main"]);
    place.git(&["reflog", "expire", "--expire=now", "--all"]);
    place.git(&["gc", "--quiet", "--prune=now"]);
    let gone = Command::new("git").args(["cat-file", "-e", &blob]).current_dir(&place.root).status().unwrap();
    assert!(!gone.success(), "git kept it, so nothing was shown");
    snapshots.restore(&to, &[to.clone(), left]).unwrap();
    assert_eq!(place.read("a").unwrap(), "only in a commit that is amended away\n");
}

#[test]
fn runs_that_are_gone_take_their_snapshots_with_them() {
    for git in [true, false] {
        let place = Place::of(git);
        place.write("a", "of both runs");
        let old = ProjectSnapshots::new(&place.root, &place.state, "old").unwrap();
        let shared = old.take().unwrap();
        place.write("a", "x".repeat(5000));
        let gone = old.take().unwrap();
        place.write("a", "of both runs");
        let young = ProjectSnapshots::new(&place.root, &place.state, "young").unwrap();
        assert_eq!(young.take().unwrap(), shared);
        let dry = sweep(&place.state, &|run| run == "young", true).unwrap();
        let swept = sweep(&place.state, &|run| run == "young", false).unwrap();
        assert_eq!((dry.runs, swept.runs), (1, 1));
        assert!(swept.bytes < dry.bytes);
        let young = ProjectSnapshots::new(&place.root, &place.state, "young").unwrap();
        place.write("a", "by the run");
        let left = young.take().unwrap();
        young.restore(&shared, &[shared.clone(), left]).unwrap();
        assert_eq!(place.read("a").unwrap(), "of both runs");
        assert!(young.compare(&gone, &[]).is_err());
    }
}

#[test]
fn the_preview_is_a_diff_of_at_most_so_many_lines() {
    let place = Place::new();
    place.write("a", "one\ntwo\n");
    place.write("binary", [0, 1, 2]);
    place.write("tool", "x");
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    place.write("a", "one\n2\n");
    place.write("binary", [0, 9]);
    place.write("new", "new\n");
    place.mode("tool", 0o755);
    let known = [to.clone(), snapshots.take().unwrap()];
    let text = snapshots.diff(&to, &known, 100).unwrap();
    for part in [
        "--- a (now)\n+++ a (before)\n",
        "-2\n+two\n",
        "binary (now) and binary (before) differ",
        "-new\n",
        "tool: mode 755 becomes 644",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let text = snapshots.diff(&to, &known, 3).unwrap();
    assert!(text.lines().count() <= 6 && text.contains("more file"), "{text}");
    assert_eq!(place.read("a").unwrap(), "one\n2\n");
}

/// What is done to one of few names.
#[derive(Clone, Debug)]
enum Edit {
    Write(usize, u8),
    Remove(usize),
    Mode(usize, bool),
    Link(usize),
}

/// Names that clash: a file where another needs a folder.
const NAMES: [&str; 7] = ["a", "b", "d", "d/x", "d/y", "d/e/z", "w w"];

fn edits(most: usize) -> impl Strategy<Value = Vec<Edit>> {
    let name = 0..NAMES.len();
    let one = prop_oneof![
        4 => (name.clone(), any::<u8>()).prop_map(|(name, text)| Edit::Write(name, text)),
        2 => name.clone().prop_map(Edit::Remove),
        1 => (name.clone(), any::<bool>()).prop_map(|(name, set)| Edit::Mode(name, set)),
        1 => name.prop_map(Edit::Link),
    ];
    prop::collection::vec(one, 0..most)
}

impl Place {
    /// Each writer's texts are told apart; what cannot be done is not.
    fn edit(&self, who: &str, edits: &[Edit]) {
        for edit in edits {
            let _ = match edit {
                Edit::Write(name, text) => {
                    let path = self.clear(NAMES[*name], who == "run");
                    path.map(|path| fs::write(path, format!("{who} {text}\n")))
                }
                Edit::Remove(name) => Some(fs::remove_file(self.root.join(NAMES[*name]))),
                Edit::Mode(name, set) => {
                    let mode = fs::Permissions::from_mode(if *set { 0o755 } else { 0o644 });
                    let path = self.root.join(NAMES[*name]);
                    path.symlink_metadata()
                        .ok()
                        .filter(|meta| meta.is_file())
                        .map(|_| fs::set_permissions(path, mode))
                }
                Edit::Link(name) => {
                    self.clear(NAMES[*name], who == "run").map(|path| symlink(format!("{who}-{name}"), path))
                }
            };
        }
    }

    /// Room for a file of this name; whoever may be rough replaces folders by files and files by folders.
    fn clear(&self, name: &str, rough: bool) -> Option<PathBuf> {
        let path = self.root.join(name);
        let parent = path.parent().unwrap();
        if rough {
            for above in parent.ancestors().take_while(|above| *above != self.root) {
                if above.symlink_metadata().is_ok_and(|meta| !meta.is_dir()) {
                    fs::remove_file(above).unwrap();
                }
            }
            if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
                fs::remove_dir_all(&path).unwrap();
            }
        }
        fs::create_dir_all(parent).ok()?;
        match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => return None,
            Ok(_) => fs::remove_file(&path).unwrap(),
            Err(_) => {}
        }
        Some(path)
    }
}

/// Texts and links of the person that are in the tree; a text counts once.
fn persons(tree: &BTreeMap<String, (u32, Vec<u8>)>) -> std::collections::BTreeSet<Vec<u8>> {
    tree.values().map(|(_, text)| text.clone()).filter(|text| text.starts_with(b"person")).collect()
}

struct Played {
    place: Place,
    before: BTreeMap<String, (u32, Vec<u8>)>,
    to: String,
    known: Vec<String>,
    edited: std::collections::BTreeSet<Vec<u8>>,
}

/// A tree, a run in two parts with a person between them and after.
fn played(git: bool, [start, one, between, two, after]: [&Vec<Edit>; 5]) -> Played {
    let place = Place::of(git);
    place.write("always", "there");
    place.edit("start", start);
    let before = place.tree();
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    place.edit("run", one);
    let mut known = vec![to.clone(), snapshots.take().unwrap()];
    place.edit("person", between);
    known.push(format!("+{}", snapshots.take().unwrap()));
    place.edit("run", two);
    known.push(snapshots.take().unwrap());
    place.edit("person", after);
    // What the second part of the run overwrote was lost before anything was restored.
    let edited = persons(&place.tree());
    Played { place, before, to, known, edited }
}

#[test]
fn whatever_run_and_person_did_restoring_loses_nothing_and_ends() {
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    let all = (any::<bool>(), edits(8), edits(6), edits(3), edits(4), edits(5));
    runner
        .run(&all, |(git, start, one, between, two, after)| {
            let Played { place, before, to, known, edited } =
                played(git, [&start, &one, &between, &two, &after]);
            let inside = git.then(|| inside_git(&place.root.join(".git")));
            let snapshots = place.snapshots();
            let preview = snapshots.compare(&to, &known).unwrap();
            let restored = snapshots.restore(&to, &known).unwrap();
            let tree = place.tree();
            assert!(edited.is_subset(&persons(&tree)), "lost: {edited:?} is not in {tree:?}\n{restored:?}");
            assert_eq!(inside, git.then(|| inside_git(&place.root.join(".git"))));
            assert!(
                tree.keys().all(|name| !name.contains(".wfl-new") && !name.contains(".wfl-swap")),
                "{tree:?}"
            );
            if between.is_empty() && after.is_empty() {
                assert_eq!(tree, before, "{restored:?}");
            }
            for one in &preview {
                assert!(restored.iter().any(|other| other.path == one.path), "{one:?} was not said again");
            }
            snapshots.restore(&to, &known).unwrap();
            assert_eq!(place.tree(), tree, "a second time changed something");
            Ok(())
        })
        .unwrap();
}

#[test]
fn without_the_check_for_others_a_persons_work_is_lost() {
    let (one, after) = (vec![Edit::Write(0, 1)], vec![Edit::Write(0, 2)]);
    let none = Vec::new();
    let play = || played(true, [&one, &one, &none, &none, &after]);
    let survives = |played: &Played, known: &[String]| {
        played.place.snapshots().restore(&played.to, known).unwrap();
        played.edited.is_subset(&persons(&played.place.tree()))
    };
    let guarded = play();
    assert!(survives(&guarded, &guarded.known));
    // The defence taken away: what is there now counts as the run's.
    let open = play();
    let mut known = open.known.clone();
    known.push(open.place.snapshots().take().unwrap());
    assert!(!survives(&open, &known));
}

#[test]
fn killed_at_any_point_and_asked_again_it_ends_the_same() {
    let start = vec![Edit::Write(0, 1), Edit::Write(1, 1), Edit::Write(3, 1), Edit::Link(6)];
    let one = vec![Edit::Write(0, 2), Edit::Remove(1), Edit::Write(2, 2), Edit::Write(6, 2)];
    let after = vec![Edit::Write(0, 3), Edit::Mode(6, true)];
    let none = Vec::new();
    let play = || played(true, [&start, &one, &none, &none, &after]);
    let whole = play();
    whole.place.snapshots().restore(&whole.to, &whole.known).unwrap();
    let expected = whole.place.tree();
    assert!(persons(&expected).len() == 1);
    let mut kills = 0;
    for fuel in 0.. {
        let played = play();
        let snapshots = played.place.snapshots();
        snapshots.fuel.store(fuel, Ordering::Relaxed);
        let killed = snapshots.restore(&played.to, &played.known).is_err();
        let again = played.place.snapshots();
        again.restore(&played.to, &played.known).unwrap();
        assert_eq!(played.place.tree(), expected, "killed after {fuel} steps");
        if !killed {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 10, "only {kills} points at which it could be killed");
}

#[test]
fn somebody_who_writes_while_files_are_brought_back_loses_nothing() {
    let place = Place::new();
    let names: Vec<String> = (0..40).map(|number| format!("f{number}")).collect();
    names.iter().for_each(|name| place.write(name, "before"));
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    names.iter().for_each(|name| place.write(name, "by the run"));
    let known = [to.clone(), snapshots.take().unwrap()];
    let stop = std::sync::atomic::AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = Vec::new();
            for (number, name) in (0..).zip(names.iter().cycle()) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                // As editors write: beside it, then in its place.
                let text = format!("person {number}");
                place.write("draft", &text);
                fs::rename(place.root.join("draft"), place.root.join(name)).unwrap();
                written.push((name.clone(), text));
            }
            written
        });
        snapshots.restore(&to, &known).unwrap();
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    // Of each file the person's newest text is there: in its place or beside it.
    let newest: BTreeMap<String, String> = written.into_iter().collect();
    let tree = place.tree();
    for (name, text) in newest {
        let there =
            tree.iter().any(|(other, (_, found))| other.starts_with(&name) && *found == text.as_bytes());
        assert!(there, "{name}: {text} is in none of {:?}", tree.keys());
    }
}

#[test]
fn two_that_restore_at_once_end_like_one() {
    let place = Place::new();
    place.write("a", "before");
    let snapshots = place.snapshots();
    let to = snapshots.take().unwrap();
    place.write("a", "by the run");
    let known = [to.clone(), snapshots.take().unwrap()];
    place.write("a", "by a person");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| place.snapshots().restore(&to, &known).unwrap());
        }
    });
    let names: Vec<String> = place.tree().into_keys().collect();
    assert_eq!(names, ["a", "a.wfl-kept-r1"]);
}
