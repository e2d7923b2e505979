//! Tests of planning over models built by hand, and the sample plan that the drawings share.

use std::path::PathBuf;

use super::*;
use crate::base::{Few, FileId, Shared, SourceFile, SourceMap, Type};
use crate::expr::facts::{Fact, FactValues};
use crate::expr::{Compare, Expr, Function, Kind};
use crate::model::{
    Backoff, BackoffKind, Check, Concerns, EdgeKind, Effect, Gate, Global, GlobalKind, Measure, Module,
    NotYet, OnFailure, Parallel, Pool, Stage, StageKind, Tool,
};
use crate::plan::{Definition, Edge, refusals};

mod values;

fn span(at: usize) -> Span {
    Span::new(FileId(0), at, at + 1)
}
fn e(kind: Kind) -> Expr {
    Expr { kind, span: span(5) }
}
fn val(value: Value) -> Expr {
    e(Kind::Value(value))
}
fn text(text: &str) -> Expr {
    val(Value::String(text.into()))
}
fn global(index: u32) -> Expr {
    e(Kind::Global(index))
}
fn fact(name: &str, arguments: Vec<Expr>, ty: Type) -> Expr {
    e(Kind::Fact { name: name.into(), arguments, ty })
}
fn env(name: &str) -> Expr {
    fact("env", vec![text(name)], Type::String)
}
fn output(stage: u32, name: &str) -> Expr {
    e(Kind::Output { stage, name: name.into() })
}
fn numbers(range: std::ops::RangeInclusive<i64>) -> Expr {
    val(Value::List(range.map(Value::Int).collect()))
}
fn same(left: Expr, right: Expr) -> Expr {
    e(Kind::Compare { op: Compare::Eq, sides: Box::new((left, right)) })
}
fn check(expr: Expr) -> Check {
    Check { expr, text: "it holds".into(), because: None }
}
fn exec(argv: Vec<Expr>) -> Vec<model::Action> {
    vec![model::Action::Exec { argv, span: span(5) }]
}

fn stage(id: u32, name: &str) -> Stage {
    Stage {
        id,
        module: 0,
        name: name.into(),
        span: span(20 + id as usize),
        docs: None,
        number: None,
        kind: StageKind::Stage,
        needs: vec![],
        follows: Few::new(),
        when: None,
        before: Few::new(),
        after: Few::new(),
        actions: exec(vec![text("true")]),
        env: Few::new(),
        cwd: None,
        inputs: Few::new(),
        outputs: Few::new(),
        matrix: Few::new(),
        timeout: None,
        deadline: None,
        retry: None,
        effect: Effect::Repeatable,
        undo: Few::new(),
        undo_timeout: None,
        undo_retry: None,
        finally: Few::new(),
        lock: None,
        pool: None,
        allow_failure: None,
        confirm: None,
        gate: None,
    }
}

fn gate(id: u32, name: &str, tool: Option<u32>) -> Stage {
    let measures =
        vec![Measure { name: "own".into(), ty: Type::Int, value: output(id, "report"), span: span(5) }];
    let gate = Gate {
        tool,
        measures,
        require: vec![check(same(e(Kind::Measure("lines".into())), val(Value::Percent(70.0))))],
        strict: vec![check(val(Value::Bool(true)))],
        exit_ok: vec![],
    };
    let actions = if tool.is_some() { vec![] } else { exec(vec![text("lint")]) };
    Stage { kind: StageKind::Gate, gate: Some(Box::new(gate)), actions, ..stage(id, name) }
}

fn tool() -> Tool {
    let report = model::Output {
        name: "report".into(),
        span: span(5),
        ty: Type::Path,
        value: val(Value::Path("target/cov.json".into())),
        keep: None,
    };
    let read = fact("json", vec![output(999, "report"), text("/lines")], Type::Percent);
    Tool {
        id: 0,
        module: 0,
        name: "cov".into(),
        span: span(5),
        docs: None,
        actions: exec(vec![text("cov"), output(999, "report")]),
        env: vec![("A".into(), text("tool"))],
        cwd: None,
        outputs: vec![report],
        measures: vec![Measure { name: "lines".into(), ty: Type::Percent, value: read, span: span(5) }],
        exit_ok: vec![0, 1],
        timeout: Some(val(Value::Duration(1000))),
    }
}

