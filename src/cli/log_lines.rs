//! How `wfl logs` writes lines: for a person, for a pipe, or as one JSON object each. Knows no file and no filter.

use std::collections::VecDeque;
use std::io::{BufWriter, StdoutLock, Write};

use serde_json::json;

use crate::base::Timestamp;
use crate::capture::scan::Line;
use crate::capture::{Stream, level};
use crate::embed::LogFile;
use crate::observe::sanitise::last_state;
use crate::observe::style::Ink;

use super::args::{Format, Logs};
use super::output::Terminal;

/// What is written at once.
const BUFFER: usize = 256 << 10;

pub struct LogLines<'a> {
    out: BufWriter<StdoutLock<'static>>,
    terminal: &'a Terminal,
    json: bool,
    timestamps: bool,
    /// Lines of several stages are told apart by their names.
    named: bool,
    /// Only so many of the last lines.
    tail: Option<usize>,
    held: VecDeque<Vec<u8>>,
    line: Vec<u8>,
    /// The last time written out in full: lines come in bursts.
    time: (Timestamp, String),
    pub count: u64,
    /// Whoever read this closed the pipe: there is no point in reading on.
    pub closed: bool,
}

impl<'a> LogLines<'a> {
    pub fn new(args: &Logs, named: bool, terminal: &'a Terminal) -> Self {
        LogLines {
            out: BufWriter::with_capacity(BUFFER, std::io::stdout().lock()),
            terminal,
            json: args.format == Format::Json,
            timestamps: args.timestamps,
            named,
            tail: args.tail,
            held: VecDeque::new(),
            line: Vec::new(),
            time: (Timestamp(i64::MIN), String::new()),
            count: 0,
            closed: false,
        }
    }

    pub fn write(&mut self, file: &LogFile, line: Line<'_>) {
        self.line.clear();
        if self.time.0 != line.at && (self.json || self.timestamps) {
            self.time = (line.at, line.at.rfc3339());
        }
        match (self.json, line.stream) {
            (true, _) => self.object(file, line),
            // A pipe gets the output alone.
            (false, Stream::Note) if !self.terminal.out_is_terminal => {
                return self.terminal.say(&String::from_utf8_lossy(line.bytes));
            }
            (false, _) => self.text(file, line),
        }
        self.line.push(b'\n');
        self.count += 1;
        match self.tail {
            Some(tail) => {
                let spare = if self.held.len() >= tail { self.held.pop_front() } else { None };
                let spare = std::mem::replace(&mut self.line, spare.unwrap_or_default());
                if tail > 0 {
                    self.held.push_back(spare);
                }
            }
            None => self.closed |= self.out.write_all(&self.line).is_err(),
        }
    }

    fn text(&mut self, file: &LogFile, line: Line<'_>) {
        let safe = self.terminal.out_is_terminal;
        let dim = |text: &str| self.terminal.out.paint(Ink::Dim, text);
        if self.timestamps {
            self.line.extend_from_slice(dim(&self.time.1).as_bytes());
            self.line.push(b' ');
        }
        if self.named {
            let bar = if self.terminal.out.unicode { "│" } else { "|" };
            self.line.extend_from_slice(dim(&format!("{} {bar} ", file.stage)).as_bytes());
        }
        if safe {
            self.line.extend_from_slice(last_state(line.bytes, self.terminal.out.color).as_bytes());
        } else {
            self.line.extend_from_slice(line.bytes);
        }
    }

    fn object(&mut self, file: &LogFile, line: Line<'_>) {
        let text = String::from_utf8_lossy(line.bytes);
        let level = level::of_line(line.bytes, None).map(level::Level::word);
        let object = json!({
            "at": self.time.1,
            "stage": file.stage,
            "attempt": file.attempt,
            "stream": line.stream.word(),
            "level": level,
            "line": text,
        });
        let _ = write!(self.line, "{object}");
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.closed |= self.out.write_all(bytes).is_err();
    }

    pub fn flush(&mut self) {
        for line in self.held.drain(..) {
            self.closed |= self.out.write_all(&line).is_err();
        }
        self.closed |= self.out.flush().is_err();
    }
}
