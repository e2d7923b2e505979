//! `wfl explain`: which stages a change needs, or what a diagnostic code means.

mod text;
mod what_if;
mod why;

use serde_json::json;

use crate::cli::args::{Explain, Format};
use crate::cli::cmd::run::{change, settings};
use crate::cli::exit::Code;
use crate::cli::ledger;
use crate::cli::output::{Terminal, table};
use crate::diag::codes::{self, Code as Row};
use crate::diag::page;
use crate::embed::{Adviser, Asked, Error, LaneVerdict, Planned, Project};
use crate::history::History;
use crate::insight::{Advice, Effort, difference};

pub fn run(args: &Explain, terminal: &Terminal) -> Result<Code, Error> {
    if let Some(word) = args.target.as_deref().filter(|word| is_code(word)) {
        return page(word, args.format, terminal);
    }
    let project = Project::for_target(args.target.as_deref())?;
    let asked = Asked {
        target: args.target.clone(),
        lane: None,
        set: settings(&args.set)?,
        change: change(&args.change),
    };
    let planned = project.outline(&asked)?;
    let store = project.history()?;
    let history = store.as_ref().map(|store| store as &dyn History);
    let adviser = Adviser::of(&planned, history)?;
    if let Some(stage) = &args.why {
        return one(&adviser, &planned, args, stage, terminal);
    }
    let advice = adviser.advise(&planned, effort(args));
    let others =
        Others { project: &project, asked: &asked, adviser: &adviser, history, effort: effort(args) };
    let others = args.what_if.iter().map(|text| others.advice(text)).collect::<Result<Vec<_>, _>>()?;
    let rules = project.verdicts(&asked)?;
    let so_far = project.ledger(Some(&advice.lane))?;
    match args.format {
        Format::Json => {
            let mut json = json_of(&advice, &rules, &args.what_if, &others);
            json["ledger"] = json!(so_far);
            terminal.json(&json);
        }
        Format::Human => {
            let advised = human(args, &advice, &rules, &others, terminal);
            terminal.data(&format!("{advised}{}", ledger::lines(&so_far)));
        }
    }
    Ok(Code::Ok)
}

fn effort(args: &Explain) -> Effort {
    match (args.safe, args.fast) {
        (true, _) => Effort::Safe,
        (_, true) => Effort::Fast,
        _ => Effort::Usual,
    }
}

/// Everything about one stage.
fn one(
    adviser: &Adviser,
    planned: &Planned,
    args: &Explain,
    stage: &str,
    terminal: &Terminal,
) -> Result<Code, Error> {
    let Some(found) = adviser.why(planned, effort(args), stage) else {
        let names: Vec<String> = planned.plan.stages.iter().map(|stage| stage.name.clone()).collect();
        let message = format!("lane `{}` has no stage `{stage}`", planned.plan.lane);
        return Err(Error::refused(message, format!("it has {}", names.join(", "))));
    };
    match args.format {
        Format::Json => terminal.json(&json!(found)),
        Format::Human => terminal.data(&why::text(&found, terminal)),
    }
    Ok(Code::Ok)
}

/// Advice on other changes.
struct Others<'a> {
    project: &'a Project,
    asked: &'a Asked,
    adviser: &'a Adviser,
    history: Option<&'a dyn History>,
    effort: Effort,
}

impl Others<'_> {
    fn advice(&self, text: &str) -> Result<Advice, Error> {
        let change = what_if::parse(text, &self.asked.change)?;
        let planned = self.project.outline(&Asked { change, ..self.asked.clone() })?;
        if planned.plan.lane == self.adviser.lane() {
            return Ok(self.adviser.advise(&planned, self.effort));
        }
        Ok(Adviser::of(&planned, self.history)?.advise(&planned, self.effort))
    }
}

fn human(
    args: &Explain,
    advice: &Advice,
    rules: &[LaneVerdict],
    others: &[Advice],
    terminal: &Terminal,
) -> String {
    let named = args.target.as_deref().is_some_and(|target| !target.ends_with(".wfl"));
    let rules = if named { String::new() } else { rules_text(rules, &advice.lane) };
    let width = terminal.width.clamp(40, 100);
    let others =
        args.what_if.iter().zip(others).map(|(asked, then)| {
            format!("\n{}", what_if::text(asked, then, &difference(advice, then), width))
        });
    let others: String = others.collect();
    format!("{}{rules}{others}", text::text(advice, terminal))
}

/// `E401`, `w110`; a lane may be named anything else. The name of a code counts too.
fn is_code(word: &str) -> bool {
    let mut chars = word.chars();
    let letter = chars.next().is_some_and(|first| "EWIewi".contains(first));
    let digits = chars.as_str();
    (letter && digits.len() == 3 && digits.chars().all(|c| c.is_ascii_digit())) || codes::find(word).is_some()
}

fn page(word: &str, format: Format, terminal: &Terminal) -> Result<Code, Error> {
    let Some(row) = codes::find(word) else {
        return Err(Error::refused(
            format!("there is no code {word}"),
            "codes are shown by `wfl check`, as in error[E401]",
        ));
    };
    match format {
        Format::Json => terminal.json(&code_json(row)),
        Format::Human => {
            terminal.data(&format!("{}[{}] {}\n\n{}", row.severity, row.id, row.name, page::plain(row.page)))
        }
    }
    Ok(Code::Ok)
}

fn code_json(row: &Row) -> serde_json::Value {
    json!({ "code": row.id, "name": row.name, "severity": row.severity.to_string(), "page": row.page })
}

fn json_of(advice: &Advice, rules: &[LaneVerdict], asked: &[String], others: &[Advice]) -> serde_json::Value {
    let mut json = json!(advice);
    json["rules"] = json!(rules);
    if !asked.is_empty() {
        let each = asked.iter().zip(others).map(|(asked, then)| {
            json!({ "change": asked, "difference": difference(advice, then), "advice": then })
        });
        json["what_if"] = each.collect();
    }
    json
}

/// Each rule of the lanes that were chosen among, and what it says.
fn rules_text(rules: &[LaneVerdict], chosen: &str) -> String {
    if rules.is_empty() {
        return String::new();
    }
    // What stands after the chosen lane was not asked any more.
    let decided = rules.iter().rposition(|rule| rule.lane == chosen).unwrap_or(rules.len());
    let rows: Vec<Vec<String>> = (0..)
        .zip(rules)
        .map(|(place, rule): (usize, &LaneVerdict)| {
            let word = match rule.holds {
                Some(true) if place > decided => "yes, too late",
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            };
            vec![rule.lane.clone(), word.into(), rule.words()]
        })
        .collect();
    format!("rules, the first lane with a yes is chosen:\n{}", table(&rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_their_names_are_told_from_lanes() {
        assert!(is_code("E401") && is_code("w110") && is_code("output-not-produced"));
        assert!(!is_code("hotfix") && !is_code("E4") && !is_code("e4x1"));
    }
}
