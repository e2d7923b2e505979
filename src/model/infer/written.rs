//! An expression as it was written, as far as names and literals go: for messages that repeat it.

use crate::base::Value;
use crate::syntax::ast::{Expr, ExprKind, Literal, Step};

/// The text of a name, a path of names, a call without arguments or a literal; none for what is longer.
pub fn written(e: &Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Word(word) => Some(word.to_string()),
        ExprKind::Literal(literal) => Some(of_literal(literal)),
        ExprKind::Access(access) => {
            let mut text = written(&access.base)?;
            for step in &access.steps {
                match step {
                    Step::Member(name) => {
                        text.push('.');
                        text.push_str(&name.text);
                    }
                    Step::Call { arguments, .. } => {
                        let inside: Option<Vec<String>> =
                            arguments.iter().map(|argument| written(&argument.value)).collect();
                        text.push_str(&format!("({})", inside?.join(", ")));
                    }
                    Step::Index { index, .. } => text.push_str(&format!("[{}]", written(index)?)),
                }
            }
            Some(text)
        }
        _ => None,
    }
}

/// Like [`written`], with `…` for what is too long to repeat.
pub(super) fn shown(e: &Expr) -> String {
    written(e).filter(|text| text.chars().count() <= 60).unwrap_or_else(|| "…".to_owned())
}

/// As a piece of an f-string: text without quotes, everything else in braces.
pub(super) fn piece(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Literal(Literal::String(text)) => text.replace('\\', "\\\\").replace('"', "\\\""),
        _ => format!("{{{}}}", shown(e)),
    }
}

fn of_literal(literal: &Literal) -> String {
    match literal {
        Literal::String(text) => format!("{text:?}"),
        other => value(other).to_string(),
    }
}

pub(super) fn value(literal: &Literal) -> Value {
    match literal {
        Literal::String(text) => Value::String(text.clone()),
        Literal::Int(n) => Value::Int(*n),
        Literal::Float(n) => Value::Float(*n),
        Literal::Bool(yes) => Value::Bool(*yes),
        Literal::Duration(ms) => Value::Duration(*ms),
        Literal::Percent(n) => Value::Percent(*n),
        Literal::Size(bytes) => Value::Size(*bytes),
    }
}
