//! What stages print, when there is too much of it, when it is hostile, and when nobody or nothing takes it.
//! `WFL_BYTES` sets how much is "too much": 200 MB by default, 10 GB in a soak.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::subject::Subject;

/// Peak resident memory may grow by so much over a run that prints little.
const GROWTH: u64 = 16 << 20;

fn bytes() -> u64 {
    std::env::var("WFL_BYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(200_000_000)
}

/// A stage that prints so many bytes, a thousand a line.
fn prints(count: u64) -> String {
    format!("stage a {{ run sh \"\"\"\n  yes \"$(printf %0999d 7)\" | head -c {count}\n  \"\"\" }}\n")
}

/// The program where only ASCII can be shown.
fn ascii(subject: &Subject, arguments: &[&str]) -> Command {
    let mut command = subject.wfl(arguments);
    command.env("LC_ALL", "C");
    command
}

/// The most memory a process had, asked for until it ends.
fn peak(child: &mut Child) -> u64 {
    let mut most = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        most = most.max(kib.unwrap_or(0) << 10);
        if child.try_wait().expect("a child").is_some() {
            return most;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How the end of a pipe is read.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    Fast,
    /// Much slower than the stage writes.
    Slow,
}

/// Runs the lane while `reader` takes what is shown; gives the peak memory and how much was shown.
fn peak_of_run(stage: &str, arguments: &[&str], reader: Reader) -> (u64, u64) {
    let subject = Subject::with(stage);
    let mut words = vec!["run", "all.wfl"];
    words.extend(arguments);
    let mut command = subject.wfl(&words);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("wfl starts");
    let mut pipe = child.stderr.take().expect("a pipe");
    let taker = std::thread::spawn(move || {
        let (mut buffer, mut all) = (vec![0; 1 << 16], 0);
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            all += count as u64;
            if reader == Reader::Slow {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        all
    });
    let most = peak(&mut child);
    assert!(child.wait().expect("an end").success());
    (most, taker.join().expect("a reader"))
}

#[test]
fn much_output_takes_no_memory() {
    let (little, _) = peak_of_run(&prints(1000), &[], Reader::Fast);
    let (much, _) = peak_of_run(&prints(bytes()), &[], Reader::Fast);
    assert!(much < little + GROWTH, "{little} bytes of memory grew to {much}");
}

#[test]
fn much_output_shown_to_a_slow_reader_takes_no_memory() {
    let count = bytes() / 4;
    for mode in ["interleaved", "prefixed", "grouped"] {
        let arguments = ["--output", mode];
        let (little, _) = peak_of_run(&prints(1000), &arguments, Reader::Slow);
        let (much, shown) = peak_of_run(&prints(count), &arguments, Reader::Slow);
        assert!(much < little + GROWTH, "{mode}: {little} bytes of memory grew to {much}");
        // A block is what the log holds, and a cut one says so.
        let wanted = if mode == "grouped" { count.min(64_000_000) } else { count };
        assert!(shown > wanted, "{mode}: all is shown, {shown}");
    }
}

/// The twin: who keeps what it reads is seen to grow.
#[test]
fn the_meter_of_memory_sees_what_is_kept() {
    let mut child = Command::new("dd")
        .args(["if=/dev/zero", "of=/dev/null", "bs=64M", "count=20"])
        .stderr(Stdio::null())
        .spawn()
        .expect("dd starts");
    assert!(peak(&mut child) > GROWTH * 3);
}

/// Starts `command` with both streams into one pipe, reads a line and closes it; how it ended.
fn with_a_reader_that_leaves(mut command: Command) -> Option<i32> {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    command.stdout(writer.try_clone().expect("a pipe")).stderr(writer).stdin(Stdio::null());
    let mut child = command.spawn().expect("a start");
    drop(command);
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(64, reader);
    reader.read_line(&mut line).expect("a line");
    assert!(!line.is_empty());
    drop(reader);
    child.wait().expect("an end").code()
}

#[test]
fn a_reader_that_leaves_changes_nothing_of_the_run() {
    let text = "stage a { run sh \"\"\"\n  for i in 1 2 3 4 5 6 7 8 9; do echo line; done; sleep 0.2; yes | head -c 1000000\n  \"\"\" }\n\
                stage b { needs a; exec \"true\" }\n";
    for arguments in [["--output", "interleaved"], ["--output", "grouped"], ["--format", "json"]] {
        let subject = Subject::with(text);
        let code = with_a_reader_that_leaves(subject.wfl(&[&["run", "all.wfl"], &arguments[..]].concat()));
        assert_eq!(code, Some(0), "{arguments:?}");
        let run = subject.newest_run().expect("a run");
        let statuses = subject.statuses(&run);
        assert!(statuses.len() == 2 && statuses.values().all(|status| status == "succeeded"), "{statuses:?}");
        let mut log = subject.wfl(&["logs", &run, "a"]);
        let log = log.stdout(Stdio::piped()).output().expect("logs");
        assert_eq!(log.stdout.len(), 1_000_000 + 9 * 5, "the log is whole");
    }
}

/// The twin: a program without that care ends when its reader leaves.
#[test]
fn a_program_without_care_dies_of_a_reader_that_leaves() {
    assert_ne!(with_a_reader_that_leaves(Command::new("yes")), Some(0));
}

/// What `wfl logs` gives, byte by byte.
fn logged(subject: &Subject, stage: &str) -> Vec<u8> {
    let mut command = subject.wfl(&["logs", "last", stage]);
    command.stdout(Stdio::piped()).output().expect("logs").stdout
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let all: Vec<u8> = (0..=255).chain([0xff, 0xfe, b'\n', 0, b'\r', 0xc3]).collect();
    let subject = Subject::with("stage a { exec \"cat\", \"bytes\" }\n");
    subject.write("bytes", &all);
    for mode in ["interleaved", "prefixed", "grouped", "failed"] {
        subject.end(&["run", "all.wfl", "--output", mode]).expect_code(0);
        assert_eq!(logged(&subject, "a"), all, "{mode}");
    }
    // The twin: the same bytes as text are not the same.
    assert_ne!(subject.end(&["logs", "last", "a"]).out.as_bytes(), all);
}

#[test]
fn one_endless_line_is_kept() {
    let count = std::env::var("WFL_BYTES").map_or(64_000_000, |_| 1_000_000_000);
    let stage = format!("stage a {{ run sh \"\"\"\n  head -c {count} /dev/zero | tr '\\0' x\n  \"\"\" }}\n");
    let subject = Subject::with(&format!("project {{ keep {{ log-size 2GB }} }}\n{stage}"));
    subject.end(&["run", "all.wfl", "--output", "none"]).expect_code(0);
    let log = logged(&subject, "a");
    assert!(log.len() == count && log.iter().all(|byte| *byte == b'x'), "{} bytes", log.len());
    // The twin: with less room for it the log is cut, says so, and keeps both its ends.
    let small = Subject::with(&format!("project {{ keep {{ log-size 1MB }} }}\n{stage}"));
    small.end(&["run", "all.wfl"]).expect_code(0);
    let ended = small
        .end(&["logs", "last", "a"])
        .expect_code(0)
        .says("wfl: the log is cut here")
        .says("the end follows");
    assert!(ended.out.len() <= 1_000_000 && ended.out.len() > 900_000, "{}", ended.out.len());
}

#[test]
fn a_block_of_a_cut_log_says_so_on_a_line_of_its_own() {
    let subject = Subject::with(&format!("project {{ keep {{ log-size 10KB }} }}\n{}", prints(100_000)));
    let shown = subject.end(&["run", "all.wfl", "--output", "grouped"]).expect_code(0).err;
    assert!(shown.lines().any(|line| line.starts_with("    wfl: the log is cut here: ")), "{shown}");
    assert!(shown.lines().any(|line| line.ends_with(" bytes are left out here; the end follows")), "{shown}");
}

/// Sequences that would do something to a terminal, none of them a colour.
const HOSTILE: &[&str] = &[
    "\\033]0;title\\007",
    "\\033]2;title\\033\\\\",
    "\\033]8;;http://evil.example\\033\\\\link\\033]8;;\\033\\\\",
    "\\033]52;c;ZXZpbA==\\007",
    "\\033]1337;File=inline=1:AAAA\\007",
    "\\033P+q544e\\033\\\\",
    "\\033_Gf=100;AAAA\\033\\\\",
    "\\033[2J\\033[1;1H\\033[?1049h\\033[6n\\033[5i",
    "\\033c\\033(0\\0337\\033#8",
    "\\302\\2332J\\302\\235title\\302\\234",
    "\\2332J\\235title\\234",
    "a\\bb\\007\\016\\017\\177",
    "\\342\\200\\256desrever\\342\\201\\246x\\342\\201\\251",
];

fn hostile_stage(name: &str, end: &str) -> String {
    let prints: String = HOSTILE.iter().map(|text| format!("  printf '{text}\\n'\n")).collect();
    format!(
        "stage {name} {{ run sh \"\"\"\n{prints}  printf '\\033[1;31mred\\033[0m\\n'\n  {end}\n  \"\"\" }}\n"
    )
}

/// What is left that a terminal would obey, colours aside.
fn obeyed(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text).into_owned();
    let colours = regex::Regex::new("\x1b\\[[0-9;:]*m").expect("a pattern");
    let rest = colours.replace_all(&text, "");
    let bad = |c: &char| {
        (c.is_control() && *c != '\n' && *c != '\t')
            || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    rest.chars().filter(bad).map(|c| format!("{c:?}")).collect()
}

#[test]
fn nothing_but_colour_reaches_a_terminal() {
    for mode in ["interleaved", "prefixed", "grouped", "failed"] {
        let subject = Subject::with(&hostile_stage("a", "exit 1"));
        let mut command = subject.wfl(&["run", "all.wfl", "--output", mode, "--color", "always"]);
        let shown = command.env_remove("NO_COLOR").stderr(Stdio::piped()).output().expect("a run").stderr;
        assert_eq!(obeyed(&shown), [""; 0], "{mode}");
        let text = String::from_utf8_lossy(&shown);
        assert!(text.contains("\x1b[1;31mred") && text.contains("^[]52;c;"), "{mode}: {text}");
        // The twin: a pipe gets the bytes, and they would do a lot.
        assert!(obeyed(&logged(&subject, "a")).len() > 20);
    }
}

/// What the runner of GitHub Actions would do, given what it is shown: the commands it obeys.
fn commands(text: &str) -> Vec<String> {
    let (mut obeyed, mut waits_for) = (Vec::new(), None::<String>);
    for line in text.lines().map(str::trim_start) {
        match &waits_for {
            Some(token) if *line == format!("::{token}::") => waits_for = None,
            Some(_) => {}
            None => match line.strip_prefix("::stop-commands::") {
                Some(token) => waits_for = Some(token.to_string()),
                None if line.starts_with("::") || line.contains("##[") => obeyed.push(line.to_string()),
                None => {}
            },
        }
    }
    assert_eq!(waits_for, None, "commands work again afterwards");
    obeyed
}

#[test]
fn no_command_is_taken_from_what_a_stage_prints() {
    let stage = "stage a { run sh \"\"\"\n  echo '::set-output name=app::evil'\n  echo '  ::add-mask::x'; echo '##[error]x' >&2\n  \
                 echo '::error file=x::forged' >&2; echo '{\"out\":{\"app\":\"evil\"}}'; echo 'app=evil'; exit 1\n  \"\"\" }\n";
    for mode in ["interleaved", "prefixed", "grouped", "failed", "none"] {
        let subject = Subject::with(stage);
        let mut command = subject.wfl(&["run", "all.wfl", "--output", mode]);
        command.env("GITHUB_ACTIONS", "true");
        let ended = subject.end_of(command).expect_code(1);
        let ours: Vec<String> = commands(&ended.err);
        let known = ["::group::a", "::endgroup::", "::error file=all.wfl,line=2,title=a failed::exit code 1"];
        assert!(ours.iter().all(|line| known.contains(&line.as_str())), "{mode}: {ours:?}\n{}", ended.err);
        assert!(ours.contains(&known[2].to_string()), "{mode}: {ours:?}");
        let shown = subject.json(&["show", "last", "--format", "json"]);
        assert!(!shown.to_string().contains("evil"), "outputs come from files alone: {shown}");
        // The twin: the same output shown bare.
        assert!(commands(&String::from_utf8_lossy(&logged(&subject, "a"))).len() >= 4);
    }
}

#[test]
fn a_stage_cannot_forge_lines_of_another() {
    let forged = "stage a { run sh \"\"\"\n  echo '✓ deploy 1.2s'; echo 'deploy | done'\n  \
                  printf '\\005\\000\\000\\000\\002\\000\\000\\000\\000\\000\\000\\000\\000evil!\\n'\n  \
                  echo '{\"stage\":\"deploy\",\"line\":\"done\"}'\n  \"\"\" }\nstage deploy { exec \"true\" }\n";
    let subject = Subject::with(forged);
    let shown =
        subject.end_of(ascii(&subject, &["run", "all.wfl", "--output", "prefixed"])).expect_code(0).err;
    for line in shown.lines().filter(|line| line.contains("1.2s") || line.contains("done")) {
        assert!(line.starts_with("a |"), "{line}");
    }
    let lines = subject.end(&["logs", "last", "--format", "json"]).expect_code(0).out;
    let stages: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an object")["stage"].to_string())
        .collect();
    assert_eq!(stages, vec!["\"a\""; 4]);
    // The twin: without names such a line looks like ours.
    let bare = subject.end(&["run", "all.wfl", "--output", "interleaved"]).expect_code(0).err;
    assert!(bare.lines().any(|line| line.starts_with("✓ deploy")), "{bare}");
}

fn log_cut(subject: &Subject) -> bool {
    let ended = subject.end(&["run", "all.wfl", "--format", "json"]).expect_code(0);
    let events: Vec<serde_json::Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let finished: Vec<&serde_json::Value> =
        events.iter().filter(|event| event["type"] == "attempt.finished").collect();
    assert_eq!(finished.len(), 2);
    finished[0]["outcome"]["log_cut"].as_bool().expect("whether it was cut")
}

/// A file system that is full, mounted until dropped; none without the right to mount one.
struct Full(std::path::PathBuf);

impl Full {
    fn at(folder: &std::path::Path) -> Option<Full> {
        fs::create_dir_all(folder).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(folder).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Full(folder.to_path_buf()))
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_for_logs_alone_cuts_the_log_and_nothing_else() {
    let text = format!("{}stage b {{ needs a; exec \"true\" }}\n", prints(1_000_000));
    let subject = Subject::with(&text);
    let Some(_full) = Full::at(&subject.state.join("logs")) else {
        eprintln!("not tried: no right to mount a file system");
        return;
    };
    assert!(log_cut(&subject));
    let ended = subject.end(&["logs", "last", "a"]).expect_code(0);
    assert!(
        !ended.out.is_empty() && ended.out.len() < 512 << 10,
        "what fitted is there: {}",
        ended.out.len()
    );
    assert!(ended.out.bytes().all(|byte| b"07\n".contains(&byte)), "in whole records");
    assert!(subject.statuses("last").values().all(|status| status == "succeeded"));
}

#[test]
fn logs_that_cannot_be_written_at_all_change_nothing_else() {
    let subject = Subject::with(&format!("{}stage b {{ needs a; exec \"true\" }}\n", prints(1000)));
    // The twin first: where there is room, nothing is cut.
    assert!(!log_cut(&subject));
    fs::remove_dir_all(subject.state.join("logs")).expect("logs");
    fs::write(subject.state.join("logs"), "in the way").expect("a file");
    assert!(log_cut(&subject));
}

#[test]
fn events_come_one_a_line_and_at_once() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  until [ -e go ]; do sleep 0.02; done\n  \"\"\" }\nstage b { needs a; exec \"true\" }\n",
    );
    let mut command = subject.wfl(&["run", "all.wfl", "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("wfl starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut events: Vec<serde_json::Value> = Vec::new();
    for line in &mut lines {
        events.push(serde_json::from_str(&line.expect("a line")).expect("an object"));
        // Only one who was told that it runs lets it end.
        if events.last().is_some_and(|event| event["type"] == "stage.started") {
            subject.write("go", "");
        }
    }
    assert!(child.wait().expect("an end").success());
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], index as u64 + 1);
        assert!(["at", "run", "type"].iter().all(|field| event[field].is_string()), "{event}");
    }
    let last = events.last().expect("events");
    assert_eq!((last["type"].as_str(), last["status"].as_str()), (Some("run.finished"), Some("succeeded")));
}
