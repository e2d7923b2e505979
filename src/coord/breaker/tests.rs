//! The breaker explored exhaustively: every interleaving of three runs that ask, end, die and are resumed while the
//! clock steps forth and back. Each mistake planted in the steps must be found.

use std::collections::{BTreeSet, VecDeque};

use super::{Admission, Breaker, PROBE_MS, State};
use crate::base::Timestamp;
use crate::coord::lease::Who;
use crate::event::{BreakerRule, Told};

const RUNS: usize = 3;
const NOW: Timestamp = Timestamp(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Idle,
    /// Works, as a probe or not.
    Works(Option<u64>),
    /// A probe that took longer than the bound.
    Late(u64),
    Dead,
}

/// All times are relative to now, so that states repeat.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    breaker: Breaker,
    runs: [Phase; RUNS],
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(usize),
    Tell(usize, Told),
    Die(usize),
    /// Proved dead, or resumed: its probe has no end.
    Clear(usize),
    Clock(i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    /// What asking changed is not kept.
    Forgets,
    /// A living run is taken for dead.
    ClearsTheLiving,
    /// A dead run's probe is never taken away.
    NeverClears,
    /// The result of a probe that was given up counts.
    HearsTheLate,
    /// What started before it opened counts as the probe's result.
    HearsAnybody,
}

fn rule() -> BreakerRule {
    BreakerRule { key: "k".into(), name: "k".into(), failures: 2, within: 3, cooldown: 2, successes: 2 }
}

fn who(at: usize) -> Who {
    Who { run: at as i64, node: 0 }
}

impl World {
    fn begin() -> Self {
        World { breaker: Breaker::default(), runs: [Phase::Idle; RUNS] }
    }

    fn steps(&self, mistake: Mistake) -> Vec<Step> {
        let mut steps = vec![Step::Clock(1), Step::Clock(2), Step::Clock(PROBE_MS), Step::Clock(-1)];
        for (at, run) in self.runs.iter().enumerate() {
            match run {
                Phase::Idle => steps.push(Step::Ask(at)),
                Phase::Works(_) | Phase::Late(_) => {
                    let told = [Told::Failed, Told::Succeeded, Told::Nothing];
                    steps.extend(told.map(|told| Step::Tell(at, told)));
                    steps.push(Step::Die(at));
                    steps.extend((mistake == Mistake::ClearsTheLiving).then_some(Step::Clear(at)));
                }
                Phase::Dead => steps.push(Step::Clear(at)),
            }
        }
        steps
    }

    fn after(&self, step: Step, mistake: Mistake) -> Result<World, String> {
        let mut next = self.clone();
        match step {
            Step::Ask(at) => next.ask(at, mistake)?,
            Step::Tell(at, told) => next.tell(at, told, mistake)?,
            Step::Die(at) => next.runs[at] = Phase::Dead,
            Step::Clear(at) => {
                if mistake != Mistake::NeverClears {
                    next.breaker.clear(who(at).run);
                }
                if next.runs[at] == Phase::Dead {
                    next.runs[at] = Phase::Idle;
                }
            }
            Step::Clock(by) => next.pass(by),
        }
        next.renumber();
        Ok(next)
    }

    fn ask(&mut self, at: usize, mistake: Mistake) -> Result<(), String> {
        let before = self.breaker.clone();
        match self.breaker.admit(&rule(), NOW, who(at)) {
            Admission::Go if !matches!(before.state, State::Closed { .. }) => {
                return Err("it let start what is no probe, and is not closed".into());
            }
            Admission::Go => self.runs[at] = Phase::Works(None),
            Admission::Probe(number) => self.runs[at] = Phase::Works(Some(number)),
            Admission::Open(_) | Admission::Probed(_) => {}
        }
        if mistake == Mistake::Forgets {
            self.breaker = before;
        }
        Ok(())
    }

    fn tell(&mut self, at: usize, told: Told, mistake: Mistake) -> Result<(), String> {
        let current = match &self.breaker.state {
            State::HalfOpen { probe: Some(probe), .. } => Some(probe.number),
            _ => None,
        };
        let (number, entitled) = match self.runs[at] {
            Phase::Works(number) => (number, number.is_none() || number == current),
            Phase::Late(number) => (Some(number), Some(number) == current),
            Phase::Idle | Phase::Dead => (None, false),
        };
        let heard = match mistake {
            Mistake::HearsTheLate if number.is_some() => current,
            Mistake::HearsAnybody => current,
            _ => number,
        };
        let before = self.breaker.clone();
        self.breaker.tell(&rule(), NOW, told, heard);
        self.runs[at] = Phase::Idle;
        let closed = |breaker: &Breaker| matches!(breaker.state, State::Closed { .. });
        let heard_anyway = self.breaker != before && (!entitled || number.is_none() && !closed(&before));
        if heard_anyway { Err(format!("{at} was heard and has nothing to say")) } else { Ok(()) }
    }

    /// Time passes for all that is remembered; what is older than every bound is all the same.
    fn pass(&mut self, by: i64) {
        // Small steps alone never reach the bound of a probe.
        let moved = |at: &mut Timestamp| {
            let age = by - at.0;
            at.0 = if age >= PROBE_MS { -PROBE_MS } else { -age.clamp(-2, 4) };
        };
        match &mut self.breaker.state {
            State::Closed { failures } => failures.iter_mut().for_each(moved),
            State::Open { since } => moved(since),
            State::HalfOpen { probe, .. } => probe.iter_mut().for_each(|probe| moved(&mut probe.since)),
        }
        if by >= PROBE_MS {
            for run in &mut self.runs {
                if let Phase::Works(Some(number)) = *run {
                    *run = Phase::Late(number);
                }
            }
        }
    }

