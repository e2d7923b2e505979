//! What an attempt rests on, looked at right before its processes start: files that stages it needs left, the lock it
//! holds. The kernel says what was recorded, a worker looks; neither knows why something is gone.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::base::Timestamp;
use crate::event::{AttemptStatus, Event, FailureClass, FileMark, NodeIndex, Outcome};
use crate::plan::{EdgeKind, Plan};
use crate::port::{Commons, Results};

use super::halt::never_ran;
use super::live::Doing;
use super::state::RunState;

/// File systems count time in steps; what was written so close to a moment is before and after it.
const COARSE_MS: i64 = 20;

/// A file that a needed stage left, as it was then.
#[derive(Clone, Debug, PartialEq)]
pub struct Needed {
    /// Who left it.
    pub stage: String,
    /// From the root.
    pub path: String,
    pub mark: FileMark,
}

/// What is looked at before one attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs {
    pub files: Vec<Needed>,
    /// While nothing of this run was at work: what was changed then, no stage of the run has changed. None when
    /// something works now.
    pub quiet: Option<(Timestamp, Timestamp)>,
    /// Who holds what the stage shares with other runs, if it does.
    pub holder: Option<NodeIndex>,
}

/// Whether a process of the run may have ended with the event: what changes after it, and before the next start, was
/// changed by nobody of this run.
pub(super) fn ends_work(event: &Event) -> bool {
    matches!(
        event,
        Event::RunStarted { .. }
            | Event::RunResumed { .. }
            | Event::AttemptFinished { .. }
            | Event::FinallyFinished { .. }
            | Event::RepairFinished { .. }
            | Event::UndoFinished { .. }
    )
}

/// What the node's next attempt rests on, as far as it was recorded.
pub(super) fn needs(plan: &Plan, state: &RunState, node: NodeIndex, now: Timestamp) -> Needs {
    let edges = plan.nodes[node as usize].edges.iter().filter(|edge| edge.kind != EdgeKind::Follows);
    let mut files = Vec::new();
    for (to, own) in edges.filter_map(|edge| Some((edge.to, state.nodes.get(edge.to as usize)?))) {
        if own.status.meets_need() {
            let stage = &plan.nodes[to as usize].key;
            let left = own.files.iter();
            files.extend(left.map(|(path, mark)| Needed {
                stage: stage.clone(),
                path: path.clone(),
                mark: mark.clone(),
            }));
        }
    }
    let looks = |doing: &Doing| matches!(doing, Doing::Reading(..) | Doing::Hashing | Doing::Claiming(_));
    let alone = state.live.doing.iter().all(|(other, doing)| *other == node || looks(doing));
    let quiet = (alone && !files.is_empty()).then_some((state.calm, now));
    Needs { files, quiet, holder: state.live.claims.holder(node) }
}

/// Looks at all of it. Files that are gone are brought back where a copy is kept; these are the notes. What cannot be
/// had is the outcome of an attempt that never began.
pub fn look(
    root: &Path,
    needs: &Needs,
    results: Option<&dyn Results>,
    commons: Option<&dyn Commons>,
) -> Result<Vec<String>, Box<Outcome>> {
    if let Some(holder) = needs.holder
        && let Some(Err(why)) = commons.map(|commons| commons.still_holds(holder))
    {
        return Err(lost(why));
    }
    let mut notes = Vec::new();
    for needed in &needs.files {
        let full = root.join(&needed.path);
        match fs::metadata(&full) {
            Ok(meta) if !suspicious(&meta, needs.quiet) => {}
            Ok(_) => judge_changed(&full, needed, results)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                notes.push(brought_back(&full, needed, results)?);
            }
            Err(e) => {
                let why = format!("`{}`, which `{}` left, cannot be read: {e}", needed.path, needed.stage);
                return Err(lost(why));
            }
        }
    }
    Ok(notes)
}

/// Its identity changed while nothing of the run was at work. The change time cannot be set by anybody, so that one look
/// at the file is enough as long as nobody touched it.
fn suspicious(meta: &Metadata, quiet: Option<(Timestamp, Timestamp)>) -> bool {
    let changed = meta.ctime().saturating_mul(1000).saturating_add(meta.ctime_nsec() / 1_000_000);
    quiet.is_some_and(|(from, to)| {
        changed > from.0.saturating_add(COARSE_MS) && changed < to.0.saturating_sub(COARSE_MS)
    })
}

/// A person's change is never written over, not even where a copy is kept.
fn judge_changed(full: &Path, needed: &Needed, results: Option<&dyn Results>) -> Result<(), Box<Outcome>> {
    let Some(results) = results else { return Ok(()) };
    match results.mark(full) {
        Ok(now) if now.same_content(&needed.mark) => Ok(()),
        Ok(_) => Err(lost(format!(
            "`{}`, which `{}` left, was changed since, and by no stage of this run",
            needed.path, needed.stage
        ))),
        Err(why) => {
            Err(lost(format!("`{}`, which `{}` left, cannot be read: {why}", needed.path, needed.stage)))
        }
    }
}

