//! The log of one attempt: records of time, stream and bytes, framed by length so that no output can forge one.
//! Reads what is there of a log still being written, or cut off by a crash. Does not interpret the bytes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Instant;

use crate::base::Timestamp;

/// `WFLLOG1\n`, then the milliseconds since 1970 at which the log begins.
const MAGIC: &[u8; 8] = b"WFLLOG1\n";
/// Length, stream, milliseconds since the beginning.
const HEADER: usize = 4 + 1 + 8;
/// Longest record a reader accepts: more than a writer makes.
const LONGEST: u32 = 1 << 20;

/// Where bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    Stdout,
    Stderr,
    /// Words of wfl itself: that the log was cut.
    Note,
}

/// One piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    pub at: Timestamp,
    pub stream: Stream,
    pub bytes: Vec<u8>,
}

impl Stream {
    fn code(self) -> u8 {
        match self {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
            Stream::Note => 3,
        }
    }

    fn of(code: u8) -> Option<Stream> {
        [Stream::Stdout, Stream::Stderr, Stream::Note].into_iter().find(|stream| stream.code() == code)
    }
}

/// Writes a log; the file is made by the first byte. A log that cannot be written is cut, never an error of the stage.
#[derive(Debug)]
pub struct Writer<'a> {
    path: Option<&'a Path>,
    open: Option<Open>,
    left: u64,
    cut: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    began: Instant,
    buffer: Vec<u8>,
}

impl<'a> Writer<'a> {
    pub fn new(path: Option<&'a Path>, cap: u64) -> Self {
        Writer { path, open: None, left: cap, cut: false }
    }

    pub fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let Some(path) = self.path.filter(|_| !self.cut) else {
            return;
        };
        let take = (bytes.len() as u64).min(self.left) as usize;
        let mut written = self.open(path).and_then(|open| open.write(stream, &bytes[..take]));
        self.left -= take as u64;
        if written.is_ok() && take < bytes.len() {
            self.cut = true;
            let note = b"wfl: the log is cut here: it reached its cap; the stage went on\n";
            written = self.open(path).and_then(|open| open.write(Stream::Note, note));
        }
        if written.is_err() {
            self.give_up();
        }
    }

    /// Writes what is buffered.
    pub fn finish(&mut self) {
        if let Some(open) = &mut self.open
            && open.flush().is_err()
        {
            self.give_up();
        }
    }

    pub fn cut(&self) -> bool {
        self.cut
    }

    /// The disk is full or gone: a last word if it can still be said.
    fn give_up(&mut self) {
        self.cut = true;
        if let Some(open) = &mut self.open {
            open.buffer.clear();
        }
    }

    fn open(&mut self, path: &Path) -> io::Result<&mut Open> {
        match &mut self.open {
            Some(open) => Ok(open),
            empty => Ok(empty.insert(Open::create(path)?)),
        }
    }
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
        Ok(Open { file, began: Instant::now(), buffer })
    }

    /// Each record goes out at once, in one write, so that `wfl logs` sees a running stage.
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let since = self.began.elapsed().as_millis() as u64;
        for piece in bytes.chunks(LONGEST as usize) {
            self.buffer.extend_from_slice(&(piece.len() as u32).to_le_bytes());
            self.buffer.push(stream.code());
            self.buffer.extend_from_slice(&since.to_le_bytes());
            self.buffer.extend_from_slice(piece);
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        written
    }
}

/// The records of a log that `filter` wants, in order. Ends quietly at a record that is not whole; a missing log, which
/// a stage without output has, gives none.
pub fn read_log(
    path: &Path,
    filter: fn(Stream) -> bool,
) -> io::Result<impl Iterator<Item = LogRecord> + use<>> {
    let file = match File::open(path) {
        Ok(file) => Some(BufReader::new(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    let mut reader = match file {
        Some(mut file) => begin(&mut file)?.map(|base| (file, base)),
        None => None,
    };
    let mut next = move || {
        let (file, base) = reader.as_mut()?;
        record(file, *base)
    };
    Ok(std::iter::from_fn(move || {
        loop {
            let record = next()?;
            if filter(record.stream) {
                return Some(record);
            }
        }
    }))
}

fn begin(file: &mut impl Read) -> io::Result<Option<i64>> {
    let mut start = [0; 16];
    if file.read_exact(&mut start).is_err() {
        return Ok(None);
    }
    let (magic, base) = start.split_at(8);
    if magic != MAGIC {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a log of wfl, or of a newer one"));
    }
    Ok(Some(i64::from_le_bytes(base.try_into().unwrap_or_default())))
}

fn record(file: &mut impl Read, base: i64) -> Option<LogRecord> {
    let mut header = [0; HEADER];
    file.read_exact(&mut header).ok()?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?);
    let stream = Stream::of(header[4])?;
    let since = u64::from_le_bytes(header[5..].try_into().ok()?);
    if length > LONGEST {
        return None;
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes).ok()?;
    Some(LogRecord { at: Timestamp(base.saturating_add_unsigned(since)), stream, bytes })
}

#[cfg(test)]
mod tests {
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
        let piece: (Stream, &[u8]) = (Stream::Stdout, b"0123456789");
        assert!(write(&path, 25, &[piece; 100]));
        let all: Vec<LogRecord> = read_log(&path, |_| true).unwrap().collect();
        let kept: usize = all.iter().filter(|r| r.stream == Stream::Stdout).map(|r| r.bytes.len()).sum();
        assert_eq!((kept, all.last().map(|r| r.stream)), (25, Some(Stream::Note)));
        assert!(fs::metadata(&path).unwrap().len() < 300);
    }

    #[test]
    fn a_full_disk_cuts_the_log_and_nothing_else() {
        assert!(write(Path::new("/dev/full"), 1000, &[(Stream::Stdout, b"x"), (Stream::Stdout, b"y")]));
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
