//! Reads a patch of git's: which lines of which files came and went. Pure; a patch cut short loses only its end.

/// One line that came or went, with its number in the file after or before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::facts) struct Line<'a> {
    pub(in crate::facts) path: &'a str,
    pub(in crate::facts) number: u32,
    pub(in crate::facts) added: bool,
    pub(in crate::facts) text: &'a str,
}

/// A longer line was not written by a person.
const LONGEST: usize = 2000;

/// Where in the patch the reader is.
#[derive(Default)]
struct Cursor {
    path: String,
    created: bool,
    /// Of the old and the new side of a hunk: the next line's number, and how many lines are left.
    old: (u32, u32),
    new: (u32, u32),
}

/// Tells `each` of every line, `created` of every file that was not there before.
pub(in crate::facts) fn read(patch: &[u8], created: &mut dyn FnMut(&str), each: &mut dyn FnMut(Line<'_>)) {
    let mut at = Cursor::default();
    for line in patch.split(|byte| *byte == b'\n') {
        if at.old.1 > 0 || at.new.1 > 0 {
            at.content(line, each);
        } else {
            at.header(line, created);
        }
    }
}

impl Cursor {
    fn header(&mut self, line: &[u8], created: &mut dyn FnMut(&str)) {
        if line.starts_with(b"diff --git ") {
            *self = Cursor::default();
        } else if let Some(name) = line.strip_prefix(b"--- ") {
            self.created = name == b"/dev/null";
            self.path = file(name).unwrap_or_default();
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            // Of a removed file the old name is the one to go by.
            self.path = file(name).unwrap_or_else(|| std::mem::take(&mut self.path));
            if self.created {
                created(&self.path);
            }
        } else if line.starts_with(b"@@ ") {
            let text = String::from_utf8_lossy(line);
            let mut ranges = text.split(' ').skip(1);
            self.old = range(ranges.next(), '-');
            self.new = range(ranges.next(), '+');
        }
    }

    fn content(&mut self, line: &[u8], each: &mut dyn FnMut(Line<'_>)) {
        let (sign, text) = line.split_first().map_or((b' ', line), |(sign, text)| (*sign, text));
        let (side, added) = match sign {
            b'-' => (&mut self.old, false),
            b'+' => (&mut self.new, true),
            _ => return,
        };
        let number = side.0;
        *side = (side.0 + 1, side.1.saturating_sub(1));
        if text.len() <= LONGEST {
            let text = String::from_utf8_lossy(text);
            each(Line { path: &self.path, number, added, text: text.trim_end_matches('\r') });
        }
    }
}

/// `-12,3` is line 12 and two more; without a count it is one line.
fn range(text: Option<&str>, sign: char) -> (u32, u32) {
    let text = text.and_then(|text| text.strip_prefix(sign)).unwrap_or_default();
    let (first, count) = text.split_once(',').unwrap_or((text, "1"));
    first.parse().and_then(|first| Ok((first, count.parse()?))).unwrap_or_default()
}

/// The name behind `a/` or `b/`, unquoted; none for `/dev/null`.
fn file(name: &[u8]) -> Option<String> {
    // git ends a name that holds a space with a tab.
    let name = name.strip_suffix(b"\t").unwrap_or(name);
    let plain = match name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")) {
        Some(quoted) => unquoted(quoted),
        None => name.to_vec(),
    };
    let path = plain.strip_prefix(b"a/").or_else(|| plain.strip_prefix(b"b/"))?;
    Some(String::from_utf8_lossy(path).into_owned())
}

/// A name as C writes it: `\t`, `\"`, `\303`.
fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(quoted.len());
    let mut at = 0;
    while let Some(byte) = quoted.get(at) {
        at += 1;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let digits = quoted.get(at..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_digit));
        let octal = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(code) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            plain.push(code);
            at += 3;
        } else if let Some(letter) = quoted.get(at) {
            plain.push(match letter {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'a' => 7,
                b'b' => 8,
                b'v' => 11,
                b'f' => 12,
                other => *other,
            });
            at += 1;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = (String, u32, bool, String);

    fn lines(patch: &str) -> (Vec<Seen>, Vec<String>) {
        let (mut seen, mut made) = (Vec::new(), Vec::new());
        read(patch.as_bytes(), &mut |path| made.push(path.to_owned()), &mut |line| {
            seen.push((line.path.to_owned(), line.number, line.added, line.text.to_owned()));
        });
        (seen, made)
    }

    #[test]
    fn lines_have_their_file_and_number() {
        let patch = "diff --git a/x y b/x y\nindex 1..2 100644\n--- a/x y\t\n+++ b/x y\t\n@@ -2 +2,2 @@ fn a\n-old\n+--- new\n+two\r\n@@ -9,0 +10 @@\n+diff --git\n\\ No newline at end of file\ndiff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ \"b/n\\303\\251\\n\\\"w\"\n@@ -0,0 +1 @@\n+n\ndiff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n";
        let (seen, made) = lines(patch);
        let line = |path: &str, number, added, text: &str| (path.to_owned(), number, added, text.to_owned());
        assert_eq!(
            seen,
            [
                line("x y", 2, false, "old"),
                line("x y", 2, true, "--- new"),
                line("x y", 3, true, "two"),
                line("x y", 10, true, "diff --git"),
                line("né\n\"w", 1, true, "n"),
                line("gone", 1, false, "g"),
            ]
        );
        assert_eq!(made, ["né\n\"w"]);
    }

    #[test]
    fn a_patch_cut_anywhere_is_read_as_far_as_it_goes() {
        let patch = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n-one\n-two\n+eins\n+zwei\n";
        for end in 0..patch.len() {
            assert!(lines(&patch[..end]).0.len() <= 4);
        }
        assert_eq!(lines("@@ -9999999999,99999999999 +x @@\n+a\n").0.len(), 0);
        assert_eq!(lines("--- \n+++ \"\\\n@@ -1 +1 @@\n+a\n").0.len(), 1);
    }
}
