//! The corpus as it is written: cases with fields and parts, from the texts in `cases/`. Runs nothing.

use std::collections::BTreeMap;

static FILES: &[(&str, &str)] = &[
    ("git", include_str!("cases/git.txt")),
    ("files", include_str!("cases/files.txt")),
    ("packages", include_str!("cases/packages.txt")),
    ("processes", include_str!("cases/processes.txt")),
    ("person", include_str!("cases/person.txt")),
    ("misses", include_str!("cases/misses.txt")),
];

const FIELDS: &[&str] = &[
    "about",
    "healable",
    "by",
    "code",
    "says",
    "touches",
    "resume",
    "root",
    "env",
    "without-override",
    "tmpfs",
    "needs",
];
const PARTS: &[&str] = &["project", "fault", "lane", "check", "cure", "untouched", "end"];

/// What was declared of a case before there were rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Healable {
    Yes,
    No,
    /// Looks like a fault that heals, and must be left alone.
    Never,
}

#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub healable: Healable,
    fields: BTreeMap<String, String>,
    parts: BTreeMap<String, String>,
}

impl Case {
    pub fn field(&self, name: &str) -> Option<&str> {
        assert!(FIELDS.contains(&name), "no field is called {name}");
        self.fields.get(name).map(String::as_str)
    }

    pub fn words(&self, name: &str) -> Vec<&str> {
        self.field(name).unwrap_or_default().split_whitespace().collect()
    }

    pub fn part(&self, name: &str) -> &str {
        assert!(PARTS.contains(&name), "no part is called {name}");
        self.parts.get(name).map_or("", String::as_str)
    }

    pub fn about(&self) -> &str {
        self.field("about").unwrap_or_default()
    }

    /// What was declared to heal it.
    pub fn by(&self) -> &str {
        self.field("by").unwrap_or_default()
    }
}

/// Every case, as the files have them.
pub fn all() -> Vec<Case> {
    FILES.iter().flat_map(|(file, text)| of_file(file, text)).collect()
}

fn of_file(file: &str, text: &str) -> Vec<Case> {
    let mut pieces = text.split("=== ");
    assert_eq!(pieces.next(), Some(""), "{file} begins with a case");
    pieces.map(one).collect()
}

fn one(text: &str) -> Case {
    let (name, rest) = text.split_once('\n').expect("a name");
    let (mut fields, mut parts) = (BTreeMap::new(), BTreeMap::<String, String>::new());
    let mut part: Option<String> = None;
    for line in rest.lines() {
        if let Some(begun) = line.strip_prefix("--- ") {
            assert!(PARTS.contains(&begun), "{name}: no part is called {begun}");
            part = Some(begun.to_owned());
            continue;
        }
        match (&part, line.split_once(": ")) {
            (Some(part), _) => {
                let text = parts.entry(part.clone()).or_default();
                text.push_str(line);
                text.push('\n');
            }
            (None, Some((field, value))) => {
                assert!(FIELDS.contains(&field), "{name}: no field is called {field}");
                fields.insert(field.to_owned(), value.to_owned());
            }
            (None, None) => assert!(line.is_empty(), "{name}: {line:?}"),
        }
    }
    let healable = match fields.get("healable").map(String::as_str) {
        Some("yes") => Healable::Yes,
        Some("no") => Healable::No,
        Some("never") => Healable::Never,
        other => panic!("{name}: healable is {other:?}"),
    };
    Case { name: name.to_owned(), healable, fields, parts }
}

#[test]
fn the_corpus_is_as_large_as_it_was_promised() {
    let cases = all();
    let count = |healable| cases.iter().filter(|case| case.healable == healable).count();
    assert!(count(Healable::Yes) >= 45, "{} are declared healable", count(Healable::Yes));
    assert!(count(Healable::Yes) + count(Healable::No) >= 60);
    assert!(count(Healable::Never) >= 12);
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "two cases of one name");
}
