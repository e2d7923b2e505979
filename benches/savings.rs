//! What parallelism, order and leaving out save, by replay of real records against wfl's own sequential run: task graphs with
//! their run times (`dag`), the stages of the original system's runs (`history_stages.csv`), verdicts of a test suite
//! (`ci/dune*`). The kernel itself schedules, in virtual time; durations are expected from earlier runs only. Prints the
//! tables of docs/savings.md; judges nothing.
//!
//! `cargo bench --bench savings [-- --data FOLDER]`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use wfl::event::{Event, Status};
use wfl::history::Sample;
use wfl::insight::expect::Expectations;
use wfl::learn::rank::{Look, Ranker, Verdict, evaluate};
use wfl::plan::{Plan, Suspect};

#[path = "../tests/run/fakes.rs"]
#[allow(dead_code)]
mod fakes;
#[path = "../tests/run/lanes.rs"]
#[allow(dead_code)]
mod lanes;

use fakes::{Does, World, exits_after, takes};
use lanes::{lane, stage};

const SLOTS: [usize; 4] = [1, 2, 4, 8];
/// Newest runs that durations are expected from, as in a run.
const RUNS: usize = 20;
const SEED: u64 = 7;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let given = words.iter().position(|word| word == "--data").and_then(|at| words.get(at + 1));
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let data = given.map_or(beside, PathBuf::from);
    graphs(&data.join("dag"));
    stages(&data.join("history_stages.csv"));
    verdicts(&data.join("ci"));
}

/// The whole text of a file, packed or not; nothing where there is none.
fn text(path: &Path) -> String {
    let mut text = String::new();
    let Ok(bytes) = fs::read(path) else { return text };
    if path.extension().is_some_and(|ending| ending == "gz") {
        let _ = flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text);
    } else {
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    text
}

fn files(folder: &Path, begins: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| name(path).is_some_and(|name| name.starts_with(begins))).collect();
    found.sort();
    found
}

/// One stage of a recorded run.
struct Job {
    key: String,
    kind: String,
    ms: i64,
    needs: Vec<String>,
}

struct Recorded {
    /// Runs of one kind are each other's history.
    kind: String,
    at: String,
    jobs: Vec<Job>,
}

impl Recorded {
    /// The plan of the run, with what `earlier` runs of its kind took.
    fn plan(&self, earlier: &[&Recorded]) -> Plan {
        let drafts = self.jobs.iter().map(|job| {
            let needs: Vec<&str> = job.needs.iter().map(String::as_str).collect();
            stage(&job.key).needs(&needs)
        });
        let mut plan = lane(drafts.collect());
        let samples: Vec<Sample> = earlier.iter().rev().take(RUNS).flat_map(|run| run.samples()).collect();
        let known = Expectations::of(&samples);
        let kinds: BTreeMap<&str, &str> =
            self.jobs.iter().map(|job| (job.key.as_str(), job.kind.as_str())).collect();
        plan.anticipate(|node, _| known.get(&node.key, kinds.get(node.key.as_str())?));
        plan
    }

    fn samples(&self) -> Vec<Sample> {
        let sample = |job: &Job| Sample {
            name: job.key.clone(),
            stage: job.kind.clone(),
            duration_ms: job.ms as u64,
            attempt_ms: job.ms as u64,
            ..Sample::default()
        };
        self.jobs.iter().map(sample).collect()
    }

    /// Milliseconds to the end, or to the first failure of one of `failing`.
    fn play(&self, plan: &Plan, slots: usize, failing: &BTreeSet<&str>) -> f64 {
        let mut world = World::new(plan.clone()).jobs(slots);
        for job in &self.jobs {
            let does: Does =
                if failing.contains(job.key.as_str()) { exits_after(1, job.ms) } else { takes(job.ms) };
            world = world.does(&job.key, [does]);
        }
        world.run();
        let failed = |event: &Event| matches!(event, Event::StageFinished { status: Status::Failed, .. });
        let first = world.journal.all().into_iter().find(|record| failed(&record.event));
        first.map_or(world.now, |record| record.at.0 - 1_000_000) as f64
    }
}

