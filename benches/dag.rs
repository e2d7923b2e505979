//! The makespan of real DAG runs beside the bound of list scheduling: each run's tasks become stages that sleep, scaled so
//! that the bound is a few seconds, and run with 2, 4 and 8 at once; first in plan order, then again with what the first
//! run taught. Prints a table; judges nothing.
//!
//! `cargo bench --bench dag [-- --data FOLDER --seconds 2.5 --runs 40]`. The folder holds `*.jsonl.gz`, one run a line
//! with its `tasks` (`id`, `par`, `rt`). Without it, graphs are made up.

use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

const WFL: &str = env!("CARGO_BIN_EXE_wfl");
const AT_ONCE: [usize; 3] = [2, 4, 8];
/// No stage sleeps less: starting it would be all of it.
const SHORTEST: f64 = 0.002;

struct Settings {
    data: PathBuf,
    /// The bound each run is scaled to.
    seconds: f64,
    runs: usize,
}

#[derive(Clone)]
struct Job {
    seconds: f64,
    needs: Vec<usize>,
}

struct Graph {
    name: String,
    jobs: Vec<Job>,
}

/// One graph at one width, in seconds.
struct Measured {
    /// What no schedule can beat: the longest path, or all work spread evenly.
    bound: f64,
    /// A list schedule by longest remaining path without any cost of its own.
    ideal: f64,
    plan_order: f64,
    history: f64,
    /// The bound again, of the times that the stages really took in the run with history: what is above it is order and
    /// the engine, not the machine.
    real_bound: f64,
}

fn main() {
    let settings = settings();
    let mut graphs = real(&settings.data);
    if graphs.is_empty() {
        println!("no `*.jsonl.gz` in {}: made-up graphs instead\n", settings.data.display());
        graphs = (0..settings.runs as u64).map(made_up).collect();
    }
    graphs.sort_by_key(|graph| graph.jobs.len());
    let graphs = spread(graphs, settings.runs);
    let place = std::env::temp_dir().join(format!("wfl-dag-{}", std::process::id()));
    let sizes: Vec<usize> = graphs.iter().map(|graph| graph.jobs.len()).collect();
    let (least, most) = (sizes.first().unwrap_or(&0), sizes.last().unwrap_or(&0));
    println!(
        "{} runs of {least} to {most} tasks, each scaled to a bound of {} s\n",
        graphs.len(),
        settings.seconds
    );
    println!("| at once | order | against | median | worst | within 1.05 |");
    println!("| ---: | --- | --- | ---: | ---: | ---: |");
    let mut all = Vec::new();
    for at_once in AT_ONCE {
        let measured: Vec<Measured> = graphs
            .iter()
            .enumerate()
            .filter_map(|(index, graph)| {
                measure(&place.join(format!("{at_once}-{index}")), graph, at_once, settings.seconds)
            })
            .collect();
        table(&at_once.to_string(), &measured);
        all.extend(measured);
    }
    table("all", &all);
    let _ = fs::remove_dir_all(&place);
}

fn settings() -> Settings {
    let words: Vec<String> = std::env::args().collect();
    let after =
        |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1)).cloned();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Settings {
        data: after("--data").map_or_else(|| here.join("../shared/data/dag"), PathBuf::from),
        seconds: after("--seconds").and_then(|word| word.parse().ok()).unwrap_or(2.5),
        runs: after("--runs").and_then(|word| word.parse().ok()).unwrap_or(40),
    }
}

fn table(at_once: &str, measured: &[Measured]) {
    let row = |order: &str, against: &str, of: &dyn Fn(&Measured) -> f64| {
        let mut ratios: Vec<f64> = measured.iter().map(of).collect();
        ratios.sort_by(f64::total_cmp);
        let (Some(worst), Some(median)) = (ratios.last(), ratios.get(ratios.len() / 2)) else { return };
        let within = ratios.iter().filter(|ratio| **ratio <= 1.05).count();
        println!(
            "| {at_once} | {order} | {against} | {median:.3} | {worst:.3} | {within} of {} |",
            ratios.len()
        );
    };
    row("plan", "bound", &|of| of.plan_order / of.bound);
    row("history", "bound", &|of| of.history / of.bound);
    row("none: ideal list schedule", "bound", &|of| of.ideal / of.bound);
    row("plan", "ideal list schedule", &|of| of.plan_order / of.ideal);
    row("history", "ideal list schedule", &|of| of.history / of.ideal);
    row("history", "bound of the times it took", &|of| of.history / of.real_bound);
}

