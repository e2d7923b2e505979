//! The live view on a terminal: finished stages scroll up, running ones turn below, at most 20 redraws a second.
//! Draws on standard error only.

use std::collections::BTreeMap;
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
pub struct Screen(MultiProgress);

impl Default for Screen {
    fn default() -> Self {
        Screen(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20)))
    }
}

impl Screen {
    /// Writes a line above the drawing.
    pub fn line(&self, text: &str) {
        let _ = self.0.println(text);
    }

    /// Clears the drawing while `f` uses the terminal.
    pub fn pause<T>(&self, f: impl FnOnce() -> T) -> T {
        self.0.suspend(f)
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
        let footer = screen.0.add(ProgressBar::new(total as u64));
        footer.set_style(style("{elapsed:>6} {msg}", unicode));
        footer.enable_steady_tick(Duration::from_millis(200));
        Progress { lines, screen, bars: BTreeMap::new(), footer, unicode, total }
    }

    fn start(&mut self, node: NodeIndex, line: &str) {
        if self.bars.len() >= SHOWN || self.bars.contains_key(&node) {
            return;
        }
        let bar = self.screen.0.insert_before(&self.footer, ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {msg} {elapsed}", self.unicode));
        bar.set_message(line.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bars.insert(node, bar);
    }

    fn stop(&mut self, node: NodeIndex) {
        if let Some(bar) = self.bars.remove(&node) {
            bar.finish_and_clear();
            self.screen.0.remove(&bar);
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
        let _ = self.screen.0.clear();
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
                    let _ = self.screen.0.println(line);
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
