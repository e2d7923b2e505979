//! Checks every statement of a file against the keyword table: known here, given once, with the right operands,
//! clauses and block. Does not look at names or types.

use std::collections::HashMap;

use crate::base::Span;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::model::report::Report;
use crate::syntax::ast::{Attribute, Clause, Expr, ExprKind, File, Literal, Statement, Tail};

use super::{BlockRule, ClauseRow, Context, Row, Shape, foreign};

/// Checks all statements of one file.
pub fn file(tree: &File, report: &mut Report) {
    block(Context::File, &tree.statements, None, report);
}

fn block(context: Context, statements: &[Statement], parent: Option<&Statement>, report: &mut Report) {
    // Keywords alone, of which a context has few.
    let mut seen: Vec<(&'static str, Span)> = Vec::new();
    let mut assigned: HashMap<&str, Span> = HashMap::new();
    for statement in statements {
        let word = statement.head.text.as_str();
        if context == Context::Assignments || (context == Context::Render && !is_setting(statement)) {
            assignment(statement, &mut assigned, report);
            continue;
        }
        let Some(row) = super::row(context, word) else {
            if !statement.broken {
                unknown(context, statement, report);
            }
            continue;
        };
        match seen.iter().find(|(keyword, _)| *keyword == word) {
            Some((_, first)) if !row.many => report.push(
                Diagnostic::new(&codes::E121, statement.head.span, format!("`{word}` is given twice"))
                    .related(*first, "first given here")
                    .help("keep one of them"),
            ),
            Some(_) => {}
            None => seen.push((row.keyword, statement.head.span)),
        }
        one(row, statement, report);
    }
    if let Some(parent) = parent.filter(|parent| !parent.broken) {
        missing(context, parent, &seen, report);
    }
}

/// In a `render` block: `each` and `schema` are keywords where they do not name a value of the template.
fn is_setting(statement: &Statement) -> bool {
    super::row(Context::Render, &statement.head.text).is_some() && !matches!(statement.tail, Tail::Assign(_))
}

fn missing(context: Context, parent: &Statement, seen: &[(&str, Span)], report: &mut Report) {
    let given = |row: &Row| seen.iter().any(|(keyword, _)| *keyword == row.keyword);
    for row in super::rows_of(context).iter().filter(|row| row.required && !given(row)) {
        let message = format!("`{}` needs `{}`", parent.head.text, row.keyword);
        report.push(Diagnostic::new(&codes::E120, head_span(parent), message).help(format!(
            "add `{}`: {}",
            row.usage(),
            row.doc
        )));
    }
}

/// The keyword with the name after it: the shortest place that says which statement is meant.
pub(in crate::model) fn head_span(statement: &Statement) -> Span {
    let end = match &statement.tail {
        Tail::Bind(binding) => binding.name.span,
        Tail::Plain(operands) => operands.first().map_or(statement.head.span, |first| first.span),
        Tail::Assign(_) => statement.head.span,
    };
    statement.head.span.to(end)
}

/// Whether the statement's block is there and holds no unknown keyword, which may be what seems to be missing.
pub(in crate::model) fn is_readable(statement: &Statement, context: Context) -> bool {
    let known = |inner: &Statement| super::row(context, &inner.head.text).is_some();
    !statement.broken && statement.block.is_some() && statement.body().iter().all(known)
}

fn assignment<'a>(statement: &'a Statement, seen: &mut HashMap<&'a str, Span>, report: &mut Report) {
    let name = statement.head.text.as_str();
    if let Some(first) = seen.get(name) {
        report.push(
            Diagnostic::new(&codes::E121, statement.head.span, format!("`{name}` is given twice"))
                .related(*first, "first given here"),
        );
    }
    seen.entry(name).or_insert(statement.head.span);
    if !statement.broken && !matches!(statement.tail, Tail::Assign(_)) {
        let message = format!("`{name}` has no value here");
        report.push(
            Diagnostic::new(&codes::E011, head_span(statement), message)
                .help(format!("write `{name} = VALUE`")),
        );
    }
}

fn unknown(context: Context, statement: &Statement, report: &mut Report) {
    let word = statement.head.text.as_str();
    let near = nearest(word, super::keywords(context).map(|row| row.keyword));
    let mut found = Diagnostic::new(
        &codes::E101,
        statement.head.span,
        format!("`{word}` is not a keyword {}", context.place()),
    );
    let elsewhere: Vec<&str> = super::contexts()
        .iter()
        .filter(|other| super::row(**other, word).is_some())
        .map(|other| other.place())
        .collect();
    if !elsewhere.is_empty() {
        found = found.help(format!("`{word}` belongs {}", either(&elsewhere)));
    } else if let Some(help) = foreign::keyword(context, word) {
        found = found.help(help);
    } else if let Some(help) = did_you_mean(&near) {
        found = found.help(help);
        if let [only] = near[..] {
            found = found.fix(true, statement.head.span, only);
        }
    } else {
        let known: Vec<String> = super::keywords(context).map(|row| format!("`{}`", row.keyword)).collect();
        found = found.help(format!("known {}: {}", context.place(), known.join(", ")));
    }
    report.push(found);
}

