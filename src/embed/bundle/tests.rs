//! Nothing private is in the archive, wherever it was put; the same state gives the same bytes; nothing is written over.

use std::io::Read;

use serde_json::json;

use super::*;

fn written(files: &[(&str, &str)], out: &Path) -> Result<Report, Error> {
    let files = files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    Bundle { files }.write(out)
}

#[test]
fn an_archive_is_made_once_and_the_same_texts_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one.tar.gz"), dir.path().join("two.tar.gz"));
    let files = [("a.txt", "first\n"), ("runs/r1/unit[shard=1]-2.log", "last\n")];
    let report = written(&files, &one).unwrap();
    written(&files, &two).unwrap();
    let bytes = std::fs::read(&one).unwrap();
    assert_eq!(bytes, std::fs::read(&two).unwrap());
    assert_eq!((report.bytes, report.files.len()), (bytes.len() as u64, 2));
    let refused = written(&files, &one).unwrap_err();
    assert!(refused.to_string().contains("is there already"), "{refused}");
    assert_eq!(std::fs::read(&one).unwrap(), bytes);
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    let texts: Vec<(String, String)> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        })
        .collect();
    assert_eq!(texts[0], ("wfl-bundle/a.txt".into(), "first\n".into()));
    assert_eq!(texts[1].0, "wfl-bundle/runs/r1/unit[shard=1]-2.log");
}

#[test]
fn a_place_that_cannot_be_written_is_refused_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let refused = written(&[("a", "x")], &dir.path().join("no/such/folder.tar.gz")).unwrap_err();
    assert!(refused.to_string().contains("cannot be made"), "{refused}");
}

#[test]
fn names_stay_inside_the_archive() {
    assert_eq!(safe_name("runs/../../etc/pass wd"), "runs/_/_/etc/pass_wd");
    let mut long = "ä".repeat(LARGEST);
    cut(&mut long);
    assert!(long.len() < LARGEST + 64 && long.starts_with("(the beginning"));
}

#[test]
fn without_a_state_there_is_still_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(".wfl")).unwrap();
    std::fs::write(dir.path().join("a.wfl"), "wfl 1\nstage a { exec \"true\" }\n").unwrap();
    let project = Project::open(dir.path()).unwrap();
    let bundle = gather(&project, None, json!([{ "check": "database", "token": "abc" }]));
    let names: Vec<String> = bundle.listing().into_iter().map(|(name, _)| name).collect();
    let wanted = [
        "README.txt",
        "checks.json",
        "definitions.json",
        "environment.json",
        "resources.json",
        "state.json",
        "versions.json",
    ];
    assert_eq!(names, wanted);
    assert!(bundle.text("checks.json").unwrap().contains("<redacted>"));
    assert!(bundle.text("resources.json").unwrap().contains("\"processors\""));
    assert!(bundle.text("versions.json").unwrap().contains(env!("CARGO_PKG_VERSION")));
}
