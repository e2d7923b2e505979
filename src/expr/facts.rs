//! The table of facts: everything an expression may read from outside, when it may be read, and its type.
//! Does not read anything; the `facts` layer does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Type, Value};

/// When a fact is read, which decides where it may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Once, at run start, stored with the run: params, lets and everything else may read it.
    Start,
    /// While running: only `before`, `after`, `require`, `verify`, and the `when` of retry and repair.
    Judge,
    /// Of the attempt just ended: `exit`, `stderr`, `timed-out`; same places as `Judge`.
    Attempt,
    /// Readers of files a stage wrote: only the right-hand side of `out` and `measure`.
    Reader,
    /// What earlier runs measured: read at run start and pinned, but seen only where a gate judges.
    Stored,
}

/// One row. `arguments` are types; the last repeats when `variadic`. `result` is `None` where the declared type decides.
#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    pub arguments: &'static [Argument],
    pub variadic: bool,
    pub result: Option<Result>,
    pub phase: Phase,
    pub doc: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    String,
    Path,
    Glob,
    Pattern,
    Size,
    /// The bare name of one of the gate's measures.
    Measure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Result {
    String,
    OptionalString,
    Int,
    Bool,
    Duration,
    Percent,
    Size,
    Paths,
    Strings,
}

impl Result {
    pub fn ty(self) -> Type {
        match self {
            Result::String => Type::String,
            Result::OptionalString => Type::String.optional(),
            Result::Int => Type::Int,
            Result::Bool => Type::Bool,
            Result::Duration => Type::Duration,
            Result::Percent => Type::Percent,
            Result::Size => Type::Size,
            Result::Paths => Type::Path.list(),
            Result::Strings => Type::String.list(),
        }
    }
}

const fn row(
    name: &'static str,
    arguments: &'static [Argument],
    result: Option<Result>,
    phase: Phase,
    doc: &'static str,
) -> Row {
    Row { name, arguments, variadic: false, result, phase, doc }
}

const fn rows_of_globs(name: &'static str, doc: &'static str) -> Row {
    Row {
        name,
        arguments: &[Argument::Glob],
        variadic: true,
        result: Some(Result::Bool),
        phase: Phase::Start,
        doc,
    }
}

use Argument::{Glob, Measure, Path, Pattern, Size, String as Text};
use Phase::{Attempt, Judge, Reader, Start, Stored};

const fn repeating(
    name: &'static str,
    arguments: &'static [Argument],
    result: Option<Result>,
    phase: Phase,
    doc: &'static str,
) -> Row {
    Row { name, arguments, variadic: true, result, phase, doc }
}

/// What a gate of an earlier run measured; its key names the gate and the measure.
pub const BASELINE: &str = "baseline";

