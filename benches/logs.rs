//! How fast logs are read: a million lines, about 100 MB, whole processes with warm caches, beside `grep`, `rg` and `cat`
//! on the same text in a plain file. The log is read as a run wrote it (pieces as large as a pipe) and with a record for
//! each line, the most costly form. Prints a table; judges nothing.
//!
//! `cargo bench --bench logs [-- ROUNDS]`. A peer that is not installed is left out and said so.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wfl::capture::Stream;
use wfl::capture::frame::Writer;

const WFL: &str = env!("CARGO_BIN_EXE_wfl");
const LINES: usize = 1_000_000;
/// In every thousandth line.
const RARE: &str = "timed out after [0-9]+ ms";
/// In every line.
const ANY: &str = "request";

fn main() {
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(9);
    let place = std::env::temp_dir().join(format!("wfl-bench-logs-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a folder");
    let plain = place.join("plain.txt");
    let size = write_plain(&plain);
    let log = stage_that_wrote(&place);
    println!("{LINES} lines, {:.0} MB; {rounds} rounds, medians\n", size as f64 / 1e6);
    println!("| job | wfl logs | against | peer | ratio |");
    println!("| --- | ---: | --- | ---: | ---: |");
    jobs(&place, &plain, "pieces of a pipe", rounds);
    one_record_a_line(&plain, &log);
    jobs(&place, &plain, "a record a line", rounds);
    let _ = fs::remove_dir_all(&place);
}

fn write_plain(path: &Path) -> u64 {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    for line in 0..LINES {
        let what = match line % 1000 {
            7 => format!("timed out after {} ms", line % 9973),
            8 => "ERROR nothing listens there".into(),
            _ => "answered with 200 and a body of the usual size".into(),
        };
        let level = if line % 1000 == 8 { "ERROR" } else { "INFO" };
        writeln!(
            out,
            "2026-11-21T01:34:{:02}Z {level} worker-{} request {line:08} {what}",
            line % 60,
            line % 8
        )
        .expect("a line");
    }
    drop(out);
    fs::metadata(path).expect("a file").len()
}

/// Runs a stage that prints the text; where its log is.
fn stage_that_wrote(place: &Path) -> PathBuf {
    let text = "wfl 1\nproject { keep { log-size 1GB } }\nstage a { exec \"cat\", \"plain.txt\" }\n";
    fs::write(place.join("all.wfl"), text).expect("a file");
    took(place, &[WFL, "run", "all.wfl"], None).expect("a run");
    let runs = fs::read_dir(place.join("state/logs")).expect("logs");
    runs.flatten().next().expect("a run").path().join("0-1.log")
}

fn one_record_a_line(plain: &Path, log: &Path) {
    let text = fs::read(plain).expect("a file");
    let mut writer = Writer::new(Some(log), u64::MAX);
    text.split_inclusive(|byte| *byte == b'\n').for_each(|line| writer.write(Stream::Stdout, line));
    writer.finish();
}

fn jobs(place: &Path, plain: &Path, form: &str, rounds: usize) {
    let plain = plain.to_string_lossy();
    let all = [WFL, "logs", "last", "a"];
    compare(place, &format!("all to a file, {form}"), &all, &["cat", &plain], rounds);
    for (what, pattern) in [("1 in 1000", RARE), ("all", ANY)] {
        let ours = [WFL, "logs", "last", "a", "--grep", pattern];
        for peer in ["grep", "rg"] {
            let theirs = [peer, if peer == "grep" { "-E" } else { "-N" }, pattern, &plain];
            compare(place, &format!("`--grep`, {what} found, {form}"), &ours, &theirs, rounds);
        }
    }
    let level = [WFL, "logs", "last", "a", "--level", "error"];
    compare(place, &format!("`--level error`, {form}"), &level, &["grep", "ERROR", &plain], rounds);
    let tail = [WFL, "logs", "last", "a", "--tail", "10"];
    compare(place, &format!("`--tail 10`, {form}"), &tail, &["cat", &plain], rounds);
}

/// Both in turn; the first round warms the caches.
fn compare(place: &Path, job: &str, ours: &[&str], theirs: &[&str], rounds: usize) {
    let mut pairs = Vec::new();
    for round in 0..=rounds {
        let ours = took(place, ours, Some("ours.txt"));
        let theirs = took(place, theirs, Some("theirs.txt"));
        if round > 0 {
            pairs.push((ours, theirs));
        }
    }
    let seconds = |took: &Option<Duration>| took.map(|took| took.as_secs_f64());
    let ours_ms = median(pairs.iter().filter_map(|(ours, _)| seconds(ours)).collect());
    let theirs_ms = median(pairs.iter().filter_map(|(_, theirs)| seconds(theirs)).collect());
    let both =
        |(ours, theirs): &(Option<Duration>, Option<Duration>)| Some(seconds(ours)? / seconds(theirs)?);
    let ratio = median(pairs.iter().filter_map(both).collect());
    let shown = |value: Option<f64>, scale: f64, unit: &str| {
        value.map_or("not installed".to_string(), |value| format!("{:.0}{unit}", value * scale))
    };
    let ratio = ratio.map_or("-".to_string(), |ratio| format!("{ratio:.2}"));
    println!(
        "| {job} | {} | {} | {} | {ratio} |",
        shown(ours_ms, 1e3, " ms"),
        theirs[0],
        shown(theirs_ms, 1e3, " ms")
    );
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

/// Runs to the end, its output into a file; none when it cannot be started or fails.
fn took(folder: &Path, words: &[&str], output: Option<&str>) -> Option<Duration> {
    let output = match output {
        Some(name) => Stdio::from(File::create(folder.join(name)).ok()?),
        None => Stdio::null(),
    };
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(folder).env("WFL_STATE_DIR", folder.join("state"));
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().ok()?;
    status.success().then(|| started.elapsed())
}
