//! The log of one attempt as it is written: records of time, stream and bytes, framed by length so that no output can
//! forge one. Of a log that reaches its cap the beginning is kept, and the end, which says most. Does not interpret the
//! bytes.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Instant;

use crate::base::Timestamp;

/// `WFLLOG1\n`, then the milliseconds since 1970 at which the log begins.
pub(super) const MAGIC: &[u8; 8] = b"WFLLOG1\n";
/// Length, stream, milliseconds since the beginning.
pub(super) const HEADER: usize = 4 + 1 + 8;
/// Longest record a reader accepts: more than a writer makes.
pub(super) const LONGEST: u32 = 1 << 20;
/// How much of its end a log keeps beyond its cap, at most; a quarter of a smaller cap.
const END: u64 = 256 << 10;
/// What a record kept in memory costs beside its bytes.
const OVERHEAD: usize = 64;

/// Where bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    Stdout,
    Stderr,
    /// Words of wfl itself: that the log was cut.
    Note,
}

impl Stream {
    fn code(self) -> u8 {
        match self {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
            Stream::Note => 3,
        }
    }

    pub(super) fn of(code: u8) -> Option<Stream> {
        [Stream::Stdout, Stream::Stderr, Stream::Note].into_iter().find(|stream| stream.code() == code)
    }

    /// As events, filters and JSON name it.
    pub fn word(self) -> &'static str {
        match self {
            Stream::Stdout => "out",
            Stream::Stderr => "err",
            Stream::Note => "note",
        }
    }
}

/// Writes a log; the file is made by the first byte. A log that cannot be written is cut, never an error of the stage.
#[derive(Debug)]
pub struct Writer<'a> {
    path: Option<&'a Path>,
    open: Option<Open>,
    cap: u64,
    /// What the beginning may still take.
    left: u64,
    /// Once the beginning is full.
    end: Option<End>,
    failed: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    began: Instant,
    buffer: Vec<u8>,
    /// Bytes of whole records on the disk.
    good: u64,
}

/// The last output of a log whose beginning is full, in bounded memory.
#[derive(Debug)]
struct End {
    records: VecDeque<(Stream, u64, Vec<u8>)>,
    held: usize,
    room: usize,
    dropped: u64,
}

impl<'a> Writer<'a> {
    pub fn new(path: Option<&'a Path>, cap: u64) -> Self {
        Writer { path, open: None, cap, left: cap - end_of(cap), end: None, failed: false }
    }

    pub fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let Some(path) = self.path.filter(|_| !self.failed) else {
            return;
        };
        let take = if self.end.is_some() { 0 } else { (bytes.len() as u64).min(self.left) as usize };
        let (now, rest) = bytes.split_at(take);
        self.left -= take as u64;
        if !now.is_empty() && self.open(path).and_then(|open| open.write(stream, now)).is_err() {
            return self.give_up();
        }
        if !rest.is_empty() {
            self.keep_end(path, stream, rest);
        }
    }

    /// The beginning is full: a word about it once, then only the newest output is kept.
    fn keep_end(&mut self, path: &Path, stream: Stream, bytes: &[u8]) {
        if self.end.is_none() {
            self.end = Some(End::new(end_of(self.cap) as usize));
            let note = format!(
                "wfl: the log is cut here: it reached its cap of {} bytes; the stage went on\n",
                self.cap
            );
            if self.open(path).and_then(|open| open.write(Stream::Note, note.as_bytes())).is_err() {
                return self.give_up();
            }
        }
        let since = self.open.as_ref().map_or(0, Open::since);
        if let Some(end) = &mut self.end {
            end.push(stream, since, bytes);
        }
    }

    /// Writes the end of a log that was cut.
    pub fn finish(&mut self) {
        let (Some(open), Some(end), false) = (&mut self.open, self.end.take(), self.failed) else { return };
        let written = open.write_end(&end);
        // Still cut, whoever asks.
        self.end = Some(End::new(0));
        if written.is_err() {
            self.give_up();
        }
    }

    /// Whether the log lacks output.
    pub fn cut(&self) -> bool {
        self.failed || self.end.is_some()
    }

    /// The disk is full or gone: what is whole stays readable, with a last word if it can still be said.
    fn give_up(&mut self) {
        self.failed = true;
        if let Some(mut open) = self.open.take() {
            open.back_to_whole();
        }
    }

    fn open(&mut self, path: &Path) -> io::Result<&mut Open> {
        match &mut self.open {
            Some(open) => Ok(open),
            empty => Ok(empty.insert(Open::create(path)?)),
        }
    }
}

fn end_of(cap: u64) -> u64 {
    END.min(cap / 4)
}

impl Open {
    fn create(path: &Path) -> io::Result<Open> {
        let make = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file = make().or_else(|e| match path.parent() {
            Some(folder) if e.kind() == io::ErrorKind::NotFound => {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                make()
            }
            _ => Err(e),
        })?;
        let mut buffer = MAGIC.to_vec();
        buffer.extend_from_slice(&Timestamp::now().0.to_le_bytes());
        Ok(Open { file, began: Instant::now(), buffer, good: 0 })
    }

    fn since(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// Each record goes out at once, in one write, so that `wfl logs` sees a running stage.
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let since = self.since();
        for piece in bytes.chunks(LONGEST as usize) {
            frame(&mut self.buffer, stream, since, piece);
            self.flush()?;
        }
        Ok(())
    }