fn either(places: &[&str]) -> String {
    match places {
        [] => String::new(),
        [one] => (*one).to_string(),
        [first, .., last] if places.len() > 4 => format!("{first}, … or {last}"),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

fn one(row: &'static Row, statement: &Statement, report: &mut Report) {
    if !statement.broken {
        if tail(row, statement, report) {
            clauses(row, statement, report);
            brackets(row, statement, report);
        }
        attributes(row, statement, report);
        old_keyword(row, statement).into_iter().for_each(|found| report.push(found));
    }
    if let (Some(context), Some(inner)) = (row.block.context(), &statement.block) {
        block(context, &inner.statements, Some(statement), report);
    }
}

/// `@planned(what = "…")` marks what is declared and checked but not run by this version.
const ATTRIBUTES: &[&str] = &["deprecated", "planned"];

fn attributes(row: &Row, statement: &Statement, report: &mut Report) {
    for attribute in &statement.attributes {
        let name = attribute.name.text.as_str();
        if !ATTRIBUTES.contains(&name) {
            let message = format!("`@{name}` is not an attribute");
            report.push(Diagnostic::new(&codes::E101, attribute.span, message).help(DEPRECATED));
        } else if name == "deprecated" {
            deprecated(row, attribute, report);
        }
    }
}

const DEPRECATED: &str = "the only attribute is `@deprecated(since = \"…\", use = \"…\")`";

/// `since` and `use` are texts; the mark stands before definitions.
fn deprecated(row: &Row, attribute: &Attribute, report: &mut Report) {
    if !row.contexts.contains(&Context::File) || row.shape == Shape::Nothing {
        let message = "`@deprecated` marks definitions, and this is none";
        report.push(
            Diagnostic::new(&codes::E122, attribute.span, message)
                .help("it stands before a param, let, fn, stage, gate, tool, lane, policy or pool"),
        );
    }
    for argument in &attribute.arguments {
        let known = argument.name.as_ref().filter(|name| ["since", "use"].contains(&name.text.as_str()));
        let text = matches!(argument.value.kind, ExprKind::Literal(Literal::String(_)) | ExprKind::Error);
        let message = match (known, &argument.name) {
            (Some(name), _) if !text => format!("`{}` is a text in quotes", name.text),
            (Some(_), _) => continue,
            (None, Some(name)) => format!("`@deprecated` has no `{}`", name.text),
            (None, None) => "what `@deprecated` says has a name".to_owned(),
        };
        report.push(Diagnostic::new(&codes::E107, argument.value.span, message).help(DEPRECATED));
    }
}

/// W901: the keyword itself is deprecated. A single word as its replacement is one that takes the same.
fn old_keyword(row: &Row, statement: &Statement) -> Option<Diagnostic> {
    let instead = row.deprecated?;
    let message = format!("`{}` is deprecated", row.keyword);
    let found = Diagnostic::new(&codes::W901, statement.head.span, message).help(format!("use `{instead}`"));
    Some(if is_name(instead) { found.fix(true, statement.head.span, instead) } else { found })
}

fn brackets(row: &Row, statement: &Statement, report: &mut Report) {
    match (&statement.block, row.block) {
        (Some(block), BlockRule::None) => report.push(
            Diagnostic::new(&codes::E107, block.span.at_start(), format!("`{}` takes no block", row.keyword))
                .help(format!("write `{}`", row.usage())),
        ),
        (None, BlockRule::Required(_)) => report.push(
            Diagnostic::new(&codes::E120, head_span(statement), format!("`{}` needs a block", row.keyword))
                .help(format!("write `{}`", row.usage())),
        ),
        _ => {}
    }
}

/// Whether the operands had the right form, so that looking at the clauses is worthwhile.
fn tail(row: &Row, statement: &Statement, report: &mut Report) -> bool {
    match (&statement.tail, row.shape) {
        (Tail::Assign(value), _) => {
            let gap = Span { start: statement.head.span.end, end: value.span.start, ..statement.head.span };
            let message = format!("`{}` takes its value without `=`", row.keyword);
            report.push(
                Diagnostic::new(&codes::E011, statement.head.span, message)
                    .help(format!("`=` only binds a name; write `{}`", row.usage()))
                    .fix(true, gap, " "),
            );
            false
        }
        (Tail::Bind(_), Shape::Binding { value }) => binding(row, statement, value, report),
        (Tail::Bind(binding), _) => {
            let message = format!("`{}` does not bind a name", row.keyword);
            report.push(
                Diagnostic::new(&codes::E011, binding.name.span, message)
                    .help(format!("write `{}`", row.usage())),
            );
            false
        }
        (Tail::Plain(_), Shape::Binding { .. }) => {
            let message = match row.keyword {
                "param" => "a parameter needs a type".to_string(),
                word => format!("`{word}` needs a name and a value"),
            };
            report.push(
                Diagnostic::new(&codes::E120, head_span(statement), message)
                    .help(format!("write `{}`", row.usage())),
            );
            false
        }
        (Tail::Plain(operands), _) => plain(row, statement, operands, report),
    }
}

fn binding(row: &Row, statement: &Statement, value: bool, report: &mut Report) -> bool {
    let Some(binding) = statement.binding() else { return true };
    let problem = match (row.keyword, &binding.parameters) {
        ("fn", None) => Some((&codes::E120, "a function needs its parameters: `fn NAME(a: string) = …`")),
        ("fn", Some(_)) => None,
        (_, Some(_)) => Some((&codes::E107, "only `fn` takes parameters")),
        (_, None) => None,
    };
    if let Some((code, message)) = problem {
        report.push(Diagnostic::new(code, binding.name.span, message));
    }
    if binding.value.is_none() && (value || binding.ty.is_none()) {
        let what = if value { "a value" } else { "a type" };
        report.push(
            Diagnostic::new(&codes::E120, head_span(statement), format!("`{}` needs {what}", row.keyword))
                .help(format!("write `{}`", row.usage())),
        );
    }
    true
}

fn plain(row: &Row, statement: &Statement, operands: &[Expr], report: &mut Report) -> bool {
    let (min, max) = bounds(row.shape);
    if operands.len() < min {
        report.push(
            Diagnostic::new(
                &codes::E120,
                statement.head.span,
                format!("`{}` needs {}", row.keyword, wanted(row.shape)),
            )
            .help(format!("write `{}`", row.usage())),
        );
        return true;
    }
    if let Some(extra) = operands.get(max) {
        let message = match max {
            0 => format!("`{}` takes no value", row.keyword),
            1 => format!("`{}` takes one value", row.keyword),
            _ => format!("`{}` takes at most {max} values", row.keyword),
        };
        report.push(
            Diagnostic::new(&codes::E107, extra.span, message).help(format!("write `{}`", row.usage())),
        );
        // What was meant by the value is what a clause or the block lacks.
        return max > 0;
    }
    for operand in operands {
        form(row, operand, report);
    }
    true
}

fn bounds(shape: Shape) -> (usize, usize) {
    match shape {
        Shape::Nothing | Shape::Binding { .. } => (0, 0),
        Shape::Name | Shape::Title | Shape::Condition | Shape::Script => (1, 1),
        Shape::Values { min, max, .. } | Shape::References { min, max, .. } => (min, max),
        Shape::Words { min, .. } => (min, 1),
    }
}

fn wanted(shape: Shape) -> String {
    match shape {
        Shape::Nothing | Shape::Binding { .. } => "nothing".into(),
        Shape::Name => "a name".into(),
        Shape::Title => "a title in quotes".into(),
        Shape::Condition => "a condition".into(),
        Shape::Script => "a script".into(),
        Shape::Values { ty, .. } | Shape::References { to: ty, .. } => format!("a value: {ty}"),
        Shape::Words { words, .. } => format!("one of {}", words.join(", ")),
    }
}

/// Operands whose form alone can be wrong: names, titles, fixed words and scripts.
fn form(row: &Row, operand: &Expr, report: &mut Report) {
    let text = match &operand.kind {
        ExprKind::Literal(Literal::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match row.shape {
        Shape::Name if operand.word().is_none() && !matches!(operand.kind, ExprKind::Error) => {
            let found = Diagnostic::new(
                &codes::E122,
                operand.span,
                format!("the name of a {} is a bare word", row.keyword),
            );
            report.push(match text.filter(|text| is_name(text)) {
                Some(text) => {
                    found.help(format!("write `{} {text}`", row.keyword)).fix(true, operand.span, text)
                }
                None => found.help(format!("write `{}`", row.usage())),
            });
        }
        Shape::Title if text.is_none() && !matches!(operand.kind, ExprKind::Error) => report.push(
            Diagnostic::new(
                &codes::E122,
                operand.span,
                format!("the title of a {} is a string", row.keyword),
            )
            .help(format!("write `{}`", row.usage())),
        ),
        Shape::Words { words, .. } => fixed_word(row, operand, text, words, report),
        Shape::Script => script(row, operand, report),
        _ => {}
    }
}

fn fixed_word(row: &Row, operand: &Expr, text: Option<&str>, words: &[&str], report: &mut Report) {
    let Some(word) = operand.word() else {
        let found = Diagnostic::new(
            &codes::E122,
            operand.span,
            format!("`{}` takes one of {}", row.keyword, words.join(", ")),
        );
        report.push(match text.filter(|text| words.contains(text)) {
            Some(text) => found.help("write the word without quotes").fix(true, operand.span, text),
            None => found,
        });
        return;
    };
    if !words.contains(&word) {
        let near = nearest(word, words.iter().copied());
        report.push(
            Diagnostic::new(&codes::E122, operand.span, format!("`{}` cannot be `{word}`", row.keyword))
                .help_if(
                    did_you_mean(&near).or_else(|| Some(format!("it takes one of {}", words.join(", ")))),
                ),
        );
    }
}

fn script(row: &Row, operand: &Expr, report: &mut Report) {
    let fits = matches!(
        operand.kind,
        ExprKind::Script(_) | ExprKind::Error | ExprKind::Format(_) | ExprKind::Literal(Literal::String(_))
    );
    if !fits {
        report.push(
            Diagnostic::new(&codes::E104, operand.span, format!("`{}` takes a script", row.keyword)).help(
                "write the script between \"\"\" and \"\"\", or use `exec` for a program and its arguments",
            ),
        );
    }
}

fn clauses(row: &Row, statement: &Statement, report: &mut Report) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for clause in &statement.clauses {
        let word = clause.word.text.as_str();
        let Some(known) = row.clauses.iter().find(|known| known.word == word) else {
            foreign_clause(row, clause, report);
            continue;
        };
        if let Some(first) = seen.insert(word, clause.word.span) {
            report.push(
                Diagnostic::new(&codes::E121, clause.word.span, format!("`{word}` is given twice"))
                    .related(first, "first given here"),
            );
        }
        clause_operands(row, known, clause, report);
    }
    let lacking = row.clauses.iter().filter(|known| known.required && !seen.contains_key(known.word));
    let lacking: Vec<String> = lacking.map(|known| format!("`{}`", known.word)).collect();
    if !lacking.is_empty() {
        let message = format!("`{}` needs {}", row.keyword, lacking.join(" and "));
        report.push(
            Diagnostic::new(&codes::E120, head_span(statement), message)
                .help(format!("write `{}`", row.usage())),
        );
    }
}

fn foreign_clause(row: &Row, clause: &Clause, report: &mut Report) {
    let message = format!("`{}` takes no `{}`", row.keyword, clause.word.text);
    let known: Vec<String> = row.clauses.iter().map(|known| format!("`{}`", known.word)).collect();
    let help = match known.is_empty() {
        true => format!("write `{}`", row.usage()),
        false => format!("it takes {}", known.join(", ")),
    };
    report.push(Diagnostic::new(&codes::E107, clause.word.span, message).help(help));
}

fn clause_operands(row: &Row, known: &ClauseRow, clause: &Clause, report: &mut Report) {
    if clause.operands.len() < known.min {
        let message = format!("`{}` needs a value: {}", known.word, known.ty);
        report.push(
            Diagnostic::new(&codes::E120, clause.word.span, message).help(format!("write `{}`", row.usage())),
        );
    } else if let Some(extra) = clause.operands.get(known.max) {
        let message = format!("`{}` takes {} value here", known.word, known.max);
        report.push(Diagnostic::new(&codes::E107, extra.span, message));
    }
}

/// Whether a text has the form of a name: `[a-z_][a-z0-9_-]*`.
fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;

    #[test]
    fn a_deprecated_keyword_is_told_and_replaced_where_it_takes_the_same() {
        let (file, _) = crate::syntax::parse(FileId(0), "retries 3\n");
        let row = |instead| Row {
            deprecated: Some(instead),
            ..Row::new("retries", &[Context::Stage], Shape::Nothing, "How often.")
        };
        let found = old_keyword(&row("attempts"), &file.statements[0]).unwrap();
        assert_eq!((found.code.id, found.fix.is_some()), ("W901", true));
        let found = old_keyword(&row("retry { attempts … }"), &file.statements[0]).unwrap();
        assert_eq!((found.code.id, found.fix.is_some()), ("W901", false));
        let current = Row::new("timeout", &[Context::Stage], Shape::Nothing, "How long.");
        assert!(old_keyword(&current, &file.statements[0]).is_none());
    }
}
