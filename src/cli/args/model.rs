//! The arguments of `wfl model`. Reads nothing but the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::Format;

#[derive(Debug, ClapArgs)]
pub struct Model {
    #[command(subcommand)]
    pub action: ModelAction,
}

#[derive(Debug, Subcommand)]
pub enum ModelAction {
    /// Measure how good predictions are, beside what anyone could say without a model.
    Eval(Box<ModelEval>),
    /// Say what advice rests on: what was learned from, how it did, what it cannot know.
    Card(ModelCard),
}

#[derive(Debug, ClapArgs)]
pub struct ModelEval {
    /// An event log, .csv or .xes, gzip or not; without it, the project's own history, lane by lane.
    #[arg(value_name = "LOG")]
    pub log: Option<PathBuf>,
    /// The column that names the case.
    #[arg(long, value_name = "COLUMN", requires = "log")]
    pub case: Option<String>,
    /// The column that names the activity.
    #[arg(long, value_name = "COLUMN", requires = "log")]
    pub activity: Option<String>,
    /// The column with the time of the event.
    #[arg(long, value_name = "COLUMN", requires = "log")]
    pub timestamp: Option<String>,
    /// The column that says whether the case, or the row, failed.
    #[arg(long, value_name = "COLUMN", requires = "log")]
    pub outcome: Option<String>,
    /// Do not learn from this column.
    #[arg(long, value_name = "COLUMN", requires = "log")]
    pub drop: Vec<String>,
    /// Of a table of verdicts: the column that says that a check failed. Measures the order in which to look for failures.
    #[arg(long, value_name = "COLUMN", requires = "log")]
    pub verdict: Option<String>,
    /// Of a table of verdicts: what the check took.
    #[arg(long, value_name = "COLUMN", requires = "verdict")]
    pub duration: Option<String>,
    /// Of a table of verdicts: which run of all checks the row is part of.
    #[arg(long, value_name = "COLUMN", requires = "verdict")]
    pub cycle: Option<String>,
    /// Of a table of verdicts: the check.
    #[arg(long, value_name = "COLUMN", requires = "verdict")]
    pub name: Option<String>,
    /// Only this lane of the project's history.
    #[arg(long, conflicts_with = "log")]
    pub lane: Option<String>,
    /// In which order cases are divided: the first two thirds are learned from, the rest judged.
    #[arg(long, value_enum, default_value_t = CaseOrder::Start)]
    pub order: CaseOrder,
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CaseOrder {
    /// By the time of their first event.
    Start,
    /// As they stand in the file.
    File,
    /// As in the file, the last one first: for files with the newest on top.
    Reversed,
}

#[derive(Debug, ClapArgs)]
pub struct ModelCard {
    /// Only of this lane.
    pub lane: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}
