//! How long advice takes with a long history: `wfl explain` as a whole process with 1,000, 10,000 and 100,000 remembered
//! runs, the first time (all is learned) and after that (what was learned is read); learning and keeping by themselves.
//! Prints tables; judges nothing.
//!
//! `cargo bench --bench advice [-- ROUNDS]`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wfl::base::Timestamp;
use wfl::event::{RunStatus, Status};
use wfl::history::{Filter, History, Mode, Past, PastChange, PastStage};
use wfl::insight::{Model, snapshot};
use wfl::store::Store;

const WFL: &str = env!("CARGO_BIN_EXE_wfl");
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const STAGES: usize = 10;
const HOUR: i64 = 3_600_000;

fn main() {
    let rounds: usize = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(9);
    let place = std::env::temp_dir().join(format!("wfl-bench-advice-{}", std::process::id()));
    println!("{rounds} rounds, medians; {STAGES} stages a run\n");
    println!("| runs | first `explain` | `explain` after that | snapshot | fit | one run more |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for runs in SIZES {
        size(&place.join(runs.to_string()), runs, rounds);
    }
    let _ = std::fs::remove_dir_all(&place);
}

fn size(folder: &Path, runs: usize, rounds: usize) {
    let project = folder.join("project");
    let state = folder.join("state");
    std::fs::create_dir_all(&project).expect("a folder");
    std::fs::write(project.join("all.wfl"), lane()).expect("a file");
    let all = history(runs);
    let store = Store::open(&state).expect("a store");
    all.chunks(5_000).for_each(|some| drop(store.remember(some).expect("remembered")));
    drop(store);
    let first = took(&project, &state);
    let after = median((0..rounds).map(|_| took(&project, &state)).collect());
    let store = Store::open(&state).expect("a store");
    let filter = Filter { lane: Some("l".into()), limit: Some(10_000), ..Filter::default() };
    let newest = store.past(&filter).expect("a history");
    let fit = median((0..rounds).map(|_| timed(|| Model::fit(&newest, 1, Timestamp(0)))).collect());
    let model = Model::fit(&newest, 1, Timestamp(0));
    let bytes = snapshot::write(&model).map_or(0, |bytes| bytes.len());
    let more = median(newest.iter().take(rounds).map(|run| timed(|| model.clone().update(run))).collect());
    let copied = median((0..rounds).map(|_| timed(|| model.clone())).collect());
    println!(
        "| {runs} | {} | {} | {} KiB | {} | {} |",
        milliseconds(first),
        milliseconds(after),
        bytes / 1024,
        milliseconds(fit),
        milliseconds(more.saturating_sub(copied))
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    drop(std::hint::black_box(work()));
    started.elapsed()
}

fn took(project: &PathBuf, state: &Path) -> Duration {
    timed(|| {
        let status = Command::new(WFL)
            .args(["explain", "l", "--files", "part3/x.rs", "--format", "json"])
            .current_dir(project)
            .env("WFL_STATE_DIR", state)
            .stdout(Stdio::null())
            .status()
            .expect("wfl starts");
        assert!(status.success());
    })
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn lane() -> String {
    let names: Vec<String> = (0..STAGES).map(|at| format!("s{at}")).collect();
    let stages: String = names.iter().map(|name| format!("stage {name} {{ exec \"true\" }}\n")).collect();
    format!("wfl 1\n{stages}lane l {{ include {} }}\n", names.join(", "))
}

/// Changes in twelve parts; each stage fails more often where its own part is touched.
fn history(runs: usize) -> Vec<Past> {
    let mut rng = StdRng::seed_from_u64(7);
    (0..runs).map(|number| run(number, &mut rng)).collect()
}

fn run(number: usize, rng: &mut StdRng) -> Past {
    let main = rng.random_range(0..12usize);
    let mut files: Vec<String> = (0..rng.random_range(1..7))
        .map(|_| {
            let part = if rng.random_bool(0.8) { main } else { rng.random_range(0..12) };
            format!("part{part}/sub{}/file{}.rs", rng.random_range(0..4), rng.random_range(0..40))
        })
        .collect();
    files.sort();
    let stages = (0..STAGES)
        .map(|at| {
            let touched = files.iter().any(|file| file.starts_with(&format!("part{at}/")));
            let failed = rng.random_bool(if touched { 0.2 } else { 0.01 });
            let status = if failed { Status::Failed } else { Status::Succeeded };
            stage(&format!("s{at}"), status, rng.random_range(1_000..3_000))
        })
        .collect();
    Past {
        id: format!("r{number:06}"),
        project: String::new(),
        source: "bench".into(),
        lane: "l".into(),
        status: RunStatus::Succeeded,
        started: Timestamp(1_600_000_000_000 + number as i64 * HOUR),
        duration_ms: 5_000,
        change: PastChange {
            kind: ["fix", "feat", "docs", "chore"][main % 4].into(),
            count: files.len() as u64,
            files,
            added: rng.random_range(1..300),
            deleted: 3,
            branch: format!("feature/{number}"),
            author: format!("a{}", number % 5),
            ..PastChange::default()
        },
        stages,
        mode: Mode::Full,
    }
}

fn stage(name: &str, status: Status, ms: u64) -> PastStage {
    PastStage {
        name: name.into(),
        stage: name.into(),
        number: None,
        kind: "stage".into(),
        status,
        reason: None,
        began_ms: Some(0),
        duration_ms: ms,
        attempts: 1,
        cpu_ms: ms,
        memory: 1 << 20,
        io: 0,
        measures: Default::default(),
    }
}
