//! One token wrong anywhere in what we publish: where the errors stand, how many follow, and what is still checked.
//! Knows nothing of single mistakes; `docs/recovery.md` holds what it measured.
//!
//! A seeded sample runs with the other tests. `WFL_MUTATIONS=all` tries every one, `WFL_MUTATIONS=N` about so many.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::mutants::{Edit, KINDS, Mutant, Original, originals};
use super::verdict::{Place, Table, Verdict};

/// Tried in every test run; about ten seconds without optimisation.
const SAMPLE: usize = 500;
/// Of all mutations, one in so many is tried a second time together with mistakes far away.
const PLANTED: usize = 2;

/// Every mutation of every file.
fn every(originals: &[Original]) -> Vec<Mutant> {
    let of_file = |(file, original): (usize, &Original)| {
        let tokens = original.tokens.len();
        (0..tokens)
            .flat_map(move |token| Edit::all().map(move |edit| Mutant { file, token, edit }))
            .collect::<Vec<_>>()
    };
    originals.iter().enumerate().flat_map(of_file).filter(|mutant| mutant.is_one(originals)).collect()
}

/// About `count` of them, always the same ones, and of each kind as many.
fn sample(all: Vec<Mutant>, count: usize) -> Vec<Mutant> {
    let mut state = 0x5eed_u64;
    let mut below = move |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let sizes = KINDS.map(|kind| all.iter().filter(|mutant| mutant.edit.kind() == kind).count());
    let size = |mutant: &Mutant| KINDS.iter().zip(sizes).find(|(kind, _)| **kind == mutant.edit.kind());
    let wanted = |mutant: &Mutant| size(mutant).is_some_and(|(_, size)| below(size) < count / KINDS.len());
    let mut wanted = wanted;
    all.into_iter().filter(|mutant| wanted(mutant)).collect()
}

/// What comes of each mutant, on all processors.
fn judged(originals: &[Original], mutants: &[Mutant]) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(mutant) = mutants.get(index) else { return done };
            done.push((index, Verdict::of(originals, mutant, index.is_multiple_of(PLANTED))));
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let mut all: Vec<(usize, Verdict)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, verdict)| verdict).collect()
}

#[test]
fn one_wrong_token_is_reported_where_it_stands_and_little_follows() {
    let originals = originals();
    let all = every(&originals);
    let asked = std::env::var("WFL_MUTATIONS").unwrap_or_default();
    let chosen = match asked.as_str() {
        "all" => all,
        other => sample(all, other.parse().unwrap_or(SAMPLE)),
    };
    let verdicts = judged(&originals, &chosen);
    let table = Table::of(&verdicts);
    println!("{table}");
    if !asked.is_empty() {
        println!("{}", table.worst(&verdicts));
    }
    assert!(verdicts.len() * 5 > SAMPLE * 4, "only {} were tried", verdicts.len());
    let share = |good: usize, of: usize| good * 1000 / of.max(1);
    let wrong: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.errors > 0).collect();
    let near = wrong.iter().filter(|verdict| verdict.nearest <= Place::Next).count();
    assert!(share(near, wrong.len()) >= 970, "at or next to the edit: {near} of {}", wrong.len());
}
