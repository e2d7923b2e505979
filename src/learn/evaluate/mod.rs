//! How good predictions over an event log are, always beside what anyone could say without a model: learned from the first two
//! thirds of the cases, judged by the rest, and again predicting and learning event by event. The clock is handed in; it is
//! looked at for what is told of cost and for nothing else.

mod baseline;
mod failure;
mod models;
mod remaining;
mod report;
mod schedule;
mod sets;
mod stage;
#[cfg(test)]
mod synthetic;

pub use report::{
    Baselines, FailureBaselines, LeftOut, Percentiles, Report, SetBaselines, Size, TimeBaselines, TimeScore,
    TrainParts, VERSION,
};

use core::time::Duration;

use super::log::{Log, NO_TIME};
use super::next::baseline::Kind;
use super::split::{Order, Split};

/// Probabilities worked out for one measure, about: two thousand predictions among a million classes.
pub const CELLS: u64 = 2_000_000_000;
/// Activities up to which sets are judged: each is a question of its own in each case.
pub const LABELS: usize = 1_000;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub order: Order,
    pub seed: u64,
    pub cells: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { order: Order::Start, seed: 0, cells: CELLS }
    }
}

/// Parts that cannot be worked out are none, and the notes say why.
pub fn evaluate(log: &Log, options: &Options, clock: &mut dyn FnMut() -> Duration) -> Report {
    let split = Split::of(log, options.order);
    let report = Report {
        version: VERSION,
        seed: options.seed,
        order: word(options.order),
        log: size(log, &split),
        ..Report::default()
    };
    let mut judge = Judge { log, split: &split, options, clock, report };
    if split.train.is_empty() || split.test.is_empty() {
        judge.note("fewer than two cases: there is nothing to hold back and to be judged by");
        return judge.report;
    }
    if log.cases.iter().all(|case| case.events.len() <= 1) {
        judge.note("each case is one event: nothing comes next, and only outcomes can be judged");
    } else {
        judge.disorder();
        judge.next_stage();
        judge.remaining_time();
        judge.stage_sets();
    }
    judge.failures();
    judge.report
}

fn word(order: Order) -> &'static str {
    match order {
        Order::Start => "start",
        Order::File => "file",
        Order::Reversed => "reversed",
    }
}

fn size(log: &Log, split: &Split) -> Size {
    Size {
        cases: log.cases.len(),
        events: log.activity.len(),
        activities: log.activities.len(),
        train_cases: split.train.len(),
        test_cases: split.test.len(),
    }
}

struct Judge<'a> {
    log: &'a Log,
    split: &'a Split,
    options: &'a Options,
    clock: &'a mut dyn FnMut() -> Duration,
    report: Report,
}

