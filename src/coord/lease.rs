//! Pure steps of what stages of different runs share: who may hold a lock or a place of a pool, and who is next. Knows
//! neither clock nor process: whether a run is dead, and whether somebody in line still asks, is told by the caller.
//!
//! A lease counts until it is released or cleared. Clearing is for whoever has proved that the run is dead; what a
//! `once` stage of unknown end keeps is not cleared. So nothing here can be wrong by a race about who lives.

use crate::event::{NodeIndex, WaitFor};

/// A stage of a run, the run by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    pub run: i64,
    pub node: NodeIndex,
}

/// A lock or a pool, by kind and name.
pub type Thing = (WaitFor, String);

/// Something asked for, and how many may hold it at once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Want {
    pub thing: Thing,
    pub slots: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    pub thing: Thing,
    pub who: Who,
    /// A `once` stage that ended badly, or whose end nobody knows, keeps it: it outlives its run.
    pub kept: bool,
}

/// One who could not have all it asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Waiter {
    /// Place in line.
    pub ticket: i64,
    pub who: Who,
    pub wants: Vec<Want>,
    /// It asked a moment ago, so that what is free may be kept for it.
    pub asks: bool,
}

/// All leases and the line, as read at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Book {
    pub leases: Vec<Lease>,
    /// By ticket.
    pub line: Vec<Waiter>,
}

/// Whether everything asked for may be held now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Granted,
    Waits(Obstacle),
}

/// The first thing that cannot be had: who holds it, and for whom it is kept free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub thing: Thing,
    pub holders: Vec<Who>,
    pub ahead: Vec<Who>,
}

impl Book {
    /// All of `wants` or nothing. Whoever asked before and could have all it wants goes first; whoever still waits for
    /// something else does not keep back what others can use.
    pub fn judge(&self, who: Who, wants: &[Want]) -> Verdict {
        let ahead = self.ahead_of(who);
        for want in wants.iter().filter(|want| !self.holds(who, &want.thing)) {
            let holders: Vec<Who> = self.holders(who, &want.thing).collect();
            let next: Vec<Who> = ahead
                .iter()
                .filter(|waiter| waiter.wants.iter().any(|other| other.thing == want.thing))
                .map(|waiter| waiter.who)
                .collect();
            if holders.len() + next.len() >= want.slots.max(1) as usize {
                return Verdict::Waits(Obstacle { thing: want.thing.clone(), holders, ahead: next });
            }
        }
        Verdict::Granted
    }

    /// Holds `wants`, and no longer stands in line.
    pub fn grant(&mut self, who: Who, wants: &[Want]) {
        self.line.retain(|waiter| waiter.who != who);
        for want in wants {
            if !self.holds(who, &want.thing) {
                self.leases.push(Lease { thing: want.thing.clone(), who, kept: false });
            }
        }
        self.leases.sort();
    }

    /// Keeps its place in line, or gets the last.
    pub fn queue(&mut self, who: Who, wants: &[Want]) {
        let next = self.line.iter().map(|waiter| waiter.ticket).max().unwrap_or(0) + 1;
        match self.line.iter_mut().find(|waiter| waiter.who == who) {
            Some(waiter) => waiter.asks = true,
            None => self.line.push(Waiter { ticket: next, who, wants: wants.to_vec(), asks: true }),
        }
    }

    /// Gives back all it holds, and its place in line.
    pub fn release(&mut self, who: Who) {
        self.leases.retain(|lease| lease.who != who);
        self.line.retain(|waiter| waiter.who != who);
    }

    /// The run is dead: only what a `once` stage keeps stays.
    pub fn clear(&mut self, run: i64) {
        self.leases.retain(|lease| lease.who.run != run || lease.kept);
        self.line.retain(|waiter| waiter.who.run != run);
    }

    fn holds(&self, who: Who, thing: &Thing) -> bool {
        self.leases.iter().any(|lease| lease.who == who && lease.thing == *thing)
    }

    fn holders<'a>(&'a self, but: Who, thing: &'a Thing) -> impl Iterator<Item = Who> + 'a {
        self.leases
            .iter()
            .filter(move |lease| lease.thing == *thing && lease.who != but)
            .map(|lease| lease.who)
    }

    /// Those who asked before and can have all they want, in turn.
    fn ahead_of(&self, who: Who) -> Vec<&Waiter> {
        let mut ahead: Vec<&Waiter> = Vec::new();
        for waiter in self.line.iter().take_while(|waiter| waiter.who != who).filter(|waiter| waiter.asks) {
            let room = |want: &Want| {
                let reserved =
                    ahead.iter().flat_map(|other| &other.wants).filter(|other| other.thing == want.thing);
                let taken = self.holders(waiter.who, &want.thing).count() + reserved.count();
                self.holds(waiter.who, &want.thing) || taken < want.slots.max(1) as usize
            };
            if waiter.wants.iter().all(room) {
                ahead.push(waiter);
            }
        }
        ahead
    }
}

#[cfg(test)]
mod tests;
