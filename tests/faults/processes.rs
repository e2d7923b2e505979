//! Processes that outlive, hide, refuse and crowd (28–40), against the built program. `store::escapes` has the same of
//! single attempts.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::subject::Subject;

/// Waits until it holds, for at most a minute.
pub fn soon(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The process number in a file of the project.
fn pid(subject: &Subject, file: &str) -> i32 {
    let text = subject.read(file);
    text.trim().parse().unwrap_or_else(|_| panic!("no number in {file}: {text:?}"))
}

/// Whether it runs; a zombie does not. (One that executes a program just now has no command line.)
fn lives(pid: i32) -> bool {
    state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

pub fn signal(pid: i32, signal: Signal) {
    let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, signal));
}

fn there(subject: &Subject, file: &str) -> bool {
    subject.root.join(file).exists()
}

/// A stage whose first attempt leaves a process behind, started through `hidden`, and whose second looks for it.
fn outlives(hidden: &str) -> String {
    format!(
        "stage a {{ run sh \"\"\"
  if [ -e first ]; then
    if [ -n \"$(tr -d '\\\\000' < \"/proc/$(cat first)/cmdline\")\" ]; then echo beside > second; else echo alone > second; fi
    exit 0
  fi
  {hidden} setsid sh -c 'echo $$ > first.new; mv first.new first; exec sleep 600' &
  wait
  \"\"\" }}
"
    )
}

/// Kills the engine, resumes, and tells what the second attempt found, with the first one's attempt as shown.
fn after_the_engines_death(hidden: &str) -> (String, String, i32) {
    let subject = Subject::with(&outlives(hidden));
    let mut engine = subject.wfl(&["run", "all.wfl"]).spawn().expect("wfl starts");
    soon("the first attempt runs", || there(&subject, "first"));
    engine.kill().expect("a kill");
    engine.wait().expect("an end");
    let left = pid(&subject, "first");
    assert!(lives(left), "what the dead engine left behind lives");
    let run = subject.newest_run().expect("a run");
    subject.end(&["resume", &run]).expect_code(0);
    let shown = subject.json(&["show", &run, "--format", "json"]);
    let class = shown["stages"][0]["attempts"][0]["class"].as_str().unwrap_or_default().to_string();
    (subject.read("second"), class, left)
}

#[test]
fn what_a_dead_engine_left_is_gone_before_its_stage_runs_again() {
    let (found, class, left) = after_the_engines_death("");
    assert_eq!((found.as_str(), class.as_str()), ("alone\n", "lost"));
    assert!(!lives(left));
}

/// The twin: without its marker nobody knows whose it was, once its engine is dead.
#[test]
fn the_twin_that_hides_its_marker_is_met_by_the_second_attempt() {
    let (found, _, left) = after_the_engines_death("env -i PATH=\"$PATH\"");
    assert_eq!(found, "beside\n");
    signal(left, Signal::KILL);
}

/// Three that leave: into another session, without an environment, and both by a parent that is gone at once.
const LEAVES: &str = "\
stage service { run sh \"\"\"
  (env -i PATH=\"$PATH\" setsid sh -c 'echo $$ > service.new; mv service.new service; exec sleep 600' &)
  while [ ! -e service ]; do sleep 0.02; done
  \"\"\" }
stage a { needs service; run sh \"\"\"
  exec >/dev/null 2>&1
  setsid sh -c 'trap \"\" TERM; echo $$ > marked.new; mv marked.new marked; while :; do sleep 600; done' &
  env -i PATH=\"$PATH\" setsid sh -c 'echo $$ > bare.new; mv bare.new bare; exec sleep 600' &
  (env -i PATH=\"$PATH\" setsid sh -c 'echo $$ > orphan.new; mv orphan.new orphan; exec sleep 600' &)
  while [ ! -e marked ] || [ ! -e bare ] || [ ! -e orphan ]; do sleep 0.02; done
  echo on > started
  while :; do sleep 0.05; done
  \"\"\" }
";

#[test]
fn a_cancel_from_elsewhere_ends_those_that_left_and_no_other() {
    let subject = Subject::with(LEAVES);
    let mut engine = subject.wfl(&["run", "all.wfl"]).spawn().expect("wfl starts");
    soon("it runs", || there(&subject, "started"));
    let run = subject.newest_run().expect("a run");
    subject.end(&["cancel", &run]).expect_code(0);
    assert_eq!(engine.wait().expect("an end").code(), Some(1));
    for left in ["marked", "bare", "orphan"] {
        assert!(!lives(pid(&subject, left)), "{left} lives on");
    }
    let service = pid(&subject, "service");
    assert!(lives(service), "what a stage that ended well left running is nobody's to kill");
    signal(service, Signal::KILL);
}

/// Somebody shoots the stage while it tidies up after TERM.
#[test]
fn a_stage_killed_in_the_middle_of_a_cancel_is_cancelled() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  trap 'echo $$ > heard.new; mv heard.new heard' TERM\n  echo on > started\n  while :; do sleep 0.02 || :; done\n  \"\"\" }\nstage b { needs a; exec \"true\" }\n",
    );
    let mut engine = subject.wfl(&["run", "all.wfl"]).spawn().expect("wfl starts");
    soon("it runs", || there(&subject, "started"));
    let run = subject.newest_run().expect("a run");
    subject.end(&["cancel", &run]).expect_code(0);
    soon("it heard", || there(&subject, "heard"));
    signal(pid(&subject, "heard"), Signal::KILL);
    assert_eq!(engine.wait().expect("an end").code(), Some(1));
    let shown = subject.json(&["show", &run, "--format", "json"]);
    assert_eq!(shown["run"]["status"], "cancelled", "{shown}");
    let attempt = &shown["stages"][0]["attempts"][0];
    assert_eq!((&attempt["status"], &attempt["class"]), (&"cancelled".into(), &"cancelled".into()));
    // The twin: nobody asked it to end.
    let _alone = memory_alone();
    let shot = Subject::with("stage a { run sh \"\"\"\n  kill -KILL $$\n  \"\"\" }\n");
    shot.end(&["run", "all.wfl"]).expect_code(1).says("was killed");
    let newest = shot.newest_run().expect("a run");
    shot.end(&["show", &newest]).expect_code(0).says("[signal]");
}

/// The twin: an engine that does not take orphans in cannot find the one without parent and environment.
#[test]
fn the_twin_without_adoption_loses_the_orphan() {
    use wfl::port::Executor;
    let subject = Subject::new();
    let text = LEAVES.rsplit("\"\"\"").nth(1).expect("a script").to_string();
    let executor = std::sync::Arc::new(wfl::exec::LocalExecutor::new());
    let runner = {
        let executor = executor.clone();
        let spec = super::leaks::attempt(&subject.root, &text);
        std::thread::spawn(move || executor.run(&spec))
    };
    soon("it runs", || there(&subject, "started"));
    executor.cancel(0, Duration::ZERO);
    assert!(runner.join().expect("a thread").is_ok());
    assert!(!lives(pid(&subject, "marked")) && !lives(pid(&subject, "bare")));
    let orphan = pid(&subject, "orphan");
    assert!(lives(orphan));
    signal(orphan, Signal::KILL);
}

/// Twin of `store::escapes::a_grandchild_that_left_and_holds_the_pipe_keeps_nobody`: whoever reads to the end of the pipe
/// waits for the grandchild.
#[test]
fn the_pipe_of_a_grandchild_has_no_end_while_it_lives() {
    let mut child = Command::new("sh")
        .args(["-c", "setsid sleep 600 & echo $!"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    child.wait().expect("an end");
    let pipe = out.into_inner();
    let none = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [rustix::event::PollFd::from_borrowed_fd(pipe.as_fd(), rustix::event::PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut fds, Some(&none)), Ok(0), "its end has come");
    signal(line.trim().parse().expect("a number"), Signal::KILL);
}

/// A process may not be tied to the thread that started it: workers come and go, and what hangs on one would be killed
/// with it. The engine's death is dealt with by the fence instead.
#[test]
fn no_process_is_tied_to_a_worker_thread() {
    let tied = |text: &str| text.contains("PDEATHSIG") || text.contains("parent_process_death_signal");
    assert!(tied("set_parent_process_death_signal(Some(Signal::KILL))"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        assert!(!tied(&text), "{}", entry.path().display());
    }
}

/// What a stage has open besides its own three, when the engine was given `extra`; and what the engine has.
fn descriptors(extra: &str) -> (Vec<String>, String) {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  ls -l /proc/self/fd > own\n  ls -l \"/proc/$PPID/fd\" > engine\n  \"\"\" }\n",
    );
    let run = subject.wfl(&["run", "all.wfl"]);
    // Whoever runs these tests may have handed some down.
    let closes = "for n in /proc/self/fd/*; do n=${n##*/}; [ $n -le 2 ] || eval \"exec $n>&-\"; done";
    let script = format!("{closes}; {extra} exec \"$0\" \"$@\"");
    let status = under(&run, Command::new("bash").args(["-c", &script]), run.get_program()).status();
    assert!(status.expect("bash starts").success());
    let own = subject.read("own");
    let files = own.lines().filter_map(|line| line.split_once(" -> ")).filter_map(|(number, file)| {
        let number: u32 = number.rsplit(' ').next()?.parse().ok()?;
        (number > 2 && !file.starts_with("/proc/")).then(|| file.to_string())
    });
    (files.collect(), subject.read("engine"))
}

#[test]
fn a_stage_inherits_no_descriptor_of_the_engine() {
    let (own, engine) = descriptors("");
    assert!(engine.contains("state.db") && engine.contains(".lock"), "{engine}");
    assert_eq!(own, Vec::<String>::new());
    // The twin: what the caller itself hands down, as make does with its jobserver, does arrive.
    let (own, _) = descriptors("exec 7< /dev/zero;");
    assert_eq!(own, ["/dev/zero"]);
}

/// `wfl run | head -1`: the reader goes while the stage still runs.
#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  while [ ! -e gone ]; do sleep 0.02; done\n  \"\"\" }\nstage b { needs a; exec \"true\" }\n",
    );
    let mut command = subject.wfl(&["run", "all.wfl", "--format", "json"]);
    let mut engine = command.stdout(Stdio::piped()).spawn().expect("wfl starts");
    let mut out = BufReader::new(engine.stdout.take().expect("a pipe"));
    out.read_line(&mut String::new()).expect("a line");
    drop(out);
    subject.write("gone", "");
    assert_eq!(engine.wait().expect("an end").code(), Some(0));
    let run = subject.newest_run().expect("a run");
    assert!(subject.statuses(&run).values().all(|status| status == "succeeded"));
}

fn stages(count: usize, actions: &str) -> String {
    (0..count).map(|index| format!("stage s{index} {{ {actions} }}\n")).collect()
}

fn all_succeeded(subject: &Subject, count: usize) {
    let run = subject.newest_run().expect("a run");
    let statuses = subject.statuses(&run);
    assert_eq!(statuses.values().filter(|status| *status == "succeeded").count(), count, "{statuses:?}");
}

#[test]
fn an_engine_stopped_and_continued_at_any_moment_goes_on() {
    let subject = Subject::with(&stages(60, "exec \"true\""));
    let mut engine = subject.wfl(&["run", "all.wfl", "-j", "4"]).spawn().expect("wfl starts");
    let number = engine.id() as i32;
    let mut stopped = 0;
    while engine.try_wait().expect("a child").is_none() {
        signal(number, Signal::STOP);
        soon("it stands still or has ended", || matches!(state(number), Some('T' | 'Z') | None));
        stopped += u32::from(state(number) == Some('T'));
        signal(number, Signal::CONT);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(engine.wait().expect("an end").code(), Some(0));
    assert!(stopped > 0, "it was never seen stopped");
    all_succeeded(&subject, 60);
}

/// Few descriptors for many stages.
#[test]
fn few_descriptors_lower_parallelism_and_fail_no_stage() {
    let subject = Subject::with(&stages(30, "exec \"sh\", \"-c\", \"echo x; sleep 0.05\""));
    let arguments = ["run", "all.wfl", "-j", "20"];
    let run = subject.wfl(&arguments);
    let mut limited = under(&run, Command::new("prlimit").arg("--nofile=36"), run.get_program());
    let Ok(output) = limited.stdout(Stdio::null()).stderr(Stdio::piped()).output() else {
        return eprintln!("not tried: `prlimit` is not installed");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("no room to start"), "{said}");
    all_succeeded(&subject, 30);
    // The twin: with descriptors enough nothing is said.
    let said = subject.end(&arguments).expect_code(0).err;
    assert!(!said.contains("no room to start"), "{said}");
}

/// Few processes for many stages. Only a user who is not root has such a limit.
#[test]
fn few_processes_lower_parallelism_and_fail_no_stage() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("not tried: only root can take on a user that runs nothing else");
    }
    let subject = Subject::with(&stages(20, "exec \"sleep\", \"0.1\""));
    let program = subject.root.join("wfl-here");
    fs::copy(env!("CARGO_BIN_EXE_wfl"), &program).expect("a copy");
    let folder = subject.root.parent().expect("a folder");
    let user = (600_000 + std::process::id()).to_string();
    let owned = Command::new("chown").args(["-R", &user]).arg(folder).status();
    let run = subject.wfl(&["run", "all.wfl", "-j", "8"]);
    let mut as_user = Command::new("setpriv");
    as_user.args(["--reuid", &user, "--clear-groups", "prlimit", "--nproc=14"]);
    let output = under(&run, &mut as_user, program.as_os_str()).stderr(Stdio::piped()).output();
    let (Ok(true), Ok(output)) = (owned.map(|status| status.success()), output) else {
        return eprintln!("not tried: `setpriv` is not installed");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("no room to start"), "{said}");
    all_succeeded(&subject, 20);
}

/// The command `run`, started by `around`.
fn under(run: &Command, around: &mut Command, program: &std::ffi::OsStr) -> Command {
    let mut command = Command::new(around.get_program());
    command.args(around.get_args()).arg(program).args(run.get_args());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(run.get_current_dir().expect("a folder")).stdin(Stdio::null());
    command
}

/// The kernel counts what it kills for lack of memory on the whole machine: no test that is killed otherwise runs beside.
fn memory_alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A memory group of 64 MB, of either generation; none where this user may not make one.
struct Group(std::path::PathBuf);

impl Group {
    fn new() -> Option<Group> {
        let name = format!("wfl-test-{}", std::process::id());
        let limits = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        limits.iter().find_map(|(parent, limit)| {
            let group = Group(Path::new(parent).join(&name));
            fs::create_dir(&group.0).ok()?;
            let _ = fs::write(group.0.join("memory.swap.max"), "0");
            fs::OpenOptions::new().write(true).open(group.0.join(limit)).ok()?;
            fs::write(group.0.join(limit), "67108864").ok().map(|()| group)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        soon("the group is empty", || fs::remove_dir(&self.0).is_ok() || !self.0.exists());
    }
}

#[test]
fn a_stage_that_ran_out_of_memory_is_named_so_and_one_that_was_killed_is_not() {
    let _alone = memory_alone();
    let Some(group) = Group::new() else {
        return eprintln!("not tried: this user may make no memory group");
    };
    let subject = Subject::with(&format!(
        "stage hog {{ run sh \"\"\"\n  echo $$ > {}/cgroup.procs\n  head -c 300000000 /dev/zero | tail > /dev/null\n  \"\"\" }}\n\
         stage shot {{ run sh \"\"\"\n  kill -KILL $$\n  \"\"\" }}\n",
        group.0.display()
    ));
    subject.end(&["run", "all.wfl", "-j", "1", "--keep-going"]).expect_code(1);
    let run = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    let class = |stage: usize| shown["stages"][stage]["attempts"][0]["class"].clone();
    assert_eq!((class(0), class(1)), ("out-of-memory".into(), "signal".into()), "{shown}");
    let reason = shown["stages"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("out of memory"), "{reason}");
}

/// The program on a terminal of its own, typed at while it runs; none without `script`.
pub fn terminal(subject: &Subject, line: &str) -> Option<Child> {
    let mut command = Command::new("script");
    command.args(["-qec", line, "/dev/null"]).current_dir(&subject.root);
    command.env("WFL_STATE_DIR", &subject.state).env_remove("CI").env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    match command.spawn() {
        Ok(child) => Some(child),
        Err(_) => {
            eprintln!("not tried: `script` is not installed");
            None
        }
    }
}

fn types(child: &mut Child, keys: &[u8]) {
    use std::io::Write;
    let input = child.stdin.as_mut().expect("an input");
    input.write_all(keys).and_then(|()| input.flush()).expect("typing");
}

/// How it ended. Its output is read on, or it would stand still when the pipe is full.
fn ends(mut child: Child) -> Option<i32> {
    let mut out = child.stdout.take().expect("an output");
    let reader = std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
    let code = child.wait().expect("an end").code();
    let _ = reader.join();
    code
}

fn wfl(arguments: &str) -> String {
    format!("{} {arguments}", env!("CARGO_BIN_EXE_wfl"))
}

/// Writes down each signal it gets.
const HEARS: &str = "\
trap 'echo int >> heard' INT
trap 'echo term >> heard; exit 0' TERM
echo on > started
while :; do sleep 0.02; done
";

#[test]
fn one_press_reaches_a_stage_once() {
    let subject = Subject::with(&format!("stage a {{ run sh \"\"\"\n{HEARS}\"\"\" }}\n"));
    let Some(mut run) = terminal(&subject, &wfl("run all.wfl")) else { return };
    soon("it runs", || there(&subject, "started"));
    types(&mut run, b"\x03");
    assert_eq!(ends(run), Some(130));
    assert_eq!(subject.read("heard"), "term\n");
    // The twin: what shares the terminal's foreground group hears the key itself.
    let shared = Subject::new();
    shared.write("hears.sh", HEARS);
    // Who starts the tests in the background may have switched the signal off; a shell could not trap it then.
    let Some(mut run) = terminal(&shared, "exec env --default-signal=INT sh hears.sh") else { return };
    soon("it runs", || there(&shared, "started"));
    // A key that comes before the terminal is set up is lost.
    let keys = std::cell::RefCell::new(&mut run);
    soon("it heard", || {
        types(&mut keys.borrow_mut(), b"\x03");
        std::thread::sleep(Duration::from_millis(50));
        there(&shared, "heard") && shared.read("heard").starts_with("int\n")
    });
    let _ = run.kill();
    let _ = run.wait();
}

#[test]
fn a_second_press_forces() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  trap 'echo > heard' TERM\n  echo on > started\n  while :; do sleep 0.02 || :; done\n  \"\"\" }\n",
    );
    let Some(mut run) = terminal(&subject, &wfl("run all.wfl")) else { return };
    soon("it runs", || there(&subject, "started"));
    types(&mut run, b"\x03");
    soon("it heard", || there(&subject, "heard"));
    // One press is not enough for it: its grace has only begun.
    assert!(run.try_wait().expect("a child").is_none());
    types(&mut run, b"\x03");
    assert_eq!(ends(run), Some(130));
    let newest = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &newest, "--format", "json"]);
    assert_eq!(shown["stages"][0]["attempts"][0]["exit"], 137, "{shown}");
}

