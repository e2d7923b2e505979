//! Many yes-or-no questions about the same thing, answered from the words that describe it: counts with shrinkage for each
//! word and question, put together by weights that all questions learn in common. Knows no lane, no word's text, no clock.
//!
//! Every prediction that the weights learn from was made before its own outcome was counted, so what is promised is what
//! was held on what was not known yet. The sum of shrunk log odds is naive Bayes; weights of at most one keep words that say
//! the same from being believed twice.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

/// Occurrences that a word's own rate is worth less than.
const SHRINK: f64 = 8.0;
/// The same for the rate of late.
const SHRINK_RECENT: f64 = 3.0;
/// What is left of an occurrence's weight after the next: half of it after about 14.
const FADE: f32 = 0.95;
/// Words kept at most; those beyond say nothing.
const WORDS: usize = 1 << 16;
/// Counts kept at most, words times questions.
const CELLS: usize = 1 << 22;
/// Weight of a kind of words before anything was learned: words tell the same thing twice.
const EVIDENCE: f64 = 0.25;
/// First step of learning; it shrinks with what was learned already.
const STEP: f64 = 0.1;
/// No weight goes beyond.
const MOST: f64 = 1.2;

/// Something that is so of the thing asked about. Its kind is below the number of kinds; of one kind there may be several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Word {
    pub kind: u8,
    /// Of kind and text.
    pub hash: u64,
}

/// What to expect where nothing was seen, and how many occurrences that is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    pub rate: f64,
    pub worth: f64,
    /// The rate of all questions together takes its place as that becomes known.
    pub pooled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub yes: u32,
    pub seen: u32,
}

impl Tally {
    /// Both answers were seen.
    pub fn is_varied(self) -> bool {
        self.yes > 0 && self.yes < self.seen
    }

    fn add(&mut self, yes: bool) {
        self.yes = self.yes.saturating_add(u32::from(yes));
        self.seen = self.seen.saturating_add(1);
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Recent {
    yes: f32,
    seen: f32,
}

/// All questions, and what their answers rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    prior: Prior,
    /// For the rate itself, the rate of late, and each kind of word.
    weights: Vec<f64>,
    /// Sums of squares of what each weight was corrected by.
    squares: Vec<f64>,
    all: Tally,
    base: Vec<Tally>,
    recent: Vec<Recent>,
    words: Vec<Word>,
    /// By word, then by question; what is missing at the end is nothing.
    counts: Vec<Vec<Tally>>,
    #[serde(skip)]
    places: FxHashMap<Word, u32>,
}

/// An answer with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub probability: f64,
    /// The middle 80 % of what it may really be.
    pub low: f64,
    pub high: f64,
    /// How often the question was answered.
    pub base: Tally,
    /// Strongest first.
    pub because: Vec<Because>,
}

/// What one word, by its place among those given, adds to the log odds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Because {
    /// None is the rate of late.
    pub word: Option<usize>,
    pub weight: f64,
    pub tally: Tally,
}

/// A word that is known: its kind, its place among those given, its row of counts.
type Row = (u8, usize, u32);

/// Words looked up once for all questions.
pub struct Known<'a> {
    labels: &'a Labels,
    rows: Vec<Row>,
    /// Kinds of words that were given, known or not.
    kinds: usize,
}

/// What the words say of one question: what goes into the sum, and the strongest word of each kind.
#[derive(Clone, Debug, Default)]
struct Weighed {
    inputs: Vec<f64>,
    strongest: Vec<Option<(usize, Tally)>>,
}

const BASE: usize = 0;
const RECENT: usize = 1;
const KINDS: usize = 2;

impl Labels {
    /// `kinds` of words.
    pub fn new(kinds: usize, prior: Prior) -> Labels {
        let mut weights = vec![EVIDENCE; KINDS + kinds];
        weights[BASE] = 1.0;
        weights[RECENT] = 0.3;
        Labels {
            prior,
            squares: vec![1.0; weights.len()],
            weights,
            all: Tally::default(),
            base: Vec::new(),
            recent: Vec::new(),
            words: Vec::new(),
            counts: Vec::new(),
            places: FxHashMap::default(),
        }
    }

