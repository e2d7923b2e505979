//! One fault at each call that touches the state: the program killed there, the call failing, the disk full from there
//! on, an interrupted call, a short write. `WFL_FAILPOINTS=all` tries every call (a sample by default), `WFL_SEED` draws it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::kill::doubled_records;
use super::results;
use super::shim::{self, Act, Op};
use super::subject::{Ended, Subject};

/// All effect classes, a retry, an output, an approval. What a stage did stands in `witness`; `c` and `d` are `once`.
const LANE: &str = r#"
project { group "ops" { member "ada@team.example" } }
stage a {
  env { RECORD = env("RECORD") ?? "/dev/null" }
  run sh """
    echo "0 began a 0 " >> "$RECORD"; echo a >> witness
    """
}
stage b { needs a; idempotent by "key-b"
  env { RECORD = env("RECORD") ?? "/dev/null" }
  run sh """
    echo "0 began b 0 " >> "$RECORD"; echo "b $WFL_KEY" >> witness
    """
}
stage c { needs b; once
  env { RECORD = env("RECORD") ?? "/dev/null" }
  run sh """
    echo "0 began c 0 " >> "$RECORD"; echo c >> witness
    """
}
stage f { needs a
  retry { attempts 4; backoff constant(10ms) }
  run sh """
    echo f >> witness
    [ "$(grep -c f witness)" -ge 2 ]
    """
}
stage o { needs c, f
  out bin = "bin"
  run sh """
    echo o >> witness; echo hi > bin
    """
}
stage d { needs o; once
  env { RECORD = env("RECORD") ?? "/dev/null"; BIN = o.bin }
  run sh """
    echo "0 began d 0 " >> "$RECORD"; echo "d $BIN" >> witness
    """
}
lane all { include d; approve 1 from "ops" before d }
"#;

const STAGES: [&str; 6] = ["a", "b", "c", "f", "o", "d"];

/// The three commands that take the lane to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Run,
    Approve,
    Resume,
}

const STEPS: [Step; 3] = [Step::Run, Step::Approve, Step::Resume];

impl Step {
    fn words(self) -> &'static [&'static str] {
        match self {
            Step::Run => &["run", "all", "-j", "1", "--format", "json", "--no-snapshot"],
            Step::Approve => &["approve", "last", "d"],
            Step::Resume => &["resume", "last", "--format", "json"],
        }
    }

    /// How it ends when nothing is wrong.
    fn code(self) -> i32 {
        match self {
            Step::Run => 4,
            Step::Approve | Step::Resume => 0,
        }
    }
}

/// One try: the fault, how the command ended, what was true then.
struct Try {
    subject: Subject,
    step: Step,
    ended: Ended,
    ops: Vec<Op>,
    recorded: BTreeMap<String, String>,
    witnessed: BTreeMap<String, Vec<String>>,
    approved: bool,
}

fn record(subject: &Subject) -> PathBuf {
    subject.root.join("record")
}

fn witness(subject: &Subject) -> BTreeMap<String, Vec<String>> {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in subject.read("witness").lines() {
        let (stage, rest) = line.split_once(' ').unwrap_or((line, ""));
        seen.entry(stage.into()).or_default().push(rest.into());
    }
    seen
}

fn subject() -> Subject {
    let subject = Subject::with(LANE);
    subject.git(&["init", "-q"]);
    subject.git(&["config", "user.email", "ada@team.example"]);
    subject
}

/// Takes a new lane up to `step` and carries that out under the fault.
fn attempt(step: Step, fault: Option<(u64, Act)>) -> Try {
    let subject = subject();
    for before in STEPS.into_iter().take_while(|before| *before != step) {
        subject.end(before.words()).expect_code(before.code());
    }
    let mut command = subject.wfl(step.words());
    let record = record(&subject);
    shim::watch(&mut command, &subject.state, &record).env("RECORD", &record);
    if let Some((at, act)) = fault {
        shim::fault(&mut command, at, act);
    }
    let ended = subject.end_of(command);
    let ops = shim::read(&record);
    let recorded = subject.newest_run().map(|run| subject.statuses(&run)).unwrap_or_default();
    let approved = step == Step::Resume || (step == Step::Approve && ended.code == Some(0));
    Try { witnessed: witness(&subject), subject, step, ended, ops, recorded, approved }
}

impl Try {
    /// Where the fault fell.
    fn hit(&self) -> Option<(usize, &Op)> {
        const FAULTS: [&str; 7] = ["kill", "eio", "eio-open", "eio-sync", "enospc", "eintr", "short"];
        self.ops.iter().enumerate().find(|(_, op)| FAULTS.contains(&op.kind.as_str()))
    }

