//! The live view on a terminal: finished stages scroll up, running ones turn below, at most 20 redraws a second.
//! Draws on standard error only.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Event, NodeIndex, Record, Status};
use crate::port::Observer;

use super::plain::Lines;
use super::style::counted;

/// Running stages shown at once; the rest are counted.
const SHOWN: usize = 8;

/// The drawing area, to be shared with whoever asks questions on the same terminal.
#[derive(Clone)]
pub struct Screen {
    bars: MultiProgress,
    /// Lines kept back while a person is asked. Drawing would wait for the answer, and the run with it.
    held: Arc<Mutex<Option<Vec<String>>>>,
}

impl Default for Screen {
    fn default() -> Self {
        Screen { bars: MultiProgress::with_draw_target(target()), held: Arc::default() }
    }
}

fn target() -> ProgressDrawTarget {
    ProgressDrawTarget::stderr_with_hz(20)
}

impl Screen {
    /// Writes a line above the drawing; after the answer, if a person is being asked.
    pub fn line(&self, text: &str) {
        match self.held.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(held) => held.push(text.to_string()),
            None => drop(self.bars.println(text)),
        }
    }

    /// Clears the drawing while `f` uses the terminal.
    pub fn pause<T>(&self, f: impl FnOnce() -> T) -> T {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
        let _ = self.bars.clear();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
        let result = f();
        self.release();
        result
    }

    /// Draws again and writes what was kept back.
    fn release(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lines) = held.take() else { return };
        self.bars.set_draw_target(target());
        for line in lines {
            let _ = self.bars.println(line);
        }
    }

    /// The run ended: a question that nobody answered by then stays behind on its own line.
    fn close(&self) {
        if self.held.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            let _ = writeln!(std::io::stderr());
            self.release();
        }
        let _ = self.bars.clear();
    }
}

/// Observes a run and draws it.
pub struct Progress {
    lines: Lines,
    screen: Screen,
    bars: BTreeMap<NodeIndex, ProgressBar>,
    footer: ProgressBar,
    unicode: bool,
    total: usize,
}

impl Progress {
    pub fn new(lines: Lines, screen: Screen, total: usize, unicode: bool) -> Self {
        let footer = screen.bars.add(ProgressBar::new(total as u64));
        footer.set_style(style("{msg} {elapsed}", unicode));
        footer.enable_steady_tick(Duration::from_millis(200));
        Progress { lines, screen, bars: BTreeMap::new(), footer, unicode, total }
    }

    fn start(&mut self, node: NodeIndex, line: &str) {
        if self.bars.len() >= SHOWN || self.bars.contains_key(&node) {
            return;
        }
        let bar = self.screen.bars.insert_before(&self.footer, ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {msg} {elapsed}", self.unicode));
        bar.set_message(line.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bars.insert(node, bar);
    }

    fn stop(&mut self, node: NodeIndex) {
        if let Some(bar) = self.bars.remove(&node) {
            bar.finish_and_clear();
            self.screen.bars.remove(&bar);
        }
    }

    fn refresh(&self) {
        let board = self.lines.board();
        let done = (0..self.total as NodeIndex).filter(|&node| board.status(node).is_final()).count();
        let running = board.nodes_in(&[Status::Running]).len();
        self.footer.set_message(format!("{done} of {}, {running} running", counted(self.total, "stage")));
    }

    fn close(&mut self) {
        for (_, bar) in std::mem::take(&mut self.bars) {
            bar.finish_and_clear();
        }
        self.footer.finish_and_clear();
        self.screen.close();
    }
}

impl Observer for Progress {
    fn event(&mut self, record: &Record) {
        let lines = self.lines.take(record);
        match &record.event {
            Event::StageStarted { node, .. } => {
                let line = lines.first().map(|line| name_of(line)).unwrap_or_default();
                self.start(*node, line);
            }
            other => {
                if let Event::StageFinished { node, .. } | Event::StageWaiting { node, .. } = other {
                    self.stop(*node);
                }
                for line in lines {
                    self.screen.line(&line);
                }
            }
        }
        self.refresh();
        if matches!(record.event, Event::RunFinished { .. }) {
            self.close();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.close();
    }
}

/// The line without its symbol: the spinner takes that place.
fn name_of(line: &str) -> &str {
    line.split_once(' ').map_or(line, |(_, rest)| rest)
}

fn style(template: &str, unicode: bool) -> ProgressStyle {
    let ticks = if unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "|/-\\ " };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shows_a_line_never_waits_for_the_person_who_is_asked() {
        let screen = Screen::default();
        let other = screen.clone();
        let kept = screen.pause(|| {
            let shown = std::thread::spawn(move || other.line("built")).join();
            shown.is_ok() && screen.held.lock().is_ok_and(|held| held.as_deref() == Some(&["built".into()]))
        });
        assert!(kept);
        assert!(screen.held.lock().is_ok_and(|held| held.is_none()), "shown after the answer");
    }
}
