//! A plan played through in expected time: who starts when with so many slots, if every stage takes what is expected of it.
//! Plain list scheduling over numbers; the kernel does the same with what really happens. Knows no stages and no chances.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// A graph of jobs.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    /// What each waits for.
    pub edges: Vec<Vec<u32>>,
    /// Milliseconds.
    pub own: Vec<u32>,
    /// From its start on, the longest way to the end.
    pub tail: Vec<u32>,
    /// What each holds while it runs, by index into `room`.
    pub holds: Vec<Vec<usize>>,
    pub room: Vec<u32>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Played {
    pub start: Vec<u64>,
    pub end: Vec<u64>,
    /// Jobs as they started.
    pub order: Vec<u32>,
    pub last: u64,
}

impl Jobs {
    /// Starts whatever is ready, the first in `line` first. With a `limit` a job goes before the others when the end would
    /// come later than that if it waited for the next slot.
    pub fn play(&self, slots: usize, line: &[u32], limit: Option<u64>) -> Played {
        let mut place = vec![0_u32; line.len()];
        (0..).zip(line).for_each(|(at, job)| place[*job as usize] = at);
        let mut followers: Vec<Vec<u32>> = vec![Vec::new(); self.own.len()];
        for (from, targets) in (0..).zip(&self.edges) {
            targets.iter().for_each(|to| followers[*to as usize].push(from));
        }
        let mut game = Game {
            jobs: self,
            unmet: self.edges.iter().map(Vec::len).collect(),
            ready: BTreeSet::new(),
            running: BinaryHeap::new(),
            room: self.room.clone(),
            now: 0,
            limit,
        };
        game.ready = line
            .iter()
            .filter(|job| game.unmet[**job as usize] == 0)
            .map(|job| (place[*job as usize], *job))
            .collect();
        let none = vec![0; self.own.len()];
        let mut played = Played { start: none.clone(), end: none, ..Played::default() };
        loop {
            while let Some(job) = game.next(slots.max(1)) {
                game.begin(job, place[job as usize], &mut played);
            }
            let Some(Reverse((at, job))) = game.running.pop() else { break };
            game.ended(at, job);
            for next in &followers[job as usize] {
                game.unmet[*next as usize] -= 1;
                if game.unmet[*next as usize] == 0 {
                    game.ready.insert((place[*next as usize], *next));
                }
            }
        }
        played.last = game.now;
        played
    }
}

struct Game<'a> {
    jobs: &'a Jobs,
    unmet: Vec<usize>,
    /// By place in line.
    ready: BTreeSet<(u32, u32)>,
    running: BinaryHeap<Reverse<(u64, u32)>>,
    room: Vec<u32>,
    now: u64,
    limit: Option<u64>,
}

impl Game<'_> {
    fn fits(&self, job: u32) -> bool {
        self.jobs.holds[job as usize].iter().all(|held| self.room[*held] > 0)
    }

    /// Who starts now; none when nothing can.
    fn next(&self, slots: usize) -> Option<u32> {
        let free = slots.saturating_sub(self.running.len());
        if free == 0 {
            return None;
        }
        let mut fitting = self.ready.iter().map(|(_, job)| *job).filter(|job| self.fits(*job));
        let first = fitting.next()?;
        let Some(limit) = self.limit.filter(|_| self.ready.len() > free) else { return Some(first) };
        let beside = self.running.peek().map(|Reverse((end, _))| *end);
        let own = self.now + u64::from(self.jobs.own[first as usize]);
        let again = beside.map_or(own, |end| end.min(own));
        let tail = |job: u32| u64::from(self.jobs.tail[job as usize]);
        let mut late: Vec<u32> = fitting.filter(|job| again + tail(*job) > limit).collect();
        if late.len() < free {
            return Some(first);
        }
        late.push(first);
        late.into_iter().max_by_key(|job| (tail(*job), Reverse(*job)))
    }

    fn begin(&mut self, job: u32, place: u32, played: &mut Played) {
        self.ready.remove(&(place, job));
        self.jobs.holds[job as usize].iter().for_each(|held| self.room[*held] -= 1);
        let end = self.now + u64::from(self.jobs.own[job as usize]);
        self.running.push(Reverse((end, job)));
        played.start[job as usize] = self.now;
        played.end[job as usize] = end;
        played.order.push(job);
    }

    fn ended(&mut self, at: u64, job: u32) {
        self.now = at;
        self.jobs.holds[job as usize].iter().for_each(|held| self.room[*held] += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(own: &[u32], edges: &[&[u32]], tail: &[u32]) -> Jobs {
        Jobs {
            edges: edges.iter().map(|to| to.to_vec()).collect(),
            own: own.to_vec(),
            tail: tail.to_vec(),
            holds: vec![Vec::new(); own.len()],
            room: Vec::new(),
        }
    }

    #[test]
    fn the_line_decides_who_starts_and_needs_are_kept() {
        let jobs = jobs(&[5, 3, 2], &[&[], &[], &[1]], &[5, 5, 2]);
        let played = jobs.play(1, &[2, 0, 1], None);
        assert_eq!((played.order.as_slice(), played.last), ([0, 1, 2].as_slice(), 10));
        let played = jobs.play(2, &[0, 1, 2], None);
        assert_eq!((played.start.as_slice(), played.last), ([0, 0, 3].as_slice(), 5));
    }

    #[test]
    fn who_would_be_late_goes_before_the_line() {
        // Two short ones are first in line; the long one must start at once, or all of it ends later.
        let jobs = jobs(&[4, 4, 9], &[&[], &[], &[]], &[4, 4, 9]);
        assert_eq!(jobs.play(2, &[0, 1, 2], None).last, 13);
        let guarded = jobs.play(2, &[0, 1, 2], Some(9));
        assert_eq!((guarded.order.as_slice(), guarded.last), ([0, 2, 1].as_slice(), 9));
    }

    #[test]
    fn what_is_held_keeps_others_waiting_and_lets_those_behind_pass() {
        let mut jobs = jobs(&[3, 3, 3], &[&[], &[], &[]], &[3, 3, 3]);
        (jobs.holds, jobs.room) = (vec![vec![0], vec![0], vec![]], vec![1]);
        let played = jobs.play(2, &[0, 1, 2], None);
        assert_eq!((played.order.as_slice(), played.last), ([0, 2, 1].as_slice(), 6));
    }

    #[test]
    fn a_graph_that_never_gets_ready_ends() {
        let circle = jobs(&[1, 1], &[&[1], &[0]], &[2, 2]);
        assert_eq!(
            circle.play(1, &[0, 1], None),
            Played { start: vec![0, 0], end: vec![0, 0], ..Played::default() }
        );
    }
}
