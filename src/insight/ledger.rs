//! What advice predicted beside what came: how often it was followed, what that saved, and what it missed. A stage that
//! was left out is unknown until a control run, a run whose person declined, or a later run of the same change has run
//! it. Pure over what is remembered; stores nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF};

use crate::event::{Course, LeftOut, Status};
use crate::history::{Past, RunAdvised};

/// Decisions to leave a stage out whose truth became known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Checked {
    pub stages: usize,
    /// Of those, the stages that found something: the advice misses it, or would have.
    pub missed: usize,
    /// How many the advice itself expected to miss: the sum of its chances.
    pub expected: f64,
}

/// A stage that found something although it was advised to leave it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Miss {
    pub stage: String,
    /// The run that was advised.
    pub run: String,
    /// The run that found it.
    pub found_by: String,
}

/// How one stage fared.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StageLedger {
    pub stage: String,
    pub left_out: usize,
    pub checked: Checked,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ledger {
    pub followed: usize,
    pub control: usize,
    pub declined: usize,
    /// Stages that followed advice left out, all runs together.
    pub left_out: usize,
    /// Milliseconds of stage time that this saved, by what the stages take as a rule.
    pub saved_ms: u64,
    /// By runs that the draw chose: the honest measure.
    pub drawn: Checked,
    /// By runs whose person declined: chosen by a person, so not a fair sample.
    pub told: Checked,
    /// By later runs of the same change: only changes that were run again, so not a fair sample either.
    pub later: Checked,
    /// Newest first.
    pub misses: Vec<Miss>,
    pub stages: Vec<StageLedger>,
}

/// Rates are over so many misses and stages; the interval holds the middle 80 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    pub rate: f64,
    pub low: f64,
    pub high: f64,
}

impl Checked {
    fn take(&mut self, stage: &LeftOut, found: bool) {
        self.stages += 1;
        self.missed += usize::from(found);
        self.expected += stage.probability.clamp(0.0, 1.0);
    }

    /// Misses by stage left out; none where nothing was checked.
    pub fn rate(&self) -> Option<Rate> {
        if self.stages == 0 {
            return None;
        }
        let (missed, right) = (self.missed as f64, (self.stages - self.missed) as f64);
        let (low, high) = match Beta::new(missed + 1.0, right + 1.0) {
            Ok(beta) => (beta.inverse_cdf(0.1), beta.inverse_cdf(0.9)),
            Err(_) => (0.0, 1.0),
        };
        let rate = missed / self.stages as f64;
        // With no miss at all, or nothing else, the middle of what is plausible does not reach the edge.
        Some(Rate { rate, low: low.min(rate), high: high.max(rate) })
    }
}

impl Ledger {
    /// Runs that began with advice to leave something out.
    pub fn offered(&self) -> usize {
        self.followed + self.control + self.declined
    }
}

/// Holds the advice of runs against what is remembered of runs, in any order.
pub fn ledger(advised: &[RunAdvised], past: &[Past]) -> Ledger {
    let mut order: Vec<&Past> = past.iter().collect();
    order.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    let by_id: BTreeMap<&str, &Past> = order.iter().map(|past| (past.id.as_str(), *past)).collect();
    let mut of_change: BTreeMap<(&str, &str), Vec<&Past>> = BTreeMap::new();
    for past in order.iter().filter(|past| !past.change.id.is_empty()) {
        of_change.entry((past.project.as_str(), past.change.id.as_str())).or_default().push(past);
    }
    let mut newest: Vec<&RunAdvised> = advised.iter().collect();
    newest.sort_by(|a, b| (b.at, &b.run).cmp(&(a.at, &a.run)));
    let mut books = Books::default();
    for one in newest {
        let own = by_id.get(one.run.0.as_str()).copied();
        let same = own.and_then(|own| of_change.get(&(own.project.as_str(), own.change.id.as_str())));
        books.take(one, own, same.map_or(&[], Vec::as_slice));
    }
    books.ledger.stages = books.stages.into_values().collect();
    books.ledger
}

#[derive(Default)]
struct Books {
    ledger: Ledger,
    stages: BTreeMap<String, StageLedger>,
}

impl Books {
    fn take(&mut self, one: &RunAdvised, own: Option<&Past>, of_change: &[&Past]) {
        let ledger = &mut self.ledger;
        match one.advised.course {
            Course::Followed => ledger.followed += 1,
            Course::Control => ledger.control += 1,
            Course::Declined => ledger.declined += 1,
        }
        for stage in &one.advised.left_out {
            let of = self
                .stages
                .entry(stage.stage.clone())
                .or_insert_with(|| StageLedger { stage: stage.stage.clone(), ..StageLedger::default() });
            let (ledger, followed) = (&mut self.ledger, one.advised.course == Course::Followed);
            if followed {
                of.left_out += 1;
                ledger.left_out += 1;
                ledger.saved_ms = ledger.saved_ms.saturating_add(stage.saves_ms.unwrap_or(0));
            }
            let known = match followed {
                true => own.and_then(|own| later(own, of_change, &stage.stage)),
                false => own.and_then(|own| Some((found(own, &stage.stage)?, own))),
            };
            let Some((missed, by)) = known else { continue };
            of.checked.take(stage, missed);
            match one.advised.course {
                Course::Followed => &mut ledger.later,
                Course::Control => &mut ledger.drawn,
                Course::Declined => &mut ledger.told,
            }
            .take(stage, missed);
            if missed {
                let (stage, run) = (stage.stage.clone(), one.run.0.clone());
                ledger.misses.push(Miss { stage, run, found_by: by.id.clone() });
            }
        }
    }
}

