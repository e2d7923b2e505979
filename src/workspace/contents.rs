//! Copies of output files under their own hash: private, each content once, never more than a bound. A copy is compared
//! with its name whenever it is used, so a damaged one is never given out. Does not know who refers to a copy.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::event::FileMark;

/// What all copies of a project may take together.
pub const MOST: u64 = 4 << 30;
/// A half-made copy that nobody wrote to for so long has no writer any more.
const ABANDONED: Duration = Duration::from_secs(3600);
const HALF_MADE: &str = ".part";

/// The copies in one folder.
#[derive(Clone, Debug)]
pub struct Contents {
    dir: PathBuf,
    most: u64,
}

/// What a sweep removed, or would remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub copies: usize,
    pub bytes: u64,
}

impl Contents {
    /// Of the state folder `state`; nothing is made before the first copy.
    pub fn new(state: &Path) -> Self {
        Contents { dir: state.join("contents"), most: MOST }
    }

    /// With another bound in bytes.
    pub fn with_bound(self, most: u64) -> Self {
        Contents { most, ..self }
    }

    /// Keeps a copy of `path`, which must hold what `mark` says.
    pub fn keep(&self, path: &Path, mark: &FileMark) -> Result<(), String> {
        if mark.folder {
            return Err("it is a folder, and only files are kept".into());
        }
        let place = self.place(&mark.hash);
        if hash_of(&place).is_ok_and(|hash| hash == mark.hash) {
            return Ok(());
        }
        self.copy_in(path, &place, &mark.hash).map_err(|e| e.to_string())
    }

    fn copy_in(&self, path: &Path, place: &Path, hash: &str) -> io::Result<()> {
        let source = File::open(path)?;
        let folder = place.parent().unwrap_or(&self.dir);
        private_folder(folder)?;
        let length = source.metadata()?.len();
        let (half, mut target) = self.reserve(folder, length)?;
        // One that grows meanwhile would else never end; one byte more tells it from what was marked.
        let copied =
            copy(&mut source.take(length + 1), &mut target).and_then(|copied| match copied == hash {
                true => fs::rename(&half, place),
                false => Err(io::Error::other("it was written to while it was copied")),
            });
        if copied.is_err() {
            let _ = fs::remove_file(&half);
        }
        copied
    }

    /// A half-made copy of the full length, so that what others count holds it too.
    fn reserve(&self, folder: &Path, length: u64) -> io::Result<(PathBuf, File)> {
        let _alone = self.alone()?;
        let used: u64 = self.all().iter().map(|(_, length)| length).sum();
        if used.saturating_add(length) > self.most {
            let full = format!("all copies together would be larger than {} bytes", self.most);
            return Err(io::Error::other(full + "; `wfl clean` makes room"));
        }
        let half = folder.join(format!("{}{HALF_MADE}", unique()));
        let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
        target.set_len(length)?;
        Ok((half, target))
    }

    /// Makes `to` what `mark` says: whole, or not at all.
    pub fn bring_back(&self, mark: &FileMark, to: &Path) -> Result<(), String> {
        let place = self.place(&mark.hash);
        let Ok(mut source) = File::open(&place) else { return Err("its kept copy is gone".into()) };
        let failed = |e: io::Error| format!("its kept copy cannot be brought back: {e}");
        let folder = to.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(failed)?;
        let half = folder.join(format!(".wfl-{}{HALF_MADE}", unique()));
        let mode = if mark.executable { 0o777 } else { 0o666 };
        let target = OpenOptions::new().write(true).create_new(true).mode(mode).open(&half);
        let copied = target.and_then(|mut target| copy(&mut source, &mut target));
        let brought = match copied {
            Ok(hash) if hash == mark.hash => fs::rename(&half, to).map_err(failed),
            Ok(_) => {
                let _ = fs::remove_file(&place);
                Err("its kept copy is damaged".to_owned())
            }
            Err(e) => Err(failed(e)),
        };
        if brought.is_err() {
            let _ = fs::remove_file(&half);
        }
        brought
    }

