//! `run`: the script and its interpreter, and the patch for a script that was written to be interpolated.

use crate::base::Span;
use crate::diag::Edit;
use crate::diag::{Diagnostic, Fix, codes};
use crate::model::Action;
use crate::syntax::ast::{ExprKind, Literal, Statement};

use super::{Lowering, find, operand};

impl Lowering<'_, '_> {
    pub(super) fn script(&mut self, statement: &Statement, siblings: &[Statement]) -> Option<Action> {
        let expr = operand(statement)?;
        let (interpreter, text, lines) = match &expr.kind {
            ExprKind::Script(script) => {
                if script.interpolated {
                    self.interpolated(expr.span, statement, siblings);
                }
                (script.interpreter.as_ref(), script.text.clone(), script.line_offsets.clone())
            }
            ExprKind::Literal(Literal::String(text)) => (None, text.clone(), Vec::new()),
            ExprKind::Format(_) => {
                self.interpolated(expr.span, statement, siblings);
                return None;
            }
            _ => return None,
        };
        if text.trim().is_empty() {
            self.error(
                &codes::E120,
                expr.span,
                "the script is empty",
                "write what should run, or remove `run`",
            );
        }
        let interpreter = interpreter.map_or("bash", |word| &word.text).to_string();
        Some(Action::Script { interpreter, text, lines, span: expr.span })
    }

    fn interpolated(&mut self, span: Span, statement: &Statement, siblings: &[Statement]) {
        let source = self.defs.sources.text(span).to_string();
        let mut found = Diagnostic::new(&codes::E006, span.at_start(), "a script is never interpolated")
            .help("pass values by `env { NAME = value }` and write \"$NAME\" in the script");
        if let Some(edits) = by_environment(&source, span, statement, siblings) {
            found.fix = Some(Fix { edits, safe: false });
        }
        self.report.push(found);
    }
}

/// `{expr}` in the text becomes `"$NAME"`, and `env` gives NAME the expression.
fn by_environment(
    source: &str,
    span: Span,
    statement: &Statement,
    siblings: &[Statement],
) -> Option<Vec<Edit>> {
    let prefix = source.find("f\"")?;
    let at = |from: usize, to: usize| Span {
        start: span.start + from as u32,
        end: span.start + to as u32,
        ..span
    };
    let mut edits = vec![Edit { span: at(prefix, prefix + 1), text: String::new() }];
    let mut names: Vec<(String, &str)> = Vec::new();
    let mut rest = prefix;
    while let Some(open) = source[rest..].find('{').map(|found| found + rest) {
        let close = source[open..].find('}')? + open;
        let inner = source[open + 1..close].trim();
        let shell = source[..open].ends_with('$') || inner.is_empty() || inner.contains(['{', '\n', ';']);
        if !shell {
            let name = variable(inner);
            edits.push(Edit { span: at(open, close + 1), text: format!("\"${name}\"") });
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, inner));
            }
        }
        rest = close + 1;
    }
    let values: Vec<String> = names.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    match find(siblings, "env").and_then(|env| env.block.as_ref()) {
        _ if values.is_empty() => {}
        Some(block) => {
            let place = Span { start: block.span.start + 1, end: block.span.start + 1, ..block.span };
            edits.push(Edit { span: place, text: format!(" {};", values.join("; ")) });
        }
        None => {
            let text = format!("\n  env {{ {} }}", values.join("; "));
            edits.push(Edit { span: statement.span.at_end(), text });
        }
    }
    Some(edits)
}

fn variable(expression: &str) -> String {
    let upper: String = expression
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    let name = upper.trim_matches('_');
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        format!("V_{name}")
    } else {
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn a_variable_is_named_after_its_expression() {
        assert_eq!(variable("build.app"), "BUILD_APP");
        assert_eq!(variable("f(x)"), "F_X");
        assert_eq!(variable("1 + 2"), "V_1___2");
    }
}
