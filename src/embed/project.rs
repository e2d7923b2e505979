//! A project's `.wfl` files, loaded and checked. Runs nothing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::base::{SourceMap, Value};
use crate::diag::{self, Diagnostic};
use crate::load::{self, Loaded};
use crate::model::{self, LaneId, Model, ModuleId};
use crate::syntax::module::Unit;

use super::{Error, Place};

/// A project with all that was found out about its definition.
#[derive(Debug)]
pub struct Project {
    pub(super) place: Place,
    pub(super) sources: SourceMap,
    pub(super) units: Vec<Unit>,
    /// The paths it was asked for; none for the project's own.
    asked: Vec<PathBuf>,
    kept: load::Kept,
    pub(super) model: Model,
    diagnostics: Vec<Diagnostic>,
    /// Findings of the `Info` level, for those who ask.
    pedantic: Vec<Diagnostic>,
}

/// A file that fixes change; the path as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Fixed {
    pub path: String,
    pub before: String,
    pub after: String,
}

/// A lane as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneInfo {
    pub name: String,
    pub about: Option<String>,
    /// The file, or `std.lanes`.
    pub module: String,
    /// Of the built-in library.
    pub std: bool,
    /// The text of its `select` rule.
    pub select: Option<String>,
    pub extends: Option<String>,
    pub deprecated: bool,
    /// What it holds, in order; empty when its definition has errors.
    pub stages: Vec<String>,
    /// Its own fields, those of the lanes it extends included.
    pub meta: Vec<(String, Value)>,
}

impl LaneInfo {
    /// Whether the words stand in its name, its description, its fields or its stages, capital or not.
    pub fn mentions(&self, words: &str) -> bool {
        let about = self.about.iter().cloned();
        let meta = self.meta.iter().flat_map(|(name, value)| [name.clone(), value.to_string()]);
        let mut texts = about.chain(meta).chain(self.stages.iter().cloned()).chain([self.name.clone()]);
        texts.any(|text| text.to_lowercase().contains(&words.to_lowercase()))
    }
}

impl Project {
    /// The project at or above `dir`, with its own `.wfl` files.
    pub fn open(dir: impl AsRef<Path>) -> Result<Project, Error> {
        let dir = dir.as_ref();
        if !dir.is_dir() {
            return Err(Error::refused(
                format!("`{}` is no folder", dir.display()),
                "name the project's folder",
            ));
        }
        Ok(Project::at(Place::at(dir), &[]))
    }

    /// The project the program was started in; with `paths`, these files and folders instead of its own.
    pub fn load(paths: &[PathBuf]) -> Result<Project, Error> {
        let place = Place::here()?;
        require_lane_files(&place.cwd, paths)?;
        let place = paths.iter().fold(place, |place, path| place.for_file(path));
        Ok(Project::at(place, paths))
    }

    /// For an operand: a `.wfl` file stands alone, anything else is looked for in the project.
    pub fn for_target(target: Option<&str>) -> Result<Project, Error> {
        match target.filter(|target| is_file(target)) {
            Some(file) => {
                let place = Place::here()?;
                require_lane_files(&place.cwd, &[file.into()])?;
                Ok(Project::at(place.of_file(file.as_ref()), &[file.into()]))
            }
            None => Project::load(&[]),
        }
    }

    pub(super) fn at(place: Place, paths: &[PathBuf]) -> Project {
        let request = request(&place, paths);
        let loaded = load::load_with(&request, &load::Disk, always(paths));
        Project::checked(place, request.paths, loaded)
    }

    /// Checks again after some files changed, for a program that stays: `changed` is their new text by path. All other
    /// files are taken to be as they were; only what changed is parsed.
    pub fn recheck(&mut self, changed: &[(PathBuf, String)]) {
        let request = request(&self.place, &self.asked);
        let changed: Vec<(PathBuf, String)> =
            changed.iter().map(|(path, text)| (self.place.cwd.join(path), text.clone())).collect();
        let before = Loaded {
            root: self.place.root.clone(),
            sources: std::mem::take(&mut self.sources),
            units: std::mem::take(&mut self.units),
            diagnostics: Vec::new(),
            kept: std::mem::take(&mut self.kept),
        };
        let loaded = load::again(&request, &load::Disk, always(&self.asked), before, &changed);
        *self = Project::checked(self.place.clone(), request.paths, loaded);
    }

    fn checked(place: Place, asked: Vec<PathBuf>, loaded: Loaded) -> Project {
        let Loaded { sources, units, mut diagnostics, kept, .. } = loaded;
        let checked = model::check(&sources, &units);
        diagnostics.extend(checked.diagnostics);
        let levels = &checked.model.project.levels;
        // Formatting every file is only for those who ask.
        if levels.iter().any(|(code, level)| code.id == "I905" && *level != model::Level::Allow) {
            diagnostics.extend(unformatted(&sources, &units, &diagnostics));
        }
        let settled = model::settle(&sources, &units, levels, diagnostics);
        let (pedantic, diagnostics) =
            settled.into_iter().partition(|found| found.severity == diag::Severity::Info);
        Project { place, sources, units, asked, kept, model: checked.model, diagnostics, pedantic }
    }

