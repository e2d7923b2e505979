//! What a dead git left behind in the project's repositories: its own, its worktrees' and submodules', and those below it.

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::{files, processes};
use crate::base::Timestamp;
use crate::facts::git::{fields, run};

/// Repositories of the project are looked for this many folders deep.
const DEEPEST: usize = 5;
/// Folders of other people's code, which no stage of the project works in with git.
const FOREIGN: &[&str] = &["node_modules", "target", ".venv", "venv"];

const LOCKS: &[&str] = &[
    "index.lock",
    "HEAD.lock",
    "ORIG_HEAD.lock",
    "FETCH_HEAD.lock",
    "MERGE_RR.lock",
    "config.lock",
    "config.worktree.lock",
    "packed-refs.lock",
    "shallow.lock",
    "gc.pid.lock",
    "maintenance.lock",
    "commit-graph.lock",
    "commit-graph-chain.lock",
    "multi-pack-index.lock",
];

/// Lock files older than two minutes that nobody has open, while no git is at work here.
pub(super) fn locks(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = below(&folders_of_git(root), |entry| {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy();
        let of_ref = || path.components().any(|part| part.as_os_str() == "refs");
        entry.file_type().is_file()
            && name.ends_with(".lock")
            && (LOCKS.contains(&&*name) || of_ref())
            && files::is_idle(path)
    });
    idle(root, &mut found)?;
    processes::drop_open(&mut found);
    Ok(found)
}

/// `rebase-merge` and `rebase-apply` with nothing in them: what a rebase or an `am` is in, it writes there first.
pub(super) fn folders(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = below(&folders_of_git(root), |entry| {
        let name = entry.file_name();
        let empty = || entry.path().read_dir().is_ok_and(|mut inside| inside.next().is_none());
        entry.file_type().is_dir()
            && (name == "rebase-merge" || name == "rebase-apply")
            && files::is_idle(entry.path())
            && empty()
    });
    idle(root, &mut found)?;
    Ok(found)
}

/// Nothing is idle while a git is at work.
fn idle(root: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if !found.is_empty() && processes::git_works(root)? {
        found.clear();
    }
    Ok(())
}

/// Whether git ignores what is in the folder, there or not: `out/` speaks of a file in it.
pub(super) fn ignores(root: &Path, folder: &Path) -> bool {
    let file = folder.join("x").display().to_string();
    run(root, &["check-ignore", "--quiet", "--", &file]).is_ok()
}

/// The project's index, when git cannot read it and none is at work here.
pub(super) fn damaged_index(root: &Path) -> Result<Option<PathBuf>, String> {
    let Ok(said) = run(root, &["rev-parse", "--path-format=absolute", "--git-path", "index"]) else {
        return Ok(None);
    };
    let place = PathBuf::from(String::from_utf8_lossy(&said).trim_end_matches('\n'));
    let damaged = place.exists() && run(root, &["ls-files", "-z"]).is_err();
    Ok((damaged && !processes::git_works(root)?).then_some(place))
}

/// Where the damaged one is kept. What was staged must be staged again.
pub(super) fn replace_index(root: &Path) -> Result<Option<PathBuf>, String> {
    let Some(place) = damaged_index(root)? else { return Ok(None) };
    let now = Timestamp::now().0;
    let kept = place.with_file_name(format!("index.damaged-{now}"));
    std::fs::rename(&place, &kept).map_err(|e| format!("cannot move {}: {e}", place.display()))?;
    run(root, &["reset", "--quiet"])?;
    Ok(Some(kept))
}

/// Empty objects whose content a tracked file has, and that file.
pub(super) fn objects(root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let Some(common) = common_folder(root) else { return Ok(Vec::new()) };
    let entries = WalkDir::new(common.join("objects")).min_depth(2).max_depth(2).into_iter().flatten();
    let empty: Vec<(PathBuf, String)> = entries
        .filter(|entry| entry.file_type().is_file() && entry.metadata().is_ok_and(|meta| meta.len() == 0))
        .filter_map(|entry| Some((entry.path().to_path_buf(), id(entry.path())?)))
        .collect();
    if empty.is_empty() {
        return Ok(Vec::new());
    }
    let listed = fields(&run(root, &["ls-files", "-s", "-z"])?);
    let held = |id: &str| {
        listed.iter().filter_map(|line| line.split_once('\t')).find_map(|(head, path)| {
            let same = head.split(' ').nth(1) == Some(id) && hash(root, path, &[]).as_deref() == Some(id);
            same.then(|| path.to_owned())
        })
    };
    Ok(empty.into_iter().filter_map(|(place, id)| Some((place, held(&id)?))).collect())
}

