//! Cuts the paired tokens into statements: head range and block. Knows where a statement ends, not what it says.

use std::ops::Range;

use crate::base::{Few, FileId, Span};
use crate::diag::{Diagnostic, codes};

use super::ast::Comment;
use super::tally::tick;
use super::token::{Kind, Lexed, MAX_DEPTH, Token};

/// One statement, not yet read. They stand in the order of the text, those of a block behind its own.
#[derive(Debug, Default)]
pub(super) struct Raw {
    /// `##` lines before it.
    pub docs: Few<Range<usize>>,
    /// From the first attribute or the keyword to the last token before `{` or the end.
    pub head: Range<usize>,
    pub block: Option<RawBlock>,
    /// Already reported as unreadable.
    pub broken: bool,
    /// Something in its line was reported from which the rest may follow.
    pub quiet: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RawBlock {
    /// From `{` to `}`.
    pub start: u32,
    pub end: u32,
    /// Index of the first statement behind the block.
    pub after: u32,
}

impl Raw {
    /// Index of the next statement of the same block, this one being at `index`.
    pub fn next(&self, index: usize) -> usize {
        self.block.map_or(index + 1, |block| block.after as usize)
    }
}

/// A statement whose block is being read.
struct Frame {
    raw: usize,
    open: u32,
}

struct Outline<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    /// Indentation of each line.
    indents: Vec<u32>,
    /// Lines whose quotes do not match: what else looks wrong there follows from it.
    swallowed: Vec<bool>,
    at: usize,
    docs: Few<Range<usize>>,
    statements: Vec<Raw>,
    /// The last statement of the innermost open block.
    last: Option<usize>,
    frames: Vec<Frame>,
    comments: Vec<Comment>,
    diagnostics: Vec<Diagnostic>,
}

/// The statements of the file; comments found in odd places and diagnostics go to `lexed`.
pub(super) fn outline(file: FileId, text: &str, tokens: &[Token], lexed: &mut Lexed) -> Vec<Raw> {
    let mut outline = Outline {
        file,
        text,
        tokens,
        indents: lexed.lines.iter().map(|line| line.indent).collect(),
        swallowed: lexed.lines.iter().map(|line| line.swallowed).collect(),
        at: 0,
        docs: Few::new(),
        statements: Vec::new(),
        last: None,
        frames: Vec::new(),
        comments: Vec::new(),
        diagnostics: Vec::new(),
    };
    while outline.at < tokens.len() {
        outline.step();
    }
    outline.drop_docs();
    lexed.comments.append(&mut outline.comments);
    lexed.diagnostics.append(&mut outline.diagnostics);
    outline.statements
}

