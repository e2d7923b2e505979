//! What every `select` rule says of the change at hand, and which lane they choose. Plans nothing.

use serde::Serialize;

use crate::model::LaneId;
use crate::plan;

use super::start::Readings;
use super::{Asked, Error, Project};

/// One rule of one lane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaneVerdict {
    pub lane: String,
    pub rule: String,
    /// None where it cannot be worked out.
    pub holds: Option<bool>,
    /// Its reason in words, as its writer put it.
    pub because: Option<String>,
    /// What its parts were, or why there is no answer.
    pub values: String,
}

/// What is known of the change that rules are asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extent {
    pub files: usize,
    /// What it was compared with; empty where there is nothing to compare with.
    pub base: String,
}

impl Project {
    /// Every rule of the lanes that would be chosen among, in order; the lane of the first that holds is chosen.
    pub fn verdicts(&self, asked: &Asked) -> Result<Vec<LaneVerdict>, Error> {
        self.known_base(asked)?;
        let mut readings = Readings::new(self, &asked.change);
        let lanes = self.candidates(asked);
        Ok(lanes.iter().flat_map(|&id| self.judged(id, asked, &mut readings)).collect())
    }

    /// The first lane with a rule that holds, and what its rules said.
    pub(super) fn ruled(&self, lanes: &[LaneId], asked: &Asked) -> Option<(LaneId, String)> {
        let mut readings = Readings::new(self, &asked.change);
        for &id in lanes {
            let said = self.judged(id, asked, &mut readings);
            let why: Vec<String> =
                said.iter().filter(|said| said.holds == Some(true)).map(LaneVerdict::words).collect();
            if !why.is_empty() {
                return Some((id, why.join("; ")));
            }
        }
        None
    }

    /// Whether a rule of the lanes asks what is changed.
    pub(super) fn ask_of_change(&self, lanes: &[LaneId]) -> bool {
        let facts =
            lanes.iter().flat_map(|&id| plan::rule_facts(&self.model, &self.model.lanes[id as usize]));
        facts.into_iter().any(|key| key.name.starts_with("change."))
    }

    pub(super) fn extent(&self, asked: &Asked) -> Extent {
        let readings = Readings::new(self, &asked.change);
        let change = readings.world.change();
        Extent { files: change.files.len(), base: change.base.clone() }
    }

    fn judged(&self, id: LaneId, asked: &Asked, readings: &mut Readings) -> Vec<LaneVerdict> {
        let lane = &self.model.lanes[id as usize];
        let facts = readings.with(&plan::rule_facts(&self.model, lane)).clone();
        let given = self.given(asked, facts);
        let said = plan::verdicts(&self.model, lane, &given).into_iter();
        said.map(|said| LaneVerdict {
            lane: lane.name.clone(),
            rule: said.rule,
            holds: said.holds,
            because: said.because,
            values: said.values,
        })
        .collect()
    }

    /// A base that was asked for and is not there would make the change look empty.
    pub(super) fn known_base(&self, asked: &Asked) -> Result<(), Error> {
        let Some(base) = &asked.change.base else { return Ok(()) };
        if Readings::new(self, &asked.change).world.has_base() {
            return Ok(());
        }
        Err(Error::refused(
            format!("`{base}` is no branch, tag or commit of this repository"),
            "name what the change is compared with: `--base main`, `--base HEAD~1`",
        ))
    }
}

impl LaneVerdict {
    /// The reason as its writer put it, else the rule with what its parts were.
    pub fn words(&self) -> String {
        match (&self.because, self.values.as_str()) {
            (Some(because), _) => because.clone(),
            (None, "") => self.rule.clone(),
            (None, values) => format!("{} ({values})", self.rule),
        }
    }
}
