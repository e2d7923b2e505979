//! The state folder: who may look into it, where it lies, how much is in it and how much more fits, and what dead
//! processes of ours left. Follows no link out of it.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use crate::exec::disk;

use super::database::megabytes;
use super::{Finding, Ground, Mend};

/// More than this of logs is worth a word.
const MANY: u64 = 1_000_000_000;
/// Files looked at to add the logs up.
const MOST: usize = 50_000;
/// Half-made files are nobody's after so long, even where their process cannot be told.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The state folder, where there is one.
fn state(ground: &Ground) -> Option<PathBuf> {
    ground.dir.clone().ok().filter(|dir| dir.is_dir())
}

pub(super) fn folder(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "state folder";
    let Some(dir) = state(ground) else {
        return match &ground.dir {
            Ok(dir) => vec![Finding::ok(NAME, format!("{} will be made by the first run", dir.display()))],
            Err(why) => vec![Finding::skipped(NAME, why.clone())],
        };
    };
    let mut found = modes(&dir);
    let owner = fs::metadata(&dir).map(|meta| meta.uid()).ok();
    if owner.is_some_and(|owner| owner != rustix::process::getuid().as_raw()) {
        found.push(
            Finding::warn(NAME, format!("{} belongs to another user", dir.display()))
                .matters("what is recorded may be read and changed by somebody else")
                .advice("set WFL_STATE_DIR to a folder of your own"),
        );
    }
    if let Err(error) = crate::store::suitable(&dir) {
        found.push(
            Finding::fail(NAME, error.message)
                .matters("a killed run could lose its record")
                .advice(error.help),
        );
    }
    if found.is_empty() {
        found.push(Finding::ok(NAME, format!("{}, private", dir.display())));
    }
    found
}

/// Folders and files that others may look into.
fn modes(dir: &Path) -> Vec<Finding> {
    let names = ["", "state.db", "state.db-wal", "backup.db", "runs", "logs", "contents"];
    let open = |path: PathBuf| {
        let meta: Metadata = fs::symlink_metadata(&path).ok().filter(|meta| !meta.is_symlink())?;
        (meta.permissions().mode() & 0o077 != 0).then_some((path, meta.is_dir()))
    };
    let wide: Vec<(PathBuf, bool)> = names.iter().filter_map(|name| open(dir.join(name))).collect();
    if wide.is_empty() {
        return Vec::new();
    }
    let named: Vec<String> = wide.iter().map(|(path, _)| path.display().to_string()).collect();
    vec![
        Finding::warn("state folder", format!("others may look into {}", named.join(", ")))
            .matters("logs and recorded values are for their owner")
            .advice("`wfl doctor --fix` makes them private")
            .mend(Mend::MakePrivate(wide)),
    ]
}

pub(super) fn disk(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "free disk";
    let state = ground.dir.clone().ok();
    let state = state.and_then(|dir| dir.ancestors().find(|above| above.exists()).map(Path::to_path_buf));
    let places = [
        (Some(ground.place.root.clone()), "the project"),
        (state, "the state"),
        (Some(std::env::temp_dir()), "temporary files"),
    ];
    let mut found = Vec::new();
    let mut least: Option<u64> = None;
    for (place, what) in places.into_iter().filter_map(|(place, what)| Some((place?, what))) {
        match disk::free(&place) {
            None => found.push(Finding::skipped(NAME, format!("of {} it cannot be read", place.display()))),
            Some((free, _)) => least = Some(least.map_or(free, |least| least.min(free))),
        }
        if let Some(short) = disk::short_at(&place, what) {
            found.push(
                Finding::fail(NAME, short.words()).matters("no stage is started with so little").advice(
                    "`wfl clean` removes old runs, logs and copies; `du -sh * | sort -h` shows what is large",
                ),
            );
        }
    }
    if let Some(least) = least.filter(|_| found.is_empty()) {
        found.push(Finding::ok(NAME, format!("at least {} everywhere", megabytes(least))));
    }
    found
}

pub(super) fn logs(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "logs";
    let Some(dir) = state(ground) else { return Vec::new() };
    let mut bytes: u64 = 0;
    let mut more = "";
    for (count, entry) in WalkDir::new(dir.join("logs")).into_iter().flatten().enumerate() {
        if count >= MOST {
            more = "more than ";
            break;
        }
        bytes += entry.metadata().ok().filter(Metadata::is_file).map_or(0, |meta| meta.len());
    }
    let size = format!("{more}{}", megabytes(bytes));
    let mut found = Vec::new();
    if bytes > MANY {
        found.push(
            Finding::warn(NAME, size.clone())
                .matters("they grow until the disk is full")
                .advice("`wfl clean` removes those that the project's `keep` does not want any more"),
        );
    }
    if let Ok(Some(store)) = ground.store() {
        let orphans = store.orphaned_logs().unwrap_or_default();
        if let Some(first) = orphans.first() {
            let folder = dir.join("logs");
            found.push(
                Finding::warn(NAME, format!("{} of runs that are not recorded ({first})", orphans.len()))
                    .matters("they may be all that is left of a run, so they are not removed by themselves")
                    .advice(format!("when nobody needs them: `rm -r {}/{first}`", folder.display())),
            );
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(NAME, size));
    }
    found
}

pub(super) fn temporary(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "temporary files";
    let mut left = Vec::new();
    if let Some(dir) = state(ground) {
        left.extend(abandoned(&dir, &["state.db.new-", "state.mark."]));
        left.extend(abandoned(&dir, &["backup.new", "state.heal"]));
    }
    left.extend(abandoned(&std::env::temp_dir(), &["wfl-script-"]));
    if left.is_empty() {
        return vec![Finding::ok(NAME, "none are left over")];
    }
    let (count, first) = (left.len(), left[0].display().to_string());
    vec![
        Finding::warn(NAME, format!("{count} left over by processes that are dead ({first})"))
            .matters("they take room and hold nothing")
            .advice("`wfl doctor --fix` removes them")
            .mend(Mend::Remove(left)),
    ]
}

/// Files of these beginnings whose process, named after it, is dead; without one, those nobody wrote to for an hour.
fn abandoned(dir: &Path, beginnings: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let own = rustix::process::getuid().as_raw();
    let left = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let rest = beginnings.iter().find_map(|beginning| name.strip_prefix(beginning))?;
        let meta = entry.metadata().ok().filter(|meta| meta.is_file() && meta.uid() == own)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let dead = match digits.parse::<u32>() {
            Ok(pid) => !Path::new(&format!("/proc/{pid}")).exists(),
            Err(_) => false,
        };
        let age = meta.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        (dead || age.is_some_and(|age| age > ABANDONED)).then(|| entry.path())
    };
    let mut found: Vec<PathBuf> = entries.filter_map(left).collect();
    found.sort();
    found
}
