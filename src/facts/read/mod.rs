//! Readers of the files that stages write. What is missing, torn or of another form is said, never guessed: a gate must
//! not pass because its report could not be read.

mod cargo;
mod console;
mod coverage;
mod items;
mod json;
mod junit;
mod sarif;
mod typed;
pub(super) mod xml;

use std::path::Path;

use super::{file, unknown};
use crate::base::{Type, Value};

pub(super) fn fact(root: &Path, name: &str, arguments: &[&str], ty: &Type) -> Result<Value, String> {
    match (name, arguments) {
        ("json", [path, pointer]) => json::read(path, &file::bytes(root, path)?, pointer, ty),
        ("regex", [path, pattern]) => group(path, &file::bytes(root, path)?, pattern, ty),
        ("text", [path]) => text(path, &file::bytes(root, path)?, ty),
        ("grep", [path, pattern]) => lines_matching(path, &file::bytes(root, path)?, pattern),
        (_, [path, pointer, words @ ..]) if name.starts_with("items.") || name.starts_with("jsonl.") => {
            let asked = items::Asked { path, pointer, words };
            of_items(name, &asked, &file::bytes(root, path)?, ty)
        }
        ("libtest.tests" | "libtest.failed" | "libtest.skipped" | "libtest.pass-rate", [path]) => {
            console::libtest(path, &file::bytes(root, path)?)?.field(path, &name["libtest.".len()..])
        }
        ("tap.tests" | "tap.failed" | "tap.skipped" | "tap.pass-rate", [path]) => {
            console::tap(path, &file::bytes(root, path)?)?.field(path, &name["tap.".len()..])
        }
        ("cargo.errors" | "cargo.warnings", [path]) => {
            let found = cargo::read(path, &file::bytes(root, path)?)?;
            Ok(Value::Int(if name == "cargo.errors" { found.errors } else { found.warnings }))
        }
        (name, globs) if name.starts_with("junit.") => junit::read(root, &name["junit.".len()..], globs),
        ("sarif.errors" | "sarif.warnings", [path]) => {
            let found = sarif::read(path, &file::bytes(root, path)?)?;
            Ok(Value::Int(if name == "sarif.errors" { found.errors } else { found.warnings }))
        }
        ("lcov.lines", [path]) => coverage::lcov(path, &file::bytes(root, path)?)?.lines(path),
        ("lcov.branches", [path]) => coverage::lcov(path, &file::bytes(root, path)?)?.branches(path),
        ("cobertura.lines", [path]) => coverage::cobertura(path, &file::bytes(root, path)?)?.lines(path),
        ("cobertura.branches", [path]) => {
            coverage::cobertura(path, &file::bytes(root, path)?)?.branches(path)
        }
        _ => Err(unknown(name)),
    }
}

/// `items` reads one JSON document, `jsonl` one a line; both tell a count or a sum.
fn of_items(name: &str, asked: &items::Asked<'_>, bytes: &[u8], ty: &Type) -> Result<Value, String> {
    match name {
        "items.count" => Ok(items::items(asked, bytes, false)?.count()),
        "items.sum" => items::items(asked, bytes, true)?.sum(asked, ty),
        "jsonl.count" => Ok(items::lines(asked, bytes, false)?.count()),
        "jsonl.sum" => items::lines(asked, bytes, true)?.sum(asked, ty),
        _ => Err(unknown(name)),
    }
}

/// How many lines match. An empty file is no report: none found in it would say nothing.
fn lines_matching(path: &str, bytes: &[u8], pattern: &str) -> Result<Value, String> {
    let pattern = file::regex(pattern)?;
    if bytes.trim_ascii().is_empty() {
        return Err(format!("{path} is empty: there is nothing to count in it"));
    }
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(Value::Int(lines.filter(|line| pattern.is_match(line)).count() as i64))
}

/// The whole text, trimmed.
fn text(path: &str, bytes: &[u8], ty: &Type) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{path} is not UTF-8 text"))?;
    if text.len() > typed::LONGEST {
        return Err(format!("{path} is longer than a value may be (1 MiB)"));
    }
    typed::from_text(text.trim(), ty).map_err(|e| format!("{path}: {e}"))
}

/// Group 1 of the first match.
fn group(path: &str, bytes: &[u8], pattern: &str, ty: &Type) -> Result<Value, String> {
    let regex = file::regex(pattern)?;
    if regex.captures_len() < 2 {
        return Err(format!("the regular expression {pattern:?} has no group `(…)` to read"));
    }
    let group = match regex.captures(bytes) {
        Some(found) => found.get(1).map_or(&b""[..], |group| group.as_bytes()).to_vec(),
        None if ty.is_optional() => return Ok(Value::Absent),
        None => return Err(format!("nothing in {path} matches {pattern:?}")),
    };
    let text = std::str::from_utf8(&group)
        .map_err(|_| format!("{path}: what {pattern:?} matches is not UTF-8 text"))?;
    if text.len() > typed::LONGEST {
        return Err(format!("{path}: what {pattern:?} matches is longer than a value may be (1 MiB)"));
    }
    typed::from_text(text.trim(), ty).map_err(|e| format!("{path}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_groups_are_read_as_their_type() {
        let bytes = b"  total: 81.5 of 100\n";
        assert_eq!(group("r", bytes, r"total: ([\d.]+)", &Type::Percent), Ok(Value::Percent(81.5)));
        assert!(group("r", bytes, "nothing (x)", &Type::Int).unwrap_err().contains("nothing in r"));
        assert_eq!(group("r", bytes, "nothing (x)", &Type::Int.optional()), Ok(Value::Absent));
        assert!(group("r", bytes, "total", &Type::Int).unwrap_err().contains("no group"));
        assert!(group("r", bytes, "(", &Type::Int).unwrap_err().contains("cannot be read"));
        assert_eq!(text("r", b" 12\n", &Type::Int), Ok(Value::Int(12)));
        assert_eq!(
            lines_matching("r", b"a: error: x\r\nb: note\nc: error: y", ": error: .$"),
            Ok(Value::Int(2))
        );
        assert!(lines_matching("r", b"\n", "x").unwrap_err().contains("is empty"));
        assert!(text("r", b"\xff", &Type::String).is_err());
        assert!(text("r", b"101", &Type::Percent).unwrap_err().contains("0–100"));
    }
}
