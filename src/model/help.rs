//! What a `help` statement says: a known failure, its likely cause, what to type next. Checked and read; shown by others,
//! carried out by nobody.

use crate::base::{Span, Value};
use crate::expr::{Compare, Expr, Kind};

use super::{Check, Model, ModuleId, constant};

/// A known failure in words.
#[derive(Clone, Debug)]
pub struct Help {
    pub module: ModuleId,
    pub name: String,
    /// Of the title.
    pub span: Span,
    /// None only where the definition is broken, as with the others.
    pub when: Option<Check>,
    pub cause: Option<Words>,
    pub attempt: Option<Words>,
}

/// A text in which `<name>` stands for what a pattern's group matched.
#[derive(Clone, Debug)]
pub struct Words {
    pub text: String,
    pub span: Span,
}

impl Words {
    /// The names in angle brackets, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        placeholders(&self.text).map(|(_, name)| name)
    }
}

/// `<name>` in a text: where it begins, and the name.
pub fn placeholders(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('<').filter_map(|(at, _)| {
        let rest = &text[at + 1..];
        let name = &rest[..rest.find('>')?];
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then_some((at, name))
    })
}

impl Help {
    /// The patterns that standard error is searched for, where a match speaks for the rule.
    pub fn patterns<'m>(&'m self, model: &'m Model) -> Vec<(&'m str, Span)> {
        let mut found = Vec::new();
        let mut open: Vec<&Expr> = self.when.iter().map(|when| &when.expr).collect();
        while let Some(expr) = open.pop() {
            if let Some(pattern) = searched(model, expr) {
                found.push((pattern, expr.span));
            } else if !matches!(expr.kind, Kind::Not(_)) {
                expr.children(&mut |child| open.push(child));
            }
        }
        // The stack gives the last first.
        found.reverse();
        found
    }

    /// Whether it can only hold where one of its patterns is found.
    pub fn needs_text(&self, model: &Model) -> bool {
        self.when.as_ref().is_some_and(|when| needs_text(model, &when.expr))
    }
}

fn needs_text(model: &Model, expr: &Expr) -> bool {
    match &expr.kind {
        // Expressions are shallow: `and` and `or` are flat lists, brackets are capped.
        Kind::And(parts) => parts.iter().any(|part| needs_text(model, part)),
        Kind::Or(parts) => parts.iter().all(|part| needs_text(model, part)),
        _ => searched(model, expr).is_some(),
    }
}

/// The pattern of `stderr matches PATTERN`.
fn searched<'m>(model: &'m Model, expr: &'m Expr) -> Option<&'m str> {
    let Kind::Compare { op: Compare::Matches, sides } = &expr.kind else { return None };
    match (&sides.0.kind, constant(model, &sides.1)) {
        (Kind::Fact { name, .. }, Some(Value::String(pattern))) if name == "stderr" => Some(pattern),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_a_name_in_angle_brackets() {
        let names = |text| placeholders(text).map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names("pip install <module> <other_1>"), ["module", "other_1"]);
        assert_eq!(names("cat < in > out; a<b; <1x> <a b> <> <<x>"), ["x"]);
        assert!(names("<open").is_empty());
    }
}
