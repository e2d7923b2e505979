//! The arguments of the commands that write lanes or look at what they are for: a repository, a change, another system's
//! file. Reads nothing but the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{Change, Format};

/// A side of a change that can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Judged {
    /// Commits without words, or made to be melted into others.
    Commits,
    /// Public names removed without a word about it.
    Names,
    /// Comments that forbid to merge.
    Markers,
    /// Tests switched off or taken away.
    Tests,
    /// Shell scripts, and calls of targets that are not there.
    Scripts,
    /// Links, anchors, images, code blocks and drafts in documents.
    Documents,
}

#[derive(Debug, ClapArgs)]
pub struct OfChange {
    /// Check this side of it: findings with file and line, exit 1 if there are any.
    #[arg(long, value_enum, value_name = "SIDE")]
    pub check: Option<Judged>,
    #[command(flatten)]
    pub change: Change,
    /// Print the document that this template makes of it: std:tasks.md, or a file of your own.
    #[arg(long, value_name = "TEMPLATE", default_value = "std:proposal.md", hide_default_value = true)]
    pub document: String,
    /// Print a built-in template, to begin an own one with: `wfl change --template proposal.md`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["check", "base"])]
    pub template: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, ClapArgs)]
pub struct Init {
    /// `-` prints the lane and writes nothing.
    #[arg(value_name = "-", value_parser = ["-"])]
    pub output: Option<String>,
    /// The kind of lane; --list lists them.
    #[arg(long, value_name = "KIND", default_value = "check")]
    pub lane: String,
    /// List the kinds of lanes, and what each does.
    #[arg(long)]
    pub list: bool,
    /// Print the lane; write nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, ClapArgs)]
pub struct Analyse {
    /// A lane, or a .wfl file; without it, the one that `wfl run` would run.
    #[arg(value_name = "LANE|FILE")]
    pub target: Option<String>,
    /// The lane of the file.
    #[arg(long)]
    pub lane: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, ClapArgs)]
pub struct Import {
    #[command(subcommand)]
    pub what: ImportWhat,
}

#[derive(Debug, Subcommand)]
pub enum ImportWhat {
    /// The lane file of the original system, in YAML.
    Lanes(ImportLanes),
    /// Status and checkpoint files of the original systems, damaged ones too, as records.
    Status(ImportStatus),
}

#[derive(Debug, ClapArgs)]
pub struct ImportStatus {
    /// Files, folders that hold them, or `-` for standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Put each record in the place of its file; a copy of the file is kept beside it.
    #[arg(long, conflicts_with_all = ["output", "check"])]
    pub write: bool,
    /// Write the records into this folder.
    #[arg(short, long, value_name = "DIR", conflicts_with = "check")]
    pub output: Option<PathBuf>,
    /// Exit 1 unless every file is as it should be.
    #[arg(long)]
    pub check: bool,
    /// Show this checkpoint, or `latest`.
    #[arg(long, value_name = "ID", conflicts_with_all = ["write", "output", "check"])]
    pub checkpoint: Option<String>,
    /// JSON holds the records, what was found and what was done.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, ClapArgs)]
pub struct ImportLanes {
    /// The lane file; without it, custom_lanes.yaml or .workflow/lanes.yaml.
    #[arg(value_name = "FILE.yaml")]
    pub file: Option<PathBuf>,
    /// Where to write the lanes; without it, standard output.
    #[arg(short, long, value_name = "FILE.wfl")]
    pub output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Let lanes take the names docs, standard and heavy, which are built in.
    #[arg(long = "override")]
    pub replace_built_in: bool,
    /// JSON holds the lanes' text and the account.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}
