//! Tests of what is worked out before a run: params, facts, secrets, limits and `select`.

use super::*;
use crate::plan::{secret_values, start_facts};

#[test]
fn only_params_that_are_reached_are_asked_for() {
    let mut model = model();
    let words = Type::Enum(vec!["eu".into(), "us".into()]);
    model.globals = vec![
        param("ticket", Type::String, None, Some("HOT-[0-9]+")),
        param("region", words, Some(text("eu")), None),
        param("unread", Type::Int, None, None),
        define("tag", Type::String, GlobalKind::Let(e(Kind::Format(vec![text("hotfix-"), global(0)])))),
    ];
    let lane = one_stage_with(vec![global(3), global(1)]);
    let found = Inputs::new().refused(&model, &lane);
    assert_eq!(found.len(), 1);
    assert!(found[0].0 == "E953" && found[0].1.contains("--set ticket="), "{found:?}");
    let code = |name: &str, value: &str| {
        Inputs::new().set("ticket", "HOT-1").set(name, value).refused(&model, &lane).remove(0)
    };
    assert_eq!(code("ticket", "HOT-1x").0, "E953");
    assert!(code("region", "asia").1.contains("one of `eu`, `us`"));
    assert!(code("tikcet", "HOT-1").1.contains("did you mean `ticket`?"));
    let plan = Inputs::new().set("ticket", "HOT-42").set("unread", "5").build(&model, &lane).unwrap();
    let params: Vec<&str> = plan.params.keys().map(String::as_str).collect();
    assert_eq!(params, ["region", "ticket"]);
    let crate::plan::Action::Exec { argv } = &plan.nodes[0].actions[0] else { panic!("exec") };
    assert_eq!(argv[0].as_value(), Some(&Value::String("hotfix-HOT-42".into())));
}

#[test]
fn facts_of_the_start_are_found_through_lets_params_and_functions() {
    let mut model = model();
    let touches = fact("change.touches", vec![e(Kind::Local(0))], Type::Bool);
    model.functions = vec![Function { name: "touched".into(), parameters: 1, body: touches }];
    model.globals = vec![
        define("glob", Type::String, GlobalKind::Let(text("src/**"))),
        define("name", Type::String, GlobalKind::Let(fact("git.branch", vec![], Type::String))),
        param("home", Type::String, Some(env("HOME")), None),
        define("token", Type::String, GlobalKind::Secret(env("TOKEN"))),
        define("unread", Type::String, GlobalKind::Let(env("UNREAD"))),
    ];
    let mut lane = one_stage_with(vec![global(1), global(2), fact("exit", vec![], Type::Int)]);
    lane.stages[0].when = Some(Box::new(e(Kind::Call { function: 0, arguments: vec![global(0)] })));
    lane.stages[0].env = vec![("TOKEN".into(), global(3))].into();
    let mut ids: Vec<String> = start_facts(&model, &lane).iter().map(|key| key.id()).collect();
    ids.sort();
    assert_eq!(ids, ["change.touches(\"src/**\")", "env(\"HOME\")", "git.branch"]);
    let inputs = Inputs::new()
        .fact("change.touches(\"src/**\")", Fact::Read(Value::Bool(true)))
        .fact("env(\"HOME\")", Fact::Read(Value::String("/root".into())))
        .fact("git.branch", Fact::Read(Value::String("main".into())));
    let plan = inputs.build(&model, &lane).unwrap();
    let when = plan.nodes[0].when.as_ref().unwrap();
    assert_eq!(when.expr.as_value(), Some(&Value::Bool(true)));
    assert_eq!(plan.facts.len(), 3);
}

#[test]
fn a_start_fact_that_failed_refuses_the_lane_once() {
    let git = |name: &str| fact(name, vec![], Type::String);
    let lane = one_stage_with(vec![git("git.branch"), git("git.sha"), git("os")]);
    let inputs = Inputs::new()
        .fact("git.branch", Fact::Failed("not a repository".into()))
        .fact("git.sha", Fact::Failed("not a repository".into()))
        .fact("os", Fact::Failed("odd".into()));
    let codes: Vec<&str> = inputs.refused(&model(), &lane).iter().map(|found| found.0).collect();
    assert_eq!(codes, ["E955", "E956"]);
    let mut model = model();
    model.globals = vec![define("b", Type::String, GlobalKind::Let(git("git.branch")))];
    let found = inputs.refused(&model, &one_stage_with(vec![global(0)]));
    assert_eq!(found.len(), 1, "{found:?}");
    let unread = Inputs::new().refused(&model, &one_stage_with(vec![global(0)]));
    assert_eq!(unread[0].0, "E956");
}

