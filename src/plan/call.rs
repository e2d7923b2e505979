//! A stage that calls lanes, taken apart: what comes before the first call, each called lane with its own values, what
//! comes between, the end. All become nodes of the one plan. Does not lower what it does not have to; see `frame`.

use std::collections::BTreeSet;

use crate::base::{Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::event::NodeIndex;
use crate::expr::fold::rewrite;
use crate::expr::{Compare, Expr, Kind};
use crate::model::{self, GlobalKind, Stage};

use super::frame::{Builder, Held, Inside};
use super::globals::Set;
use super::lower::{At, Called, Lowering};
use super::node::{Around, Combination};
use super::{Action, Bound, Call, Check, Edge, EdgeKind, Instances, Node, Output};

/// A caller under way.
struct Caller<'s> {
    index: u32,
    stage: &'s Stage,
    combination: Combination,
    call: u32,
    /// Parts and called nodes so far that the closing waits for.
    parts: Vec<NodeIndex>,
    called: Vec<NodeIndex>,
    all: Vec<NodeIndex>,
    /// What the lanes that were called do at their ends.
    finally: Vec<Action>,
}

impl<'a> Builder<'a> {
    /// The nodes of one instance; gives the closing.
    pub(super) fn caller(
        &mut self,
        lowering: &mut Lowering<'a>,
        (index, stage): (u32, &Stage),
        combination: Combination,
        around: &Around<'_>,
        inside: &Inside,
    ) -> NodeIndex {
        let call = self.calls.len() as u32;
        self.calls.push(Call { opening: 0, parts: Vec::new(), closing: 0 });
        let mut caller = Caller {
            index,
            stage,
            combination,
            call,
            parts: Vec::new(),
            called: Vec::new(),
            all: Vec::new(),
            finally: Vec::new(),
        };
        lowering.called.clear();
        let mut before: Vec<model::Action> = Vec::new();
        for (place, action) in stage.actions.iter().enumerate() {
            let model::Action::Call { lane, name, named, arguments, .. } = action else {
                before.push(action.clone());
                continue;
            };
            let part = self.part(lowering, &mut caller, std::mem::take(&mut before), around);
            let Some(lane) = self.resolved(*lane) else { continue };
            let own_name = *named || calls(stage) > 1;
            let mut within = self.within(&caller, inside, around, own_name.then_some(name));
            self.hand_over(lowering, &caller, &lane, arguments, (part, &mut within));
            // Of the calls around this one, only those whose values may be read.
            within.after.retain(|edge| !self.nodes[edge.to as usize].outputs.is_empty());
            within.after.push(Edge { to: part, kind: EdgeKind::Needs });
            if let Some(held) = self.lane(&lane, &within) {
                self.bound(&held, call, &lane.name);
                if let (Some(cwd), false) = (&stage.cwd, held.finally.is_empty()) {
                    let message = format!(
                        "`finally` of lane `{}` runs at the root, and this `cwd` is not it",
                        lane.name
                    );
                    let found = Diagnostic::new(&codes::E950, cwd.span, message);
                    self.found.push(
                        found.help("put the `cwd` on the called stages, or call from a stage without it"),
                    );
                }
                caller.take(held, place, lowering);
            }
        }
        self.closing(lowering, caller, before, around, inside)
    }

    /// What comes before a call: the first one is the opening, with the stage's conditions, lock and pool.
    fn part(
        &mut self,
        lowering: &mut Lowering<'a>,
        caller: &mut Caller<'_>,
        actions: Vec<model::Action>,
        around: &Around<'_>,
    ) -> NodeIndex {
        let stage = caller.stage;
        let first = caller.parts.is_empty();
        let mut cut = model::Stage {
            actions,
            number: None,
            after: Default::default(),
            outputs: Default::default(),
            finally: Default::default(),
            timeout: None,
            deadline: None,
            allow_failure: None,
            ..stage.clone()
        };
        if !first {
            (cut.when, cut.lock, cut.confirm) = (None, None, None);
            cut.before = Default::default();
        }
        let position = self.stages.len() as u32;
        let mut node = lowering.node(caller.index, &cut, caller.combination.clone(), around);
        self.own_paths(lowering, caller, &mut node);
        let suffix = if first { "start".to_owned() } else { format!("then-{}", caller.parts.len()) };
        node.key = format!("{}:{suffix}", node.key);
        node.pool = node.pool.filter(|_| first);
        node.waived = None;
        (node.stage, node.call) = (position, Some(caller.call));
        let reads = reads(&node);
        node.edges = caller.edges(&self.nodes, &reads);
        let name = format!("{}:{suffix}", self.stages[caller.index as usize].name);
        let index = self.push(node);
        self.stages.push(Instances { name, nodes: vec![index], matrix: false });
        if first {
            self.calls[caller.call as usize].opening = index;
        }
        caller.parts.push(index);
        self.calls[caller.call as usize].parts.push(index);
        caller.all.push(index);
        index
    }