impl Judge<'_> {
    fn note(&mut self, text: impl Into<String>) {
        self.report.notes.push(text.into());
    }

    /// What was made, and the seconds that took.
    fn timed<T>(&mut self, make: impl FnOnce() -> T) -> (T, f64) {
        let from = (self.clock)();
        let made = make();
        (made, (self.clock)().saturating_sub(from).as_secs_f64())
    }

    fn disorder(&mut self) {
        let without = self.log.at.iter().filter(|at| **at == NO_TIME).count();
        if without == self.log.at.len() {
            self.note("the log has no times: cases are taken as they stand in it, one after the other");
        } else if without > 0 {
            let all = self.log.at.len();
            self.note(format!(
                "{without} of {all} events have no time: what would be judged by it is left out there"
            ));
        }
        if self.log.activities.len() == 1 {
            self.note("there is one activity only: what comes next is whether the case ends");
        }
        let traces = self.log.cases.windows(2);
        if self.log.cases.len() > 1
            && traces.into_iter().all(|two| self.log.trace(&two[0]) == self.log.trace(&two[1]))
        {
            self.note("all cases have the same stages: a constant answer per place is always right, and no figure here says more");
        }
    }

    fn next_stage(&mut self) {
        let (log, split, seed) = (self.log, self.split, self.options.seed);
        let stride = stage::stride(log, &split.test, self.options.cells);
        if !split.test.iter().any(|&case| log.cases[case].events.len() >= stage::LEAST) {
            return self.note("no case that is judged has two events: there is no next stage to tell");
        }
        if stride > 1 {
            let activities = log.activities.len();
            self.note(format!("among {activities} activities one prediction in {stride} was judged"));
        }
        self.stage_baselines(stride);
        let (mut model, seconds) = self.timed(|| models::Next::train(log, &split.train, seed));
        self.report.train_seconds = Some(seconds);
        self.report.train_parts.next_stage = Some(seconds);
        self.report.snapshot_bytes = Some(model.bytes());
        self.report.left_out = model.left_out(log);
        let (score, mut laps) = stage::fixed(&model, log, &split.test, stride, self.clock);
        self.report.next_stage = Some(score);
        self.report.predict_micros = laps.percentiles();
        let (score, laps) = stage::prequential(&mut model, log, &split.test, stride, self.clock);
        self.report.prequential = Some(score);
        self.report.update_micros = laps.mean_micros();
    }

    fn stage_baselines(&mut self, stride: usize) {
        let (log, split) = (self.log, self.split);
        let mut score = |kind| {
            let simple = baseline::Simple::train(kind, log, &split.train);
            Some(stage::fixed(&simple, log, &split.test, stride, self.clock).0)
        };
        let [majority, prior, markov1] = [Kind::Majority, Kind::Prior, Kind::Markov].map(&mut score);
        self.report.baselines = Baselines { majority, prior, markov1, ..Baselines::default() };
    }

    fn remaining_time(&mut self) {
        let (log, split, seed) = (self.log, self.split, self.options.seed);
        let moved = log.cases.iter().any(|case| log.started(case) != log.ended(case));
        if !schedule::timed(log) || !moved {
            return self.note("no case takes any time: there is no remaining time to tell");
        }
        let fixed = |mut model: remaining::BackOff| remaining::score(&mut model, log, &split.test, false);
        self.report.baselines.remaining_time = TimeBaselines {
            mean: fixed(remaining::BackOff::mean(log, &split.train)),
            median: fixed(remaining::BackOff::median(log, &split.train)),
            backoff_median: fixed(remaining::BackOff::by_last_stages(log, &split.train)),
        };
        let (mut model, seconds) = self.timed(|| models::Remaining::train(log, &split.train, seed));
        self.report.train_parts.remaining_time = Some(seconds);
        self.report.remaining_time_static = remaining::score(&mut model, log, &split.test, false);
        self.report.remaining_time = remaining::score(&mut model, log, &split.test, true);
    }

    fn stage_sets(&mut self) {
        let (log, split, seed) = (self.log, self.split, self.options.seed);
        if log.activities.len() > LABELS {
            let activities = log.activities.len();
            return self.note(format!(
                "{activities} activities are too many to ask of each whether a case needs it"
            ));
        }
        let (mut model, seconds) = self.timed(|| models::Sets::train(log, &split.train, seed));
        let labels = model.optional();
        if labels.is_empty() {
            return self
                .note("no stage is optional: each is in nearly all cases learned from, or in nearly none");
        }
        let mut prior = sets::Prior::train(log, &split.train);
        self.report.baselines.stage_set.prior = sets::score(&mut prior, log, &split.test, &labels, false);
        self.report.train_parts.stage_set = Some(seconds);
        self.report.stage_set = sets::score(&mut model, log, &split.test, &labels, false);
        self.report.stage_set_online = sets::score(&mut model, log, &split.test, &labels, true);
    }

    fn failures(&mut self) {
        let (log, split, seed) = (self.log, self.split, self.options.seed);
        let (learned, judged) = (failure::known(log, &split.train), failure::known(log, &split.test));
        if learned.is_empty() || judged.is_empty() {
            return self
                .note("the log does not say which cases failed: name the column that does with `--outcome`");
        }
        let one_way = |known: &[(usize, bool)]| known.iter().all(|(_, failed)| *failed == known[0].1);
        if one_way(&judged) {
            self.note("all judged cases ended the same way: there is no AUC");
        } else if one_way(&learned) {
            self.note(
                "all cases learned from ended the same way: what fails could only be learned while judging",
            );
        }
        let (mut prior, mut last) =
            (failure::prior(log, &split.train), failure::last_outcome(log, &split.train));
        self.report.baselines.failure = FailureBaselines {
            prior: failure::score(&mut prior, log, &split.test, true),
            last_outcome: failure::score(&mut last, log, &split.test, true),
        };
        let (mut model, seconds) = self.timed(|| models::Failure::train(log, &split.train, seed));
        self.report.train_parts.failure = Some(seconds);
        self.report.failure_static = failure::score(&mut model, log, &split.test, false);
        self.report.failure = failure::score(&mut model, log, &split.test, true);
    }
}

#[cfg(test)]
mod tests;
