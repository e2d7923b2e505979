//! Leases explored exhaustively: every interleaving of three runs that ask, end, fail, die, are cleared away, resumed and
//! resolved. Each mistake planted in the steps must be found.

use std::collections::{BTreeSet, VecDeque};

use super::{Book, Thing, Verdict, Want, Who};
use crate::event::WaitFor;

/// How often each run may work.
const GOES: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Idle,
    /// Found everything free, and has not written that down yet: only with [`Mistake::TwoSteps`].
    Found,
    Waiting,
    Working,
    /// Its `once` stage ended badly, or nobody knows how.
    Unresolved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    phase: Phase,
    dead: bool,
    left: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    book: Book,
    runs: Vec<Run>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Ask(usize),
    End(usize),
    Fail(usize),
    Die(usize),
    /// Somebody proves it dead and takes away what it held.
    Clear(usize),
    Resume(usize),
    Resolve(usize),
    /// It has not asked for a while.
    Silence(usize),
}

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    /// Looking and taking are two transactions.
    TwoSteps,
    /// One is let in too many.
    OffByOne,
    /// A living run is taken for dead.
    ClearsTheLiving,
    /// A dead run loses what its `once` stage keeps.
    ClearsTheKept,
    /// Who left the line without a word keeps its place for ever.
    WaitsForTheSilent,
    /// A dead run's leases are never taken away.
    NeverClears,
}

struct World {
    wants: Vec<Vec<Want>>,
    once: Vec<bool>,
    mistake: Mistake,
}

fn lock(name: &str) -> Want {
    Want { thing: (WaitFor::Lock, name.into()), slots: 1 }
}

fn pool(name: &str, slots: u32) -> Want {
    Want { thing: (WaitFor::Pool, name.into()), slots }
}

fn who(run: usize) -> Who {
    Who { run: run as i64, node: 0 }
}

impl World {
    fn new(wants: Vec<Vec<Want>>, once: &[bool], mistake: Mistake) -> Self {
        World { wants, once: once.to_vec(), mistake }
    }

    fn begin(&self) -> State {
        let run = Run { phase: Phase::Idle, dead: false, left: GOES };
        State { book: Book::default(), runs: vec![run; self.wants.len()] }
    }

