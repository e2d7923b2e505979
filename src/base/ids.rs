//! Maps and sets of numbers that this program itself gives out. Not for what a file says: nobody can choose such
//! numbers so that they collide, and that is what makes the cheap hash sound.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;
pub type IdSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;

#[derive(Clone, Copy, Default)]
pub struct IdHasher(u64);

impl IdHasher {
    fn add(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        // Tables take the low bits, and a product's good bits are the high ones.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.add(u64::from(*byte)));
    }

    fn write_u8(&mut self, number: u8) {
        self.add(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.add(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_spread() {
        let mut low: HashSet<u64> = HashSet::new();
        for number in 0..1024u32 {
            let mut hasher = IdHasher::default();
            hasher.write_u32(number);
            low.insert(hasher.finish() & 0xfff);
        }
        assert!(low.len() > 800, "{}", low.len());
        let set: IdSet<(u8, u32)> = [(1, 2), (2, 1), (1, 2)].into_iter().collect();
        assert_eq!(set.len(), 2);
    }
}
