//! `undo`, `on-failure rollback` and `wfl rollback` as people meet them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::faults::subject::Subject;

/// Three stages that each leave a file and a line, and take both back; `ship` fails unless `good` is there.
const LANE: &str = r#"
stage build {
  repeatable
  run sh """
    echo built | tee built
    """
  undo {
    run sh """
      echo "$WFL_STAGE" >> undone
      rm -f built
      """
  }
}
stage test { needs build; exec "true" }
stage ship {
  needs test
  idempotent by "v1"
  env { WHERE = "north" }
  run sh """
    echo shipped > shipped
    test -e good
    """
  undo {
    timeout 20s
    retry { attempts 3 }
    run sh """
      echo "taking $WHERE $WFL_KEY back"
      test -e "second-try" || { touch second-try; echo "not yet" >&2; exit 9; }
      echo "$WFL_STAGE" >> undone
      rm shipped
      """
  }
}
lane careful { include ship; on-failure rollback }
lane plain { include ship }
"#;

fn show(subject: &Subject) -> Value {
    subject.json(&["show", "last", "--format", "json"])
}

/// Every file below the folder, with what it holds.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    drop(found.insert(path.display().to_string(), std::fs::read(&path).unwrap_or_default()))
                }
            }
        }
    }
    found
}

#[test]
fn a_lane_that_fails_takes_back_what_it_did_and_is_over() {
    let subject = Subject::with(LANE);
    let ended = subject.end(&["run", "careful"]).expect_code(1);
    assert_eq!(subject.read("undone"), "ship\nbuild\n", "{}", ended.err);
    assert!(!subject.root.join("built").exists() && !subject.root.join("shipped").exists());
    for said in ["careful rolled-back", "undone, in this order: ship, build", "ship: exit code 1"] {
        assert!(ended.err.contains(said), "{said}: {}", ended.err);
    }
    assert!(!ended.err.contains("next: wfl resume"), "{}", ended.err);
    let shown = show(&subject);
    assert_eq!((&shown["run"]["status"], &shown["run"]["exit"]), (&"rolled-back".into(), &1.into()));
    let undone: Vec<bool> =
        shown["stages"].as_array().unwrap().iter().map(|stage| stage["undone"] == true).collect();
    assert_eq!(undone, [true, false, true]);
    subject.end(&["resume", "last"]).expect_code(2).says("it is final");
    // Its files were not brought back by itself; after that nothing is left to do.
    subject.end(&["rollback", "last", "--yes"]).expect_code(0).says("nothing to undo");
    subject.end(&["rollback", "last", "--yes"]).expect_code(2).says("already rolled back");
    subject.end(&["logs", "last", "ship"]).expect_code(0).says("taking north v1 back");
    subject.end(&["why", "last", "ship"]).expect_code(0).says("its undo failed: exit code 9");
}

#[test]
fn a_good_run_is_rolled_back_when_a_person_asks() {
    let subject = Subject::with(LANE);
    subject.write("good", "");
    subject.end(&["run", "plain"]).expect_code(0);
    let before = (tree(&subject.root), show(&subject));
    let shown = subject.end(&["rollback", "last", "--dry-run"]).expect_code(0);
    let at = |text: &str| shown.out.find(text).unwrap_or_else(|| panic!("no {text:?} in {}", shown.out));
    assert!(at("1. ship") < at("2. build"));
    let preview = subject.json(&["rollback", "last", "--dry-run", "--format", "json"]);
    assert_eq!(preview["undo"][0]["stage"], "ship");
    assert_eq!(preview["undo"][1]["stage"], "build");
    let refused = subject.end(&["rollback", "last"]).expect_code(2);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    assert_eq!(before, (tree(&subject.root), show(&subject)), "to look and to be refused changes nothing");
    subject.end(&["rollback", "last", "--yes"]).expect_code(0).says("undone, in this order: ship, build");
    assert_eq!(subject.read("undone"), "ship\nbuild\n");
    assert_ne!(before.0, tree(&subject.root), "the twin: a rollback that was carried out is seen");
    assert_eq!(show(&subject)["run"]["status"], "rolled-back");
    assert_eq!(show(&subject)["run"]["exit"], 0);
}

