//! One head into lines: flat when it fits, else broken where the language lets a line end. Knows no statements.
//!
//! Outside of brackets a line may only end in a comma, `=` or an operator, so clauses never begin a line.

use crate::syntax::pieces;
use crate::syntax::spacing::{Head, Rank, Role};

use super::writer::Writer;

/// Lines are at most this long where they can be broken.
pub(super) const MAX_WIDTH: usize = 100;
pub(super) const STEP: usize = 2;

pub(super) struct Layout<'w, 'a> {
    pub head: &'w mut Head<'a>,
    pub out: &'w mut Writer<'a>,
}

/// Some parts in a row, from one index to before another.
#[derive(Clone, Copy)]
struct Range {
    from: usize,
    to: usize,
}

impl Layout<'_, '_> {
    /// The whole head over as many lines as it needs; `tail` is the width of what follows it.
    pub fn head(&mut self, indent: usize, tail: usize) {
        let (keyword, end) = (self.head.keyword, self.head.parts.len());
        self.flat(Range { from: 0, to: keyword }, indent + STEP);
        let rest = Range { from: keyword, to: end };
        if self.head.scripts[end] > 0 || self.fits(rest, tail) {
            return self.flat(rest, indent + STEP);
        }
        let equals = self.level(rest).find(|&index| self.role(index) == Role::Equals);
        match equals {
            Some(equals) => {
                self.row(Range { from: keyword, to: equals + 1 }, indent + STEP, 0);
                self.value(Range { from: equals + 1, to: end }, indent, tail);
            }
            None => {
                let hang = indent + self.head.keyword_width + 1;
                self.row(rest, if keyword == 0 { indent + STEP } else { hang }, tail);
            }
        }
    }

    /// The whole head on one line; what follows the keyword stands at `column`.
    pub fn head_flat(&mut self, column: usize) {
        let (keyword, end) = (self.head.keyword, self.head.parts.len());
        self.flat(Range { from: 0, to: keyword }, 0);
        self.out.pad(column);
        self.flat(Range { from: keyword, to: end }, 0);
    }

    /// What stands behind `=`: on a line of its own if that line, or its operators, can then be read better.
    fn value(&mut self, range: Range, indent: usize, tail: usize) {
        if self.fits(range, tail) {
            return self.flat(range, indent + STEP);
        }
        let width = self.head.width(range.from, range.to);
        let fits_below = self.is_plain(range) && indent + STEP + width + tail <= MAX_WIDTH;
        let in_brackets = range.to > range.from && self.role(range.to - 1) == Role::Close;
        if self.loosest(range).is_some() || (fits_below && !in_brackets) {
            self.out.newline(indent + STEP);
        }
        self.row(range, indent + STEP, tail);
    }

    fn role(&self, index: usize) -> Role {
        self.head.parts[index].role
    }