    fn write_end(&mut self, end: &End) -> io::Result<()> {
        if end.dropped > 0 {
            let note = format!("wfl: {} bytes are left out here; the end follows\n", end.dropped);
            self.write(Stream::Note, note.as_bytes())?;
        }
        for (stream, since, bytes) in &end.records {
            frame(&mut self.buffer, *stream, *since, bytes);
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.file.write_all(&self.buffer);
        if written.is_ok() {
            self.good += self.buffer.len() as u64;
        }
        self.buffer.clear();
        written
    }

    /// A record that went out in part is taken back. Its room may do for the note.
    fn back_to_whole(&mut self) {
        if self.file.set_len(self.good).is_err() || self.good == 0 {
            return;
        }
        let mut note = Vec::new();
        let words = b"wfl: the log is cut here: it could not be written; the stage went on\n";
        frame(&mut note, Stream::Note, self.since(), words);
        if self.file.write_all_at(&note, self.good).is_err() {
            let _ = self.file.set_len(self.good);
        }
    }
}

fn frame(buffer: &mut Vec<u8>, stream: Stream, since: u64, piece: &[u8]) {
    buffer.extend_from_slice(&(piece.len() as u32).to_le_bytes());
    buffer.push(stream.code());
    buffer.extend_from_slice(&since.to_le_bytes());
    buffer.extend_from_slice(piece);
}

impl End {
    fn new(room: usize) -> Self {
        End { records: VecDeque::new(), held: 0, room, dropped: 0 }
    }

    fn push(&mut self, stream: Stream, since: u64, bytes: &[u8]) {
        let over = bytes.len().saturating_sub(self.room);
        self.dropped += over as u64;
        let bytes = &bytes[over..];
        let mut spare = Vec::new();
        while self.held + bytes.len() + OVERHEAD > self.room + OVERHEAD {
            let Some((_, _, old)) = self.records.pop_front() else { break };
            self.held -= old.len() + OVERHEAD;
            self.dropped += old.len() as u64;
            spare = old;
        }
        spare.clear();
        spare.extend_from_slice(bytes);
        self.held += bytes.len() + OVERHEAD;
        self.records.push_back((stream, since, spare));
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogRecord;
    use super::super::records::read_log;
    use super::*;

    fn write(path: &Path, cap: u64, pieces: &[(Stream, &[u8])]) -> bool {
        let mut writer = Writer::new(Some(path), cap);
        pieces.iter().for_each(|(stream, bytes)| writer.write(*stream, bytes));
        writer.finish();
        writer.cut()
    }

    #[test]
    fn bytes_come_back_as_they_went_in_and_none_forges_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let forged: &[u8] = b"\x05\0\0\0\x02\0\0\0\0\0\0\0\0evil!\xff\0";
        assert!(!write(&path, 1000, &[(Stream::Stdout, forged), (Stream::Stderr, b"err")]));
        let all: Vec<LogRecord> = read_log(&path, |_| true).unwrap().collect();
        assert_eq!(
            all.iter().map(|r| (r.stream, r.bytes.as_slice())).collect::<Vec<_>>(),
            [(Stream::Stdout, forged), (Stream::Stderr, b"err".as_slice())]
        );
        let only: Vec<LogRecord> = read_log(&path, |stream| stream == Stream::Stderr).unwrap().collect();
        assert_eq!(only.len(), 1);
    }

    #[test]
    fn a_log_at_its_cap_says_so_and_grows_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let pieces: Vec<String> = (0..1000).map(|n| format!("line {n}\n")).collect();
        let pieces: Vec<(Stream, &[u8])> = pieces.iter().map(|p| (Stream::Stdout, p.as_bytes())).collect();
        assert!(write(&path, 1000, &pieces));
        let all: Vec<LogRecord> = read_log(&path, |_| true).unwrap().collect();
        let text: Vec<u8> = all.iter().flat_map(|record| record.bytes.clone()).collect();
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("line 0\nline 1\n") && text.ends_with("line 998\nline 999\n"), "{text}");
        assert_eq!(all.iter().filter(|r| r.stream == Stream::Note).count(), 2, "{text}");
        assert!(fs::metadata(&path).unwrap().len() < 3000);
        assert!(!write(&path, 100_000, &pieces), "what fits is whole");
    }

    #[test]
    fn a_full_disk_cuts_the_log_and_nothing_else() {
        assert!(write(Path::new("/dev/full"), 1000, &[(Stream::Stdout, b"x"), (Stream::Stdout, b"y")]));
    }

    #[test]
    fn one_record_larger_than_the_cap_keeps_both_its_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let long: Vec<u8> = (0..4000u32).flat_map(u32::to_be_bytes).collect();
        assert!(write(&path, 1000, &[(Stream::Stdout, &long)]));
        let all: Vec<LogRecord> = read_log(&path, |stream| stream != Stream::Note).unwrap().collect();
        assert_eq!(all[0].bytes, long[..750]);
        assert_eq!(all[1].bytes, long[long.len() - 250..]);
    }

    #[test]
    fn a_torn_record_ends_the_log_quietly() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        write(&path, 1000, &[(Stream::Stdout, b"whole"), (Stream::Stdout, b"torn")]);
        let bytes = fs::read(&path).unwrap();
        for cut in 0..bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            assert!(read_log(&path, |_| true).unwrap().count() <= 1);
        }
        assert_eq!(read_log(Path::new("/nonexistent/x.log"), |_| true).unwrap().count(), 0);
    }
}
