//! Quantiles by key: of all samples, and of those that came first, so that the rest can judge them. Knows nothing of what
//! the keys mean.

use rustc_hash::FxHashMap;

/// Which quantiles.
pub const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];

/// How many samples have the key, and their quantiles: low, middle, high.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    pub n: u32,
    pub at: [f32; 3],
}

#[derive(Clone, Debug, Default)]
pub struct Table {
    places: FxHashMap<u64, u32>,
    cells: Vec<Cell>,
}

/// Samples by rising value, found once for all tables.
#[derive(Clone, Debug, Default)]
pub struct Ordered {
    places: Vec<u32>,
}

impl Ordered {
    /// Values are not below zero, so their bits rise as they do.
    pub fn of(values: &[f32]) -> Ordered {
        let mut keyed: Vec<u64> =
            (0..).zip(values).map(|(place, value)| u64::from(value.to_bits()) << 32 | place).collect();
        keyed.sort_unstable();
        Ordered { places: keyed.iter().map(|keyed| *keyed as u32).collect() }
    }
}

impl Table {
    /// Over all samples, and over those whose place is below `first`.
    pub fn both(keys: &[u64], values: &[f32], ordered: &Ordered, first: usize) -> (Table, Vec<Cell>) {
        let mut places: FxHashMap<u64, u32> = FxHashMap::default();
        let mut next = 0;
        let mut group = Vec::with_capacity(keys.len());
        for key in keys {
            let place = *places.entry(*key).or_insert_with(|| {
                next += 1;
                next - 1
            });
            group.push(place);
        }
        let early = cells(&group, next as usize, values, ordered, first);
        let cells = cells(&group, next as usize, values, ordered, usize::MAX);
        (Table { places, cells }, early)
    }

    /// The same keys with other cells.
    pub fn with(&mut self, cells: Vec<Cell>) -> Vec<Cell> {
        std::mem::replace(&mut self.cells, cells)
    }

    pub fn get(&self, key: u64) -> Cell {
        self.places.get(&key).map_or_else(Cell::default, |&place| self.cells[place as usize])
    }

    /// Leaves out keys of a single sample: what they say is mostly that of the wider view.
    pub fn prune(&mut self) {
        let mut kept = Vec::new();
        let cells = &self.cells;
        self.places.retain(|_, place| {
            let cell = cells[*place as usize];
            let keep = cell.n > 1;
            if keep {
                *place = kept.len() as u32;
                kept.push(cell);
            }
            keep
        });
        self.places.shrink_to_fit();
        self.cells = kept;
    }
}

/// By group: its values are adjacent and ordered after one pass, for samples come by rising value.
fn cells(group: &[u32], groups: usize, values: &[f32], ordered: &Ordered, below: usize) -> Vec<Cell> {
    let mut ends = vec![0_u32; groups];
    let taken = below.min(group.len());
    group[..taken].iter().for_each(|&group| ends[group as usize] += 1);
    let mut total = 0;
    for end in &mut ends {
        let count = *end;
        *end = total;
        total += count;
    }
    let starts = ends.clone();
    let mut sorted = vec![0.0_f32; taken];
    for &sample in ordered.places.iter().filter(|&&sample| (sample as usize) < taken) {
        let end = &mut ends[group[sample as usize] as usize];
        sorted[*end as usize] = values[sample as usize];
        *end += 1;
    }
    let cell = |(&start, &end): (&u32, &u32)| {
        let own = &sorted[start as usize..end as usize];
        Cell { n: end - start, at: LEVELS.map(|level| quantile(own, level)) }
    };
    starts.iter().zip(&ends).map(cell).collect()
}

/// Between the two nearest.
fn quantile(sorted: &[f32], level: f64) -> f32 {
    let place = level * sorted.len().saturating_sub(1) as f64;
    let (low, part) = (place.floor() as usize, place.fract() as f32);
    match (sorted.get(low), sorted.get(low + 1)) {
        (Some(low), Some(high)) => low + (high - low) * part,
        (Some(low), None) => *low,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_the_quantiles_of_its_own_samples() {
        let keys = [7, 8, 7, 7, 8, 7, 7, 9];
        let values = [4.0, 9.0, 0.0, 1.0, 3.0, 3.0, 2.0, 5.0];
        let (mut table, early) = Table::both(&keys, &values, &Ordered::of(&values), 4);
        assert_eq!(table.get(7), Cell { n: 5, at: [0.4, 2.0, 3.6] });
        assert_eq!(table.get(8).at[1], 6.0);
        assert_eq!(table.get(1), Cell::default());
        let all = table.with(early);
        assert_eq!((table.get(7).n, table.get(7).at[1], table.get(9).n), (3, 1.0, 0));
        table.with(all);
        table.prune();
        assert_eq!((table.get(7).n, table.get(9).n), (5, 0), "one sample says nothing of its own");
    }
}
