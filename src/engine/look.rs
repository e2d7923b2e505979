//! A worker's part in taking earlier results: reads what decides one, looks it up, makes sure that its files are what
//! they were; and after a success, what files it left. Knows no state of the run.

use std::path::{Path, PathBuf};

use crate::base::Timestamp;
use crate::event::{FileMark, Files, Keyed, NodeIndex};
use crate::plan::Plan;
use crate::port::{AttemptSpec, InputFiles, Results, Stored};

use super::input::Outputs;
use super::reuse::{self, Seen};
use super::scope::{NodeScope, declared_path};
use super::spec::{self, Context, Wanted};

/// What was found for a stage that is about to start.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// Hash of its inputs.
    pub inputs: String,
    pub keyed: Keyed,
    pub found: Found,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// An earlier result holds; these of its files had to be brought back from their copies.
    Holds { stored: Box<Stored>, brought_back: Vec<String> },
    /// The stage must run, and why.
    None(String),
}

/// What a stage left that ended well.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sealed {
    pub files: Files,
    /// Why the result is for this run alone.
    pub spoilt: Option<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// How hard an earlier result is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// `--fresh`: its key is worked out, and nothing is taken.
    KeyOnly,
    /// Nothing is written.
    Look,
    /// Files that are missing or changed are brought back where a copy is kept.
    Mend,
}

/// Looks on behalf of one run.
pub struct Looker<'a> {
    pub plan: &'a Plan,
    pub context: &'a Context,
    pub results: &'a dyn Results,
}

impl Looker<'_> {
    /// The result that the node could take, with everything it needs having ended and left `outputs`.
    pub fn look(&self, node: NodeIndex, outputs: &Outputs, effort: Effort) -> Result<Looked, String> {
        let spec = self.spec(node, outputs)?;
        let globs = &self.plan.nodes[node as usize].inputs;
        let seen = self.see(node, &spec, outputs, self.results.inputs(globs, &spec.outputs)?);
        let parts = reuse::parts(self.plan, node, &spec, outputs, &seen);
        let keyed = reuse::keyed(&parts, &seen.inputs);
        let found = match (&seen.inputs.beyond, effort) {
            (Some(link), _) => Found::None(format!(
                "not reusable: its input {link} leads to a folder outside of the project"
            )),
            (None, Effort::KeyOnly) => Found::None("nothing is reused: --fresh".into()),
            (None, effort) => self.find(&spec.root, &keyed, effort)?,
        };
        Ok(Looked { inputs: seen.inputs.hash, keyed, found })
    }

    /// The node's attempt as it would be; of secrets it has none.
    fn spec(&self, node: NodeIndex, outputs: &Outputs) -> Result<AttemptSpec, String> {
        let wanted = Wanted { node, attempt: 0, timeout: None, key: None, outputs };
        spec::attempt(self.plan, self.context, &wanted)
    }

    fn see(&self, node: NodeIndex, spec: &AttemptSpec, outputs: &Outputs, inputs: InputFiles) -> Seen {
        let hash = |path: &String| match self.results.mark(&spec.root.join(path)) {
            Ok(mark) => mark.hash,
            Err(why) => why,
        };
        let files = reuse::files_to_read(self.plan, node, spec, outputs);
        Seen {
            inputs,
            programs: self.results.programs(spec),
            passed: spec.clean_env.as_ref().map(|globs| self.results.passed(globs)).unwrap_or_default(),
            files: files.into_iter().map(|path| (path.clone(), hash(&path))).collect(),
        }
    }

    fn find(&self, root: &Path, keyed: &Keyed, effort: Effort) -> Result<Found, String> {
        let stage = keyed.parts.get("stage").map_or("", String::as_str);
        let (same, newest) = self.results.find(stage, &keyed.key)?;
        let Some(stored) = same else {
            return Ok(Found::None(match newest {
                Some(newest) => reuse::difference(&newest.keyed, keyed),
                None => "first run".into(),
            }));
        };
        if let Some(revoked) = &stored.revoked {
            return Ok(Found::None(format!("its earlier result does not count: {revoked}")));
        }
        Ok(match self.verify(root, &stored.files, effort) {
            Ok(brought_back) => Found::Holds { stored: Box::new(stored), brought_back },
            Err(why) => Found::None(format!("{why} (since run {})", stored.run)),
        })
    }

    /// Whether the files are what they were, made so where they are not and a copy is kept.
    pub fn verify(&self, root: &Path, files: &Files, effort: Effort) -> Result<Vec<String>, String> {
        let mut brought_back = Vec::new();
        for (path, mark) in files {
            let full = root.join(path);
            let Some(why) = self.differs(&full, path, mark) else { continue };
            match (mark.kept, effort) {
                (Some(_), Effort::Mend) => {
                    self.results.bring_back(&full, mark).map_err(|not| format!("{why}, and {not}"))?;
                    brought_back.push(path.clone());
                }
                (Some(_), _) => brought_back.push(path.clone()),
                (None, _) => return Err(why),
            }
        }
        Ok(brought_back)
    }

    fn differs(&self, full: &Path, path: &str, mark: &FileMark) -> Option<String> {
        match self.results.mark(full) {
            Ok(now) if now.same_content(mark) => None,
            Ok(_) => Some(format!("its output {path} was changed")),
            Err(_) if !full.exists() => Some(format!("its output {path} is not there any more")),
            Err(why) => Some(format!("its output {path} cannot be read: {why}")),
        }
    }

    /// What the node left, a moment after its success.
    pub fn seal(
        &self,
        node: NodeIndex,
        outputs: &Outputs,
        inputs: Option<&str>,
        now: Timestamp,
    ) -> Result<Sealed, String> {
        let spec = self.spec(node, outputs)?;
        let keeps = self.keeps(node, outputs);
        let mut sealed = Sealed::default();
        for full in &spec.outputs {
            let path = full.strip_prefix(&spec.root).unwrap_or(full).to_string_lossy().into_owned();
            let mut mark = self.results.mark(full).map_err(|why| format!("{path}: {why}"))?;
            if let Some((_, ms)) = keeps.iter().find(|(kept, _)| kept == full) {
                match self.results.keep(full, &mark) {
                    Ok(()) => mark.kept = Some(Timestamp(now.0.saturating_add_unsigned(*ms))),
                    Err(why) => sealed.notes.push(format!("no copy of {path} is kept: {why}")),
                }
            }
            sealed.files.insert(path, mark);
        }
        if let Some(before) = inputs {
            let globs = &self.plan.nodes[node as usize].inputs;
            let same = self.results.inputs(globs, &spec.outputs)?.hash == before;
            sealed.spoilt = (!same).then(|| "its inputs changed while it ran".to_owned());
        }
        Ok(sealed)
    }

    /// Output files of which a copy is to be kept, absolute, each with for how long.
    fn keeps(&self, node: NodeIndex, outputs: &Outputs) -> Vec<(PathBuf, u64)> {
        let scope = NodeScope::new(self.plan, node, outputs);
        let own = self.plan.nodes[node as usize].outputs.iter();
        own.filter_map(|output| {
            let keep = output.keep?;
            let path = declared_path(&scope, output).ok()??.to_string();
            Some((spec::inside(&self.plan.root, &path).ok()?, keep))
        })
        .collect()
    }
}
