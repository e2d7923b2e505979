//! The lines that a change adds, searched by regular expression. Tells where they stand and never what they say: what is
//! searched for may be a secret. Judges nothing.

use std::path::Path;

use regex::bytes::Regex;

use super::details::patch;
use super::file;

/// Places that are told at most: enough to mend, few enough to store with the run.
const TOLD: usize = 50;
/// A new file that is larger was not written by hand.
const LARGEST: u64 = 4 << 20;

/// A file's added lines, each with its number.
type Lines = Vec<(u64, Vec<u8>)>;

/// Files with the lines added to them.
#[derive(Debug, Default)]
pub(super) struct Added {
    files: Vec<(String, Lines)>,
}

impl Added {
    /// From `git diff --unified=0`, and files that git does not know yet.
    pub(super) fn new(root: &Path, diff: &[u8], untracked: &[String]) -> Added {
        let mut added = Added { files: of_diff(diff) };
        added.files.extend(untracked.iter().filter_map(|path| Some((path.clone(), whole(root, path)?))));
        added
    }

    /// `file:line` of each added line that matches, the first [`TOLD`] by file.
    pub(super) fn places(&self, pattern: &str) -> Result<Vec<String>, String> {
        let pattern: Regex = file::regex(pattern)?;
        let matching = |(path, lines): &(String, Lines)| -> Vec<String> {
            let found = lines.iter().filter(|(_, text)| pattern.is_match(text));
            found.map(|(number, _)| format!("{path}:{number}")).collect()
        };
        Ok(self.files.iter().flat_map(matching).take(TOLD).collect())
    }
}

/// All lines of a text file; nothing of one that is none, or is too large to be text that a person wrote.
fn whole(root: &Path, path: &str) -> Option<Lines> {
    let small = std::fs::symlink_metadata(root.join(path)).is_ok_and(|meta| meta.len() <= LARGEST);
    let bytes = file::bytes(root, path).ok().filter(|bytes| small && !bytes.contains(&0))?;
    Some((1..).zip(bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec)).collect())
}

fn of_diff(diff: &[u8]) -> Vec<(String, Lines)> {
    let mut files: Vec<(String, Lines)> = Vec::new();
    patch::read(diff, &mut |_| {}, &mut |line| {
        if line.added {
            let added = (u64::from(line.number), line.text.as_bytes().to_vec());
            match files.last_mut().filter(|(path, _)| path == line.path) {
                Some((_, lines)) => lines.push(added),
                None => files.push((line.path.to_string(), vec![added])),
            }
        }
    });
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@ def x\n-one\n--- two\n+one\n+++ two\n+breakpoint()\n\
        diff --git a/b c.py b/b c.py\n--- /dev/null\n+++ b/b c.py\t\n@@ -0,0 +7 @@\n+breakpoint()\n\\ No newline at end of file\n";

    #[test]
    fn places_are_told_by_the_line_of_the_new_file() {
        let added = Added::new(Path::new("."), DIFF.as_bytes(), &[]);
        assert_eq!(added.places("breakpoint").unwrap(), ["a.py:3", "b c.py:7"]);
        assert_eq!(added.places(r"^\+\+ two").unwrap(), ["a.py:2"], "no header, though it looks like one");
        assert!(added.places("^one$").unwrap().len() == 1 && added.places("two$").unwrap().len() == 1);
        assert!(added.places("(").is_err());
    }

    #[test]
    fn new_files_count_as_a_whole_and_many_places_are_cut() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("new.js"), "a\ndebugger;\n").unwrap();
        std::fs::write(dir.path().join("many"), "x\n".repeat(80)).unwrap();
        std::fs::write(dir.path().join("binary"), b"x\0x\n").unwrap();
        let names = ["new.js", "many", "binary", "gone"].map(String::from);
        let added = Added::new(dir.path(), b"", &names);
        assert_eq!(added.places("debugger").unwrap(), ["new.js:2"]);
        assert_eq!(added.places("x").unwrap().len(), TOLD);
    }
}