    /// Only which numbers are equal matters, and which is the newest.
    fn renumber(&mut self) {
        let mut numbers: BTreeSet<u64> = BTreeSet::from([self.breaker.probes]);
        let of = |run: &Phase| match run {
            Phase::Works(Some(number)) | Phase::Late(number) => Some(*number),
            _ => None,
        };
        numbers.extend(self.runs.iter().filter_map(of));
        if let State::HalfOpen { probe: Some(probe), .. } = &self.breaker.state {
            numbers.insert(probe.number);
        }
        let order: Vec<u64> = numbers.into_iter().collect();
        let short =
            |number: u64| order.iter().position(|other| *other == number).map_or(0, |at| at as u64 + 1);
        self.breaker.probes = short(self.breaker.probes);
        for run in &mut self.runs {
            match run {
                Phase::Works(Some(number)) | Phase::Late(number) => *number = short(*number),
                _ => {}
            }
        }
        if let State::HalfOpen { probe: Some(probe), .. } = &mut self.breaker.state {
            probe.number = short(probe.number);
        }
    }

    fn broken(&self) -> Option<String> {
        let probes = self.runs.iter().filter(|run| matches!(run, Phase::Works(Some(_)))).count();
        (probes > 1).then(|| format!("{probes} probes at once"))
    }

    /// When nobody works, the dead are cleared away and the cooldown is over, whoever asks may start.
    fn stuck(&self, mistake: Mistake) -> Option<String> {
        let mut settled = self.clone();
        for at in 0..RUNS {
            match settled.runs[at] {
                Phase::Works(_) | Phase::Late(_) => {
                    settled = settled.after(Step::Tell(at, Told::Nothing), Mistake::None).ok()?;
                }
                Phase::Dead => settled = settled.after(Step::Clear(at), mistake).ok()?,
                Phase::Idle => {}
            }
        }
        // A clock that was set back is noticed by the first who asks; from then on it is a cooldown.
        for _ in 0..2 {
            if let Admission::Go | Admission::Probe(_) = settled.breaker.admit(&rule(), NOW, who(0)) {
                return None;
            }
            settled.pass(2);
        }
        match settled.breaker.admit(&rule(), NOW, who(0)) {
            Admission::Go | Admission::Probe(_) => None,
            refused => Some(format!("nobody may ever start: {refused:?}")),
        }
    }
}

fn explore(mistake: Mistake) -> Result<usize, String> {
    let mut seen = BTreeSet::from([World::begin()]);
    let mut next = VecDeque::from([World::begin()]);
    while let Some(world) = next.pop_front() {
        if let Some(wrong) = world.broken().or_else(|| world.stuck(mistake)) {
            return Err(format!("{wrong} in {world:?}"));
        }
        for step in world.steps(mistake) {
            let after =
                world.after(step, mistake).map_err(|wrong| format!("{wrong} by {step:?} in {world:?}"))?;
            if seen.insert(after.clone()) {
                next.push_back(after);
            }
        }
        assert!(seen.len() < 2_000_000, "the states do not repeat");
    }
    Ok(seen.len())
}

#[test]
fn at_most_one_probe_and_somebody_can_always_go_on() {
    let states = explore(Mistake::None).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(states > 1_000, "only {states} states were reached");
}

/// The twins: each mistake must be found.
#[test]
fn every_planted_mistake_is_found() {
    for mistake in [
        Mistake::Forgets,
        Mistake::ClearsTheLiving,
        Mistake::NeverClears,
        Mistake::HearsTheLate,
        Mistake::HearsAnybody,
    ] {
        assert!(explore(mistake).is_err(), "{mistake:?} went unnoticed");
    }
}

#[test]
fn it_opens_on_the_last_failure_within_the_window_and_waits_for_the_cooldown() {
    let rule = BreakerRule { failures: 3, within: 300_000, cooldown: 60_000, successes: 1, ..rule() };
    let mut breaker = Breaker::default();
    for at in [0, 100_000, 350_000, 401_000] {
        breaker.tell(&rule, Timestamp(at), Told::Failed, None);
        assert!(
            matches!(breaker.state, State::Closed { .. }),
            "at {at} two of the last five minutes at most"
        );
    }
    breaker.tell(&rule, Timestamp(420_000), Told::Failed, None);
    let until = Timestamp(480_000);
    assert_eq!(breaker.admit(&rule, Timestamp(479_999), who(0)), Admission::Open(until));
    assert_eq!(breaker.admit(&rule, until, who(0)), Admission::Probe(1));
    assert_eq!(breaker.admit(&rule, until, who(1)), Admission::Probed(who(0)));
    breaker.tell(&rule, until, Told::Succeeded, Some(1));
    assert_eq!(breaker.admit(&rule, until, who(1)), Admission::Go);
}

#[test]
fn a_clock_set_back_a_year_keeps_it_open_for_a_cooldown_and_no_longer() {
    let rule = rule();
    let year = 365 * 86_400_000;
    let mut breaker = Breaker { state: State::Open { since: Timestamp(year) }, probes: 0 };
    assert_eq!(breaker.admit(&rule, NOW, who(0)), Admission::Open(Timestamp(2)));
    assert_eq!(breaker.admit(&rule, Timestamp(2), who(0)), Admission::Probe(1));
}
