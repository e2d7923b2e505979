//! The arguments of every command, as clap reads them. The doc comments are the help texts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

mod authoring;
mod errors;
mod explain;
mod going;
mod history;
mod mend;
mod model;
mod order;
mod recommendation;
mod recovery;
mod upkeep;

pub use authoring::{Analyse, Import, ImportLanes, ImportStatus, ImportWhat, Init, Judged, OfChange};
pub use errors::{Errors, ErrorsAction, Note};
pub use explain::Explain;
pub use going::Going;
pub use history::{ExportHistory, History, HistoryAction, HistoryForm, ImportHistory};
pub use mend::Mend;
pub use model::{CaseOrder, Model, ModelAction, ModelCard, ModelEval};
pub use order::Order;
pub use recommendation::Recommendation;
pub use recovery::Rollback;
pub use upkeep::Doctor;

/// The executable change runbook: lanes, stages, gates and approvals that survive kill -9.
#[derive(Debug, Parser)]
#[command(name = "wfl", version, disable_help_subcommand = true, propagate_version = false)]
pub struct Args {
    /// When to use colour. NO_COLOR turns it off as well.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Work as if started in this folder.
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find what is wrong in .wfl files, all of it at once.
    Check(Check),
    /// Write .wfl files in the language's one style.
    Fmt(Fmt),
    /// Show the syntax tree of a file.
    Ast(Ast),
    /// Run a lane.
    Run(Run),
    /// Advise which stages a change needs, or explain a diagnostic code.
    Explain(Explain),
    /// List runs, newest first.
    Runs(Runs),
    /// Show a run and its stages.
    Show(Show),
    /// Print what stages wrote.
    Logs(Logs),
    /// Say why a stage is in the state it is in.
    Why(Why),
    /// Go on with a run that stopped.
    Resume(Resume),
    /// Ask a run to stop.
    Cancel(Cancel),
    /// Approve or reject a stage that waits for it.
    Approve(Approve),
    /// List the lanes of the project and the built-in ones, or compare two.
    Lanes(Lanes),
    /// Work out an expression.
    Eval(Eval),
    /// Draw a lane.
    Graph(Graph),
    /// Remove old runs and logs.
    Clean(Clean),
    /// Play the tests of lane files: mocks, a virtual clock, nothing real runs.
    Test(Test),
    /// Show what the change at hand is, or check one side of it.
    Change(OfChange),
    /// Turn files of other systems into lanes, with an account of every key.
    Import(Import),
    /// Write a first lane for this repository: its own commands as stages.
    Init(Init),
    /// Say what a lane could add: commands it does not run, guards it lacks, waiting that nothing asks for.
    Analyse(Analyse),
    /// Take back what a run did: the undo of its stages, newest first, and the project's files.
    Rollback(Rollback),
    /// List failures by what they have in common, how often they were seen, and what helped.
    Errors(Errors),
    /// Look at the health of state, project and machine, and mend what can be mended without loss.
    Doctor(Doctor),
    /// Put right what interrupted programs left in the project, of one kind.
    Mend(Mend),
    /// Measure how good predictions from history are, and say what advice rests on.
    Model(Model),
    /// Show what is remembered of runs; take in histories and event logs of others, and write it for them.
    History(History),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// For commands with one text and one JSON form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// With source lines, carets and help.
    Human,
    /// One line each.
    Short,
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations for GitHub Actions; the readable text goes to standard error.
    Github,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    Mermaid,
    Dot,
    Json,
    Svg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// Every event reaches the disk before the run goes on.
    Every,
    /// The disk holds all that was shown, approved or locked, and that anything with an outside effect began.
    Barrier,
    /// Survives the program's death, not a power cut.
    Process,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The last lines of stages that fail.
    Failed,
    /// All output, a block for each stage when it ends.
    Grouped,
    /// All output, each line behind its stage's name.
    Prefixed,
    /// All output, each line as it comes.
    Interleaved,
    /// No output of stages.
    None,
}

