//! Pairs brackets. Where they balance, they decide; where they do not, indentation says which one is missing.
//! Hands on a stream in which every bracket has its partner and none is deeper than the cap.

use crate::base::{FileId, Span};
use crate::diag::{Diagnostic, codes};

use super::tally::tick;
use super::token::{Kind, Lexed, Line, MAX_DEPTH, Token};

struct Open {
    bracket: u8,
    at: u32,
    line: u32,
    indent: u32,
}

struct Pairing<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    lines: &'a [Line],
    /// For each line the next one that is indented no deeper.
    next_outer: Vec<Option<u32>>,
    guided: bool,
    stack: Vec<Open>,
    out: Vec<Token>,
    broken: Vec<u32>,
    diagnostics: Vec<Diagnostic>,
    /// The last `}` that was found to close nothing.
    stray: Option<u32>,
    /// The outermost bracket for which too deep nesting was reported.
    deep_in: Option<u32>,
}

/// The tokens of `lexed` with brackets in pairs; what was missing or too much is reported in `lexed`.
pub(super) fn pair(file: FileId, text: &str, lexed: &mut Lexed) -> Vec<Token> {
    let balance = balance(&lexed.tokens);
    if balance == Balance::Plain {
        return std::mem::take(&mut lexed.tokens);
    }
    let guided = balance == Balance::Not;
    let mut pairing = Pairing {
        file,
        text,
        tokens: &lexed.tokens,
        lines: &lexed.lines,
        next_outer: if guided { next_outer(&lexed.lines) } else { Vec::new() },
        guided,
        stack: Vec::new(),
        out: Vec::with_capacity(lexed.tokens.len()),
        broken: Vec::new(),
        diagnostics: Vec::new(),
        stray: None,
        deep_in: None,
    };
    for index in 0..pairing.tokens.len() {
        pairing.step(index);
    }
    while !pairing.stack.is_empty() {
        pairing.unclosed(None);
    }
    let Pairing { out, broken, diagnostics, .. } = pairing;
    lexed.broken.extend(broken);
    lexed.diagnostics.extend(diagnostics);
    out
}

#[derive(PartialEq)]
enum Balance {
    /// Every bracket has its partner, none is too deep, and `{` stands in no other bracket: nothing to change.
    Plain,
    Odd,
    Not,
}

fn balance(tokens: &[Token]) -> Balance {
    let mut stack = Vec::new();
    let mut plain = true;
    for token in tokens {
        match token.kind {
            Kind::Open(bracket) => {
                plain &= bracket != b'{' || stack.last().is_none_or(|outer| *outer == b'{');
                stack.push(bracket);
                plain &= stack.len() <= MAX_DEPTH;
            }
            Kind::Close(bracket) if stack.pop() != Some(partner(bracket)) => return Balance::Not,
            _ => {}
        }
    }
    match (stack.is_empty(), plain) {
        (false, _) => Balance::Not,
        (true, true) => Balance::Plain,
        (true, false) => Balance::Odd,
    }
}

fn partner(close: u8) -> u8 {
    match close {
        b'}' => b'{',
        b')' => b'(',
        _ => b'[',
    }
}

fn closer(open: u8) -> char {
    match open {
        b'{' => '}',
        b'(' => ')',
        _ => ']',
    }
}

fn next_outer(lines: &[Line]) -> Vec<Option<u32>> {
    let mut next = vec![None; lines.len()];
    let mut waiting: Vec<usize> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        while let Some(&last) = waiting.last()
            && line.indent <= lines[last].indent
        {
            next[last] = Some(index as u32);
            waiting.pop();
        }
        waiting.push(index);
    }
    next
}

