//! Files that two stages, or two instances of one, write at the same time. Knows only what `out` and `render` name.

use std::collections::{BTreeMap, HashSet};

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::model::{Action, Model, Parallel, Pool, ResolvedLane, Stage, ToolId, constant};

use super::likeness::{Place, behind, place};
use super::reach::Reach;
use super::{Context, matrix, reads, truth};

/// Writers of one path that each writer is compared with.
const NEAREST: usize = 8;

/// One file that a member of a lane writes.
pub(super) struct Write {
    pub stage: u32,
    /// The tool, where a gate's tool writes it: it runs once for all its gates.
    tool: Option<ToolId>,
    pub place: Place,
    pub span: Span,
}

/// All that a lane's members write.
pub(super) fn of_lane(model: &Model, lane: &ResolvedLane) -> Vec<Write> {
    let mut writes = Vec::new();
    for (index, stage) in lane.stages.iter().enumerate() {
        let mut add = |tool, path: &Expr, span| {
            let place = place(model, path).filter(|place| !place.text.is_empty());
            writes.extend(place.map(|place| Write { stage: index as u32, tool, place, span }));
        };
        for (path, span) in written(stage) {
            add(None, path, span);
        }
        let tool = stage.gate.as_ref().and_then(|gate| model.tools.get(gate.tool? as usize));
        for output in tool.iter().flat_map(|tool| &tool.outputs) {
            if output.ty == crate::base::Type::Path {
                add(tool.map(|tool| tool.id), &output.value, output.span);
            }
        }
    }
    writes
}

/// The paths a stage says it writes.
fn written(stage: &Stage) -> impl Iterator<Item = (&Expr, Span)> {
    let outputs = stage.outputs.iter().filter(|output| output.ty == crate::base::Type::Path);
    let rendered = stage.actions.iter().filter_map(|action| match action {
        Action::Render { render, .. } => Some((&render.target, render.target.span)),
        _ => None,
    });
    outputs.map(|output| (&output.value, output.span)).chain(rendered)
}

/// E402 and E403 in every lane whose edges are known.
pub(super) fn in_lanes(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut told: HashSet<(Span, Span)> = HashSet::new();
    let known = context.known_edges();
    for lane in context.lanes() {
        if !lane.stages.iter().all(|stage| known[stage.id as usize]) {
            continue;
        }
        let writes = of_lane(context.model, lane);
        if writes.is_empty() {
            continue;
        }
        let Some(mut reach) = Reach::new(&lane.edges) else { continue };
        reads::before_written(context, lane, &writes, &mut reach, found);
        if !matches!(lane.parallel, Parallel::Off | Parallel::Limit(1)) {
            Races { context, lane, reach, told: &mut told, found }.find(&writes);
        }
    }
}

/// One lane whose stages may run side by side.
struct Races<'a, 'f> {
    context: &'a Context<'a>,
    lane: &'a ResolvedLane,
    reach: Reach<'a>,
    told: &'f mut HashSet<(Span, Span)>,
    found: &'f mut Vec<Diagnostic>,
}

impl Races<'_, '_> {
    fn find(&mut self, writes: &[Write]) {
        let mut places: BTreeMap<&str, Vec<&Write>> = BTreeMap::new();
        for write in writes {
            places.entry(&write.place.text).or_default().push(write);
        }
        for group in places.values_mut() {
            // Of stages in this order each later one waits for the earlier, or for none of them that matters.
            group.sort_by_key(|write| (self.reach.depth(write.stage), write.stage));
            for index in 1..group.len() {
                self.against(group[index], &group[index.saturating_sub(NEAREST)..index]);
            }
        }
        for (path, group) in &places {
            let above = path.match_indices('/').filter_map(|(at, _)| places.get(&path[..at]));
            for outer in above {
                for outer in outer.iter().take(NEAREST) {
                    group.iter().take(NEAREST).for_each(|write| self.against(write, &[*outer]));
                }
            }
        }
    }

    /// Compares a write with earlier ones of the path, the nearest first.
    fn against(&mut self, write: &Write, others: &[&Write]) {
        for other in others.iter().rev() {
            let same_run = write.stage == other.stage || (write.tool.is_some() && write.tool == other.tool);
            if same_run || self.never_both(other.stage, write.stage) {
                continue;
            }
            if !self.reach.ordered(other.stage, write.stage) {
                self.report(other, write);
            }
            return;
        }
    }

