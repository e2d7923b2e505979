//! The arguments of `wfl history`. Reads nothing but the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::Format;

#[derive(Debug, ClapArgs)]
pub struct History {
    #[command(subcommand)]
    pub action: Option<HistoryAction>,
    /// Only runs of this lane.
    #[arg(long)]
    pub lane: Option<String>,
    /// Only runs that began since: `7d` ago, a date, or a full timestamp.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only runs that began before.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum HistoryAction {
    /// Take in histories of other machines, event logs (CSV, XES), JUnit reports and status files: all of it or nothing.
    Import(ImportHistory),
    /// Write what is remembered: for another machine, or for other programs.
    Export(ExportHistory),
}

#[derive(Debug, ClapArgs)]
pub struct ImportHistory {
    /// Files, plain or gzipped; what each is, is told by what it holds. `-` reads standard input.
    #[arg(required = true, value_name = "FILE|-")]
    pub files: Vec<PathBuf>,
    /// Column of an event log that says which case a row belongs to; one case becomes one run.
    #[arg(long, value_name = "COLUMN")]
    pub case: Option<String>,
    /// Column that says what was done; it becomes the stage.
    #[arg(long, value_name = "COLUMN")]
    pub activity: Option<String>,
    /// Column that says when it was done.
    #[arg(long, value_name = "COLUMN")]
    pub timestamp: Option<String>,
    /// Column that says when it began.
    #[arg(long, value_name = "COLUMN")]
    pub start: Option<String>,
    /// Column that says how long it took: seconds, or the unit its name ends with (`_ms`, `_min`, `_h`).
    #[arg(long, value_name = "COLUMN")]
    pub duration: Option<String>,
    /// Column that says whether it failed. Without a case column every row is a run.
    #[arg(long, value_name = "COLUMN")]
    pub outcome: Option<String>,
    /// The value of the outcome that means failed, where it is no usual word.
    #[arg(long, value_name = "VALUE", requires = "outcome")]
    pub failed_when: Option<String>,
    /// Column that names the lane; or the lane itself, for files that name none.
    #[arg(long, value_name = "COLUMN|LANE")]
    pub lane: Option<String>,
    /// Take runs of another project as well, marked as such.
    #[arg(long)]
    pub from_other_project: bool,
    /// Show what would be taken; change nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HistoryForm {
    /// One run a line, with everything: for `wfl history import`, and for a file in git.
    Jsonl,
    /// JSON in the schema of the sources: `workflows` with `stages_executed` and `profile`.
    Sources,
    /// An event log, a row a stage.
    Csv,
    /// An event log in XML.
    Xes,
}

#[derive(Debug, ClapArgs)]
pub struct ExportHistory {
    #[arg(long, value_enum, default_value_t = HistoryForm::Jsonl)]
    pub format: HistoryForm,
    /// Only runs of this lane.
    #[arg(long)]
    pub lane: Option<String>,
    /// Only runs that began since: `7d` ago, a date, or a full timestamp.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only runs that began before.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Into this file, which is replaced as a whole; without it, to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
