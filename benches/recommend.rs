//! What `wfl run --recommended` would have saved and missed: histories decided again run by run, each from the runs before
//! it alone. One history is made up and its truth is known, others are the runs of the system that the sources
//! describe and the tests of a library. Prints a table beside the lane's own rules, which leave nothing out; judges nothing.
//!
//! `cargo bench --bench recommend [-- --data FOLDER --runs 2000 --seed 7 --only Dune]`. The folder holds `history.csv` and
//! `history_stages.csv`, and `ci/dune_debian11_gcc10.csv.gz`; without it the made-up histories are all there is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use wfl::base::Timestamp;
use wfl::event::{RunStatus, Status};
use wfl::history::{Mode, Past, PastChange, PastStage};
use wfl::insight::overdue::{IN_A_ROW, overdue};
use wfl::insight::replay::{Feedback, Figures, Share, figures, replay};
use wfl::insight::{Effort, Knowledge, Lane, LaneStage, Model, Rule, Situation, explain};

const HOUR: i64 = 3_600_000;
/// Runs that are only learned from.
const LEARNED: usize = 50;
const CONTROL: u32 = 5;
const EFFORTS: [(&str, Effort); 3] =
    [("default", Effort::Usual), ("--safe", Effort::Safe), ("--fast", Effort::Fast)];

struct Settings {
    data: PathBuf,
    runs: usize,
    seed: u64,
    /// Runs in a row that may leave the same stage out.
    in_a_row: usize,
    /// Histories whose name holds this.
    only: String,
}

/// Runs of one lane in order of time, and what each stage needs.
struct History {
    name: String,
    runs: Vec<Past>,
    needs: BTreeMap<String, Vec<String>>,
    /// The true chance that a stage fails, by run and stage, where it is known.
    truth: Option<Vec<BTreeMap<String, f64>>>,
}

fn main() {
    let settings = settings();
    let seed = settings.seed;
    let mut histories = vec![made_up(settings.runs, seed), shuffled(made_up(settings.runs, seed), seed)];
    match real(&settings.data) {
        Some(found) => histories.extend(found),
        None => println!("no history.csv in {}", settings.data.display()),
    }
    match tests_of_a_library(&settings.data) {
        Some(found) => histories.push(found),
        None => println!("no ci/dune_debian11_gcc10.csv.gz in {}", settings.data.display()),
    }
    println!(
        "| history | decided by | runs | left out | stage time saved, 80 %, 95 % | missed | recall, 80 %, 95 % | slipped |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    histories.retain(|history| history.name.contains(&settings.only));
    for history in &histories {
        row(history, "the lane's rules", &decided(history, Feedback::All, seed, |_, _| Vec::new()));
        for (name, effort) in EFFORTS {
            let mut all = Recommender::new(effort, seed, settings.in_a_row);
            let figures =
                decided(history, Feedback::All, seed, |before, run| all.decide(history, before, run));
            row(history, name, &figures);
            let mut own = Recommender::new(effort, seed, settings.in_a_row);
            let known = Feedback::AsItWouldBe { control: CONTROL, seed };
            let figures = decided(history, known, seed, |before, run| own.decide(history, before, run));
            row(history, &format!("{name}, knowing what it would know"), &figures);
        }
        oracle(history, seed);
    }
}

fn settings() -> Settings {
    let mut settings = Settings {
        data: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        runs: 2_000,
        seed: 7,
        in_a_row: IN_A_ROW,
        only: String::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--data" => settings.data = value().into(),
            "--runs" => settings.runs = value().parse().unwrap_or(settings.runs),
            "--seed" => settings.seed = value().parse().unwrap_or(settings.seed),
            "--in-a-row" => settings.in_a_row = value().parse().unwrap_or(settings.in_a_row),
            "--only" => settings.only = value(),
            _ => {}
        }
    }
    settings
}

fn decided(
    history: &History,
    feedback: Feedback,
    seed: u64,
    decide: impl FnMut(&[Past], &Past) -> Vec<String>,
) -> Figures {
    figures(&replay(&history.runs, LEARNED.min(history.runs.len()), feedback, decide), seed)
}

fn row(history: &History, by: &str, found: &Figures) {
    let share = |share: Option<Share>| match share {
        Some(of) => format!(
            "{:.1} % [{:.1}, {:.1}] [{:.1}, {:.1}]",
            of.share * 100.0,
            of.low * 100.0,
            of.high * 100.0,
            of.low95 * 100.0,
            of.high95 * 100.0
        ),
        None => "–".into(),
    };
    println!(
        "| {} | {by} | {} | {} of {} | {} | {} of {} | {} | {} |",
        history.name,
        found.runs,
        found.left_out,
        found.stages,
        share(found.saved),
        found.missed,
        found.failures,
        share(found.recall),
        found.slipped
    );
}

