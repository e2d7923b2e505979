//! Contexts of a prefix of a case: what its last events, their attributes and times say about what may follow, as hashes.
//! Knows no counts and no probabilities.

use core::ops::Range;

use super::super::log::{Log, NO_TIME};
use super::columns::Source;
use super::table::Fading;

/// Longest suffix of activities that is a context.
pub const ORDERS: usize = 6;
/// Kinds of contexts beside the suffixes and the attributes.
pub const OTHER: usize = 15;
/// The last of them stand with the last two events, not with the last.
const OTHER_DEEP: usize = 4;
/// Of a case longer than this only the first and the last events are looked at.
const WINDOW: usize = 240;
const HEAD: usize = 16;
/// Different activities of a case that are told apart.
const DISTINCT: usize = 64;
/// Events at one moment that are taken together.
const BATCH: usize = 12;
const AT_ONCE: Fading = Fading { most: 30, part: 3 };
const SLOWLY: Fading = Fading { most: 80, part: 8 };
/// An attribute's value, or an activity, that is not there.
pub const NONE: u32 = u32::MAX;
/// Says nothing.
const SILENT: u64 = u64::MAX;

/// Contexts of one prefix, by kind; 0 where a kind has nothing to say.
#[derive(Clone, Debug, Default)]
pub struct Contexts {
    pub hashes: Vec<u64>,
}

pub fn kinds(sources: &[Source]) -> usize {
    ORDERS + 1 + OTHER + sources.len()
}

/// Kinds that are alike: suffixes, what every case has, attributes.
pub fn group(kind: usize) -> usize {
    usize::from(kind > ORDERS) + usize::from(kind > ORDERS + OTHER)
}

/// Whether and how the kind counts what came lately, not all that came: after the last event and after the last two, so
/// that it changes at once, and slowly.
pub fn fading(kind: usize) -> Option<Fading> {
    match kind {
        _ if kind == ORDERS + 1 || kind == ORDERS + OTHER => Some(AT_ONCE),
        _ if kind == ORDERS + 2 || kind == ORDERS + OTHER - 1 => Some(SLOWLY),
        _ => None,
    }
}

/// Whether the kind stands with the last two events.
pub fn is_deep(kind: usize) -> bool {
    (ORDERS + 1 + OTHER - OTHER_DEEP..ORDERS + 1 + OTHER).contains(&kind)
}

pub fn mix(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ (mixed >> 32)
}

/// Of an activity where the order of several does not matter.
fn one_of(activity: u32) -> u64 {
    mix(0xABCD, u64::from(activity))
}

/// Three steps for two doublings of seconds.
fn span(from: i64, to: i64) -> u64 {
    if from == NO_TIME || to == NO_TIME {
        return SILENT;
    }
    let ms = to.saturating_sub(from).max(0);
    ((ms as f32 / 1000.0 + 1.0).log2() * 1.5) as u64
}

/// State after some events of one case.
pub struct Walk<'a> {
    log: &'a Log,
    sources: &'a [Source],
    events: Range<usize>,
    seen: usize,
    /// Different activities so far, and all of them.
    met: Vec<u32>,
    set: u64,
    bag: u64,
    first_at: i64,
    before_at: i64,
    last_at: i64,
    /// By source, its last value.
    carried: Vec<u32>,
}