    /// What is wrong with how the command took the fault.
    fn misbehaved(&self, act: Act) -> Vec<String> {
        let Some((at, hit)) = self.hit() else { return Vec::new() };
        let (code, mut wrong) = (self.ended.code, Vec::new());
        let usual = code == Some(self.step.code());
        match act {
            Act::Kill if code.is_some() => wrong.push(format!("ended with {code:?}")),
            Act::Eintr | Act::Short if !usual => wrong.push(format!("ended with {code:?}")),
            Act::Eio | Act::Enospc => {
                let stopped = code == Some(1) && self.ended.err.contains("state unsafe");
                let refused = code == Some(2);
                // Other files are no reason to stop, nor is a database that was opened only to look, and could be.
                let database = hit.name().starts_with("state.db") && !hit.is("eio-open");
                if !(stopped || refused || usual && !database) {
                    wrong.push(format!("ended with {code:?} though {} of {:?} failed", hit.kind, hit.path));
                }
                if refused && self.ops.iter().any(|op| op.is("began")) {
                    wrong.push("was refused after something had begun".into());
                }
                if (stopped || refused) && self.began_after(at) {
                    wrong.push("something began after the fault".into());
                }
                // Refused, nothing was recorded: SQLite takes back what it began, which is another sync.
                wrong.extend(synced_again(&self.ops[at..]).filter(|_| !refused));
            }
            _ => {}
        }
        if !wrong.is_empty() {
            wrong.push(format!("it said: {}", self.ended.err));
        }
        wrong
    }

    /// Of the stages that must not be forgotten. A repeatable one may be on its way when the results of the last are
    /// synced, and is killed.
    fn began_after(&self, at: usize) -> bool {
        self.ops[at..].iter().any(|op| op.is("began") && op.name() != "a")
    }

    /// Goes on without the fault until the lane is through; what is wrong then.
    fn recovered(mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for _ in 0..12 {
            let Some(run) = self.subject.newest_run() else {
                if !self.witnessed.is_empty() {
                    return vec!["a stage ran of which nothing is recorded".into()];
                }
                self.subject.end(Step::Run.words());
                continue;
            };
            let words = self.resume(&run);
            let ended = self.subject.end(&words.iter().map(String::as_str).collect::<Vec<_>>());
            match ended.code {
                Some(0) => {
                    wrong.extend(self.violations(&run));
                    return wrong;
                }
                Some(4) if self.subject.statuses(&run).values().any(|status| status == "unknown") => {}
                Some(4) if self.approved => return vec!["an approval was lost".into()],
                Some(4) => {
                    self.subject.end(Step::Approve.words()).expect_code(0);
                    self.approved = true;
                }
                other => return vec![format!("resume ended with {other:?}: {}", ended.err)],
            }
        }
        vec!["it never came to an end".into()]
    }

    /// Answers for a person who looks at the witness.
    fn resume(&self, run: &str) -> Vec<String> {
        let witness = witness(&self.subject);
        let mut words = vec!["resume".to_string(), run.to_string()];
        for (stage, _) in self.subject.statuses(run).iter().filter(|(_, status)| *status == "unknown") {
            let flag = if witness.contains_key(stage) { "--mark-done" } else { "--rerun" };
            words.extend([flag.to_string(), stage.clone()]);
        }
        words
    }

    fn violations(&self, run: &str) -> Vec<String> {
        let (statuses, seen) = (self.subject.statuses(run), witness(&self.subject));
        let mut wrong = Vec::new();
        for stage in STAGES {
            let lines = seen.get(stage).map_or(&[][..], Vec::as_slice);
            let before = self.witnessed.get(stage).map_or(0, Vec::len);
            let recorded = self.recorded.get(stage).map(String::as_str) == Some("succeeded");
            if statuses.get(stage).map(String::as_str) != Some("succeeded") {
                wrong.push(format!("{stage} ended as {:?}", statuses.get(stage)));
            }
            if recorded && (before == 0 || lines.len() != before) {
                wrong.push(format!(
                    "{stage} was recorded as done after {before} and ran {} times",
                    lines.len()
                ));
            }
            match stage {
                "c" | "d" if lines.len() != 1 => wrong.push(format!("{stage} ran {} times", lines.len())),
                "b" if lines.iter().any(|line| line != "key-b") => wrong.push(format!("b: {lines:?}")),
                _ if lines.is_empty() => wrong.push(format!("{stage} never ran")),
                _ => {}
            }
        }
        if !seen.get("d").is_some_and(|lines| lines.iter().all(|line| line.ends_with("bin"))) {
            wrong.push(format!("d was given another output: {:?}", seen.get("d")));
        }
        wrong.extend(doubled_records(&self.subject, run));
        wrong
    }
}

