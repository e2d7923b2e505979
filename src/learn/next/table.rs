//! Counts of classes by context in one flat table: a context is a hash, its first classes stand in the slot itself. The
//! table has a greatest size; when it is full the rarest contexts are forgotten. Knows nothing of what a context means.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Classes a slot holds; more of them stand in a chain of further slots.
const INLINE: usize = 6;
/// Slots of a chain: of a context with more classes than these hold, later ones are not counted.
const CHAIN: usize = 16;
/// Slots of all chains together (8 MB).
const MOST_CHAINED: usize = 1 << 18;
/// A count that reaches this is halved with the others of its slot.
const MOST: u16 = 60_000;
/// How counts of what came lately stay so: none goes higher, and those of other classes lose one part of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fading {
    pub most: u16,
    pub part: u16,
}

/// Slots of a table are a power of two: from 1,024 to half a million (16 MB).
const FIRST_BITS: u32 = 10;
pub const LARGEST_BITS: u32 = 19;
/// A table that is full grows by this power of two.
const GROWTH: u32 = 2;
const NOTHING: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Slot {
    /// Upper half of the context's hash; 0 where there is none.
    key: u32,
    /// Place of the chain's next slot in `Table::more`.
    next: u32,
    classes: [u16; INLINE],
    counts: [u16; INLINE],
}

const EMPTY: Slot = Slot { key: 0, next: NOTHING, classes: [0; INLINE], counts: [0; INLINE] };

#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    bits: u32,
    largest: u32,
    used: usize,
    slots: Vec<Slot>,
    more: Vec<Slot>,
}

/// What was counted in one context.
#[derive(Clone, Copy)]
pub struct Counts<'a> {
    first: &'a Slot,
    more: &'a [Slot],
}

impl Counts<'_> {
    /// Class and count, in the order in which the classes were first seen.
    pub fn each(self, mut take: impl FnMut(u16, u16)) {
        let mut slot = self.first;
        loop {
            for (&class, &count) in slot.classes.iter().zip(&slot.counts) {
                if count == 0 {
                    return;
                }
                take(class, count);
            }
            let Some(next) = self.more.get(slot.next as usize) else { return };
            slot = next;
        }
    }
}

impl Slot {
    /// Counts the class if it has or finds room here.
    fn add(&mut self, class: u16, times: u16) -> bool {
        for place in 0..INLINE {
            if self.counts[place] != 0 && self.classes[place] != class {
                continue;
            }
            self.classes[place] = class;
            self.counts[place] = self.counts[place].saturating_add(times);
            if self.counts[place] >= MOST {
                self.counts.iter_mut().for_each(|count| *count = count.div_ceil(2));
            }
            return true;
        }
        false
    }

    /// Counts of other classes shrink, so that what came lately weighs most.
    fn fade(&mut self, class: u16, fading: Fading) {
        for (other, count) in self.classes.iter().zip(&mut self.counts) {
            if *other == class {
                *count = (*count).min(fading.most);
            } else {
                *count -= *count / fading.part;
            }
        }
    }

    fn seen(&self) -> u32 {
        self.counts.iter().map(|&count| u32::from(count)).sum()
    }
}

impl Table {
    /// One that has at most two to the power of `largest` slots.
    pub fn new(largest: u32) -> Table {
        Table::of(FIRST_BITS, largest.clamp(FIRST_BITS, LARGEST_BITS))
    }

    /// One that has all its slots at once.
    pub fn with_room(bits: u32) -> Table {
        let bits = bits.clamp(FIRST_BITS, LARGEST_BITS);
        Table::of(bits, bits)
    }

    fn of(bits: u32, largest: u32) -> Table {
        Table { bits, largest, used: 0, slots: vec![EMPTY; 1 << bits], more: Vec::new() }
    }

    fn key(hash: u64) -> u32 {
        ((hash >> 32) as u32).max(1)
    }

    /// Where the key stands, or the empty place where it would.
    fn find(&self, key: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = (key >> (u32::BITS - self.bits)) as usize;
        while self.slots[place].key != key && self.slots[place].key != 0 {
            place = (place + 1) & mask;
        }
        place
    }

