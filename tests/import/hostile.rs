//! Files that mean harm or are damaged: nothing is overwritten, nothing breaks, what comes out is always clean.

use wfl::embed::import::{Choices, of_text};

use super::{SEED, text};
use crate::faults::subject::Subject;

#[test]
fn nothing_is_written_unasked_and_nothing_over_what_is_there() {
    let subject = Subject::new();
    subject.write("lanes.yaml", SEED);
    subject.write(".wfl/mine.wfl", "wfl 1\nstage a { exec \"true\" }\n");
    let before = subject.read(".wfl/mine.wfl");
    subject.end(&["import", "lanes", "lanes.yaml"]).expect_code(0);
    assert_eq!(std::fs::read_dir(subject.root.join(".wfl")).map(Iterator::count).ok(), Some(1));
    let onto = ["import", "lanes", "lanes.yaml", "--output", ".wfl/mine.wfl"];
    subject.end(&onto).expect_code(2).says("is there already and was left alone").says("--force");
    assert_eq!(subject.read(".wfl/mine.wfl"), before);
    subject.end(&[&onto[..], &["--force"]].concat()).expect_code(0);
    assert!(subject.read(".wfl/mine.wfl").contains("lane hotfix"));
    subject
        .end(&["import", "lanes", "lanes.yaml", "--output", "lanes.txt"])
        .expect_code(2)
        .says("does not end in `.wfl`");
    assert!(!subject.root.join("lanes.txt").exists());
}

#[test]
fn a_file_of_wrong_lanes_alone_writes_nothing() {
    let subject = Subject::new();
    subject.write("lanes.yaml", "a:\n  stages: [99]\n");
    subject
        .end(&["import", "lanes", "lanes.yaml", "--output", "a.wfl"])
        .expect_code(1)
        .says("nothing to write");
    assert!(!subject.root.join("a.wfl").exists());
}

/// Text that would end a string, a comment or a block if it were put down as it is.
#[test]
fn words_stay_words() {
    let yaml = r#"
"} stage x { exec \"rm\" }":
  name: "a\n}\nstage evil { exec \"true\" }"
  description: "quote \" backslash \\ brace { } newline \n stage evil2 { exec 'x' } \u202e turned"
  stages: [0]
  requires_approval: true
  reviewers: ["team\" before x"]
  notifications: {on_failure: true, recipients: ["a@b\n}\nstage evil3 {"]}
  metadata: {"stage\nx": "\u0007", if: 1, because: -2, 1st: 2.50, "": y}
# comment with \u202e and } stage evil4 {
"#;
    let text = text(yaml);
    let subject = Subject::new();
    subject.write("out.wfl", &text);
    subject.end(&["check", "out.wfl"]).expect_code(0);
    let shown = subject.json(&["ast", "out.wfl", "--format", "json"]).to_string();
    assert!(!shown.contains("\"evil"), "{text}");
    let tree = subject.end(&["ast", "out.wfl"]).expect_code(0).out;
    assert!(!tree.contains("evil3 {\n"), "{tree}");
    let lines = text.lines().filter(|line| line.trim_start().starts_with("stage evil"));
    assert_eq!(lines.count(), 0, "{text}");
}

/// Deterministic noise, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % most.max(1)
    }
}

#[test]
fn damaged_files_end_in_words_or_in_clean_lanes() {
    let pieces = [
        "[", "]", "{", "}", ":", "\n", "  ", "- ", "&a ", "*a", "!!", "'", "\"", "#", "|", "? ", "%", "\t",
        "é", "0", "true", "<<: ",
    ];
    let mut dice = Dice(7);
    let mut clean = 0;
    for _ in 0..200 {
        let mut letters: Vec<char> = SEED.chars().collect();
        for _ in 0..1 + dice.below(3) {
            let at = dice.below(letters.len());
            match dice.below(3) {
                0 => drop(letters.drain(at..(at + 1 + dice.below(6)).min(letters.len()))),
                1 => drop(letters.splice(at..at, pieces[dice.below(pieces.len())].chars())),
                _ => letters.truncate(letters.len().min(at + 200)),
            }
        }
        let damaged: String = letters.into_iter().collect();
        match of_text("damaged.yaml", &damaged, Choices::default()) {
            Ok(imported) => clean += usize::from(imported.text.is_some()),
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("damaged.yaml:") && !said.contains("bug in wfl"), "{said}\n{damaged}");
            }
        }
    }
    assert!(clean > 20, "only {clean} still held a lane");
}

#[test]
fn a_small_file_that_stands_for_a_huge_one_is_refused() {
    let mut bomb = String::from("a0: &a0 [0, 0, 0, 0, 0, 0, 0, 0, 0]\n");
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let subject = Subject::new();
    subject.write("bomb.yaml", bomb);
    subject.end(&["import", "lanes", "bomb.yaml"]).expect_code(2).says("values");
    subject.write("deep.yaml", "[".repeat(100_000));
    subject.end(&["import", "lanes", "deep.yaml"]).expect_code(2).says("deep.yaml:1:");
    subject.write("latin.yaml", b"a: \xe9\n");
    subject.end(&["import", "lanes", "latin.yaml"]).expect_code(2).says("not UTF-8");
    subject.write("large.yaml", "# x\n".repeat(300_000));
    subject.end(&["import", "lanes", "large.yaml"]).expect_code(2).says("larger than 1 MiB");
}
