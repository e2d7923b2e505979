//! Ugly texts and what becomes of them, our own files, and files that are wrong. `WFL_BLESS=1` writes what is expected
//! anew.

use std::fs;
use std::path::{Path, PathBuf};

use wfl::base::{FileId, SourceFile, SourceMap};

use super::properties::{self, Side};
use crate::faults::subject::Subject;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.wfl` file below a folder of the repository.
fn files(folder: &str) -> Vec<PathBuf> {
    let all = walkdir::WalkDir::new(root().join(folder)).sort_by_file_name();
    let all: Vec<PathBuf> = all
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "wfl"))
        .collect();
    assert!(!all.is_empty(), "no lane files in {folder}");
    all
}

fn keeps_everything(name: &str, text: &str, formatted: &str) {
    let wrong = properties::broken(&Side::new(text.to_owned()), &Side::new(formatted.to_owned()));
    assert!(wrong.is_empty(), "{name}: {}\n{formatted}", wrong.join("\n"));
}

#[test]
fn ugly_files_become_what_is_expected() {
    let bless = std::env::var_os("WFL_BLESS").is_some();
    for path in files("tests/format/pairs") {
        let name = path.display().to_string();
        let Some(stem) = name.strip_suffix(".in.wfl") else { continue };
        let expected_at = format!("{stem}.out.wfl");
        let text = fs::read_to_string(&path).unwrap();
        let formatted = properties::format(&text).unwrap();
        keeps_everything(&name, &text, &formatted);
        if bless {
            fs::write(&expected_at, &formatted).unwrap();
        }
        let expected = fs::read_to_string(&expected_at).unwrap_or_default();
        assert!(formatted == expected, "{name}:\n--- expected\n{expected}\n--- found\n{formatted}");
    }
}

#[test]
fn our_own_files_are_formatted() {
    for path in ["stdlib", "examples", ".wfl"].into_iter().flat_map(files) {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(properties::format(&text).as_ref(), Ok(&text), "{}: run `wfl fmt`", path.display());
    }
}

#[test]
fn right_files_keep_everything_and_wrong_ones_are_refused_or_keep_it_too() {
    let mut refused = 0;
    for path in files("tests/lang") {
        let text = fs::read_to_string(&path).unwrap();
        match properties::format(&text) {
            Ok(formatted) => keeps_everything(&path.display().to_string(), &text, &formatted),
            Err(_) => {
                let folder = path.parent().unwrap().display().to_string();
                assert!(folder.contains("wrong"), "{} is refused", path.display());
                refused += 1;
            }
        }
    }
    assert!(refused >= 30, "{refused} files refused");
}

/// A text cut anywhere is refused, or formatted so that formatting again changes nothing.
#[test]
fn no_cut_text_is_too_much() {
    let text = include_str!("../lang/right/contract.wfl");
    let cuts = text.char_indices().map(|(at, _)| at).step_by(7);
    for cut in cuts {
        if let Ok(formatted) = properties::format(&text[..cut]) {
            assert_eq!(properties::format(&formatted), Ok(formatted.clone()), "cut at {cut}");
        }
    }
}

#[test]
fn what_is_not_formatted_is_found_with_its_first_line_and_a_safe_fix() {
    let text = "wfl 1\nstage a {exec \"x\"}\n";
    let mut sources = SourceMap::default();
    let file = sources.add(SourceFile::new("a.wfl", text));
    let found = wfl::format::check(file, text).unwrap();
    assert_eq!((found.code.id, sources.position(found.span).line), ("I905", 2));
    let fixed = wfl::diag::fix::apply_safe(&sources, &[found]);
    assert_eq!(fixed, [(file, "wfl 1\nstage a { exec \"x\" }\n".to_owned())]);
    assert_eq!(wfl::format::check(file, &fixed[0].1), None);
    assert_eq!(wfl::format::check(FileId(0), "stage a {"), None, "what is broken is not also unformatted");
}

/// One more character in one line moves no comment, no column and no list of another paragraph.
#[test]
fn a_change_of_one_line_stays_in_its_paragraph() {
    let text = fs::read_to_string(root().join("tests/lang/right/contract.wfl")).unwrap();
    let before = properties::format(&text).unwrap();
    let after =
        properties::format(&text.replace("  attempts 4\n", "").replace("sla        20m", "deadline-of 20m"));
    let after = after.unwrap();
    let changed = before.lines().zip(after.lines()).filter(|(a, b)| a != b).count();
    assert!((1..=12).contains(&changed), "{changed} lines changed");
}

#[test]
fn files_that_are_wrong_are_never_written() {
    let subject = Subject::new();
    for path in ["tests/lang/wrong", "tests/lang/wrong_model"].into_iter().flat_map(files) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read(&path).unwrap();
        if properties::format(&String::from_utf8_lossy(&text)).is_err() {
            subject.write(&name, &text);
        }
    }
    let written = |subject: &Subject| -> Vec<(String, Vec<u8>)> {
        let mut all: Vec<_> =
            fs::read_dir(&subject.root).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
    };
    let before = written(&subject);
    subject.end(&["fmt"]).expect_code(1).says("nothing to change");
    assert!(before.len() >= 30 && written(&subject) == before);
}
