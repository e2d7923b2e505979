//! How many attempts may run at once where nobody fixed a number: a pure policy over what room the machine has and what
//! the stages used before. Reads nothing; the kernel asks it for each stage that could start.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::NodeIndex;
use crate::plan::{Node, Parallel, Plan};
use crate::port::room::{Memory, Room};

/// One processor, in the thousandths that stages are weighed in.
const ONE: u32 = 1_000;
/// The least a stage counts for: with nothing but waiting, twice as many as processors run.
const LEAST: u32 = ONE / 2;
/// Below this part of all memory, and these bounds, little is left.
const RESERVE_PART: u64 = 20;
const RESERVE: (u64, u64) = (32 << 20, 1 << 30);
/// Percent of the time in which nothing went on for want of memory that counts as a want of memory.
const MEMORY_STALL: f64 = 5.0;
/// Percent of the time in which something waited for a processor below which load does not matter.
const PROCESSOR_STALL: f64 = 10.0;
/// Readings in a row that must agree before load counts, or no longer does.
const AGREE: u8 = 2;

/// How many attempts would run at once, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    pub at_once: usize,
    pub why: String,
}

/// Why less may run than the processors would allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Memory,
    Processors,
}

/// Whether one more may start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fits,
    /// As many run as may.
    Full,
    /// It needs more memory than is free, both in bytes.
    TooLarge {
        needs: u64,
        free: u64,
    },
}

/// The newest reading, and what follows from it and those before.
#[derive(Clone, Debug)]
pub(super) struct Headroom {
    pub room: Room,
    pub read_at: i64,
    read_before: i64,
    /// Readings in a row that saw others keep processors busy, or the contrary while they count.
    seen: u8,
    /// Others keep processors busy: how many of ours that takes.
    taken: u32,
    /// When each running attempt was let in.
    began: BTreeMap<NodeIndex, i64>,
}

impl Headroom {
    pub fn new(room: Room, at: i64) -> Self {
        Headroom { room, read_at: at, read_before: at, seen: 0, taken: 0, began: BTreeMap::new() }
    }

    /// A new reading. `running` is what the processes of this run keep busy themselves, as far as is known.
    pub fn read(&mut self, room: Room, at: i64, plan: &Plan, running: &BTreeSet<NodeIndex>) {
        self.read_before = std::mem::replace(&mut self.read_at, at);
        self.room = room;
        self.began.retain(|node, _| running.contains(node));
        let own = running.iter().map(|node| weight(plan, *node, &self.room)).sum();
        let others = others(&self.room, own);
        let changes = (others == 0) != (self.taken == 0);
        self.seen = if changes { self.seen + 1 } else { 0 };
        if !changes {
            self.taken = others;
        } else if self.seen >= AGREE {
            (self.taken, self.seen) = (others, 0);
        }
    }

    /// What keeps less from running than the processors would allow.
    pub fn want(&self) -> Option<Want> {
        if scarce(&self.room) { Some(Want::Memory) } else { (self.taken > 0).then_some(Want::Processors) }
    }

    /// Whether `next` may start beside `running`. Beside nothing everything may.
    pub fn verdict(&self, plan: &Plan, running: &BTreeSet<NodeIndex>, next: NodeIndex) -> Verdict {
        if running.is_empty() {
            return Verdict::Fits;
        }
        let used: u32 = running.iter().map(|node| weight(plan, *node, &self.room)).sum();
        let mine = weight(plan, next, &self.room);
        if self.want() == Some(Want::Memory) || used.saturating_add(mine) > self.capacity() {
            return Verdict::Full;
        }
        let needs = memory_of(plan, next);
        match self.room.memory {
            Some(memory) if needs > self.left(memory, plan, running) => {
                Verdict::TooLarge { needs, free: self.left(memory, plan, running) }
            }
            _ => Verdict::Fits,
        }
    }

    pub fn let_in(&mut self, node: NodeIndex, at: i64) {
        self.began.insert(node, at);
    }

    /// How many may run at once while nothing more is known of them than that they work.
    pub fn at_once(&self) -> usize {
        match self.want() {
            Some(Want::Memory) => 1,
            _ => (self.capacity() / ONE).max(1) as usize,
        }
    }

    fn capacity(&self) -> u32 {
        all(&self.room).saturating_sub(self.taken)
    }

    /// Free memory less what attempts that began lately are still expected to take. What older ones hold is no longer
    /// counted as free.
    fn left(&self, memory: Memory, plan: &Plan, running: &BTreeSet<NodeIndex>) -> u64 {
        let young = |node: &&NodeIndex| self.began.get(node).is_some_and(|began| *began >= self.read_before);
        let awaited: u64 = running.iter().filter(young).map(|node| memory_of(plan, *node)).sum();
        memory.free.saturating_sub(awaited)
    }
}

