//! Words and paths of names (`a`, `a.b(c)[0]`): what each first part stands for, then its postfixes.

use crate::base::{Name, Span, Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind, builtin, facts};
use crate::syntax::ast::{self, Access, Argument, Ident, Step};

use super::names::{RESERVED, kind};
use super::walk::{Found, Walk, at, lost};
use super::written::shown;
use super::{Symbol, fit, foreign};

/// A path being read: its text so far for messages, and where it stands.
struct Base {
    found: Found,
    text: String,
    /// How many of the steps are already part of it.
    taken: usize,
}

impl Walk<'_, '_> {
    pub(super) fn word(&mut self, name: &str, span: Span, want: Option<&Type>) -> Found {
        let words = match want.map(Type::required) {
            Some(Type::Enum(words)) => Some(words),
            _ => None,
        };
        if let Some(words) = words.filter(|words| words.iter().any(|word| word == name)) {
            return (Expr::value(Value::String(name.to_owned()), span), Type::Enum(words.clone()));
        }
        if let Some(found) =
            self.local(name, span).or_else(|| self.extra_path(name, span, &[]).map(|(found, _)| found))
        {
            return found;
        }
        if let Some((symbol, _)) = self.definitions.names(self.place.module).values.get(name).copied() {
            self.tell_deprecated(symbol, name, span);
            return self.value_of(symbol, name, span);
        }
        if let Some(row) = facts::find(name) {
            return self.fact(row, None, span, want);
        }
        match (name, words) {
            ("true" | "false", _) => (Expr::value(Value::Bool(name == "true"), span), Type::Bool),
            (_, Some(words)) => self.not_a_word(name, span, words),
            _ => self.lost_name(name, span, want),
        }
    }

    /// A comprehension variable, parameter, matrix value or measure.
    fn local(&self, name: &str, span: Span) -> Option<Found> {
        if let Some((_, ty, slot)) = self.variables.iter().rev().find(|(known, _, _)| known == name) {
            return Some((at(Kind::Local(*slot), span), ty.clone()));
        }
        if let Some(slot) = self.place.locals.iter().position(|(known, _)| known == name) {
            return Some((at(Kind::Local(slot as u32), span), self.place.locals[slot].1.clone()));
        }
        let typed =
            |list: &[(String, Type)]| list.iter().find(|(known, _)| known == name).map(|(_, ty)| ty.clone());
        typed(self.place.matrix)
            .map(|ty| (at(Kind::Matrix(name.to_owned()), span), ty))
            .or_else(|| typed(self.place.measures).map(|ty| (at(Kind::Measure(name.to_owned()), span), ty)))
    }

    /// The longest dotted path that the place itself gives a type, and how many steps it takes.
    fn extra_path(&self, name: &str, span: Span, steps: &[Step]) -> Option<(Found, usize)> {
        let extra = self.place.extra?;
        let mut parts = vec![Ident { text: name.into(), span }];
        parts.extend(steps.iter().map_while(|step| match step {
            Step::Member(member) => Some(member.clone()),
            _ => None,
        }));
        while let Some(last) = parts.last() {
            let whole = span.to(last.span);
            if let Some(ty) = extra(&parts) {
                let name: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
                let kind = Kind::Fact { name: name.join("."), arguments: Vec::new(), ty: ty.clone() };
                return Some(((at(kind, whole), ty), parts.len() - 1));
            }
            parts.pop();
        }
        None
    }

    fn tell_deprecated(&mut self, symbol: Symbol, name: &str, span: Span) {
        let name = Ident { text: name.into(), span };
        super::tell_deprecated(self.definitions, symbol, &name, self.report);
    }

    /// A defined name used as a value.
    fn value_of(&mut self, symbol: Symbol, name: &str, span: Span) -> Found {
        self.definitions.mark_used(symbol);
        let found = match symbol {
            Symbol::Global(index) => {
                let (ty, secret) = self.definitions.global(index);
                if secret {
                    self.taint(name, span);
                }
                self.hyphen(name, &ty, span);
                return (at(Kind::Global(index), span), ty);
            }
            Symbol::Function(_) => Diagnostic::new(&codes::E107, span, format!("`{name}` is a function"))
                .help(format!("call it: `{name}(…)`")),
            Symbol::Stage(id) => {
                let facts = self.definitions.stage(id);
                let help = match facts.outputs.first() {
                    Some((output, _, _)) => format!("read one of its outputs: `{name}.{output}`"),
                    None => "it has no outputs to read; give it one with `out`".to_owned(),
                };
                let text = format!("`{name}` is a stage, which is not a value");
                Diagnostic::new(&codes::E104, span, text).help(help).related(facts.span, "defined here")
            }
            other => {
                let text = format!("`{name}` is a {}, which is not a value", kind(other));
                Diagnostic::new(&codes::E104, span, text)
            }
        };
        self.refuse(found, span)
    }

