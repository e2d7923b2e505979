//! Whole-process times beside `make -j2`, `ninja -j2` and bare spawns, as ratios of paired runs: checking 10,000
//! stages, running 1,000 no-op stages, wide and as a chain, and one stage from start to end. Prints a table; judges
//! nothing.
//!
//! `cargo bench --bench peers [-- ROUNDS]`. A peer that is not installed is left out and said so.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
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

#[derive(Clone, Copy)]
struct Work {
    shape: Shape,
    count: usize,
}

fn main() {
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(9);
    let place = std::env::temp_dir().join(format!("wfl-bench-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a temporary folder");
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let sync = milliseconds(sync_median(&place));
    println!("{rounds} paired rounds, medians; a stage is `sh -c true`, at most 2 at once");
    println!("{processors} processors; append and fsync of 4 KiB, p50: {sync}\n");
    row("job", "wfl", "against", "peer", "ratio");
    row("---", "---:", "---", "---:", "---:");
    checking(&place, rounds);
    for (name, shape, count) in
        [("wide", Shape::Wide, STAGES), ("chain", Shape::Chain, STAGES), ("one", Shape::Wide, 1)]
    {
        running(&place.join(name), name, Work { shape, count }, rounds);
    }
    let _ = fs::remove_dir_all(&place);
}

fn row(job: &str, ours: &str, peer: &str, theirs: &str, ratio: &str) {
    println!("| {job:<34} | {ours:>9} | {peer:<24} | {theirs:>9} | {ratio:>5} |");
}

fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
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

fn checking(place: &Path, rounds: usize) {
    let folder = place.join("check");
    write(&folder, "big.wfl", &layered_wfl(CHECKED));
    write(&folder, "build.ninja", &layered_ninja(CHECKED));
    let check = command(&folder, WFL, &["check", "big.wfl"]);
    let list = command(&folder, "ninja", &["-t", "targets", "all"]);
    compare(&format!("check {CHECKED} stages, 3 needs each"), "ninja -t targets all", rounds, check, list);
}

fn running(folder: &Path, name: &str, work: Work, rounds: usize) {
    write(folder, "all.wfl", &wfl(work));
    write(folder, "Makefile", &makefile(work));
    write(folder, "build.ninja", &ninja(work));
    let job =
        if work.count == 1 { "run one stage".into() } else { format!("run {} stages, {name}", work.count) };
    let run = || command(folder, WFL, &["run", "all.wfl", "-j", "2"]);
    compare(&job, "make -j2", rounds, run(), command(folder, "make", &["-s", "-j2", "all"]));
    compare(&job, "ninja -j2", rounds, run(), command(folder, "ninja", &["-j2", "all"]));
    let jobs = if work.shape == Shape::Wide { 2 } else { 1 };
    compare(&job, "bare spawns", rounds, run(), Box::new(move || bare_spawns(jobs, work.count)));
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
fn bare_spawns(jobs: usize, count: usize) -> Option<Duration> {
    let started = Instant::now();
    let left = Mutex::new(count);
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
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

fn compare(job: &str, peer: &str, rounds: usize, ours: Timed, theirs: Timed) {
    let (Some(_), Some(_)) = (ours(), theirs()) else {
        row(job, "-", peer, "did not run", "-");
        return;
    };
    let pairs: Vec<(Duration, Duration)> = (0..rounds).filter_map(|_| Some((ours()?, theirs()?))).collect();
    let median = |of: fn(&(Duration, Duration)) -> f64| {
        let mut numbers: Vec<f64> = pairs.iter().map(of).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.get(numbers.len() / 2).copied().unwrap_or_default()
    };
    let time = |seconds| milliseconds(Duration::from_secs_f64(seconds));
    let ours = median(|pair| pair.0.as_secs_f64());
    let theirs = median(|pair| pair.1.as_secs_f64());
    let ratio = median(|pair| pair.0.as_secs_f64() / pair.1.as_secs_f64());
    row(job, &time(ours), peer, &time(theirs), &format!("{ratio:.2}"));
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

fn wfl(work: Work) -> String {
    let mut text = String::from("wfl 1\n");
    for index in 0..work.count {
        let needs = needs(work.shape, index);
        let needs = if needs.is_empty() { needs } else { format!("needs {needs}; ") };
        let _ = writeln!(text, "stage t{index} {{ {needs}exec \"/bin/sh\", \"-c\", \"true\" }}");
    }
    text
}

fn makefile(work: Work) -> String {
    let names: Vec<String> = (0..work.count).map(|index| format!("t{index}")).collect();
    let mut text = format!(".PHONY: all {0}\nall: {0}\n", names.join(" "));
    for index in 0..work.count {
        let _ = writeln!(text, "t{index}: {}\n\t@true ;", needs(work.shape, index));
    }
    text
}

fn ninja(work: Work) -> String {
    let mut text = String::from("rule r\n  command = true\n");
    for index in 0..work.count {
        let _ = writeln!(text, "build t{index}: r {}", needs(work.shape, index));
    }
    let names: Vec<String> = (0..work.count).map(|index| format!("t{index}")).collect();
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