    pub fn root(&self) -> &Path {
        &self.place.root
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Everything found in the files, errors and warnings.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Everything found, remarks of the pedantic checks included.
    pub fn pedantic(&self) -> Vec<Diagnostic> {
        let mut all: Vec<Diagnostic> = self.diagnostics.iter().chain(&self.pedantic).cloned().collect();
        if !self.model.project.levels.iter().any(|(code, _)| code.id == "I905") {
            all.extend(unformatted(&self.sources, &self.units, &self.diagnostics));
        }
        diag::sort(&mut all);
        all
    }

    /// The findings, or an error holding them all when one of them is an error: what is wrong is never run.
    pub fn check(&self) -> Result<&[Diagnostic], Error> {
        if self.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(self.wrong(self.diagnostics.clone()));
        }
        Ok(&self.diagnostics)
    }

    pub(super) fn wrong(&self, diagnostics: Vec<Diagnostic>) -> Error {
        Error::Definition { sources: Box::new(self.sources.clone()), diagnostics }
    }

    /// The project's lanes, then the built-in ones.
    pub fn lanes(&self) -> Vec<LaneInfo> {
        let own = self.own_lanes().into_iter();
        own.chain(self.std_lanes()).map(|lane| self.lane_info(lane)).collect()
    }

    fn lane_info(&self, id: LaneId) -> LaneInfo {
        let lane = &self.model.lanes[id as usize];
        let module = &self.model.modules[lane.module as usize];
        let resolved = model::resolve::lane(&self.model, id);
        let meta = resolved.as_ref().map(|lane| lane.meta.clone());
        let stages =
            resolved.as_ref().map(|lane| lane.stages.iter().map(|stage| stage.name.clone()).collect());
        LaneInfo {
            name: lane.name.clone(),
            about: lane.about.clone().or_else(|| lane.docs.clone()),
            module: module.name.clone(),
            std: module.std,
            select: lane.select.as_ref().map(|select| select.text.clone()),
            extends: lane.extends.map(|(parent, _)| self.model.lanes[parent as usize].name.clone()),
            deprecated: lane.deprecated,
            stages: stages.unwrap_or_default(),
            meta: meta.unwrap_or_default(),
        }
    }

    /// Modules of files that were named or found, in order.
    pub(super) fn own_modules(&self) -> Vec<ModuleId> {
        let given = |unit: &Unit| unit.given && !unit.std;
        (0..).zip(&self.units).filter(|(_, unit)| given(unit)).map(|(index, _)| index).collect()
    }

    pub(super) fn own_lanes(&self) -> Vec<LaneId> {
        self.own_modules()
            .iter()
            .flat_map(|&module| self.model.modules[module as usize].lanes.clone())
            .collect()
    }

    pub(super) fn std_lanes(&self) -> Vec<LaneId> {
        let std = self.model.modules.iter().filter(|module| module.name == "std.lanes");
        std.flat_map(|module| module.lanes.clone()).collect()
    }

    /// The new text of every file that the fixes of `found` change: those that keep the meaning, with `risky` all.
    pub fn fixed(&self, found: &[Diagnostic], risky: bool) -> Vec<Fixed> {
        let texts = diag::fix::apply(&self.sources, found, risky);
        texts
            .into_iter()
            .map(|(file, text)| {
                let source = self.sources.get(file);
                Fixed { path: source.path.clone(), before: source.text.to_string(), after: text }
            })
            .collect()
    }

    /// Writes what [`Project::fixed`] made.
    pub fn write_fixed(&self, fixed: &[Fixed]) -> Result<(), Error> {
        for Fixed { path, after, .. } in fixed {
            std::fs::write(self.place.cwd.join(path), after).map_err(|e| {
                Error::refused(
                    format!("{path} cannot be written: {e}"),
                    "make it writable, or fix it by hand",
                )
            })?;
        }
        Ok(())
    }

    /// The state's reading side; none while nothing was ever run here.
    pub fn history(&self) -> Result<Option<crate::store::Store>, Error> {
        self.place.existing_state()
    }
}

/// I905 of each file that was asked about and can be read.
fn unformatted(sources: &SourceMap, units: &[Unit], found: &[Diagnostic]) -> Vec<Diagnostic> {
    let broken = |unit: &Unit| found.iter().any(|found| found.is_error() && found.span.file == unit.tree.id);
    units
        .iter()
        .filter(|unit| unit.given && !broken(unit))
        .filter_map(|unit| crate::format::check(unit.tree.id, &sources.get(unit.tree.id).text))
        .collect()
}

fn request(place: &Place, paths: &[PathBuf]) -> load::Request {
    load::Request { root: place.root.clone(), cwd: place.cwd.clone(), paths: paths.to_vec() }
}

/// The built-in lanes are there for every project; a file that is named brings what it mentions.
fn always(paths: &[PathBuf]) -> &'static [&'static str] {
    if paths.is_empty() { &["lanes"] } else { &[] }
}

/// Refuses operands that cannot be lane files: nothing there, or a file of another kind.
pub(super) fn require_lane_files(cwd: &Path, paths: &[PathBuf]) -> Result<(), Error> {
    for path in paths {
        let shown = path.display();
        match std::fs::metadata(cwd.join(path)) {
            Err(e) => {
                let reason = if e.kind() == ErrorKind::NotFound {
                    "there is no such file".into()
                } else {
                    e.to_string()
                };
                let help = "name a `.wfl` file, or a folder that holds some";
                return Err(Error::refused(format!("`{shown}` cannot be read: {reason}"), help));
            }
            Ok(meta) if meta.is_file() && path.extension().is_none_or(|ending| ending != "wfl") => {
                let help = "lane files end in `.wfl`: rename it, or name another";
                return Err(Error::refused(format!("`{shown}` is no lane file"), help));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// An operand that names a file rather than a lane.
pub fn is_file(target: &str) -> bool {
    target.ends_with(".wfl")
}
