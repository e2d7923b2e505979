//! Facts about written documents: `file.matching`, `lacking`, `unwritten`, `section`, `checked`, `lines`, … Where no file
//! is there to be judged they fail: a count of nothing would hold for a mistyped path.

use std::path::Path;

use super::{file, markdown, read, unknown};
use crate::base::{Type, Value};
use crate::workspace::tree;

/// The longest text that is kept as a value: of a longer section, its beginning.
const LONGEST_TEXT: usize = 64 << 10;

/// Asked of a file by its path and bytes.
type Question<'q, T> = dyn FnMut(&str, &[u8]) -> Result<T, String> + 'q;

/// Whether `file.NAME` is told here.
pub(super) fn knows(name: &str) -> bool {
    matches!(
        name,
        "count"
            | "lines"
            | "matching"
            | "lacking"
            | "section"
            | "unwritten"
            | "checked"
            | "unchecked"
            | "json"
    )
}

pub(super) fn fact(root: &Path, name: &str, arguments: &[&str]) -> Result<Value, String> {
    match (name, arguments) {
        ("count", globs) => {
            let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            count(tree::matching(root, &globs)?.len())
        }
        ("lines", [path]) => {
            let mut all = 0;
            each(root, path, &mut |_, bytes| {
                all += file::lines(bytes).count();
                Ok(())
            })?;
            count(all)
        }
        ("matching", [path, pattern]) => by_pattern(root, path, pattern, true),
        ("lacking", [path, pattern]) => by_pattern(root, path, pattern, false),
        ("section", [path, heading]) => section(root, path, heading),
        ("unwritten", [path, heading]) => {
            those(root, path, &mut |path, bytes| Ok(!markdown::written(text(path, bytes)?, heading)))
        }
        ("checked" | "unchecked", [path]) => boxes(root, path, name == "checked"),
        ("json", [path, pointer]) => json(root, path, pointer),
        _ => Err(unknown(&format!("file.{name}"))),
    }
}

fn count(count: usize) -> Result<Value, String> {
    i64::try_from(count).map(Value::Int).map_err(|_| "there are too many to count".to_owned())
}

/// The files in which some line matches, or none does.
fn by_pattern(root: &Path, path: &str, pattern: &str, found: bool) -> Result<Value, String> {
    let pattern = file::regex(pattern)?;
    those(root, path, &mut |_, bytes| Ok(file::lines(bytes).any(|line| pattern.is_match(line)) == found))
}

fn section(root: &Path, path: &str, heading: &str) -> Result<Value, String> {
    if file::is_glob(path) {
        return Err(format!("{path} is a glob, and a section is of one file"));
    }
    let bytes = file::bytes(root, path)?;
    let found = markdown::section(text(path, &bytes)?, heading);
    let mut found = found.ok_or_else(|| format!("{path} has no heading {heading:?}"))?;
    found.truncate(found.floor_char_boundary(LONGEST_TEXT));
    Ok(Value::String(found))
}

fn json(root: &Path, path: &str, pointer: &str) -> Result<Value, String> {
    match read::fact(root, "json", &[path, pointer], &Type::Unknown)? {
        Value::String(text) if text.len() > LONGEST_TEXT => {
            Err(format!("{path} at {pointer}: longer than {} KiB", LONGEST_TEXT >> 10))
        }
        value => Ok(value),
    }
}

/// A file without any box is no checklist: `== 0` would hold of it.
fn boxes(root: &Path, path: &str, ticked: bool) -> Result<Value, String> {
    let mut all = 0;
    each(root, path, &mut |path, bytes| {
        let found = markdown::boxes(text(path, bytes)?);
        if found == markdown::Boxes::default() {
            return Err(format!("{path} holds no checklist, a line such as `- [ ] done`"));
        }
        all += if ticked { found.ticked } else { found.open };
        Ok(())
    })?;
    count(all)
}

/// The paths for which the question is answered with yes.
fn those(root: &Path, path: &str, question: &mut Question<'_, bool>) -> Result<Value, String> {
    let mut found = Vec::new();
    each(root, path, &mut |path, bytes| {
        if question(path, bytes)? {
            found.push(Value::Path(path.to_owned()));
        }
        Ok(())
    })?;
    Ok(Value::List(found))
}

/// Every file that is meant; at least one.
fn each(root: &Path, path: &str, visit: &mut Question<'_, ()>) -> Result<(), String> {
    let paths = file::meant(root, path)?;
    let mut read = 0;
    for path in &paths {
        let bytes = file::bytes(root, path)?;
        read = file::searched(read, &bytes)?;
        visit(path, &bytes)?;
    }
    Ok(())
}

fn text<'b>(path: &str, bytes: &'b [u8]) -> Result<&'b str, String> {
    std::str::from_utf8(bytes).map_err(|_| format!("{path} is not UTF-8 text"))
}
