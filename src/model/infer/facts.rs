//! Facts in expressions: which row of the table a path names, whether it may be read here, and its arguments.

use crate::base::{Span, Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::facts::{self, Phase, Row};
use crate::expr::{Expr, Kind};
use crate::syntax::ast::{Access, Argument, ExprKind, Literal, Step};

use super::operators::Pattern;
use super::walk::{Found, Walk, at, lost};
use super::written::shown;

impl Walk<'_, '_> {
    /// `git.branch`, `file.exists(…)`, `env(…)`, `junit(…).failed`: the fact and how many steps it takes.
    pub(super) fn fact_path(
        &mut self,
        word: &str,
        access: &Access,
        span: Span,
        want: Option<&Type>,
    ) -> Option<(Found, usize)> {
        let start = access.base.span;
        match access.steps.as_slice() {
            [Step::Call { arguments, span: call }, Step::Member(field), ..] if reader(word) => {
                let name = format!("{word}.{}", field.text);
                let Some(row) = facts::find(&name) else {
                    return Some((self.lost_field(word, &field.text, field.span), 2));
                };
                Some((self.fact(row, Some((arguments, *call)), start.to(field.span), want), 2))
            }
            [Step::Call { span: call, .. }, ..] if reader(word) => {
                Some((self.lost_field(word, "", start.to(*call)), 1))
            }
            [Step::Call { arguments, span: call }, ..] => {
                let row = facts::find(word)?;
                Some((self.fact(row, Some((arguments, *call)), start.to(*call), want), 1))
            }
            [Step::Member(name), Step::Call { arguments, span: call }, ..] => {
                let row = facts::find(&format!("{word}.{}", name.text)).filter(|_| !reader(word))?;
                Some((self.fact(row, Some((arguments, *call)), start.to(*call), want), 2))
            }
            [Step::Member(name), ..] => {
                let row = facts::find(&format!("{word}.{}", name.text)).filter(|_| !reader(word));
                match row {
                    Some(row) => Some((self.fact(row, None, start.to(name.span), want), 1)),
                    None => facts::find(word)
                        .filter(|row| row.arguments.is_empty())
                        .map(|row| (self.fact(row, None, start, want), 0)),
                }
            }
            [Step::Index { .. }, ..] => {
                let row = facts::find(word).filter(|row| row.arguments.is_empty())?;
                Some((self.fact(row, None, start, want), 0))
            }
            [] => facts::find(word).map(|row| (self.fact(row, None, span, want), 0)),
        }
    }

    fn lost_field(&mut self, word: &str, field: &str, span: Span) -> Found {
        let prefix = format!("{word}.");
        let fields: Vec<&str> =
            facts::TABLE.iter().filter_map(|row| row.name.strip_prefix(&prefix)).collect();
        let near = crate::base::suggest::nearest(field, fields.iter().copied());
        let message = match field {
            "" => format!("`{word}(…)` reads several values; say which"),
            _ => format!("`{word}(…)` has no `{field}`"),
        };
        let all: Vec<String> = fields.iter().map(|field| format!("`.{field}`")).collect();
        let help = crate::base::suggest::did_you_mean(&near);
        let found = Diagnostic::new(&codes::E102, span, message)
            .help(help.unwrap_or_else(|| format!("it has {}", all.join(", "))));
        self.refuse(found, span)
    }

    pub(super) fn fact(
        &mut self,
        row: &'static Row,
        arguments: Option<(&[Argument], Span)>,
        span: Span,
        want: Option<&Type>,
    ) -> Found {
        if !self.allowed(row, row.name, span) {
            return lost(span);
        }
        if row.phase == Phase::Stored {
            return self.stored(row, arguments, span);
        }
        let Some(arguments) = self.fact_arguments(row, arguments, span) else {
            return lost(span);
        };
        // A reader is told that its value may be absent: only then is nothing found no error.
        let declared = want.filter(|ty| *ty.required() != Type::Unknown);
        let ty = match row.result {
            Some(result) => result.ty(),
            None => declared.cloned().unwrap_or(Type::String),
        };
        let asked = if row.phase == Phase::Reader { ty.clone() } else { ty.required().clone() };
        let kind = Kind::Fact { name: row.name.to_owned(), arguments, ty: asked };
        (at(kind, span), ty)
    }

    /// `baseline(lines)`: what the measure was in an earlier run, which there need not be.
    fn stored(&mut self, row: &'static Row, arguments: Option<(&[Argument], Span)>, span: Span) -> Found {
        let Some(([given], _)) = arguments else {
            return self.refuse(wrong_count(row, arguments, span), span);
        };
        let known = |name: &str| self.place.measures.iter().find(|(measure, _)| measure == name);
        let found = given.value.word().filter(|_| given.name.is_none()).and_then(known).cloned();
        let (Some((measure, ty)), Some(stage)) = (found, self.place.stage) else {
            let near = given.value.word().map(|word| {
                let names = self.place.measures.iter().map(|(name, _)| name.as_str());
                crate::base::suggest::nearest(word, names)
            });
            let message = format!("`{}` is not a measure of this gate", shown(&given.value));
            let help = near.and_then(|near| crate::base::suggest::did_you_mean(&near)).unwrap_or_else(|| {
                "name one of the gate's measures, without quotes: `baseline(lines)`".to_owned()
            });
            let found = Diagnostic::new(&codes::E102, given.value.span, message).help(help);
            return self.refuse(found, span);
        };
        let gate = self.definitions.stage(stage).name.to_owned();
        let arguments = [gate, measure].map(|text| Expr::value(Value::String(text), span)).to_vec();
        let ty = ty.required().clone();
        let kind = Kind::Fact { name: row.name.to_owned(), arguments, ty: ty.clone() };
        (at(kind, span), ty.optional())
    }

    fn fact_arguments(
        &mut self,
        row: &'static Row,
        arguments: Option<(&[Argument], Span)>,
        span: Span,
    ) -> Option<Vec<Expr>> {
        let given = arguments.map_or(&[][..], |(given, _)| given);
        let right = match row.variadic {
            true => given.len() >= row.arguments.len(),
            false => given.len() == row.arguments.len(),
        };
        if !right || (row.arguments.is_empty() && arguments.is_some()) {
            self.report.push(wrong_count(row, arguments, span));
            return None;
        }
        let Some(last) = row.arguments.last() else {
            return Some(Vec::new());
        };
        self.form(row, given);
        let kinds = row.arguments.iter().chain(std::iter::repeat(last));
        Some(given.iter().zip(kinds).map(|(argument, kind)| self.fact_argument(argument, *kind)).collect())
    }

    /// What a reader could never find: a pattern that captures nothing, a pointer that begins nowhere.
    fn form(&mut self, row: &Row, given: &[Argument]) {
        let [_, Argument { value, .. }] = given else { return };
        let ExprKind::Literal(Literal::String(text)) = &value.kind else { return };
        let captures = || crate::expr::pattern::regex(text).is_ok_and(|regex| regex.captures_len() < 2);
        let found = match row.name {
            "regex" if captures() => Diagnostic::new(
                &codes::E117,
                value.span,
                "the pattern has no group, and group 1 is what is read",
            )
            .help("put what should be read in parentheses: `\"lines: ([0-9.]+)\"`"),
            "json" | "file.json" | "items.count" | "items.sum" | "jsonl.count" | "jsonl.sum"
                if !text.is_empty() && !text.starts_with('/') =>
            {
                Diagnostic::new(&codes::E122, value.span, "a JSON pointer begins with `/`")
                    .help("write the keys on the way, such as `\"/totals/lines/percent\"`")
            }
            "file.section" | "file.unwritten"
                if text.trim_matches(['#', ' ']).len() != text.len() || text.is_empty() =>
            {
                Diagnostic::new(&codes::E122, value.span, "a heading is given by its words alone")
                    .help("write it without `#` and without space around it: `\"Open questions\"`")
            }
            _ => return,
        };
        self.report.push(found);
    }

    fn fact_argument(&mut self, argument: &Argument, kind: facts::Argument) -> Expr {
        if let Some(name) = &argument.name {
            let found = Diagnostic::new(&codes::E107, name.span, "arguments of facts have no names")
                .help(format!("write only `{}`", shown(&argument.value)));
            self.report.push(found);
        }
        match kind {
            facts::Argument::String => self.expr(&argument.value, Some(&Type::String)).0,
            facts::Argument::Path => self.expr(&argument.value, Some(&Type::Path)).0,
            facts::Argument::Size => self.expr(&argument.value, Some(&Type::Size)).0,
            facts::Argument::Measure => self.expr(&argument.value, None).0,
            facts::Argument::Pattern => self.pattern(&argument.value, Pattern::Regex),
            facts::Argument::Glob if super::fit::adapts(&argument.value) => {
                self.pattern(&argument.value, Pattern::Glob)
            }
            facts::Argument::Glob => {
                let (expr, ty) = self.expr(&argument.value, None);
                // A path is a glob that matches itself.
                match ty {
                    Type::Path => expr,
                    ty => self.fit(&argument.value, (expr, ty), &Type::String).0,
                }
            }
        }
    }

    /// Whether a fact read while judging, `written` in its own way, may stand here; reports if not.
    pub(super) fn judged(&mut self, name: &str, written: &str, span: Span) -> bool {
        facts::find(name).is_none_or(|row| self.allowed(row, written, span))
    }

    fn allowed(&mut self, row: &'static Row, written: &str, span: Span) -> bool {
        let place = self.place;
        let (allowed, why, help) = match row.phase {
            Phase::Start => (
                place.start,
                "is read once at run start, and this is not worked out then",
                "give it a name with `let`, and use that",
            ),
            Phase::Judge => (
                place.judge,
                "is read while the stage is judged, and cannot be known here",
                "it may stand in `before`, `after`, `require`, `verify`, and in the `when` of a retry or repair",
            ),
            Phase::Attempt => (
                place.judge || (place.reader && row.name == "exit"),
                "belongs to an attempt that has ended, and cannot be known here",
                "it may stand in `after`, `require`, `verify`, and in the `when` of a retry or repair",
            ),
            Phase::Reader => (
                place.reader,
                "reads a file that a stage wrote, and cannot be used here",
                "it may stand on the right of `out NAME: type =` and `measure NAME: type =`",
            ),
            Phase::Stored => (
                place.judge && !place.measures.is_empty(),
                "compares a gate's measure with an earlier run, and this is not judged by a gate's measures",
                "it may stand in a gate's `require` and `strict`",
            ),
        };
        if !allowed {
            let message = format!("`{written}` {why}");
            self.report.push(Diagnostic::new(&codes::E215, span, message).label("not known here").help(help));
        }
        allowed
    }
}

/// A reader whose result is a field: `junit`, `sarif`, `lcov`, `cobertura`.
fn reader(word: &str) -> bool {
    facts::TABLE.iter().any(|row| {
        row.phase == Phase::Reader && row.name.split_once('.').is_some_and(|(reader, _)| reader == word)
    })
}

fn wrong_count(row: &Row, arguments: Option<(&[Argument], Span)>, span: Span) -> Diagnostic {
    let usage = usage(row);
    let message = match arguments {
        Some(_) if row.arguments.is_empty() => format!("`{}` is a value, not a function", row.name),
        None => format!("`{}` needs its argument", row.name),
        Some((given, _)) => {
            let count = row.arguments.len();
            let plural = if count == 1 { "" } else { "s" };
            format!("`{}` takes {count} argument{plural}, and {} are given", row.name, given.len())
        }
    };
    Diagnostic::new(&codes::E107, span, message).help(format!("write `{usage}`"))
}

fn usage(row: &Row) -> String {
    let words: Vec<&str> = row
        .arguments
        .iter()
        .map(|argument| match argument {
            facts::Argument::String => "\"…\"",
            facts::Argument::Path => "\"path\"",
            facts::Argument::Glob => "\"glob\"",
            facts::Argument::Pattern => "\"pattern\"",
            facts::Argument::Size => "SIZE",
            facts::Argument::Measure => "MEASURE",
        })
        .collect();
    match (row.arguments.is_empty(), row.name.split_once('.')) {
        (true, _) => row.name.to_owned(),
        (false, Some((name, field))) if row.phase == Phase::Reader => {
            format!("{name}({}).{field}", words.join(", "))
        }
        _ => format!("{}({})", row.name, words.join(", ")),
    }
}