impl<'a> Walk<'a> {
    pub fn new(log: &'a Log, sources: &'a [Source]) -> Walk<'a> {
        Walk {
            log,
            sources,
            events: 0..0,
            seen: 0,
            met: Vec::new(),
            set: 0,
            bag: 0,
            first_at: NO_TIME,
            before_at: NO_TIME,
            last_at: NO_TIME,
            carried: Vec::new(),
        }
    }

    /// Stands before the case's first event.
    pub fn start(&mut self, case: usize) {
        let events = self.log.cases.get(case).map_or(0..0, |case| case.events.clone());
        self.events = events.start..events.end.min(self.log.activity.len());
        self.seen = 0;
        self.met.clear();
        (self.set, self.bag) = (0, 0);
        (self.first_at, self.before_at, self.last_at) = (NO_TIME, NO_TIME, NO_TIME);
        self.carried.clear();
        self.carried.extend(self.sources.iter().map(|source| source.of_case(self.log, case)));
    }

    /// Goes on until so many events were seen.
    pub fn to(&mut self, length: usize) {
        let length = length.min(self.events.len());
        while self.seen < length {
            if self.seen == HEAD && length > HEAD + WINDOW {
                self.seen = length - WINDOW;
            }
            self.step();
        }
    }

    /// The activity so many events back; 1 is the last.
    fn back(&self, events: usize) -> Option<u32> {
        let place = self.events.start + self.seen.checked_sub(events)?;
        self.log.activity.get(place).copied()
    }

    fn at(&self, events: usize) -> i64 {
        let place = self.seen.checked_sub(events).map(|seen| self.events.start + seen);
        place.and_then(|place| self.log.at.get(place).copied()).unwrap_or(NO_TIME)
    }

    pub fn step(&mut self) {
        let event = self.events.start + self.seen;
        let Some(&activity) = self.log.activity.get(event) else { return };
        self.bag = self.bag.wrapping_add(one_of(activity));
        if self.met.len() < DISTINCT && !self.met.contains(&activity) {
            self.set = self.set.wrapping_add(one_of(activity));
            self.met.push(activity);
        }
        self.seen += 1;
        self.before_at = self.last_at;
        self.last_at = self.at(1);
        if self.first_at == NO_TIME {
            self.first_at = self.last_at;
        }
        for (value, source) in self.carried.iter_mut().zip(self.sources) {
            *value = source.of_event(self.log, event).unwrap_or(*value);
        }
    }

    /// What comes next; none at the case's end.
    pub fn next(&self) -> Option<u32> {
        self.log.activity.get(self.events.start + self.seen).copied().filter(|_| self.left())
    }

    pub fn seen(&self) -> usize {
        self.seen
    }

    pub fn left(&self) -> bool {
        self.seen < self.events.len()
    }

    /// The last activity and all those so far, whatever their order.
    pub fn state(&self) -> u64 {
        mix(self.set, self.back(1).map_or(SILENT, u64::from))
    }

    pub fn carried(&self) -> &[u32] {
        &self.carried
    }

    /// Contexts of what was walked.
    pub fn contexts(&self, into: &mut Contexts) {
        let hashes = &mut into.hashes;
        hashes.clear();
        self.suffixes(hashes);
        let last = hashes[1];
        let two = if hashes[2] == 0 { last } else { hashes[2] };
        for (place, value) in self.others().into_iter().enumerate() {
            let kind = ORDERS + 1 + place;
            let with = if is_deep(kind) { two } else { last };
            hashes.push(if value == SILENT { 0 } else { mix(mix(with, value), kind as u64) });
        }
        for &value in &self.carried {
            let kind = hashes.len() as u64;
            hashes.push(if value == NONE { 0 } else { mix(mix(last, u64::from(value)), kind) });
        }
    }

    /// The case's start counts as an event, so a suffix knows that it is the whole case.
    fn suffixes(&self, hashes: &mut Vec<u64>) {
        let mut suffix = 1;
        hashes.push(0);
        for order in 1..=ORDERS {
            if order > self.seen + 1 {
                hashes.push(0);
                continue;
            }
            suffix = mix(suffix, self.back(order).map_or(SILENT, u64::from));
            hashes.push(mix(suffix, order as u64));
        }
    }

    /// What all cases have; the first and the last kind say only that it was lately.
    fn others(&self) -> [u64; OTHER] {
        let hours = if self.last_at == NO_TIME { None } else { Some(self.last_at.div_euclid(3_600_000)) };
        let of_hours = |value: fn(i64) -> i64| hours.map_or(SILENT, |hours| value(hours) as u64);
        let gap = span(self.before_at, self.last_at);
        let elapsed = span(self.first_at, self.last_at);
        let hour = of_hours(|hours| hours.rem_euclid(24));
        [
            0,
            0,
            self.set,
            self.bag,
            gap,
            elapsed,
            of_hours(|hours| hours.div_euclid(24).rem_euclid(7)),
            of_hours(|hours| hours.rem_euclid(168)),
            of_hours(|hours| hours.div_euclid(24 * 30)),
            if hour == SILENT { SILENT } else { mix(hour, gap >> 1) },
            self.batch(),
            gap,
            elapsed,
            0,
            0,
        ]
    }

    /// The events of the last moment, whatever their order.
    fn batch(&self) -> u64 {
        let mut all = 0u64;
        for back in (1..=BATCH.min(self.seen)).take_while(|&back| self.at(back) == self.last_at) {
            all = all.wrapping_add(self.back(back).map_or(0, one_of));
        }
        all
    }
}