impl Outline<'_> {
    fn step(&mut self) {
        let token = self.tokens[self.at];
        match token.kind {
            Kind::Newline | Kind::Semicolon => self.at += 1,
            Kind::Doc => {
                self.docs.push(range(token));
                self.at += 1;
            }
            Kind::Open(b'{') => self.block_without_head(token),
            Kind::Close(b'}') => self.close(token),
            _ => self.statement(),
        }
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }

    fn slice(&self, token: Token) -> &str {
        &self.text[range(token)]
    }

    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn add(&mut self, raw: Raw) {
        self.last = Some(self.statements.len());
        self.statements.push(raw);
    }

    fn open(&mut self, raw: usize, brace: Token) {
        self.last = None;
        self.frames.push(Frame { raw, open: brace.start });
        self.at += 1;
    }

    fn close(&mut self, brace: Token) {
        self.at += 1;
        self.drop_docs();
        let Some(Frame { raw, open }) = self.frames.pop() else { return };
        let after = self.statements.len() as u32;
        self.statements[raw].block = Some(RawBlock { start: open, end: brace.end, after });
        self.last = Some(raw);
        let written = brace.end > brace.start;
        if let Some(next) = self.peek()
            && written
            && !self.swallowed[next.line as usize]
            && !matches!(next.kind, Kind::Newline | Kind::Semicolon | Kind::Close(_) | Kind::Broken)
        {
            let span = self.span(range(next));
            let message = "a statement ends after its block";
            self.diagnostics.push(
                Diagnostic::new(&codes::E011, span, message)
                    .label("this stands behind the `}`")
                    .help("begin a new statement on a line of its own, or after `;`"),
            );
        }
    }

    /// `{` where a keyword is expected: on a line of its own it belongs to the statement before.
    fn block_without_head(&mut self, brace: Token) {
        let span = self.span(range(brace));
        let previous =
            self.last.filter(|&last| self.statements[last].block.is_none() && self.docs.is_empty());
        if brace.start == brace.end {
            return self.lost_head(brace);
        }
        let message = if previous.is_some() {
            "`{` stands on the line of its keyword"
        } else {
            "a block needs a keyword before it"
        };
        let mut diagnostic = Diagnostic::new(&codes::E011, span, message).label("this opens a block");
        match previous {
            Some(raw) => {
                let between = self.statements[raw].head.end..brace.start as usize;
                if self.text[between.clone()].trim().is_empty() {
                    diagnostic = diagnostic.help("move it up").fix(true, self.span(between), " ");
                }
                self.open(raw, brace);
            }
            None => {
                diagnostic = diagnostic.help("write `keyword values { … }`; there are no brace literals");
                let start = brace.start as usize;
                self.add(Raw { head: start..start, broken: true, ..Raw::default() });
                self.open(self.statements.len() - 1, brace);
            }
        }
        self.diagnostics.push(diagnostic);
    }

    /// The lines below a `##` are those of a block, and its `}` follows, but nothing opens it.
    fn lost_head(&mut self, brace: Token) {
        let span = self.docs.last().map_or(range(brace), Clone::clone);
        self.drop_docs();
        self.diagnostics.push(
            Diagnostic::new(&codes::E011, self.span(span), "the block below has no keyword and no `{`")
                .label("going by indentation, they belong behind this")
                .help("write `keyword name {` on a line of its own; it may have become part of the comment"),
        );
        let start = brace.start as usize;
        self.add(Raw { head: start..start, broken: true, ..Raw::default() });
        self.open(self.statements.len() - 1, brace);
    }

    fn statement(&mut self) {
        let docs = std::mem::take(&mut self.docs);
        let first = self.tokens[self.at];
        let quiet = self.swallowed[first.line as usize];
        let mut raw = Raw { docs, head: first.start as usize..first.end as usize, quiet, ..Raw::default() };
        self.attributes();
        let mut head = Head::new(self.indents[first.line as usize]);
        let owns_line = self.at == 0 || self.tokens[self.at - 1].line < first.line;
        while let Some(token) = self.peek() {
            tick();
            match token.kind {
                Kind::Doc => self.keep_doc(range(token)),
                Kind::Newline if head.brackets > 0 => {}
                Kind::Newline if quiet && owns_line && self.is_followed_deeper(&head) => {
                    self.skip_line_ends();
                    continue;
                }
                Kind::Newline if self.goes_on(&head) => {
                    self.skip_line_ends();
                    continue;
                }
                Kind::Newline | Kind::Semicolon if head.brackets == 0 => break,
                Kind::Open(b'{') | Kind::Close(b'}') => break,
                _ => self.take(token, &mut head),
            }
            self.at += 1;
        }
        raw.head.end = head.last.map_or(self.end_before(), |token| token.end as usize).max(raw.head.end);
        raw.broken |= head.too_deep;
        if self.brace_literal(&head) {
            raw.broken = true;
            return self.add(raw);
        }
        self.trailing(&head, &mut raw);
        self.add(raw);
        if let Some(brace) = self.peek().filter(|token| token.kind == Kind::Open(b'{')) {
            self.open(self.statements.len() - 1, brace);
        }
    }

    /// `x = { … }`: reported once and passed over whole.
    fn brace_literal(&mut self, head: &Head) -> bool {
        let Some(brace) = self.peek().filter(|token| token.kind == Kind::Open(b'{')) else { return false };
        if !head.last.is_some_and(|last| last.kind == Kind::Operator && self.waits(last, head)) {
            return false;
        }
        let span = self.span(range(brace));
        self.diagnostics.push(
            Diagnostic::new(&codes::E011, span, "there are no brace literals: `{` only opens a block")
                .label("a value is expected here")
                .help("write a list as `[a, b]`; settings of a statement stand in its block, without `=`"),
        );
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Open(b'{') => depth += 1,
                Kind::Close(b'}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        true
    }

    fn end_before(&self) -> usize {
        let before = self.tokens[..self.at].iter().rev().find(|token| token.kind != Kind::Newline);
        before.map_or(0, |token| token.end as usize)
    }

    /// `@name(…)` before the keyword, with the line ends behind it.
    fn attributes(&mut self) {
        while self.peek().is_some_and(|token| token.kind == Kind::At) {
            self.at += 1;
            if self.peek().is_some_and(|token| token.kind == Kind::Word) {
                self.at += 1;
            }
            self.bracket_group();
            let mut ahead = self.at;
            while let Some(token) = self.tokens.get(ahead)
                && is_line_end(token)
            {
                tick();
                ahead += 1;
            }
            let goes_on =
                self.tokens.get(ahead).is_some_and(|token| matches!(token.kind, Kind::Word | Kind::At));
            if !goes_on {
                return;
            }
            self.skip_line_ends();
        }
    }

    fn bracket_group(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Open(b'(') => depth += 1,
                Kind::Open(b'[') if depth > 0 => depth += 1,
                Kind::Close(b')' | b']') if depth > 0 => depth -= 1,
                _ if depth > 0 => {}
                _ => return,
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn take(&mut self, token: Token, head: &mut Head) {
        head.count(token, &self.text[range(token)]);
        if head.depth() > MAX_DEPTH && !head.too_deep {
            head.too_deep = true;
            let span = self.span(range(token));
            self.diagnostics.push(
                Diagnostic::new(
                    &codes::E010,
                    span,
                    format!("conditions are nested more than {MAX_DEPTH} deep"),
                )
                .label("this is the first that is too deep")
                .help("name parts of the expression with `let`"),
            );
        }
    }

    /// A line that ends in `,`, `=` or an operator goes on when the next one is indented deeper than the statement.
    fn goes_on(&self, head: &Head) -> bool {
        head.last.is_some_and(|last| self.waits(last, head)) && self.is_followed_deeper(head)
    }

    /// The next line is indented deeper than the statement, which opened no block: it can only be more of the same.
    fn is_followed_deeper(&self, head: &Head) -> bool {
        let next = self.tokens[self.at..].iter().inspect(|_| tick()).find(|token| !is_line_end(token));
        next.is_some_and(|next| {
            self.indents[next.line as usize] > head.indent && next.kind != Kind::Close(b'}')
        })
    }

    fn skip_line_ends(&mut self) {
        while let Some(token) = self.peek().filter(is_line_end) {
            if token.kind == Kind::Doc {
                self.keep_doc(range(token));
            }
            self.at += 1;
        }
    }

    /// True when something must follow the token.
    fn waits(&self, token: Token, head: &Head) -> bool {
        let text = self.slice(token);
        match token.kind {
            Kind::Comma => true,
            // `list<int>` ends in a bracket, not in a comparison.
            Kind::Operator if text == ">" => self.text[..token.start as usize].ends_with([' ', '\t']),
            Kind::Operator => is_binary(text),
            Kind::Word => head.tokens > 1 && is_joining_word(text),
            _ => false,
        }
    }

    fn trailing(&mut self, head: &Head, raw: &mut Raw) {
        let Some(last) = head.last.filter(|last| self.waits(*last, head)) else { return };
        let span = self.span(range(last));
        let text = self.slice(last);
        let diagnostic = Diagnostic::new(&codes::E011, span, format!("nothing follows this `{text}`"))
            .label("a value is missing behind it");
        if last.kind == Kind::Comma {
            raw.head.end = last.start as usize;
            let fix =
                diagnostic.help("remove it, or go on in the next line, indented deeper").fix(true, span, "");
            self.diagnostics.push(fix);
        } else {
            raw.broken = true;
            let help = match text {
                "*" | "/" | ".." => {
                    "a path or glob stands in quotes; a calculation goes on here or in the next line"
                }
                _ => "finish it here or in the next line, indented deeper",
            };
            self.diagnostics.push(diagnostic.help(help));
        }
    }

    fn keep_doc(&mut self, doc: Range<usize>) {
        let text = self.text[doc.clone()].trim_end().to_owned();
        self.comments.push(Comment { span: self.span(doc), text, own_line: true });
    }

    /// Docs that nothing follows are comments.
    fn drop_docs(&mut self) {
        for doc in std::mem::take(&mut self.docs) {
            self.keep_doc(doc);
        }
    }
}

/// What is known of a head while it is being cut.
struct Head {
    indent: u32,
    brackets: usize,
    tokens: usize,
    last: Option<Token>,
    /// Chains of `if` open at each bracket level.
    conditions: Vec<usize>,
    /// `not not …` and `list<list<…` in a row.
    chain: usize,
    too_deep: bool,
}

impl Head {
    fn new(indent: u32) -> Self {
        Head { indent, brackets: 0, tokens: 0, last: None, conditions: vec![0], chain: 0, too_deep: false }
    }

    fn depth(&self) -> usize {
        self.brackets + self.conditions.iter().sum::<usize>() + self.chain
    }

    fn count(&mut self, token: Token, text: &str) {
        match token.kind {
            Kind::Open(_) => {
                self.brackets += 1;
                self.conditions.push(0);
            }
            Kind::Close(_) => {
                self.brackets = self.brackets.saturating_sub(1);
                self.conditions.pop();
                if self.conditions.is_empty() {
                    self.conditions.push(0);
                }
            }
            Kind::Comma => self.conditions.last_mut().into_iter().for_each(|count| *count = 0),
            Kind::Word if text == "if" => {
                self.conditions.last_mut().into_iter().for_each(|count| *count += 1)
            }
            _ => {}
        }
        let glued = self.last.is_some_and(|last| last.end == token.start && last.kind != Kind::Operator);
        match token.kind {
            Kind::Word if text == "not" => self.chain += 1,
            Kind::Operator if text == "!" || (text == "<" && glued) => self.chain += 1,
            Kind::Word
                if self.last.is_some_and(|last| last.kind == Kind::Operator && last.end == token.start) => {}
            _ => self.chain = 0,
        }
        self.tokens += 1;
        self.last = Some(token);
    }
}

fn range(token: Token) -> Range<usize> {
    token.start as usize..token.end as usize
}

fn is_line_end(token: &Token) -> bool {
    matches!(token.kind, Kind::Newline | Kind::Doc)
}

fn is_binary(operator: &str) -> bool {
    let known = [
        "=", "==", "!=", "<", "<=", ">=", "??", "..", "+", "-", "*", "/", "===", "!==", "&&", "||", "=~", "!",
    ];
    known.contains(&operator)
}

fn is_joining_word(word: &str) -> bool {
    ["and", "or", "not", "in", "matches", "like", "if", "then", "else"].contains(&word)
}