/// What a stage counts for. One that kept several processors busy counts for several, but for no more than half of all,
/// so that it does not run alone; one that mostly waits counts for a half.
fn weight(plan: &Plan, node: NodeIndex, room: &Room) -> u32 {
    let expected = plan.nodes.get(node as usize).and_then(|node| node.expected);
    let used = expected.and_then(|expected| expected.processors).unwrap_or(ONE);
    used.clamp(LEAST, (all(room) / 2).max(ONE))
}

fn memory_of(plan: &Plan, node: NodeIndex) -> u64 {
    let expected = plan.nodes.get(node as usize).and_then(|node| node.expected);
    expected.map_or(0, |expected| expected.memory)
}

fn all(room: &Room) -> u32 {
    room.processors.max(1).saturating_mul(ONE)
}

/// How many processors others keep busy, in whole ones and at most half of ours. Both the last minute and this moment
/// must say so: the one remembers what has ended, the other sees what only blinks.
fn others(room: &Room, own: u32) -> u32 {
    let Some(load) = room.load else { return 0 };
    if room.processor_stall.is_some_and(|stall| stall < PROCESSOR_STALL) {
        return 0;
    }
    let busy = load.minute.min(f64::from(load.now));
    let foreign = (busy - f64::from(own) / f64::from(ONE)).max(0.0).round() as u32;
    foreign.min(room.processors.max(1) / 2).saturating_mul(ONE)
}

/// Too little memory is free to start anything beside what runs.
fn scarce(room: &Room) -> bool {
    let stalled = room.memory_stall.is_some_and(|stall| stall >= MEMORY_STALL);
    stalled || room.memory.is_some_and(|memory| memory.free < reserve(memory))
}

fn reserve(memory: Memory) -> u64 {
    (memory.total / RESERVE_PART).clamp(RESERVE.0, RESERVE.1)
}

/// The most attempts of this plan that could ever run at once: as many threads are needed.
pub(super) fn most(plan: &Plan, room: &Room) -> usize {
    let mut weights: Vec<u32> =
        (0..plan.nodes.len() as NodeIndex).map(|node| weight(plan, node, room)).collect();
    weights.sort_unstable();
    let fits = |sum: &mut u32, weight: &u32| {
        *sum = sum.saturating_add(*weight);
        Some(*sum).filter(|sum| *sum <= all(room))
    };
    weights.iter().scan(0, fits).count().max(1)
}

/// What `parallel` comes to for the plan if it began with this much room.
pub fn foresee(plan: &Plan, room: &Room) -> Foreseen {
    let fixed = |at_once: u32, why: &str| Foreseen { at_once: at_once.max(1) as usize, why: why.to_owned() };
    match plan.parallel {
        Parallel::Off => return fixed(1, "`parallel off`"),
        Parallel::Limit(limit) => return fixed(limit, "fixed by `parallel` or `--jobs`"),
        Parallel::Auto => {}
    }
    let mut why = vec![room.limited_by.clone()];
    why.extend(room.memory.map(|memory| format!("{} of memory free", bytes(memory.free))));
    if scarce(room) {
        why.push("too little to run more than one at a time".to_owned());
        return Foreseen { at_once: 1, why: why.join("; ") };
    }
    why.extend(remembered(plan, room));
    Foreseen { at_once: most(plan, room), why: why.join("; ") }
}

/// What earlier runs say of the stages.
fn remembered(plan: &Plan, room: &Room) -> Vec<String> {
    let working = || plan.nodes.iter().filter(|node| !node.actions.is_empty());
    let known = working().filter(|node| node.expected.is_some()).count();
    let used = |node: &Node| node.expected.and_then(|expected| expected.processors);
    let waiting = working().filter(|node| used(node).is_some_and(|used| used <= LEAST)).count();
    let mut said = vec![format!("{known} of {} stages known from earlier runs", working().count())];
    if waiting > 0 {
        said.push(format!("{waiting} of them mostly wait, and two such count as one"));
    }
    let free = room.memory.map_or(u64::MAX, |memory| memory.free);
    let memory = |node: &Node| node.expected.map_or(0, |expected| expected.memory);
    said.extend(working().filter(|node| memory(node) > free).map(|node| {
        format!("`{}` took {} before, more than is free, and runs alone", node.key, bytes(memory(node)))
    }));
    said
}

/// `3.2 GB`, `90 MB`.
pub(super) fn bytes(number: u64) -> String {
    match number as f64 / 1e6 {
        megabytes if megabytes >= 1_000.0 => format!("{:.1} GB", megabytes / 1e3),
        megabytes => format!("{megabytes:.0} MB"),
    }
}