/// Ctrl-Z, the stage ends while the engine is stopped, then `fg`.
#[test]
fn an_engine_stopped_at_the_terminal_goes_on_in_the_foreground() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  echo $PPID > engine\n  echo on > started\n  while [ ! -e go ]; do sleep 0.02; done\n  echo > ended\n  \"\"\" }\nstage b { needs a; exec \"touch\", \"b\" }\n",
    );
    let line = format!(
        "bash -c 'set -m; {}; echo > stopped; while [ ! -e on ]; do sleep 0.02; done; fg; echo $? > code'",
        wfl("run all.wfl")
    );
    let Some(mut run) = terminal(&subject, &line) else { return };
    soon("it runs", || there(&subject, "started"));
    types(&mut run, b"\x1a");
    soon("it is stopped", || there(&subject, "stopped"));
    assert_eq!(state(pid(&subject, "engine")), Some('T'));
    subject.write("go", "");
    soon("the stage ended meanwhile", || there(&subject, "ended"));
    assert!(!there(&subject, "b"), "nothing starts while the engine is stopped");
    subject.write("on", "");
    ends(run);
    assert_eq!(subject.read("code"), "0\n");
    assert!(there(&subject, "b"));
}

/// One in the background that reads the terminal would be stopped by the kernel, and nobody would ever know why.
#[test]
fn a_stage_cannot_get_at_the_terminal() {
    let reads = "if read answer < /dev/tty; then echo read > seen; else echo none > seen; fi";
    let subject = Subject::with(&format!("stage a {{ run sh \"\"\"\n  {reads}\n  \"\"\" }}\n"));
    let Some(run) = terminal(&subject, &wfl("run all.wfl")) else { return };
    assert_eq!(ends(run), Some(0));
    assert_eq!(subject.read("seen"), "none\n");
    // The twin: on the same terminal, where one may.
    let twin = Subject::new();
    twin.write("reads.sh", reads);
    let Some(mut run) = terminal(&twin, "exec sh reads.sh") else { return };
    types(&mut run, b"yes\n");
    ends(run);
    assert_eq!(twin.read("seen"), "read\n");
}
