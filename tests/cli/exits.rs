//! The exit codes of the contract, one by one.

use super::committed;
use crate::faults::subject::Subject;

fn code(text: &str, arguments: &[&str]) -> Option<i32> {
    Subject::with(text).end(arguments).code
}

#[test]
fn every_end_of_a_run_has_its_code() {
    let run = |text: &str| code(text, &["run", "all.wfl"]);
    assert_eq!(run("stage a { exec \"true\" }\n"), Some(0));
    assert_eq!(run("stage a { exec \"false\" }\n"), Some(1));
    assert_eq!(run("gate g { exec \"true\"; measure n: int = exit; require n == 1 }\n"), Some(3));
    assert_eq!(run("stage a { timeout 50ms; exec \"sleep\", \"60\" }\n"), Some(5));
}

#[test]
fn what_is_asked_for_wrongly_is_2() {
    let good = "param p: int\nstage a { env { P = p }; exec \"true\" }\nlane l { include a }\n";
    assert_eq!(code(good, &["run", "nosuch"]), Some(2));
    assert_eq!(code(good, &["run", "l"]), Some(2), "a parameter is missing");
    assert_eq!(code(good, &["run", "l", "--set", "p=x"]), Some(2), "it is no int");
    assert_eq!(code(good, &["run", "l", "--set", "p=1", "--set", "q=1"]), Some(2));
    assert_eq!(code(good, &["run", "l", "--set", "p"]), Some(2));
    assert_eq!(code(good, &["run", "l", "--set", "p=1"]), Some(0));
    assert_eq!(code(good, &["show", "last"]), Some(2), "there is no run");
    assert_eq!(code("stage a { neds b }\n", &["run", "all.wfl"]), Some(2), "the file is wrong");
    assert_eq!(code(good, &["run", "--no-such-flag"]), Some(2));
    assert_eq!(code(good, &["nosuchcommand"]), Some(2));
    assert_eq!(code(good, &["explain", "E999"]), Some(2));
}

#[test]
fn help_and_version_are_data() {
    let subject = Subject::new();
    assert!(subject.end(&["--help"]).expect_code(0).out.contains("check"));
    assert!(subject.end(&["--version"]).expect_code(0).out.starts_with("wfl "));
}

#[test]
fn commands_of_later_versions_say_so() {
    for command in ["metrics", "report", "profile"] {
        Subject::new().end(&[command, "--anything"]).expect_code(2).says("not in this version");
    }
}

#[test]
fn an_interrupt_is_130_and_ends_what_runs() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  echo on > started\n  while :; do sleep 0.05; done\n  \"\"\" }\n",
    );
    let mut run = subject.wfl(&["run", "all.wfl"]).spawn().expect("wfl starts");
    while !subject.root.join("started").exists() {
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&run);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    assert_eq!(run.wait().expect("an end").code(), Some(130));
    let newest = subject.newest_run().expect("a run");
    assert_eq!(subject.json(&["show", &newest, "--format", "json"])["run"]["status"], "interrupted");
}

#[test]
fn a_file_without_lane_runs_all_of_one_its_lane_of_several_the_first_that_fits() {
    let stages = "stage a { exec \"touch\", \"a\" }\nstage b { exec \"touch\", \"b\" }\n";
    let ran = |lanes: &str, arguments: &[&str]| {
        let subject = committed(&format!("{stages}{lanes}"));
        let ended = subject.end(arguments);
        (ended.code, subject.root.join("a").exists(), subject.root.join("b").exists(), ended.err)
    };
    let run: &[&str] = &["run", "all.wfl", "--change-type", "fix"];
    let (code, a, b, _) = ran("", run);
    assert_eq!((code, a, b), (Some(0), true, true));
    let (code, a, b, _) = ran("lane x { include b }\n", run);
    assert_eq!((code, a, b), (Some(0), false, true));
    let several = "lane x { include b; select if change.type == \"docs\" }\nlane y { include a; select if change.type == \"fix\" }\n";
    let (code, a, b, said) = ran(several, run);
    assert_eq!((code, a, b), (Some(0), true, false));
    assert!(said.contains("change.type == \"fix\""), "it says which rule chose: {said}");
    let (code, a, b, said) = ran(several, &["run", "all.wfl", "--change-type", "perf"]);
    assert_eq!((code, a, b), (Some(2), false, false));
    assert!(said.contains("E952") && said.contains('x') && said.contains('y'), "{said}");
    let (code, a, b, _) = ran(several, &["run", "all.wfl", "--lane", "x"]);
    assert_eq!((code, a, b), (Some(0), false, true));
}

#[test]
fn one_name_in_two_files_is_an_error() {
    let subject = Subject::with("stage a { exec \"true\" }\nlane l { include a }\n");
    subject.write("other.wfl", "wfl 1\nstage a { exec \"true\" }\nlane l { include a }\n");
    let ended = subject.end(&["run", "l"]).expect_code(2);
    assert!(ended.err.contains("all.wfl") && ended.err.contains("other.wfl"), "{}", ended.err);
}

#[test]
fn a_value_that_does_not_fit_is_refused_even_where_no_stage_reads_it() {
    let subject = Subject::with(
        "param n: int = 3\nparam s: string = \"a\" { pattern \"a+\" }\nstage a { exec \"true\" }\n",
    );
    for wrong in ["n=x", "s=b"] {
        subject.end(&["run", "all.wfl", "--set", wrong]).expect_code(2).says("E953");
    }
    subject.end(&["run", "all.wfl", "--set", "n=4", "--set", "s=aa"]).expect_code(0);
}