/// Runs the graph twice; the second knows what the first took.
fn measure(folder: &Path, graph: &Graph, at_once: usize, seconds: f64) -> Option<Measured> {
    let factor = seconds / bound(&graph.jobs, at_once);
    let jobs: Vec<Job> = graph
        .jobs
        .iter()
        .map(|job| Job { seconds: (job.seconds * factor).max(SHORTEST), needs: job.needs.clone() })
        .collect();
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("all.wfl"), wfl(&jobs)).expect("a file");
    let (plan_order, history) = (run(folder, at_once)?, run(folder, at_once)?);
    let ideal = list_schedule(&jobs, at_once);
    let real_bound = bound(&took(folder, &jobs)?, at_once);
    let found = Measured { bound: bound(&jobs, at_once), ideal, plan_order, history, real_bound };
    eprintln!(
        "{} x{at_once}: bound {:.3}, ideal {:.3}, plan order {:.3}, history {:.3}, of which {:.3} is its own bound",
        graph.name, found.bound, found.ideal, found.plan_order, found.history, found.real_bound
    );
    let _ = fs::remove_dir_all(folder);
    Some(found)
}

fn run(folder: &Path, at_once: usize) -> Option<f64> {
    let started = Instant::now();
    let status =
        command(folder, &["run", "all.wfl", "-j", &at_once.to_string()]).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success()).then(|| started.elapsed().as_secs_f64())
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(WFL);
    command
        .args(arguments)
        .current_dir(folder)
        .env("WFL_STATE_DIR", folder.join("state"))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The jobs with the times of the newest run.
fn took(folder: &Path, jobs: &[Job]) -> Option<Vec<Job>> {
    let shown = command(folder, &["show", "last", "--format", "json"]).output().ok()?;
    let shown: Value = serde_json::from_slice(&shown.stdout).ok()?;
    let stages = shown["stages"].as_array()?;
    let seconds: HashMap<&str, f64> = stages
        .iter()
        .filter_map(|stage| Some((stage["name"].as_str()?, stage["duration_ms"].as_f64()? / 1e3)))
        .collect();
    let job = |(index, job): (usize, &Job)| {
        let seconds = seconds.get(format!("t{index}").as_str()).copied()?;
        Some(Job { seconds, needs: job.needs.clone() })
    };
    jobs.iter().enumerate().map(job).collect()
}

fn wfl(jobs: &[Job]) -> String {
    let mut text = String::from("wfl 1\n");
    for (index, job) in jobs.iter().enumerate() {
        let needs: Vec<String> = job.needs.iter().map(|need| format!("t{need}")).collect();
        let needs = if needs.is_empty() { String::new() } else { format!("needs {}; ", needs.join(", ")) };
        let _ = writeln!(text, "stage t{index} {{ {needs}exec \"/bin/sleep\", \"{:.4}\" }}", job.seconds);
    }
    text
}

fn bound(jobs: &[Job], at_once: usize) -> f64 {
    let work: f64 = jobs.iter().map(|job| job.seconds).sum();
    longest(jobs).into_iter().fold(work / at_once as f64, f64::max)
}

/// The longest way from each job to the end, itself counted. Jobs stand after what they need.
fn longest(jobs: &[Job]) -> Vec<f64> {
    let mut longest: Vec<f64> = jobs.iter().map(|job| job.seconds).collect();
    for index in (0..jobs.len()).rev() {
        for &need in &jobs[index].needs {
            longest[need] = longest[need].max(jobs[need].seconds + longest[index]);
        }
    }
    longest
}

