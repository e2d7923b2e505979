//! Contexts of a prefix of a case: what its last events, their attributes and times say about what may follow, as hashes.
//! Knows no counts and no probabilities.

use super::super::log::{Case, Log, NO_TIME};
use super::columns::Source;

/// Longest suffix of activities that is a context.
pub const ORDERS: usize = 8;
/// Of a case longer than this only the first and the last events are looked at.
const WINDOW: usize = 240;
const HEAD: usize = 16;
/// Different activities of a case that are told apart.
const DISTINCT: usize = 64;

/// Contexts of one prefix, by kind; 0 where a kind has nothing to say.
#[derive(Clone, Debug, Default)]
pub struct Contexts {
    pub hashes: Vec<u64>,
}

/// Kinds beside the suffixes and the attributes.
pub const OTHER: usize = 14;
/// Kinds an attribute has.
pub const EACH: usize = 2;

/// State after some events of one case.
pub struct Walk<'a> {
    log: &'a Log,
    sources: &'a [Source],
    case: usize,
    span: core::ops::Range<usize>,
    /// Events walked.
    seen: usize,
    set: u64,
    bag: u64,
    counts: Vec<(u32, u32)>,
    run: u32,
    /// The two activities before the last that differ from the one after them.
    before: [u32; 2],
    first_at: i64,
    last_at: i64,
    gap: i64,
    carried: Vec<u32>,
}

const NONE: u32 = u32::MAX;

pub fn mix(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ (mixed >> 32)
}

fn kind(number: usize) -> u64 {
    mix(0x51_7C_C1_B7, number as u64 + 1)
}

/// Rough logarithm: four steps a doubling of seconds.
fn bucket(ms: i64) -> u64 {
    match ms {
        NO_TIME => 99,
        ms if ms <= 0 => 0,
        ms => (((ms as f64 / 1000.0) + 1.0).log2() * 1.5) as u64 + 1,
    }
}