#[derive(Debug, ClapArgs)]
pub struct Check {
    /// Files or folders; without any, the project's own.
    pub paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub format: CheckFormat,
    /// Apply the fixes that keep the meaning.
    #[arg(long)]
    pub fix: bool,
    /// Apply all fixes, those that may change the meaning included.
    #[arg(long)]
    pub unsafe_fixes: bool,
    /// Show what --fix (or --unsafe-fixes) would change; change nothing.
    #[arg(long)]
    pub diff: bool,
    /// Treat as errors: `warnings`, `remarks` (what --pedantic shows), or a check by code or name.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub deny: Vec<String>,
    /// Show the remarks of the pedantic checks as well.
    #[arg(long)]
    pub pedantic: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Fmt {
    /// Files or folders; without any, the project's own. `-` reads standard input and writes standard output.
    #[arg(value_name = "PATH|-")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; list what would change, and exit with 1 if something would.
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show the difference, and exit with 1 if there is one.
    #[arg(long)]
    pub diff: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Ast {
    /// A .wfl file, or `-` for standard input.
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What is changed, when git does not know or should not be asked.
#[derive(Debug, Default, ClapArgs)]
pub struct Change {
    /// The change's name.
    #[arg(long, value_name = "ID")]
    pub change_id: Option<String>,
    /// Its conventional-commit type: feat, fix, docs, …
    #[arg(long, value_name = "TYPE")]
    pub change_type: Option<String>,
    /// The changed files.
    #[arg(long, value_name = "FILE", value_delimiter = ',', alias = "change-files")]
    pub files: Option<Vec<String>>,
    /// What to compare with: a branch, tag or commit.
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// The commit message.
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Lines added.
    #[arg(long, value_name = "N")]
    pub added: Option<u64>,
    /// Lines deleted.
    #[arg(long, value_name = "N")]
    pub deleted: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub struct Run {
    /// A lane, or a .wfl file; without it, the first lane of the project whose `select` fits.
    #[arg(value_name = "LANE|FILE")]
    pub target: Option<String>,
    /// The lane of the file.
    #[arg(long)]
    pub lane: Option<String>,
    /// Set a parameter.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    pub change: Change,
    /// Show the plan; start and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Stages at once.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,
    /// Run all that does not depend on a failure.
    #[arg(long)]
    pub keep_going: bool,
    #[command(flatten)]
    pub order: Order,
    /// Only this stage and what comes after it.
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["only", "recommended"])]
    pub from: Option<String>,
    /// Only these stages, and the gates and approvals they need.
    #[arg(long, value_name = "STAGE", value_delimiter = ',', conflicts_with = "recommended")]
    pub only: Vec<String>,
    /// Only the stages `wfl explain` recommends: shows what would be left out, asks, runs.
    #[arg(long)]
    pub recommended: bool,
    #[command(flatten)]
    pub recommendation: Recommendation,
    /// Take what this run of a lighter lane did well, and run what it left out.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["from", "only", "recommended"])]
    pub promote: Option<String>,
    /// Run in a checkout of the commit at hand, so that the project's files can be edited meanwhile.
    #[arg(long, conflicts_with = "promote")]
    pub isolated: bool,
    #[command(flatten)]
    pub going: Going,
}

#[derive(Debug, ClapArgs)]
pub struct Runs {
    #[arg(long)]
    pub lane: Option<String>,
    #[arg(long, value_name = "TYPE")]
    pub change_type: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, ClapArgs)]
pub struct Show {
    /// The run's id, its beginning, or `last`; with --resolved, a lane or a .wfl file.
    #[arg(value_name = "RUN|LANE")]
    pub run: String,
    /// Show what a lane holds after `extends`, `defaults` and `override`.
    #[arg(long)]
    pub resolved: bool,
    /// Beside each value, the file and line that set it.
    #[arg(long, requires = "resolved")]
    pub origin: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, ClapArgs)]
