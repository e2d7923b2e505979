//! The fault corpus: failures that break a real thing in a scratch repository, under a real lane, with the built program.
//! What was declared healable must heal; the rest must say why, stay as it is and be resumable; what only looks like a
//! fault must not be touched. `WFL_CORPUS=name` plays the cases whose names hold the word, `WFL_BLESS=1` writes the page.

mod case;
mod mend;
mod picture;
mod scene;
mod table;
mod verdict;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::{Case, Healable};
use verdict::Verdict;

const THREADS: usize = 4;
const MARK: &str = "<!-- written by the test `corpus`: WFL_BLESS=1 cargo test --test suite -- corpus -->\n";

fn play(cases: &[Case]) -> Vec<(&Case, Verdict)> {
    let next = AtomicUsize::new(0);
    let played: Mutex<Vec<(usize, Verdict)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { return };
                    let verdict = verdict::of(case);
                    played.lock().expect("no thread died").push((at, verdict));
                }
            });
        }
    });
    let mut played = played.into_inner().expect("no thread died");
    played.sort_by_key(|(at, _)| *at);
    played.into_iter().map(|(at, verdict)| (&cases[at], verdict)).collect()
}

#[test]
fn the_corpus_heals_what_it_declared_and_touches_nothing_else() {
    let wanted = std::env::var("WFL_CORPUS").unwrap_or_default();
    let cases: Vec<Case> = case::all().into_iter().filter(|case| case.name.contains(&wanted)).collect();
    let played = play(&cases);
    for (case, verdict) in &played {
        for wrong in &verdict.wrong {
            eprintln!("✗ {}: {wrong}", case.name);
        }
        for lost in &verdict.lost {
            eprintln!("✗ {}: LOST {lost}", case.name);
        }
    }
    print!("{}", table::printed(&played));
    let figures = table::figures(&played);
    assert!(figures.false_heals.is_empty(), "healed what must not be: {:?}", figures.false_heals);
    assert!(figures.lossy.is_empty(), "something of the person's was changed: {:?}", figures.lossy);
    if wanted.is_empty() {
        assert!(figures.share() >= 95.0, "{:.1} % healed", figures.share());
        let misses = |case: &Case| case.healable == Healable::Never;
        let wrong: Vec<&str> = played
            .iter()
            .filter(|(case, verdict)| case.healable != Healable::Yes && !verdict.wrong.is_empty())
            .map(|(case, _)| case.name.as_str())
            .collect();
        assert!(wrong.is_empty(), "not as declared: {wrong:?}");
        assert!(played.iter().any(|(case, verdict)| misses(case) && !verdict.left_out));
        twin(&played);
        page(&played);
    }
}

/// Without the rules nothing that a rule heals succeeds: else the case breaks nothing.
fn twin(played: &[(&Case, Verdict)]) {
    let healed: Vec<&str> = played
        .iter()
        .filter(|(_, verdict)| verdict.healed_without == Some(true))
        .map(|(case, _)| case.name.as_str())
        .collect();
    assert!(healed.is_empty(), "these succeed without repair, so nothing was broken: {healed:?}");
}

/// The page holds what came out; where a machine lacks programs it cannot be compared.
fn page(played: &[(&Case, Verdict)]) {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/fault-corpus.md");
    let old = std::fs::read_to_string(&place).expect("docs/fault-corpus.md");
    let (head, written) = old.split_once(MARK).expect("the mark");
    let new = table::page(played);
    if played.iter().any(|(_, verdict)| verdict.left_out) {
        return;
    }
    if std::env::var_os("WFL_BLESS").is_some() {
        std::fs::write(&place, format!("{head}{MARK}{new}")).expect("the page");
        return;
    }
    assert_eq!(written, new, "docs/fault-corpus.md is not what came out; WFL_BLESS=1 writes it");
}
