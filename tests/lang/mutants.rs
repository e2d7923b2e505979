//! The published files, their tokens, and the texts that differ from them in one token. Does not judge what comes of it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use wfl::base::FileId;
use wfl::diag::Diagnostic;
use wfl::load::{Disk, Files, Loaded, Request, load};
use wfl::syntax::ast::{File, Statement};
use wfl::syntax::{parse, tokens};

use super::support::Checked;

/// A mistake that nothing near it explains: a keyword no block knows, a name nobody defines.
pub const PLANTS: [(&str, &str); 2] =
    [("no-such-keyword", "no-such-keyword 1\n"), ("no-such-name", "let planted-far = no-such-name\n")];

const INSERTED: [&str; 8] = [")", "}", "{", "\"", ",", "foo", "==", "1"];
/// A junk word, a keyword in the wrong place, brackets, a quote, a number.
const REPLACED: [&str; 7] = ["foo", "stage", "]", "{", "}", "\"", "7"];

/// What is done to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Delete,
    Insert(&'static str),
    Replace(&'static str),
}

pub const KINDS: [&str; 3] = ["delete", "insert", "replace"];

impl Edit {
    /// One of [`KINDS`].
    pub fn kind(self) -> &'static str {
        match self {
            Edit::Delete => "delete",
            Edit::Insert(_) => "insert",
            Edit::Replace(_) => "replace",
        }
    }

    pub fn all() -> impl Iterator<Item = Edit> {
        let inserts = INSERTED.into_iter().map(Edit::Insert);
        std::iter::once(Edit::Delete).chain(inserts).chain(REPLACED.into_iter().map(Edit::Replace))
    }
}

pub struct Mutant {
    pub file: usize,
    pub token: usize,
    pub edit: Edit,
}

/// A published file without a finding.
pub struct Original {
    pub path: PathBuf,
    pub text: String,
    pub tokens: Vec<Range<usize>>,
    pub tree: File,
    /// For each of [`PLANTS`] the places where it is reported when nothing else is wrong.
    pub plants: [Vec<usize>; 2],
}

/// A text that differs from a file in one place.
pub struct Mutated {
    pub text: String,
    /// What was put in.
    pub at: Range<usize>,
    /// What stood there before.
    pub was: Range<usize>,
}

impl Mutant {
    /// A line's end is only deleted or written before, and no token is replaced by itself.
    pub fn is_one(&self, originals: &[Original]) -> bool {
        let original = &originals[self.file];
        let token = &original.text[original.tokens[self.token].clone()];
        match self.edit {
            Edit::Replace(by) => token != by && token != "\n",
            _ => true,
        }
    }

    pub fn text(&self, originals: &[Original]) -> Mutated {
        let original = &originals[self.file];
        let token = original.tokens[self.token].clone();
        let (was, put) = match self.edit {
            Edit::Delete => (token.clone(), String::new()),
            Edit::Insert(put) => (token.start..token.start, format!("{put} ")),
            Edit::Replace(put) => (token.clone(), put.to_owned()),
        };
        let text = format!("{}{put}{}", &original.text[..was.start], &original.text[was.end..]);
        Mutated { text, at: was.start..was.start + put.trim_end().len(), was }
    }
}

/// The disk, but for one file.
struct Instead<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Files for Instead<'_> {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        if path == self.path { Ok(self.text.as_bytes().to_vec()) } else { Disk.read(path) }
    }

    fn lanes_in(&self, dir: &Path) -> Vec<PathBuf> {
        Disk.lanes_in(dir)
    }

    fn real(&self, path: &Path) -> PathBuf {
        Disk.real(path)
    }
}

/// The whole check of the file with this text instead of its own; its folder is the project.
pub fn check(path: &Path, text: &str) -> Checked {
    let root = path.parent().unwrap().to_path_buf();
    let request = Request { cwd: root.clone(), root, paths: vec![path.to_owned()] };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &Instead { path, text });
    let checked = wfl::model::check(&sources, &units);
    diagnostics.extend(checked.diagnostics);
    let diagnostics = wfl::model::settle(&sources, &units, &checked.model.project.levels, diagnostics);
    Checked { sources, diagnostics }
}

/// `std`, the examples and the cookbook.
pub fn originals() -> Vec<Original> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["stdlib", "examples", "examples/cookbook"];
    let found: Vec<Original> =
        folders.iter().flat_map(|folder| Disk.lanes_in(&root.join(folder))).map(original).collect();
    assert!(found.len() >= 37, "{} files", found.len());
    found
}

fn original(path: PathBuf) -> Original {
    let text = std::fs::read_to_string(&path).unwrap();
    let errors: Vec<Diagnostic> =
        check(&path, &text).diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    let (tree, _) = parse(FileId(0), &text);
    let tokens = tokens(FileId(0), &text).0.iter().map(|(span, _)| span.range()).collect();
    let mut original = Original { path, text, tokens, tree, plants: [Vec::new(), Vec::new()] };
    original.plants = [original.reported(0, blocks), original.reported(1, ends)];
    original
}

impl Original {
    /// The places of a plant where it is reported: the first and last that serve.
    fn reported(&self, plant: usize, places: fn(&File, &str) -> Vec<usize>) -> Vec<usize> {
        let (name, line) = PLANTS[plant];
        let serves = |at: &usize| {
            let text = format!("{}{line}{}", &self.text[..*at], &self.text[*at..]);
            let mentions = |found: &Diagnostic| found.is_error() && found.message.contains(name);
            check(&self.path, &text).diagnostics.iter().filter(|found| mentions(found)).count() == 1
        };
        let places = places(&self.tree, &self.text);
        let first = places.iter().copied().find(|at| serves(at));
        let last = places.iter().rev().copied().find(|at| serves(at));
        first.into_iter().chain(last).collect()
    }
}

/// Behind each `{` that opens a block for the lines below.
fn blocks(tree: &File, text: &str) -> Vec<usize> {
    let mut waiting: Vec<&Statement> = tree.statements.iter().collect();
    let mut found = Vec::new();
    while let Some(statement) = waiting.pop() {
        let Some(block) = &statement.block else { continue };
        let start = block.span.range().start;
        if text[start..].starts_with("{\n") {
            found.push(start + 2);
        }
        waiting.extend(&block.statements);
    }
    found.sort();
    found
}

/// Behind each statement of the file.
fn ends(tree: &File, text: &str) -> Vec<usize> {
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |far| at + far + 1);
    tree.statements.iter().map(|statement| line_end(statement.span.range().end)).collect()
}
