//! A case on its stage: a scratch repository with a person's work in it, the fault, and the built program. Judges nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::case::Case;
use crate::faults::mount::Mount;

const PRELUDE: &str = include_str!("prelude.sh");

/// Everything committed, then what a person has in hand: a stash, a staged file, a changed and a new one, and one that
/// git ignores.
const PERSON: &str = r#"
[ -e src/app.txt ] || { mkdir -p src; echo app > src/app.txt; }
echo notes > notes.md; echo kept > kept.txt
printf 'out/\nnode_modules\n.venv/\ntarget/\n__pycache__/\n.env\n' >> .gitignore
cat "$T/lane.wfl" > all.wfl
[ -e .git ] || git init -q .
git add -A; git commit -q -m "fix: start"
echo stashed >> kept.txt; git stash -q
echo staged > staged.txt; git add staged.txt
echo changed >> notes.md; echo mine > mine.txt; echo KEY=1 > .env; mkdir -p out
"#;

pub struct Scene<'c> {
    case: &'c Case,
    folder: PathBuf,
    pub root: PathBuf,
    /// Somebody's process at work in the project, which nothing may end.
    stranger: Child,
    _mount: Option<Mount>,
    _folder: tempfile::TempDir,
}

/// What a command printed and how it ended.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The events of a run that printed JSON.
    pub fn events(&self) -> Vec<Value> {
        self.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

impl<'c> Scene<'c> {
    /// The healthy project; nothing is broken yet. None where this machine lacks what the case needs.
    pub fn build(case: &'c Case) -> Option<Self> {
        if !case.words("needs").into_iter().all(has) || (asks_for_modes(case) && !has("setpriv")) {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path().canonicalize().expect("a path");
        let mount = match case.field("tmpfs") {
            Some(size) => Some(mounted(&at, size)?),
            None => None,
        };
        let root = at.join(case.field("root").unwrap_or("project"));
        for made in [&root, &at.join("bin"), &at.join("home")] {
            fs::create_dir_all(made).expect("a folder");
        }
        let config = "[user]\nname = Ada\nemail = ada@team.example\n[init]\ndefaultBranch = main\n[protocol \"file\"]\nallow = always\n[gc]\nauto = 0\n";
        fs::write(at.join("home/.gitconfig"), config).expect("a file");
        fs::write(at.join("lane.wfl"), format!("wfl 1\n{}", case.part("lane"))).expect("a file");
        let stranger = Command::new("sleep").arg("600").current_dir(&root).spawn().expect("a process");
        let scene = Scene { case, folder: at, root, stranger, _mount: mount, _folder: folder };
        scene.must("project", case.part("project"));
        scene.must("person", PERSON);
        Some(scene)
    }

    pub fn break_it(&self) {
        self.must("fault", self.case.part("fault"));
    }

    /// Whether a part of the case succeeds, and what it said otherwise.
    pub fn part(&self, name: &str) -> Result<(), String> {
        self.script(self.case.part(name)).map_err(|said| format!("{name}: {said}"))
    }

    pub fn stranger_lives(&mut self) -> bool {
        matches!(self.stranger.try_wait(), Ok(None))
    }

    fn must(&self, what: &str, text: &str) {
        if let Err(said) = self.script(text) {
            panic!("{}: {what} of the case does not work: {said}", self.case.name);
        }
    }

    fn script(&self, text: &str) -> Result<(), String> {
        let mut command = Command::new("sh");
        command.args(["-euc", &format!("{PRELUDE}\n{text}")]);
        let ended = self.ended(command);
        match ended.code {
            Some(0) => Ok(()),
            code => Err(format!("{code:?}: {}", ended.all())),
        }
    }

    /// The program in the project.
    pub fn wfl(&self, arguments: &[&str]) -> Ended {
        let program = env!("CARGO_BIN_EXE_wfl");
        let mut command = match asks_for_modes(self.case) {
            false => Command::new(program),
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--bounding-set", "-dac_override,-dac_read_search", "--", program]);
                command
            }
        };
        command.args(arguments);
        self.ended(command)
    }

    fn ended(&self, mut command: Command) -> Ended {
        let (out, err) = (self.folder.join("said.out"), self.folder.join("said.err"));
        // Files, not pipes: what a case leaves running would keep a pipe open.
        let to = |path: &Path| Stdio::from(fs::File::create(path).expect("a file"));
        command.current_dir(&self.root).stdin(Stdio::null()).stdout(to(&out)).stderr(to(&err));
        self.environment(&mut command);
        let status = command.status();
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        match status {
            Ok(status) => Ended { code: status.code(), out: text(&out), err: text(&err) },
            Err(error) => Ended { code: None, out: String::new(), err: error.to_string() },
        }
    }

    fn environment(&self, command: &mut Command) {
        let at = |name: &str| self.folder.join(name);
        command.env("T", &self.folder).env("ROOT", &self.root).env("WFL", env!("CARGO_BIN_EXE_wfl"));
        command.env("HOME", at("home")).env("CARGO_HOME", at("cargo")).env("npm_config_cache", at("npm"));
        command.env("WFL_STATE_DIR", at("state")).env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        command
            .env("npm_config_update_notifier", "false")
            .env("NO_COLOR", "1")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("RUSTUP_HOME", home_of("RUSTUP_HOME", ".rustup"));
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{}{path}", at("bin").display(), python()));
        let unset = ["PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "NODE_PATH", "NODE_EXTRA_CA_CERTS"];
        for name in unset.iter().chain(&[
            "CI",
            "TMPDIR",
            "GIT_DIR",
            "VIRTUAL_ENV",
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "LANG",
            "LC_ALL",
        ]) {
            command.env_remove(name);
        }
        for pair in self.case.words("env") {
            let (name, value) = pair.split_once('=').expect("NAME=VALUE");
            command.env(name, value.replace("$T", &self.folder.display().to_string()));
        }
    }

    /// How many events of a kind the project's runs have recorded.
    pub fn recorded(&self, kind: &str) -> i64 {
        let state = self.case.words("env").iter().find_map(|pair| pair.strip_prefix("WFL_STATE_DIR=$T/"));
        let place = self.folder.join(state.unwrap_or("state")).join("state.db");
        let Ok(database) = rusqlite::Connection::open(place) else { return 0 };
        let query = "SELECT count(*) FROM event WHERE type = ?1";
        database.query_row(query, [kind], |row| row.get(0)).unwrap_or(0)
    }

    pub fn newest_run(&self) -> String {
        let runs = self.wfl(&["runs", "--format", "json"]).out;
        let runs: Value = serde_json::from_str(&runs).unwrap_or_default();
        runs[0]["id"].as_str().unwrap_or_default().to_owned()
    }

    /// What must be the same afterwards: files, modes and links, HEAD, branches, index, stash. What git cannot say now
    /// is left out.
    pub fn picture(&self) -> BTreeMap<String, String> {
        let mut seen = super::picture::files(&self.root);
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.arg("--no-optional-locks").args(arguments);
            self.ended(command)
        };
        let mut note = |key: &str, arguments: &[&str]| {
            let ended = git(arguments);
            if ended.code == Some(0) {
                seen.insert(key.to_owned(), ended.out);
            }
        };
        note("head", &["symbolic-ref", "HEAD"]);
        note("ref:HEAD", &["rev-parse", "HEAD"]);
        note("index", &["diff", "--cached", "--binary"]);
        note("stash", &["stash", "list", "--format=%H"]);
        for line in git(&["for-each-ref", "--format=%(refname) %(objectname)"]).out.lines() {
            let (name, id) = line.split_once(' ').unwrap_or((line, ""));
            seen.insert(format!("ref:{name}"), id.to_owned());
        }
        seen
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        let _ = self.script(self.case.part("end"));
        let _ = self.stranger.kill();
        let _ = self.stranger.wait();
        super::picture::end_all_of(&self.folder);
    }
}

fn asks_for_modes(case: &Case) -> bool {
    case.field("without-override") == Some("yes") && rustix::process::geteuid().is_root()
}

fn has(program: &str) -> bool {
    let found = |folder: PathBuf| folder.join(program).is_file();
    match program {
        "root" => rustix::process::geteuid().is_root(),
        _ => std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(found),
    }
}

fn mounted(at: &Path, size: &str) -> Option<Mount> {
    let mount = Mount::tmpfs(size)?;
    std::os::unix::fs::symlink(mount.path(), at.join("small")).expect("a link");
    Some(mount)
}

fn home_of(variable: &str, folder: &str) -> PathBuf {
    let given = std::env::var_os(variable).map(PathBuf::from);
    given.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(folder))
}

/// The folder of the real python: what chooses among several looks into the home folder, which a case has of its own.
fn python() -> &'static str {
    static FOLDER: OnceLock<String> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let asked = Command::new("python3")
            .args(["-c", "import os, sys; print(os.path.dirname(sys.executable))"])
            .output();
        let said = asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        said.ok().filter(|said| !said.is_empty()).map(|said| said + ":").unwrap_or_default()
    })
}
