//! How text looks on a terminal: colours, symbols, and durations as people read them. Knows nothing of runs' logic.

use crate::event::Status;

/// What the place that is written to can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Style {
    pub color: bool,
    pub unicode: bool,
}

/// The few colours used, each with one meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Good,
    Bad,
    Care,
    Dim,
    Bold,
}

impl Style {
    pub fn paint(self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_string();
        }
        let code = match ink {
            Ink::Good => "32",
            Ink::Bad => "31",
            Ink::Care => "33",
            Ink::Dim => "2",
            Ink::Bold => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    pub fn symbol(self, status: Status) -> &'static str {
        let (fancy, plain) = match status {
            Status::Succeeded => ("✓", "ok"),
            Status::Reused => ("✓", "ok"),
            Status::Failed | Status::TimedOut | Status::Blocked => ("✗", "x"),
            Status::Cancelled => ("■", "x"),
            Status::Skipped => ("○", "-"),
            Status::Waived | Status::Warned => ("!", "!"),
            Status::Unknown => ("?", "?"),
            Status::Waiting => ("…", "~"),
            Status::Running => ("▶", ">"),
            Status::Pending | Status::Ready => ("·", "."),
        };
        if self.unicode { fancy } else { plain }
    }

    pub fn ink(status: Status) -> Ink {
        match status {
            Status::Succeeded | Status::Reused => Ink::Good,
            Status::Failed | Status::TimedOut | Status::Blocked | Status::Cancelled => Ink::Bad,
            Status::Unknown | Status::Waived | Status::Warned | Status::Waiting => Ink::Care,
            Status::Skipped | Status::Pending | Status::Ready | Status::Running => Ink::Dim,
        }
    }

    /// The symbol in its colour.
    pub fn mark(self, status: Status) -> String {
        self.paint(Style::ink(status), self.symbol(status))
    }

    pub fn dash(self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }
}

/// `8.2s`, `2m 05s`, `1h 03m`: short and rounded, for people.
pub fn elapsed(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 => format!("{:.1}s", ms as f64 / 1000.0),
        60_000..3_600_000 => format!("{}m {:02}s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{}h {:02}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// `1 stage`, `3 stages`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The first line of a text, cut to `width` characters.
pub fn one_line(text: &str, width: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= width && text.lines().nth(1).is_none() {
        return line.to_string();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        assert_eq!(elapsed(12), "12ms");
        assert_eq!(elapsed(8_240), "8.2s");
        assert_eq!(elapsed(125_000), "2m 05s");
        assert_eq!(elapsed(3_780_000), "1h 03m");
    }

    #[test]
    fn without_colour_nothing_is_added_and_symbols_are_ascii() {
        let style = Style::default();
        assert_eq!(style.mark(Status::Failed), "x");
        assert!(style.mark(Status::Succeeded).is_ascii());
    }

    #[test]
    fn long_and_multi_line_texts_are_cut_to_one_line() {
        assert_eq!(one_line("short", 10), "short");
        assert_eq!(one_line("first\nsecond", 10), "first…");
        assert_eq!(one_line("abcdefghijkl", 5), "abcd…");
    }
}
