//! How long the stages of a lane will take together, from the durations of past runs. Knows no clock.

use serde::Serialize;

use crate::history::{Change, Past};

use super::forecast::{Forecast, Work};
use super::times::Times;

/// Seconds; null while there is no history. `low` and `high` hold the middle 80 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    pub seconds: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// One stage of the graph: its name and the stages it waits for, by index.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    pub name: &'a str,
    pub after: &'a [usize],
}

/// Of a graph whose stages are all carried out, at most `slots` at once; `past` newest first.
pub fn estimate(steps: &[Step], slots: usize, past: &[Past]) -> Estimate {
    let work = Work::plain(steps.iter().map(|step| (step.name, step.name, step.after)), slots);
    let forecast = Forecast::of(work, &Times::of(past), &Change::default(), None);
    forecast.map_or_else(Estimate::default, |forecast| forecast.before())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::remembered;
    use super::*;
    use crate::event::Status;

    const GRAPH: [(&str, &[usize]); 3] = [("build", &[]), ("unit", &[0]), ("lint", &[0])];

    fn steps() -> Vec<Step<'static>> {
        GRAPH.iter().map(|(name, after)| Step { name, after }).collect()
    }

    fn run(build: u64, unit: u64, lint: u64) -> Past {
        let ok = Status::Succeeded;
        remembered(0, "fix", &[], &[("build", ok, build), ("unit", ok, unit), ("lint", ok, lint)])
    }

    #[test]
    fn no_history_gives_no_number() {
        assert_eq!(estimate(&steps(), 4, &[]), Estimate::default());
    }

    #[test]
    fn the_longest_path_counts_when_there_is_room_and_the_sum_when_not() {
        let runs = [run(1000, 3000, 2000)];
        assert_eq!(estimate(&steps(), 4, &runs).seconds, Some(4.0));
        assert_eq!(estimate(&steps(), 1, &runs).seconds, Some(6.0));
        assert_eq!(estimate(&steps(), 4, &runs).low, None);
    }

    #[test]
    fn five_runs_give_an_interval_around_the_estimate() {
        let runs: Vec<Past> = [5, 9, 2, 7, 1, 4, 8, 3, 6].map(|n| run(1000, n * 1000, 10)).into();
        let found = estimate(&steps(), 4, &runs);
        assert!((5.0..=7.0).contains(&found.seconds.unwrap()), "{found:?}");
        assert!(found.low < found.seconds && found.seconds < found.high, "{found:?}");
        assert!(found.low >= Some(1.5) && found.high <= Some(13.0), "{found:?}");
    }
}