    /// After it was read back: what is not stored is worked out again. False when the parts do not fit each other.
    pub fn restore(&mut self) -> bool {
        self.places = (0..).zip(&self.words).map(|(place, word)| (*word, place)).collect();
        let sound = |word: &Word| usize::from(word.kind) + KINDS < self.weights.len();
        self.weights.len() == self.squares.len()
            && self.weights.len() > KINDS
            && self.weights.iter().chain(&self.squares).all(|number| number.is_finite())
            && self.words.len() == self.counts.len()
            && self.base.len() == self.recent.len()
            && self.words.iter().all(sound)
            && self.places.len() == self.words.len()
    }

    /// Questions answered so far.
    pub fn len(&self) -> usize {
        self.base.len()
    }

    pub fn is_empty(&self) -> bool {
        self.base.is_empty()
    }

    /// How often the question was answered.
    pub fn base(&self, label: usize) -> Tally {
        self.base.get(label).copied().unwrap_or_default()
    }

    /// How often the word was there when the question was answered.
    pub fn tally(&self, word: Word, label: usize) -> Tally {
        self.places.get(&word).map_or(Tally::default(), |&row| self.count(row, label))
    }

    fn count(&self, row: u32, label: usize) -> Tally {
        self.counts.get(row as usize).and_then(|row| row.get(label)).copied().unwrap_or_default()
    }

    /// What the words are known as.
    pub fn known(&self, words: &[Word]) -> Known<'_> {
        let mut kinds: Vec<u8> = words.iter().map(|word| word.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        Known { labels: self, rows: self.rows(words), kinds: kinds.len() }
    }

    /// Those of one kind together.
    fn rows(&self, words: &[Word]) -> Vec<Row> {
        let found = |(place, word): (usize, &Word)| Some((word.kind, place, *self.places.get(word)?));
        let mut rows: Vec<Row> = words.iter().enumerate().filter_map(found).collect();
        rows.sort_by_key(|row| row.0);
        rows
    }

    fn prior(&self) -> f64 {
        let Prior { rate, worth, pooled } = self.prior;
        if !pooled {
            return rate;
        }
        (f64::from(self.all.yes) + rate * worth) / (f64::from(self.all.seen) + worth)
    }

    /// The question's own rate, drawn towards the prior while little is known.
    pub fn rate(&self, label: usize) -> f64 {
        let (base, worth) = (self.base(label), self.prior.worth);
        let rate = (f64::from(base.yes) + worth * self.prior()) / (f64::from(base.seen) + worth);
        rate.clamp(1e-6, 1.0 - 1e-6)
    }

    /// Predicts, then learns: of each question whose answer is known, what it would have said. The words are those of one
    /// thing, each once.
    pub fn learn(
        &mut self,
        words: &[Word],
        outcomes: &[(usize, bool)],
        mut said: impl FnMut(usize, f64, bool),
    ) {
        let mut rows: Vec<Row> = Vec::with_capacity(words.len());
        for (place, word) in words.iter().enumerate() {
            rows.extend(self.row(*word).map(|row| (word.kind, place, row)));
        }
        rows.sort_by_key(|row| row.0);
        let mut found = Weighed::default();
        for &(label, yes) in outcomes {
            self.weigh(&rows, label, &mut found);
            let probability = self.probability(label, &found.inputs);
            said(label, probability, yes);
            if self.base(label).is_varied() {
                self.correct(&found.inputs, probability - f64::from(u8::from(yes)));
            }
        }
        self.count_in(outcomes, &rows);
    }

