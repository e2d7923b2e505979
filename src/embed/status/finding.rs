//! What was wrong with a status file or is told of it, and what was done about it. Reads nothing.

use serde::Serialize;

/// What kind of thing was found; the words are those of the original system where it had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    MissingFile,
    PermissionError,
    ReadError,
    /// Text that is not JSON as it stands: cut, a comma too many, quotes missing.
    InvalidJson,
    /// A byte order mark, NUL bytes, bytes that are no UTF-8.
    InvalidText,
    MissingField,
    InvalidType,
    InvalidTime,
    InvalidStatus,
    InvalidStage,
    InvalidCompletedStage,
    DuplicateStage,
    StageOrder,
    /// A shape that is none of those that are known.
    UnknownShape,
    /// The file contradicts itself, as a stage that completed because its hooks failed.
    Contradiction,
    Runaway,
    LaneInName,
    UselessMetric,
}

impl Class {
    pub fn word(self) -> &'static str {
        match self {
            Class::MissingFile => "missing_file",
            Class::PermissionError => "permission_error",
            Class::ReadError => "read_error",
            Class::InvalidJson => "invalid_json",
            Class::InvalidText => "invalid_text",
            Class::MissingField => "missing_field",
            Class::InvalidType => "invalid_type",
            Class::InvalidTime => "invalid_time",
            Class::InvalidStatus => "invalid_status",
            Class::InvalidStage => "invalid_stage",
            Class::InvalidCompletedStage => "invalid_completed_stage",
            Class::DuplicateStage => "duplicate_stage",
            Class::StageOrder => "stage_order",
            Class::UnknownShape => "unknown_shape",
            Class::Contradiction => "contradiction",
            Class::Runaway => "runaway",
            Class::LaneInName => "lane_in_name",
            Class::UselessMetric => "useless_metric",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warning,
    Error,
    /// Nothing of the file could be read.
    Critical,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub class: Class,
    pub severity: Severity,
    /// `stages[3].status`; empty for the file as a whole.
    pub place: String,
    pub what: String,
    /// What the repair did; none where it is only told.
    pub did: Option<String>,
}

impl Finding {
    pub(super) fn told(class: Class, severity: Severity, place: &str, what: impl Into<String>) -> Finding {
        Finding { class, severity, place: place.to_owned(), what: what.into(), did: None }
    }

    pub(super) fn mended(
        class: Class,
        severity: Severity,
        place: &str,
        what: impl Into<String>,
        did: impl Into<String>,
    ) -> Finding {
        Finding { did: Some(did.into()), ..Finding::told(class, severity, place, what) }
    }

    pub fn is_repair(&self) -> bool {
        self.did.is_some()
    }
}
