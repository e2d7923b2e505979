//! The power goes. Once by arithmetic: from the record of what was written and synced follow the files as a cut at any
//! moment would leave them. Once for real: a file system in a file is copied while its writer is stopped, and the copy
//! is mounted. `WFL_CUTS` sets how many of those (3 by default; they need root), `WFL_SEED` when.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use wfl::store::Store;

use super::disk::Disk;
use super::mount::{self, Mount};
use super::results;
use super::shim::{self, Op};
use super::subject::Subject;

/// What was promised by some moment: the events that somebody was shown, and the stages that must not be forgotten.
#[derive(Clone, Debug, Default)]
pub struct Promise {
    pub run: Option<String>,
    pub shown: BTreeSet<(i64, String)>,
    pub begun: BTreeSet<String>,
}

impl Promise {
    /// Adds a line that the program printed.
    pub fn shows(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Value>(line) else { return };
        if let (Some(seq), Some(kind)) = (event["seq"].as_i64(), event["type"].as_str()) {
            self.run = event["run"].as_str().map(str::to_string);
            self.shown.insert((seq, kind.to_string()));
        }
    }

    /// What of it the state in `dir` does not keep.
    pub fn broken(&self, dir: &Path) -> Vec<String> {
        if self.shown.is_empty() && self.begun.is_empty() {
            return match Store::open(dir) {
                Ok(_) => Vec::new(),
                Err(error) => vec![format!("the state does not open: {error}")],
            };
        }
        match self.missing(dir) {
            Ok(missing) => missing,
            Err(error) => vec![error],
        }
    }

