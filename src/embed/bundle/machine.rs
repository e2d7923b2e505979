//! What the machine is like: its environment, resources and programs. Only known tools are asked for their version: a
//! lane's own program might do its work instead.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::exec::room;
use crate::facts::program;

use super::redact::{Person, REDACTED, Redactor};

/// Programs that answer `--version` and do nothing else.
const KNOWN: &[&str] = &[
    "bash",
    "bun",
    "cargo",
    "clang",
    "cmake",
    "composer",
    "curl",
    "dash",
    "deno",
    "docker",
    "dotnet",
    "gcc",
    "gh",
    "git",
    "gradle",
    "java",
    "jq",
    "just",
    "kubectl",
    "make",
    "mvn",
    "mypy",
    "node",
    "npm",
    "php",
    "pip",
    "pip3",
    "pnpm",
    "podman",
    "poetry",
    "pre-commit",
    "pytest",
    "python",
    "python3",
    "rg",
    "ruby",
    "ruff",
    "rustc",
    "sh",
    "tar",
    "terraform",
    "tox",
    "uv",
    "wget",
    "yarn",
    "zsh",
];

/// Names and values, in the order of the names.
pub(super) fn environment() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    all.sort();
    all
}

/// The values of what is no secret.
pub(super) fn shown(environment: &[(String, String)], redactor: &Redactor) -> Value {
    let value = |(name, value): &(String, String)| {
        let value = if redactor.is_secret_name(name) { REDACTED.to_string() } else { redactor.text(value) };
        (name.clone(), Value::String(value))
    };
    Value::Object(environment.iter().map(value).collect())
}

pub(super) fn person(environment: &[(String, String)]) -> Person {
    let of = |names: &[&str]| {
        let found =
            environment.iter().find(|(name, value)| names.contains(&name.as_str()) && !value.is_empty());
        found.map(|(_, value)| value.clone())
    };
    let home = of(&["HOME"]);
    let folder = home.as_deref().and_then(|home| home.rsplit('/').next()).map(str::to_string);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Person { user: of(&["USER", "LOGNAME"]).or(folder), home, host: Some(host) }
}

pub(super) fn resources(root: &Path, state: Option<&Path>) -> Value {
    let room = room::read();
    let temporary = std::env::temp_dir();
    let places = [("project", Some(root)), ("state", state), ("temporary", Some(temporary.as_path()))];
    let disks = places.into_iter().filter_map(|(name, place)| Some((name.to_string(), disk(place?)?)));
    json!({
        "processors": room.processors,
        "limited_by": room.limited_by,
        "memory": room.memory.map(|memory| json!({ "free": memory.free, "total": memory.total })),
        "load": room.load.map(|load| json!({ "minute": load.minute, "now": load.now })),
        "stalled_percent": { "processor": room.processor_stall, "memory": room.memory_stall },
        "disks": disks.collect::<Map<String, Value>>(),
        "limits": lines("/proc/self/limits"),
        "cgroup": lines("/proc/self/cgroup"),
    })
}

/// Bytes and inodes of the file system that holds `place`.
fn disk(place: &Path) -> Option<Value> {
    let told = rustix::fs::statvfs(place).ok()?;
    Some(json!({
        "free": told.f_bavail.saturating_mul(told.f_frsize),
        "total": told.f_blocks.saturating_mul(told.f_frsize),
        "inodes_free": told.f_favail,
        "read_only": told.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    }))
}

fn lines(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// `programs` are those that the lanes of the last runs start.
pub(super) fn versions(root: &Path, programs: &BTreeSet<String>) -> Value {
    let system = rustix::system::uname();
    let mut tools = Map::new();
    let wanted: BTreeSet<&str> = programs.iter().map(String::as_str).chain(["git", "bash", "sh"]).collect();
    for name in wanted {
        let base = name.rsplit('/').next().unwrap_or(name);
        let told = match program::find(name) {
            None => "not found".to_string(),
            Some(_) if base == name && KNOWN.contains(&base) => version(name, root),
            Some(place) => format!("at {}", place.display()),
        };
        tools.insert(name.to_string(), Value::String(told));
    }
    json!({
        "wfl": env!("CARGO_PKG_VERSION"),
        "system": system.sysname().to_string_lossy(),
        "kernel": system.release().to_string_lossy(),
        "machine": system.machine().to_string_lossy(),
        "distribution": distribution(),
        "tools": tools,
    })
}

fn version(name: &str, root: &Path) -> String {
    let said = program::answer(name, &["--version"], root).unwrap_or_default();
    said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("says no version").to_string()
}

fn distribution() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_string())
}
