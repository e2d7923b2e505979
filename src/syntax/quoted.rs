//! Where strings, f-strings and scripts end, also those that were never closed. Does not decode them.

use crate::diag::{Diagnostic, codes};

use super::ast::Comment;
use super::lexical::Lexer;
use super::pieces::opening_comment;
use super::tally::tick;
use super::token::{Kind, MAX_DEPTH, ScriptRange};

/// How reading an f-string's text went.
enum Closed {
    At(usize),
    Not,
    /// The `{` of an interpolation is still open.
    NotBrace(usize),
    TooDeep(usize),
}

/// Where a script's text ends.
struct ScriptEnd {
    body_end: usize,
    margin: std::ops::Range<usize>,
    /// Past the closing quotes, or where the script was judged to end.
    end: usize,
    closed: bool,
}

impl Lexer<'_> {
    /// A quote at `prefix` bytes from here; the prefix is `f` or nothing.
    pub(super) fn quote(&mut self, prefix: usize) {
        if self.next_is(prefix, "\"\"\"") {
            return self.script(prefix);
        }
        if prefix == 0 && self.is_slipped_script() {
            return self.slipped_script();
        }
        let closed = if prefix == 1 { self.format_end(self.at + 2) } else { self.string_end(self.at + 1) };
        match closed {
            Closed::At(end) => self.push(Kind::Text, end - self.at),
            Closed::Not => self.unclosed_string(),
            Closed::NotBrace(at) => self.unclosed_interpolation(at),
            Closed::TooDeep(at) => {
                let span = self.span(at, at + 1);
                self.report(Diagnostic::new(
                    &codes::E010,
                    span,
                    format!("f-strings are nested more than {MAX_DEPTH} deep"),
                ));
                self.broken_to(self.here_to_line_end());
            }
        }
    }

    fn string_end(&self, mut at: usize) -> Closed {
        while let Some(&byte) = self.bytes.get(at) {
            tick();
            match byte {
                b'"' => return Closed::At(at + 1),
                b'\\' if self.bytes.get(at + 1).is_some_and(|&next| next != b'\n') => at += 2,
                b'\n' => return Closed::Not,
                _ => at += 1,
            }
        }
        Closed::Not
    }

    /// Each level is the number of braces open in an interpolation, or none while in a string's text.
    fn format_end(&mut self, mut at: usize) -> Closed {
        let mut levels: Vec<Option<u32>> = vec![None];
        let mut outermost = at;
        while let Some(&byte) = self.bytes.get(at) {
            tick();
            if levels.len() > MAX_DEPTH {
                return Closed::TooDeep(at);
            }
            match (byte, levels.last().copied().flatten()) {
                (b'\n', _) => break,
                (b'\\', None) if self.bytes[at..].starts_with(b"\\u{") => at += 3,
                (b'\\', None) => at += 1,
                (b'"', None) => {
                    levels.pop();
                    if levels.is_empty() {
                        return Closed::At(at + 1);
                    }
                }
                (b'{', None) => {
                    outermost = if levels.len() == 1 { at } else { outermost };
                    levels.push(Some(0));
                }
                (_, None) => {}
                (b'"', Some(_)) if at > 0 && self.bytes[at - 1] == b'f' => levels.push(None),
                (b'"', Some(_)) => match self.string_end(at + 1) {
                    Closed::At(end) => at = end - 1,
                    _ => return Closed::NotBrace(outermost),
                },
                (b'{', Some(_)) => brace(&mut levels, 1),
                (b'}', Some(0)) => drop(levels.pop()),
                (b'}', Some(_)) => brace(&mut levels, -1),
                (b'&' | b'|' | b'=' | b'!', Some(_)) => at += self.foreign_inside(at),
                _ => {}
            }
            at += 1;
        }
        if levels.len() > 1 { Closed::NotBrace(outermost) } else { Closed::Not }
    }

    /// Reports a foreign operator inside an f-string; how many bytes more than one to go on.
    fn foreign_inside(&mut self, at: usize) -> usize {
        let back = std::mem::replace(&mut self.at, at);
        let known = ["==", "!="].iter().any(|word| self.next_is(0, word)) && !self.next_is(2, "=");
        let length = if known { Some(2) } else { self.foreign_operator() };
        self.at = back;
        length.map_or(0, |length| length - 1)
    }

    fn here_to_line_end(&self) -> usize {
        let rest = &self.text[self.at..];
        self.at + rest.lines().next().map_or(rest.len(), |line| line.trim_end().len()).max(1)
    }

    /// A token that breaks its statement, up to `end`.
    fn broken_to(&mut self, end: usize) {
        self.out.broken.push(self.at as u32);
        self.push(Kind::Broken, end - self.at);
        if let Some(line) = self.out.lines.last_mut() {
            line.swallowed = true;
        }
    }

    /// The string ends with its line, or before what closes a block of this very line.
    fn unclosed_string(&mut self) {
        let end = self.string_was_meant_to_end();
        let quote = self.span(self.at, self.at + 1);
        self.report(
            Diagnostic::new(&codes::E002, quote, "this string is never closed")
                .label("opened here")
                .help("add the closing `\"`; a string ends on its own line")
                .fix(false, self.span(end, end), "\""),
        );
        self.broken_to(end);
    }

    /// The quote that ends the f-string was read as the begin of a string inside its `{…}`.
    fn unclosed_interpolation(&mut self, brace: usize) {
        let end = self.string_was_meant_to_end();
        let span = self.span(brace, brace + 1);
        self.report(
            Diagnostic::new(&codes::E001, span, "this `{` of an f-string is never closed")
                .label("opened here")
                .help("add the missing `}`, or write `\\{` for a brace in the text"),
        );
        self.broken_to(end);
    }

    /// The line's end; but a `}` that closes a block of this line, or a `{` that opens one for the lines below, is
    /// not part of the string.
    fn string_was_meant_to_end(&self) -> usize {
        let end = self.here_to_line_end();
        if self.braces_on_line > 0 {
            return self.before_block_end(end);
        }
        let Some(rest) = self.text[self.at + 1..end].strip_suffix('{') else { return end };
        if self.is_followed_deeper() { self.at + 1 + rest.trim_end().len() } else { end }
    }

    fn before_block_end(&self, end: usize) -> usize {
        // Each string of a very long line may not look at all the rest of it.
        if end - self.at > 4096 {
            return end;
        }
        let rest = &self.text[self.at + 1..end];
        let code = match rest.rfind("} #") {
            Some(brace) => &rest[..=brace],
            None => rest,
        };
        let mut trimmed = code;
        for _ in 0..self.braces_on_line {
            match trimmed.trim_end().strip_suffix('}') {
                Some(less) => trimmed = less,
                None => break,
            }
        }
        let cut = trimmed.find(';').unwrap_or(trimmed.len());
        self.at + 1 + trimmed[..cut].trim_end().len()
    }

    fn script(&mut self, prefix: usize) {
        let quotes = self.at + prefix;
        if self.at_line_start() && !self.opens_a_value() {
            let span = self.span(self.at, quotes + 3);
            if self.is_followed_deeper() {
                let message = "a script needs a keyword before its `\"\"\"`";
                self.report(Diagnostic::new(&codes::E011, span, message).help("write `run \"\"\"`"));
                let end = self.script_end(quotes + 3).end;
                return self.broken_to(end);
            }
            self.report(
                Diagnostic::new(&codes::E002, span, "these `\"\"\"` close no script")
                    .help("a script opens at the end of its statement's line: `run \"\"\"`"),
            );
            self.out.broken.push(self.at as u32);
            return self.push(Kind::Broken, prefix + 3);
        }
        let line_end = self.here_to_line_end();
        let extra = self.text[quotes + 3..line_end.max(quotes + 3)].trim();
        if !extra.is_empty() && !extra.starts_with('#') {
            return self.script_on_one_line(quotes + 3, line_end);
        }
        let end = self.script_end(quotes + 3);
        if !end.closed {
            let span = self.span(self.at, quotes + 3);
            self.report(unclosed_script(span));
        }
        self.finish_script(prefix, end);
    }

    /// Whether the next line with a text is indented deeper than the one that begins here.
    fn is_followed_deeper(&self) -> bool {
        let below = lines_after(self.text, self.at).find(|line| !self.line_of(line).0.is_empty());
        below.is_some_and(|line| self.line_of(&line).1 > self.indent())
    }

    fn finish_script(&mut self, prefix: usize, end: ScriptEnd) {
        let quotes = self.at + prefix;
        let body_start = self.text[quotes..].find('\n').map_or(self.text.len(), |far| quotes + far + 1);
        let script = ScriptRange {
            start: self.at as u32,
            body: body_start.min(end.body_end)..end.body_end,
            margin: end.margin,
            interpolated: prefix == 1,
        };
        if let Some((from, to)) = opening_comment(self.text, &script, quotes) {
            let text = self.text[from..to].to_owned();
            self.out.comments.push(Comment { span: self.span(from, to), text, own_line: false });
        }
        self.out.scripts.push(script);
        if !end.closed {
            return self.broken_to(end.end.max(quotes + 1));
        }
        self.rewrite(self.at, end.end, if prefix == 1 { "f\"\"\"" } else { "\"\"\"" });
        self.push(Kind::Script, end.end - self.at);
    }

    /// True when the quotes begin a line and what came before still waits for a value.
    fn opens_a_value(&self) -> bool {
        let last = self.out.tokens.iter().rev().find(|token| token.kind != Kind::Newline);
        last.is_some_and(|token| match token.kind {
            Kind::Comma | Kind::Open(b'(' | b'[') => true,
            Kind::Operator => &self.bytes[token.start as usize..token.end as usize] == b"=",
            _ => false,
        })
    }

    fn script_on_one_line(&mut self, after: usize, line_end: usize) {
        let rest = &self.text[after..line_end];
        let span = self.span(after, line_end);
        self.report(
            Diagnostic::new(&codes::E011, span, "a script's text begins on the line after its `\"\"\"`")
                .label("this stands on the line of the opening quotes")
                .help("put the text on lines of its own, and the closing `\"\"\"` on the last"),
        );
        let end = match rest.find("\"\"\"") {
            Some(close) => after + close + 3,
            None => self.script_end(after).end,
        };
        self.broken_to(end);
    }

    /// `""` or `"` at a line's end, with a closing `"""` to come before the statement's own level returns.
    fn is_slipped_script(&self) -> bool {
        let length = if self.next_is(0, "\"\"") { 2 } else { 1 };
        let line = self.text[self.at + length..].lines().next().unwrap_or("");
        if !line.trim().is_empty() || self.at_line_start() {
            return false;
        }
        let own = self.indent();
        for line in lines_after(self.text, self.at) {
            let (text, indent) = self.line_of(&line);
            if text.starts_with("\"\"\"") {
                return indent >= own;
            }
            if !text.is_empty() && (indent <= own || text.ends_with("\"\"\"")) {
                return false;
            }
        }
        false
    }

    fn slipped_script(&mut self) {
        let length = if self.next_is(0, "\"\"") { 2 } else { 1 };
        let span = self.span(self.at, self.at + length);
        self.report(
            Diagnostic::new(&codes::E002, span, "the script's opening quotes are incomplete")
                .label("a script opens with three")
                .help("write `\"\"\"`")
                .fix(true, span, "\"\"\""),
        );
        let end = self.script_end(self.at + length);
        self.broken_to(end.end);
    }

    fn line_of(&self, line: &std::ops::Range<usize>) -> (&str, u32) {
        let whole = &self.text[line.clone()];
        let text = whole.trim_start_matches([' ', '\t']);
        let space = &whole.as_bytes()[..whole.len() - text.len()];
        let indent = space.iter().fold(0, |w, byte| if *byte == b'\t' { w / 8 * 8 + 8 } else { w + 1 });
        (text.trim_end(), indent)
    }

    /// Finds the closing line; without one, the script ends where indentation says the next statement begins.
    fn script_end(&self, after: usize) -> ScriptEnd {
        let own = self.indent();
        let mut outside: Option<usize> = None;
        let mut slip: Option<std::ops::Range<usize>> = None;
        let mut last_text = after;
        for line in lines_after(self.text, after) {
            let (text, indent) = self.line_of(&line);
            if text.starts_with("\"\"\"") {
                return self.closed_script(line, after);
            }
            if outside.is_some() && text.contains("\"\"\"") {
                break;
            }
            if outside.is_none() && slip.is_none() {
                if text == "\"\"" || text == "\"" {
                    slip = Some(line.clone());
                } else if !text.is_empty() && indent <= own {
                    outside = Some(last_text);
                }
            }
            if !text.is_empty() {
                last_text = line.start + self.text[line].trim_end().len();
            }
            if slip.is_some() {
                outside = outside.or(Some(last_text));
            }
        }
        let end = outside.unwrap_or_else(|| self.text.trim_end().len().max(after));
        let body_end = slip.map_or(end, |slip| slip.start);
        ScriptEnd { body_end, margin: end..end, end, closed: false }
    }

    fn closed_script(&self, line: std::ops::Range<usize>, after: usize) -> ScriptEnd {
        let (text, _) = self.line_of(&line);
        let quotes = line.end - self.text[line.clone()].trim_start_matches([' ', '\t']).len();
        debug_assert!(text.starts_with("\"\"\""));
        // The line break before the closing quotes is not part of the text.
        let mut body_end = line.start.saturating_sub(1).max(after);
        if body_end > after && self.bytes[body_end - 1] == b'\r' {
            body_end -= 1;
        }
        ScriptEnd { body_end, margin: line.start..quotes, end: quotes + 3, closed: true }
    }
}

fn unclosed_script(span: crate::base::Span) -> Diagnostic {
    Diagnostic::new(&codes::E002, span, "this script is never closed")
        .label("opened here")
        .help("close it with a line that holds only `\"\"\"`")
}

fn brace(levels: &mut [Option<u32>], by: i32) {
    if let Some(Some(depth)) = levels.last_mut() {
        *depth = depth.saturating_add_signed(by);
    }
}

/// The lines that begin after `at`, without their line feeds.
fn lines_after(text: &str, at: usize) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let mut next = text[at..].find('\n').map(|far| at + far + 1);
    std::iter::from_fn(move || {
        let start = next?;
        tick();
        if start > text.len() || (start == text.len() && start > 0) {
            return None;
        }
        let end = text[start..].find('\n').map_or(text.len(), |far| start + far);
        next = (end < text.len()).then_some(end + 1);
        Some(start..end)
    })
}
