//! Whole runs beside bare spawns and beside the tools that run the same graph: 1,000 stages wide, 1,000 as a chain,
//! 2,000 in layers, one, and 10,000 wide; a stage is `/bin/sh -c true`, at most two at once. Prints tables; judges nothing.
//!
//! `cargo bench --bench engine [-- ROUNDS] [wide|chain|layered|startup|large ...] [no-slow]`. What is not installed is
//! left out and said so: `benches/peers.sh` installs it.

mod gauge;
mod graph;
mod tools;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gauge::{Cost, Gauge, median};
use graph::Shape;
use tools::{PEERS, Tool, WFL};

const MODES: [&str; 3] = ["process", "barrier", "every"];
/// Rounds of a tool that takes minutes.
const SLOW_ROUNDS: usize = 3;

#[derive(Clone, Copy)]
struct Work {
    name: &'static str,
    shape: Shape,
    count: usize,
}

const WORKS: [Work; 3] = [
    Work { name: "wide", shape: Shape::Wide, count: 1_000 },
    Work { name: "chain", shape: Shape::Chain, count: 1_000 },
    Work { name: "layered", shape: Shape::Layered, count: 2_000 },
];

/// What was asked for on the command line.
struct Asked {
    rounds: usize,
    only: Vec<String>,
    slow: bool,
}

impl Asked {
    fn read() -> Asked {
        let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
        let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(9);
        let slow = !words.iter().any(|word| word == "no-slow");
        let only =
            words.into_iter().filter(|word| word.parse::<usize>().is_err() && word != "no-slow").collect();
        Asked { rounds, only, slow }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| word == name)
    }
}

fn main() {
    let asked = Asked::read();
    let place = std::env::temp_dir().join(format!("wfl-bench-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a temporary folder");
    match Gauge::build(&place) {
        Ok(gauge) => all(&gauge, &place, &asked),
        Err(why) => println!("nothing measured: {why}"),
    }
    let _ = fs::remove_dir_all(&place);
}

fn all(gauge: &Gauge, place: &Path, asked: &Asked) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{} paired rounds, medians; a stage is `/bin/sh -c true`, at most 2 at once; {processors} processors",
        asked.rounds
    );
    println!("L: the same shells from bare posix_spawn, two in flight (chain: one)");
    println!("append and fdatasync of 4 KiB, p50: {:.2} ms\n", sync_median(place).as_secs_f64() * 1e3);
    for work in WORKS.into_iter().filter(|work| asked.wants(work.name)) {
        compare(gauge, &place.join(work.name), work, asked);
    }
    if asked.wants("startup") {
        startup(gauge, &place.join("startup"), asked.rounds);
    }
    if asked.wants("large") {
        large(gauge, &place.join("large"), asked.rounds.min(SLOW_ROUNDS));
    }
}

/// What a barrier costs here at least.
fn sync_median(place: &Path) -> Duration {
    let mut file = fs::File::create(place.join("sync")).expect("a file");
    let mut times: Vec<Duration> = (0..101)
        .map(|_| {
            let started = Instant::now();
            file.write_all(&[1; 4096]).and_then(|()| file.sync_data()).expect("a disk");
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// One row of a table: something to run, and what came of it beside L of the same round.
struct Row<'a> {
    name: String,
    rounds: usize,
    run: Box<dyn Fn() -> Option<Cost> + 'a>,
    costs: Vec<(Cost, Cost)>,
}

fn compare(gauge: &Gauge, folder: &Path, work: Work, asked: &Asked) {
    let needs = graph::needs(work.shape, work.count);
    tools::write(folder, "all.wfl", &tools::wfl(&needs));
    let mut rows: Vec<Row> = MODES.iter().map(|mode| ours(gauge, folder, mode, asked.rounds)).collect();
    let mut missing = Vec::new();
    for tool in PEERS.iter().filter(|tool| asked.slow || !tool.slow) {
        match tool.program() {
            Some(program) => {
                rows.push(theirs(gauge, &folder.join(tool.name), tool, program, &needs, asked.rounds))
            }
            None => missing.push(tool.name),
        }
    }
    let slots = if work.shape == Shape::Chain { 1 } else { 2 };
    for round in 0..asked.rounds {
        let Some(bare) = gauge.bare(work.count, slots) else { return println!("the bare spawns failed") };
        for row in rows.iter_mut().filter(|row| round < row.rounds) {
            row.costs.extend((row.run)().map(|cost| (cost, bare)));
        }
    }
    table(work, &rows);
    if !missing.is_empty() {
        println!("not installed: {}", missing.join(", "));
    }
    println!();
}

fn ours<'a>(gauge: &'a Gauge, folder: &'a Path, mode: &'static str, rounds: usize) -> Row<'a> {
    let run = move || run_wfl(gauge, folder, mode, &folder.join("state"));
    Row { name: format!("wfl, {mode}"), rounds, run: Box::new(run), costs: Vec::new() }
}

fn run_wfl(gauge: &Gauge, folder: &Path, mode: &str, state: &Path) -> Option<Cost> {
    let arguments = ["run", "all.wfl", "-j", "2", "--durability", mode];
    gauge.run(folder, Path::new(WFL), &arguments, &[("WFL_STATE_DIR", state.to_path_buf())])
}