    /// Works out what goes into the sum, and of each kind the word that speaks for a yes most: if any part of the thing calls
    /// for it, the thing does. Where the answer was always the same no word can say more than that.
    fn weigh(&self, rows: &[Row], label: usize, into: &mut Weighed) {
        let rate = self.rate(label);
        into.inputs.clear();
        into.inputs.resize(self.weights.len(), 0.0);
        into.strongest.clear();
        into.strongest.resize(self.weights.len() - KINDS, None);
        into.inputs[BASE] = logit(rate);
        if !self.base(label).is_varied() {
            return;
        }
        if let Some(recent) = self.recent.get(label) {
            let (yes, seen) = (f64::from(recent.yes), f64::from(recent.seen));
            let late = (yes + SHRINK_RECENT * rate) / (seen + SHRINK_RECENT);
            into.inputs[RECENT] = logit(late) - into.inputs[BASE];
        }
        for group in rows.chunk_by(|a, b| a.0 == b.0) {
            let kind = usize::from(group[0].0);
            let mut best = f64::NEG_INFINITY;
            for &(_, place, row) in group {
                let tally = self.count(row, label);
                let share = smoothed(tally, rate);
                if tally.seen > 0 && share > best {
                    best = share;
                    into.strongest[kind] = Some((place, tally));
                }
            }
            if best.is_finite() {
                into.inputs[KINDS + kind] = logit(best) - into.inputs[BASE];
            }
        }
    }

    fn probability(&self, label: usize, inputs: &[f64]) -> f64 {
        let sum: f64 = self.weights.iter().zip(inputs).map(|(weight, input)| weight * input).sum();
        // Laplace: what was never seen is not impossible for that.
        let seen = f64::from(self.base(label).seen);
        sigmoid(sum).clamp(0.5 / (seen + 1.0), 1.0 - 0.5 / (seen + 1.0))
    }

    /// One step down the log loss, by AdaGrad (Duchi, Hazan and Singer 2011).
    fn correct(&mut self, inputs: &[f64], error: f64) {
        for ((weight, square), input) in self.weights.iter_mut().zip(&mut self.squares).zip(inputs) {
            let slope = error * input;
            *square += slope * slope;
            *weight = (*weight - STEP * slope / square.sqrt()).clamp(0.0, MOST);
        }
        self.weights[BASE] = self.weights[BASE].max(0.7);
    }

    fn row(&mut self, word: Word) -> Option<u32> {
        if let Some(&row) = self.places.get(&word) {
            return Some(row);
        }
        let room = self.words.len() < WORDS && (self.words.len() + 1) * self.base.len().max(1) <= CELLS;
        if !room || usize::from(word.kind) + KINDS >= self.weights.len() {
            return None;
        }
        let row = self.words.len() as u32;
        self.words.push(word);
        self.counts.push(Vec::new());
        self.places.insert(word, row);
        Some(row)
    }

    fn count_in(&mut self, outcomes: &[(usize, bool)], rows: &[Row]) {
        let labels = outcomes.iter().map(|(label, _)| label + 1).max().unwrap_or(0).max(self.base.len());
        self.base.resize(labels, Tally::default());
        self.recent.resize(labels, Recent::default());
        for &(label, yes) in outcomes {
            self.all.add(yes);
            self.base[label].add(yes);
            let recent = &mut self.recent[label];
            recent.yes = recent.yes * FADE + f32::from(u8::from(yes));
            recent.seen = recent.seen * FADE + 1.0;
        }
        for &(_, _, row) in rows {
            let row = &mut self.counts[row as usize];
            row.resize(labels.max(row.len()), Tally::default());
            outcomes.iter().for_each(|&(label, yes)| row[label].add(yes));
        }
    }

    /// Forgets words that were there only once: they will hardly come again.
    pub fn prune(&mut self) {
        let seen = |row: &Vec<Tally>| row.iter().map(|tally| tally.seen).max().unwrap_or(0);
        let keep: Vec<bool> = self.counts.iter().map(|row| seen(row) > 1).collect();
        let mut next = keep.iter();
        self.words.retain(|_| next.next() == Some(&true));
        let mut next = keep.iter();
        self.counts.retain(|_| next.next() == Some(&true));
        self.places = (0..).zip(&self.words).map(|(place, word)| (*word, place)).collect();
    }
}

