//! The order in which what came becomes known: a prediction is made with what had come to light before it, and a case comes
//! to light when it ends. Knows no model.

use crate::learn::log::{Log, NO_TIME};

/// What happens next when cases are gone through as time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The first `length` events of the case are known.
    Predict { case: usize, length: usize },
    /// The case has ended.
    Reveal { case: usize },
}

/// Whether times can order the cases: without any, the cases follow each other.
pub fn timed(log: &Log) -> bool {
    log.at.iter().any(|&at| at != NO_TIME)
}

/// One prediction a case when it starts, and what became of it when it ended. At one moment predictions come first.
pub fn at_start(log: &Log, cases: &[usize]) -> Vec<Step> {
    of(log, cases, |log, case| vec![(log.started(&log.cases[case]), Step::Predict { case, length: 1 })])
}

/// A prediction after each event from the `least`th on.
pub fn at_events(log: &Log, cases: &[usize], least: usize) -> Vec<Step> {
    of(log, cases, |log, case| {
        let times = log.times(&log.cases[case]);
        let step = |length: usize| (times[length - 1], Step::Predict { case, length });
        (least.max(1)..=times.len()).map(step).collect()
    })
}

fn of(log: &Log, cases: &[usize], predictions: impl Fn(&Log, usize) -> Vec<(i64, Step)>) -> Vec<Step> {
    let timed = timed(log);
    let mut steps: Vec<(i64, bool, Step)> = Vec::new();
    for (turn, &case) in (0i64..).zip(cases).filter(|(_, case)| !log.cases[**case].events.is_empty()) {
        let end = (log.ended(&log.cases[case]), Step::Reveal { case });
        for (at, step) in predictions(log, case).into_iter().chain([end]) {
            let reveal = matches!(step, Step::Reveal { .. });
            steps.push((if timed { at } else { turn }, reveal, step));
        }
    }
    // Stable: what is of one moment keeps the order of the cases.
    steps.sort_by_key(|(at, reveal, _)| (*at, *reveal));
    steps.into_iter().map(|(_, _, step)| step).collect()
}

/// Events of the cases as they come, each with how many of its case came before it; a case's end is one more, at once after
/// its last.
pub fn events(log: &Log, cases: &[usize]) -> Vec<(u32, u32)> {
    let timed = timed(log);
    let mut all: Vec<(i64, u32, u32)> = Vec::new();
    for (turn, &case) in (0i64..).zip(cases) {
        let times = log.times(&log.cases[case]);
        let mut last = NO_TIME;
        for length in 0..=times.len() {
            last = times.get(length).copied().unwrap_or(last).max(last);
            all.push((if timed { last } else { turn }, case as u32, length as u32));
        }
    }
    all.sort_by_key(|(at, _, _)| *at);
    all.into_iter().map(|(_, case, length)| (case, length)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::log::Case;

    /// Case 0 at 10 and 40, case 1 at 20 and 30.
    fn two(at: Vec<i64>) -> Log {
        let case = |events| Case { id: "c".into(), events, failed: None };
        let cases = vec![case(0..2), case(2..4)];
        Log { activities: vec!["a".into()], cases, activity: vec![0; 4], at, ..Log::default() }
    }

    #[test]
    fn what_ends_later_is_revealed_later_than_what_is_predicted_meanwhile() {
        let steps = at_start(&two(vec![10, 40, 20, 30]), &[0, 1]);
        let predict = |case| Step::Predict { case, length: 1 };
        assert_eq!(steps, [predict(0), predict(1), Step::Reveal { case: 1 }, Step::Reveal { case: 0 }]);
    }

    #[test]
    fn a_case_is_never_revealed_before_its_own_last_prediction() {
        let steps = at_events(&two(vec![10, 40, 20, 40]), &[0, 1], 2);
        let predict = |case| Step::Predict { case, length: 2 };
        assert_eq!(steps, [predict(0), predict(1), Step::Reveal { case: 0 }, Step::Reveal { case: 1 }]);
    }

    #[test]
    fn without_times_cases_follow_each_other() {
        let log = two(vec![NO_TIME; 4]);
        let steps = at_start(&log, &[1, 0]);
        let predict = |case| Step::Predict { case, length: 1 };
        assert_eq!(steps, [predict(1), Step::Reveal { case: 1 }, predict(0), Step::Reveal { case: 0 }]);
        assert_eq!(events(&log, &[1, 0]), [(1, 0), (1, 1), (1, 2), (0, 0), (0, 1), (0, 2)]);
    }

    #[test]
    fn events_of_all_cases_are_merged_by_time_and_an_end_follows_its_last_event() {
        let merged = events(&two(vec![10, 40, 20, 30]), &[0, 1]);
        assert_eq!(merged, [(0, 0), (1, 0), (1, 1), (1, 2), (0, 1), (0, 2)]);
    }
}
