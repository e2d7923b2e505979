//! Repair rules: when they act, how often, who is asked, what follows. Each bound has a twin without it.

use super::fakes::{Does, World, exits, interrupt, no, ok, outcome, yes};
use super::lanes::{Draft, check, compare, exists, expr, fact, gate, lane, node, retry, stage, text};
use wfl::base::{Type, Value};
use wfl::engine::{Observed, RUN_BOUND, STAGE_BOUND};
use wfl::event::{AttemptStatus, Event, FailureClass, Outcome, RunStatus, Status};
use wfl::expr::Compare;
use wfl::plan::{Action, AfterRepair, Effect, Output, Plan, Repair, Risk};

/// A rule of low risk for attempts that exit so.
fn rule(name: &str, exit: i64) -> Repair {
    Repair {
        name: name.into(),
        docs: None,
        place: "lane.wfl:9".into(),
        when: check(
            &format!("exit == {exit}"),
            compare(Compare::Eq, fact("exit", "", Type::Int), Value::Int(exit)),
        ),
        verify: None,
        actions: vec![Action::Exec { argv: vec![text("mend"), text("it")] }],
        risk: Risk::Low,
        then: AfterRepair::RetryStage,
        limit: 1,
    }
}

fn destructive(name: &str, exit: i64) -> Repair {
    Repair { risk: Risk::Destructive, ..rule(name, exit) }
}

fn with(rules: Vec<Repair>, drafts: Vec<Draft>) -> World {
    World::new(Plan { repairs: rules, ..lane(drafts) })
}

fn told(world: &World, prefix: &str) -> Vec<String> {
    world.lines().into_iter().filter(|line| line.contains(prefix)).collect()
}

fn failing(class: FailureClass, error: &str) -> Does {
    let error = Some(error.to_owned());
    let outcome = Outcome { class: Some(class), error, ..outcome(AttemptStatus::Failed, None) };
    Does::Ends { outcome, after: 1_000 }
}

fn repairs(world: &World) -> usize {
    let acted = |record: &&wfl::event::Record| matches!(record.event, Event::RepairStarted { .. });
    world.journal.all().iter().filter(acted).count()
}

#[test]
fn a_rule_that_fits_acts_and_the_stage_is_attempted_again_at_once() {
    let mut world = with(vec![rule("other", 3), rule("lock", 1)], vec![stage("a")]).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(
        world.lines(),
        [
            "start a#1 @0",
            "a repair 1 by lock",
            "a repair by lock succeeded",
            "start a#2 @2000",
            "a lock helped=true",
            "a succeeded",
        ]
    );
    assert_eq!(world.done, ["start a#1", "repair a by lock", "start a#2"]);
}

#[test]
fn a_repair_is_no_try_of_the_retry_policy() {
    let mut world = with(vec![rule("lock", 1)], vec![stage("a").retry(retry(2))]);
    world = world.does("a", [exits(1), exits(2), ok()]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.starts().len(), 3);
    assert!(world.has("a lock helped=true"), "it failed otherwise: {:#?}", world.lines());
    let mut without =
        World::new(lane(vec![stage("a").retry(retry(2))])).does("a", [exits(1), exits(2), ok()]);
    assert_eq!(without.run(), (RunStatus::Failed, 1));
}

