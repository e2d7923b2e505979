//! Public names and command-line options that a change's lines add and take away, as far as single lines tell. A name
//! that only moved is no news. Knows the declarations of Rust, Python, JavaScript, TypeScript and Go.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::patch::Line;

/// Of each side as many are kept.
const MOST: usize = 2000;

/// A public name, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub name: String,
    pub state: State,
    pub path: String,
    pub line: u32,
    /// How it is declared, or was.
    pub declaration: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Added,
    Changed,
    Removed,
}

/// A declaration in one line: where, and how.
type Declared = (String, u32, String);

/// Declarations that came and went, by language and name.
#[derive(Default)]
pub(super) struct Names {
    forms: Option<Vec<(&'static str, &'static [&'static str], Regex)>>,
    added: BTreeMap<(&'static str, String), Declared>,
    removed: BTreeMap<(&'static str, String), Declared>,
}

/// Language, endings, and a declaration whose last group is the name.
const FORMS: &[(&str, &[&str], &str)] = &[
    (
        "rust",
        &["rs"],
        r#"^\s*pub\s+(?:(?:const|async|unsafe|extern(?:\s+"[^"]*")?)\s+)*(?:fn|struct|enum|trait|type|const|static|mod|union)\s+(?:mut\s+)?([A-Za-z_]\w*)"#,
    ),
    ("python", &["py", "pyi"], r"^(?:async\s+def|def|class)\s+([A-Za-z]\w*)"),
    (
        "node",
        &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"],
        r"^export\s+(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|const|let|var|interface|type|enum)\s+([A-Za-z_$][\w$]*)",
    ),
    ("node", &["js", "cjs"], r"^(?:module\.)?exports\.([A-Za-z_$][\w$]*)\s*="),
    ("go", &["go"], r"^(?:func\s+(?:\([^)]*\)\s*)?|type\s+)([A-Z]\w*)"),
];

impl Names {
    pub(super) fn line(&mut self, line: &Line<'_>) {
        let forms = self.forms.get_or_insert_with(|| {
            let form = |(language, ends, text): &(&'static str, &'static [&'static str], &str)| {
                Some((*language, *ends, Regex::new(text).ok()?))
            };
            FORMS.iter().filter_map(form).collect()
        });
        let Some((_, end)) = line.path.rsplit_once('.') else { return };
        for (language, _, form) in forms.iter().filter(|(_, ends, _)| ends.contains(&end)) {
            let Some(found) = form.captures(line.text) else { continue };
            let side = if line.added { &mut self.added } else { &mut self.removed };
            if side.len() < MOST {
                let declaration = declaration(line.text, language);
                let key = (*language, found[1].to_owned());
                side.entry(key).or_insert((line.path.to_owned(), line.number, declaration));
            }
        }
    }

    /// What came, went or changed; sorted by state, then by place.
    pub(super) fn changed(self) -> Vec<Name> {
        let Names { added, mut removed, .. } = self;
        let named = |name, state, (path, line, declaration)| Name { name, state, path, line, declaration };
        let mut all = Vec::new();
        for ((language, name), now) in added {
            let state = match removed.remove(&(language, name.clone())) {
                Some(before) if before.2 == now.2 => continue,
                Some(_) => State::Changed,
                None => State::Added,
            };
            all.push(named(name, state, now));
        }
        all.extend(removed.into_iter().map(|((_, name), before)| named(name, State::Removed, before)));
        all.sort_by(|a, b| (a.state, &a.path, a.line).cmp(&(b.state, &b.path, b.line)));
        all
    }
}

/// The line without its body, or what opens it.
fn declaration(text: &str, language: &str) -> String {
    let body = if language == "python" { None } else { text.find(" {") };
    let text = body
        .map_or(text, |at| &text[..at])
        .trim()
        .trim_end_matches(['{', '(', '[', '=', ' ', ':', ';'])
        .trim_end();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Long options in quotes that came and went.
#[derive(Default)]
pub(super) struct Options {
    form: Option<Regex>,
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Options {
    pub(super) fn line(&mut self, line: &Line<'_>) {
        if self.form.is_none() {
            self.form = Regex::new(r#"["'`](--[a-z][a-z0-9]*(?:-[a-z0-9]+)*)["'`=]"#).ok();
        }
        let Some(form) = &self.form else { return };
        let side = if line.added { &mut self.added } else { &mut self.removed };
        if side.len() < MOST {
            side.extend(form.captures_iter(line.text).map(|found| found[1].to_owned()));
        }
    }

    /// Those that came, and those that went.
    pub(super) fn changed(self) -> (Vec<String>, Vec<String>) {
        let only = |of: &BTreeSet<String>, not: &BTreeSet<String>| of.difference(not).cloned().collect();
        (only(&self.added, &self.removed), only(&self.removed, &self.added))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(lines: &[(&str, bool, &str)]) -> Vec<(String, State)> {
        let mut names = Names::default();
        for (number, (path, added, text)) in (1..).zip(lines) {
            names.line(&Line { path, number, added: *added, text });
        }
        names.changed().into_iter().map(|name| (name.name, name.state)).collect()
    }

    #[test]
    fn declarations_of_each_language_are_read() {
        for (path, text, name) in [
            ("a.rs", "pub fn run(x: u8) -> u8 {", Some("run")),
            ("a.rs", "    pub const unsafe fn f() {", Some("f")),
            ("a.rs", "pub const LIMIT: u8 = 1;", Some("LIMIT")),
            ("a.rs", "pub(crate) fn inner() {", None),
            ("a.py", "async def go():", Some("go")),
            ("a.py", "class Cart(Base):", Some("Cart")),
            ("a.py", "def _own():", None),
            ("a.py", "    def method(self):", None),
            ("a.ts", "export default async function main() {", Some("main")),
            ("a.js", "exports.total = total", Some("total")),
            ("a.js", "function local() {", None),
            ("a.go", "func (c *Cart) Total() int {", Some("Total")),
            ("a.go", "func local() {", None),
            ("a.rb", "def x", None),
        ] {
            let found = changed(&[(path, true, text)]);
            let wanted: Vec<_> = name.map(|name| (name.to_owned(), State::Added)).into_iter().collect();
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn what_moved_is_no_news() {
        let found = changed(&[
            ("a.rs", false, "pub fn moved() {"),
            ("b.rs", true, "    pub fn moved() {"),
            ("a.rs", false, "pub fn wider(a: u8) {"),
            ("a.rs", true, "pub fn wider(a: u16) {"),
            ("a.rs", false, "pub fn gone() {"),
        ]);
        assert_eq!(found, [("wider".to_owned(), State::Changed), ("gone".to_owned(), State::Removed)]);
    }

    #[test]
    fn options_come_and_go() {
        let mut options = Options::default();
        for (added, text) in [
            (true, "arg(\"--new-one\")"),
            (false, "x = '--old='"),
            (false, "\"--both\""),
            (true, "\"--both\""),
        ] {
            options.line(&Line { path: "a.py", number: 1, added, text });
        }
        assert_eq!(options.changed(), (vec!["--new-one".to_owned()], vec!["--old".to_owned()]));
    }
}