    /// Removes every copy that `wanted` does not want, by its hash, and what was left half-made.
    pub fn sweep(&self, wanted: &dyn Fn(&str) -> bool, dry: bool) -> io::Result<Swept> {
        let mut swept = Swept::default();
        if !self.dir.is_dir() {
            return Ok(swept);
        }
        let _alone = self.alone()?;
        for (path, length) in self.all() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let stays = if name.ends_with(HALF_MADE) { !abandoned(&path) } else { wanted(&name) };
            if stays {
                continue;
            }
            if !dry {
                fs::remove_file(&path)?;
            }
            swept.copies += 1;
            swept.bytes += length;
        }
        Ok(swept)
    }

    /// Where the copy of a content lies.
    fn place(&self, hash: &str) -> PathBuf {
        self.dir.join(hash.get(..2).unwrap_or("xx")).join(hash)
    }

    fn all(&self) -> Vec<(PathBuf, u64)> {
        let entries = walkdir::WalkDir::new(&self.dir).min_depth(2).max_depth(2).into_iter().flatten();
        entries.filter_map(|entry| Some((entry.path().to_owned(), entry.metadata().ok()?.len()))).collect()
    }

    /// Until it is dropped, no other process counts or sweeps.
    fn alone(&self) -> io::Result<File> {
        private_folder(&self.dir)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.dir.join("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(lock)
    }
}

fn private_folder(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn abandoned(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|meta| meta.modified());
    modified.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|since| since > ABANDONED))
}

/// Copies to the end; the hash of what was copied.
fn copy(from: &mut dyn Read, to: &mut File) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}

fn hash_of(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mark(text: &str) -> FileMark {
        let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
        FileMark { hash, executable: false, folder: false, kept: None }
    }

    fn kept(text: &str) -> (tempfile::TempDir, Contents, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("app");
        fs::write(&file, text).unwrap();
        let contents = Contents::new(&dir.path().join("state"));
        contents.keep(&file, &mark(text)).unwrap();
        (dir, contents, file)
    }

    #[test]
    fn a_copy_comes_back_as_it_was_and_is_private() {
        let (dir, contents, file) = kept("app");
        fs::remove_file(&file).unwrap();
        contents.bring_back(&FileMark { executable: true, ..mark("app") }, &file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "app");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o100, 0o100);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&contents.place(&mark("app").hash)), 0o600);
        assert_eq!(mode(&dir.path().join("state/contents")), 0o700);
        assert_eq!(contents.all().len(), 1);
    }

    #[test]
    fn a_flipped_byte_is_found_and_the_copy_never_used_again() {
        let (_dir, contents, file) = kept("app");
        fs::write(contents.place(&mark("app").hash), "apq").unwrap();
        fs::remove_file(&file).unwrap();
        let refused = contents.bring_back(&mark("app"), &file).unwrap_err();
        assert!(refused.contains("damaged"), "{refused}");
        assert!(!file.exists() && contents.all().is_empty());
    }

    #[test]
    fn a_damaged_copy_is_made_anew_by_the_next_that_keeps_it() {
        let (_dir, contents, file) = kept("app");
        fs::write(contents.place(&mark("app").hash), "apq").unwrap();
        contents.keep(&file, &mark("app")).unwrap();
        contents.bring_back(&mark("app"), &file).unwrap();
    }

    #[test]
    fn the_bound_holds_and_a_file_that_changes_is_not_kept() {
        let (_dir, contents, file) = kept("app");
        fs::write(&file, "larger").unwrap();
        let bounded = contents.clone().with_bound(8);
        assert!(bounded.keep(&file, &mark("larger")).unwrap_err().contains("larger than 8 bytes"));
        assert!(contents.keep(&file, &mark("other")).unwrap_err().contains("written to"));
        assert_eq!(contents.all().len(), 1, "nothing half-made stays");
        bounded.with_bound(9).keep(&file, &mark("larger")).unwrap();
    }

    #[test]
    fn a_sweep_removes_what_nobody_wants_and_no_copy_in_the_making() {
        let (_dir, contents, file) = kept("app");
        fs::write(&file, "two").unwrap();
        contents.keep(&file, &mark("two")).unwrap();
        let folder = contents.dir.join("ab");
        private_folder(&folder).unwrap();
        let _half = contents.reserve(&folder, 1).unwrap();
        let wanted = mark("two").hash;
        let swept = contents.sweep(&|hash| hash == wanted, false).unwrap();
        assert_eq!(swept, Swept { copies: 1, bytes: 3 });
        assert_eq!(contents.all().len(), 2);
    }
}
