//! `kill -9` at a random point of a run with all three effect classes, then resume: nothing recorded is lost, nothing
//! runs twice that must not. `WFL_KILLS=200` sets how many kills (20 by default), `WFL_SEED` where they fall.

use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::results;
use super::subject::Subject;

const STAGES: usize = 40;

/// Stage → the lines it wrote to the witness file, which the engine does not know of; each `pid key`.
fn witness(subject: &Subject) -> BTreeMap<String, Vec<String>> {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in subject.read("witness").lines() {
        let (stage, rest) = line.split_once(' ').unwrap_or((line, ""));
        seen.entry(stage.into()).or_default().push(rest.into());
    }
    seen
}

fn witnessed_lines(subject: &Subject) -> usize {
    subject.read("witness").lines().count()
}

/// How the forty stages stand in their file: what they are called in a run, and their places in its plan.
struct Shape {
    definition: fn() -> String,
    run: &'static [&'static str],
    key: fn(usize) -> String,
    node: fn(usize) -> usize,
}

const FLAT: Shape = Shape {
    definition: layers,
    run: &["run", "all.wfl", "-j", "4"],
    key: |index| format!("s{index}"),
    node: |index| index,
};

/// Ten stages that hold a lock and call a lane of four each, one after the other; a call has two nodes of its own.
const CALLED: Shape = Shape {
    definition: calls,
    run: &["run", "all.wfl", "--lane", "all", "-j", "4"],
    key: |index| format!("c{}/s{index}", index / 4),
    node: |index| index / 4 * 6 + 1 + index % 4,
};

/// Every third stage is `once`, every third `idempotent`.
fn stage(index: usize, needs: &str) -> String {
    let class = match index % 3 {
        0 => String::new(),
        1 => format!("  idempotent by \"key-{index}\"\n"),
        _ => "  once\n".into(),
    };
    format!(
        "stage s{index} {{\n{needs}{class}  run sh \"\"\"\n    sleep 0.01\n    echo \"$WFL_STAGE $$ ${{WFL_KEY:-}}\" >> witness\n    sleep 0.01\n    \"\"\"\n}}\n"
    )
}

/// Ten layers of four.
fn layers() -> String {
    let needs = |index: usize| match index.checked_sub(4) {
        Some(before) => format!("  needs s{before}\n"),
        None => String::new(),
    };
    (0..STAGES).map(|index| stage(index, &needs(index))).collect()
}

fn calls() -> String {
    let mut text: String = (0..STAGES).map(|index| stage(index, "")).collect();
    for call in 0..STAGES / 4 {
        let held: Vec<String> = (call * 4..call * 4 + 4).map(|index| format!("s{index}")).collect();
        let needs = call.checked_sub(1).map(|before| format!("needs c{before}; ")).unwrap_or_default();
        text.push_str(&format!("lane l{call} {{ include {} }}\n", held.join(", ")));
        text.push_str(&format!("stage c{call} {{ {needs}lock \"prod\"; call l{call} }}\n"));
    }
    text.push_str(&format!("lane all {{ include c{} }}\n", STAGES / 4 - 1));
    text
}

/// Runs until the witness holds `lines` lines and a little longer, then kills the engine alone.
fn kill_after(subject: &Subject, arguments: &[&str], lines: usize, spins: u32) {
    let mut engine = subject.wfl(arguments).spawn().expect("wfl starts");
    let ended = |engine: &mut std::process::Child| engine.try_wait().expect("a child").is_some();
    while witnessed_lines(subject) < lines && !ended(&mut engine) {
        std::thread::yield_now();
    }
    for _ in 0..spins {
        std::thread::yield_now();
    }
    let _ = engine.kill();
    engine.wait().expect("a child");
}

/// Answers for a person who looks at the witness: done if the stage left its line, else again.
fn resume_to_the_end(subject: &Subject, run: &str) -> Result<(), String> {
    let mut arguments = vec!["resume".to_string(), run.to_string()];
    for _ in 0..STAGES {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = subject.end(&words);
        match ended.code {
            Some(0) => return Ok(()),
            Some(4) => arguments = answers(subject, run),
            other => return Err(format!("resume ended with {other:?}: {}", ended.err)),
        }
    }
    Err("resume never came to an end".into())
}

fn answers(subject: &Subject, run: &str) -> Vec<String> {
    let witness = witness(subject);
    let mut arguments = vec!["resume".to_string(), run.to_string()];
    for (stage, _) in subject.statuses(run).iter().filter(|(_, status)| *status == "unknown") {
        let flag = if witness.contains_key(stage) { "--mark-done" } else { "--rerun" };
        arguments.extend([flag.to_string(), stage.clone()]);
    }
    arguments
}

