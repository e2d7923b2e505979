//! How stages, gates and runs end in a scenario: each case with a twin that fails for the right reason.

use super::theatre::{Case, play};
use wfl::trial::Verdict;

#[test]
fn unmocked_stages_and_gates_succeed() {
    Case {
        file: r#"
stage build { before { require file.exists("Cargo.lock") }; exec "make"; out app = "app"; after { require out.app.size < 1MB } }
stage ship { needs build, cov; exec "ship", build.app }
gate cov { needs build; exec "cov"; out r = "r.json"; measure lines: percent = json(out.r, "/l"); require lines > 90% }
lane l { include ship }"#,
        scenario: "",
        holds: &[
            r#"stage.build.state == "succeeded""#,
            r#"gate.cov.state == "succeeded""#,
            r#"stage.build.out.app == "app""#,
            r#"run.status == "succeeded" and run.exit == 0"#,
            "stage.ship.attempts == 1 and stage.ship.exit == 0",
            "lane.duration == 0s",
            r#"stage.ship.reason == """#,
        ],
        fails: &[
            (r#"stage.ship.state == "failed""#, r#"stage.ship.state is "succeeded""#),
            ("run.exit != 0", "run.exit is 0"),
            (
                r#"stage.build.state == "skipped" or stage.ship.attempts > 1"#,
                r#"stage.build.state is "succeeded" and stage.ship.attempts is 1"#,
            ),
        ],
    }
    .play();
}

#[test]
fn an_exit_code_fails_a_stage_and_blocks_what_needs_it() {
    Case {
        file: r#"
stage build { exec "make" }
stage ship { needs build; exec "ship" }
stage docs { exec "docs" }
lane l { include ship, docs; parallel off; on-failure keep-going }"#,
        scenario: "mock stage.build { exit 7; stderr \"no space\" }",
        holds: &[
            r#"stage.build.state == "failed" and stage.build.exit == 7"#,
            r#"stage.ship.state == "blocked" and stage.ship.attempts == 0"#,
            r#"stage.docs.state == "succeeded""#,
            r#"run.status == "failed" and run.exit == 1"#,
        ],
        fails: &[
            (
                r#"stage.ship.state == "succeeded""#,
                "stage.ship.state is \"blocked\" | `ship` was blocked: `build` failed; `build` failed: exit code 7",
            ),
            (
                r#"run.status == "succeeded""#,
                "run.status is \"failed\" | the run: `build`: exit code 7",
            ),
            ("stage.ship.exit == 0", "stage.ship.exit is absent | `ship` was blocked: `build` failed; `build` failed: exit code 7"),
        ],
    }
    .play();
}

#[test]
fn a_false_when_skips_what_needs_the_stage() {
    Case {
        file: r#"
fn is_hotfix(b: string) = b like "hotfix/**"
stage deploy { when is_hotfix(git.branch) and not git.dirty; exec "d" }
stage tell { needs deploy; exec "t" }
stage always { needs deploy?; exec "a" }
lane l { include tell, always }"#,
        scenario: "",
        holds: &[
            r#"stage.deploy.state == "skipped""#,
            r#"stage.tell.state == "skipped""#,
            r#"stage.always.state == "succeeded""#,
            r#"run.status == "succeeded""#,
        ],
        fails: &[(
            r#"stage.tell.state == "succeeded""#,
            "stage.tell.state is \"skipped\" | `tell` was skipped: needs `deploy`, which was skipped; `deploy` was \
             skipped: `when is_hotfix(git.branch) and not git.dirty` is false (git.branch = \"main\", git.dirty = false)",
        )],
    }
    .play();
}

const FLAKY: &str = r#"
stage flaky { exec "f"; retry { attempts 4; backoff exponential(1h..3h, factor = 2, jitter = 50%); when exit in [6, 7] or stderr matches "reset" } }
lane l { include flaky }"#;

#[test]
fn retries_wait_hours_of_virtual_time() {
    Case {
        file: FLAKY,
        scenario: "mock stage.flaky { attempt { exit 6 }; attempt { exit 1; stderr \"connection reset\" }; attempt { } }",
        holds: &[
            "stage.flaky.attempts == 3",
            "stage.flaky.started == 0s and stage.flaky.finished == 3h",
            "lane.duration == 3h and stage.flaky.duration == 3h",
            r#"stage.flaky.state == "succeeded""#,
        ],
        fails: &[("stage.flaky.attempts == 2", "stage.flaky.attempts is 3")],
    }
    .play();
}

#[test]
fn the_last_attempt_stands_for_all_that_follow_and_retries_run_out() {
    Case {
        file: FLAKY,
        scenario: "mock stage.flaky { takes 1m; attempt { exit 6 }; attempt { exit 7 } }",
        holds: &[
            "stage.flaky.attempts == 4 and stage.flaky.exit == 7",
            "lane.duration == 6h4m",
            r#"stage.flaky.reason == "exit code 7 (attempt 4 of 4)""#,
        ],
        fails: &[(
            r#"stage.flaky.state == "succeeded""#,
            "stage.flaky.state is \"failed\" | `flaky` failed: exit code 7 (attempt 4 of 4)",
        )],
    }
    .play();
}

#[test]
fn a_failure_the_policy_does_not_know_is_not_retried() {
    Case {
        file: FLAKY,
        scenario: "mock stage.flaky { exit 2 }",
        holds: &["stage.flaky.attempts == 1"],
        fails: &[(
            "stage.flaky.attempts == 4",
            "stage.flaky.attempts is 1 | `flaky` failed: exit code 2; not retried: `when exit in [6, 7] or stderr \
             matches \"reset\"` does not hold",
        )],
    }
    .play();
}

#[test]
fn an_attempt_that_takes_too_long_times_out() {
    Case {
        file: r#"
stage slow { timeout 10m; exec "s" }
lane l { include slow }"#,
        scenario: "mock stage.slow { takes 11m }",
        holds: &[
            r#"stage.slow.state == "timed-out" and run.status == "timed-out" and run.exit == 5"#,
            "stage.slow.duration == 10m",
        ],
        fails: &[(
            r#"stage.slow.state == "failed""#,
            "stage.slow.state is \"timed-out\" | `slow` timed out: timed out: it had 10m and did not end",
        )],
    }
    .play();
}

#[test]
fn the_lane_s_timeout_cancels_what_runs() {
    Case {
        file: r#"
stage one { exec "1" }
stage two { needs one; exec "2" }
lane l { include two; timeout 30m }"#,
        scenario: "mock stage.one { takes 20m }\n  mock stage.two { takes 20m }",
        holds: &[
            r#"stage.two.state == "cancelled" and lane.duration == 30m"#,
            r#"run.status == "timed-out""#,
            "stage.one.finished <= stage.two.started",
        ],
        fails: &[(
            r#"stage.two.state == "succeeded""#,
            "stage.two.state is \"cancelled\" | `two` was cancelled: the lane's timeout of 30m passed",
        )],
    }
    .play();
}

#[test]
fn a_time_of_what_never_began_is_no_time() {
    let tested = play(
        "stage a { exec \"a\" }\nstage b { needs a; exec \"b\" }\nlane l { include b }\n\
         test \"t\" { lane l; mock stage.a { exit 1 }; expect stage.b.started < 1m }",
    );
    assert_eq!(
        super::theatre::found(&tested[0]),
        [
            "E957 `stage.b.started < 1m` could not be judged: stage.b.started: `b` never started | `b` was blocked: `a` \
          failed; `a` failed: exit code 1"
        ]
    );
}

#[test]
fn a_gate_is_judged_by_its_mocked_measures() {
    let file = r#"
gate cov { exec "c"; out r = "r"; measure lines: percent = json(out.r, "/l"); measure branches: percent = json(out.r, "/b")
  require lines >= 70%; strict branches >= 60% }
stage ship { needs cov; exec "s" }
lane l { include ship; gates strict }"#;
    Case {
        file,
        scenario: "mock gate.cov { measure lines = 70%; measure branches = 59.9% }",
        holds: &[
            r#"gate.cov.state == "failed" and run.status == "gate-failed" and run.exit == 3"#,
            r#"stage.ship.state == "blocked""#,
        ],
        fails: &[(
            r#"gate.cov.state == "succeeded""#,
            "gate.cov.state is \"failed\" | `cov` failed: `branches >= 60%` does not hold: branches = 59.9%",
        )],
    }
    .play();
    Case {
        file,
        scenario: "mock gate.cov { measure lines = 70% }",
        holds: &[r#"gate.cov.state == "succeeded""#],
        fails: &[],
    }
    .play();
    Case {
        file,
        scenario: "mock gate.cov { exit 2 }",
        holds: &[r#"run.status == "gate-failed""#],
        fails: &[(
            r#"gate.cov.reason == """#,
            "gate.cov.reason is \"gate could not be judged: exit code 2\" | `cov` failed: gate could not be judged: \
             exit code 2",
        )],
    }
    .play();
}

#[test]
fn gates_of_one_tool_share_its_end_and_exit_ok_is_respected() {
    Case {
        file: r#"
tool lint { exec "lint"; exit-ok 0, 1; out r = "r.json"; measure errors: int = json(out.r, "/e"); measure style: int = json(out.r, "/s") }
gate clean { tool lint; require errors == 0 }
gate tidy { tool lint; require style < 10 }
lane l { include clean, tidy; on-failure keep-going }"#,
        scenario: "mock gate.clean { exit 1; measure errors = 3 }\n  mock gate.tidy { exit 1; measure style = 4 }",
        holds: &[
            r#"gate.clean.state == "failed" and gate.tidy.state == "succeeded""#,
            "gate.clean.attempts == 1 and gate.tidy.attempts == 0",
        ],
        fails: &[(
            r#"gate.clean.state == "succeeded""#,
            "gate.clean.state is \"failed\" | `clean` failed: `errors == 0` does not hold: errors = 3",
        )],
    }
    .play();
}

#[test]
fn a_matrix_is_mocked_by_instance_and_judged_by_its_worst() {
    Case {
        file: r#"
stage unit { matrix { shard = [1, 2, 3] }; exec "t", f"{shard}"; out log = f"log-{shard}" }
stage sum { needs unit; exec "s", ...(unit.log ?? []) }
lane l { include sum; on-failure keep-going }"#,
        scenario: "mock stage.unit if shard == 2 { exit 1 }",
        holds: &[
            r#"stage.unit.state == "failed""#,
            r#"stage.unit.states == ["succeeded", "failed", "succeeded"]"#,
            r#"stage.unit.states[1] == "failed""#,
            "stage.unit.attempts == 3 and stage.unit.exit == 1",
            r#"stage.sum.state == "blocked""#,
        ],
        fails: &[(
            r#"stage.unit.states[0] == "failed""#,
            "stage.unit.states is [\"succeeded\", \"failed\", \"succeeded\"] | `unit[shard=2]` failed: exit code 1",
        )],
    }
    .play();
}

#[test]
fn a_failure_that_is_allowed_warns() {
    Case {
        file: r#"
stage probe { exec "p"; allow-failure because "vendor sandbox" }
stage next { needs probe; exec "n" }
lane l { include next }"#,
        scenario: "mock stage.probe { exit 1 }",
        holds: &[
            r#"stage.probe.state == "warned" and stage.next.state == "succeeded""#,
            r#"run.status == "succeeded""#,
        ],
        fails: &[(
            r#"stage.probe.state == "failed""#,
            "stage.probe.state is \"warned\" | `probe` failed, which is allowed: exit code 1 (allowed to fail: vendor sandbox)",
        )],
    }
    .play();
}

#[test]
fn a_waived_gate_meets_needs() {
    Case {
        file: r#"
gate g { exec "g"; out r = "r"; measure n: int = text(out.r); require n > 0 }
stage s { needs g; exec "s" }
lane l { include s; gates { skip g because "nothing to judge yet" } }"#,
        scenario: "",
        holds: &[r#"gate.g.state == "waived" and stage.s.state == "succeeded""#],
        fails: &[(
            r#"gate.g.state == "succeeded""#,
            "gate.g.state is \"waived\" | `g` was waived: nothing to judge yet",
        )],
    }
    .play();
}

#[test]
fn on_failure_stop_starts_nothing_more_and_locks_are_respected() {
    Case {
        file: r#"
stage a { number 1; exec "a"; lock "x"; repeatable }
stage b { number 2; exec "b"; lock "x"; repeatable }
lane l { include a, b }"#,
        scenario: "mock stage.a { takes 5m }\n  mock stage.b { takes 5m }",
        holds: &["stage.b.started == 5m and lane.duration == 10m"],
        fails: &[("stage.b.started == 0s", "stage.b.started is 5m")],
    }
    .play();
    Case {
        file: r#"
stage a { number 1; exec "a" }
stage b { number 2; exec "b" }
lane l { include a, b; parallel off }"#,
        scenario: "mock stage.a { exit 1 }",
        holds: &[r#"stage.b.state == "cancelled""#],
        fails: &[(
            r#"stage.b.state == "succeeded""#,
            "stage.b.state is \"cancelled\" | `b` was cancelled: not started: the run stopped after `a` failed",
        )],
    }
    .play();
}

#[test]
fn an_expectation_says_why_it_is_there() {
    let tested = play(
        "stage a { exec \"a\" }\nlane l { include a }\ntest \"t\" { lane l; expect run.exit == 1 because \"of the audit\" }",
    );
    let Verdict::Failed(found) = &tested[0].verdict else { panic!("{:?}", tested[0].verdict) };
    assert_eq!(found[0].help.as_deref(), Some("expected because of the audit"));
}

#[test]
fn the_trail_tells_every_step_at_its_virtual_time() {
    let tested = play(&format!(
        "{FLAKY}\ntest \"t\" {{ lane l; mock stage.flaky {{ attempt {{ exit 6; takes 5m }}; attempt {{ takes 1m }} }}; \
         expect run.exit == 0 }}"
    ));
    let lines: Vec<String> =
        tested[0].trail.iter().map(|step| format!("{} {}", step.at_ms / 60_000, step.text)).collect();
    assert_eq!(
        lines,
        [
            "0 lane l starts",
            "0 flaky starts",
            "5 flaky ends: exit code 6",
            "5 flaky waits (to try again): attempt 1 of 4 failed: exit code 6, until 1h5m",
            "65 flaky starts (attempt 2)",
            "66 flaky ends, exit 0",
            "66 flaky succeeded",
            "66 the run stops: succeeded",
        ]
    );
}
