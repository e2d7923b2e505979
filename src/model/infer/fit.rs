//! Whether a type fits where it stands, the literals that adapt, and what is said when it does not.

use crate::base::{Span, Type, Value, suggest};
use crate::diag::{Code, Diagnostic, codes};
use crate::expr::{Expr, Kind, parse};
use crate::syntax::ast::{self, ExprKind, Literal};

use super::walk::{Found, Walk, at, lost};
use super::written::{piece, shown};

/// The same type, as far as both are known.
pub(super) fn agrees(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Unknown, _) | (_, Type::Unknown) => true,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => agrees(a, b),
        (Type::Enum(a), Type::Enum(b)) => a.len() == b.len() && a.iter().all(|word| b.contains(word)),
        _ => a == b,
    }
}

/// Literals whose meaning depends on what is wanted.
pub(super) fn adapts(e: &ast::Expr) -> bool {
    matches!(e.kind, ExprKind::Literal(_) | ExprKind::List(_) | ExprKind::Format(_))
}

pub(super) fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Duration | Type::Size | Type::Percent)
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Float)
}

/// What can be subtracted.
pub(super) fn is_quantity(ty: &Type) -> bool {
    is_unit(ty) || is_number(ty)
}

/// `int` as "an int", for sentences.
pub fn article(ty: &Type) -> String {
    let text = ty.to_string();
    let vowel = text.starts_with(['a', 'e', 'i', 'o']);
    format!("{} {text}", if vowel { "an" } else { "a" })
}

pub(super) fn may_be_absent(e: &ast::Expr, ty: &Type) -> Diagnostic {
    let help = format!("give a default: `{} ?? {}`", shown(e), example(ty.required()));
    Diagnostic::new(&codes::E104, e.span, format!("this is {}, which may be absent", article(ty))).help(help)
}

fn example(ty: &Type) -> &'static str {
    match ty {
        Type::Int => "0",
        Type::Float => "0.0",
        Type::Bool => "false",
        Type::Duration => "0s",
        Type::Percent => "0%",
        Type::Size => "0B",
        Type::List(_) => "[]",
        _ => "\"none\"",
    }
}

impl Walk<'_, '_> {
    pub(super) fn fit(&mut self, e: &ast::Expr, (expr, ty): Found, want: &Type) -> Found {
        let needed = want.required();
        if agrees(&ty, want) || agrees(&ty, needed) {
            return (expr, ty);
        }
        match (&e.kind, needed) {
            (ExprKind::Literal(Literal::String(text)), Type::Path) => {
                (Expr::value(Value::Path(text.clone()), e.span), Type::Path)
            }
            (ExprKind::Format(_), Type::Path) => {
                let kind = Kind::Builtin { name: "path".to_owned(), arguments: vec![expr] };
                (at(kind, e.span), Type::Path)
            }
            (ExprKind::Literal(Literal::String(text)), Type::Enum(words)) => {
                if words.contains(text) {
                    return (expr, needed.clone());
                }
                self.not_a_word(text, e.span, words)
            }
            _ => {
                self.report.push(mismatch(e, &ty, needed));
                lost(e.span)
            }
        }
    }

    /// E122: a word that the enum does not have.
    pub(super) fn not_a_word(&mut self, word: &str, span: Span, words: &[String]) -> Found {
        let near = suggest::nearest(word, words.iter().map(String::as_str));
        let list: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let help = suggest::did_you_mean(&near);
        let found = Diagnostic::new(
            &codes::E122,
            span,
            format!("`{word}` is not one of the words that may stand here"),
        )
        .label("not one of its words")
        .help(help.unwrap_or_else(|| format!("write one of {}", list.join(", "))));
        self.refuse(found, span)
    }
}

fn code(got: &Type, want: &Type) -> &'static Code {
    match () {
        () if is_unit(want) && is_number(got) => &codes::E105,
        () if is_unit(want) && is_unit(got) => &codes::E106,
        () => &codes::E104,
    }
}

/// `want` is needed and `got` is there: both named, and the way out.
pub(super) fn mismatch(e: &ast::Expr, got: &Type, want: &Type) -> Diagnostic {
    if got.is_optional() && agrees(got.required(), want) {
        return may_be_absent(e, got);
    }
    let message = match code(got, want).id {
        "E105" => format!("{} is needed here, and {} has no unit", article(want), shown(e)),
        _ => format!("{} is needed here, and this is {}", article(want), article(got)),
    };
    let found =
        Diagnostic::new(code(got, want), e.span, message).label(format!("{got}, where {want} is needed"));
    advise(found, e, got, want)
}

