//! What became of one case: played with repair and, where a rule is to heal it, without.

use serde_json::Value;

use super::case::{Case, Healable};
use super::picture::differences;
use super::scene::{Ended, Scene};

/// How a case ended.
#[derive(Debug, Default)]
pub struct Verdict {
    /// This machine lacks what the case needs.
    pub left_out: bool,
    /// The run succeeded without a person.
    pub healed: bool,
    /// The rules that acted, in their order.
    pub rules: Vec<String>,
    /// What was changed that should not have been.
    pub lost: Vec<String>,
    /// From the failure that was seen to the start of the attempt that succeeded, together.
    pub recovery: Option<i64>,
    /// Whether the same run without repair succeeds; none where that is not tried.
    pub healed_without: Option<bool>,
    /// What is not as declared.
    pub wrong: Vec<String>,
}

impl Verdict {
    fn note(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(what());
        }
    }
}

/// A case that cannot even be set up is wrong, and no end of the others.
pub fn of(case: &Case) -> Verdict {
    std::panic::catch_unwind(|| played(case)).unwrap_or_else(|_| Verdict {
        wrong: vec!["the case itself does not work".into()],
        ..Verdict::default()
    })
}

fn played(case: &Case) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(mut scene) = Scene::build(case) else {
        verdict.left_out = true;
        return verdict;
    };
    let before = scene.picture();
    scene.break_it();
    match case.healable {
        Healable::Yes => {
            healable(case, &scene, &mut verdict);
            verdict.lost.extend(differences(&before, &scene.picture(), &case.words("touches")));
        }
        Healable::No | Healable::Never => {
            left_to_people(case, &scene, &mut verdict);
            verdict.lost.extend(differences(&before, &scene.picture(), &case.words("touches")));
            cured(case, &scene, &mut verdict);
        }
    }
    if !scene.stranger_lives() {
        verdict.lost.push("a process that is not ours".into());
    }
    drop(scene);
    if case.healable == Healable::Yes && case.by() == "repair" {
        verdict.healed_without = Some(without_repair(case));
    }
    verdict
}

fn healable(case: &Case, scene: &Scene<'_>, verdict: &mut Verdict) {
    let resumed = scene.newest_run();
    let first = match case.by() {
        "resume" => scene.wfl(&["resume", &resumed, "--format", "json"]),
        _ => scene.wfl(&["run", "all.wfl", "--format", "json"]),
    };
    let events = first.events();
    verdict.rules = rules(&events);
    verdict.recovery = recovery(&events);
    verdict.healed = first.code == Some(0);
    verdict.note(verdict.healed, || format!("ended with {:?}: {}", first.code, told(&first)));
    if !verdict.healed {
        return;
    }
    let checked = scene.part("check");
    verdict.healed = checked.is_ok();
    verdict.note(checked.is_ok(), || checked.err().unwrap_or_default());
    let acted = verdict.rules.clone();
    verdict.note((case.by() != "repair") == acted.is_empty(), || {
        format!("declared to be healed by {}, rules that acted: {acted:?}", case.by())
    });
    let again = scene.wfl(&["run", "all.wfl", "--format", "json"]);
    verdict.note(again.code == Some(0), || format!("the second run ended with {}", told(&again)));
    if case.by() == "repair" {
        verdict.note(rules(&again.events()).is_empty(), || "the second run is repaired again".into());
    }
}

fn left_to_people(case: &Case, scene: &Scene<'_>, verdict: &mut Verdict) {
    let broken = scene.picture();
    let first = scene.wfl(&["run", "all.wfl"]);
    let wanted: i32 = case.field("code").map_or(1, |code| code.parse().expect("a number"));
    verdict.healed = first.code == Some(0);
    verdict.note(first.code == Some(wanted), || format!("ended with {:?}: {}", first.code, first.all()));
    let says = regex::Regex::new(case.field("says").expect("what it says")).expect("a regular expression");
    verdict.note(says.is_match(&first.all()), || format!("{says} is not in: {}", first.all()));
    let acted = scene.recorded("repair.started");
    let near = case.healable == Healable::Never;
    verdict.note(acted == 0 || !near, || format!("{acted} repairs acted: {}", first.all()));
    let changed = differences(&broken, &scene.picture(), &[]);
    verdict.note(changed.is_empty(), || format!("changed: {changed:?}"));
    if let Err(said) = scene.part("untouched") {
        verdict.lost.push(said);
    }
}

/// With the cause removed by hand, the run goes on.
fn cured(case: &Case, scene: &Scene<'_>, verdict: &mut Verdict) {
    let run = scene.newest_run();
    match scene.part("cure") {
        Ok(()) => {
            let mut arguments = vec!["resume", run.as_str()];
            arguments.extend(case.words("resume"));
            let resumed = scene.wfl(&arguments);
            verdict.note(resumed.code == Some(0), || format!("cannot be resumed: {}", resumed.all()));
        }
        Err(said) => verdict.wrong.push(said),
    }
}

/// The same with repair switched off: the sabotage twin of what heals.
fn without_repair(case: &Case) -> bool {
    let Some(scene) = Scene::build(case) else { return false };
    scene.break_it();
    scene.wfl(&["run", "all.wfl", "--no-repair"]).code == Some(0)
}

fn rules(events: &[Value]) -> Vec<String> {
    let started = events.iter().filter(|event| event["type"] == "repair.started");
    started.filter_map(|event| event["rule"].as_str().map(str::to_owned)).collect()
}

/// Milliseconds between each failed attempt that a repair or a retry followed and the next start of the same stage.
fn recovery(events: &[Value]) -> Option<i64> {
    let at =
        |event: &Value| event["at"].as_str()?.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
    let mut failed: std::collections::BTreeMap<&str, i64> = Default::default();
    let mut whole = None;
    for event in events {
        let (Some(stage), Some(now)) = (event["stage"].as_str(), at(event)) else { continue };
        match event["type"].as_str() {
            Some("attempt.finished") if event["outcome"]["status"] != "succeeded" => {
                failed.insert(stage, now);
            }
            Some("stage.started") => {
                if let Some(then) = failed.remove(stage) {
                    whole = Some(whole.unwrap_or(0) + now - then);
                }
            }
            _ => {}
        }
    }
    whole
}

/// The events that tell why, and what was said beside them.
fn told(ended: &Ended) -> String {
    let telling = |event: &&Value| {
        let kind = event["type"].as_str().unwrap_or_default();
        kind.starts_with("repair.") || matches!(kind, "attempt.finished" | "run.finished")
    };
    let lines: Vec<String> = ended.events().iter().filter(telling).map(|event| event.to_string()).collect();
    format!("{}\n{}", lines.join("\n"), ended.err)
}
