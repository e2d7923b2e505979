//! `wfl run --dry-run`: the plan in words. Starts and writes nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::clock::format_duration;
use crate::embed::foresee::Foreseen;
use crate::embed::{self, Error, Foretold, Planned, Project, forecast, outline};
use crate::engine::room::Foreseen as AtOnce;
use crate::event::NodeIndex;
use crate::history::History;
use crate::insight::{Advice, Effort, Rule};
use crate::observe::early;
use crate::observe::style::{counted, elapsed};
use crate::observe::summary::kind;
use crate::plan::{Edge, EdgeKind, Effect, FailFirst, Node, Plan, Preset};

use super::args::Format;
use super::exit::Code;
use super::output::{Terminal, table};

type Foresight = BTreeMap<NodeIndex, Foreseen>;

pub fn show(
    project: &Project,
    planned: &Planned,
    format: Format,
    terminal: &Terminal,
) -> Result<Code, Error> {
    let store = project.history()?;
    let advice = embed::advise(planned, store.as_ref().map(|store| store as &dyn History), Effort::Usual)?;
    let foreseen = project.foresee(&planned.plan)?;
    let mut planned = planned.clone();
    if let Some(store) = &store {
        embed::expect(&mut planned.plan, store, &planned.order);
    }
    let planned = &planned;
    let foretold = store.as_ref().and_then(|store| {
        let past = forecast::runs_of(store, &planned.plan, None);
        let reused = |node: NodeIndex| foreseen.get(&node).is_some_and(Result::is_ok);
        embed::foretell(&planned.plan, &planned.change, &past, Some(&reused))
    });
    let room = embed::at_once(&planned.plan);
    match format {
        Format::Json => terminal.json(&json_of(planned, (&advice, foretold.as_ref()), &foreseen, &room)),
        Format::Human => {
            terminal.say(&format!("lane {}: {}", planned.plan.lane, planned.chosen.by));
            terminal.data(&table(&rows(&planned.plan, &foreseen)));
            terminal.say(&format!("at most {} at once: {}", room.at_once, room.why));
            planned.plan.fail_first.iter().for_each(|order| terminal.say(&soon(order)));
            terminal.say(&format!("nothing was started; {}", estimate(foretold.as_ref())));
        }
    }
    Ok(Code::Ok)
}

fn rows(plan: &Plan, foreseen: &Foresight) -> Vec<Vec<String>> {
    let order = outline::order(plan);
    (1..)
        .zip(order)
        .map(|(place, index): (usize, NodeIndex)| {
            let node = &plan.nodes[index as usize];
            let needs = edges(plan, node, |edge| edge.kind != EdgeKind::Follows);
            let follows = edges(plan, node, |edge| edge.kind == EdgeKind::Follows);
            let after = match (needs.is_empty(), follows.is_empty()) {
                (true, true) => String::new(),
                (false, true) => format!("needs {}", needs.join(", ")),
                (true, false) => format!("follows {}", follows.join(", ")),
                (false, false) => format!("needs {}, follows {}", needs.join(", "), follows.join(", ")),
            };
            vec![
                place.to_string(),
                node.key.clone(),
                kind(node.kind).into(),
                after,
                notes(node, foreseen.get(&index)).join("; "),
            ]
        })
        .collect()
}

fn edges(plan: &Plan, node: &Node, wanted: impl Fn(&Edge) -> bool) -> Vec<String> {
    node.edges
        .iter()
        .filter(|edge| wanted(edge))
        .map(|edge| {
            let optional = if edge.kind == EdgeKind::NeedsOptional { "?" } else { "" };
            format!("{}{optional}", plan.nodes[edge.to as usize].key)
        })
        .collect()
}