/// The first later run of the change that says something of the stage, and whether that found something.
fn later<'a>(own: &Past, of_change: &[&'a Past], stage: &str) -> Option<(bool, &'a Past)> {
    let from = of_change.partition_point(|past| (past.started, &past.id) <= (own.started, &own.id));
    of_change[from..].iter().find_map(|past| Some((found(past, stage)?, *past)))
}

/// Whether the stage found something in the run; none where it did not run there.
fn found(past: &Past, stage: &str) -> Option<bool> {
    let mut verdict = None;
    for own in past.stages.iter().filter(|own| own.stage == stage) {
        match own.status {
            Status::Failed | Status::TimedOut | Status::Warned => return Some(true),
            Status::Succeeded => verdict = Some(false),
            _ => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::super::fixture::of_change;
    use super::*;
    use crate::base::Timestamp;
    use crate::event::{Advised, RunId};

    fn advised(run: &str, course: Course, chance: f64) -> RunAdvised {
        let left_out = ["unit", "types"].map(|stage| LeftOut {
            stage: stage.into(),
            probability: chance,
            saves_ms: Some(1_000),
            ..LeftOut::default()
        });
        let advised = Advised { course, left_out: left_out.to_vec(), ..Advised::default() };
        RunAdvised { run: RunId(run.into()), lane: "l".into(), at: Timestamp(1), advised }
    }

    const GOOD: Status = Status::Succeeded;
    const BAD: Status = Status::Failed;
    const OUT: Status = Status::Skipped;

    #[test]
    fn a_control_run_tells_what_would_have_been_missed() {
        let past = [of_change("c", "x", 1, &[("unit", BAD), ("types", GOOD)])];
        let found = ledger(&[advised("c", Course::Control, 0.25)], &past);
        assert_eq!((found.control, found.followed, found.left_out, found.saved_ms), (1, 0, 0, 0));
        assert_eq!(found.drawn, Checked { stages: 2, missed: 1, expected: 0.5 });
        assert_eq!(found.misses, [Miss { stage: "unit".into(), run: "c".into(), found_by: "c".into() }]);
    }

    #[test]
    fn a_followed_run_says_nothing_until_a_later_run_of_its_change() {
        let advised = [advised("f", Course::Followed, 0.1)];
        let own = of_change("f", "x", 5, &[("unit", OUT), ("types", OUT)]);
        let before = of_change("b", "x", 1, &[("unit", BAD), ("types", BAD)]);
        let other = of_change("o", "y", 9, &[("unit", BAD), ("types", BAD)]);
        let unknown = ledger(&advised, &[own.clone(), before.clone(), other.clone()]);
        assert_eq!((unknown.later.stages, unknown.left_out, unknown.saved_ms), (0, 2, 2_000));
        assert_eq!(unknown.later.rate(), None);
        let after = of_change("a", "x", 7, &[("unit", BAD), ("types", OUT)]);
        let last = of_change("z", "x", 8, &[("unit", GOOD), ("types", GOOD)]);
        let known = ledger(&advised, &[last, after, other, before, own]);
        // `types` was left out again at first; the first run that ran it decides.
        assert_eq!((known.later.stages, known.later.missed), (2, 1));
        assert_eq!(known.misses[0].found_by, "a");
    }

    #[test]
    fn a_run_without_an_id_of_its_change_is_never_matched() {
        let past = [of_change("f", "", 1, &[("unit", OUT)]), of_change("a", "", 2, &[("unit", BAD)])];
        assert_eq!(ledger(&[advised("f", Course::Followed, 0.1)], &past).later.stages, 0);
    }

    #[test]
    fn the_rate_has_an_interval_that_narrows_and_holds_it() {
        let few = Checked { stages: 10, missed: 0, expected: 0.1 }.rate().expect("a rate");
        let many = Checked { stages: 1_000, missed: 0, expected: 0.1 }.rate().expect("a rate");
        assert!(few.rate == 0.0 && few.low == 0.0 && few.high > many.high && many.high > 0.0);
        let some = Checked { stages: 40, missed: 2, expected: 1.0 }.rate().expect("a rate");
        assert!(some.low < some.rate && some.rate < some.high && some.rate == 0.05);
    }

    #[test]
    fn each_stage_has_its_own_line() {
        let past = [of_change("c", "x", 1, &[("unit", BAD), ("types", GOOD)])];
        let both = [advised("c", Course::Control, 0.25), advised("f", Course::Followed, 0.25)];
        let found = ledger(&both, &past);
        let line =
            |name: &str| found.stages.iter().find(|stage| stage.stage == name).expect("a line").clone();
        assert_eq!((line("unit").left_out, line("unit").checked.missed), (1, 1));
        assert_eq!((line("types").checked.stages, line("types").checked.missed), (1, 0));
    }
}