impl<'a> Walk<'a> {
    pub fn new(log: &'a Log, sources: &'a [Source], case: usize) -> Walk<'a> {
        let mut walk = Walk {
            log,
            sources,
            case,
            span: 0..0,
            seen: 0,
            set: 0,
            bag: 0,
            counts: Vec::new(),
            run: 0,
            before: [NONE; 2],
            first_at: NO_TIME,
            last_at: NO_TIME,
            gap: NO_TIME,
            carried: Vec::new(),
        };
        walk.start(case);
        walk
    }

    pub fn start(&mut self, case: usize) {
        self.case = case;
        self.span = self.log.cases.get(case).map_or(0..0, |case: &Case| case.events.clone());
        self.span.end = self.span.end.min(self.log.activity.len());
        self.seen = 0;
        (self.set, self.bag, self.run) = (0, 0, 0);
        self.counts.clear();
        self.before = [NONE; 2];
        (self.first_at, self.last_at, self.gap) = (NO_TIME, NO_TIME, NO_TIME);
        self.carried.clear();
        self.carried.extend(self.sources.iter().map(|source| source.of_case(self.log, case)));
    }

    /// Walks the prefix of that length.
    pub fn to(&mut self, length: usize) {
        let length = length.min(self.span.len());
        if length > WINDOW + HEAD {
            (0..HEAD).for_each(|_| self.step());
            self.seen = length - WINDOW;
        }
        while self.seen < length {
            self.step();
        }
    }

    fn activity(&self, back: usize) -> Option<u32> {
        let place = self.seen.checked_sub(back)?;
        self.log.activity.get(self.span.start + place).copied()
    }

    pub fn step(&mut self) {
        let event = self.span.start + self.seen;
        let (Some(&now), last) = (self.log.activity.get(event), self.activity(1)) else { return };
        if last == Some(now) {
            self.run += 1;
        } else {
            self.before = [last.unwrap_or(NONE), self.before[0]];
            self.run = 1;
        }
        self.count(now);
        let at = self.log.at.get(event).copied().unwrap_or(NO_TIME);
        self.gap =
            if at == NO_TIME || self.last_at == NO_TIME { NO_TIME } else { at.saturating_sub(self.last_at) };
        self.last_at = at;
        if self.first_at == NO_TIME {
            self.first_at = at;
        }
        for (value, source) in self.carried.iter_mut().zip(self.sources) {
            if let Some(new) = source.of_event(self.log, event) {
                *value = new;
            }
        }
        self.seen += 1;
    }

    fn count(&mut self, now: u32) {
        let hash = mix(0xABCD, u64::from(now));
        self.bag = self.bag.wrapping_add(hash);
        if let Some((_, count)) = self.counts.iter_mut().find(|(activity, _)| *activity == now) {
            *count += 1;
        } else if self.counts.len() < DISTINCT {
            self.set = self.set.wrapping_add(hash);
            self.counts.push((now, 1));
        }
    }

    /// What comes next, or none at the case's end.
    pub fn next(&self) -> Option<u32> {
        let place = self.span.start + self.seen;
        if place < self.span.end { self.log.activity.get(place).copied() } else { None }
    }

    pub fn left(&self) -> bool {
        self.seen < self.span.len()
    }

    /// Contexts of what was walked.
    pub fn contexts(&self, into: &mut Contexts) {
        let hashes = &mut into.hashes;
        hashes.clear();
        let mut suffix = kind(0);
        hashes.push(suffix);
        for order in 1..=ORDERS {
            if order > self.seen + 1 {
                hashes.push(0);
                continue;
            }
            suffix = mix(suffix, self.activity(order).map_or(u64::MAX, u64::from));
            hashes.push(mix(suffix, order as u64));
        }
        let last = hashes[1];
        let two = if hashes[2] == 0 { last } else { hashes[2] };
        for (number, value) in self.others().into_iter().enumerate() {
            let (base, value) = value;
            let from = if base { two } else { last };
            hashes.push(if value == u64::MAX { 0 } else { mix(mix(from, value), kind(number + 10)) });
        }
        for (number, &value) in self.carried.iter().enumerate() {
            for (which, base) in [last, two].into_iter().enumerate() {
                let hash = mix(mix(base, u64::from(value)), kind(100 + number * EACH + which));
                hashes.push(if value == NONE { 0 } else { hash });
            }
        }
    }

    /// Whether it stands with the last two activities instead of the last, and its value.
    fn others(&self) -> [(bool, u64); OTHER] {
        let last = self.activity(1).unwrap_or(NONE);
        let count = self.counts.iter().find(|(activity, _)| *activity == last).map_or(0, |(_, count)| *count);
        let elapsed = if self.last_at == NO_TIME || self.first_at == NO_TIME {
            NO_TIME
        } else {
            self.last_at.saturating_sub(self.first_at)
        };
        let hours =
            if self.last_at == NO_TIME { u64::MAX } else { self.last_at.div_euclid(3_600_000) as u64 };
        let hour = if hours == u64::MAX { hours } else { hours % 24 };
        let day = if hours == u64::MAX { hours } else { (hours / 24) % 7 };
        let time = |ms: i64| if ms == NO_TIME { u64::MAX } else { bucket(ms) };
        let third = self.activity(3).map_or(u64::MAX, u64::from);
        [
            (false, self.set),
            (false, self.bag),
            (false, u64::from(count)),
            (false, u64::from(self.run) << 32 | u64::from(self.before[0])),
            (false, time(self.gap)),
            (false, time(elapsed)),
            (false, hour),
            (false, day),
            (false, (self.seen as u64).min(40)),
            (false, mix(u64::from(self.before[0]), u64::from(self.before[1]))),
            (false, third),
            (false, self.log.activity.get(self.span.start).map_or(u64::MAX, |&first| u64::from(first))),
            (true, time(self.gap)),
            (true, self.set),
        ]
    }
}
