//! A throw-away project with its own state folder, and the built program to run in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

pub struct Subject {
    _folder: tempfile::TempDir,
    pub root: PathBuf,
    pub state: PathBuf,
}

/// What a command printed and how it ended.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Subject {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("project");
        fs::create_dir_all(&root).expect("a folder");
        Subject { root, state: folder.path().join("state"), _folder: folder }
    }

    /// A project whose `all.wfl` holds `text`, edition line added.
    pub fn with(text: &str) -> Self {
        let subject = Subject::new();
        subject.write("all.wfl", format!("wfl 1\n{text}"));
        subject
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    pub fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@team.example",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(arguments)
            .current_dir(&self.root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("git starts");
        assert!(status.success(), "git {arguments:?}");
    }

    /// `git init` with everything committed under `subject`.
    pub fn commit_all(&self, subject: &str) {
        if !self.root.join(".git").exists() {
            self.git(&["init", "-q"]);
            self.git(&["config", "user.email", "ada@team.example"]);
            self.git(&["config", "user.name", "Ada"]);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
    }

    /// The program, silent, no terminal, its own state folder.
    pub fn wfl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wfl"));
        command
            .args(arguments)
            .current_dir(&self.root)
            .env("WFL_STATE_DIR", &self.state)
            .env("NO_COLOR", "1");
        command.env_remove("CI").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub fn end(&self, arguments: &[&str]) -> Ended {
        self.end_of(self.wfl(arguments))
    }

    pub fn end_of(&self, mut command: Command) -> Ended {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("wfl starts");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.end(arguments).out).unwrap_or(Value::Null)
    }

    pub fn newest_run(&self) -> Option<String> {
        self.json(&["runs", "--format", "json"])[0]["id"].as_str().map(str::to_string)
    }

    /// Stage → status, of one run.
    pub fn statuses(&self, run: &str) -> BTreeMap<String, String> {
        let shown = self.json(&["show", run, "--format", "json"]);
        let stages = shown["stages"].as_array().cloned().unwrap_or_default();
        stages
            .iter()
            .filter_map(|stage| {
                Some((stage["name"].as_str()?.to_string(), stage["status"].as_str()?.to_string()))
            })
            .collect()
    }
}

impl Ended {
    /// Fails with everything printed unless the exit code is `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Fails unless standard error holds `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.err.contains(text) || self.out.contains(text),
            "no {text:?} in:\n{}{}",
            self.out,
            self.err
        );
        self
    }
}
