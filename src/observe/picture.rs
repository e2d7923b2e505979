//! What the live view shows at one moment: what runs, for how long and with which last words, what waits for what, and
//! counts. Pure: rows of text from what was heard, cut to the terminal's size; draws nothing.

use std::time::Instant;

use unicode_width::UnicodeWidthChar;

use crate::event::{NodeIndex, Status};

use super::Style;
use super::ahead::{Ahead, counted_down};
use super::sanitise;
use super::style::{Ink, counted};

/// Rows of stages at most, however tall the terminal.
const MOST: usize = 24;
/// Bytes of a stage's last line that are kept: more than any terminal is wide.
const KEPT: usize = 1024;
/// Columns that a name may take.
const NAME: usize = 40;

/// One stage that runs or waits.
#[derive(Debug)]
struct Entry {
    node: NodeIndex,
    name: String,
    since: Instant,
    /// Why it waits; none when it runs.
    waits: Option<String>,
    /// The last line it wrote.
    last: Vec<u8>,
}

/// What was heard so far.
#[derive(Debug)]
pub struct Picture {
    statuses: Vec<Status>,
    entries: Vec<Entry>,
    done: usize,
    failed: usize,
    began: Instant,
    /// What is left, as it was worked out then.
    ahead: Option<(Ahead, Instant)>,
    style: Style,
}

impl Picture {
    pub fn new(total: usize, style: Style) -> Self {
        let began = Instant::now();
        Picture {
            statuses: vec![Status::Pending; total],
            entries: Vec::new(),
            done: 0,
            failed: 0,
            began,
            ahead: None,
            style,
        }
    }

    /// So much was left at that moment.
    pub fn foresee(&mut self, ahead: Ahead, now: Instant) {
        self.ahead = Some((ahead, now));
    }

    /// A stage's state is now this one.
    pub fn set(&mut self, node: NodeIndex, status: Status) {
        let Some(known) = self.statuses.get_mut(node as usize) else { return };
        let before = std::mem::replace(known, status);
        self.done = self.done + usize::from(status.is_final()) - usize::from(before.is_final());
        self.failed = self.failed + usize::from(is_bad(status)) - usize::from(is_bad(before));
        if !matches!(status, Status::Running | Status::Waiting) {
            self.entries.retain(|entry| entry.node != node);
        }
    }

    pub fn runs(&mut self, node: NodeIndex, name: String, now: Instant) {
        self.enter(Entry { node, name, since: now, waits: None, last: Vec::new() });
    }

    pub fn waits(&mut self, node: NodeIndex, name: String, why: String, now: Instant) {
        self.enter(Entry { node, name, since: now, waits: Some(why), last: Vec::new() });
    }

    fn enter(&mut self, entry: Entry) {
        self.entries.retain(|known| known.node != entry.node);
        self.entries.push(entry);
    }

    /// A running stage wrote a line; true when that is news.
    pub fn wrote(&mut self, node: NodeIndex, line: &[u8]) -> bool {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.node == node) else { return false };
        let line = line.trim_ascii();
        if line.is_empty() || entry.last == line {
            return false;
        }
        entry.last.clear();
        entry.last.extend_from_slice(&line[line.len().saturating_sub(KEPT)..]);
        true
    }

    /// Whether rows change by time alone.
    pub fn moves(&self) -> bool {
        !self.entries.is_empty()
    }

    /// The rows, each narrower than `columns`, fewer than `lines`.
    pub fn rows(&self, columns: usize, lines: usize, now: Instant) -> Vec<String> {
        let width = columns.saturating_sub(1).max(1);
        // A third is left to what scrolled by.
        let room = (lines * 2 / 3).saturating_sub(1).min(MOST);
        let (mut running, waiting): (Vec<_>, Vec<_>) =
            self.entries.iter().partition(|entry| entry.waits.is_none());
        running.extend(waiting);
        let shown = if running.len() > room { room.saturating_sub(1) } else { running.len() };
        let (seen, hidden) = running.split_at(shown);
        let name = seen.iter().map(|entry| width_of(&entry.name)).max().unwrap_or(0).min(NAME).min(width / 2);
        let mut rows: Vec<String> = seen.iter().map(|entry| self.row(entry, name, width, now)).collect();
        if !hidden.is_empty() && room > 0 {
            rows.push(self.style.paint(Ink::Dim, &cut(&more(hidden), width, self.style)));
        }
        rows.push(cut(&self.footer(now), width, self.style));
        rows
    }

    fn row(&self, entry: &Entry, name: usize, width: usize, now: Instant) -> String {
        let status = if entry.waits.is_some() { Status::Waiting } else { Status::Running };
        let shown = cut(&entry.name, name, self.style);
        let pad = " ".repeat(name.saturating_sub(width_of(&shown)));
        let took = format!("{:>6}", seconds(now.saturating_duration_since(entry.since).as_secs()));
        let left = width.saturating_sub(2 + name + 1 + width_of(&took));
        if left == 0 {
            return format!("{} {shown}", self.style.mark(status));
        }
        let words = entry
            .waits
            .clone()
            .unwrap_or_else(|| sanitise::last_state(&entry.last, false).replace('\t', " "));
        let words = cut(&words, left.saturating_sub(2), self.style);
        let gap = if words.is_empty() { "" } else { "  " };
        let words = self.style.paint(Ink::Dim, &words);
        format!("{} {shown}{pad} {took}{gap}{words}", self.style.mark(status))
    }

    fn footer(&self, now: Instant) -> String {
        let waiting = self.entries.iter().filter(|entry| entry.waits.is_some()).count();
        let running = self.entries.len() - waiting;
        let mut parts = vec![format!("{} of {} done", self.done, counted(self.statuses.len(), "stage"))];
        let counts = [(running, "running"), (waiting, "waiting"), (self.failed, "failed")];
        parts.extend(
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")),
        );
        parts.push(seconds(now.saturating_duration_since(self.began).as_secs()));
        if let Some((ahead, at)) = &self.ahead {
            let gone = now.saturating_duration_since(*at).as_millis() as u64;
            parts.push(counted_down(ahead, gone));
        }
        parts.join(&format!(" {} ", self.style.dash()))
    }
}