fn brought_back(full: &Path, needed: &Needed, results: Option<&dyn Results>) -> Result<String, Box<Outcome>> {
    let gone = format!("`{}`, which `{}` left, is gone", needed.path, needed.stage);
    let Some(results) = results.filter(|_| needed.mark.kept.is_some()) else { return Err(lost(gone)) };
    match results.bring_back(full, &needed.mark) {
        Ok(()) => Ok(format!("{gone}; it was brought back from its kept copy")),
        Err(why) => Err(lost(format!("{gone}, and {why}"))),
    }
}

fn lost(why: String) -> Box<Outcome> {
    Box::new(Outcome { class: Some(FailureClass::NeedLost), ..never_ran(AttemptStatus::Failed, &why) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use crate::event::{Files, Keyed};
    use crate::port::{AttemptSpec, InputFiles, Stored};

    /// Marks files by their text and counts how often it reads; keeps one copy.
    #[derive(Default)]
    struct Shelf {
        read: AtomicUsize,
        copy: Option<&'static str>,
    }

    impl Results for Shelf {
        fn inputs(&self, _: &[String], _: &[std::path::PathBuf]) -> Result<InputFiles, String> {
            Ok(InputFiles { files: Files::new(), ..InputFiles::default() })
        }
        fn programs(&self, _: &AttemptSpec) -> std::collections::BTreeMap<String, String> {
            Default::default()
        }
        fn passed(&self, _: &[String]) -> std::collections::BTreeMap<String, String> {
            Default::default()
        }
        fn mark(&self, path: &Path) -> Result<FileMark, String> {
            self.read.fetch_add(1, Ordering::Relaxed);
            Ok(mark(&fs::read_to_string(path).map_err(|e| e.to_string())?))
        }
        fn find(&self, _: &str, _: &str) -> Result<(Option<Stored>, Option<Stored>), String> {
            let _ = Keyed::default();
            Ok((None, None))
        }
        fn bring_back(&self, path: &Path, _: &FileMark) -> Result<(), String> {
            let text = self.copy.ok_or("its kept copy is gone")?;
            fs::write(path, text).map_err(|e| e.to_string())
        }
        fn keep(&self, _: &Path, _: &FileMark) -> Result<(), String> {
            Ok(())
        }
    }

    fn mark(text: &str) -> FileMark {
        FileMark { hash: text.into(), executable: false, folder: false, kept: None }
    }

    fn needs(mark: FileMark, quiet: Option<(i64, i64)>) -> Needs {
        let files = vec![Needed { stage: "build".into(), path: "app".into(), mark }];
        Needs { files, quiet: quiet.map(|(from, to)| (Timestamp(from), Timestamp(to))), holder: None }
    }

    fn looked(root: &Path, needs: &Needs, shelf: &Shelf) -> Result<Vec<String>, String> {
        look(root, needs, Some(shelf), None).map_err(|outcome| {
            assert_eq!(outcome.class, Some(FailureClass::NeedLost));
            outcome.error.unwrap_or_default()
        })
    }

    #[test]
    fn what_is_gone_fails_unless_a_copy_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf { copy: Some("app"), ..Shelf::default() };
        let why = looked(dir.path(), &needs(mark("app"), None), &shelf).unwrap_err();
        assert_eq!(why, "`app`, which `build` left, is gone");
        let kept = FileMark { kept: Some(Timestamp(1)), ..mark("app") };
        let notes = looked(dir.path(), &needs(kept.clone(), None), &shelf).unwrap();
        assert!(notes[0].contains("brought back"), "{notes:?}");
        assert_eq!(fs::read_to_string(dir.path().join("app")).unwrap(), "app");
        // Its twin: the copy is gone as well.
        fs::remove_file(dir.path().join("app")).unwrap();
        let why = looked(dir.path(), &needs(kept, None), &Shelf::default()).unwrap_err();
        assert!(why.ends_with("is gone, and its kept copy is gone"), "{why}");
    }

    #[test]
    fn a_change_while_nothing_worked_fails_and_one_of_a_stage_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::default();
        let before = Timestamp::now().0;
        std::thread::sleep(Duration::from_millis(3 * COARSE_MS as u64));
        fs::write(dir.path().join("app"), "changed").unwrap();
        std::thread::sleep(Duration::from_millis(3 * COARSE_MS as u64));
        let now = Timestamp::now().0;
        let why = looked(dir.path(), &needs(mark("app"), Some((before, now))), &shelf).unwrap_err();
        assert!(why.contains("was changed since, and by no stage of this run"), "{why}");
        // Its twins: a stage was at work then or is now; touched, but the same.
        assert_eq!(looked(dir.path(), &needs(mark("app"), Some((now, now + 500))), &shelf), Ok(vec![]));
        assert_eq!(looked(dir.path(), &needs(mark("app"), None), &shelf), Ok(vec![]));
        assert_eq!(looked(dir.path(), &needs(mark("changed"), Some((before, now))), &shelf), Ok(vec![]));
    }

    #[test]
    fn what_nobody_touched_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("app"), "app").unwrap();
        let shelf = Shelf::default();
        let later = Timestamp::now().0 + 1_000;
        for _ in 0..100 {
            looked(dir.path(), &needs(mark("app"), Some((later, later + 1_000))), &shelf).unwrap();
        }
        assert_eq!(shelf.read.load(Ordering::Relaxed), 0);
    }
}