/// What is wrong at the end, given what was recorded and witnessed when the engine died.
fn violations(
    shape: &Shape,
    subject: &Subject,
    run: &str,
    recorded: &BTreeMap<String, String>,
    witnessed: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let (witness, statuses) = (witness(subject), subject.statuses(run));
    let mut wrong = Vec::new();
    for index in 0..STAGES {
        let stage = (shape.key)(index);
        let lines = witness.get(&stage).map_or(&[][..], Vec::as_slice);
        let before = witnessed.get(&stage).map_or(0, Vec::len);
        if statuses.get(&stage).map(String::as_str) != Some("succeeded") {
            wrong.push(format!("{stage} ended as {:?}", statuses.get(&stage)));
        }
        if recorded.get(&stage).map(String::as_str) == Some("succeeded") && lines.len() != before {
            wrong.push(format!("{stage} was recorded as succeeded and ran again"));
        }
        match index % 3 {
            1 if lines.iter().any(|line| !line.ends_with(&format!(" key-{index}"))) => {
                wrong.push(format!("{stage} ran under another key: {lines:?}"))
            }
            2 if lines.len() != 1 => wrong.push(format!("{stage} is once and ran {} times", lines.len())),
            _ if lines.is_empty() => wrong.push(format!("{stage} never ran")),
            _ => {}
        }
    }
    wrong.extend(doubled_records(subject, run));
    wrong
}

/// Sequence numbers without gaps, and one result for each start.
pub fn doubled_records(subject: &Subject, run: &str) -> Vec<String> {
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    let mut rows = database
        .prepare(
            "select seq, type, node from event where run = (select num from run where id = ?1) order by seq",
        )
        .expect("a query");
    let events: Vec<(i64, String, Option<i64>)> = rows
        .query_map([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("rows");
    let mut wrong = Vec::new();
    let mut finished: BTreeMap<i64, u32> = BTreeMap::new();
    for (index, (seq, kind, node)) in events.iter().enumerate() {
        if *seq != index as i64 + 1 {
            wrong.push(format!("event {} has number {seq}", index + 1));
        }
        match (kind.as_str(), node) {
            ("stage.finished", Some(node)) => *finished.entry(*node).or_default() += 1,
            ("stage.reset" | "stage.resolved" | "stage.unknown", Some(node)) => {
                finished.insert(*node, 0);
            }
            _ => {}
        }
    }
    wrong.extend(
        finished
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|(node, count)| format!("node {node}: {count} results")),
    );
    wrong
}

fn seed() -> u64 {
    std::env::var("WFL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7)
}

fn kill_and_resume(shape: &Shape) {
    let kills: u64 = std::env::var("WFL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut begun = 0;
    for kill in 0..kills {
        let mut draw = StdRng::seed_from_u64(seed().wrapping_add(kill));
        let subject = Subject::with(&(shape.definition)());
        let (lines, spins) = (draw.random_range(0..STAGES), draw.random_range(0..2_000));
        kill_after(&subject, shape.run, lines, spins);
        let Some(run) = subject.newest_run() else { continue };
        begun += 1;
        let (recorded, witnessed) = (subject.statuses(&run), witness(&subject));
        if draw.random_bool(0.3) {
            kill_after(&subject, &["resume", &run], lines + draw.random_range(0..6), spins);
        }
        let ended = resume_to_the_end(&subject, &run);
        let mut wrong = violations(shape, &subject, &run, &recorded, &witnessed);
        wrong.extend(ended.err());
        assert!(wrong.is_empty(), "kill {kill} (WFL_SEED={}):\n{}", seed(), wrong.join("\n"));
    }
    let what = format!("kill -9 at a random moment, then resume ({begun} with a run to resume)");
    results::note("1", &what, kills as usize, kills as usize, "a recorded result taken away");
    assert!(begun > kills / 2, "{begun} of {kills} had a run to resume");
}

/// Takes a recorded result out of the database after the kill; true when that is noticed.
fn notices_a_lost_record(shape: &Shape) -> bool {
    let subject = Subject::with(&(shape.definition)());
    kill_after(&subject, shape.run, STAGES / 2, 0);
    let run = subject.newest_run().expect("a run");
    let (recorded, witnessed) = (subject.statuses(&run), witness(&subject));
    forget_a_success(shape, &subject.state, &run);
    let ended = resume_to_the_end(&subject, &run);
    let wrong = violations(shape, &subject, &run, &recorded, &witnessed);
    ended.is_err() || !wrong.is_empty()
}

/// Turns the first recorded success of a repeatable stage back into "still running".
fn forget_a_success(shape: &Shape, state: &Path, run: &str) {
    let database = rusqlite::Connection::open(state.join("state.db")).expect("the database");
    let repeatable: Vec<String> =
        (0..STAGES).step_by(3).map(|index| (shape.node)(index).to_string()).collect();
    let query = format!(
        "delete from event where run = (select num from run where id = ?1) \
         and type in ('attempt.finished', 'stage.finished') and node = \
         (select min(node) from event where type = 'stage.finished' and node in ({}))",
        repeatable.join(", ")
    );
    let changed = database.execute(&query, [run]).expect("a change");
    assert!(changed > 0, "there was no success to forget");
}

#[test]
fn a_killed_engine_loses_nothing_and_doubles_nothing() {
    kill_and_resume(&FLAT);
}

#[test]
fn a_killed_engine_in_the_middle_of_a_call_loses_nothing_and_doubles_nothing() {
    kill_and_resume(&CALLED);
}

/// The twins that must turn the checks red.
#[test]
fn a_lost_record_is_noticed() {
    assert!(notices_a_lost_record(&FLAT), "a lost record went unnoticed");
}

#[test]
fn a_lost_record_of_a_called_stage_is_noticed() {
    assert!(notices_a_lost_record(&CALLED), "a lost record went unnoticed");
}
