//! The state folder on the file system: made private, checked before it is trusted with a database.
//! Does not open the database: SQLite's own descriptors must be the only ones on it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::error::StoreError;

/// Network and user-space file systems, by `statfs` magic: shared memory, which a write-ahead log needs, is not kept
/// coherent on them.
const UNSUITABLE: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
];

/// Makes the folder (mode 0700) and refuses one that cannot keep state. The folders that were made: a power cut takes one
/// whose name is not on the disk, with all that is in it, so each one's parent is to be synced.
pub(super) fn prepare(dir: &Path) -> Result<Vec<&Path>, StoreError> {
    let missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|above| !above.is_dir())
        .filter(|above| !above.as_os_str().is_empty())
        .collect();
    for folder in missing.iter().rev() {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            // Another process was first.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            made => made.map_err(|e| StoreError::io(&e, "cannot make the state folder", dir))?,
        }
    }
    suitable(dir)?;
    Ok(missing)
}

/// Makes the database file with mode 0600 before SQLite opens it; SQLite gives its log the same mode.
pub(super) fn prepare_file(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        // An empty file is a new database to SQLite; no lock of it can be lost by closing ours here.
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => writable(path),
        Err(e) => Err(StoreError::io(&e, "cannot make the state database", path)),
    }
}

/// `access(2)`, which opens nothing: opening and closing a database beside SQLite would drop its locks.
fn writable(path: &Path) -> Result<(), StoreError> {
    use rustix::fs::{Access, access};
    let folder = path.parent().unwrap_or(path);
    for place in [path, folder] {
        if let Err(e) = access(place, Access::WRITE_OK) {
            return Err(StoreError::io(&e.into(), "the state cannot be written:", place));
        }
    }
    Ok(())
}

/// Refuses a file system on which a killed run could lose its record.
pub fn suitable(dir: &Path) -> Result<(), StoreError> {
    let Ok(stat) = rustix::fs::statfs(dir) else {
        return Ok(());
    };
    let magic = stat.f_type as u64 & 0xffff_ffff;
    match UNSUITABLE.iter().find(|(id, _)| *id == magic) {
        None => Ok(()),
        Some((_, name)) => Err(StoreError::new(
            format!(
                "the state folder {} lies on {name}, where a killed run could lose its record",
                dir.display()
            ),
            "set WFL_STATE_DIR to a folder on a local disk",
        )),
    }
}

/// A new name is on the disk once its folder is. Best effort: some file systems cannot.
pub(super) fn sync_parent(path: &Path) {
    if let Some(parent) = path.parent()
        && let Ok(parent) = fs::File::open(parent)
    {
        let _ = parent.sync_all();
    }
}

/// Refuses a folder in which nothing can be written, before anything else starts.
pub(super) fn require_writable(dir: &Path) -> Result<(), StoreError> {
    let mut place = dir;
    while !place.exists() {
        match place.parent() {
            Some(parent) => place = parent,
            None => break,
        }
    }
    rustix::fs::access(place, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(|e| StoreError::io(&e.into(), "the state folder cannot be written:", place))?;
    Ok(())
}

/// A file name for a stage's key: readable where it can be, with a hash where characters were replaced.
pub(super) fn file_name(key: &str) -> String {
    let plain: String = key
        .chars()
        .take(100)
        .map(|c| if c.is_ascii_alphanumeric() || "-_.=,[]".contains(c) { c } else { '_' })
        .collect();
    if plain == key && !plain.starts_with('.') {
        return plain;
    }
    format!("{}-{}", plain.trim_start_matches('.'), short_hash(key.as_bytes()))
}

/// Eight hex digits that tell names apart.
pub(super) fn short_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..8].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_safe_and_distinct_file_names() {
        assert_eq!(file_name("unit[shard=2]"), "unit[shard=2]");
        assert!(!file_name("../../x").contains('/'));
        assert!(!file_name("..").starts_with('.'));
        assert_ne!(file_name("a/b"), file_name("a_b"));
        assert_ne!(file_name(&"é".repeat(200)), file_name(&"é".repeat(201)));
    }
}
