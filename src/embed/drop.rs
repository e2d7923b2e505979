//! What one lane drops, adds and changes against another: the question of whoever takes the shorter path. Judges
//! nothing as right or wrong.

use std::collections::BTreeMap;

use super::origin::{Member, Origin, Setting};
use super::{Error, Project};

/// The difference of two lanes, in the words of their files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    pub from: String,
    pub to: String,
    /// In the first alone.
    pub dropped: Vec<Member>,
    /// In the second alone.
    pub added: Vec<Member>,
    /// In both, but the second skips them, with its reason.
    pub waived: Vec<(Member, String)>,
    /// Settings that differ, of members in both; an empty name is the lane itself.
    pub changed: Vec<Change>,
}

/// One setting that differs; none where a side does not set it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub member: String,
    pub keyword: String,
    pub from: Option<Setting>,
    pub to: Option<Setting>,
}

/// Settings of a lane that say what it holds, which the lists of members show already.
const HOLDS: &[&str] = &["extends", "include", "exclude", "replace", "override", "about", "meta"];

impl Project {
    /// What lane `to` drops, adds and changes against lane `from`.
    pub fn lanes_differ(&self, from: &str, to: &str) -> Result<Difference, Error> {
        let (from, to) = (self.origin(from)?, self.origin(to)?);
        Ok(difference(from, to))
    }
}

fn difference(from: Origin, to: Origin) -> Difference {
    let mut difference = Difference { from: from.lane, to: to.lane, ..Difference::default() };
    compare("", &held(from.settings), &held(to.settings), &mut difference.changed);
    let mut new: BTreeMap<(String, String), Member> =
        to.members.into_iter().map(|member| (key(&member), member)).collect();
    for old in from.members {
        match new.remove(&key(&old)) {
            None => difference.dropped.push(old),
            Some(new) => {
                if let (Some(reason), None) = (&new.waived, &old.waived) {
                    difference.waived.push((new.clone(), reason.clone()));
                }
                compare(&old.name, &old.settings, &new.settings, &mut difference.changed);
            }
        }
    }
    difference.added = new.into_values().collect();
    difference
}

/// Members are the same when they are defined at the same place.
fn key(member: &Member) -> (String, String) {
    (member.name.clone(), member.place.clone())
}

fn held(settings: Vec<Setting>) -> Vec<Setting> {
    settings.into_iter().filter(|setting| !HOLDS.contains(&setting.keyword.as_str())).collect()
}

fn compare(member: &str, from: &[Setting], to: &[Setting], changed: &mut Vec<Change>) {
    let left = |these: &[Setting], others: &[Setting]| -> Vec<Setting> {
        let same = |one: &Setting, other: &Setting| one.keyword == other.keyword && one.value == other.value;
        these.iter().filter(|one| !others.iter().any(|other| same(one, other))).cloned().collect()
    };
    let mut new = left(to, from);
    for old in left(from, to) {
        let partner = new.iter().position(|setting| setting.keyword == old.keyword);
        changed.push(Change {
            member: member.to_string(),
            keyword: old.keyword.clone(),
            to: partner.map(|at| new.remove(at)),
            from: Some(old),
        });
    }
    changed.extend(new.into_iter().map(|setting| Change {
        member: member.to_string(),
        keyword: setting.keyword.clone(),
        from: None,
        to: Some(setting),
    }));
}
