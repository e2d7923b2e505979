//! Facts about written documents: sections, checklists, files that hold or lack a line. None of them holds of a file that
//! is not there.

use std::fs;
use std::path::Path;

use wfl::base::{Type, Value};
use wfl::expr::facts::{Fact, FactKey};
use wfl::facts::{ChangeFlags, World};
use wfl::port::Facts;

fn read(root: &Path, name: &str, arguments: &[&str]) -> Result<Value, String> {
    let arguments = arguments.iter().map(|text| Value::String(text.to_string())).collect();
    let key = FactKey { name: format!("file.{name}"), arguments, ty: Type::Unknown };
    let read = World::new(root, ChangeFlags::default()).read(&[key]).into_values().next();
    match read.expect("an answer") {
        Fact::Read(value) => Ok(value),
        Fact::Failed(why) => Err(why),
    }
}

fn paths(paths: &[&str]) -> Result<Value, String> {
    Ok(Value::List(paths.iter().map(|path| Value::Path(path.to_string())).collect()))
}

fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("docs/brief.md", "# Brief\n## Problem\nOrders are lost.\n## Goals\n<!-- a number -->\n");
    write(
        "docs/stories/one.md",
        "# US-1\nAs a cook I want salt so that it tastes\n## Acceptance\n- [x] salt\n",
    );
    write("docs/stories/two.md", "# US-2\n[TBD]\n## Acceptance\n- [ ]\n\n- [ ] pepper\n");
    write("docs/stories/three.md", "# US-3\r\nAs an eater I want bread so that I live\r\n");
    write("package.json", r#"{"name": "cart", "scripts": {"test": "node --test"}, "private": true}"#);
    folder
}

#[test]
fn files_are_counted_over_several_globs_and_folders() {
    let folder = sample();
    let count = |globs: &[&str]| read(folder.path(), "count", globs);
    assert_eq!(count(&["docs/**/*.md"]), Ok(Value::Int(4)));
    assert_eq!(count(&["docs/stories", "docs/*.md", "*.json"]), Ok(Value::Int(5)));
    assert_eq!(count(&["deploy.yml", "docker-compose.yml"]), Ok(Value::Int(0)));
    assert!(count(&["../**"]).unwrap_err().contains("leaves the project"));
    assert_eq!(read(folder.path(), "lines", &["docs/brief.md"]), Ok(Value::Int(5)));
    assert_eq!(read(folder.path(), "lines", &["docs/stories/*.md"]), Ok(Value::Int(4 + 6 + 2)));
}

#[test]
fn files_are_named_that_hold_or_lack_a_line() {
    let folder = sample();
    let (matching, lacking) = (
        |path, pattern| read(folder.path(), "matching", &[path, pattern]),
        |path, pattern| read(folder.path(), "lacking", &[path, pattern]),
    );
    assert_eq!(matching("docs/**/*.md", r"\[TBD\]"), paths(&["docs/stories/two.md"]));
    assert_eq!(matching("docs/brief.md", r"\[TBD\]"), paths(&[]));
    assert_eq!(
        lacking("docs/stories/**", "^As an? .+ I want .+ so that .+$"),
        paths(&["docs/stories/two.md"])
    );
    assert!(lacking("docs/brief.md", "(").unwrap_err().contains("regular expression"));
}

#[test]
fn a_section_is_what_somebody_wrote() {
    let folder = sample();
    let section = |path, heading| read(folder.path(), "section", &[path, heading]);
    assert_eq!(section("docs/brief.md", "Problem"), Ok(Value::String("Orders are lost.".into())));
    assert_eq!(section("docs/brief.md", "Goals"), Ok(Value::String(String::new())));
    assert_eq!(section("docs/brief.md", "Risks"), Err("docs/brief.md has no heading \"Risks\"".into()));
    assert!(section("docs/*.md", "Goals").unwrap_err().contains("glob"));
    let unwritten = |path, heading| read(folder.path(), "unwritten", &[path, heading]);
    assert_eq!(unwritten("docs/brief.md", "Problem"), paths(&[]));
    assert_eq!(unwritten("docs/brief.md", "Goals"), paths(&["docs/brief.md"]));
    assert_eq!(unwritten("docs/stories/**", "Acceptance"), paths(&["docs/stories/three.md"]));
}

#[test]
fn boxes_are_counted_and_a_file_without_any_is_no_checklist() {
    let folder = sample();
    let (checked, unchecked) =
        (|path| read(folder.path(), "checked", &[path]), |path| read(folder.path(), "unchecked", &[path]));
    assert_eq!(checked("docs/stories/one.md"), Ok(Value::Int(1)));
    assert_eq!(unchecked("docs/stories/two.md"), Ok(Value::Int(1)));
    assert!(unchecked("docs/brief.md").unwrap_err().contains("holds no checklist"));
    assert!(unchecked("docs/stories/*.md").unwrap_err().contains("three.md holds no checklist"));
}

#[test]
fn a_json_value_is_read_as_text() {
    let folder = sample();
    let json = |pointer| read(folder.path(), "json", &["package.json", pointer]);
    assert_eq!(json("/scripts/test"), Ok(Value::String("node --test".into())));
    assert_eq!(json("/private"), Ok(Value::String("true".into())));
    assert!(json("/scripts/lint").unwrap_err().contains("/scripts/lint"));
}

/// Each of them, of a file that is not there, of a glob that finds none and of a path outside.
#[test]
fn nothing_holds_of_what_is_not_there() {
    let folder = sample();
    fs::write(folder.path().join("docs/binary.md"), b"\xff\xfe").expect("a file");
    let all: &[(&str, &[&str])] = &[
        ("lines", &[]),
        ("matching", &["x"]),
        ("lacking", &["x"]),
        ("section", &["x"]),
        ("unwritten", &["x"]),
        ("checked", &[]),
        ("unchecked", &[]),
        ("json", &["/x"]),
    ];
    for (name, more) in all {
        for path in ["gone.md", "gone/**", "../x.md", "/etc/passwd"] {
            let arguments: Vec<&str> = [path].into_iter().chain(more.iter().copied()).collect();
            let why = read(folder.path(), name, &arguments).expect_err(name);
            assert!(!why.is_empty() && !why.contains("this version"), "file.{name}({path}): {why}");
        }
    }
    for name in ["unwritten", "section"] {
        let why = read(folder.path(), name, &["docs/binary.md", "x"]).expect_err(name);
        assert!(why.contains("not UTF-8 text"), "{why}");
    }
}