    fn missing(&self, dir: &Path) -> Result<Vec<String>, String> {
        let store = Store::open(dir).map_err(|e| format!("the state does not open: {e}"))?;
        let mut wrong = store.verify().map_err(|e| e.to_string())?;
        drop(store);
        let database = rusqlite::Connection::open(dir.join("state.db")).map_err(|e| e.to_string())?;
        let mut select = database
            .prepare(
                "select seq, type, (select key from node where node.run = event.run and idx = event.node) \
                 from event where run = (select num from run where ?1 is null or id = ?1) order by seq",
            )
            .map_err(|e| e.to_string())?;
        let rows = select.query_map([&self.run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let events: Vec<(i64, String, Option<String>)> =
            rows.and_then(Iterator::collect).map_err(|e| e.to_string())?;
        let kept: BTreeSet<(i64, String)> =
            events.iter().map(|(seq, kind, _)| (*seq, kind.clone())).collect();
        wrong.extend(self.shown.difference(&kept).map(|lost| format!("was shown and is lost: {lost:?}")));
        let started = |stage: &String| {
            events.iter().any(|(_, kind, key)| kind == "stage.started" && key.as_ref() == Some(stage))
        };
        let forgotten = self.begun.iter().filter(|stage| !started(stage));
        wrong.extend(forgotten.map(|stage| format!("`{stage}` began and is forgotten")));
        Ok(wrong)
    }
}

/// A chain of `length`: every third stage `once`, every third `idempotent`; these tell the record when they begin.
fn chain(length: usize) -> String {
    let stage = |index: usize| {
        let needs = index.checked_sub(1).map(|before| format!("  needs s{before}\n")).unwrap_or_default();
        let class = match index % 3 {
            0 => String::new(),
            1 => format!("  idempotent by \"key-{index}\"\n"),
            _ => "  once\n".into(),
        };
        let tells = if index.is_multiple_of(3) {
            "true".into()
        } else {
            format!("echo \"0 began s{index} 0 \" >> \"$RECORD\"")
        };
        format!(
            "stage s{index} {{\n{needs}{class}  env {{ RECORD = env(\"RECORD\") ?? \"/dev/null\" }}\n  run sh \"\"\"\n    {tells}\n    \"\"\"\n}}\n"
        )
    };
    (0..length).map(stage).collect()
}

/// The record of a run in a new folder, and where the state lies.
fn recorded(durability: &str) -> (Subject, PathBuf, Vec<Op>) {
    let subject = Subject::with(&chain(9));
    let disk = subject.root.parent().expect("a parent").join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let record = subject.root.join("record");
    let mut command = subject.wfl(&[
        "run",
        "all.wfl",
        "-j",
        "1",
        "--format",
        "json",
        "--no-snapshot",
        "--durability",
        durability,
    ]);
    command.env("WFL_STATE_DIR", disk.join("deep/er/state")).env("RECORD", &record).env("SHIM_DATA", "1");
    shim::watch(&mut command, &disk, &record);
    subject.end_of(command).expect_code(0);
    (subject, disk, shim::read(&record))
}

fn promised(ops: &[Op]) -> Promise {
    let mut promise = Promise::default();
    let mut text = Vec::new();
    for op in ops {
        match op.kind.as_str() {
            "shown" => text.extend(&op.data),
            "began" => {
                promise.begun.insert(op.path.display().to_string());
            }
            _ => {}
        }
    }
    String::from_utf8_lossy(&text).lines().for_each(|line| promise.shows(line));
    promise
}

/// Cuts the power `cuts` times at moments of the record, half of them where something was just promised; what broke.
fn cut_by_arithmetic(durability: &str, syncs: bool, cuts: usize) -> Vec<String> {
    let (_subject, disk, ops) = recorded(durability);
    assert!(ops.iter().filter(|op| op.is("began")).count() == 6, "not every stage told of itself");
    let moments: Vec<usize> = (1..=ops.len()).collect();
    let told: Vec<usize> =
        moments.iter().copied().filter(|at| matches!(ops[at - 1].kind.as_str(), "shown" | "began")).collect();
    let mut broken = Vec::new();
    for cut in 0..cuts {
        let mut draw = StdRng::seed_from_u64(seed() + cut as u64);
        let from = if cut % 2 == 0 { &moments } else { &told };
        let at = from[draw.random_range(0..from.len())];
        let left = tempfile::tempdir().expect("a temporary folder");
        Disk::after(&ops[..at], syncs).cut(&mut draw, &disk, left.path());
        let wrong = promised(&ops[..at]).broken(&left.path().join("deep/er/state"));
        broken.extend(
            wrong.into_iter().map(|text| format!("cut {cut} after {at} of {} calls: {text}", ops.len())),
        );
    }
    broken
}

fn seed() -> u64 {
    std::env::var("WFL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7)
}

fn count(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_power_cut_by_arithmetic_takes_nothing_that_was_promised() {
    let cuts = count("WFL_CUTS", 3) * 40;
    for durability in ["barrier", "every"] {
        let broken = cut_by_arithmetic(durability, true, cuts);
        let passed = cuts.saturating_sub(broken.len());
        results::note(
            "2",
            &format!("power cut by arithmetic, --durability {durability}"),
            cuts,
            passed,
            "syncs taken away; --durability process",
        );
        assert!(broken.is_empty(), "WFL_SEED={}:\n{}", seed(), broken.join("\n"));
    }
}

/// The twins: a disk that never hears of a sync, and a run that never asks for one.
#[test]
fn a_power_cut_without_syncs_is_noticed() {
    assert!(!cut_by_arithmetic("barrier", false, 40).is_empty(), "nobody misses the syncs");
    assert!(!cut_by_arithmetic("process", true, 40).is_empty(), "nobody misses what was only committed");
}

/// How many of `cuts` power cuts, each after the approval was acknowledged, lose it.
fn approvals_lost(syncs: bool, cuts: usize) -> usize {
    let subject = Subject::with(
        "project { group \"ops\" { member \"ada@team.example\" } }\nstage d { exec \"true\" }\n\
         lane all { include d; approve 1 from \"ops\" before d }\n",
    );
    subject.git(&["init", "-q"]);
    subject.git(&["config", "user.email", "ada@team.example"]);
    let record = subject.root.join("record");
    let folder = subject.state.parent().expect("a parent").to_path_buf();
    for (words, code) in [(&["run", "all"][..], 4), (&["approve", "last", "d"], 0)] {
        let mut command = subject.wfl(words);
        shim::watch(command.env("SHIM_DATA", "1"), &folder, &record);
        subject.end_of(command).expect_code(code);
    }
    let disk = Disk::after(&shim::read(&record), syncs);
    let kept = |cut: usize| {
        let left = tempfile::tempdir().expect("a temporary folder");
        disk.cut(&mut StdRng::seed_from_u64(seed() + cut as u64), &folder, left.path());
        let database = rusqlite::Connection::open(left.path().join("state/state.db")).ok()?;
        let count = "select count(*) from message where kind = 'approval' and stage = 'd' and yes";
        database.query_row(count, [], |row| row.get::<_, i64>(0)).ok().filter(|count| *count == 1)
    };
    (0..cuts).filter(|cut| kept(*cut).is_none()).count()
}

#[test]
fn an_acknowledged_approval_outlives_a_power_cut() {
    let cuts = count("WFL_CUTS", 3) * 10;
    let lost = approvals_lost(true, cuts);
    results::note("2", "power cut by arithmetic after an approval", cuts, cuts - lost, "syncs taken away");
    assert_eq!(lost, 0, "of {cuts}, WFL_SEED={}", seed());
    assert!(approvals_lost(false, 20) > 0, "nobody misses the syncs");
}

/// Sectors written so far to the loop devices over the image.
fn written(image: &Path) -> Option<u64> {
    let listed = Command::new("losetup").args(["-n", "-O", "NAME", "-j"]).arg(image).output().ok()?;
    let device = String::from_utf8_lossy(&listed.stdout).trim().rsplit('/').next()?.to_string();
    let stat = std::fs::read_to_string(format!("/sys/block/{device}/stat")).ok()?;
    stat.split_whitespace().nth(6)?.parse().ok()
}

/// Copies the image as it is on its "disk" now: what the file system above holds back in memory is not in it. Again when
/// the kernel wrote to it meanwhile, for then the copy is of no one moment.
fn snapshot(image: &Path, to: &Path) {
    for _ in 0..50 {
        let before = written(image);
        std::fs::copy(image, to).expect("a copy");
        if before.is_some() && written(image) == before {
            return;
        }
    }
    panic!("the image never stood still");
}

/// One cut: the writer is stopped at a moment of chance, and the image copied. What the copy does not keep of what was
/// promised by then; and whether anything was promised.
fn cut_for_real(image: &Path, disk: &Mount, durability: &str, draw: &mut StdRng) -> (bool, Vec<String>) {
    let mut subject = Subject::with(&chain(60));
    subject.state = disk.path().join(format!("state-{}", draw.random::<u32>()));
    let (record, out) = (subject.root.join("record"), subject.root.join("out"));
    let mut engine = subject.wfl(&[
        "run",
        "all.wfl",
        "-j",
        "2",
        "--format",
        "json",
        "--no-snapshot",
        "--durability",
        durability,
    ]);
    let shown = std::fs::File::create(&out).expect("a file");
    let mut engine = engine.env("RECORD", &record).stdout(shown).spawn().expect("wfl starts");
    std::thread::sleep(std::time::Duration::from_millis(draw.random_range(20..700)));
    let pid = rustix::process::Pid::from_child(&engine);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("a stopped engine");
    let promise = {
        let mut promise = promised(&shim::read(&record));
        std::fs::read_to_string(&out).expect("text").lines().for_each(|line| promise.shows(line));
        promise
    };
    let copy = image.with_extension("cut");
    snapshot(image, &copy);
    engine.kill().expect("a child");
    engine.wait().expect("a child");
    let cut = Mount::image(&copy).expect("the copy is mounted");
    let state = cut.path().join(subject.state.file_name().expect("a name"));
    let broken = promise.broken(&state);
    let _ = std::fs::remove_dir_all(&subject.state);
    (!promise.shown.is_empty(), broken)
}

/// How many cuts fell where something was promised, and what broke; none where nothing can be mounted.
fn cuts_for_real(durability: &str, cuts: usize) -> Option<(usize, Vec<String>)> {
    cuts_until(durability, cuts, |_| false)
}

/// At most `cuts` of them, until `enough` of what was found broken.
fn cuts_until(
    durability: &str,
    cuts: usize,
    enough: impl Fn(&[String]) -> bool,
) -> Option<(usize, Vec<String>)> {
    // In memory where there is room: the copy should take no time.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a temporary folder");
    let image = folder.path().join("disk");
    if !mount::make_image(&image, 48) {
        eprintln!("skipped: this test needs mkfs.ext4");
        return None;
    }
    let disk = Mount::image(&image)?;
    let (mut promised, mut broken) = (0, Vec::new());
    for cut in 0..cuts {
        let mut draw = StdRng::seed_from_u64(seed() ^ (cut as u64) << 8);
        let (told, wrong) = cut_for_real(&image, &disk, durability, &mut draw);
        promised += usize::from(told);
        broken.extend(wrong.into_iter().map(|text| format!("cut {cut}, {durability}: {text}")));
        if enough(&broken) {
            break;
        }
    }
    Some((promised, broken))
}

#[test]
fn a_real_power_cut_takes_nothing_that_was_promised() {
    let cuts = count("WFL_CUTS", 3);
    for durability in ["barrier", "every"] {
        let cuts = if durability == "barrier" { cuts } else { cuts.div_ceil(3) };
        let Some((promised, broken)) = cuts_for_real(durability, cuts) else { return };
        let what =
            format!("power cut of a mounted file, --durability {durability} ({promised} with promises)");
        results::note("2", &what, cuts, cuts.saturating_sub(broken.len()), "--durability process");
        assert!(broken.is_empty(), "WFL_SEED={}:\n{}", seed(), broken.join("\n"));
    }
}

/// The twin: what was never synced is shown, and lost.
#[test]
fn a_real_power_cut_without_barriers_is_noticed() {
    // A cut before anything was promised takes nothing: so many as it takes.
    let Some((_, broken)) = cuts_until("process", 60, |broken| !broken.is_empty()) else { return };
    assert!(!broken.is_empty(), "nobody misses what was only committed");
}
