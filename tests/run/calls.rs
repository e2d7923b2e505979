//! Stages that call lanes: their params, the order of what runs, failures, locks, limits, approvals and resume.

use super::called::{argv, plan, plan_of};
use super::fakes::{Does, World, approval, exits, ok, takes, yes};
use wfl::base::Value;
use wfl::engine::Observed;
use wfl::event::{Event, RunStatus, Status};
use wfl::plan::Plan;

const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);
const BAD: (RunStatus, i32) = (RunStatus::Failed, 1);

/// `probe` calls a lane of two stages between two actions of its own; `ship` needs it.
fn probing(settings: &str, called: &str) -> Plan {
    plan(
        &format!(
            r#"
            stage build {{ exec "make" }}
            stage fetch {{ exec "./fetch"; {called} }}
            stage verify {{ needs fetch; exec "./verify" }}
            lane quick {{ include verify }}
            stage probe {{
              needs build
              exec "./up"
              call quick
              exec "./report"
              finally {{ exec "./down" }}
              {settings}
            }}
            stage ship {{ needs probe; exec "./ship" }}
            lane release {{ include ship }}
            "#
        ),
        "release",
    )
}

#[test]
fn actions_and_called_stages_run_in_the_order_written() {
    let mut world = World::new(probing("", ""));
    assert_eq!(world.run(), GOOD);
    let order = ["build", "probe:start", "probe/fetch", "probe/verify", "probe", "ship"];
    assert_eq!(world.starts(), order);
    assert_eq!(argv(&world.plan, "probe:start"), ["./up"]);
    assert_eq!(argv(&world.plan, "probe"), ["./report"]);
    assert!(world.done.contains(&"finally probe".to_owned()), "{:?}", world.done);
}

#[test]
fn each_call_has_its_own_params_and_what_is_made_of_them() {
    let smoke = r#"
        param region: string = "eu"
        let target = f"{region}/{url}"
        fn twice(x: string) = f"{x}{x}{region}"
        stage get { exec "get", target, twice(url), url }
        lane quick { param url: string; include get }
    "#;
    let case = r#"
        import "smoke.wfl" as smoke
        stage probe {
          matrix { n = ["1", "2"] }
          call smoke.quick as first { url = n }
          call smoke.quick as second { url = "b"; region = "us" }
        }
        lane all { include probe }
    "#;
    let files = [("case.wfl", case), ("smoke.wfl", smoke)];
    let made = plan_of(&files, "all", &[]).unwrap();
    assert_eq!(argv(&made, "probe[n=2]/first/get"), ["get", "eu/2", "22eu", "2"]);
    assert_eq!(argv(&made, "probe[n=1]/second/get"), ["get", "us/b", "bbus", "b"]);
    let set = plan_of(&files, "all", &[("region", "ap")]).unwrap();
    assert_eq!(argv(&set, "probe[n=1]/first/get"), ["get", "ap/1", "11ap", "1"], "the file's, if not given");
    assert_eq!(argv(&set, "probe[n=1]/second/get"), ["get", "us/b", "bbus", "b"], "the call's, if given");
    let own = plan_of(&files, "all", &[("url", "x")]).unwrap_err();
    assert_eq!(own, ["E953 there is no parameter `url`"], "a called lane's own params are set by its calls");
}

#[test]
fn a_lanes_own_param_stands_for_the_files_and_is_set_for_the_run() {
    let text = r#"
        param to: string = "file"
        let place = f"at {to}"
        stage get { exec "get", to, place }
        lane own { param to: string = "lane" { pattern "[a-z]+" }; include get }
        lane other { include get }
        stage both { call own; call other; call own as again { to = "call" } }
        lane all { include both }
    "#;
    let files = [("case.wfl", text)];
    let at = |lane, set: &[(&str, &str)]| argv(&plan_of(&files, lane, set).unwrap(), "get");
    assert_eq!(at("own", &[]), ["get", "lane", "at lane"]);
    assert_eq!(at("own", &[("to", "set")]), ["get", "set", "at set"]);
    assert_eq!(at("other", &[]), ["get", "file", "at file"]);
    let bad = plan_of(&files, "own", &[("to", "SET")]).unwrap_err();
    assert!(bad[0].starts_with("E953") && bad.len() == 1, "{bad:?}");
    let all = plan_of(&files, "all", &[("to", "set")]).unwrap();
    let get = |call: &str| argv(&all, &format!("both/{call}/get"));
    assert_eq!(get("own"), ["get", "lane", "at lane"]);
    assert_eq!(get("other"), ["get", "set", "at set"]);
    assert_eq!(get("again"), ["get", "call", "at call"]);
}

