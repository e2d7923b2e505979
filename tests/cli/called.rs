//! A lane that calls another, through the real program: params go in, outputs come out, parts can be asked about.

use serde_json::Value;

use crate::faults::subject::Subject;

const ASK: &str = "wfl 1

param url: string

stage ask {
  env { URL = url; OUT = out.answer }
  run sh \"\"\"
    if [ -e \"broken-$URL\" ]; then exit 7; fi
    echo \"answer of $URL\" > \"$OUT\"
    \"\"\"
  out answer = f\"target/{url}.txt\"
}

lane quick {
  include ask
  out     answer = ask.answer
}
";

const LOOK: &str = "wfl 1

import \"shared/ask.wfl\" as smoke

param second: string = \"us\"

stage probe {
  call smoke.quick as eu { url = \"eu\" }
  call smoke.quick as other { url = second }
  out  said: string = text(other.answer)
}

stage report {
  needs probe
  env   { SAID = probe.said }
  run sh \"\"\"
    printf %s \"$SAID\" > report.txt
    \"\"\"
}

lane look { include report }
";

fn subject() -> Subject {
    let subject = Subject::new();
    subject.write("shared/ask.wfl", ASK);
    subject.write("look.wfl", LOOK);
    subject
}

#[test]
fn params_go_in_and_outputs_come_out() {
    let subject = subject();
    subject.end(&["run", "look", "--set", "second=ap"]).expect_code(0);
    assert_eq!(subject.read("report.txt"), "answer of ap");
    assert_eq!(subject.read("target/eu.txt"), "answer of eu\n");
    let shown = subject.end(&["show", "last", "--format", "json"]).expect_code(0);
    let shown: Value = serde_json::from_str(&shown.out).expect("one JSON document");
    let names: Vec<&str> =
        shown["stages"].as_array().expect("stages").iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.contains(&"probe/eu/ask") && names.contains(&"probe/other/ask"), "{names:?}");
    subject.end(&["why", "last", "probe/eu/ask"]).expect_code(0).says("succeeded");
}

#[test]
fn a_failure_inside_is_the_root_and_resume_begins_where_it_was() {
    let subject = subject();
    subject.write("broken-us", "");
    subject.end(&["run", "look"]).expect_code(1).says("probe/other/ask");
    let first = subject.read("target/eu.txt");
    subject.write("target/eu.txt", &first);
    std::fs::remove_file(subject.root.join("broken-us")).expect("a file");
    subject.end(&["resume", "last"]).expect_code(0);
    assert_eq!(subject.read("report.txt"), "answer of us");
    let shown = subject.end(&["show", "last", "--format", "json"]).expect_code(0);
    let shown: Value = serde_json::from_str(&shown.out).expect("one JSON document");
    let attempts = |name: &str| {
        let stages = shown["stages"].as_array().expect("stages");
        let stage = stages.iter().find(|stage| stage["name"] == name).expect("the stage");
        stage["attempts"].as_array().expect("attempts").len()
    };
    assert_eq!((attempts("probe/eu/ask"), attempts("probe/other/ask")), (1, 2));
}
