//! A statement's head as the grammar reads it, and the way back from its offsets to the file's. Does not parse.

use std::borrow::Cow;
use std::ops::Range;

use crate::base::{FileId, Span};

use super::token::Rewrite;

/// A stretch of the grammar's text and the stretch of the file it stands for.
struct Piece {
    text: Range<usize>,
    file: Range<usize>,
    verbatim: bool,
}

pub(super) struct Head<'a> {
    pub text: Cow<'a, str>,
    file: FileId,
    start: usize,
    /// Where the head begins in the text that the grammar was given.
    origin: usize,
    /// Empty when the text is the file's own.
    pieces: Vec<Piece>,
}

impl<'a> Head<'a> {
    /// The head at `range` of the file, with `rewrites` (in order, of the whole file) applied.
    pub fn new(file: FileId, source: &'a str, range: Range<usize>, rewrites: &[Rewrite]) -> Self {
        let first = rewrites.partition_point(|rewrite| (rewrite.start as usize) < range.start);
        let inside = rewrites[first..].iter().take_while(|rewrite| (rewrite.start as usize) < range.end);
        let mut head =
            Head { text: Cow::Borrowed(""), file, start: range.start, origin: 0, pieces: Vec::new() };
        let mut text = String::new();
        let mut at = range.start;
        for rewrite in inside {
            let (start, end) = (rewrite.start as usize, (rewrite.end as usize).min(range.end));
            // What stands inside a text that is replaced already is gone with it.
            if start < at {
                continue;
            }
            head.add(&mut text, &source[at..start], at..start, true);
            head.add(&mut text, &rewrite.text, start..end, false);
            at = end;
        }
        if head.pieces.is_empty() {
            head.text = Cow::Borrowed(&source[range]);
            return head;
        }
        head.add(&mut text, &source[at..range.end], at..range.end, true);
        head.text = Cow::Owned(text);
        head
    }

    /// The same head at `origin` of a text that holds others before it.
    pub fn among(mut self, origin: usize) -> Self {
        self.origin = origin;
        self
    }

    pub fn origin(&self) -> usize {
        self.origin
    }

    fn add(&mut self, text: &mut String, piece: &str, file: Range<usize>, verbatim: bool) {
        let start = text.len();
        text.push_str(piece);
        self.pieces.push(Piece { text: start..text.len(), file, verbatim });
    }

    /// File offset of the character that begins at `at`.
    pub fn start(&self, at: usize) -> usize {
        let at = at - self.origin;
        let index = self.pieces.partition_point(|piece| piece.text.end <= at);
        match self.pieces.get(index) {
            Some(piece) if piece.verbatim => piece.file.start + (at - piece.text.start),
            Some(piece) => piece.file.start,
            None => self.pieces.last().map_or(self.start + at, |last| last.file.end),
        }
    }

    /// File offset of the end of what ends at `at`.
    pub fn end(&self, at: usize) -> usize {
        let at = at - self.origin;
        let index = self.pieces.partition_point(|piece| piece.text.end < at);
        match self.pieces.get(index) {
            Some(piece) if piece.verbatim => piece.file.start + (at - piece.text.start),
            Some(piece) if at == piece.text.start => piece.file.start,
            Some(piece) => piece.file.end,
            None => self.pieces.last().map_or(self.start + at, |last| last.file.end),
        }
    }

    pub fn span(&self, range: Range<usize>) -> Span {
        let start = self.start(range.start);
        Span::new(self.file, start, if range.is_empty() { start } else { self.end(range.end).max(start) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lead_back_to_the_file() {
        let source = "x\ntake a && b # c\n  or e";
        let rewrites = [
            Rewrite { start: 9, end: 11, text: "and".into() },
            Rewrite { start: 14, end: 17, text: "".into() },
        ];
        let head = Head::new(FileId(0), source, 2..source.len(), &rewrites);
        assert_eq!(head.text, "take a and b \n  or e");
        let word = |text: &str| {
            let at = head.text.find(text).unwrap_or_default();
            &source[head.span(at..at + text.len()).range()]
        };
        assert_eq!(
            (word("take"), word("and"), word("b"), word("or"), word("or e")),
            ("take", "&&", "b", "or", "or e")
        );
    }
}
