//! Lets go of snapshots whose runs are gone, and of contents that only they held. Does not know which runs are kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{SEEN, alone, files, git};

/// What a sweep let go of, or would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Runs whose snapshots went.
    pub runs: usize,
    /// What all snapshots take now.
    pub bytes: u64,
}

/// Removes the snapshots of each run that is not `wanted`. Without `dry`, what only they held goes too.
pub fn sweep(state: &Path, wanted: &dyn Fn(&str) -> bool, dry: bool) -> Result<Swept, String> {
    let folder = state.join("snapshots");
    if !folder.is_dir() {
        return Ok(Swept::default());
    }
    let failed = |e: io::Error| format!("{} cannot be swept: {e}", folder.display());
    let _alone = alone(&folder).map_err(failed)?;
    let mut swept = Swept::default();
    for holder in holders(&folder) {
        let mut gone = 0;
        for run in fs::read_dir(&holder.runs).into_iter().flatten().flatten() {
            if wanted(&run.file_name().to_string_lossy()) {
                continue;
            }
            gone += 1;
            if !dry {
                fs::remove_dir_all(run.path()).map_err(failed)?;
            }
        }
        if gone > 0 && !dry {
            // What it says is there may not be there any more.
            forget(&folder);
            (holder.prune)(&holder.place)?;
        }
        swept.runs += gone;
    }
    swept.bytes = size(&folder);
    Ok(swept)
}

/// What was seen is only remembered to be faster.
fn forget(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(SEEN)) {
        let _ = fs::remove_file(entry.path());
    }
}

/// Where runs hold their snapshots.
struct Holder {
    place: PathBuf,
    runs: PathBuf,
    prune: fn(&Path) -> Result<(), String>,
}

fn holders(folder: &Path) -> Vec<Holder> {
    let mut holders = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let place = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("git-") {
            holders.push(Holder { runs: place.join("refs/wfl"), place, prune: git::prune });
        } else if name == "files" {
            holders.push(Holder { runs: place.join("runs"), place, prune: files::prune });
        }
    }
    holders
}

fn size(folder: &Path) -> u64 {
    let entries = WalkDir::new(folder).into_iter().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .filter(|meta| meta.is_file())
        .map(|meta| meta.len())
        .sum()
}
