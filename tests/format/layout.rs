//! A program as a text that nobody tidied: odd spaces, lines, indentation, empty lines, and comments wherever the
//! language lets one stand.

use super::dice::Dice;
use super::expressions::{Space, Token};
use super::generate::{Program, Statement};

/// A text of the program; what the author chose comes from the dice.
pub fn ugly(program: &Program, dice: &mut Dice) -> String {
    let comments = *dice.pick(&[0, 5, 20]);
    let mut layout = Layout { dice, out: String::new(), comments, count: 0, indent: String::new() };
    layout.statements(&program.statements, "");
    let windows = layout.dice.percent(10);
    let (ends, mark) = (layout.dice.below(3), layout.dice.percent(5));
    let mut text = layout.out.trim_end_matches('\n').to_owned();
    text.push_str(&"\n".repeat(ends));
    if windows {
        text = text.replace('\n', "\r\n");
    }
    if mark { format!("\u{feff}{text}") } else { text }
}

struct Layout<'d> {
    dice: &'d mut Dice,
    out: String,
    /// How often, of a hundred places, a comment stands where one may.
    comments: usize,
    count: usize,
    /// Of the line that the statement being written began on.
    indent: String,
}

impl Layout<'_> {
    /// Each on lines of its own, or behind a `;`.
    fn statements(&mut self, statements: &[Statement], indent: &str) {
        for (index, statement) in statements.iter().enumerate() {
            let after_script =
                self.out.lines().next_back().is_some_and(|line| line.trim_start().starts_with("\"\"\""));
            let fresh = index == 0 || self.out.ends_with('\n') || after_script || self.dice.percent(85);
            if fresh {
                self.fresh_line(indent);
            } else {
                self.out.push_str(if self.dice.percent(50) { ";" } else { " ; " });
                let line = self.out.rsplit('\n').next().unwrap_or_default();
                self.indent = line[..line.len() - line.trim_start().len()].to_owned();
            }
            self.statement(statement);
        }
        while self.dice.percent(self.comments / 2) {
            self.own_line(indent);
        }
    }

    fn fresh_line(&mut self, indent: &str) {
        self.end_line();
        for _ in 0..self.dice.below(4).saturating_sub(1) {
            self.out.push_str(if self.dice.percent(20) { "  \t\n" } else { "\n" });
        }
        while self.dice.percent(self.comments) {
            self.own_line(indent);
        }
        self.indent = indent.to_owned();
        self.out.push_str(indent);
    }

    fn end_line(&mut self) {
        if self.out.is_empty() || self.out.ends_with('\n') {
            return;
        }
        if self.dice.percent(self.comments) {
            self.comment();
        }
        self.space(20);
        self.out.push('\n');
    }

    fn own_line(&mut self, indent: &str) {
        self.end_line();
        let odd = *self.dice.pick(&["", "  ", "\t", "        "]);
        self.out.push_str(if self.dice.percent(50) { odd } else { indent });
        let kind = *self.dice.pick(&["# ", "## ", "#", "### ", "# wfl: allow(W110) ", "# } \" ( [ "]);
        self.write_comment(kind);
        self.out.push('\n');
    }

    /// Behind what is written.
    fn comment(&mut self) {
        self.space(80);
        let kind = *self.dice.pick(&["# ", "## ", "#", "# \"\"\" { "]);
        self.write_comment(kind);
    }

    fn write_comment(&mut self, kind: &str) {
        self.count += 1;
        self.out.push_str(&format!("{kind}comment {}", self.count));
        self.space(10);
    }

    fn space(&mut self, chance: usize) {
        if self.dice.percent(chance) {
            let space = *self.dice.pick(&[" ", " ", "  ", "\t", "     "]);
            self.out.push_str(space);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        for attribute in &statement.attributes {
            self.head(attribute);
            match self.dice.percent(50) {
                true => self.out.push(' '),
                false => {
                    let indent = self.indent.clone();
                    self.fresh_line(&indent);
                }
            }
        }
        self.head(&statement.head);
        let Some(block) = &statement.block else { return };
        self.space(80);
        self.out.push('{');
        if block.iter().all(fits_one_line) && self.dice.percent(50) {
            self.one_line(block);
        } else {
            self.lines(block);
        }
        self.out.push('}');
    }

    fn one_line(&mut self, block: &[Statement]) {
        let comments = std::mem::take(&mut self.comments);
        self.space(80);
        for (index, statement) in block.iter().enumerate() {
            if index > 0 {
                self.space(20);
                self.out.push(';');
                self.space(80);
            }
            for attribute in &statement.attributes {
                self.flat(attribute);
                self.out.push(' ');
            }
            self.flat(&statement.head);
            if let Some(inner) = &statement.block {
                self.space(80);
                self.out.push('{');
                self.one_line(inner);
                self.out.push('}');
            }
        }
        self.space(60);
        self.comments = comments;
    }

    fn lines(&mut self, block: &[Statement]) {
        let outer = self.indent.clone();
        let step = *self.dice.pick(&["  ", "", "    ", "\t", " "]);
        let inner = format!("{outer}{step}");
        if self.dice.percent(80) {
            self.end_line();
        }
        self.statements(block, &inner);
        if self.dice.percent(80) {
            self.end_line();
            for _ in 0..self.dice.below(3).saturating_sub(1) {
                self.out.push('\n');
            }
            self.out.push_str(&outer);
        } else if self.out.ends_with('\n') {
            self.out.push_str(&outer);
        } else {
            self.space(50);
        }
    }

    fn flat(&mut self, tokens: &[Token]) {
        for index in 0..tokens.len() {
            self.gap(tokens, index);
            self.out.push_str(&tokens[index].text);
        }
    }

    /// The tokens of a head, over several lines where it pleases.
    fn head(&mut self, tokens: &[Token]) {
        let broken = self.dice.percent(20);
        let mut depth = 0usize;
        for (index, token) in tokens.iter().enumerate() {
            let before = written(&tokens[..index]);
            let may_break = before.is_some_and(|before| depth > 0 || (before.waits && index > 1));
            let glued = token.before == Space::Never || token.script.is_some() || token.text.is_empty();
            let chance = if broken { 30 } else { self.comments / 4 };
            if may_break && !glued && self.dice.percent(chance) {
                self.line_within();
            } else {
                self.gap(tokens, index);
            }
            match token.text.as_str() {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.out.push_str(&token.text);
            if let Some(script) = &token.script {
                self.script(script);
            }
        }
    }

    /// A line end within a head, with what comments there may be.
    fn line_within(&mut self) {
        self.end_line();
        let indent = format!("{}{}", self.indent, self.dice.pick(&[" ", "  ", "\t", "          "]));
        while self.dice.percent(self.comments) {
            self.own_line(&indent);
        }
        self.out.push_str(&indent);
    }

    fn gap(&mut self, tokens: &[Token], index: usize) {
        let token = &tokens[index];
        if index == 0 || token.text.is_empty() {
            return;
        }
        // A mark without text says what the token after it needs.
        let mark = Some(&tokens[index - 1]).filter(|before| before.text.is_empty());
        match mark.filter(|_| token.before != Space::Never).map_or(token.before, |mark| mark.before) {
            Space::Never => {}
            Space::May => self.space(60),
            Space::Must => {
                self.out.push(' ');
                self.space(10);
            }
        }
    }

    fn script(&mut self, lines: &[String]) {
        if self.dice.percent(self.comments) {
            self.comment();
        }
        let margin = format!("{}{}", self.indent, self.dice.pick(&["", "  ", "    ", "\t", "\t\t"]));
        self.out.push('\n');
        for line in lines {
            let blank = line.is_empty() && self.dice.percent(60);
            let start = if blank { *self.dice.pick(&["", " ", "\t"]) } else { margin.as_str() };
            let start = if blank && start.len() >= margin.len() { "" } else { start };
            self.out.push_str(&format!("{start}{line}\n"));
        }
        self.out.push_str(&format!("{margin}\"\"\""));
    }
}

fn written(tokens: &[Token]) -> Option<&Token> {
    tokens.iter().rev().find(|token| !token.text.is_empty())
}

fn fits_one_line(statement: &Statement) -> bool {
    statement.head.iter().all(|token| token.script.is_none())
        && statement.block.iter().flatten().all(fits_one_line)
}
