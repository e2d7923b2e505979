//! What callers need to know of a lane before any lane is lowered: its params, what it extends, what it gives out. Says
//! nothing of what is wrong with them but a name that is taken; the rest is reported where lanes are lowered.

use crate::base::Type;
use crate::model::infer::{self, Namespace, Symbol};
use crate::model::report::Report;
use crate::model::{LaneId, ModuleId, StageId};
use crate::syntax::ast::{Expr, Ident, Statement};

use super::{Declared, Item, Space, declared_name, twice};

/// One lane's own statements as callers see them.
#[derive(Clone, Debug, Default)]
pub struct LaneFacts {
    /// By name: index of the param among the globals.
    pub params: Vec<(String, u32)>,
    pub outputs: Vec<LaneOut>,
    pub extends: Option<LaneId>,
}

/// `out NAME = stage.output`.
#[derive(Clone, Debug)]
pub struct LaneOut {
    pub name: String,
    pub ty: Type,
}

impl<'a> Declared<'a> {
    /// A lane's own params are names of its file, so that the stages it holds can read them. Several lanes may have
    /// one of the same name, and so may the file: each lane's own stands for it in that lane.
    pub(super) fn lane_params(
        &mut self,
        module: ModuleId,
        lane: LaneId,
        body: &'a Statement,
        report: &mut Report,
    ) {
        let mut own: Vec<(String, u32)> = Vec::new();
        for inner in body.body().iter().filter(|inner| inner.head.text == "param") {
            let Some(name) = declared_name(inner) else { continue };
            let index = self.globals.len() as u32;
            if let Some((_, first)) = own.iter().find(|(known, _)| *known == name.text) {
                report.push(twice(&name, self.globals[*first as usize].span));
            } else {
                own.push((name.text.to_string(), index));
                self.lane_param_name(module, &name, index, report);
            }
            self.lane_of.insert(index, lane);
            self.globals.push(Item { module, name: name.text, span: name.span, statement: inner });
        }
        self.lane_facts.push(LaneFacts { params: own, ..LaneFacts::default() });
    }

    fn lane_param_name(&mut self, module: ModuleId, name: &Ident, index: u32, report: &mut Report) {
        let known = self.names[module as usize].values.get(&name.text).map(|(symbol, _)| *symbol);
        match known {
            Some(Symbol::Global(other)) if self.is_param(other) => {}
            _ => self.name(module, Space::Values, name, Symbol::Global(index), false, report),
        }
    }

    pub fn is_param(&self, global: u32) -> bool {
        self.globals.get(global as usize).is_some_and(|item| item.statement.head.text == "param")
    }

    /// The lane whose own param it is.
    pub fn lane_of(&self, global: u32) -> Option<LaneId> {
        self.lane_of.get(&global).copied()
    }

    /// What each lane extends and gives out, once all stages are known.
    pub(super) fn finish_lanes(&mut self) {
        for lane in 0..self.lanes.len() {
            let item = &self.lanes[lane];
            let extends = item.statement.body().iter().find(|inner| inner.head.text == "extends");
            let path = extends.and_then(|extends| extends.operands().first()).and_then(Expr::path);
            let quiet = &mut Report::default();
            let base =
                path.and_then(|path| infer::path_symbol(self, item.module, &path, Namespace::Lanes, quiet));
            self.lane_facts[lane].extends = match base {
                Some(Symbol::Lane(base)) => Some(base),
                _ => None,
            };
        }
        for lane in 0..self.lanes.len() {
            let outputs = self.lanes[lane].statement.body().iter().filter(|inner| inner.head.text == "out");
            let outputs = outputs.filter_map(|out| self.lane_out(lane as LaneId, out)).collect();
            self.lane_facts[lane].outputs = outputs;
        }
    }

    fn lane_out(&self, lane: LaneId, statement: &Statement) -> Option<LaneOut> {
        let name = declared_name(statement)?;
        let value = statement.binding()?.value.as_ref();
        let found = value.and_then(Expr::path).and_then(|path| self.given_out(lane, &path));
        let ty = found.map_or(Type::Unknown, |(_, _, ty)| ty);
        Some(LaneOut { name: name.text.to_string(), ty })
    }

    /// The output that `stage.output` means in a lane: of its own file, else of those of the lanes it extends.
    pub fn given_out(&self, lane: LaneId, path: &[Ident]) -> Option<(StageId, String, Type)> {
        let modules = self.lane_chain(lane).into_iter().map(|id| self.lanes[id as usize].module);
        modules.into_iter().find_map(|module| self.output_at(module, path))
    }

    /// The stage and output that `stage.output` names, with the type its readers see.
    fn output_at(&self, module: ModuleId, path: &[Ident]) -> Option<(StageId, String, Type)> {
        let (output, stage) = path.split_last().filter(|(_, stage)| !stage.is_empty())?;
        let quiet = &mut Report::default();
        let Some(Symbol::Stage(id)) = infer::path_symbol(self, module, stage, Namespace::Stages, quiet)
        else {
            return None;
        };
        let facts = self.facts(id);
        let (_, ty, _) = facts.outputs.iter().find(|(name, _, _)| *name == output.text)?;
        let ty = match (facts.matrix, facts.allow_failure) {
            (true, _) => ty.clone().list().optional(),
            (false, true) => ty.clone().optional(),
            (false, false) => ty.clone(),
        };
        Some((id, output.text.to_string(), ty))
    }

    /// The lane and those it extends, nearest first; a circle ends where it closes.
    pub fn lane_chain(&self, lane: LaneId) -> Vec<LaneId> {
        let mut chain = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut at = Some(lane);
        while let Some(id) = at.filter(|id| seen.insert(*id)) {
            chain.push(id);
            at = self.lane_facts[id as usize].extends;
        }
        chain
    }

    /// Those that the lane itself declares.
    pub fn own_params(&self, lane: LaneId) -> &[(String, u32)] {
        &self.lane_facts[lane as usize].params
    }

    /// The lane's params by name, those of the lanes it extends included.
    pub fn params_of(&self, lane: LaneId) -> Vec<(String, u32)> {
        let mut found: Vec<(String, u32)> = Vec::new();
        for id in self.lane_chain(lane) {
            for (name, index) in &self.lane_facts[id as usize].params {
                if found.iter().all(|(known, _)| known != name) {
                    found.push((name.clone(), *index));
                }
            }
        }
        found
    }

    /// What a stage that calls the lane may read.
    pub fn outputs_of(&self, lane: LaneId) -> Vec<LaneOut> {
        let mut found: Vec<LaneOut> = Vec::new();
        for id in self.lane_chain(lane) {
            for out in &self.lane_facts[id as usize].outputs {
                if found.iter().all(|known| known.name != out.name) {
                    found.push(out.clone());
                }
            }
        }
        found
    }
}
