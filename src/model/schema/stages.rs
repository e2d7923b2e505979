//! Rows of the keyword table for what runs: values, stages, gates, tools and the actions inside them.

use super::Context::{
    Actions, Assignments, Checks, Defaults, File, Gate, Lane, Mock, Out, Override, Param, Render, Stage,
    Test, Tool, Undo,
};
use super::Shape::{Binding, Condition, Name, Nothing, Script};
use super::{ANY, BECAUSE, Row, clause, may_clause, references, values};

pub(super) static ROWS: &[Row] = &[
    Row::new(
        "wfl",
        &[File],
        values(1, 1, "int"),
        "The edition of the language; the first statement of a file.",
    ),
    Row::new(
        "import",
        &[File],
        values(1, 1, "string"),
        "Another file's definitions, under a name of your own.",
    )
    .clauses(&[clause("as", 1, 1, "name")])
    .many(),
    Row::new(
        "param",
        &[File, Lane],
        Binding { value: false },
        "A value given when the run starts, with `--set NAME=VALUE`.",
    )
    .may_block(Param)
    .many(),
    Row::new(
        "secret",
        &[File],
        Binding { value: true },
        "A value that is masked, never stored, and used only in `env` and notifications.",
    )
    .many(),
    Row::new("let", &[File], Binding { value: true }, "A named value, worked out once when the run starts.")
        .many(),
    Row::new("fn", &[File], Binding { value: true }, "A named expression with parameters.").many(),
    Row::new("defaults", &[File], Nothing, "Settings of all stages of this file that do not give their own.")
        .block(Defaults),
    Row::new("stage", &[File], Name, "One step of the work.").block(Stage).many(),
    Row::new("gate", &[File], Name, "A judgement that must hold before the work goes on.").block(Gate).many(),
    Row::new(
        "tool",
        &[File],
        Name,
        "A program whose results gates judge; it runs once a run for all of them.",
    )
    .block(Tool)
    .many(),
    Row::new(
        "pattern",
        &[Param],
        values(1, 1, "string"),
        "A regular expression that the whole value must match.",
    ),
    Row::new(
        "about",
        &[Param, Stage, Gate, Tool, Override, Test],
        values(1, 1, "string"),
        "One line for people.",
    ),
    Row::new(
        "number",
        &[Stage, Gate, Override],
        values(1, 1, "int"),
        "A number that names the stage in its lanes.",
    ),
    Row::new(
        "needs",
        &[Stage, Gate, Override],
        references(1, ANY, "stage"),
        "Stages that must end well first; `x?` accepts that x was skipped.",
    )
    .many(),
    Row::new(
        "follows",
        &[Stage, Gate, Override],
        references(1, ANY, "stage"),
        "Stages that come first if the lane holds them; orders and demands nothing.",
    )
    .many(),
    Row::new("when", &[Stage, Gate, Override], Condition, "The stage is skipped unless this holds."),
    Row::new("before", &[Stage, Gate, Override], Nothing, "Conditions judged before the stage starts.")
        .block(Checks)
        .many(),
    Row::new("after", &[Stage, Override], Nothing, "Conditions judged when the stage has ended well.")
        .block(Checks)
        .many(),
    Row::new("require", &[Checks], Condition, "A condition that must hold.")
        .clauses(&[BECAUSE])
        .many()
        .required(),
    Row::new(
        "inputs",
        &[Stage, Gate, Tool, Override],
        values(1, ANY, "glob"),
        "Files whose content decides whether an earlier result is reused.",
    )
    .many(),
    Row::new(
        "run",
        &[Stage, Gate, Tool, Actions, Undo, Override],
        Script,
        "A script, given to bash unless another interpreter is named; values come in by `env`.",
    )
    .many(),
    Row::new(
        "exec",
        &[Stage, Gate, Tool, Actions, Undo, Override],
        values(1, ANY, "string"),
        "A program and its arguments, one operand one argument, without a shell.",
    )
    .many(),
    Row::new(
        "render",
        &[Stage, Override],
        values(1, 1, "path"),
        "Writes a file from a template, or a set of them.",
    )
    .clauses(&[clause("from", 1, 1, "path")])
    .may_block(Render)
    .many(),
    Row::new(
        "each",
        &[Render],
        Binding { value: true },
        "One file for each value of the list, which the path must use.",
    )
    .many(),
    Row::new(
        "schema",
        &[Render],
        values(1, 1, "path"),
        "A JSON Schema that each file must fit; nothing is written if one does not.",
    ),
    Row::new(
        "call",
        &[Stage, Override],
        references(1, 1, "lane"),
        "Runs another lane as part of this stage; its params stand in the block, `as` gives the call a name.",
    )
    .clauses(&[may_clause("as", 1, 1, "name")])
    .may_block(Assignments)
    .many(),
    Row::new(
        "env",
        &[Stage, Gate, Tool, Defaults, Override],
        Nothing,
        "Environment variables of the stage's processes; the way for values and secrets into scripts.",
    )
    .block(Assignments),
    Row::new(
        "out",
        &[Stage, Gate, Tool, Override],
        Binding { value: true },
        "A file the stage writes, or a value read from one.",
    )
    .may_block(Out)
    .many(),
    Row::new(
        "out",
        &[Lane],
        Binding { value: true },
        "What a stage that calls the lane may read: `out NAME = stage.output`.",
    )
    .many(),
    Row::new("keep", &[Out], values(1, 1, "duration"), "How long a copy of the file is kept."),
    Row::new(
        "matrix",
        &[Stage, Override],
        Nothing,
        "One instance of the stage for each combination of values.",
    )
    .block(Assignments),
    Row::new(
        "retry",
        &[Stage, Gate, Defaults, Undo, Override],
        references(0, 1, "retry"),
        "How failed attempts are repeated.",
    )
    .may_block(super::Context::Retry),
    Row::new(
        "timeout",
        &[Stage, Gate, Tool, Defaults, Undo, Override],
        values(1, 1, "duration"),
        "Bounds one attempt.",
    ),
    Row::new(
        "deadline",
        &[Stage, Gate, Defaults, Override],
        values(1, 1, "duration"),
        "Bounds all attempts together.",
    ),
    Row::new(
        "cwd",
        &[Stage, Gate, Tool, Defaults, Override],
        values(1, 1, "path"),
        "The folder the stage's programs start in, relative to the project root.",
    )
    .default("the project root"),
    Row::new("repeatable", &[Stage, Override], Nothing, "After a crash the stage simply runs again."),
    Row::new(
        "idempotent",
        &[Stage, Override],
        Nothing,
        "After a crash the stage runs again with the same WFL_KEY.",
    )
    .clauses(&[clause("by", 1, 1, "string")]),
    Row::new(
        "once",
        &[Stage, Override],
        Nothing,
        "After a crash a person decides whether the stage runs again.",
    ),
    Row::new("undo", &[Stage, Override], Nothing, "What takes the stage's effect back, on rollback.")
        .block(Undo),
    Row::new(
        "finally",
        &[Stage, Lane, Override],
        Nothing,
        "What runs when the stage or lane ends, however it ends.",
    )
    .block(Actions),
    Row::new(
        "lock",
        &[Stage, Override],
        values(1, 1, "string"),
        "Only one stage at a time holds a lock of this name.",
    ),
    Row::new(
        "pool",
        &[Stage, Override],
        references(1, 1, "pool"),
        "The stage takes one of the pool's slots.",
    ),
    Row::new("allow-failure", &[Stage, Override], Nothing, "A failure of the stage is a warning.")
        .clauses(&[BECAUSE]),
    Row::new(
        "confirm",
        &[Stage, Override],
        values(1, 1, "string"),
        "A question asked before the stage starts.",
    ),
    Row::new("tool", &[Gate, Override], references(1, 1, "tool"), "The tool whose measures the gate judges."),
    Row::new(
        "measure",
        &[Gate, Tool, Mock, Override],
        Binding { value: true },
        "A value read from what the program wrote.",
    )
    .many(),
    Row::new("require", &[Gate, Override], Condition, "A condition that must hold for the gate to pass.")
        .clauses(&[BECAUSE])
        .many(),
    Row::new("strict", &[Gate, Override], Condition, "A condition added where the lane says `gates strict`.")
        .clauses(&[BECAUSE])
        .many(),
    Row::new(
        "exit-ok",
        &[Gate, Tool, Override],
        values(1, ANY, "int"),
        "Exit codes that mean the program did its work.",
    )
    .default("0"),
];