fn is_bad(status: Status) -> bool {
    matches!(status, Status::Failed | Status::TimedOut)
}

/// `3 more running, 1 waiting`.
fn more(hidden: &[&Entry]) -> String {
    let waiting = hidden.iter().filter(|entry| entry.waits.is_some()).count();
    let counts = [(hidden.len() - waiting, "running"), (waiting, "waiting")];
    let words: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("  and {}", words.join(", "))
}

/// Whole seconds: a picture that changes once a second is calm to look at.
fn seconds(all: u64) -> String {
    match all {
        0..60 => format!("{all}s"),
        60..3_600 => format!("{}m {:02}s", all / 60, all % 60),
        _ => format!("{}h {:02}m", all / 3_600, all % 3_600 / 60),
    }
}

/// Columns that a character takes, rather too many than too few.
fn columns_of(c: char) -> usize {
    // Turns the character before it into a wide picture on some terminals.
    if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(1) }
}

/// Columns that a text takes on a terminal.
pub fn width_of(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// `text` in at most `width` columns, with a mark where something is left out.
pub fn cut(text: &str, width: usize, style: Style) -> String {
    if width_of(text) <= width {
        return text.to_string();
    }
    let mark = if style.unicode { "…" } else { "~" };
    let mut left = width.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let columns = columns_of(c);
        if columns > left {
            break;
        }
        left -= columns;
        kept.push(c);
    }
    if width > 0 {
        kept.push_str(mark);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn picture(running: u32, waiting: u32) -> (Picture, Instant) {
        let mut picture = Picture::new(50, Style::default());
        let now = picture.began;
        for node in 0..running + waiting {
            let name = format!("stage-{node}");
            if node < running {
                picture.set(node, Status::Running);
                picture.runs(node, name, now);
            } else {
                picture.set(node, Status::Waiting);
                picture.waits(node, name, "waits for lock production".into(), now);
            }
        }
        (picture, now)
    }

    #[test]
    fn rows_tell_name_time_and_last_words() {
        let (mut picture, now) = picture(2, 1);
        assert!(picture.wrote(1, b"\x1b[31mCompiling\x1b[0m\tx\r\n"));
        assert!(!picture.wrote(9, b"not running"));
        assert_eq!(
            picture.rows(80, 24, now + Duration::from_secs(65)),
            [
                "> stage-0 1m 05s",
                "> stage-1 1m 05s  Compiling x",
                "~ stage-2 1m 05s  waits for lock production",
                "0 of 50 stages done - 2 running - 1 waiting - 1m 05s",
            ]
        );
    }

    #[test]
    fn what_is_left_counts_down_between_two_events() {
        let (mut picture, now) = picture(0, 0);
        picture.foresee(Ahead { ms: 42_000, between: Some((30_000, 60_000)) }, now);
        let footer = |after| picture.rows(80, 24, now + Duration::from_secs(after)).pop();
        assert_eq!(footer(2).as_deref(), Some("0 of 50 stages done - 2s - about 40s left"));
        assert_eq!(footer(70).as_deref(), Some("0 of 50 stages done - 1m 10s - longer than usual"));
    }

    #[test]
    fn nothing_is_ever_wider_or_higher_than_the_terminal() {
        let (mut picture, now) = picture(30, 30);
        for node in 0..30 {
            picture.wrote(node, "日本語のとても長い行です🦀é\u{301}".repeat(20).as_bytes());
        }
        for columns in (1..40).chain([79, 80, 120]) {
            for lines in [1, 2, 3, 4, 5, 6, 10, 24, 60] {
                let rows = picture.rows(columns, lines, now);
                assert!(rows.len() < lines.max(2), "{columns}x{lines}: {}", rows.len());
                for row in rows {
                    assert!(width_of(&row) < columns.max(4), "{columns}x{lines}: {row}");
                }
            }
        }
        let rows = picture.rows(80, 10, now);
        assert_eq!(rows[rows.len() - 2], "  and 26 running, 30 waiting");
    }

    #[test]
    fn what_ended_leaves_the_picture_and_is_counted() {
        let (mut picture, now) = picture(2, 0);
        picture.set(0, Status::Succeeded);
        picture.set(1, Status::Failed);
        assert_eq!(picture.rows(80, 24, now), ["2 of 50 stages done - 1 failed - 0s"]);
        picture.set(1, Status::Pending);
        assert_eq!(picture.rows(80, 24, now), ["1 of 50 stages done - 0s"]);
    }
}