impl Pairing<'_> {
    fn step(&mut self, index: usize) {
        tick();
        let token = self.tokens[index];
        let first = self.lines[token.line as usize].first as usize == index;
        if self.guided && first && !matches!(token.kind, Kind::Close(_)) {
            self.leave_outer_blocks(token);
            self.missing_open(token.line);
        }
        match token.kind {
            Kind::Open(bracket) => self.open(token, bracket),
            Kind::Close(b'}') => self.close_block(token, first),
            Kind::Close(bracket) => self.close_bracket(token, bracket),
            _ => self.emit(token),
        }
    }

    /// Everything deeper than the cap is left out: its statement is broken and says so.
    fn emit(&mut self, token: Token) {
        if self.stack.len() <= MAX_DEPTH {
            self.out.push(token);
        }
    }

    fn in_brackets(&self) -> bool {
        self.stack.last().is_some_and(|open| open.bracket != b'{')
    }

    fn open(&mut self, token: Token, bracket: u8) {
        if bracket == b'{' && self.in_brackets() {
            if !self.guided {
                // A brace literal: the grammar says what is wrong with it.
                self.stack.push(Open { bracket, at: token.start, line: token.line, indent: u32::MAX });
                return self.emit(Token { kind: Kind::Operator, ..token });
            }
            while self.in_brackets() {
                self.unclosed(Some(token));
            }
        }
        let indent = self.lines[token.line as usize].indent;
        self.stack.push(Open { bracket, at: token.start, line: token.line, indent });
        if self.stack.len() == MAX_DEPTH + 1 {
            self.too_deep(token);
        }
        self.emit(token);
    }

    fn too_deep(&mut self, token: Token) {
        self.broken.push(token.start);
        self.out.push(Token { kind: Kind::Broken, ..token });
        let outermost = self.stack.first().map(|open| open.at);
        if self.deep_in == outermost {
            return;
        }
        self.deep_in = outermost;
        let span = self.span(token);
        self.diagnostics.push(
            Diagnostic::new(&codes::E010, span, format!("brackets are nested more than {MAX_DEPTH} deep"))
                .label("this is the first that is too deep")
                .help("name parts of the expression with `let`, or split the block"),
        );
    }

    fn span(&self, token: Token) -> Span {
        Span::new(self.file, token.start as usize, token.end as usize)
    }

    fn close(&mut self, token: Token) {
        let literal = self.stack.last().is_some_and(|open| open.indent == u32::MAX);
        let kind = if literal { Kind::Operator } else { token.kind };
        self.emit(Token { kind, ..token });
        self.stack.pop();
    }

    fn close_bracket(&mut self, token: Token, bracket: u8) {
        let wanted = partner(bracket);
        let in_block = self.stack.iter().rev().take_while(|open| open.bracket != b'{').take(MAX_DEPTH);
        if !in_block.into_iter().any(|open| open.bracket == wanted) {
            return self.stray(token);
        }
        while self.stack.last().is_some_and(|open| open.bracket != wanted) {
            self.unclosed(Some(token));
        }
        self.close(token);
    }

    fn close_block(&mut self, token: Token, first: bool) {
        if !self.guided {
            return self.close(token);
        }
        if !self.stack.iter().rev().take(2 * MAX_DEPTH).any(|open| open.bracket == b'{') {
            return self.lost_open(token);
        }
        while self.in_brackets() {
            self.unclosed(Some(token));
        }
        let indent = self.lines[token.line as usize].indent;
        while first && self.stack.len() <= MAX_DEPTH && self.belongs_further_out(indent) {
            self.unclosed(Some(token));
        }
        match self.stack.last() {
            Some(top) if self.is_not_its_close(top, token, first) => {
                self.lost_open(token);
            }
            Some(_) => self.close(token),
            None => self.stray(token),
        }
    }

    fn belongs_further_out(&self, indent: u32) -> bool {
        let Some((top, outer)) = self.stack.split_last() else { return false };
        indent < top.indent && outer.iter().any(|open| open.bracket == b'{' && open.indent == indent)
    }

    /// The block has a close of its own further down, at its own indentation.
    fn is_not_its_close(&self, top: &Open, token: Token, first: bool) -> bool {
        if top.line == token.line {
            return self.closes_too_early(token);
        }
        let indent = self.lines[token.line as usize].indent;
        if first && indent <= top.indent {
            return false;
        }
        self.closing_line(top.line).is_some_and(|line| line > token.line)
    }

    /// `keyword {}` above deeper lines and a `}` at its own indentation: that one is meant.
    fn closes_too_early(&self, token: Token) -> bool {
        let line = self.lines[token.line as usize];
        let next = self.lines.get(token.line as usize + 1);
        self.tokens[line.last as usize].start == token.start
            && next.is_some_and(|next| next.indent > line.indent)
            && self.closing_line(token.line).is_some()
    }

    /// The line that begins with the `}` for a block opened in `line`, going by indentation.
    fn closing_line(&self, line: u32) -> Option<u32> {
        let next = (*self.next_outer.get(line as usize)?)?;
        let found = &self.lines[next as usize];
        let closes = self.tokens[found.first as usize].kind == Kind::Close(b'}');
        (closes && found.indent == self.lines[line as usize].indent).then_some(next)
    }

    /// A line indented no deeper than the one that opened a block, or a bracket, stands outside it.
    fn leave_outer_blocks(&mut self, token: Token) {
        let indent = self.lines[token.line as usize].indent;
        while self.stack.last().is_some_and(|open| open.line < token.line && indent <= open.indent) {
            self.unclosed(Some(token));
        }
    }

    /// A deeper line after a statement without a block, and a `}` at the statement's own indentation: `{` is missing.
    fn missing_open(&mut self, line: u32) {
        let Some(before) = line.checked_sub(1) else { return };
        let (outer, inner) = (self.lines[before as usize], self.lines[line as usize]);
        let last = self.tokens[outer.last as usize];
        // A `}` that closes nothing may stand for the `{` that is missing.
        let stray = last.kind == Kind::Close(b'}') && self.stray == Some(last.start);
        let ends_open =
            !stray && matches!(last.kind, Kind::Open(_) | Kind::Close(b'}') | Kind::Comma | Kind::Operator);
        let top_is_outside = self.stack.last().is_none_or(|top| top.indent < outer.indent);
        if inner.indent <= outer.indent || ends_open || !top_is_outside || self.in_brackets() {
            return;
        }
        let Some(close) = self.closing_line(before) else { return };
        let brace = self.tokens[self.lines[close as usize].first as usize];
        // Behind a `##` the whole head is missing, which the outline reports.
        if last.kind != Kind::Doc && !stray {
            self.lacks_brace(brace, last);
        }
        let virtual_open = Token { kind: Kind::Open(b'{'), start: last.end, end: last.end, line: before };
        self.insert(virtual_open);
        self.stack.push(Open { bracket: b'{', at: last.end, line: before, indent: outer.indent });
    }

    fn lacks_brace(&mut self, brace: Token, last: Token) {
        let place = Span::new(self.file, last.end as usize, last.end as usize);
        self.diagnostics.push(
            Diagnostic::new(&codes::E005, self.span(brace), "this `}` closes nothing")
                .label("going by indentation, its `{` is missing above")
                .related(place, "a `{` belongs here")
                .help("add ` {` at the end of that line")
                .fix(true, place, " {"),
        );
    }

    /// Puts a token that is not in the text behind the last one that is, before line ends.
    fn insert(&mut self, token: Token) {
        if self.stack.len() > MAX_DEPTH {
            return;
        }
        let at = self.out.iter().rposition(|token| token.kind != Kind::Newline).map_or(0, |last| last + 1);
        self.out.insert(at, token);
    }

    fn unclosed(&mut self, next: Option<Token>) {
        tick();
        let Some(open) = self.stack.last() else { return };
        let (bracket, at, line) = (open.bracket, open.at, open.line);
        let (indent, line_of) = (open.indent, self.lines[open.line as usize]);
        let end =
            self.out.iter().rev().find(|token| token.kind != Kind::Newline).map_or(at, |token| token.end);
        let close = Token { kind: Kind::Close(closer(bracket) as u8), start: end, end, line };
        self.insert(close);
        if bracket != b'{' {
            self.broken.push(at);
        }
        let deep = self.deep_in.is_some() && self.deep_in == self.stack.first().map(|open| open.at);
        self.stack.pop();
        if deep || (bracket != b'{' && line_of.swallowed) {
            return;
        }
        let diagnostic = self.report_unclosed(bracket, at, next);
        let last = self.tokens[line_of.last as usize];
        let one_line = last.start > at;
        let (place, text) = match (bracket, one_line) {
            (b'{', false) => (end, format!("\n{}}}", " ".repeat(indent as usize))),
            (b'{', true) => (last.end.max(end), " }".to_owned()),
            (other, _) => (end, closer(other).to_string()),
        };
        let place = Span::new(self.file, place as usize, place as usize);
        self.diagnostics.push(diagnostic.fix(bracket == b'{', place, text));
    }

    fn report_unclosed(&self, bracket: u8, at: u32, next: Option<Token>) -> Diagnostic {
        let open = Span::new(self.file, at as usize, at as usize + 1);
        let (mark, close) = (bracket as char, closer(bracket));
        let diagnostic = Diagnostic::new(&codes::E001, open, format!("this `{mark}` is never closed"))
            .label("opened here")
            .help(format!("add the missing `{close}`"));
        match next {
            Some(next) if bracket == b'{' => {
                diagnostic.related(self.span(next), "going by its indentation, this stands outside the block")
            }
            Some(_) => diagnostic,
            None => {
                let end = self.text.trim_end().len();
                let place = Span::new(self.file, end, end);
                diagnostic.related(place, "the file ends here")
            }
        }
    }

    /// `keyword a 1; b 2 }`: the `{` that is missing stood somewhere in this line, so what it held is not known.
    fn lost_open(&mut self, brace: Token) {
        self.stray = Some(brace.start);
        let line = self.lines[brace.line as usize];
        let tokens = &self.tokens[line.first as usize..=line.last as usize];
        let before = tokens.iter().take_while(|token| token.start < brace.start);
        if before.clone().next().is_none()
            || before.clone().any(|token| matches!(token.kind, Kind::Open(b'{') | Kind::Close(b'}')))
        {
            return self.stray(brace);
        }
        let place = self.span(brace);
        self.diagnostics.push(
            Diagnostic::new(&codes::E005, place, "this `}` closes nothing")
                .label("its `{` is missing in this line")
                .help("add the `{`, or remove this"),
        );
        let mut begins = true;
        for token in before {
            if begins {
                self.broken.push(token.start);
            }
            begins = token.kind == Kind::Semicolon;
        }
    }

    fn stray(&mut self, token: Token) {
        let mark = &self.text[token.start as usize..token.end as usize];
        let span = self.span(token);
        let fix = Diagnostic::new(&codes::E005, span, format!("this `{mark}` closes nothing"))
            .label("there is no opener for it")
            .help("remove it, or add the opener it was meant for")
            .fix(true, span, "");
        self.diagnostics.push(fix);
        if token.kind != Kind::Close(b'}') {
            self.broken.push(token.start);
            self.emit(Token { kind: Kind::Broken, ..token });
        }
    }
}
