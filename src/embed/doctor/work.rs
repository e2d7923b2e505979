//! Runs that did not end, and what dead ones left: locks, places in line, processes.

use crate::event::RunStatus;
use crate::exec::fence::{self, Left};
use crate::history::{Filter, History, RunSummary};
use crate::observe::style::counted;

use super::{Finding, Ground, Mend};

/// Runs named one by one.
const NAMED: usize = 3;

pub(super) fn runs(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "runs";
    let store = match ground.store() {
        Ok(Some(store)) => store,
        Ok(None) => return vec![Finding::ok(NAME, "none yet")],
        Err(why) => return vec![Finding::skipped(NAME, why)],
    };
    let all = match store.runs(&Filter::default()) {
        Ok(all) => all,
        Err(error) => return vec![Finding::fail(NAME, error.0).matters("runs cannot be listed")],
    };
    let of = |status| all.iter().filter(|run| run.status == status).collect::<Vec<_>>();
    let (cut, waiting) = (of(RunStatus::Interrupted), of(RunStatus::Waiting));
    let mut found = Vec::new();
    if let Some(newest) = cut.first() {
        found.push(
            Finding::warn(
                NAME,
                format!("{}: {}", runs_that(cut.len(), "was interrupted", "were interrupted"), named(&cut)),
            )
            .matters("what they had begun is half done, and may hold a lock")
            .advice(format!("`wfl resume {id}`, or `wfl cancel {id}`", id = newest.id)),
        );
    }
    if let Some(newest) = waiting.first() {
        found.push(
            Finding::warn(
                NAME,
                format!(
                    "{}: {}",
                    runs_that(waiting.len(), "waits for people", "wait for people"),
                    named(&waiting)
                ),
            )
            .matters("nothing happens until somebody answers")
            .advice(format!("`wfl show {}` says what it waits for", newest.id)),
        );
    }
    if found.is_empty() {
        found.push(Finding::ok(NAME, format!("{}, none interrupted or waiting", counted(all.len(), "run"))));
    }
    found
}

fn runs_that(count: usize, one: &str, several: &str) -> String {
    match count {
        1 => format!("1 run {one}"),
        count => format!("{count} runs {several}"),
    }
}

fn named(runs: &[&RunSummary]) -> String {
    let mut names: Vec<&str> = runs.iter().take(NAMED).map(|run| run.id.as_str()).collect();
    if runs.len() > NAMED {
        names.push("…");
    }
    names.join(", ")
}

pub(super) fn locks(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "locks";
    let store = match ground.store() {
        Ok(Some(store)) => store,
        Ok(None) => return Vec::new(),
        Err(why) => return vec![Finding::skipped(NAME, why)],
    };
    let (dead, held) = match store.dead_holders().and_then(|dead| Ok((dead, store.held()?))) {
        Ok(both) => both,
        Err(error) => return vec![Finding::fail(NAME, error.message).advice(error.help)],
    };
    let mut found: Vec<Finding> = held
        .iter()
        .filter(|held| held.keeps)
        .map(|held| {
            let what = format!("`{}` is kept by `{}` of run {}", held.name, held.stage, held.run);
            Finding::warn(NAME, format!("{what}, whose end nobody knows"))
                .matters("no other run gets it before somebody says what is true")
                .advice(format!(
                    "`wfl resume {run} --rerun {stage}` or `wfl resume {run} --mark-done {stage}`",
                    run = held.run,
                    stage = held.stage
                ))
        })
        .collect();
    if !dead.is_empty() {
        found.push(
            Finding::warn(NAME, format!("dead runs hold something or stand in line: {}", dead.join(", ")))
                .matters("the next that asks takes it over by itself; until then it is shown as held")
                .advice("`wfl doctor --fix` gives it back")
                .mend(Mend::ReleaseDead),
        );
    }
    if found.is_empty() {
        found.push(Finding::ok(NAME, "none is held by a dead run"));
    }
    found
}

pub(super) fn processes(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "leftover processes";
    if !std::path::Path::new("/proc/self").exists() {
        return vec![Finding::skipped(NAME, "there is no /proc here")];
    }
    let store = match ground.store() {
        Ok(Some(store)) => store,
        Ok(None) => return Vec::new(),
        Err(why) => return vec![Finding::skipped(NAME, why)],
    };
    let left = fence::left();
    let mut found = Vec::new();
    let mut runs: Vec<&str> = left.iter().map(|left| left.run.as_str()).collect();
    runs.sort();
    runs.dedup();
    for id in runs {
        // Another project's, or one that is at work.
        let Ok(Some(run)) = store.run(id) else { continue };
        let own: Vec<&Left> = left.iter().filter(|left| left.run == id).collect();
        match run.status {
            RunStatus::Running => {}
            RunStatus::Interrupted => found.push(dead(id, &own)),
            _ => found
                .push(Finding::ok(NAME, format!("{} of run {id}, which ended, still there", words(&own)))),
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(NAME, "none"));
    }
    found
}

fn dead(run: &str, left: &[&Left]) -> Finding {
    Finding::warn("leftover processes", format!("{} of run {run}, which was cut off", words(left)))
        .matters("they work on as if the run still went on")
        .advice(format!(
            "`wfl resume {run}` ends them first; `wfl doctor --fix` ends them when you confirm it"
        ))
        .mend(Mend::End { run: run.to_owned(), what: words(left) })
}

fn words(left: &[&Left]) -> String {
    let names: Vec<String> =
        left.iter().take(NAMED).map(|left| format!("{} ({})", left.name, left.pid)).collect();
    let more = if left.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}