fn define(name: &str, ty: Type, kind: GlobalKind) -> Global {
    let secret = matches!(kind, GlobalKind::Secret(_));
    Global { module: 0, name: name.into(), span: span(7), docs: None, ty, kind, secret, lane: None }
}

fn param(name: &str, ty: Type, default: Option<Expr>, pattern: Option<&str>) -> Global {
    define(name, ty, GlobalKind::Param { default, pattern: pattern.map(str::to_owned) })
}

fn needs(to: u32) -> model::Edge {
    model::Edge { to, kind: EdgeKind::Needs }
}

fn lane(stages: Vec<Stage>, edges: Vec<Vec<model::Edge>>) -> ResolvedLane {
    ResolvedLane {
        id: 0,
        name: "hotfix".into(),
        about: Some("Fast".into()),
        stages: stages.into_iter().map(Shared::from).collect(),
        edges,
        replaced: vec![],
        strict: false,
        waived: vec![],
        parallel: Parallel::Auto,
        timeout: None,
        sla: None,
        on_failure: OnFailure::Stop,
        recommend_off: false,
        approvals: vec![],
        notifies: vec![],
        select: None,
        finally: vec![],
        meta: vec![],
        params: vec![],
        outputs: vec![],
    }
}

fn model() -> Model {
    let module = Module { name: "a.wfl".into(), std: false, file: FileId(0), lanes: vec![0], stages: vec![] };
    let lane = Lane {
        id: 0,
        module: 0,
        name: "hotfix".into(),
        span: span(3),
        docs: None,
        about: None,
        extends: None,
        select: None,
        deprecated: false,
        rules: vec![],
    };
    Model { modules: vec![module], lanes: vec![lane], tools: vec![tool()], ..Model::default() }
}

struct Inputs {
    sources: SourceMap,
    set: BTreeMap<String, String>,
    facts: FactValues,
}

impl Inputs {
    fn new() -> Self {
        let mut sources = SourceMap::default();
        sources.add(SourceFile::new("a.wfl", "x\n".repeat(40)));
        Inputs { sources, set: BTreeMap::new(), facts: FactValues::new() }
    }

    fn set(mut self, name: &str, text: &str) -> Self {
        self.set.insert(name.into(), text.into());
        self
    }

    fn fact(mut self, id: &str, fact: Fact) -> Self {
        self.facts.insert(id.into(), fact);
        self
    }

    fn given(&self) -> Given<'_> {
        Given {
            root: PathBuf::from("/project"),
            set: self.set.clone(),
            params: BTreeMap::new(),
            facts: self.facts.clone(),
            definition: Definition::default(),
            seed: 7,
            sources: &self.sources,
        }
    }

    fn build(&self, model: &Model, lane: &ResolvedLane) -> Result<Plan, Vec<Diagnostic>> {
        super::build(model, lane, &self.given())
    }

    /// Code and message of each finding.
    fn refused(&self, model: &Model, lane: &ResolvedLane) -> Vec<(&'static str, String)> {
        let found = self.build(model, lane).expect_err("must be refused");
        found
            .into_iter()
            .map(|found| (found.code.id, found.message + &found.help.unwrap_or_default()))
            .collect()
    }
}

/// `build`, `unit` twice by its matrix, gates `coverage` and `branches` of one tool, `deploy` behind an approval.
fn sample_lane() -> ResolvedLane {
    let app = model::Output {
        name: "app".into(),
        span: span(5),
        ty: Type::Path,
        value: val(Value::Path("dist/app".into())),
        keep: None,
    };
    let mut build = stage(10, "build");
    build.outputs = vec![app].into();
    let mut unit = stage(11, "unit");
    unit.matrix = vec![("shard".into(), numbers(1..=2))].into();
    unit.env = vec![("SHARD".into(), e(Kind::Matrix("shard".into())))].into();
    let mut deploy = stage(14, "deploy");
    deploy.env = vec![("APP".into(), output(10, "app"))].into();
    let stages = vec![build, unit, gate(12, "coverage", Some(0)), gate(13, "branches", Some(0)), deploy];
    let follows = model::Edge { to: 1, kind: EdgeKind::Follows };
    let edges =
        vec![vec![], vec![needs(0)], vec![follows], vec![needs(0)], vec![needs(0), needs(1), needs(2)]];
    let approval = model::Approval {
        before: 4,
        count: 1,
        group: "release-managers".into(),
        timeout: Some(val(Value::Duration(600_000))),
        span: span(5),
    };
    ResolvedLane { approvals: vec![approval], ..lane(stages, edges) }
}

