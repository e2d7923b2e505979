//! What advice on a lane rests on: what was learned from, how it did on runs that it had not seen, and what it cannot know.
//! Pure over what is remembered of runs; stores nothing.

use std::collections::BTreeSet;

use serde::Serialize;

use super::dataset::{self, Outcome};
use super::model::{Model, UPDATES};
use crate::base::Timestamp;
use crate::history::{Mode, Past};
use crate::learn::measure::{ChanceScore, Chances};

/// Runs below which rules and priors advise, with little confidence.
pub const ENOUGH: usize = 50;
/// Runs that the held-out figures look at, at most, the newest.
const JUDGED: usize = 3_000;
/// Upper bounds of the risks whose outcomes are shown together: most risks are small, so equal widths would show one bar.
const BOUNDS: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0];
const DAY: i64 = 86_400_000;

/// Of one lane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Card {
    pub lane: String,
    pub trained_on: TrainedOn,
    pub stored: Option<Stored>,
    /// The chance that a stage finds something. Learned from the older two thirds of the runs, judged by the others.
    pub held_out: Option<Judged>,
    /// Predicted before each run, then learned.
    pub prequential: Option<Judged>,
    /// Of the same predictions, by how high the risk was.
    pub calibration: Vec<Bin>,
    /// Which stages a change needs, right beside a constant answer.
    pub needed: Option<Needed>,
    /// What is missing before advice rests on history; none when nothing is.
    pub needs: Option<String>,
    pub limits: Vec<String>,
    pub refit: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrainedOn {
    pub runs: usize,
    /// Of those from other machines and other programs.
    pub imported: usize,
    /// Projects that they are of, where that is known.
    pub projects: usize,
    /// Stages that ended.
    pub stage_ends: usize,
    pub stages: usize,
    /// Stages that found something.
    pub failures: usize,
    pub since: Option<String>,
    pub until: Option<String>,
    pub days: i64,
    /// Runs that cannot tell what a change needed, by why.
    pub left_out: Vec<LeftOut>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub runs: usize,
    pub why: &'static str,
}

/// The model as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stored {
    pub version: u32,
    pub seed: u64,
    pub fitted: String,
    pub runs: u32,
    pub stage_ends: u64,
    /// Runs learned one by one since.
    pub updates: u32,
    pub bytes: usize,
    /// It will be worked out again when it is asked next.
    pub old: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judged {
    pub model: ChanceScore,
    /// Each stage's own rate of failures, whatever the change.
    pub rate: ChanceScore,
    pub failures: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Needed {
    pub model: f64,
    pub constant: f64,
    pub n: usize,
}

/// Predictions of about the same risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    pub from: f64,
    pub to: f64,
    pub count: u64,
    /// Means.
    pub promised: f64,
    pub came: f64,
}

/// `runs` are one lane's, newest first; `stored` is what is kept of it with its size.
pub fn card(lane: &str, runs: &[Past], stored: Option<(&Model, usize)>, now: Timestamp) -> Card {
    let fitted = Model::fit(runs, 0, now);
    let said = fitted.said(|_| true);
    let mut online = Pair::default();
    said.iter().for_each(|said| online.add(f64::from(said.risk), f64::from(said.rate), said.failed));
    let score = fitted.score();
    let trained_on = trained_on(runs);
    Card {
        lane: lane.to_string(),
        needs: needs(&trained_on),
        limits: limits(&trained_on),
        held_out: held_out(runs, now),
        prequential: online.judged(),
        calibration: calibration(said.iter().map(|said| (f64::from(said.risk), said.failed))),
        needed: score.model.zip(score.constant).map(|(model, constant)| Needed {
            model,
            constant,
            n: score.n,
        }),
        stored: stored.map(|(model, bytes)| of_stored(model, bytes, now)),
        refit: format!(
            "a run is learned when it ended; all is worked out again after {UPDATES} runs or a day, whichever comes first"
        ),
        trained_on,
    }
}

