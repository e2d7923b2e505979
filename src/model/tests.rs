//! The checker as files meet it: the contract's samples pass, lanes hold what they say. The wrong files of `tests/lang` are checked by the suite.
//! A small loader stands in for the real one, which reads files and trust as well.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::base::{Shared, SourceFile, SourceMap};
use crate::diag::{self, Diagnostic};
use crate::syntax::ast::{ExprKind, Literal, Statement};
use crate::syntax::module::{Import, Unit};

use super::{Checked, Concerns, EdgeKind, Model, OnFailure, ResolvedLane, check, resolve};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang").join(name)
}

#[derive(Default)]
struct Loader {
    sources: SourceMap,
    units: Vec<Unit>,
    syntax: Vec<Diagnostic>,
    known: HashMap<PathBuf, usize>,
}

impl Loader {
    fn add(&mut self, name: &str, text: &str, std: bool, given: bool) -> usize {
        let id = self.sources.add(SourceFile::new(name, text));
        let (tree, found) = crate::syntax::parse(id, text);
        self.syntax.extend(found);
        self.units.push(Unit { name: name.into(), std, given, tree, imports: Vec::new() });
        self.units.len() - 1
    }

    /// Imports are read from `shared/`, wherever they say they are.
    fn imports(&mut self, unit: usize) {
        let statements: Vec<Statement> = self.units[unit].tree.statements.clone();
        for statement in statements.iter().filter(|statement| statement.head.text == "import") {
            let (Some(path), Some(alias)) = (statement.operands().first(), statement.clause("as")) else {
                continue;
            };
            let ExprKind::Literal(Literal::String(path)) = &path.kind else { continue };
            let Some(alias) = alias.operands.first() else { continue };
            let file = folder("shared").join(Path::new(path).file_name().unwrap());
            let target = self.known.get(&file).copied().or_else(|| {
                let text = std::fs::read_to_string(&file).ok()?;
                let loaded = self.add(path, &text, false, false);
                self.known.insert(file, loaded);
                Some(loaded)
            });
            self.units[unit].imports.push(Import {
                alias: alias.word().unwrap_or_default().into(),
                alias_span: alias.span,
                span: statement.span,
                unit: target,
            });
        }
    }
}

fn load(texts: &[(&str, &str)]) -> (SourceMap, Vec<Unit>, Vec<Diagnostic>) {
    let mut loader = Loader::default();
    let given: Vec<usize> = texts.iter().map(|(name, text)| loader.add(name, text, false, true)).collect();
    for name in ["lanes", "retry", "repair"] {
        let text = std::fs::read_to_string(folder("wrong_model/std").join(format!("{name}.wfl"))).unwrap();
        loader.add(&format!("std.{name}"), &text, true, false);
    }
    given.into_iter().for_each(|unit| loader.imports(unit));
    (loader.sources, loader.units, loader.syntax)
}

fn checked(texts: &[(&str, &str)]) -> (SourceMap, Checked) {
    let (sources, units, syntax) = load(texts);
    let mut checked = check(&sources, &units);
    checked.diagnostics.extend(syntax);
    checked.diagnostics.retain(|found| found.severity != diag::Severity::Info);
    diag::sort(&mut checked.diagnostics);
    (sources, checked)
}

fn lines(sources: &SourceMap, found: &[Diagnostic]) -> Vec<String> {
    let line = |found: &Diagnostic| {
        let at = sources.position(found.span);
        format!("{}:{} {} {}", at.line, at.column, found.code.id, found.message)
    };
    found.iter().map(line).collect()
}

/// The model of a text that has nothing wrong.
fn model(text: &str) -> Model {
    let (sources, checked) = checked(&[("a.wfl", text)]);
    assert_eq!(lines(&sources, &checked.diagnostics), Vec::<String>::new());
    checked.model
}

fn lane(model: &Model, name: &str) -> ResolvedLane {
    let lane = model.lanes.iter().find(|lane| lane.name == name).unwrap();
    resolve::lane(model, lane.id).unwrap()
}

