//! `wfl run --recommended` before it runs: what would be left out, what that saves and risks, and whether the person
//! agrees. Works no advice out.

use crate::embed::{Error, Offer, Planned, Project, identity};
use crate::event::{Course, LeftOut};
use crate::observe::advised::{named, percent};
use crate::observe::sanitise::sanitise;
use crate::observe::style::{counted, elapsed, one_line};

use super::args::Run;
use super::output::Terminal;
use super::people::{Said, choose};

/// Widest reason that is shown before the question.
const REASON: usize = 100;

/// The plan as it will run; none when the person wants nothing to run.
pub fn decide(
    project: &Project,
    planned: Planned,
    args: &Run,
    terminal: &Terminal,
) -> Result<Option<Planned>, Error> {
    let offer = project.recommend(&planned, args.recommendation.wish())?;
    if offer.is_empty() {
        terminal.say(&nothing(&offer));
        return Ok(Some(planned));
    }
    terminal.say(&text(&offer));
    if args.dry_run {
        // Nobody is asked: nothing will run.
        return Ok(Some(looked_at(offer, planned)));
    }
    if !args.going.yes && !terminal.can_ask() {
        return Err(nobody(&offer));
    }
    if offer.is_control() {
        terminal.say(&control(&offer));
        let by = identity(&planned.plan.root);
        return Ok(Some(offer.decide(planned, false, by)));
    }
    if args.going.yes {
        let by = format!("{} (--yes)", identity(&planned.plan.root));
        return Ok(Some(offer.decide(planned, false, by)));
    }
    let by = identity(&planned.plan.root);
    match choose(&question(&offer)).ok_or_else(|| nobody(&offer))? {
        Said::Yes => Ok(Some(offer.decide(planned, false, by))),
        Said::All => Ok(Some(offer.decide(planned, true, by))),
        Said::No => {
            terminal.say("nothing was run");
            Ok(None)
        }
    }
}

/// The plan as it would be if the advice were followed: what a dry run shows does not hang on a draw.
fn looked_at(mut offer: Offer, planned: Planned) -> Planned {
    offer.advised.course = Course::Followed;
    offer.decide(planned, false, String::new())
}

fn nobody(offer: &Offer) -> Error {
    let count = counted(offer.advised.left_out.len(), "stage");
    Error::refused(
        format!(
            "advice would leave out {count} of lane `{}`, and nobody is at a terminal to agree",
            offer.lane
        ),
        "`--yes` agrees, `--dry-run` shows it, and without --recommended all of it runs",
    )
}

fn nothing(offer: &Offer) -> String {
    let rests = counted(offer.advised.runs as usize, "past run");
    let mut lines =
        vec![format!("advice from {rests} leaves nothing out of lane {}: all of it runs", offer.lane)];
    lines.extend(kept_all_the_same(offer));
    lines.extend(limit(offer));
    lines.join("\n")
}

/// The advice in a few lines.
fn text(offer: &Offer) -> String {
    let advised = &offer.advised;
    let all = advised.left_out.len() + advised.kept.len();
    let mut lines = vec![format!(
        "advice from {} (confidence {:.2}): leave out {} of {} of lane {}",
        counted(advised.runs as usize, "past run"),
        advised.confidence,
        advised.left_out.len(),
        counted(all, "stage"),
        offer.lane
    )];
    lines.extend(advised.left_out.iter().map(stage));
    lines.extend(kept_all_the_same(offer));
    lines.extend(limit(offer));
    let saved = match offer.saves_ms() {
        0 => "saves: not known, they were never seen to run".to_string(),
        saved => {
            let (saved, all) = (elapsed(saved), elapsed(offer.total_ms.max(saved)));
            format!("saves about {saved} of {all} of stage time{}", sooner(offer))
        }
    };
    lines.push(format!(
        "{saved}; risks {} that one of them would have found something",
        percent(offer.risk())
    ));
    lines.join("\n")
}

fn stage(stage: &LeftOut) -> String {
    let below = stage.threshold.map(|limit| format!(", below {}", percent(limit))).unwrap_or_default();
    let below = format!(" ({}{below})", counted(stage.executions as usize, "execution"));
    let because = one_line(&sanitise(&stage.because), REASON);
    format!("  - {}: {} to be missed{below}; {because}", stage.stage, percent(stage.probability))
}

fn sooner(offer: &Offer) -> String {
    let ms = offer.advised.sooner_ms.filter(|ms| *ms > 0);
    ms.map(|ms| format!(" and ends about {} sooner", elapsed(ms))).unwrap_or_default()
}

/// What the limit of `--safe` and `--fast` rests on, or why there is none.
fn limit(offer: &Offer) -> Option<String> {
    let found = offer.validation.as_ref()?;
    if let Some(why) = &found.refused {
        return Some(format!("  no stage is left out for its low risk: {why}"));
    }
    Some(format!(
        "  the limit was chosen by {}; of the {} newer ones {} would still have been found ({} to {}), {} asked for",
        counted(found.chosen_by, "failure"),
        found.failures,
        found.caught,
        percent(found.recall_low.unwrap_or(0.0)),
        percent(found.recall_high.unwrap_or(1.0)),
        percent(found.target)
    ))
}

fn kept_all_the_same(offer: &Offer) -> Vec<String> {
    let line = |(stage, why): &(String, String)| format!("  + {stage} runs all the same: {why}");
    offer.refused.iter().map(line).collect()
}

fn control(offer: &Offer) -> String {
    let advised = &offer.advised;
    let count = counted(advised.left_out.len(), "stage");
    format!(
        "this run is one of the {} % that run all of it, so that it is known what advice misses: {count} would have been \
         left out ({})",
        advised.control,
        named(&advised.left_out)
    )
}

fn question(offer: &Offer) -> String {
    let them = if offer.advised.left_out.len() == 1 { "it" } else { "them" };
    format!("Run without {them}? [y = run, a = run all of it, N = run nothing] ")
}
