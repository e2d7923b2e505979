//! The documents are true: every `wfl` block in them passes the checker, every command they name exists, every code
//! and example they point at is there.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::faults::subject::Subject;

/// README and its neighbours, and all of `docs`, folders included.
fn documents() -> Vec<(PathBuf, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md"), root.join("CHANGELOG.md"), root.join("ARCHITECTURE.md")];
    let mut waiting = vec![root.join("docs")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("a docs folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("a document"))).collect()
}

/// The text of fenced blocks that open with exactly this word; what a block includes is put in its place.
fn blocks(document: &Path, text: &str, word: &str) -> Vec<String> {
    let include = Regex::new(r"\{\{#include ([^}]+)\}\}\n?").expect("pattern");
    let folder = document.parent().expect("a folder");
    let read =
        |found: &regex::Captures<'_>| fs::read_to_string(folder.join(&found[1])).expect("an included file");
    let opening = format!("```{word}\n");
    text.match_indices(&opening)
        .filter_map(|(at, _)| text[at + opening.len()..].split("\n```").next())
        .map(|block| include.replace_all(block, read).into_owned())
        .collect()
}

#[test]
fn every_lane_file_shown_passes_the_checker() {
    let mut seen = 0;
    for (path, text) in documents() {
        for block in blocks(&path, &text, "wfl") {
            let subject = Subject::new();
            subject.write("shared/smoke.wfl", include_str!("../examples/cookbook/shared/smoke.wfl"));
            subject.write("shown.wfl", &block);
            let ended = subject.end(&["check", "shown.wfl", "--format", "short"]);
            assert!(!ended.out.contains("error["), "{}:\n{block}\n{}", path.display(), ended.out);
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen} `wfl` blocks in the documents");
}

#[test]
fn every_command_shown_exists() {
    let command = Regex::new(r"(?m)^\$ wfl ([a-z-]+)|[^`]`wfl ([a-z-]+)").expect("pattern");
    let help = Subject::new().end(&["--help"]).expect_code(0).out;
    for (path, text) in documents().into_iter().filter(|(path, _)| !path.ends_with("CHANGELOG.md")) {
        for found in command.captures_iter(&text) {
            let name = found.get(1).or(found.get(2)).expect("a word").as_str();
            let known = Regex::new(&format!(r"(?m)^  {name}\s")).expect("pattern").is_match(&help);
            assert!(known, "{} shows `wfl {name}`, which --help does not", path.display());
        }
    }
}

#[test]
fn every_file_pointed_at_is_there() {
    let link = Regex::new(r"\]\((?:\./)?([A-Za-z0-9_./-]+)\)").expect("pattern");
    for (path, text) in documents() {
        for found in link.captures_iter(&text) {
            let target = path.parent().expect("a folder").join(&found[1]);
            assert!(target.exists(), "{} links to {}, which is not there", path.display(), &found[1]);
        }
    }
}

#[test]
fn std_examples_and_our_own_lanes_are_clean() {
    for folder in ["stdlib", "examples", ".wfl", "examples/projects/greet/.wfl"] {
        let subject = Subject::new();
        let mut command = subject.wfl(&["check", folder, "--format", "short"]);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        let ended = subject.end_of(command).expect_code(0);
        assert!(!ended.out.contains("warning"), "{}", ended.out);
    }
}

/// The remarks of the pedantic checks too: what cannot be kept by our own lanes is not worth a check.
#[test]
fn std_and_the_examples_are_clean_at_the_pedantic_level() {
    for folder in ["stdlib", "examples", ".wfl", "examples/projects/greet/.wfl"] {
        let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let project = wfl::embed::Project::load(&[place]).expect("a readable folder");
        let found = project.pedantic();
        let text = wfl::diag::render(wfl::diag::Format::Short, project.sources(), &found, false, 100);
        assert!(found.is_empty(), "{text}");
    }
}
