//! Written types to types. Knows no values.

use crate::base::{Type, suggest};
use crate::diag::{Diagnostic, codes};
use crate::syntax::ast::{Expr, ExprKind, Literal, TypeExpr};

use super::super::report::Report;

const NAMES: [&str; 10] =
    ["string", "int", "float", "bool", "duration", "percent", "size", "path", "list", "enum"];

/// The type that was written; [`Type::Unknown`] after a report.
pub fn type_expr(written: &TypeExpr, report: &mut Report) -> Type {
    let ty = named(written, report);
    if written.optional { ty.optional() } else { ty }
}

fn named(written: &TypeExpr, report: &mut Report) -> Type {
    let simple = match written.name.text.as_str() {
        "string" => Type::String,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "duration" => Type::Duration,
        "percent" => Type::Percent,
        "size" => Type::Size,
        "path" => Type::Path,
        "list" => return list(written, report),
        "enum" => return words(written, report),
        _ => return unknown(written, report),
    };
    if written.arguments.is_empty() && written.words.is_empty() {
        return simple;
    }
    report.push(Diagnostic::new(&codes::E107, written.span, format!("`{simple}` takes no arguments")));
    simple
}

fn list(written: &TypeExpr, report: &mut Report) -> Type {
    match written.arguments.as_slice() {
        [inner] => type_expr(inner, report).list(),
        _ => {
            let found = Diagnostic::new(&codes::E107, written.span, "a list is of one type of item")
                .help("write the type of its items: `list<string>`");
            report.push(found);
            Type::Unknown.list()
        }
    }
}

fn words(written: &TypeExpr, report: &mut Report) -> Type {
    let mut known: Vec<String> = Vec::new();
    for expr in &written.words {
        match word(expr) {
            Some(word) if known.iter().any(|other| other == word) => {
                let text = format!("`{word}` stands twice in the enum");
                report.push(Diagnostic::new(&codes::E122, expr.span, text).help("remove one of them"));
            }
            Some(word) => known.push(word.to_owned()),
            None if matches!(expr.kind, ExprKind::Error) => {}
            None => report.push(
                Diagnostic::new(&codes::E122, expr.span, "an enum is a list of words")
                    .help("write each in quotes: `enum(\"eu\", \"us\")`"),
            ),
        }
    }
    if written.words.is_empty() {
        let found = Diagnostic::new(&codes::E120, written.span, "an enum needs at least one word")
            .help("list them: `enum(\"eu\", \"us\")`");
        report.push(found);
    }
    if known.is_empty() { Type::Unknown } else { Type::Enum(known) }
}

fn word(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(Literal::String(text)) => Some(text),
        ExprKind::Word(text) => Some(text),
        _ => None,
    }
}

fn unknown(written: &TypeExpr, report: &mut Report) -> Type {
    let name = &written.name;
    let meant = match name.text.to_ascii_lowercase().as_str() {
        "str" | "text" | "char" | "varchar" => Some("string"),
        "integer" | "number" | "i64" | "long" | "u32" | "i32" => Some("int"),
        "double" | "decimal" | "f64" | "real" => Some("float"),
        "boolean" => Some("bool"),
        "time" | "timeout" | "timedelta" => Some("duration"),
        "percentage" => Some("percent"),
        "bytes" => Some("size"),
        "file" | "dir" | "filename" => Some("path"),
        "array" | "vec" | "sequence" | "set" => Some("list"),
        "choice" | "oneof" => Some("enum"),
        _ => None,
    };
    let near = suggest::nearest(&name.text, NAMES);
    let mut found = Diagnostic::new(&codes::E102, name.span, format!("there is no type `{}`", name.text));
    found = match meant.or(near.first().copied()) {
        Some(meant) => found.help(format!("did you mean `{meant}`?")).fix(false, name.span, meant),
        None => found.help(format!("the types are {}", NAMES.join(", "))),
    };
    report.push(found);
    Type::Unknown
}