/// As the program does it: learned run by run, worked out again daily and after every 20 runs.
struct Recommender {
    effort: Effort,
    seed: u64,
    model: Option<Model>,
    learned: usize,
    in_a_row: usize,
}

impl Recommender {
    fn new(effort: Effort, seed: u64, in_a_row: usize) -> Self {
        Recommender { effort, seed, model: None, learned: 0, in_a_row }
    }

    fn decide(&mut self, history: &History, before: &[Past], run: &Past) -> Vec<String> {
        let old = self.model.as_ref().is_none_or(|model| model.is_old(run.started));
        if old {
            let newest: Vec<Past> = before.iter().rev().cloned().collect();
            self.model = Some(Model::fit(&newest, self.seed, run.started));
        } else if let Some(model) = &mut self.model {
            before.iter().skip(self.learned).for_each(|past| model.update(past));
        }
        self.learned = before.len();
        let Some(model) = &self.model else { return Vec::new() };
        let situation = Situation { change: run.change.clone(), at: run.started };
        let advice = explain(&lane(history, run), &situation, Knowledge { model, past: &[] }, self.effort);
        let due = overdue(before.iter().rev(), self.in_a_row);
        let out = advice.stages.iter().filter(|stage| stage.decided.by_history() && !stage.keep);
        out.filter(|stage| !due.contains(&stage.name)).map(|stage| stage.name.clone()).collect()
    }
}

/// The lane as it was for the run: what its rules skipped, they skip.
fn lane(history: &History, run: &Past) -> Lane {
    let mut names: Vec<&PastStage> = Vec::new();
    for stage in &run.stages {
        if names.iter().all(|known| known.stage != stage.stage) {
            names.push(stage);
        }
    }
    let at = |name: &String| names.iter().position(|stage| stage.stage == *name);
    let stage = |stage: &&PastStage| {
        let needs: Vec<usize> =
            history.needs.get(&stage.stage).into_iter().flatten().filter_map(at).collect();
        let skipped = matches!(stage.status, Status::Skipped | Status::Waived);
        LaneStage {
            name: stage.stage.clone(),
            gate: stage.kind == "gate",
            approval: false,
            effect: false,
            rule: match skipped {
                true => Rule::When { text: "its condition".into(), holds: false },
                false => Rule::Always,
            },
            after: needs.clone(),
            needs,
        }
    };
    Lane {
        name: run.lane.clone(),
        chosen_by: String::new(),
        stages: names.iter().map(stage).collect(),
        slots: 4,
        off: false,
    }
}

/// What somebody who knew every true chance would have done at the same recall: the bound.
fn oracle(history: &History, seed: u64) {
    let Some(truth) = &history.truth else { return };
    for target in [0.98, 0.90] {
        let known = &truth[LEARNED.min(truth.len())..];
        let limit = limit(known, target, history);
        let mut place = LEARNED.min(truth.len());
        let figures = decided(history, Feedback::All, seed, |_, _| {
            place += 1;
            let may = |(name, chance): &(&String, &f64)| **chance < limit && may_go(history, name);
            truth[place - 1].iter().filter(may).map(|(name, _)| name.clone()).collect()
        });
        row(history, &format!("the truth, recall {:.0} %", target * 100.0), &figures);
    }
}

/// The highest chance below which no more of all expected failures lie than the target allows.
fn limit(truth: &[BTreeMap<String, f64>], target: f64, history: &History) -> f64 {
    let mut chances: Vec<f64> =
        truth.iter().flatten().filter(|(name, _)| may_go(history, name)).map(|(_, chance)| *chance).collect();
    chances.sort_by(f64::total_cmp);
    let allowed = chances.iter().sum::<f64>() * (1.0 - target);
    let mut lost = 0.0;
    for chance in chances {
        lost += chance;
        if lost > allowed {
            return chance;
        }
    }
    1.0
}

/// Not what others need, and no gate.
fn may_go(history: &History, name: &str) -> bool {
    let gate = history
        .runs
        .iter()
        .take(1)
        .flat_map(|run| &run.stages)
        .any(|stage| stage.stage == name && stage.kind == "gate");
    !gate && !history.needs.values().flatten().any(|need| need == name)
}

/// A stage of the made-up project: its seconds, and its chance of failing by folder that is touched; the last without.
struct MadeUp {
    name: &'static str,
    gate: bool,
    seconds: f64,
    chances: &'static [(&'static str, f64)],
    else_chance: f64,
}

