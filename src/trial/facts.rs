//! The facts of a scenario: what the test gives, else the contract's: branch main, sha 0000000, clean, no change, an
//! empty project on a plain machine. Reads nothing.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::expr::facts::{Fact, FactKey, FactValues};
use crate::workspace::tree;

/// Facts by id, as the test gives them, and what the model says of the project.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub given: BTreeMap<String, Value>,
    pub version: Option<String>,
    pub base: Option<String>,
}

impl Facts {
    /// Facts of the run's start.
    pub fn at_start(&self, keys: &[FactKey]) -> FactValues {
        keys.iter().map(|key| (key.id(), self.fact(key))).collect()
    }

    fn fact(&self, key: &FactKey) -> Fact {
        match self.given.get(&key.id()) {
            Some(value) => Fact::Read(value.clone()),
            None => self.other(key).map_or_else(Fact::Failed, Fact::Read),
        }
    }

    fn other(&self, key: &FactKey) -> Result<Value, String> {
        let globs: Vec<String> = key.arguments.iter().map(Value::to_string).collect();
        let files = || self.files();
        Ok(match key.name.as_str() {
            "change.touches" => {
                let globs = tree::globs(&globs)?;
                Value::Bool(files().iter().any(|file| globs.is_match(file)))
            }
            "change.only" => {
                let globs = tree::globs(&globs)?;
                Value::Bool(!files().is_empty() && files().iter().all(|file| globs.is_match(file)))
            }
            "git.short_sha" => {
                let sha = self.text("git.sha", "0000000");
                Value::String(sha.chars().take(7).collect())
            }
            name => self.plain(name)?,
        })
    }

    fn plain(&self, name: &str) -> Result<Value, String> {
        Ok(match name {
            "git.branch" => Value::String("main".into()),
            "git.sha" => Value::String("0000000".into()),
            "change.id" | "change.branch" => Value::String(self.text("git.branch", "main")),
            "change.type" => Value::String("chore".into()),
            "change.base" => Value::String(self.base.clone().unwrap_or_else(|| "main".into())),
            "change.files" => Value::List(Vec::new()),
            "change.added" | "change.deleted" => Value::Int(0),
            "change.conventional" => Value::Bool(true),
            "git.dirty" | "change.breaking" | "project.has" | "project.contains" | "ci" => Value::Bool(false),
            "git.tag" | "env" => Value::Absent,
            "project.version" => self.version.clone().map_or(Value::Absent, Value::String),
            "project.name" => Value::String("project".into()),
            "os" => Value::String("linux".into()),
            "arch" => Value::String("x86_64".into()),
            _ => return Err("the test does not give it".into()),
        })
    }

    fn text(&self, name: &str, otherwise: &str) -> String {
        self.given.get(name).map_or_else(|| otherwise.to_owned(), Value::to_string)
    }

    fn files(&self) -> Vec<String> {
        match self.given.get("change.files") {
            Some(Value::List(files)) => files.iter().map(Value::to_string).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Type;
    use crate::expr::facts::{Phase, TABLE};

    fn key(name: &str, arguments: &[&str]) -> FactKey {
        let arguments = arguments.iter().map(|text| Value::String((*text).into())).collect();
        FactKey { name: name.into(), arguments, ty: Type::Bool }
    }

    #[test]
    fn every_fact_of_the_start_has_a_value_when_nothing_is_given() {
        for row in TABLE.iter().filter(|row| row.phase == Phase::Start) {
            let fact = Facts::default().fact(&key(row.name, &vec!["x"; row.arguments.len()]));
            assert!(matches!(fact, Fact::Read(_)), "{}: {fact:?}", row.name);
        }
    }

    #[test]
    fn the_change_follows_from_the_files_given() {
        let files = ["src/a.rs", "docs/b.md"].map(|file| Value::Path(file.into()));
        let given = [("change.files".to_owned(), Value::List(files.to_vec()))].into();
        let facts = Facts { given, ..Facts::default() };
        let yes = Fact::Read(Value::Bool(true));
        assert_eq!(facts.fact(&key("change.touches", &["docs/**"])), yes);
        assert_ne!(facts.fact(&key("change.only", &["docs/**"])), yes);
        assert_eq!(facts.fact(&key("change.only", &["docs/**", "src/*"])), yes);
        assert_ne!(Facts::default().fact(&key("change.only", &["**"])), yes);
    }
}
