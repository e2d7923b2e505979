//! The text of the lane that each kind of repository gets, word for word; formatted, and clean at the strictest level.

use std::fs;
use std::path::{Path, PathBuf};

use wfl::base::FileId;
use wfl::diag::{Format, render};
use wfl::embed::draft::{Draft, draft, kinds};
use wfl::load::{Disk, Loaded, Request, load};

use super::repositories::{ALL_KINDS, Repository, named};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init/drafts").join(format!("{name}.wfl"))
}

fn drafted(repository: &Repository, kind: &str) -> Draft {
    draft(&repository.survey(), kind).expect("a kind of lane")
}

/// All that is said of the text as a lane file of the repository, remarks included.
fn said(repository: &Repository, draft: &Draft) -> String {
    let made = repository.make();
    let path = made.root.join(&draft.file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, &draft.text).expect("a file");
    let request = Request { root: made.root.clone(), cwd: made.root.clone(), paths: Vec::new() };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &Disk);
    assert!(units.iter().any(|unit| unit.given), "the lane was not found");
    let checked = wfl::model::check(&sources, &units);
    diagnostics.extend(checked.diagnostics);
    let settled = wfl::model::settle(&sources, &units, &checked.model.project.levels, diagnostics);
    render(Format::Short, &sources, &settled, false, 100)
}

#[track_caller]
fn is_golden(name: &str, text: &str) {
    let path = golden(name);
    if std::env::var_os("WFL_BLESS").is_some() {
        fs::write(&path, text).expect("a file");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text, "{name}: WFL_BLESS=1 writes it anew");
}

#[track_caller]
fn is_clean(repository: &Repository, draft: &Draft) {
    assert_eq!(said(repository, draft), "", "{}:\n{}", repository.name, draft.text);
    let formatted = wfl::format::text(FileId(0), &draft.text).expect("a text that can be formatted");
    assert_eq!(formatted, draft.text, "{}", repository.name);
    let survey = repository.survey();
    assert_eq!(
        draft,
        &wfl::embed::draft::draft(&survey, &draft.lane).expect("again"),
        "it differs each time"
    );
}

#[test]
fn every_kind_of_repository_gets_the_lane_it_should() {
    for repository in ALL_KINDS {
        let draft = drafted(repository, "check");
        is_clean(repository, &draft);
        is_golden(repository.name, &draft.text);
    }
}

#[test]
fn every_kind_of_lane_is_clean_in_every_kind_of_repository() {
    for kind in kinds() {
        for repository in ALL_KINDS {
            is_clean(repository, &drafted(repository, kind.name));
        }
    }
    for (kind, name) in [
        ("release", "rust-workspace"),
        ("release", "empty"),
        ("release", "npm-scripts"),
        ("docs", "rust-plain"),
        ("hotfix", "npm-scripts"),
    ] {
        is_golden(&format!("{kind}-{name}"), &drafted(named(name), kind).text);
    }
}

/// What CI runs and no stage does is said, and what a stage runs is not.
#[test]
fn commands_of_ci_become_stages_or_comments() {
    let draft = drafted(named("rust-workspace"), "check");
    assert!(draft.text.contains("ci.yml:6: cargo test --no-default-features"), "{}", draft.text);
    assert!(!draft.text.contains("publish"), "{}", draft.text);
    assert!(draft.text.contains("exec    \"cargo\", \"test\", \"--workspace\""), "{}", draft.text);
    let plain = drafted(named("rust-plain"), "check");
    assert!(!plain.text.contains("CI also runs"), "{}", plain.text);
}

/// A missing tool is a comment; the same repository where it is installed has a stage.
#[test]
fn a_missing_tool_is_a_comment() {
    let without = drafted(named("rust-without-cargo"), "check");
    assert!(without.text.contains("# cargo is not installed here") && !without.text.contains("\nstage test"));
    let with = drafted(named("rust-plain"), "check");
    assert!(with.text.contains("stage test {") && !with.text.contains("not installed"));
}

#[test]
fn no_kind_of_lane_is_without_a_word_on_what_it_does() {
    let kinds = kinds();
    assert!(kinds.len() >= 5);
    for kind in &kinds {
        assert!(!kind.about.is_empty(), "{} says nothing", kind.name);
        assert_eq!(kinds.iter().filter(|other| other.name == kind.name).count(), 1);
    }
    assert_eq!(draft(&named("empty").survey(), "no-such-kind"), None);
}
