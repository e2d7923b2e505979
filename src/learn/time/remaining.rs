//! How long a case that is under way will still take: medians of cases like it, in several ways of being like it, mixed by
//! what each was worth before. Knows no clock.
//!
//! Each view falls back to a wider one by shrinkage. How much each is trusted is settled on the last fifth of what is
//! learned from: a view loses weight as it is clearly (not by chance) worse than the best. Intervals are stretched so that
//! they held what came, there and from then on, as in I. Gibbs and E. Candès, *Adaptive conformal inference under
//! distribution shift*, 2021.

use super::super::log::{Log, NO_TIME};
use super::Span;
use super::table::{Cell, Ordered, Table};
use super::views::{self, VIEWS, WIDER};

/// As many samples of a key weigh as much as the wider view.
const PRIOR: f64 = 6.0;
/// Samples learned from, at most: the newest ones.
const MOST: usize = 150_000;
/// Samples that settle the weights, at most.
const SETTLE: usize = 20_000;
/// No view is ever given up: what comes may favour it.
const LEAST: f64 = 1e-3;
/// Step of the weights, by sample of a case that ended.
const WEIGH: f64 = 0.005;
/// Step of the stretches, over the root of how many samples were learned from; and the most one case may move them.
const STRETCH: f64 = 0.4;
const AT_ONCE: f64 = 0.1;
/// Share of what comes that intervals miss. A little less than a fifth: what is still under way is not counted yet, and
/// the long ones are the last to be.
const MISSED: f64 = 0.19;
const STRETCHES: (f64, f64) = (0.05, 20.0);

/// Low, middle and high by view.
type Each = [[f64; 3]; VIEWS];

#[derive(Clone, Debug)]
pub struct Remaining {
    tables: Vec<Table>,
    weights: [f64; VIEWS],
    /// Mean of all samples: makes steps the same for milliseconds and months.
    unit: f64,
    step: f64,
    /// Of the distance from the middle down, and up.
    stretch: [f64; 2],
}

/// What is the same for every case: a model must beat it. Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Constant {
    pub mean: f64,
    pub median: f64,
}

impl Constant {
    /// Of the first `length` events for every length from two on.
    pub fn of(log: &Log, cases: &[usize]) -> Constant {
        let lengths = |&case: &usize| {
            let events = log.cases.get(case).map_or(0, |case| case.events.len());
            (2..=events).filter_map(move |length| left(log, case, length))
        };
        let mut all: Vec<f64> = cases.iter().flat_map(lengths).collect();
        all.sort_by(f64::total_cmp);
        let mean = all.iter().sum::<f64>() / all.len().max(1) as f64;
        Constant { mean, median: all.get(all.len() / 2).copied().unwrap_or(0.0) }
    }
}

/// What was left of the case after that many events; none without times.
pub fn left(log: &Log, case: usize, length: usize) -> Option<f64> {
    let case = log.cases.get(case)?;
    let at = *log.times(case).get(length.checked_sub(1)?)?;
    let end = log.ended(case);
    (at != NO_TIME && end != NO_TIME).then(|| end.saturating_sub(at).max(0) as f64)
}

/// Samples to learn from, in the order of their cases.
#[derive(Default)]
struct Samples {
    keys: Vec<Vec<u64>>,
    values: Vec<f32>,
    /// Of which case each is.
    cases: Vec<u32>,
    /// So many come before the last fifth of the cases.
    first: usize,
}

impl Samples {
    fn of(log: &Log, cases: &[usize]) -> Samples {
        let mut samples = Samples { keys: vec![Vec::new(); VIEWS], ..Samples::default() };
        let border = cases.len() - cases.len() / 5;
        for (place, &case) in cases.iter().enumerate() {
            if place == border {
                samples.first = samples.values.len();
            }
            samples.take(log, case, place as u32);
        }
        if border == cases.len() {
            samples.first = samples.values.len();
        }
        samples
    }

    fn take(&mut self, log: &Log, place: usize, number: u32) {
        let Some(case) = log.cases.get(place) else { return };
        for length in 1..=case.events.len() {
            let Some(left) = left(log, place, length) else { continue };
            let keys = views::of(log, case, length);
            self.keys.iter_mut().zip(keys).for_each(|(all, key)| all.push(key));
            self.values.push(left as f32);
            self.cases.push(number);
        }
    }
}

