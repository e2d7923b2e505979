//! The live view on a terminal: finished stages scroll up, what runs and waits is drawn below, at most 20 times a second
//! and only when something changed. Who tells it news never waits for the terminal, unless more comes than it can show.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::event::{Event, NodeIndex, Record, Status};
use crate::port::Observer;

use super::ahead::Outlook;
use super::picture::Picture;
use super::plain::Lines;

/// Between two drawings, at least.
const PERIOD: Duration = Duration::from_millis(50);
/// Lines that wait to be shown; who brings more waits for the terminal.
const ROOM: usize = 256 << 10;
/// The same while a person is asked: then nobody waits, and what does not fit is left out with a word about it.
const ROOM_ASKING: usize = 1 << 20;
/// A terminal that takes nothing for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A terminal, or what stands for one.
pub trait Canvas: Write + Send {
    /// Columns and lines, now.
    fn size(&self) -> (usize, usize);
    /// Whether drawing would not disturb another program in the foreground.
    fn ours(&self) -> bool;
}

/// The terminal that standard error is.
#[derive(Debug, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

impl Canvas for Stderr {
    fn size(&self) -> (usize, usize) {
        let asked = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
        let size = asked.map(|size| (size.ws_col as usize, size.ws_row as usize));
        size.filter(|(columns, lines)| *columns > 0 && *lines > 0).unwrap_or((80, 24))
    }

    fn ours(&self) -> bool {
        let foreground = rustix::termios::tcgetpgrp(std::io::stderr()).ok();
        foreground.is_none_or(|group| group == rustix::process::getpgrp())
    }
}

/// The drawing area, shared with whoever writes lines or asks questions on the same terminal.
#[derive(Clone)]
pub struct Screen(Arc<Shared>);

struct Shared {
    news: Mutex<News>,
    /// There is something to draw, or it is over.
    changed: Condvar,
    /// Lines were taken away to be shown.
    taken: Condvar,
    drawn: Mutex<Drawn>,
}

struct News {
    picture: Option<Picture>,
    above: String,
    left_out: usize,
    dirty: bool,
    /// A person is being asked, or the program is stopped: the terminal is not ours.
    away: bool,
    closed: bool,
}

struct Drawn {
    canvas: Box<dyn Canvas>,
    rows: Vec<String>,
    size: (usize, usize),
    at: Option<Instant>,
}

impl Default for Screen {
    fn default() -> Self {
        Screen::on(Box::new(Stderr))
    }
}

impl Screen {
    pub fn on(canvas: Box<dyn Canvas>) -> Self {
        let size = canvas.size();
        let news = News {
            picture: None,
            above: String::new(),
            left_out: 0,
            dirty: false,
            away: false,
            closed: false,
        };
        Screen(Arc::new(Shared {
            news: Mutex::new(news),
            changed: Condvar::new(),
            taken: Condvar::new(),
            drawn: Mutex::new(Drawn { canvas, rows: Vec::new(), size, at: None }),
        }))
    }

    /// Writes a line above the drawing; after the answer, if a person is being asked.
    pub fn line(&self, text: &str) {
        let mut news = self.news();
        let end = Instant::now() + PATIENCE;
        while news.above.len() > ROOM && !news.away && !news.closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            news = self.0.taken.wait_timeout(news, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if news.above.len() > if news.away { ROOM_ASKING } else { ROOM } {
            news.left_out += 1;
            return;
        }
        news.above.push_str(text);
        news.above.push('\n');
        if news.closed {
            drop(news);
            return self.paint(true);
        }
        self.mark(&mut news);
    }

    /// A stage wrote a line: its last words are shown beside it.
    pub fn wrote(&self, node: NodeIndex, line: &[u8]) {
        let mut news = self.news();
        if news.picture.as_mut().is_some_and(|picture| picture.wrote(node, line)) {
            self.mark(&mut news);
        }
    }

    /// Leaves the terminal to `f`, which asks a person.
    pub fn pause<T>(&self, f: impl FnOnce() -> T) -> T {
        self.leave();
        let result = f();
        self.come_back();
        result
    }

    /// Clears the drawing; nothing is drawn or written until [`Screen::come_back`].
    pub fn leave(&self) {
        self.paint(true);
        self.news().away = true;
        // What was being drawn meanwhile.
        let mut drawn = locked(&self.0.drawn);
        drawn.show("", Vec::new());
        self.0.taken.notify_all();
    }

    /// Draws again and writes what was kept back.
    pub fn come_back(&self) {
        let mut news = self.news();
        news.away = false;
        self.mark(&mut news);
    }

    fn news(&self) -> MutexGuard<'_, News> {
        locked(&self.0.news)
    }

