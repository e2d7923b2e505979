//! Which of the ready stages start first, so that a failure, where one is likely, is known soon and a run that ends well does
//! not take longer. Orders are played through in expected time and the best one becomes the plan's priorities. How likely
//! a failure is comes from outside.
//!
//! Chance over cost is the order of L. G. Mitten, *An analytic solution to the least cost testing sequence problem*, 1960; of
//! a chain its best beginning counts: M. R. Garey, *Optimal task sequencing with precedence constraints*, 1973.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::expected::{ms, usual};
use super::order::{longest, topological};
use super::schedule::{Jobs, Played};
use super::{Effect, Node, OnFailure, Plan};

/// By how much longer, in percent, a run that ends well is expected to take at most.
const LONGER: u64 = 2;
/// Gains of the expected time to the first failure below this percentage are none.
const GAIN: f64 = 1.0;
/// Ends that orders are held to, in percent of the end by the longest path.
const HELD_TO: [u64; 4] = [90, 95, 100, 100 + LONGER];
/// Plans of more nodes keep their order: weighing would take longer than it could save.
const MOST: usize = 2_000;
/// One, in the parts that chances are kept in.
const WHOLE: u32 = 1_000_000;

/// What earlier runs say of how likely a stage fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suspect {
    /// In millionths.
    pub chance: u32,
    /// Of so many of its last runs it failed so many.
    pub failed: u32,
    pub of: u32,
    /// Milliseconds it took in them: what counts where none ended well, so that nothing else is expected.
    pub ms: u64,
    /// It starts before stages that would else come first.
    pub ahead: bool,
}

impl Suspect {
    /// `chance` from 0 to 1.
    pub fn new(chance: f64, failed: u32, of: u32) -> Self {
        let chance = (chance.clamp(0.0, 1.0) * f64::from(WHOLE)).round() as u32;
        Suspect { chance, failed, of, ..Suspect::default() }
    }

    /// The same with a chance that is known better, from 0 to 1.
    pub fn with_chance(self, chance: f64) -> Self {
        Suspect { chance: Suspect::new(chance, 0, 0).chance, ..self }
    }
}

/// That the likely failures come first, and what that is expected to bring. Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailFirst {
    /// Stages at once that were reckoned with.
    pub slots: u32,
    /// When the first failure is known, if there is one, and when by the longest path first.
    pub first_failure: u64,
    pub first_failure_else: u64,
    /// The end of a run that ends well, likewise.
    pub end: u64,
    pub end_else: u64,
}

impl Plan {
    /// Whether likely failures come first unless a person says otherwise: where a failure ends the run, looking for it
    /// early loses nothing.
    pub fn fails_first(&self) -> bool {
        self.on_failure != OnFailure::KeepGoing
    }

    /// Orders the plan so that likely failures are known soon with `slots` stages at once. Nothing changes where no stage
    /// ever failed, where no order is better, and where the better ones make a good run longer or let a stage that acts on
    /// the world, or asks a person, start with less known than before.
    pub fn fail_first(&mut self, slots: usize, suspect: impl Fn(&Node, &str) -> Option<Suspect>) {
        let suspects: Vec<Suspect> = self.suspects(suspect);
        if self.nodes.len() > MOST || suspects.iter().all(|suspect| suspect.failed == 0) {
            return;
        }
        for (node, suspect) in self.nodes.iter_mut().zip(&suspects) {
            node.suspect = (suspect.of > 0).then_some(*suspect);
        }
        let Some(weighed) = Weighed::of(self, &suspects) else { return };
        let usual = weighed.jobs.play(slots, &weighed.line, None);
        let Some(best) = weighed.best(slots, &usual) else { return };
        self.fail_first = Some(FailFirst {
            slots: slots.min(u32::MAX as usize) as u32,
            first_failure: weighed.first_failure(&best) as u64,
            first_failure_else: weighed.first_failure(&usual) as u64,
            end: best.last,
            end_else: usual.last,
        });
        let turn = |played: &Played| {
            let mut turn = vec![0; played.order.len()];
            (0..).zip(&played.order).for_each(|(at, node)| turn[*node as usize] = at);
            turn
        };
        let (now, before): (Vec<u32>, Vec<u32>) = (turn(&best), turn(&usual));
        let all = self.nodes.len() as u32;
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.priority = all - now[index];
            if let Some(suspect) = node.suspect.as_mut().filter(|_| weighed.chance[index] > 0.0) {
                suspect.ahead = now[index] < before[index];
            }
        }
    }

    fn suspects(&self, suspect: impl Fn(&Node, &str) -> Option<Suspect>) -> Vec<Suspect> {
        let name = |node: &Node| self.stages.get(node.stage as usize).map_or("", |stage| stage.name.as_str());
        self.nodes
            .iter()
            .map(|node| suspect(node, name(node)).filter(|_| runs(node)).unwrap_or_default())
            .collect()
    }
}

/// As far as is known before the run.
fn runs(node: &Node) -> bool {
    let when = node.when.as_ref().and_then(|when| when.expr.as_value());
    node.preset.is_none() && node.waived.is_none() && when != Some(&crate::base::Value::Bool(false))
}

/// It acts on the world in a way that does not bear repeating, or asks a person.
fn apart(node: &Node) -> bool {
    node.effect != Effect::Repeatable || node.confirm.is_some() || !node.approvals.is_empty()
}

/// A plan in numbers.
struct Weighed {
    jobs: Jobs,
    /// Of a failure that ends the run, by node.
    chance: Vec<f64>,
    apart: Vec<usize>,
    /// Nodes by the longest path, as the kernel takes them.
    line: Vec<u32>,
    /// Nodes by the failures found a millisecond.
    eager: Vec<u32>,
}