    /// Their conditions exclude each other, or they hold the same lock or the one slot of a pool.
    fn never_both(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.lane.stages[a as usize], &self.lane.stages[b as usize]);
        let model = self.context.model;
        let lock = |stage: &Stage| stage.lock.as_ref().and_then(|lock| super::likeness::key(model, lock));
        if lock(a).is_some() && lock(a) == lock(b) {
            return true;
        }
        let single = |pool: &Pool| matches!(constant(model, &pool.slots), Some(crate::base::Value::Int(1)));
        if a.pool.is_some() && a.pool == b.pool {
            return a.pool.and_then(|pool| model.pools.get(pool as usize)).is_some_and(single);
        }
        match (&a.when, &b.when) {
            (Some(a), Some(b)) => truth::exclusive(model, a, b),
            _ => false,
        }
    }

    fn report(&mut self, first: &Write, second: &Write) {
        let (mut first, mut second) = (first, second);
        if (second.span.file, second.span.start) < (first.span.file, first.span.start) {
            (first, second) = (second, first);
        }
        if !self.told.insert((first.span, second.span)) {
            return;
        }
        let name = |write: &Write| self.lane.stages[write.stage as usize].name.as_str();
        let (a, b) = (name(first), name(second));
        let what = match (first.place == second.place, second.place.whole) {
            (true, true) => format!("write `{}`", second.place.text),
            (true, false) => "write the same file".to_owned(),
            (false, _) => {
                let inner = first.place.text.len() < second.place.text.len();
                let (outer, inner) = if inner { (first, second) } else { (second, first) };
                format!("write in `{}`: one all of it, the other `{}`", shown(outer), shown(inner))
            }
        };
        let message =
            format!("`{a}` and `{b}` {what}, and may run at the same time in lane `{}`", self.lane.name);
        self.found.push(
            Diagnostic::new(&codes::E403, second.span, message)
                .label(format!("written by `{b}`"))
                .related(first.span, format!("written by `{a}`"))
                .help(format!("give each a path of its own, or order them: `follows {a}` in `{b}`")),
        );
    }
}

/// A path with its holes as `{…}`.
fn shown(write: &Write) -> String {
    let pieces = write.place.text.split('\0').enumerate();
    pieces.map(|(index, piece)| if index % 2 == 0 { piece } else { "{…}" }).collect()
}

/// E406: instances of one stage that write one file.
pub(super) fn instances(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    for stage in model.stages.iter().filter(|stage| context.asked(stage.module) && !stage.matrix.is_empty()) {
        let varies = |list: &Expr| matrix::values(model, list).is_some_and(|values| values.len() > 1);
        let names: Vec<&str> =
            stage.matrix.iter().filter(|(_, list)| varies(list)).map(|(name, _)| name.as_str()).collect();
        for (path, span) in written(stage).filter(|(path, _)| place(model, path).is_some()) {
            let used = matrix_names(model, path);
            let missing: Vec<&str> = names.iter().copied().filter(|name| !used.contains(*name)).collect();
            if let Some(first) = missing.first() {
                found.push(collision(context, stage, path, span, first));
            }
        }
    }
}

fn collision(context: &Context<'_>, stage: &Stage, path: &Expr, span: Span, missing: &str) -> Diagnostic {
    let count = matrix::instances(context.model, stage);
    let count = count.map_or("several".to_owned(), |count| count.to_string());
    let message =
        format!("instances of `{}` write one file: its path says nothing of `{missing}`", stage.name);
    let found = Diagnostic::new(&codes::E406, span, message)
        .label(format!("{count} instances, and the same path for every `{missing}`"))
        .help(format!("put the value into the path: `f\"…-{{{missing}}}…\"`"));
    let found = if path.span == span { found } else { found.related(path.span, "the path") };
    match context.setting(stage.id, "matrix") {
        Some(matrix) => found.related(matrix.at_start(), "the matrix that multiplies it"),
        None => found,
    }
}

fn matrix_names<'m>(model: &'m Model, path: &'m Expr) -> HashSet<&'m str> {
    let mut names = HashSet::new();
    let mut left = vec![path];
    let mut steps = 0;
    while let Some(expr) = left.pop().filter(|_| steps < 1_000) {
        expr.walk(&mut |part| {
            steps += 1;
            if let Kind::Matrix(name) = &part.kind {
                names.insert(name.as_str());
            }
            left.extend(behind(model, part));
        });
    }
    names
}