#[test]
fn values_known_only_while_the_run_goes_are_handed_over_through_nested_calls() {
    let text = r#"
        param tag: string = "0" { pattern "[0-9]+" }
        stage build { exec "make"; out tag: string = text("tag") }
        let name = f"v{tag}"
        stage push { exec "push", name, f"{place}!"; out url: string = text("url") }
        lane inner { param place: string; include push; out url = push.url }
        stage middle {
          call inner { place = tag }
          out url = "x" { keep 1d }
          out seen: string = text("seen")
          after { require inner.url != "" }
        }
        lane outer { include middle; out seen = middle.seen }
        stage top { needs build; call outer { tag = build.tag }; exec "echo", outer.seen }
        lane all { include top }
    "#;
    let run = |tag: &str| {
        let mut world = World::new(plan(text, "all"))
            .fact("text(\"tag\")", Value::String(tag.into()))
            .fact("text(\"url\")", Value::String("https://x".into()))
            .fact("text(\"seen\")", Value::String("yes".into()));
        (world.run(), world)
    };
    let (end, world) = run("12");
    assert_eq!(end, GOOD, "{:#?}", world.lines());
    let order = ["build", "top/middle/push", "top"];
    assert_eq!(world.starts(), order);
    let handed = world.state().node(super::lanes::node(&world.plan, "top:start")).outputs.clone();
    assert_eq!(handed["tag"], Value::String("12".into()));
    let (end, world) = run("a1");
    assert_eq!(end, BAD);
    let why = "top failed: after: `tag matches \"[0-9]+\"` does not hold: tag = \"a1\"; the whole of `tag` must \
               match its pattern";
    assert!(world.has(why), "{:#?}", world.lines());
    assert_eq!(world.starts(), ["build"]);
}

#[test]
fn a_called_stage_that_fails_fails_the_caller_and_is_named_as_the_root() {
    for keep_going in [false, true] {
        let mut world = World::new(probing("", "")).does("probe/fetch", [exits(2)]);
        world.settings.keep_going = keep_going;
        assert_eq!(world.run(), BAD);
        let lines = world.lines();
        assert!(world.has("probe failed: `probe/fetch`, which it calls, failed: exit code 2"), "{lines:#?}");
        assert!(world.has("probe/fetch blocks probe/verify"), "{lines:#?}");
        assert!(world.has("probe/fetch blocks ship"), "{lines:#?}");
        assert_eq!(world.cause().as_deref(), Some("`probe/fetch`: exit code 2"));
        assert!(world.done.contains(&"finally probe".to_owned()), "{:?}", world.done);
    }
}

#[test]
fn what_the_caller_does_before_must_go_well() {
    let mut world = World::new(probing("", "")).does("probe:start", [exits(1)]);
    assert_eq!(world.run(), BAD);
    assert!(world.has("probe failed: exit code 1"), "{:#?}", world.lines());
    assert_eq!(world.status("probe/fetch"), Status::Blocked);
    assert!(world.done.contains(&"finally probe".to_owned()));
    let mut world = World::new(probing("before { require file.exists(\"x\") }", ""))
        .fact("file.exists(\"x\")", Value::Bool(false));
    assert_eq!(world.run(), BAD);
    assert_eq!(world.starts(), ["build"]);
    assert!(!world.done.contains(&"finally probe".to_owned()), "nothing had begun");
}

#[test]
fn an_allowed_failure_lets_the_rest_go_on() {
    let mut world =
        World::new(probing("allow-failure because \"vendor\"", "")).does("probe/fetch", [exits(2)]);
    assert_eq!(world.run(), GOOD, "{:#?}", world.lines());
    let why = "probe warned: `probe/fetch`, which it calls, failed: exit code 2 (allowed to fail: vendor)";
    assert!(world.has(why), "{:#?}", world.lines());
    assert_eq!(world.status("ship"), Status::Succeeded);
    // A gate or a timeout inside is no other matter.
    let mut world = World::new(probing("allow-failure", "")).does("probe/fetch", [super::fakes::times_out()]);
    assert_eq!(world.run(), GOOD);
}

