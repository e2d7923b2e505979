//! The lines of many logs as one, by time. A log is opened when its time comes, so that few are open at once; it can be
//! asked again for what was written since. Knows no stage.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::PathBuf;

use super::records::Reader;
use super::scan::{Filter, Line, Scan};
use crate::base::Timestamp;

/// Takes a line and which log it is of, in the order in which they were added.
pub type Each<'a> = &'a mut dyn FnMut(usize, Line<'_>);

#[derive(Debug)]
enum Source {
    /// Not opened, or nothing was written yet.
    Closed(PathBuf),
    Open(Box<Scan>),
    Ended,
}

#[derive(Debug, Default)]
pub struct Merge {
    sources: Vec<Source>,
}

impl Merge {
    /// Adds a log, which need not exist yet.
    pub fn add(&mut self, path: PathBuf) {
        self.sources.push(Source::Closed(path));
    }

    /// How many logs were added.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Gives the lines that are there. `last`: no more will come, so unfinished lines are given as well, each when its
    /// log is at its end.
    pub fn read(&mut self, filter: &Filter, last: bool, each: Each<'_>) -> io::Result<()> {
        let mut turns = BinaryHeap::new();
        for index in 0..self.sources.len() {
            if let Some(at) = self.next_time(index)? {
                turns.push(Reverse((at, index)));
            }
        }
        while let Some(Reverse((_, index))) = turns.pop() {
            let until = turns.peek().map(|Reverse(next)| *next);
            let mut give = |line: Line<'_>| each(index, line);
            match self.run_until(index, until, filter, &mut give)? {
                Some(at) => turns.push(Reverse((at, index))),
                None if last => self.end(index, filter, &mut give),
                None => {}
            }
        }
        if last {
            for index in 0..self.sources.len() {
                self.end(index, filter, &mut |line| each(index, line));
            }
        }
        Ok(())
    }

    /// Takes records of one log while it has the oldest; gives the time of its next, if there is one.
    fn run_until(
        &mut self,
        index: usize,
        until: Option<(Timestamp, usize)>,
        filter: &Filter,
        give: &mut dyn FnMut(Line<'_>),
    ) -> io::Result<Option<Timestamp>> {
        let Some(scan) = self.opened(index)? else { return Ok(None) };
        loop {
            let Some(at) = scan.peek()? else { return Ok(None) };
            if until.is_some_and(|until| until < (at, index)) {
                return Ok(Some(at));
            }
            scan.step(filter, give)?;
        }
    }

    /// When the next record of a log came; of one not opened yet, when it begins.
    fn next_time(&mut self, index: usize) -> io::Result<Option<Timestamp>> {
        match &mut self.sources[index] {
            Source::Open(scan) => scan.peek(),
            Source::Closed(path) => Ok(Reader::open(path)?.map(|reader| reader.begins())),
            Source::Ended => Ok(None),
        }
    }

    fn opened(&mut self, index: usize) -> io::Result<Option<&mut Scan>> {
        if let Source::Closed(path) = &self.sources[index]
            && let Some(reader) = Reader::open(path)?
        {
            self.sources[index] = Source::Open(Box::new(Scan::new(reader)));
        }
        match &mut self.sources[index] {
            Source::Open(scan) => Ok(Some(scan)),
            _ => Ok(None),
        }
    }

    fn end(&mut self, index: usize, filter: &Filter, give: &mut dyn FnMut(Line<'_>)) {
        if let Source::Open(scan) = &mut self.sources[index] {
            scan.finish(filter, give);
            self.sources[index] = Source::Ended;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Stream, Writer};
    use super::*;

    fn read(merge: &mut Merge, last: bool) -> Vec<(usize, String)> {
        let mut all = Vec::new();
        let mut each =
            |index, line: Line<'_>| all.push((index, String::from_utf8_lossy(line.bytes).into_owned()));
        merge.read(&Filter::default(), last, &mut each).unwrap();
        all
    }

    #[test]
    fn lines_of_several_logs_come_in_the_order_of_time() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("a.log"), dir.path().join("b.log"), dir.path().join("none.log")];
        let mut writers: Vec<Writer<'_>> =
            paths[..2].iter().map(|path| Writer::new(Some(path), 1 << 20)).collect();
        let mut merge = Merge::default();
        paths.iter().for_each(|path| merge.add(path.clone()));
        let mut wanted = Vec::new();
        for (turn, index) in [0, 1, 1, 0, 1, 0].into_iter().enumerate() {
            // Times are counted in milliseconds.
            std::thread::sleep(std::time::Duration::from_millis(3));
            writers[index].write(Stream::Stdout, format!("line {turn}\n").as_bytes());
            wanted.push((index, format!("line {turn}")));
        }
        assert_eq!(read(&mut merge, false), wanted);
        assert!(read(&mut merge, false).is_empty(), "nothing twice");
        writers[0].write(Stream::Stdout, b"late\nunfinished");
        assert_eq!(read(&mut merge, false), [(0, "late".to_string())]);
        assert_eq!(read(&mut merge, true), [(0, "unfinished".to_string())]);
        assert!(read(&mut merge, true).is_empty());
    }
}