    pub(super) fn access(&mut self, access: &Access, span: Span, want: Option<&Type>) -> Found {
        let base = match access.base.word() {
            Some(word) => self.base(word, access, span, want),
            None => {
                let found = self.expr(&access.base, None);
                Base { found, text: shown(&access.base), taken: 0 }
            }
        };
        self.steps(base, access)
    }

    fn base(&mut self, word: &str, access: &Access, span: Span, want: Option<&Type>) -> Base {
        let start = access.base.span;
        let steps = access.steps.as_slice();
        if let Some(found) = self.local(word, start) {
            return Base { found, text: word.to_owned(), taken: 0 };
        }
        if let Some((found, taken)) = self.extra_path(word, start, steps) {
            return Base { found, text: word.to_owned(), taken };
        }
        if let Some((symbol, _)) = self.definitions.names(self.place.module).values.get(word).copied() {
            self.tell_deprecated(symbol, word, start);
            return self.symbol(symbol, word.to_owned(), access, 0);
        }
        if let Some((symbol, text, taken)) = self.imported(word, access) {
            return match symbol {
                Some(symbol) => self.symbol(symbol, text, access, taken),
                None => Base { found: lost(span), text, taken: steps.len() },
            };
        }
        let call = self.place.calls.iter().find(|(_, call)| call.name == word);
        if let (Some(call), [Step::Member(name), ..]) = (call, steps) {
            let found = self.called_output(call, name, start.to(name.span));
            return Base { found, text: format!("{word}.{}", name.text), taken: 1 };
        }
        if let ("out", [Step::Member(name), ..]) = (word, steps) {
            let found = self.own_output(name, start.to(name.span));
            return Base { found, text: format!("out.{}", name.text), taken: 1 };
        }
        if let Some((found, taken)) = self.fact_path(word, access, span, want) {
            return Base { found, text: shown_path(word, steps, taken), taken };
        }
        if let [Step::Call { arguments, span: call }, ..] = steps {
            let found = self.call(word, arguments, start, *call, want);
            return Base { found, text: format!("{word}(…)"), taken: 1 };
        }
        Base { found: self.lost_path(word, start, steps), text: word.to_owned(), taken: steps.len() }
    }

    /// A call of something that is neither the file's nor a fact: a built-in, or nothing.
    fn call(
        &mut self,
        word: &str,
        arguments: &[Argument],
        start: Span,
        call: Span,
        want: Option<&Type>,
    ) -> Found {
        if let Some(row) = builtin::find(word) {
            return self.builtin(row, arguments, start.to(call), want);
        }
        let module = self.place.module;
        match foreign::function(word) {
            Some(help) => self.report.unknown_with(module, "function", word, start, help.to_owned()),
            None => {
                let known = self.callable();
                self.report.unknown(module, "function", word, start, known);
            }
        }
        for argument in arguments {
            self.expr(&argument.value, None);
        }
        lost(start.to(call))
    }

    fn callable(&self) -> Vec<(Name, Option<Span>)> {
        let values = &self.definitions.names(self.place.module).values;
        let own = values
            .iter()
            .filter(|(_, (symbol, _))| matches!(symbol, Symbol::Function(_)))
            .map(|(name, (_, span))| (name.clone(), Some(*span)));
        let facts = facts::TABLE.iter().filter(|row| !row.arguments.is_empty()).map(|row| row.name);
        let known = builtin::TABLE.iter().map(|row| row.name).chain(facts);
        own.chain(known.map(|name| (name.into(), None))).collect()
    }

    /// `alias.name` or `std.module.name`; the symbol is none when that was reported.
    fn imported(&mut self, word: &str, access: &Access) -> Option<(Option<Symbol>, String, usize)> {
        let module = self.place.module;
        let alias = self.definitions.names(module).imports.get(word).copied();
        let length = match (alias, word) {
            (Some(_), _) => 1,
            (None, "std") => 2,
            _ => return None,
        };
        let mut parts = vec![Ident { text: word.into(), span: access.base.span }];
        for step in access.steps.iter().take(length) {
            if let Step::Member(name) = step {
                parts.push(name.clone());
            }
        }
        let text: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        let text = text.join(".");
        if parts.len() <= length {
            match access.steps.first() {
                Some(Step::Member(_)) if word == "std" => self.lost_library(access),
                _ => drop(self.lost_name(word, access.base.span, None)),
            }
            return Some((None, text, access.steps.len()));
        }
        let values = super::Namespace::Values;
        let symbol = super::path_symbol(self.definitions, module, &parts, values, self.report);
        Some((symbol, text, length))
    }

