//! The stored form of a remembered run: short, versioned, the same bytes for the same content. Knows no table.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::IMPORTED;
use crate::base::Timestamp;
use crate::event::{RunStatus, Status};
use crate::history::{Mode, Past, PastChange, PastStage};

/// The first byte. A change of the fields below is a new version, and the old one stays readable; the words of the
/// enums are stored by their places, so theirs may only be added to at the end.
const VERSION: u8 = 1;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept<'a> {
    #[serde(borrow)]
    project: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    status: RunStatus,
    duration_ms: u64,
    mode: Mode,
    #[serde(borrow)]
    change: Changed<'a>,
    #[serde(borrow)]
    stages: Vec<Stage<'a>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Changed<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    files: Cow<'a, [String]>,
    count: u64,
    added: u64,
    deleted: u64,
    #[serde(borrow)]
    branch: Cow<'a, str>,
    #[serde(borrow)]
    author: Cow<'a, str>,
    #[serde(borrow)]
    sha: Cow<'a, str>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stage<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// None where it is the name.
    #[serde(borrow)]
    stage: Option<Cow<'a, str>>,
    number: Option<u32>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    status: Status,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    began_ms: Option<u64>,
    duration_ms: u64,
    attempts: u32,
    cpu_ms: u64,
    memory: u64,
    io: u64,
    measures: Cow<'a, BTreeMap<String, f64>>,
}

pub(super) fn encode(past: &Past) -> Vec<u8> {
    // Plain data of our own always has a form.
    postcard::to_extend(&Kept::from(past), vec![VERSION]).unwrap_or_default()
}

/// None of what this version cannot read.
pub(super) fn decode(bytes: &[u8]) -> Option<Kept<'_>> {
    let (version, rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    postcard::from_bytes(rest).ok()
}

impl<'a> From<&'a Past> for Kept<'a> {
    fn from(past: &'a Past) -> Self {
        // Where a run of a machine of ours lies now is no part of what it was.
        let source = if past.source == IMPORTED { "" } else { &past.source };
        let change = &past.change;
        Kept {
            project: Cow::Borrowed(&past.project),
            source: Cow::Borrowed(source),
            status: past.status,
            duration_ms: past.duration_ms,
            mode: past.mode,
            change: Changed {
                id: Cow::Borrowed(&change.id),
                kind: Cow::Borrowed(&change.kind),
                files: Cow::Borrowed(&change.files),
                count: change.count,
                added: change.added,
                deleted: change.deleted,
                branch: Cow::Borrowed(&change.branch),
                author: Cow::Borrowed(&change.author),
                sha: Cow::Borrowed(&change.sha),
            },
            stages: past.stages.iter().map(Stage::from).collect(),
        }
    }
}

impl<'a> From<&'a PastStage> for Stage<'a> {
    fn from(stage: &'a PastStage) -> Self {
        Stage {
            name: Cow::Borrowed(&stage.name),
            stage: (stage.stage != stage.name).then_some(Cow::Borrowed(&stage.stage)),
            number: stage.number,
            kind: Cow::Borrowed(&stage.kind),
            status: stage.status,
            reason: stage.reason.as_deref().map(Cow::Borrowed),
            began_ms: stage.began_ms,
            duration_ms: stage.duration_ms,
            attempts: stage.attempts,
            cpu_ms: stage.cpu_ms,
            memory: stage.memory,
            io: stage.io,
            measures: Cow::Borrowed(&stage.measures),
        }
    }
}

impl Kept<'_> {
    pub(super) fn past(self, id: String, lane: String, started: Timestamp) -> Past {
        let change = self.change;
        Past {
            id,
            lane,
            started,
            project: self.project.into_owned(),
            source: self.source.into_owned(),
            status: self.status,
            duration_ms: self.duration_ms,
            mode: self.mode,
            change: PastChange {
                id: change.id.into_owned(),
                kind: change.kind.into_owned(),
                files: change.files.into_owned(),
                count: change.count,
                added: change.added,
                deleted: change.deleted,
                branch: change.branch.into_owned(),
                author: change.author.into_owned(),
                sha: change.sha.into_owned(),
            },
            stages: self.stages.into_iter().map(Stage::past).collect(),
        }
    }
}

impl Stage<'_> {
    fn past(self) -> PastStage {
        let name = self.name.into_owned();
        PastStage {
            stage: self.stage.map_or_else(|| name.clone(), Cow::into_owned),
            name,
            number: self.number,
            kind: self.kind.into_owned(),
            status: self.status,
            reason: self.reason.map(Cow::into_owned),
            began_ms: self.began_ms,
            duration_ms: self.duration_ms,
            attempts: self.attempts,
            cpu_ms: self.cpu_ms,
            memory: self.memory,
            io: self.io,
            measures: self.measures.into_owned(),
        }
    }
}

/// How much was done and is known; nothing of bytes that cannot be read.
pub(super) fn richness(bytes: &[u8]) -> [u64; 4] {
    let Some(kept) = decode(bytes) else { return [0; 4] };
    let attempts = kept.stages.iter().map(|stage| u64::from(stage.attempts)).sum();
    [attempts, kept.duration_ms, kept.stages.len() as u64, kept.change.files.len() as u64]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str) -> PastStage {
        PastStage {
            name: name.into(),
            stage: "test".into(),
            number: Some(4),
            kind: "gate".into(),
            status: Status::Waived,
            reason: Some("why".into()),
            began_ms: Some(7),
            duration_ms: 300,
            attempts: 2,
            cpu_ms: 200,
            memory: 1 << 33,
            io: 5,
            measures: BTreeMap::from([("coverage".into(), 87.5)]),
        }
    }

    fn run() -> Past {
        Past {
            id: "r".into(),
            project: "p".into(),
            source: "csv".into(),
            lane: "l".into(),
            status: RunStatus::RolledBack,
            started: Timestamp(-5),
            duration_ms: 9,
            change: PastChange {
                files: vec!["a".into()],
                count: 1,
                author: "h".into(),
                ..Default::default()
            },
            stages: vec![stage("test"), stage("test[shard=2]")],
            mode: Mode::Control,
        }
    }

    #[test]
    fn what_is_encoded_is_read_again() {
        let bytes = encode(&run());
        let read = decode(&bytes).unwrap().past("r".into(), "l".into(), Timestamp(-5));
        assert_eq!(read, run());
    }

    /// Databases hold these bytes: were they read otherwise one day, every history would be wrong without a word.
    #[test]
    fn the_bytes_of_version_1_stay_what_they_are() {
        let mut short = run();
        short.stages.truncate(1);
        let hex: String = encode(&short).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, FIXED);
    }

    const FIXED: &str = concat!(
        "0101700363737608090300000101610100000001680001047465737400010404676174650901037768790107ac0202c801808080802005",
        "0108636f7665726167650000000000e05540"
    );

    #[test]
    fn bytes_that_are_cut_or_of_another_version_are_nothing() {
        let bytes = encode(&run());
        assert!((0..bytes.len()).all(|end| decode(&bytes[..end]).is_none()));
        assert!(decode(&[&[VERSION + 1], &bytes[1..]].concat()).is_none());
    }
}