const PROJECT: &[MadeUp] = &[
    MadeUp {
        name: "build",
        gate: false,
        seconds: 60.0,
        chances: &[("src", 0.02), ("db", 0.01)],
        else_chance: 0.0005,
    },
    MadeUp {
        name: "format",
        gate: false,
        seconds: 5.0,
        chances: &[("src", 0.04), ("ui", 0.04)],
        else_chance: 0.001,
    },
    MadeUp {
        name: "lint",
        gate: false,
        seconds: 25.0,
        chances: &[("src", 0.05), ("ui", 0.04)],
        else_chance: 0.002,
    },
    MadeUp { name: "types", gate: false, seconds: 40.0, chances: &[("ui", 0.07)], else_chance: 0.0005 },
    MadeUp {
        name: "unit",
        gate: false,
        seconds: 120.0,
        chances: &[("src", 0.08), ("ui", 0.02)],
        else_chance: 0.001,
    },
    MadeUp {
        name: "browser",
        gate: false,
        seconds: 240.0,
        chances: &[("ui", 0.10), ("src", 0.01)],
        else_chance: 0.001,
    },
    MadeUp {
        name: "database",
        gate: false,
        seconds: 180.0,
        chances: &[("db", 0.12), ("src", 0.01)],
        else_chance: 0.0005,
    },
    MadeUp {
        name: "integration",
        gate: false,
        seconds: 300.0,
        chances: &[("src", 0.05), ("db", 0.06)],
        else_chance: 0.002,
    },
    MadeUp { name: "documents", gate: false, seconds: 15.0, chances: &[("docs", 0.06)], else_chance: 0.001 },
    MadeUp {
        name: "security",
        gate: true,
        seconds: 90.0,
        chances: &[("src", 0.01), ("ui", 0.01)],
        else_chance: 0.001,
    },
];
const FOLDERS: [(&str, &str, f64); 4] =
    [("docs", "md", 0.3), ("ui", "ts", 0.3), ("src", "rs", 0.45), ("db", "sql", 0.12)];

/// A project of ten stages in which what a change touches decides what it can break.
fn made_up(count: usize, seed: u64) -> History {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut runs, mut truth) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (past, chances) = made_up_run(number, &mut random);
        runs.push(past);
        truth.push(chances);
    }
    let built = ["unit", "browser", "database", "integration"];
    let needs = built.iter().map(|name| (name.to_string(), vec!["build".to_string()])).collect();
    History { name: "made up".into(), runs, needs, truth: Some(truth) }
}

fn made_up_run(number: usize, random: &mut Xoshiro256PlusPlus) -> (Past, BTreeMap<String, f64>) {
    let mut folders: Vec<(&str, &str)> = FOLDERS
        .iter()
        .filter(|(_, _, often)| random.random_range(0.0..1.0) < *often)
        .map(|(folder, kind, _)| (*folder, *kind))
        .collect();
    if folders.is_empty() {
        folders.push(("docs", "md"));
    }
    let mut files: Vec<String> = Vec::new();
    for (folder, kind) in &folders {
        let many = random.random_range(1..6);
        files.extend((0..many).map(|_| format!("{folder}/part{}.{kind}", random.random_range(0..20))));
    }
    files.sort();
    files.dedup();
    let only_documents = folders.iter().all(|(folder, _)| *folder == "docs");
    let kind = if only_documents { "docs" } else { ["feat", "fix", "refactor"][random.random_range(0..3)] };
    let mut chances = BTreeMap::new();
    let stage = |stage: &MadeUp| {
        let of = stage.chances.iter().filter(|(folder, _)| folders.iter().any(|(own, _)| own == folder));
        let chance = of.map(|(_, chance)| *chance).fold(stage.else_chance, f64::max);
        chances.insert(stage.name.to_string(), chance);
        let failed = random.random_range(0.0..1.0) < chance;
        let seconds = stage.seconds * random.random_range(0.7..1.5);
        past_stage(stage.name, stage.gate, if failed { Status::Failed } else { Status::Succeeded }, seconds)
    };
    let stages: Vec<PastStage> = PROJECT.iter().map(stage).collect();
    let change = PastChange {
        id: format!("c{number}"),
        kind: kind.into(),
        count: files.len() as u64,
        added: files.len() as u64 * 20,
        files,
        ..PastChange::default()
    };
    (past(format!("m{number:06}"), "check", number as i64 * HOUR, change, stages), chances)
}

/// The same with the ends of each stage dealt out anew: nothing of a change says anything any more.
fn shuffled(mut history: History, seed: u64) -> History {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x5eed);
    let stages = history.runs.first().map_or(0, |run| run.stages.len());
    for stage in 0..stages {
        for last in (1..history.runs.len()).rev() {
            let other = random.random_range(0..=last);
            let (one, two) =
                (history.runs[last].stages[stage].status, history.runs[other].stages[stage].status);
            history.runs[last].stages[stage].status = two;
            history.runs[other].stages[stage].status = one;
        }
    }
    History { name: "made up, outcomes shuffled".into(), truth: None, ..history }
}

