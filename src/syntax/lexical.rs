//! Bytes → tokens in one linear pass: words, quotes, brackets, comments, and other languages' operators.
//! Knows nothing of statements, and does not pair brackets.

use std::borrow::Cow;

use crate::base::{FileId, Span};
use crate::diag::{Diagnostic, codes};

use super::ast::Comment;
use super::hidden;
use super::tally::tick;
use super::token::{Kind, Lexed, Line, Rewrite, Token, is_word_byte};

pub(super) struct Lexer<'a> {
    pub(super) file: FileId,
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) out: Lexed,
    /// Where the current line begins, and whether it has a token yet.
    line_start: usize,
    line_open: bool,
    /// How many `{` of this line are still open.
    pub(super) braces_on_line: u32,
}

/// Cuts `text` into tokens; what could not be read is among the diagnostics and in `broken`.
pub(super) fn lex(file: FileId, text: &str) -> Lexed {
    let mut lexer = Lexer {
        file,
        text,
        bytes: text.as_bytes(),
        at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 },
        out: Lexed::default(),
        line_start: 0,
        line_open: false,
        braces_on_line: 0,
    };
    while let Some(&byte) = lexer.bytes.get(lexer.at) {
        lexer.step(byte);
    }
    lexer.out.diagnostics.extend(hidden::find(file, text));
    lexer.out.rewrites.sort_by_key(|rewrite| rewrite.start);
    lexer.out
}

impl Lexer<'_> {
    fn step(&mut self, byte: u8) {
        tick();
        match byte {
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'\n' => self.newline(),
            b'#' => self.comment(1),
            b'"' => self.quote(0),
            b'f' if self.next_is(1, "\"") => self.quote(1),
            b'\'' => self.single_quote(),
            b'{' | b'(' | b'[' => self.bracket(Kind::Open(byte)),
            b'}' | b')' | b']' => self.bracket(Kind::Close(byte)),
            b',' => self.push(Kind::Comma, 1),
            b';' => self.push(Kind::Semicolon, 1),
            b'@' => self.push(Kind::At, 1),
            _ if is_word_byte(byte) && byte != b'-' => self.word(),
            b'-' if self.byte(1).is_some_and(|next| next.is_ascii_digit()) => self.word(),
            _ if byte.is_ascii() => self.operator(),
            _ => self.foreign_character(),
        }
    }

    pub(super) fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    pub(super) fn next_is(&self, ahead: usize, text: &str) -> bool {
        self.bytes.get(self.at + ahead..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.out.diagnostics.push(diagnostic);
    }

    pub(super) fn rewrite(&mut self, start: usize, end: usize, text: impl Into<Cow<'static, str>>) {
        self.out.rewrites.push(Rewrite { start: start as u32, end: end as u32, text: text.into() });
    }

    /// Adds a token of `length` bytes here and goes past it.
    pub(super) fn push(&mut self, kind: Kind, length: usize) {
        let index = self.out.tokens.len() as u32;
        if !self.line_open {
            self.line_open = true;
            let indent = width(&self.bytes[self.line_start..self.at]);
            self.out.lines.push(Line { indent, first: index, last: index, swallowed: false });
        }
        let line = self.out.lines.len() as u32 - 1;
        if let Some(last) = self.out.lines.last_mut() {
            last.last = index;
        }
        let start = self.at as u32;
        self.at += length;
        self.out.tokens.push(Token { kind, start, end: self.at as u32, line });
    }

    /// Indentation of the line being read.
    pub(super) fn indent(&self) -> u32 {
        match self.out.lines.last() {
            Some(line) if self.line_open => line.indent,
            _ => width(&self.bytes[self.line_start..self.at]),
        }
    }

    pub(super) fn at_line_start(&self) -> bool {
        !self.line_open
    }

    fn newline(&mut self) {
        if self.line_open {
            let line = self.out.lines.len() as u32 - 1;
            let start = self.at as u32;
            self.out.tokens.push(Token { kind: Kind::Newline, start, end: start + 1, line });
        }
        self.at += 1;
        self.line_start = self.at;
        self.line_open = false;
        self.braces_on_line = 0;
    }

    fn line_end(&self) -> usize {
        let end = self.text[self.at..].find('\n').map_or(self.text.len(), |far| self.at + far);
        if self.bytes[self.at..end].ends_with(b"\r") { end - 1 } else { end }
    }

    fn comment(&mut self, marker: usize) {
        let (start, end) = (self.at, self.line_end());
        let text = &self.text[start..end];
        self.rewrite(start, end, "");
        if text.starts_with("##") && !text.starts_with("###") && !self.line_open {
            self.push(Kind::Doc, end - start);
            return;
        }
        let text = if marker == 2 { format!("#{}", &text[2..]) } else { text.to_owned() };
        let comment = Comment {
            span: self.span(start, end),
            text: text.trim_end().to_owned(),
            own_line: !self.line_open,
        };
        self.out.comments.push(comment);
        self.at = end;
    }

    fn bracket(&mut self, kind: Kind) {
        match kind {
            Kind::Open(b'{') => self.braces_on_line += 1,
            Kind::Close(b'}') => self.braces_on_line = self.braces_on_line.saturating_sub(1),
            _ => {}
        }
        self.push(kind, 1);
    }

    fn word(&mut self) {
        let rest = &self.bytes[self.at + 1..];
        let length = rest.iter().position(|&byte| !is_word_byte(byte)).unwrap_or(rest.len());
        self.push(Kind::Word, length + 1);
    }

    fn operator(&mut self) {
        if self.next_is(0, "//") && (self.at_line_start() || self.after_space()) {
            let span = self.span(self.at, self.at + 2);
            self.report(foreign(span, "//", "a comment begins with `#`", "#"));
            return self.comment(2);
        }
        if let Some(length) = self.foreign_operator() {
            return self.push(Kind::Operator, length);
        }
        let known = ["...", "..", "==", "!=", "<=", ">=", "??"].iter().find(|word| self.next_is(0, word));
        self.push(Kind::Operator, known.map_or(1, |word| word.len()));
    }

    fn after_space(&self) -> bool {
        self.at > 0 && self.bytes[self.at - 1].is_ascii_whitespace()
    }

    /// Reports `&&` and its like here; the length of the operator if it is one.
    pub(super) fn foreign_operator(&mut self) -> Option<usize> {
        let (found, word) =
            [("===", "=="), ("!==", "!="), ("&&", "and"), ("||", "or"), ("=~", "matches"), ("!", "not")]
                .into_iter()
                .find(|(found, _)| self.next_is(0, found))?;
        if found == "!" && self.next_is(0, "!=") {
            return None;
        }
        let (start, end) = (self.at, self.at + found.len());
        let is_word = word.as_bytes()[0].is_ascii_alphabetic();
        let before = is_word && start > 0 && is_word_byte(self.bytes[start - 1]);
        let after = is_word && self.bytes.get(end).is_some_and(|&byte| !byte.is_ascii_whitespace());
        let text = format!("{}{word}{}", if before { " " } else { "" }, if after { " " } else { "" });
        self.report(foreign(self.span(start, end), found, &format!("here it is written `{word}`"), &text));
        self.rewrite(start, end, text);
        Some(found.len())
    }

    fn single_quote(&mut self) {
        let rest = &self.text[self.at + 1..self.line_end()];
        let Some(length) = rest.find('\'') else {
            return self.push(Kind::Operator, 1);
        };
        let inner = &rest[..length];
        let (start, end) = (self.at, self.at + length + 2);
        let text = format!("\"{}\"", inner.replace('\\', "\\\\").replace('"', "\\\""));
        self.report(foreign(self.span(start, end), "'…'", "strings stand in double quotes", &text));
        self.rewrite(start, end, text);
        self.push(Kind::Text, end - start);
    }

    fn foreign_character(&mut self) {
        let Some(c) = self.text[self.at..].chars().next() else { return };
        let (start, end) = (self.at, self.at + c.len_utf8());
        if hidden::in_hidden_range(c) || c == '\u{200d}' || c == '\u{feff}' {
            self.out.broken.push(start as u32);
            self.push(Kind::Broken, end - start);
        } else if c.is_whitespace() {
            let message = format!("U+{:04X} looks like a space and is none", c as u32);
            self.report(
                Diagnostic::new(&codes::E009, self.span(start, end), message)
                    .help("write an ordinary space")
                    .fix(true, self.span(start, end), " "),
            );
            self.rewrite(start, end, " ");
            self.at = end;
        } else {
            self.push(Kind::Operator, end - start);
        }
    }
}

