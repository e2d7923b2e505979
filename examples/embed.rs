//! A host program that embeds `wfl`: it opens a project, runs one of its lanes and reads the history back.
//!
//! `cargo run --example embed [FOLDER]`; without a folder it makes a small project of its own.

use std::path::PathBuf;

use wfl::embed::{Asked, Error, Going, Project};
use wfl::event::{Event, Record};
use wfl::history::{Filter, History};
use wfl::port::Observer;

/// Is told every event after it was recorded.
struct Told;

impl Observer for Told {
    fn event(&mut self, record: &Record) {
        if let Event::StageFinished { status, duration_ms, .. } = &record.event {
            println!("event {}: a stage {} after {duration_ms} ms", record.seq, status.word());
        }
    }
}

const LANE: &str = r#"wfl 1
stage build { exec "echo", "built" }
stage check { needs build; exec "true" }
lane greet { about "Two small stages"; include check }
"#;

fn main() -> Result<(), Error> {
    let folder = std::env::args().nth(1).map_or_else(small_project, PathBuf::from);
    let project = Project::open(&folder)?;
    for lane in project.lanes().iter().filter(|lane| !lane.std) {
        println!("lane {} of {} stages", lane.name, lane.stages.len());
    }
    let planned = project.plan(&Asked::default())?;
    println!("{}: {}", planned.plan.lane, planned.chosen.by);
    let ended = project.run(planned, Going { observers: vec![Box::new(Told)], ..Going::default() })?;
    println!("run {} {}", ended.run, ended.status.word());
    if let Some(history) = project.history()? {
        let runs = history.runs(&Filter { limit: Some(3), ..Filter::default() })?;
        println!("{} of the last runs are in the history", runs.len());
    }
    Ok(())
}

fn small_project() -> PathBuf {
    let folder = std::env::temp_dir().join("wfl-embed-example");
    // What cannot be written is told by `Project::open`.
    let _ = std::fs::create_dir_all(folder.join(".wfl"));
    let _ = std::fs::write(folder.join(".wfl/greet.wfl"), LANE);
    folder
}
