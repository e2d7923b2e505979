//! The classes a model knows: symbols of activities as they come, and the end of the case, with how often each came.

use serde::{Deserialize, Serialize};

/// Classes that are told apart; activities beyond them are foreseen only together.
const MOST: usize = 4096;
/// The class of the end.
pub const END: u16 = 0;
const NONE: u16 = u16::MAX;
/// When all counts together reach this they are halved.
const FULL: u32 = 1 << 30;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classes {
    /// Class by symbol.
    of: Vec<u16>,
    /// Symbol by class; of the end [`u32::MAX`].
    symbols: Vec<u32>,
    counts: Vec<u32>,
    total: u32,
    /// Classes that came.
    distinct: u32,
}

impl Classes {
    pub fn new() -> Classes {
        Classes { of: Vec::new(), symbols: vec![u32::MAX], counts: vec![0], total: 0, distinct: 0 }
    }

    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// The class of what comes; None of what is not told apart.
    pub fn get(&self, symbol: Option<u32>) -> Option<u16> {
        let Some(symbol) = symbol else { return Some(END) };
        self.of.get(symbol as usize).copied().filter(|&class| class != NONE)
    }

    pub fn symbol(&self, class: u16) -> Option<u32> {
        self.symbols.get(class as usize).copied()
    }

    /// Counts what came and says its class.
    pub fn add(&mut self, symbol: Option<u32>) -> Option<u16> {
        let class = self.get(symbol).or_else(|| self.meet(symbol?))?;
        let count = &mut self.counts[class as usize];
        self.distinct += u32::from(*count == 0);
        *count += 1;
        self.total += 1;
        if self.total >= FULL {
            self.counts.iter_mut().for_each(|count| *count = count.div_ceil(2));
            self.total = self.counts.iter().sum();
        }
        Some(class)
    }

    fn meet(&mut self, symbol: u32) -> Option<u16> {
        if self.symbols.len() >= MOST {
            return None;
        }
        if self.of.len() <= symbol as usize {
            self.of.resize(symbol as usize + 1, NONE);
        }
        let class = self.symbols.len() as u16;
        self.of[symbol as usize] = class;
        self.symbols.push(symbol);
        self.counts.push(0);
        Some(class)
    }

    /// Whether the parts of what was stored belong together.
    pub fn fits(&self) -> bool {
        let count = self.symbols.len();
        (1..=MOST).contains(&count)
            && self.counts.len() == count
            && self.of.iter().all(|&class| class == NONE || usize::from(class) < count)
    }

    /// How likely the class is when nothing else is known.
    pub fn share(&self, class: u16) -> f32 {
        (self.counts.get(class as usize).copied().unwrap_or(0) as f32 + 0.5)
            / (self.total as f32 + self.distinct as f32 + 1.0)
    }

    /// How often it came, and half a time more.
    pub fn weight(&self, class: Option<u16>) -> f64 {
        let count = class.and_then(|class| self.counts.get(class as usize));
        f64::from(count.copied().unwrap_or(0)) + 0.5
    }
}
