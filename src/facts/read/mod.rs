//! Readers of the files that stages write. What is missing, torn or of another form is said, never guessed: a gate must
//! not pass because its report could not be read.

mod coverage;
mod json;
mod junit;
mod sarif;
mod typed;
mod xml;

use std::path::Path;

use super::{file, unknown};
use crate::base::{Type, Value};

pub(super) fn fact(root: &Path, name: &str, arguments: &[&str], ty: &Type) -> Result<Value, String> {
    match (name, arguments) {
        ("json", [path, pointer]) => json::read(path, &file::bytes(root, path)?, pointer, ty),
        ("regex", [path, pattern]) => group(path, &file::bytes(root, path)?, pattern, ty),
        ("text", [path]) => text(path, &file::bytes(root, path)?, ty),
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
    let found = regex.captures(bytes).ok_or_else(|| format!("nothing in {path} matches {pattern:?}"))?;
    let group = found.get(1).map_or(&b""[..], |group| group.as_bytes());
    let text = std::str::from_utf8(group)
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
        assert!(group("r", bytes, "total", &Type::Int).unwrap_err().contains("no group"));
        assert!(group("r", bytes, "(", &Type::Int).unwrap_err().contains("cannot be read"));
        assert_eq!(text("r", b" 12\n", &Type::Int), Ok(Value::Int(12)));
        assert!(text("r", b"\xff", &Type::String).is_err());
        assert!(text("r", b"101", &Type::Percent).unwrap_err().contains("0–100"));
    }
}