impl Weighed {
    fn of(plan: &Plan, suspects: &[Suspect]) -> Option<Weighed> {
        let edges: Vec<Vec<u32>> =
            plan.nodes.iter().map(|node| node.edges.iter().map(|edge| edge.to).collect()).collect();
        let order = topological(&edges).ok()?;
        let unknown = usual(&plan.nodes);
        let own = |(node, suspect): (&Node, &Suspect)| match node.expected {
            _ if !runs(node) => 1,
            None if suspect.ms > 0 => suspect.ms.min(u64::from(u32::MAX)) as u32,
            _ => ms(node, unknown),
        };
        let own: Vec<u32> = plan.nodes.iter().zip(suspects).map(own).collect();
        let tail = longest(&edges, &order, &own);
        let chance: Vec<f64> = (0..)
            .zip(&plan.nodes)
            .zip(suspects)
            .map(|((index, node), suspect)| match node.allow_failure.is_some() || plan.tolerated(index) {
                true => 0.0,
                false if apart(node) => 0.0,
                false => f64::from(suspect.chance) / f64::from(WHOLE),
            })
            .collect();
        let eager = density(&edges, &order, &own, &chance);
        let (holds, room) = shared(plan);
        let mut line: Vec<u32> = (0..plan.nodes.len() as u32).collect();
        line.sort_by_key(|index| place(&plan.nodes[*index as usize], *index));
        let mut first = line.clone();
        first.sort_by(|a, b| eager[*b as usize].total_cmp(&eager[*a as usize]));
        Some(Weighed {
            jobs: Jobs { edges, own, tail, holds, room },
            chance,
            apart: (0..plan.nodes.len()).filter(|index| apart(&plan.nodes[*index])).collect(),
            line,
            eager: first,
        })
    }

    /// Of the orders that keep to the bounds the one that finds a failure first.
    fn best(&self, slots: usize, usual: &Played) -> Option<Played> {
        let latest = usual.last + usual.last * LONGER / 100;
        let held = HELD_TO.iter().map(|percent| Some(usual.last * percent / 100));
        let before = self.first_failure(usual);
        held.chain([None])
            .map(|limit| self.jobs.play(slots, &self.eager, limit))
            .filter(|played| played.last <= latest && self.knows_no_less(played, usual))
            .map(|played| (self.first_failure(&played), played))
            .filter(|(found, _)| *found < before * (1.0 - GAIN / 100.0))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.last.cmp(&b.1.last)))
            .map(|(_, played)| played)
    }

    /// The mean time at which the first failure is known, of runs with one, failures being independent.
    fn first_failure(&self, played: &Played) -> f64 {
        let mut ends: Vec<(u64, f64)> = played
            .end
            .iter()
            .zip(&self.chance)
            .filter(|(_, chance)| **chance > 0.0)
            .map(|(end, chance)| (*end, *chance))
            .collect();
        ends.sort_by_key(|(end, _)| *end);
        let (mut good, mut sum) = (1.0, 0.0);
        for (end, chance) in ends {
            sum += good * chance * end as f64;
            good *= 1.0 - chance;
        }
        if good < 1.0 { sum / (1.0 - good) } else { 0.0 }
    }

    /// Before each stage that is apart starts, at least as likely a failure would have shown itself.
    fn knows_no_less(&self, played: &Played, usual: &Played) -> bool {
        let known = |played: &Played, node: usize| -> f64 {
            let ended = played.end.iter().zip(&self.chance).filter(|(end, _)| **end <= played.start[node]);
            ended.map(|(_, chance)| -(1.0 - chance).max(f64::MIN_POSITIVE).ln()).sum()
        };
        self.apart.iter().all(|node| known(played, *node) >= known(usual, *node) - 1e-9)
    }
}

/// As the kernel ranks them.
fn place(node: &Node, index: u32) -> (Reverse<u32>, u32, u32) {
    (Reverse(node.priority), node.number.unwrap_or(u32::MAX), index)
}

/// For each node the most failures a millisecond that a way beginning with it finds: a cheap stage that leads to a likely
/// failure is worth looking at as well.
fn density(edges: &[Vec<u32>], order: &[u32], own: &[u32], chance: &[f64]) -> Vec<f64> {
    let mut best: Vec<(f64, f64)> = chance
        .iter()
        .zip(own)
        .map(|(chance, own)| (-(1.0 - chance).max(f64::MIN_POSITIVE).ln(), f64::from(*own)))
        .collect();
    let alone = best.clone();
    let rate = |(hazard, cost): (f64, f64)| hazard / cost.max(1.0);
    for node in order.iter().rev() {
        let behind = best[*node as usize];
        for to in &edges[*node as usize] {
            let to = *to as usize;
            let through = (alone[to].0 + behind.0, alone[to].1 + behind.1);
            if rate(through) > rate(best[to]) {
                best[to] = through;
            }
        }
    }
    best.into_iter().map(rate).collect()
}

/// Locks and pools: which each node holds while it runs, and how many may.
fn shared(plan: &Plan) -> (Vec<Vec<usize>>, Vec<u32>) {
    let mut room: Vec<u32> = Vec::new();
    let mut known: BTreeMap<(bool, &str), usize> = BTreeMap::new();
    let mut holds = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let lock = node.lock.as_deref().map(|name| (true, name, 1));
        let slots = |name: &str| plan.pools.get(name).copied().unwrap_or(1).max(1);
        let pool = node.pool.as_deref().map(|name| (false, name, slots(name)));
        let mut own = Vec::new();
        for (kind, name, slots) in lock.into_iter().chain(pool) {
            own.push(*known.entry((kind, name)).or_insert_with(|| {
                room.push(slots);
                room.len() - 1
            }));
        }
        holds.push(own);
    }
    (holds, room)
}

#[cfg(test)]
mod tests;
