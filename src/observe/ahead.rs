//! What is expected of the rest of a run, in words. Who works it out is not known here.

use std::sync::Arc;

use crate::base::Timestamp;

use super::Board;

/// Less than this is not worth a word while a run goes on.
const SHORT: u64 = 10_000;
/// Milliseconds between two times of working it out, at least: for a picture, and for lines that stay.
pub const DRAWN: i64 = 1_000;
pub const WRITTEN: i64 = 10_000;

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    pub ms: u64,
    /// The middle 80 %.
    pub between: Option<(u64, u64)>,
}

/// Says what is left, as the stages are at a time; nothing where history says nothing.
pub type Forecast = Arc<dyn Fn(&Board, Timestamp) -> Option<Ahead> + Send + Sync>;

impl Ahead {
    /// `about 3m 20s (80 %: 2m 50s to 4m 10s)`.
    pub fn words(&self) -> String {
        match self.between {
            Some((low, high)) => {
                format!("about {} (80 %: {} to {})", roughly(self.ms), roughly(low), roughly(high))
            }
            None => format!("about {}", roughly(self.ms)),
        }
    }
}

/// What a picture says of it that was worked out so long ago.
pub fn counted_down(ahead: &Ahead, gone: u64) -> String {
    let left = ahead.ms.saturating_sub(gone);
    let latest = ahead.between.map_or(ahead.ms, |(_, high)| high);
    match left {
        1_000.. => format!("about {} left", roughly(left / 1_000 * 1_000)),
        _ if gone <= latest => "soon done".into(),
        _ => "longer than usual".into(),
    }
}

/// No more digits than can be known.
pub fn roughly(ms: u64) -> String {
    let rounded = |to: u64| (ms + to / 2) / to;
    match ms {
        0..10_000 => super::style::elapsed(ms),
        10_000..59_500 => format!("{}s", rounded(1_000)),
        59_500..600_000 => minutes(rounded(5_000) * 5),
        600_000..3_600_000 => minutes(rounded(60_000) * 60),
        _ => super::style::elapsed(rounded(60_000) * 60_000),
    }
}

fn minutes(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (minutes, 0) => format!("{minutes}m"),
        (minutes, seconds) => format!("{minutes}m {seconds:02}s"),
    }
}

/// Asks a forecast now and then.
#[derive(Default)]
pub struct Outlook {
    forecast: Option<Forecast>,
    period: i64,
    asked: Option<Timestamp>,
}

impl Outlook {
    pub fn of(forecast: Option<Forecast>, period: i64) -> Self {
        Outlook { forecast, period, asked: None }
    }

    /// What is left, if that is worth a word and was not asked for just now.
    pub fn ask(&mut self, board: &Board, at: Timestamp) -> Option<Ahead> {
        let forecast = self.forecast.as_ref()?;
        if self.asked.is_some_and(|asked| at.0.saturating_sub(asked.0) < self.period) {
            return None;
        }
        self.asked = Some(at);
        forecast(board, at).filter(|ahead| ahead.ms >= SHORT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_has_few_digits() {
        let words: Vec<String> =
            [120, 8_240, 12_400, 59_600, 203_400, 1_234_567, 7_500_000].map(roughly).into();
        assert_eq!(words, ["120ms", "8.2s", "12s", "1m", "3m 25s", "21m", "2h 05m"]);
        let ahead = Ahead { ms: 200_000, between: Some((170_000, 250_000)) };
        assert_eq!(ahead.words(), "about 3m 20s (80 %: 2m 50s to 4m 10s)");
        assert_eq!(Ahead { ms: 12_000, between: None }.words(), "about 12s");
        let down: Vec<String> = [0, 150_000, 200_000, 251_000].map(|gone| counted_down(&ahead, gone)).into();
        assert_eq!(down, ["about 3m 20s left", "about 50s left", "soon done", "longer than usual"]);
    }

    #[test]
    fn it_is_asked_once_a_second_and_short_rests_are_not_told() {
        let left =
            |ms| Outlook::of(Some(Arc::new(move |_: &Board, _| Some(Ahead { ms, between: None }))), DRAWN);
        let board = Board::new(0);
        let mut long = left(60_000);
        let asked: Vec<bool> =
            [0, 500, 1_000, 1_999, 2_000].map(|at| long.ask(&board, Timestamp(at)).is_some()).into();
        assert_eq!(asked, [true, false, true, false, true]);
        assert_eq!(left(5_000).ask(&board, Timestamp(0)), None);
        assert_eq!(Outlook::default().ask(&board, Timestamp(0)), None);
    }
}
