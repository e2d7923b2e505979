//! Small logs with a known truth, for tests of the measuring itself.

use core::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::learn::log::{Case, Log};

/// A case each text, an activity each letter, a minute between events, an hour between cases.
pub fn log(cases: &[&str]) -> Log {
    let mut log = Log::default();
    let last = cases.iter().flat_map(|case| case.bytes()).max().unwrap_or(b'a');
    log.activities = (b'a'..=last).map(|letter| char::from(letter).to_string()).collect();
    for (place, case) in (0i64..).zip(cases) {
        let from = log.activity.len();
        for (at, letter) in (0i64..).zip(case.bytes()) {
            log.activity.push(u32::from(letter - b'a'));
            log.at.push(place * 3_600_000 + at * 60_000);
        }
        let id = format!("case {place}").into();
        log.cases.push(Case { id, events: from..log.activity.len(), failed: None });
    }
    log
}

/// The same case again and again.
pub fn cycle(cases: usize, length: usize) -> Log {
    let case: String = ('a'..='z').take(length).collect();
    log(&vec![case.as_str(); cases])
}

/// Six activities in one order for two thirds of the cases, in another from then on, one step in ten by chance.
pub fn drifting(cases: usize, seed: u64) -> Log {
    let mut draw = StdRng::seed_from_u64(seed);
    let texts: Vec<String> = (0..cases)
        .map(|place| {
            let step = if place < cases * 2 / 3 { 1 } else { 5 };
            let mut now: u8 = draw.random_range(0..6);
            let next = |_| {
                now = if draw.random_bool(0.1) { draw.random_range(0..6) } else { (now + step) % 6 };
                char::from(b'a' + now)
            };
            (0..8).map(next).collect()
        })
        .collect();
    log(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A clock that goes on by a microsecond each time it is looked at.
pub fn ticking() -> impl FnMut() -> Duration {
    let mut now = Duration::ZERO;
    move || {
        now += Duration::from_micros(1);
        now
    }
}