    fn within(
        &self,
        caller: &Caller<'_>,
        inside: &Inside,
        around: &Around<'_>,
        name: Option<&String>,
    ) -> Inside {
        let name = name.map(|name| format!("{name}/")).unwrap_or_default();
        let key = super::node::key(&format!("{}{}", around.prefix, caller.stage.name), &caller.combination);
        Inside {
            prefix: format!("{key}/{name}"),
            names: format!("{}/{name}", self.stages[caller.index as usize].name),
            call: Some(caller.call),
            after: inside.after.clone(),
            set: inside.set.clone(),
            depth: inside.depth + 1,
        }
    }

    /// Gives the call's values to the lane's params; what is known only while the run goes becomes an output of the
    /// node before the call, worked out once and recorded.
    fn hand_over(
        &mut self,
        lowering: &mut Lowering<'_>,
        caller: &Caller<'_>,
        lane: &model::ResolvedLane,
        arguments: &[model::Argument],
        (part, within): (NodeIndex, &mut Inside),
    ) {
        // Its own params are this call's alone, and hide what an outer call gave to those of the file.
        for param in &lane.params {
            within.set.remove(&param.global);
            param.shadows.iter().for_each(|old| drop(within.set.remove(old)));
        }
        let at = At { matrix: &caller.combination, own: None };
        for argument in arguments {
            let set = match lowering.argument(argument, at) {
                Ok(value) => Set::Known(value),
                Err(expr) if lowering.reported(argument, &expr, at) => continue,
                Err(expr) => Set::Later(self.hand(part, argument, expr)),
            };
            within.set.insert(argument.param, set);
        }
    }

    fn hand(&mut self, part: NodeIndex, argument: &model::Argument, value: Expr) -> Expr {
        let node = &mut self.nodes[part as usize];
        let name = argument.name.clone();
        let span = value.span;
        let read = Expr { kind: Kind::Output { stage: node.stage, name: name.clone() }, span };
        let Some(param) = self.model.globals.get(argument.param as usize) else { return read };
        if let GlobalKind::Param { pattern: Some(pattern), .. } = &param.kind {
            let whole = Expr::value(Value::String(format!("^(?:{pattern})$")), span);
            let sides = Box::new((read.clone(), whole));
            node.after.push(Check {
                expr: Expr { kind: Kind::Compare { op: Compare::Matches, sides }, span },
                text: format!("{name} matches \"{pattern}\""),
                because: Some(format!("the whole of `{name}` must match its pattern")),
            });
        }
        node.outputs.push(Output { name, ty: param.ty.clone(), value, given: true, keep: None });
        read
    }

    /// The lane's own `timeout` bounds its call.
    fn bound(&mut self, held: &Held, call: u32, lane: &str) {
        if let Some(timeout) = held.timeout {
            let whose = format!("lane `{lane}`");
            self.bounds.push(Bound { call, members: held.all.clone(), timeout, whose });
        }
    }

    fn closing(
        &mut self,
        lowering: &mut Lowering<'a>,
        mut caller: Caller<'_>,
        actions: Vec<model::Action>,
        around: &Around<'_>,
        inside: &Inside,
    ) -> NodeIndex {
        let stage = caller.stage;
        let cut = model::Stage {
            actions,
            when: None,
            before: Default::default(),
            timeout: None,
            deadline: None,
            lock: None,
            confirm: None,
            ..stage.clone()
        };
        let mut node = lowering.node(caller.index, &cut, caller.combination.clone(), around);
        node.pool = None;
        node.number = node.number.filter(|_| inside.call.is_none());
        (node.call, node.closes) = (inside.call, Some(caller.call));
        let mut finally = std::mem::take(&mut caller.finally);
        finally.append(&mut node.finally);
        node.finally = finally;
        let reads = reads(&node);
        node.edges = caller.edges(&self.nodes, &reads);
        let key = node.key.clone();
        let index = self.push(node);
        self.calls[caller.call as usize].closing = index;
        caller.all.push(index);
        let at = At { matrix: &caller.combination, own: None };
        let limits =
            [lowering.limit(stage.timeout.as_ref(), at), lowering.limit(stage.deadline.as_deref(), at)];
        if let Some(timeout) = limits.into_iter().flatten().min() {
            let whose = format!("`{key}`");
            self.bounds.push(Bound { call: caller.call, members: caller.all, timeout, whose });
        }
        lowering.called.clear();
        index
    }