fn of_stored(model: &Model, bytes: usize, now: Timestamp) -> Stored {
    Stored {
        version: model.version,
        seed: model.seed,
        fitted: model.fitted.rfc3339(),
        runs: model.runs,
        stage_ends: model.events,
        updates: model.updates,
        bytes,
        old: model.is_old(now),
    }
}

fn trained_on(runs: &[Past]) -> TrainedOn {
    let ends =
        || runs.iter().flat_map(|run| run.stages.iter().map(|stage| (stage, Outcome::of(stage, run.mode))));
    let mut names: Vec<&str> =
        runs.iter().flat_map(|run| &run.stages).map(|stage| stage.stage.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let projects: BTreeSet<&str> =
        runs.iter().map(|run| run.project.as_str()).filter(|project| !project.is_empty()).collect();
    let (first, last) = (runs.iter().map(|run| run.started).min(), runs.iter().map(|run| run.started).max());
    let days = first.zip(last).map_or(0, |(first, last)| last.0.saturating_sub(first.0) / DAY);
    TrainedOn {
        runs: runs.len(),
        projects: projects.len(),
        imported: runs.iter().filter(|run| !run.source.is_empty()).count(),
        stage_ends: ends().filter(|(_, outcome)| outcome.failed.is_some()).count(),
        stages: names.len(),
        failures: ends().filter(|(_, outcome)| outcome.failed == Some(true)).count(),
        since: first.map(Timestamp::rfc3339),
        until: last.map(Timestamp::rfc3339),
        days,
        left_out: left_out(runs),
    }
}

fn left_out(runs: &[Past]) -> Vec<LeftOut> {
    let count = |mode: Mode| runs.iter().filter(|run| run.mode == mode).count();
    let reasons = [
        (
            count(Mode::Part),
            "a person chose their stages: what was not asked for says nothing of what is needed",
        ),
        (count(Mode::Recommended), "advice chose their stages: what was left out has no outcome"),
    ];
    let told = reasons.into_iter().filter(|(runs, _)| *runs > 0);
    told.map(|(runs, why)| LeftOut { runs, why }).collect()
}

fn needs(trained: &TrainedOn) -> Option<String> {
    let missing = ENOUGH.saturating_sub(trained.runs);
    (missing > 0).then(|| {
        format!(
            "{missing} more runs: with fewer than {ENOUGH} the lane's rules advise, and history only adds to them with little \
             confidence. `wfl history import` takes runs of another machine or another program"
        )
    })
}

fn limits(trained: &TrainedOn) -> Vec<String> {
    let mut limits = vec![
        "It knows which files a change touches, never what the change does to them.".to_string(),
        "A stage that was left out has no outcome: only full runs and control runs tell what it would have found.".to_string(),
        "What never failed here is not proven safe; its chance is a share of few outcomes, with an interval.".to_string(),
    ];
    if trained.failures < 20 {
        let found = match trained.failures {
            0 => "No stage found anything yet".to_string(),
            1 => "Only one stage found something".to_string(),
            more => format!("Only {more} stages found something"),
        };
        limits.push(format!(
            "{found}: too few to choose a threshold by, so `--safe` and `--fast` leave no check out."
        ));
    }
    if trained.days < 14 && trained.runs > 0 {
        let span = if trained.days <= 1 { "one day".to_string() } else { format!("{} days", trained.days) };
        limits.push(format!("All of it is of {span}: habits of the week or the month are not in it."));
    }
    limits
}

/// The same predictions by the model and by each stage's own rate.
#[derive(Clone, Debug, Default)]
struct Pair {
    model: Chances,
    rate: Chances,
    failures: u64,
}

impl Pair {
    fn add(&mut self, risk: f64, rate: f64, failed: bool) {
        self.model.add(risk, failed);
        self.rate.add(rate, failed);
        self.failures += u64::from(failed);
    }

    fn judged(&self) -> Option<Judged> {
        let (model, rate) = (self.model.score(), self.rate.score());
        (model.n > 0).then_some(Judged { model, rate, failures: self.failures })
    }
}

fn held_out(runs: &[Past], now: Timestamp) -> Option<Judged> {
    let runs = &runs[..runs.len().min(JUDGED)];
    let (judged, learned) = runs.split_at(runs.len() / 3);
    if judged.is_empty() || learned.len() < ENOUGH / 2 {
        return None;
    }
    let model = Model::fit(learned, 0, now);
    let mut pair = Pair::default();
    for run in judged {
        let words = dataset::words(&run.change, Some(run.started));
        let known = model.labels().1.known(&words);
        for stage in &run.stages {
            let Some(failed) = Outcome::of(stage, run.mode).failed else { continue };
            let place = model.index(&stage.stage);
            pair.add(known.answer(place).probability, model.labels().1.rate(place), failed);
        }
    }
    pair.judged()
}

fn calibration(said: impl Iterator<Item = (f64, bool)>) -> Vec<Bin> {
    let mut bins = [Bin::default(); BOUNDS.len()];
    for (risk, failed) in said {
        let place = BOUNDS.iter().position(|bound| risk < *bound).unwrap_or(BOUNDS.len() - 1);
        bins[place].count += 1;
        bins[place].promised += risk;
        bins[place].came += f64::from(u8::from(failed));
    }
    let from = [0.0].into_iter().chain(BOUNDS);
    let shown = bins.into_iter().zip(from.zip(BOUNDS)).filter(|(bin, _)| bin.count > 0);
    shown.map(|(bin, (from, to))| mean(bin, from, to)).collect()
}

fn mean(bin: Bin, from: f64, to: f64) -> Bin {
    let count = bin.count as f64;
    Bin { from, to, promised: bin.promised / count, came: bin.came / count, ..bin }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn few_runs_need_more_and_get_no_figures() {
        let card = card("fix", &fixture::mixed(10), None, NOW);
        assert!(
            card.needs.as_deref().is_some_and(|needs| needs.contains("40 more runs")),
            "{:?}",
            card.needs
        );
        assert_eq!((card.held_out, card.stored), (None, None));
        assert_eq!(card.trained_on.runs, 10);
    }

    #[test]
    fn no_run_at_all_is_a_card_too() {
        let card = card("fix", &[], None, NOW);
        assert_eq!((card.trained_on.since, card.prequential, card.calibration.len()), (None, None, 0));
        assert!(card.needs.is_some());
    }

    #[test]
    fn what_was_learned_is_judged_by_newer_runs_and_beside_the_plain_rate() {
        let (model, runs) = fixture::learned(240);
        let card = card("fix", &runs, Some((&model, 99)), NOW);
        let judged = card.held_out.expect("enough runs");
        assert!(judged.model.n > 100 && judged.model.n == judged.rate.n, "{judged:?}");
        assert!(judged.model.brier <= judged.rate.brier + 0.01, "{judged:?}");
        assert_eq!(card.needs, None);
        assert_eq!(card.stored.map(|stored| (stored.runs, stored.bytes)), Some((240, 99)));
    }

    #[test]
    fn risks_are_shown_by_how_high_they_were() {
        let bins =
            calibration([(0.01, false), (0.01, false), (0.3, true), (0.3, false), (1.0, true)].into_iter());
        let told: Vec<(f64, u64, f64)> = bins.iter().map(|bin| (bin.to, bin.count, bin.came)).collect();
        assert_eq!(told, [(0.02, 2, 0.0), (0.4, 2, 0.5), (1.0, 1, 1.0)]);
    }

    #[test]
    fn runs_whose_stages_were_chosen_are_named() {
        let mut runs = fixture::mixed(60);
        runs[3].mode = Mode::Part;
        let card = card("fix", &runs, None, NOW);
        assert_eq!(card.trained_on.left_out.iter().map(|left| left.runs).collect::<Vec<_>>(), [1]);
    }
}