    fn steps(&self, state: &State) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, run) in state.runs.iter().enumerate() {
            let clears =
                self.mistake != Mistake::NeverClears && state.book.leases.iter().any(|l| l.who == who(at));
            if clears && (run.dead || self.mistake == Mistake::ClearsTheLiving) {
                steps.push(Step::Clear(at));
            }
            if run.dead {
                steps.push(Step::Resume(at));
                steps.push(Step::Silence(at));
                continue;
            }
            steps.push(Step::Die(at));
            match run.phase {
                Phase::Idle if run.left == 0 => {}
                Phase::Idle | Phase::Found => steps.push(Step::Ask(at)),
                Phase::Waiting => steps.extend([Step::Ask(at), Step::Silence(at)]),
                Phase::Working => {
                    steps.push(Step::End(at));
                    steps.extend(self.once[at].then_some(Step::Fail(at)));
                }
                Phase::Unresolved => steps.push(Step::Resolve(at)),
            }
        }
        steps
    }

    fn after(&self, state: &State, step: Step) -> State {
        let mut next = state.clone();
        match step {
            Step::Ask(at) => self.ask(&mut next, at),
            Step::End(at) | Step::Resolve(at) => {
                next.book.release(who(at));
                next.runs[at].phase = Phase::Idle;
            }
            Step::Fail(at) => self.keep(&mut next, at),
            Step::Die(at) => {
                next.runs[at].dead = true;
                match next.runs[at].phase {
                    Phase::Working if self.once[at] => self.keep(&mut next, at),
                    Phase::Unresolved => {}
                    _ => next.runs[at].phase = Phase::Idle,
                }
            }
            Step::Clear(at) => self.clear(&mut next, at),
            Step::Resume(at) => {
                next.book.clear(who(at).run);
                next.runs[at].dead = false;
            }
            Step::Silence(at) => self.silence(&mut next, at),
        }
        for (place, waiter) in next.book.line.iter_mut().enumerate() {
            waiter.ticket = place as i64 + 1;
        }
        next
    }

    fn ask(&self, next: &mut State, at: usize) {
        let mut wants = self.wants[at].clone();
        if self.mistake == Mistake::OffByOne {
            wants.iter_mut().for_each(|want| want.slots += 1);
        }
        let granted =
            next.runs[at].phase == Phase::Found || next.book.judge(who(at), &wants) == Verdict::Granted;
        if granted && self.mistake == Mistake::TwoSteps && next.runs[at].phase != Phase::Found {
            next.runs[at].phase = Phase::Found;
        } else if granted {
            next.book.grant(who(at), &self.wants[at]);
            next.runs[at].phase = Phase::Working;
            next.runs[at].left -= 1;
        } else {
            next.book.queue(who(at), &self.wants[at]);
            next.runs[at].phase = Phase::Waiting;
        }
    }

    fn keep(&self, next: &mut State, at: usize) {
        next.runs[at].phase = Phase::Unresolved;
        let own = |lease: &&mut super::Lease| lease.who == who(at) && lease.thing.0 == WaitFor::Lock;
        next.book.leases.iter_mut().filter(own).for_each(|lease| lease.kept = true);
    }

    fn clear(&self, next: &mut State, at: usize) {
        if self.mistake == Mistake::ClearsTheKept {
            next.book.release(who(at));
        } else {
            next.book.clear(who(at).run);
        }
    }

    fn silence(&self, next: &mut State, at: usize) {
        if self.mistake != Mistake::WaitsForTheSilent {
            next.book
                .line
                .iter_mut()
                .filter(|waiter| waiter.who == who(at))
                .for_each(|waiter| waiter.asks = false);
        }
    }

    /// At most as many as may work under each thing at once; a lock counts what must be resolved.
    fn broken(&self, state: &State) -> Option<String> {
        let things: BTreeSet<&Want> = self.wants.iter().flatten().collect();
        for want in things {
            let works = |at: &usize| {
                let run = state.runs[*at];
                let unresolved = run.phase == Phase::Unresolved && want.thing.0 == WaitFor::Lock;
                (unresolved || run.phase == Phase::Working && !run.dead) && self.wants[*at].contains(want)
            };
            let working: Vec<usize> = (0..state.runs.len()).filter(works).collect();
            if working.len() > want.slots as usize {
                return Some(format!("{working:?} hold {} at once", want.thing.1));
            }
        }
        None
    }

    /// Somebody can always go on: when a waiting run could have all it wants, and the dead are silent and cleared
    /// away, then of those who ask one gets it.
    fn stuck(&self, state: &State) -> Option<String> {
        let mut settled = state.clone();
        for at in (0..state.runs.len()).filter(|at| state.runs[*at].dead) {
            self.silence(&mut settled, at);
            let holds = settled.book.leases.iter().any(|lease| lease.who == who(at));
            if holds && self.mistake != Mistake::NeverClears {
                self.clear(&mut settled, at);
            }
        }
        let waiting: Vec<usize> = (0..state.runs.len())
            .filter(|at| !state.runs[*at].dead && state.runs[*at].phase == Phase::Waiting)
            .collect();
        let free = |thing: &Thing, slots: u32| {
            let holds = |at: &usize| {
                let run = state.runs[*at];
                let wants = self.wants[*at].iter().any(|want| want.thing == *thing);
                let unresolved = run.phase == Phase::Unresolved && (thing.0 == WaitFor::Lock || !run.dead);
                wants && (unresolved || run.phase == Phase::Working && !run.dead)
            };
            (0..state.runs.len()).filter(holds).count() < slots as usize
        };
        let could = |at: &usize| self.wants[*at].iter().all(|want| free(&want.thing, want.slots));
        if !waiting.iter().any(could) {
            return None;
        }
        for _ in 0..2 {
            for at in &waiting {
                if matches!(settled.runs[*at].phase, Phase::Waiting) {
                    settled = self.after(&settled, Step::Ask(*at));
                }
            }
        }
        let goes_on =
            waiting.iter().any(|at| matches!(settled.runs[*at].phase, Phase::Working | Phase::Found));
        (!goes_on).then(|| format!("{waiting:?} wait for what is free"))
    }

    /// Who asked first goes first, unless it wants something else besides that it cannot have.
    fn unfair(&self, before: &State, step: Step, after: &State) -> Option<String> {
        let Step::Ask(at) = step else { return None };
        if after.runs[at].phase != Phase::Working || before.runs[at].phase == Phase::Working {
            return None;
        }
        let same = |waiter: &&super::Waiter| waiter.asks && waiter.wants == self.wants[at];
        let first = before.book.line.iter().take_while(|waiter| waiter.who != who(at)).find(same)?;
        let room_for_both = after.book.judge(first.who, &first.wants) == Verdict::Granted;
        (!room_for_both && !before.runs[first.who.run as usize].dead)
            .then(|| format!("{at} went before {}", first.who.run))
    }

    /// Every state that can be reached; what is wrong in the first bad one.
    fn explore(&self) -> Result<usize, String> {
        let mut seen = BTreeSet::from([self.begin()]);
        let mut next = VecDeque::from([self.begin()]);
        while let Some(state) = next.pop_front() {
            if let Some(wrong) = self.broken(&state).or_else(|| self.stuck(&state)) {
                return Err(format!("{wrong} in {state:?}"));
            }
            for step in self.steps(&state) {
                let after = self.after(&state, step);
                if let Some(wrong) = self.unfair(&state, step, &after) {
                    return Err(format!("{wrong} by {step:?} in {state:?}"));
                }
                if seen.insert(after.clone()) {
                    next.push_back(after);
                }
            }
        }
        Ok(seen.len())
    }
}

