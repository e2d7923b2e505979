//! Counts by value of a field, and what they say against what was expected at the time. Knows no words and no weights.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Samples a value is thought to have at least, all of them as expected: what is seen rarely says little.
const SHRINK: f64 = 6.0;
/// Samples of a value that count; of more, older ones fade.
const MEMORY: f64 = 100.0;
/// Samples of a value after which the rate of the last few has forgotten most of what was before.
const LATELY: f64 = 6.0;

/// One value of one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    pub seen: u32,
    pub came: u32,
    /// The same, fading, and how many were expected to come by the rate of those days.
    weight: f32,
    yes: f32,
    expected: f32,
    /// The rate of the last few.
    lately: f32,
    /// Worked out when the value was last seen.
    evidence: f32,
}

impl Cell {
    fn add(&mut self, came: bool, expected: f64) {
        let fade = if f64::from(self.weight) >= MEMORY { (1.0 - 1.0 / MEMORY) as f32 } else { 1.0 };
        let step = 1.0 / LATELY.min(f64::from(self.seen) + 1.0);
        let yes = f32::from(u8::from(came));
        self.seen = self.seen.saturating_add(1);
        self.came = self.came.saturating_add(u32::from(came));
        self.weight = self.weight * fade + 1.0;
        self.yes = self.yes * fade + yes;
        self.expected = self.expected * fade + expected as f32;
        self.lately += (yes - self.lately) * step as f32;
        self.evidence = self.weigh() as f32;
    }

    /// Log odds against what was expected, towards nothing where little was seen.
    fn weigh(&self) -> f64 {
        let (weight, yes, expected) = (f64::from(self.weight), f64::from(self.yes), f64::from(self.expected));
        let base = expected / weight;
        let (prior, counter) = (SHRINK * base, SHRINK * (1.0 - base));
        let more = (yes + prior) / (expected + prior);
        let fewer = (weight - yes + counter) / (weight - expected + counter);
        (more / fewer).ln()
    }

    /// The log odds that the value adds.
    pub fn evidence(&self) -> f64 {
        f64::from(self.evidence)
    }

    /// How far the last few with the value are from the rate of all samples, about in log odds.
    pub fn lately(&self, base: f64) -> f64 {
        let weight = f64::from(self.seen).min(LATELY);
        4.0 * (f64::from(self.lately) - base) * weight / (weight + 2.0)
    }

    /// Log odds with the value against those without, smoothed by one of each.
    pub fn plain(&self, base: f64) -> f64 {
        super::logit((f64::from(self.came) + base) / (f64::from(self.seen) + 1.0)) - super::logit(base)
    }
}

/// By field and value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells(FxHashMap<(u32, u64), Cell>);

impl Cells {
    pub fn get(&self, field: u32, value: u64) -> Cell {
        self.0.get(&(field, value)).copied().unwrap_or_default()
    }

    pub fn add(&mut self, field: u32, value: u64, came: bool, expected: f64) {
        self.0.entry((field, value)).or_default().add(came, expected);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what was seen once, and more until at most `most` are left.
    pub fn prune(&mut self, most: usize) {
        let mut least = 2;
        while self.0.len() > most {
            self.0.retain(|_, cell| cell.seen >= least);
            least *= 2;
        }
    }
}

/// In order of field and value, so that the same history gives the same bytes.
impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<(&(u32, u64), &Cell)> = self.0.iter().collect();
        all.sort_unstable_by_key(|(key, _)| **key);
        serializer.collect_seq(all)
    }
}

impl<'a> Deserialize<'a> for Cells {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Cells, D::Error> {
        let all: Vec<((u32, u64), Cell)> = Vec::deserialize(deserializer)?;
        Ok(Cells(all.into_iter().collect()))
    }
}
