//! Git's own program, run so that it does nothing beside what it is asked: no hooks, no file-system monitor, no prompt, no
//! pager, no transport, nothing taken from `GIT_…` of the environment, and an end to its time. Does not know what it is
//! asked for.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Settings that would run programs, write on the side or change bytes.
const SAFE: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=keep",
    "core.autocrlf=false",
    "core.safecrlf=false",
    "core.protectNTFS=false",
    "core.protectHFS=false",
    "protocol.allow=never",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
];
/// Where the user's settings lie and where a search for a repository ends is theirs to say.
const LEFT: &[&str] = &[
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "GIT_EXEC_PATH",
];
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a git that failed may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How git is to be called: where, with what of its own.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
    variables: Vec<(&'static str, OsString)>,
    settings: Vec<String>,
    patience: Duration,
}

impl Git {
    /// In this folder; git finds the repository itself.
    pub fn at(folder: &Path) -> Git {
        Git { folder: folder.to_owned(), variables: Vec::new(), settings: Vec::new(), patience: PATIENCE }
    }

    /// With a variable of git's own, such as `GIT_DIR`.
    pub fn with(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Git {
        self.variables.push((name, value.as_ref().to_owned()));
        self
    }

    /// With a setting, `core.fsync=all`.
    pub fn set(mut self, setting: &str) -> Git {
        self.settings.push(setting.to_owned());
        self
    }

    /// With another bound of its time.
    pub fn within(mut self, patience: Duration) -> Git {
        self.patience = patience;
        self
    }

    /// What it writes to standard output; an error when it fails.
    pub fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        self.feed(arguments, &[])
    }

    /// The same, with this to read.
    pub fn feed(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let mut child = self.start(arguments)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // Who writes and who reads may not wait for each other. Not joined: a program that git started may hold the
        // pipes longer than git lives.
        let input = input.to_vec();
        std::thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(&input)));
        let words = on_its_own(stderr, 1 << 16);
        let output = on_its_own(stdout, u64::MAX).recv_timeout(self.patience);
        let what = arguments.first().copied().unwrap_or_default();
        let Ok(output) = output else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("git {what} did not end within {} seconds", self.patience.as_secs_f32()));
        };
        let status = child.wait().map_err(|e| format!("cannot wait for git: {e}"))?;
        match status.success() {
            true => output.map_err(|e| format!("cannot read what git says: {e}")),
            false => {
                let words = words.recv_timeout(LAST_WORDS).ok().and_then(Result::ok).unwrap_or_default();
                Err(said(what, &String::from_utf8_lossy(&words)))
            }
        }
    }

    fn start(&self, arguments: &[&str]) -> Result<Child, String> {
        let mut command = Command::new("git");
        for setting in SAFE.iter().copied().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        command.arg("--no-pager").args(arguments).current_dir(&self.folder);
        let foreign = |name: &OsStr| {
            name.as_bytes().starts_with(b"GIT_")
                && !LEFT.iter().any(|left| name.as_bytes() == left.as_bytes())
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| foreign(name)) {
            command.env_remove(name);
        }
        command
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => "the program git is not installed".to_string(),
            _ => format!("cannot start git: {e}"),
        })
    }

    /// Reads objects, one after the other.
    pub fn objects(&self) -> Result<Objects, String> {
        let mut child = self.start(&["cat-file", "--batch"])?;
        // Nobody reads what it complains of; it must not wait for that.
        drop(child.stderr.take());
        match (child.stdin.take(), child.stdout.take()) {
            (Some(ask), Some(answers)) => {
                Ok(Objects { child, ask: Some(ask), answers: BufReader::new(answers) })
            }
            _ => Err("git has no pipes".into()),
        }
    }
}

/// Reads to the end, or so far, on a thread of its own.
fn on_its_own(pipe: Option<impl Read + Send + 'static>, most: u64) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = pipe.map_or(Ok(0), |pipe| pipe.take(most).read_to_end(&mut text));
        let _ = tell.send(read.map(|_| text));
    });
    told
}