fn text_value(text: &str) -> Value {
    Value::String(text.into())
}

pub(in crate::plan) fn sample() -> Plan {
    Inputs::new().build(&model(), &sample_lane()).unwrap()
}

fn node<'p>(plan: &'p Plan, key: &str) -> &'p Node {
    plan.nodes.iter().find(|node| node.key == key).unwrap()
}

fn waits_for(plan: &Plan, key: &str) -> Vec<(String, EdgeKind)> {
    let target = |edge: &Edge| (plan.nodes[edge.to as usize].key.clone(), edge.kind);
    node(plan, key).edges.iter().map(target).collect()
}

fn one_stage_with(argv: Vec<Expr>) -> ResolvedLane {
    let mut only = stage(1, "only");
    only.actions = exec(argv);
    lane(vec![only], vec![vec![]])
}

#[test]
fn a_plan_survives_being_stored() {
    let mut plan = sample();
    plan.params.insert("x".into(), Value::Percent(33.3));
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn a_matrix_becomes_instances_with_edges_to_all_of_them() {
    let plan = sample();
    let keys: Vec<&str> = plan.nodes.iter().map(|node| node.key.as_str()).collect();
    assert_eq!(keys, ["build", "unit[shard=1]", "unit[shard=2]", "coverage", "branches", "deploy"]);
    assert_eq!(plan.stages[1].nodes, [1, 2]);
    assert!(plan.stages[1].matrix && !plan.stages[0].matrix);
    assert_eq!(node(&plan, "unit[shard=2]").env[0].1.as_value(), Some(&Value::Int(2)));
    assert_eq!(waits_for(&plan, "deploy").len(), 4);
    assert_eq!(waits_for(&plan, "unit[shard=2]"), [("build".into(), EdgeKind::Needs)]);
    assert_eq!(node(&plan, "deploy").env[0].1.kind, Kind::Output { stage: 0, name: "app".into() });
    assert_eq!(node(&plan, "build").place, "a.wfl:16");
}

#[test]
fn several_matrix_names_multiply_first_slowest_up_to_a_thousand() {
    let mut unit = stage(1, "unit");
    unit.matrix = vec![("a".into(), numbers(1..=2)), ("b".into(), numbers(1..=2))].into();
    let one = |unit: Stage| lane(vec![unit], vec![vec![]]);
    let plan = Inputs::new().build(&model(), &one(unit.clone())).unwrap();
    let keys: Vec<&str> = plan.nodes.iter().map(|node| node.key.as_str()).collect();
    assert_eq!(keys, ["unit[a=1,b=1]", "unit[a=1,b=2]", "unit[a=2,b=1]", "unit[a=2,b=2]"]);
    let code = |unit: Stage| Inputs::new().refused(&model(), &one(unit))[0].0;
    unit.matrix = vec![("a".into(), numbers(1..=40)), ("b".into(), numbers(1..=26))].into();
    assert_eq!(code(unit.clone()), "E217");
    unit.matrix = vec![("a".into(), val(Value::List(vec![])))].into();
    assert_eq!(code(unit.clone()), "E122");
    unit.matrix = vec![("a".into(), val(Value::List(vec![Value::Int(1), Value::Int(1)])))].into();
    assert_eq!(code(unit), "E122");
}

#[test]
fn gates_of_one_tool_carry_it_and_never_run_at_once() {
    let plan = sample();
    assert!(waits_for(&plan, "coverage").contains(&("branches".into(), EdgeKind::Follows)));
    let coverage = node(&plan, "coverage");
    let gate = coverage.gate.as_ref().unwrap();
    assert_eq!(gate.tool.as_deref(), Some("cov"));
    assert_eq!(gate.exit_ok, [0, 1]);
    let names: Vec<&str> = gate.measures.iter().map(|measure| measure.name.as_str()).collect();
    assert_eq!(names, ["lines", "own"]);
    assert_eq!(coverage.timeout, Some(1000));
    assert_eq!(coverage.outputs[0].name, "report");
    let own = Kind::Output { stage: 2, name: "report".into() };
    let Some(crate::plan::Action::Exec { argv }) = coverage.actions.first() else {
        panic!("the tool's action")
    };
    assert_eq!(argv[1].kind, own, "inside a tool every output is the gate's own");
}

#[test]
fn a_waived_gate_does_not_take_its_turn_at_the_tool() {
    let mut lane = sample_lane();
    lane.waived = vec![(13, "vendor".into())];
    let plan = Inputs::new().build(&model(), &lane).unwrap();
    assert_eq!(node(&plan, "branches").waived.as_deref(), Some("vendor"));
    assert!(waits_for(&plan, "coverage").iter().all(|(key, _)| key != "branches"));
}

#[test]
fn strict_lanes_add_the_strict_checks() {
    let mut lane = sample_lane();
    let count = |lane: &ResolvedLane| {
        let plan = Inputs::new().build(&model(), lane).unwrap();
        node(&plan, "coverage").gate.as_ref().unwrap().require.len()
    };
    assert_eq!(count(&lane), 1);
    lane.strict = true;
    assert_eq!(count(&lane), 2);
}

#[test]
fn approvals_and_priorities_stand_at_the_nodes() {
    let plan = sample();
    let approvals = &node(&plan, "deploy").approvals;
    assert_eq!((approvals[0].group.as_str(), approvals[0].timeout), ("release-managers", Some(600_000)));
    assert_eq!(node(&plan, "deploy").priority, 1);
    assert_eq!(node(&plan, "coverage").priority, 2);
    assert_eq!(node(&plan, "build").priority, 4, "build, unit or branches, coverage, deploy");
}

#[test]
fn a_circle_is_one_error_at_its_first_stage() {
    let stages = vec![stage(3, "c"), stage(1, "a"), stage(2, "b")];
    let lane = lane(stages, vec![vec![needs(1)], vec![needs(2)], vec![needs(0)]]);
    let found = Inputs::new().build(&model(), &lane).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code.id, found[0].span), ("E201", span(21)));
    assert!(found[0].message.contains("`a` → `b` → `c` → `a`"), "{}", found[0].message);
    assert_eq!(found[0].related.len(), 2);
}

