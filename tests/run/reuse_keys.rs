//! Keys of results: every part that decides one changes the key, and each test of that fails when its part is left out.

use std::collections::BTreeMap;

use wfl::base::{Type, Value};
use wfl::engine::input::Outputs;
use wfl::engine::reuse::{Parts, Seen, difference, drawn, key, keyed, parts};
use wfl::engine::spec::{Context, Wanted, attempt};
use wfl::event::FileMark;
use wfl::expr::Kind;
use wfl::plan::{Action, Check, Output, Plan};
use wfl::port::{AttemptSpec, InputFiles};

use super::lanes::{expr, lane, stage, text};

/// Everything a key is made from.
#[derive(Clone)]
struct Made {
    plan: Plan,
    outputs: Outputs,
    seen: Seen,
    passed: Option<Vec<String>>,
}

const NODE: u32 = 1;

fn made() -> Made {
    let path = |path: &str| expr(Kind::Value(Value::Path(path.into())));
    let mut plan = lane(vec![stage("gen").out("list", "out/gen"), stage("pack").needs(&["gen"])]);
    plan.definition.files.insert("std.retry".into(), "retry flaky {}".into());
    let node = &mut plan.nodes[NODE as usize];
    node.actions = vec![
        Action::Script { interpreter: "bash".into(), text: "make".into() },
        Action::Exec { argv: vec![text("pack"), expr(Kind::Output { stage: 0, name: "list".into() })] },
        Action::Render {
            target: path("notes.md"),
            template: path("notes.jinja"),
            context: vec![("title".into(), text("one"))],
            schema: Some(Box::new(path("notes.json"))),
        },
    ];
    node.env = vec![("WHO".into(), text("ada"))];
    node.cwd = Some(path("sub"));
    node.inputs = vec!["src/**".into()];
    node.matrix = vec![("level".into(), Value::String("low".into()))];
    let output = |ty, value| Output { name: "app".into(), ty, value, given: false, keep: None };
    node.outputs = vec![output(Type::Path, path("out/app"))];
    node.after =
        vec![Check { expr: expr(Kind::Value(Value::Bool(true))), text: "true".into(), because: None }];
    let mark = FileMark { hash: "a1".into(), executable: false, folder: false, kept: None };
    let seen = Seen {
        inputs: InputFiles {
            files: BTreeMap::from([("src/a".into(), mark)]),
            hash: "h1".into(),
            beyond: None,
        },
        programs: BTreeMap::from([("pack".into(), "/bin/pack 1".into())]),
        passed: BTreeMap::from([("CARGO_HOME".into(), "1".into())]),
        files: ["out/gen", "notes.jinja", "notes.json"].map(|path| (path.to_owned(), "1".to_owned())).into(),
    };
    let outputs = Outputs::from([((0, "list".into()), Value::Path("out/gen".into()))]);
    Made { plan, outputs, seen, passed: Some(vec!["CARGO_*".into()]) }
}

fn spec(made: &Made) -> AttemptSpec {
    let context = Context {
        run: "r".into(),
        secrets: BTreeMap::new(),
        log_dir: None,
        grace: std::time::Duration::ZERO,
    };
    let wanted = Wanted { node: NODE, attempt: 1, timeout: None, key: None, outputs: &made.outputs };
    let mut spec = attempt(&made.plan, &context, &wanted).expect("it can be worked out");
    spec.clean_env.clone_from(&made.passed);
    spec
}

fn parts_of(made: &Made) -> Parts {
    parts(&made.plan, NODE, &spec(made), &made.outputs, &made.seen)
}