/// Two values that meet in `what` ("compared", "added") are of different types.
pub(super) fn clash(
    what: &str,
    span: Span,
    left: (&ast::Expr, &Type),
    right: (&ast::Expr, &Type),
) -> Diagnostic {
    let (a, b) = (left.1.required(), right.1.required());
    let message = format!("{} and {} cannot be {what}", article(a), article(b));
    let (code, at, got, want) = match (is_unit(a), is_unit(b)) {
        (true, _) => (code(b, a), right.0, b, a),
        (_, true) => (code(a, b), left.0, a, b),
        _ => (code(b, a), right.0, b, a),
    };
    advise(Diagnostic::new(code, span, message), at, got, want)
}

/// Adds what would make `e` (a `got`) a `want`, with a fix where the text to write is certain.
fn advise(found: Diagnostic, e: &ast::Expr, got: &Type, want: &Type) -> Diagnostic {
    let text = shown(e);
    let fixed = |found: Diagnostic, safe: bool, new: String| {
        found.help(format!("write `{new}`")).fix(safe, e.span, new)
    };
    match (&e.kind, want) {
        (ExprKind::Literal(Literal::Int(n)), Type::Float) => fixed(found, true, format!("{n}.0")),
        (ExprKind::Literal(Literal::Int(_)), Type::Percent) => fixed(found, true, format!("{text}%")),
        // `0.5` may have meant a half.
        (ExprKind::Literal(Literal::Float(_)), Type::Percent) => {
            let help = format!("write `{text}%`, or `ratio({text})` for a number from 0 to 1");
            found.help(help).fix(false, e.span, format!("{text}%"))
        }
        (ExprKind::Literal(Literal::Int(n)), Type::Duration) => fixed(found, false, format!("{n}s")),
        (ExprKind::Literal(Literal::Int(n)), Type::Size) => fixed(found, false, format!("{n}MB")),
        (ExprKind::Literal(Literal::String(inside)), _) if literal_of(inside, want) => {
            let help = format!("write it without quotes: `{inside}`");
            found.help(help).fix(true, e.span, inside.clone())
        }
        // Digits that a number drops would be lost: 1.10 is not "1.1".
        (ExprKind::Literal(Literal::Float(_)), Type::String) => {
            found.help("put it in quotes as it should read; as a number, 1.10 would be 1.1")
        }
        (ExprKind::Literal(_), Type::String) => fixed(found, true, format!("\"{text}\"")),
        _ => match conversion(&text, got, want) {
            Some(help) => found.help(help),
            None => found,
        },
    }
}

/// A quoted text that is a literal of the wanted type.
fn literal_of(text: &str, want: &Type) -> bool {
    !matches!(want, Type::String | Type::Path | Type::Enum(_) | Type::List(_) | Type::Unknown)
        && parse::value(text, want).is_ok()
}

fn conversion(text: &str, got: &Type, want: &Type) -> Option<String> {
    Some(match (got, want) {
        (Type::List(item), _) if agrees(item, want) => format!("take one item: `{text}[0] ?? …`"),
        (_, Type::List(item)) if agrees(got, item) => format!("make it a list: `[{text}]`"),
        (Type::Float, Type::Percent) => format!("for a number from 0 to 1 write `ratio({text})`"),
        (Type::Int, Type::Duration) => format!("multiply by a unit: `{text} * 1s`"),
        (Type::Int, Type::Size) => format!("multiply by a unit: `{text} * 1MB`"),
        (Type::Int, Type::Percent) => format!("multiply by a unit: `{text} * 1%`"),
        (Type::String | Type::Enum(_), Type::Path) => format!("make it a path: `path({text})`"),
        (Type::Int, Type::Float) | (Type::Float, Type::Int) => {
            "whole numbers and others are not mixed; declare both `int` or both `float`".to_owned()
        }
        (got, want) if is_unit(got) && is_unit(want) => {
            format!("a {want} meets only another {want}; two of one unit divided give a plain number")
        }
        (Type::Optional(_), Type::String) => format!("give a default: `{text} ?? \"none\"`"),
        (_, Type::String) if got.is_scalar() => format!("make it a string: `string({text})`"),
        (Type::Path | Type::Enum(_), Type::Enum(_)) | (Type::String, Type::Enum(_)) => {
            "only its words fit an enum; declare both with the same `enum(…)`".to_owned()
        }
        (_, Type::Optional(_) | Type::Unknown) => return None,
        _ => format!("nothing is converted by itself; use {} here", article(want)),
    })
}

/// Strings are put together by f-strings, not by `+`.
pub(super) fn no_plus(span: Span, left: &ast::Expr, right: &ast::Expr) -> Diagnostic {
    let new = format!("f\"{}{}\"", piece(left), piece(right));
    let found = Diagnostic::new(&codes::E104, span, "strings are not added").help(format!("write `{new}`"));
    if new.contains('…') { found } else { found.fix(true, left.span.to(right.span), new) }
}
