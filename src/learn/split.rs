//! Which cases a model learns from and which it is judged by. Knows nothing of models.

use core::ops::Range;

use super::log::Log;

/// How cases are ordered before they are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By the time of their first event; those without a time, and of one time, as in the file.
    #[default]
    Start,
    File,
    /// As in the file, the last one first.
    Reversed,
}

/// Places in `Log::cases`: the first two thirds to learn from, the rest to be judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    pub train: Vec<usize>,
    pub test: Vec<usize>,
}

impl Split {
    pub fn of(log: &Log, order: Order) -> Split {
        let mut train = ordered(log, order);
        let test = train.split_off(train.len() * 2 / 3);
        Split { train, test }
    }

    /// The last fifth of what is learned from, for choosing settings.
    pub fn tuning(&self) -> Range<usize> {
        self.train.len() * 4 / 5..self.train.len()
    }
}

/// Places of all cases in that order.
pub fn ordered(log: &Log, order: Order) -> Vec<usize> {
    let mut places: Vec<usize> = (0..log.cases.len()).collect();
    match order {
        Order::Start => places.sort_by_key(|&place| log.started(&log.cases[place])),
        Order::File => {}
        Order::Reversed => places.reverse(),
    }
    places
}

#[cfg(test)]
mod tests {
    use super::super::log::Case;
    use super::*;

    #[test]
    fn two_thirds_by_start_are_learned_from_and_the_file_may_order_instead() {
        let cases = (0..6).map(|at| Case { id: "c".into(), events: at..at + 1, failed: None }).collect();
        let log = Log { cases, at: vec![60, 50, 40, 30, 20, 10], activity: vec![0; 6], ..Log::default() };
        assert_eq!(Split::of(&log, Order::Start), Split { train: vec![5, 4, 3, 2], test: vec![1, 0] });
        assert_eq!(Split::of(&log, Order::File), Split { train: vec![0, 1, 2, 3], test: vec![4, 5] });
        assert_eq!(Split::of(&log, Order::Reversed), Split { train: vec![5, 4, 3, 2], test: vec![1, 0] });
        assert_eq!(Split::of(&log, Order::File).tuning(), 3..4);
    }
}