#[test]
fn secrets_are_named_but_never_stored() {
    let mut model = model();
    let mut header =
        define("header", Type::String, GlobalKind::Let(e(Kind::Format(vec![text("Bearer "), global(0)]))));
    header.secret = true;
    model.globals = vec![define("token", Type::String, GlobalKind::Secret(env("TOKEN"))), header];
    let mut lane = one_stage_with(vec![text("true")]);
    lane.stages[0].env = vec![("AUTH".into(), global(1))].into();
    let inputs = Inputs::new().fact("env(\"TOKEN\")", Fact::Read(Value::String("hunter2".into())));
    let plan = inputs.build(&model, &lane).unwrap();
    assert!(!serde_json::to_string(&plan).unwrap().contains("hunter2"));
    assert_eq!(plan.nodes[0].env[0].1.kind, Kind::Global(1));
    let names: Vec<&str> = plan.secrets.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(names, ["token", "header"]);
    assert_eq!(plan.secrets[0].sources, ["TOKEN"]);
    let values = secret_values(&plan, &|name| (name == "TOKEN").then(|| "hunter2".into())).unwrap();
    assert_eq!(values[&1], Value::String("Bearer hunter2".into()));
    assert_eq!(secret_values(&plan, &|_| None), Err(vec![("token".into(), "TOKEN".into())]));
    let mut leaking = one_stage_with(vec![env("TOKEN")]);
    leaking.stages[0].env = lane.stages[0].env.clone();
    assert_eq!(inputs.refused(&model, &leaking)[0].0, "E506");
}

#[test]
fn retries_are_worked_out_and_judged() {
    let policy = |attempts: i64, from: i64, cap: i64, factor: Value| model::Retry {
        attempts: Some(val(Value::Int(attempts))),
        backoff: Some(Backoff {
            kind: BackoffKind::Exponential,
            from: val(Value::Duration(from)),
            cap: Some(val(Value::Duration(cap))),
            factor: Some(val(factor)),
            jitter: Some(val(Value::Percent(50.0))),
        }),
        when: Some(check(same(fact("exit", vec![], Type::Int), val(Value::Int(6))))),
        breaker: None,
        policy: None,
        span: span(5),
    };
    let with = |retry| {
        let mut only = one_stage_with(vec![text("true")]);
        only.stages[0].retry = Some(Box::new(retry));
        only
    };
    let plan = Inputs::new().build(&model(), &with(policy(4, 2000, 30_000, Value::Int(3)))).unwrap();
    let retry = plan.nodes[0].retry.as_ref().unwrap();
    assert_eq!((retry.attempts, retry.from, retry.cap), (4, 2000, Some(30_000)));
    assert_eq!((retry.factor, retry.jitter), (3.0, 50.0));
    assert!(retry.when.is_some());
    let code = |retry| Inputs::new().refused(&model(), &with(retry))[0].0;
    assert_eq!(code(policy(0, 1, 2, Value::Int(2))), "E308");
    assert_eq!(code(policy(1, 5, 2, Value::Int(2))), "E305");
    assert_eq!(code(policy(1, 1, 2, Value::Float(0.5))), "E122");
}

#[test]
fn pools_locks_and_limits_are_worked_out() {
    let mut model = model();
    model.pools = vec![Pool { module: 0, name: "browsers".into(), slots: val(Value::Int(2)) }];
    let mut lane = one_stage_with(vec![text("true")]);
    let only = &mut lane.stages[0];
    only.pool = Some(0);
    only.lock = Some(Box::new(text("production")));
    only.timeout = Some(val(Value::Duration(60_000)));
    only.inputs = vec![text("src/**"), val(Value::List(vec![text_value("Cargo.*")]))].into();
    let plan = Inputs::new().build(&model, &lane).unwrap();
    assert_eq!(plan.pools, BTreeMap::from([("browsers".to_owned(), 2)]));
    let only = &plan.nodes[0];
    assert_eq!((only.pool.as_deref(), only.lock.as_deref()), (Some("browsers"), Some("production")));
    assert_eq!((only.timeout, only.inputs.len()), (Some(60_000), 2));
    lane.stages[0].timeout = Some(output(1, "app"));
    assert_eq!(Inputs::new().refused(&model, &lane)[0].0, "E956");
    lane.stages[0].timeout = Some(val(Value::Duration(0)));
    assert_eq!(Inputs::new().refused(&model, &lane)[0].0, "E122");
}

#[test]
fn select_is_judged_with_what_was_given_and_inherited() {
    let mut model = model();
    let select = same(fact("change.type", vec![], Type::String), text("fix"));
    model.lanes[0].select = Some(check(select));
    let child = Lane { id: 1, select: None, extends: Some((0, span(3))), ..model.lanes[0].clone() };
    let lone = Lane { extends: None, ..child.clone() };
    model.lanes.push(child.clone());
    let keys = crate::plan::select_facts(&model, &child);
    assert_eq!(keys.iter().map(|key| key.id()).collect::<Vec<_>>(), ["change.type"]);
    let with = |kind: &str| Inputs::new().fact("change.type", Fact::Read(text_value(kind)));
    assert_eq!(select_matches(&model, &child, &with("fix").given()), Ok(true));
    assert_eq!(select_matches(&model, &child, &with("docs").given()), Ok(false));
    assert_eq!(select_matches(&model, &lone, &with("fix").given()), Ok(false));
    assert!(select_matches(&model, &child, &Inputs::new().given()).is_err());
}
