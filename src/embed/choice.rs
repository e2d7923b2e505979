//! Which lane is meant: by file, by name, or by the `select` rules. Plans nothing.

use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::model::{self, LaneId, ModuleId, ResolvedLane};

use super::project::is_file;
use super::{Asked, Error, Project};

/// A lane, or a file without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Lane(LaneId),
    WholeFile(ModuleId),
}

/// The lane that was meant, what it holds, and what chose it.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub which: Which,
    pub lane: ResolvedLane,
    /// In words: "it was named", "23 files changed (> 20)".
    pub by: String,
}

impl Project {
    /// The lane that `asked` names, or that the `select` rules choose.
    pub fn choose(&self, asked: &Asked) -> Result<Chosen, Error> {
        self.known_base(asked)?;
        let file = asked.target.as_deref().filter(|target| is_file(target));
        let named = asked.lane.as_deref().or(asked.target.as_deref().filter(|_| file.is_none()));
        let (which, by) = match (named, file) {
            (Some(name), _) => (Which::Lane(self.lane_named(name, file)?), "it was named".to_string()),
            (None, Some(_)) => self.of_file(asked)?,
            (None, None) => self.of_project(asked)?,
        };
        self.chosen(which, by)
    }

    /// The lane that a run was made from, in the files it was made from.
    pub(super) fn choose_again(&self, name: &str) -> Result<Chosen, Error> {
        let is = |id: &LaneId| self.model.lanes[*id as usize].name == name;
        let which = match self.own_lanes().into_iter().chain(self.std_lanes()).find(is) {
            Some(id) => Which::Lane(id),
            None => Which::WholeFile(0),
        };
        self.chosen(which, "the run was made from it".into())
    }

    fn chosen(&self, which: Which, by: String) -> Result<Chosen, Error> {
        let lane = match which {
            Which::Lane(id) => model::resolve::lane(&self.model, id).map_err(|found| self.wrong(found))?,
            Which::WholeFile(module) => model::resolve::whole_file(&self.model, module),
        };
        if lane.stages.is_empty() {
            let help = "write a stage: `stage hello { exec \"echo\", \"hello\" }`";
            return Err(Error::refused(format!("{}: there is nothing to run", codes::E212.id), help));
        }
        Ok(Chosen { which, lane, by })
    }

    fn lane_named(&self, name: &str, file: Option<&str>) -> Result<LaneId, Error> {
        if let Some(built_in) = name.strip_prefix("std.lanes.") {
            let std = self.std_lanes();
            let found = std.iter().copied().find(|id| self.model.lanes[*id as usize].name == built_in);
            return found.ok_or_else(|| self.no_such_lane(name, &std));
        }
        let is = |id: &LaneId| self.model.lanes[*id as usize].name == name;
        let own: Vec<LaneId> = self.own_lanes().into_iter().filter(is).collect();
        match own.as_slice() {
            [only] => return Ok(*only),
            [_, _, ..] => return Err(self.twice(name, &own)),
            [] => {}
        }
        let std = if file.is_none() { self.std_lanes() } else { Vec::new() };
        std.iter().copied().find(is).ok_or_else(|| self.no_such_lane(name, &std))
    }

    fn twice(&self, name: &str, lanes: &[LaneId]) -> Error {
        let files: Vec<&str> = lanes
            .iter()
            .map(|&id| self.model.modules[self.model.lanes[id as usize].module as usize].name.as_str())
            .collect();
        Error::refused(
            format!("two files have a lane `{name}`: {}", files.join(", ")),
            format!("name the file: `{} --lane {name}`", files[0]),
        )
    }

    fn no_such_lane(&self, name: &str, std: &[LaneId]) -> Error {
        let own = self.own_lanes();
        let mut all: Vec<&str> = Vec::new();
        for &id in own.iter().chain(std) {
            let name = self.model.lanes[id as usize].name.as_str();
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let near = did_you_mean(&nearest(name, all.iter().copied()));
        let list = match all.as_slice() {
            [] => "the file has no lane".to_string(),
            all => format!("the lanes are {}", all.join(", ")),
        };
        let help = near.map_or(list.clone(), |near| format!("{near} {list}"));
        Error::refused(format!("there is no lane `{name}` [{}]", codes::E951.id), help)
    }

    fn of_file(&self, asked: &Asked) -> Result<(Which, String), Error> {
        let Some(&module) = self.own_modules().first() else {
            return Err(Error::refused("the file could not be read", ""));
        };
        match self.candidates(asked).as_slice() {
            [] => Ok((Which::WholeFile(module), "the file has no lane: all its stages".into())),
            [only] => Ok((Which::Lane(*only), "it is the only lane of the file".into())),
            several => self.by_rules(several, asked),
        }
    }

    fn of_project(&self, asked: &Asked) -> Result<(Which, String), Error> {
        if let [only] = self.own_lanes().as_slice() {
            return Ok((Which::Lane(*only), "it is the only lane of the project".into()));
        }
        self.by_rules(&self.candidates(asked), asked)
    }

    /// The lanes that are chosen among where none is named: of a file its own; else the project's, else the built-in.
    pub(super) fn candidates(&self, asked: &Asked) -> Vec<LaneId> {
        if asked.target.as_deref().is_some_and(is_file) {
            let first = self.own_modules().first().copied();
            return first.map(|module| self.model.modules[module as usize].lanes.clone()).unwrap_or_default();
        }
        let own = self.own_lanes();
        if own.is_empty() { self.std_lanes() } else { own }
    }

    fn by_rules(&self, lanes: &[LaneId], asked: &Asked) -> Result<(Which, String), Error> {
        match self.ruled(lanes, asked) {
            Some((id, why)) => Ok((Which::Lane(id), why)),
            None => Err(self.none_selected(lanes, asked)),
        }
    }

    fn none_selected(&self, lanes: &[LaneId], asked: &Asked) -> Error {
        let names: Vec<&str> = lanes.iter().map(|&id| self.model.lanes[id as usize].name.as_str()).collect();
        let extent = self.extent(asked);
        if extent.files == 0 && !asked.change.is_told() && self.ask_of_change(lanes) {
            let than = if extent.base.is_empty() { "what git knows" } else { extent.base.as_str() };
            let help = format!(
                "name a lane to run it all the same: {}; or `--base REV`, `--files F,…`",
                names.join(", ")
            );
            return Error::refused(format!("no changes: no file differs from {than}"), help);
        }
        let first = lanes.first().map(|&id| self.model.lanes[id as usize].span);
        let message = format!("no `select` fits this change among the lanes {}", names.join(", "));
        let found = Diagnostic::new(&codes::E952, first.unwrap_or_default(), message)
            .help(format!("name one: --lane {}", names.first().copied().unwrap_or("NAME")));
        self.wrong(vec![found])
    }
}
