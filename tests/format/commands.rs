//! `wfl fmt` and `wfl ast` as their users meet them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use crate::faults::subject::{Ended, Subject};

const UGLY: &str = "wfl   1\nstage a{exec \"x\"}\n";
const FINE: &str = "wfl 1\nstage a { exec \"x\" }\n";

fn piped(subject: &Subject, arguments: &[&str], input: &str) -> Ended {
    let mut command = subject.wfl(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("wfl starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn files_are_written_in_place_with_their_mode_and_only_when_they_change() {
    let subject = Subject::new();
    subject.write("ugly.wfl", UGLY);
    subject.write(".wfl/fine.wfl", FINE);
    fs::set_permissions(subject.root.join("ugly.wfl"), fs::Permissions::from_mode(0o750)).expect("a mode");
    let time =
        |name: &str| fs::metadata(subject.root.join(name)).expect("a file").modified().expect("a time");
    let before = time(".wfl/fine.wfl");
    subject.end(&["fmt"]).expect_code(0).says("formatted 1 of 2 files");
    assert_eq!((subject.read("ugly.wfl").as_str(), time(".wfl/fine.wfl")), (FINE, before));
    let mode = fs::metadata(subject.root.join("ugly.wfl")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
    subject.end(&["fmt"]).expect_code(0).says("2 files, nothing to change");
    let left: Vec<_> =
        fs::read_dir(&subject.root).expect("a folder").map(|entry| entry.expect("one").path()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_link_stays_a_link_and_a_file_that_may_not_be_written_is_left() {
    let subject = Subject::new();
    subject.write("real/ugly.txt", UGLY);
    std::os::unix::fs::symlink("real/ugly.txt", subject.root.join("link.wfl")).expect("a link");
    subject.end(&["fmt", "link.wfl"]).expect_code(0);
    assert!(subject.root.join("link.wfl").is_symlink());
    assert_eq!(subject.read("real/ugly.txt"), FINE);
    subject.write("locked.wfl", UGLY);
    fs::set_permissions(subject.root.join("locked.wfl"), fs::Permissions::from_mode(0o444)).expect("a mode");
    subject.end(&["fmt", "locked.wfl"]).expect_code(2).says("cannot be written");
    assert_eq!(subject.read("locked.wfl"), UGLY);
}

#[test]
fn a_check_lists_what_would_change_and_a_diff_shows_it() {
    let subject = Subject::new();
    subject.write("ugly.wfl", format!("\u{feff}{}", UGLY.replace('\n', "\r\n")));
    subject.write("fine.wfl", FINE);
    let listed = subject.end(&["fmt", "--check"]).expect_code(1).says("1 of 2 files would change");
    assert_eq!(listed.out, "ugly.wfl\n");
    let shown = subject.end(&["fmt", "--diff", "ugly.wfl"]).expect_code(1);
    assert!(shown.out.contains("+stage a { exec \"x\" }"), "{}", shown.out);
    assert!(subject.read("ugly.wfl").starts_with('\u{feff}'), "neither writes");
    subject.end(&["fmt", "--check", "fine.wfl"]).expect_code(0);
    subject.end(&["fmt", "--check", "nowhere.wfl"]).expect_code(2);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let subject = Subject::new();
    assert_eq!(piped(&subject, &["fmt", "-"], UGLY).expect_code(0).out, FINE);
    assert_eq!(piped(&subject, &["fmt", "-"], FINE).expect_code(0).out, FINE);
    assert_eq!(piped(&subject, &["fmt", "-"], "stage {").expect_code(1).says("E001").out, "");
    assert_eq!(piped(&subject, &["fmt", "--check", "-"], UGLY).expect_code(1).out, "<stdin>\n");
    subject.end(&["fmt", "-", "x.wfl"]).expect_code(2);
}

#[test]
fn a_broken_file_is_reported_and_the_others_are_formatted() {
    let subject = Subject::new();
    subject.write("broken.wfl", "wfl   1\nstage a {\n");
    subject.write("bytes.wfl", [b'w', 0xff, 0xfe]);
    subject.write("ugly.wfl", UGLY);
    subject.end(&["fmt"]).expect_code(1).says("E001").says("E012").says("formatted 1 of 3 files");
    assert_eq!(
        (subject.read("broken.wfl").as_str(), subject.read("ugly.wfl").as_str()),
        ("wfl   1\nstage a {\n", FINE)
    );
}

#[test]
fn the_tree_of_a_file_is_shown_even_if_it_is_broken() {
    let subject = Subject::new();
    let text =
        "wfl 1\n# é\nlet a = f(\"é\", k = 2s..30s) ?? [x for x in y] # note\nstage b %% { timeout 5m }\n";
    subject.write("a.wfl", text);
    let shown = subject.end(&["ast", "a.wfl", "--format", "json"]).expect_code(1).says("E011");
    let tree: Value = serde_json::from_str(&shown.out).expect("one JSON value");
    let (statements, comments) = (&tree["statements"], &tree["comments"]);
    assert_eq!((statements.as_array().map(Vec::len), comments.as_array().map(Vec::len)), (Some(3), Some(2)));
    let value = &statements[1]["binding"]["value"];
    assert_eq!((value["kind"].as_str(), value["range"]["line"].as_i64()), (Some("coalesce"), Some(3)));
    let range = |node: &Value| {
        let at = |key: &str| node["range"][key].as_u64().unwrap_or_default() as usize;
        text[at("start")..at("end")].to_owned()
    };
    let call = &value["values"][0]["steps"][0];
    assert_eq!(
        (range(call).as_str(), call["arguments"][1]["name"]["text"].as_str()),
        ("(\"é\", k = 2s..30s)", Some("k"))
    );
    assert_eq!(comments[1]["range"]["column"], 47, "columns count characters");
    assert_eq!(
        (&statements[2]["broken"], &statements[1]["broken"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    assert_eq!(statements[2]["block"]["statements"][0]["operands"][0]["milliseconds"], 300_000);
    let human = subject.end(&["ast", "a.wfl"]).expect_code(1);
    for part in ["3:1  let", "coalesce", "4:1  stage (broken)", "comment # note"] {
        assert!(human.out.contains(part), "{part} is not in\n{}", human.out);
    }
}
