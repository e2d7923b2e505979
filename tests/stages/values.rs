//! Values on their whole way: from params, lets, functions, lists and defaults to the arguments and environment of
//! real processes.

use crate::faults::subject::Subject;

fn values() -> Subject {
    let subject = Subject::new();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang/right/values.wfl");
    subject.write("values.wfl", std::fs::read(path).expect("the right file"));
    subject.write("work/.keep", "");
    subject
}

fn printed(subject: &Subject, stage: &str) -> Vec<String> {
    let run = subject.newest_run().expect("a run");
    subject.end(&["logs", &run, stage]).expect_code(0).out.lines().map(str::to_string).collect()
}

#[test]
fn lists_functions_and_comprehensions_reach_arguments_one_by_one() {
    let subject = values();
    subject.end(&["run", "values.wfl"]).expect_code(0);
    assert_eq!(
        printed(&subject, "show"),
        ["a.example", "b.example", "eu.example", "alpha×5", "beta×4", "gamma×5", "x×3", "none eu-alpha"]
    );
}

#[test]
fn every_kind_of_value_reaches_the_environment() {
    let subject = values();
    subject.end(&["run", "values.wfl", "--set", "note=seen", "--set", "wait=2m"]).expect_code(0);
    assert_eq!(
        printed(&subject, "more-values"),
        [
            "ALPHA GAMMA",
            "alpha1+alpha9 beta1+beta9 gamma1+gamma9",
            "5MB",
            "2m",
            "25%",
            "11MB",
            "1m",
            "10",
            "eu-alpha",
            "a/b",
            "seen",
            "Europe",
            "5"
        ]
    );
}

#[test]
fn defaults_are_taken_where_a_stage_says_nothing_and_given_up_where_it_does() {
    let subject = Subject::with(
        "defaults { cwd \"work\"; env { A = \"default\"; B = \"default\" }; timeout 300ms }\n\
         stage takes { run sh \"\"\"\n    echo \"$A $B $(basename \"$PWD\")\"\n    \"\"\"\n}\n\
         stage gives { run sh \"\"\"\n    echo \"$A ${B:-none} $(basename \"$PWD\")\"\n    \"\"\"\n  env { A = \"own\" }\n  cwd \"other\" }\n\
         stage slow { exec \"sleep\", \"30\" }\n\
         lane l { include takes, gives }\nlane s { include slow }\n",
    );
    for folder in ["work/x", "other/x"] {
        subject.write(folder, "");
    }
    subject.end(&["run", "l"]).expect_code(0);
    assert_eq!(printed(&subject, "takes"), ["default default work"]);
    assert_eq!(printed(&subject, "gives"), ["own none other"]);
    subject.end(&["run", "s"]).expect_code(5).says("300ms");
}

#[test]
fn an_index_beyond_the_list_is_absent_and_must_be_met() {
    let subject = Subject::with("let xs = [1, 2]\nstage s { exec \"echo\", xs[5] }\n");
    subject.end(&["check", "all.wfl"]).expect_code(1).says("may be absent");
    let subject =
        Subject::with("param n: int = 1\nlet xs = [10, 20]\nstage s { exec \"echo\", f\"{xs[n] ?? 0}\" }\n");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    assert_eq!(printed(&subject, "s"), ["20"]);
    subject.end(&["run", "all.wfl", "--set", "n=7"]).expect_code(0);
    assert_eq!(printed(&subject, "s"), ["0"]);
}

#[test]
fn a_list_in_a_matrix_can_be_worked_out() {
    let subject = Subject::with(
        "param n: int = 3\nlet all = [1, 2, 3, 4]\nstage s {\n  matrix { shard = [x for x in all if x <= n] }\n  exec \"echo\", f\"{shard}/{n}\"\n}\n",
    );
    subject.end(&["run", "all.wfl", "--set", "n=2"]).expect_code(0);
    let run = subject.newest_run().expect("a run");
    let names: Vec<String> = subject.statuses(&run).into_keys().collect();
    assert_eq!(names, ["s[shard=1]", "s[shard=2]"]);
}

#[test]
fn what_is_deprecated_is_told_at_each_use_and_mended() {
    let subject = Subject::with(
        "@deprecated(since = \"1.4\", use = \"make\")\nstage build { exec \"true\" }\nstage make { exec \"true\" }\nstage pack { needs build; exec \"true\" }\nlane l { include pack, build, make }\n",
    );
    subject.end(&["check", "all.wfl"]).expect_code(0).says("W901").says("since 1.4");
    subject.end(&["check", "all.wfl", "--fix"]).expect_code(0);
    assert!(subject.read("all.wfl").contains("stage pack { needs make;"), "{}", subject.read("all.wfl"));
    subject.end(&["run", "l"]).expect_code(0);
}
