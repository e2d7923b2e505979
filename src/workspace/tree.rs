//! Files of the project by glob, and a hash over their contents. Follows no link out of a folder and never looks into
//! `.git`. Does not know what the files are for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

/// Globs as the language has them: `*` stops at `/`, `**` does not.
pub fn globs<S: AsRef<str>>(patterns: &[S]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let text = plain(pattern.as_ref());
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        set.add(glob.map_err(|e| format!("the glob {:?} cannot be read: {}", pattern.as_ref(), e.kind()))?);
    }
    set.build().map_err(|e| format!("the globs cannot be read: {}", e.kind()))
}

/// Files of the project that match, sorted, relative to the root.
pub fn matching(root: &Path, patterns: &[String]) -> Result<Vec<String>, String> {
    let mut found = BTreeSet::new();
    walk(root, patterns, &mut |path, _| {
        found.insert(path.to_string());
        true
    })?;
    Ok(found.into_iter().collect())
}

/// Whether any file matches; stops at the first.
pub fn has(root: &Path, patterns: &[String]) -> Result<bool, String> {
    let mut found = false;
    walk(root, patterns, &mut |_, _| {
        found = true;
        false
    })?;
    Ok(found)
}

/// Hash over paths, execute permission and contents of the files that match; 64 hex digits. No file is a hash too.
pub fn hash(root: &Path, patterns: &[String]) -> Result<String, String> {
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    walk(root, patterns, &mut |path, full| {
        files.insert(path.to_string(), full.to_path_buf());
        true
    })?;
    let mut hasher = blake3::Hasher::new();
    for (path, full) in files {
        let failed = |e: io::Error| format!("cannot read the input {path}: {e}");
        let meta = fs::symlink_metadata(&full).map_err(failed)?;
        let executable = meta.is_file() && meta.permissions().mode() & 0o111 != 0;
        hasher.update(&(path.len() as u64).to_le_bytes()).update(path.as_bytes());
        hasher.update(&[u8::from(executable)]);
        hasher.update(content_hash(&full).map_err(failed)?.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Of a file's bytes; of a link to a folder, or to nothing, its target's name.
pub fn content_hash(path: &Path) -> io::Result<blake3::Hash> {
    let file = File::open(path);
    let plain = file.as_ref().is_ok_and(|file| file.metadata().is_ok_and(|meta| meta.is_file()));
    if !plain && path.is_symlink() {
        return Ok(blake3::hash(fs::read_link(path)?.as_os_str().as_bytes()));
    }
    let mut hasher = blake3::Hasher::new();
    let file = file?;
    // No more than it held when it was opened: one that grows meanwhile would else never end.
    let length = file.metadata()?.len();
    hasher.update_reader(file.take(length))?;
    Ok(hasher.finalize())
}

/// Calls `each` with the path relative to the root and the full one, until it says no. Walks only folders that a glob
/// can reach.
fn walk(root: &Path, patterns: &[String], each: &mut dyn FnMut(&str, &Path) -> bool) -> Result<(), String> {
    for pattern in patterns {
        if plain(pattern).split('/').any(|part| part == "..") || pattern.starts_with('/') {
            return Err(format!("the glob {pattern:?} leaves the project"));
        }
    }
    let folders: Vec<String> = patterns
        .iter()
        .map(|p| plain(p))
        .filter(|p| root.join(p).is_dir())
        .map(|p| format!("{p}/**"))
        .collect();
    let all: Vec<&str> =
        patterns.iter().map(String::as_str).chain(folders.iter().map(String::as_str)).collect();
    let set = globs(&all)?;
    for start in starts(&all) {
        for entry in WalkDir::new(root.join(&start)).into_iter().filter_entry(|entry| !is_git(entry)) {
            // What vanishes or may not be read while we walk is not there for us; a start need not exist.
            let Ok(entry) = entry else { continue };
            let relative =
                entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().into_owned();
            if !entry.file_type().is_dir() && set.is_match(&relative) && !each(&relative, entry.path()) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The deepest folders (or files) that hold everything the globs can match, none inside another.
fn starts(patterns: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = patterns.iter().map(|pattern| literal_start(plain(pattern))).collect();
    all.sort();
    all.dedup();
    let inside = |path: &str, other: &str| {
        other.is_empty() || path.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
    };
    let roots: Vec<String> = all
        .iter()
        .filter(|path| !all.iter().any(|other| other != *path && inside(path, other)))
        .cloned()
        .collect();
    roots
}

/// The path up to the first part that holds a glob character.
fn literal_start(pattern: &str) -> String {
    let literal = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[', '{', '\\']));
    literal.collect::<Vec<_>>().join("/")
}

/// Without `./` before and `/` after.
fn plain(pattern: &str) -> &str {
    let text = pattern.strip_prefix("./").unwrap_or(pattern);
    text.strip_suffix('/').unwrap_or(text)
}

fn is_git(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name() == ".git"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in
            [("src/a.rs", "a"), ("src/deep/b.rs", "b"), ("Cargo.toml", "c"), (".git/config", "d")]
        {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn own(globs: &[&str]) -> Vec<String> {
        globs.iter().map(|glob| glob.to_string()).collect()
    }

    #[test]
    fn a_star_stops_at_a_slash_and_git_is_never_seen() {
        let dir = project();
        let found = |globs: &[&str]| matching(dir.path(), &own(globs)).unwrap();
        assert_eq!(found(&["src/*.rs"]), ["src/a.rs"]);
        assert_eq!(found(&["src/**", "Cargo.*"]), ["Cargo.toml", "src/a.rs", "src/deep/b.rs"]);
        assert_eq!(found(&["**"]), ["Cargo.toml", "src/a.rs", "src/deep/b.rs"]);
        assert_eq!(found(&["src"]), ["src/a.rs", "src/deep/b.rs"]);
        assert_eq!(found(&["none/**", "./Cargo.toml"]), ["Cargo.toml"]);
        assert!(
            matching(dir.path(), &own(&["../x"])).is_err()
                && matching(dir.path(), &own(&["/etc/*"])).is_err()
        );
        assert!(has(dir.path(), &own(&["**/b.rs"])).unwrap() && !has(dir.path(), &own(&["*.py"])).unwrap());
    }

    #[test]
    fn the_hash_follows_content_name_and_mode_and_nothing_else() {
        let dir = project();
        let root = dir.path();
        let now = || hash(root, &own(&["src/**"])).unwrap();
        let first = now();
        fs::write(root.join("Cargo.toml"), "changed").unwrap();
        assert_eq!(first, now());
        fs::write(root.join("src/a.rs"), "changed").unwrap();
        let second = now();
        assert_ne!(first, second);
        fs::set_permissions(root.join("src/a.rs"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(second, now());
        fs::set_permissions(root.join("src/a.rs"), fs::Permissions::from_mode(0o644)).unwrap();
        fs::rename(root.join("src/a.rs"), root.join("src/z.rs")).unwrap();
        assert_ne!(second, now());
        let none = hash(root, &own(&["no/**"])).unwrap();
        assert_eq!((none.len(), &none), (64, &hash(root, &own(&["nor/this"])).unwrap()));
    }

    #[test]
    fn walks_begin_as_deep_as_they_can() {
        assert_eq!(starts(&["src/**", "src/deep/*.rs", "a/b.txt"]), ["a/b.txt", "src"]);
        assert_eq!(starts(&["**/x", "src/**"]), [""]);
    }
}
