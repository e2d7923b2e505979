//! Items into lines: what stays on one line, which operands share a column. Knows no expression.

use super::layout::{Layout, MAX_WIDTH, STEP};
use super::tree::{Block, Item, Kind, Statement};
use super::writer::Writer;

/// How a statement is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// On one line.
    Line,
    /// Over several, or not beside others: its operands share no column.
    Apart,
}

/// The items of a whole file: definitions, whose operands share no column.
pub(super) fn file<'a>(items: &mut [Item<'a>], out: &mut Writer<'a>) {
    let plan = items.iter().map(|item| (form(item, 0), 0)).collect();
    write(items, 0, plan, out);
}

fn write<'a>(items: &mut [Item<'a>], indent: usize, plan: Vec<(Form, usize)>, out: &mut Writer<'a>) {
    for (index, (item, (form, column))) in items.iter_mut().zip(plan).enumerate() {
        out.newline(indent);
        if item.blank && index > 0 {
            out.blank_line();
        }
        match &mut item.kind {
            Kind::Comment(text) => out.word(false, text, 0),
            Kind::Attribute(head) => Layout { head, out }.head(indent, 0),
            Kind::Statement(statement) if form == Form::Line => {
                let more = statement.block.is_some() || statement.head.parts.len() > statement.head.keyword;
                line(statement, if more { indent + column } else { 0 }, out);
            }
            Kind::Statement(statement) => lines(statement, indent, out),
        }
        if let Some(note) = item.note {
            out.trailing(note, indent);
        }
    }
}

/// On one line, the block included; what follows the keyword stands at `column`.
fn line<'a>(statement: &mut Statement<'a>, column: usize, out: &mut Writer<'a>) {
    Layout { head: &mut statement.head, out }.head_flat(column);
    let Some(block) = &mut statement.block else { return };
    if block.items.is_empty() {
        return out.word(true, "{}", 2);
    }
    out.word(true, "{", 1);
    let mut first = true;
    for item in &mut block.items {
        match &mut item.kind {
            Kind::Comment(text) => out.word(true, text, 0),
            Kind::Attribute(head) => {
                separate(&mut first, out);
                Layout { head, out }.head_flat(0);
                first = true;
            }
            Kind::Statement(inner) => {
                separate(&mut first, out);
                line(inner, 0, out);
            }
        }
    }
    out.word(true, "}", 1);
}

fn separate(first: &mut bool, out: &mut Writer<'_>) {
    if !std::mem::take(first) {
        out.word(false, ";", 1);
    }
    out.space();
}

/// Head and block on lines of their own.
fn lines<'a>(statement: &mut Statement<'a>, indent: usize, out: &mut Writer<'a>) {
    let Statement { head, block, .. } = statement;
    let empty = block.as_ref().is_some_and(|block| block.items.is_empty() && block.note.is_none());
    let tail = if empty { 3 } else { 2 * usize::from(block.is_some()) };
    Layout { head, out }.head(indent, tail);
    let Some(block) = block else { return };
    if empty {
        return out.word(true, "{}", 2);
    }
    out.word(true, "{", 1);
    inside(block, indent + STEP, out);
    out.newline(indent);
    out.word(false, "}", 1);
}

fn inside<'a>(block: &mut Block<'a>, indent: usize, out: &mut Writer<'a>) {
    if let Some(note) = block.note {
        out.trailing(note, indent);
    }
    let plan = plan(&block.items, indent);
    write(&mut block.items, indent, plan, out);
}

/// On one line if that is possible at all.
fn form(item: &Item<'_>, indent: usize) -> Form {
    match &item.kind {
        Kind::Statement(Statement { flat: Some(width), .. }) if indent + width <= MAX_WIDTH => Form::Line,
        _ => Form::Apart,
    }
}

/// Forms and columns of a block's items. A column may make a line too long: then blocks are opened first and lists
/// broken second, each for columns that hold only what is left, so that doing it again changes nothing.
fn plan(items: &[Item<'_>], indent: usize) -> Vec<(Form, usize)> {
    let mut forms: Vec<Form> = items.iter().map(|item| form(item, indent)).collect();
    for blocks in [true, false] {
        let columns = columns(items, &forms);
        for ((item, form), column) in items.iter().zip(&mut forms).zip(columns) {
            let Kind::Statement(Statement { head, block, flat: Some(flat) }) = &item.kind else { continue };
            let padding = column.saturating_sub(head.keyword_width + 1);
            if block.is_some() == blocks && indent + flat + padding > MAX_WIDTH {
                *form = Form::Apart;
            }
        }
    }
    let columns = columns(items, &forms);
    forms.into_iter().zip(columns).collect()
}

/// Where operands begin: behind the longest keyword of the lines in a row. Empty lines, comments and statements of
/// several lines end a row.
fn columns(items: &[Item<'_>], forms: &[Form]) -> Vec<usize> {
    let mut columns = vec![0; items.len()];
    let mut from = 0;
    while from < items.len() {
        let more = items[from..].iter().zip(&forms[from..]).enumerate();
        let row = more.map_while(|(at, (item, form))| match at > 0 && item.blank {
            true => None,
            false => beside(item, *form),
        });
        let (mut widest, mut count) = (0, 0);
        for statement in row {
            widest = widest.max(operand_column(statement));
            count += 1;
        }
        columns[from..from + count].fill(widest);
        from += count.max(1);
    }
    columns
}

/// An item that shares a column with its neighbours.
fn beside<'i, 'a>(item: &'i Item<'a>, form: Form) -> Option<&'i Statement<'a>> {
    let Kind::Statement(statement) = &item.kind else { return None };
    let titled = statement.block.is_some() && statement.head.is_title();
    (form == Form::Line && !titled).then_some(statement)
}

/// Words and clauses alone move no column: `idempotent by tag` stands among short keywords.
fn operand_column(statement: &Statement<'_>) -> usize {
    let Statement { head, block, .. } = statement;
    let block_alone = block.is_some() && head.parts.len() == head.keyword;
    if block_alone || head.has_operand() { head.keyword_width + 1 } else { 0 }
}
