//! Everything that is known of one stage: what speaks for its failing or being needed and what against, and the past runs
//! most like the change at hand. Decides nothing.

use serde::Serialize;

use crate::base::Timestamp;
use crate::history::{Past, PastStage};
use crate::learn::labels::{Because, Tally, Word};

use super::dataset::{self, Kind, Said};
use super::explain::{Advice, Knowledge, Situation, StageAdvice};
use super::reasons::{Question, subject};

/// Evidence that changes the odds by less is not shown.
const SLIGHT: f64 = 0.02;
/// Past runs shown.
const NEAREST: usize = 5;

/// One stage, with all that the advice on it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Why {
    pub lane: String,
    pub stage: StageAdvice,
    pub needed: Counted,
    pub failed: Counted,
    /// Skipped, and failed in a later run of the same change.
    pub needed_later: u32,
    pub evidence: Vec<Evidence>,
    pub nearest: Vec<Near>,
    pub history: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    pub yes: u32,
    pub of: u32,
}

/// What one word of the change says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    pub about: String,
    /// `fails` or `needed`.
    pub question: &'static str,
    pub yes: u32,
    pub of: u32,
    /// Added to the log odds of a yes.
    pub weight: f64,
    /// `for` a yes, or `against`.
    pub speaks: &'static str,
}

/// A past run like the change at hand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Near {
    pub run: String,
    pub started: Timestamp,
    /// 1 is the same in all that is compared.
    pub alike: f64,
    #[serde(rename = "type")]
    pub kind: String,
    pub files: Vec<String>,
    /// What became of the stage there.
    pub status: &'static str,
}

/// None for a stage that the lane does not have.
pub fn why(advice: &Advice, situation: &Situation, known: Knowledge, name: &str) -> Option<Why> {
    let stage = advice.stages.iter().find(|stage| stage.name == name)?.clone();
    let spoken = dataset::spoken(&situation.change, Some(situation.at));
    let counted = |tally: Tally| Counted { yes: tally.yes, of: tally.seen };
    let (need, fail) = known.model.labels();
    let place = known.model.index(name);
    Some(Why {
        lane: advice.lane.clone(),
        needed: counted(need.base(place)),
        failed: counted(fail.base(place)),
        needed_later: known.model.stage(name).map_or(0, |stage| stage.needed_later),
        evidence: evidence(known, &spoken, place),
        nearest: nearest(&spoken, known.past, name),
        history: known.model.runs as usize,
        stage,
    })
}

fn evidence(known: Knowledge, spoken: &[Said], place: usize) -> Vec<Evidence> {
    let words: Vec<Word> = spoken.iter().map(|said| said.word).collect();
    let (need, fail) = known.model.labels();
    let row = |question: Question, because: Because| {
        let said = spoken.get(because.word?)?;
        Some(Evidence {
            about: subject(said),
            question: question.word(),
            yes: because.tally.yes,
            of: because.tally.seen,
            weight: (because.weight * 1000.0).round() / 1000.0,
            speaks: if because.weight > 0.0 { "for" } else { "against" },
        })
    };
    let mut found: Vec<Evidence> = Vec::new();
    for (question, labels) in [(Question::Fails, fail), (Question::Needed, need)] {
        if labels.base(place).is_varied() {
            let each = labels.known(&words).each(place);
            found.extend(
                each.into_iter()
                    .filter(|because| because.weight.abs() >= SLIGHT)
                    .filter_map(|because| row(question, because)),
            );
        }
    }
    found.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    found
}

/// Runs with a verdict on the stage, by the share of words that they have in common with the change; times do not count.
fn nearest(spoken: &[Said], past: &[Past], name: &str) -> Vec<Near> {
    let own: Vec<Word> = spoken
        .iter()
        .filter(|said| !matches!(said.kind, Kind::Day | Kind::Hour))
        .map(|said| said.word)
        .collect();
    let mut found: Vec<Near> = past
        .iter()
        .filter_map(|run| {
            let stage = run.stages.iter().find(|stage| stage.stage == name)?;
            Some(near(run, stage, alike(&own, &dataset::words(&run.change, None))))
        })
        .collect();
    // Of equal ones the newest comes first, as in `past`.
    found.sort_by(|a, b| b.alike.total_cmp(&a.alike));
    found.truncate(NEAREST);
    found
}

/// Jaccard's index.
fn alike(own: &[Word], its: &[Word]) -> f64 {
    let both = own.iter().filter(|word| its.contains(word)).count();
    let either = own.len() + its.len() - both;
    if either == 0 { 1.0 } else { both as f64 / either as f64 }
}

fn near(run: &Past, stage: &PastStage, alike: f64) -> Near {
    Near {
        run: run.id.clone(),
        started: run.started,
        alike: (alike * 1000.0).round() / 1000.0,
        kind: run.change.kind.clone(),
        files: run.change.files.iter().take(3).cloned().collect(),
        status: stage.status.word(),
    }
}
