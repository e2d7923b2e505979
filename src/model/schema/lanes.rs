//! Rows of the keyword table for lanes and for the policies that govern them: retry, breaker, repair, pool.

use super::Context::{
    Actions, Approve, Assignments, Breaker, File, Gates, Help, Lane, Override, Pool, Repair, Retry, Test,
};
use super::Shape::{Condition, Name, Nothing, Title, Words};
use super::{ANY, BECAUSE, Row, clause, may_clause, references, values, words};

pub(super) static ROWS: &[Row] = &[
    Row::new("lane", &[File], Name, "A path through the stages: what it holds and how it runs.")
        .block(Lane)
        .many(),
    Row::new("about", &[Lane, Repair], values(1, 1, "string"), "One line for people."),
    Row::new("extends", &[Lane], references(1, 1, "lane"), "The lane this one starts from."),
    Row::new(
        "include",
        &[Lane],
        references(1, ANY, "stage"),
        "Stages and gates by name, number or range of numbers, with all that they need.",
    )
    .many(),
    Row::new("exclude", &[Lane], references(1, ANY, "stage"), "What the lane does not hold after all.")
        .clauses(&[BECAUSE])
        .many(),
    Row::new(
        "replace",
        &[Lane],
        references(1, 1, "stage"),
        "Puts another stage in the place of one the lane holds.",
    )
    .clauses(&[clause("with", 1, 1, "stage"), BECAUSE])
    .many(),
    Row::new(
        "override",
        &[Lane],
        references(1, 1, "stage"),
        "Replaces single settings of a stage in this lane.",
    )
    .clauses(&[BECAUSE])
    .block(Override)
    .many(),
    Row::new(
        "gates",
        &[Lane],
        Words { min: 0, words: &["strict", "normal"] },
        "How the lane's gates judge, and which are skipped.",
    )
    .clauses(&[BECAUSE])
    .may_block(Gates)
    .many(),
    Row::new("skip", &[Gates], references(1, ANY, "gate"), "A gate that is waived, with the reason.")
        .clauses(&[BECAUSE])
        .many(),
    Row::new("parallel", &[Lane], values(1, 1, "int|auto|off"), "How many stages run at the same time.")
        .default("auto"),
    Row::new("timeout", &[Lane], values(1, 1, "duration"), "Bounds the lane's working time."),
    Row::new("sla", &[Lane], values(1, 1, "duration"), "The working time the lane should stay under."),
    Row::new(
        "on-failure",
        &[Lane],
        words(&["stop", "keep-going", "rollback"]),
        "What happens to the rest when a stage fails.",
    )
    .default("stop"),
    Row::new("approve", &[Lane], values(0, 1, "int"), "People who must agree before a stage starts.")
        .clauses(&[clause("from", 1, 1, "string"), clause("before", 1, ANY, "stage")])
        .may_block(Approve)
        .many(),
    Row::new("timeout", &[Approve], values(1, 1, "duration"), "How long the approval is waited for."),
    Row::new("on-timeout", &[Approve], words(&["reject"]), "What the end of the wait means.")
        .default("reject"),
    Row::new("notify", &[Lane], references(1, ANY, "target"), "Who is told, and of what.")
        .clauses(&[may_clause("on", 1, ANY, "event")])
        .many(),
    Row::new(
        "select",
        &[Lane],
        Nothing,
        "When this lane is chosen among several; of several rules any will do.",
    )
    .clauses(&[clause("if", 1, 1, "condition"), BECAUSE])
    .many(),
    Row::new("meta", &[Lane], Nothing, "Fields of your own for reports.").block(Assignments),
    Row::new("retry", &[File], Name, "A policy for repeating failed attempts.").block(Retry).many(),
    Row::new("attempts", &[Retry], values(1, 1, "int"), "Attempts in all, the first included.").default("2"),
    Row::new(
        "backoff",
        &[Retry],
        values(1, 1, "exponential(FROM..CAP)|linear(FROM..CAP)|constant(WAIT)"),
        "How long to wait between attempts.",
    ),
    Row::new("when", &[Retry], Condition, "Only failures for which this holds are retried."),
    Row::new(
        "breaker",
        &[Retry],
        references(0, 1, "breaker"),
        "Stops trying for a while after repeated failures.",
    )
    .may_block(Breaker),
    Row::new("deadline", &[Retry], values(1, 1, "duration"), "Bounds all attempts together."),
    Row::new("breaker", &[File], Name, "A breaker shared by several retry policies.").block(Breaker).many(),
    Row::new("failures", &[Breaker], values(1, 1, "int"), "How many failures open it."),
    Row::new("within", &[Breaker], values(1, 1, "duration"), "The time in which failures are counted."),
    Row::new("cooldown", &[Breaker], values(1, 1, "duration"), "How long it stays open."),
    Row::new("successes", &[Breaker], values(1, 1, "int"), "How many successes close it again."),
    Row::new("repair", &[File], Title, "A known failure and what mends it.").block(Repair).many(),
    Row::new("when", &[Repair], Condition, "The failure this rule is for.").required(),
    Row::new("verify", &[Repair], Condition, "What must hold for the repair to be safe."),
    Row::new("do", &[Repair], Nothing, "The repair itself.").block(Actions).required(),
    Row::new("risk", &[Repair], words(&["low", "destructive"]), "A destructive repair asks first.")
        .default("destructive"),
    Row::new("then", &[Repair], words(&["retry-stage", "stop", "rerun-needs"]), "What follows the repair.")
        .default("retry-stage"),
    Row::new("limit", &[Repair], values(1, 1, "int"), "How often it may be done for one stage.").default("1"),
    Row::new("pool", &[File], Name, "A number of slots that stages share.").block(Pool).many(),
    Row::new("slots", &[Pool], values(1, 1, "int"), "How many stages may hold a slot at the same time.")
        .required(),
    Row::new("lane", &[Test], references(1, 1, "lane"), "The lane the test runs.").required(),
    Row::new(
        "recommend",
        &[Lane],
        words(&["history", "off"]),
        "Whether earlier runs may say which stages a change does not need.",
    )
    .default("history"),
    Row::new(
        "help",
        &[File],
        Title,
        "A known failure, its likely cause and what to type next; shown, never carried out.",
    )
    .block(Help)
    .many(),
    Row::new("when", &[Help], Condition, "The failure it explains, by `exit`, `stderr` and `timed-out`.")
        .required(),
    Row::new(
        "cause",
        &[Help],
        values(1, 1, "string"),
        "The likely cause; `<name>` stands for what the pattern's group of that name matched.",
    )
    .required(),
    Row::new("try", &[Help], values(1, 1, "string"), "What to type next; `<name>` as in `cause`.").required(),
];
