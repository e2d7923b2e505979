//! The change at hand, for those who ask about it outside a run. Runs nothing but git.

use std::path::Path;

use crate::facts::World;
use crate::review::{self, Finding, Subject};

use super::{Change, Error, Project};

/// The change as facts see it.
#[derive(Debug)]
pub struct Changed {
    world: World,
    root: std::path::PathBuf,
}

impl Project {
    /// What is changed here against the change's base, else against the project's own base branch. An empty base is none:
    /// stages hand on what `change.base` says.
    pub fn changed(&self, change: &Change) -> Changed {
        let base = change.base.clone().filter(|base| !base.is_empty());
        let world = self.world(&Change { base, ..change.clone() });
        Changed { world, root: self.root().to_path_buf() }
    }
}

impl Changed {
    /// What `change.details` holds.
    pub fn details(&self) -> serde_json::Value {
        self.world.details_json()
    }

    /// Everything that is wrong with it in one respect.
    pub fn judge(&self, subject: Subject) -> Vec<Finding> {
        review::judge(subject, &self.world, &self.root)
    }

    /// The document that a template, built-in (`std:NAME`) or the project's own, makes of it.
    pub fn document(&self, template: &str) -> Result<String, Error> {
        let refused = |why: String| Error::refused(why, "name a template: `std:proposal.md`");
        let text = crate::exec::template_text(&self.root, Path::new(template)).map_err(refused)?;
        let values = serde_json::json!({ "details": self.details().to_string() });
        let bytes = crate::exec::fill_template(template, &text, &values, false).map_err(refused)?;
        String::from_utf8(bytes).map_err(|_| refused(format!("{template} makes no text")))
    }
}
