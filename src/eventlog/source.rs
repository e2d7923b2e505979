//! Where an event log is read from: a file or bytes, unpacked on the way, with bounds on what one row and the whole may
//! take. Tells a table from XML; does not read either.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::Refused;

/// Looked at to tell what a file is.
const HEAD: usize = 64 << 10;
/// Bytes of one row, or of one XML element with its text.
const ROW: u64 = 16 << 20;
/// What any file may unpack to, and how many times its own size once that is large.
const UNPACKED: u64 = 8 << 30;
const LARGE: u64 = 64 << 20;
const RATIO: u64 = 300;

/// What is to be read.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    Path(&'a Path),
    /// What it is called, and what it holds.
    Bytes(&'a str, &'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    Xml,
}

pub(super) struct Opened<'a> {
    pub form: Form,
    pub head: Vec<u8>,
    pub read: Box<dyn Read + 'a>,
    pub row: Row,
}

/// How much the row that is being read may still take.
#[derive(Clone, Debug, Default)]
pub(super) struct Row(Rc<Cell<u64>>);

impl Row {
    pub fn begins(&self) {
        self.0.set(0);
    }
}

impl<'a> Source<'a> {
    pub fn name(&self) -> String {
        match self {
            Source::Path(path) => path.display().to_string(),
            Source::Bytes(name, _) => (*name).to_owned(),
        }
    }

    fn raw(&self) -> io::Result<(Box<dyn Read + 'a>, u64)> {
        Ok(match self {
            Source::Path(path) => {
                let file = File::open(path)?;
                let size = file.metadata()?.len();
                (Box::new(file), size)
            }
            Source::Bytes(_, bytes) => (Box::new(Cursor::new(*bytes)), bytes.len() as u64),
        })
    }
}

pub(super) fn open<'a>(source: &Source<'a>) -> Result<Opened<'a>, Refused> {
    let name = source.name();
    let io = |error: &io::Error| {
        Refused::new(format!("cannot read {name}: {}", plain(error)), "name a file that can be read")
    };
    let (mut raw, size) = source.raw().map_err(|e| io(&e))?;
    let magic = taken(&mut raw, 2).map_err(|e| io(&e))?;
    let packed = magic == [0x1f, 0x8b];
    let all = Cursor::new(magic).chain(raw);
    let mut read: Box<dyn Read + 'a> = match packed {
        true => Box::new(Bounded { inner: MultiGzDecoder::new(all), size, read: 0 }),
        false => Box::new(all),
    };
    let head = taken(&mut read, HEAD).map_err(|e| io(&e))?;
    let form = form(&name, &head)?;
    let row = Row::default();
    let read = Guard { inner: Cursor::new(head.clone()).chain(read), row: row.clone() };
    Ok(Opened { form, head, read: Box::new(read), row })
}

pub(super) fn bytes(source: &Source<'_>, most: u64) -> Result<Vec<u8>, Refused> {
    let name = source.name();
    let mut opened = open(source)?;
    let mut found = Vec::new();
    loop {
        opened.row.begins();
        let piece = taken(&mut opened.read, 1 << 20);
        let piece = piece.map_err(|e| {
            Refused::new(format!("cannot read {name}: {}", plain(&e)), "nothing of it was taken")
        })?;
        if piece.is_empty() {
            return Ok(found);
        }
        found.extend(piece);
        if found.len() as u64 > most {
            let message = format!("{name} is larger than {} MiB", most >> 20);
            return Err(Refused::new(message, "divide it into several files"));
        }
    }
}

fn taken(read: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn form(name: &str, head: &[u8]) -> Result<Form, Refused> {
    let csv = "an event log is a table (CSV) or XES, plain or gzipped";
    if matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Err(Refused::new(
            format!("{name} is UTF-16"),
            "save it as UTF-8: `iconv -f utf-16 -t utf-8`",
        ));
    }
    if head.starts_with(b"PK\x03\x04") {
        return Err(Refused::new(format!("{name} is a zip archive"), "unpack it and name the file inside"));
    }
    if head.contains(&0) {
        return Err(Refused::new(format!("{name} is binary"), csv));
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Err(Refused::new(format!("{name} is empty"), csv)),
        Some(b'<') => Ok(Form::Xml),
        Some(_) => Ok(Form::Table),
    }
}

/// `permission denied`, without Rust's error number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.find(" (os error").map_or_else(|| text.clone(), |at| text[..at].to_lowercase())
}

/// Ends the reading of an archive that unpacks to much more than a log does.
struct Bounded<R> {
    inner: R,
    size: u64,
    read: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.read += count as u64;
        let bomb = self.read > LARGE && self.read / RATIO > self.size;
        if bomb || self.read > UNPACKED {
            let times = self.read / self.size.max(1);
            return Err(io::Error::other(format!(
                "it unpacks to more than {times} times its size: that is no log"
            )));
        }
        Ok(count)
    }
}

/// Ends the reading of a row that does not end.
struct Guard<R> {
    inner: R,
    row: Row,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.row.0.get() > ROW {
            return Err(io::Error::other(
                "a row is longer than 16 MiB (a quotation mark that is not closed?)",
            ));
        }
        let count = self.inner.read(into)?;
        self.row.0.set(self.row.0.get() + count as u64);
        Ok(count)
    }
}