/// The newest cases that hold no more than [`MOST`] samples.
fn newest<'c>(log: &Log, cases: &'c [usize]) -> &'c [usize] {
    let mut room = MOST;
    let fits = |case: &&usize| {
        let events = log.cases.get(**case).map_or(0, |case| case.events.len());
        let fits = events <= room;
        room = room.saturating_sub(events);
        fits
    };
    let count = cases.iter().rev().take_while(fits).count();
    &cases[cases.len() - count..]
}

impl Remaining {
    /// `cases` in the order in which they are to be learned. It draws nothing, so any seed gives the same.
    pub fn train(log: &Log, cases: &[usize], _seed: u64) -> Remaining {
        let samples = Samples::of(log, newest(log, cases));
        let ordered = Ordered::of(&samples.values);
        let all: f64 = samples.values.iter().map(|value| f64::from(*value)).sum();
        let mut model = Remaining {
            tables: Vec::with_capacity(VIEWS),
            weights: [1.0 / VIEWS as f64; VIEWS],
            unit: (all / samples.values.len().max(1) as f64).max(1.0),
            step: STRETCH / (samples.values.len().max(100) as f64).sqrt(),
            stretch: [1.0; 2],
        };
        let mut whole = Vec::with_capacity(VIEWS);
        for keys in &samples.keys {
            let (mut table, early) = Table::both(keys, &samples.values, &ordered, samples.first);
            whole.push(table.with(early));
            model.tables.push(table);
        }
        model.settle(&samples);
        for (table, cells) in model.tables.iter_mut().zip(whole) {
            table.with(cells);
            table.prune();
        }
        model
    }

    pub fn predict(&self, log: &Log, case: usize, length: usize) -> Span {
        match log.cases.get(case) {
            Some(case) => self.span(&self.mix(&self.each(&views::of(log, case, length)))),
            None => Span::default(),
        }
    }

    /// A case that ended. They are to come in the order of their ends.
    pub fn reveal(&mut self, log: &Log, case: usize) {
        let Some(events) = log.cases.get(case).map(|case| case.events.len()) else { return };
        let mut moves = [0.0; 2];
        for length in 2..=events {
            let Some(left) = left(log, case, length) else { continue };
            let each = self.each(&views::of(log, &log.cases[case], length));
            let mixed = self.mix(&each);
            let span = self.span(&mixed);
            self.weigh(&each, mixed[1], left);
            let missed = [f64::from(u8::from(left < span.low)), f64::from(u8::from(left > span.high))];
            let too_many = missed[0] + missed[1] - MISSED;
            // Both follow what is missed in all, and each a little what is missed on its own side.
            moves[0] += too_many + (missed[0] - missed[1]) / 4.0;
            moves[1] += too_many + (missed[1] - missed[0]) / 4.0;
        }
        for (stretch, step) in self.stretch.iter_mut().zip(moves) {
            let step = (self.step * step).clamp(-AT_ONCE, AT_ONCE);
            *stretch = (*stretch * step.exp()).clamp(STRETCHES.0, STRETCHES.1);
        }
    }

    /// What each view says, narrow ones leaning on the wider.
    fn each(&self, keys: &[u64; VIEWS]) -> Each {
        let mut each = [[0.0; 3]; VIEWS];
        for (view, table) in self.tables.iter().enumerate() {
            let Cell { n, at } = table.get(keys[view]);
            let (n, wider) = (f64::from(n), each[WIDER[view]]);
            let prior = if view == WIDER[view] { 0.0 } else { PRIOR };
            let weight = (n + prior).max(1.0);
            each[view] = core::array::from_fn(|q| (f64::from(at[q]) * n + wider[q] * prior) / weight);
        }
        each
    }

    fn mix(&self, each: &Each) -> [f64; 3] {
        let mut mixed = [0.0; 3];
        for (weight, own) in self.weights.iter().zip(each) {
            mixed.iter_mut().zip(own).for_each(|(sum, value)| *sum += weight * value);
        }
        mixed
    }