    /// The stage's own files are outputs of the closing; to what runs before they are plain paths.
    fn own_paths(&self, lowering: &Lowering<'_>, caller: &Caller<'_>, node: &mut Node) {
        let at = At { matrix: &caller.combination, own: None };
        let path = |name: &str| {
            let output = caller.stage.outputs.iter().find(|output| output.name == name)?;
            let value = lowering.expr(&output.value, at);
            (output.ty == Type::Path).then(|| match value.as_value() {
                Some(Value::String(path)) => Expr::value(Value::Path(path.clone()), value.span),
                Some(_) => value,
                None => {
                    let span = value.span;
                    Expr { kind: Kind::Builtin { name: "path".into(), arguments: vec![value] }, span }
                }
            })
        };
        each_expr(node, &mut |expr| {
            *expr = rewrite(expr, &mut |part| match &part.kind {
                Kind::Output { stage, name } if *stage == caller.index => path(name),
                _ => None,
            });
        });
    }
}

impl Caller<'_> {
    /// What the next part waits for: all before it, and of what was called that it ended well, or was skipped and is
    /// not read.
    fn edges(&self, nodes: &[Node], reads: &BTreeSet<u32>) -> Vec<Edge> {
        let parts = self.parts.iter().map(|to| Edge { to: *to, kind: EdgeKind::Needs });
        let called = self.called.iter().map(|to| {
            let read = nodes.get(*to as usize).is_some_and(|node| reads.contains(&node.stage));
            Edge { to: *to, kind: if read { EdgeKind::Needs } else { EdgeKind::NeedsOptional } }
        });
        parts.chain(called).collect()
    }

    fn take(&mut self, held: Held, place: usize, lowering: &mut Lowering<'_>) {
        self.called.extend(held.own);
        self.all.extend(held.all);
        self.finally.extend(held.finally);
        let called = Called { stages: held.stages, outputs: held.outputs };
        lowering.called.insert(place, called);
    }
}

fn calls(stage: &Stage) -> usize {
    stage.actions.iter().filter(|action| matches!(action, model::Action::Call { .. })).count()
}

/// Stages whose outputs the node's own expressions read.
fn reads(node: &Node) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut of = |expr: &Expr| {
        expr.walk(&mut |part| {
            if let Kind::Output { stage, .. } = &part.kind {
                found.insert(*stage);
            }
        });
    };
    node.actions.iter().flat_map(of_action).for_each(&mut of);
    node.after.iter().for_each(|check| of(&check.expr));
    node.outputs.iter().for_each(|output| of(&output.value));
    found
}

pub(super) fn of_action(action: &Action) -> Vec<&Expr> {
    match action {
        Action::Script { .. } => Vec::new(),
        Action::Exec { argv } => argv.iter().collect(),
        Action::Render { target, template, context, schema } => {
            let named = context.iter().map(|(_, value)| value);
            [target, template].into_iter().chain(schema.as_deref()).chain(named).collect()
        }
    }
}

/// Every expression by which a part runs.
fn each_expr(node: &mut Node, change: &mut dyn FnMut(&mut Expr)) {
    for action in &mut node.actions {
        match action {
            Action::Script { .. } => {}
            Action::Exec { argv } => argv.iter_mut().for_each(&mut *change),
            Action::Render { target, template, context, schema } => {
                [target, template].into_iter().chain(schema.as_deref_mut()).for_each(&mut *change);
                context.iter_mut().for_each(|(_, value)| change(value));
            }
        }
    }
    node.env.iter_mut().for_each(|(_, value)| change(value));
    node.cwd.iter_mut().for_each(&mut *change);
}