fn said(what: &str, words: &str) -> String {
    match words.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => {
            format!("git {what}: {}", line.trim_start_matches("fatal: ").trim_start_matches("error: "))
        }
        None => format!("git {what} failed without a word"),
    }
}

/// A git that gives out objects as long as it is asked.
#[derive(Debug)]
pub struct Objects {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    /// Copies an object's content; false when there is none.
    pub fn copy(&mut self, id: &str, to: &mut dyn Write) -> io::Result<bool> {
        let Some(ask) = &mut self.ask else { return Ok(false) };
        ask.write_all(format!("{id}\n").as_bytes())?;
        ask.flush()?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        // `<id> <kind> <size>`, or `<id> missing`.
        let Some(size) = head.trim_end().split(' ').nth(2).and_then(|size| size.parse::<u64>().ok()) else {
            return match head.trim_end().ends_with("missing") {
                true => Ok(false),
                false => Err(io::Error::other("git ended while it gave out an object")),
            };
        };
        let mut content = (&mut self.answers).take(size);
        let copied = io::copy(&mut content, to);
        // A writer that failed leaves a rest that would be taken for the next answer.
        io::copy(&mut content, &mut io::sink())?;
        let mut end = [0];
        self.answers.read_exact(&mut end)?;
        match copied? == size {
            true => Ok(true),
            false => Err(io::Error::other("git ended in the middle of an object")),
        }
    }

    /// An object's content.
    pub fn get(&mut self, id: &str) -> io::Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        Ok(self.copy(id, &mut content)?.then_some(content))
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        drop(self.ask.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fields ended by NUL.
pub fn fields(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output.split(|byte| *byte == 0).filter(|part| !part.is_empty())
}

/// Bytes as a path.
pub fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// A path as a line that git reads back, whatever is in it.
pub fn quoted(path: &[u8]) -> Vec<u8> {
    if !path.iter().any(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7f)) {
        return path.to_vec();
    }
    let mut line = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' => line.extend([b'\\', *byte]),
            0x20..=0x7e => line.push(*byte),
            other => line.extend(format!("\\{other:03o}").into_bytes()),
        }
    }
    line.push(b'"');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_refuses_is_said_in_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let refused = Git::at(dir.path()).run(&["rev-parse", "HEAD"]).unwrap_err();
        assert!(refused.starts_with("git rev-parse: not a git repository"), "{refused}");
    }

    #[test]
    fn a_git_that_does_not_end_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mut git = Git::at(dir.path()).set("alias.wait=!sleep 5");
        git.patience = Duration::from_millis(50);
        let refused = git.run(&["wait"]).unwrap_err();
        assert!(refused.contains("did not end"), "{refused}");
    }

    #[test]
    fn objects_come_one_after_the_other_and_a_missing_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let git = Git::at(dir.path());
        git.run(&["init", "--quiet"]).unwrap();
        let put = |text: &[u8]| {
            String::from_utf8(git.feed(&["hash-object", "-w", "--stdin"], text).unwrap()).unwrap()
        };
        let (one, two) = (put(b"one\n"), put(b""));
        let mut objects = git.objects().unwrap();
        assert_eq!(objects.get(one.trim()).unwrap(), Some(b"one\n".to_vec()));
        assert_eq!(objects.get(&"1".repeat(40)).unwrap(), None);
        assert_eq!(objects.get(two.trim()).unwrap(), Some(Vec::new()));
        assert_eq!(objects.get(one.trim()).unwrap(), Some(b"one\n".to_vec()));
    }

    #[test]
    fn a_line_holds_any_name() {
        assert_eq!(quoted("pläin 'x'".as_bytes()), "pläin 'x'".as_bytes());
        assert_eq!(quoted(b"a\nb\"\\\r"), b"\"a\\012b\\\"\\\\\\015\"");
    }
}
