//! Shell scripts of a change: they parse, can be started, and what calls a target of make or a script of npm finds it.
//! Runs shells with `-n` only, which read and do nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;

use super::Finding;
use crate::facts::details::{Details, Mention, shell_line};
use crate::workspace::kind::{self, Kind};

pub(super) fn judge(details: &Details, root: &Path, tracked: &dyn Fn() -> Vec<String>) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        details.present(&[Kind::Script]).flat_map(|path| script(root, path)).collect();
    // Of documents it is their review that tells.
    let mentions = details.mentions.iter().filter(|mention| kind::of(&mention.path) != Kind::Docs);
    found.extend(missing(root, &mentions.collect::<Vec<_>>(), tracked));
    found
}

fn script(root: &Path, path: &str) -> Vec<Finding> {
    let full = root.join(path);
    let Ok(meta) = fs::symlink_metadata(&full) else { return Vec::new() };
    let by_end = [".sh", ".bash"].iter().any(|end| path.ends_with(end));
    let first = shell_line(&full);
    if !meta.is_file() || (first.is_none() && !by_end) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let start = fs::read(&full).map(|bytes| bytes.into_iter().take_while(|byte| *byte != b'\n').collect());
    let line: Vec<u8> = start.unwrap_or_default();
    if line.starts_with(b"#!") && line.ends_with(b"\r") {
        let message = "the first line ends in a carriage return, which no system finds as a program: save it with Unix line ends";
        found.push(Finding::at(path, 1, message));
    }
    if line.starts_with(b"#!") && meta.permissions().mode() & 0o111 == 0 {
        let message = "it has a first line `#!` and is not executable: `chmod +x` it, or drop that line if it is only sourced";
        found.push(Finding::at(path, 1, message));
    }
    found.extend(syntax(root, path, first.as_deref()));
    found
}

/// What the script's own shell says of its syntax; a script without a first line is given to bash, which reads most.
fn syntax(root: &Path, path: &str, shell: Option<&str>) -> Option<Finding> {
    let shells: &[&str] = match shell {
        Some("sh" | "dash") => &["sh"],
        Some("ksh") => &["ksh"],
        Some("zsh") => &["zsh"],
        _ => &["bash", "sh"],
    };
    // A shell that is not here cannot be asked; the script could not run here either.
    let said = shells.iter().find_map(|shell| parse(root, path, shell))?;
    let said = said.err()?;
    let line = Regex::new(r"(?:line |: )(\d+):").ok()?;
    let found = line.captures(&said);
    let number = found.as_ref().and_then(|found| found.get(1)?.as_str().parse().ok());
    let words = found.as_ref().and_then(|found| said.get(found.get(0)?.end()..)).unwrap_or(&said);
    let message = format!("its shell cannot read it: {}", words.trim());
    Some(Finding { path: Some(path.to_owned()), line: number, message })
}

/// None when there is no such shell; the first line of what it says when it refuses.
fn parse(root: &Path, path: &str, shell: &str) -> Option<Result<(), String>> {
    let output = Command::new(shell)
        .arg("-n")
        .arg(root.join(path))
        .current_dir(root)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    if output.status.success() {
        return Some(Ok(()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let shown = root.join(path).display().to_string();
    Some(Err(said.lines().next().unwrap_or("it was refused").replace(&shown, "")))
}

/// Calls of what no Makefile, or no `package.json`, of the project holds.
pub(super) fn missing(root: &Path, mentions: &[&Mention], tracked: &dyn Fn() -> Vec<String>) -> Vec<Finding> {
    if mentions.is_empty() {
        return Vec::new();
    }
    let tracked = tracked();
    let read = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        let named = tracked.iter().filter(|path| wanted(path.rsplit('/').next().unwrap_or(path)));
        named.filter_map(|path| fs::read_to_string(root.join(path)).ok()).collect()
    };
    let makes = read(&|name| {
        matches!(name, "Makefile" | "makefile" | "GNUmakefile" | "CMakeLists.txt") || name.ends_with(".mk")
    });
    let packages = read(&|name| name == "package.json");
    let there = |mention: &Mention| match mention.tool.as_str() {
        "make" => makes.is_empty() || makes.iter().any(|text| has_target(text, &mention.name)),
        _ => packages.is_empty() || packages.iter().any(|text| has_script(text, &mention.name)),
    };
    let finding = |mention: &&&Mention| {
        let (place, what) = match mention.tool.as_str() {
            "make" => ("no Makefile", "target"),
            _ => ("no package.json", "script"),
        };
        let message =
            format!("`{} {}` calls a {what} that {place} of the project has", mention.tool, mention.name);
        Finding::at(&mention.path, mention.line, message)
    };
    mentions.iter().filter(|mention| !there(mention)).map(|mention| finding(&mention)).collect()
}

/// What cannot be read off the text (includes, patterns, generated files) is taken to be there.
fn has_target(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let open =
            line.starts_with("include ") || line.starts_with("-include ") || line.contains("cmake_minimum");
        let head = line.split(':').next().unwrap_or_default();
        let rule = line.contains(':') && !line.starts_with(['\t', ' ', '#']);
        open || rule && head.split_whitespace().any(|word| word == name || word.contains(['%', '$']))
    })
}

fn has_script(text: &str, name: &str) -> bool {
    let package: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    package["scripts"].get(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, text: &str, mode: u32) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let full = dir.path().join(path);
        fs::write(&full, text).unwrap();
        fs::set_permissions(&full, fs::Permissions::from_mode(mode)).unwrap();
        script(dir.path(), path).iter().map(Finding::text).collect()
    }

    #[test]
    fn a_script_that_can_run_says_nothing() {
        assert_eq!(said("a.sh", "#!/bin/sh\nif true; then echo; fi\n", 0o755), Vec::<String>::new());
        assert_eq!(said("lib.sh", "a=(1 2)\n", 0o644), Vec::<String>::new());
        assert_eq!(said("tool", "#!/usr/bin/env bash\necho \"${a[0]}\"\n", 0o755), Vec::<String>::new());
        assert_eq!(said("Makefile", "a:\n\tif\n", 0o644), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_run_is_found_with_its_line() {
        let found = said("a b.sh", "#!/bin/sh\nif true; then\n  echo\n", 0o755);
        assert!(
            found.len() == 1 && found[0].starts_with("a b.sh:4: its shell cannot read it: "),
            "{found:?}"
        );
        let found = said("c.bash", "echo (\n", 0o644);
        assert!(found.len() == 1 && found[0].starts_with("c.bash:1: "), "{found:?}");
        let found = said("d.sh", "#!/bin/sh\n:\n", 0o644);
        assert!(found.len() == 1 && found[0].contains("not executable"), "{found:?}");
        assert!(said("e.sh", "#!/bin/sh\r\n:\n", 0o755)[0].contains("carriage return"));
    }

    #[test]
    fn targets_are_read_off_makefiles() {
        let text = ".PHONY: all\nall build: x\n\techo not: this\n";
        assert!(
            has_target(text, "build") && has_target("include x.mk\n", "any") && has_target("%.o: %.c\n", "a")
        );
        assert!(!has_target("all build: x\n\tnot: y\nCC := gcc\n", "not"));
        assert!(has_script("{\"scripts\": {\"a:b\": \"x\"}}", "a:b") && !has_script("{}", "a"));
    }
}
