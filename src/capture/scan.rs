//! Searches a log line by line: by pattern, level, stream and time, a block at a time and without a copy of each line.
//! Knows no stage and writes nothing.

use std::io;

use memchr::{memchr, memrchr};
use regex::bytes::{Regex, RegexBuilder};

use super::frame::Stream;
use super::level::{self, Level};
use super::records::{Piece, Reader};
use crate::base::Timestamp;

/// A line longer than this is taken in pieces: memory stays bounded whatever was written.
const LONGEST: usize = 1 << 20;

/// Which lines are wanted; all that is set must hold.
#[derive(Debug, Default)]
pub struct Filter {
    pub grep: Option<Grep>,
    pub since: Option<Timestamp>,
    /// This level or a worse one.
    pub level: Option<Level>,
    pub stream: Option<Stream>,
}

impl Filter {
    /// Whether every line is wanted.
    pub fn is_open(&self) -> bool {
        self.grep.is_none() && self.since.is_none() && self.level.is_none() && self.stream.is_none()
    }

    /// Words of wfl itself are wanted wherever their time is.
    fn wants(&self, stream: Stream, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since)
            && (stream == Stream::Note || self.stream.is_none_or(|only| only == stream))
    }
}

/// A pattern searched in each line on its own.
#[derive(Debug)]
pub struct Grep {
    regex: Regex,
    /// `\A` and `\z` mean the line, which a search over many lines cannot know.
    alone: bool,
}

impl Grep {
    /// The error is one line for a person.
    pub fn new(pattern: &str) -> Result<Grep, String> {
        let regex = RegexBuilder::new(pattern).multi_line(true).crlf(true).build();
        let alone = ["\\A", "\\z", "(?"].iter().any(|part| pattern.contains(part));
        regex.map(|regex| Grep { regex, alone }).map_err(|e| {
            let text = e.to_string();
            text.lines().last().unwrap_or(&text).trim_start_matches("error: ").to_string()
        })
    }

    /// Whether one line, without its newline, has a match.
    pub fn finds(&self, line: &[u8]) -> bool {
        self.regex.is_match(line)
    }

    /// Gives the lines of `block` that have a match.
    fn each(&self, block: &[u8], each: &mut dyn FnMut(&[u8])) {
        if self.alone {
            return lines_of(block, &mut |line| {
                if self.finds(line) {
                    each(line);
                }
            });
        }
        let mut from = 0;
        while let Some(found) = (from < block.len()).then(|| self.regex.find_at(block, from)).flatten() {
            // An empty match behind the last newline is in no line.
            if found.start() == block.len() && block.ends_with(b"\n") {
                return;
            }
            let start = memrchr(b'\n', &block[..found.start()]).map_or(0, |at| at + 1);
            let end = memchr(b'\n', &block[found.start()..]).map_or(block.len(), |at| found.start() + at);
            let line = &block[start..end];
            // A match over a line's end is one of the lines together, not of this one.
            if found.end() <= end || self.finds(line) {
                each(line);
            }
            from = end + 1;
        }
    }
}

/// One wanted line, without its newline.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// When its end came.
    pub at: Timestamp,
    pub stream: Stream,
    pub bytes: &'a [u8],
}

/// The lines of one log.
#[derive(Debug)]
pub struct Scan {
    reader: Reader,
    out: Channel,
    err: Channel,
    last: Timestamp,
}

/// One stream of the log.
#[derive(Debug, Default)]
struct Channel {
    /// A line whose end has not come.
    held: Vec<u8>,
    /// Of the last line, which indented lines after it share.
    level: Option<Level>,
}

impl Scan {
    pub fn new(reader: Reader) -> Self {
        let last = reader.begins();
        Scan { reader, out: Channel::default(), err: Channel::default(), last }
    }

    /// When the next output came, if there is more.
    pub fn peek(&mut self) -> io::Result<Option<Timestamp>> {
        self.reader.peek()
    }

    /// Takes one record and gives the wanted lines that end in it; false when there is none, or none yet.
    pub fn step(&mut self, filter: &Filter, each: &mut dyn FnMut(Line<'_>)) -> io::Result<bool> {
        let Some(Piece { at, stream, bytes }) = self.reader.next_piece()? else { return Ok(false) };
        self.last = at;
        let channel = match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
            Stream::Note => {
                if filter.wants(stream, at) {
                    lines_of(bytes, &mut |bytes| each(Line { at, stream, bytes }));
                }
                return Ok(true);
            }
        };
        if !filter.stream.is_none_or(|only| only == stream) {
            return Ok(true);
        }
        let wanted = filter.wants(stream, at);
        let search = Search { filter, wanted, at, stream };
        channel.take(bytes, &search, each);
        Ok(true)
    }

    /// No more will come: gives unfinished lines.
    pub fn finish(&mut self, filter: &Filter, each: &mut dyn FnMut(Line<'_>)) {
        let at = self.last;
        for (stream, channel) in [(Stream::Stdout, &mut self.out), (Stream::Stderr, &mut self.err)] {
            let held = std::mem::take(&mut channel.held);
            let search = Search { filter, wanted: filter.wants(stream, at), at, stream };
            if !held.is_empty() {
                search.block(&held, &mut channel.level, each);
            }
        }
    }
}

impl Channel {
    fn take(&mut self, bytes: &[u8], search: &Search<'_>, each: &mut dyn FnMut(Line<'_>)) {
        let mut rest = bytes;
        if !self.held.is_empty() {
            let end = memchr(b'\n', rest);
            self.held.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            if end.is_none() && self.held.len() < LONGEST {
                return;
            }
            let whole = std::mem::take(&mut self.held);
            search.block(&whole, &mut self.level, each);
            self.held = whole;
            self.held.clear();
            rest = end.map_or(&[], |end| &rest[end + 1..]);
        }
        let whole = memrchr(b'\n', rest).map_or(0, |end| end + 1);
        if whole > 0 {
            search.block(&rest[..whole], &mut self.level, each);
        }
        self.held.extend_from_slice(&rest[whole..]);
    }
}

