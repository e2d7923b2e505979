//! Where a project's state lies. Does not make or open anything.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::place;

/// The state folder of the checkout at `root`: `$WFL_STATE_DIR`, else `$XDG_STATE_HOME/wfl/<name>-<hash>`, else
/// `~/.local/state/wfl/<name>-<hash>`. An error when nothing could be written there.
pub fn state_dir(root: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, StoreError> {
    let dir = chosen(root, env)?;
    place::require_writable(&dir)?;
    Ok(dir)
}

fn chosen(root: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, StoreError> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(dir) = set("WFL_STATE_DIR") {
        return std::path::absolute(&dir)
            .map_err(|e| StoreError::io(&e, "WFL_STATE_DIR does not name a folder:", &dir));
    }
    // The XDG rules: a relative path there is to be ignored.
    let base = set("XDG_STATE_HOME").filter(|dir| dir.is_absolute());
    let base = base.or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let Some(base) = base.filter(|dir| dir.is_absolute()) else {
        return Err(StoreError::new(
            "no place for the state: neither WFL_STATE_DIR, XDG_STATE_HOME nor HOME is set",
            "set WFL_STATE_DIR to a folder outside the checkout",
        ));
    };
    Ok(base.join("wfl").join(project_name(root)))
}

/// One folder for each checkout: the folder's own name, and a hash of its absolute path.
fn project_name(root: &Path) -> String {
    let absolute = root.canonicalize().or_else(|_| std::path::absolute(root)).unwrap_or_else(|_| root.into());
    let name = absolute.file_name().map_or("root".into(), |name| name.to_string_lossy());
    let hash = place::short_hash(absolute.as_os_str().as_bytes());
    let plain: String = name
        .chars()
        .take(60)
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    format!("{}-{hash}", plain.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[(&str, &str)], root: &Path) -> Result<PathBuf, StoreError> {
        chosen(root, &|name| values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_variable_wins_then_xdg_then_home() {
        let root = Path::new("/srv/payments");
        assert_eq!(with(&[("WFL_STATE_DIR", "/s"), ("HOME", "/h")], root), Ok("/s".into()));
        let xdg = with(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")], root).unwrap();
        assert!(xdg.starts_with("/x/wfl") && xdg.to_string_lossy().contains("payments-"), "{xdg:?}");
        let home = with(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")], root).unwrap();
        assert!(home.starts_with("/h/.local/state/wfl"), "{home:?}");
        assert!(with(&[], root).is_err());
    }

    #[test]
    fn two_checkouts_of_one_name_have_two_folders() {
        let at = |root: &str| with(&[("HOME", "/h")], Path::new(root)).unwrap();
        assert_ne!(at("/a/app"), at("/b/app"));
    }
}
