//! Git, asked through its own program: the only place that runs it, always with hooks, file-system monitor, external
//! diffs and prompts off. Reads only; does not know what a change is.

pub mod health;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::UNIX_EPOCH;

use crate::base::Timestamp;

/// Settings of the repository that would run programs, or write.
const SAFE: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "log.showSignature=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// Characters of the hash of a mail address: enough to tell people of one project apart.
pub const AUTHOR: usize = 12;

/// The state of a repository as `git status` tells it.
#[derive(Debug)]
pub struct Git {
    root: PathBuf,
    /// Path of `root` inside the repository: empty, or `sub/folder/`.
    prefix: String,
    /// None before the first commit.
    pub sha: Option<String>,
    /// Empty when detached.
    pub branch: String,
    /// Who commits here, as [`author`] hashes it; empty when git does not know.
    pub author: String,
    /// Tracked files that differ from HEAD, relative to the repository's top.
    tracked: Vec<String>,
    untracked: Vec<String>,
}

/// Lines added and deleted, and by which files, relative to the root.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) files: Vec<String>,
    pub(super) added: u64,
    pub(super) deleted: u64,
    /// Lines added and deleted of each file.
    pub(super) lines: BTreeMap<String, (u64, u64)>,
}

/// A patch without context, in one form whatever the user's settings are.
const PATCH: &[&str] = &[
    "diff",
    "--unified=0",
    "--no-color",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--ignore-submodules=dirty",
    "--relative",
];

impl Git {
    /// Asks for the state of the repository that holds `root`.
    pub fn open(root: &Path) -> Result<Git, String> {
        let prefix = prefix(root)?;
        let status = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all"];
        // Both at once: a run waits no longer for two answers than for one.
        let email = std::env::var("GIT_AUTHOR_EMAIL").ok();
        let asked = email.is_none().then(|| start(root, &["config", "--get", "user.email"]));
        let output = run(root, &[&status[..], &["--ignore-submodules=dirty"]].concat())?;
        let told = asked.and_then(|asked| asked.and_then(finish).ok());
        let email = email.or_else(|| told.map(|told| String::from_utf8_lossy(&told).into_owned()));
        let mut git = Git {
            root: root.to_path_buf(),
            prefix,
            sha: None,
            branch: String::new(),
            author: author(&email.unwrap_or_default()),
            tracked: Vec::new(),
            untracked: Vec::new(),
        };
        fields(&output).iter().for_each(|line| git.status_line(line));
        Ok(git)
    }

    fn status_line(&mut self, line: &str) {
        if let Some(oid) = line.strip_prefix("# branch.oid ") {
            self.sha = (oid != "(initial)").then(|| oid.to_string());
        } else if let Some(head) = line.strip_prefix("# branch.head ") {
            self.branch = if head == "(detached)" { String::new() } else { head.to_string() };
        } else if let Some(path) = line.strip_prefix("? ") {
            self.untracked.push(path.to_string());
        } else {
            // `1 XY sub mH mI mW hH hI path`, and `u` with two fields more.
            let before = if line.starts_with("1 ") { 8 } else { 10 };
            if line.starts_with("1 ") || line.starts_with("u ") {
                self.tracked.extend(line.splitn(before + 1, ' ').nth(before).map(String::from));
            }
        }
    }

    /// Whether tracked files differ from HEAD.
    pub fn dirty(&self) -> bool {
        !self.tracked.is_empty()
    }

    /// The tag that names HEAD; the first by name of several.
    pub fn tag(&self) -> Result<Option<String>, String> {
        if self.sha.is_none() {
            return Ok(None);
        }
        let output = run(&self.root, &["tag", "--points-at", "HEAD", "--sort=refname"])?;
        Ok(String::from_utf8_lossy(&output).lines().next().map(String::from))
    }

    /// Uncommitted and untracked files, relative to the root.
    pub(super) fn local_files(&self) -> Vec<String> {
        self.tracked.iter().chain(&self.untracked).filter_map(|path| self.below(path)).collect()
    }