/// How whole lines of one record are judged.
struct Search<'a> {
    filter: &'a Filter,
    wanted: bool,
    at: Timestamp,
    stream: Stream,
}

impl Search<'_> {
    fn block(&self, block: &[u8], level: &mut Option<Level>, each: &mut dyn FnMut(Line<'_>)) {
        let (at, stream, filter) = (self.at, self.stream, self.filter);
        let mut give = |bytes: &[u8]| each(Line { at, stream, bytes });
        match (&filter.level, &filter.grep) {
            (Some(least), grep) => lines_of(block, &mut |line| {
                *level = level::of_line(line, *level);
                let fits = self.wanted && level.is_some_and(|level| level >= *least);
                if fits && grep.as_ref().is_none_or(|grep| grep.finds(line)) {
                    give(line);
                }
            }),
            _ if !self.wanted => {}
            (None, Some(grep)) => grep.each(block, &mut give),
            (None, None) => lines_of(block, &mut give),
        }
    }
}

/// Each line of `block`, without its newline; the last may lack one.
pub fn lines_of(block: &[u8], each: &mut dyn FnMut(&[u8])) {
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', block) {
        each(&block[from..end]);
        from = end + 1;
    }
    if from < block.len() {
        each(&block[from..]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Writer;
    use super::*;

    fn found(pieces: &[(Stream, &str)], filter: &Filter) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let mut writer = Writer::new(Some(&path), 1 << 30);
        pieces.iter().for_each(|(stream, text)| writer.write(*stream, text.as_bytes()));
        writer.finish();
        let mut scan = Scan::new(Reader::open(&path).unwrap().unwrap());
        let mut all = Vec::new();
        let mut each = |line: Line<'_>| all.push(String::from_utf8_lossy(line.bytes).into_owned());
        while scan.step(filter, &mut each).unwrap() {}
        scan.finish(filter, &mut each);
        all
    }

    fn grep(pattern: &str) -> Filter {
        Filter { grep: Some(Grep::new(pattern).unwrap()), ..Filter::default() }
    }

    const MIXED: &[(Stream, &str)] = &[
        (Stream::Stdout, "one er"),
        (Stream::Stderr, "ERROR: bad\n  at x.c:3\nfine\n"),
        (Stream::Stdout, "ror\ntwo\n\nthree error"),
    ];

    #[test]
    fn lines_of_both_streams_are_whole() {
        assert_eq!(
            found(MIXED, &Filter::default()),
            ["ERROR: bad", "  at x.c:3", "fine", "one error", "two", "", "three error"]
        );
        let err = Filter { stream: Some(Stream::Stderr), ..Filter::default() };
        assert_eq!(found(MIXED, &err), ["ERROR: bad", "  at x.c:3", "fine"]);
    }

    #[test]
    fn a_pattern_is_searched_in_each_line() {
        assert_eq!(found(MIXED, &grep("error$")), ["one error", "three error"]);
        assert_eq!(found(MIXED, &grep("^t")), ["two", "three error"]);
        assert_eq!(found(MIXED, &grep(r"\Atwo\z")), ["two"]);
        assert_eq!(found(MIXED, &grep("^$")), [""]);
        assert!(found(MIXED, &grep(r"two\s+three")).is_empty(), "lines are apart");
        assert_eq!(found(MIXED, &grep(r"e\s|two")), ["one error", "two", "three error"]);
        assert_eq!(found(MIXED, &grep("(?i)ERR")).len(), 3);
    }

    /// Whatever the pattern, a search over blocks finds what a search of each line finds.
    #[test]
    fn blocks_and_lines_agree() {
        let text = "alpha\nbeta\r\n\n  gamma delta\nbeta beta\n\nend";
        for pattern in
            ["a$", "^", "$", "a.", r"\s", r"[^x]", r"\b", r"a\n*", "beta", "(a|b)+", r"\W*", "x*", r"\r"]
        {
            let regex = Grep::new(pattern).unwrap();
            let alone: Vec<&str> = text.split('\n').filter(|line| regex.finds(line.as_bytes())).collect();
            assert_eq!(found(&[(Stream::Stdout, text)], &grep(pattern)), alone, "{pattern}");
        }
    }

    #[test]
    fn a_level_holds_for_indented_lines_below_it() {
        let filter = Filter { level: Some(Level::Warn), ..Filter::default() };
        assert_eq!(found(MIXED, &filter), ["ERROR: bad", "  at x.c:3"]);
    }

    #[test]
    fn an_endless_line_is_searched_in_pieces() {
        let long = "x".repeat(600 << 10);
        let pieces =
            [(Stream::Stdout, long.as_str()), (Stream::Stdout, long.as_str()), (Stream::Stdout, "needle\n")];
        let all = found(&pieces, &Filter::default());
        assert_eq!(all.iter().map(String::len).collect::<Vec<_>>(), [1200 << 10, 6]);
        assert_eq!(found(&pieces, &grep("needle")), ["needle"]);
    }
}
