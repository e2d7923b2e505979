//! Plans built by hand, one line a stage. Knows nothing of how they run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use wfl::base::{Span, Type, Value};
use wfl::event::NodeIndex;
use wfl::expr::{Compare, Expr, Kind};
use wfl::plan::{
    Action, Approval, BackoffKind, Call, Check, Definition, Edge, EdgeKind, Effect, Gate, Instances, Measure,
    Node, OnFailure, Output, Parallel, Plan, Retry, StageKind, Undo,
};

/// A stage before its edges are resolved.
pub struct Draft {
    pub node: Node,
    edges: Vec<(String, EdgeKind)>,
    priority: Option<u32>,
    /// What it calls, each by its key inside the call.
    inside: Vec<Draft>,
}

pub fn expr(kind: Kind) -> Expr {
    Expr { kind, span: Span::default() }
}

pub fn text(value: &str) -> Expr {
    expr(Kind::Value(Value::String(value.into())))
}

pub fn fact(name: &str, argument: &str, ty: Type) -> Expr {
    let arguments = match argument {
        "" => Vec::new(),
        path => vec![expr(Kind::Value(Value::Path(path.into())))],
    };
    expr(Kind::Fact { name: name.into(), arguments, ty })
}

pub fn compare(op: Compare, left: Expr, right: Value) -> Expr {
    expr(Kind::Compare { op, sides: Box::new((left, expr(Kind::Value(right)))) })
}

pub fn check(text: &str, expr: Expr) -> Check {
    Check { expr, text: text.into(), because: None }
}

/// `file.exists("path")` as a condition.
pub fn exists(path: &str) -> Check {
    check(&format!("file.exists({path:?})"), fact("file.exists", path, Type::Bool))
}

pub fn constant(value: bool) -> Check {
    check(if value { "true" } else { "false" }, expr(Kind::Value(Value::Bool(value))))
}

/// A stage that runs `./KEY`.
pub fn stage(key: &str) -> Draft {
    let node = Node {
        key: key.into(),
        stage: 0,
        number: None,
        kind: StageKind::Stage,
        docs: None,
        place: "lane.wfl:1".into(),
        edges: Vec::new(),
        matrix: Vec::new(),
        waived: None,
        call: None,
        closes: None,
        preset: None,
        when: None,
        before: Vec::new(),
        after: Vec::new(),
        actions: vec![Action::Exec { argv: vec![text(&format!("./{key}"))] }],
        env: Vec::new(),
        cwd: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        timeout: None,
        deadline: None,
        retry: None,
        effect: Effect::Repeatable,
        finally: Vec::new(),
        lock: None,
        pool: None,
        allow_failure: None,
        confirm: None,
        approvals: Vec::new(),
        gate: None,
        priority: 0,
        expected: None,
        undo: None,
        suspect: None,
    };
    Draft { node, edges: Vec::new(), priority: None, inside: Vec::new() }
}

/// A gate with its own program that requires `lines >= least` of what it reads from `cov.json`.
pub fn gate(key: &str, least: f64) -> Draft {
    let mut draft = stage(key);
    draft.node.kind = StageKind::Gate;
    draft.node.gate = Some(Gate {
        tool: None,
        measures: vec![Measure {
            name: "lines".into(),
            ty: Type::Percent,
            value: fact("lcov.lines", "cov.json", Type::Percent),
        }],
        require: vec![lines_at_least(least)],
        exit_ok: vec![0],
    });
    draft
}

pub fn lines_at_least(least: f64) -> Check {
    let lines = expr(Kind::Measure("lines".into()));
    check(&format!("lines >= {least}%"), compare(Compare::Ge, lines, Value::Percent(least)))
}

pub fn retry(attempts: u32) -> Retry {
    Retry {
        attempts,
        backoff: BackoffKind::Exponential,
        from: 2_000,
        cap: Some(30_000),
        factor: 2.0,
        jitter: 0.0,
        when: None,
        breaker: None,
    }
}