fn foreign(span: Span, found: &str, instead: &str, text: &str) -> Diagnostic {
    Diagnostic::new(&codes::E004, span, format!("`{found}` belongs to another language"))
        .label(instead)
        .help(format!("write `{}`", text.trim()))
        .fix(true, span, text)
}

/// Width of leading white space; a tab goes on to the next multiple of eight.
fn width(space: &[u8]) -> u32 {
    space.iter().fold(0, |width, byte| match byte {
        b'\t' => width / 8 * 8 + 8,
        b' ' => width + 1,
        _ => width,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        lex(FileId(0), text).tokens.iter().map(|token| token.kind).collect()
    }

    #[test]
    fn strings_and_scripts_are_one_token() {
        assert_eq!(kinds("run \"a { b\" # c\n"), [Kind::Word, Kind::Text, Kind::Newline]);
        assert_eq!(kinds("x f\"{a(\"}\")} {f\"{b}\"}\" y"), [Kind::Word, Kind::Text, Kind::Word]);
        assert_eq!(
            kinds("run sh \"\"\"\n  a }\n  \"\"\"\ny"),
            [Kind::Word, Kind::Word, Kind::Script, Kind::Newline, Kind::Word]
        );
    }

    #[test]
    fn foreign_operators_are_reported_where_they_stand() {
        let lexed = lex(FileId(0), "when a&&!b || c === d != e");
        let found: Vec<(u32, Option<&str>)> = lexed
            .diagnostics
            .iter()
            .map(|d| (d.span.start, d.fix.as_ref().map(|fix| fix.edits[0].text.as_str())))
            .collect();
        assert_eq!(found, [(6, Some(" and ")), (8, Some("not ")), (11, Some("or")), (16, Some("=="))]);
    }

    #[test]
    fn an_unclosed_string_gives_back_the_brace_of_its_line() {
        let lexed = lex(FileId(0), "before { require a == \"x }\nrun \"y\"\n");
        assert_eq!(lexed.diagnostics.len(), 1);
        assert!(lexed.tokens.iter().any(|token| token.kind == Kind::Close(b'}')));
    }
}
