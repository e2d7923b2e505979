//! What a test gives, worked out: values of params, facts of the start, facts read while judging, the patience with
//! people. Knows no stage.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::{SourceMap, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::facts::{FactValues, Phase, find};
use crate::expr::{Expr, Kind};
use crate::model::{GivenFact, Model, ResolvedLane, Test};
use crate::plan::{self, Definition, Given};

use super::facts::Facts;
use super::scope::Seen;

/// The root of a project that is nowhere: paths are worked out beneath it and never looked at.
const ROOT: &str = "/project";

pub(super) struct Scenario<'a> {
    pub given: Given<'a>,
    pub facts: Facts,
    /// Facts read while judging, by id.
    pub judged: BTreeMap<String, Value>,
    /// Milliseconds.
    pub wait: u64,
}

/// Works out the scenario and the facts that lane and test read at the start.
pub(super) fn scenario<'a>(
    model: &'a Model,
    sources: &'a SourceMap,
    lane: &ResolvedLane,
    test: &Test,
) -> Result<Scenario<'a>, Vec<Diagnostic>> {
    let exprs = own(test);
    let mut facts = Facts {
        given: BTreeMap::new(),
        version: model.project.version.clone(),
        base: model.project.base_branch.clone(),
    };
    let plain = given(sources, BTreeMap::new(), facts.at_start(&plan::facts_of(model, &exprs)));
    let start = plan::start(model, &plain, &exprs).map_err(in_words_of_a_test)?;
    let seen = Seen::start(&start);
    let mut judged = BTreeMap::new();
    for fact in &test.facts {
        let (key, value, phase) = worked_out(fact, &seen)?;
        if phase == Some(Phase::Start) {
            facts.given.insert(key, value);
        } else {
            judged.insert(key, value);
        }
    }
    let mut params = BTreeMap::new();
    for param in &test.params {
        let value = seen.value(&param.value)?;
        params.extend(param.globals.iter().map(|global| (*global, value.clone())));
    }
    let mut keys = plan::start_facts(model, lane);
    keys.extend(plan::facts_of(model, &later(test)));
    let wait = seen.millis(test.wait.as_ref())?;
    Ok(Scenario { given: given(sources, params, facts.at_start(&keys)), facts, judged, wait })
}

fn given(sources: &SourceMap, params: BTreeMap<u32, Value>, facts: FactValues) -> Given<'_> {
    Given {
        root: PathBuf::from(ROOT),
        set: BTreeMap::new(),
        params,
        facts,
        definition: Definition::default(),
        seed: 0,
        sources,
    }
}

/// A given fact: its key, its value, and when it is read.
pub(super) fn worked_out(
    fact: &GivenFact,
    seen: &Seen<'_>,
) -> Result<(String, Value, Option<Phase>), Vec<Diagnostic>> {
    let Kind::Fact { name, arguments, .. } = &fact.fact.kind else {
        return Err(vec![super::unplayable(fact.fact.span, "this is no fact")]);
    };
    let key = seen.key(name, arguments)?;
    Ok((key, seen.value(&fact.value)?, find(name).map(|row| row.phase)))
}

/// Expressions that say what is given.
fn own(test: &Test) -> Vec<&Expr> {
    let facts = test.facts.iter().flat_map(|given| [&given.fact, &given.value]);
    // Of the fact itself only the arguments are worked out.
    let inner = facts.flat_map(|expr| match &expr.kind {
        Kind::Fact { arguments, .. } => arguments.iter().collect(),
        _ => vec![expr],
    });
    inner.chain(test.params.iter().map(|param| &param.value)).chain(&test.wait).collect()
}

/// Expressions of mocks, answers and expectations: they see what is given.
pub(super) fn later(test: &Test) -> Vec<&Expr> {
    let mut found: Vec<&Expr> = Vec::new();
    for mock in &test.mocks {
        found.extend(&mock.when);
        found.extend(mock.outputs.iter().chain(&mock.measures).map(|(_, value)| value));
        for attempt in &mock.attempts {
            found.extend([&attempt.exit, &attempt.stderr, &attempt.takes].into_iter().flatten());
        }
        for fact in &mock.facts {
            found.push(&fact.value);
            if let Kind::Fact { arguments, .. } = &fact.fact.kind {
                found.extend(arguments);
            }
        }
    }
    for answer in &test.answers {
        found.extend(answer.by.iter().chain(&answer.after));
    }
    found.extend(test.expects.iter().map(|expect| &expect.check.expr));
    found
}

/// A missing param is given by the test, not by a flag.
pub(super) fn in_words_of_a_test(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    for diagnostic in found.iter_mut().filter(|found| found.code.id == codes::E953.id) {
        let help = diagnostic.help.as_deref().unwrap_or_default();
        let flag = help.strip_prefix("give it with `--set ").and_then(|rest| rest.split_once("=…`"));
        if let Some((name, rest)) = flag {
            diagnostic.help = Some(format!("give it in the test: `given {{ {name} = … }}`{rest}"));
        }
    }
    found
}