    fn mark(&self, news: &mut News) {
        if !news.dirty {
            news.dirty = true;
            self.0.changed.notify_one();
        }
    }

    fn update(&self, change: impl FnOnce(&mut Picture)) {
        let mut news = self.news();
        if let Some(picture) = &mut news.picture {
            change(picture);
        }
        self.mark(&mut news);
    }

    /// Writes the lines that wait and draws the rows below them, or none.
    fn paint(&self, bare: bool) {
        let mut drawn = locked(&self.0.drawn);
        let size = drawn.canvas.size();
        let bare = bare || !drawn.canvas.ours();
        let mut news = self.news();
        news.dirty = false;
        if news.away {
            return;
        }
        let above = news.take_above();
        let rows = match &news.picture {
            Some(picture) if !bare => picture.rows(size.0, size.1, Instant::now()),
            _ => Vec::new(),
        };
        drop(news);
        self.0.taken.notify_all();
        drawn.size = size;
        drawn.show(&above, rows);
    }

    /// Draws whenever there is something to draw, until it is over.
    fn keep_painting(&self) {
        while self.wait_for_news() {
            self.paint(false);
        }
    }

    /// False when it is over.
    fn wait_for_news(&self) -> bool {
        let mut news = self.news();
        loop {
            if news.closed {
                return false;
            }
            let since = self.since_drawn();
            let moves = news.picture.as_ref().is_some_and(Picture::moves) && !news.away;
            let wait = match () {
                () if news.dirty && !news.away => PERIOD.saturating_sub(since),
                () if moves => Duration::from_secs(1).saturating_sub(since),
                () => Duration::from_secs(3600),
            };
            if wait.is_zero() {
                return true;
            }
            news = self.0.changed.wait_timeout(news, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn since_drawn(&self) -> Duration {
        // Whoever draws just now has drawn just now.
        let at = self.0.drawn.try_lock().map(|drawn| drawn.at);
        at.map_or(Duration::ZERO, |at| at.map_or(Duration::MAX, |at| at.elapsed()))
    }

    /// The run ended: a question that nobody answered by then stays behind on its own line.
    fn close(&self) {
        let unanswered = {
            let mut news = self.news();
            news.closed = true;
            std::mem::take(&mut news.away)
        };
        self.0.changed.notify_all();
        self.0.taken.notify_all();
        if unanswered {
            let _ = locked(&self.0.drawn).canvas.write_all(b"\n");
        }
        self.paint(true);
    }
}

impl News {
    fn take_above(&mut self) -> String {
        let mut above = std::mem::take(&mut self.above);
        if self.left_out > 0 {
            let count = std::mem::take(&mut self.left_out);
            above.push_str(&format!("wfl: {count} lines are not shown here; `wfl logs` has them\n"));
        }
        above
    }
}

impl Drawn {
    /// One write: up over the old rows, the new text over them, and what is left of the old ones cleared.
    fn show(&mut self, above: &str, rows: Vec<String>) {
        self.at = Some(Instant::now());
        if above.is_empty() && rows == self.rows {
            return;
        }
        let mut text = String::new();
        if !self.rows.is_empty() {
            text.push_str(&format!("\x1b[{}A\r", self.rows.len()));
        }
        let clear = if self.rows.is_empty() { "" } else { "\x1b[K" };
        for line in above.lines().chain(rows.iter().map(String::as_str)) {
            text.push_str(line);
            text.push_str(clear);
            text.push('\n');
        }
        if !self.rows.is_empty() {
            text.push_str("\x1b[J");
        }
        self.rows = rows;
        // A terminal that went away changes nothing: the journal has it all.
        let _ = self.canvas.write_all(text.as_bytes()).and_then(|()| self.canvas.flush());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Observes a run and draws it.
pub struct Live {
    lines: Lines,
    screen: Screen,
    outlook: Outlook,
    painter: Option<JoinHandle<()>>,
}

impl Live {
    /// `lines` has taken in what happened before.
    pub fn new(lines: Lines, screen: Screen) -> Self {
        let total = lines.board().rows.len();
        let mut picture = Picture::new(total, lines.style());
        for node in 0..total as NodeIndex {
            picture.set(node, lines.board().status(node));
        }
        screen.news().picture = Some(picture);
        let painted = screen.clone();
        let painter = std::thread::Builder::new().name("screen".into());
        // Without a thread there is no picture, but every line at the end.
        let painter = painter.spawn(move || painted.keep_painting()).ok();
        Live { lines, screen, outlook: Outlook::default(), painter }
    }

    /// Shows what is left.
    pub fn with_outlook(mut self, outlook: Outlook) -> Self {
        self.outlook = outlook;
        self
    }

    fn picture(&self, event: &Event) {
        let board = self.lines.board();
        let now = Instant::now();
        self.screen.update(|picture| match event {
            Event::RunResumed { .. } => {
                (0..board.rows.len() as NodeIndex).for_each(|node| picture.set(node, board.status(node)));
            }
            Event::StagesBlocked { nodes, .. } => {
                nodes.iter().for_each(|&node| picture.set(node, board.status(node)));
            }
            other => {
                let Some(node) = super::board::node_of(other) else { return };
                let status = board.status(node);
                picture.set(node, status);
                match other {
                    Event::StageStarted { .. } => picture.runs(node, self.lines.running(node), now),
                    _ if status == Status::Waiting => {
                        if let Some((name, why)) = self.lines.waits_for(node) {
                            picture.waits(node, name, why, now);
                        }
                    }
                    _ => {}
                }
            }
        });
    }

    fn close(&mut self) {
        if let Some(painter) = self.painter.take() {
            self.screen.close();
            let _ = painter.join();
        }
    }
}

impl Observer for Live {
    fn event(&mut self, record: &Record) {
        let (lines, screen) = (&mut self.lines, &self.screen);
        // That a stage runs is seen in the picture.
        let told = !matches!(record.event, Event::StageStarted { .. });
        lines.take(record, &mut |line| {
            if told {
                screen.line(line);
            }
        });
        self.picture(&record.event);
        if let Some(ahead) = self.outlook.ask(self.lines.board(), record.at) {
            self.screen.update(|picture| picture.foresee(ahead, Instant::now()));
        }
        if matches!(record.event, Event::RunFinished { .. }) {
            self.close();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Style;

    /// Remembers what was written, each write apart.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<String>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Canvas for Paper {
        fn size(&self) -> (usize, usize) {
            (80, 24)
        }

        fn ours(&self) -> bool {
            true
        }
    }

    impl Paper {
        fn writes(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    fn screen() -> (Screen, Paper) {
        let paper = Paper::default();
        let screen = Screen::on(Box::new(paper.clone()));
        let mut picture = Picture::new(2, Style::default());
        picture.runs(0, "build".into(), Instant::now());
        screen.news().picture = Some(picture);
        (screen, paper)
    }

    #[test]
    fn who_shows_a_line_never_waits_for_the_person_who_is_asked() {
        let (screen, paper) = screen();
        let other = screen.clone();
        screen.pause(|| std::thread::spawn(move || other.line("built")).join()).expect("shown");
        assert!(paper.writes().iter().all(|text| !text.contains("built")));
        screen.paint(false);
        assert!(paper.writes().iter().any(|text| text.contains("built")), "shown after the answer");
    }

    #[test]
    fn what_does_not_change_is_not_drawn_again() {
        let (screen, paper) = screen();
        screen.paint(false);
        screen.paint(false);
        assert_eq!(paper.writes().len(), 1);
        screen.wrote(0, b"compiling");
        screen.paint(false);
        let writes = paper.writes();
        assert_eq!(writes.len(), 2);
        assert!(writes[1].starts_with("\x1b[2A\r") && writes[1].contains("compiling"), "{:?}", writes[1]);
    }

    #[test]
    fn a_flood_during_a_question_is_bounded_and_told() {
        let (screen, paper) = screen();
        screen.pause(|| {
            for _ in 0..3 {
                screen.line(&"x".repeat(ROOM_ASKING));
            }
            assert!(screen.news().above.len() <= 2 * ROOM_ASKING);
        });
        screen.paint(true);
        assert!(paper.writes().iter().any(|text| text.contains("2 lines are not shown here")));
    }

    #[test]
    fn the_picture_is_gone_at_the_end() {
        let (screen, paper) = screen();
        screen.paint(false);
        screen.line("done");
        screen.close();
        let writes = paper.writes();
        assert_eq!(writes.last().map(String::as_str), Some("\x1b[2A\rdone\x1b[K\n\x1b[J"));
    }
}
