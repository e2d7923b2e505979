//! Output of attempts on its way from the pipe to log, person and record: masked, framed, bounded. Uses constant memory
//! whatever comes. Knows no stage semantics and starts nothing.

pub mod forms;
pub mod frame;
pub mod level;
pub mod lines;
pub mod mask;
pub mod merge;
pub mod records;
pub mod sanitise;
pub mod scan;
pub mod tail;

use std::path::Path;
use std::sync::Arc;

use crate::event::NodeIndex;

pub use frame::Stream;
use lines::Lines;
pub use mask::Mask;
pub use records::{LogRecord, read_log};
use tail::Tail;

/// Is given every finished line (without its newline) of a running attempt, masked, as raw bytes.
pub type LineSink = Arc<dyn Fn(NodeIndex, Stream, &[u8]) + Send + Sync>;

/// How much of the end of standard output is kept: programs that say there what failed say it last.
const OUT_WINDOW: usize = 8 << 10;
/// What a log may hold unless said otherwise.
pub const LOG_CAP: u64 = 64 << 20;

/// Takes one attempt's output apart. Nothing is allocated or written before the first byte comes.
pub struct Capture<'a> {
    node: NodeIndex,
    sink: Option<&'a LineSink>,
    log: frame::Writer<'a>,
    out: Channel<'a>,
    err: Channel<'a>,
    tails: Tails,
}

/// The ends of both streams.
struct Tails {
    out: Tail,
    err: Tail,
}

struct Channel<'a> {
    mask: Option<mask::Streaming<'a>>,
    lines: Lines,
}

impl<'a> Capture<'a> {
    /// `log` is where the framed log goes; without one, output is only shown and its end kept.
    pub fn new(
        node: NodeIndex,
        log: Option<&'a Path>,
        cap: u64,
        mask: &'a Mask,
        sink: Option<&'a LineSink>,
    ) -> Self {
        let channel = || Channel { mask: mask.streaming(), lines: Lines::default() };
        Capture {
            node,
            sink,
            log: frame::Writer::new(log, cap),
            out: channel(),
            err: channel(),
            tails: Tails { out: Tail::of(OUT_WINDOW), err: Tail::default() },
        }
    }

    /// Takes bytes as they came from the pipe.
    pub fn feed(&mut self, stream: Stream, bytes: &[u8]) {
        let channel = if stream == Stream::Stderr { &mut self.err } else { &mut self.out };
        match &mut channel.mask {
            None => {
                let lines = &mut channel.lines;
                deliver(self.node, self.sink, &mut self.log, &mut self.tails, lines, stream, bytes);
            }
            Some(mask) => {
                let (safe, lines) = (mask.push(bytes), &mut channel.lines);
                deliver(self.node, self.sink, &mut self.log, &mut self.tails, lines, stream, safe);
            }
        }
    }

    /// Ends both streams: what was held back for masking, and unfinished lines, go out.
    pub fn finish(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let channel = if stream == Stream::Stderr { &mut self.err } else { &mut self.out };
            if let Some(mask) = &mut channel.mask {
                let (safe, lines) = (mask.flush(), &mut channel.lines);
                deliver(self.node, self.sink, &mut self.log, &mut self.tails, lines, stream, safe);
            }
            if let Some(sink) = self.sink {
                channel.lines.finish(&mut |line| sink(self.node, stream, line));
            }
        }
        self.log.finish();
    }

    /// Whether the log lacks output: its cap was reached, or it could not be written.
    pub fn log_cut(&self) -> bool {
        self.log.cut()
    }

    /// The end of standard error, at most 64 KiB, masked.
    pub fn stderr(&self) -> String {
        self.tails.err.text()
    }

    /// The end of standard output, at most 8 KiB, masked.
    pub fn stdout(&self) -> String {
        self.tails.out.text()
    }
}

fn deliver(
    node: NodeIndex,
    sink: Option<&LineSink>,
    log: &mut frame::Writer<'_>,
    tails: &mut Tails,
    lines: &mut Lines,
    stream: Stream,
    bytes: &[u8],
) {
    if bytes.is_empty() {
        return;
    }
    log.write(stream, bytes);
    match stream {
        Stream::Stderr => tails.err.push(bytes),
        _ => tails.out.push(bytes),
    }
    if let Some(sink) = sink {
        lines.push(bytes, &mut |line| sink(node, stream, line));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn output_is_masked_before_log_tail_and_sink_see_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/a.log");
        let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
        let sink: LineSink = {
            let seen = seen.clone();
            Arc::new(move |_, _, line: &[u8]| seen.lock().unwrap().extend_from_slice(line))
        };
        let mask = Mask::new(&["s3cr3t-value".into()]);
        let mut capture = Capture::new(0, Some(&path), LOG_CAP, &mask, Some(&sink));
        for piece in ["a s3cr", "3t-va", "lue b\nrest s3cr3t-value"] {
            capture.feed(Stream::Stderr, piece.as_bytes());
        }
        capture.finish();
        assert_eq!(capture.stderr(), "a *** b\nrest ***");
        assert_eq!(seen.lock().unwrap().as_slice(), b"a *** brest ***");
        let file = std::fs::read(&path).unwrap();
        assert!(!file.windows(6).any(|part| part == b"s3cr3t"));
    }

    #[test]
    fn no_output_makes_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let mask = Mask::new(&[]);
        let mut capture = Capture::new(0, Some(&path), LOG_CAP, &mask, None);
        capture.finish();
        assert!(!path.exists());
    }
}