pub struct Logs {
    /// The run's id, its beginning, or `last`.
    pub run: String,
    pub stage: Option<String>,
    /// Only these stages.
    #[arg(long = "stage", value_name = "STAGE", value_delimiter = ',', conflicts_with = "stage")]
    pub stages: Vec<String>,
    /// Only this attempt; without it, all.
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// Only lines in which this regular expression is found.
    #[arg(long, value_name = "RE")]
    pub grep: Option<String>,
    /// Only what came since then: `5m` ago, `2026-11-21 08:00`, `08:00` today, or a full timestamp.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only lines that say they are of this level or a worse one.
    #[arg(long, value_enum)]
    pub level: Option<LogLevel>,
    /// Only this stream.
    #[arg(long, value_enum)]
    pub stream: Option<LogStream>,
    /// Only the last lines.
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    pub tail: Option<usize>,
    /// Go on showing what is written until the run stops.
    #[arg(short, long)]
    pub follow: bool,
    /// Before each line, when it came.
    #[arg(long)]
    pub timestamps: bool,
    /// JSON is one object a line.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogStream {
    Out,
    Err,
}

#[derive(Debug, ClapArgs)]
pub struct Why {
    /// The run's id, its beginning, or `last`.
    pub run: String,
    pub stage: String,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, ClapArgs)]
pub struct Resume {
    /// The run's id, its beginning, or `last`.
    pub run: String,
    /// Run this interrupted or failed `once` stage again.
    #[arg(long, value_name = "STAGE")]
    pub rerun: Vec<String>,
    /// This interrupted or failed `once` stage did its work.
    #[arg(long, value_name = "STAGE")]
    pub mark_done: Vec<String>,
    /// Go on with the definition as it is now.
    #[arg(long)]
    pub adopt: bool,
    #[command(flatten)]
    pub going: Going,
}

#[derive(Debug, ClapArgs)]
pub struct Cancel {
    /// The run's id, its beginning, or `last`.
    pub run: String,
}

#[derive(Debug, ClapArgs)]
pub struct Approve {
    /// The run's id, its beginning, or `last`.
    pub run: String,
    pub stage: String,
    /// Say no.
    #[arg(long)]
    pub reject: bool,
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Lanes {
    #[command(subcommand)]
    pub action: Option<LanesAction>,
    /// Only lanes that hold these words in their name, description, fields or stages.
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum LanesAction {
    /// What the second lane drops, adds and changes against the first.
    Diff {
        /// The lane to compare with: the fuller one.
        from: String,
        to: String,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Eval {
    /// The expression, as it could stand in a lane file.
    pub expression: String,
    /// The lane file whose names it may use; without it, those of the project's files.
    pub file: Option<PathBuf>,
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    pub change: Change,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, ClapArgs)]
pub struct Graph {
    /// A lane, or a .wfl file.
    #[arg(value_name = "LANE|FILE")]
    pub target: Option<String>,
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    Human,
    Json,
    /// JUnit XML.
    Junit,
}

#[derive(Debug, ClapArgs)]
pub struct Test {
    /// Files or folders; without any, the project's own.
    pub paths: Vec<PathBuf>,
    /// Only tests whose name holds this text.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    #[arg(long, value_enum, default_value_t = TestFormat::Human)]
    pub format: TestFormat,
    /// Say which stages and branches the tests went through.
    #[arg(long)]
    pub coverage: bool,
    /// Show every step of each run.
    #[arg(long)]
    pub verbose: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Clean {
    /// Show what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Close all circuit breakers of the project, and remove nothing.
    #[arg(long, conflicts_with = "dry_run")]
    pub breakers: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn lists_may_be_written_with_commas() {
        let args = Args::try_parse_from(["wfl", "run", "fix.wfl", "--only", "a,b", "-j", "2"]).unwrap();
        let Command::Run(run) = args.command else { panic!("not run") };
        assert_eq!(run.only, ["a", "b"]);
        assert_eq!(run.jobs, Some(2));
        assert!(Args::try_parse_from(["wfl", "run", "-j", "0"]).is_err());
        assert!(Args::try_parse_from(["wfl", "run", "--from", "a", "--only", "b"]).is_err());
    }
}