    /// Untracked files, relative to the root.
    pub(super) fn untracked_files(&self) -> Vec<String> {
        self.untracked.iter().filter_map(|path| self.below(path)).collect()
    }

    /// Tracked files and those that git does not ignore, as they lie here now, relative to the root.
    pub(super) fn kept_files(&self) -> Result<Vec<String>, String> {
        let output = run(&self.root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let mut files = fields(&output);
        files.retain(|path| self.root.join(path).symlink_metadata().is_ok_and(|meta| meta.is_file()));
        files.sort();
        files.dedup();
        Ok(files)
    }

    fn below(&self, path: &str) -> Option<String> {
        path.strip_prefix(self.prefix.as_str()).map(String::from)
    }

    /// The branch to compare with and its commit: the wanted one, here or at `origin`, else main or master.
    pub(super) fn base(&self, wanted: Option<&str>) -> Option<(String, String)> {
        // `HEAD` asked for is the commit checked out, not what `origin` calls so.
        if wanted == Some("HEAD") {
            return self.any_commit("HEAD");
        }
        let names: Vec<&str> = wanted.map_or(vec!["main", "master", "HEAD"], |name| vec![name]);
        let candidates: Vec<(&str, String)> = names
            .iter()
            .flat_map(|name| {
                [(*name, format!("refs/heads/{name}")), (*name, format!("refs/remotes/origin/{name}"))]
            })
            .filter(|(_, reference)| reference != "refs/heads/HEAD")
            .collect();
        let mut ask = vec!["for-each-ref", "--format=%(refname) %(objectname)", "--"];
        ask.extend(candidates.iter().map(|(_, reference)| reference.as_str()));
        let output = run(&self.root, &ask).unwrap_or_default();
        let known = String::from_utf8_lossy(&output).into_owned();
        let found = candidates.iter().find_map(|(name, reference)| {
            let line = known.lines().find(|line| line.split(' ').next() == Some(reference))?;
            Some((name.to_string(), line.rsplit(' ').next()?.to_string()))
        });
        found.or_else(|| self.any_commit(wanted?))
    }

    /// A base that is no branch: a tag, a hash.
    fn any_commit(&self, name: &str) -> Option<(String, String)> {
        let commit = format!("{name}^{{commit}}");
        let output =
            run(&self.root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).ok()?;
        Some((name.to_string(), String::from_utf8_lossy(&output).trim().to_string()))
    }

    /// Messages of the commits since `base` (newest first), and what the working tree changed since it was left.
    pub(super) fn since(&self, base: &str) -> (Vec<String>, Difference) {
        let ahead = self.sha.as_deref() != Some(base);
        if !ahead && !self.dirty() {
            return Default::default();
        }
        let range = format!("{base}..HEAD");
        let log = ahead.then(|| {
            start(&self.root, &["log", "-z", "--format=%B", "--no-merges", "-n", "200", &range, "--"])
        });
        let difference = self.difference(&["--merge-base", base]).or_else(|_| self.difference(&["HEAD"]));
        let messages = log.and_then(|log| log.and_then(finish).ok());
        (messages.map(|output| fields(&output)).unwrap_or_default(), difference.unwrap_or_default())
    }

    /// What is not committed yet; before the first commit, what is staged is all there is to tell.
    pub(super) fn uncommitted(&self) -> Difference {
        if !self.dirty() || self.sha.is_none() {
            return Difference::default();
        }
        self.difference(&["HEAD"]).unwrap_or_default()
    }

    /// The newest commits since `base`, merges left out: fields and records as [`super::details`] reads them.
    pub(super) fn commits(&self, base: &str, format: &str) -> Vec<String> {
        if self.sha.as_deref() == Some(base) {
            return Vec::new();
        }
        let (range, format) = (format!("{base}..HEAD"), format!("--format={format}"));
        let output = run(&self.root, &["log", "-z", &format, "--no-merges", "-n", "200", &range, "--"]);
        output.map(|output| fields(&output)).unwrap_or_default()
    }

    /// The change against `base` (none: what is not committed) as a patch without context, cut at `most` bytes.
    pub(super) fn patch(&self, base: Option<&str>, most: u64) -> Vec<u8> {
        let Some(sha) = self.sha.as_deref() else { return Vec::new() };
        let against: &[&str] = match base {
            Some(base) if base != sha => &["--merge-base", base],
            _ => &["HEAD"],
        };
        let mut taken = Vec::new();
        if let Ok(mut child) = start(&self.root, &[PATCH, against, &["--"]].concat()) {
            if let Some(output) = child.stdout.take() {
                let _ = output.take(most).read_to_end(&mut taken);
            }
            // With its output closed it ends by itself; what it says then is no news.
            let _ = child.kill();
            let _ = child.wait();
        }
        taken
    }

    /// Every file that git tracks, relative to the root.
    pub(super) fn tracked_files(&self) -> Vec<String> {
        run(&self.root, &["ls-files", "-z"]).map(|output| fields(&output)).unwrap_or_default()
    }

    /// The commit that HEAD and `base` have in common last.
    pub(super) fn fork(&self, base: &str) -> Option<String> {
        let output = run(&self.root, &["merge-base", "HEAD", base]).ok()?;
        Some(String::from_utf8_lossy(&output).trim().to_string()).filter(|sha| !sha.is_empty())
    }

    /// What the working tree adds to commit `from`, as a patch without context, whole or an error: who looks in it for what
    /// must not be there must not take a part for all.
    pub(super) fn whole_patch(&self, from: &str) -> Result<Vec<u8>, String> {
        run(&self.root, &[PATCH, &[from, "--"]].concat())
    }

    fn difference(&self, against: &[&str]) -> Result<Difference, String> {
        let diff = [
            "diff",
            "--numstat",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=dirty",
        ];
        let output = run(&self.root, &[&diff[..], &["--relative"], against, &["--"]].concat())?;
        let mut all = Difference::default();
        for line in fields(&output) {
            // Binary files have `-` for both numbers.
            let mut parts = line.splitn(3, '\t');
            let mut number = || parts.next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            let (added, deleted) = (number(), number());
            all.added += added;
            all.deleted += deleted;
            if let Some(file) = parts.next() {
                all.files.push(file.to_owned());
                all.lines.insert(file.to_owned(), (added, deleted));
            }
        }
        Ok(all)
    }
}

/// A hash over the content of every tracked file as it is in the working tree now, and over what is staged; `None`
/// outside a repository. Equal hashes mean that no tracked file changed.
pub fn tracked_state(root: &Path) -> Option<String> {
    let listing = run(root, &["ls-files", "-s", "-z"]).ok()?;
    let changed =
        run(root, &["diff-files", "--name-only", "-z", "--ignore-submodules", "--relative"]).ok()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&listing);
    for path in fields(&changed) {
        hasher.update(path.as_bytes()).update(&[0]);
        match crate::workspace::tree::content_hash(&root.join(&path)) {
            Ok(hash) => hasher.update(hash.as_bytes()),
            Err(_) => hasher.update(b"absent"),
        };
    }
    Some(hasher.finalize().to_hex().to_string())
}

