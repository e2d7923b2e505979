//! Counts of classes by context in one flat table: a context is a hash, its most frequent classes stand in the slot itself.
//! The table has a greatest size; when it is full the rarest contexts are forgotten. Knows nothing of what a context means.

use serde::{Deserialize, Serialize};

/// Classes a slot holds; more of them stand in a chain of further slots.
const INLINE: usize = 6;
/// Slots of a chain: a context holds at most 64 * 6 classes, later ones are not counted.
const CHAIN: usize = 64;
/// A count that reaches this is halved with all others of its slot, so that what is old weighs less.
const MOST: u16 = 60_000;
/// Where the table is as large as it may be, contexts seen less often than others go first.
pub const LARGEST_BITS: u32 = 20;
const FIRST_BITS: u32 = 10;
/// A count of what came lately goes no higher; others lose one part of so many.
const LATELY: u16 = 40;
const FADING: u16 = 8;
const NOTHING: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Upper half of the context's hash, or 0 where there is none.
    key: u32,
    /// Place of the chain's next slot in `Table::more`.
    next: u32,
    classes: [u16; INLINE],
    counts: [u16; INLINE],
}

const EMPTY: Slot = Slot { key: 0, next: NOTHING, classes: [0; INLINE], counts: [0; INLINE] };

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

impl<'a> Counts<'a> {
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
    fn add(&mut self, class: u16) -> bool {
        for place in 0..INLINE {
            if self.counts[place] == 0 {
                self.classes[place] = class;
                self.counts[place] = 1;
                return true;
            }
            if self.classes[place] == class {
                self.counts[place] += 1;
                if self.counts[place] >= MOST {
                    self.counts.iter_mut().for_each(|count| *count = count.div_ceil(2));
                }
                return true;
            }
        }
        false
    }

    /// Counts of other classes shrink, so that what came lately weighs most.
    fn fade(&mut self, class: u16) {
        for (other, count) in self.classes.iter().zip(&mut self.counts) {
            if *other == class {
                *count = (*count).min(LATELY);
            } else {
                *count -= *count / FADING;
            }
        }
    }

    fn seen(&self) -> u32 {
        self.counts.iter().map(|&count| u32::from(count)).sum()
    }
}

impl Table {
    pub fn new(largest: u32) -> Table {
        let bits = FIRST_BITS.min(largest);
        Table { bits, largest, used: 0, slots: vec![EMPTY; 1 << bits], more: Vec::new() }
    }

    /// Key and first place of a hash.
    fn key(hash: u64) -> u32 {
        ((hash >> 32) as u32).max(1)
    }

    fn home(&self, key: u32) -> usize {
        (key >> (32 - self.bits)) as usize
    }

    /// Where the key stands, or the empty place where it would.
    fn find(&self, key: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = self.home(key);
        while self.slots[place].key != key && self.slots[place].key != 0 {
            place = (place + 1) & mask;
        }
        place
    }

    pub fn get(&self, hash: u64) -> Option<Counts<'_>> {
        let first = &self.slots[self.find(Table::key(hash))];
        (first.key != 0).then_some(Counts { first, more: &self.more })
    }

    /// Counts the class in that context; with `lately`, others there fade.
    pub fn add(&mut self, hash: u64, class: u16, lately: bool) {
        let key = Table::key(hash);
        let mut place = self.find(key);
        if self.slots[place].key == 0 {
            if self.used * 4 >= self.slots.len() * 3 {
                self.grow();
                place = self.find(key);
            }
            self.slots[place].key = key;
            self.used += 1;
        }
        if lately {
            self.slots[place].fade(class);
        }
        if !self.slots[place].add(class) {
            self.add_to_chain(place, class);
        }
    }

    fn add_to_chain(&mut self, place: usize, class: u16) {
        let mut next = self.slots[place].next;
        let mut last = None;
        for _ in 0..CHAIN {
            let Some(slot) = self.more.get_mut(next as usize) else {
                self.link(place, last, class);
                return;
            };
            if slot.add(class) {
                return;
            }
            last = Some(next as usize);
            next = slot.next;
        }
    }

    /// One more slot at the chain's end.
    fn link(&mut self, place: usize, last: Option<usize>, class: u16) {
        let new = self.more.len() as u32;
        let mut slot = EMPTY;
        slot.add(class);
        self.more.push(slot);
        match last {
            Some(last) => self.more[last].next = new,
            None => self.slots[place].next = new,
        }
    }

    fn grow(&mut self) {
        if self.bits < self.largest {
            self.bits += 2.min(self.largest - self.bits);
            self.rebuild(0);
        }
        let mut least = 1;
        while self.used * 2 >= self.slots.len() {
            self.rebuild(least);
            least *= 2;
        }
    }

    /// Keeps what was seen more than `least` times.
    fn rebuild(&mut self, least: u32) {
        let old = core::mem::replace(&mut self.slots, vec![EMPTY; 1 << self.bits]);
        let chains = core::mem::take(&mut self.more);
        self.used = 0;
        for slot in old.into_iter().filter(|slot| slot.key != 0 && slot.seen() > least) {
            let place = self.find(slot.key);
            let next = self.move_chain(&chains, slot.next);
            self.slots[place] = Slot { next, ..slot };
            self.used += 1;
        }
    }

    fn move_chain(&mut self, chains: &[Slot], first: u32) -> u32 {
        let Some(mut slot) = chains.get(first as usize).copied() else { return NOTHING };
        let moved = self.more.len() as u32;
        while let Some(next) = chains.get(slot.next as usize) {
            self.more.push(Slot { next: self.more.len() as u32 + 1, ..slot });
            slot = *next;
        }
        self.more.push(slot);
        moved
    }

    pub fn contexts(&self) -> usize {
        self.used
    }
}
