//! Status files of the original systems as remembered runs: those that ended and say when. Repairs nothing: that is
//! [`crate::embed::status`]'s.

use super::{Batch, id, jsonl, sources};
use crate::base::Timestamp;
use crate::embed::Error;
use crate::embed::status::{self, Record, Stage, State};
use crate::event::{RunStatus, Status};
use crate::eventlog::Source;
use crate::eventlog::time::{Slashes, parse};
use crate::history::{Mode, Past, PastChange, PastStage};

const SOURCE: &str = "status";

pub(super) fn read(source: &Source<'_>, bytes: &[u8], lane: Option<&str>) -> Result<Batch, Error> {
    let imported = match source {
        Source::Path(path) => status::read(path),
        Source::Bytes(name, _) => status::of_bytes(name, None, bytes),
    };
    let Some(document) = &imported.document else {
        let why = imported.findings.first().map(|finding| finding.what.clone()).unwrap_or_default();
        return Err(Error::refused(
            format!("{} is JSON of no kind that is known: {why}", source.name()),
            "lines of `wfl history export`, the sources' `workflows`, and status files of the original systems are read",
        ));
    };
    let mut batch =
        Batch { kind: "a status file", rows: document.records.len(), nameless: true, ..Batch::default() };
    for (number, record) in (1..).zip(&document.records) {
        let name = record.change_id.clone().unwrap_or_default();
        match one(record, lane) {
            Ok(past) => match jsonl::contradiction(&past) {
                None => batch.past.push(past),
                Some(what) => batch.complaints.bad(what, number, &name),
            },
            // A run that goes on is no mistake of the file.
            Err(Missing::End) => batch.complaints.odd("the run has not ended: left for later", number, &name),
            Err(Missing::Word) => {
                batch.complaints.odd("it does not say how the run ended: not taken", number, &name)
            }
            Err(Missing::Start) => batch.complaints.bad("it does not say when it began", number, &name),
        }
    }
    if imported.repairs() > 0 {
        batch.notes.push(format!(
            "{} repairs were needed to read it: `wfl import status` names them",
            imported.repairs()
        ));
    }
    Ok(batch)
}

enum Missing {
    Start,
    End,
    /// Of how it ended.
    Word,
}

fn one(record: &Record, lane: Option<&str>) -> Result<Past, Missing> {
    let status = match record.status {
        State::Completed => RunStatus::Succeeded,
        State::Failed => RunStatus::Failed,
        State::Cancelled => RunStatus::Cancelled,
        _ if !record.failed.is_empty() => RunStatus::Failed,
        State::Unrecorded => return Err(Missing::Word),
        _ => return Err(Missing::End),
    };
    let of_stages = record.stages.iter().filter_map(|stage| moment(&stage.started_at)).min();
    let began = moment(&record.started_at).or_else(|| moment(&record.created_at)).or(of_stages);
    let started = began.ok_or(Missing::Start)?;
    let ended = record.stages.iter().filter_map(|stage| moment(&stage.ended_at)).max();
    let ended =
        moment(&record.completed_at).or(ended).or_else(|| moment(&record.updated_at)).unwrap_or(started);
    let change = record.change_id.clone().unwrap_or_default();
    let lane = record.lane.clone().or_else(|| lane.map(str::to_owned)).unwrap_or_else(|| "unknown".into());
    let kind = record.kind.as_deref().map(sources::kind).unwrap_or_default().to_owned();
    Ok(Past {
        id: id(SOURCE, &[&change, record.workflow_id.as_deref().unwrap_or_default(), &started.to_string()]),
        project: String::new(),
        source: SOURCE.into(),
        lane,
        status,
        started: Timestamp(started),
        duration_ms: ended.saturating_sub(started).max(0) as u64,
        change: PastChange { id: change, kind, ..PastChange::default() },
        stages: record.stages.iter().filter_map(|one| stage(one, started)).collect(),
        mode: Mode::Full,
    })
}

fn moment(text: &Option<String>) -> Option<i64> {
    parse(text.as_deref()?, Slashes::Unknown).ms()
}

/// None of a stage that has no name at all.
fn stage(stage: &Stage, started: i64) -> Option<PastStage> {
    let number = stage.number.and_then(|number| u32::try_from(number).ok());
    let name = stage.name.clone().or_else(|| number.map(|number| format!("stage_{number}")))?;
    let status = match stage.status {
        State::Completed => Status::Succeeded,
        State::Failed => Status::Failed,
        State::Cancelled => Status::Cancelled,
        State::Skipped => Status::Skipped,
        State::Pending => Status::Pending,
        _ => Status::Unknown,
    };
    let ran = matches!(status, Status::Succeeded | Status::Failed | Status::Cancelled);
    let (began, ended) = (moment(&stage.started_at), moment(&stage.ended_at));
    let told =
        stage.duration_seconds.filter(|seconds| *seconds >= 0.0).map(|seconds| (seconds * 1000.0) as u64);
    let between = began.zip(ended).map(|(began, ended)| ended.saturating_sub(began).max(0) as u64);
    let attempts = stage.attempts.and_then(|attempts| u32::try_from(attempts).ok()).unwrap_or(1).max(1);
    Some(PastStage {
        number,
        status,
        began_ms: began.map(|began| began.saturating_sub(started).max(0) as u64),
        duration_ms: told.or(between).unwrap_or(0),
        attempts: if ran { attempts } else { 0 },
        ..PastStage::passed(&name, "stage")
    })
}
