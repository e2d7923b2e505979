//! Stages that call lanes, through the program: params and outputs over two files, approvals, parts, drawings.

use super::committed;
use crate::faults::subject::Subject;

const SHARED: &str = "wfl 1
param suffix: string = \"!\"
stage fetch {
  env { URL = url; SUFFIX = suffix }
  run sh \"\"\"
    mkdir -p target
    echo \"$URL$SUFFIX\" > target/served.txt
    echo \"$WFL_STAGE $URL\" >> calls
    \"\"\"
  out served: string = text(\"target/served.txt\")
}
gate good { needs fetch; exec \"true\"; require fetch.served like \"https:/**\" }
lane quick {
  param url: string { pattern \"https://.*\" }
  include good
  out served = fetch.served
}
";

const LANE: &str = "\
import \"shared/smoke.wfl\" as smoke
project { group \"managers\" { member \"ada@team.example\" } }
param region: enum(\"eu\", \"us\") = \"eu\"
stage build { exec \"sh\", \"-c\", \"echo v7 > version\"; out version: string = text(\"version\") }
stage probe {
  needs build
  call smoke.quick { url = f\"https://{region}/{build.version}\" }
  exec \"sh\", \"-c\", \"echo \\\"$0\\\" >> seen\", quick.served
  out served: string = text(\"seen\")
  finally { exec \"touch\", \"stopped\" }
}
stage ship { needs probe; exec \"sh\", \"-c\", \"echo \\\"$0\\\" > shipped\", probe.served }
lane release { include ship }
lane asked { extends release; approve 1 from \"managers\" before probe }
";

fn project() -> Subject {
    let subject = Subject::new();
    subject.write("shared/smoke.wfl", SHARED);
    subject.write("all.wfl", format!("wfl 1\n{LANE}"));
    subject.commit_all("fix: start");
    subject
}

#[test]
fn a_lane_of_another_file_runs_with_its_params_and_gives_its_outputs() {
    let subject = project();
    subject.end(&["run", "release", "--set", "region=us", "--set", "suffix=?"]).expect_code(0);
    assert_eq!(subject.read("shipped"), "https://us/v7?\n");
    assert_eq!(subject.read("calls"), "probe/fetch https://us/v7\n");
    assert!(subject.root.join("stopped").exists());
    let run = subject.newest_run().expect("a run");
    let statuses = subject.statuses(&run);
    for stage in ["probe:start", "probe/fetch", "probe/good", "probe", "ship"] {
        assert_eq!(statuses[stage], "succeeded", "{statuses:?}");
    }
    subject.end(&["why", &run, "probe/fetch"]).expect_code(0).says("It ran and succeeded");
    subject.end(&["logs", &run, "probe/fetch"]).expect_code(0);
    subject.end(&["run", "release", "--set", "url=https://x"]).expect_code(2).says("no parameter `url`");
}

#[test]
fn a_call_that_fails_names_what_failed_inside() {
    let subject = project();
    subject.write("shared/smoke.wfl", SHARED.replace("exec \"true\"", "exec \"false\""));
    subject.end(&["run", "release"]).expect_code(3).says("probe/good");
    let run = subject.newest_run().expect("a run");
    subject.end(&["why", &run, "probe"]).says("`probe/good`, which it calls, failed");
    subject.end(&["why", &run, "ship"]).says("probe/good, which failed");
}

#[test]
fn an_approval_before_a_caller_is_given_by_the_callers_name() {
    let subject = project();
    subject.end(&["run", "asked"]).expect_code(4);
    assert!(!subject.root.join("calls").exists());
    let run = subject.newest_run().expect("a run");
    subject.end(&["approve", &run, "probe"]).expect_code(0);
    subject.end(&["resume", &run]).expect_code(0);
    assert_eq!(subject.read("shipped"), "https://eu/v7!\n");
}

#[test]
fn a_part_may_be_the_caller_or_a_stage_it_calls() {
    let subject = project();
    subject.end(&["run", "release", "--only", "build,probe/fetch"]).expect_code(0);
    let statuses = subject.statuses(&subject.newest_run().expect("a run"));
    assert_eq!((&*statuses["probe/fetch"], &*statuses["probe"]), ("succeeded", "skipped"));
    subject.end(&["run", "release", "--only", "build,probe"]).expect_code(0);
    let statuses = subject.statuses(&subject.newest_run().expect("a run"));
    assert_eq!((&*statuses["probe/good"], &*statuses["ship"]), ("succeeded", "skipped"));
}

#[test]
fn the_drawing_frames_a_call_and_needs_no_git() {
    let subject = Subject::with(
        "let tag = f\"v-{git.short_sha}\"\n\
         stage work { exec \"echo\", tag }\n\
         lane inner { include work }\n\
         stage outer { when git.branch == \"main\"; call inner }\n\
         lane all { include outer }\n",
    );
    let drawn = subject.end(&["graph", "all"]).expect_code(0).out;
    assert!(drawn.contains("subgraph c0[\"outer\"]") && drawn.contains("outer/work"), "{drawn}");
    subject.end(&["run", "all"]).expect_code(2).says("not a git repository");
}

#[test]
fn the_finally_of_a_lane_may_call_functions() {
    let subject = committed(
        "fn of(x: string) = f\"<{x}>\"\n\
         let place = path(\"out\")\n\
         stage work { exec \"true\" }\n\
         lane all { include work; finally { exec \"sh\", \"-c\", \"echo \\\"$0\\\" > last\", of(f\"{place}/x\") } }\n",
    );
    subject.end(&["run", "all"]).expect_code(0);
    assert_eq!(subject.read("last"), format!("<{}/out/x>\n", subject.root.display()));
}
