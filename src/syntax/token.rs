//! What the lexical pass hands on: tokens, lines, and what it noticed. Knows nothing of statements.

use std::borrow::Cow;

use crate::diag::Diagnostic;

use super::ast::Comment;

/// Brackets nest at most this deep, blocks and chains of `not` and `if` included.
pub(super) const MAX_DEPTH: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Text,
    Script,
    Open(u8),
    Close(u8),
    Comma,
    Semicolon,
    Newline,
    Doc,
    At,
    Operator,
    /// A place where the text cannot be read on; its statement is broken and already reported.
    Broken,
}

/// A piece of the text; one that the pass put in has no width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: u32,
    pub end: u32,
    /// Index among [`Lexed::lines`].
    pub line: u32,
}

/// A line that holds at least one token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub indent: u32,
    /// Indices of its first and last token.
    pub first: u32,
    pub last: u32,
    /// An unclosed string swallowed its end, so brackets it lacks are not news.
    pub swallowed: bool,
}

/// `start..end` of the text is read as `text` by the grammar.
#[derive(Clone, Debug)]
pub(super) struct Rewrite {
    pub start: u32,
    pub end: u32,
    pub text: Cow<'static, str>,
}

/// `"""` to `"""`.
#[derive(Clone, Debug)]
pub(super) struct ScriptRange {
    /// Of the opening quotes, an `f` before them included.
    pub start: u32,
    pub body: std::ops::Range<usize>,
    /// White space before the closing quotes.
    pub margin: std::ops::Range<usize>,
    pub interpolated: bool,
}

#[derive(Debug, Default)]
pub(super) struct Lexed {
    pub tokens: Vec<Token>,
    pub lines: Vec<Line>,
    pub comments: Vec<Comment>,
    pub rewrites: Vec<Rewrite>,
    pub scripts: Vec<ScriptRange>,
    /// Where a statement is broken beyond reading, in any order.
    pub broken: Vec<u32>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Lexed {
    pub fn script_at(&self, start: u32) -> Option<&ScriptRange> {
        let index = self.scripts.binary_search_by_key(&start, |script| script.start).ok()?;
        self.scripts.get(index)
    }
}

pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}