/// Whatever a person should know before it runs.
fn notes(node: &Node, foreseen: Option<&Foreseen>) -> Vec<String> {
    match &node.preset {
        Some(Preset::LeftOut(reason)) => return vec![reason.clone()],
        Some(Preset::Reused { run, .. }) => return vec![format!("reused from run {run}")],
        None => {}
    }
    let mut notes = match outline::rule(node) {
        Rule::Always => Vec::new(),
        Rule::When { text, holds: true } => vec![format!("when {text}")],
        Rule::When { text, holds: false } => vec![format!("skipped: {text} does not hold")],
        Rule::Later { text } => vec![format!("runs only if {text}")],
        Rule::Waived(reason) => vec![format!("waived: {reason}")],
    };
    notes.extend(foreseen.map(|foreseen| match foreseen {
        Ok(run) => format!("would reuse the result of run {run}"),
        Err(why) => format!("would run: {why}"),
    }));
    let approvals = node.approvals.iter();
    notes.extend(approvals.map(|approval| {
        format!("waits for {} from {}", counted(approval.count as usize, "approval"), approval.group)
    }));
    notes.extend(node.confirm.as_ref().map(|text| format!("asks: {text}")));
    match node.effect {
        Effect::Repeatable => {}
        Effect::Idempotent(_) => notes.push("idempotent".into()),
        Effect::Once => notes.push("once".into()),
    }
    notes.extend(node.lock.as_ref().map(|lock| format!("lock {lock}")));
    notes.extend(node.pool.as_ref().map(|pool| format!("pool {pool}")));
    notes.extend(early::note(node));
    notes.extend(node.timeout.map(|ms| format!("timeout {}", format_duration(ms as i64))));
    notes.extend(
        node.retry
            .as_ref()
            .filter(|retry| retry.attempts > 1)
            .map(|retry| format!("up to {} attempts", retry.attempts)),
    );
    notes
}

/// What starting likely failures first is expected to bring.
fn soon(order: &FailFirst) -> String {
    let longer = match order.end.saturating_sub(order.end_else) {
        0 => String::new(),
        more => format!(", and a run that ends well takes {} longer", elapsed(more)),
    };
    format!(
        "likely failures first: one is known after about {}, in the usual order after {}{longer} (--no-fail-first)",
        elapsed(order.first_failure),
        elapsed(order.first_failure_else)
    )
}

fn estimate(foretold: Option<&Foretold>) -> String {
    foretold.map_or_else(|| "no history yet, so no estimate".into(), Foretold::words)
}

fn json_of(
    planned: &Planned,
    (advice, foretold): (&Advice, Option<&Foretold>),
    foreseen: &Foresight,
    room: &AtOnce,
) -> Value {
    let plan = &planned.plan;
    let stages: Vec<Value> =
        outline::order(plan).into_iter().map(|index| stage_json(plan, index, foreseen.get(&index))).collect();
    json!({
        "lane": plan.lane,
        "chosen_by": planned.chosen.by,
        "dry_run": true,
        "params": plan.params.iter().map(|(name, value)| (name.clone(), value.to_json())).collect::<serde_json::Map<_, _>>(),
        "stages": stages,
        "parallel": { "at_once": room.at_once, "why": room.why },
        "fail_first": plan.fail_first.as_ref().map(fail_first_json),
        "estimate": foretold.map(Foretold::estimate).unwrap_or_default(),
        "history": advice.history,
        "advice": plan.advised,
    })
}

fn fail_first_json(order: &FailFirst) -> Value {
    let seconds = |ms: u64| ms as f64 / 1_000.0;
    json!({
        "slots": order.slots,
        "first_failure_seconds": { "expected": seconds(order.first_failure), "else": seconds(order.first_failure_else) },
        "seconds": { "expected": seconds(order.end), "else": seconds(order.end_else) },
    })
}

fn stage_json(plan: &Plan, index: NodeIndex, foreseen: Option<&Foreseen>) -> Value {
    let node = &plan.nodes[index as usize];
    let (runs, when) = match outline::rule(node) {
        Rule::Always => (json!(true), Value::Null),
        Rule::When { text, holds } => (json!(holds), json!(text)),
        Rule::Later { text } => (Value::Null, json!(text)),
        Rule::Waived(_) => (json!(false), Value::Null),
    };
    let approvals: Vec<Value> = node
        .approvals
        .iter()
        .map(|approval| json!({ "count": approval.count, "group": approval.group }))
        .collect();
    json!({
        "name": node.key,
        "number": node.number,
        "kind": kind(node.kind),
        "place": node.place,
        "needs": edges(plan, node, |edge| edge.kind != EdgeKind::Follows),
        "follows": edges(plan, node, |edge| edge.kind == EdgeKind::Follows),
        "runs": runs,
        "when": when,
        "waived": node.waived,
        "approvals": approvals,
        "fails": node.suspect.map(|of| json!({
            "chance": f64::from(of.chance) / 1e6, "failed": of.failed, "of": of.of, "ahead": of.ahead
        })),
        "would_reuse": foreseen.and_then(|foreseen| foreseen.as_ref().ok()),
        "notes": notes(node, foreseen),
    })
}
