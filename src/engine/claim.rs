//! What a stage shares with other runs: asked for before it starts, waited for, given back, and what its end tells its
//! breaker. Within the run `coord::Shares` decides first. Asks nobody itself: the answers come as inputs.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::clock::format_duration;
use crate::event::{BreakerRule, Event, NodeIndex, Status, Told, WaitFor};
use crate::plan::{Effect, Plan};
use crate::port::{Claim, Claimed, Holder, Obstacle, Standing, Want};

use super::input::Command;
use super::kernel::{Kernel, Step};
use super::live::{Doing, rank};

/// How often those who wait ask again.
const ASK_MS: i64 = 200;
/// An open breaker is asked again at the latest after so long: somebody may have reset it.
const OPEN_MS: i64 = 1_000;
/// That somebody else holds it now is told at most so often.
const SAY_MS: i64 = 2_000;

/// What this process knows of its claims.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// What each node that shares anything wants of other runs; a call wants it at its opening.
    wants: BTreeMap<NodeIndex, Vec<Want>>,
    /// Holds what it wants.
    held: BTreeSet<NodeIndex>,
    /// May hold something, or stand in line: what is given back.
    known: BTreeSet<NodeIndex>,
    /// Waits, and asks again then, by monotonic time.
    line: BTreeMap<NodeIndex, i64>,
    /// What was last said of why it waits, and when.
    said: BTreeMap<NodeIndex, (String, i64)>,
    /// Its breaker let it start; the number of the probe it is.
    admitted: BTreeMap<NodeIndex, Option<u64>>,
    /// Its attempts ran out.
    ran_out: BTreeSet<NodeIndex>,
    /// Its breaker was told of its end and is being looked at.
    looking: BTreeSet<NodeIndex>,
}

impl Claims {
    pub fn of(wants: BTreeMap<NodeIndex, Vec<Want>>) -> Self {
        Claims { wants, ..Claims::default() }
    }

    pub fn waiting(&self) -> bool {
        !self.line.is_empty()
    }

    /// The answer to how a breaker stands is still to come.
    pub fn looking(&self) -> bool {
        !self.looking.is_empty()
    }

    pub fn next_due(&self) -> Option<i64> {
        self.line.values().min().copied()
    }

    /// Who may hold something of other runs.
    pub fn known(&self) -> &BTreeSet<NodeIndex> {
        &self.known
    }

    /// Who holds what the node shares with other runs: the node itself, where it holds anything.
    pub fn holder(&self, node: NodeIndex) -> Option<NodeIndex> {
        self.held.contains(&node).then_some(node)
    }

    /// The stage has nothing to start any more.
    pub fn forget(&mut self, node: NodeIndex) {
        self.line.remove(&node);
        self.said.remove(&node);
    }

    /// Its attempts ran out: that is what breakers count.
    pub fn ran_out(&mut self, node: NodeIndex) {
        self.ran_out.insert(node);
    }
}

