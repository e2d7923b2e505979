//! A change as one JSON value for templates: every list is cut and says how much was left out, so that the document of a
//! change of five thousand files is as short as that of one. Its keys are described in `docs/documents.md`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::commits::Commit;
use super::names::State as NameState;
use super::{Details, File, State};
use crate::workspace::kind::Kind;

/// Of every list as many are shown.
const SHOWN: usize = 40;
/// Of a commit's body as many characters.
const BODY: usize = 1200;

/// Types of conventional commits and what they are called, in the order people look for them.
const GROUPS: &[(&str, &str)] = &[
    ("feat", "Features"),
    ("fix", "Fixes"),
    ("perf", "Performance"),
    ("refactor", "Refactoring"),
    ("revert", "Reverts"),
    ("docs", "Documentation"),
    ("test", "Tests"),
    ("build", "Build"),
    ("ci", "Continuous integration"),
    ("style", "Style"),
    ("chore", "Chores"),
    ("", "Other commits"),
];

pub(super) fn of(details: &Details) -> Json {
    let change = &details.change;
    let breaking = details.commits.iter().filter_map(|commit| {
        let text = commit.breaks.as_ref()?;
        Some(json!({ "hash": commit.hash, "text": text }))
    });
    let of_kind = |kinds: &[Kind]| cut(details.present(kinds).map(Json::from));
    let by_place = |state: NameState| {
        let names = details.names.iter().filter(move |name| name.state == state);
        cut(names.map(|name| {
            json!({ "name": name.name, "path": name.path, "line": name.line, "declaration": name.declaration })
        }))
    };
    let open = details.open.iter().chain(&details.stops);
    json!({
        "id": change.id,
        "type": change.kind,
        "branch": change.branch,
        "base": change.base,
        "authors": cut(details.authors.iter().map(|name| Json::from(name.as_str()))),
        "tickets": cut(details.tickets.iter().map(|ticket| Json::from(ticket.as_str()))),
        "commits": details.commits.len(),
        "explained": details.commits.iter().filter(|commit| body(commit).as_array().is_some_and(|all| !all.is_empty())).count(),
        "uncommitted": details.uncommitted,
        "groups": groups(&details.commits),
        "breaking": cut(breaking),
        "files": details.files.len(),
        "added": change.added,
        "deleted": change.deleted,
        "kinds": kinds(&details.files),
        "folders": folders(&details.files),
        "largest": cut(largest(&details.files).into_iter().map(file)),
        "names": {
            "added": by_place(NameState::Added),
            "changed": by_place(NameState::Changed),
            "removed": by_place(NameState::Removed),
        },
        "options": {
            "added": cut(details.options.0.iter().map(|option| Json::from(option.as_str()))),
            "removed": cut(details.options.1.iter().map(|option| Json::from(option.as_str()))),
        },
        "settings": of_kind(&[Kind::Config, Kind::Infra]),
        "open": cut(open.map(|open| json!({ "path": open.path, "line": open.line, "text": open.text }))),
        "tests": of_kind(&[Kind::Test]),
        "untested": cut(details.untested.iter().map(|path| Json::from(path.as_str()))),
        "test_commands": details.test_commands,
        "changelog": details.changelog,
    })
}

/// The first of a list, and how many more there are.
fn cut(all: impl Iterator<Item = Json>) -> Json {
    let mut all = all;
    let shown: Vec<Json> = all.by_ref().take(SHOWN).collect();
    json!({ "shown": shown, "more": all.count() })
}

/// Oldest first within each type, as they were made.
fn groups(commits: &[Commit]) -> Json {
    let group = |(kind, title): &(&str, &str)| {
        let own = commits.iter().rev().filter(|commit| commit.kind == *kind);
        let list = cut(own.map(|commit| {
            json!({
                "hash": commit.hash,
                "scope": commit.scope,
                "words": commit.words,
                "body": body(commit),
                "author": commit.author,
            })
        }));
        json!({ "type": kind, "title": title, "commits": list })
    };
    let filled = GROUPS.iter().filter(|(kind, _)| commits.iter().any(|commit| commit.kind == *kind));
    filled.map(group).collect()
}