/// Puts each where the empty one was.
pub(super) fn write_objects(root: &Path) -> Result<Vec<String>, String> {
    let mut written = Vec::new();
    for (place, file) in objects(root)? {
        std::fs::remove_file(&place).map_err(|e| format!("cannot replace {}: {e}", place.display()))?;
        hash(root, &file, &["-w"]).ok_or_else(|| format!("git cannot store {file}"))?;
        written.push(file);
    }
    Ok(written)
}

fn hash(root: &Path, file: &str, more: &[&str]) -> Option<String> {
    let output = run(root, &[&["hash-object"], more, &["--", file]].concat()).ok()?;
    Some(String::from_utf8_lossy(&output).trim().to_owned())
}

/// `ab/cdef…` is the object `abcdef…`.
fn id(place: &Path) -> Option<String> {
    let (rest, first) = (place.file_name()?.to_str()?, place.parent()?.file_name()?.to_str()?);
    let id = format!("{first}{rest}");
    (first.len() == 2 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
}

/// Paths of submodules, also of those within others, that were never checked out and the failure names, where there is one:
/// many a project leaves some of them out.
pub(super) fn submodules(root: &Path, failure: Option<&str>) -> Vec<String> {
    if !root.join(".gitmodules").exists() {
        return Vec::new();
    }
    let output = run(root, &["submodule", "status", "--recursive"]).unwrap_or_default();
    let text = String::from_utf8_lossy(&output).into_owned();
    let missing = text.lines().filter_map(|line| line.strip_prefix('-')?.split_once(' '));
    let named = |path: &&str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        failure.is_none_or(|said| said.contains(name))
    };
    missing.map(|(_, path)| path).filter(named).map(str::to_owned).collect()
}

/// Checks those out, and no other: `git submodule update` would move what somebody works in.
pub(super) fn check_out(root: &Path, failure: Option<&str>) -> Result<Vec<String>, String> {
    let missing = submodules(root, failure);
    for path in &missing {
        let full = root.join(path);
        let above = full.ancestors().skip(1).find(|folder| folder.join(".git").exists()).unwrap_or(root);
        let inside = full.strip_prefix(above).unwrap_or(&full).display().to_string();
        run(above, &["submodule", "--quiet", "update", "--init", "--recursive", "--", &inside])?;
    }
    Ok(missing)
}

fn below(folders: &[PathBuf], wanted: impl Fn(&DirEntry) -> bool) -> Vec<PathBuf> {
    // Loose objects and packs are many, and hold no lock of the names that are looked for.
    let heap = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.path().parent().is_some_and(|parent| parent.ends_with("objects"))
            && (name == "pack" || name.len() == 2)
    };
    let mut found: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| WalkDir::new(folder).into_iter().filter_entry(|entry| !heap(entry)).flatten())
        .filter(|entry| wanted(entry))
        .map(DirEntry::into_path)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The folders git keeps the project's repositories in.
fn folders_of_git(root: &Path) -> Vec<PathBuf> {
    let passed = |entry: &DirEntry| {
        let foreign = FOREIGN.iter().any(|name| entry.file_name() == *name);
        let inside = entry.path().parent().is_some_and(|parent| parent.ends_with(".git"));
        entry.file_type().is_dir() && !foreign && !inside
    };
    let entries = WalkDir::new(root).max_depth(DEEPEST).into_iter().filter_entry(passed).flatten();
    let mut folders: Vec<PathBuf> =
        entries.filter(|entry| entry.file_name() == ".git").map(DirEntry::into_path).collect();
    folders.extend(common_folder(root));
    folders.sort();
    folders.dedup();
    folders
}

/// The repository's folder, shared by its worktrees.
fn common_folder(root: &Path) -> Option<PathBuf> {
    let output = run(root, &["rev-parse", "--path-format=absolute", "--git-common-dir"]).ok()?;
    let said = String::from_utf8_lossy(&output);
    PathBuf::from(said.trim_end_matches('\n')).canonicalize().ok()
}
