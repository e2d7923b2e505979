//! How well the time of a run is foretold: each run of a history foretold from those before it, before it starts and at every
//! step, and how many of them the 80 % intervals held; and what a forecast costs. Prints tables; judges nothing.
//!
//! `cargo bench --bench eta [-- FOLDER]`. The folder holds `history_stages.csv` (`change_id,run,…,stage,…,started_at,
//! duration_s,…`) and `dag/*.jsonl.gz`, one run a line with its `tasks` (`id`, `cat`, `par`, `rt`).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use serde_json::Value;
use wfl::history::Change;
use wfl::insight::forecast::{Forecast, Work};
use wfl::insight::schedule::Progress;
use wfl::insight::times::{RunTimes, StageTime, Times, Took};

/// Runs that are only learned from.
const FIRST: usize = 5;
/// Orders in which the DAG runs are tried besides that of the file.
const ORDERS: usize = 10;

#[derive(Clone)]
struct Task {
    name: String,
    stage: String,
    after: Vec<usize>,
    ms: f64,
}

type Run = Vec<Task>;

/// What came of foretelling.
#[derive(Default)]
struct Score {
    n: f64,
    held: f64,
    error: f64,
    near: f64,
}

impl Score {
    fn add(&mut self, forecast: &Forecast, progress: &dyn Fn(usize) -> Progress, came_ms: f64) {
        let found = forecast.during(progress);
        let (Some(middle), Some(low), Some(high)) = (found.seconds, found.low, found.high) else { return };
        // Forecasts are rounded to milliseconds.
        let came = came_ms / 1000.0;
        let inside = low - 0.0005 <= came && came <= high + 0.0005;
        let error = (middle - came).abs() / came.max(0.001);
        self.n += 1.0;
        self.held += f64::from(u8::from(inside));
        self.near += f64::from(u8::from(error <= 0.1));
        self.error += error;
    }

    fn row(&self, name: &str) {
        let n = self.n.max(1.0);
        let share = |part: f64| part / n * 100.0;
        println!(
            "| {name} | {} | {:.1} % | {:.0} % | {:.2} |",
            self.n,
            share(self.held),
            share(self.near),
            self.error / n
        );
    }
}

fn main() {
    let given = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let folder =
        given.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    println!("| runs foretold | n | 80 % interval held | within 10 % | mean error |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let history = history(&folder.join("history_stages.csv"));
    let whole: Vec<Run> = history.iter().filter(|run| run.len() == 11).cloned().collect();
    for (name, runs) in [("history, all", &history), ("history, whole runs", &whole)] {
        foretell(runs, 1).row(&format!("{name}, before"));
        under_way(runs).row(&format!("{name}, at each stage"));
    }
    let dags = dags(&folder.join("dag"));
    for slots in [1, 4, 48] {
        let (mut in_order, mut shuffled) = (Score::default(), Score::default());
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for runs in dags.values() {
            foretell_into(runs, slots, &mut in_order);
            let mut runs = runs.clone();
            for _ in 0..ORDERS {
                runs.shuffle(&mut rng);
                foretell_into(&runs, slots, &mut shuffled);
            }
        }
        in_order.row(&format!("DAG, {slots} at once, file order"));
        shuffled.row(&format!("DAG, {slots} at once, {ORDERS} random orders"));
    }
    println!("\n| stages | runs | forecast made | asked during a run |");
    println!("| ---: | ---: | ---: | ---: |");
    [15, 100, 1_000, 10_000].into_iter().for_each(cost);
}

fn work(run: &Run, slots: usize) -> Work {
    Work::plain(
        run.iter().map(|task| (task.name.as_str(), task.stage.as_str(), task.after.as_slice())),
        slots,
    )
}

fn times(runs: &[Run]) -> Times {
    let stage = |task: &Task| StageTime {
        name: task.name.clone(),
        stage: task.stage.clone(),
        took: Took::Ms(task.ms),
    };
    let run = |run: &Run| RunTimes {
        stages: run.iter().map(stage).collect(),
        total: None,
        files: Vec::new(),
        count: 0,
    };
    Times { runs: runs.iter().map(run).collect() }
}

fn forecast(run: &Run, slots: usize, before: &[Run]) -> Option<Forecast> {
    Forecast::of(work(run, slots), &times(before), &Change::default(), None)
}

fn foretell(runs: &[Run], slots: usize) -> Score {
    let mut score = Score::default();
    foretell_into(runs, slots, &mut score);
    score
}

fn foretell_into(runs: &[Run], slots: usize, score: &mut Score) {
    for at in FIRST..runs.len() {
        // What it took: the same scheduler with what the tasks really took.
        let own = forecast(&runs[at], slots, &runs[at..=at]).and_then(|own| own.before().seconds);
        if let (Some(forecast), Some(came)) = (forecast(&runs[at], slots, &runs[..at]), own) {
            score.add(&forecast, &|_| Progress::Pending, came * 1000.0);
        }
    }
}

/// One stage after the other, at the end of each.
fn under_way(runs: &[Run]) -> Score {
    let mut score = Score::default();
    for at in FIRST..runs.len() {
        let Some(forecast) = forecast(&runs[at], 1, &runs[..at]) else { continue };
        for done in 1..runs[at].len() {
            let came: f64 = runs[at][done..].iter().map(|task| task.ms).sum();
            let progress = |step: usize| if step < done { Progress::Done } else { Progress::Pending };
            score.add(&forecast, &progress, came);
        }
    }
    score
}

/// Runs in the order of their starts; a stage that was tried again is an instance more.
fn history(path: &Path) -> Vec<Run> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut runs: Vec<(String, String, Run)> = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [.., started, duration, _, _] = cells.as_slice() else { continue };
        let Ok(seconds) = duration.parse::<f64>() else { continue };
        let id = format!("{} {}", cells[0], cells[1]);
        if runs.last().is_none_or(|run| run.0 != id) {
            runs.push((id, started.to_string(), Vec::new()));
        }
        let Some((_, _, run)) = runs.last_mut() else { continue };
        let again = run.iter().filter(|task| task.stage == cells[3]).count();
        let name = if again == 0 { cells[3].to_string() } else { format!("{}[{again}]", cells[3]) };
        let after = run.len().checked_sub(1).into_iter().collect();
        run.push(Task { name, stage: cells[3].to_string(), after, ms: seconds * 1000.0 });
    }
    runs.sort_by(|a, b| a.1.cmp(&b.1));
    runs.into_iter().map(|(_, _, run)| run).collect()
}