impl Kernel<'_> {
    /// Whether the node has what it shares with other runs; asks for it otherwise.
    pub fn has_claims(&mut self, node: NodeIndex) -> Step<bool> {
        if !self.state.live.settings.commons {
            return Ok(true);
        }
        let rule = self.due_breaker(node).cloned();
        let Some(holder) = self.lacking(node).or(rule.is_some().then_some(node)) else { return Ok(true) };
        let claims = &self.state.live.claims;
        let wants = claims.wants.get(&holder).filter(|_| !claims.held.contains(&holder));
        let claim = Claim {
            node: holder,
            wants: wants.cloned().unwrap_or_default(),
            breaker: rule.filter(|_| holder == node),
            keepers: keepers(self.plan, holder),
        };
        self.state.live.doing.insert(node, Doing::Claiming(holder));
        self.command(Command::Claim { node, claim });
        Ok(false)
    }

    /// The first that must hold something before the node may start: a call around it that went on after a crash, the
    /// outermost first, or the node itself.
    fn lacking(&self, node: NodeIndex) -> Option<NodeIndex> {
        let claims = &self.state.live.claims;
        if claims.wants.is_empty() {
            return None;
        }
        let around: Vec<NodeIndex> =
            self.plan.around(node).map(|call| self.plan.calls[call as usize].opening).collect();
        let all = around.into_iter().rev().chain([node]);
        all.into_iter().find(|holder| claims.wants.contains_key(holder) && !claims.held.contains(holder))
    }

    /// The breaker to be asked: before the first attempt, and once.
    fn due_breaker(&self, node: NodeIndex) -> Option<&BreakerRule> {
        let first = self.state.node(node).tries == 0 && !self.state.live.claims.admitted.contains_key(&node);
        self.rule(node).filter(|_| first)
    }

    fn rule(&self, node: NodeIndex) -> Option<&BreakerRule> {
        self.plan.nodes[node as usize].retry.as_ref()?.breaker.as_ref()
    }

    pub fn claimed(&mut self, node: NodeIndex, answer: &Result<Claimed, String>) -> Step {
        let Some(Doing::Claiming(holder)) = self.is_doing(node).cloned() else { return Ok(()) };
        self.state.live.doing.remove(&node);
        self.state.live.claims.line.remove(&node);
        if self.state.rollback.as_ref().is_some_and(|rollback| !rollback.finished) {
            return self.undo_claimed(node, holder, answer);
        }
        match answer {
            Err(why) => {
                let why = format!("what it shares with other runs could not be asked for: {why}");
                self.fail_unstarted(node, why)
            }
            Ok(Claimed::Granted { probe, killed }) => {
                if *killed > 0 {
                    let text = format!(
                        "killed {killed} processes of a dead run that held what `{}` needs",
                        self.key(node)
                    );
                    self.note(Some(node), text)?;
                }
                self.granted(node, holder, *probe)?;
                self.start(node)
            }
            Ok(Claimed::Waits(obstacle)) => {
                if self.state.live.claims.wants.contains_key(&holder) {
                    self.state.live.claims.known.insert(holder);
                }
                self.wait_in_line(node, obstacle)
            }
        }
    }

    fn granted(&mut self, node: NodeIndex, holder: NodeIndex, probe: Option<u64>) -> Step {
        let claims = &mut self.state.live.claims;
        claims.said.remove(&node);
        if let Some(wants) = claims.wants.get(&holder)
            && claims.held.insert(holder)
        {
            let things = wants.iter().map(|want| thing(want.on, &want.name)).collect();
            claims.known.insert(holder);
            self.emit(Event::LeaseTaken { node: holder, things })?;
        }
        let name = self.due_breaker(node).filter(|_| holder == node).map(|rule| rule.name.clone());
        if let Some(breaker) = name {
            self.state.live.claims.admitted.insert(node, probe);
            if let Some(probe) = probe {
                self.emit(Event::BreakerProbed { node, breaker, probe })?;
            }
        }
        Ok(())
    }

    /// It holds no slot meanwhile, nor anything of this run.
    fn wait_in_line(&mut self, node: NodeIndex, obstacle: &Obstacle) -> Step {
        self.give_way(node);
        if self.state.live.is_over() {
            return Ok(());
        }
        let left = obstacle.until.map(|until| until.0.saturating_sub(self.at.wall.0));
        let deadline = self.plan.nodes[node as usize].deadline;
        if let (Some(left), Some(deadline)) = (left, deadline)
            && left >= 0
            && left.unsigned_abs() >= deadline
        {
            let why = format!(
                "{}, longer than its deadline of {}",
                told(obstacle),
                format_duration(deadline as i64)
            );
            return self.fail_unstarted(node, why);
        }
        let longest = if left.is_some() { OPEN_MS } else { ASK_MS };
        let due = self.at.mono.saturating_add(left.unwrap_or(ASK_MS).clamp(1, longest));
        self.state.live.claims.line.insert(node, due);
        self.say_in_line(node, obstacle)
    }

    fn say_in_line(&mut self, node: NodeIndex, obstacle: &Obstacle) -> Step {
        let state = self.state.node(node);
        if state.waits_on(WaitFor::Retry) {
            return Ok(());
        }
        let text = told(obstacle);
        let waits = state.waits_on(obstacle.on);
        let said = self.state.live.claims.said.get(&node);
        let known = said
            .is_some_and(|(last, at)| *last == text || waits && self.at.mono.saturating_sub(*at) < SAY_MS);
        if waits && known {
            return Ok(());
        }
        self.state.live.claims.said.insert(node, (text.clone(), self.at.mono));
        self.emit(Event::StageWaiting { node, on: obstacle.on, detail: text, until: obstacle.until })
    }

    /// Those whose time has come ask again.
    pub fn ask_again(&mut self) {
        let now = self.at.mono;
        let due = |(node, due): (&NodeIndex, &i64)| (*due <= now).then_some(*node);
        let asking: Vec<NodeIndex> = self.state.live.claims.line.iter().filter_map(due).collect();
        for node in asking {
            self.state.live.claims.line.remove(&node);
            self.state.live.ready.insert(rank(self.plan, node));
        }
    }

    /// Gives back what the node holds of other runs, or its place in line.
    pub fn give_back(&mut self, node: NodeIndex) -> Step {
        let claims = &mut self.state.live.claims;
        claims.held.remove(&node);
        if claims.known.remove(&node) { self.emit(Event::LeaseReleased { node }) } else { Ok(()) }
    }

    /// Who must hold something while the node's effect is taken back: calls around it, the outermost first, and itself.
    pub fn holders(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let closes = self.plan.nodes[node as usize].closes.map(|call| self.plan.calls[call as usize].opening);
        let around = self.plan.around(node).map(|call| self.plan.calls[call as usize].opening);
        let mut all: Vec<NodeIndex> = closes.into_iter().chain(around).collect();
        all.reverse();
        all.push(node);
        all.retain(|holder| self.state.live.claims.wants.contains_key(holder));
        all
    }

    /// Asks for what the undo of the node needs and nobody holds yet.
    pub fn claim_to_undo(&mut self, node: NodeIndex) -> Step<Option<Command>> {
        if !self.state.live.settings.commons {
            return Ok(None);
        }
        let holders = self.holders(node);
        let claims = &self.state.live.claims;
        let Some(holder) = holders.iter().copied().find(|holder| !claims.held.contains(holder)) else {
            return Ok(None);
        };
        let wants = claims.wants.get(&holder).cloned().unwrap_or_default();
        // Another stage of this run may keep the same: it takes it again when its own turn comes.
        let same = |other: &NodeIndex| {
            let theirs = claims.wants.get(other).into_iter().flatten();
            let shared = |want: &Want| wants.iter().any(|own| own.on == want.on && own.name == want.name);
            !holders.contains(other) && theirs.into_iter().any(shared)
        };
        for other in claims.known.iter().copied().filter(same).collect::<Vec<_>>() {
            self.give_back(other)?;
        }
        self.state.live.doing.insert(node, Doing::Claiming(holder));
        let claim = Claim { node: holder, wants, breaker: None, keepers: vec![node] };
        Ok(Some(Command::Claim { node, claim }))
    }

    pub fn took_to_undo(&mut self, holder: NodeIndex) -> Step {
        let claims = &mut self.state.live.claims;
        claims.held.insert(holder);
        claims.known.insert(holder);
        let wants = claims.wants.get(&holder).into_iter().flatten();
        let things = wants.map(|want| thing(want.on, &want.name)).collect();
        self.emit(Event::LeaseTaken { node: holder, things })
    }

    /// What a stage of an earlier process may hold still, so that it is given back at its end.
    pub fn may_hold(&mut self, node: NodeIndex) {
        let claims = &mut self.state.live.claims;
        if claims.wants.contains_key(&node) {
            claims.known.insert(node);
        }
    }

    /// Tells the breaker of the stage's end, if that is its business.
    pub fn tell_breaker(&mut self, node: NodeIndex, status: Status) -> Step {
        let claims = &mut self.state.live.claims;
        let ran_out = claims.ran_out.remove(&node);
        let probe = claims.admitted.remove(&node).flatten();
        if !self.state.live.settings.commons || !(ran_out || probe.is_some()) {
            return Ok(());
        }
        let Some(rule) = self.rule(node).cloned() else { return Ok(()) };
        let told = match status {
            _ if ran_out => Told::Failed,
            Status::Succeeded => Told::Succeeded,
            _ => Told::Nothing,
        };
        self.emit(Event::BreakerCounted { node, rule: rule.clone(), told, probe })?;
        self.state.live.claims.looking.insert(node);
        self.command(Command::AskStanding { node, rule });
        Ok(())
    }

    pub fn stands(&mut self, node: NodeIndex, standing: Option<Standing>) -> Step {
        if !self.state.live.claims.looking.remove(&node) {
            return Ok(());
        }
        let Some(breaker) = self.rule(node).map(|rule| rule.name.clone()) else { return Ok(()) };
        match standing {
            Some(Standing::Open(until)) => self.emit(Event::BreakerOpened { node, breaker, until }),
            Some(Standing::Closed) if self.state.node(node).status == Status::Succeeded => {
                self.emit(Event::BreakerClosed { node, breaker })
            }
            _ => Ok(()),
        }
    }
}