    fn span(&self, mixed: &[f64; 3]) -> Span {
        let [low, middle, high] = *mixed;
        Span {
            middle,
            low: (middle - (middle - low) * self.stretch[0]).max(0.0),
            high: middle + (high - middle) * self.stretch[1],
        }
    }

    /// One step of exponentiated gradient down the absolute error.
    fn weigh(&mut self, each: &Each, middle: f64, left: f64) {
        if middle == left {
            return;
        }
        let side = (middle - left).signum();
        let mut sum = 0.0;
        for (weight, own) in self.weights.iter_mut().zip(each) {
            let slope = (side * (own[1] - middle) / self.unit).clamp(-3.0, 3.0);
            *weight = (*weight * (-WEIGH * slope).exp()).max(LEAST);
            sum += *weight;
        }
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
    }

    /// Weights and stretches from the samples that the tables do not hold yet.
    fn settle(&mut self, samples: &Samples) {
        let from = samples.first.max(samples.values.len().saturating_sub(SETTLE));
        let places = from..samples.values.len();
        let keys = |place: usize| -> [u64; VIEWS] { core::array::from_fn(|view| samples.keys[view][place]) };
        let each: Vec<Each> = places.clone().map(|place| self.each(&keys(place))).collect();
        let came: Vec<f64> = places.clone().map(|place| f64::from(samples.values[place])).collect();
        self.weights = trust(&each, &came, &samples.cases[places]);
        let mixed: Vec<[f64; 3]> = each.iter().map(|each| self.mix(each)).collect();
        self.stretch = stretches(&mixed, &came);
    }
}

