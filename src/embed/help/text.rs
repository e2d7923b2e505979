//! The ends of what an attempt wrote, a text a stream, with each line's number in the log. Judges nothing.

use std::collections::VecDeque;
use std::path::Path;

use crate::capture::Stream;
use crate::capture::records::Reader;
use crate::capture::scan::{Filter, Line, Scan};
use crate::capture::tail::WINDOW;
use crate::observe::sanitise::last_state;

/// One stream's last lines, made safe and without colour.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub stream: &'static str,
    pub text: String,
    /// Where each line begins, and its number in the log.
    lines: Vec<(usize, u64)>,
}

impl Text {
    /// A text of which no log is known.
    pub fn plain(stream: &'static str, text: &str) -> Self {
        let clean: Vec<String> = text.lines().map(|line| last_state(line.as_bytes(), false)).collect();
        Text { stream, text: clean.join("\n"), lines: Vec::new() }
    }

    fn of(stream: &'static str, tail: Tail) -> Self {
        let mut text = Text { stream, ..Text::default() };
        for (number, line) in tail.lines {
            text.lines.push((text.text.len(), number));
            text.text.push_str(&line);
            text.text.push('\n');
        }
        text
    }

    /// The line in which the byte stands, and its number in the log.
    pub fn line_at(&self, at: usize) -> (&str, Option<u64>) {
        let start = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let end = self.text[at..].find('\n').map_or(self.text.len(), |length| at + length);
        let index = self.lines.partition_point(|(begin, _)| *begin <= start);
        let number = index.checked_sub(1).and_then(|index| self.lines.get(index)).map(|(_, number)| *number);
        (&self.text[start..end], number)
    }
}

#[derive(Default)]
struct Tail {
    lines: VecDeque<(u64, String)>,
    bytes: usize,
}

impl Tail {
    fn push(&mut self, number: u64, line: &[u8]) {
        let line = last_state(&line[line.len().saturating_sub(WINDOW)..], false);
        self.bytes += line.len() + 1;
        self.lines.push_back((number, line));
        while self.bytes > WINDOW && self.lines.len() > 1 {
            let gone = self.lines.pop_front().map_or(0, |(_, line)| line.len() + 1);
            self.bytes = self.bytes.saturating_sub(gone);
        }
    }
}

/// The last 64 KiB of each stream of an attempt's log; none when there is no log that can be read.
pub(super) fn of_log(path: &Path) -> Option<Vec<Text>> {
    let mut scan = Scan::new(Reader::open(path).ok()??);
    let (mut out, mut err, mut number) = (Tail::default(), Tail::default(), 0);
    let mut each = |line: Line<'_>| {
        number += 1;
        match line.stream {
            Stream::Stdout => out.push(number, line.bytes),
            Stream::Stderr => err.push(number, line.bytes),
            Stream::Note => {}
        }
    };
    let filter = Filter::default();
    while scan.step(&filter, &mut each).ok()? {}
    scan.finish(&filter, &mut each);
    Some(vec![Text::of("stderr", err), Text::of("stdout", out)])
}
