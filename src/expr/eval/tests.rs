//! Tests of evaluation, and the fake scope that tests of the neighbouring modules share.

use std::collections::BTreeMap;

use super::*;
use crate::expr::Arithmetic;
use crate::expr::needs::{explain, needs};

#[derive(Default)]
pub(in crate::expr) struct Fake {
    globals: BTreeMap<u32, Value>,
    functions: Vec<Function>,
    measures: BTreeMap<String, Value>,
    facts: BTreeMap<String, Fact>,
}

impl Fake {
    pub(in crate::expr) fn global(mut self, index: u32, value: Value) -> Self {
        self.globals.insert(index, value);
        self
    }

    fn fact(mut self, id: &str, fact: Fact) -> Self {
        self.facts.insert(id.into(), fact);
        self
    }
}

impl Scope for Fake {
    fn global(&self, index: u32) -> Option<Value> {
        self.globals.get(&index).cloned()
    }
    fn function(&self, index: u32) -> Option<&Function> {
        self.functions.get(index as usize)
    }
    fn matrix(&self, name: &str) -> Option<Value> {
        (name == "shard").then_some(Value::Int(2))
    }
    fn measure(&self, name: &str) -> Option<Value> {
        self.measures.get(name).cloned()
    }
    fn output(&self, stage: u32, name: &str) -> Option<Value> {
        (stage == 0 && name == "app").then(|| Value::Path("dist/app".into()))
    }
    fn fact(&self, key: &FactKey) -> Option<Fact> {
        self.facts.get(&key.id()).cloned()
    }
}