#[test]
fn outputs_of_replaced_and_absent_stages_are_redirected() {
    let mut reader = stage(5, "reader");
    reader.env = vec![("A".into(), output(1, "app")), ("B".into(), output(77, "gone"))].into();
    let mut lane = lane(vec![stage(2, "new"), reader], vec![vec![], vec![needs(0)]]);
    lane.replaced = vec![(1, 2)];
    let plan = Inputs::new().build(&model(), &lane).unwrap();
    let env = &node(&plan, "reader").env;
    assert_eq!(env[0].1.kind, Kind::Output { stage: 0, name: "app".into() });
    assert_eq!(env[1].1.as_value(), Some(&Value::Absent));
}

#[test]
fn what_cannot_be_run_yet_concerns_its_own_lane_only() {
    let mut model = model();
    let entry = |what: &str, concerns| NotYet { span: span(9), what: what.into(), concerns };
    model.not_yet = vec![
        entry("`undo`", Concerns::Stage(1)),
        entry("`undo`", Concerns::Stage(2)),
        entry("`notify`", Concerns::Lane(0)),
        entry("`notify`", Concerns::Lane(8)),
        entry("`repair`", Concerns::Module(0)),
        entry("`repair`", Concerns::Module(3)),
    ];
    let found = refusals(&model, &one_stage_with(vec![]));
    let said: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        said,
        ["`undo` cannot be run yet", "`notify` cannot be run yet", "`repair` cannot be run yet"]
    );
    assert!(found.iter().all(|found| found.code.id == "E950"));
}

#[test]
fn long_chains_of_stages_and_lets_do_not_overflow() {
    let count = 12_000u32;
    let stages: Vec<Stage> = (0..count).map(|id| stage(id, &format!("s{id}"))).collect();
    let edges = (0..count).map(|id| if id == 0 { vec![] } else { vec![needs(id - 1)] }).collect();
    let mut lane = lane(stages, edges);
    let mut model = model();
    let previous = |index: u32| if index == 0 { val(Value::Int(1)) } else { global(index - 1) };
    model.globals =
        (0..count).map(|index| define("x", Type::Int, GlobalKind::Let(previous(index)))).collect();
    lane.stages[0].env = vec![("X".into(), global(count - 1))].into();
    let plan = Inputs::new().build(&model, &lane).unwrap();
    assert_eq!(plan.nodes[0].priority, count);
    assert_eq!(plan.nodes[0].env[0].1.as_value(), Some(&Value::Int(1)));
}
