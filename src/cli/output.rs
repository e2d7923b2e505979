//! What standard output and standard error can show, and writing to them. Data goes to the one, all else to the other.

use std::io::{IsTerminal, Write};

use crate::base::SourceMap;
use crate::diag::{self, Diagnostic};
use crate::observe::Style;
use crate::observe::style::Ink;

use super::args::Color;

/// What was found out about the two streams at start.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Of standard output.
    pub out: Style,
    /// Of standard error.
    pub err: Style,
    pub out_is_terminal: bool,
    pub err_is_terminal: bool,
    pub in_is_terminal: bool,
    pub ci: bool,
    pub width: usize,
}

impl Terminal {
    pub fn detect(color: Color) -> Self {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let unicode = is_utf8(&set);
        let style = |terminal| Style { color: colored(color, terminal, &set), unicode };
        Terminal {
            out: style(out),
            err: style(err),
            out_is_terminal: out,
            err_is_terminal: err,
            in_is_terminal: std::io::stdin().is_terminal(),
            ci: set("CI").is_some_and(|value| value != "false"),
            width: width(),
        }
    }

    /// Somebody sits there who can answer.
    pub fn can_ask(&self) -> bool {
        self.in_is_terminal && self.err_is_terminal && !self.ci
    }

    /// A moving picture makes sense.
    pub fn live(&self) -> bool {
        self.err_is_terminal && !self.ci && set("TERM").is_none_or(|term| term != "dumb")
    }

    /// Writes data; a newline is added when it lacks one.
    pub fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        // Whoever closed the pipe has read enough.
        let _ = write!(out, "{text}{end}").and_then(|()| out.flush());
    }

    /// Writes bytes as they are.
    pub fn raw(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    pub fn json(&self, value: &serde_json::Value) {
        self.data(&value.to_string());
    }

    /// A word to the person.
    pub fn say(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n'));
    }

    pub fn error(&self, message: &str, help: &str) {
        self.say(&format!("{}: {message}", self.err.paint(Ink::Bad, "error")));
        if !help.is_empty() {
            self.say(&format!("  help: {help}"));
        }
    }

    pub fn diagnostics(&self, sources: &SourceMap, diagnostics: &[Diagnostic]) {
        self.say(&diag::render(diag::Format::Human, sources, diagnostics, self.err.color, self.width));
    }
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn colored(color: Color, terminal: bool, set: &dyn Fn(&str) -> Option<String>) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// The first of the three that is set decides, as in C.
fn is_utf8(set: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

fn width() -> usize {
    let set = set("COLUMNS").and_then(|columns| columns.parse().ok());
    let asked = || rustix::termios::tcgetwinsize(std::io::stderr()).ok().map(|size| size.ws_col as usize);
    set.or_else(asked).filter(|width| *width >= 20).unwrap_or(100)
}

/// Rows of cells with the columns lined up; trailing spaces are cut.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| wide(cell)).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(wide(cell)))))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_and_dumb_terminals_are_respected() {
        let none = |_: &str| None;
        let no_color = |name: &str| (name == "NO_COLOR").then(|| "1".to_string());
        let dumb = |name: &str| (name == "TERM").then(|| "dumb".to_string());
        assert!(colored(Color::Auto, true, &none));
        assert!(!colored(Color::Auto, false, &none));
        assert!(!colored(Color::Auto, true, &no_color));
        assert!(!colored(Color::Auto, true, &dumb));
        assert!(colored(Color::Always, false, &no_color));
    }

    #[test]
    fn the_locale_says_whether_symbols_can_be_shown() {
        assert!(is_utf8(&|name| (name == "LANG").then(|| "en_US.UTF-8".to_string())));
        assert!(!is_utf8(&|name| Some(if name == "LC_ALL" {
            "C".into()
        } else {
            "en_US.UTF-8".to_string()
        })));
        assert!(!is_utf8(&|_| None));
    }

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let rows = [vec!["a".into(), "bb".into()], vec!["ccc".into(), "d".into()]];
        assert_eq!(table(&rows), "a    bb\nccc  d\n");
    }
}
