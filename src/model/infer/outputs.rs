//! Reading outputs: a stage's own, another stage's through `needs`, and the properties of an output file.

use crate::base::{Span, Type, suggest};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::syntax::ast::Ident;

use super::super::{CALL, StageId};
use super::walk::{Found, Walk, at};
use super::{Called, StageFacts, fit, foreign};

/// Properties of a file, and the fact that each is.
const PROPERTIES: [(&str, &str, Type); 3] = [
    ("size", "file.size", Type::Size),
    ("exists", "file.exists", Type::Bool),
    ("age", "file.age", Type::Duration),
];

impl Walk<'_, '_> {
    /// `out.name`.
    pub(super) fn own_output(&mut self, name: &Ident, span: Span) -> Found {
        let Some(stage) = self.place.stage else {
            let found = Diagnostic::new(&codes::E215, span, format!("`out.{}` is not known here", name.text))
                .help("`out` is the stage's own outputs; another stage's is read as `stage.output`");
            return self.refuse(found, span);
        };
        let facts = self.definitions.stage(stage);
        match facts.outputs.iter().find(|(known, _, _)| *known == name.text) {
            Some((_, ty, _)) => (output(stage, name, span), ty.clone()),
            None => {
                let found = no_output(&facts, name);
                self.refuse(found, span)
            }
        }
    }

    /// `stage.name`.
    pub(super) fn output_of(&mut self, stage: StageId, text: &str, name: &Ident, span: Span) -> Found {
        let facts = self.definitions.stage(stage);
        if self.place.stage == Some(stage) {
            let new = format!("out.{}", name.text);
            let found = Diagnostic::new(&codes::E401, span, format!("`{text}` reads its own output"))
                .help(format!("write `{new}`"))
                .fix(true, span, new);
            return self.refuse(found, span);
        }
        let Some(reads) = self.place.reads else {
            let found =
                Diagnostic::new(&codes::E215, span, format!("the outputs of `{text}` are not known here"))
                    .help("outputs are read by stages that need the one that makes them");
            return self.refuse(found, span);
        };
        let Some((_, ty, _)) = facts.outputs.iter().find(|(known, _, _)| *known == name.text) else {
            let found = no_output(&facts, name);
            return self.refuse(found, span);
        };
        let Some((_, optional)) = reads.iter().find(|(needed, _)| *needed == stage) else {
            let reader = self.place.stage.map(|id| self.definitions.stage(id).name);
            let reader = reader.map_or("this".to_string(), |name| format!("`{name}`"));
            let message =
                format!("{reader} reads `{text}.{}`, but `{text}` is not among its needs", name.text);
            let found = Diagnostic::new(&codes::E401, span, message)
                .label("needed here")
                .help(format!("add `needs {text}`"))
                .related(facts.span, format!("`{text}` is defined here"));
            return self.refuse(found, span);
        };
        let ty = match (facts.matrix, facts.allow_failure || *optional) {
            (true, _) => ty.clone().list().optional(),
            (false, true) => ty.clone().optional(),
            (false, false) => ty.clone(),
        };
        (output(stage, name, span), ty)
    }

    /// `call.name`: what a lane that the stage called gives out.
    pub(super) fn called_output(
        &mut self,
        (place, call): &(usize, Called),
        name: &Ident,
        span: Span,
    ) -> Found {
        if let Some((_, ty)) = call.outputs.iter().find(|(known, _)| *known == name.text) {
            return (output(CALL + *place as StageId, name, span), ty.clone());
        }
        let near = suggest::nearest(&name.text, call.outputs.iter().map(|(name, _)| name.as_str()));
        let help = suggest::did_you_mean(&near).unwrap_or_else(|| {
            format!("let the lane give it: `out {} = stage.{}` in the lane", name.text, name.text)
        });
        let message = format!("the lane called as `{}` gives no `{}`", call.name, name.text);
        let found = Diagnostic::new(&codes::E401, name.span, message).related(call.span, "the lane called");
        self.refuse(found.help(help), span)
    }

    /// `.size`, `.exists`, `.age` of a path; what others expect of a value is told how it is written here.
    pub(super) fn property(&mut self, (base, ty): Found, text: &str, name: &Ident, span: Span) -> Found {
        let property = PROPERTIES.iter().find(|(known, _, _)| *known == name.text);
        let found = match (&ty, property) {
            (Type::Path, Some((_, fact, ty))) => {
                if !self.judged(fact, &format!("{text}.{}", name.text), span) {
                    return super::walk::lost(span);
                }
                let kind = Kind::Fact { name: (*fact).to_owned(), arguments: vec![base], ty: ty.clone() };
                return (at(kind, span), ty.clone());
            }
            (Type::Optional(inner), Some(_)) if **inner == Type::Path => {
                Diagnostic::new(&codes::E104, span, format!("`{text}` may be absent"))
                    .help(format!("give a default first: `({text} ?? path(\"…\")).{}`", name.text))
            }
            (Type::Path, None) => {
                let message = format!("a path has no `{}`", name.text);
                let near = suggest::nearest(&name.text, PROPERTIES.iter().map(|(known, _, _)| *known));
                let known = "a path has `.size`, `.exists` and `.age`".to_owned();
                let help = foreign::member(&name.text, &ty, text).or(suggest::did_you_mean(&near));
                Diagnostic::new(&codes::E102, name.span, message).help(help.unwrap_or(known))
            }
            _ => {
                let message = format!("{} has no `{}`", fit::article(&ty), name.text);
                Diagnostic::new(&codes::E102, name.span, message).help_if(foreign::member(
                    &name.text,
                    ty.required(),
                    text,
                ))
            }
        };
        self.refuse(found, span)
    }
}

fn output(stage: StageId, name: &Ident, span: Span) -> Expr {
    at(Kind::Output { stage, name: name.text.to_string() }, span)
}

fn no_output(facts: &StageFacts<'_>, name: &Ident) -> Diagnostic {
    let names: Vec<&str> = facts.outputs.iter().map(|(name, _, _)| *name).collect();
    let near = suggest::nearest(&name.text, names.iter().copied());
    let message = format!("`{}` has no output `{}`", facts.name, name.text);
    let mut found = Diagnostic::new(&codes::E401, name.span, message);
    found = match (suggest::did_you_mean(&near), names.is_empty()) {
        (Some(help), _) => found.help(help),
        (None, true) => found.help(format!("declare it there: `out {} = \"…\"`", name.text)),
        (None, false) => found.help(format!("its outputs are {}", names.join(", "))),
    };
    match facts.outputs.iter().find(|(known, _, _)| near.first() == Some(known)) {
        Some((known, _, span)) => found.related(*span, format!("`{known}` is defined here")),
        None => found.related(facts.span, format!("`{}` is defined here", facts.name)),
    }
}