#[test]
fn a_rule_acts_no_oftener_than_its_limit() {
    let mut world = with(vec![rule("lock", 1)], vec![stage("a")]).does("a", [exits(1), exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(repairs(&world), 1);
    assert!(world.has("a lock helped=false"));
    assert!(world.has("a not repaired by lock: it acted once for this stage, and may not more often"));
    let twice = vec![Repair { limit: 2, ..rule("lock", 1) }];
    let mut world = with(twice, vec![stage("a")]).does("a", [exits(1), exits(1)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
}

/// Two rules that undo each other: each brings about the failure that the other is for.
fn runaway() -> World {
    let rules = vec![Repair { limit: 1_000, ..rule("one", 1) }, Repair { limit: 1_000, ..rule("two", 2) }];
    with(rules, vec![stage("a")]).does("a", (0..1_000).map(|at| exits(1 + at % 2)))
}

#[test]
fn rules_that_undo_each_other_stop_at_the_bound_of_the_stage() {
    let mut world = runaway();
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(repairs(&world), STAGE_BOUND as usize);
    assert!(told(&world, "not repaired").concat().contains("the stage was repaired 5 times already"));
}

#[test]
fn without_the_bound_they_would_not_stop() {
    let mut world = runaway();
    world.uncounted = true;
    assert_eq!(world.run().0, RunStatus::Running, "it was ended from outside");
    assert!(repairs(&world) > 10 * STAGE_BOUND as usize);
}

fn many() -> World {
    let rules = vec![Repair { limit: 4, ..rule("one", 1) }];
    let keys: Vec<String> = (0..20).map(|at| format!("s{at}")).collect();
    let mut world = with(rules, keys.iter().map(|key| stage(key)).collect()).keep_going();
    for key in &keys {
        world = world.does(key, (0..1_000).map(|_| exits(1)));
    }
    world
}

#[test]
fn a_run_has_a_bound_over_all_its_stages() {
    let mut world = many();
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(repairs(&world), RUN_BOUND as usize);
    assert!(
        told(&world, "not repaired").concat().contains("stages of the run were repaired 50 times already")
    );
    let mut free = many();
    free.uncounted = true;
    free.run();
    assert!(repairs(&free) > RUN_BOUND as usize);
}

#[test]
fn a_rule_whose_verify_does_not_hold_leaves_the_failure_to_the_next() {
    let safe = Repair { verify: Some(exists("safe")), ..rule("careful", 1) };
    let mut world = with(vec![safe.clone(), rule("other", 1)], vec![stage("a")]).does("a", [exits(1)]);
    world = world.fact("file.exists(\"safe\")", Value::Bool(false));
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    let refused =
        told(&world, "a not repaired by careful: it is not safe now: `file.exists(\"safe\")` does not hold");
    assert_eq!((refused.len(), repairs(&world)), (1, 1));
    assert!(world.has("a other helped=true"));
    let mut world = with(vec![safe], vec![stage("a")]).does("a", [exits(1)]);
    world = world.fact("file.exists(\"safe\")", Value::Bool(true));
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
}

/// Safe when asked, and no more when the answer comes, a second later.
fn flips() -> World {
    let rule = Repair { verify: Some(exists("safe")), ..destructive("clean", 1) };
    let mut world = with(vec![rule], vec![stage("a")]).does("a", [exits(1)]).answer("a", Some(yes("ada")));
    world = world.fact("file.exists(\"safe\")", Value::Bool(true));
    world.changes.push((1_500, "file.exists(\"safe\")".into(), Value::Bool(false)));
    world
}

#[test]
fn what_was_verified_before_a_person_answered_is_verified_again() {
    let mut world = flips();
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(repairs(&world), 0);
    let refused = told(&world, "it is not safe now, though ada agreed");
    assert_eq!(refused.len(), 1, "{:#?}", world.lines());
}

#[test]
fn were_it_not_read_again_the_rule_would_act_on_what_was_true_before() {
    let mut world = flips();
    world.stale = true;
    world.run();
    assert_eq!(repairs(&world), 1);
}

#[test]
fn the_facts_of_an_earlier_repair_do_not_verify_the_next() {
    let rule = Repair { verify: Some(exists("lock")), limit: 3, ..rule("unlock", 1) };
    let mut world = with(vec![rule], vec![stage("a")]).does("a", [exits(1), exits(1)]);
    world = world.fact("file.exists(\"lock\")", Value::Bool(true));
    world.changes.push((1_800, "file.exists(\"lock\")".into(), Value::Bool(false)));
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(repairs(&world), 1);
}

#[test]
fn a_destructive_rule_asks_and_does_what_it_was_told() {
    let answered = |answer| {
        let mut world = with(vec![destructive("clean", 1)], vec![stage("a")]).does("a", [exits(1)]);
        world = world.answer("a", answer);
        let ended = world.run();
        (ended, repairs(&world), world)
    };
    let (ended, acted, world) = answered(Some(yes("ada")));
    assert_eq!((ended, acted), ((RunStatus::Succeeded, 0), 1));
    let by = world.journal.all().iter().find_map(|record| match &record.event {
        Event::RepairStarted { by, .. } => by.clone(),
        _ => None,
    });
    assert_eq!(by.as_deref(), Some("ada"));
    let (ended, acted, world) = answered(Some(no("ada")));
    assert_eq!((ended, acted), ((RunStatus::Failed, 1), 0));
    assert!(world.has("a not repaired by clean: ada did not agree"));
    // `--yes` without a terminal: nobody could be asked.
    let (ended, acted, world) = answered(None);
    assert_eq!((ended, acted), ((RunStatus::Failed, 1), 0));
    assert!(told(&world, "--yes-destructive").len() == 1, "{:#?}", world.lines());
}

#[test]
fn without_people_a_destructive_rule_is_refused_unless_agreed_to_beforehand() {
    let mut world = with(vec![destructive("clean", 1)], vec![stage("a")]).does("a", [exits(1)]);
    world.settings.yes = true;
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!((repairs(&world), told(&world, "nobody is at a terminal").len()), (0, 1));
    let mut world = with(vec![destructive("clean", 1)], vec![stage("a")]).does("a", [exits(1)]);
    world.settings.yes_destructive = true;
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
}

#[test]
fn a_repair_that_fails_leaves_the_failure_to_the_next_rule_and_then_to_the_policy() {
    let rules = vec![rule("one", 1), rule("two", 1)];
    let mut world = with(rules, vec![stage("a").retry(retry(2))]).does("a", [exits(1)]);
    world = world.does("repair one", [exits(3)]).does("repair two", [exits(4)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    let lines = world.lines();
    let place = |wanted: &str| lines.iter().position(|line| line.contains(wanted)).unwrap_or(usize::MAX);
    assert!(place("repair by one failed") < place("repair 2 by two"), "{lines:#?}");
    assert!(place("repair by two failed") < place("waits on Retry"), "{lines:#?}");
    assert!(told(&world, "helped").is_empty(), "what failed helped nobody: {lines:#?}");
}

#[test]
fn after_a_rule_that_says_stop_the_stage_has_failed() {
    let stop = Repair { then: AfterRepair::Stop, ..rule("tidy", 1) };
    let mut world = with(vec![stop], vec![stage("a").retry(retry(3))]).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.has("a failed: exit code 1; repair `tidy` was carried out and says to stop here"));
    assert_eq!(world.starts(), ["a"]);
}

fn output(draft: Draft) -> Draft {
    draft.with(|node| {
        let value = text(&format!("out/{}", node.key));
        node.outputs = vec![Output { name: "file".into(), ty: Type::Path, value, given: false, keep: None }];
    })
}

fn lost(effect: Effect) -> World {
    let when = check(
        "failure-class == \"need-lost\"",
        compare(Compare::Eq, fact("failure-class", "", Type::String), Value::String("need-lost".into())),
    );
    let rule = Repair { when, then: AfterRepair::RerunNeeds, ..rule("make again", 0) };
    let build = output(stage("build")).with(|node| node.effect = effect);
    let drafts = vec![build, stage("other").needs(&["build"]), stage("ship").needs(&["build", "other"])];
    let gone = "what `build` had left is gone: out/build";
    with(vec![rule], drafts).does("ship", [failing(FailureClass::NeedLost, gone)])
}

#[test]
fn what_is_needed_and_gone_is_made_again() {
    let mut world = lost(Effect::Repeatable);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.starts(), ["build", "other", "ship", "build", "ship"]);
    assert!(world.has("build reset: what it had left for `ship` is gone"));
    assert!(world.has("ship reset: `build`, which it needs, runs again"));
}

#[test]
fn a_need_that_may_run_only_once_is_never_run_again() {
    let mut world = lost(Effect::Once);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.starts(), ["build", "other", "ship"]);
    assert!(told(&world, "`build`, whose result it needs, may run only once").len() == 1);
}

#[test]
fn a_need_that_fails_the_second_time_blocks_what_rests_on_it() {
    let mut world = lost(Effect::Repeatable).does("build", [ok(), exits(9)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!((world.status("build"), world.status("ship")), (Status::Failed, Status::Blocked));
    assert_eq!(world.status("other"), Status::Succeeded);
}

#[test]
fn a_once_stage_that_may_have_acted_is_not_attempted_again() {
    let once = || stage("a").with(|node| node.effect = Effect::Once);
    let mut world = with(vec![rule("lock", 1)], vec![once()]).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!((world.starts().len(), repairs(&world)), (1, 0));
    let refused = told(&world, "may run only once, and it may have acted before it failed");
    assert_eq!(refused.len(), 1);
    // What never started did nothing.
    let missing =
        Repair { when: check("true", expr(wfl::expr::Kind::Value(Value::Bool(true)))), ..rule("install", 0) };
    let mut world = with(vec![missing], vec![once()]);
    world = world.does("a", [failing(FailureClass::NotStarted, "no program `ship`")]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn an_idempotent_stage_is_attempted_again_with_the_same_key() {
    let a = stage("a").with(|node| node.effect = Effect::Idempotent(text("k7")));
    let mut world = with(vec![rule("lock", 1)], vec![a]).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.done, ["start a#1 with k7", "repair a by lock", "start a#2 with k7"]);
}

#[test]
fn a_gates_tool_is_repaired_and_a_requirement_that_is_not_met_is_no_failure() {
    let lines = |value| move |world: World| world.fact("lcov(\"cov.json\").lines", Value::Percent(value));
    let gate = || gate("cov", 70.0);
    let mut world = lines(80.0)(with(vec![rule("lock", 1)], vec![gate()])).does("cov", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!((world.starts().len(), repairs(&world)), (2, 1));
    let any =
        Repair { when: check("true", expr(wfl::expr::Kind::Value(Value::Bool(true)))), ..rule("any", 0) };
    let mut world = lines(50.0)(with(vec![any], vec![gate()]));
    assert_eq!(world.run(), (RunStatus::GateFailed, 3));
    assert_eq!(repairs(&world), 0);
}

#[test]
fn a_rule_that_reads_what_is_not_there_is_not_for_this_failure() {
    // An attempt that did not start has no exit code.
    let any =
        Repair { when: check("true", expr(wfl::expr::Kind::Value(Value::Bool(true)))), ..rule("any", 0) };
    let mut world = with(vec![rule("exit", 1), any], vec![stage("a")]);
    world = world.does("a", [failing(FailureClass::NotStarted, "no program")]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert!(told(&world, "by exit").is_empty(), "{:#?}", world.lines());
}

#[test]
fn a_repair_is_told_to_end_with_the_run() {
    let mut world = with(vec![rule("lock", 1)], vec![stage("a")]).does("a", [exits(1)]);
    world = world.does("repair lock", [Does::Hangs]).at(2_000, interrupt());
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert_eq!(world.status("a"), Status::Cancelled);
    assert!(world.has("a repair by lock cancelled"), "{:#?}", world.lines());
    assert_eq!(world.starts(), ["a"]);
}

#[test]
fn a_run_that_ends_while_somebody_is_asked_waits_for_no_answer() {
    let ask = || with(vec![destructive("clean", 1)], vec![stage("a"), stage("b")]).does("a", [exits(1)]);
    let mut world = ask().answer("a", Some(yes("ada"))).at(1_500, interrupt());
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert_eq!((world.status("a"), repairs(&world)), (Status::Cancelled, 0));
    // Another stage fails meanwhile, and the run stops: the failure it has is its end.
    let mut world = ask().answer("a", Some(yes("ada"))).does("b", [super::fakes::exits_after(7, 1_500)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!((world.status("a"), repairs(&world)), (Status::Failed, 0));
}

#[test]
fn a_stage_repaired_while_the_run_stopped_is_not_attempted_again() {
    let mut world = with(vec![rule("lock", 1)], vec![stage("a"), stage("b")]).does("a", [exits(1)]);
    world = world.does("b", [super::fakes::exits_after(7, 1_500)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.starts().len(), 2);
    let line =
        told(&world, "a failed: exit code 1; repaired by `lock`, but not attempted again: the run stopped");
    assert_eq!(line.len(), 1, "{:#?}", world.lines());
}

#[test]
fn each_stage_has_its_own_count_inside_a_call_too() {
    let inside = stage("call").calls(vec![stage("x"), stage("y")]);
    let mut world = with(vec![rule("lock", 1)], vec![stage("a"), inside]);
    for key in ["a", "call/x", "call/y"] {
        world = world.does(key, [exits(1)]);
    }
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(repairs(&world), 3);
}

#[test]
fn a_repair_has_the_stages_timeout_and_never_more_than_five_minutes() {
    let short = stage("a").with(|node| node.timeout = Some(2_000));
    let mut world = with(vec![rule("lock", 1)], vec![short, stage("b")]);
    world = world.does("a", [exits(1)]).does("b", [exits(1)]);
    world.run();
    let limits: Vec<Option<u64>> =
        world.timeouts.iter().filter(|(key, _)| key.starts_with("repair")).map(|(_, limit)| *limit).collect();
    assert_eq!(limits, [Some(2_000), Some(300_000)]);
}

#[test]
fn the_librarys_rules_are_read_once_and_only_when_something_failed() {
    let plan = || Plan { repair_sets: vec!["repair".into()], ..lane(vec![stage("a"), stage("b")]) };
    let mut well = World::new(plan());
    well.library = vec![rule("lock", 1)];
    well.run();
    assert!(!well.done.contains(&"read rules".to_owned()));
    let failing = || World::new(plan()).does("a", [exits(1)]).does("b", [exits(1)]);
    let mut world = failing();
    world.library = vec![rule("lock", 1)];
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.done.iter().filter(|done| *done == "read rules").count(), 1);
    let mut off = failing();
    off.library = vec![rule("lock", 1)];
    off.settings.no_repair = true;
    assert_eq!(off.run(), (RunStatus::Failed, 1));
    assert!(!off.done.contains(&"read rules".to_owned()));
}

#[test]
fn a_rule_of_ones_own_takes_the_place_of_the_librarys_of_that_name() {
    let own = Repair { when: exists("never"), ..rule("lock", 1) };
    let mut plan = lane(vec![stage("a")]);
    plan.repairs = vec![own];
    plan.repair_sets = vec!["repair".into()];
    let mut world = World::new(plan).does("a", [exits(1)]).fact("file.exists(\"never\")", Value::Bool(false));
    world.library = vec![rule("lock", 1)];
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(repairs(&world), 0);
}

/// A run with a repair that fails, one that helps, a retry and a need that is made again, killed after every event.
fn eventful() -> World {
    let mut world = lost(Effect::Repeatable);
    let plan = std::sync::Arc::make_mut(&mut world.plan);
    plan.repairs.extend([rule("one", 1), rule("two", 1)]);
    plan.repairs[0].limit = 2;
    plan.nodes[1].retry = Some(retry(6));
    world.does("other", [exits(1), exits(5)]).does("repair one", [exits(3)])
}

#[test]
fn a_run_killed_after_any_event_goes_on_and_no_rule_acts_too_often() {
    let mut whole = eventful();
    assert_eq!(whole.run(), (RunStatus::Succeeded, 0));
    let all = whole.journal.all();
    assert!(repairs(&whole) >= 3, "{:#?}", whole.lines());
    for count in 1..all.len() {
        let mut world = eventful();
        world.run();
        world.crash_after(count);
        // What goes wrong goes wrong again after the crash.
        world.script = eventful().script;
        let open = world
            .state()
            .nodes
            .iter()
            .any(|node| node.repairs.as_ref().is_some_and(|repairs| repairs.open.is_some()));
        let (status, _) = world.resume(&Observed::default());
        assert_eq!(status, RunStatus::Succeeded, "killed after {count}: {:#?}", world.lines());
        let ends = ["one", "two", "make again"].map(|rule| format!("repair by {rule} interrupted"));
        let interrupted = ends.iter().any(|end| !told(&world, end).is_empty());
        assert_eq!(interrupted, open, "killed after {count}: {:#?}", world.lines());
        for (rule, limit) in [("one", 1), ("two", 1), ("make again", 2)] {
            let all = world.journal.all();
            let by = |record: &&wfl::event::Record| matches!(&record.event, Event::RepairStarted { rule: of, .. } if of == rule);
            assert!(
                all.iter().filter(by).count() <= limit,
                "killed after {count}, {rule}: {:#?}",
                world.lines()
            );
        }
    }
}

#[test]
fn a_person_who_resumes_a_run_that_had_ended_gives_its_rules_another_chance() {
    let mut world = with(vec![rule("lock", 1)], vec![stage("a")]).does("a", [exits(1), exits(1), exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.resume(&Observed::default()), (RunStatus::Succeeded, 0));
    assert_eq!(repairs(&world), 2);
}

#[test]
fn a_stage_keeps_its_lock_while_it_is_repaired() {
    let locked = |key: &str| stage(key).with(|node| node.lock = Some("db".into()));
    let mut world = with(vec![rule("lock", 1)], vec![locked("a"), locked("b")]).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.starts(), ["a", "a", "b"]);
    assert_eq!(node(&world.plan, "b"), 1);
}