#[test]
fn a_caller_that_is_skipped_skips_what_it_calls_with_the_reason() {
    let mut world = World::new(probing("when os == \"none\"", ""));
    assert_eq!(world.run(), GOOD);
    assert!(
        world.has("probe/verify skipped: `probe` was skipped: `when os == \"none\"` is false"),
        "{:#?}",
        world.lines()
    );
    assert!(world.has("probe skipped: `when os == \"none\"` is false"));
    assert!(world.has("ship skipped: needs `probe`, which was skipped"));
    assert!(!world.done.contains(&"finally probe".to_owned()));
}

#[test]
fn a_called_stage_may_be_skipped_unless_the_caller_reads_it() {
    let text = |out: &str| {
        plan(
            &format!(
                r#"
                stage fetch {{ when 1 > 2; exec "./fetch"; out log = "log" }}
                stage other {{ exec "./other" }}
                lane quick {{ include fetch, other; out log = fetch.log }}
                stage probe {{ call quick; {out} }}
                lane all {{ include probe }}
                "#
            ),
            "all",
        )
    };
    let mut world = World::new(text("exec \"./report\""));
    assert_eq!((world.run(), world.status("probe")), (GOOD, Status::Succeeded));
    let mut world = World::new(text("exec \"./report\", quick.log")).does("probe/other", [takes(5_000)]);
    assert_eq!((world.run(), world.status("probe")), (GOOD, Status::Skipped));
    assert!(world.has("probe skipped: needs `probe/fetch`, which was skipped"), "{:#?}", world.lines());
    let lines = world.lines();
    let at = |line: &str| lines.iter().position(|other| other.starts_with(line)).unwrap();
    assert!(at("probe skipped") > at("probe/other succeeded"), "its end waits for all it called: {lines:#?}");
}

#[test]
fn a_lock_is_held_over_the_call_and_taken_again_inside() {
    let text = r#"
        stage one { exec "./one"; lock "prod"; repeatable }
        stage two { exec "./two"; lock "prod"; repeatable }
        lane quick { include one, two }
        stage probe { call quick; lock "prod" }
        stage other { exec "./other"; lock "prod"; repeatable }
        lane all { include probe, other }
    "#;
    let mut world = World::new(plan(text, "all")).jobs(4);
    assert_eq!(world.run(), GOOD, "{:#?}", world.lines());
    assert!(world.together.iter().all(|running| running.len() <= 1), "{:?}", world.together);
    let starts = world.starts();
    let at = |key: &str| starts.iter().position(|other| other == key).unwrap();
    let inside = [at("probe/one"), at("probe/two")];
    assert!(inside.iter().max().unwrap() - inside.iter().min().unwrap() == 1, "nobody between: {starts:?}");
}

#[test]
fn calls_that_ask_for_each_others_locks_do_not_wait_for_ever() {
    let text = r#"
        stage a { exec "./a"; lock "x"; repeatable }
        stage b { exec "./b"; lock "y"; repeatable }
        lane lane_a { include a }
        lane lane_b { include b }
        stage first { exec "./f"; call lane_b; lock "x" }
        stage second { exec "./s"; call lane_a; lock "y" }
        lane all { include first, second }
    "#;
    let mut world = World::new(plan(text, "all")).jobs(4);
    assert_eq!(world.run(), GOOD, "{:#?}", world.lines());
    assert_eq!(world.starts().len(), 4);
}

#[test]
fn a_pools_slot_is_held_over_the_call_and_used_in_turns() {
    let text = r#"
        pool browsers { slots 1 }
        stage one { exec "./one"; pool browsers }
        stage two { exec "./two"; pool browsers }
        lane quick { include one, two }
        stage probe { call quick; pool browsers }
        lane all { include probe }
    "#;
    let mut world = World::new(plan(text, "all")).jobs(4);
    assert_eq!(world.run(), GOOD, "{:#?}", world.lines());
    assert_eq!(world.now, 2_000, "one after the other");
}