/// A mean with its 95 % interval, runs drawn anew with repetition.
fn mean(numbers: &[f64]) -> String {
    if numbers.is_empty() {
        return "–".into();
    }
    let mut dice = StdRng::seed_from_u64(SEED);
    let of = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
    let mut drawn: Vec<f64> = (0..2_000)
        .map(|_| {
            let again: Vec<f64> =
                numbers.iter().map(|_| numbers[dice.random_range(0..numbers.len())]).collect();
            of(&again)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    format!("{:.1} % ({:.1} to {:.1})", 100.0 * of(numbers), 100.0 * drawn[50], 100.0 * drawn[1_949])
}

fn graphs(folder: &Path) {
    let mut runs: Vec<Recorded> = files(folder, "")
        .iter()
        .flat_map(|path| {
            text(path).lines().filter_map(|line| graph(&serde_json::from_str(line).ok()?)).collect::<Vec<_>>()
        })
        .collect();
    runs.sort_by(|a, b| (&a.kind, &a.at).cmp(&(&b.kind, &b.at)));
    if runs.is_empty() {
        println!("no task graphs in {}\n", folder.display());
        return;
    }
    println!("{} recorded task graphs: share of the sequential run's time that is saved\n", runs.len());
    println!(
        "| slots | usual order | likely failures first | best possible | first failure, usual order | likely failures first |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    let sequential: Vec<f64> =
        in_turn(&runs).map(|(run, plan)| run.play(&plan, 1, &BTreeSet::new())).collect();
    for slots in SLOTS {
        let mut found: [Vec<f64>; 5] = Default::default();
        for (index, (run, plan)) in in_turn(&runs).enumerate() {
            let alone = sequential[index];
            let suspects = Suspected::of(run, index as u64);
            let first = suspects.order(&plan, slots);
            let saved = |ms: f64| 1.0 - ms / alone;
            found[0].push(saved(run.play(&plan, slots, &BTreeSet::new())));
            found[1].push(saved(run.play(&first, slots, &BTreeSet::new())));
            found[2].push(saved(bound(run, slots)));
            found[3].push(run.play(&plan, slots, &suspects.failing) / alone);
            found[4].push(run.play(&first, slots, &suspects.failing) / alone);
        }
        let cells: Vec<String> = found.iter().map(|numbers| mean(numbers)).collect();
        println!("| {slots} | {} |", cells.join(" | "));
    }
    println!();
}

/// Each run with the plan that those before it of its kind lead to.
fn in_turn(runs: &[Recorded]) -> impl Iterator<Item = (&Recorded, Plan)> {
    runs.iter().enumerate().map(|(index, run)| {
        let earlier: Vec<&Recorded> = runs[..index].iter().filter(|other| other.kind == run.kind).collect();
        (run, run.plan(&earlier))
    })
}

/// The longest way, or all work spread evenly: no order ends sooner. Jobs stand after what they need.
fn bound(run: &Recorded, slots: usize) -> f64 {
    let mut ends: BTreeMap<&str, i64> = BTreeMap::new();
    for job in &run.jobs {
        let start = job.needs.iter().filter_map(|need| ends.get(need.as_str())).max().copied().unwrap_or(0);
        ends.insert(&job.key, start + job.ms);
    }
    let work: i64 = run.jobs.iter().map(|job| job.ms).sum();
    (ends.values().max().copied().unwrap_or(0) as f64).max(work as f64 / slots as f64)
}

/// Made up, for the records hold no failure: one task in five fails in 2 to 20 of a hundred runs, the others in one of a
/// thousand; and at least one fails now.
struct Suspected<'r> {
    chances: BTreeMap<&'r str, f64>,
    failing: BTreeSet<&'r str>,
}

impl<'r> Suspected<'r> {
    fn of(run: &'r Recorded, seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(SEED * 1_000 + seed);
        let chances: BTreeMap<&str, f64> = run
            .jobs
            .iter()
            .map(|job| {
                let often = dice.random_bool(0.2);
                (job.key.as_str(), if often { 0.02 + 0.18 * dice.random::<f64>() } else { 0.001 })
            })
            .collect();
        let mut failing = BTreeSet::new();
        while failing.is_empty() {
            failing
                .extend(chances.iter().filter(|(_, chance)| dice.random_bool(**chance)).map(|(key, _)| *key));
        }
        Suspected { chances, failing }
    }

    fn order(&self, plan: &Plan, slots: usize) -> Plan {
        let mut plan = plan.clone();
        plan.fail_first(slots, |node, _| {
            let chance = *self.chances.get(node.key.as_str())?;
            Some(Suspect::new(chance, u32::from(chance > 0.01) * 2, 20))
        });
        plan
    }
}

/// Tasks in an order in which each stands after what it needs.
fn graph(run: &Value) -> Option<Recorded> {
    let path = run["path"].as_str()?;
    let kind = path.rsplit_once('/').map_or(path, |(folder, _)| folder).to_owned();
    let mut open: Vec<&Value> = run["tasks"].as_array()?.iter().collect();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    let mut jobs = Vec::new();
    while !open.is_empty() {
        let before = open.len();
        let mut left = Vec::new();
        for task in open {
            let id = task["id"].as_str()?;
            let needs: Vec<&str> = task["par"].as_array()?.iter().filter_map(Value::as_str).collect();
            if needs.iter().any(|need| !placed.contains(need)) {
                left.push(task);
                continue;
            }
            placed.insert(id);
            jobs.push(Job {
                key: id.to_owned(),
                kind: task["cat"].as_str().unwrap_or_default().to_owned(),
                ms: (task["rt"].as_f64()? * 1_000.0).max(1.0) as i64,
                needs: needs.into_iter().map(str::to_owned).collect(),
            });
        }
        if left.len() == before {
            return None;
        }
        open = left;
    }
    Some(Recorded { kind, at: moment(run["at"].as_str().unwrap_or_default()), jobs })
}

/// Both forms of the records, so that they sort: `12-19-20T…` and `2020-12-26T…`.
fn moment(at: &str) -> String {
    match at.split_once('T').map(|(day, time)| (day.split('-').collect::<Vec<_>>(), time)) {
        Some((day, time)) if day.len() == 3 && day[0].len() == 2 => {
            format!("20{}-{}-{}T{time}", day[2], day[0], day[1])
        }
        _ => at.to_owned(),
    }
}

/// The stages that the original system ran at once where its lane said so.
const BATCH: [&str; 5] = ["2", "3", "4", "5", "6"];

fn stages(path: &Path) {
    let text = text(path);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut taken: BTreeMap<(String, String), BTreeMap<u32, f64>> = BTreeMap::new();
    for row in reader.deserialize::<BTreeMap<String, String>>().flatten() {
        let of = |name: &str| row.get(name).cloned().unwrap_or_default();
        let (Ok(number), seconds) = (of("stage").parse(), of("duration_s").parse().unwrap_or(0.0)) else {
            continue;
        };
        *taken.entry((of("change_id"), of("run"))).or_default().entry(number).or_default() += seconds;
    }
    // Of complete runs: eleven stages and more.
    let runs: Vec<Recorded> = taken.values().filter(|of| of.len() >= 11).map(original).collect();
    println!("{} complete runs of the original system, its stages 2 to 6 at once\n", runs.len());
    println!("| slots | saved, mean of runs | saved of all time |");
    println!("| ---: | ---: | ---: |");
    for slots in SLOTS {
        let (mut shares, mut all) = (Vec::new(), (0.0, 0.0));
        for run in &runs {
            let plan = run.plan(&[]);
            let (alone, now) =
                (run.play(&plan, 1, &BTreeSet::new()), run.play(&plan, slots, &BTreeSet::new()));
            shares.push(1.0 - now / alone);
            all = (all.0 + alone, all.1 + now);
        }
        println!("| {slots} | {} | {:.1} % |", mean(&shares), 100.0 * (1.0 - all.1 / f64::max(all.0, 1.0)));
    }
    println!();
}

/// In a row, but for the batch.
fn original(taken: &BTreeMap<u32, f64>) -> Recorded {
    let mut jobs: Vec<Job> = Vec::new();
    let mut last: Vec<String> = Vec::new();
    let mut before: Vec<String> = Vec::new();
    for (number, seconds) in taken {
        let key = number.to_string();
        let batch = BATCH.contains(&key.as_str());
        let in_batch = last.first().is_some_and(|last| BATCH.contains(&last.as_str()));
        if !(batch && in_batch) {
            before = std::mem::take(&mut last);
        }
        let ms = (seconds * 1_000.0).max(1.0) as i64;
        jobs.push(Job { key: key.clone(), kind: key.clone(), ms, needs: before.clone() });
        last.push(key);
    }
    Recorded { kind: "original".into(), at: String::new(), jobs }
}

/// Verdicts of a test suite: order, and what may be left out at a stated risk.
fn verdicts(folder: &Path) {
    for path in files(folder, "dune") {
        let looks = looks(&text(&path));
        let Some(score) = evaluate(&looks, SEED) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "{name}: {} cycles, {} with {} failures\n",
            score.cycles, score.failing_cycles, score.failures
        );
        println!("| order | caught in a third | time to the first failure | APFD | NAPFD |");
        println!("| --- | ---: | ---: | ---: | ---: |");
        let row = |name: &str, caught: f64, first: f64, apfd: f64, napfd: f64| {
            println!("| {name} | {:.1} % | {first:.1} s | {apfd:.3} | {napfd:.3} |", 100.0 * caught);
        };
        row("chance over cost", score.caught_in_third, score.first_failure_seconds, score.apfd, score.napfd);
        for (name, of) in &score.baselines {
            row(name, of.caught_in_third, of.first_failure_seconds, of.apfd, of.napfd);
        }
        println!(
            "\ntime to the first failure: {:.3} of the file's order (95 %: {:.3} to {:.3})\n",
            score.first_failure_ratio,
            score.first_failure_ratio_low.unwrap_or(f64::NAN),
            score.first_failure_ratio_high.unwrap_or(f64::NAN)
        );
        left_out(&looks);
    }
}

fn looks(text: &str) -> Vec<Look> {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    let mut found = Vec::new();
    for row in reader.deserialize::<BTreeMap<String, String>>().flatten() {
        let of = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
        let next = names.len() as u32;
        let (Ok(seconds), Ok(cycle)) = (of("Duration").parse::<f64>(), of("Cycle").parse()) else { continue };
        let item = *names.entry(of("Name").to_owned()).or_insert(next);
        found.push(Look { cycle, item, ms: seconds * 1_000.0, failed: of("Verdict") == "1" });
    }
    found
}

/// A cycle in which tests were scored before their verdicts were known: chance, milliseconds, failed.
type Scored = Vec<(f64, f64, bool)>;

/// Tests below a chance are left out. The chance is set so that in the middle third of the cycles the recall is reached; what
/// comes of it is measured in the last third.
fn left_out(looks: &[Look]) {
    let mut cycles: BTreeMap<u64, Vec<Look>> = BTreeMap::new();
    looks.iter().for_each(|look| cycles.entry(look.cycle).or_default().push(*look));
    let mut ranker = Ranker::default();
    let mut scored: Vec<Scored> = Vec::new();
    for cycle in cycles.values() {
        scored.push(
            cycle.iter().map(|look| (ranker.outlook(look.item).chance, look.ms, look.failed)).collect(),
        );
        let verdicts: Vec<Verdict> =
            cycle.iter().map(|look| Verdict { item: look.item, failed: look.failed, ms: look.ms }).collect();
        ranker.reveal(&verdicts);
    }
    let third = scored.len() / 3;
    let (valid, test) = (&scored[third..2 * third], &scored[2 * third..]);
    println!("| recall aimed at | recall found | time saved | tests left out |");
    println!("| ---: | ---: | ---: | ---: |");
    for aim in [1.0, 0.98, 0.95, 0.9] {
        let least = threshold(valid, aim);
        let failures: Vec<bool> = test.iter().flatten().filter(|of| of.2).map(|of| of.0 >= least).collect();
        let kept = failures.iter().filter(|kept| **kept).count();
        let share = |weight: &dyn Fn(&(f64, f64, bool)) -> f64| -> Vec<f64> {
            let part = |cycle: &Scored| {
                let out: f64 = cycle.iter().filter(|of| of.0 < least).map(weight).sum();
                out / cycle.iter().map(weight).sum::<f64>().max(f64::MIN_POSITIVE)
            };
            test.iter().map(part).collect()
        };
        println!(
            "| {:.0} % | {:.1} % ({kept} of {}) | {} | {} |",
            100.0 * aim,
            100.0 * kept as f64 / failures.len().max(1) as f64,
            failures.len(),
            mean(&share(&|of| of.1)),
            mean(&share(&|_| 1.0))
        );
    }
    println!();
}

/// The highest chance at which so many of the failures are kept.
fn threshold(cycles: &[Scored], recall: f64) -> f64 {
    let mut chances: Vec<f64> = cycles.iter().flatten().filter(|of| of.2).map(|of| of.0).collect();
    chances.sort_by(f64::total_cmp);
    let lost = (chances.len() as f64 * (1.0 - recall)).floor() as usize;
    chances.get(lost).copied().unwrap_or(0.0)
}
