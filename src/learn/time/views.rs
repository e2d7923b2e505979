//! In which ways a case that is under way is like others: what happened last, how far it is, how long it has taken. Each
//! view is a key; cases with one key are alike in that view. Knows nothing of what is predicted from it.

use core::hash::Hasher;

use rustc_hash::FxHasher;

use super::super::log::{Case, Log, NO_TIME};

/// How many there are.
pub const VIEWS: usize = 10;

/// Events that count as "what has happened so far": long cases are not read again at each of their events.
const BAG: usize = 64;

/// The wider view to which each falls back; the first, in which all are alike, to itself.
pub const WIDER: [usize; VIEWS] = [0, 0, 1, 2, 3, 1, 5, 1, 2, 2];

/// The keys of the case after its first `length` events.
pub fn of(log: &Log, case: &Case, length: usize) -> [u64; VIEWS] {
    let trace = log.trace(case);
    let seen = &trace[..length.min(trace.len())];
    let times = log.times(case);
    let elapsed = between(times.first(), times.get(seen.len().wrapping_sub(1)));
    let pause = between(times.get(seen.len().wrapping_sub(2)), times.get(seen.len().wrapping_sub(1)));
    let last = |count: usize| &seen[seen.len().saturating_sub(count)..];
    [
        0,
        key(1, last(1), 0),
        key(2, last(2), 0),
        key(3, last(3), 0),
        key(4, last(5), 0),
        key(5, last(1), scale(elapsed)),
        key(6, last(2), scale(elapsed)),
        key(7, last(1), bag(last(BAG))),
        key(8, last(2), scale(pause)),
        key(9, last(2), weekday(times.get(seen.len().wrapping_sub(1)))),
    ]
}

fn key(view: u64, activities: &[u32], more: u64) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u64(view);
    activities.iter().for_each(|activity| hasher.write_u32(*activity));
    hasher.write_u64(more);
    hasher.finish()
}

fn between(from: Option<&i64>, to: Option<&i64>) -> Option<u64> {
    match (from, to) {
        (Some(&from), Some(&to)) if from != NO_TIME && to != NO_TIME => {
            Some(to.saturating_sub(from).max(0) as u64)
        }
        _ => None,
    }
}

/// Steps of a factor of two, from a second on.
fn scale(ms: Option<u64>) -> u64 {
    ms.map_or(u64::MAX, |ms| u64::from(u64::BITS - (ms / 1000).leading_zeros()))
}

/// The same for the same activities in whatever order and number.
fn bag(seen: &[u32]) -> u64 {
    let bit = |activity: &u32| 1_u64 << (u64::from(*activity).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58);
    seen.iter().map(bit).fold(0, |all, own| all | own)
}

/// Work rests at weekends. Of no zone in particular: what follows from it is learned.
fn weekday(at: Option<&i64>) -> u64 {
    at.map_or(u64::MAX, |at| at.div_euclid(86_400_000).rem_euclid(7) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(activity: Vec<u32>, at: Vec<i64>) -> Log {
        let case = Case { id: "1".into(), events: 0..at.len(), failed: None };
        Log { activities: vec!["a".into(), "b".into()], cases: vec![case], activity, at, ..Log::default() }
    }

    #[test]
    fn cases_are_alike_in_one_view_and_not_in_another() {
        let one = log(vec![0, 1, 1], vec![0, 1_000, 2_000]);
        let other = log(vec![1, 1, 1], vec![0, 1_000, 900_000]);
        let keys = [of(&one, &one.cases[0], 3), of(&other, &other.cases[0], 3)];
        assert_eq!(keys[0][..3], keys[1][..3], "the last two were the same");
        assert_ne!(keys[0][3], keys[1][3], "the third last was not");
        assert_ne!(keys[0][5], keys[1][5], "nor how long it took");
    }

    #[test]
    fn no_length_and_no_time_is_too_odd_for_a_key() {
        let odd = log(vec![0, 1], vec![i64::MAX, NO_TIME]);
        for length in [0, 1, 2, 99] {
            of(&odd, &odd.cases[0], length);
        }
    }

    #[test]
    fn every_view_falls_back_to_one_before_it() {
        assert!(WIDER.iter().enumerate().all(|(view, &wider)| wider < view.max(1)));
    }
}
