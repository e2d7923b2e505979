//! The values of a run's secrets: worked out at each start and resume from the environment, never stored. The caller
//! gives the environment.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::expr::Function;
use crate::expr::eval::{Scope, Stop, eval};
use crate::expr::facts::{Fact, FactKey};

use super::{Plan, Secret};

/// Reads a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value of each secret by its global's index; or the secrets that have none, each with the variable that is
/// missing.
pub fn secret_values(
    plan: &Plan,
    environment: Environment<'_>,
) -> Result<BTreeMap<u32, Value>, Vec<(String, String)>> {
    let mut values = BTreeMap::new();
    let mut missing = Vec::new();
    for secret in &plan.secrets {
        let scope = Reading { plan, environment, values: &values };
        match eval(&secret.value, &scope) {
            Ok(value) if value != Value::Absent => {
                values.insert(secret.global, value);
            }
            // What is built from a missing secret is missing for that reason, said once.
            Err(Stop::Failed { .. }) if secret.sources.is_empty() && !missing.is_empty() => {}
            _ => missing.push((secret.name.clone(), wanting(secret, environment))),
        }
    }
    if missing.is_empty() { Ok(values) } else { Err(missing) }
}

/// The first variable of the secret that is not set.
fn wanting(secret: &Secret, environment: Environment<'_>) -> String {
    let unset = secret.sources.iter().find(|name| environment(name).is_none());
    unset.or(secret.sources.first()).cloned().unwrap_or_default()
}

struct Reading<'a> {
    plan: &'a Plan,
    environment: Environment<'a>,
    values: &'a BTreeMap<u32, Value>,
}

impl Scope for Reading<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        self.values.get(&index).cloned()
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.plan.functions.get(index as usize)
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        match (key.name.as_str(), key.arguments.as_slice()) {
            ("env", [Value::String(name)]) => {
                let value = (self.environment)(name).map_or(Value::Absent, Value::String);
                Some(Fact::Read(value))
            }
            _ => self.plan.facts.get(&key.id()).cloned(),
        }
    }
}
