//! What a run was advised to leave out, in words: at its end, in its listing, and where somebody asks why a stage was not
//! run. Pure text from what was recorded.

use crate::event::{Advised, Course, LeftOut, NodeIndex, RunStatus, Status};
use crate::plan::{Plan, Preset};

use super::Board;
use super::style::{counted, elapsed};

/// Stages named on one line.
const NAMED: usize = 8;

/// `0.4 %`, `3 %`; what is not nothing is never shown as nothing.
pub fn percent(share: f64) -> String {
    let percent = share.clamp(0.0, 1.0) * 100.0;
    match percent {
        0.0 => "0 %".into(),
        less if less < 0.1 => "less than 0.1 %".into(),
        small if small < 9.95 => format!("{small:.1} %"),
        large => format!("{large:.0} %"),
    }
}

/// The first names, and how many more there are.
pub fn named(stages: &[LeftOut]) -> String {
    let names: Vec<&str> = stages.iter().take(NAMED).map(|stage| stage.stage.as_str()).collect();
    match stages.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// One line: what was advised and what was done with it.
pub fn headline(advised: &Advised) -> String {
    let stages = counted(advised.left_out.len(), "stage");
    let names = named(&advised.left_out);
    let rests = format!("history of {}", counted(advised.runs as usize, "run"));
    match advised.course {
        Course::Followed => {
            format!("{stages} left out by --recommended{} ({names}), {rests}", advised.effort.flag())
        }
        Course::Control => format!("control run: all of it ran, {stages} would have been left out ({names})"),
        Course::Declined => {
            format!("declined by {}: all of it ran, {stages} would have been left out ({names})", advised.by)
        }
    }
}

/// Why the advice left the node out, and how to run it; none where it did not.
pub fn why(plan: &Plan, node: NodeIndex) -> Option<String> {
    let advised = plan.advised.as_ref().filter(|advised| advised.course == Course::Followed)?;
    let own = plan.nodes.get(node as usize).filter(|node| matches!(node.preset, Some(Preset::LeftOut(_))))?;
    let name = plan.stages.get(own.stage as usize)?.name.as_str();
    let Some(stage) = advised.left_out.iter().find(|stage| stage.stage == name) else {
        return Some("It belongs to a stage that was left out.".into());
    };
    let rests = counted(advised.runs as usize, "run");
    let below =
        stage.threshold.map(|limit| format!(" (left out below {})", percent(limit))).unwrap_or_default();
    let because =
        if stage.because.is_empty() { String::new() } else { format!(" {}.", capital(&stage.because)) };
    Some(format!(
        "From {rests} of this lane: {} to be missed here{below}.{because} `wfl run {}` runs it.",
        percent(stage.probability),
        plan.lane
    ))
}

fn capital(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// At the end of a run: what it says nothing of, or what a control run found.
pub fn summary(plan: &Plan, board: &Board, program: &str) -> Vec<String> {
    let Some(advised) = plan.advised.as_ref().filter(|_| board.ending.is_some()) else { return Vec::new() };
    let count = counted(advised.left_out.len(), "stage");
    if advised.course != Course::Followed {
        return vec![found(plan, board, advised)];
    }
    let saved: u64 = advised.left_out.iter().filter_map(|stage| stage.saves_ms).sum();
    let saved = if saved > 0 { format!(", about {} saved", elapsed(saved)) } else { String::new() };
    let one = advised.left_out.len() == 1;
    let (was, them) = if one { ("was", "it") } else { ("were", "them") };
    let rests = counted(advised.runs as usize, "run");
    let mut lines = vec![format!(
        "{count} {was} not run, on advice from {rests}{saved}: this run says nothing of {them}"
    )];
    if board.ending.as_ref().is_some_and(|ending| ending.status == RunStatus::Succeeded) {
        lines.push(format!("  next: {program} run {}", plan.lane));
    }
    lines
}

/// What running all of it showed of the stages that would have been left out.
fn found(plan: &Plan, board: &Board, advised: &Advised) -> String {
    let status = |name: &str| -> Vec<Status> {
        let stage = plan.stages.iter().find(|stage| stage.name == name);
        stage.into_iter().flat_map(|stage| &stage.nodes).map(|&node| board.status(node)).collect()
    };
    let bad = |stage: &&LeftOut| {
        let ends = status(&stage.stage);
        ends.iter().any(|status| matches!(status, Status::Failed | Status::TimedOut | Status::Warned))
    };
    let missed: Vec<&str> = advised.left_out.iter().filter(bad).map(|stage| stage.stage.as_str()).collect();
    let what = match advised.course {
        Course::Declined => "advice that was not followed",
        _ => "control run",
    };
    let would = format!("{what}: {} would have been left out", named(&advised.left_out));
    match missed.is_empty() {
        true => format!("{would}, and none of them found anything"),
        false => {
            format!("{would}; {} found something, which the advice would have missed", missed.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::base::Timestamp;
    use crate::event::{Event, Record};

    fn advised(course: Course) -> Advised {
        let stage = LeftOut {
            stage: "unit".into(),
            probability: 0.004,
            needed: 0.9,
            executions: 60,
            threshold: Some(0.02),
            saves_ms: Some(61_000),
            because: "`docs/` only: 41 of 42 such changes never failed `unit`".into(),
        };
        Advised {
            course,
            left_out: vec![stage],
            runs: 120,
            by: "ada@team.example".into(),
            ..Advised::default()
        }
    }

    fn plan(course: Course) -> Plan {
        let mut plan = fixture::plan();
        plan.advised = Some(Box::new(advised(course)));
        if course == Course::Followed {
            plan.nodes[1].preset = Some(Preset::LeftOut("left out by --recommended".into()));
        }
        plan
    }

    fn board(status: Status) -> Board {
        let finished = |node, status| Event::StageFinished {
            node,
            status,
            reason: None,
            outputs: Default::default(),
            duration_ms: 1,
        };
        let ended = Event::RunFinished {
            status: RunStatus::Succeeded,
            exit: 0,
            cause: None,
            node: None,
            duration_ms: 9,
        };
        let events = [finished(1, status), ended];
        let records = (1..).zip(events).map(|(seq, event)| Record { seq, at: Timestamp(0), event });
        Board::from_records(3, &records.collect::<Vec<_>>())
    }

    #[test]
    fn a_share_that_is_not_nothing_is_not_shown_as_nothing() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.000_01), "less than 0.1 %");
        assert_eq!(percent(0.004), "0.4 %");
        assert_eq!(percent(0.0999), "10 %");
        assert_eq!(percent(7.0), "100 %");
    }

    #[test]
    fn the_summary_says_what_was_not_run_and_how_to_run_it() {
        let lines = summary(&plan(Course::Followed), &board(Status::Skipped), "wfl");
        assert!(lines[0].contains("1 stage was not run") && lines[0].contains("120 runs"), "{lines:?}");
        assert!(lines[0].contains("1m 01s saved") && lines[1].contains("wfl run hotfix"), "{lines:?}");
        assert!(summary(&fixture::plan(), &board(Status::Skipped), "wfl").is_empty());
    }

    #[test]
    fn a_control_run_says_what_the_advice_would_have_missed() {
        let missed = summary(&plan(Course::Control), &board(Status::Failed), "wfl");
        assert!(missed[0].contains("unit found something"), "{missed:?}");
        let right = summary(&plan(Course::Control), &board(Status::Succeeded), "wfl");
        assert!(right[0].contains("none of them found anything"), "{right:?}");
    }

    #[test]
    fn why_gives_the_chance_the_limit_and_the_reason() {
        let text = why(&plan(Course::Followed), 1).unwrap_or_default();
        for part in ["120 runs", "0.4 %", "below 2.0 %", "41 of 42", "`wfl run hotfix`"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(why(&plan(Course::Control), 1), None);
        assert_eq!(why(&plan(Course::Followed), 0), None);
    }
}
