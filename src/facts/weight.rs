//! Files that a repository should rather not hold: large ones, and copies of others. Does not know which files matter.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::file;
use crate::base::Value;
use crate::expr::parse;
use crate::workspace::tree;

/// Smaller files are alike by nature: empty `__init__.py`, one-line configurations.
const LEAST: u64 = 512;

/// Those of the files that are larger than the size, in their order.
pub(super) fn larger(root: &Path, size: &str, files: &[String]) -> Result<Value, String> {
    let limit = parse::size(size).ok_or_else(|| format!("`{size}` is not a size such as 5MB"))?;
    let mut found = Vec::new();
    for path in files {
        if length(root, path)? > limit.unsigned_abs() {
            found.push(Value::Path(path.clone()));
        }
    }
    Ok(Value::List(found))
}

/// `copy is original`, one for each of the files whose content another one of `all` has too.
pub(super) fn duplicates(root: &Path, files: &[String], all: &[String]) -> Result<Value, String> {
    let mut by_length: BTreeMap<u64, Vec<&String>> = BTreeMap::new();
    for path in all {
        // What vanished meanwhile is no original.
        let length = length(root, path).unwrap_or_default();
        by_length.entry(length).or_default().push(path);
    }
    let mut found: Vec<(&String, &String)> = Vec::new();
    for path in files {
        let size = length(root, path)?;
        let others = by_length.get(&size).filter(|others| size >= LEAST && others.len() > 1);
        for other in others.into_iter().flatten().filter(|other| **other != path) {
            // Of two changed files that are alike, one is told.
            if !found.iter().any(|(copy, original)| copy == other && *original == path)
                && same(root, path, other)?
            {
                found.push((path, other));
                break;
            }
        }
    }
    let told = found.iter().map(|(copy, original)| Value::String(format!("{copy} is {original}")));
    Ok(Value::List(told.collect()))
}

fn same(root: &Path, one: &str, other: &str) -> Result<bool, String> {
    let hash = |path: &str| tree::content_hash(&root.join(path)).map_err(|e| file::missing(path, &e));
    Ok(hash(one)? == hash(other)?)
}

/// A link counts nothing: what it leads to is counted where it stands.
fn length(root: &Path, path: &str) -> Result<u64, String> {
    let meta = fs::symlink_metadata(root.join(path)).map_err(|e| file::missing(path, &e))?;
    Ok(if meta.is_file() { meta.len() } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_and_copies_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, text) in [
            ("a", "x".repeat(600)),
            ("b", "x".repeat(600)),
            ("c", "y".repeat(600)),
            ("d", "z".into()),
            ("e", "z".into()),
        ] {
            fs::write(root.join(path), text).unwrap();
        }
        let own = |paths: &[&str]| paths.iter().map(|path| path.to_string()).collect::<Vec<_>>();
        let all = own(&["a", "b", "c", "d", "e"]);
        let list =
            |texts: &[&str]| Value::List(texts.iter().map(|text| Value::String(text.to_string())).collect());
        assert_eq!(duplicates(root, &all, &all), Ok(list(&["a is b"])));
        assert_eq!(duplicates(root, &own(&["b", "d"]), &all), Ok(list(&["b is a"])));
        assert_eq!(larger(root, "599B", &own(&["a", "d"])), Ok(Value::List(vec![Value::Path("a".into())])));
        assert_eq!(larger(root, "600B", &all), Ok(Value::List(vec![])));
        assert!(larger(root, "1MB", &own(&["gone"])).is_err() && larger(root, "big", &all).is_err());
    }
}