/// In virtual time: whenever a place is free, the ready job with the longest way to the end starts.
fn list_schedule(jobs: &[Job], at_once: usize) -> f64 {
    let longest = longest(jobs);
    let micros = |seconds: f64| (seconds * 1e6) as u64;
    let mut open: Vec<usize> = jobs.iter().map(|job| job.needs.len()).collect();
    let mut ready: BinaryHeap<(u64, std::cmp::Reverse<usize>)> = BinaryHeap::new();
    let enters = |ready: &mut BinaryHeap<_>, index: usize| {
        ready.push((micros(longest[index]), std::cmp::Reverse(index)))
    };
    (0..jobs.len()).filter(|index| open[*index] == 0).for_each(|index| enters(&mut ready, index));
    let mut running: BTreeSet<(u64, usize)> = BTreeSet::new();
    let mut now = 0;
    loop {
        while running.len() < at_once {
            let Some((_, std::cmp::Reverse(index))) = ready.pop() else { break };
            running.insert((now + micros(jobs[index].seconds), index));
        }
        let Some((end, done)) = running.pop_first() else { return now as f64 / 1e6 };
        now = end;
        for index in (0..jobs.len()).filter(|index| jobs[*index].needs.contains(&done)) {
            open[index] -= 1;
            if open[index] == 0 {
                enters(&mut ready, index);
            }
        }
    }
}

/// So many of them, over all sizes.
fn spread(graphs: Vec<Graph>, count: usize) -> Vec<Graph> {
    let all = graphs.len();
    let count = count.clamp(1, all);
    let wanted: BTreeSet<usize> = (0..count).map(|at| at * all / count).collect();
    graphs
        .into_iter()
        .enumerate()
        .filter(|(index, _)| wanted.contains(index))
        .map(|(_, graph)| graph)
        .collect()
}

fn real(folder: &Path) -> Vec<Graph> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let packed = files.filter(|path| path.extension().is_some_and(|ending| ending == "gz"));
    let mut graphs = Vec::new();
    for path in packed {
        let Ok(read) = Command::new("zcat").arg(&path).output() else { continue };
        let text = String::from_utf8_lossy(&read.stdout).into_owned();
        graphs.extend(text.lines().filter_map(|line| graph(&serde_json::from_str(line).ok()?)));
    }
    graphs
}

/// Tasks in an order in which each stands after what it needs.
fn graph(run: &Value) -> Option<Graph> {
    let tasks = run["tasks"].as_array()?;
    let known: HashMap<&str, usize> =
        tasks.iter().enumerate().filter_map(|(index, task)| Some((task["id"].as_str()?, index))).collect();
    let needs = |task: &Value| -> Vec<usize> {
        let parents = task["par"].as_array().into_iter().flatten();
        parents.filter_map(|parent| known.get(parent.as_str()?).copied()).collect()
    };
    let needs: Vec<Vec<usize>> = tasks.iter().map(needs).collect();
    let mut place: Vec<Option<usize>> = vec![None; tasks.len()];
    let mut jobs = Vec::new();
    while jobs.len() < tasks.len() {
        let next = (0..tasks.len())
            .find(|&at| place[at].is_none() && needs[at].iter().all(|need| place[*need].is_some()))?;
        place[next] = Some(jobs.len());
        let seconds = tasks[next]["rt"].as_f64().unwrap_or_default();
        jobs.push(Job { seconds, needs: needs[next].iter().filter_map(|need| place[*need]).collect() });
    }
    Some(Graph { name: run["path"].as_str()?.rsplit('/').next()?.trim_end_matches(".json").to_owned(), jobs })
}

/// Layers with times that differ as those of real runs do: most are short, a few are long.
fn made_up(seed: u64) -> Graph {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let count = 20 + (seed as usize * 7) % 280;
    let jobs = (0..count)
        .map(|index| {
            let needs: BTreeSet<usize> = (0..rng.random_range(0..4))
                .map(|_| index.saturating_sub(rng.random_range(1..30)))
                .filter(|need| *need < index)
                .collect();
            let seconds = (rng.random_range(-1.0..1.0_f64) * 3.0).exp();
            Job { seconds, needs: needs.into_iter().collect() }
        })
        .collect();
    Graph { name: format!("made-up-{seed}"), jobs }
}
