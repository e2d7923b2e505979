//! Rows of the keyword table for the project, its principles and its tests.

use super::Context::{
    Answer, Assignments, Attempt, Environment, File, Group, Keep, Mock, Principle, Project, Test,
};
use super::Shape::{Binding, Condition, Nothing, Title};
use super::{ANY, BECAUSE, Row, clause, may_clause, references, values, words};

pub(super) static ROWS: &[Row] = &[
    Row::new("project", &[File], Nothing, "Settings of the whole project.").block(Project),
    Row::new("about", &[Project], values(1, 1, "string"), "One line for people."),
    Row::new("version", &[Project], values(1, 1, "string"), "The project's version, a string."),
    Row::new("tags", &[Project], values(1, ANY, "string"), "Words that describe the project."),
    Row::new("base-branch", &[Project], values(1, 1, "string"), "The branch a change is compared with.")
        .default("main"),
    Row::new("group", &[Project], Title, "People who may approve.").block(Group).many(),
    Row::new("member", &[Group], values(1, 1, "string"), "A person, with the keys that sign for them.")
        .clauses(&[may_clause("with", 1, ANY, "string")])
        .many(),
    Row::new(
        "environment",
        &[Project],
        words(&["inherit", "clean"]),
        "What stages see of the caller's environment.",
    )
    .may_block(Environment)
    .default("inherit"),
    Row::new(
        "pass",
        &[Environment],
        values(1, ANY, "string"),
        "Names, or globs of names, let through a clean one.",
    )
    .many(),
    Row::new("keep", &[Project], Nothing, "How long runs and their logs are kept.").block(Keep),
    Row::new("runs", &[Keep], values(1, 1, "duration"), "How long runs are kept."),
    Row::new("logs", &[Keep], values(1, 1, "duration"), "How long logs are kept."),
    Row::new("log-size", &[Keep], values(1, 1, "size"), "The most that one attempt's log may hold.")
        .default("64MiB"),
    Row::new(
        "verify-reuse",
        &[Project],
        values(1, 1, "percent"),
        "How many of the stages that could be reused run all the same, to find undeclared inputs.",
    )
    .default("2%"),
    Row::new("repairs", &[Project], references(1, ANY, "repairs"), "Repair rules that apply to every run.")
        .many(),
    Row::new(
        "allow",
        &[Project],
        references(1, ANY, "check"),
        "Checks that are silent in the whole project.",
    )
    .clauses(&[BECAUSE])
    .many(),
    Row::new("warn", &[Project], references(1, ANY, "check"), "Checks that warn, pedantic ones included.")
        .clauses(&[BECAUSE])
        .many(),
    Row::new("deny", &[Project], references(1, ANY, "check"), "Checks that are errors in this project.")
        .clauses(&[BECAUSE])
        .many(),
    Row::new("principle", &[File], Title, "A rule of your own, checked on every lane.")
        .block(Principle)
        .many(),
    Row::new("each", &[Principle], words(&["stage", "gate", "lane"]), "What the rule is about.")
        .clauses(&[clause("as", 1, 1, "name"), may_clause("if", 1, 1, "condition")])
        .required(),
    Row::new("require", &[Principle], Condition, "What must hold for each of them.")
        .clauses(&[BECAUSE])
        .many()
        .required(),
    Row::new("because", &[Principle, super::Context::Override], values(1, 1, "string"), "Why."),
    Row::new("test", &[File], Title, "A scenario that is played through without running anything.")
        .block(Test)
        .many(),
    Row::new("given", &[Test], Nothing, "Params and facts of the scenario.").block(Assignments),
    Row::new("fact", &[Test, Mock], values(1, 1, "fact"), "What a fact with arguments is in the scenario.")
        .clauses(&[clause("as", 1, 1, "value")])
        .many(),
    Row::new("mock", &[Test], references(1, 1, "stage"), "How a stage or gate ends in the scenario.")
        .clauses(&[may_clause("if", 1, 1, "condition")])
        .block(Mock)
        .many(),
    Row::new("approve", &[Test], references(1, 1, "stage"), "The approval of a stage is given.")
        .clauses(&[may_clause("by", 1, ANY, "string")])
        .may_block(Answer)
        .many(),
    Row::new("reject", &[Test], references(1, 1, "stage"), "The approval of a stage is refused.")
        .clauses(&[may_clause("by", 1, 1, "string"), BECAUSE])
        .may_block(Answer)
        .many(),
    Row::new("confirm", &[Test], references(1, 1, "stage"), "The stage's `confirm` is answered with yes.")
        .many(),
    Row::new("after", &[Answer], values(1, 1, "duration"), "How long after the question the answer comes.")
        .default("0s"),
    Row::new("wait", &[Test], values(1, 1, "duration"), "How long people who do not answer are waited for.")
        .default("0s"),
    Row::new("expect", &[Test], Condition, "What must hold at the end.")
        .clauses(&[BECAUSE])
        .many()
        .required(),
    Row::new("out", &[Mock], Binding { value: true }, "An output that the stage produces.").many(),
    Row::new(
        "attempt",
        &[Mock],
        Nothing,
        "How one attempt ends; several in turn, the last for all that follow.",
    )
    .block(Attempt)
    .many(),
    Row::new("exit", &[Mock, Attempt], values(1, 1, "int"), "The exit code of the stage's attempt.")
        .default("0"),
    Row::new(
        "stderr",
        &[Mock, Attempt],
        values(1, 1, "string"),
        "What the attempt writes to standard error.",
    ),
    Row::new(
        "takes",
        &[Mock, Attempt],
        values(1, 1, "duration"),
        "How long the attempt takes, in virtual time.",
    )
    .default("0s"),
];
