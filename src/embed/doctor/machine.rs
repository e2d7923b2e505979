//! The machine: its clock, the environment, what room there is. Reads `/proc` and a few variables.

use std::fs;
use std::path::Path;

use crate::exec::room;

use super::database::megabytes;
use super::{Finding, Ground};

/// An event so far in the future was written by a clock that went otherwise.
const AHEAD_MS: i64 = 60_000;
/// When this program was not yet written.
const LONG_AGO_MS: i64 = 1_735_689_600_000;
/// Fewer open files than this are soon used up by parallel stages.
const FEW_FILES: u64 = 256;
const LITTLE_MEMORY: u64 = 256 << 20;

pub(super) fn clock(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "clock";
    if ground.now.0 < LONG_AGO_MS {
        return vec![
            Finding::fail(NAME, format!("it says {}", ground.now.local()))
                .matters("certificates are refused, and nothing is in order of time")
                .advice("set it: `timedatectl set-ntp true`"),
        ];
    }
    let store = match ground.store() {
        Ok(Some(store)) => store,
        Ok(None) => return vec![Finding::ok(NAME, ground.now.local())],
        Err(why) => return vec![Finding::skipped(NAME, why)],
    };
    vec![match store.last_event() {
        Err(error) => Finding::skipped(NAME, error.message),
        Ok(Some(last)) if last.0 - ground.now.0 > AHEAD_MS => {
            Finding::warn(NAME, format!("the last event is of {}, which is to come", last.local()))
                .matters("the clock was set back since: ages, expiries and breakers are reckoned with it")
                .advice("`date` shows it; `timedatectl set-ntp true` sets it")
        }
        Ok(_) => Finding::ok(NAME, ground.now.local()),
    }]
}

pub(super) fn environment(_: &Ground) -> Vec<Finding> {
    const NAME: &str = "environment";
    let mut found = Vec::new();
    let temporary = std::env::temp_dir();
    use rustix::fs::{Access, access};
    if access(&temporary, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        found.push(
            Finding::fail(NAME, format!("nothing can be written to {}", temporary.display()))
                .matters(
                    "long scripts, and most programs that stages start, need a place for temporary files",
                )
                .advice("set TMPDIR to a folder that can be written"),
        );
    }
    found.extend(path(std::env::var_os("PATH").as_deref()));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let utf8 = |locale: &str| ["utf-8", "utf8"].iter().any(|end| locale.to_ascii_lowercase().contains(end));
    if let Some(locale) = locale.filter(|locale| !utf8(locale)) {
        found.push(
            Finding::warn(NAME, format!("the locale is {locale}"))
                .matters("programs may refuse or change text that is not ASCII")
                .advice("`export LC_ALL=C.UTF-8`"),
        );
    }
    if found.is_empty() {
        found.push(Finding::ok(
            NAME,
            format!("temporary files in {}, the PATH's folders are there", temporary.display()),
        ));
    }
    found
}

fn path(path: Option<&std::ffi::OsStr>) -> Vec<Finding> {
    const NAME: &str = "environment";
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        return vec![
            Finding::fail(NAME, "PATH is not set")
                .matters("no program is found by its name")
                .advice("`export PATH=/usr/local/bin:/usr/bin:/bin`"),
        ];
    };
    let folders: Vec<_> = std::env::split_paths(path).collect();
    let mut found = Vec::new();
    if folders.iter().any(|folder| folder.as_os_str().is_empty() || folder == Path::new(".")) {
        found.push(
            Finding::warn(NAME, "the PATH holds the current folder")
                .matters("a file of the project may be started instead of the program that was meant")
                .advice("take `.` and empty entries out of PATH"),
        );
    }
    if !folders.iter().any(|folder| folder.is_dir()) {
        found.push(
            Finding::fail(NAME, "no folder of the PATH is there")
                .matters("no program is found by its name")
                .advice("`export PATH=/usr/local/bin:/usr/bin:/bin`"),
        );
    }
    found
}

pub(super) fn resources(_: &Ground) -> Vec<Finding> {
    const NAME: &str = "resources";
    let room = room::read();
    let mut found = Vec::new();
    let memory = match &room.memory {
        Some(memory) if memory.free < LITTLE_MEMORY => {
            found.push(
                Finding::warn(NAME, format!("{} of memory are free", megabytes(memory.free)))
                    .matters("stages may be killed by the kernel, and fewer run at once")
                    .advice("end other programs, or run with `-j 1`"),
            );
            String::new()
        }
        Some(memory) => format!(", {} of memory free", megabytes(memory.free)),
        None => ", free memory cannot be read (no /proc/meminfo)".into(),
    };
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if files.is_some_and(|files| files < FEW_FILES) {
        found.push(
            Finding::warn(NAME, format!("at most {} files may be open", files.unwrap_or_default()))
                .matters("fewer stages run at once")
                .advice("`ulimit -n 4096`"),
        );
    }
    if let Some(part) = crowded() {
        found.push(part);
    }
    if found.is_empty() {
        let files = files.map_or("any number of".to_owned(), |files| files.to_string());
        found.push(Finding::ok(NAME, format!("{}{memory}, {files} open files", room.limited_by)));
    }
    found
}

/// How near the number of processes is to what the control group allows.
fn crowded() -> Option<Finding> {
    let line = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = line.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folder = Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/'));
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let (now, most) = (number("pids.current")?, number("pids.max")?);
    (now * 10 > most * 9).then(|| {
        Finding::warn("resources", format!("{now} of {most} processes of the control group are in use"))
            .matters("stages cannot be started when it is full")
            .advice("end other programs of this container or session")
    })
}
