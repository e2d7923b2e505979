//! Collects from a change's lines what its documents tell: open points, words that stop, focused tests, calls of targets,
//! public names, options. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::names::{Names, Options};
use super::patch::{self, Line};
use crate::workspace::kind::{self, Kind};

/// Of each list as many are kept.
const MOST: usize = 500;

/// Endings of files whose tests can be focused.
const SCRIPTED: &[&str] = &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"];

/// A line of a file, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub path: String,
    pub line: u32,
    pub text: String,
}

/// What a change did to the lines of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touched {
    pub added: BTreeSet<u32>,
    /// A heading, a named place or the mark of a code block went.
    pub lost: bool,
}

/// An added line that calls a target of `make`, or a script of `npm`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    pub path: String,
    pub line: u32,
    /// `make`, `npm run`.
    pub tool: String,
    pub name: String,
}

/// What was found in the lines read so far.
pub(super) struct Collected {
    /// Only these files count.
    files: BTreeSet<String>,
    patterns: Option<Patterns>,
    kind: (String, Kind),
    pub(super) created: BTreeSet<String>,
    pub(super) open: Vec<Place>,
    pub(super) stops: Vec<Place>,
    pub(super) drafts: Vec<Place>,
    pub(super) focused: Vec<Place>,
    pub(super) documents: BTreeMap<String, Touched>,
    pub(super) mentions: Vec<Mention>,
    pub(super) names: Names,
    pub(super) options: Options,
    /// The last line that came, of each file.
    pub(super) last: BTreeMap<String, u32>,
}

struct Patterns {
    open: Regex,
    stop: Regex,
    draft: Regex,
    comment: Regex,
    focused: Regex,
    npm: Regex,
    make: Regex,
}

impl Patterns {
    fn new() -> Option<Patterns> {
        let pattern = |text: &str| Regex::new(text).ok();
        Some(Patterns {
            open: pattern(r#"(?:^|[^\w`"'])(TODO|FIXME|XXX|HACK)(?:$|[^\w`"'])"#)?,
            // At the comment's beginning: elsewhere it is talk about such words.
            stop: pattern(concat!(
                r#"^[^\w`"']*(?:(?:TODO|FIXME|XXX|HACK)\b[^\w`"']*)?"#,
                r"(?:DO[ _-]?NOT[ _-]?(?:MERGE|COMMIT|SUBMIT)|NO[ _-]?(?:MERGE|COMMIT|SUBMIT))\b"
            ))?,
            draft: pattern(r"\b(?:TODO|FIXME|TBD|XXX)\b(?:\s*[:(]|\W*$)")?,
            comment: pattern(r"(?:^|\s)(?:#+|//+!?|/\*+|--|;+|<!--|%|\*\s)\s*(.*)$")?,
            focused: pattern(
                r"^\s*(?:(?:describe|it|test|context|suite|bench)\.only|fdescribe|fit|fcontext)\s*\(",
            )?,
            npm: pattern(r"\b((?:npm|pnpm|yarn) run) ([A-Za-z][\w:.-]*)")?,
            make: pattern(r"^\s*(?:-\s+)?(?:run:\s*)?(?:\$\s+)?(make) ([A-Za-z][\w.-]*)\s*$")?,
        })
    }
}

impl Collected {
    pub(super) fn of(files: &[String]) -> Collected {
        Collected {
            files: files.iter().cloned().collect(),
            patterns: Patterns::new(),
            kind: (String::new(), Kind::Other),
            created: BTreeSet::new(),
            open: Vec::new(),
            stops: Vec::new(),
            drafts: Vec::new(),
            focused: Vec::new(),
            documents: BTreeMap::new(),
            mentions: Vec::new(),
            names: Names::default(),
            options: Options::default(),
            last: BTreeMap::new(),
        }
    }

