//! What restoring would do to text files, as a unified diff: from now to what was before. Judges nothing.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use similar::TextDiff;

use super::compare::{Act, Step, shown};
use super::{Entry, Kind, Reader};
use crate::workspace::git::path;

/// A larger file is only named.
const LARGEST: u64 = 1 << 20;

pub(super) fn diff(
    root: &Path,
    reader: &mut dyn Reader,
    steps: &[Step],
    most: usize,
) -> Result<String, String> {
    let mut text = String::new();
    let (mut lines, mut beyond) = (0, 0);
    for step in steps.iter().filter(|step| matches!(step.act, Act::Put | Act::Aside | Act::Mode)) {
        if lines >= most {
            beyond += 1;
            continue;
        }
        let part =
            of_file(root, reader, step).map_err(|e| format!("{} cannot be read: {e}", shown(&step.name)))?;
        for line in part.lines() {
            if lines == most {
                text.push_str("… the rest of this file is not shown\n");
                break;
            }
            text.push_str(line);
            text.push('\n');
            lines += 1;
        }
    }
    if beyond > 0 {
        text.push_str(&format!("… and {beyond} more {}\n", if beyond == 1 { "file" } else { "files" }));
    }
    Ok(text)
}

fn of_file(root: &Path, reader: &mut dyn Reader, step: &Step) -> io::Result<String> {
    let name = printable(&shown(&step.name));
    let modes = |entry: &Option<Entry>| {
        entry.as_ref().filter(|entry| entry.kind == Kind::File).map(|entry| entry.mode)
    };
    let mut text = String::new();
    if let (Some(now), Some(target)) = (modes(&step.now), modes(&step.target))
        && now != target
    {
        text.push_str(&format!("{name}: mode {now:o} becomes {target:o}\n"));
    }
    if step.act == Act::Mode {
        return Ok(text);
    }
    let header =
        |there: bool, side: &str| if there { format!("{name} ({side})") } else { "/dev/null".to_owned() };
    let (from, to) = (header(step.now.is_some(), "now"), header(step.target.is_some(), "before"));
    match (now(root, step)?, before(reader, step)?) {
        (Some(now), Some(before)) => {
            let diff = TextDiff::from_lines(now.as_str(), before.as_str());
            text.push_str(&diff.unified_diff().context_radius(3).header(&from, &to).to_string());
        }
        _ => text.push_str(&format!("{from} and {to} differ: no text, or too large to show\n")),
    }
    Ok(text)
}

fn now(root: &Path, step: &Step) -> io::Result<Option<String>> {
    let full = root.join(path(&step.name));
    match step.now.as_ref().map(|entry| entry.kind) {
        None => Ok(Some(String::new())),
        Some(Kind::Link) => Ok(as_text(fs::read_link(full)?.as_os_str().as_bytes().to_vec())),
        Some(_) if fs::symlink_metadata(&full)?.len() > LARGEST => Ok(None),
        Some(_) => Ok(as_text(fs::read(full)?)),
    }
}

fn before(reader: &mut dyn Reader, step: &Step) -> io::Result<Option<String>> {
    let Some(target) = &step.target else { return Ok(Some(String::new())) };
    let mut content = Vec::new();
    match reader.copy(&target.hash, &mut content)? && content.len() as u64 <= LARGEST {
        true => Ok(as_text(content)),
        false => Ok(None),
    }
}

/// None for what is no text.
fn as_text(content: Vec<u8>) -> Option<String> {
    if content.contains(&0) { None } else { String::from_utf8(content).ok() }
}

/// A name may hold what would move a terminal's cursor.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
