//! Survey → the text of a lane file that a person would keep: the project's own commands as stages, what is not sure as
//! a warning, what cannot run here as a comment. Pure; reads no file.

mod check;
mod docs;
mod hotfix;
mod languages;
mod native;
mod release;
mod starters;
pub mod text;

use crate::base::FileId;
use crate::format;

use super::survey::{Purpose, Survey, step};
use text::{Stage, comment};

/// A kind of lane that can be drafted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub name: &'static str,
    pub about: &'static str,
}

/// A lane file before it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The lane's name.
    pub lane: String,
    /// Relative to the root.
    pub file: String,
    pub text: String,
    /// What was found, one line each, for people.
    pub found: Vec<String>,
    /// What to type next.
    pub next: Vec<String>,
}

/// Those that are drawn up from a survey, then those that are written as they are.
pub fn kinds() -> Vec<Kind> {
    let drawn = [check::KIND, docs::KIND, hotfix::KIND, release::KIND];
    drawn.into_iter().chain(starters::kinds()).collect()
}

/// A lane of this kind; none when there is no such kind.
pub fn draft(survey: &Survey, kind: &str) -> Option<Draft> {
    let plan = Plan::of(survey);
    let body = match kind {
        "check" => check::write(survey, &plan),
        "docs" => docs::write(survey, &plan),
        "hotfix" => hotfix::write(survey, &plan),
        "release" => release::write(survey, &plan),
        starter => starters::text(starter)?.to_string(),
    };
    let next = match kind {
        "release" if body.contains("param version") => {
            format!("wfl run release --set version={}", release::example(survey))
        }
        kind => format!("wfl run {kind}"),
    };
    Some(Draft {
        lane: kind.to_string(),
        file: format!(".wfl/{kind}.wfl"),
        // What cannot be formatted is a mistake of ours that the check after writing shows.
        text: format::text(FileId(0), &body).unwrap_or(body),
        found: plan.found,
        next: vec![next],
    })
}

/// The stages that a survey gives, and what is said about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub stages: Vec<Stage>,
    /// Comments on what is not a stage.
    pub notes: Vec<String>,
    /// What was found, for people.
    pub found: Vec<String>,
}

impl Plan {
    fn of(survey: &Survey) -> Plan {
        let mut plan = Plan::default();
        for part in &survey.parts {
            plan.add(survey, languages::stages(survey, part), part.folder.as_str(), part.what.word());
        }
        plan.add(survey, native::besides(survey, plan.tests()), "", "shell");
        if plan.stages.is_empty() {
            plan.stages.push(fallback(survey));
            if plan.notes.is_empty() {
                plan.found.push("nothing that says how it is built or tested".into());
            }
        }
        plan
    }

    /// Adds stages; names that are taken get the folder or the language behind them.
    fn add(&mut self, survey: &Survey, new: Plan, folder: &str, word: &str) {
        let behind = text::name(if folder.is_empty() { word } else { folder });
        let several = survey.parts.len() > 1;
        let taken = |name: &str| self.stages.iter().any(|stage| stage.name == name);
        let clash = several || new.stages.iter().any(|stage| taken(&stage.name));
        let rename = |name: &str| {
            let (name, optional) = name.strip_suffix('?').map_or((name, ""), |name| (name, "?"));
            if clash { format!("{name}-{behind}{optional}") } else { format!("{name}{optional}") }
        };
        let renamed = new.stages.into_iter().map(|mut stage| {
            stage.name = rename(&stage.name);
            stage.needs.iter_mut().chain(&mut stage.follows).for_each(|name| *name = rename(name));
            stage
        });
        self.stages.extend(renamed.collect::<Vec<_>>());
        self.notes.extend(new.notes);
        self.found.extend(new.found);
    }

    pub fn tests(&self) -> bool {
        self.stages.iter().any(|stage| stage.name == "test" || stage.name.starts_with("test-"))
    }

