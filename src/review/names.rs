//! Public names of a library that went although no commit says that anything breaks. Only a change that keeps to
//! conventional commits is judged: elsewhere nothing could say so.

use std::fs;
use std::path::Path;

use super::Finding;
use crate::facts::details::{Details, Name, NameState};
use crate::workspace::kind;

pub(super) fn judge(details: &Details, root: &Path) -> Vec<Finding> {
    let silent = details.change.conventional && details.commits.iter().all(|commit| commit.breaks.is_none());
    if !silent || details.commits.is_empty() {
        return Vec::new();
    }
    let gone = |name: &&Name| name.state == NameState::Removed && is_public(root, &name.path);
    let finding = |name: &Name| {
        let message = format!(
            "`{}` is gone and no commit says that this breaks its users: mark the commit (`feat!: …`) or add a \
             `BREAKING CHANGE:` line to its body",
            name.declaration
        );
        Finding::at(&name.path, name.line, message)
    };
    details.names.iter().filter(gone).map(finding).collect()
}

/// Whether others than the project itself can use what the file declares.
fn is_public(root: &Path, path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let inner = folders.split('/').any(|folder| matches!(folder, "internal" | "cmd"));
    if inner || kind::is_aside(path) {
        return false;
    }
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "rs" => beside(root, folders, "Cargo.toml").is_some_and(|place| {
            let own = path.strip_prefix(&place).unwrap_or(path);
            own.starts_with("src/")
                && !own.starts_with("src/bin/")
                && own != "src/main.rs"
                && root.join(place).join("src/lib.rs").exists()
        }),
        "py" | "pyi" => {
            ["pyproject.toml", "setup.py", "setup.cfg"].iter().any(|file| root.join(file).exists())
        }
        "go" => true,
        _ => beside(root, folders, "package.json").is_some_and(|place| {
            let text = fs::read_to_string(root.join(place).join("package.json")).unwrap_or_default();
            let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            package["private"] != true
        }),
    }
}

/// The nearest folder upwards that holds `file`: empty, or with a slash at its end.
fn beside(root: &Path, folder: &str, file: &str) -> Option<String> {
    let mut folder = folder;
    loop {
        if root.join(folder).join(file).exists() {
            return Some(if folder.is_empty() { String::new() } else { format!("{folder}/") });
        }
        folder = match folder {
            "" => return None,
            _ => folder.rsplit_once('/').map_or("", |(upper, _)| upper),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_others_can_use_is_public() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["lib/src", "app/src", "web"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for (path, text) in [
            ("lib/Cargo.toml", ""),
            ("lib/src/lib.rs", ""),
            ("app/Cargo.toml", ""),
            ("web/package.json", "{\"private\": true}"),
        ] {
            fs::write(root.join(path), text).unwrap();
        }
        assert!(is_public(root, "lib/src/deep/a.rs"));
        for path in ["lib/src/bin/x.rs", "lib/build.rs", "app/src/a.rs", "web/a.ts", "a.py", "a.js"] {
            assert!(!is_public(root, path), "{path}");
        }
    }
}
