//! `wfl run`: plans the lane and runs it, or shows the plan.

use crate::cli::args::{self, Format, Run};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::cli::{dry, going, recommended};
use crate::embed::{Asked, Change, Error, Isolated, Planned, Project, Promoted, Selection};

pub fn run(args: &Run, terminal: &Terminal) -> Result<Code, Error> {
    let isolated = args.isolated.then(|| Isolated::new(args.target.as_deref())).transpose()?;
    let project = match &isolated {
        Some(isolated) => isolated.project()?,
        None => Project::for_target(args.target.as_deref())?,
    };
    // First: a lane that is not found is one of those.
    isolated.iter().flat_map(Isolated::notes).for_each(|line| terminal.say(&line));
    let mut planned = match &args.promote {
        None => project.plan(&asked(args)?)?,
        Some(run) => {
            let Promoted { planned, said } = project.promote(run, &asked(args)?)?;
            terminal.say(&said);
            planned
        }
    };
    adjust(&mut planned, args);
    if let Some(selection) = selection(args) {
        planned = project.select(planned, &selection)?;
    }
    if args.recommended {
        match recommended::decide(&project, planned, args, terminal)? {
            Some(decided) => planned = decided,
            None => return Ok(Code::Findings),
        }
    }
    if args.dry_run {
        return dry::show(&project, &planned, args.going.format, terminal);
    }
    if args.going.format == Format::Human {
        terminal.say(&format!("lane {}: {}", planned.plan.lane, planned.chosen.by));
    }
    let session = project.launch(planned)?;
    // From here on the checkout is the run's.
    isolated.into_iter().for_each(Isolated::hand_over);
    going::drive(session, &args.going, terminal)
}

fn asked(args: &Run) -> Result<Asked, Error> {
    Ok(Asked {
        target: args.target.clone(),
        lane: args.lane.clone(),
        set: settings(&args.set)?,
        change: change(&args.change),
    })
}

pub fn change(args: &args::Change) -> Change {
    Change {
        id: args.change_id.clone(),
        kind: args.change_type.clone(),
        files: args.files.clone(),
        base: args.base.clone(),
        message: args.message.clone(),
        added: args.added,
        deleted: args.deleted,
    }
}

/// `name=value` pairs.
pub fn settings(set: &[String]) -> Result<Vec<(String, String)>, Error> {
    set.iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_string(), value.to_string()))
            }
            _ => Err(Error::refused(
                format!("`--set {pair}` is not NAME=VALUE"),
                "write it as `--set name=value`",
            )),
        })
        .collect()
}

fn adjust(planned: &mut Planned, args: &Run) {
    if let Some(jobs) = args.jobs {
        planned.plan.parallel = crate::plan::Parallel::Limit(jobs);
    }
    if args.keep_going {
        planned.plan.on_failure = crate::plan::OnFailure::KeepGoing;
    }
    planned.order.fail_first = args.order.fail_first();
}

fn selection(args: &Run) -> Option<Selection> {
    match &args.from {
        Some(stage) => Some(Selection::From(stage.clone())),
        None if !args.only.is_empty() => Some(Selection::Only(args.only.clone())),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_what_follows_the_first_equals_sign() {
        assert_eq!(settings(&["a=b=c".into()]).unwrap(), [("a".to_string(), "b=c".to_string())]);
        assert!(settings(&["novalue".into()]).is_err());
        assert!(settings(&["=x".into()]).is_err());
    }
}
