//! When two expressions are sure to have the same value: both written out as one text, lets seen through. Works
//! nothing out and finds nothing.

use std::fmt::Write as _;

use crate::base::Value;
use crate::expr::{Arithmetic, Expr, Kind};
use crate::model::{GlobalKind, Model, constant};

/// Parts an expression may have, lets counted each time: what is larger is like nothing.
const LARGEST: u32 = 400;
/// Bytes of a path that is compared.
const LONGEST: usize = 8_192;

/// A text that only expressions of the same value share; none for what is too large to say.
pub fn key(model: &Model, expr: &Expr) -> Option<String> {
    let mut writer = Writer { model, out: String::new(), left: LARGEST };
    writer.expr(expr)?;
    Some(writer.out)
}

/// A path as written: `dist/app.tgz`, or with holes for what is known only when it runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub text: String,
    /// Nothing of it is left open.
    pub whole: bool,
}

/// What a path says, `./` and a closing `/` taken off; paths with equal texts are one path.
pub fn place(model: &Model, expr: &Expr) -> Option<Place> {
    if let Some(path) = normal(model, expr) {
        return Some(Place { text: path.to_owned(), whole: true });
    }
    let mut text = String::new();
    let mut whole = true;
    // The pieces still to be written, the next one last; f-strings inside f-strings are taken apart.
    let mut left = vec![expr];
    for _ in 0..LARGEST {
        let Some(piece) = left.pop() else { break };
        let piece = path_of(model, piece);
        match (&piece.kind, piece.as_value()) {
            (Kind::Format(pieces), _) => left.extend(pieces.iter().rev()),
            // Stands where something was not understood.
            (_, Some(Value::Absent)) => return None,
            (_, Some(value)) => text.push_str(&value.to_string()),
            _ => {
                whole = false;
                let _ = write!(text, "\0{}\0", key(model, piece)?);
            }
        }
    }
    if !left.is_empty() || text.len() > LONGEST {
        return None;
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let root = if text.starts_with('/') { "/" } else { "" };
    Some(Place { text: format!("{root}{}", parts.join("/")), whole })
}

/// A whole path that is already written as paths are compared.
pub fn normal<'m>(model: &'m Model, expr: &'m Expr) -> Option<&'m str> {
    match constant(model, expr)? {
        Value::String(path) | Value::Path(path) => {
            let odd = path.starts_with('.') || path.starts_with('/') || path.ends_with('/');
            (!odd && !path.contains("//") && !path.contains("/.")).then_some(path)
        }
        _ => None,
    }
}

/// The text behind `path(…)` and behind lets.
fn path_of<'m>(model: &'m Model, expr: &'m Expr) -> &'m Expr {
    let mut at = expr;
    for _ in 0..64 {
        at = match &at.kind {
            Kind::Builtin { name, arguments } if name == "path" && arguments.len() == 1 => &arguments[0],
            Kind::Global(_) => match behind(model, at) {
                Some(inner) => inner,
                None => return at,
            },
            _ => return at,
        };
    }
    at
}

/// What a let stands for.
pub fn behind<'m>(model: &'m Model, expr: &Expr) -> Option<&'m Expr> {
    let Kind::Global(index) = expr.kind else { return None };
    match &model.globals.get(index as usize)?.kind {
        GlobalKind::Let(inner) => Some(inner),
        GlobalKind::Param { .. } | GlobalKind::Secret(_) => None,
    }
}

struct Writer<'m> {
    model: &'m Model,
    out: String,
    left: u32,
}

impl Writer<'_> {
    fn expr(&mut self, expr: &Expr) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        if let Some(inner) = behind(self.model, expr) {
            return self.expr(inner);
        }
        self.head(&expr.kind);
        let mut all = Some(());
        expr.children(&mut |child| {
            self.out.push(' ');
            all = all.and_then(|()| self.expr(child));
        });
        self.out.push(')');
        all
    }

    fn head(&mut self, kind: &Kind) {
        let out = &mut self.out;
        // Writing into a string cannot fail.
        let _ = match kind {
            Kind::Value(value) => write!(out, "({value:?}"),
            Kind::Local(slot) => write!(out, "(local{slot}"),
            Kind::Global(index) => write!(out, "(global{index}"),
            Kind::Matrix(name) => write!(out, "(matrix-{name}"),
            Kind::Measure(name) => write!(out, "(measure-{name}"),
            Kind::Output { stage, name } => write!(out, "(out{stage}-{name}"),
            Kind::Fact { name, ty, .. } => write!(out, "(fact-{name}-{ty}"),
            Kind::Call { function, .. } => write!(out, "(call{function}"),
            Kind::Builtin { name, .. } => write!(out, "(builtin-{name}"),
            Kind::Compare { op, .. } => write!(out, "({op:?}"),
            Kind::Arithmetic { rest, .. } => {
                let ops: Vec<Arithmetic> = rest.iter().map(|(op, _)| *op).collect();
                write!(out, "({ops:?}")
            }
            Kind::Comprehension(inner) => {
                write!(out, "(for{}-{}", inner.slot, inner.condition.is_some())
            }
            Kind::Format(_) => write!(out, "(format"),
            Kind::List(_) => write!(out, "(list"),
            Kind::Spread(_) => write!(out, "(spread"),
            Kind::Index(_) => write!(out, "(index"),
            Kind::And(_) => write!(out, "(and"),
            Kind::Or(_) => write!(out, "(or"),
            Kind::Not(_) => write!(out, "(not"),
            Kind::Coalesce(_) => write!(out, "(coalesce"),
            Kind::If(_) => write!(out, "(if"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    fn at(kind: Kind) -> Expr {
        Expr { kind, span: Span::default() }
    }

    fn text(text: &str) -> Expr {
        at(Kind::Value(Value::String(text.into())))
    }

    fn fact(name: &str) -> Expr {
        at(Kind::Fact { name: name.into(), arguments: vec![], ty: crate::base::Type::String })
    }

    #[test]
    fn equal_texts_are_one_path_however_they_are_written() {
        let model = Model::default();
        let place = |expr: Expr| place(&model, &expr).expect("a path");
        assert_eq!(place(text("./dist//app/")), place(text("dist/app")));
        assert_ne!(place(text("/dist/app")), place(text("dist/app")));
        let built = |name: &str| {
            let format = at(Kind::Format(vec![text("dist/"), fact(name)]));
            place(at(Kind::Builtin { name: "path".into(), arguments: vec![format] }))
        };
        assert_eq!(built("git.sha"), built("git.sha"));
        assert_ne!(built("git.sha"), built("git.branch"));
        assert!(!built("git.sha").whole);
        let inner = at(Kind::Format(vec![text("a/"), fact("git.sha")]));
        let nested = at(Kind::Format(vec![inner, text("/b")]));
        assert_eq!(place(nested), place(at(Kind::Format(vec![text("a/"), fact("git.sha"), text("/b")]))));
    }

    #[test]
    fn what_grows_without_end_is_like_nothing() {
        let mut expr = text("a");
        for _ in 0..12 {
            expr = at(Kind::Format(vec![expr.clone(), expr]));
        }
        assert_eq!(key(&Model::default(), &expr), None);
    }
}