#[test]
fn back_to_a_stage_keeps_what_came_before() {
    let subject = Subject::with(LANE);
    subject.write("good", "");
    subject.end(&["run", "plain"]).expect_code(0);
    subject.end(&["rollback", "last", "--to", "tset", "--yes"]).expect_code(2).says("`test`");
    subject.end(&["rollback", "last", "--to", "test", "--yes"]).expect_code(0);
    assert_eq!(subject.read("undone"), "ship\n");
    assert!(subject.root.join("built").exists());
    subject.end(&["resume", "last"]).expect_code(2).says("final");
}

#[test]
fn a_stage_that_did_not_end_well_is_no_place_to_go_back_to() {
    let subject = Subject::with(LANE);
    subject.end(&["run", "plain"]).expect_code(1);
    subject.end(&["rollback", "last", "--to", "ship", "--dry-run"]).expect_code(2).says("did not end well");
}

#[test]
fn an_undo_that_fails_is_told_with_what_to_do_by_hand() {
    let subject = Subject::with(
        "stage a { repeatable; exec \"true\"; undo { exec \"sh\", \"-c\", \"echo locked >&2; exit 4\" } }\n\
         stage b { needs a; repeatable; exec \"false\"; undo { exec \"true\" } }\n\
         lane l { include b; on-failure rollback }\n",
    );
    let ended = subject.end(&["run", "l"]).expect_code(1);
    for said in ["a must be undone by hand: exit code 4", "next: wfl logs", "    locked", "b: exit code 1"] {
        assert!(ended.err.contains(said), "{said}: {}", ended.err);
    }
    subject.end(&["show", "last"]).expect_code(0).says("succeeded, undo failed");
}

#[test]
fn a_result_whose_run_was_rolled_back_is_not_taken_and_may_be_made_again() {
    let counted = "stage gen { inputs \"src\"; repeatable; run sh \"\"\"\n  echo x >> count\n  \"\"\"; undo { exec \"true\" } }\nlane l { include gen }\n";
    let subject = Subject::with(counted);
    subject.write("src", "1");
    let runs = |subject: &Subject| {
        subject.end(&["run", "l", "--verify-reuse", "0", "--no-snapshot"]).expect_code(0);
        subject.read("count").lines().count()
    };
    assert_eq!((runs(&subject), runs(&subject)), (1, 1), "the second takes the first one's result");
    let first = subject.json(&["runs", "--format", "json"])[1]["id"].as_str().unwrap_or_default().to_owned();
    subject.end(&["rollback", &first, "--yes"]).expect_code(0);
    assert_eq!((runs(&subject), runs(&subject)), (2, 2), "what came of it is not taken; a new one is");
}

/// Number, time and content of each event.
type Recorded = Vec<(i64, i64, String)>;

/// Everything recorded of a run, as it stands in the database, and its logs.
fn audit(subject: &Subject) -> (Recorded, BTreeMap<String, Vec<u8>>) {
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    let mut rows = database.prepare("select seq, at, data from event order by run, seq").expect("a query");
    let events = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("rows");
    let logs = tree(&subject.state).into_iter().filter(|(path, _)| path.ends_with(".log")).collect();
    (events, logs)
}

/// Case 71.
#[test]
fn a_rollback_only_adds_to_what_is_recorded() {
    let subject = Subject::with(LANE);
    subject.write("good", "");
    subject.end(&["run", "plain"]).expect_code(0);
    let (events, logs) = audit(&subject);
    assert!(!events.is_empty() && !logs.is_empty());
    subject.end(&["rollback", "last", "--yes"]).expect_code(0);
    let (after, logs_after) = audit(&subject);
    assert_eq!(after[..events.len()], events[..]);
    assert!(after.len() > events.len());
    assert!(logs.iter().all(|(path, text)| logs_after.get(path) == Some(text)));
    // The twin: a changed record is seen.
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    database.execute("update event set at = at + 1 where seq = 2", []).expect("a change");
    assert_ne!(audit(&subject).0[..events.len()], events[..]);
}