fn one_lock(mistake: Mistake) -> World {
    World::new(vec![vec![lock("l")]; 3], &[true, false, false], mistake)
}

fn one_pool(mistake: Mistake) -> World {
    World::new(vec![vec![pool("p", 2)]; 3], &[false, true, false], mistake)
}

fn both(mistake: Mistake) -> World {
    World::new(
        vec![vec![lock("l"), pool("p", 1)], vec![lock("l")], vec![pool("p", 1)]],
        &[true, false, false],
        mistake,
    )
}

#[test]
fn nobody_shares_a_lock_and_somebody_can_always_go_on() {
    for world in [one_lock(Mistake::None), one_pool(Mistake::None), both(Mistake::None)] {
        let states = world.explore().unwrap_or_else(|wrong| panic!("{wrong}"));
        assert!(states > 500, "only {states} states were reached");
    }
}

/// The twins: each mistake must be found.
#[test]
fn every_planted_mistake_is_found() {
    for mistake in [
        Mistake::TwoSteps,
        Mistake::OffByOne,
        Mistake::ClearsTheLiving,
        Mistake::ClearsTheKept,
        Mistake::WaitsForTheSilent,
        Mistake::NeverClears,
    ] {
        assert!(one_lock(mistake).explore().is_err(), "{mistake:?} went unnoticed");
    }
}

#[test]
fn who_waits_for_something_else_keeps_no_place_from_others() {
    let mut book = Book::default();
    book.grant(who(0), &[lock("l")]);
    let wants = [lock("l"), pool("p", 1)];
    assert!(matches!(book.judge(who(1), &wants), Verdict::Waits(_)));
    book.queue(who(1), &wants);
    assert_eq!(book.judge(who(2), &[pool("p", 1)]), Verdict::Granted);
    book.release(who(0));
    let Verdict::Waits(obstacle) = book.judge(who(2), &[pool("p", 1)]) else {
        panic!("it went before the first")
    };
    assert_eq!((obstacle.holders, obstacle.ahead), (vec![], vec![who(1)]));
}
