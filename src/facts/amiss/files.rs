//! Files of the project that lost a mode or outlived a process. Only those that git ignores, or that git itself says
//! should be otherwise; only those of the user who asks.

use std::fs::{self, Metadata, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::processes;
use crate::facts::git::{fields, run};

/// What a program leaves is taken to be abandoned after this time.
const IDLE: Duration = Duration::from_secs(120);
/// Folders that tools fill and keep modes in of their own.
const KEPT: &[&str] = &["node_modules", ".venv", "venv", "target", "vendor", ".git", "pkg", ".cargo"];
/// More findings than this are no accident: somebody meant it so.
const MOST: usize = 200;

/// Whether it is ours and was not touched for two minutes; what is of the future is not.
pub(super) fn is_idle(path: &Path) -> bool {
    let Ok(meta) = path.symlink_metadata() else { return false };
    let age = meta.modified().ok().and_then(|time| time.elapsed().ok());
    is_ours(&meta) && age.is_some_and(|age| age > IDLE)
}

fn is_ours(meta: &Metadata) -> bool {
    meta.uid() == rustix::process::geteuid().as_raw()
}

/// Scripts that are executable in git's index, and ones in ignored folders that begin with `#!` and that the failure
/// names, without their mode.
pub(super) fn modes(root: &Path, failure: Option<&str>) -> Vec<PathBuf> {
    let listed = run(root, &["ls-files", "-s", "-z"]).map(|output| fields(&output)).unwrap_or_default();
    let known = listed.iter().filter_map(|line| line.strip_prefix("100755 ")?.split_once('\t'));
    let mut found: Vec<PathBuf> = known.map(|(_, path)| root.join(path)).collect();
    let made = in_ignored_folders(root).into_iter();
    found.extend(made.filter(|path| is_named(path, failure) && begins_as_script(path)));
    found.retain(|path| {
        path.symlink_metadata().is_ok_and(|meta| meta.is_file() && is_ours(&meta) && meta.mode() & 0o100 == 0)
    });
    limited(found)
}

/// Whether the failure speaks of it; where there is none, of all.
fn is_named(path: &Path, failure: Option<&str>) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    failure.is_none_or(|said| !name.is_empty() && said.contains(&*name))
}

pub(super) fn make_executable(path: &Path) -> std::io::Result<()> {
    let mode = path.symlink_metadata()?.mode();
    // Who may read it may run it, as a checkout would have it.
    fs::set_permissions(path, Permissions::from_mode(mode | 0o100 | (mode & 0o044) >> 2))
}

/// Folders that git ignores as a whole, and what is in them, that their owner cannot write and the failure names. A single
/// ignored file may be protected on purpose.
pub(super) fn read_only(root: &Path, failure: Option<&str>) -> Vec<PathBuf> {
    let mut found = in_ignored_folders(root);
    found.retain(|path| {
        let plain = |meta: &Metadata| meta.is_file() || meta.is_dir();
        let shut = |meta: &Metadata| plain(meta) && is_ours(meta) && meta.mode() & 0o200 == 0;
        is_named(path, failure) && path.symlink_metadata().is_ok_and(|meta| shut(&meta))
    });
    limited(found)
}

pub(super) fn make_writable(path: &Path) -> std::io::Result<()> {
    let meta = path.symlink_metadata()?;
    let more = if meta.is_dir() { 0o300 } else { 0o200 };
    fs::set_permissions(path, Permissions::from_mode(meta.mode() | more))
}

/// Ignored files named like a lock or a pid file that hold the number of a process that is not there, and that the failure
/// names, or their number.
pub(super) fn pid_files(root: &Path, failure: Option<&str>) -> Vec<PathBuf> {
    let named = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        [".pid", ".lock", ".lck"].iter().any(|ending| name.ends_with(ending))
            || name == "pid"
            || name == "lock"
    };
    let dead = |path: &PathBuf| {
        let pid = number(path).filter(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        pid.is_some_and(|pid| {
            is_named(path, failure) || failure.is_some_and(|said| said.contains(&pid.to_string()))
        })
    };
    let mut found: Vec<PathBuf> = match Path::new("/proc/self").exists() {
        true => ignored(root).into_iter().filter(named).collect(),
        false => Vec::new(),
    };
    found.retain(|path| is_idle(path) && dead(path));
    processes::drop_open(&mut found);
    limited(found)
}

/// A file with one number in it and nothing else.
fn number(path: &Path) -> Option<u32> {
    let meta = path.symlink_metadata().ok().filter(|meta| meta.is_file() && meta.len() <= 32)?;
    let mut text = String::with_capacity(meta.len() as usize);
    fs::File::open(path).ok()?.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok().filter(|pid| *pid > 1)
}

fn begins_as_script(path: &Path) -> bool {
    let mut first = [0; 2];
    let plain = path.symlink_metadata().is_ok_and(|meta| meta.is_file());
    plain && fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok()) && first == *b"#!"
}

/// Files that git ignores, those in tools' own folders left out; none without git.
fn ignored(root: &Path) -> Vec<PathBuf> {
    let output = run(root, &["ls-files", "-z", "--others", "--ignored", "--exclude-standard"]);
    let files = output.map(|output| fields(&output)).unwrap_or_default();
    files.iter().map(|path| root.join(path)).filter(|path| !is_kept(root, path)).collect()
}

/// Folders that are ignored as a whole, and all that is within; those of tools left out.
fn in_ignored_folders(root: &Path) -> Vec<PathBuf> {
    let ask = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
    let listed = run(root, &ask).map(|output| fields(&output)).unwrap_or_default();
    let tops = listed.iter().filter(|path| path.ends_with('/')).map(|path| root.join(path));
    let within = |top: PathBuf| {
        let entries = walkdir::WalkDir::new(top).into_iter();
        entries.filter_entry(|entry| !is_kept(root, entry.path())).flatten()
    };
    tops.filter(|top| !is_kept(root, top)).flat_map(within).map(walkdir::DirEntry::into_path).collect()
}

fn is_kept(root: &Path, path: &Path) -> bool {
    let inside = path.strip_prefix(root).unwrap_or(path);
    inside.components().any(|part| KEPT.iter().any(|kept| part.as_os_str() == *kept))
}

fn limited(mut found: Vec<PathBuf>) -> Vec<PathBuf> {
    found.sort();
    found.dedup();
    if found.len() > MOST { Vec::new() } else { found }
}
