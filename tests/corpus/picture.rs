//! What the files of a project are, for comparing before and after, and which processes a scene left. Changes no file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Folders of what tools make: a repair may fill them again.
const MADE: &[&str] = &[".git", "out", "node_modules", ".venv", "target", "__pycache__"];

/// Path → mode and content of every file and link, what tools make left out.
pub fn files(root: &Path) -> BTreeMap<String, String> {
    let kept = |entry: &walkdir::DirEntry| !MADE.iter().any(|made| entry.file_name() == *made);
    let entries = walkdir::WalkDir::new(root).into_iter().filter_entry(kept).flatten();
    entries.filter(|entry| !entry.file_type().is_dir()).map(|entry| described(root, entry.path())).collect()
}

fn described(root: &Path, path: &Path) -> (String, String) {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let mode = path.symlink_metadata().map_or(0, |meta| meta.mode());
    let content = match fs::read_link(path) {
        Ok(target) => target.display().to_string(),
        Err(_) => blake3::hash(&fs::read(path).unwrap_or_default()).to_hex().to_string(),
    };
    (name, format!("{mode:o} {content}"))
}

/// What differs, but for what the case itself breaks or makes.
pub fn differences(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    touches: &[&str],
) -> Vec<String> {
    let mut set = globset::GlobSetBuilder::new();
    for glob in touches {
        set.add(globset::Glob::new(glob).expect("a glob"));
    }
    let touched = set.build().expect("globs");
    let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    keys.filter(|key| before.get(*key) != after.get(*key) && !touched.is_match(key)).cloned().collect()
}

/// Ends every process that has the scene's folder in its environment: its own name, which no other process has.
pub fn end_all_of(folder: &Path) {
    let mark = format!("T={}", folder.display());
    let Ok(entries) = fs::read_dir("/proc") else { return };
    for entry in entries.flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let Some(pid) = number.and_then(rustix::process::Pid::from_raw) else { continue };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}
