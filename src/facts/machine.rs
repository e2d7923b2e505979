//! Facts about the machine: environment, operating system, processes, programs. Changes nothing.

use std::fs;
use std::path::Path;

use super::{program, unknown};
use crate::base::Value;

const NAMES: &[&str] = &["env", "os", "arch", "ci", "process.running", "program.exists", "program.version"];

pub(super) fn knows(name: &str) -> bool {
    NAMES.contains(&name)
}

pub(super) fn fact(name: &str, arguments: &[&str]) -> Result<Value, String> {
    match (name, arguments) {
        ("env", [variable]) => environment(variable),
        ("os", _) => Ok(Value::String(std::env::consts::OS.into())),
        ("arch", _) => Ok(Value::String(std::env::consts::ARCH.into())),
        ("ci", _) => Ok(Value::Bool(std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false"))),
        ("process.running", [process]) => running(process).map(Value::Bool),
        ("program.exists", [program]) => Ok(Value::Bool(program::find(program).is_some())),
        ("program.version", [program]) => program::version(program).map(Value::String),
        _ => Err(unknown(name)),
    }
}

fn environment(variable: &str) -> Result<Value, String> {
    // Names that std refuses (empty, `=`, NUL) cannot be set either.
    if variable.is_empty() || variable.contains(['=', '\0']) {
        return Ok(Value::Absent);
    }
    match std::env::var(variable) {
        Ok(value) => Ok(Value::String(value)),
        Err(std::env::VarError::NotPresent) => Ok(Value::Absent),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {variable} is not UTF-8 text")),
    }
}

/// Whether a process of that program name runs, whoever's it is.
fn running(name: &str) -> Result<bool, String> {
    let entries =
        fs::read_dir("/proc").map_err(|_| "processes cannot be listed on this system".to_string())?;
    let mut folders = entries.flatten().map(|entry| entry.path());
    Ok(folders.any(|folder| is_process(&folder) && is_named(&folder, name)))
}

fn is_process(folder: &Path) -> bool {
    folder
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.bytes().all(|b| b.is_ascii_digit()))
}

/// By the name the kernel keeps (15 bytes of it) or that of the first argument. A dead one has no arguments.
fn is_named(folder: &Path, name: &str) -> bool {
    let Some(line) = fs::read(folder.join("cmdline")).ok().filter(|line| !line.is_empty()) else {
        return false;
    };
    let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let base = first.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if base == name.as_bytes() {
        return true;
    }
    let kept = fs::read(folder.join("comm")).unwrap_or_default();
    name.len() <= 15 && kept.trim_ascii_end() == name.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_program_is_found_and_a_dead_one_not() {
        use std::io::{Read, Write};
        use std::process::{Command, Stdio};
        // `cat` ends with its input, so nothing is left behind whatever happens here; its echo tells that it runs.
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let found = running("cat");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(found, Ok(true));
        assert_eq!(running("no-such-program-anywhere"), Ok(false));
    }

    #[test]
    fn variables_that_cannot_be_are_absent() {
        for name in ["", "A=B", "A\0B", "WFL_SURELY_NOT_SET"] {
            assert_eq!(environment(name), Ok(Value::Absent));
        }
        assert!(matches!(environment("PATH"), Ok(Value::String(_))));
    }
}
