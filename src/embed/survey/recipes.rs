//! Targets of a makefile and recipes of a justfile: their names, lines and what they run. Evaluates neither.

use super::step::{At, Origin, Step, simple_commands};
use super::tools::Tools;
use super::tree::Tree;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    Make,
    Just,
}

impl Runner {
    pub fn program(self) -> &'static str {
        match self {
            Runner::Make => "make",
            Runner::Just => "just",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Recipes {
    pub runner: Runner,
    pub file: String,
    pub installed: bool,
    /// One for each name, in the order of the file.
    pub steps: Vec<Step>,
}

impl Recipes {
    pub fn find(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.command.split(' ').nth(1) == Some(name))
    }

    pub fn has_any(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The first of these names that is there.
    pub fn first(&self, names: &[&str]) -> Option<&Step> {
        names.iter().find_map(|name| self.find(name))
    }
}

/// `GNUmakefile` is what GNU make prefers.
const MAKEFILES: &[&str] = &["GNUmakefile", "makefile", "Makefile"];
const JUSTFILES: &[&str] = &["justfile", "Justfile", ".justfile"];

/// What a configure script of its own kind makes a makefile from, where there is none yet.
const TEMPLATES: &[&str] =
    &["Makefile.in", "Makefile.linux", "Makefile.unix", "Makefile.gnu", "Makefile.bsd"];

pub fn read(tree: &Tree, tools: &dyn Tools) -> Vec<Recipes> {
    let mut found = Vec::new();
    let of_make = |file: &str| targets(Runner::Make, &with_included(tree, file));
    let tests = |targets: &[Target]| {
        targets.iter().any(|(name, ..)| ["test", "check", "tests"].contains(&name.as_str()))
    };
    let own = tree.first(MAKEFILES);
    // What stands there before configure has run may only say that it should.
    let template = tree.first(TEMPLATES).filter(|_| tree.has("configure"));
    let file = match (own, template) {
        (Some(own), Some(template)) if !tests(&of_make(own)) => Some(template),
        (own, template) => own.or(template),
    };
    found.extend(file.map(|file| recipes(Runner::Make, file, of_make(file), tools)));
    if let Some(file) = tree.first(JUSTFILES) {
        let text = tree.text(file).unwrap_or_default();
        found.push(recipes(Runner::Just, file, targets(Runner::Just, &text), tools));
    }
    found
}

/// A makefile behind those that it includes by a plain name, so that its own lines keep their numbers.
fn with_included(tree: &Tree, file: &str) -> String {
    let text = tree.text(file).unwrap_or_default();
    let included = text.lines().filter_map(|line| line.trim_start_matches('-').strip_prefix("include "));
    let names = included.flat_map(str::split_whitespace).filter(|name| !name.contains(['$', '*']));
    let more: String = names.filter_map(|name| tree.text(name)).map(|text| format!("\n{text}")).collect();
    text + &more
}

type Target = (String, usize, Vec<String>);

fn recipes(runner: Runner, file: &str, targets: Vec<Target>, tools: &dyn Tools) -> Recipes {
    let origin = if runner == Runner::Make { Origin::Target } else { Origin::Recipe };
    let step = |(name, line, body): Target| Step {
        command: format!("{} {name}", runner.program()),
        at: At { file: file.into(), line },
        origin,
        body,
    };
    Recipes {
        runner,
        file: file.into(),
        installed: tools.has(runner.program()),
        steps: targets.into_iter().map(step).collect(),
    }
}

/// Names that begin a line and end at a colon, with the indented lines below. Both kinds of file look alike here.
fn targets(runner: Runner, text: &str) -> Vec<Target> {
    let mut found: Vec<Target> = Vec::new();
    let mut needed: Vec<Vec<String>> = Vec::new();
    let mut current: Vec<usize> = Vec::new();
    let mut continued = false;
    for (at, line) in text.lines().enumerate() {
        let part_of_last = std::mem::replace(&mut continued, line.ends_with('\\'));
        if line.starts_with(['\t', ' ']) {
            let command = line.trim().trim_start_matches(['@', '-', '+']).trim();
            for &target in &current {
                found[target].2.extend(simple_commands(command));
            }
        } else if !part_of_last && !line.trim().is_empty() && !line.starts_with('#') {
            current.clear();
            for name in names(runner, line) {
                let known = found.iter().position(|(known, ..)| *known == name);
                let target = known.unwrap_or(found.len());
                if known.is_none() {
                    found.push((name, at + 1, Vec::new()));
                    needed.push(Vec::new());
                }
                let behind = line.split_once(':').map(|(_, rest)| rest).unwrap_or_default();
                needed[target].extend(behind.split_whitespace().map(String::from));
                current.push(target);
            }
        }
    }
    with_needed(runner, found, &needed)
}

/// What a target needs is made as if it called it; files are made by nobody's name.
fn with_needed(runner: Runner, mut found: Vec<Target>, needed: &[Vec<String>]) -> Vec<Target> {
    let known: Vec<String> = found.iter().map(|(name, ..)| name.clone()).collect();
    for ((_, _, body), needed) in found.iter_mut().zip(needed) {
        let needed = needed.iter().filter(|name| known.contains(name));
        let calls: Vec<String> = needed.map(|name| format!("{} {name}", runner.program())).collect();
        body.splice(0..0, calls);
    }
    found
}

/// The targets that a line declares; none for an assignment, a directive or a pattern.
fn names(runner: Runner, line: &str) -> Vec<String> {
    let Some((head, rest)) = line.split_once(':') else { return Vec::new() };
    let assigned = rest.starts_with('=') || rest.starts_with(":=") || head.contains('=');
    let directive = ["include", "export", "define", "ifeq", "set ", "import", "alias", "mod "];
    if assigned || head.starts_with('.') || directive.iter().any(|word| head.starts_with(word)) {
        return Vec::new();
    }
    let is_name = |word: &&str| {
        word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
            && !word.starts_with('.')
            && !word.contains("..")
    };
    let words: Vec<&str> = head.trim_start_matches('@').split_whitespace().collect();
    // A recipe of just has parameters behind its name: `test *ARGS:`.
    let most = if runner == Runner::Just { 1 } else { words.len() };
    words.into_iter().take(most).filter(is_name).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_names_lines_and_bodies() {
        let text = "CC := gcc\nSRC = a:b\n.PHONY: all test\nall: app\n\napp: main.o\n\t$(CC) -o app main.o\n%.o: %.c\n\t$(CC) -c $<\n$(MORE) test check: app\n\t@./app --self-test && echo fine\n# no: target\n";
        let names: Vec<(String, usize)> =
            targets(Runner::Make, text).into_iter().map(|(name, line, _)| (name, line)).collect();
        let named = |name: &str, line| (name.to_string(), line);
        assert_eq!(names, [named("all", 4), named("app", 6), named("test", 10), named("check", 10)]);
        assert_eq!(targets(Runner::Make, text)[2].2, ["make app", "./app --self-test"]);
    }

    #[test]
    fn recipes_of_just_may_have_parameters() {
        let text = "set shell := [\"bash\"]\nalias t := test\ndefault: test\ntest *ARGS: build\n    cargo test {{ARGS}}\n@lint:\n    eslint .\n";
        let names: Vec<String> = targets(Runner::Just, text).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["default", "test", "lint"]);
    }
}
