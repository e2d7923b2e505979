//! Regular expressions that match more names of branches and tags than was meant. Matches nothing itself.

use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Compare, Expr, Kind};
use crate::model::visit::expressions;
use crate::model::{GlobalKind, constant};

use super::Context;
use super::likeness::behind;

/// Facts that name a place in git.
const REFS: &[&str] = &["git.branch", "git.tag", "change.branch", "change.base"];

/// W129 in every expression of the files asked about.
pub(super) fn unanchored(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    let stages = model.stages.iter().filter(|stage| context.asked(stage.module));
    let lets = model.globals.iter().filter(|global| context.asked(global.module));
    let lets = lets.filter_map(|global| match &global.kind {
        GlobalKind::Let(value) => Some(value),
        _ => None,
    });
    let lanes = model.lanes.iter().filter(|lane| context.asked(lane.module));
    let selects = lanes.filter_map(|lane| lane.select.as_ref()).map(|select| &select.expr);
    for expr in stages.flat_map(|stage| expressions(stage)).chain(lets).chain(selects) {
        expr.walk(&mut |part| {
            let Kind::Compare { op: Compare::Matches, sides } = &part.kind else { return };
            let Some(name) = git_name(context, &sides.0) else { return };
            let Some(Value::String(pattern)) = constant(model, &sides.1) else { return };
            found.extend(judge(context, name, pattern, &sides.1));
        });
    }
}

/// The fact behind `git.branch`, a let of it, and `git.tag ?? ""`.
fn git_name<'e>(context: &'e Context<'_>, expr: &'e Expr) -> Option<&'e str> {
    let mut at = expr;
    for _ in 0..64 {
        at = match &at.kind {
            Kind::Fact { name, .. } => return REFS.contains(&name.as_str()).then_some(name),
            Kind::Coalesce(parts) => parts.first()?,
            _ => behind(context.model, at)?,
        };
    }
    None
}

fn judge(context: &Context<'_>, name: &str, pattern: &str, operand: &Expr) -> Option<Diagnostic> {
    let what = if name == "git.tag" { "tag" } else { "branch" };
    let (message, help) = match shape(pattern) {
        Shape::Anchored => return None,
        Shape::Loose if plain(pattern) => (
            format!(
                "this finds `{pattern}` anywhere in the name of the {what}: `my-{pattern}-x` matches as well"
            ),
            format!("`matches` searches: write `\"^{pattern}$\"`, or `like` with a glob for the whole name"),
        ),
        Shape::Loose => (
            format!("this matches anywhere in the name of the {what}"),
            "`matches` searches: anchor it with `^` and `$`, or begin with `.*` where anywhere is meant"
                .to_owned(),
        ),
        Shape::Split => (
            "`^` binds only the first alternative, and `$` only the last".to_owned(),
            format!("put the alternatives in brackets: `\"{}\"`", anchored(pattern)),
        ),
    };
    let found = Diagnostic::new(&codes::W129, operand.span, message).help(help);
    Some(match quoted(context, operand.span, pattern) {
        true => found.fix(false, operand.span, format!("\"{}\"", anchored(pattern))),
        false => found,
    })
}

/// Whether the text of the place is the pattern in quotes, with nothing escaped.
fn quoted(context: &Context<'_>, span: Span, pattern: &str) -> bool {
    context.declared.sources.text(span) == format!("\"{pattern}\"") && !pattern.contains('\\')
}

fn plain(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_'))
}

fn anchored(pattern: &str) -> String {
    let inner = match shape(pattern) {
        Shape::Split => pattern.trim_start_matches('^').trim_end_matches('$'),
        _ => pattern,
    };
    if inner.contains('|') { format!("^(?:{inner})$") } else { format!("^{inner}$") }
}

#[derive(Debug, PartialEq)]
enum Shape {
    /// Somebody thought of where it begins or ends.
    Anchored,
    /// `release`.
    Loose,
    /// `^main|release$`.
    Split,
}

fn shape(pattern: &str) -> Shape {
    let mut rest = pattern;
    if let Some(inside) = rest.strip_prefix("(?")
        && let Some((flags, after)) = inside.split_once(')')
        && flags.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    {
        rest = after;
    }
    if rest.starts_with(".*") || rest.ends_with(".*") {
        return Shape::Anchored;
    }
    let Seen { anchors, bars, .. } = scan(rest);
    match anchors {
        0 => Shape::Loose,
        2 if bars > 0 && rest.starts_with('^') && rest.ends_with('$') => Shape::Split,
        _ => Shape::Anchored,
    }
}

#[derive(Default)]
struct Seen {
    /// `^`, `$`, `\b`, `\A`, `\z`.
    anchors: usize,
    /// `|` outside brackets.
    bars: usize,
    depth: usize,
    class: bool,
}

fn scan(pattern: &str) -> Seen {
    let mut seen = Seen::default();
    let mut escaped = false;
    for c in pattern.chars() {
        match c {
            _ if escaped => {
                seen.anchors += usize::from(matches!(c, 'b' | 'A' | 'z'));
                escaped = false;
            }
            '\\' => escaped = true,
            ']' => seen.class = false,
            _ if seen.class => {}
            '[' => seen.class = true,
            '(' => seen.depth += 1,
            ')' => seen.depth = seen.depth.saturating_sub(1),
            '^' | '$' => seen.anchors += 1,
            '|' if seen.depth == 0 => seen.bars += 1,
            _ => {}
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_anchored_is_told_from_what_is_not() {
        for pattern in
            ["^release/", "-rc$", ".*HOT-[0-9]+", "^(a|b)$", "(^a$|^b$)", r"\brelease\b", "^a$|^b$"]
        {
            assert_eq!(shape(pattern), Shape::Anchored, "{pattern}");
        }
        for pattern in ["release", "(?i)release", "a|b", "[^/]+", r"v1\$", "HOT-[0-9]+"] {
            assert_eq!(shape(pattern), Shape::Loose, "{pattern}");
        }
        assert_eq!(shape("^main|release$"), Shape::Split);
        assert_eq!(anchored("^main|release$"), "^(?:main|release)$");
        assert_eq!(anchored("release"), "^release$");
    }
}