fn at(kind: Kind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn val(value: Value) -> Expr {
    at(Kind::Value(value))
}

fn text(text: &str) -> Expr {
    val(Value::String(text.into()))
}

fn compare(op: Compare, left: Expr, right: Expr) -> Expr {
    at(Kind::Compare { op, sides: Box::new((left, right)) })
}

fn fact(name: &str, arguments: Vec<Expr>, ty: Type) -> Expr {
    at(Kind::Fact { name: name.into(), arguments, ty })
}

fn absent() -> Expr {
    val(Value::Absent)
}

fn local(slot: u32) -> Expr {
    at(Kind::Local(slot))
}

fn yes(expr: &Expr) -> Result<Value, Stop> {
    eval(expr, &Fake::default())
}

#[test]
fn absent_values_equal_nothing_match_nothing_and_have_defaults() {
    for op in [Compare::Eq, Compare::Matches, Compare::Like] {
        assert_eq!(yes(&compare(op, absent(), text("x"))), Ok(Value::Bool(false)), "{op:?}");
    }
    assert_eq!(yes(&compare(Compare::Ne, absent(), text("x"))), Ok(Value::Bool(true)));
    assert_eq!(yes(&compare(Compare::In, text("x"), absent())), Ok(Value::Bool(false)));
    assert_eq!(yes(&at(Kind::Coalesce(vec![absent(), text("d"), text("e")]))), Ok(Value::String("d".into())));
    assert!(matches!(yes(&at(Kind::Format(vec![absent()]))), Err(Stop::Failed { .. })));
    assert!(matches!(yes(&compare(Compare::Lt, absent(), val(Value::Int(1)))), Err(Stop::Failed { .. })));
}

#[test]
fn what_is_decided_early_is_not_read() {
    let unread = fact("file.exists", vec![text("x")], Type::Bool);
    let decided = at(Kind::Or(vec![val(Value::Bool(true)), unread.clone()]));
    assert_eq!(yes(&decided), Ok(Value::Bool(true)));
    let branch = at(Kind::If(Box::new((val(Value::Bool(false)), unread.clone(), text("b")))));
    assert_eq!(yes(&branch), Ok(Value::String("b".into())));
    let open = at(Kind::And(vec![val(Value::Bool(true)), unread]));
    assert!(matches!(yes(&open), Err(Stop::Needs(keys)) if keys[0].id() == "file.exists(\"x\")"));
}

#[test]
fn matches_searches_and_like_takes_the_whole_text() {
    assert_eq!(yes(&compare(Compare::Matches, text("a timed out"), text("timed"))), Ok(Value::Bool(true)));
    assert_eq!(yes(&compare(Compare::Like, text("hotfix/a/b"), text("hotfix/*"))), Ok(Value::Bool(false)));
    assert_eq!(yes(&compare(Compare::Like, text("hotfix/a/b"), text("hotfix/**"))), Ok(Value::Bool(true)));
    assert!(matches!(yes(&compare(Compare::Matches, text("a"), text("("))), Err(Stop::Failed { .. })));
}

#[test]
fn lists_are_built_filtered_and_indexed() {
    let numbers = at(Kind::List((1..=3).map(|n| val(Value::Int(n))).collect()));
    let doubled = at(Kind::Comprehension(Box::new(Comprehension {
        body: at(Kind::Arithmetic {
            first: Box::new(local(4)),
            rest: vec![(Arithmetic::Multiply, val(Value::Int(2)))],
        }),
        slot: 4,
        source: numbers.clone(),
        condition: Some(compare(Compare::Gt, local(4), val(Value::Int(1)))),
    })));
    assert_eq!(yes(&doubled), Ok(Value::List(vec![Value::Int(4), Value::Int(6)])));
    let index = |at_: i64| at(Kind::Index(Box::new((numbers.clone(), val(Value::Int(at_))))));
    assert_eq!(yes(&index(2)), Ok(Value::Int(3)));
    assert_eq!(yes(&index(3)), Ok(Value::Absent));
    assert_eq!(yes(&index(-1)), Ok(Value::Absent));
    let spread = at(Kind::List(vec![at(Kind::Spread(Box::new(doubled))), val(Value::Int(9))]));
    assert_eq!(yes(&spread), Ok(Value::List(vec![Value::Int(4), Value::Int(6), Value::Int(9)])));
}

#[test]
fn functions_see_their_own_arguments_only_and_cannot_run_away() {
    let mut scope = Fake::default();
    let body = compare(Compare::Like, local(0), text("hotfix/*"));
    scope.functions.push(Function { name: "is_hotfix".into(), parameters: 1, body });
    let call = |arguments| at(Kind::Call { function: 0, arguments });
    assert_eq!(eval(&call(vec![text("hotfix/x")]), &scope), Ok(Value::Bool(true)));
    scope.functions[0].body = call(vec![]);
    assert!(matches!(eval(&call(vec![]), &scope), Err(Stop::Failed { .. })));
}

#[test]
fn arguments_are_never_split_and_lists_are_spliced() {
    let operands = [
        text("a b"),
        at(Kind::Spread(Box::new(at(Kind::List(vec![text("-x"), val(Value::Int(3))]))))),
        at(Kind::Format(vec![text("--out="), at(Kind::Output { stage: 0, name: "app".into() })])),
    ];
    let scope = Fake::default();
    assert_eq!(
        eval_argv(&operands, &scope),
        Ok(["a b", "-x", "3", "--out=dist/app"].map(String::from).into())
    );
    let absolute = |path: &str| format!("/root/{path}");
    let with = eval_argv_with(&operands, &scope, &absolute);
    assert_eq!(with.map(|argv| argv[3].clone()), Ok("--out=/root/dist/app".into()));
    assert!(eval_argv(&[at(Kind::List(vec![]))], &scope).is_err());
}

#[test]
fn needs_names_every_fact_it_may_read_through_functions_and_lists() {
    let age = fact("file.age", vec![local(0)], Type::Duration);
    let scope = Fake {
        functions: vec![Function { name: "old".into(), parameters: 1, body: age }],
        ..Fake::default()
    };
    let expr = at(Kind::And(vec![
        val(Value::Bool(false)),
        at(Kind::Call { function: 0, arguments: vec![text("a")] }),
        fact("exit", vec![], Type::Int),
        fact("file.size", vec![at(Kind::Measure("unknown".into()))], Type::Size),
    ]));
    let ids: Vec<String> = needs(&expr, &scope).iter().map(FactKey::id).collect();
    assert_eq!(ids, ["file.age(\"a\")", "exit"]);
    let scope = scope.fact("exit", Fact::Read(Value::Int(1)));
    assert_eq!(needs(&expr, &scope).len(), 1, "what is known is not asked again");
}

#[test]
fn an_explanation_names_leaves_once_and_never_start_values() {
    let mut scope = Fake::default()
        .global(0, Value::String("hunter2".into()))
        .fact("exit", Fact::Read(Value::Int(1)))
        .fact("stderr", Fact::Read(Value::String("hunter2".into())))
        .fact("file.size(\"x\")", Fact::Failed("no such file".into()));
    scope.measures.insert("lines".into(), Value::Percent(69.9));
    let measure = at(Kind::Measure("lines".into()));
    let expr = at(Kind::And(vec![
        compare(Compare::Ge, measure.clone(), val(Value::Percent(70.0))),
        compare(Compare::Ge, measure, at(Kind::Global(0))),
        fact("exit", vec![], Type::Int),
        fact("stderr", vec![], Type::String),
        fact("file.size", vec![text("x")], Type::Size),
    ]));
    let said = explain(&expr, &scope);
    assert_eq!(said, "lines = 69.9%, exit = 1, stderr = 7 bytes, file.size(\"x\"): no such file");
}
