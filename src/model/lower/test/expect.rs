//! `expect` lines of tests: conditions on the run that was played. Which values there are, and of what type.

use std::cell::RefCell;

use crate::base::Type;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::model::declare::Item;
use crate::model::infer::{self, Place};
use crate::model::{Check, Expectation, ResolvedLane, StageId};
use crate::syntax::ast::Ident;

use super::super::{Frame, Lowering, all, operand};

/// How a stage can stand: a misspelt state would be an expectation that never holds.
const STATES: [&str; 14] = [
    "pending",
    "ready",
    "running",
    "waiting",
    "succeeded",
    "failed",
    "timed-out",
    "cancelled",
    "skipped",
    "waived",
    "reused",
    "warned",
    "blocked",
    "unknown",
];

/// How a run can end, or that it waits.
const STATUSES: [&str; 8] =
    ["waiting", "succeeded", "failed", "gate-failed", "timed-out", "cancelled", "interrupted", "rolled-back"];

/// What is asked of a stage or gate.
const OF_STAGE: &[&str] = &[
    "state", "status", "states", "reason", "attempts", "exit", "started", "finished", "duration", "undone",
    "out",
];
/// What is asked of the run; `lane` is another word for it.
const OF_RUN: &[&str] = &["status", "state", "reason", "exit", "duration", "selected"];

fn words(words: &[&str]) -> Type {
    Type::Enum(words.iter().map(|word| (*word).to_owned()).collect())
}

fn of_stage(property: &str) -> Option<Type> {
    Some(match property {
        "state" | "status" => words(&STATES),
        "states" => words(&STATES).list(),
        "reason" => Type::String,
        "attempts" => Type::Int,
        "exit" => Type::Int.optional(),
        "undone" => Type::Bool,
        "started" | "finished" | "duration" => Type::Duration,
        _ => return None,
    })
}

fn of_run(property: &str) -> Option<Type> {
    Some(match property {
        "state" | "status" => words(&STATUSES),
        "reason" => Type::String,
        "exit" => Type::Int,
        "duration" => Type::Duration,
        "selected" => Type::Bool,
        _ => return None,
    })
}

/// What is wrong with a path of an expectation; said after the expression was checked.
enum Wrong {
    NotHeld(Ident),
    Property { of: String, name: Ident, known: Vec<String> },
}

impl Lowering<'_, '_> {
    pub(super) fn expectations(&mut self, item: &Item<'_>, resolved: &ResolvedLane) -> Vec<Expectation> {
        let defs = self.defs;
        let wrong: RefCell<Vec<Wrong>> = RefCell::default();
        let output = |stage: StageId, name: &Ident| {
            let outputs = &defs.facts(stage).outputs;
            let found = outputs.iter().find(|(known, _, _)| *known == name.text);
            found.map(|(_, ty, _)| ty.required().clone().optional()).unwrap_or_else(|| {
                let known = outputs.iter().map(|(known, _, _)| known.clone()).collect();
                let of = format!("`{}`", defs.stages[stage as usize].name);
                wrong.borrow_mut().push(Wrong::Property { of, name: name.clone(), known });
                Type::Unknown
            })
        };
        let unknown = |of: &str, name: &Ident, known: &[&str]| {
            let known = known.iter().map(|known| (*known).to_owned()).collect();
            wrong.borrow_mut().push(Wrong::Property { of: of.to_owned(), name: name.clone(), known });
            Type::Unknown
        };
        let extra = |path: &[Ident]| {
            let parts: Vec<&str> = path.iter().map(|part| part.text.as_str()).collect();
            match parts[..] {
                ["stage" | "gate", name, property, ..] => {
                    let Some(stage) = resolved.stages.iter().find(|stage| stage.name == name) else {
                        wrong.borrow_mut().push(Wrong::NotHeld(path[1].clone()));
                        return Some(Type::Unknown);
                    };
                    match (property, parts.len()) {
                        ("out", 4) => Some(output(stage.id, &path[3])),
                        (_, 3) => of_stage(property).or_else(|| Some(unknown("a stage", &path[2], OF_STAGE))),
                        _ => None,
                    }
                }
                ["lane" | "run", property] => {
                    of_run(property).or_else(|| Some(unknown("a run", &path[1], OF_RUN)))
                }
                _ => None,
            }
        };
        let frame = Frame::file(item.module);
        let place = Place { extra: Some(&extra), ..frame.start() };
        let mut found = Vec::new();
        for expect in all(item.statement.body(), "expect") {
            let Some(expr) = operand(expect) else { continue };
            let typed = infer::condition(defs, &place, expr, &mut self.report);
            let because = self.reason(item.module, expect);
            let check = Check { expr: typed.expr, text: self.text(expr.span), because };
            found.push(Expectation { check, span: expr.span });
        }
        for wrong in wrong.take() {
            self.wrong_expectation(wrong, resolved);
        }
        found
    }

    fn wrong_expectation(&mut self, wrong: Wrong, resolved: &ResolvedLane) {
        match wrong {
            Wrong::NotHeld(name) => self.not_held(&name, resolved),
            Wrong::Property { of, name, known } => {
                let near = nearest(&name.text, known.iter().map(String::as_str));
                let all = match known.is_empty() {
                    true => "it has none".to_owned(),
                    false => format!("there are {}", known.join(", ")),
                };
                self.report.push(
                    Diagnostic::new(&codes::E102, name.span, format!("{of} has no `{}`", name.text))
                        .help(did_you_mean(&near).unwrap_or(all)),
                );
            }
        }
    }
}