/// Tracked files (now, or in commit `sha`) that were changed, replaced or removed after `moment`, judged by the time
/// the file system itself keeps. `Ok` and empty when none was.
pub fn tracked_changed_since(
    root: &Path,
    sha: Option<&str>,
    moment: Timestamp,
) -> Result<Vec<String>, String> {
    let mut paths = fields(&run(root, &["ls-files", "-z"])?);
    if let Some(sha) = sha {
        // Also those that were tracked then and are not any more.
        let gone = run(
            root,
            &["diff", "--name-only", "-z", "--no-renames", "--diff-filter=D", "--relative", sha, "--"],
        );
        paths.extend(gone.map(|output| fields(&output)).unwrap_or_default());
    }
    paths.sort();
    paths.dedup();
    Ok(paths.into_iter().filter(|path| changed_after(root, path, moment)).collect())
}

/// Whether one file was. One that is gone was changed when the nearest folder still there was.
pub fn changed_after(root: &Path, path: &str, moment: Timestamp) -> bool {
    use std::os::unix::fs::MetadataExt;
    let full = root.join(path);
    let changed = full.ancestors().take_while(|place| place.starts_with(root)).find_map(|place| {
        let meta = std::fs::symlink_metadata(place).ok()?;
        Some(meta.ctime() * 1000 + meta.ctime_nsec() / 1_000_000)
    });
    changed.is_none_or(|changed| changed > moment.0)
}

