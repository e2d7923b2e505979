//! Who of the ready may start now: the first in rank, and under `parallel auto` the first that the machine has room for.
//! Also what the kernel makes of a machine that refuses to start a process. Measures nothing itself.

use crate::coord::Rank;
use crate::event::NodeIndex;
use crate::port::room::Room;

use super::kernel::{Kernel, Step};
use super::live::Doing;
use super::room::{Headroom, Verdict, Want, bytes};

/// How long an attempt waits after the executor had no room, growing with each time.
const HOLD_MS: i64 = 500;
/// How long nothing must have been refused before one more is tried, growing likewise.
const RECOVER_MS: i64 = 2_000;
/// How many of the ready are looked at for one that fits where the first needs too much memory.
const LOOK_AHEAD: usize = 64;
/// Notes of lowered parallelism come at most this often.
const SAY_MS: i64 = 30_000;
/// How old a reading may be while something waits for room, and while all that is ready runs.
const FRESH_MS: i64 = 1_000;
const KNOWN_MS: i64 = 5_000;

/// What was said of room so far, so that nothing is said twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    want: Option<Want>,
    at: Option<i64>,
    large: std::collections::BTreeSet<NodeIndex>,
}

impl super::live::Live {
    /// When, by the monotonic clock, the room should be read again; never where a number is fixed.
    pub fn room_due(&self) -> Option<i64> {
        let headroom = self.headroom.as_ref().filter(|_| !self.is_over())?;
        let waits = !self.ready.is_empty() || headroom.want().is_some();
        let age = if waits { FRESH_MS } else { KNOWN_MS };
        (waits || !self.slots.is_empty()).then(|| headroom.read_at.saturating_add(age))
    }
}

impl Kernel<'_> {
    /// Takes the next stage to start out of the line; none while there is no room for any.
    pub fn next_in_line(&mut self) -> Step<Option<Rank>> {
        let live = &mut self.state.live;
        let Some(headroom) = &mut live.headroom else { return Ok(live.ready.pop_first()) };
        let mut large = Vec::new();
        let mut found = None;
        for rank in live.ready.iter().take(LOOK_AHEAD) {
            match headroom.verdict(self.plan, &live.slots, rank.2) {
                Verdict::Fits => {
                    found = Some(*rank);
                    break;
                }
                Verdict::Full => break,
                Verdict::TooLarge { needs, free } => large.push((rank.2, needs, free)),
            }
        }
        if let Some(rank) = found {
            headroom.let_in(rank.2, self.at.mono);
            live.ready.remove(&rank);
        }
        for (node, needs, free) in large {
            self.say_large(node, needs, free)?;
        }
        if found.is_none() && !self.state.live.ready.is_empty() {
            self.say_want()?;
        }
        Ok(found)
    }

    fn say_large(&mut self, node: NodeIndex, needs: u64, free: u64) -> Step {
        if !self.state.live.told.large.insert(node) {
            return Ok(());
        }
        let text = format!(
            "`{}` waits for memory: it took {} before and {} is free",
            self.plan.title(node),
            bytes(needs),
            bytes(free)
        );
        self.note(Some(node), text)
    }

    /// Something ready is kept waiting: says so where the processors alone would not keep it.
    fn say_want(&mut self) -> Step {
        let live = &mut self.state.live;
        let Some(headroom) = &live.headroom else { return Ok(()) };
        let Some(want) = headroom.want().filter(|want| live.told.want != Some(*want)) else { return Ok(()) };
        let lately = live.told.at.is_some_and(|at| self.at.mono < at.saturating_add(SAY_MS));
        if want == Want::Processors && lately {
            return Ok(());
        }
        let text = wanting(headroom, want);
        live.told.want = Some(want);
        live.told.at = Some(self.at.mono);
        self.note(None, text)
    }

    /// The machine was looked at again.
    pub fn room_read(&mut self, room: &Room) -> Step {
        let (plan, at) = (self.plan, self.at.mono);
        let live = &mut self.state.live;
        let Some(headroom) = &mut live.headroom else { return Ok(()) };
        headroom.read(room.clone(), at, plan, &live.slots);
        if headroom.want().is_some() || live.told.want.is_none() {
            return Ok(());
        }
        live.told.want = None;
        let free = room.memory.map(|memory| format!(", {} of memory free", bytes(memory.free)));
        let text = format!(
            "room again ({}{}): up to {} at once",
            room.limited_by,
            free.unwrap_or_default(),
            headroom.at_once()
        );
        self.note(None, text)
    }

    /// No room: the attempt is handed out again later, and fewer run at once until nothing was refused for a while.
    pub fn busy(&mut self, node: NodeIndex, attempt: u32, why: &str) -> Step {
        let state = self.state.node(node);
        if !state.open || state.attempt != attempt {
            return Ok(());
        }
        let live = &mut self.state.live;
        live.busy += 1;
        let times = i64::from(live.busy.min(10));
        live.doing.insert(node, Doing::Held);
        live.timers.insert((self.at.mono.saturating_add(HOLD_MS * times), node));
        live.recovers_at = Some(self.at.mono.saturating_add(RECOVER_MS * times));
        let lowered = live.limit.min(live.slots.len()).saturating_sub(1).max(1);
        let was = std::mem::replace(&mut live.limit, lowered);
        if lowered < was || live.busy == 1 {
            let text =
                format!("no room to start `{}` ({why}): at most {lowered} at once now", self.key(node));
            self.note(Some(node), text)?;
        }
        let ends = self.state.live.halt.is_some() || self.expired(node).is_some();
        if ends { self.end_held(node) } else { Ok(()) }
    }

    /// Nothing was refused for a while: one more may be tried, until all may.
    pub fn recover(&mut self) -> Step {
        let live = &mut self.state.live;
        if live.recovers_at.is_none_or(|due| due > self.at.mono) {
            return Ok(());
        }
        let all = live.settings.jobs.max(1);
        live.limit = (live.limit + 1).min(all);
        if live.limit < all {
            let wait = RECOVER_MS * i64::from(live.busy.clamp(1, 10));
            live.recovers_at = Some(self.at.mono.saturating_add(wait));
            return Ok(());
        }
        live.recovers_at = None;
        live.busy = 0;
        self.note(None, format!("nothing was refused lately: up to {all} at once again"))
    }
}

/// Why fewer run than the processors would allow, with the numbers.
fn wanting(headroom: &Headroom, want: Want) -> String {
    let room = &headroom.room;
    let at_once = headroom.at_once();
    match want {
        Want::Memory => {
            let memory = room.memory.unwrap_or_default();
            let stall = room.memory_stall.filter(|stall| *stall > 0.0);
            let stall =
                stall.map(|stall| format!(", {stall:.0} % of the time nothing went on for want of it"));
            format!(
                "little memory is left ({} of {} free{}): at most {at_once} at once now",
                bytes(memory.free),
                bytes(memory.total),
                stall.unwrap_or_default()
            )
        }
        Want::Processors => {
            let load = room.load.unwrap_or_default();
            format!(
                "other work keeps processors busy (load {:.1}, {} want one now; {}): at most {at_once} at once now",
                load.minute, load.now, room.limited_by
            )
        }
    }
}
