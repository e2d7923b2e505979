//! What is left of a run played through: who starts when with so many slots, pools and locks, if everything takes as long as
//! is said. Plain list scheduling in the engine's order; knows no history.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Ready stages looked at for one that fits, before the rest is left waiting.
const LOOKED_AT: usize = 64;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    /// What it waits for, by place.
    pub after: Vec<usize>,
    /// The largest of the ready ones starts first; of equals the first.
    pub priority: u32,
    /// What it holds while it runs: places in [`Graph::room`].
    pub holds: Vec<usize>,
    /// It takes a slot. Waiting for others' ends does not.
    pub works: bool,
}

/// Jobs that wait for one another.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    jobs: Vec<Job>,
    followers: Vec<Vec<usize>>,
    /// How many may hold each thing at once.
    room: Vec<u32>,
    slots: usize,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Progress {
    #[default]
    Pending,
    /// For so many milliseconds.
    Running(f64),
    Done,
}

impl Graph {
    pub fn new(jobs: Vec<Job>, room: Vec<u32>, slots: usize) -> Graph {
        let mut followers = vec![Vec::new(); jobs.len()];
        for (place, job) in jobs.iter().enumerate() {
            job.after.iter().filter(|&&at| at < jobs.len()).for_each(|&at| followers[at].push(place));
        }
        Graph { jobs, followers, room, slots: slots.max(1) }
    }

    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Milliseconds until the last one ends, from the start.
    pub fn whole(&self, takes: &dyn Fn(usize) -> f64) -> f64 {
        self.left(&|_| Progress::Pending, takes)
    }

    /// Milliseconds until the last one ends, from a moment at which they are so far. `takes` says how long a job takes that
    /// has not begun, and how long one that runs still will.
    pub fn left(&self, progress: &dyn Fn(usize) -> Progress, takes: &dyn Fn(usize) -> f64) -> f64 {
        let mut game = Game::begin(self, progress, takes);
        while let Some(Reverse((at, place))) = game.running.pop() {
            game.now = f64::from_bits(at);
            game.release(place);
            for &next in &self.followers[place] {
                game.waits[next] = game.waits[next].saturating_sub(1);
                game.offer(next);
            }
            game.start_what_fits(takes);
        }
        game.now
    }
}

struct Game<'g> {
    graph: &'g Graph,
    waits: Vec<usize>,
    begun: Vec<bool>,
    /// The first is the next to start.
    ready: BTreeSet<(Reverse<u32>, usize)>,
    /// How many of them need no slot.
    idle: usize,
    /// By the bits of its end, which rise as times that are not below zero do.
    running: BinaryHeap<Reverse<(u64, usize)>>,
    working: usize,
    room: Vec<u32>,
    now: f64,
}

