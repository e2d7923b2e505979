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
const SHRINK: f64 = 4.0;
/// The same for the rate of late.
const SHRINK_RECENT: f64 = 3.0;
/// What is left of an occurrence's weight after the next: half of it after about 14.
const FADE: f32 = 0.95;
/// Words kept at most; those beyond say nothing.
const WORDS: usize = 1 << 16;
/// Counts kept at most, words times questions.
const CELLS: usize = 1 << 22;
/// First step of learning; it shrinks with what was learned already.
const STEP: f64 = 0.08;
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
}

const BASE: usize = 0;
const RECENT: usize = 1;
const KINDS: usize = 2;

impl Labels {
    /// `kinds` of words.
    pub fn new(kinds: usize, prior: Prior) -> Labels {
        let mut weights = vec![0.5; KINDS + kinds];
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
        Known { labels: self, rows: self.rows(words) }
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
        let rows = self.rows(words);
        for &(label, yes) in outcomes {
            let (inputs, _) = self.evidence(&rows, label);
            let probability = self.probability(label, &inputs);
            said(label, probability, yes);
            self.correct(&inputs, probability - f64::from(u8::from(yes)));
        }
        let rows: Vec<u32> = words.iter().filter_map(|word| self.row(*word)).collect();
        for &(label, yes) in outcomes {
            self.add(label, yes, &rows);
        }
    }

    /// What goes into the sum, and of each kind the word that speaks for a yes most: if any part of the thing calls for it,
    /// the thing does.
    fn evidence(&self, rows: &[Row], label: usize) -> (Vec<f64>, Vec<Option<(usize, Tally)>>) {
        let rate = self.rate(label);
        let mut inputs = vec![0.0; self.weights.len()];
        let mut strongest = vec![None; self.weights.len() - KINDS];
        inputs[BASE] = logit(rate);
        if let Some(recent) = self.recent.get(label).filter(|recent| recent.seen > 0.0) {
            let (yes, seen) = (f64::from(recent.yes), f64::from(recent.seen));
            let late = (yes + SHRINK_RECENT * rate) / (seen + SHRINK_RECENT);
            inputs[RECENT] = logit(late) - inputs[BASE];
        }
        for group in rows.chunk_by(|a, b| a.0 == b.0) {
            let kind = usize::from(group[0].0);
            let mut best = f64::NEG_INFINITY;
            for &(_, place, row) in group {
                let tally = self.count(row, label);
                let share = smoothed(tally, rate);
                if tally.seen > 0 && share > best {
                    best = share;
                    strongest[kind] = Some((place, tally));
                }
            }
            if best.is_finite() {
                inputs[KINDS + kind] = logit(best) - inputs[BASE];
            }
        }
        (inputs, strongest)
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

    fn add(&mut self, label: usize, yes: bool, rows: &[u32]) {
        if label >= self.base.len() {
            self.base.resize(label + 1, Tally::default());
            self.recent.resize(label + 1, Recent::default());
        }
        self.all.add(yes);
        self.base[label].add(yes);
        let recent = &mut self.recent[label];
        recent.yes = recent.yes * FADE + f32::from(u8::from(yes));
        recent.seen = recent.seen * FADE + 1.0;
        for &row in rows {
            let row = &mut self.counts[row as usize];
            if row.len() <= label {
                row.resize(label + 1, Tally::default());
            }
            row[label].add(yes);
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
    /// The answer to one question.
    pub fn answer(&self, label: usize) -> Answer {
        let labels = self.labels;
        let (inputs, strongest) = labels.evidence(&self.rows, label);
        let probability = labels.probability(label, &inputs);
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
        let (low, high) = interval(probability, support(base, &because));
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