impl Draft {
    pub fn with(mut self, change: impl FnOnce(&mut Node)) -> Self {
        change(&mut self.node);
        self
    }

    fn edge(mut self, to: &[&str], kind: EdgeKind) -> Self {
        self.edges.extend(to.iter().map(|key| ((*key).to_owned(), kind)));
        self
    }

    pub fn needs(self, to: &[&str]) -> Self {
        self.edge(to, EdgeKind::Needs)
    }

    pub fn needs_if_run(self, to: &[&str]) -> Self {
        self.edge(to, EdgeKind::NeedsOptional)
    }

    pub fn follows(self, to: &[&str]) -> Self {
        self.edge(to, EdgeKind::Follows)
    }

    pub fn priority(mut self, priority: u32) -> Self {
        self.priority = Some(priority);
        self
    }

    pub fn once(self) -> Self {
        self.with(|node| node.effect = Effect::Once)
    }

    pub fn idempotent(self, key: &str) -> Self {
        self.with(|node| node.effect = Effect::Idempotent(text(key)))
    }

    pub fn when(self, holds: bool) -> Self {
        self.with(|node| node.when = Some(constant(holds)))
    }

    pub fn lock(self, name: &str) -> Self {
        self.with(|node| node.lock = Some(name.into()))
    }

    pub fn pool(self, name: &str) -> Self {
        self.with(|node| node.pool = Some(name.into()))
    }

    pub fn approve(self, count: u32, timeout: Option<u64>) -> Self {
        self.with(|node| node.approvals.push(Approval { count, group: "owners".into(), timeout }))
    }

    pub fn retry(self, policy: Retry) -> Self {
        self.with(|node| node.retry = Some(policy))
    }

    /// Calls these, which may need each other.
    pub fn calls(mut self, inside: Vec<Draft>) -> Self {
        self.inside = inside;
        self
    }

    /// A file output.
    pub fn out(self, name: &str, path: &str) -> Self {
        let value = expr(Kind::Value(Value::Path(path.into())));
        self.with(|node| {
            node.outputs.push(Output { name: name.into(), ty: Type::Path, value, given: false, keep: None })
        })
    }

    pub fn tool(self, name: &str) -> Self {
        self.with(|node| {
            node.actions = vec![Action::Exec { argv: vec![text(name)] }];
            if let Some(gate) = node.gate.as_mut() {
                gate.tool = Some(name.into());
            }
        })
    }

    /// With `./undo` to take its effect back.
    pub fn undo(self) -> Self {
        let actions = vec![Action::Exec { argv: vec![text("./undo")] }];
        self.with(|node| node.undo = Some(Undo { actions, timeout: None, retry: None }))
    }

    pub fn undo_with(self, timeout: Option<u64>, retry: Option<Retry>) -> Self {
        self.undo().with(|node| {
            if let Some(undo) = &mut node.undo {
                (undo.timeout, undo.retry) = (timeout, retry);
            }
        })
    }

    pub fn finally(self) -> Self {
        self.with(|node| node.finally = vec![Action::Exec { argv: vec![text("./stop")] }])
    }
}