/// The paragraphs of a body that say why, without the trailers at its end.
fn body(commit: &Commit) -> Json {
    let trailers = |paragraph: &str| {
        paragraph.lines().all(|line| {
            let name = line.split_once(": ").map_or("", |(name, _)| name);
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                || line.starts_with("BREAKING CHANGE:")
        })
    };
    let mut paragraphs: Vec<&str> =
        commit.body.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).collect();
    while paragraphs.last().is_some_and(|last| trailers(last)) {
        paragraphs.pop();
    }
    let mut left = BODY;
    let kept = paragraphs.into_iter().map_while(|paragraph| {
        let text: String = paragraph.chars().take(left).collect();
        left -= text.chars().count();
        (!text.is_empty()).then(|| Json::from(text))
    });
    kept.collect()
}

fn file(file: &File) -> Json {
    json!({
        "path": file.path,
        "kind": file.kind.name(),
        "state": file.state.name(),
        "added": file.added,
        "deleted": file.deleted,
    })
}

/// Most lines first.
fn largest(files: &[File]) -> Vec<&File> {
    let mut sorted: Vec<&File> = files.iter().collect();
    sorted
        .sort_by(|a, b| (b.added + b.deleted).cmp(&(a.added + a.deleted)).then_with(|| a.path.cmp(&b.path)));
    sorted
}

#[derive(Clone, Copy, Default)]
struct Sum {
    files: u64,
    removed: u64,
    added: u64,
    deleted: u64,
}

impl Sum {
    fn add(&mut self, file: &File) {
        self.files += 1;
        self.removed += u64::from(file.state == State::Removed);
        self.added += file.added;
        self.deleted += file.deleted;
    }

    fn json(self, key: &str, name: &str) -> Json {
        let mut json = json!({ "files": self.files, "removed": self.removed, "added": self.added, "deleted": self.deleted });
        json[key] = name.into();
        json
    }
}

fn kinds(files: &[File]) -> Json {
    let mut sums: BTreeMap<Kind, Sum> = BTreeMap::new();
    files.iter().for_each(|file| sums.entry(file.kind).or_default().add(file));
    sums.into_iter().map(|(kind, sum)| sum.json("kind", kind.name())).collect()
}

/// By the first two folders, those with most lines first.
fn folders(files: &[File]) -> Json {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for file in files {
        let folder = file.path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        let end = folder.match_indices('/').nth(1).map_or(folder.len(), |(at, _)| at);
        sums.entry(&folder[..end]).or_default().add(file);
    }
    let mut sorted: Vec<(&str, Sum)> = sums.into_iter().collect();
    sorted.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.added + sum.deleted));
    cut(sorted.into_iter().map(|(folder, sum)| sum.json("folder", folder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_thousand_files_are_told_in_few_words() {
        let file = |n: u64| File {
            path: format!("src/part{n}/deep/file{n}.rs"),
            kind: Kind::Code,
            state: State::Changed,
            added: n,
            deleted: 1,
        };
        let details = Details { files: (0..5000).map(file).collect(), ..Details::default() };
        let json = details.json();
        assert_eq!(json["largest"]["shown"][0]["added"], 4999);
        assert_eq!(json["largest"]["more"], 4960);
        assert_eq!(json["folders"]["more"], 4960);
        assert_eq!(json["kinds"][0]["files"], 5000);
        assert!(json.to_string().len() < 20_000, "{}", json.to_string().len());
    }

    #[test]
    fn a_body_is_told_without_its_trailers() {
        let commit = Commit {
            body: "Because it\nwas slow.\n\nNote: this stays\nfor it goes on.\n\nRefs: #1\nSigned-off-by: Ada <a@b>"
                .into(),
            ..Commit::default()
        };
        assert_eq!(body(&commit), json!(["Because it\nwas slow.", "Note: this stays\nfor it goes on."]));
    }
}