impl Known<'_> {
    /// The answer to one question. Each kind of words that never came with it halves what the answer rests on.
    pub fn answer(&self, label: usize) -> Answer {
        let labels = self.labels;
        let mut found = Weighed::default();
        labels.weigh(&self.rows, label, &mut found);
        let Weighed { inputs, strongest } = found;
        let probability = labels.probability(label, &inputs);
        let strange = self.kinds.saturating_sub(strongest.iter().flatten().count());
        let mut because: Vec<Because> = strongest
            .into_iter()
            .zip(KINDS..)
            .filter_map(|(found, at)| {
                let (word, tally) = found?;
                Some(Because { word: Some(word), weight: labels.weights[at] * inputs[at], tally })
            })
            .collect();
        because.push(self.of_late(label, inputs[RECENT]));
        because.retain(|reason| reason.tally.seen > 0);
        because.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        let base = labels.base(label);
        let support = match base.is_varied() {
            true => support(base, &because) * 0.5_f64.powi(strange.min(60) as i32),
            false => f64::from(base.seen),
        };
        let (low, high) = interval(probability, support);
        Answer { probability, low, high, base, because }
    }

    /// What each word says of the question, not only the strongest of its kind.
    pub fn each(&self, label: usize) -> Vec<Because> {
        let rate = self.labels.rate(label);
        let found = self.rows.iter().map(|&(kind, place, row)| {
            let tally = self.labels.count(row, label);
            let weight = self.labels.weights[KINDS + usize::from(kind)] * shrunk(tally, rate);
            Because { word: Some(place), weight, tally }
        });
        let mut found: Vec<Because> = found.filter(|reason| reason.tally.seen > 0).collect();
        found.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        found
    }

    fn of_late(&self, label: usize, input: f64) -> Because {
        let recent = self.labels.recent.get(label).copied().unwrap_or_default();
        let tally = Tally { yes: recent.yes.round() as u32, seen: recent.seen.round() as u32 };
        Because { word: None, weight: self.labels.weights[RECENT] * input, tally }
    }
}

fn smoothed(tally: Tally, rate: f64) -> f64 {
    (f64::from(tally.yes) + SHRINK * rate) / (f64::from(tally.seen) + SHRINK)
}

fn shrunk(tally: Tally, rate: f64) -> f64 {
    logit(smoothed(tally, rate)) - logit(rate)
}

/// How many occurrences the answer rests on: those of the words, by how much each says, and never more than all.
fn support(base: Tally, because: &[Because]) -> f64 {
    let words = because.iter().filter(|reason| reason.word.is_some());
    let (mut sum, mut seen) = (0.0, 0.0);
    for reason in words {
        sum += reason.weight.abs();
        seen += reason.weight.abs() * f64::from(reason.tally.seen);
    }
    let all = f64::from(base.seen);
    if sum > 0.1 { (seen / sum).min(all) } else { all }
}

/// The middle 80 % of a Beta distribution of that mean and so many occurrences; of none it is nearly all there is.
pub fn interval(probability: f64, support: f64) -> (f64, f64) {
    match Beta::new(probability * support + 0.5, (1.0 - probability) * support + 0.5) {
        Ok(beta) => (beta.inverse_cdf(0.1).min(probability), beta.inverse_cdf(0.9).max(probability)),
        Err(_) => (0.0, 1.0),
    }
}

fn logit(share: f64) -> f64 {
    let share = share.clamp(1e-6, 1.0 - 1e-6);
    (share / (1.0 - share)).ln()
}

