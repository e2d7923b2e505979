//! The tree and the pieces of a text → blocks of items, each with its comments and the empty line before it.
//! Lays out nothing.

use crate::syntax::Scan;
use crate::syntax::ast;
use crate::syntax::pieces::{Piece, PieceKind};
use crate::syntax::spacing::Head;

#[derive(Debug, Default)]
pub(super) struct Block<'a> {
    pub items: Vec<Item<'a>>,
    /// Behind the `{`.
    pub note: Option<&'a str>,
    /// The author wrote it on one line.
    pub one_line: bool,
}

#[derive(Debug)]
pub(super) struct Item<'a> {
    /// An empty line stands before it.
    pub blank: bool,
    pub kind: Kind<'a>,
    /// A comment behind it.
    pub note: Option<&'a str>,
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Comment(&'a str),
    Attribute(Head<'a>),
    Statement(Statement<'a>),
}

#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub head: Head<'a>,
    pub block: Option<Block<'a>>,
    /// Width of the whole on one line, where that is possible.
    pub flat: Option<usize>,
}

/// The items of a file without errors.
pub(super) fn items<'a>(source: &'a str, scan: &Scan<'a>) -> Vec<Item<'a>> {
    let mut reader = Reader { source, pieces: &scan.pieces, at: 0, end: 0, blank: false };
    let mut block = Block::default();
    reader.statements(&scan.file.statements, &mut block);
    reader.rest(source.len(), &mut block);
    block.items
}

struct Reader<'s, 'a> {
    source: &'a str,
    pieces: &'s [Piece<'a>],
    at: usize,
    /// Where the last piece ended.
    end: usize,
    /// An empty line was met since the last item.
    blank: bool,
}

impl<'a> Reader<'_, 'a> {
    fn statements(&mut self, statements: &[ast::Statement], block: &mut Block<'a>) {
        for statement in statements {
            for attribute in &statement.attributes {
                self.rest(attribute.span.start as usize, block);
                let blank = self.take_blank();
                let pieces = self.take(attribute.span.end as usize);
                let kind = Kind::Attribute(Head::new(pieces, 0));
                block.items.push(Item { blank, kind, note: self.note() });
            }
            self.rest(statement.span.start as usize, block);
            let blank = self.take_blank();
            let kind = Kind::Statement(self.statement(statement));
            block.items.push(Item { blank, kind, note: self.note() });
        }
    }

    fn statement(&mut self, statement: &ast::Statement) -> Statement<'a> {
        let end = statement.block.as_ref().map_or(statement.span.end, |block| block.span.start);
        let head = Head::new(self.take(end as usize), statement.head.span.end as usize);
        let block = statement.block.as_ref().map(|block| self.block(block));
        let flat = match &block {
            None => head.flat(),
            Some(block) => head.flat().zip(flat_block(block)).map(|(head, block)| head + 1 + block),
        };
        Statement { head, block, flat }
    }

    fn block(&mut self, written: &ast::Block) -> Block<'a> {
        let text = &self.source[written.span.range()];
        let mut block = Block { one_line: !text.contains('\n'), ..Block::default() };
        self.take(written.span.start as usize + 1);
        block.note = self.note();
        self.statements(&written.statements, &mut block);
        self.rest(written.span.end as usize - 1, &mut block);
        self.take(written.span.end as usize);
        block
    }

    /// The pieces that begin before `end`.
    fn take(&mut self, end: usize) -> &[Piece<'a>] {
        let from = self.at;
        self.at += self.pieces[from..].iter().take_while(|piece| piece.start < end).count();
        let taken = &self.pieces[from..self.at];
        self.end = taken.last().map_or(self.end, Piece::end);
        self.blank = false;
        taken
    }

    /// A comment that begins on the line where the last piece ended, `;` passed over.
    fn note(&mut self) -> Option<&'a str> {
        let mut ahead = self.at;
        while self.pieces.get(ahead).is_some_and(|piece| piece.kind == PieceKind::Semicolon) {
            ahead += 1;
        }
        let piece = self.pieces.get(ahead)?;
        if piece.kind != (PieceKind::Comment { own_line: false }) {
            return None;
        }
        if self.source[self.end..piece.start].contains('\n') {
            return None;
        }
        self.at = ahead + 1;
        self.end = piece.end();
        Some(piece.text)
    }

    /// What stands before `end` and belongs to no statement: comments, and `;`, which lines make needless.
    fn rest(&mut self, end: usize, block: &mut Block<'a>) {
        while let Some(piece) = self.pieces.get(self.at).filter(|piece| piece.start < end) {
            self.look(piece.start);
            self.at += 1;
            self.end = piece.end();
            if piece.kind != PieceKind::Semicolon {
                let blank = self.take_blank();
                block.items.push(Item { blank, kind: Kind::Comment(piece.text), note: None });
            }
        }
        self.look(end);
    }

    fn look(&mut self, to: usize) {
        let space = self.source.as_bytes().get(self.end..to).unwrap_or_default();
        self.blank |= space.iter().filter(|byte| **byte == b'\n').nth(1).is_some();
        self.end = self.end.max(to);
    }

    fn take_blank(&mut self) -> bool {
        std::mem::take(&mut self.blank)
    }
}

/// Width of `{ a; b }`, or none when it cannot stand on one line.
fn flat_block(block: &Block<'_>) -> Option<usize> {
    if block.items.is_empty() && block.note.is_none() {
        return Some(2);
    }
    if !block.one_line {
        return None;
    }
    let mut width = 2;
    for item in &block.items {
        width += match &item.kind {
            Kind::Comment(_) => return None,
            Kind::Attribute(head) => head.flat()? + 1,
            // `; ` behind it, or the space before `}` and the one behind `{`.
            Kind::Statement(statement) => statement.flat? + 2,
        };
    }
    Some(width)
}