#[test]
fn the_callers_timeout_bounds_the_whole() {
    let mut world = World::new(probing("timeout 5s", "")).does("probe/verify", [Does::Hangs]);
    let (status, exit) = world.run();
    assert_eq!((status, exit), (RunStatus::TimedOut, 5), "{:#?}", world.lines());
    assert!(
        world.has("probe/verify cancelled: `probe` took longer than its timeout of 5s"),
        "{:#?}",
        world.lines()
    );
    assert!(world.has("probe timed-out: `probe` took longer than its timeout of 5s"));
    assert_eq!(world.status("ship"), Status::Blocked);
    assert!(world.done.contains(&"finally probe".to_owned()));
    assert_eq!(world.now, 1_000 + 5_000 + 1_000, "build, then the call's time, then `finally`");
    // What takes just as long as it may is not ended.
    let mut world = World::new(probing("timeout 5s", "")).does("probe/verify", [takes(1_900)]);
    assert_eq!(world.run(), GOOD, "{:#?}", world.lines());
}

#[test]
fn a_called_lanes_own_timeout_bounds_its_call_and_its_finally_runs_with_the_callers() {
    let text = r#"
        stage fetch { exec "./fetch" }
        lane quick { timeout 3s; include fetch; finally { exec "./clean" } }
        stage probe { exec "./up"; call quick; allow-failure; finally { exec "./down" } }
        lane all { include probe }
    "#;
    let mut world =
        World::new(plan(text, "all")).does("probe/fetch", [Does::Hangs]).does("probe:start", [takes(9_000)]);
    assert_eq!(world.run(), GOOD, "{:#?}", world.lines());
    let why = "probe warned: lane `quick` took longer than its timeout of 3s (allowed to fail)";
    assert!(world.has(why), "{:#?}", world.lines());
    let node = &world.plan.nodes[super::lanes::node(&world.plan, "probe") as usize];
    assert_eq!(node.finally.len(), 2);
}

#[test]
fn a_stage_that_waits_to_try_again_ends_with_its_call() {
    let mut world = World::new(probing("timeout 5s", "retry { attempts 9; backoff constant(9s) }"))
        .does("probe/fetch", [exits(1)]);
    assert_eq!(world.run().0, RunStatus::TimedOut, "{:#?}", world.lines());
    assert_eq!(world.status("probe/fetch"), Status::Cancelled);
}

#[test]
fn approvals_of_the_caller_and_inside_the_lane_are_asked_for_where_they_stand() {
    let text = r#"
        stage fetch { exec "./fetch" }
        stage push { needs fetch; exec "./push" }
        lane quick { include push; approve 1 from "owners" before push }
        stage probe { exec "./up"; call quick; finally { exec "./down" } }
        lane all { include probe; approve 1 from "owners" before probe }
    "#;
    let mut world = World::new(plan(text, "all"));
    assert_eq!(world.run(), (RunStatus::Waiting, 4));
    assert!(world.starts().is_empty());
    world.inbox = vec![approval("probe:start", yes("ada"))];
    assert_eq!(world.resume(&Observed::default()), (RunStatus::Waiting, 4));
    assert_eq!(world.starts(), ["probe:start", "probe/fetch"]);
    assert!(!world.done.contains(&"finally probe".to_owned()), "not while it waits");
    world.inbox = vec![approval("probe/push", yes("ada"))];
    assert_eq!(world.resume(&Observed::default()), GOOD);
    assert_eq!(world.starts(), ["probe:start", "probe/fetch", "probe/push"]);
    assert!(world.done.contains(&"finally probe".to_owned()));
}

#[test]
fn a_crash_in_the_middle_of_a_call_runs_only_what_was_running_again() {
    let mut world = World::new(probing("lock \"prod\"", "")).jobs(1);
    assert_eq!(world.run(), GOOD);
    world.crash_after_event(|event| matches!(event, Event::StageStarted { node, .. } if *node == 3));
    assert_eq!(world.plan.nodes[3].key, "probe/verify");
    world.done.clear();
    assert_eq!(world.resume(&Observed::default()), GOOD);
    let again: Vec<&String> = world.done.iter().filter(|done| done.starts_with("start")).collect();
    assert_eq!(again, ["start probe/verify#2", "start probe#1", "start ship#1"]);
}

