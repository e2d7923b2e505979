//! Repair rules and principles: checked in full, carried out elsewhere.

use std::cell::RefCell;

use crate::base::Type;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::model::declare::Item;
use crate::model::infer::Place;
use crate::model::{AfterRepair, Check, Principle, Repair, Risk, Subject};
use crate::syntax::ast::{self, Ident};

use super::{Frame, Lowering, all, find, operand};

impl Lowering<'_, '_> {
    pub(super) fn repairs(&mut self) {
        let defs = self.defs;
        for item in &defs.repairs {
            let frame = Frame::file(item.module);
            let body = item.statement.body();
            let mut condition = |keyword: &str| {
                let expr = find(body, keyword).and_then(operand)?;
                Some(self.check(&frame.judging(), expr))
            };
            let (when, verify) = (condition("when"), condition("verify"));
            let word = |keyword: &str| find(body, keyword).and_then(operand).and_then(ast::Expr::word);
            let repair = Repair {
                module: item.module,
                name: item.name.to_string(),
                span: item.span,
                docs: self.docs(item.module, item.statement),
                when,
                verify,
                actions: find(body, "do").map(|act| self.actions(&frame, act.body())).unwrap_or_default(),
                risk: if word("risk") == Some("low") { Risk::Low } else { Risk::Destructive },
                then: match word("then") {
                    Some("stop") => AfterRepair::Stop,
                    Some("rerun-needs") => AfterRepair::RerunNeeds,
                    _ => AfterRepair::RetryStage,
                },
                limit: find(body, "limit").and_then(|limit| self.count(&frame.start(), limit)),
            };
            self.model.repairs.push(repair);
        }
    }

    pub(super) fn principles(&mut self) {
        let defs = self.defs;
        for item in &defs.principles {
            self.principle(item);
        }
    }

    fn principle(&mut self, item: &Item<'_>) {
        let body = item.statement.body();
        let Some(each) = find(body, "each").filter(|each| !each.broken) else { return };
        let kind = operand(each).and_then(ast::Expr::word).unwrap_or("stage").to_string();
        let Some(variable) = each.clause("as").and_then(|clause| clause.operands.first()) else { return };
        let Some(variable) = variable.word().map(str::to_string) else {
            return self.error(
                &codes::E122,
                variable.span,
                "a name should stand here",
                "write `each stage as s`",
            );
        };
        let unknown: RefCell<Vec<Ident>> = RefCell::default();
        let extra = |path: &[Ident]| match path {
            [first, property] if first.text == variable => {
                let ty = property_type(&kind, &property.text);
                if ty.is_none() {
                    unknown.borrow_mut().push(property.clone());
                }
                ty.or(Some(Type::Unknown))
            }
            _ => None,
        };
        let frame = Frame::file(item.module);
        let place = Place { extra: Some(&extra), start: false, ..frame.start() };
        let condition = each
            .clause("if")
            .and_then(|clause| clause.operands.first())
            .map(|condition| self.check(&place, condition).expr);
        let require = self.required(item, &place);
        for property in unknown.take() {
            let known = PROPERTIES.iter().filter(|(kinds, _, _)| kinds.contains(&kind.as_str()));
            let near = nearest(&property.text, known.map(|(_, name, _)| *name));
            let message = format!("a {kind} has no property `{}`", property.text);
            self.report
                .push(Diagnostic::new(&codes::E102, property.span, message).help_if(did_you_mean(&near)));
        }
        let because =
            find(body, "because").and_then(operand).and_then(|expr| self.known_text(item.module, expr));
        let subject = match kind.as_str() {
            "gate" => Subject::Gate,
            "lane" => Subject::Lane,
            _ => Subject::Stage,
        };
        let (module, name, span) = (item.module, item.name.to_string(), item.span);
        self.model.principles.push(Principle {
            module,
            name,
            span,
            subject,
            variable,
            condition,
            require,
            because,
        });
    }
}

impl Lowering<'_, '_> {
    fn required(&mut self, item: &Item<'_>, place: &Place<'_>) -> Vec<Check> {
        let mut require: Vec<Check> = Vec::new();
        for statement in all(item.statement.body(), "require") {
            let Some(expr) = operand(statement) else { continue };
            let mut check = self.check(place, expr);
            let reason = statement.clause("because").and_then(|clause| clause.operands.first());
            check.because = reason.and_then(|reason| self.known_text(item.module, reason));
            require.push(check);
        }
        require
    }
}

/// The type of `s.PROPERTY` in a principle about stages, gates or lanes.
pub fn property_type(kind: &str, property: &str) -> Option<Type> {
    let row = PROPERTIES.iter().find(|(kinds, name, _)| *name == property && kinds.contains(&kind));
    row.map(|(_, _, kind)| match kind {
        Yes => Type::Bool,
        Text => Type::String,
        MaybeText => Type::String.optional(),
        Count => Type::Int,
        MaybeCount => Type::Int.optional(),
        MaybeTime => Type::Duration.optional(),
        Names => Type::String.list(),
    })
}

enum Property {
    Yes,
    Text,
    MaybeText,
    Count,
    MaybeCount,
    MaybeTime,
    Names,
}
use Property::{Count, MaybeCount, MaybeText, MaybeTime, Names, Text, Yes};

const ALL: &[&str] = &["stage", "gate", "lane"];
const STEPS: &[&str] = &["stage", "gate"];
const LANE: &[&str] = &["lane"];

/// For which kinds, the property, and what it is.
static PROPERTIES: &[(&[&str], &str, Property)] = &[
    (ALL, "name", Text),
    (ALL, "about", MaybeText),
    (STEPS, "number", MaybeCount),
    (STEPS, "lock", MaybeText),
    (STEPS, "pool", MaybeText),
    (ALL, "timeout", MaybeTime),
    (STEPS, "deadline", MaybeTime),
    (STEPS, "needs", Names),
    (STEPS, "follows", Names),
    (STEPS, "outputs", Names),
    (STEPS, "has-undo", Yes),
    (STEPS, "has-retry", Yes),
    (STEPS, "has-lock", Yes),
    (STEPS, "has-secret", Yes),
    (STEPS, "has-inputs", Yes),
    (STEPS, "has-finally", Yes),
    (ALL, "has-timeout", Yes),
    (STEPS, "has-when", Yes),
    (STEPS, "has-approval", Yes),
    (STEPS, "idempotent", Yes),
    (STEPS, "once", Yes),
    (STEPS, "repeatable", Yes),
    (STEPS, "allow-failure", Yes),
    (LANE, "stages", Names),
    (LANE, "gates", Names),
    (LANE, "strict", Yes),
    (LANE, "approvals", Count),
    (LANE, "sla", MaybeTime),
];
