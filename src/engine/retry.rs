//! How long to wait before the next attempt. Pure: the jitter is drawn from the run's seed.
//!
//! After the n-th failed attempt the wait is `from` (constant), `from × n` (linear) or `from × factor^(n-1)`
//! (exponential), at most `cap` (24 h without one). Jitter then adds 0 to p percent of that. The draw is uniform, by
//! xoshiro256++ seeded with the run's seed mixed with stage and attempt, so that a replay waits the same.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::event::NodeIndex;
use crate::plan::{BackoffKind, Retry};

/// Longest wait of a policy that sets none.
const DAY_MS: f64 = 86_400_000.0;

/// Attempts after the first that one run may make, of all its stages together, until it ends or is resumed. A fault that
/// every stage meets would else be met by each as often as its own policy allows.
pub const BUDGET: u32 = 1_000;

/// Milliseconds to wait after `tries` failed attempts; `attempt` is the number of the last one.
pub fn wait_ms(retry: &Retry, tries: u32, seed: u64, node: NodeIndex, attempt: u32) -> u64 {
    let n = f64::from(tries.max(1));
    let from = retry.from as f64;
    let grown = match retry.backoff {
        BackoffKind::Constant => from,
        BackoffKind::Linear => from * n,
        BackoffKind::Exponential => from * retry.factor.max(1.0).powf(n - 1.0),
    };
    let cap = retry.cap.map_or(DAY_MS, |cap| cap as f64);
    let base = if grown.is_finite() { grown.min(cap) } else { cap };
    let mix = seed ^ (u64::from(node) << 32 | u64::from(attempt)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let draw: f64 = Xoshiro256PlusPlus::seed_from_u64(mix).random();
    let jitter = base * (retry.jitter.clamp(0.0, 1000.0) / 100.0) * draw;
    (base + jitter).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(backoff: BackoffKind) -> Retry {
        Retry {
            attempts: 4,
            backoff,
            from: 2_000,
            cap: Some(30_000),
            factor: 2.0,
            jitter: 0.0,
            when: None,
            breaker: None,
        }
    }

    #[test]
    fn waits_grow_as_the_policy_says_up_to_the_cap() {
        let waits = |kind| [1, 2, 3, 9].map(|tries| wait_ms(&policy(kind), tries, 7, 0, tries));
        assert_eq!(waits(BackoffKind::Constant), [2_000; 4]);
        assert_eq!(waits(BackoffKind::Linear), [2_000, 4_000, 6_000, 18_000]);
        assert_eq!(waits(BackoffKind::Exponential), [2_000, 4_000, 8_000, 30_000]);
    }

    #[test]
    fn jitter_comes_on_top_of_the_cap_and_is_drawn_from_the_seed() {
        let retry = Retry { jitter: 50.0, ..policy(BackoffKind::Exponential) };
        let waits: Vec<u64> = (0..200).map(|seed| wait_ms(&retry, 9, seed, 3, 9)).collect();
        assert!(waits.iter().all(|wait| (30_000..=45_000).contains(wait)));
        assert!(waits.iter().any(|wait| *wait > 40_000) && waits.iter().any(|wait| *wait < 33_000));
        assert_eq!(wait_ms(&retry, 2, 1, 3, 2), wait_ms(&retry, 2, 1, 3, 2));
        assert_ne!(wait_ms(&retry, 2, 1, 3, 2), wait_ms(&retry, 2, 1, 4, 2));
    }

    #[test]
    fn a_huge_number_of_tries_stays_at_the_cap() {
        let retry = Retry { cap: None, factor: 1e300, ..policy(BackoffKind::Exponential) };
        assert_eq!(wait_ms(&retry, u32::MAX, 0, 0, 1), 86_400_000);
    }
}
