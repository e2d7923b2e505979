//! What a stage needs is taken away before it starts: it does not start, and says what is missing. Real files and processes.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use super::mount::Mount;
use super::results;
use super::subject::Subject;

fn soon(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `build` leaves `dist/app`; `pause` holds until a file is there; `ship` needs both.
fn lane(keep: &str, ship: &str) -> String {
    format!(
        "stage build {{ run sh \"\"\"\n  echo one > dist/app; echo build >> witness\n  \"\"\"\n  out app = \"dist/app\"{keep} }}\n\
         stage pause {{ needs build; run sh \"\"\"\n  touch began; while [ ! -e go ]; do sleep 0.01; done\n  \"\"\" }}\n\
         stage ship {{ needs build, pause; {ship}\n  run sh \"\"\"\n  cat dist/app >> shipped\n  \"\"\" }}\n\
         lane all {{ include ship }}\n"
    )
}

/// The lane run with something done while `pause` holds; its exit code, and what it said.
fn during(subject: &Subject, fault: impl FnOnce()) -> (Option<i32>, String) {
    // Without rules that would make it again: the corpus has those.
    let mut command = subject.wfl(&["run", "all", "--no-repair"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("wfl starts");
    soon("the pause", || subject.root.join("began").exists());
    fault();
    subject.write("go", "");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().expect("a pipe"), &mut said).expect("text");
    (child.wait().expect("a child").code(), said)
}

fn class(subject: &Subject, stage: &str) -> String {
    let shown = subject.json(&["show", "last", "--format", "json"]);
    let stages = shown["stages"].as_array().cloned().unwrap_or_default();
    let found = stages.iter().find(|one| one["name"] == stage).cloned().unwrap_or_default();
    found["attempts"][0]["class"].as_str().unwrap_or("none").to_string()
}

#[test]
fn a_prerequisite_that_vanished_stops_the_stage_that_needs_it() {
    let subject = Subject::with(&lane("", ""));
    let (code, said) = during(&subject, || fs::remove_file(subject.root.join("dist/app")).expect("a file"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("`dist/app`, which `build` left, is gone"), "{said}");
    assert_eq!(class(&subject, "ship"), "need-lost");
    assert_eq!(subject.read("shipped"), "");
    // What is needed is made again by resuming.
    subject.end(&["resume", "last"]).expect_code(0);
    assert_eq!((subject.read("shipped"), subject.read("witness")), ("one\n".into(), "build\nbuild\n".into()));
    // The twin: nothing taken away.
    let subject = Subject::with(&lane("", ""));
    assert_eq!(during(&subject, || {}).0, Some(0));
    assert_eq!(subject.read("shipped"), "one\n");
    results::note("61", "a needed output vanishes", 1, 1, "it stays");
}

#[test]
fn a_prerequisite_of_which_a_copy_is_kept_is_brought_back() {
    let subject = Subject::with(&lane(" { keep 1d }", ""));
    let (code, said) = during(&subject, || fs::remove_file(subject.root.join("dist/app")).expect("a file"));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!((subject.read("shipped"), subject.read("witness")), ("one\n".into(), "build\n".into()));
    let why = subject.end(&["why", "last", "ship"]).expect_code(0);
    assert!(
        why.out.contains("brought back from its kept copy") || said.contains("brought back"),
        "{}",
        why.out
    );
    // The twin: the copy taken away as well.
    let subject = Subject::with(&lane(" { keep 1d }", ""));
    let (code, said) = during(&subject, || {
        fs::remove_file(subject.root.join("dist/app")).expect("a file");
        fs::remove_dir_all(subject.state.join("contents")).expect("copies");
    });
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("its kept copy is gone"), "{said}");
}

#[test]
fn a_once_stage_whose_need_was_lost_never_began_and_is_not_asked_about() {
    let subject = Subject::with(&lane("", "once"));
    let (code, said) = during(&subject, || fs::remove_file(subject.root.join("dist/app")).expect("a file"));
    assert_eq!(code, Some(1), "{said}");
    subject.write("dist/app", "one\n");
    subject.end(&["resume", "last"]).expect_code(0);
    assert_eq!(subject.read("shipped"), "one\n");
    // The twin: one that began and failed is asked about.
    let subject = Subject::with(&lane("", "once").replace("cat dist/app >> shipped", "exit 1"));
    assert_eq!(during(&subject, || {}).0, Some(1));
    subject.end(&["resume", "last"]).expect_code(4);
}

#[test]
fn a_change_by_nobody_of_the_run_is_told_and_one_by_a_stage_is_not() {
    // `ship` fails once and waits: in that time nothing of the run is at work.
    let text = |sign: &str| {
        format!(
            "stage build {{ run sh \"\"\"\n  echo one > dist/app\n  \"\"\"\n  out app = \"dist/app\" }}\n\
             stage sign {{ needs build; run sh \"\"\"\n  {sign}\n  \"\"\" }}\n\
             stage ship {{ needs build, sign\n  retry {{ attempts 2; backoff 2s; when exit == 7 }}\n  run sh \"\"\"\n  \
             touch tried; [ -e go ] || exit 7; cat dist/app > shipped\n  \"\"\" }}\n\
             lane all {{ include ship }}\n"
        )
    };
    let going = |sign: &str, change: bool| {
        let subject = Subject::with(&text(sign));
        let mut command = subject.wfl(&["run", "all"]);
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("wfl starts");
        soon("the first attempt", || subject.root.join("tried").exists());
        std::thread::sleep(Duration::from_millis(600));
        subject.write("go", "");
        if change {
            subject.write("dist/app", "somebody else's\n");
        }
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().expect("a pipe"), &mut said).expect("text");
        (child.wait().expect("a child").code(), said, subject)
    };
    let (code, said, subject) = going("true", true);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was changed since, and by no stage of this run"), "{said}");
    assert_eq!(
        (subject.read("shipped"), subject.read("dist/app")),
        (String::new(), "somebody else's\n".into())
    );
    // The twin: a stage of the run changed it, in place.
    let (code, said, subject) = going("echo signed >> dist/app", false);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(subject.read("shipped"), "one\nsigned\n");
    results::note("62", "a needed output is changed from outside", 1, 1, "a stage of the run changes it");
}

#[test]
fn too_little_disk_stops_a_stage_before_it_starts_and_rules_can_match_it() {
    let Some(disk) = Mount::tmpfs("8m") else { return };
    let subject = Subject::with(
        "stage ship { retry { attempts 2; backoff 100ms; when stderr matches \"disk full: .* free on\" }\n  \
         run sh \"\"\"\n  echo ship >> witness\n  \"\"\" }\nlane all { include ship }\n",
    );
    let filler = disk.path().join("filler");
    let mut file = fs::File::create(&filler).expect("a file");
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    let run = || {
        let mut command = subject.wfl(&["run", "all"]);
        command.env("TMPDIR", disk.path());
        subject.end_of(command)
    };
    run().expect_code(1).says("disk full: 0 kB free on").says("attempt 2 of 2");
    assert_eq!(subject.read("witness"), "");
    let mut doctor = subject.wfl(&["doctor"]);
    doctor.env("TMPDIR", disk.path());
    subject.end_of(doctor).expect_code(1).says("disk full").says("wfl clean");
    // The twin: with room it runs.
    fs::remove_file(&filler).expect("a file");
    run().expect_code(0);
    assert_eq!(subject.read("witness"), "ship\n");
    results::note("63", "too little disk for a stage", 1, 1, "with room it runs");
}

#[test]
fn a_missing_program_is_told_with_the_nearest() {
    let subject = Subject::with("stage s { exec \"bahs\", \"-c\", \"true\" }\nlane all { include s }\n");
    subject.end(&["run", "all"]).expect_code(1).says("program not found: bahs").says("`bash`");
}

/// Not judged, for the machine may be busy: printed.
#[test]
fn what_looking_before_a_stage_costs() {
    use wfl::base::Timestamp;
    use wfl::engine::precheck::{Needed, Needs, look};
    use wfl::event::FileMark;
    use wfl::exec::LocalExecutor;
    use wfl::port::{AttemptSpec, Commons, Executor};
    let subject = Subject::new();
    let mark = FileMark { hash: "0".repeat(64), executable: false, folder: false, kept: None };
    let paths = ["dist/a", "dist/b", "dist/c"];
    paths.iter().for_each(|path| subject.write(path, "x".repeat(100_000)));
    let later = Timestamp(Timestamp::now().0 + 60_000);
    let needed = |path: &&str| Needed { stage: "build".into(), path: path.to_string(), mark: mark.clone() };
    let needs = |files: usize| Needs {
        files: paths[..files].iter().map(needed).collect(),
        quiet: Some((later, Timestamp(later.0 + 60_000))),
        holder: None,
    };
    let spec = AttemptSpec {
        run: "r".into(),
        node: 0,
        key: "s".into(),
        attempt: 1,
        actions: Vec::new(),
        root: subject.root.clone(),
        cwd: subject.root.clone(),
        env: Vec::new(),
        env_remove: Vec::new(),
        clean_env: None,
        mask: Vec::new(),
        outputs: Vec::new(),
        fresh_outputs: false,
        timeout: None,
        grace: Duration::ZERO,
        exit_ok: Vec::new(),
        log: Some(subject.root.join("logs/r/0-1.log")),
    };
    let executor = LocalExecutor::new();
    let store = wfl::store::Store::open(&subject.state).expect("a state");
    let commons = store.commons(&super::writer::new_run(&store, "r1")).expect("a run");
    let measure = |what: &str, work: &dyn Fn()| {
        let mut rounds: Vec<f64> = (0..15)
            .map(|_| {
                let began = Instant::now();
                (0..500).for_each(|_| work());
                began.elapsed().as_secs_f64() * 1e6 / 500.0
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        println!("| {what} | {:.1} |", rounds[rounds.len() / 2]);
    };
    for files in [0, 1, 3] {
        let needs = needs(files);
        measure(&format!("{files} needed files, unchanged"), &|| {
            assert_eq!(look(&subject.root, &needs, None, None), Ok(Vec::new()));
        });
    }
    measure("free disk, as a run asks", &|| drop(executor.unfit(&spec)));
    measure("free disk, read each time", &|| {
        let fresh = AttemptSpec { env: vec![("TMPDIR".into(), "/tmp".into())], ..spec.clone() };
        drop(executor.unfit(&fresh));
    });
    measure("its lock is its own", &|| drop(commons.still_holds(0)));
}