    pub fn get(&self, hash: u64) -> Option<Counts<'_>> {
        let first = &self.slots[self.find(Table::key(hash))];
        (first.key != 0).then_some(Counts { first, more: &self.more })
    }

    /// Counts the class in that context, where others may fade.
    pub fn add(&mut self, hash: u64, class: u16, fading: Option<Fading>) {
        let place = self.place(Table::key(hash));
        if let Some(fading) = fading {
            self.slots[place].fade(class, fading);
        }
        self.add_at(place, class, 1);
    }

    /// Where the key stands from now on.
    fn place(&mut self, key: u32) -> usize {
        let place = self.find(key);
        if self.slots[place].key != 0 {
            return place;
        }
        if self.used * 4 >= self.slots.len() * 3 {
            self.make_room();
        }
        let place = self.find(key);
        self.slots[place].key = key;
        self.used += 1;
        place
    }

    fn add_at(&mut self, place: usize, class: u16, times: u16) {
        if self.slots[place].add(class, times) {
            return;
        }
        let mut last = None;
        let mut next = self.slots[place].next as usize;
        for _ in 0..CHAIN {
            let Some(slot) = self.more.get_mut(next) else {
                self.link(place, last, class, times);
                return;
            };
            if slot.add(class, times) {
                return;
            }
            last = Some(next);
            next = slot.next as usize;
        }
    }

    /// One more slot at the chain's end.
    fn link(&mut self, place: usize, last: Option<usize>, class: u16, times: u16) {
        if self.more.len() >= MOST_CHAINED {
            return;
        }
        let new = self.more.len() as u32;
        let mut slot = EMPTY;
        slot.add(class, times);
        self.more.push(slot);
        match last {
            Some(last) => self.more[last].next = new,
            None => self.slots[place].next = new,
        }
    }

    /// Grows, or forgets what was seen once, twice, four times, until half is free.
    fn make_room(&mut self) {
        if self.bits < self.largest {
            self.bits += GROWTH.min(self.largest - self.bits);
            let old = core::mem::replace(&mut self.slots, vec![EMPTY; 1 << self.bits]);
            old.into_iter().filter(|slot| slot.key != 0).for_each(|slot| self.settle(slot));
            return;
        }
        let mut least = 1;
        while self.used * 2 >= self.slots.len() {
            self.forget(least);
            least *= 2;
        }
    }

    fn settle(&mut self, slot: Slot) {
        let place = self.find(slot.key);
        self.slots[place] = slot;
    }

    fn forget(&mut self, least: u32) {
        let kept: Vec<Slot> =
            self.slots.iter().copied().filter(|slot| slot.key != 0 && slot.seen() > least).collect();
        self.used = kept.len();
        self.slots.fill(EMPTY);
        let chains = core::mem::take(&mut self.more);
        for slot in kept {
            let next = self.move_chain(&chains, slot.next);
            self.settle(Slot { next, ..slot });
        }
    }

    fn move_chain(&mut self, chains: &[Slot], first: u32) -> u32 {
        let Some(mut slot) = chains.get(first as usize) else { return NOTHING };
        let moved = self.more.len() as u32;
        while let Some(next) = chains.get(slot.next as usize) {
            self.more.push(Slot { next: self.more.len() as u32 + 1, ..*slot });
            slot = next;
        }
        self.more.push(*slot);
        moved
    }
}

/// A table as it is stored: contexts in order of their keys, each with what was counted.
#[derive(Serialize, Deserialize)]
struct Packed {
    largest: u32,
    /// Each less the one before.
    keys: Vec<u32>,
    lengths: Vec<u16>,
    classes: Vec<u16>,
    counts: Vec<u16>,
}

impl Packed {
    fn of(table: &Table) -> Packed {
        let mut slots: Vec<&Slot> = table.slots.iter().filter(|slot| slot.key != 0).collect();
        slots.sort_unstable_by_key(|slot| slot.key);
        let (keys, lengths) = (Vec::with_capacity(slots.len()), Vec::with_capacity(slots.len()));
        let (classes, counts) = (Vec::new(), Vec::new());
        let mut packed = Packed { largest: table.largest, keys, lengths, classes, counts };
        let mut before = 0;
        for first in slots {
            packed.keys.push(first.key - before);
            before = first.key;
            let from = packed.classes.len();
            Counts { first, more: &table.more }.each(|class, count| {
                packed.classes.push(class);
                packed.counts.push(count);
            });
            packed.lengths.push((packed.classes.len() - from) as u16);
        }
        packed
    }
}