/// By workflow, in the order of the files.
fn dags(folder: &Path) -> BTreeMap<String, Vec<Run>> {
    let mut found: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for file in files.filter(|path| path.to_string_lossy().ends_with(".jsonl.gz")) {
        let mut text = String::new();
        let read = fs::File::open(&file).map(flate2::read::GzDecoder::new);
        if read.and_then(|mut gz| gz.read_to_string(&mut text)).is_err() {
            continue;
        }
        for run in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let path = run["path"].as_str().unwrap_or_default();
            let workflow = path.split('/').nth(1).unwrap_or_default().to_string();
            found.entry(workflow).or_default().push(tasks(&run));
        }
    }
    found
}

fn tasks(run: &Value) -> Run {
    let all = run["tasks"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let ids: Vec<String> = all.iter().map(|task| text(&task["id"])).collect();
    let parents = |task: &Value| -> Vec<usize> {
        let named = task["par"].as_array().into_iter().flatten();
        named.filter_map(|parent| ids.iter().position(|id| Some(id.as_str()) == parent.as_str())).collect()
    };
    all.iter()
        .map(|task| Task {
            name: text(&task["id"]),
            stage: text(&task["cat"]),
            after: parents(task),
            ms: task["rt"].as_f64().unwrap_or(0.0) * 1000.0,
        })
        .collect()
}

/// A chain and many beside it, with as many runs as are looked at.
fn cost(stages: usize) {
    let task = |at: usize| Task {
        name: format!("s{at}"),
        stage: format!("s{at}"),
        after: if at.is_multiple_of(10) { Vec::new() } else { vec![at - 1] },
        ms: 1_000.0 + (at * 37 % 911) as f64,
    };
    let run: Run = (0..stages).map(task).collect();
    let runs = vec![run.clone(); 100];
    let (times, change) = (times(&runs), Change::default());
    let started = Instant::now();
    let Some(forecast) = Forecast::of(work(&run, 4), &times, &change, None) else { return };
    let made = started.elapsed();
    let started = Instant::now();
    forecast.during(&|step| if step < stages / 2 { Progress::Done } else { Progress::Pending });
    let asked = started.elapsed();
    let ms = |time: std::time::Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    println!("| {stages} | {} | {} | {} |", forecast.runs, ms(made), ms(asked));
}
