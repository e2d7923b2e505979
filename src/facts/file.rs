//! Facts about files: `file.exists`, `size`, `age`, `contains`, `grep`. Paths stay inside the project.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use regex::bytes::{Regex, RegexBuilder};

use super::{git, unknown};
use crate::base::{Timestamp, Value};
use crate::workspace::{self, tree};

/// The largest file that is read as a whole.
pub(super) const LARGEST: u64 = 64 << 20;
/// How much text one fact searches.
const MOST_SEARCHED: u64 = 1 << 30;
/// Memory a regular expression may take when compiled.
const LARGEST_PATTERN: usize = 10 << 20;

pub(super) fn fact(root: &Path, name: &str, arguments: &[&str]) -> Result<Value, String> {
    let [path, rest @ ..] = arguments else {
        return Err(format!("`file.{name}` needs a path"));
    };
    let full = inside(root, path)?;
    match (name, rest) {
        ("exists", _) if is_glob(path) => return Ok(Value::Bool(tree::has(root, &[path.to_string()])?)),
        ("exists", _) => return Ok(Value::Bool(full.exists())),
        // Asked for by the engine: what the file or folder holds.
        ("mark", _) => {
            let mark = workspace::mark::Marker::default().mark(&full).map_err(|e| missing(path, &e))?;
            return Ok(Value::String(mark.hash));
        }
        ("contains", [pattern]) if is_glob(path) => {
            return any_contains(root, &[path.to_string()], pattern).map(Value::Bool);
        }
        ("grep", [pattern]) => return lines_matching(root, path, pattern),
        _ => {}
    }
    let meta = fs::metadata(&full).map_err(|e| missing(path, &e))?;
    match (name, rest) {
        ("size", _) if meta.is_file() => Ok(Value::Size(meta.len() as i64)),
        ("size", _) => Err(format!("{path} is not a file")),
        ("age", _) => {
            let modified = git::modified(&meta).ok_or_else(|| format!("{path} has no modification time"))?;
            Ok(Value::Duration((Timestamp::now().0 - modified).max(0)))
        }
        ("contains", [pattern]) => Ok(Value::Bool(regex(pattern)?.is_match(&bytes(root, path)?))),
        _ => Err(unknown(&format!("file.{name}"))),
    }
}

pub(super) fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

pub(super) fn any_contains(root: &Path, globs: &[String], pattern: &str) -> Result<bool, String> {
    let pattern = regex(pattern)?;
    for path in tree::matching(root, globs)? {
        if pattern.is_match(&bytes(root, &path)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lines that match, in the file or in all files of a glob. No file at all is an error: a count of nothing, such as
/// `== 0`, would hold for a mistyped path.
fn lines_matching(root: &Path, path: &str, pattern: &str) -> Result<Value, String> {
    let pattern = regex(pattern)?;
    let (mut count, mut read) = (0, 0);
    for path in &meant(root, path)? {
        let bytes = bytes(root, path)?;
        read = searched(read, &bytes)?;
        count += lines(&bytes).filter(|line| pattern.is_match(line)).count();
    }
    Ok(Value::Int(count as i64))
}

/// The file, or all files of a glob; at least one.
pub(super) fn meant(root: &Path, path: &str) -> Result<Vec<String>, String> {
    let paths = match is_glob(path) {
        true => tree::matching(root, &[path.to_string()])?,
        false => vec![path.to_string()],
    };
    match paths.is_empty() {
        true => Err(format!("no file matches {path}")),
        false => Ok(paths),
    }
}

/// How many bytes were read with these; an error when that is more than one fact searches.
pub(super) fn searched(before: u64, bytes: &[u8]) -> Result<u64, String> {
    let read = before + bytes.len() as u64;
    match read > MOST_SEARCHED {
        true => Err(format!("the files hold more than {} MiB together", MOST_SEARCHED >> 20)),
        false => Ok(read),
    }
}

/// The lines without their ends. An empty text has none.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = whole.split(|byte| *byte == b'\n').filter(|_| !bytes.is_empty());
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The absolute path; an error when it leaves the project, also through a link.
pub(super) fn inside(root: &Path, path: &str) -> Result<PathBuf, String> {
    workspace::resolve_inside(root, Path::new(path)).map_err(|escape| escape.to_string())
}

/// All of a file; an error when it is not there or too large.
pub(super) fn bytes(root: &Path, path: &str) -> Result<Vec<u8>, String> {
    let file = File::open(inside(root, path)?).map_err(|e| missing(path, &e))?;
    let too_large = || Err(format!("{path} is larger than {} MiB", LARGEST >> 20));
    let size = file.metadata().map_or(0, |meta| meta.len());
    if size > LARGEST {
        return too_large();
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // One byte more than allowed tells that it is too large, also of a file that grows.
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| missing(path, &e))?;
    if bytes.len() as u64 > LARGEST {
        return too_large();
    }
    Ok(bytes)
}

pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
    built.map_err(|_| format!("the regular expression {pattern:?} cannot be read, or is too large"))
}

pub(super) fn missing(path: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("file not found: {path}"),
        std::io::ErrorKind::PermissionDenied => format!("no permission to read {path}"),
        _ => format!("cannot read {path}: {error}"),
    }
}
