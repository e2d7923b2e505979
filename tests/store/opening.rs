//! Databases that cannot be trusted, and folders that cannot keep one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use wfl::store::{Store, state_dir};

use super::{new_run, store};

#[test]
fn only_the_owner_may_look() {
    let (dir, _store) = store();
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("state"), mode("state/state.db")), (0o700, 0o600));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (dir, made) = store();
    drop(made);
    let path = dir.path().join("state/state.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 999).unwrap();
    drop(raw);
    for error in [
        Store::open(&dir.path().join("state")).unwrap_err(),
        Store::open_existing_read_only(&dir.path().join("state")).unwrap_err(),
    ] {
        assert!(error.message.contains("newer wfl") && error.help.contains("update wfl"), "{error:?}");
    }
}

#[test]
fn another_programs_database_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(dir.path().join("state.db")).unwrap();
    raw.execute_batch("CREATE TABLE theirs(x)").unwrap();
    drop(raw);
    let error = Store::open(dir.path()).unwrap_err();
    assert!(error.message.contains("another program"), "{error:?}");
}

#[test]
fn a_damaged_database_is_named_and_set_aside_by_a_person() {
    let (dir, made) = store();
    // Enough that the write-ahead log does not stay: what is damaged must be all there is.
    new_run(&made, "r1", 20_000);
    drop(made);
    let path = dir.path().join("state/state.db");
    assert!(!dir.path().join("state/state.db-wal").exists());
    let sound = fs::read(&path).unwrap();
    fs::write(&path, b"not a database at all, whatever its name says").unwrap();
    let error = Store::open(&dir.path().join("state")).unwrap_err();
    assert!(error.message.contains("is damaged") && error.help.contains("wfl doctor --fix"), "{error:?}");
    assert!(error.message.contains(path.to_str().unwrap()));
    // Zeroed pages behind a sound first one are found by the check.
    let mut zeroed = sound.clone();
    zeroed[8192..32768].fill(0);
    fs::write(&path, &zeroed).unwrap();
    let found = Store::open(&dir.path().join("state")).and_then(|store| store.verify());
    assert!(found.is_err() || !found.unwrap().is_empty());
    fs::write(&path, &sound).unwrap();
    assert!(Store::open(&dir.path().join("state")).unwrap().verify().unwrap().is_empty());
}

#[test]
fn nothing_to_read_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Store::open_existing_read_only(dir.path()).unwrap().is_none());
    assert!(!dir.path().join("state.db").exists());
    drop(Store::open(dir.path()).unwrap());
    assert!(Store::open_existing_read_only(dir.path()).unwrap().is_some());
}

/// Permissions do not hold root back; a file in the folder's place, and a file system that is read-only, do.
#[test]
fn a_folder_that_cannot_be_written_is_refused_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Store::open(&file.join("state")).unwrap_err().message.contains("state folder"));
    let places = [file.join("below"), "/proc/wfl-state".into(), "/sys/wfl-state".into()];
    for place in places {
        let env = |name: &str| (name == "WFL_STATE_DIR").then(|| place.clone().into());
        let error = state_dir(dir.path(), &env).and_then(|dir| Store::open(&dir)).unwrap_err();
        assert!(error.help.contains("WFL_STATE_DIR"), "{error:?}");
    }
    if !rustix::process::geteuid().is_root() {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
        let env = |name: &str| (name == "WFL_STATE_DIR").then(|| dir.path().join("new").into());
        assert!(state_dir(dir.path(), &env).is_err());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    }
}