/// Every fact of edition 1.
pub static TABLE: &[Row] = &[
    row("git.branch", &[], Some(Result::String), Start, "The branch checked out; \"\" when detached."),
    row("git.sha", &[], Some(Result::String), Start, "The full hash of HEAD."),
    row("git.short_sha", &[], Some(Result::String), Start, "The first seven digits of HEAD's hash."),
    row("git.dirty", &[], Some(Result::Bool), Start, "Whether tracked files differ from HEAD."),
    row("git.tag", &[], Some(Result::OptionalString), Start, "The tag that names HEAD, if one does."),
    row(
        "change.id",
        &[],
        Some(Result::String),
        Start,
        "The change's name: --change-id, else the branch, else the short hash.",
    ),
    row(
        "change.type",
        &[],
        Some(Result::String),
        Start,
        "The conventional-commit type: feat, fix, docs, … or chore.",
    ),
    row(
        "change.files",
        &[],
        Some(Result::Paths),
        Start,
        "Changed files against the base branch, uncommitted and untracked included.",
    ),
    row("change.branch", &[], Some(Result::String), Start, "The branch the change is on."),
    row("change.base", &[], Some(Result::String), Start, "The branch the change is compared with."),
    row("change.added", &[], Some(Result::Int), Start, "Lines added."),
    row("change.deleted", &[], Some(Result::Int), Start, "Lines deleted."),
    row(
        "change.conventional",
        &[],
        Some(Result::Bool),
        Start,
        "Whether every commit subject since the base has the form `type(scope): words`.",
    ),
    row(
        "change.breaking",
        &[],
        Some(Result::Bool),
        Start,
        "Whether a commit message since the base marks a breaking change: `feat!: …`, `BREAKING CHANGE: …`.",
    ),
    rows_of_globs("change.touches", "Whether any changed file matches one of the globs."),
    rows_of_globs(
        "change.only",
        "Whether every changed file matches one of the globs; false when nothing changed.",
    ),
    rows_of_globs("project.has", "Whether a file of the project matches one of the globs."),
    row("project.name", &[], Some(Result::String), Start, "The name of the project's folder."),
    row("project.version", &[], Some(Result::OptionalString), Start, "The version from the `project` block."),
    row("env", &[Text], Some(Result::OptionalString), Start, "An environment variable; absent when not set."),
    row("os", &[], Some(Result::String), Start, "The operating system: linux, macos, …"),
    row("arch", &[], Some(Result::String), Start, "The processor: x86_64, aarch64, …"),
    row("ci", &[], Some(Result::Bool), Start, "Whether a CI system runs this (CI is set and not false)."),
    row(
        "file.exists",
        &[Path],
        Some(Result::Bool),
        Judge,
        "Whether the file or folder is there; of a glob, whether any file matches.",
    ),
    row("file.size", &[Path], Some(Result::Size), Judge, "Its size in bytes."),
    row("file.age", &[Path], Some(Result::Duration), Judge, "Time since it was last modified."),
    row(
        "file.contains",
        &[Path, Pattern],
        Some(Result::Bool),
        Judge,
        "Whether its text matches the regular expression somewhere; of a glob, whether any matching file's does.",
    ),
    row(
        "file.grep",
        &[Path, Pattern],
        Some(Result::Int),
        Judge,
        "How many lines match the regular expression; of a glob, in all matching files together.",
    ),
    row(
        "process.running",
        &[Text],
        Some(Result::Bool),
        Judge,
        "Whether a process of that program name runs.",
    ),
    row("program.exists", &[Text], Some(Result::Bool), Judge, "Whether the program is on the PATH."),
    row(
        "program.version",
        &[Text],
        Some(Result::String),
        Judge,
        "The first line `PROGRAM --version` prints.",
    ),
    row("exit", &[], Some(Result::Int), Attempt, "The attempt's exit code; 128 + signal when killed."),
    row("stderr", &[], Some(Result::String), Attempt, "The last 64 KiB of the attempt's standard error."),
    row(
        "stdout",
        &[],
        Some(Result::String),
        Attempt,
        "The last 8 KiB of a failed attempt's standard output.",
    ),
    row("timed-out", &[], Some(Result::Bool), Attempt, "Whether the attempt hit its timeout."),
    row(
        "failure-class",
        &[],
        Some(Result::String),
        Attempt,
        "What kind of failure it was: exit, signal, timeout, not-started, output-missing, condition, render, need-lost, …",
    ),
    row(
        BASELINE,
        &[Measure],
        None,
        Stored,
        "What the measure was in the lane's newest succeeded run on the base branch; absent before there is one.",
    ),
    row("json", &[Path, Text], None, Reader, "The value at a JSON pointer."),
    row("regex", &[Path, Pattern], None, Reader, "Group 1 of the first match."),
    row("text", &[Path], None, Reader, "The whole text, trimmed."),
    row("junit.tests", &[Glob], Some(Result::Int), Reader, "Tests in JUnit XML files."),
    row("junit.failed", &[Glob], Some(Result::Int), Reader, "Failed and errored tests."),
    row("junit.skipped", &[Glob], Some(Result::Int), Reader, "Skipped tests."),
    row("junit.pass-rate", &[Glob], Some(Result::Percent), Reader, "Passed of those not skipped."),
    row("sarif.errors", &[Path], Some(Result::Int), Reader, "Results of level error."),
    row("sarif.warnings", &[Path], Some(Result::Int), Reader, "Results of level warning."),
    row("lcov.lines", &[Path], Some(Result::Percent), Reader, "Lines covered."),
    row("lcov.branches", &[Path], Some(Result::Percent), Reader, "Branches covered."),
    row("cobertura.lines", &[Path], Some(Result::Percent), Reader, "Lines covered."),
    row("cobertura.branches", &[Path], Some(Result::Percent), Reader, "Branches covered."),
    Row {
        variadic: true,
        ..row("file.count", &[Glob], Some(Result::Int), Judge, "How many files match one of the globs.")
    },
    row(
        "file.lines",
        &[Path],
        Some(Result::Int),
        Judge,
        "How many lines it has; of a glob, all files together.",
    ),
    row(
        "file.matching",
        &[Path, Pattern],
        Some(Result::Paths),
        Judge,
        "Of the file or the glob, the files in which some line matches the regular expression.",
    ),
    row(
        "file.lacking",
        &[Path, Pattern],
        Some(Result::Paths),
        Judge,
        "Of the file or the glob, the files in which no line matches the regular expression.",
    ),
    row(
        "file.section",
        &[Path, Text],
        Some(Result::String),
        Judge,
        "The text below a Markdown heading, without comments; its first 64 KiB.",
    ),
    row(
        "file.unwritten",
        &[Path, Text],
        Some(Result::Paths),
        Judge,
        "Of the file or the glob, the files where nothing is written below that Markdown heading, or it is not there.",
    ),
    row("file.checked", &[Path], Some(Result::Int), Judge, "Ticked boxes of its checklists: `- [x] …`."),
    row("file.unchecked", &[Path], Some(Result::Int), Judge, "Open boxes of its checklists: `- [ ] …`."),
    row("file.json", &[Path, Text], Some(Result::String), Judge, "The value at a JSON pointer, as text."),
    row(
        "change.commits",
        &[],
        Some(Result::Strings),
        Start,
        "Subjects of the commits since the base, newest first, merges left out; at most 200.",
    ),
    row("change.authors", &[], Some(Result::Strings), Start, "Names of who wrote these commits, sorted."),
    row(
        "change.tickets",
        &[],
        Some(Result::Strings),
        Start,
        "Tickets that the branch and the commits name: `ABC-123`, `#12`.",
    ),
    row(
        "change.kinds",
        &[],
        Some(Result::Strings),
        Start,
        "What kinds of files changed: code, test, docs, config, infra, script, generated, other.",
    ),
    row("change.removed", &[], Some(Result::Paths), Start, "Changed files that are not there any more."),
    row(
        "change.details",
        &[],
        Some(Result::String),
        Start,
        "All that is known of the change, as JSON for templates: `change.details` with the filter `fromjson`.",
    ),
    row(
        "change.says",
        &[Pattern],
        Some(Result::Bool),
        Start,
        "Whether the message of a commit since the base matches the regular expression.",
    ),
    row(
        "change.base_sha",
        &[],
        Some(Result::String),
        Start,
        "The commit at which the change left its base; HEAD's where there is no base, \"\" without a commit.",
    ),
    row(
        "change.lines",
        &[Pattern],
        Some(Result::Strings),
        Start,
        "Where the change adds a line that matches the regular expression: `file:line`, the first fifty.",
    ),
    repeating(
        "project.contains",
        &[Pattern, Glob],
        Some(Result::Bool),
        Start,
        "Whether the text of a file of the project that matches one of the globs matches the regular expression.",
    ),
    row(
        "change.secrets",
        &[],
        Some(Result::Strings),
        Judge,
        "What looks like a password, token or key in the changed files: the place and what it is, never the value.",
    ),
    row("change.larger", &[Size], Some(Result::Paths), Judge, "Changed files larger than the size."),
    row(
        "change.duplicates",
        &[],
        Some(Result::Strings),
        Judge,
        "Changed files with the same content as another file of the project.",
    ),
    repeating(
        "file.secrets",
        &[Glob],
        Some(Result::Strings),
        Judge,
        "As `change.secrets`, in the files that match and that git does not ignore.",
    ),
    repeating(
        "file.larger",
        &[Size, Glob],
        Some(Result::Paths),
        Judge,
        "Files that match and are larger than the size.",
    ),
    repeating(
        "file.duplicates",
        &[Glob],
        Some(Result::Strings),
        Judge,
        "Files that match and have the same content as another file of the project.",
    ),
    row("grep", &[Path, Pattern], Some(Result::Int), Reader, "How many lines match the regular expression."),
    repeating(
        "items.count",
        &[Path, Text],
        Some(Result::Int),
        Reader,
        "How many values are at a JSON pointer, in which `*` is every item; of those, if words follow, that are one of them.",
    ),
    repeating("items.sum", &[Path, Text], None, Reader, "The sum of the numbers there."),
    repeating(
        "jsonl.count",
        &[Path, Text],
        Some(Result::Int),
        Reader,
        "As `items(…).count`, of a file that holds one JSON document a line.",
    ),
    repeating(
        "jsonl.sum",
        &[Path, Text],
        None,
        Reader,
        "As `items(…).sum`, of a file that holds one JSON document a line.",
    ),
    row("libtest.tests", &[Path], Some(Result::Int), Reader, "Tests in what `cargo test` prints."),
    row("libtest.failed", &[Path], Some(Result::Int), Reader, "Failed tests."),
    row("libtest.skipped", &[Path], Some(Result::Int), Reader, "Ignored tests."),
    row("libtest.pass-rate", &[Path], Some(Result::Percent), Reader, "Passed of those not ignored."),
    row("tap.tests", &[Path], Some(Result::Int), Reader, "Tests in TAP, the Test Anything Protocol."),
    row("tap.failed", &[Path], Some(Result::Int), Reader, "Failed tests; those marked TODO may fail."),
    row("tap.skipped", &[Path], Some(Result::Int), Reader, "Skipped tests."),
    row("tap.pass-rate", &[Path], Some(Result::Percent), Reader, "Passed of those not skipped."),
    row(
        "cargo.errors",
        &[Path],
        Some(Result::Int),
        Reader,
        "Errors in what cargo prints with `--message-format json`.",
    ),
    row(
        "cargo.warnings",
        &[Path],
        Some(Result::Int),
        Reader,
        "Warnings, each once however many targets report it.",
    ),
    repeating(
        "file.amiss",
        &[Text],
        Some(Result::Strings),
        Judge,
        "What interrupted programs left or spoiled here, of one kind, as `wfl mend KIND --dry-run` lists it: `git-locks`, `modes`, …; some kinds are found by what the failed attempt said: `file.amiss(\"folders\", stderr)`.",
    ),
];