fn names(lane: &ResolvedLane) -> Vec<&str> {
    lane.stages.iter().map(|stage| stage.name.as_str()).collect()
}

/// Each stage with what it waits for: `deploy<build,unit?,~notes`.
fn edges(lane: &ResolvedLane) -> Vec<String> {
    let one = |(index, stage): (usize, &Shared<super::Stage>)| {
        let mut to: Vec<String> = lane.edges[index]
            .iter()
            .map(|edge| {
                let name = &lane.stages[edge.to as usize].name;
                match edge.kind {
                    EdgeKind::Needs => name.clone(),
                    EdgeKind::NeedsOptional => format!("{name}?"),
                    EdgeKind::Follows => format!("~{name}"),
                }
            })
            .collect();
        to.sort();
        format!("{}<{}", stage.name, to.join(","))
    };
    lane.stages.iter().enumerate().map(one).collect()
}

#[test]
fn the_samples_of_the_contract_pass() {
    for name in ["contract", "policies", "project"] {
        let text = std::fs::read_to_string(folder("right").join(format!("{name}.wfl"))).unwrap();
        let (sources, checked) = checked(&[(name, &text)]);
        assert_eq!(lines(&sources, &checked.diagnostics), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_hotfix_lane_holds_what_deploy_needs() {
    let text = std::fs::read_to_string(folder("right/contract.wfl")).unwrap();
    let (_, checked) = checked(&[("contract.wfl", &text)]);
    let hotfix = lane(&checked.model, "hotfix");
    assert_eq!(names(&hotfix), ["build", "unit", "coverage", "notes", "deploy"]);
    assert_eq!(
        edges(&hotfix),
        ["build<", "unit<build", "coverage<~unit", "notes<~unit", "deploy<build,coverage,notes,unit"]
    );
    assert!(hotfix.strict);
    assert_eq!(hotfix.on_failure, OnFailure::Rollback);
    assert_eq!((hotfix.approvals[0].before, hotfix.approvals[0].count), (4, 1));
    let concerns: Vec<&str> = checked
        .model
        .not_yet
        .iter()
        .filter(|entry| entry.concerns == Concerns::Run(hotfix.id))
        .map(|entry| entry.what.as_str())
        .collect();
    assert_eq!(concerns, ["`notify`"]);
}

#[test]
fn a_lane_that_extends_a_built_in_one_changes_what_it_names() {
    let text = std::fs::read_to_string(folder("right/project.wfl")).unwrap();
    let (_, checked) = checked(&[("project.wfl", &text)]);
    let quickfix = lane(&checked.model, "quickfix");
    assert_eq!(
        names(&quickfix),
        ["setup", "checks", "review", "package", "version", "release", "publish", "types"]
    );
    assert_eq!(quickfix.stages[1].number, Some(7));
    assert_eq!(edges(&quickfix)[1], "checks<~setup");
    assert_eq!(quickfix.waived.len(), 1);
    assert_eq!(quickfix.waived[0].1, "no typed code here");
    let review = &quickfix.stages[2];
    assert!(review.timeout.is_some());
    let nightly = lane(&checked.model, "nightly");
    assert!(names(&nightly).contains(&"probe") && names(&nightly).contains(&"checks"));
    assert_eq!(nightly.on_failure, OnFailure::KeepGoing);
    assert!(
        checked
            .model
            .stages
            .iter()
            .filter(|stage| stage.name == "review")
            .all(|stage| stage.timeout.is_none())
    );
}

#[test]
fn an_absent_stage_is_replaced_by_what_it_waited_for() {
    let model = model(
        "wfl 1\n\
         stage a { exec \"a\" }\n\
         stage b { follows a; exec \"b\" }\n\
         stage c { needs b?; exec \"c\" }\n\
         stage d { follows c; exec \"d\" }\n\
         lane all { include a, b, c, d }\n\
         lane ends { include a, d }\n\
         lane middle { include a, c }\n",
    );
    assert_eq!(edges(&lane(&model, "all")), ["a<", "b<~a", "c<b?", "d<~c"]);
    assert_eq!(edges(&lane(&model, "ends")), ["a<", "d<~a"]);
    assert_eq!(edges(&lane(&model, "middle")), ["a<", "c<~a"]);
}

#[test]
fn a_file_without_lanes_is_all_its_stages() {
    let model = model("wfl 1\nstage b { number 2; exec \"b\" }\nstage a { needs b; number 1; exec \"a\" }\n");
    let whole = resolve::whole_file(&model, 0);
    assert_eq!((whole.id, whole.name.as_str()), (u32::MAX, "a"));
    assert_eq!(edges(&whole), ["a<b", "b<"]);
}

#[test]
fn a_stage_with_an_outside_effect_is_once_unless_it_says_otherwise() {
    let model = model(
        "wfl 1\n\
         secret key = env(\"KEY\")\n\
         stage a { exec \"a\"; lock \"x\" }\n\
         stage b { exec \"b\"; env { KEY = key } }\n\
         stage c { exec \"c\"; lock \"x\"; repeatable }\n\
         stage d { exec \"d\" }\n",
    );
    let effects: Vec<bool> = model
        .stages
        .iter()
        .filter(|stage| stage.module == 0)
        .map(|stage| matches!(stage.effect, super::Effect::Once))
        .collect();
    assert_eq!(effects, [true, true, false, false]);
}

#[test]
fn a_named_policy_is_replaced_setting_by_setting() {
    let model = model("wfl 1\nstage a { exec \"a\"; retry std.retry.network { attempts 9 } }\n");
    let retry = model.stages[0].retry.as_ref().unwrap();
    let attempts = retry.attempts.as_ref().and_then(|expr| expr.as_value());
    assert_eq!(attempts, Some(&crate::base::Value::Int(9)));
    assert!(retry.backoff.is_some() && retry.breaker.is_some() && retry.when.is_some());
    assert_eq!(retry.policy.as_deref(), Some("std.retry.network"));
    assert!(model.not_yet.is_empty(), "a breaker can be run");
}

#[test]
fn defaults_reach_a_gate_through_its_tool() {
    let model = model(
        "wfl 1\n\
         defaults { timeout 10m; env { A = \"a\" } }\n\
         tool t { exec \"t\"; timeout 3m; measure n: int = exit }\n\
         gate of-tool { tool t; require n == 0 }\n\
         gate alone { exec \"g\"; require exit == 0 }\n",
    );
    assert!(model.stages[0].timeout.is_none() && model.stages[0].env.is_empty());
    assert!(model.stages[1].timeout.is_some() && model.stages[1].env.len() == 1);
    let timeout = model.tools[0].timeout.as_ref().and_then(|expr| expr.as_value());
    assert_eq!(timeout, Some(&crate::base::Value::Duration(180_000)));
    assert_eq!(model.tools[0].env.len(), 1);
}

#[test]
fn ten_thousand_stages_are_checked_without_deep_stacks() {
    let mut text = String::from("wfl 1\n");
    for index in 0..10_000 {
        let need = if index == 0 { String::new() } else { format!("needs s{}; ", index - 1) };
        text.push_str(&format!("stage s{index} {{ {need}exec \"true\" }}\n"));
    }
    text.push_str("lane all { include s9999 }\n");
    let model = model(&text);
    assert_eq!(lane(&model, "all").stages.len(), 10_000);
}

/// Whatever is missing from a file, the checker says something of it and does not break down.
#[test]
fn no_mutilated_sample_breaks_the_checker() {
    for name in ["contract", "policies", "project"] {
        let text = std::fs::read_to_string(folder("right").join(format!("{name}.wfl"))).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for gone in 0..lines.len() {
            let mut kept = lines.clone();
            kept.remove(gone);
            checked(&[("a.wfl", &kept.join("\n"))]);
        }
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        for gone in (0..words.len()).step_by(3) {
            let mut kept = words.clone();
            kept[gone] = if gone % 2 == 0 { "" } else { "} " };
            checked(&[("a.wfl", &kept.concat())]);
        }
    }
}