/// By how many standard errors of the difference, over cases, a view is worse than the best of them.
fn trust(each: &[Each], came: &[f64], cases: &[u32]) -> [f64; VIEWS] {
    let mut by_case: Vec<[f64; VIEWS]> = Vec::new();
    let mut last = None;
    for ((each, came), case) in each.iter().zip(came).zip(cases) {
        if last != Some(case) {
            by_case.push([0.0; VIEWS]);
            last = Some(case);
        }
        if let Some(errors) = by_case.last_mut() {
            errors.iter_mut().zip(each).for_each(|(sum, own)| *sum += (own[1] - came).abs());
        }
    }
    let n = by_case.len().max(1) as f64;
    let total = |view: usize| by_case.iter().map(|errors| errors[view]).sum::<f64>();
    let best = (0..VIEWS).min_by(|&a, &b| total(a).total_cmp(&total(b))).unwrap_or(0);
    let mut weights = [0.0; VIEWS];
    for (view, weight) in weights.iter_mut().enumerate() {
        let worse = |errors: &[f64; VIEWS]| errors[view] - errors[best];
        let mean = by_case.iter().map(worse).sum::<f64>() / n;
        let variance = by_case.iter().map(|errors| (worse(errors) - mean).powi(2)).sum::<f64>() / n;
        let error = (variance / n).sqrt();
        let away = if error > 0.0 { mean / error } else { 0.0 };
        *weight = (-away * away / 2.0).exp().max(LEAST);
    }
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// How far the distances from the middle (low, middle, high) must be stretched so that a tenth of what came lies below and
/// a tenth above. What cannot lie on one side is given to the other.
fn stretches(mixed: &[[f64; 3]], came: &[f64]) -> [f64; 2] {
    let beyond = |side: usize| -> Vec<f64> {
        let sign = if side == 0 { -1.0 } else { 1.0 };
        let ratio = |(mixed, came): (&[f64; 3], &f64)| {
            let (gap, reach) = (sign * (came - mixed[1]), sign * (mixed[2 * side] - mixed[1]));
            (gap > 0.0).then(|| if reach > 0.0 { gap / reach } else { f64::INFINITY })
        };
        let mut ratios: Vec<f64> = mixed.iter().zip(came).filter_map(ratio).collect();
        ratios.sort_by(|a, b| b.total_cmp(a));
        ratios
    };
    let sides = [beyond(0), beyond(1)];
    let share = (came.len() as f64 * MISSED / 2.0) as usize;
    core::array::from_fn(|side| {
        let spare = share.saturating_sub(sides[1 - side].len());
        let at = sides[side].get(share + spare).copied();
        if came.is_empty() { 1.0 } else { at.unwrap_or(STRETCHES.0).clamp(STRETCHES.0, STRETCHES.1) }
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::log::Case;
    use super::super::super::split::{Order, Split};
    use super::*;

    /// Cases of three events. Kind 1 takes ten times as long as kind 0, and the last third takes `drift` times as long.
    fn log(cases: usize, drift: f64) -> Log {
        let mut log = Log { activities: vec!["short".into(), "long".into(), "go".into()], ..Log::default() };
        let mut state = 7_u64;
        for number in 0..cases {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (kind, jitter) = ((state >> 40) as u32 % 2, (state >> 33) as f64 % 1_000.0 / 1_000.0);
            let slower = if number * 3 > cases * 2 { drift } else { 1.0 };
            let step = [10_000.0, 100_000.0][kind as usize] * (0.5 + jitter) * slower;
            let start = number as i64 * 1_000_000;
            let from = log.at.len();
            for (event, activity) in [kind, 2, 2].into_iter().enumerate() {
                log.activity.push(activity);
                log.at.push(start + (event as f64 * step) as i64);
            }
            log.cases.push(Case { id: number.to_string().into(), events: from..from + 3, failed: None });
        }
        log
    }

    /// Mean error at the second event, that of the median of all, and the share held by the intervals in the last half.
    fn tried(log: &Log, reveal: bool) -> (f64, f64, f64) {
        let split = Split::of(log, Order::Start);
        let mut model = Remaining::train(log, &split.train, 1);
        let constant = Constant::of(log, &split.train);
        let (mut own, mut plain, mut held) = (0.0, 0.0, 0.0);
        let half = split.test.len() / 2;
        for (number, &case) in split.test.iter().enumerate() {
            for length in [2, 3] {
                let came = left(log, case, length).unwrap();
                let span = model.predict(log, case, length);
                assert!(span.low <= span.middle && span.middle <= span.high, "{span:?}");
                own += (span.middle - came).abs();
                plain += (constant.median - came).abs();
                held += f64::from(u8::from(number >= half && span.low <= came && came <= span.high));
            }
            if reveal {
                model.reveal(log, case);
            }
        }
        let n = 2.0 * split.test.len() as f64;
        (own / n, plain / n, held / (n - 2.0 * half as f64))
    }

    #[test]
    fn what_a_case_is_like_says_how_long_it_takes() {
        let (own, plain, held) = tried(&log(1_500, 1.0), true);
        assert!(own < plain / 2.0, "{own} beside {plain}");
        assert!((0.74..=0.88).contains(&held), "{held}");
    }

    #[test]
    fn intervals_follow_a_process_that_becomes_slower_and_without_news_they_do_not() {
        let slower = log(3_000, 3.0);
        let (_, _, held) = tried(&slower, true);
        let (_, _, deaf) = tried(&slower, false);
        assert!(held > 0.65, "{held}");
        assert!(deaf < 0.6, "the sabotage twin held {deaf}");
    }

    #[test]
    fn the_same_cases_give_the_same_model_and_none_gives_zeros() {
        let log = log(90, 1.0);
        let cases: Vec<usize> = (0..90).collect();
        let two = [1, 2].map(|seed| Remaining::train(&log, &cases, seed).predict(&log, 3, 2));
        assert_eq!(two[0], two[1]);
        assert_eq!(Remaining::train(&log, &[], 1).predict(&log, 3, 2), Span::default());
        let mut model = Remaining::train(&log, &cases, 1);
        model.reveal(&log, 9_999);
        assert_eq!(model.predict(&log, 9_999, 1), Span::default());
    }

    #[test]
    fn a_log_without_times_teaches_nothing() {
        let mut log = log(30, 1.0);
        log.at.fill(NO_TIME);
        let cases: Vec<usize> = (0..30).collect();
        assert_eq!(left(&log, 0, 2), None);
        assert_eq!(Remaining::train(&log, &cases, 1).predict(&log, 0, 2).middle, 0.0);
    }
}