impl From<Packed> for Table {
    fn from(packed: Packed) -> Table {
        let largest = packed.largest.clamp(FIRST_BITS, LARGEST_BITS);
        let needed = (packed.keys.len().min(1 << LARGEST_BITS) * 2).next_power_of_two().trailing_zeros();
        let mut table = Table::of(needed.clamp(FIRST_BITS, largest), largest);
        let mut counted = packed.classes.into_iter().zip(packed.counts);
        let mut key = 0u32;
        for (step, length) in packed.keys.into_iter().zip(packed.lengths) {
            key = key.wrapping_add(step).max(1);
            let place = table.place(key);
            for (class, count) in counted.by_ref().take(length as usize) {
                table.add_at(place, class, count);
            }
        }
        table
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Packed::of(self).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Table, D::Error> {
        Packed::deserialize(from).map(Table::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(table: &Table, hash: u64) -> Vec<(u16, u16)> {
        let mut all = Vec::new();
        if let Some(counts) = table.get(hash) {
            counts.each(|class, count| all.push((class, count)));
        }
        all
    }

    fn hash(number: u64) -> u64 {
        super::super::walk::mix(number, 1)
    }

    #[test]
    fn many_classes_of_one_context_are_all_counted() {
        let mut table = Table::new(LARGEST_BITS);
        (0..40).for_each(|class| (0..=class).for_each(|_| table.add(hash(1), class, None)));
        let all: Vec<(u16, u16)> = (0..40).map(|class| (class, class + 1)).collect();
        assert_eq!(counts(&table, hash(1)), all);
        assert_eq!(counts(&table, hash(2)), []);
    }

    #[test]
    fn a_table_that_may_not_grow_forgets_the_rarest() {
        let mut table = Table::new(10);
        (0..20).for_each(|class| table.add(hash(0), class, None));
        for number in 1..100_000 {
            table.add(hash(number), 3, None);
        }
        assert_eq!(table.slots.len(), 1 << 10);
        assert!(table.used <= 768, "{}", table.used);
        assert_eq!(counts(&table, hash(0)).len(), 20, "what was seen often stays, with its chain");
    }

    #[test]
    fn a_table_with_room_forgets_nothing() {
        let mut table = Table::new(LARGEST_BITS);
        (0..100_000).for_each(|number| table.add(hash(number), 3, None));
        assert!((0..100_000).all(|number| counts(&table, hash(number)) == [(3, 1)]));
    }

    #[test]
    fn what_came_lately_outweighs_what_came_often_only_where_others_fade() {
        for (fading, new_wins) in [(Some(Fading { most: 30, part: 3 }), true), (None, false)] {
            let mut table = Table::new(10);
            (0..1000).for_each(|_| table.add(hash(1), 0, fading));
            (0..30).for_each(|_| table.add(hash(1), 1, fading));
            let counts = counts(&table, hash(1));
            assert_eq!(counts[1].1 > counts[0].1, new_wins, "{counts:?}");
        }
    }

    #[test]
    fn a_stored_table_counts_as_before_and_goes_on() {
        let mut table = Table::new(LARGEST_BITS);
        (0..5000u64).for_each(|n| table.add(hash(n % 700), (n % 11) as u16, None));
        let bytes = postcard::to_stdvec(&table).expect("plain numbers");
        let mut again: Table = postcard::from_bytes(&bytes).expect("the same numbers");
        assert!((0..700).all(|n| counts(&table, hash(n)) == counts(&again, hash(n))));
        assert_eq!(postcard::to_stdvec(&again).expect("plain numbers"), bytes);
        again.add(hash(1), 1, None);
        assert_ne!(postcard::to_stdvec(&again).expect("plain numbers"), bytes);
    }
}