/// A stage that calls as its opening, what it calls, and its closing; the index of the call in each.
fn taken_apart(draft: Draft, call: u32) -> Vec<Draft> {
    if draft.inside.is_empty() {
        return vec![draft];
    }
    let key = draft.node.key.clone();
    let start = format!("{key}:start");
    let mut opening = stage(&start).with(|node| {
        (node.when, node.before) = (draft.node.when.clone(), draft.node.before.clone());
        (node.lock, node.confirm) = (draft.node.lock.clone(), draft.node.confirm.clone());
        (node.approvals, node.call) = (draft.node.approvals.clone(), Some(call));
    });
    opening.edges = draft.edges.clone();
    let mut closing = stage(&key).needs(&[start.as_str()]).with(|node| {
        node.finally = draft.node.finally.clone();
        node.outputs = draft.node.outputs.clone();
        node.allow_failure = draft.node.allow_failure.clone();
        node.undo = draft.node.undo.clone();
        node.closes = Some(call);
    });
    closing.edges.extend(draft.edges.into_iter().filter(|(_, kind)| *kind != EdgeKind::Follows));
    let mut all = vec![opening];
    for mut inner in draft.inside {
        let own = inner.edges.iter().map(|(to, kind)| (format!("{key}/{to}"), *kind));
        let own: Vec<(String, EdgeKind)> = own.chain([(start.clone(), EdgeKind::Needs)]).collect();
        inner.node.key = format!("{key}/{}", inner.node.key);
        inner.node.call = Some(call);
        inner.edges = own;
        closing = closing.needs_if_run(&[inner.node.key.as_str()]);
        all.push(inner);
    }
    all.push(closing);
    all
}

fn calls(nodes: &[Node]) -> Vec<Call> {
    let closings = (0..).zip(nodes).filter(|(_, node)| node.closes.is_some());
    let mut calls: Vec<(u32, Call)> = closings
        .map(|(closing, node): (NodeIndex, &Node)| {
            let start = format!("{}:start", node.key);
            let opening = nodes.iter().position(|node| node.key == start).expect("its opening") as NodeIndex;
            (node.closes.unwrap_or_default(), Call { opening, parts: vec![opening], closing })
        })
        .collect();
    calls.sort_by_key(|(index, _)| *index);
    calls.into_iter().map(|(_, call)| call).collect()
}

/// The plan of these stages; priorities are the longest paths unless given.
pub fn lane(drafts: Vec<Draft>) -> Plan {
    let mut made = 0;
    let mut flat = Vec::new();
    for draft in drafts {
        let call = made;
        made += u32::from(!draft.inside.is_empty());
        flat.extend(taken_apart(draft, call));
    }
    let drafts = flat;
    let index: BTreeMap<String, NodeIndex> =
        (0..).zip(&drafts).map(|(at, draft)| (draft.node.key.clone(), at)).collect();
    let mut nodes = Vec::new();
    let mut given = Vec::new();
    for (at, draft) in (0..).zip(drafts) {
        let mut node = draft.node;
        node.stage = at;
        node.edges = draft.edges.iter().map(|(to, kind)| Edge { to: index[to], kind: *kind }).collect();
        given.push(draft.priority);
        nodes.push(node);
    }
    for at in (0..nodes.len()).rev() {
        let own = given[at].unwrap_or(nodes[at].priority.max(1));
        nodes[at].priority = own;
        for edge in nodes[at].edges.clone() {
            let need = &mut nodes[edge.to as usize];
            need.priority = need.priority.max(own + 1);
        }
    }
    let calls = calls(&nodes);
    let stages = (0..)
        .zip(&nodes)
        .map(|(at, node)| Instances { name: node.key.clone(), nodes: vec![at], matrix: false })
        .collect();
    Plan {
        lane: "test".into(),
        about: None,
        root: PathBuf::from("/project"),
        nodes,
        stages,
        calls,
        bounds: Vec::new(),
        functions: Vec::new(),
        parallel: Parallel::Limit(2),
        on_failure: OnFailure::Stop,
        timeout: None,
        sla: None,
        finally: Vec::new(),
        groups: Vec::new(),
        pools: BTreeMap::new(),
        params: BTreeMap::new(),
        facts: BTreeMap::new(),
        secrets: Vec::new(),
        clean_env: None,
        definition: Definition::default(),
        seed: 7,
        log_size: None,
        verify_reuse: None,
        repairs: Vec::new(),
        repair_sets: Vec::new(),
        fail_first: None,
        advised: None,
    }
}

pub fn node(plan: &Plan, key: &str) -> NodeIndex {
    plan.nodes.iter().position(|node| node.key == key).expect("a stage of that name") as NodeIndex
}
