//! The tutorial is played: its files are written, its commands run in order, and what they print is what the page
//! shows. `WFL_BLESS=1` writes the page's transcripts anew.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use regex::Regex;

use crate::faults::subject::Subject;

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md")
}

/// A piece of the page: text to keep, a file to write, or a transcript to play.
enum Piece {
    Prose(String),
    File { info: String, path: String, text: String },
    Transcript(String),
}

fn pieces(page: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    for (index, part) in page.split("```").enumerate() {
        let (info, text) = part.split_once('\n').unwrap_or(("", part));
        found.push(match (index % 2, info.split_once("file=")) {
            (0, _) => Piece::Prose(part.to_string()),
            (_, Some((_, path))) => {
                Piece::File { info: info.to_string(), path: path.to_string(), text: text.to_string() }
            }
            _ if info == "console" => Piece::Transcript(text.to_string()),
            _ => panic!("a block that is neither a file nor a transcript: {info}"),
        });
    }
    found
}

/// Paragraphs of a lane file by what they define (`stage unit`), in order.
fn definitions(text: &str) -> Vec<(String, &str)> {
    let key = |paragraph: &str| {
        let line = paragraph.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
        line.split_once('{').map_or(line, |(head, _)| head).trim().to_string()
    };
    text.trim_end().split("\n\n").map(|paragraph| (key(paragraph), paragraph.trim_end())).collect()
}

/// Writes a file; a `part` replaces the definitions of the file that have its names, and adds the others before the
/// lane, or behind it once the lane is there. Whatever is no `mistake` passes the checker.
fn lay(subject: &Subject, info: &str, path: &str, text: &str) {
    if info.contains("part") {
        let old = subject.read(path);
        let mut all: Vec<(String, String)> =
            definitions(&old).into_iter().map(|(key, text)| (key, text.to_string())).collect();
        for (key, text) in definitions(text) {
            match all.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => *known = text.to_string(),
                None if key.starts_with("test") => all.push((key, text.to_string())),
                None => {
                    let lane = all.iter().position(|(known, _)| known.starts_with("lane")).expect("a lane");
                    all.insert(lane, (key, text.to_string()));
                }
            }
        }
        let texts: Vec<String> = all.into_iter().map(|(_, text)| text).collect();
        subject.write(path, texts.join("\n\n") + "\n");
    } else {
        subject.write(path, text);
    }
    if path.ends_with(".wfl") && !info.contains("mistake") {
        let found = subject.end(&["check", path, "--format", "short"]).expect_code(0);
        assert!(!found.out.contains("warning"), "{path}: {}", found.out);
    }
}

/// What people see of one command, both streams as they come.
fn play(subject: &Subject, command: &str, last: &mut Option<i32>) -> String {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_wfl"));
    let path = std::env::var("PATH").expect("a PATH");
    let before = last.unwrap_or(0);
    let ended = Command::new("bash")
        .args(["-c", &format!("(exit {before})\n{{ {command}\n}} 2>&1")])
        .current_dir(&subject.root)
        .env("PATH", format!("{}:{path}", program.parent().expect("a folder").display()))
        .env("WFL_STATE_DIR", &subject.state)
        .env("LC_ALL", "C.UTF-8")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("bash starts");
    *last = ended.status.code();
    String::from_utf8(ended.stdout).expect("text")
}

/// Times and names of runs differ from run to run.
fn settled(text: &str) -> String {
    let run = Regex::new(r"\d{8}-\d{6}-[0-9a-z]{4}").expect("pattern");
    let time = Regex::new(r"\b(\d+m)?\d+(\.\d+)?(ms|s)\b").expect("pattern");
    time.replace_all(&run.replace_all(text, "RUN"), "TIME").into_owned()
}

#[test]
fn the_tutorial_is_true() {
    let written = fs::read_to_string(page()).expect("the tutorial");
    let subject = Subject::new();
    let (mut played, mut last, mut commands) = (String::new(), None, 0);
    for piece in pieces(&written) {
        match piece {
            Piece::Prose(text) => played.push_str(&text),
            Piece::File { info, path, text } => {
                lay(&subject, &info, &path, &text);
                played.push_str(&format!("```{info}\n{text}```"));
            }
            Piece::Transcript(text) => {
                played.push_str("```console\n");
                for line in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
                    commands += 1;
                    let shown = play(&subject, line, &mut last);
                    played.push_str(&format!("$ {line}\n{shown}"));
                }
                played.push_str("```");
            }
        }
    }
    assert!(commands >= 15, "{commands} commands");
    if std::env::var_os("WFL_BLESS").is_some() {
        fs::write(page(), &played).expect("the tutorial");
    }
    assert_eq!(settled(&fs::read_to_string(page()).expect("the tutorial")), settled(&played));
}
