//! Pure steps of a circuit breaker: closed → open → half-open → closed. It hears of stages whose attempts ran out, across
//! all runs of the project. Does no IO; the time is given, and may step in either direction.

use serde::{Deserialize, Serialize};

use super::lease::Who;
use crate::base::Timestamp;
use crate::event::{BreakerRule, Told};

/// A probe that has not ended after so long, or after the cooldown if that is longer, is given up: its engine lives, but
/// hangs. The one thing that is held by time alone; its late result is then not listened to.
const PROBE_MS: i64 = 3_600_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The failures that count still, oldest first.
    Closed {
        failures: Vec<Timestamp>,
    },
    Open {
        since: Timestamp,
    },
    HalfOpen {
        successes: u32,
        probe: Option<Probe>,
    },
}

/// The one try that a half-open breaker allows at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Probe {
    pub run: i64,
    pub node: u32,
    /// Tells this try from those before, whose results come too late.
    pub number: u64,
    pub since: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Breaker {
    pub state: State,
    /// Probes so far.
    pub probes: u64,
}

/// Whether a stage may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Go,
    /// As the probe of this number.
    Probe(u64),
    /// Open until then.
    Open(Timestamp),
    /// Half-open, and this one tries.
    Probed(Who),
}

impl Default for Breaker {
    fn default() -> Self {
        Breaker { state: State::Closed { failures: Vec::new() }, probes: 0 }
    }
}

impl Breaker {
    /// Asks to start. Even a refusal may change the breaker: a clock that was set back moves the time it opened.
    pub fn admit(&mut self, rule: &BreakerRule, now: Timestamp, who: Who) -> Admission {
        match &mut self.state {
            State::Closed { .. } => return Admission::Go,
            State::Open { since } => {
                *since = (*since).min(now);
                let until = end_of(*since, rule);
                if now < until {
                    return Admission::Open(until);
                }
                self.state = State::HalfOpen { successes: 0, probe: None };
            }
            State::HalfOpen { probe: Some(probe), .. } => {
                let (mine, under_way) = (probe.who() == who, probe.counts(rule, now));
                if mine && under_way {
                    return Admission::Probe(probe.number);
                }
                if under_way {
                    return Admission::Probed(probe.who());
                }
            }
            State::HalfOpen { probe: None, .. } => {}
        }
        self.probe(now, who)
    }

    /// What the end of a stage tells; `probe` is the number of the probe it was, if it was one.
    pub fn tell(&mut self, rule: &BreakerRule, now: Timestamp, told: Told, probe: Option<u64>) {
        match &mut self.state {
            State::Closed { failures } if told == Told::Failed && probe.is_none() => {
                failures.iter_mut().for_each(|at| *at = (*at).min(now));
                failures.push(now);
                failures.retain(|at| now.0.saturating_sub(at.0) <= signed(rule.within));
                if failures.len() >= rule.failures.max(1) as usize {
                    self.state = State::Open { since: now };
                }
            }
            State::HalfOpen { successes, probe: running } => {
                if running.as_ref().map(|running| running.number) != probe || probe.is_none() {
                    return;
                }
                *running = None;
                match told {
                    Told::Nothing => {}
                    Told::Failed => self.state = State::Open { since: now },
                    Told::Succeeded if *successes + 1 >= rule.successes.max(1) => {
                        self.state = State::Closed { failures: Vec::new() };
                    }
                    Told::Succeeded => *successes += 1,
                }
            }
            // What started before it opened has nothing to say any more.
            State::Closed { .. } | State::Open { .. } => {}
        }
    }

    /// The run is dead, or another process goes on with it: its probe has no end.
    pub fn clear(&mut self, run: i64) {
        if let State::HalfOpen { probe, .. } = &mut self.state
            && probe.as_ref().is_some_and(|probe| probe.run == run)
        {
            *probe = None;
        }
    }

    /// Until when it is open.
    pub fn open_until(&self, rule: &BreakerRule) -> Option<Timestamp> {
        match self.state {
            State::Open { since } => Some(end_of(since, rule)),
            _ => None,
        }
    }

    pub fn prober(&self) -> Option<Who> {
        match &self.state {
            State::HalfOpen { probe: Some(probe), .. } => Some(probe.who()),
            _ => None,
        }
    }

    fn probe(&mut self, now: Timestamp, who: Who) -> Admission {
        let State::HalfOpen { probe, .. } = &mut self.state else { return Admission::Go };
        self.probes += 1;
        *probe = Some(Probe { run: who.run, node: who.node, number: self.probes, since: now });
        Admission::Probe(self.probes)
    }
}

impl Probe {
    pub fn who(&self) -> Who {
        Who { run: self.run, node: self.node }
    }

    /// Whether it still keeps others out. A clock that was set back counts as no time passed.
    fn counts(&mut self, rule: &BreakerRule, now: Timestamp) -> bool {
        self.since = self.since.min(now);
        now.0.saturating_sub(self.since.0) < PROBE_MS.max(signed(rule.cooldown))
    }
}

fn end_of(since: Timestamp, rule: &BreakerRule) -> Timestamp {
    Timestamp(since.0.saturating_add(signed(rule.cooldown)))
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
