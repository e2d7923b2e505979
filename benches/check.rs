//! How fast files are checked, whole processes: 1,000, 10,000 and 100,000 stages on one processor and on two, with the
//! most memory each took; 10,000 beside others that read the same graph, as ratios of paired runs; a project of 500
//! files from the start, and again after one of them changed. Prints tables; judges nothing.
//!
//! `cargo bench --bench check [-- ROUNDS]`. A peer that is not installed is left out and said so.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wfl::embed::Project;

const WFL: &str = env!("CARGO_BIN_EXE_wfl");
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const BESIDE: usize = 10_000;
const FILES: usize = 500;
const STAGES_A_FILE: usize = 20;

fn main() {
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(9);
    let place = std::env::temp_dir().join(format!("wfl-bench-check-{}", std::process::id()));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{rounds} rounds, medians; {processors} processors\n");
    println!("| stages | text | one processor | | all processors | | most memory |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for count in SIZES {
        size(&place.join(count.to_string()), count, rounds);
    }
    println!("\n| {BESIDE} stages, three needs each | wfl | the other | ratio |");
    println!("| --- | ---: | ---: | ---: |");
    beside(&place.join("beside"), rounds);
    println!("\n| {FILES} files of {STAGES_A_FILE} stages | |");
    println!("| --- | ---: |");
    project(&place.join("project"), rounds);
    let _ = fs::remove_dir_all(&place);
}

fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

fn median<T: Copy + PartialOrd>(mut all: Vec<T>) -> Option<T> {
    all.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    all.get(all.len() / 2).copied()
}

/// What one process took.
#[derive(Clone, Copy)]
struct Took {
    time: Duration,
    /// Bytes.
    memory: u64,
}

/// Runs to the end; none when it cannot be started or fails.
fn took(folder: &Path, words: &[&str]) -> Option<Took> {
    let started = Instant::now();
    let child = Command::new(words[0])
        .args(&words[1..])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to live locals of the types that wait4 writes, and nobody else waits for the child.
    let reaped = unsafe { libc::wait4(child.id() as i32, &mut status, 0, usage.as_mut_ptr()) };
    let time = started.elapsed();
    // SAFETY: all zero is a valid `rusage`.
    let usage = unsafe { usage.assume_init() };
    (reaped > 0 && status == 0).then_some(Took { time, memory: usage.ru_maxrss as u64 * 1024 })
}

fn size(folder: &Path, count: usize, rounds: usize) {
    write(folder, "big.wfl", |out| layered_wfl(out, count));
    let bytes = fs::metadata(folder.join("big.wfl")).map_or(0, |file| file.len());
    let check = [WFL, "check", "--format", "short", "big.wfl"];
    let alone: Vec<&str> = ["taskset", "-c", "0"].into_iter().chain(check).collect();
    let rounds = if count > BESIDE { rounds.div_ceil(3) } else { rounds };
    let runs: Vec<(Option<Took>, Option<Took>)> =
        (0..rounds).map(|_| (took(folder, &alone), took(folder, &check))).collect();
    let one = runs.iter().filter_map(|run| run.0).map(|took| took.time).collect();
    let all = runs.iter().filter_map(|run| run.1).map(|took| took.time).collect();
    let memory = runs.iter().filter_map(|run| run.1).map(|took| took.memory).max().unwrap_or(0);
    let cells = |time: Option<Duration>| match time {
        Some(time) => format!("{} | {:.1} MB/s", milliseconds(time), bytes as f64 / 1e6 / time.as_secs_f64()),
        None => "- | -".to_owned(),
    };
    println!(
        "| {count} | {:.2} MB | {} | {} | {:.1} MiB |",
        bytes as f64 / 1e6,
        cells(median(one)),
        cells(median(all)),
        memory as f64 / f64::from(1 << 20)
    );
}

/// Others read the same graph; none of them checks as much.
fn beside(folder: &Path, rounds: usize) {
    write(folder, "big.wfl", |out| layered_wfl(out, BESIDE));
    write(folder, "build.ninja", |out| layered_ninja(out, BESIDE));
    write(folder, "big.yaml", |out| layered_yaml(out, BESIDE));
    let yaml = "import yaml; yaml.load(open('big.yaml'), Loader=yaml.CSafeLoader)";
    let peers: [(&str, &[&str]); 3] = [
        ("`ninja -t targets all`", &["ninja", "-t", "targets", "all"]),
        ("PyYAML, C loader, load only", &["python3", "-c", yaml]),
        ("`dagu validate`", &["dagu", "validate", "big.yaml"]),
    ];
    let check = [WFL, "check", "--format", "short", "big.wfl"];
    for (name, words) in peers {
        let pair =
            || Some((took(folder, &check)?.time.as_secs_f64(), took(folder, words)?.time.as_secs_f64()));
        let pairs: Vec<(f64, f64)> = (0..rounds).map_while(|_| pair()).collect();
        let of = |number: fn(&(f64, f64)) -> f64| median(pairs.iter().map(number).collect());
        match (of(|pair| pair.0), of(|pair| pair.1), of(|pair| pair.0 / pair.1)) {
            (Some(ours), Some(theirs), Some(ratio)) => {
                let time = |seconds| milliseconds(Duration::from_secs_f64(seconds));
                println!("| {name} | {} | {} | {ratio:.2} |", time(ours), time(theirs));
            }
            _ => println!("| {name} | - | did not run | - |"),
        }
    }
}