    /// Those whose failure is no mere warning.
    pub fn sure(&self) -> Vec<Stage> {
        let sure: Vec<Stage> =
            self.stages.iter().filter(|stage| stage.allow_failure.is_none()).cloned().collect();
        let names: Vec<String> = sure.iter().map(|stage| stage.name.clone()).collect();
        let kept = |mut stage: Stage| {
            stage.follows.retain(|name| names.contains(name));
            stage
        };
        sure.into_iter().map(kept).collect()
    }

    fn covers(&self, command: &str) -> bool {
        self.stages.iter().flat_map(Stage::commands).any(|by| step::covers(&by, command))
    }
}

/// What holds in any repository.
fn fallback(survey: &Survey) -> Stage {
    if survey.git {
        let script = "if [ -n \"$(git ls-files --unmerged)\" ]; then\n  echo \"a merge is unfinished: resolve or abort it first\" >&2\n  exit 1\nfi\ngit --no-pager log -1 --format='at %h %s' 2>/dev/null || echo \"no commit yet\"";
        return Stage::script("tree", "1m", script)
            .doc("No merge is left unfinished. Put what this project runs before a push in its place, for example:")
            .doc("  stage test { timeout 10m; exec \"./test.sh\" }");
    }
    Stage::exec("tree", "1m", &["ls", "-A"])
        .doc("What is here. Put what this project runs in its place, for example:")
        .doc("  stage test { timeout 10m; exec \"./test.sh\" }")
}

/// The head of a file: the edition, and what it was drawn up from.
fn head(survey: &Survey, plan: &Plan, about: &str) -> String {
    let mut text = String::from("wfl 1\n\n");
    text += &comment(about);
    if !plan.found.is_empty() {
        text += &comment(&format!("Drawn up by `wfl init` from {}: {}.", survey.name, plan.found.join("; ")));
    }
    text + "\n"
}

/// Commands of CI that no stage runs: a person decides about them.
fn uncovered(survey: &Survey, plan: &Plan) -> String {
    let mut seen: Vec<Vec<String>> = Vec::new();
    let mut lines = Vec::new();
    let judged = [Purpose::Test, Purpose::Lint, Purpose::Format, Purpose::Types, Purpose::Docs];
    for found in survey.steps.iter().filter(|found| found.origin == step::Origin::Ci) {
        let canonical = step::canonical(&found.command);
        if judged.contains(&found.purpose()) && !plan.covers(&found.command) && !seen.contains(&canonical) {
            seen.push(canonical);
            lines.push(format!("#   {}: {}", found.at, shortened(&step::typed(&found.command))));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    let rest = if more > 0 { format!("#   and {more} more\n") } else { String::new() };
    format!(
        "\n# CI also runs, and no stage here does (`wfl analyse` lists them):\n{}\n{rest}",
        lines.join("\n")
    )
}

/// A list that nobody reads to its end says less than a short one.
const MOST: usize = 8;

fn shortened(command: &str) -> String {
    let letters = command.chars().filter(|c| !c.is_control());
    let short: String = letters.take(80).collect();
    if short.len() < command.len() { format!("{short}…") } else { short }
}

/// The lane itself, and a test that shows what it is for.
fn lane(name: &str, about: &str, doc: &str, stages: &[&Stage], settings: &[String]) -> String {
    let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    let settings: String = settings.iter().map(|line| format!("  {line}\n")).collect();
    let mut text = format!(
        "\n## {doc}\nlane {name} {{\n  about {}\n  include {}\n{settings}}}\n",
        text::quoted(about),
        names.join(", ")
    );
    if let Some(test) = names.iter().find(|name| **name == "test" || name.starts_with("test-")) {
        text += &format!(
            "\ntest \"a failing test fails the lane\" {{\n  lane {name}\n  mock stage.{test} {{ exit 1 }}\n  expect stage.{test}.state == \"failed\"\n  expect run.exit == 1\n}}\n"
        );
    }
    text
}

fn written(stages: &[&Stage]) -> String {
    stages.iter().map(|stage| stage.write()).collect::<Vec<_>>().join("\n")
}

fn notes(plan: &Plan) -> String {
    plan.notes.iter().map(|note| format!("\n{}", comment(note))).collect()
}
