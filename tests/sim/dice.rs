//! Random lanes of every feature that the kernel knows. Knows nothing of how they run.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::run::lanes::{Draft, check, compare, constant, exists, fact, gate, lane, stage, text};
use wfl::base::{Type, Value};
use wfl::expr::Compare;
use wfl::plan::{
    Action, AfterRepair, BackoffKind, Bound, Effect, Node, OnFailure, Plan, Preset, Repair, Retry, Risk,
    StageKind,
};

pub type Dice = Xoshiro256PlusPlus;

pub fn one_in(rng: &mut Dice, sides: u32) -> bool {
    rng.random_range(0..sides) == 0
}

fn pick<T: Copy>(rng: &mut Dice, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

pub fn plan(rng: &mut Dice) -> Plan {
    let count = rng.random_range(2..10);
    let mut drafts: Vec<Draft> = Vec::new();
    for at in 0..count {
        let draft = edges(stage(&format!("s{at}")), at, rng);
        drafts.push(featured(draft, rng));
    }
    let mut plan = lane(drafts);
    plan.pools.insert("p".into(), rng.random_range(1..3));
    plan.seed = rng.random();
    plan.on_failure = pick(rng, &[OnFailure::Stop, OnFailure::Stop, OnFailure::KeepGoing]);
    plan.timeout = one_in(rng, 10).then(|| rng.random_range(3_000..60_000));
    if one_in(rng, 4) {
        plan.finally = vec![Action::Exec { argv: vec![text("./report")] }];
    }
    settle_calls(&mut plan, rng);
    if one_in(rng, 2) {
        plan.repairs = repairs(rng);
    }
    plan
}

/// One that just acts, one that asks first, one that ends the stage.
fn repairs(rng: &mut Dice) -> Vec<Repair> {
    let mut rule = |name: &str, exit: i64| Repair {
        name: name.into(),
        docs: None,
        place: "lane.wfl:1".into(),
        when: check("exit", compare(Compare::Eq, fact("exit", "", Type::Int), Value::Int(exit))),
        verify: one_in(rng, 2).then(|| exists("z")),
        actions: vec![Action::Exec { argv: vec![text("./mend")] }],
        risk: Risk::Low,
        then: AfterRepair::RetryStage,
        limit: rng.random_range(1..4),
    };
    let (mend, clean, stop) = (rule("mend", 1), rule("clean", 7), rule("stop", 137));
    vec![mend, Repair { risk: Risk::Destructive, ..clean }, Repair { then: AfterRepair::Stop, ..stop }]
}

fn edges(mut draft: Draft, at: u32, rng: &mut Dice) -> Draft {
    for need in 0..at {
        let need = format!("s{need}");
        draft = match rng.random_range(0..9) {
            0 | 1 => draft.needs(&[need.as_str()]),
            2 => draft.needs_if_run(&[need.as_str()]),
            3 => draft.follows(&[need.as_str()]),
            _ => draft,
        };
    }
    draft
}

fn featured(mut draft: Draft, rng: &mut Dice) -> Draft {
    match rng.random_range(0..7) {
        0 => return judged(draft, rng),
        1 => return calling(draft, rng),
        2 if one_in(rng, 2) => return draft.with(|node| node.preset = Some(preset(rng))),
        _ => {}
    }
    for _ in 0..rng.random_range(1..4) {
        draft = trait_of_any(draft, rng);
    }
    draft
}

fn preset(rng: &mut Dice) -> Preset {
    match one_in(rng, 2) {
        true => Preset::LeftOut("left out".into()),
        false => Preset::Reused {
            run: "earlier".into(),
            inputs: "h".into(),
            outputs: Default::default(),
            files: Default::default(),
            result: None,
        },
    }
}

fn trait_of_any(draft: Draft, rng: &mut Dice) -> Draft {
    match rng.random_range(0..20) {
        0 | 1 => draft.once(),
        2 => draft.idempotent("k"),
        3 if one_in(rng, 2) => draft.when(false),
        3 => draft.with(|node| node.when = Some(exists("wanted"))),
        4 | 5 => draft.retry(policy(rng)),
        6 => draft.lock("l"),
        7 => draft.once().lock("l"),
        8 | 18 => draft.pool("p"),
        9 => draft.out("f", "file"),
        10 => draft.with(|node| node.allow_failure = Some("sandbox".into())),
        11 => approvals(draft, rng),
        12 => draft.with(|node| node.confirm = Some("sure?".into())),
        13 => draft.with(|node| node.inputs = vec!["src/**".into()]),
        14 => draft.with(|node| node.before = vec![exists("x")]),
        15 => draft.with(|node| node.after = vec![exists("y")]),
        16 => timed(draft, rng),
        17 => timed(draft.retry(policy(rng)), rng),
        _ => draft.finally(),
    }
}

fn timed(draft: Draft, rng: &mut Dice) -> Draft {
    let (timeout, deadline) = (rng.random_range(500..6_000), rng.random_range(1_000..20_000));
    let which = rng.random_range(0..3);
    draft.with(|node| {
        node.timeout = (which != 1).then_some(timeout);
        node.deadline = (which != 0).then_some(deadline);
    })
}

fn approvals(draft: Draft, rng: &mut Dice) -> Draft {
    let timeout = one_in(rng, 3).then(|| rng.random_range(2_000..90_000));
    let draft = draft.approve(rng.random_range(1..3), timeout);
    if one_in(rng, 4) { draft.approve(1, None) } else { draft }
}

fn policy(rng: &mut Dice) -> Retry {
    let exit =
        compare(Compare::In, fact("exit", "", Type::Int), Value::List(vec![Value::Int(1), Value::Int(7)]));
    Retry {
        attempts: rng.random_range(1..5),
        backoff: pick(rng, &[BackoffKind::Constant, BackoffKind::Linear, BackoffKind::Exponential]),
        from: rng.random_range(1..3_000),
        cap: one_in(rng, 2).then_some(4_000),
        factor: pick(rng, &[1.5, 2.0, 3.0]),
        jitter: pick(rng, &[0.0, 50.0]),
        when: one_in(rng, 3).then(|| check("exit in [1, 7]", exit)),
        breaker: None,
    }
}

/// A gate, with its own program or of the tool that all such gates share; maybe waived.
fn judged(draft: Draft, rng: &mut Dice) -> Draft {
    let judge = gate("", 70.0).node.gate;
    let (shared, waived) = (one_in(rng, 2), one_in(rng, 8));
    let retried = one_in(rng, 4).then(|| policy(rng));
    draft.with(|node| {
        node.kind = StageKind::Gate;
        node.gate = judge;
        node.waived = waived.then(|| "no typed code here".into());
        node.retry = retried;
        if let Some(gate) = node.gate.as_mut().filter(|_| shared) {
            gate.tool = Some("cov".into());
        }
    })
}

/// A stage that calls a lane.
fn calling(mut draft: Draft, rng: &mut Dice) -> Draft {
    let mut inside: Vec<Draft> = Vec::new();
    for at in 0..rng.random_range(1..4) {
        let mut inner = stage(&format!("i{at}"));
        if at > 0 && one_in(rng, 2) {
            inner = inner.needs(&["i0"]);
        }
        if one_in(rng, 2) {
            inner = trait_of_any(inner, rng);
        }
        inside.push(inner);
    }
    for _ in 0..rng.random_range(0..3) {
        draft = match rng.random_range(0..6) {
            0 => draft.lock("l"),
            1 => draft.finally(),
            2 => draft.with(|node| node.allow_failure = Some("sandbox".into())),
            3 => approvals(draft, rng),
            4 => draft.with(|node| node.confirm = Some("sure?".into())),
            _ => draft.with(|node| node.when = Some(constant(true))),
        };
    }
    draft.calls(inside)
}

/// Ends of calls that do nothing themselves, and limits of time over calls.
fn settle_calls(plan: &mut Plan, rng: &mut Dice) {
    for (index, call) in (0..).zip(plan.calls.clone()) {
        if one_in(rng, 4) {
            let members = (call.opening..=call.closing).collect();
            let timeout = rng.random_range(2_000..9_000);
            plan.bounds.push(Bound { call: index, members, timeout, whose: "the call".into() });
        }
        for part in [call.opening, call.closing] {
            let node: &mut Node = &mut plan.nodes[part as usize];
            if one_in(rng, 2) && node.effect == Effect::Repeatable {
                node.actions.clear();
            }
        }
    }
}