    /// The parts of a range that no bracket within it holds; of brackets the opening ones.
    fn level(&self, range: Range) -> impl Iterator<Item = usize> + '_ {
        let mut at = range.from;
        std::iter::from_fn(move || {
            let index = (at < range.to).then_some(at)?;
            at = self.head.parts[index].partner.max(index) + 1;
            Some(index)
        })
    }

    /// No comment within it, and no script.
    fn is_plain(&self, Range { from, to }: Range) -> bool {
        let last = to.saturating_sub(1).max(from);
        self.head.notes[last] == self.head.notes[from] && self.head.scripts[to] == self.head.scripts[from]
    }

    fn fits(&self, range: Range, tail: usize) -> bool {
        let Range { from, to } = range;
        let gap = self.head.parts.get(from).is_some_and(|part| part.gap);
        self.is_plain(range) && self.out.column(gap) + self.head.width(from, to) + tail <= MAX_WIDTH
    }

    /// The loosest operator of a range at which a line may end.
    fn loosest(&self, range: Range) -> Option<Rank> {
        let ranks = self.level(range).filter_map(|index| match self.role(index) {
            Role::After(rank) if index + 1 < range.to => Some(rank),
            Role::Before(rank) if index > range.from => Some(rank),
            _ => None,
        });
        ranks.min()
    }

    /// From here on; lines it needs are indented by `indent`.
    fn row(&mut self, range: Range, indent: usize, tail: usize) {
        if self.fits(range, tail) || self.head.scripts[range.to] > self.head.scripts[range.from] {
            return self.flat(range, indent);
        }
        if self.level(range).any(|index| self.role(index) == Role::Comma) {
            return self.items(range, indent, tail);
        }
        match self.loosest(range) {
            Some(rank) => self.segments(range, rank, indent, tail),
            None => self.chain(range, indent, tail),
        }
    }

    /// One item a line.
    fn items(&mut self, range: Range, indent: usize, tail: usize) {
        let commas: Vec<usize> = self.level(range).filter(|&index| self.role(index) == Role::Comma).collect();
        let mut from = range.from;
        for comma in commas {
            self.row(Range { from, to: comma }, indent + STEP, 1);
            self.part(comma, indent);
            self.out.newline(indent);
            from = comma + 1;
        }
        self.row(Range { from, to: range.to }, indent + STEP, tail);
    }

    /// One line for what each operator of the rank joins.
    fn segments(&mut self, range: Range, rank: Rank, indent: usize, tail: usize) {
        let breaks: Vec<usize> = self
            .level(range)
            .filter_map(|index| match self.role(index) {
                Role::After(found) if found == rank && index + 1 < range.to => Some(index + 1),
                Role::Before(found) if found == rank && index > range.from => Some(index),
                _ => None,
            })
            .collect();
        let mut from = range.from;
        for at in breaks {
            self.row(Range { from, to: at }, indent + STEP, 0);
            self.out.newline(indent);
            from = at;
        }
        self.row(Range { from, to: range.to }, indent + STEP, tail);
    }

    /// Nothing but values and their brackets: the last brackets are opened, and those that hold comments.
    fn chain(&mut self, range: Range, indent: usize, tail: usize) {
        let level: Vec<usize> = self.level(range).collect();
        let holds = |index: usize| self.head.parts[index].partner > index + 1;
        let last = level.iter().rev().copied().find(|&index| holds(index));
        for index in level {
            let close = self.head.parts[index].partner.max(index);
            let inner = Range { from: index, to: close + 1 };
            if close > index && (!self.is_plain(inner) || last == Some(index)) {
                let tail = if close + 1 == range.to { tail } else { 0 };
                self.brackets(index, close, indent, tail);
            } else {
                self.flat(inner, indent);
            }
        }
    }

    fn brackets(&mut self, open: usize, close: usize, indent: usize, tail: usize) {
        let whole = Range { from: open, to: close + 1 };
        if self.fits(whole, tail) && self.is_plain(whole) {
            return self.flat(whole, indent);
        }
        let outer = self.out.line_indent();
        self.part(open, indent);
        let (inner, range) = (outer + STEP, Range { from: open + 1, to: close });
        self.out.newline(inner);
        if range.from < range.to {
            let comma = self.head.parts[open].may_end_in_comma;
            self.head.parts[close - 1].comma = comma;
            if comma {
                self.items(range, inner, 1);
            } else {
                self.row(range, inner, 0);
            }
        }
        self.out.flush_notes(inner);
        self.out.newline(outer);
        self.part(close, indent);
    }

    /// One part after the other, on one line but where comments or scripts end it.
    fn flat(&mut self, range: Range, indent: usize) {
        for index in range.from..range.to {
            self.part(index, indent);
        }
    }

    fn part(&mut self, index: usize, indent: usize) {
        let part = &self.head.parts[index];
        match part.role {
            Role::Script => script(self.out, part.gap, part.text),
            _ => self.out.word(part.gap, part.text, part.width),
        }
        if part.comma {
            self.out.word(false, ",", 1);
        }
        for (at, note) in part.notes.iter().enumerate() {
            // Behind another comment there is no code on the line any more.
            if at == 0 && !note.own_line {
                self.out.trailing(note.text, indent);
            } else {
                self.out.note(note.text, indent);
            }
        }
    }
}

/// Its lines stand one step deeper than the line it opens on, and so do the closing quotes.
fn script(out: &mut Writer<'_>, gap: bool, text: &str) {
    let written = pieces::script(text);
    out.word(gap, written.open, written.open.len());
    let indent = out.line_indent() + STEP;
    if let Some(comment) = written.comment {
        out.trailing(comment, indent);
    }
    for line in written.lines {
        out.line(indent, line);
    }
    out.line(indent, "\"\"\"");
}