fn project(root: &Path, rounds: usize) {
    write(root, ".wfl/project.wfl", |out| writeln!(out, "wfl 1\nproject {{ about \"many files\" }}"));
    for file in 0..FILES {
        write(root, &format!("f{file:03}.wfl"), |out| one_of_many(out, file, ""));
    }
    let cold = |_| took(root, &[WFL, "check", "--format", "short"]).map(|took| took.time);
    print_row("`wfl check`, a new process", median((0..rounds).filter_map(cold).collect()));
    let opened = |_| {
        let started = Instant::now();
        Project::open(root).ok().map(|_| started.elapsed())
    };
    print_row("`Project::open`, in a process that stays", median((0..rounds).filter_map(opened).collect()));
    let mut project = Project::open(root).expect("a project");
    let again = |round: usize| {
        let file = round * 37 % FILES;
        let mut text = Vec::new();
        one_of_many(&mut text, file, &format!("stage extra{round} {{ exec \"x\" }}\n")).ok()?;
        let changed: [(PathBuf, String); 1] =
            [(root.join(format!("f{file:03}.wfl")), String::from_utf8(text).ok()?)];
        let started = Instant::now();
        project.recheck(&changed);
        Some(started.elapsed())
    };
    print_row("`Project::recheck` after one file changed", median((0..rounds).filter_map(again).collect()));
}

fn print_row(what: &str, time: Option<Duration>) {
    println!("| {what} | {} |", time.map_or_else(|| "-".to_owned(), milliseconds));
}

/// Written piece by piece: what this process holds counts for the processes it starts.
fn write(folder: &Path, name: &str, text: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap_or(folder)).expect("a folder");
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    text(&mut out).and_then(|()| out.flush()).expect("a disk");
}

/// Three needs among the 120 stages before; the same graph in every form.
fn layered(index: usize) -> Vec<String> {
    let near = index.saturating_sub(120);
    let mut needs: Vec<usize> =
        (0..3).map(|k| near + (index * 7 + k * 41) % 120).filter(|&need| need < index).collect();
    needs.dedup();
    needs.into_iter().map(|need| format!("t{need}")).collect()
}

fn layered_wfl(out: &mut impl Write, count: usize) -> std::io::Result<()> {
    writeln!(out, "wfl 1")?;
    for index in 0..count {
        writeln!(out, "stage t{index} {{\n  about \"stage {index}\"")?;
        let needs = layered(index);
        if !needs.is_empty() {
            writeln!(out, "  needs {}", needs.join(", "))?;
        }
        writeln!(out, "  timeout 30s\n  run \"\"\"\n    echo stage {index} && true\n    \"\"\"\n}}")?;
    }
    Ok(())
}

fn layered_ninja(out: &mut impl Write, count: usize) -> std::io::Result<()> {
    writeln!(out, "rule r\n  command = true")?;
    (0..count).try_for_each(|index| writeln!(out, "build t{index}: r {}", layered(index).join(" ")))
}

fn layered_yaml(out: &mut impl Write, count: usize) -> std::io::Result<()> {
    writeln!(out, "type: graph\nsteps:")?;
    for index in 0..count {
        writeln!(out, "  - name: t{index}\n    description: stage {index}\n    timeoutSec: 30")?;
        writeln!(
            out,
            "    command: echo stage {index} && true\n    depends: [{}]",
            layered(index).join(", ")
        )?;
    }
    Ok(())
}

fn one_of_many(out: &mut impl Write, file: usize, more: &str) -> std::io::Result<()> {
    writeln!(out, "wfl 1")?;
    if file > 0 {
        writeln!(out, "import \"f000.wfl\" as base")?;
    }
    for stage in 0..STAGES_A_FILE {
        writeln!(out, "stage s{stage} {{\n  about \"stage {stage} of {file}\"")?;
        match stage {
            0 if file > 0 => writeln!(out, "  needs base.s{}", STAGES_A_FILE - 1)?,
            0 => {}
            _ => writeln!(out, "  needs s{}", stage - 1)?,
        }
        writeln!(out, "  timeout 30s\n  run \"\"\"\n    echo stage {stage} && true\n    \"\"\"\n}}")?;
    }
    write!(out, "{more}")
}
