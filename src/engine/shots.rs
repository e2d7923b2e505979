//! The project's files over the run, recorded so that they can be brought back: before anything starts, and as the workers
//! tell after attempts. That they cannot be recorded never fails anything.

use crate::event::{Event, NodeIndex};

use super::input::Command;
use super::kernel::{Kernel, Step};
use super::live::Files;

impl Kernel<'_> {
    /// Has the files recorded as the run finds them; nothing starts before that is done.
    pub fn record_files(&mut self) {
        if self.state.live.settings.snapshots {
            self.state.live.files = Files::Recording;
            self.command(Command::Snapshot);
        }
    }

    pub fn snapped(&mut self, node: Option<NodeIndex>, taken: &Result<String, String>) -> Step {
        if node.is_none() && self.state.live.files == Files::Recording {
            self.state.live.files = Files::Idle;
        }
        match taken {
            Ok(id) => self.emit(Event::SnapshotTaken { node, id: id.clone() }),
            Err(_) if std::mem::replace(&mut self.state.live.unrecorded, true) => Ok(()),
            Err(why) => self.note(None, format!("the project's files are not recorded: {why}")),
        }
    }
}
