//! What a lane really holds, setting by setting, with the statement that set each: defaults, definition, override, or
//! a lane it extends. Reads trees; runs nothing.

use std::collections::HashMap;

use crate::base::Span;
use crate::model::{self, LaneId, ModuleId, ResolvedLane, Stage, StageKind};
use crate::syntax::ast::Statement;

use super::{Error, Project};

/// One setting as it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub keyword: String,
    /// What is set, as written, on one line.
    pub value: String,
    /// `file:line` of the statement.
    pub place: String,
    /// Why it counts, where it is not the definition's own: "defaults", "override in lane `x`", "lane `x`".
    pub by: Option<String>,
}

/// A stage or gate of the lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub name: String,
    pub gate: bool,
    /// `file:line` of the definition.
    pub place: String,
    /// Why the lane does not run it, where it skips it.
    pub waived: Option<String>,
    pub settings: Vec<Setting>,
}

/// A lane with all it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    pub lane: String,
    pub place: String,
    pub settings: Vec<Setting>,
    pub members: Vec<Member>,
}

/// Settings of a lane that replace each other along `extends`; the others add up.
const SINGLE: &[&str] =
    &["about", "parallel", "timeout", "sla", "on-failure", "select", "finally", "meta", "gates", "recommend"];

impl Project {
    /// The lane of that name, or of that file, taken apart.
    pub fn origin(&self, target: &str) -> Result<Origin, Error> {
        self.check()?;
        let asked = super::Asked { target: Some(target.to_string()), ..Default::default() };
        let chosen = self.choose(&asked)?;
        let index = self.statements();
        let members =
            chosen.lane.stages.iter().map(|stage| self.member(stage, &chosen.lane, &index)).collect();
        let (place, settings) = match chosen.which {
            super::choice::Which::Lane(id) => {
                (self.sources.place(self.model.lanes[id as usize].span), self.lane_settings(id, &index))
            }
            super::choice::Which::WholeFile(module) => (self.units[module as usize].name.clone(), Vec::new()),
        };
        Ok(Origin { lane: chosen.lane.name.clone(), place, settings, members })
    }

    /// Every statement by the place of its keyword and of the name it defines.
    fn statements(&self) -> HashMap<Span, &Statement> {
        let mut found = HashMap::new();
        let mut open: Vec<&Statement> = self.units.iter().flat_map(|unit| &unit.tree.statements).collect();
        while let Some(statement) = open.pop() {
            found.insert(statement.head.span, statement);
            found.extend(statement.operands().first().map(|name| (name.span, statement)));
            open.extend(statement.body());
        }
        found
    }

    fn member(&self, stage: &Stage, lane: &ResolvedLane, index: &HashMap<Span, &Statement>) -> Member {
        let body = index.get(&stage.span).map_or(&[][..], |statement| statement.body());
        let mut settings: Vec<Setting> = Vec::new();
        for statement in self.defaults(stage.module) {
            let own = body.iter().any(|own| own.head.text == statement.head.text);
            if !own && stage.kind == StageKind::Stage {
                settings.push(self.setting(statement, Some("defaults".into())));
            }
        }
        settings.extend(body.iter().map(|statement| self.setting(statement, None)));
        for level in self.chain(lane.id) {
            self.overridden(level, stage, index, &mut settings);
        }
        let waived = lane.waived.iter().find(|(gate, _)| *gate == stage.id);
        Member {
            name: stage.name.clone(),
            gate: stage.kind == StageKind::Gate,
            place: self.sources.place(stage.span),
            waived: waived.map(|(_, reason)| reason.clone()),
            settings,
        }
    }

    fn defaults(&self, module: ModuleId) -> &[Statement] {
        let statements = &self.units[module as usize].tree.statements;
        let defaults = statements.iter().find(|statement| statement.head.text == "defaults");
        defaults.map_or(&[], Statement::body)
    }

    fn overridden(
        &self,
        level: LaneId,
        stage: &Stage,
        index: &HashMap<Span, &Statement>,
        settings: &mut Vec<Setting>,
    ) {
        let lane = &self.model.lanes[level as usize];
        for keyword in model::resolve::overridden(&self.model, level, stage.id) {
            let Some(statement) = index.get(&keyword) else { continue };
            settings.retain(|setting| setting.keyword != statement.head.text);
            settings.push(self.setting(statement, Some(format!("override in lane `{}`", lane.name))));
        }
    }

    /// The lane and those it extends, the first one first.
    fn chain(&self, id: LaneId) -> Vec<LaneId> {
        let mut chain = Vec::new();
        let mut at = Some(id);
        while let Some(lane) = at.and_then(|id| self.model.lanes.get(id as usize)) {
            if chain.contains(&lane.id) {
                break;
            }
            chain.push(lane.id);
            at = lane.extends.map(|(base, _)| base);
        }
        chain.reverse();
        chain
    }

    fn lane_settings(&self, id: LaneId, index: &HashMap<Span, &Statement>) -> Vec<Setting> {
        let mut settings: Vec<Setting> = Vec::new();
        for level in self.chain(id) {
            let lane = &self.model.lanes[level as usize];
            let body = index.get(&lane.span).map_or(&[][..], |statement| statement.body());
            let by = (level != id).then(|| format!("lane `{}`", lane.name));
            for statement in body {
                let keyword = statement.head.text.as_str();
                if SINGLE.contains(&keyword) {
                    // Several rules of one lane stand beside each other.
                    settings.retain(|setting| setting.keyword != keyword || setting.by == by);
                }
                settings.push(self.setting(statement, by.clone()));
            }
        }
        settings
    }

    fn setting(&self, statement: &Statement, by: Option<String>) -> Setting {
        let text = self.sources.text(statement.span);
        let value = text.strip_prefix(statement.head.text.as_str()).unwrap_or(text);
        Setting {
            keyword: statement.head.text.to_string(),
            value: value.split_whitespace().collect::<Vec<_>>().join(" "),
            place: self.sources.place(statement.head.span),
            by,
        }
    }
}