    /// A defined name with the steps it takes itself: a stage's output, a function's call.
    fn symbol(&mut self, symbol: Symbol, text: String, access: &Access, taken: usize) -> Base {
        let before = match taken {
            0 => access.base.span,
            n => access.base.span.to(step_span(&access.steps[n - 1])),
        };
        match (symbol, access.steps.get(taken)) {
            (Symbol::Stage(id), Some(Step::Member(name))) => {
                self.definitions.mark_used(symbol);
                let found = self.output_of(id, &text, name, before.to(name.span));
                Base { found, text: format!("{text}.{}", name.text), taken: taken + 1 }
            }
            (Symbol::Function(index), Some(Step::Call { arguments, span })) => {
                self.definitions.mark_used(symbol);
                let found = self.function(index, &text, arguments, before.to(*span));
                Base { found, text: format!("{text}(…)"), taken: taken + 1 }
            }
            _ => Base { found: self.value_of(symbol, &text, before), text, taken },
        }
    }

    /// Nothing is called so: neither the word nor, in a namespace, the member.
    fn lost_path(&mut self, word: &str, start: Span, steps: &[Step]) -> Found {
        let Some(Step::Member(member)) = steps.first().filter(|_| RESERVED.contains(&word)) else {
            return self.lost_name(word, start, None);
        };
        let whole = format!("{word}.{}", member.text);
        let span = start.to(member.span);
        let module = self.place.module;
        if word == "env" {
            let help = format!("write `env(\"{}\")`", member.text);
            self.report.unknown_with(module, "value", &whole, span, help);
            return lost(span);
        }
        let prefix = format!("{word}.");
        let rows = facts::TABLE.iter().filter(|row| row.name.starts_with(&prefix));
        let known: Vec<(Name, Option<Span>)> = rows.map(|row| (row.name.into(), None)).collect();
        if crate::base::suggest::nearest(&whole, known.iter().map(|(name, _)| name.as_str())).is_empty() {
            let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
            let help = match names.is_empty() {
                true => format!("`{word}` has no values here"),
                false => format!("there are {}", names.join(", ")),
            };
            self.report.unknown_with(module, "value", &whole, span, help);
        } else {
            self.report.unknown(module, "value", &whole, span, known);
        }
        lost(span)
    }

    /// The postfixes after what the base took.
    fn steps(&mut self, base: Base, access: &Access) -> Found {
        let Base { mut found, mut text, taken } = base;
        for step in access.steps.iter().skip(taken) {
            if found.1 == Type::Unknown {
                return lost(access.base.span.to(step_span(step)));
            }
            let span = access.base.span.to(step_span(step));
            found = match step {
                Step::Member(name) => self.property(found, &text, name, span),
                Step::Index { index, .. } => self.index(found, &text, index, span),
                Step::Call { span: call, .. } => {
                    let found = Diagnostic::new(&codes::E107, *call, format!("`{text}` is not a function"));
                    self.refuse(found, span)
                }
            };
            text.push_str(match step {
                Step::Member(_) => ".…",
                _ => "[…]",
            });
        }
        found
    }

    fn index(&mut self, (list, ty): Found, text: &str, index: &ast::Expr, span: Span) -> Found {
        let item = match ty {
            Type::List(item) => *item,
            Type::Optional(_) => {
                let message = format!("`{text}` may be absent");
                let help = format!("give a default first: `({text} ?? [])[0]`");
                return self.refuse(Diagnostic::new(&codes::E104, span, message).help(help), span);
            }
            other => {
                let message = format!("only lists have items, and `{text}` is {}", fit::article(&other));
                return self.refuse(Diagnostic::new(&codes::E104, span, message), span);
            }
        };
        let (index, _) = self.expr(index, Some(&Type::Int));
        (at(Kind::Index(Box::new((list, index))), span), item.optional())
    }
}

pub(super) fn step_span(step: &Step) -> Span {
    match step {
        Step::Member(name) => name.span,
        Step::Call { span, .. } | Step::Index { span, .. } => *span,
    }
}

fn shown_path(word: &str, steps: &[Step], taken: usize) -> String {
    let mut text = word.to_owned();
    for step in &steps[..taken] {
        match step {
            Step::Member(name) => text.push_str(&format!(".{}", name.text)),
            Step::Call { .. } => text.push_str("(…)"),
            Step::Index { .. } => text.push_str("[…]"),
        }
    }
    text
}