fn theirs<'a>(
    gauge: &'a Gauge,
    folder: &Path,
    tool: &'a Tool,
    program: PathBuf,
    needs: &[Vec<usize>],
    rounds: usize,
) -> Row<'a> {
    let folder = folder.to_path_buf();
    tool.write(&folder, needs);
    let run = move || {
        for name in tool.forget {
            let _ = fs::remove_file(folder.join(name)).or_else(|_| fs::remove_dir_all(folder.join(name)));
        }
        gauge.run(&folder, &program, &tool.command[1..], &[("DAGU_HOME", folder.join("dagu"))])
    };
    let rounds = if tool.slow { rounds.min(SLOW_ROUNDS) } else { rounds };
    Row { name: tool.name.to_string(), rounds, run: Box::new(run), costs: Vec::new() }
}

fn table(work: Work, rows: &[Row]) {
    let of = |row: &Row, number: fn(&(Cost, Cost)) -> f64| median(row.costs.iter().map(number));
    let stages = work.count as f64;
    let bare = of(&rows[0], |(_, bare)| bare.wall);
    let least = of(&rows[0], |(_, bare)| bare.processor);
    println!(
        "{}, {} stages: L {:.0} us a stage, {:.2} s of processor",
        work.name,
        work.count,
        bare / stages,
        least / 1e6
    );
    println!(
        "| {:<14} | {:>12} | {:>6} | {:>13} | {:>8} | {:>9} |",
        "", "us a stage", "/ L", "processor / L", "CPU s", "peak MiB"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        if row.costs.is_empty() {
            println!("| {:<14} | did not run | - | - | - | - |", row.name);
            continue;
        }
        println!(
            "| {:<14} | {:>12.0} | {:>6.2} | {:>13.2} | {:>8.2} | {:>9.1} |",
            row.name,
            of(row, |(cost, _)| cost.wall) / stages,
            of(row, |(cost, bare)| cost.wall / bare.wall),
            of(row, |(cost, bare)| cost.processor / bare.processor),
            of(row, |(cost, _)| cost.processor) / 1e6,
            of(row, |(cost, _)| cost.memory) / 1024.0,
        );
    }
    against(rows, "wfl, process", "ninja", |ours, theirs| ours / theirs);
    against(rows, "wfl, barrier", "snakemake", |ours, theirs| theirs / ours);
    against(rows, "wfl, barrier", "dagu", |ours, theirs| theirs / ours);
}

/// Two rows of the same rounds.
fn against(rows: &[Row], ours: &str, theirs: &str, ratio: fn(f64, f64) -> f64) {
    let find = |name: &str| rows.iter().find(|row| row.name == name && !row.costs.is_empty());
    if let (Some(our), Some(their)) = (find(ours), find(theirs)) {
        let pairs = our.costs.iter().zip(&their.costs);
        println!("{ours} and {theirs}: {:.2}", median(pairs.map(|((a, _), (b, _))| ratio(a.wall, b.wall))));
    }
}

/// One stage: with a state folder that is new each time, and with one that is there.
fn startup(gauge: &Gauge, folder: &Path, rounds: usize) {
    tools::write(folder, "all.wfl", &tools::wfl(&[Vec::new()]));
    let rounds = rounds.max(15);
    let state = folder.join("state");
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let _ = fs::remove_dir_all(&state);
        times[0].extend(run_wfl(gauge, folder, "barrier", &state));
        times[1].extend(run_wfl(gauge, folder, "barrier", &state));
        times[2].extend(gauge.bare(1, 1));
    }
    println!("startup, one stage, barrier\n| | ms | CPU ms | peak MiB |\n| --- | ---: | ---: | ---: |");
    for (name, costs) in ["a new state folder", "the folder is there", "L"].iter().zip(&times) {
        let of = |number: fn(&Cost) -> f64| median(costs.iter().map(number));
        println!(
            "| {name} | {:.1} | {:.1} | {:.1} |",
            of(|cost| cost.wall) / 1e3,
            of(|cost| cost.processor) / 1e3,
            of(|cost| cost.memory) / 1024.0
        );
    }
    println!();
}

/// Whether a stage of 10,000 costs more than one of 1,000.
fn large(gauge: &Gauge, folder: &Path, rounds: usize) {
    let (few, many) = (folder.join("few"), folder.join("many"));
    tools::write(&few, "all.wfl", &tools::wfl(&graph::needs(Shape::Wide, 1_000)));
    tools::write(&many, "all.wfl", &tools::wfl(&graph::needs(Shape::Wide, 10_000)));
    let run = |folder: &Path| {
        let cost = run_wfl(gauge, folder, "barrier", &folder.join("state"));
        let _ = fs::remove_dir_all(folder.join("state"));
        cost
    };
    let pairs: Vec<(Cost, Cost)> = (0..rounds).filter_map(|_| Some((run(&few)?, run(&many)?))).collect();
    let of = |number: fn(&(Cost, Cost)) -> f64| median(pairs.iter().map(number));
    println!("large, 10000 stages wide, barrier, a new state folder");
    println!(
        "a stage beside one of 1000: wall {:.2}, processor {:.2}",
        of(|(few, many)| many.wall / few.wall / 10.0),
        of(|(few, many)| many.processor / few.processor / 10.0)
    );
    println!(
        "peak memory: {:.1} MiB of 10000, {:.1} MiB of 1000\n",
        of(|(_, many)| many.memory) / 1024.0,
        of(|(few, _)| few.memory) / 1024.0
    );
}