impl<'g> Game<'g> {
    fn begin(
        graph: &'g Graph,
        progress: &dyn Fn(usize) -> Progress,
        takes: &dyn Fn(usize) -> f64,
    ) -> Game<'g> {
        let states: Vec<Progress> = (0..graph.len()).map(progress).collect();
        let open = |at: &&usize| states.get(**at).is_some_and(|state| *state != Progress::Done);
        let mut game = Game {
            graph,
            waits: graph.jobs.iter().map(|job| job.after.iter().filter(open).count()).collect(),
            begun: states.iter().map(|state| *state != Progress::Pending).collect(),
            ready: BTreeSet::new(),
            idle: 0,
            running: BinaryHeap::new(),
            working: 0,
            room: graph.room.clone(),
            now: 0.0,
        };
        for place in (0..graph.len()).filter(|&place| matches!(states[place], Progress::Running(_))) {
            game.start(place, takes(place));
        }
        (0..graph.len()).for_each(|place| game.offer(place));
        game.start_what_fits(takes);
        game
    }

    /// Ready, if nothing is waited for any more.
    fn offer(&mut self, place: usize) {
        if self.waits[place] == 0 && !self.begun[place] {
            let job = &self.graph.jobs[place];
            self.idle += usize::from(self.ready.insert((Reverse(job.priority), place)) && !job.works);
        }
    }

    fn start_what_fits(&mut self, takes: &dyn Fn(usize) -> f64) {
        while self.working < self.graph.slots || self.idle > 0 {
            let fits = |&&(_, place): &&(Reverse<u32>, usize)| {
                let job = &self.graph.jobs[place];
                let slot = !job.works || self.working < self.graph.slots;
                slot && job.holds.iter().all(|&held| self.room.get(held).is_none_or(|room| *room > 0))
            };
            let Some(&next) = self.ready.iter().take(LOOKED_AT).find(fits) else { return };
            self.ready.remove(&next);
            self.idle -= usize::from(!self.graph.jobs[next.1].works);
            self.start(next.1, takes(next.1));
        }
    }

    fn start(&mut self, place: usize, takes: f64) {
        self.begun[place] = true;
        let job = &self.graph.jobs[place];
        self.working += usize::from(job.works);
        for &held in &job.holds {
            if let Some(room) = self.room.get_mut(held) {
                *room = room.saturating_sub(1);
            }
        }
        let end = self.now + if takes.is_finite() { takes.max(0.0) } else { 0.0 };
        self.running.push(Reverse((end.to_bits(), place)));
    }

    fn release(&mut self, place: usize) {
        let job = &self.graph.jobs[place];
        self.working -= usize::from(job.works);
        for &held in &job.holds {
            if let Some(room) = self.room.get_mut(held) {
                *room += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(after: &[usize], holds: &[usize]) -> Job {
        Job { after: after.to_vec(), priority: 0, holds: holds.to_vec(), works: true }
    }

    fn of(times: &[f64]) -> impl Fn(usize) -> f64 {
        let times = times.to_vec();
        move |place| times[place]
    }

    #[test]
    fn the_longest_way_counts_with_room_and_the_sum_without() {
        let jobs = vec![job(&[], &[]), job(&[0], &[]), job(&[0], &[])];
        let takes = of(&[1.0, 3.0, 2.0]);
        assert_eq!(Graph::new(jobs.clone(), Vec::new(), 2).whole(&takes), 4.0);
        assert_eq!(Graph::new(jobs, Vec::new(), 1).whole(&takes), 6.0);
    }

    #[test]
    fn a_pool_lets_in_as_many_as_it_has_and_others_pass() {
        let jobs = vec![job(&[], &[0]), job(&[], &[0]), job(&[], &[])];
        let takes = of(&[3.0, 3.0, 3.0]);
        assert_eq!(Graph::new(jobs.clone(), vec![1], 3).whole(&takes), 6.0);
        assert_eq!(Graph::new(jobs, vec![2], 3).whole(&takes), 3.0);
    }

    #[test]
    fn the_longest_remaining_way_starts_first() {
        let mut jobs = vec![job(&[], &[]), job(&[], &[]), job(&[], &[])];
        let takes = of(&[4.0, 4.0, 8.0]);
        assert_eq!(Graph::new(jobs.clone(), Vec::new(), 2).whole(&takes), 12.0);
        jobs[2].priority = 9;
        assert_eq!(Graph::new(jobs, Vec::new(), 2).whole(&takes), 8.0);
    }

    #[test]
    fn what_is_done_takes_nothing_and_what_runs_its_rest() {
        let jobs = vec![job(&[], &[]), job(&[0], &[]), job(&[0], &[]), job(&[1, 2], &[])];
        let graph = Graph::new(jobs, Vec::new(), 2);
        let far = [Progress::Done, Progress::Running(5.0), Progress::Done, Progress::Pending];
        assert_eq!(graph.left(&|place| far[place], &of(&[9.0, 2.0, 9.0, 4.0])), 6.0);
        assert_eq!(graph.left(&|_| Progress::Done, &of(&[9.0; 4])), 0.0);
    }

    #[test]
    fn who_only_waits_takes_no_slot() {
        let mut jobs = vec![job(&[], &[]), job(&[], &[])];
        jobs[0].works = false;
        assert_eq!(Graph::new(jobs, Vec::new(), 1).whole(&of(&[5.0, 5.0])), 5.0);
    }

    #[test]
    fn a_graph_that_never_gets_ready_ends() {
        let circle = Graph::new(vec![job(&[1], &[]), job(&[0], &[])], Vec::new(), 1);
        assert_eq!(circle.whole(&of(&[5.0, f64::NAN])), 0.0);
    }
}
