//! What only this process knows of the run: who holds a slot, which timers tick, what was asked. Nothing here is
//! recorded; a crash loses it and resume builds it anew from the folded state.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Moment, Timestamp};
use crate::coord::{Rank, ResourceId, Shares};
use crate::event::{Asked, NodeIndex};
use crate::plan::{OnFailure, Plan, Repair};
use crate::port::Question;

use super::admit::Told;
use super::claim::Claims;
use super::input::Settings;
use super::look::Looked;
use super::repair::Mending;
use super::room::Headroom;
use super::sharing;

/// What is under way for a stage right now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Doing {
    /// Facts are being read; the ids asked for.
    Reading(Asked, Vec<String>),
    Hashing,
    Running,
    /// The executor had no room; the attempt is handed out again later.
    Held,
    Finally,
    /// What other runs may hold is being asked for, for this node: itself, or the opening of a call around it.
    Claiming(NodeIndex),
    /// The library's repair rules are being read.
    Ruling,
    /// A repair rule acts.
    Repairing,
}

/// Why the whole run ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    Cancelled(String),
    Interrupted,
    TimedOut,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LaneFinally {
    #[default]
    Due,
    Running,
    Done,
}

/// Time at work: what counts against the lane's timeout. Waiting for people does not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Work {
    pub working: bool,
    pub last: i64,
    pub spent: u64,
}

impl Work {
    pub fn pass(&mut self, now: i64) {
        if self.working {
            self.spent += now.saturating_sub(self.last).max(0) as u64;
        }
        self.last = self.last.max(now);
    }
}

#[derive(Clone, Debug, Default)]
pub struct Live {
    pub settings: Settings,
    /// Attempts at once, lower for a while when the executor has no room.
    pub(super) limit: usize,
    pub(super) stop_on_failure: bool,
    pub(super) ready: BTreeSet<Rank>,
    pub(super) slots: BTreeSet<NodeIndex>,
    pub(super) doing: BTreeMap<NodeIndex, Doing>,
    pub(super) shares: Shares,
    pub(super) claims: Claims,
    wants: Vec<Vec<ResourceId>>,
    /// Limits over several nodes: of each node those over it, since when each runs, and those that have passed.
    over: BTreeMap<NodeIndex, Vec<u32>>,
    pub(super) bounded: BTreeMap<u32, u64>,
    pub(super) expired: BTreeSet<u32>,
    pub(super) hashes: BTreeMap<NodeIndex, Option<String>>,
    /// Monotonic start of the stage's first attempt.
    pub(super) begun: BTreeMap<NodeIndex, i64>,
    /// Retries and held attempts, by monotonic time.
    pub(super) timers: BTreeSet<(i64, NodeIndex)>,
    /// Approvals, by wall time.
    pub(super) expiries: BTreeSet<(Timestamp, NodeIndex)>,
    /// The last question about each stage that has no answer yet, and stages asked about once already.
    pub(super) questions: BTreeMap<NodeIndex, Question>,
    pub(super) asked: BTreeSet<NodeIndex>,
    /// Told to end, with the rest of the run.
    pub(super) told_to_end: BTreeSet<NodeIndex>,
    /// `once` stages that ended badly and keep their lock.
    pub(super) keepers: BTreeSet<NodeIndex>,
    /// The failure that stopped the run (`on-failure stop`).
    pub(super) stopped: Option<NodeIndex>,
    pub(super) halt: Option<Halt>,
    pub(super) forced: bool,
    /// The first tick has not come yet.
    pub(super) opening: bool,
    pub(super) busy: u32,
    /// When one more may be tried after the executor had no room.
    pub(super) recovers_at: Option<i64>,
    /// The machine's room; none where a number of attempts is fixed.
    pub(super) headroom: Option<Headroom>,
    pub(super) told: Told,
    pub(super) lane_finally: LaneFinally,
    pub(super) work: Work,
    /// What was found for stages under way, and whether they run only to be compared with it.
    pub(super) looked: BTreeMap<NodeIndex, (Box<Looked>, bool)>,
    /// The library's repair rules, once they were needed.
    pub(super) rules: Option<Arc<[Repair]>>,
    /// Stages of which a rule is being weighed.
    pub(super) mending: BTreeMap<NodeIndex, Mending>,
}

impl Live {
    /// For a process that begins or resumes the run now.
    pub(super) fn begin(&mut self, plan: &Plan, at: Moment) {
        let settings = std::mem::take(&mut self.settings);
        *self = Live {
            limit: settings.jobs.max(1),
            stop_on_failure: !settings.keep_going && plan.on_failure != OnFailure::KeepGoing,
            work: Work { working: true, last: at.mono, spent: 0 },
            headroom: settings.room.clone().map(|room| Headroom::new(room, at.mono)),
            settings,
            ..Live::default()
        };
        let wants = sharing::wants(plan, &mut self.shares);
        self.wants = wants.inside;
        self.claims = Claims::of(if self.settings.commons { wants.beyond } else { BTreeMap::new() });
        for (bound, of) in (0..).zip(&plan.bounds) {
            of.members.iter().for_each(|node| self.over.entry(*node).or_default().push(bound));
        }
    }

    /// The limits over the node, besides its own.
    pub(super) fn bounds_of(&self, node: NodeIndex) -> Vec<u32> {
        self.over.get(&node).cloned().unwrap_or_default()
    }

    pub(super) fn wants(&self, node: NodeIndex) -> Vec<ResourceId> {
        self.wants.get(node as usize).cloned().unwrap_or_default()
    }

    /// Nothing new starts.
    pub(super) fn is_over(&self) -> bool {
        self.stopped.is_some() || self.halt.is_some()
    }

    /// When, by the monotonic clock, the kernel wants a tick at the latest.
    pub fn next_timer(&self, plan: &Plan, worked_before: u64, now: Moment) -> Option<i64> {
        let retry = self.timers.first().map(|(due, _)| *due);
        let line = self.claims.next_due();
        let expiry = self.expiries.first().map(|(wall, _)| {
            let left = wall.0.saturating_sub(now.wall.0);
            now.mono.saturating_add(left)
        });
        let working = self.work.working && self.halt.is_none();
        let lane =
            plan.timeout.map(|limit| limit.saturating_sub(worked_before.saturating_add(self.work.spent)));
        let limit = |bound: &u32| plan.bounds.get(*bound as usize).map(|of| of.timeout);
        let bounds = self.bounded.iter().filter_map(|(bound, begun)| {
            Some(limit(bound)?.saturating_sub(self.work.spent.saturating_sub(*begun)))
        });
        let left = bounds.chain(lane).filter(|_| working).min();
        let limit = left.map(|left| self.work.last.saturating_add(left.min(i64::MAX as u64) as i64));
        [retry, line, expiry, limit, self.recovers_at].into_iter().flatten().min()
    }
}

/// Place in line: highest priority, then number, then plan order.
pub(super) fn rank(plan: &Plan, node: NodeIndex) -> Rank {
    let spec = &plan.nodes[node as usize];
    (Reverse(spec.priority), spec.number.unwrap_or(u32::MAX), node)
}