#[test]
fn a_call_that_ended_is_begun_again_but_not_what_ended_well_inside() {
    let mut world = World::new(probing("", "once")).does("probe/verify", [exits(1), ok()]);
    assert_eq!(world.run(), BAD);
    assert!(world.done.contains(&"finally probe".to_owned()));
    world.done.clear();
    assert_eq!(world.resume(&Observed::default()), GOOD, "{:#?}", world.lines());
    assert!(world.has("probe:start reset: `probe`, which it begins, failed"), "{:#?}", world.lines());
    let again: Vec<&String> = world.done.iter().filter(|done| done.starts_with("start")).collect();
    let order = ["start probe:start#2", "start probe/verify#2", "start probe#1", "start ship#1"];
    assert_eq!(again, order, "the `once` stage inside ran before and never again");
}

#[test]
fn a_once_stage_inside_that_failed_keeps_the_calls_lock() {
    let text = r#"
        stage push { exec "./push"; once; lock "prod" }
        lane quick { include push }
        stage probe { call quick; lock "prod" }
        stage other { follows probe; exec "./other"; lock "prod"; repeatable }
        lane all { include probe, other; on-failure keep-going }
    "#;
    let mut world = World::new(plan(text, "all")).does("probe/push", [exits(1)]);
    assert_eq!(world.run(), BAD, "{:#?}", world.lines());
    let why = "other cancelled: not started: `probe` ended as failed and keeps lock `prod` until resolved";
    assert!(world.has(why), "{:#?}", world.lines());
}

#[test]
fn gates_of_a_called_lane_judge_as_it_says() {
    let text = r#"
        stage build { exec "make" }
        gate size { needs build; exec "./size"; measure lines: percent = json("x", "/y"); require lines >= 1%; strict lines >= 90% }
        gate lint { needs build; exec "./lint"; require exit == 0 }
        lane strictly { include size, lint; gates strict { skip lint because "later" } }
        stage probe { call strictly }
        lane all { include probe }
    "#;
    let mut world = World::new(plan(text, "all")).fact("json(\"x\", \"/y\")", Value::Percent(50.0));
    assert_eq!(world.run(), (RunStatus::GateFailed, 3), "{:#?}", world.lines());
    assert!(world.has("probe/lint waived: later"));
    assert_eq!(world.status("probe"), Status::Failed);
}

#[test]
fn an_override_may_call_instead() {
    let text = r#"
        stage fetch { exec "./fetch" }
        lane quick { include fetch }
        stage probe { exec "./old"; retry { attempts 3 }; once }
        lane all { include probe; override stage.probe { call quick } }
    "#;
    let mut world = World::new(plan(text, "all")).does("probe/fetch", [exits(1)]);
    assert_eq!(world.run(), BAD);
    assert_eq!(world.starts(), ["probe/fetch"], "neither the old action nor its retry");
}

#[test]
fn what_a_call_must_not_say_or_leave_out_is_an_error() {
    let found = |text: &str| {
        let base = "stage fetch { exec \"./f\", to; out log = \"l\" }\n\
                    lane quick { param to: string; include fetch; out log = fetch.log }\n\
                    lane all { include probe }\n";
        plan_of(&[("case.wfl", &format!("{base}{text}"))], "all", &[]).unwrap_err()
    };
    assert_eq!(found("stage probe { call quick }"), ["E107 lane `quick` needs a value for `to`"]);
    assert_eq!(
        found("stage probe { call quick { to = \"a\" }; once }"),
        ["E131 a stage that calls a lane cannot have `once`"]
    );
    assert_eq!(
        found("stage probe { call quick { to = \"a\" }; call quick { to = \"b\" } }"),
        ["E103 two calls of this stage are called `quick`"]
    );
    assert_eq!(
        found("stage probe { call quick { to = \"a\" }; out x = quick.nope }"),
        ["E401 the lane called as `quick` gives no `nope`"]
    );
    assert_eq!(
        found("stage probe { exec \"echo\", quick.log; call quick { to = \"a\" } }")[0],
        "E102 there is no value `quick`"
    );
    assert_eq!(
        found("stage probe { call quick as fetch { to = \"a\" } }"),
        ["E103 `fetch` is a name of the file"]
    );
    assert_eq!(
        found("stage probe { call quick { to = \"a\" } }\nlane bare { include fetch }")[0],
        "E102 `fetch` reads `to`, a param of lane `quick`, which lane `bare` does not have"
    );
    assert_eq!(
        found("stage probe { call quick { to = \"a\" } }\nlane two { param to: int; include fetch }")[0],
        "E104 `to` is a int here and a string elsewhere"
    );
}