type Change = (&'static str, fn(&mut Made));

/// Each with the part that must notice it.
const CHANGES: &[Change] = &[
    ("stage", |made| made.plan.nodes[NODE as usize].key = "other".into()),
    ("cwd", |made| node(made).cwd = None),
    ("inputs", |made| made.seen.inputs.hash = "h2".into()),
    ("input globs", |made| node(made).inputs.push("lib/**".into())),
    ("std", |made| drop(made.plan.definition.files.insert("std.retry".into(), "retry flaky { }".into()))),
    ("interpreter", |made| action(made, 0, Action::Script { interpreter: "sh".into(), text: "make".into() })),
    ("script", |made| {
        action(made, 0, Action::Script { interpreter: "bash".into(), text: "make all".into() })
    }),
    ("exec of action 2", |made| {
        let list = expr(Kind::Output { stage: 0, name: "list".into() });
        action(made, 1, Action::Exec { argv: vec![text("pack"), text("-v"), list] });
    }),
    ("env WHO", |made| node(made).env[0].1 = text("bob")),
    ("matrix level", |made| node(made).matrix[0].1 = Value::String("high".into())),
    ("program pack", |made| drop(made.seen.programs.insert("pack".into(), "/bin/pack 2".into()))),
    ("program git", |made| drop(made.seen.programs.insert("git".into(), "/bin/git 1".into()))),
    ("environment", |made| {
        made.passed = None;
    }),
    ("passed CARGO_HOME", |made| drop(made.seen.passed.insert("CARGO_HOME".into(), "2".into()))),
    ("output gen.list: out/gen", |made| drop(made.seen.files.insert("out/gen".into(), "2".into()))),
    ("template notes.jinja", |made| drop(made.seen.files.insert("notes.jinja".into(), "2".into()))),
    ("schema notes.json", |made| drop(made.seen.files.insert("notes.json".into(), "2".into()))),
    ("rendered values of action 3", |made| {
        if let Action::Render { context, .. } = &mut node(made).actions[2] {
            context[0].1 = text("two");
        }
    }),
    ("out app", |made| node(made).outputs[0].ty = Type::String),
    ("out more", |made| {
        let mut more = node(made).outputs[0].clone();
        more.name = "more".into();
        node(made).outputs.push(more);
    }),
    ("after 1", |made| node(made).after[0].text = "1 == 1".into()),
];

fn node(made: &mut Made) -> &mut wfl::plan::Node {
    &mut made.plan.nodes[NODE as usize]
}

fn action(made: &mut Made, at: usize, action: Action) {
    node(made).actions[at] = action;
}

/// Whether the key, with `left_out` not part of it, tells the two apart.
fn noticed(before: &Parts, after: &Parts, left_out: &str) -> bool {
    let less = |parts: &Parts| {
        let mut parts = parts.clone();
        parts.remove(left_out);
        key(&parts)
    };
    less(before) != less(after)
}

#[test]
fn whatever_decides_a_result_changes_its_key() {
    let before = parts_of(&made());
    assert_eq!(key(&before), key(&parts_of(&made())), "nothing changed, and neither does the key");
    for (part, change) in CHANGES {
        let mut changed = made();
        change(&mut changed);
        let after = parts_of(&changed);
        assert!(noticed(&before, &after, ""), "a change of {part} goes unnoticed");
        let said = difference(&keyed(&before, &made().seen.inputs), &keyed(&after, &changed.seen.inputs));
        let word =
            part.split_once(' ').filter(|(kind, _)| *kind == "program").map_or(*part, |(_, name)| name);
        assert!(said.contains(word), "{part}: {said}");
    }
}

/// The sabotage twin: without its part, each change is missed. `output …` and `matrix …` reach the key in one way each.
#[test]
fn a_part_left_out_is_missed() {
    let before = parts_of(&made());
    for (part, change) in CHANGES {
        let mut changed = made();
        change(&mut changed);
        assert!(!noticed(&before, &parts_of(&changed), part), "{part} is not what noticed its change");
    }
}

/// Where a stage stands in the lane, and where its text stands in the file, decide nothing.
#[test]
fn what_decides_nothing_leaves_the_key_alone() {
    let before = key(&parts_of(&made()));
    let mut moved = made();
    node(&mut moved).place = "other.wfl:9".into();
    node(&mut moved).timeout = Some(1);
    node(&mut moved).outputs[0].keep = Some(5);
    node(&mut moved).outputs[0].value.span.start += 7;
    node(&mut moved).after[0].expr.span.start += 7;
    moved.plan.seed += 1;
    assert_eq!(key(&parts_of(&moved)), before);
}

#[test]
fn lengths_keep_one_part_from_running_into_the_next() {
    let parts = |pairs: &[(&str, &str)]| -> Parts {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    assert_ne!(key(&parts(&[("a", "bc")])), key(&parts(&[("ab", "c")])));
    assert_ne!(key(&parts(&[("a", ""), ("b", "")])), key(&parts(&[("a", "b")])));
}

#[test]
fn the_share_that_is_checked_is_as_large_as_was_asked_and_the_same_for_one_seed() {
    let count = |percent| (0..10_000).filter(|key| drawn(7, &key.to_string(), percent)).count();
    assert_eq!((count(0), count(100)), (0, 10_000));
    assert!((150..250).contains(&count(2)), "{}", count(2));
    assert_eq!(drawn(7, "k", 50), drawn(7, "k", 50));
    assert!((0..64).any(|seed| drawn(seed, "k", 50)) && (0..64).any(|seed| !drawn(seed, "k", 50)));
}