pub fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

/// One fact asked for, its arguments worked out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactKey {
    pub name: String,
    pub arguments: Vec<Value>,
    /// What a reader parses its text to; the table's type for all others.
    pub ty: Type,
}

impl FactKey {
    /// How the fact is written in the language, which is also its key: `file.exists("Cargo.lock")`.
    pub fn id(&self) -> String {
        if self.arguments.is_empty() {
            return self.name.clone();
        }
        if self.name == BASELINE {
            let parts: Vec<String> = self.arguments.iter().map(Value::to_string).collect();
            return format!("{BASELINE}({})", parts.join("."));
        }
        let arguments: Vec<String> = self.arguments.iter().map(quoted).collect();
        match self.name.split_once('.') {
            Some((reader, field)) if find(&self.name).is_some_and(|row| row.phase == Reader) => {
                format!("{reader}({}).{field}", arguments.join(", "))
            }
            _ => format!("{}({})", self.name, arguments.join(", ")),
        }
    }
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Path(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

/// What was read, or why it could not be. Recorded with the run as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact {
    Read(Value),
    Failed(String),
}

/// Facts by [`FactKey::id`].
pub type FactValues = BTreeMap<String, Fact>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_the_language_writes_it() {
        let key = FactKey {
            name: "junit.failed".into(),
            arguments: vec![Value::String("target/*.xml".into())],
            ty: Type::Int,
        };
        assert_eq!(key.id(), "junit(\"target/*.xml\").failed");
    }
}