/// The runs of the system that the sources describe, lane by lane; those of too few runs are left out.
fn real(folder: &Path) -> Option<Vec<History>> {
    let mut stages: BTreeMap<(String, String), Vec<PastStage>> = BTreeMap::new();
    for row in rows(&folder.join("history_stages.csv"))? {
        let seconds: f64 = row["duration_s"].parse().unwrap_or(0.0);
        let stage = past_stage(&format!("stage-{}", row["stage"]), false, Status::Succeeded, seconds);
        let own = stages.entry((row["change_id"].clone(), row["run"].clone())).or_default();
        // A stage that was tried again counts once, as it ended.
        own.retain(|known| known.stage != stage.stage);
        own.push(stage);
    }
    let mut lanes: BTreeMap<String, Vec<Past>> = BTreeMap::new();
    for row in rows(&folder.join("history.csv"))? {
        let key = (row["change_id"].clone(), row["run"].clone());
        let Some(mut own) = stages.remove(&key) else { continue };
        let failed = row["outcome"].strip_prefix("failed@").map(|stage| format!("stage-{stage}"));
        own.iter_mut()
            .filter(|stage| Some(&stage.stage) == failed.as_ref())
            .for_each(|stage| stage.status = Status::Failed);
        let change =
            PastChange { id: key.0.clone(), kind: row["change_type"].clone(), ..PastChange::default() };
        let Ok(started) = format!("{}Z", row["started_at"]).parse::<jiff::Timestamp>() else { continue };
        let run = past(format!("{}-{}", key.0, key.1), &row["lane"], started.as_millisecond(), change, own);
        lanes.entry("all lanes".into()).or_default().push(run);
    }
    let history = |(name, mut runs): (String, Vec<Past>)| {
        runs.sort_by_key(|run| run.started);
        let name = format!("125 real runs, {name}");
        (runs.len() > LEARNED).then_some(History { name, runs, needs: BTreeMap::new(), truth: None })
    };
    Some(lanes.into_iter().filter_map(history).collect())
}

/// A stage for each test of a library, a run for each time its CI ran them: nothing is known of the changes, so only what
/// failed of late can tell.
fn tests_of_a_library(folder: &Path) -> Option<History> {
    let file = std::fs::File::open(folder.join("ci/dune_debian11_gcc10.csv.gz")).ok()?;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(b';').from_reader(flate2::read::GzDecoder::new(file));
    let mut cycles: BTreeMap<u64, (i64, Vec<PastStage>)> = BTreeMap::new();
    for row in reader.deserialize().flatten() {
        let row: BTreeMap<String, String> = row;
        let cycle: u64 = row.get("Cycle")?.parse().ok()?;
        let at = row.get("LastRun")?.replace(' ', "T") + "Z";
        let at = at.parse::<jiff::Timestamp>().map_or(0, |at| at.as_millisecond());
        let status = if row.get("Verdict")? == "1" { Status::Failed } else { Status::Succeeded };
        let name = format!("test-{}", row.get("Name")?);
        let stage = past_stage(&name, false, status, row.get("Duration")?.parse().unwrap_or(0.0));
        cycles.entry(cycle).or_insert_with(|| (at, Vec::new())).1.push(stage);
    }
    let runs = cycles
        .into_iter()
        .map(|(cycle, (at, stages))| past(format!("d{cycle:06}"), "dune", at, PastChange::default(), stages));
    let mut runs: Vec<Past> = runs.collect();
    runs.sort_by_key(|run| run.started);
    Some(History { name: "Dune's tests, by CI run".into(), runs, needs: BTreeMap::new(), truth: None })
}

/// Rows by column name.
fn rows(path: &Path) -> Option<Vec<BTreeMap<String, String>>> {
    let mut reader = csv::Reader::from_path(path).ok()?;
    Some(reader.deserialize().flatten().collect())
}

fn past_stage(name: &str, gate: bool, status: Status, seconds: f64) -> PastStage {
    PastStage {
        name: name.into(),
        stage: name.into(),
        number: None,
        kind: if gate { "gate" } else { "stage" }.into(),
        status,
        reason: None,
        began_ms: Some(0),
        duration_ms: (seconds * 1_000.0) as u64,
        attempts: 1,
        cpu_ms: 0,
        memory: 0,
        io: 0,
        measures: BTreeMap::new(),
    }
}

fn past(id: String, lane: &str, started: i64, change: PastChange, stages: Vec<PastStage>) -> Past {
    let failed = stages.iter().any(|stage| stage.status == Status::Failed);
    Past {
        id,
        project: String::new(),
        source: String::new(),
        lane: lane.into(),
        status: if failed { RunStatus::Failed } else { RunStatus::Succeeded },
        started: Timestamp(started),
        duration_ms: stages.iter().map(|stage| stage.duration_ms).max().unwrap_or(0),
        change,
        stages,
        mode: Mode::Full,
    }
}
