//! The log of one attempt as it is read: whole records, borrowed from one buffer. What is there of a log still being
//! written, or cut off by a crash, is read; the rest may come later. Does not interpret the bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::frame::{HEADER, LONGEST, MAGIC, Stream};
use crate::base::Timestamp;

/// Fits the processor's own cache; a longer record makes it grow.
const BUFFER: usize = 256 << 10;

/// One piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    pub at: Timestamp,
    pub stream: Stream,
    pub bytes: Vec<u8>,
}

/// The same, borrowed from a reader's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub at: Timestamp,
    pub stream: Stream,
    pub bytes: &'a [u8],
}

/// What a record's header says.
#[derive(Clone, Copy)]
struct Head {
    length: usize,
    stream: Stream,
    at: Timestamp,
}

/// Reads a log from its beginning.
#[derive(Debug)]
pub struct Reader {
    file: File,
    base: i64,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    broken: bool,
}

impl Reader {
    /// None when nothing was written: a stage without output has no log.
    pub fn open(path: &Path) -> io::Result<Option<Reader>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let mut start = [0; 16];
        if file.read_exact(&mut start).is_err() {
            return Ok(None);
        }
        let (magic, base) = start.split_at(8);
        if magic != MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a log of wfl, or of a newer one"));
        }
        let base = i64::from_le_bytes(base.try_into().unwrap_or_default());
        Ok(Some(Reader { file, base, buffer: Vec::new(), at: 0, filled: 0, broken: false }))
    }

    /// When the log begins.
    pub fn begins(&self) -> Timestamp {
        Timestamp(self.base)
    }

    /// The time of the next record, if it is there as a whole.
    pub fn peek(&mut self) -> io::Result<Option<Timestamp>> {
        Ok(self.head()?.map(|head| head.at))
    }

    /// The next record. None at the end, and at a record that is not whole; asked again later, it may be.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        let Some(head) = self.head()? else { return Ok(None) };
        let from = self.at + HEADER;
        self.at = from + head.length;
        Ok(Some(Piece { at: head.at, stream: head.stream, bytes: &self.buffer[from..self.at] }))
    }

    /// The header of the next record, once all of the record is in the buffer.
    fn head(&mut self) -> io::Result<Option<Head>> {
        if self.broken || !self.fill(HEADER)? {
            return Ok(None);
        }
        let header = &self.buffer[self.at..self.at + HEADER];
        let length = u32::from_le_bytes(header[..4].try_into().unwrap_or_default());
        let since = u64::from_le_bytes(header[5..].try_into().unwrap_or_default());
        let (Some(stream), true) = (Stream::of(header[4]), length <= LONGEST) else {
            self.broken = true;
            return Ok(None);
        };
        let head =
            Head { length: length as usize, stream, at: Timestamp(self.base.saturating_add_unsigned(since)) };
        Ok(self.fill(HEADER + head.length)?.then_some(head))
    }

    /// Whether `wanted` bytes are in the buffer from here on, after reading what is there.
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        if self.filled - self.at >= wanted {
            return Ok(true);
        }
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.buffer.len() < wanted.max(BUFFER) {
            self.buffer.resize(wanted.max(BUFFER), 0);
        }
        while self.filled < wanted {
            match self.file.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Ok(false),
                Ok(count) => self.filled += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }
}

/// The records of a log that `filter` wants, in order. Ends quietly at a record that is not whole; a missing log, which
/// a stage without output has, gives none.
pub fn read_log(
    path: &Path,
    filter: fn(Stream) -> bool,
) -> io::Result<impl Iterator<Item = LogRecord> + use<>> {
    let mut reader = Reader::open(path)?;
    let next = move || {
        let piece = reader.as_mut()?.next_piece().ok().flatten()?;
        Some(LogRecord { at: piece.at, stream: piece.stream, bytes: piece.bytes.to_vec() })
    };
    Ok(std::iter::from_fn(next).filter(move |record| filter(record.stream)))
}

/// Gives the bytes of a log to `each`, both streams in order, without holding it as a whole.
pub fn each_piece(path: &Path, each: &mut dyn FnMut(Piece<'_>)) -> io::Result<()> {
    let Some(mut reader) = Reader::open(path)? else { return Ok(()) };
    while let Some(piece) = reader.next_piece()? {
        each(piece);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::frame::Writer;
    use super::*;

    #[test]
    fn a_log_that_grows_is_read_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        assert!(Reader::open(&path).unwrap().is_none());
        let mut writer = Writer::new(Some(&path), 1 << 30);
        writer.write(Stream::Stdout, b"one");
        let mut reader = Reader::open(&path).unwrap().unwrap();
        assert_eq!(reader.next_piece().unwrap().map(|piece| piece.bytes.to_vec()), Some(b"one".to_vec()));
        assert_eq!(reader.next_piece().unwrap(), None);
        let long = vec![b'x'; BUFFER * 3];
        writer.write(Stream::Stderr, &long);
        let piece = reader.next_piece().unwrap().unwrap();
        assert_eq!((piece.stream, piece.bytes), (Stream::Stderr, long.as_slice()));
        assert_eq!(reader.next_piece().unwrap(), None);
    }
}