/// After a sync that failed nobody knows what is on the disk, and another would say that all is well.
fn synced_again(after: &[Op]) -> Option<String> {
    let failed = after.first().filter(|op| op.is("eio-sync") && op.name().starts_with("state.db"))?;
    let again = after.iter().find(|op| op.is("sync") && op.name().starts_with("state.db"))?;
    Some(format!("the sync of {:?} failed and {:?} was synced after it", failed.path, again.path))
}

fn everything() -> bool {
    std::env::var("WFL_FAILPOINTS").is_ok_and(|value| value == "all")
}

fn seed() -> u64 {
    std::env::var("WFL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7)
}

/// Which calls to try: all of them, or `sample` of which the syncs come first.
fn points(step: Step, act: Act, sample: usize) -> Vec<u64> {
    let ops = attempt(step, None).ops;
    let last = ops.iter().map(|op| op.count).max().unwrap_or(0);
    if everything() {
        // One process may need a few more than another.
        return (1..=last + 5).collect();
    }
    let mut draw = StdRng::seed_from_u64(seed() ^ act as u64);
    let syncs: Vec<u64> = ops.iter().filter(|op| op.is("sync")).map(|op| op.count).collect();
    let mut chosen: Vec<u64> = syncs.sample(&mut draw, sample / 2).copied().collect();
    chosen.extend((chosen.len()..sample).map(|_| draw.random_range(1..=last)));
    chosen
}

/// Tries the points of all three commands, some at a time.
fn try_all(fault: &str, act: Act, samples: [usize; 3]) {
    let mut points: Vec<(Step, u64)> = STEPS
        .into_iter()
        .zip(samples)
        .flat_map(|(step, sample)| points(step, act, sample).into_iter().map(move |at| (step, at)))
        .collect();
    let total = points.len();
    let queue = std::sync::Mutex::new(&mut points);
    let (next, hit) = (|| queue.lock().unwrap().pop(), std::sync::atomic::AtomicUsize::new(0));
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((step, at)) = next() {
                    let tried = attempt(step, Some((at, act)));
                    let Some((_, op)) = tried.hit() else { continue };
                    hit.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let place = format!("{act:?} at call {at} of {step:?} ({})", op.path.display());
                    let mut found = tried.misbehaved(act);
                    found.extend(tried.recovered());
                    wrong.lock().unwrap().extend(found.into_iter().map(|text| format!("{place}: {text}")));
                }
            });
        }
    });
    let (wrong, hit) = (wrong.into_inner().unwrap(), hit.into_inner());
    results::note(
        fault,
        &format!("{act:?} at a call on the state"),
        hit,
        hit.saturating_sub(wrong.len()),
        "a disk that loses what it is given",
    );
    assert!(wrong.is_empty(), "WFL_SEED={}:\n{}", seed(), wrong.join("\n"));
    assert!(hit * 2 > total.min(samples.iter().sum()), "only {hit} of {total} faults fell");
}

#[test]
fn killed_at_a_call_nothing_is_lost_or_doubled() {
    try_all("1", Act::Kill, [8, 2, 3]);
}

#[test]
fn a_call_that_fails_stops_the_run_and_a_sync_is_never_tried_again() {
    try_all("3", Act::Eio, [8, 2, 4]);
}

#[test]
fn a_full_disk_marks_nothing_done() {
    try_all("4", Act::Enospc, [4, 1, 2]);
}

#[test]
fn interrupted_calls_and_short_writes_are_not_seen() {
    try_all("1", Act::Eintr, [4, 1, 1]);
    try_all("1", Act::Short, [4, 1, 1]);
}

/// The twins: the same checks must be red over a disk that throws away what it is given, over a fault that was passed
/// over, and over a sync that was tried again.
#[test]
fn a_disk_that_lies_is_noticed() {
    let middle =
        attempt(Step::Run, None).ops.iter().filter(|op| op.is("sync")).nth(4).map_or(60, |op| op.count);
    let lied = attempt(Step::Run, Some((middle, Act::Lose)));
    assert!(lied.ops.iter().any(|op| op.is("began")), "nothing ran");
    assert!(!lied.recovered().is_empty(), "a disk that loses everything went unnoticed");
    let sync = middle;
    let passed_over = attempt(Step::Run, Some((sync + 1, Act::Short)));
    assert!(passed_over.hit().is_some() && !passed_over.misbehaved(Act::Eio).is_empty());
    let line = |kind: &str| Op {
        count: 1,
        kind: kind.into(),
        path: "/s/state.db-wal".into(),
        number: 0,
        data: Vec::new(),
    };
    assert!(synced_again(&[line("eio-sync"), line("write"), line("sync")]).is_some());
    assert!(synced_again(&[line("eio-sync"), line("write")]).is_none());
}
