//! A JUnit report as one remembered run: its suites are the stages. Reads no file.

use std::collections::BTreeMap;

use super::{Batch, id};
use crate::base::Timestamp;
use crate::embed::Error;
use crate::event::{RunStatus, Status};
use crate::eventlog::Source;
use crate::eventlog::time::{Slashes, parse};
use crate::facts::suites::{self, Suite};
use crate::history::{Mode, Past, PastChange, PastStage};

const SOURCE: &str = "junit";

pub(super) fn read(source: &Source<'_>, bytes: &[u8], lane: Option<&str>) -> Result<Batch, Error> {
    let name = source.name();
    let suites = suites::read(&name, bytes).map_err(|why| Error::refused(why, "nothing of it was taken"))?;
    let mut batch = Batch { kind: "a JUnit report", rows: suites.len(), ..Batch::default() };
    let told =
        suites.iter().filter_map(|suite| parse(suite.timestamp.as_deref()?, Slashes::Unknown).ms()).min();
    let written = || match source {
        Source::Path(path) => {
            let modified = std::fs::metadata(path).and_then(|meta| meta.modified()).ok()?;
            Some(modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis() as i64)
        }
        Source::Bytes(..) => None,
    };
    let Some(started) = told.or_else(written) else {
        let help = "no suite has a `timestamp`; name the file itself, then the time it was written counts";
        return Err(Error::refused(format!("{name} does not say when its tests ran"), help));
    };
    if told.is_none() {
        batch.notes.push("no suite has a `timestamp`: the time the file was written counts".into());
    }
    let mut stages: Vec<PastStage> = Vec::new();
    for (number, suite) in (1..).zip(&suites) {
        match suite.seconds.filter(|seconds| (0.0..1e9).contains(seconds)) {
            None if suite.seconds.is_some() => {
                batch.complaints.bad("the time of the suite is no duration", number, &suite.name)
            }
            _ => stages.push(stage(suite, started)),
        }
    }
    let failed = stages.iter().any(|stage| stage.status == Status::Failed);
    batch.past.push(Past {
        id: format!("{}-{}", SOURCE, &blake3::hash(bytes).to_hex()[..16]),
        project: String::new(),
        source: SOURCE.into(),
        lane: lane.unwrap_or(SOURCE).to_owned(),
        status: if failed { RunStatus::Failed } else { RunStatus::Succeeded },
        started: Timestamp(started),
        duration_ms: stages.iter().map(|stage| stage.duration_ms).sum(),
        change: PastChange { id: id(SOURCE, &[&name]), ..PastChange::default() },
        stages,
        mode: Mode::Full,
    });
    Ok(batch)
}

fn stage(suite: &Suite, started: i64) -> PastStage {
    let began = suite.timestamp.as_deref().and_then(|text| parse(text, Slashes::Unknown).ms());
    let ran = suite.tests > suite.skipped;
    let status = match (suite.failed > 0, ran) {
        (true, _) => Status::Failed,
        (false, true) => Status::Succeeded,
        (false, false) => Status::Skipped,
    };
    PastStage {
        status,
        began_ms: began.map(|began| began.saturating_sub(started).max(0) as u64),
        duration_ms: suite.seconds.map_or(0, |seconds| (seconds * 1000.0).round() as u64),
        attempts: u32::from(ran || suite.failed > 0),
        measures: BTreeMap::from([
            ("tests".into(), suite.tests as f64),
            ("failed".into(), suite.failed as f64),
        ]),
        ..PastStage::passed(&suite.name, "stage")
    }
}
