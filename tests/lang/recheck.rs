//! Checking again after an edit finds what checking from the start finds.

use std::fs;
use std::path::{Path, PathBuf};

use wfl::diag::{Format, render};
use wfl::embed::Project;

const FILES: usize = 12;
const EDITS: usize = 60;

/// A small generator of its own, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// A file that may import others, use the library, hold a lane, and be wrong in one of several ways.
fn text(own: usize, dice: &mut Dice) -> String {
    let mut text = String::from(if dice.roll(8) == 0 { "" } else { "wfl 1\n" });
    let other = dice.roll(FILES + 2);
    if dice.roll(2) == 0 {
        text += &format!("import \"f{other}.wfl\" as other\n");
    }
    for stage in 0..1 + dice.roll(4) {
        let need = match dice.roll(5) {
            0 => format!("needs other.s{}; ", dice.roll(3)),
            1 => format!("needs s{}; ", dice.roll(4)),
            _ => String::new(),
        };
        let retry = if dice.roll(4) == 0 { "retry std.retry.network; " } else { "" };
        text += &format!("stage s{stage} {{ {need}{retry}exec \"x\", \"{own}\" }}\n");
    }
    match dice.roll(6) {
        0 => text += "lane l { include s0 }\n",
        1 => text += "stage broken {\n  needs ==\n",
        2 => text += "let unused = \"a\n",
        3 => text += "# wfl: allow(unused-let) because\nlet kept = 1\n",
        _ => {}
    }
    text
}

fn found(project: &Project) -> String {
    render(Format::Short, project.sources(), &project.pedantic(), false, 80)
}

fn write(root: &Path, name: &str, text: &str) -> PathBuf {
    let path = root.join(name);
    fs::write(&path, text).expect("a folder to write in");
    path
}

#[test]
fn after_any_edits_checking_again_and_checking_anew_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("a real folder");
    fs::create_dir(root.join(".wfl")).expect("a folder");
    let mut dice = Dice(7);
    for file in 0..FILES {
        write(&root, &format!("f{file}.wfl"), &text(file, &mut dice));
    }
    let mut project = Project::open(&root).expect("a project");
    let mut findings = 0;
    for edit in 0..EDITS {
        let mut changed = Vec::new();
        for _ in 0..=dice.roll(2) {
            // Now and then a file that was not there, and the project's own settings.
            let name = match dice.roll(20) {
                0 => ".wfl/project.wfl".to_owned(),
                1 => format!("f{}.wfl", FILES + dice.roll(2)),
                _ => format!("f{}.wfl", dice.roll(FILES)),
            };
            let text = text(edit, &mut dice);
            changed.push((write(&root, &name, &text), text));
        }
        project.recheck(&changed);
        let anew = Project::open(&root).expect("a project");
        assert_eq!(found(&project), found(&anew), "edit {edit}");
        assert_eq!(format!("{:?}", project.model()), format!("{:?}", anew.model()), "edit {edit}");
        findings += anew.diagnostics().len();
    }
    assert!(findings > EDITS, "the edits were too harmless: {findings}");
}