/// Milliseconds since 1970 of a file's last modification.
pub(super) fn modified(meta: &std::fs::Metadata) -> Option<i64> {
    let since = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_millis() as i64)
}

/// Where `root` lies in its repository, found without starting git: most projects that have none are told so at once.
fn prefix(root: &Path) -> Result<String, String> {
    let absolute = root.canonicalize().map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    let top = absolute.ancestors().find(|folder| folder.join(".git").exists());
    let Some(top) = top else {
        // Inside a hook the environment names the repository.
        return if std::env::var_os("GIT_DIR").is_some() { Ok(String::new()) } else { Err(no_repository()) };
    };
    let below = absolute.strip_prefix(top).unwrap_or(Path::new("")).to_string_lossy().into_owned();
    Ok(if below.is_empty() { below } else { below + "/" })
}

fn no_repository() -> String {
    "not a git repository".into()
}

fn start(root: &Path, arguments: &[&str]) -> Result<Child, String> {
    let mut command = Command::new("git");
    for setting in SAFE {
        command.args(["-c", setting]);
    }
    command
        .arg("--no-pager")
        .args(arguments)
        .current_dir(root)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .env_remove("GIT_EXTERNAL_DIFF")
        .env_remove("GIT_DIFF_OPTS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "the program git is not installed".to_string(),
        _ => format!("cannot start git: {e}"),
    })
}

fn finish(child: Child) -> Result<Vec<u8>, String> {
    let output = child.wait_with_output().map_err(|e| format!("cannot read what git says: {e}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    match words.lines().next() {
        Some(line) if line.contains("not a git repository") => Err(no_repository()),
        Some(line) => Err(format!("git: {}", line.trim_start_matches("fatal: "))),
        None => Err("git failed without a word".into()),
    }
}

pub(super) fn run(root: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    start(root, arguments).and_then(finish)
}

/// A mail address as history knows it: short, the same on every machine, and no address any more. Empty of nothing.
pub fn author(email: &str) -> String {
    match email.trim().to_lowercase() {
        none if none.is_empty() => none,
        email => blake3::hash(email.as_bytes()).to_hex()[..AUTHOR].to_string(),
    }
}

/// Which project this is, on every machine: a hash of its first commits. Empty without commits, and in a shallow clone,
/// which does not hold them.
pub fn project(root: &Path) -> String {
    if run(root, &["rev-parse", "--is-shallow-repository"]).is_ok_and(|said| said.starts_with(b"true")) {
        return String::new();
    }
    let roots = run(root, &["rev-list", "--max-parents=0", "HEAD"]).unwrap_or_default();
    let text = String::from_utf8_lossy(&roots).into_owned();
    let mut roots: Vec<&str> = text.lines().collect();
    roots.sort_unstable();
    if roots.is_empty() {
        String::new()
    } else {
        blake3::hash(roots.join("\n").as_bytes()).to_hex()[..16].into()
    }
}

/// Who git says works here: `user.email`, of the repository or the user.
pub fn user_email(root: &Path) -> Option<String> {
    let output = run(root, &["config", "--get", "user.email"]).ok()?;
    Some(String::from_utf8_lossy(&output).trim().to_string()).filter(|email| !email.is_empty())
}

/// NUL-ended fields.
pub(super) fn fields(output: &[u8]) -> Vec<String> {
    let parts = output.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}