/// `once` stages that keep the locks of `holder`: itself, or of a call those inside that share anything.
fn keepers(plan: &Plan, holder: NodeIndex) -> Vec<NodeIndex> {
    let once = |node: &NodeIndex| plan.nodes[*node as usize].effect == Effect::Once;
    let Some(call) = plan.opened_by(holder) else { return [holder].into_iter().filter(once).collect() };
    let shares = |node: &NodeIndex| {
        let spec = &plan.nodes[*node as usize];
        (spec.lock.is_some() || spec.pool.is_some()) && *node != holder
    };
    let inside = |node: &NodeIndex| plan.around(*node).any(|around| around == call);
    (0..plan.nodes.len() as NodeIndex).filter(|node| once(node) && shares(node) && inside(node)).collect()
}

fn thing(on: WaitFor, name: &str) -> String {
    let what = match on {
        WaitFor::Pool => "pool",
        WaitFor::Breaker => "breaker",
        _ => "lock",
    };
    format!("{what} `{name}`")
}

/// Why it waits, who could change that and how.
pub(super) fn told(obstacle: &Obstacle) -> String {
    let what = thing(obstacle.on, &obstacle.name);
    if let Some(until) = obstacle.until {
        return format!("{what} is open until {}", until.rfc3339());
    }
    let named = |holders: &[Holder]| {
        let each: Vec<String> = holders
            .iter()
            .take(3)
            .map(|holder| format!("`{}` of run {}", holder.stage, holder.run))
            .collect();
        let more = holders.len().saturating_sub(3);
        if more > 0 { format!("{} and {more} more", each.join(", ")) } else { each.join(", ") }
    };
    if let Some(keeper) = obstacle.holders.iter().find(|holder| holder.keeps) {
        let Holder { run, stage, .. } = keeper;
        return format!(
            "{what} is kept by `{stage}` of run {run}, which must be resolved: `wfl resume {run} --mark-done \
             {stage}`, or `--rerun {stage}`"
        );
    }
    match (obstacle.on, obstacle.holders.is_empty()) {
        (WaitFor::Breaker, _) => format!("{what} is half-open and tried by {}", named(&obstacle.holders)),
        (_, false) => format!("{what} is held by {}", named(&obstacle.holders)),
        (_, true) => format!("{what} goes first to {}", named(&obstacle.ahead)),
    }
}