fn sigmoid(sum: f64) -> f64 {
    1.0 / (1.0 + (-sum).exp())
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::super::measure::{ChanceScore, Chances};
    use super::*;

    fn word(kind: u8, hash: u64) -> Word {
        Word { kind, hash }
    }

    fn rare() -> Prior {
        Prior { rate: 0.05, worth: 10.0, pooled: true }
    }

    /// Things with a word of three; question 0 is yes at 40 % with the first word and 2 % else, question 1 at 10 % whatever
    /// the word. Scores of what was said of question 0 after the first hundred.
    fn play(count: usize, tied: bool) -> (Labels, ChanceScore) {
        let mut rng = StdRng::seed_from_u64(5);
        let mut labels = Labels::new(2, rare());
        let mut scores = Chances::default();
        for number in 0..count {
            let which = rng.random_range(0..3u64);
            let told = if tied { which } else { rng.random_range(0..3u64) };
            let chance = if which == 0 { 0.4 } else { 0.02 };
            let outcomes = [(0, rng.random_bool(chance)), (1, rng.random_bool(0.1))];
            let words = [word(0, told), word(1, 1000 + rng.random_range(0..50u64))];
            labels.learn(&words, &outcomes, |label, said, came| {
                if number >= 100 && label == 0 {
                    scores.add(said, came);
                }
            });
        }
        (labels, scores.score())
    }

    #[test]
    fn a_word_that_matters_is_found_and_promises_are_kept() {
        let (labels, score) = play(3000, true);
        assert!(score.auc > Some(0.8) && score.ece < 0.03, "{score:?}");
        let answer = |hash| labels.known(&[word(0, hash)]).answer(0);
        assert!((answer(0).probability - 0.4).abs() < 0.08, "{:?}", answer(0));
        assert!((answer(1).probability - 0.02).abs() < 0.02, "{:?}", answer(1));
        assert_eq!(answer(0).because[0].word, Some(0));
        assert!(answer(0).low < 0.4 && 0.4 < answer(0).high + 0.05, "{:?}", answer(0));
        let unmoved = labels.known(&[word(0, 0)]).answer(1);
        assert!((unmoved.probability - 0.1).abs() < 0.04, "{unmoved:?}");
    }

    /// The twin: the same outcomes with words that have nothing to do with them. Nothing is claimed then.
    #[test]
    fn words_that_do_not_matter_promise_no_more_than_the_rate() {
        let (labels, score) = play(3000, false);
        assert!(score.auc < Some(0.58) && score.ece < 0.03, "{score:?}");
        let rate = labels.rate(0);
        for hash in 0..3 {
            let answer = labels.known(&[word(0, hash)]).answer(0);
            assert!((answer.probability - rate).abs() < 0.05, "{answer:?} of {rate}");
        }
    }

    #[test]
    fn what_changed_is_followed() {
        let mut labels = Labels::new(1, rare());
        for number in 0..600 {
            let yes = if number < 400 { number % 20 == 0 } else { number % 2 == 0 };
            labels.learn(&[word(0, 1)], &[(0, yes)], |_, _, _| {});
        }
        let answer = labels.known(&[word(0, 1)]).answer(0);
        assert!(answer.probability > labels.rate(0) + 0.05, "{answer:?}");
    }

    #[test]
    fn a_question_never_answered_is_the_prior_and_nearly_anything() {
        let labels = Labels::new(1, Prior { rate: 0.5, worth: 2.0, pooled: false });
        let answer = labels.known(&[word(0, 1)]).answer(7);
        assert_eq!(answer.probability, 0.5);
        assert!(answer.low < 0.1 && answer.high > 0.9 && answer.because.is_empty());
    }

    #[test]
    fn words_of_kinds_that_are_not_there_say_nothing() {
        let mut labels = Labels::new(1, rare());
        labels.learn(&[word(200, 1)], &[(0, true)], |_, _, _| {});
        assert!(labels.known(&[word(200, 1)]).answer(0).because.iter().all(|because| because.word.is_none()));
    }

    #[test]
    fn what_was_there_once_is_forgotten_and_what_came_again_is_not() {
        let mut labels = Labels::new(1, rare());
        for hash in [1, 1, 2] {
            labels.learn(&[word(0, hash)], &[(0, true)], |_, _, _| {});
        }
        labels.prune();
        assert_eq!((labels.tally(word(0, 1), 0).seen, labels.tally(word(0, 2), 0).seen), (2, 0));
        assert!(labels.restore());
    }
}
