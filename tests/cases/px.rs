//! Stages in waves (cases PX): which run together, what is refused, what a failure leaves standing. That a timeout ends
//! the whole process group is `store::escapes::a_timeout_finds_those_that_left_the_group`.

use wfl::event::{RunStatus, Status};

use crate::faults::subject::Subject;
use crate::run::fakes::{World, exits, takes};
use crate::run::lanes::{Draft, lane, stage};

/// Stage `n` needs the stages named beside it.
fn graph(edges: &[(u32, &[u32])]) -> Vec<Draft> {
    let draft = |(number, needs): &(u32, &[u32])| {
        let names: Vec<String> = needs.iter().map(u32::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        stage(&number.to_string()).with(|node| node.number = Some(*number)).needs(&names)
    };
    edges.iter().map(draft).collect()
}

/// The stages that start at the same time, each lasting a second.
fn waves(edges: &[(u32, &[u32])], limit: usize) -> Vec<Vec<u32>> {
    let mut world = World::new(lane(graph(edges))).jobs(limit);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    let mut waves: Vec<(String, Vec<u32>)> = Vec::new();
    for line in world.lines() {
        let Some((key, at)) = line.strip_prefix("start ").and_then(|rest| rest.split_once("#1 @")) else {
            continue;
        };
        let number = key.parse().expect("a number");
        match waves.last_mut().filter(|(last, _)| last == at) {
            Some((_, wave)) => wave.push(number),
            None => waves.push((at.to_owned(), vec![number])),
        }
    }
    waves.into_iter().map(|(_, wave)| wave).collect()
}

const DIAMOND: [(u32, &[u32]); 4] = [(1, &[]), (2, &[1]), (3, &[1]), (4, &[2, 3])];

#[test]
fn px_a_line_a_fan_and_a_diamond() {
    assert_eq!(waves(&[(1, &[]), (2, &[1]), (3, &[2]), (4, &[3])], 8), [vec![1], vec![2], vec![3], vec![4]]);
    let fan: [(u32, &[u32]); 5] = [(1, &[]), (2, &[1]), (3, &[1]), (4, &[1]), (5, &[2, 3, 4])];
    assert_eq!(waves(&fan, 8), [vec![1], vec![2, 3, 4], vec![5]]);
    assert_eq!(waves(&DIAMOND, 8), [vec![1], vec![2, 3], vec![4]]);
}

/// The twin: with one stage at a time there are no waves to see.
#[test]
fn px_one_at_a_time_is_no_wave() {
    assert_eq!(waves(&DIAMOND, 1), [vec![1], vec![2], vec![3], vec![4]]);
}

#[test]
fn px_five_free_stages_and_room_for_three() {
    let free: [(u32, &[u32]); 5] = [(1, &[]), (2, &[]), (3, &[]), (4, &[]), (5, &[])];
    assert_eq!(waves(&free, 3), [vec![1, 2, 3], vec![4, 5]]);
}

#[test]
fn px_what_is_no_order_is_refused_before_anything_runs() {
    let cases = [
        (
            "a cycle",
            "stage a { needs c; exec \"true\" }\nstage b { needs a; exec \"true\" }\nstage c { needs b; exec \"true\" }",
            "E201",
        ),
        ("itself", "stage a { exec \"true\" }\nstage b { needs b; exec \"true\" }", "E203"),
        ("unknown", "stage a { exec \"true\" }\nstage b { needs phase5; exec \"true\" }", "E202"),
    ];
    for (what, stages, code) in cases {
        let marked = stages.replace("exec \"true\"", "exec \"touch\", \"ran\"");
        let subject = Subject::with(&format!("{marked}\nlane all {{ include a, b }}\n"));
        subject.end(&["check", "all.wfl"]).expect_code(1).says(code);
        subject.end(&["run", "all.wfl"]).expect_code(2).says(code);
        assert!(!subject.root.join("ran").exists(), "{what}: a stage ran");
    }
}

/// Numbers of stages that are asked for and not there.
#[test]
fn px_a_stage_that_is_not_in_the_lane_is_not_found() {
    let subject = Subject::with(
        "stage a { number 1; exec \"true\" }\nstage b { number 2; exec \"true\" }\nlane all { include a, b }\n",
    );
    for stage in ["999", "phase999"] {
        let ended = subject.end(&["run", "all.wfl", "--only", stage]);
        assert_eq!(ended.code, Some(2), "{}{}", ended.out, ended.err);
        assert!(ended.err.contains(stage), "{}", ended.err);
    }
}

#[test]
fn px_what_needs_a_failed_stage_does_not_run() {
    let mut world = World::new(lane(graph(&DIAMOND))).keep_going().does("2", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.status("2"), Status::Failed, "an exit code that is not 0 is a failure");
    assert_eq!((world.status("3"), world.status("4")), (Status::Succeeded, Status::Blocked));
    assert!(!world.starts().contains(&"4".to_owned()), "{:?}", world.starts());
}

/// Three of five: what is left can go on, and the two that failed are named.
#[test]
fn px_three_of_five_succeed_and_the_two_others_are_named() {
    let free: [(u32, &[u32]); 5] = [(1, &[]), (2, &[]), (3, &[]), (4, &[]), (5, &[])];
    let world = World::new(lane(graph(&free))).jobs(3).keep_going();
    let mut world = world.does("2", [exits(1)]).does("4", [exits(2)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    let ended =
        |status| (1..=5).filter(|n: &u32| world.status(&n.to_string()) == status).collect::<Vec<u32>>();
    assert_eq!((ended(Status::Succeeded), ended(Status::Failed)), (vec![1, 3, 5], vec![2, 4]));
}

#[test]
fn px_results_stand_in_the_order_of_the_numbers_whatever_ends_first() {
    let subject = Subject::with(
        "stage c { number 3; exec \"true\" }\nstage a { number 1; exec \"sleep\", \"0.3\" }\nstage b { number 2; exec \"sleep\", \"0.1\" }\nlane all { include c, a, b; parallel 3 }\n",
    );
    subject.end(&["run", "all.wfl"]).expect_code(0);
    let run = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    let names: Vec<&str> =
        shown["stages"].as_array().expect("stages").iter().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let mut world = World::new(lane(graph(&[(1, &[]), (2, &[]), (3, &[])]))).jobs(3);
    world = world.does("1", [takes(9_000)]).does("2", [takes(5_000)]);
    world.run();
    let ended: Vec<String> = world.lines().into_iter().filter(|line| line.ends_with("succeeded")).collect();
    assert_eq!(ended, ["3 succeeded", "2 succeeded", "1 succeeded"], "they did end the other way round");
}
