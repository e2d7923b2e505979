//! Whole-process times beside `make -j2` and `ninja -j2`, as ratios of paired runs: checking 10,000 stages, and
//! running 1,000 no-op stages, wide and as a chain. Prints a table; judges nothing.
//!
//! `cargo bench --bench peers [-- ROUNDS]`. A peer that is not installed is left out and said so.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

const WFL: &str = env!("CARGO_BIN_EXE_wfl");
const STAGES: usize = 1_000;
const CHECKED: usize = 10_000;

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Wide,
    Chain,
}

fn main() {
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(5);
    let place = std::env::temp_dir().join(format!("wfl-bench-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a temporary folder");
    println!("{rounds} paired rounds; medians; no-op stage = `sh -c true`; 2 jobs\n");
    println!("| job | wfl | against | paired ratio |\n|---|---|---|---|");
    checking(&place, rounds);
    for (name, shape) in [("wide", Shape::Wide), ("chain", Shape::Chain)] {
        running(&place, name, shape, rounds);
    }
    let _ = fs::remove_dir_all(&place);
}

fn checking(place: &Path, rounds: usize) {
    let folder = place.join("check");
    write(&folder, "big.wfl", &layered_wfl(CHECKED));
    write(&folder, "build.ninja", &layered_ninja(CHECKED));
    let check = command(&folder, WFL, &["check", "big.wfl"]);
    let list = command(&folder, "ninja", &["-t", "targets", "all"]);
    compare(&format!("check {CHECKED} stages, 3 needs each"), "ninja -t targets all", rounds, check, list);
}

fn running(place: &Path, name: &str, shape: Shape, rounds: usize) {
    let folder = place.join(name);
    write(&folder, "all.wfl", &wfl(shape));
    write(&folder, "Makefile", &makefile(shape));
    write(&folder, "build.ninja", &ninja(shape));
    let job = format!("run {STAGES} stages, {name}");
    let run = || command(&folder, WFL, &["run", "all.wfl", "-j", "2"]);
    compare(&job, "make -j2", rounds, run(), command(&folder, "make", &["-s", "-j2", "all"]));
    compare(&job, "ninja -j2", rounds, run(), command(&folder, "ninja", &["-j2", "all"]));
    let jobs = if shape == Shape::Wide { 2 } else { 1 };
    compare(&job, "bare spawns", rounds, run(), Box::new(move || bare_spawns(jobs)));
}

type Timed = Box<dyn Fn() -> Option<Duration>>;

fn command(folder: &Path, program: &str, arguments: &[&str]) -> Timed {
    let (folder, program) = (folder.to_path_buf(), program.to_string());
    let arguments: Vec<String> = arguments.iter().map(|word| word.to_string()).collect();
    Box::new(move || {
        let started = Instant::now();
        let status = Command::new(&program)
            .args(&arguments)
            .current_dir(&folder)
            .env("WFL_STATE_DIR", folder.join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .ok()?;
        status.success().then(|| started.elapsed())
    })
}

/// What no engine can beat: the same shells started by threads that keep nothing.
fn bare_spawns(jobs: usize) -> Option<Duration> {
    let started = Instant::now();
    let left = Mutex::new(STAGES);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while take(&left) {
                    let _ = Command::new("/bin/sh").args(["-c", "true"]).stdin(Stdio::null()).status();
                }
            });
        }
    });
    Some(started.elapsed())
}

fn take(left: &Mutex<usize>) -> bool {
    let mut left = left.lock().expect("no panic while held");
    *left = left.saturating_sub(1);
    *left > 0
}

fn compare(job: &str, peer: &str, rounds: usize, ours: Timed, theirs: Timed) {
    let (Some(_), Some(_)) = (ours(), theirs()) else {
        println!("| {job} | – | {peer} | not measured: one of them did not run |");
        return;
    };
    let pairs: Vec<(f64, f64)> =
        (0..rounds).filter_map(|_| Some((ours()?.as_secs_f64(), theirs()?.as_secs_f64()))).collect();
    let median = |mut numbers: Vec<f64>| {
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    let ours = median(pairs.iter().map(|pair| pair.0).collect());
    let theirs = median(pairs.iter().map(|pair| pair.1).collect());
    let ratio = median(pairs.iter().map(|pair| pair.0 / pair.1).collect());
    println!("| {job} | {:.0} ms | {peer}: {:.0} ms | {ratio:.2} |", ours * 1e3, theirs * 1e3);
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join(name), text).expect("a file");
}

fn needs(shape: Shape, index: usize) -> String {
    match shape {
        Shape::Chain if index > 0 => format!("t{}", index - 1),
        _ => String::new(),
    }
}

fn wfl(shape: Shape) -> String {
    let mut text = String::from("wfl 1\n");
    for index in 0..STAGES {
        let needs = needs(shape, index);
        let needs = if needs.is_empty() { needs } else { format!("needs {needs}; ") };
        let _ = writeln!(text, "stage t{index} {{ {needs}exec \"/bin/sh\", \"-c\", \"true\" }}");
    }
    text
}

fn makefile(shape: Shape) -> String {
    let names: Vec<String> = (0..STAGES).map(|index| format!("t{index}")).collect();
    let mut text = format!(".PHONY: all {0}\nall: {0}\n", names.join(" "));
    for index in 0..STAGES {
        let _ = writeln!(text, "t{index}: {}\n\t@true ;", needs(shape, index));
    }
    text
}

fn ninja(shape: Shape) -> String {
    let mut text = String::from("rule r\n  command = true\n");
    for index in 0..STAGES {
        let _ = writeln!(text, "build t{index}: r {}", needs(shape, index));
    }
    let names: Vec<String> = (0..STAGES).map(|index| format!("t{index}")).collect();
    let _ = writeln!(text, "build all: phony {}", names.join(" "));
    text
}

/// Three needs among the 120 stages before; the same graph in both files.
fn layered(index: usize) -> Vec<usize> {
    let near = index.saturating_sub(120);
    (0..3).map(|k| near + (index * 7 + k * 41) % 120).filter(|&need| need < index).collect()
}

fn layered_wfl(count: usize) -> String {
    let mut text = String::from("wfl 1\n");
    for index in 0..count {
        let mut needs: Vec<String> = layered(index).iter().map(|need| format!("t{need}")).collect();
        needs.dedup();
        let needs = if needs.is_empty() { String::new() } else { format!("  needs {}\n", needs.join(", ")) };
        let _ = writeln!(
            text,
            "stage t{index} {{\n{needs}  timeout 30s\n  run \"\"\"\n    echo stage {index} && true\n    \"\"\"\n}}"
        );
    }
    text
}

fn layered_ninja(count: usize) -> String {
    let mut text = String::from("rule r\n  command = true\n");
    for index in 0..count {
        let needs: Vec<String> = layered(index).iter().map(|need| format!("t{need}")).collect();
        let _ = writeln!(text, "build t{index}: r {}", needs.join(" "));
    }
    text
}