    pub(super) fn knows(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    pub(super) fn patch(&mut self, patch: &[u8]) {
        let mut created = BTreeSet::new();
        let mut make = |path: &str| {
            created.insert(path.to_owned());
        };
        patch::read(patch, &mut make, &mut |line| self.line(line));
        self.created.extend(created);
    }

    /// A file of which every line is new.
    pub(super) fn whole(&mut self, path: &str, text: &str) {
        for (number, text) in (1..).zip(text.lines()) {
            self.line(Line { path, number, added: true, text });
        }
    }

    fn line(&mut self, line: Line<'_>) {
        if self.kind.0 != line.path {
            self.kind = (line.path.to_owned(), kind::of(line.path));
        }
        let kind = self.kind.1;
        if kind == Kind::Generated || !self.files.contains(line.path) {
            return;
        }
        if kind == Kind::Code {
            if !kind::is_aside(line.path) {
                self.names.line(&line);
            }
            self.options.line(&line);
        }
        if kind == Kind::Docs {
            self.document(&line);
        }
        if line.added {
            self.added(&line, kind);
        }
    }

    fn document(&mut self, line: &Line<'_>) {
        if !self.documents.contains_key(line.path) {
            self.documents.insert(line.path.to_owned(), Touched::default());
        }
        let Some(touched) = self.documents.get_mut(line.path) else { return };
        if line.added {
            touched.added.insert(line.number);
        } else {
            let text = line.text.trim_start_matches([' ', '>', '-', '*', '\t']);
            let underline = !text.is_empty() && text.trim_end().chars().all(|c| c == '=');
            touched.lost |=
                text.starts_with(['#', '`', '~', '<']) || underline || line.text.starts_with("---");
        }
    }

    fn added(&mut self, line: &Line<'_>, kind: Kind) {
        match self.last.get_mut(line.path) {
            Some(last) => *last = line.number.max(*last),
            None => {
                self.last.insert(line.path.to_owned(), line.number);
            }
        }
        let Some(patterns) = &self.patterns else { return };
        let place =
            |text: &str| Place { path: line.path.to_owned(), line: line.number, text: shortened(text) };
        if kind == Kind::Docs && patterns.draft.is_match(line.text) && self.drafts.len() < MOST {
            self.drafts.push(place(line.text));
        }
        let comment = patterns.comment.captures(line.text).filter(|_| kind != Kind::Docs);
        if let Some(comment) = comment.as_ref().and_then(|found| found.get(1)).map(|found| found.as_str()) {
            if patterns.stop.is_match(comment) && self.stops.len() < MOST {
                self.stops.push(place(comment));
            } else if let Some(found) = patterns.open.captures(comment).and_then(|found| found.get(1))
                && self.open.len() < MOST
            {
                self.open.push(place(&comment[found.start()..]));
            }
        }
        let script = line.path.rsplit_once('.').is_some_and(|(_, end)| SCRIPTED.contains(&end));
        if kind == Kind::Test && script && patterns.focused.is_match(line.text) && self.focused.len() < MOST {
            self.focused.push(place(line.text));
        }
        // Each command of a line by itself.
        for command in line.text.split("&&") {
            let found = patterns.npm.captures_iter(command).chain(patterns.make.captures(command));
            for found in found.take(MOST.saturating_sub(self.mentions.len())) {
                let (path, line) = (line.path.to_owned(), line.number);
                self.mentions.push(Mention { path, line, tool: found[1].into(), name: found[2].into() });
            }
        }
    }
}

/// What a comment says, without its end mark, at most 120 characters.
fn shortened(text: &str) -> String {
    let text = text.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(path: &str, text: &str) -> Collected {
        let mut collected = Collected::of(&[path.to_owned()]);
        collected.whole(path, text);
        collected
    }

    #[test]
    fn open_points_are_comments() {
        let text =
            "let todo = TODO;\n// TODO: tidy up\nx() /* FIXME(ada) y */\n# later TODO z\n\"# no TODO\"";
        let found = collected("src/a.rs", text);
        let told: Vec<(u32, &str)> = found.open.iter().map(|open| (open.line, open.text.as_str())).collect();
        assert_eq!(told, [(2, "TODO: tidy up"), (3, "FIXME(ada) y"), (4, "TODO z")]);
        assert!(collected("README.md", "# TODO\n").open.is_empty());
        assert!(collected("Cargo.lock", "# TODO\n").open.is_empty());
    }

    #[test]
    fn words_that_stop_are_told_from_talk() {
        let text = "// DO NOT MERGE: debug\n# nocommit\nlet x = \"DO NOT MERGE\";\n// NOCOMMIT\n/// Looks for `DO NOT MERGE`.\n// TODO: DO NOT SUBMIT";
        let lines: Vec<u32> = collected("src/a.js", text).stops.iter().map(|stop| stop.line).collect();
        assert_eq!(lines, [1, 4, 6]);
    }

    #[test]
    fn focused_tests_and_calls_of_targets() {
        let text = "it.only('a', () => {})\nfit('b')\ndescribe('c')\nprofit('d')\n";
        assert_eq!(collected("test/a.test.js", text).focused.len(), 2);
        assert!(collected("src/a.js", text).focused.is_empty());
        let text =
            "- run: npm run build:all\n  - run: make check\n  make sure it works\n- run: make a && make b\n";
        let found = collected(".github/workflows/ci.yml", text);
        let named: Vec<(&str, &str)> =
            found.mentions.iter().map(|mention| (mention.tool.as_str(), mention.name.as_str())).collect();
        assert_eq!(named, [("npm run", "build:all"), ("make", "check"), ("make", "a"), ("make", "b")]);
    }
}
